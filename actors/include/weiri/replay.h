/* weiri_replay: what a rule's sources hold, read again to explain one key or match.
 *
 * The plan is run as `weir run` would run it, but nothing is written. Beside the events
 * of the key, what the engine itself gives for it is kept, to hold explanations against.
 */
#ifndef WEIRI_REPLAY_H
#define WEIRI_REPLAY_H

#include "weiri/engine.h"
#include "weiri/gather.h"

/* What is asked about: a key, a match by its number among those of the rule, from 1, or a
 * match by the line of JSON that it made. */
typedef struct weiri_replay_request {
    uint32_t              rule;
    const char           *key;
    uint64_t              number; /* 0: not asked */
    const char           *line;   /* NULL: not asked */
    const weiri_redirect *redirects;
    size_t                n_redirects;
} weiri_replay_request;

/* A match that the engine gave for the key. */
typedef struct weiri_replayed_match {
    uint64_t     number; /* among those of the rule, from 1; of a timeout 0 */
    bool         is_timeout;
    int64_t      time_ns;
    weiri_taken *taken; /* shape (n_taken,) */
    uint32_t     n_taken;
    const char  *line; /* what it made, as JSON */
} weiri_replayed_match;

typedef struct weiri_replay weiri_replay;

/* Read the sources.
 *
 *   errors  as weiri_engine_new and weiri_engine_turn
 *           WEIR_EINVAL  the rule is a query; a match is asked for and a source cannot be
 *                        read twice
 *           WEIR_ENOENT  there is no such match
 */
WEIR_MUST_CHECK weir_status
weiri_replay_new(const weiri_plan *plan, const weiri_replay_request *request,
    weiri_replay **out, weir_error *err);

void
weiri_replay_destroy(weiri_replay **self_p);

/* The events of the key; n = 0 if there was none. */
weiri_gathered
weiri_replay_events(const weiri_replay *self);

/* Events of the key that were late, by time. shape (n,) */
const weiri_trace_event *
weiri_replay_lates(const weiri_replay *self, uint32_t *n);

/* What the engine gave for the key, in order. shape (n,) */
const weiri_replayed_match *
weiri_replay_matches(const weiri_replay *self, uint32_t *n);

/* The number of the match that was asked for; 0: a key was. */
uint64_t
weiri_replay_number(const weiri_replay *self);

/* Deadlines before it have fired: time stopped there. */
int64_t
weiri_replay_end(const weiri_replay *self);

weiri_engine_counts
weiri_replay_counts(const weiri_replay *self);

#endif
