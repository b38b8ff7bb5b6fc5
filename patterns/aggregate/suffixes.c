#include "aggregate/suffixes.h"

/* Rows first … end - 1 of those that the aggregate takes, oldest first. */
static void
add_rows(const weiri_slide_spec *spec, weiri_foreign_tally *to, const weiri_ring *ring,
    uint64_t first, uint64_t end)
{
    for (uint64_t number = first; number < end; number++) {
        const uint64_t *row = weiri_ring_row(ring, spec->stride, number);
        if (((row[WEIRI_ROW_MASK] >> spec->index) & 1) != 0) {
            weiri_foreign_add_cells(spec->plan, to, (weiri_cell){ .bits = row[spec->x] },
                (weiri_cell){ .bits = row[spec->y] }, (int64_t)row[WEIRI_ROW_TIME]);
        }
    }
}

static void
drop_items(const weiri_slide_spec *spec, weiri_suffixes *self)
{
    for (uint64_t i = 0; i < self->n; i++) {
        weiri_foreign_clear(spec->plan->foreign, &self->items[i]);
    }
    free(self->items);
    self->items = NULL;
    self->n     = 0;
}

static uint64_t
step_of(uint64_t n)
{
    uint64_t step = 1;
    while (step * step < n) {
        step++;
    }
    return step;
}

/* Suffixes of the rows head … end - 1, the last of them first. */
static bool
make(const weiri_slide_spec *spec, weiri_suffixes *self, const weiri_ring *ring,
    uint64_t end, uint64_t step)
{
    uint64_t             n     = (end - ring->head) / step;
    weiri_foreign_tally *items = n > 0 ? calloc(n, sizeof *items) : NULL;
    if (n > 0 && items == NULL) {
        return false;
    }
    drop_items(spec, self);
    self->items = items;
    self->n     = n;
    self->step  = step;
    self->end   = end;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t last = end - i * step;
        add_rows(spec, &items[i], ring, last - step, last);
        if (i > 0) {
            weiri_foreign_merge(spec->plan->foreign, &items[i], &items[i - 1]);
        }
    }
    return true;
}

void
weiri_suffixes_add(const weiri_slide_spec *spec, weiri_suffixes *self,
    const weiri_ring *ring, uint64_t number)
{
    add_rows(spec, &self->newer, ring, number, number + 1);
}

bool
weiri_suffixes_evict(
    const weiri_slide_spec *spec, weiri_suffixes *self, const weiri_ring *ring)
{
    if (ring->head >= self->end) {
        if (!make(spec, self, ring, ring->tail, step_of(ring->tail - ring->head))) {
            return false;
        }
        weiri_foreign_clear(spec->plan->foreign, &self->newer);
    }
    while (self->n > 0 && self->end - self->n * self->step <= ring->head) {
        weiri_foreign_clear(spec->plan->foreign, &self->items[--self->n]);
    }
    return true;
}

weir_value
weiri_suffixes_value(const weiri_slide_spec *spec, weiri_suffixes *self,
    const weiri_ring *ring, weiri_list *room, uint64_t *faults)
{
    const weiri_foreign *foreign = spec->plan->foreign;
    uint64_t             n = 0; /* suffixes that begin where the window does, or later */
    weiri_foreign_clear(foreign, &self->total);
    if (ring->head < self->end) {
        n = (self->end - ring->head) / self->step;
        add_rows(spec, &self->total, ring, ring->head, self->end - n * self->step);
    }
    if (n > 0) {
        weiri_foreign_merge(foreign, &self->total, &self->items[n - 1]);
    }
    weiri_foreign_merge(foreign, &self->total, &self->newer);
    return weiri_foreign_value(foreign, &self->total, room, faults);
}

void
weiri_suffixes_clear(const weiri_slide_spec *spec, weiri_suffixes *self)
{
    drop_items(spec, self);
    weiri_foreign_clear(spec->plan->foreign, &self->newer);
    weiri_foreign_clear(spec->plan->foreign, &self->total);
    *self = (weiri_suffixes){ .items = NULL };
}

void
weiri_suffixes_save(const weiri_suffixes *self, const weiri_ring *ring, weiri_pack *out)
{
    bool has_old = ring->head < self->end;
    weiri_pack_number(out, has_old ? self->end - ring->head : 0);
    weiri_pack_number(out, has_old ? self->step : 1);
}

bool
weiri_suffixes_load(const weiri_slide_spec *spec, weiri_suffixes *self,
    const weiri_ring *ring, weiri_unpack *in)
{
    uint64_t n_rows = ring->tail - ring->head;
    uint64_t n_old  = weiri_unpack_below(in, n_rows + 1, "a window has too few rows");
    uint64_t step   = weiri_unpack_below(in, UINT32_MAX, "a step is too long");
    if (step == 0) {
        weiri_unpack_fail(in, "a step goes nowhere");
    }
    weiri_suffixes_clear(spec, self);
    if (in->wrong != NULL || !make(spec, self, ring, ring->head + n_old, step)) {
        return false;
    }
    add_rows(spec, &self->newer, ring, self->end, ring->tail);
    return true;
}
