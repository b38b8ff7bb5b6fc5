/* The executor "rings" as bytes.
 *
 * A partition is its starts, then for each step in between the events that moved
 * a boundary; orders and times are differences to the one before. Starts are numbered
 * from 0 anew. Timers are not written: they follow from the starts.
 */
#include <string.h>

#include "match/rings.h"

#define MAX_ORDER (UINT64_C(1) << 56)

/* Differences of times may wrap around: adding one gives the time back all the same. */
static int64_t
minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t
plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* ---- saving ---- */

typedef struct moment {
    uint64_t order;
    int64_t  time_ns;
} moment;

static moment
save_entry(const weiri_executor *self, uint32_t step, const entry *at, moment before,
    weiri_pack *out, weiri_seen *seen)
{
    weiri_pack_number(out, at->order - before.order);
    weiri_pack_time(out, minus(at->time_ns, before.time_ns));
    weiri_registers_save_kept(
        self->core->registers, self->steps[step], at->kept, out, seen);
    return (moment){ .order = at->order, .time_ns = at->time_ns };
}

static void
save_step(const weiri_executor *self, const rings_state *state, uint32_t step,
    weiri_pack *out, weiri_seen *seen)
{
    const entry *start  = entry_at(self, 0, state->steps[0].first);
    moment       before = { .order = start->order, .time_ns = start->time_ns };
    uint32_t     until  = state->tail;
    uint32_t     n      = 0;
    for (uint32_t i = state->steps[step].first; i != 0; n++) {
        i = entry_at(self, step, i)->next;
    }
    weiri_pack_number(out, n);
    for (uint32_t i = state->steps[step].first; i != 0;) {
        const entry *at = entry_at(self, step, i);
        weiri_pack_number(out, at->until - until);
        before = save_entry(self, step, at, before, out, seen);
        until  = at->until;
        i      = at->next;
    }
}

void
weiri_rings_save_partition(const weiri_executor *self, const weiri_partition *partition,
    weiri_pack *out, weiri_seen *seen)
{
    const rings_state *state  = state_of(partition);
    moment             before = { .order = 0 };
    uint32_t           first  = state->steps[0].first;
    weiri_pack_number(out, state->head - state->tail);
    for (uint32_t i = first; i != 0;) {
        const entry *at = entry_at(self, 0, i);
        before          = save_entry(self, 0, at, before, out, seen);
        i               = at->next;
    }
    for (uint32_t step = 1; step < self->n_held; step++) {
        save_step(self, state, step, out, seen);
    }
}

/* ---- loading ---- */

static entry *
load_entry(weiri_executor *self, rings_state *state, uint32_t step, moment *before,
    weiri_unpack *in, weiri_shared *shared)
{
    uint32_t number = weiri_pool_take(&self->entries[step]);
    entry   *at     = entry_at(self, step, number);
    queue   *to     = &state->steps[step];
    if (number == 0) {
        self->core->status = WEIR_ENOMEM;
        weiri_unpack_fail(in, "there is no memory for it");
        return at;
    }
    before->order += weiri_unpack_below(in, MAX_ORDER, "an event has no known order");
    before->time_ns = plus(before->time_ns, weiri_unpack_time(in));
    at->next        = 0;
    at->order       = before->order;
    at->time_ns     = before->time_ns;
    weiri_registers_load_kept(
        self->core->registers, self->steps[step], at->kept, in, shared);
    if (to->last != 0) {
        entry_at(self, step, to->last)->next = number;
    } else {
        to->first = number;
    }
    to->last = number;
    if (before->order >= MAX_ORDER) {
        weiri_unpack_fail(in, "an event has no known order");
    }
    return at;
}

static int64_t
deadline_of(const weiri_executor *self, int64_t start_ns)
{
    int64_t within = self->core->plan->within_ns;
    return within < 0 || start_ns > INT64_MAX - within ? INT64_MAX : start_ns + within;
}

static void
add_timer(weiri_executor *self, const weiri_partition *partition, int64_t deadline_ns,
    uint64_t start)
{
    if (weiri_timers_is_full(&self->timers) && !weiri_timers_grow(&self->timers)) {
        self->core->status = WEIR_ENOMEM;
        return;
    }
    weiri_timers_append(&self->timers,
        (weiri_timer){
            .deadline_ns = deadline_ns, .start = start, .partition = partition->self });
}

/* The watch that was saved may have been for a start that has gone by now; it would have
 * been followed by this one. */
static void
watch_start(weiri_executor *self, const weiri_partition *partition, int64_t start_ns)
{
    int64_t deadline_ns = deadline_of(self, start_ns);
    if (deadline_ns != INT64_MAX) {
        state_of(partition)->watch = ++self->n_watches;
        add_timer(self, partition, deadline_ns, self->n_watches);
    }
}

static void
load_starts(weiri_executor *self, weiri_partition *partition, weiri_unpack *in,
    weiri_shared *shared)
{
    rings_state *state  = state_of(partition);
    moment       before = { .order = 0 };
    uint32_t     n      = (uint32_t)weiri_unpack_below(
                 in, (uint64_t)self->core->plan->max_runs + 1, "a partition has too many starts");
    for (; state->head < n && in->wrong == NULL; state->head++) {
        moment       last = before;
        const entry *at   = load_entry(self, state, 0, &before, in, shared);
        if (state->head > 0 && (at->order <= last.order || at->time_ns < last.time_ns)) {
            weiri_unpack_fail(in, "starts are out of order");
        }
        if (self->is_absence) {
            add_timer(self, partition, deadline_of(self, at->time_ns), at->order);
        }
        self->n_starts++;
    }
}

/* The starts that a step has moved are some of those that the step before it has, and
 * every event moved some: without that, an empty queue could be read from. */
static uint32_t
load_step(weiri_executor *self, rings_state *state, uint32_t step, uint32_t most,
    weiri_unpack *in, weiri_shared *shared)
{
    const entry *start  = entry_at(self, 0, state->steps[0].first);
    moment       before = { .order = start->order, .time_ns = start->time_ns };
    uint32_t     until  = 0;
    uint64_t     n = weiri_unpack_below(in, most + (uint64_t)1, "too many starts moved");
    for (; n > 0 && in->wrong == NULL; n--) {
        uint32_t moved = (uint32_t)weiri_unpack_below(
            in, most - until + (uint64_t)1, "too many starts moved");
        until += moved;
        load_entry(self, state, step, &before, in, shared)->until = until;
        if (moved == 0) {
            weiri_unpack_fail(in, "an event moved no start");
        }
    }
    return until;
}

void
weiri_rings_load_partition(weiri_executor *self, weiri_partition *partition,
    weiri_unpack *in, weiri_shared *shared)
{
    rings_state *state = state_of(partition);
    load_starts(self, partition, in, shared);
    uint32_t moved = state->head;
    for (uint32_t step = 1; step < self->n_held && in->wrong == NULL; step++) {
        moved = load_step(self, state, step, moved, in, shared);
    }
    if (!self->is_absence && state->head > 0) {
        watch_start(self, partition, entry_at(self, 0, state->steps[0].first)->time_ns);
    }
    if (weiri_registers_is_out_of_memory(self->core->registers)) {
        self->core->status = WEIR_ENOMEM;
    }
}

void
weiri_rings_loaded(weiri_executor *self)
{
    weiri_timers *timers = &self->timers;
    weiri_timers_sort(timers);
    if (!self->is_absence && timers->tail > 0) {
        self->last_watch_ns = timers->queue[timers->tail - 1].deadline_ns;
    }
}
