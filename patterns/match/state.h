/* A matcher's state by key, see weiri/keyed.h.
 *
 *   head       executor, fingerprint of the rule; the order of the next event, counters;
 *              what the executor wants to be sure of
 *   part 0     what the executor keeps of a partition
 *   part 1     what `limit` has noted of a key
 */
#ifndef WEIRI_STATE_H
#define WEIRI_STATE_H

#include "match/executor.h"

/* The parts of a matcher that have a state. */
typedef struct weiri_stateful {
    weiri_core               *core;
    const weiri_executor_ops *ops;
    weiri_executor           *executor;
    uint64_t                  n_events; /* fed so far */
} weiri_stateful;

/* As weiri_matcher_save. */
WEIR_MUST_CHECK weir_status
weiri_state_save(const weiri_stateful *self, weiri_keyed *out, weir_error *err);

/* As weiri_matcher_load; `n_events` is read, too. */
WEIR_MUST_CHECK weir_status
weiri_state_load(weiri_stateful *self, const weiri_keyed_load *from, weir_error *err);

#endif
