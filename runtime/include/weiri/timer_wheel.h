/* weiri_timer_wheel: timers that fire in the order (deadline, order of setting).
 *
 * Source: hierarchical timing wheels, Varghese and Lauck, "Hashed and Hierarchical Timing
 * Wheels", SOSP 1987, scheme 7; the wheel of a timer is the highest base-64 digit in
 * which its deadline differs from now, as in a radix heap (Ahuja et al., "Faster
 * Algorithms for the Shortest Path Problem", JACM 37(2), 1990), so that eleven wheels of
 * 64 slots hold any int64 nanosecond and an idle wheel costs nothing to turn.
 */
#ifndef WEIRI_TIMER_WHEEL_H
#define WEIRI_TIMER_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/error.h"

typedef struct weiri_timer_wheel weiri_timer_wheel;

typedef struct weiri_timer {
    int64_t  deadline_ns;
    uint64_t owner;
    uint64_t tag;
    uint32_t life;
} weiri_timer;

/* Time stands at INT64_MIN. */
WEIR_MUST_CHECK weir_status
weiri_timer_wheel_new(uint32_t max_timers, weiri_timer_wheel **out);

void
weiri_timer_wheel_destroy(weiri_timer_wheel **self_p);

/*   id      never 0
 *   errors  WEIR_EFULL  max_timers are set; WEIR_ENOMEM: nothing changed
 *   cost    O(1)
 */
WEIR_MUST_CHECK weir_status
weiri_timer_wheel_set(weiri_timer_wheel *self, const weiri_timer *timer, uint64_t *id);

/* False if it has fired or was cancelled before. O(1) */
bool
weiri_timer_wheel_cancel(weiri_timer_wheel *self, uint64_t id);

/* Timers with a deadline before `to_ns` are due from now on. Never goes back. */
void
weiri_timer_wheel_advance(weiri_timer_wheel *self, int64_t to_ns);

/* What it was advanced to. */
int64_t
weiri_timer_wheel_now(const weiri_timer_wheel *self);

/* The next timer that is due, borrowed until the wheel changes; NULL: none is. */
const weiri_timer *
weiri_timer_wheel_peek(weiri_timer_wheel *self);

/* Forget the timer that weiri_timer_wheel_peek gives. */
void
weiri_timer_wheel_pop(weiri_timer_wheel *self);

uint32_t
weiri_timer_wheel_size(const weiri_timer_wheel *self);

/* A time at or before the earliest deadline, after which it is worth to look again;
 * INT64_MAX for an empty wheel. */
int64_t
weiri_timer_wheel_next(const weiri_timer_wheel *self);

#endif
