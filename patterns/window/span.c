#include "weiri/limits.h"
#include "weiri/timetext.h"
#include "window/time.h"

enum { MONTHS_PER_YEAR = 12 };

#define DAY_NS INT64_C(86400000000000)

/* The first moment of a month, counted from January of the year 0, held inside int64. */
static int64_t
begin_of(int64_t month, int64_t offset_ns)
{
    int64_t year = month / MONTHS_PER_YEAR; /* times in ns are of years above zero */
    int64_t days = weiri_days_of(year, (int)(month % MONTHS_PER_YEAR) + 1, 1);
    int64_t ns   = 0;
    if (__builtin_mul_overflow(days, DAY_NS, &ns)) {
        ns = days > 0 ? INT64_MAX : INT64_MIN;
    }
    return weiri_add_ns(ns, offset_ns);
}

void
weiri_window_span(const weiri_window *window, int64_t t, int64_t *start, int64_t *end)
{
    if (window->months == 0) {
        *start = weiri_window_floor(window, t, window->width_ns);
        *end   = weiri_add_ns(*start, window->width_ns);
        return;
    }
    weiri_civil civil = weiri_civil_of(weiri_add_ns(t, -window->offset_ns));
    int64_t     month = MONTHS_PER_YEAR * civil.year + civil.month - 1;
    month -= month % window->months;
    *start = begin_of(month, window->offset_ns);
    *end   = begin_of(month + window->months, window->offset_ns);
}
