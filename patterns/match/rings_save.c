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
save_entry(const weiri_executor *self, uint32_t step, entry *at, moment before,
    weiri_pack *out, weiri_seen *seen)
{
    weiri_pack_number(out, at->order - before.order);
    weiri_pack_time(out, minus(at->time_ns, before.time_ns));
    weiri_registers_save_kept(
        self->core->registers, self->steps[step], weiri_rings_kept(at, step), out, seen);
    return (moment){ .order = at->order, .time_ns = at->time_ns };
}

static void
save_step(const weiri_executor *self, const weiri_partition *partition, uint32_t step,
    weiri_pack *out, weiri_seen *seen)
{
    const rings_state *state  = state_of(partition);
    const ring        *of     = &state->moved[step - 1];
    const entry       *start  = weiri_rings_start(self, partition, state->tail);
    moment             before = { .order = start->order, .time_ns = start->time_ns };
    uint32_t           until  = state->tail;
    weiri_pack_number(out, of->head - of->tail);
    for (uint32_t i = of->tail; i != of->head; i++) {
        entry   *at       = weiri_rings_moved_at(self, state, step, i);
        uint32_t at_until = (uint32_t)*weiri_rings_until(at);
        weiri_pack_number(out, at_until - until);
        before = save_entry(self, step, at, before, out, seen);
        until  = at_until;
    }
}

void
weiri_rings_save_partition(const weiri_executor *self, const weiri_partition *partition,
    weiri_pack *out, weiri_seen *seen)
{
    const rings_state *state  = state_of(partition);
    moment             before = { .order = 0 };
    weiri_pack_number(out, state->head - state->tail);
    for (uint32_t i = state->tail; i != state->head; i++) {
        entry *at = weiri_rings_start(self, partition, i);
        before    = save_entry(self, 0, at, before, out, seen);
    }
    for (uint32_t step = 1; step < self->n_held; step++) {
        save_step(self, partition, step, out, seen);
    }
}

/* ---- loading ---- */

static void
load_entry(weiri_executor *self, uint32_t step, entry *at, moment *before,
    weiri_unpack *in, weiri_shared *shared)
{
    before->order += weiri_unpack_below(in, MAX_ORDER, "an event has no known order");
    before->time_ns  = plus(before->time_ns, weiri_unpack_time(in));
    at->order        = before->order;
    at->time_ns      = before->time_ns;
    weiri_cell *kept = weiri_rings_kept(at, step);
    memset(kept, 0,
        weiri_registers_kept_cells(self->core->registers, self->steps[step])
            * sizeof *kept);
    weiri_registers_load_kept(self->core->registers, self->steps[step], kept, in, shared);
    if (before->order >= MAX_ORDER) {
        weiri_unpack_fail(in, "an event has no known order");
    }
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

static void
load_starts(weiri_executor *self, weiri_partition *partition, weiri_unpack *in,
    weiri_shared *shared)
{
    moment   before = { .order = 0 };
    uint32_t n      = (uint32_t)weiri_unpack_below(
             in, (uint64_t)self->core->plan->max_runs + 1, "a partition has too many starts");
    for (uint32_t i = 0; i < n && in->wrong == NULL; i++) {
        moment last = before;
        entry *at   = weiri_rings_push_start(self, partition);
        if (at == NULL) {
            weiri_unpack_fail(in, "there is no memory for it");
            return;
        }
        load_entry(self, 0, at, &before, in, shared);
        if (i > 0 && (at->order <= last.order || at->time_ns < last.time_ns)) {
            weiri_unpack_fail(in, "starts are out of order");
        }
        if (self->is_absence) {
            add_timer(
                self, partition, weiri_rings_deadline(self, at->time_ns), at->order);
        }
    }
}

/* The starts that a step has moved are some of those that the step before it has, and
 * every event moved some: without that, an empty queue could be read from. */
static uint32_t
load_step(weiri_executor *self, weiri_partition *partition, uint32_t step, uint32_t most,
    weiri_unpack *in, weiri_shared *shared)
{
    rings_state *state  = state_of(partition);
    moment       before = { .order = 0 };
    uint32_t     until  = 0;
    uint64_t     n = weiri_unpack_below(in, most + (uint64_t)1, "too many starts moved");
    if (state->tail != state->head) {
        const entry *start = weiri_rings_start(self, partition, state->tail);
        before             = (moment){ .order = start->order, .time_ns = start->time_ns };
    }
    for (; n > 0 && in->wrong == NULL; n--) {
        uint32_t moved = (uint32_t)weiri_unpack_below(
            in, most - until + (uint64_t)1, "too many starts moved");
        entry *at = weiri_rings_push_moved(self, state, step);
        if (at == NULL) {
            weiri_unpack_fail(in, "there is no memory for it");
            return until;
        }
        until += moved;
        *weiri_rings_until(at) = until;
        load_entry(self, step, at, &before, in, shared);
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
    const rings_state *state = state_of(partition);
    load_starts(self, partition, in, shared);
    uint32_t moved = state->head;
    for (uint32_t step = 1; step < self->n_held && in->wrong == NULL; step++) {
        moved = load_step(self, partition, step, moved, in, shared);
    }
    if (!self->is_absence && state->head > 0 && in->wrong == NULL) {
        weiri_rings_watch(
            self, partition, weiri_rings_start(self, partition, 0)->time_ns);
    }
    if (weiri_registers_is_out_of_memory(self->core->registers)) {
        self->core->status = WEIR_ENOMEM;
    }
}

void
weiri_rings_loaded(weiri_executor *self)
{
    weiri_timers_sort(&self->timers);
}
