/* The executor "stacks" as bytes.
 *
 * A partition is the entries of each place, oldest first; orders and times are
 * differences to the one before. Which entries lead to which follows from their orders,
 * and so do the numbers, which begin at 0 anew.
 */
#include "match/stacks.h"

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

static void
save_place(const weiri_executor *self, const weiri_stacks_state *state, uint32_t k,
    weiri_pack *out, weiri_seen *seen)
{
    const weiri_stack_ring *ring    = &state->rings[k];
    uint64_t                order   = 0;
    int64_t                 time_ns = 0;
    weiri_pack_number(out, ring->head - ring->tail);
    for (uint32_t i = ring->tail; i != ring->head; i++) {
        const weiri_stack_entry *at = weiri_stacks_at(self, state, k, i);
        weiri_pack_number(out, at->order - order);
        weiri_pack_time(out, minus(at->time_ns, time_ns));
        weiri_registers_save_kept(
            self->core->registers, self->places[k].step, at->kept, out, seen);
        order   = at->order;
        time_ns = at->time_ns;
    }
}

void
weiri_stacks_save_partition(const weiri_executor *self, const weiri_partition *partition,
    weiri_pack *out, weiri_seen *seen)
{
    const weiri_stacks_state *state = weiri_stacks_state_of(partition);
    for (uint32_t k = 0; k < self->n_rings; k++) {
        save_place(self, state, k, out, seen);
    }
    weiri_watch_save(&state->watch, out);
}

/* ---- loading ---- */

typedef struct moment {
    uint64_t order;
    int64_t  time_ns;
} moment;

static void
load_entry(weiri_executor *self, weiri_stacks_state *state, uint32_t k, moment *before,
    weiri_unpack *in, weiri_shared *shared)
{
    weiri_stack_entry *made = weiri_stacks_make(self, state, k);
    if (made == NULL) {
        weiri_unpack_fail(in, "there is no memory for it");
        return;
    }
    made->order =
        before->order + weiri_unpack_below(in, MAX_ORDER, "an event has no known order");
    made->time_ns = plus(before->time_ns, weiri_unpack_time(in));
    made->until   = 0;
    made->since   = 0;
    weiri_registers_load_kept(
        self->core->registers, self->places[k].step, made->kept, in, shared);
    if (made->order >= MAX_ORDER) {
        weiri_unpack_fail(in, "an event has no known order");
    }
    *before = (moment){ .order = made->order, .time_ns = made->time_ns };
}

static void
load_place(weiri_executor *self, weiri_stacks_state *state, uint32_t k, weiri_unpack *in,
    weiri_shared *shared)
{
    moment   before = { .order = 0 };
    uint64_t n =
        weiri_unpack_below(in, (uint64_t)weiri_stacks_most(self->core->plan, k) + 1,
            "a place has too many events");
    for (uint64_t i = 0; i < n && in->wrong == NULL; i++) {
        moment last = before;
        load_entry(self, state, k, &before, in, shared);
        if (i > 0 && (before.order <= last.order || before.time_ns < last.time_ns)) {
            weiri_unpack_fail(in, "events are out of order");
        }
    }
}

/* What of place k - 1 came before each entry of place k, and what of place k came after
 * each of place k - 1. An entry that nothing came before, or with `->` nothing that
 * waited still, could not have been taken. */
static void
connect(
    const weiri_executor *self, weiri_stacks_state *state, uint32_t k, weiri_unpack *in)
{
    weiri_stack_ring *before = &state->rings[k - 1];
    uint32_t          until  = 0;
    for (uint32_t i = 0; i < state->rings[k].head; i++) {
        weiri_stack_entry *at    = weiri_stacks_at(self, state, k, i);
        bool               moved = false;
        for (; until < before->head; until++, moved = true) {
            weiri_stack_entry *from = weiri_stacks_at(self, state, k - 1, until);
            if (from->order >= at->order) {
                break;
            }
            from->since = i;
        }
        at->until = until;
        if (until == 0 || (self->places[k].is_relaxed && !moved)) {
            weiri_unpack_fail(in, "an event is taken that nothing waits for");
        }
    }
    for (uint32_t i = until; i < before->head; i++) {
        weiri_stacks_at(self, state, k - 1, i)->since = state->rings[k].head;
    }
    if (self->places[k].is_relaxed) {
        before->gone = until;
    }
}

void
weiri_stacks_load_partition(weiri_executor *self, weiri_partition *partition,
    weiri_unpack *in, weiri_shared *shared)
{
    weiri_stacks_state *state = weiri_stacks_state_of(partition);
    for (uint32_t k = 0; k < self->n_rings && in->wrong == NULL; k++) {
        load_place(self, state, k, in, shared);
        if (k > 0 && in->wrong == NULL) {
            connect(self, state, k, in);
        }
    }
    if (!weiri_watch_load(&self->watches, &state->watch, partition->self, in)
        || weiri_registers_is_out_of_memory(self->core->registers)) {
        self->core->status = WEIR_ENOMEM;
    }
}

void
weiri_stacks_save(const weiri_executor *self, weiri_pack *out)
{
    weiri_watches_save(&self->watches, out);
}

void
weiri_stacks_load(weiri_executor *self, weiri_unpack *in)
{
    weiri_watches_load(&self->watches, in);
}

void
weiri_stacks_loaded(weiri_executor *self)
{
    weiri_watches_loaded(&self->watches);
}
