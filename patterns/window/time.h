/* Sums of times, held inside int64. */
#ifndef WEIRI_WINDOW_TIME_H
#define WEIRI_WINDOW_TIME_H

#include <stdint.h>

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

/* Differences of times may wrap around: adding one gives the time back all the same. */
static inline int64_t
weiri_minus_ns(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

#endif
