/* Linear filling: rows wait until the gaps in them are filled, and leave in their order.
 *
 * Of each field that is filled an entry keeps the latest value. The first row after it
 * without one opens a gap: from there on rows wait. The next value closes it, and the
 * rows between get theirs; a deadline gives it up. Gaps that are open stand in a heap by
 * deadline; what is in it of a gap that has been closed is passed over.
 */
#include <math.h>

#include "window/inspect.h"
#include "window/state.h"

/* What an entry knows of one field. */
typedef struct known {
    int64_t  time_ns; /* of the latest value             */
    uint64_t order;   /* of the event that had it        */
    double   value;
    uint64_t open;     /* number of the first row in the gap */
    bool     is_known; /* there is a value                */
    bool     is_open;  /* rows wait for the next          */
} known;

/* Then a `known` for each field that is filled. */
typedef struct filling {
    weiri_entry entry;
    weiri_ring  ring;
} filling;

size_t
weiri_linear_entry_size(const weiri_windower *self)
{
    return sizeof(filling) + self->n_linear * sizeof(known);
}

static filling *
at(const weiri_windower *self, uint32_t entry)
{
    return weiri_key_table_at(&self->keys, entry);
}

static known *
known_of(filling *self)
{
    return (known *)(self + 1);
}

/* INT64_MAX is "none": what would outlast time ends just before. */
static int64_t
end_of(const weiri_windower *self, const known *it)
{
    int64_t end = weiri_add_ns(weiri_add_ns(it->time_ns, self->window->width_ns), 1);
    return end < INT64_MAX ? end : INT64_MAX - 1;
}

/* ---- the heap of gaps: self->dues by (end, first) ---- */

static bool
is_sooner(const weiri_due *a, const weiri_due *b)
{
    return a->end != b->end ? a->end < b->end : a->first < b->first;
}

static void
sink_due(weiri_windower *self, uint32_t root)
{
    weiri_due item = self->dues[root];
    uint32_t  n    = self->n_dues;
    for (uint32_t child = 2 * root + 1; child < n; child = 2 * root + 1) {
        child += child + 1 < n && is_sooner(&self->dues[child + 1], &self->dues[child])
                     ? 1
                     : 0;
        if (!is_sooner(&self->dues[child], &item)) {
            break;
        }
        self->dues[root] = self->dues[child];
        root             = child;
    }
    self->dues[root] = item;
}

static void
order_dues(weiri_windower *self)
{
    for (uint32_t i = self->n_dues / 2; i-- > 0;) {
        sink_due(self, i);
    }
}

static weir_status
push_due(weiri_windower *self, const known *it, uint32_t entry)
{
    weir_status status =
        weiri_windower_push_due(self, end_of(self, it), it->order, entry);
    for (uint32_t i = status == WEIR_OK ? self->n_dues - 1 : 0; i > 0;) {
        uint32_t parent = (i - 1) / 2;
        if (!is_sooner(&self->dues[i], &self->dues[parent])) {
            break;
        }
        weiri_due swap     = self->dues[i];
        self->dues[i]      = self->dues[parent];
        self->dues[parent] = swap;
        i                  = parent;
    }
    return status;
}

static weiri_due
pop_due(weiri_windower *self)
{
    weiri_due first = self->dues[0];
    self->dues[0]   = self->dues[--self->n_dues];
    if (self->n_dues > 0) {
        sink_due(self, 0);
    }
    return first;
}

/* Whether a gap is what is due. */
static bool
is_meant(const known *it, const weiri_due *due)
{
    return it->is_open && it->order == due->first;
}

static bool
is_pending(const weiri_windower *self, const weiri_due *due)
{
    filling *it = at(self, due->entry);
    for (uint32_t f = 0; it->entry.is_used && f < self->n_linear; f++) {
        if (is_meant(&known_of(it)[f], due)) {
            return true;
        }
    }
    return false;
}

/* Take what is of closed gaps out, when it is most of the heap. */
static void
thin_dues(weiri_windower *self)
{
    enum { SLACK = 64 };
    if (self->n_dues < 2 * self->n_gaps + SLACK) {
        return;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->n_dues; i++) {
        if (is_pending(self, &self->dues[i])) {
            self->dues[n++] = self->dues[i];
        }
    }
    self->n_dues = n;
    order_dues(self);
}

