/* A matcher's state as bytes.
 *
 *   "weirM" and the format's version
 *   executor, fingerprint of the rule
 *   what belongs to no partition: counters, what the executor keeps for all, what `limit`
 *   has noted of each key
 *   how many partitions, then each by itself: its key, and what the executor keeps of it
 *   a hash of all this
 *
 * A partition refers to nothing outside itself, so that it can be written and read alone.
 */
#ifndef WEIRI_STATE_H
#define WEIRI_STATE_H

#include "match/executor.h"

enum { WEIRI_STATE_VERSION = 1 };

/* The parts of a matcher that have a state. */
typedef struct weiri_stateful {
    weiri_core               *core;
    const weiri_executor_ops *ops;
    weiri_executor           *executor;
    uint64_t                  n_events; /* fed so far */
} weiri_stateful;

/* As weiri_matcher_save. */
WEIR_MUST_CHECK weir_status
weiri_state_save(const weiri_stateful *self, weiri_pack *out, weir_error *err);

/* As weiri_matcher_load; `n_events` is read, too. */
WEIR_MUST_CHECK weir_status
weiri_state_load(
    weiri_stateful *self, const uint8_t *bytes, size_t size, weir_error *err);

#endif
