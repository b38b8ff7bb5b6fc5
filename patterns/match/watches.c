#include "match/watches.h"

#define MAX_WATCHES (UINT64_C(1) << 56)

void
weiri_watches_init(weiri_watches *self)
{
    *self = (weiri_watches){ .last_ns = INT64_MIN };
}

void
weiri_watches_fini(weiri_watches *self)
{
    weiri_timers_fini(&self->timers);
}

static bool
append(weiri_watches *self, const weiri_watch *watch, uint32_t partition)
{
    if (weiri_timers_is_full(&self->timers) && !weiri_timers_grow(&self->timers)) {
        return false;
    }
    weiri_timers_append(&self->timers, (weiri_timer){ .deadline_ns = watch->deadline_ns,
                                           .start                  = watch->number,
                                           .partition              = partition });
    return true;
}

bool
weiri_watches_set(
    weiri_watches *self, weiri_watch *watch, uint32_t partition, int64_t deadline_ns)
{
    if (deadline_ns > self->last_ns) {
        self->last_ns = deadline_ns;
    }
    watch->number      = ++self->n_set;
    watch->deadline_ns = self->last_ns;
    return append(self, watch, partition);
}

int64_t
weiri_watches_next(const weiri_watches *self)
{
    const weiri_timer *first = weiri_timers_first(&self->timers);
    return first != NULL ? first->deadline_ns : INT64_MAX;
}

/* ---- state as bytes ---- */

void
weiri_watches_save(const weiri_watches *self, weiri_pack *out)
{
    weiri_pack_number(out, self->n_set);
    weiri_pack_time(out, self->last_ns);
}

void
weiri_watches_load(weiri_watches *self, weiri_unpack *in)
{
    uint64_t n_set   = weiri_unpack_below(in, MAX_WATCHES, "it is watched too often");
    int64_t  last_ns = weiri_unpack_time(in);
    self->n_set      = n_set > self->n_set ? n_set : self->n_set;
    self->last_ns    = last_ns > self->last_ns ? last_ns : self->last_ns;
}

void
weiri_watch_save(const weiri_watch *watch, weiri_pack *out)
{
    weiri_pack_number(out, watch->number);
    if (watch->number != 0) {
        weiri_pack_time(out, watch->deadline_ns);
    }
}

bool
weiri_watch_load(
    weiri_watches *self, weiri_watch *watch, uint32_t partition, weiri_unpack *in)
{
    watch->number =
        weiri_unpack_below(in, self->n_set + 1, "a partition is watched in no known way");
    if (watch->number == 0) {
        return true;
    }
    watch->deadline_ns = weiri_unpack_time(in);
    return append(self, watch, partition);
}

void
weiri_watches_loaded(weiri_watches *self)
{
    weiri_timers *timers = &self->timers;
    weiri_timers_sort(timers);
    if (timers->tail > 0 && timers->queue[timers->tail - 1].deadline_ns > self->last_ns) {
        self->last_ns = timers->queue[timers->tail - 1].deadline_ns;
    }
}
