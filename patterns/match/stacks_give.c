/* All matches that an event completes, in the order of docs/semantics.md 5.
 *
 * Every match has one event a place, so the order is that of their positions, and a walk
 * forward through the rings yields it: from an entry on, the entries of the next place
 * that came after it, or with `->` the first of them. Which entries of a place lead to
 * the event at hand is a stretch, found from the last place backward, so that no step
 * of the walk is in vain.
 */
#include <stdlib.h>
#include <string.h>

#include "match/stacks.h"

static void
find_ranges(weiri_executor *self, const weiri_stacks_state *state)
{
    uint32_t k      = self->n_rings - 1;
    self->ranges[k] = weiri_stacks_waiting(self, state, k);
    for (; k > 0; k--) {
        weiri_stack_range of   = self->ranges[k];
        uint32_t          tail = state->rings[k].tail;
        uint32_t          from = state->rings[k - 1].tail;
        if (self->places[k].is_relaxed && of.from != tail) {
            from = weiri_stacks_later(
                from, weiri_stacks_at(self, state, k, of.from - 1)->until);
        }
        self->ranges[k - 1] = (weiri_stack_range){ .from = from,
            .to = weiri_stacks_at(self, state, k, of.to - 1)->until };
    }
}

/* Those of place k that may follow an entry of the place before. */
static weiri_stack_range
after(const weiri_executor *self, const weiri_stack_entry *entry, uint32_t k)
{
    weiri_stack_range all  = self->ranges[k];
    uint32_t          from = weiri_stacks_later(entry->since, all.from);
    return (weiri_stack_range){ .from = from,
        .to                           = self->places[k].is_relaxed ? from + 1 : all.to };
}

/* With a row for all places each takes its own registers anew; else a row a place. */
static weiri_cell *
cells_of(const weiri_executor *self, uint32_t place)
{
    return self->cells + (self->is_one_row ? 0 : (size_t)place * self->n_cells);
}

/* What the match holds after a place is what it held before and one event more. */
static void
take(weiri_executor *self, uint32_t place, const weiri_cell *kept)
{
    weiri_registers *registers = self->core->registers;
    weiri_cell      *cells     = cells_of(self, place);
    uint32_t         step      = self->places[place].step;
    if (self->n_cells == 0) {
        return;
    }
    if (self->is_one_row) {
        weiri_registers_retake(registers, cells, step, kept);
        return;
    }
    if (place == 0) {
        weiri_registers_clear(registers, cells);
    } else {
        weiri_registers_copy(registers, cells, cells_of(self, place - 1));
    }
    weiri_registers_take_kept(registers, cells, step, kept);
}

static void
untake(weiri_executor *self, uint32_t place)
{
    if (self->n_cells > 0 && !self->is_one_row) {
        weiri_registers_release(self->core->registers, cells_of(self, place));
    }
}

static void
give_one(weiri_executor *self)
{
    uint32_t last = self->n_places - 1;
    if (!self->is_one_row) {
        take(self, last, self->last);
    }
    const weiri_given match = {
        .taken   = self->taken,
        .n_taken = self->n_places,
        .cells   = cells_of(self, last),
        .moment  = { .key = self->key,
             .start_ns    = self->taken[0].time_ns,
             .end_ns      = self->end_ns },
    };
    self->core->counts.matches++;
    self->n_given++;
    weiri_core_give(self->core, &match);
    untake(self, last);
}

static bool
is_over(const weiri_executor *self)
{
    return self->n_given >= self->core->plan->max_matches
           || self->core->status != WEIR_OK;
}

static void
enter(weiri_executor *self, uint32_t place, const weiri_stack_entry *entry)
{
    self->taken[place].time_ns = entry->time_ns;
    self->taken[place].order   = entry->order;
    take(self, place, entry->kept);
}

/* Depth first, without recursion: the place that stands still is the innermost. */
static void
walk(weiri_executor *self, const weiri_stacks_state *state)
{
    weiri_stack_range at[WEIRI_STACKS_PLACES];
    uint32_t          k = 0;
    at[0]               = self->ranges[0];
    for (;;) {
        if (at[k].from == at[k].to || is_over(self)) {
            if (k == 0) {
                return;
            }
            untake(self, --k);
            at[k].from++;
            continue;
        }
        const weiri_stack_entry *entry = weiri_stacks_at(self, state, k, at[k].from);
        enter(self, k, entry);
        if (k + 1 < self->n_rings) {
            k++;
            at[k] = after(self, entry, k);
        } else {
            give_one(self);
            untake(self, k);
            at[k].from++;
        }
    }
}

