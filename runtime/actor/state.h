/* The states of an actor and what leads from one to the next: one table. */
#ifndef ACTOR_STATE_H
#define ACTOR_STATE_H

#include <stdint.h>

/* X(name, what it is) */
#define ACTOR_STATE_LIST(X)                                                              \
    X(ACTOR_GONE, "gone")       /* no such actor; also: that cannot happen            */ \
    X(ACTOR_CREATED, "created") /* not started                                        */ \
    X(ACTOR_RUNNING, "running")                                                          \
    X(ACTOR_PAUSED, "paused")   /* it said: not now                                   */ \
    X(ACTOR_FAILED, "failed")   /* until its supervisor has decided and, if it is to  */ \
                                /* be restarted, the back-off is over                 */ \
    X(ACTOR_DRAINED, "drained") /* it has given what it held back                     */

typedef enum actor_state {
#define X(name, text) name,
    ACTOR_STATE_LIST(X)
#undef X
        N_ACTOR_STATES
} actor_state;

#define ACTOR_STEP_LIST(X)                                                               \
    X(ACTOR_START, "start")                                                              \
    X(ACTOR_PAUSE, "pause")                                                              \
    X(ACTOR_RESUME, "resume")                                                            \
    X(ACTOR_FAIL, "fail")                                                                \
    X(ACTOR_RECOVER, "recover")                                                          \
    X(ACTOR_DRAIN, "drain")                                                              \
    X(ACTOR_STOP, "stop")

typedef enum actor_step {
#define X(name, text) name,
    ACTOR_STEP_LIST(X)
#undef X
        N_ACTOR_STEPS
} actor_step;

/* ACTOR_GONE: the step cannot be taken from there, except ACTOR_STOP, which leads there.
 */
extern const uint8_t weiri_actor_transitions[N_ACTOR_STATES][N_ACTOR_STEPS];

#endif
