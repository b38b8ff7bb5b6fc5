#include "aggregate/slide.h"

#include "aggregate/foreign.h"
#include "aggregate/quantile.h"
#include "aggregate/sorted.h"
#include "aggregate/suffixes.h"
#include "weiri/prefetch.h"

/* MIN, MAX: rows of which none is better and later than another, oldest first. */
typedef struct candidate {
    weiri_cell cell; /* borrowed from the ring */
    uint64_t   number;
} candidate;

typedef struct candidates {
    candidate *items; /* a ring, shape (room,) */
    uint32_t   head;
    uint32_t   n;
    uint32_t   room; /* power of two, or 0 */
} candidates;

/* FIRST, LAST: the row's number + 1; 0: none. */
typedef uint64_t pointed;

/* Moments. */
typedef struct stacks {
    char *suffixes; /* of rows first … end - 1: moments of it and all after it < end */
    uint64_t first;
    uint64_t end;
    size_t   room; /* bytes */
    /* then the moments of rows end … tail - 1 */
} stacks;

/* DISTINCT, TOP. */
typedef weiri_multiset counted;

/* Whether a plugin's aggregate can take a row out again. */
static bool
removes(const weiri_aggregate *plan)
{
    return plan->kind == WEIRI_AGGREGATE_PLUGIN && plan->foreign->table->remove != NULL;
}

/* Whether it cannot, and can merge. */
static bool
merges(const weiri_aggregate *plan)
{
    return plan->kind == WEIRI_AGGREGATE_PLUGIN && plan->foreign->table->remove == NULL
           && plan->foreign->table->merge != NULL;
}

size_t
weiri_slide_size(const weiri_aggregate *plan)
{
    switch (plan->kind) {
    case WEIRI_AGGREGATE_KEY:
    case WEIRI_AGGREGATE_START:
    case WEIRI_AGGREGATE_END:
    case WEIRI_AGGREGATE_LAG:
    case WEIRI_AGGREGATE_COLLECT: return 0;
    case WEIRI_AGGREGATE_COUNT: return sizeof(uint64_t);
    case WEIRI_AGGREGATE_SUM:
    case WEIRI_AGGREGATE_AVG: return sizeof(weiri_sum);
    case WEIRI_AGGREGATE_MIN:
    case WEIRI_AGGREGATE_MAX: return sizeof(candidates);
    case WEIRI_AGGREGATE_FIRST:
    case WEIRI_AGGREGATE_LAST: return sizeof(pointed);
    case WEIRI_AGGREGATE_MEDIAN:
    case WEIRI_AGGREGATE_QUANTILE: return sizeof(weiri_sorted *);
    case WEIRI_AGGREGATE_DISTINCT:
    case WEIRI_AGGREGATE_TOP: return sizeof(counted);
    case WEIRI_AGGREGATE_PLUGIN:
        return merges(plan) ? sizeof(weiri_suffixes) : sizeof(weiri_foreign_tally);
    default: return sizeof(stacks) + weiri_moments_size(plan->kind);
    }
}

const char *
weiri_slide_way(const weiri_aggregate *plan)
{
    switch (plan->kind) {
    case WEIRI_AGGREGATE_KEY:
    case WEIRI_AGGREGATE_START:
    case WEIRI_AGGREGATE_END:
    case WEIRI_AGGREGATE_LAG:
    case WEIRI_AGGREGATE_COLLECT: return "read off the rows";
    case WEIRI_AGGREGATE_COUNT:
    case WEIRI_AGGREGATE_SUM:
    case WEIRI_AGGREGATE_AVG:
    case WEIRI_AGGREGATE_MEDIAN:
    case WEIRI_AGGREGATE_QUANTILE:
    case WEIRI_AGGREGATE_DISTINCT:
    case WEIRI_AGGREGATE_TOP: return "subtract";
    case WEIRI_AGGREGATE_MIN:
    case WEIRI_AGGREGATE_MAX: return "queue of candidates";
    case WEIRI_AGGREGATE_FIRST:
    case WEIRI_AGGREGATE_LAST: return "pointer to a row";
    case WEIRI_AGGREGATE_PLUGIN:
        return removes(plan)  ? "subtract"
               : merges(plan) ? "two stacks"
                              : "read off the rows";
    default: return "two stacks";
    }
}

static weiri_cell
cell_at(const weiri_ring *ring, uint32_t stride, uint64_t number, uint32_t word)
{
    return (weiri_cell){ .bits = weiri_ring_row(ring, stride, number)[word] };
}

