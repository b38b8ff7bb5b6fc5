/* Sliding windows whose aggregates need no look at other rows of the key: the rows of all
 * keys stand in one queue, in order of time.
 *
 * New rows and rows that leave are then read and written one after another, and only the
 * keys' states, which are small, are visited at random. With a ring a key (sliding.c)
 * each event waits for two places in memory that no cache holds.
 */
#include "window/inspect.h"
#include "window/state.h"

/* Then the slides. */
typedef struct flowing_entry {
    weiri_entry entry;
    uint32_t    n; /* rows in the window */
} flowing_entry;

size_t
weiri_flowing_entry_size(const weiri_windower *self)
{
    return sizeof(flowing_entry) + self->states_size;
}

bool
weiri_is_flowing(const weiri_window *window)
{
    bool fits = window->kind == WEIRI_WINDOW_SLIDING && !window->is_reset;
    for (uint32_t a = 0; a < window->n_aggregates; a++) {
        switch (window->aggregates[a].kind) {
        case WEIRI_AGGREGATE_START:
        case WEIRI_AGGREGATE_FIRST:
        case WEIRI_AGGREGATE_LAG:
        case WEIRI_AGGREGATE_COLLECT:
        case WEIRI_AGGREGATE_STDDEV:
        case WEIRI_AGGREGATE_VARIANCE:
        case WEIRI_AGGREGATE_EWMA:
        case WEIRI_AGGREGATE_SLOPE:
        case WEIRI_AGGREGATE_CORRELATION:
        case WEIRI_AGGREGATE_PLUGIN: fits = false; break;
        default: break;
        }
    }
    return fits;
}

static char *
states_of(flowing_entry *self)
{
    return (char *)(self + 1);
}

static void
clear(weiri_windower *self, void *part)
{
    flowing_entry *entry = part;
    for (uint32_t i = 0; i < self->n_active; i++) {
        uint32_t a = self->active[i];
        weiri_slide_clear(&self->slides[a], states_of(entry) + self->offset[a]);
    }
    weiri_emission_fini(&entry->entry.emission);
}

/* ---- rows ---- */

static uint64_t *
row_at(const weiri_windower *self, uint64_t number)
{
    return weiri_ring_row(&self->rows, self->stride, number);
}

/* The last word of a row: its entry, or WEIRI_NO_ENTRY when it was dropped before its
 * time. */
static uint64_t *
entry_of(const weiri_windower *self, uint64_t *row)
{
    return &row[self->stride - 1];
}

/* Take a row out of its key's window. */
static bool
take_out(weiri_windower *self, uint64_t number)
{
    uint64_t      *row = row_at(self, number);
    flowing_entry *entry =
        weiri_key_table_at(&self->keys, (uint32_t)*entry_of(self, row));
    weiri_ring at = self->rows;
    at.head       = number; /* a slide is asked about the row at the head */
    for (uint32_t i = 0; i < self->n_active; i++) {
        uint32_t a = self->active[i];
        if (((row[WEIRI_ROW_MASK] >> a) & 1) != 0
            && !weiri_slide_evict(
                &self->slides[a], states_of(entry) + self->offset[a], &at)) {
            return false;
        }
    }
    weiri_row_free(self, row);
    *entry_of(self, row) = WEIRI_NO_ENTRY;
    self->counts.live_rows--;
    if (--entry->n == 0) {
        entry->entry.emission.was_true = false;
        self->full_ns                  = INT64_MIN;
    }
    return true;
}

/* Of fewer keys all states are in the cache anyway. */
enum { FEW_KEYS = 64 };

/* Fetch what the aggregates of a key read beside their states, which have come. */
static void
prefetch_slides(const weiri_windower *self, uint32_t index)
{
    flowing_entry *entry = weiri_key_table_at(&self->keys, index);
    for (uint32_t i = 0; i < self->n_active; i++) {
        uint32_t a = self->active[i];
        weiri_slide_prefetch(
            &self->slides[a], states_of(entry) + self->offset[a], &self->rows);
    }
}

