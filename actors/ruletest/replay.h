/* A match once more, over the rows of a test, to see which events its matches take. */
#ifndef WEIRI_REPLAY_H
#define WEIRI_REPLAY_H

#include "weiri/graph.h"
#include "weiri/matcher.h"
#include "weiri/ruletest.h"

typedef struct weiri_replay {
    const weiri_plan  *plan;
    const weiri_graph *graph; /* after the one pass of a test */
    int64_t            deadline_ns;
} weiri_replay;

typedef void
weiri_replay_matched(void *context, bool is_timeout, int64_t time_ns,
    const weiri_taken *taken, uint32_t n_taken);

/* Feed all rows of its inputs to a match, which need not be one of the plan.
 *
 *   matched  is called for each match and timeout; nothing is emitted
 *   errors   WEIR_ENOMEM; WEIR_EINVAL  no automaton can be made of the match
 */
WEIR_MUST_CHECK weir_status
weiri_replay_match(const weiri_replay *self, const weiri_match *match,
    weiri_replay_matched *matched, void *context);

/* Count what happened in a test. */
WEIR_MUST_CHECK weir_status
weiri_replay_cover(const weiri_replay *self, weiri_coverage *coverage);

#endif
