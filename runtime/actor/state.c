#include "state.h"

/* One that failed while it was drained, and recovers, has nothing left to drain: the
 * shard remembers that, so that `running` will do. */
const uint8_t weiri_actor_transitions[N_ACTOR_STATES][N_ACTOR_STEPS] = {
    [ACTOR_CREATED] = { [ACTOR_START] = ACTOR_RUNNING, [ACTOR_FAIL] = ACTOR_FAILED },
    [ACTOR_RUNNING] = { [ACTOR_PAUSE] = ACTOR_PAUSED,
        [ACTOR_FAIL]                  = ACTOR_FAILED,
        [ACTOR_DRAIN]                 = ACTOR_DRAINED },
    [ACTOR_PAUSED]  = { [ACTOR_RESUME] = ACTOR_RUNNING, [ACTOR_FAIL] = ACTOR_FAILED },
    [ACTOR_FAILED]  = { [ACTOR_RECOVER] = ACTOR_RUNNING, [ACTOR_FAIL] = ACTOR_FAILED },
    [ACTOR_DRAINED] = { [ACTOR_PAUSE] = ACTOR_PAUSED, [ACTOR_FAIL] = ACTOR_FAILED },
};