static bool
is_taken(const weiri_slide_spec *spec, const weiri_ring *ring, uint64_t number)
{
    uint64_t mask = weiri_ring_row(ring, spec->stride, number)[WEIRI_ROW_MASK];
    return ((mask >> spec->index) & 1) != 0;
}

/* ---- minimum and maximum ---- */

static bool
candidates_grow(candidates *self)
{
    uint32_t   room  = self->room == 0 ? 4 : 2 * self->room;
    candidate *items = malloc(room * sizeof *items);
    if (items == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < self->n; i++) {
        items[i] = self->items[(self->head + i) & (self->room - 1)];
    }
    free(self->items);
    *self = (candidates){ items, 0, self->n, room };
    return true;
}

static bool
candidates_add(
    const weiri_aggregate *plan, candidates *self, weiri_cell cell, uint64_t number)
{
    weir_type type = plan->argument->type;
    int       sign = plan->kind == WEIRI_AGGREGATE_MIN ? 1 : -1;
    while (self->n > 0) {
        weiri_cell last = self->items[(self->head + self->n - 1) & (self->room - 1)].cell;
        /* Of equal ones the first stays the answer: it may differ, as -0.0 from 0.0. */
        if (sign * weiri_cell_compare(type, last, cell) <= 0) {
            break;
        }
        self->n--;
    }
    if (self->n == self->room && !candidates_grow(self)) {
        return false;
    }
    self->items[(self->head + self->n++) & (self->room - 1)] =
        (candidate){ cell, number };
    return true;
}

static void
candidates_evict(candidates *self, uint64_t number)
{
    if (self->n > 0 && self->items[self->head].number == number) {
        self->head = (self->head + 1) & (self->room - 1);
        self->n--;
    }
}

/* ---- moments ---- */

static weiri_sample
sample_at(const weiri_slide_spec *spec, const weiri_ring *ring, uint64_t number)
{
    const uint64_t *row = weiri_ring_row(ring, spec->stride, number);
    return (weiri_sample){ { .bits = row[spec->x] }, { .bits = row[spec->y] },
        (int64_t)row[WEIRI_ROW_TIME] };
}

/* Make suffixes of all rows there are; the total begins anew. */
static bool
stacks_flip(const weiri_slide_spec *spec, stacks *self, const weiri_ring *ring)
{
    size_t size = weiri_moments_size(spec->plan->kind);
    size_t need = (size_t)(ring->tail - ring->head) * size;
    if (need > self->room || need < self->room / 8) {
        char *suffixes = malloc(need);
        if (suffixes == NULL) {
            return false;
        }
        free(self->suffixes);
        self->suffixes = suffixes;
        self->room     = need;
    }
    self->first      = ring->head;
    self->end        = ring->tail;
    const char *next = NULL;
    for (uint64_t number = self->end; number-- > self->first;) {
        char *suffix = self->suffixes + (size_t)(number - self->first) * size;
        memset(suffix, 0, size);
        if (is_taken(spec, ring, number)) {
            weiri_sample sample = sample_at(spec, ring, number);
            weiri_moments_add_sample(spec->plan, suffix, &sample);
        }
        if (next != NULL) {
            weiri_moments_merge_any(spec->plan, suffix, next);
        }
        next = suffix;
    }
    memset(self + 1, 0, size);
    return true;
}

static weir_value
stacks_value(const weiri_slide_spec *spec, const stacks *self, const weiri_ring *ring,
    uint64_t *faults)
{
    union {
        weiri_moments   one;
        weiri_comoments two;
        weiri_decayed   old;
    } total;
    size_t size = weiri_moments_size(spec->plan->kind);
    memset(&total, 0, sizeof total);
    if (ring->head < self->end) {
        memcpy(&total, self->suffixes + (size_t)(ring->head - self->first) * size, size);
    }
    weiri_moments_merge_any(spec->plan, &total, self + 1);
    return weiri_moments_value(spec->plan, &total, faults);
}

/* ---- values in order ---- */

static bool
sorted_add(weiri_sorted **self_p, int64_t rank)
{
    if (*self_p == NULL) {
        *self_p = weiri_sorted_new();
    }
    return *self_p != NULL && weiri_sorted_add(*self_p, rank);
}