static int64_t
next_close(const weiri_windower *self)
{
    return self->n_dues > 0 ? self->dues[0].end : INT64_MAX;
}

/* ---- rows leave ---- */

/* Give what the tallies in self->scratch have, and empty them. */
static weir_status
give_scratch(
    weiri_windower *self, uint32_t entry, int64_t event_ns, int64_t time_ns, uint64_t by)
{
    bool                   is_emitted = false;
    const weiri_evaluation e          = {
                 .keys    = weiri_key_table_cells(&self->keys, entry),
                 .start   = event_ns,
                 .end     = event_ns,
                 .time_ns = time_ns,
                 .states  = self->scratch,
                 .trigger = by,
    };
    weir_status status = weiri_windower_give(self, &e, &is_emitted);
    weiri_windower_clear(self, self->scratch);
    return status;
}

static weir_status
give_row(
    weiri_windower *self, uint32_t entry, uint64_t *row, int64_t time_ns, uint64_t by)
{
    int64_t event_ns = (int64_t)row[WEIRI_ROW_TIME];
    for (uint32_t j = 0; j < self->n_active; j++) {
        uint32_t     a      = self->active[j];
        weiri_sample sample = { .time_ns = event_ns };
        if (((row[WEIRI_ROW_MASK] >> a) & 1) == 0) {
            continue;
        }
        sample.x.bits = row[self->slides[a].x];
        if (!weiri_tally_add(
                &self->window->aggregates[a], self->scratch + self->offset[a], &sample)) {
            return WEIR_ENOMEM;
        }
    }
    return give_scratch(self, entry, event_ns, time_ns, by);
}

static bool
is_waiting(const weiri_windower *self, filling *it)
{
    for (uint32_t f = 0; f < self->n_linear; f++) {
        if (known_of(it)[f].is_open && known_of(it)[f].open <= it->ring.head) {
            return true;
        }
    }
    return false;
}

/* Give the oldest rows, those that wait for nothing any more. */
static weir_status
release(weiri_windower *self, uint32_t entry, int64_t time_ns, uint64_t by)
{
    filling    *it     = at(self, entry);
    weiri_ring *ring   = &it->ring;
    weir_status status = WEIR_OK;
    while (ring->head < ring->tail && !is_waiting(self, it) && status == WEIR_OK) {
        uint64_t *row = weiri_ring_row(ring, self->stride, ring->head);
        status        = give_row(self, entry, row, time_ns, by);
        weiri_row_free(self, row);
        ring->head++;
        self->counts.live_rows--;
    }
    if (ring->head == ring->tail) {
        free(ring->words);
        ring->words    = NULL;
        ring->capacity = 0;
    }
    return status;
}

/* Time has passed what waits for a value: it is given as it is. */
static weir_status
give_up(weiri_windower *self, const weiri_due *due)
{
    filling *it       = at(self, due->entry);
    bool     is_given = false;
    for (uint32_t f = 0; it->entry.is_used && f < self->n_linear; f++) {
        known *field = &known_of(it)[f];
        if (is_meant(field, due)) {
            *field   = (known){ .is_known = false };
            is_given = true;
            self->n_gaps--;
        }
    }
    self->full_ns = INT64_MIN;
    return is_given ? release(self, due->entry, due->end - 1, due->first) : WEIR_OK;
}

static weir_status
close_gaps(weiri_windower *self, int64_t end)
{
    weir_status status = WEIR_OK;
    while (status == WEIR_OK && next_close(self) == end) {
        weiri_due due = pop_due(self);
        status        = give_up(self, &due);
    }
    return status;
}

static weir_status
tick(weiri_windower *self, int64_t time_ns)
{
    (void)self;
    (void)time_ns;
    return WEIR_OK;
}

/* ---- rows come ---- */