/* The keys of the rows that leave next: first their states, then what these point to. */
static void
prefetch_leaving(const weiri_windower *self)
{
    enum { FAR = 16, NEAR = 8 };
    const weiri_ring *ring = &self->rows;
    if (ring->tail - ring->head <= FAR || self->keys.n_live < FEW_KEYS) {
        return;
    }
    uint64_t far  = *entry_of(self, row_at(self, ring->head + FAR));
    uint64_t near = *entry_of(self, row_at(self, ring->head + NEAR));
    if (far != WEIRI_NO_ENTRY) {
        weiri_key_table_prefetch(&self->keys, (uint32_t)far);
    }
    if (near != WEIRI_NO_ENTRY) {
        prefetch_slides(self, (uint32_t)near);
    }
}

static bool
evict_older(weiri_windower *self, int64_t oldest_ns)
{
    weiri_ring *ring = &self->rows;
    for (; ring->head < ring->tail; ring->head++) {
        uint64_t *row = row_at(self, ring->head);
        if ((int64_t)row[WEIRI_ROW_TIME] >= oldest_ns) {
            break;
        }
        prefetch_leaving(self);
        if (*entry_of(self, row) != WEIRI_NO_ENTRY && !take_out(self, ring->head)) {
            return false;
        }
    }
    return true;
}

/* Drop the oldest row of a key that has as many as it may. The search goes on where the
 * last one for the same key ended. */
static bool
drop_oldest(weiri_windower *self, uint32_t index)
{
    uint64_t number = self->rows.head;
    if (self->dropped_entry == index && self->dropped_number > number) {
        number = self->dropped_number;
    }
    while (*entry_of(self, row_at(self, number)) != index) {
        number++;
    }
    self->dropped_entry  = index;
    self->dropped_number = number + 1;
    self->counts.dropped_rows++;
    return take_out(self, number);
}

static bool
push(weiri_windower *self, uint32_t index, flowing_entry *entry, uint32_t i)
{
    if (entry->n == weiri_rows_bound(self->window) && !drop_oldest(self, index)) {
        return false;
    }
    weiri_ring *ring = &self->rows;
    if (ring->tail - ring->head == ring->capacity && !weiri_rows_grow(self, ring)) {
        return false;
    }
    uint64_t *row        = row_at(self, ring->tail);
    bool      is_ok      = weiri_row_fill(self, row, i);
    *entry_of(self, row) = index;
    ring->tail++;
    entry->n++;
    self->counts.live_rows++;
    return is_ok && weiri_row_add(self, states_of(entry), ring, ring->tail - 1);
}

/* ---- events ---- */

static weir_status
give(weiri_windower *self, uint32_t index, flowing_entry *entry, uint32_t i)
{
    int64_t          time       = self->batch.time[i];
    bool             is_emitted = false;
    weiri_evaluation e          = {
                 .keys     = weiri_key_table_cells(&self->keys, index),
                 .start    = time,
                 .end      = time,
                 .time_ns  = time,
                 .states   = states_of(entry),
                 .ring     = &self->rows,
                 .chunk    = self->batch.rows.chunk,
                 .row      = self->batch.rows.first + self->batch.row[i],
                 .emission = &entry->entry.emission,
                 .trigger  = self->batch.order[i],
    };
    return weiri_windower_give(self, &e, &is_emitted);
}