static weir_value
sorted_value(const weiri_aggregate *plan, const weiri_sorted *self)
{
    if (self == NULL || weiri_sorted_size(self) == 0) {
        return weiri_null_of(plan->type);
    }
    size_t  n     = weiri_sorted_size(self);
    double  p     = plan->kind == WEIRI_AGGREGATE_MEDIAN ? 0.5 : plan->p;
    double  place = p * (double)(n - 1);
    size_t  whole = (size_t)place;
    int64_t low   = weiri_sorted_at(self, whole);
    int64_t high  = whole + 1 < n ? weiri_sorted_at(self, whole + 1) : low;
    return weiri_quantile_between(plan->argument->type, low, high, place - (double)whole);
}

/* ---- sets ---- */

static bool
set_add(const weiri_aggregate *plan, counted *self, weiri_cell cell)
{
    self->type = plan->argument->type;
    return weiri_multiset_add(self, cell, 1);
}

/* ---- first, last, collect ---- */

static pointed
next_taken(const weiri_slide_spec *spec, const weiri_ring *ring, uint64_t number)
{
    for (; number < ring->tail; number++) {
        if (is_taken(spec, ring, number)) {
            return number + 1;
        }
    }
    return 0;
}

static bool
collect_value(const weiri_slide_spec *spec, const weiri_ring *ring, weiri_list *list,
    weir_value *out)
{
    weir_type element = spec->plan->argument->type;
    if (!weiri_list_begin(list, element)) {
        return false;
    }
    for (uint64_t number = ring->head; number < ring->tail; number++) {
        if (is_taken(spec, ring, number)
            && !weiri_list_push(
                list, element, cell_at(ring, spec->stride, number, spec->x))) {
            return false;
        }
    }
    *out = weiri_list_value(list);
    return true;
}

/* ---- lag ---- */

/* The k-th row back that is taken, the event's own left out. */
static weir_value
lag_value(const weiri_slide_spec *spec, const weiri_ring *ring)
{
    uint64_t number = ring->tail - spec->plan->index;
    uint32_t n      = 0;
    while (number > ring->head) {
        number--;
        n += is_taken(spec, ring, number);
        if (n == spec->plan->k) {
            return weiri_cell_value(
                spec->type, cell_at(ring, spec->stride, number, spec->x));
        }
    }
    return weiri_null_of(spec->plan->type);
}

/* ---- aggregates of plugins ---- */

static void
foreign_add(
    const weiri_slide_spec *spec, void *state, const weiri_ring *ring, uint64_t number)
{
    weiri_sample sample = sample_at(spec, ring, number);
    weiri_foreign_add_cells(spec->plan, state, sample.x, sample.y, sample.time_ns);
}

static weir_value
foreign_value(const weiri_slide_spec *spec, void *state, const weiri_ring *ring,
    weiri_results *results)
{
    const weiri_foreign *foreign = spec->plan->foreign;
    if (merges(spec->plan)) {
        return weiri_suffixes_value(
            spec, state, ring, &results->lists[spec->index], &results->faults);
    }
    if (!removes(spec->plan)) {
        weiri_foreign_clear(foreign, state);
        for (uint64_t number = ring->head; number < ring->tail; number++) {
            if (is_taken(spec, ring, number)) {
                foreign_add(spec, state, ring, number);
            }
        }
    }
    return weiri_foreign_value(
        foreign, state, &results->lists[spec->index], &results->faults);
}

bool
weiri_slide_save(const weiri_slide_spec *spec, const void *state, const weiri_ring *ring,
    weiri_pack *out)
{
    if (merges(spec->plan)) {
        weiri_suffixes_save(state, ring, out);
        return true;
    }
    return !removes(spec->plan) || weiri_foreign_save(spec->plan->foreign, state, out);
}

bool
weiri_slide_load(
    const weiri_slide_spec *spec, void *state, const weiri_ring *ring, weiri_unpack *in)
{
    if (merges(spec->plan)) {
        return weiri_suffixes_load(spec, state, ring, in);
    }
    if (!removes(spec->plan)) {
        return true;
    }
    weiri_foreign_clear(spec->plan->foreign, state);
    return weiri_foreign_load(spec->plan->foreign, state, in);
}

/* ---- by kind ---- */