/* The value of a row on the line from the one known to the one that has come. */
static void
fill_row(weiri_windower *self, uint32_t a, const known *from, int64_t time_ns,
    double value, uint64_t *row)
{
    double span_ns  = (double)weiri_minus_ns(time_ns, from->time_ns);
    double part_ns  = (double)weiri_minus_ns((int64_t)row[WEIRI_ROW_TIME], from->time_ns);
    weiri_cell cell = { .f = from->value };
    if (span_ns > 0) {
        cell.f += (value - from->value) * (part_ns / span_ns);
    }
    if (!isfinite(cell.f)) {
        self->values.faults++;
        return;
    }
    row[self->slides[a].x] = cell.bits;
    row[WEIRI_ROW_MASK] |= UINT64_C(1) << a;
}

/* Selected row i has a value: the gap before it is closed. */
static void
take_value(weiri_windower *self, filling *it, uint32_t f, uint32_t i)
{
    uint32_t a       = self->linear[f];
    known   *field   = &known_of(it)[f];
    int64_t  time_ns = self->batch.time[i];
    double   value   = self->root_cells[self->x_root[a]][self->batch.row[i]].f;
    for (uint64_t n = field->open; field->is_open && n < it->ring.tail; n++) {
        fill_row(
            self, a, field, time_ns, value, weiri_ring_row(&it->ring, self->stride, n));
    }
    self->n_gaps -= field->is_open;
    *field = (known){ .time_ns = time_ns,
        .order                 = self->batch.order[i],
        .value                 = value,
        .is_known              = true };
}

/* Selected row i, which would be the next of the ring, has none. */
static weir_status
take_null(weiri_windower *self, uint32_t entry, uint32_t f, uint32_t i)
{
    filling *it    = at(self, entry);
    known   *field = &known_of(it)[f];
    if (field->is_known && end_of(self, field) <= self->batch.time[i]) {
        *field        = (known){ .is_known = false };
        self->full_ns = INT64_MIN;
    }
    if (!field->is_known || field->is_open) {
        return WEIR_OK;
    }
    field->is_open = true;
    field->open    = it->ring.tail;
    self->n_gaps++;
    thin_dues(self);
    return push_due(self, field, entry);
}

/* Leave room for one more row: the oldest is given as it is. */
static weir_status
make_way(weiri_windower *self, uint32_t entry, uint32_t i)
{
    filling *it = at(self, entry);
    if (it->ring.tail - it->ring.head < weiri_rows_bound(self->window)) {
        return WEIR_OK;
    }
    for (uint32_t f = 0; f < self->n_linear; f++) {
        known *field = &known_of(it)[f];
        field->open += field->is_open && field->open == it->ring.head;
    }
    self->counts.dropped_rows++;
    return release(self, entry, self->batch.time[i], self->batch.order[i]);
}

static weir_status
keep_row(weiri_windower *self, uint32_t entry, uint32_t i)
{
    weir_status status = make_way(self, entry, i);
    weiri_ring *ring   = &at(self, entry)->ring;
    if (status != WEIR_OK) {
        return status;
    }
    if (ring->tail - ring->head == ring->capacity && !weiri_rows_grow(self, ring)) {
        return WEIR_ENOMEM;
    }
    uint64_t *row   = weiri_ring_row(ring, self->stride, ring->tail);
    bool      is_ok = weiri_row_fill(self, row, i);
    ring->tail++;
    self->counts.live_rows++;
    return is_ok ? WEIR_OK : WEIR_ENOMEM;
}

static weir_status
give_at_once(weiri_windower *self, uint32_t entry, uint32_t i)
{
    int64_t     time_ns = self->batch.time[i];
    weir_status status  = weiri_windower_add(self, self->scratch, i);
    return status == WEIR_OK
               ? give_scratch(self, entry, time_ns, time_ns, self->batch.order[i])
               : status;
}