static weir_status
feed_row(weiri_windower *self, uint32_t i)
{
    bool     is_new = false;
    uint32_t index  = WEIRI_NO_ENTRY;
    if (!evict_older(self, weiri_add_ns(self->batch.time[i], -self->window->width_ns))) {
        return WEIR_ENOMEM;
    }
    weir_status status = weiri_windower_entry(self, i, &index, &is_new);
    if (status != WEIR_OK || index == WEIRI_NO_ENTRY) {
        return status;
    }
    flowing_entry *entry = weiri_key_table_at(&self->keys, index);
    entry->entry.is_used = true;
    if (self->window->is_before) {
        status = give(self, index, entry, i);
    }
    if (status == WEIR_OK && !push(self, index, entry, i)) {
        status = WEIR_ENOMEM;
    }
    if (status == WEIR_OK && !self->window->is_before) {
        status = give(self, index, entry, i);
    }
    return status;
}

static weir_status
feed(weiri_windower *self)
{
    enum { FAR = 32, MIDDLE = 16, NEAR = 8 };
    const weiri_window_batch *batch  = &self->batch;
    weir_status               status = WEIR_OK;
    for (uint32_t i = 0; i < batch->n && status == WEIR_OK; i++) {
        if (i + FAR < batch->n) {
            weiri_key_table_prefetch_slot(&self->keys, batch->hash[i + FAR]);
        }
        if (i + MIDDLE < batch->n) {
            weiri_key_table_prefetch_entry(&self->keys, batch->hash[i + MIDDLE]);
        }
        if (i + NEAR < batch->n && self->keys.n_live >= FEW_KEYS) {
            uint32_t index = weiri_key_table_likely(&self->keys, batch->hash[i + NEAR]);
            if (index != WEIRI_NO_ENTRY) {
                prefetch_slides(self, index);
            }
        }
        status = feed_row(self, i);
    }
    return status;
}

static int64_t
stale_from(const weiri_windower *self, const weiri_entry *entry)
{
    (void)self;
    return ((const flowing_entry *)entry)->n == 0 ? INT64_MIN : INT64_MAX;
}

static int64_t
next_close(const weiri_windower *self)
{
    (void)self;
    return INT64_MAX;
}

static weir_status
close_none(weiri_windower *self, int64_t time_ns)
{
    (void)self;
    (void)time_ns;
    return WEIR_OK;
}

/* ---- bytes ---- */

uint64_t *
weiri_flowing_index(const weiri_windower *self)
{
    const weiri_ring *ring  = &self->rows;
    size_t            n     = self->keys.n_used;
    uint64_t         *index = calloc(n + 2 + (size_t)(ring->tail - ring->head), 8);
    if (index == NULL) {
        return NULL;
    }
    for (uint64_t number = ring->head; number < ring->tail; number++) {
        uint64_t entry = *entry_of(self, row_at(self, number));
        index[entry == WEIRI_NO_ENTRY ? n + 1 : entry + 2]++;
    }
    index[n + 1] = 0;
    for (size_t i = 2; i <= n; i++) {
        index[i] += index[i - 1];
    }
    for (uint64_t number = ring->head; number < ring->tail; number++) {
        uint64_t entry = *entry_of(self, row_at(self, number));
        if (entry != WEIRI_NO_ENTRY) {
            index[n + 1 + index[entry + 1]++] = number;
        }
    }
    return index;
}

static bool
save_entry(
    const weiri_windower *self, uint32_t index, const uint64_t *rows, weiri_pack *out)
{
    const flowing_entry *entry   = weiri_key_table_at(&self->keys, index);
    const uint64_t      *numbers = rows + self->keys.n_used + 1;
    int64_t              before  = 0;
    weiri_entry_save(&entry->entry, out);
    weiri_pack_number(out, entry->n);
    for (uint64_t i = rows[index]; i < rows[index + 1]; i++) {
        const uint64_t *row = row_at(self, numbers[i]);
        weiri_row_save(self, row, before, out);
        before = (int64_t)row[WEIRI_ROW_TIME];
    }
    return true;
}

