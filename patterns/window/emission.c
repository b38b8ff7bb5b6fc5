#include "window/emission.h"

#include <stdlib.h>

#include "window/time.h"

static int64_t
time_at(const weiri_emission *self, uint32_t i)
{
    return self->times[(self->head + i) & (self->room - 1)];
}

static void
forget_old(weiri_emission *self, int64_t limit_ns, int64_t now_ns)
{
    while (self->n > 0 && weiri_add_ns(time_at(self, 0), limit_ns) <= now_ns) {
        self->head = (self->head + 1) & (self->room - 1);
        self->n--;
    }
}

static bool
note(weiri_emission *self, int64_t time_ns)
{
    if (self->n == self->room) {
        uint32_t room  = self->room == 0 ? 1 : 2 * self->room;
        int64_t *times = malloc(room * sizeof *times);
        if (times == NULL) {
            return false;
        }
        for (uint32_t i = 0; i < self->n; i++) {
            times[i] = time_at(self, i);
        }
        free(self->times);
        self->times = times;
        self->room  = room;
        self->head  = 0;
    }
    self->times[(self->head + self->n++) & (self->room - 1)] = time_ns;
    return true;
}

bool
weiri_emission_allow(weiri_emission *self, uint32_t limit, int64_t limit_ns,
    int64_t time_ns, bool *is_allowed)
{
    forget_old(self, limit_ns, time_ns);
    *is_allowed = self->n < limit;
    return !*is_allowed || note(self, time_ns);
}

int64_t
weiri_emission_over_from(const weiri_emission *self, int64_t limit_ns)
{
    return self->n == 0 ? INT64_MIN : weiri_add_ns(time_at(self, self->n - 1), limit_ns);
}

bool
weiri_emission_tell(const weiri_emission *self, uint32_t limit, int64_t limit_ns,
    bool has_changes, const weiri_inspector *inspector)
{
    weiri_held_given given = { .n = self->n,
        .limit                    = limit_ns >= 0 ? limit : 0,
        .next_ns                  = INT64_MIN,
        .has_changes              = has_changes,
        .was_true                 = self->was_true };
    if (self->n == 0 && !has_changes) {
        return true;
    }
    int64_t *times = malloc((self->n + (size_t)1) * sizeof *times);
    for (uint32_t i = 0; times != NULL && i < self->n; i++) {
        times[i] = time_at(self, i);
    }
    if (times != NULL) {
        given.times_ns = times;
        if (limit_ns >= 0 && self->n >= limit) {
            given.next_ns = weiri_add_ns(times[self->n - limit], limit_ns);
        }
        inspector->given(inspector->context, &given);
    }
    free(times);
    return times != NULL;
}

void
weiri_emission_fini(weiri_emission *self)
{
    free(self->times);
    *self = (weiri_emission){ 0 };
}

void
weiri_emission_save(const weiri_emission *self, weiri_pack *out)
{
    int64_t before = 0;
    weiri_pack_number(out, self->n);
    for (uint32_t i = 0; i < self->n; i++) {
        weiri_pack_time(out, weiri_minus_ns(time_at(self, i), before));
        before = time_at(self, i);
    }
}

bool
weiri_emission_load(weiri_emission *self, uint32_t limit, weiri_unpack *in)
{
    uint64_t n = weiri_unpack_below(
        in, limit + (uint64_t)1, "a key has emitted more than its limit");
    int64_t before = 0;
    for (uint64_t i = 0; i < n; i++) {
        int64_t time_ns = (int64_t)((uint64_t)before + (uint64_t)weiri_unpack_time(in));
        if (i > 0 && time_ns < before) {
            weiri_unpack_fail(in, "times are out of order");
        }
        if (in->wrong != NULL || !note(self, time_ns)) {
            return false;
        }
        before = time_ns;
    }
    return in->wrong == NULL;
}