/* ---- counting ---- */

static uint64_t
add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static bool
reserve_ways(weiri_executor *self, size_t n)
{
    if (n > self->n_ways) {
        uint64_t *ways = realloc(self->ways, 2 * n * sizeof *ways);
        if (ways == NULL) {
            self->core->status = WEIR_ENOMEM;
            return false;
        }
        self->ways   = ways;
        self->n_ways = 2 * n;
    }
    return true;
}

/* How many matches there are, without a walk: for each entry of a place the number of
 * ways from there and from those after it. At UINT64_MAX it stays. */
static uint64_t
count(weiri_executor *self, const weiri_stacks_state *state)
{
    uint32_t          k    = self->n_rings - 1;
    weiri_stack_range next = self->ranges[k];
    size_t            n    = 2;
    for (uint32_t i = 0; i < self->n_rings; i++) {
        size_t width = self->ranges[i].to - self->ranges[i].from + 1;
        n            = width > n ? width : n;
    }
    if (k == 0) {
        return next.to - next.from;
    }
    if (!reserve_ways(self, 2 * n)) {
        return 0;
    }
    uint64_t *of_next = self->ways;
    uint64_t *of_this = self->ways + n;
    for (uint32_t i = next.from; i != next.to + 1; i++) {
        of_next[i - next.from] = next.to - i;
    }
    while (k-- > 0) {
        weiri_stack_range these        = self->ranges[k];
        of_this[these.to - these.from] = 0;
        for (uint32_t i = these.to; i-- != these.from;) {
            weiri_stack_range ways =
                after(self, weiri_stacks_at(self, state, k, i), k + 1);
            uint64_t mine = of_next[ways.from - next.from];
            if (self->places[k + 1].is_relaxed && mine != UINT64_MAX) {
                mine -= of_next[ways.from + 1 - next.from];
            }
            of_this[i - these.from] = add(of_this[i + 1 - these.from], mine);
        }
        uint64_t *other = of_next;
        of_next         = of_this;
        of_this         = other;
        next            = these;
    }
    return of_next[0];
}

/* ---- */

static void
prepare(weiri_executor *self, const weiri_partition *partition, const weiri_event *event)
{
    uint32_t last             = self->n_places - 1;
    self->end_ns              = event->time_ns;
    self->n_given             = 0;
    self->taken[last].time_ns = event->time_ns;
    self->taken[last].order   = event->order;
    weiri_keys_values(self->core->keys, partition, self->key);
    weiri_registers_keep(
        self->core->registers, self->last, self->places[last].step, event);
    if (self->is_one_row) {
        weiri_registers_clear(self->core->registers, self->cells);
        take(self, last, self->last);
    }
}

static void
forget(weiri_executor *self)
{
    weiri_registers *registers = self->core->registers;
    if (self->is_one_row) {
        weiri_registers_release(registers, self->cells);
    }
    weiri_registers_release_kept(
        registers, self->places[self->n_places - 1].step, self->last);
}

void
weiri_stacks_give(
    weiri_executor *self, const weiri_partition *partition, const weiri_event *event)
{
    weiri_core               *core  = self->core;
    const weiri_stacks_state *state = weiri_stacks_state_of(partition);
    bool has_reader = core->sink.emitted != NULL || core->sink.matched != NULL;
    if (self->n_rings > 0) {
        find_ranges(self, state);
    }
    if (!has_reader) {
        uint64_t n     = self->n_rings > 0 ? count(self, state) : 1;
        uint64_t given = n < core->plan->max_matches ? n : core->plan->max_matches;
        core->counts.matches += given;
        core->counts.dropped_matches += n - given;
        return;
    }
    prepare(self, partition, event);
    if (self->n_rings == 0) {
        if (!is_over(self)) {
            give_one(self);
        } else {
            core->counts.dropped_matches++;
        }
    } else {
        walk(self, state);
        if (self->n_given >= core->plan->max_matches) {
            core->counts.dropped_matches += count(self, state) - self->n_given;
        }
    }
    forget(self);
}