void
weiri_slide_prefetch(
    const weiri_slide_spec *spec, const void *state, const weiri_ring *ring)
{
    weiri_aggregate_kind kind = spec->plan->kind;
    if (kind == WEIRI_AGGREGATE_MIN || kind == WEIRI_AGGREGATE_MAX) {
        const candidates *self = state;
        if (self->n > 0) {
            weiri_prefetch(&self->items[self->head]);
            weiri_prefetch(&self->items[(self->head + self->n - 1) & (self->room - 1)]);
        }
    } else if (kind == WEIRI_AGGREGATE_MEDIAN || kind == WEIRI_AGGREGATE_QUANTILE) {
        weiri_prefetch(*(weiri_sorted *const *)state);
    } else if (weiri_moments_size(kind) > 0) {
        const stacks *self = state;
        if (ring->head < self->end) {
            weiri_prefetch(
                self->suffixes
                + (size_t)(ring->head - self->first) * weiri_moments_size(kind));
        }
    }
}

bool
weiri_slide_add(
    const weiri_slide_spec *spec, void *state, const weiri_ring *ring, uint64_t number)
{
    const weiri_aggregate *plan = spec->plan;
    weir_type              type = spec->type;
    weiri_cell             cell = cell_at(ring, spec->stride, number, spec->x);
    switch (plan->kind) {
    case WEIRI_AGGREGATE_KEY:
    case WEIRI_AGGREGATE_START:
    case WEIRI_AGGREGATE_END:
    case WEIRI_AGGREGATE_LAG:
    case WEIRI_AGGREGATE_COLLECT: return true;
    case WEIRI_AGGREGATE_COUNT: (*(uint64_t *)state)++; return true;
    case WEIRI_AGGREGATE_SUM:
    case WEIRI_AGGREGATE_AVG: return weiri_sum_add(plan, state, cell, 1);
    case WEIRI_AGGREGATE_MIN:
    case WEIRI_AGGREGATE_MAX: return candidates_add(plan, state, cell, number);
    case WEIRI_AGGREGATE_FIRST:
        if (*(pointed *)state == 0) {
            *(pointed *)state = number + 1;
        }
        return true;
    case WEIRI_AGGREGATE_LAST: *(pointed *)state = number + 1; return true;
    case WEIRI_AGGREGATE_MEDIAN:
    case WEIRI_AGGREGATE_QUANTILE: return sorted_add(state, weiri_cell_rank(type, cell));
    case WEIRI_AGGREGATE_DISTINCT:
    case WEIRI_AGGREGATE_TOP: return set_add(plan, state, cell);
    case WEIRI_AGGREGATE_PLUGIN:
        if (merges(plan)) {
            weiri_suffixes_add(spec, state, ring, number);
        } else if (removes(plan)) {
            foreign_add(spec, state, ring, number);
        }
        return true;
    default: {
        weiri_sample sample = sample_at(spec, ring, number);
        weiri_moments_add_sample(plan, (stacks *)state + 1, &sample);
        return true;
    }
    }
}

bool
weiri_slide_evict(const weiri_slide_spec *spec, void *state, const weiri_ring *ring)
{
    const weiri_aggregate *plan = spec->plan;
    weir_type              type = spec->type;
    weiri_cell             cell = cell_at(ring, spec->stride, ring->head, spec->x);
    switch (plan->kind) {
    case WEIRI_AGGREGATE_KEY:
    case WEIRI_AGGREGATE_START:
    case WEIRI_AGGREGATE_END:
    case WEIRI_AGGREGATE_LAG:
    case WEIRI_AGGREGATE_COLLECT: return true;
    case WEIRI_AGGREGATE_COUNT: (*(uint64_t *)state)--; return true;
    case WEIRI_AGGREGATE_SUM:
    case WEIRI_AGGREGATE_AVG: return weiri_sum_add(plan, state, cell, -1);
    case WEIRI_AGGREGATE_MIN:
    case WEIRI_AGGREGATE_MAX: candidates_evict(state, ring->head); return true;
    case WEIRI_AGGREGATE_FIRST:
        *(pointed *)state = next_taken(spec, ring, ring->head + 1);
        return true;
    case WEIRI_AGGREGATE_LAST:
        if (*(pointed *)state == ring->head + 1) {
            *(pointed *)state = 0;
        }
        return true;
    case WEIRI_AGGREGATE_MEDIAN:
    case WEIRI_AGGREGATE_QUANTILE:
        weiri_sorted_remove(*(weiri_sorted **)state, weiri_cell_rank(type, cell));
        return true;
    case WEIRI_AGGREGATE_DISTINCT:
    case WEIRI_AGGREGATE_TOP: weiri_multiset_remove(state, cell); return true;
    case WEIRI_AGGREGATE_PLUGIN:
        if (merges(plan)) {
            return weiri_suffixes_evict(spec, state, ring);
        }
        if (removes(plan)) {
            weiri_sample sample = sample_at(spec, ring, ring->head);
            weiri_foreign_remove_cells(plan, state, sample.x, sample.y, sample.time_ns);
        }
        return true;
    default: return ring->head < ((stacks *)state)->end || stacks_flip(spec, state, ring);
    }
}

