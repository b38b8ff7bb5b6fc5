/* Sums of times, held inside int64. */
#ifndef WEIRI_WINDOW_TIME_H
#define WEIRI_WINDOW_TIME_H

#include <stdint.h>

#include "weiri/window.h"

/* a + b, held inside int64. */
static inline int64_t
weiri_add_ns(int64_t a, int64_t b)
{
    int64_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum)) {
        return b > 0 ? INT64_MAX : INT64_MIN;
    }
    return sum;
}

/* The greatest multiple of width <= t, held inside int64. */
static inline int64_t
weiri_floor_ns(int64_t t, int64_t width)
{
    int64_t rest = t % width;
    return weiri_add_ns(t, rest < 0 ? -(rest + width) : -rest);
}

/* The greatest time <= t that is a multiple of width after the windows' offset. */
static inline int64_t
weiri_window_floor(const weiri_window *window, int64_t t, int64_t width)
{
    int64_t offset = window->offset_ns;
    return offset == 0
               ? weiri_floor_ns(t, width)
               : weiri_add_ns(weiri_floor_ns(weiri_add_ns(t, -offset), width), offset);
}

/* The tumbling window that a time is in, held inside int64. */
void
weiri_window_span(const weiri_window *window, int64_t t, int64_t *start, int64_t *end);

/* Differences of times may wrap around: adding one gives the time back all the same. */
static inline int64_t
weiri_minus_ns(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

#endif