/* The rows of all keys, one key after the other: their order in the queue comes later. */
static bool
load_entry(weiri_windower *self, uint32_t index, weiri_unpack *in)
{
    flowing_entry *entry  = weiri_key_table_at(&self->keys, index);
    weiri_ring    *ring   = &self->rows;
    bool           ok     = weiri_entry_load(self, index, in);
    int64_t        before = 0;
    uint64_t       n      = weiri_unpack_below(
                   in, weiri_rows_bound(self->window) + (uint64_t)1, "a window has too many rows");
    for (uint64_t i = 0; i < n && ok; i++) {
        ok            = ring->tail < ring->capacity || weiri_rows_grow(self, ring);
        uint64_t *row = ok ? row_at(self, ring->tail) : NULL;
        if (!ok || !weiri_row_load(self, row, before, in)) {
            return false;
        }
        *entry_of(self, row) = index;
        ring->tail++;
        entry->n++;
        self->counts.live_rows++;
        int64_t time_ns = (int64_t)row[WEIRI_ROW_TIME];
        if (i > 0 && time_ns < before) {
            weiri_unpack_fail(in, "rows are out of order");
        }
        before = time_ns;
        ok     = weiri_windower_push_due(self, time_ns, ring->tail - 1, index) == WEIR_OK;
    }
    return ok && in->wrong == NULL;
}

/* Put the rows in order of time; rows of one time leave together, so that the order of
 * their keys is not to be seen. */
static bool
loaded(weiri_windower *self)
{
    weiri_ring ordered = self->rows;
    size_t     size    = self->stride * sizeof *ordered.words;
    if (!weiri_windower_sort_dues(self)) {
        return false;
    }
    ordered.words = malloc(ordered.capacity * size + 1);
    if (ordered.words == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < self->n_dues; i++) {
        memcpy(weiri_ring_row(&ordered, self->stride, i),
            row_at(self, self->dues[i].first), size);
    }
    free(self->rows.words);
    self->rows   = ordered;
    self->n_dues = 0;
    bool ok      = true;
    for (uint64_t i = 0; i < ordered.tail && ok; i++) {
        flowing_entry *entry =
            weiri_key_table_at(&self->keys, (uint32_t)*entry_of(self, row_at(self, i)));
        weiri_ring so_far = self->rows;
        so_far.tail       = i + 1;
        ok                = weiri_row_add(self, states_of(entry), &so_far, i);
    }
    return ok;
}

/* ---- looking ---- */

static void
inspect(const weiri_windower *self, uint32_t index, weiri_window_viewer *viewer)
{
    flowing_entry  *entry   = weiri_key_table_at(&self->keys, index);
    const uint64_t *numbers = viewer->rows + self->keys.n_used + 1;
    uint64_t        first   = viewer->rows[index];
    if (first == viewer->rows[index + 1]) {
        return;
    }
    const uint64_t       *oldest = row_at(self, numbers[first]);
    const weiri_held_pane pane   = { .start_ns = (int64_t)oldest[WEIRI_ROW_TIME],
          .end_ns                              = INT64_MAX,
          .until_ns                            = INT64_MAX };
    weiri_window_tell(self, pane, states_of(entry), &self->rows, viewer);
    for (uint64_t i = first; i < viewer->rows[index + 1]; i++) {
        weiri_window_tell_row(self, row_at(self, numbers[i]), viewer);
    }
}

const weiri_window_ops weiri_flowing_ops = {
    .name       = "flowing",
    .feed       = feed,
    .next_close = next_close,
    .close      = close_none,
    .tick       = close_none,
    .stale_from = stale_from,
    .clear      = clear,
    .save_entry = save_entry,
    .load_entry = load_entry,
    .loaded     = loaded,
    .inspect    = inspect,
};

void
weiri_flowing_fini(weiri_windower *self)
{
    for (; self->rows.head < self->rows.tail; self->rows.head++) {
        uint64_t *row = row_at(self, self->rows.head);
        if (*entry_of(self, row) != WEIRI_NO_ENTRY) {
            weiri_row_free(self, row);
        }
    }
    free(self->rows.words);
}
