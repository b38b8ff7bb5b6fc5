#include "weiri/clock.h"

#include <string.h>

void
weiri_clock_init(weiri_clock *self, int64_t lateness_ns)
{
    *self = (weiri_clock){
        .lateness_ns = lateness_ns, .newest_ns = INT64_MIN, .now_ns = INT64_MIN
    };
}

void
weiri_clock_advance(weiri_clock *self, int64_t to_ns)
{
    if (to_ns > self->now_ns) {
        self->now_ns = to_ns;
    }
}

void
weiri_clock_close(weiri_clock *self)
{
    self->now_ns = INT64_MAX;
}

static void
see_event(weiri_clock *self, int64_t time_ns)
{
    if (time_ns <= self->newest_ns) {
        return;
    }
    self->newest_ns = time_ns;
    if (time_ns >= INT64_MIN + self->lateness_ns) {
        weiri_clock_advance(self, time_ns - self->lateness_ns);
    }
}

/* The common case, found in one vectorisable pass: nothing goes back in time. */
static bool
never_goes_back(const int64_t *time_ns, uint32_t n)
{
    uint32_t steps_back = 0;
    for (uint32_t i = 1; i < n; i++) {
        steps_back += time_ns[i] < time_ns[i - 1];
    }
    return steps_back == 0;
}

uint32_t
weiri_clock_admit(weiri_clock *self, const int64_t *time_ns, uint32_t n, uint8_t *is_late,
    bool *is_in_order)
{
    *is_in_order = true;
    memset(is_late, 0, n);
    if (n == 0) {
        return 0;
    }
    if (time_ns[0] >= self->now_ns && never_goes_back(time_ns, n)) {
        see_event(self, time_ns[n - 1]);
        return 0;
    }
    uint32_t n_late   = 0;
    int64_t  previous = INT64_MIN;
    for (uint32_t i = 0; i < n; i++) {
        if (time_ns[i] < self->now_ns) {
            is_late[i] = 1;
            n_late++;
            continue;
        }
        *is_in_order = *is_in_order && time_ns[i] >= previous;
        previous     = time_ns[i];
        see_event(self, time_ns[i]);
    }
    return n_late;
}