static weir_status
feed_row(weiri_windower *self, uint32_t i)
{
    int64_t     time_ns = self->batch.time[i];
    bool        is_new  = false;
    uint32_t    entry   = WEIRI_NO_ENTRY;
    weir_status status =
        time_ns >= self->due ? weiri_windower_catch_up(self, time_ns) : WEIR_OK;
    if (status == WEIR_OK) {
        status = weiri_windower_entry(self, i, &entry, &is_new);
    }
    if (status != WEIR_OK || entry == WEIRI_NO_ENTRY) {
        return status;
    }
    filling *it       = at(self, entry);
    it->entry.is_used = true;
    bool has_value    = false;
    for (uint32_t f = 0; f < self->n_linear && status == WEIR_OK; f++) {
        bool is_value = ((self->batch.mask[i] >> self->linear[f]) & 1) != 0;
        has_value     = has_value || is_value;
        if (is_value) {
            take_value(self, it, f, i);
        } else {
            status = take_null(self, entry, f, i);
        }
    }
    self->full_ns = has_value ? self->full_ns : INT64_MIN;
    if (status == WEIR_OK) {
        status = release(self, entry, time_ns, self->batch.order[i]);
    }
    if (status == WEIR_OK) {
        bool is_last = it->ring.head == it->ring.tail && !is_waiting(self, it);
        status       = is_last ? give_at_once(self, entry, i) : keep_row(self, entry, i);
    }
    self->due = next_close(self);
    return status;
}

static weir_status
feed(weiri_windower *self)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->batch.n && status == WEIR_OK; i++) {
        status = feed_row(self, i);
    }
    return status;
}

static int64_t
stale_from(const weiri_windower *self, const weiri_entry *entry)
{
    filling *it   = (filling *)(uintptr_t)entry;
    int64_t  from = it->ring.head < it->ring.tail ? INT64_MAX : INT64_MIN;
    for (uint32_t f = 0; f < self->n_linear; f++) {
        const known *field = &known_of(it)[f];
        int64_t      end   = field->is_known ? end_of(self, field) : INT64_MIN;
        from               = end > from ? end : from;
    }
    return from;
}

static void
clear(weiri_windower *self, void *part)
{
    filling    *it   = part;
    weiri_ring *ring = &it->ring;
    for (; ring->head < ring->tail; ring->head++) {
        weiri_row_free(self, weiri_ring_row(ring, self->stride, ring->head));
        self->counts.live_rows--;
    }
    free(ring->words);
    *ring = (weiri_ring){ 0 };
    memset(known_of(it), 0, self->n_linear * sizeof(known));
    weiri_emission_fini(&it->entry.emission);
}

/* ---- bytes ---- */

enum { IS_KNOWN = 1, IS_OPEN = 2, N_FLAGS = 4 };

/* A value that no event can follow in time any more is as none. */
static void
save_known(
    const weiri_windower *self, const filling *it, const known *field, weiri_pack *out)
{
    bool is_known = field->is_known && end_of(self, field) > self->last_ns;
    weiri_pack_number(
        out, (is_known ? IS_KNOWN : 0U) | (is_known && field->is_open ? IS_OPEN : 0U));
    if (is_known) {
        weiri_pack_time(out, field->time_ns);
        weiri_pack_number(out, field->order);
        weiri_pack_float(out, field->value);
    }
    if (is_known && field->is_open) {
        weiri_pack_number(out, field->open - it->ring.head);
    }
}

static bool
save_entry(
    const weiri_windower *self, uint32_t entry, const uint64_t *rows, weiri_pack *out)
{
    (void)rows;
    filling *it     = at(self, entry);
    int64_t  before = 0;
    weiri_entry_save(&it->entry, out);
    weiri_pack_number(out, it->ring.tail - it->ring.head);
    for (uint64_t n = it->ring.head; n < it->ring.tail; n++) {
        const uint64_t *row = weiri_ring_row(&it->ring, self->stride, n);
        weiri_row_save(self, row, before, out);
        before = (int64_t)row[WEIRI_ROW_TIME];
    }
    for (uint32_t f = 0; f < self->n_linear; f++) {
        save_known(self, it, &known_of(it)[f], out);
    }
    return true;
}

