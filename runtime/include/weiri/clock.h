/* weiri_clock: a source's own event-time clock. Decides, once, which events are late.
 *
 * The clock stands at the newest event's time less the lateness. An event is late when
 * its time is before the clock as it stood when the event came. What the clock says is a
 * pure function of the source's events and idle marks.
 */
#ifndef WEIRI_CLOCK_H
#define WEIRI_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct weiri_clock {
    int64_t lateness_ns; /* >= 0 */
    int64_t newest_ns;   /* time of the newest event; INT64_MIN before the first   */
    int64_t now_ns;      /* every event with a time before this has been delivered;
                          * INT64_MIN before the first, INT64_MAX at the end          */
} weiri_clock;

void
weiri_clock_init(weiri_clock *self, int64_t lateness_ns);

/* Admit events in the order in which the source delivered them.
 *
 *   time_ns      shape (n,)
 *   is_late      shape (n,): set to 1 for each late event, else 0
 *   is_in_order  whether the events that are not late never go back in time
 *   returns      how many are late
 */
uint32_t
weiri_clock_admit(weiri_clock *self, const int64_t *time_ns, uint32_t n, uint8_t *is_late,
    bool *is_in_order);

/* Let time go on to `to_ns` without an event (a silent source). Never goes back. */
void
weiri_clock_advance(weiri_clock *self, int64_t to_ns);

/* No event will come any more. */
void
weiri_clock_close(weiri_clock *self);

#endif