void
weiri_slide_clear(const weiri_slide_spec *spec, void *state)
{
    switch (spec->plan->kind) {
    case WEIRI_AGGREGATE_KEY:
    case WEIRI_AGGREGATE_START:
    case WEIRI_AGGREGATE_END:
    case WEIRI_AGGREGATE_LAG:
    case WEIRI_AGGREGATE_COLLECT:
    case WEIRI_AGGREGATE_COUNT:
    case WEIRI_AGGREGATE_FIRST:
    case WEIRI_AGGREGATE_LAST: break;
    case WEIRI_AGGREGATE_SUM:
    case WEIRI_AGGREGATE_AVG: weiri_exact_sum_fini(&((weiri_sum *)state)->sum); break;
    case WEIRI_AGGREGATE_MIN:
    case WEIRI_AGGREGATE_MAX: free(((candidates *)state)->items); break;
    case WEIRI_AGGREGATE_MEDIAN:
    case WEIRI_AGGREGATE_QUANTILE: weiri_sorted_destroy(state); break;
    case WEIRI_AGGREGATE_DISTINCT:
    case WEIRI_AGGREGATE_TOP: weiri_multiset_fini(state); break;
    case WEIRI_AGGREGATE_PLUGIN:
        if (merges(spec->plan)) {
            weiri_suffixes_clear(spec, state);
        } else {
            weiri_foreign_clear(spec->plan->foreign, state);
        }
        break;
    default: free(((stacks *)state)->suffixes); break;
    }
    memset(state, 0, weiri_slide_size(spec->plan));
}

bool
weiri_slide_value(const weiri_slide_spec *spec, void *state, const weiri_ring *ring,
    weiri_results *results, weir_value *out)
{
    const weiri_aggregate *plan = spec->plan;
    weir_type              type = spec->type;
    weiri_list            *list = &results->lists[spec->index];
    *out                        = weiri_null_of(plan->type);
    switch (plan->kind) {
    case WEIRI_AGGREGATE_COUNT:
        *out = (weir_value){ .type = WEIR_INT, .as.i = *(int64_t *)state };
        return true;
    case WEIRI_AGGREGATE_SUM:
    case WEIRI_AGGREGATE_AVG:
        *out = weiri_sum_value(plan, state, &results->faults);
        return true;
    case WEIRI_AGGREGATE_MIN:
    case WEIRI_AGGREGATE_MAX: {
        const candidates *all = state;
        if (all->n > 0) {
            *out = weiri_cell_value(type, all->items[all->head].cell);
        }
        return true;
    }
    case WEIRI_AGGREGATE_FIRST:
    case WEIRI_AGGREGATE_LAST: {
        pointed at = *(pointed *)state;
        if (at != 0) {
            *out = weiri_cell_value(type, cell_at(ring, spec->stride, at - 1, spec->x));
        }
        return true;
    }
    case WEIRI_AGGREGATE_MEDIAN:
    case WEIRI_AGGREGATE_QUANTILE:
        *out = sorted_value(plan, *(weiri_sorted **)state);
        return true;
    case WEIRI_AGGREGATE_DISTINCT:
        *out = (weir_value){ .type = WEIR_INT, .as.i = (int64_t)((counted *)state)->n };
        return true;
    case WEIRI_AGGREGATE_TOP: return weiri_top_value(plan, state, list, out);
    case WEIRI_AGGREGATE_LAG: *out = lag_value(spec, ring); return true;
    case WEIRI_AGGREGATE_COLLECT: return collect_value(spec, ring, list, out);
    case WEIRI_AGGREGATE_PLUGIN:
        *out = foreign_value(spec, state, ring, results);
        return true;
    default: *out = stacks_value(spec, state, ring, &results->faults); return true;
    }
}

uint64_t
weiri_slide_old(const weiri_slide_spec *spec, const void *state, const weiri_ring *ring)
{
    if (weiri_moments_size(spec->plan->kind) == 0) {
        return 0;
    }
    uint64_t end = ((const stacks *)state)->end;
    return end > ring->head ? end - ring->head : 0;
}

bool
weiri_slide_flip(const weiri_slide_spec *spec, void *state, const weiri_ring *ring)
{
    return stacks_flip(spec, state, ring);
}