static bool
load_row(weiri_windower *self, filling *it, int64_t *before_ns, weiri_unpack *in)
{
    weiri_ring *ring = &it->ring;
    if (ring->tail == ring->capacity && !weiri_rows_grow(self, ring)) {
        return false;
    }
    uint64_t *row = weiri_ring_row(ring, self->stride, ring->tail);
    if (!weiri_row_load(self, row, *before_ns, in)) {
        return false;
    }
    int64_t time_ns = (int64_t)row[WEIRI_ROW_TIME];
    if (ring->tail > 0 && time_ns < *before_ns) {
        weiri_unpack_fail(in, "rows are out of order");
    }
    *before_ns = time_ns;
    ring->tail++;
    self->counts.live_rows++;
    return in->wrong == NULL;
}

/* The rows of a gap come after the value before it, and have none. */
static bool
is_gap(const weiri_windower *self, filling *it, const known *field, uint32_t a)
{
    for (uint64_t n = field->open; n < it->ring.tail; n++) {
        const uint64_t *row = weiri_ring_row(&it->ring, self->stride, n);
        if (((row[WEIRI_ROW_MASK] >> a) & 1) != 0
            || (int64_t)row[WEIRI_ROW_TIME] < field->time_ns) {
            return false;
        }
    }
    return field->open < it->ring.tail;
}

static bool
load_known(weiri_windower *self, uint32_t entry, uint32_t f, weiri_unpack *in)
{
    filling *it     = at(self, entry);
    known   *field  = &known_of(it)[f];
    uint64_t flags  = weiri_unpack_below(in, N_FLAGS, "a value has unknown flags");
    field->is_known = (flags & IS_KNOWN) != 0;
    if (!field->is_known) {
        return flags == 0 && in->wrong == NULL;
    }
    weiri_cell cell = { .bits = 0 };
    field->time_ns  = weiri_seen_time_load(self, 0, in);
    field->order    = weiri_unpack_below(in, self->n_seen, "an event is unknown");
    if (!weiri_cell_load(WEIR_FLOAT, &cell, in) || in->wrong != NULL) {
        return false;
    }
    field->value = cell.f;
    bool is_over = end_of(self, field) <= self->last_ns;
    if ((flags & IS_OPEN)
        == 0) { /* others may have seen later events than who saved it */
        field->is_known = !is_over;
        return true;
    }
    if (is_over) {
        weiri_unpack_fail(in, "a row should have been given");
        return false;
    }
    field->open = weiri_unpack_below(in, it->ring.tail, "a gap has no rows");
    if (in->wrong != NULL || !is_gap(self, it, field, self->linear[f])) {
        weiri_unpack_fail(in, "a gap is none");
        return false;
    }
    field->is_open = true;
    self->n_gaps++;
    return push_due(self, field, entry) == WEIR_OK;
}

static bool
load_entry(weiri_windower *self, uint32_t entry, weiri_unpack *in)
{
    filling *it        = at(self, entry);
    int64_t  before_ns = 0;
    bool     ok        = weiri_entry_load(self, entry, in);
    uint64_t n         = weiri_unpack_below(
                in, weiri_rows_bound(self->window) + (uint64_t)1, "too many rows wait");
    for (uint64_t i = 0; i < n && ok; i++) {
        ok = load_row(self, it, &before_ns, in);
    }
    for (uint32_t f = 0; f < self->n_linear && ok; f++) {
        ok = load_known(self, entry, f, in);
    }
    if (ok && n > 0 && !is_waiting(self, it)) {
        weiri_unpack_fail(in, "a row waits for nothing");
    }
    return ok && in->wrong == NULL;
}

/* ---- looking ---- */

static void
inspect(const weiri_windower *self, uint32_t entry, weiri_window_viewer *viewer)
{
    filling *it = at(self, entry);
    for (uint64_t n = it->ring.head; n < it->ring.tail; n++) {
        weiri_window_tell_row(self, weiri_ring_row(&it->ring, self->stride, n), viewer);
    }
}

const weiri_window_ops weiri_linear_ops = {
    .name       = "linear",
    .feed       = feed,
    .next_close = next_close,
    .close      = close_gaps,
    .tick       = tick,
    .stale_from = stale_from,
    .clear      = clear,
    .save_entry = save_entry,
    .load_entry = load_entry,
    .inspect    = inspect,
};
