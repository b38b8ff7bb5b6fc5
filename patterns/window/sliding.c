/* Sliding and row windows: a ring of rows a key, a result an event. */
#include "weiri/prefetch.h"
#include "window/inspect.h"
#include "window/state.h"

/* Then the slides. */
typedef struct sliding_entry {
    weiri_entry entry;
    int64_t     newest_ns; /* time of the newest row */
    weiri_ring  ring;
} sliding_entry;

size_t
weiri_sliding_entry_size(const weiri_windower *self)
{
    return sizeof(sliding_entry) + self->states_size;
}

static char *
states_of(sliding_entry *self)
{
    return (char *)(self + 1);
}

/* ---- rows ---- */

void
weiri_row_free(const weiri_windower *self, const uint64_t *row)
{
    for (uint32_t i = 0; self->has_text && i < self->n_cells; i++) {
        weir_type type = self->vectors[self->cell_root[i]].type;
        if (weiri_cell_is_text(type) && row[WEIRI_ROW_CELLS + i] != 0) {
            weiri_cell_free(type, (weiri_cell){ .bits = row[WEIRI_ROW_CELLS + i] });
        }
    }
}

static void
clear_rows(weiri_windower *self, sliding_entry *entry)
{
    for (uint32_t i = 0; i < self->n_active; i++) {
        uint32_t a = self->active[i];
        weiri_slide_clear(&self->slides[a], states_of(entry) + self->offset[a]);
    }
    for (; entry->ring.head < entry->ring.tail; entry->ring.head++) {
        weiri_row_free(
            self, weiri_ring_row(&entry->ring, self->stride, entry->ring.head));
        self->counts.live_rows--;
    }
    free(entry->ring.words);
    entry->ring = (weiri_ring){ 0 };
}

static void
clear(weiri_windower *self, void *entry)
{
    clear_rows(self, entry);
    weiri_emission_fini(&((sliding_entry *)entry)->entry.emission);
}

static bool
evict(weiri_windower *self, sliding_entry *entry)
{
    weiri_ring *ring = &entry->ring;
    uint64_t   *row  = weiri_ring_row(ring, self->stride, ring->head);
    for (uint32_t i = 0; i < self->n_active; i++) {
        uint32_t a = self->active[i];
        if (((row[WEIRI_ROW_MASK] >> a) & 1) != 0
            && !weiri_slide_evict(
                &self->slides[a], states_of(entry) + self->offset[a], ring)) {
            return false;
        }
    }
    weiri_row_free(self, row);
    ring->head++;
    self->counts.live_rows--;
    return true;
}

static bool
evict_older(weiri_windower *self, sliding_entry *entry, int64_t oldest_ns)
{
    weiri_ring *ring = &entry->ring;
    while (ring->head < ring->tail
           && (int64_t)weiri_ring_row(ring, self->stride, ring->head)[WEIRI_ROW_TIME]
                  < oldest_ns) {
        if (!evict(self, entry)) {
            return false;
        }
    }
    return true;
}

bool
weiri_rows_grow(const weiri_windower *self, weiri_ring *ring)
{
    enum { LEAST = 4 };
    size_t     row_size = self->stride * sizeof *ring->words;
    weiri_ring bigger   = *ring;
    bigger.capacity     = ring->capacity == 0 ? LEAST : 2 * ring->capacity;
    bigger.words        = malloc(bigger.capacity * row_size);
    if (bigger.words == NULL) {
        return false;
    }
    for (uint64_t i = ring->head; i < ring->tail; i++) {
        memcpy(weiri_ring_row(&bigger, self->stride, i),
            weiri_ring_row(ring, self->stride, i), row_size);
    }
    free(ring->words);
    *ring = bigger;
    return true;
}

bool
weiri_row_fill(weiri_windower *self, uint64_t *row, uint32_t i)
{
    uint32_t at         = self->batch.row[i];
    row[WEIRI_ROW_TIME] = (uint64_t)self->batch.time[i];
    row[WEIRI_ROW_MASK] = self->batch.mask[i];
    for (uint32_t j = 0; j < self->n_cells; j++) {
        uint32_t            root   = self->cell_root[j];
        const weiri_vector *vector = &self->vectors[root];
        weiri_cell          cell   = { .bits = 0 };
        if (!weiri_cell_is_text(vector->type)) {
            cell = self->root_cells[root][at];
        } else if (!weiri_vector_is_null(vector, at)
                   && !weiri_cell_own(vector->type, self->root_cells[root][at], &cell)) {
            for (; j < self->n_cells; j++) {
                row[WEIRI_ROW_CELLS + j] = 0;
            }
            return false;
        }
        row[WEIRI_ROW_CELLS + j] = cell.bits;
    }
    return true;
}

bool
weiri_row_add(
    const weiri_windower *self, char *states, const weiri_ring *ring, uint64_t number)
{
    uint64_t mask  = weiri_ring_row(ring, self->stride, number)[WEIRI_ROW_MASK];
    bool     is_ok = true;
    for (uint32_t j = 0; j < self->n_active && is_ok; j++) {
        uint32_t a = self->active[j];
        if (((mask >> a) & 1) != 0) {
            is_ok =
                weiri_slide_add(&self->slides[a], states + self->offset[a], ring, number);
        }
    }
    return is_ok;
}

static bool
push(weiri_windower *self, sliding_entry *entry, uint32_t i)
{
    weiri_ring *ring = &entry->ring;
    if (ring->tail - ring->head == ring->capacity && !weiri_rows_grow(self, ring)) {
        return false;
    }
    uint64_t number = ring->tail;
    bool     is_ok  = weiri_row_fill(self, weiri_ring_row(ring, self->stride, number), i);
    entry->newest_ns = self->batch.time[i];
    ring->tail++;
    self->counts.live_rows++;
    return is_ok && weiri_row_add(self, states_of(entry), ring, number);
}

uint32_t
weiri_rows_bound(const weiri_window *window)
{
    return window->kind == WEIRI_WINDOW_LAST ? window->n_rows
           : window->max_rows > 0            ? window->max_rows
                                             : WEIRI_WINDOW_ROWS;
}

/* Leave room for one more row in a window of a bounded number. */
static bool
make_way(weiri_windower *self, sliding_entry *entry)
{
    bool is_last = self->window->kind == WEIRI_WINDOW_LAST;
    if (entry->ring.tail - entry->ring.head < weiri_rows_bound(self->window)) {
        return true;
    }
    self->counts.dropped_rows += is_last ? 0 : 1;
    return evict(self, entry);
}

/* ---- events ---- */

static weir_status
give(
    weiri_windower *self, uint32_t index, sliding_entry *entry, uint32_t i, bool *emitted)
{
    const weiri_ring *ring = &entry->ring;
    int64_t           time = self->batch.time[i];
    weiri_evaluation  e    = {
            .keys     = weiri_key_table_cells(&self->keys, index),
            .start    = time,
            .end      = time,
            .time_ns  = time,
            .states   = states_of(entry),
            .ring     = ring,
            .chunk    = self->batch.rows.chunk,
            .row      = self->batch.rows.first + self->batch.row[i],
            .emission = &entry->entry.emission,
            .trigger  = self->batch.order[i],
    };
    if (ring->head < ring->tail) {
        e.start = (int64_t)weiri_ring_row(ring, self->stride, ring->head)[WEIRI_ROW_TIME];
    }
    return weiri_windower_give(self, &e, emitted);
}

static weir_status
feed_row(weiri_windower *self, uint32_t i)
{
    const weiri_window *window = self->window;
    bool                is_new = false;
    uint32_t            index  = WEIRI_NO_ENTRY;
    weir_status         status = weiri_windower_entry(self, i, &index, &is_new);
    if (status != WEIR_OK || index == WEIRI_NO_ENTRY) {
        return status;
    }
    sliding_entry *entry = weiri_key_table_at(&self->keys, index);
    entry->entry.is_used = true;
    if (window->kind == WEIRI_WINDOW_SLIDING) {
        int64_t oldest = weiri_add_ns(self->batch.time[i], -window->width_ns);
        if (!evict_older(self, entry, oldest)) {
            return WEIR_ENOMEM;
        }
    }
    if (entry->ring.head == entry->ring.tail) {
        entry->entry.emission.was_true = false;
    }
    bool is_emitted = false;
    if (window->is_before) {
        status = give(self, index, entry, i, &is_emitted);
        if (status != WEIR_OK) {
            return status;
        }
    }
    if (!make_way(self, entry) || !push(self, entry, i)) {
        return WEIR_ENOMEM;
    }
    if (!window->is_before) {
        status = give(self, index, entry, i, &is_emitted);
    }
    if (is_emitted && window->is_reset) {
        clear_rows(self, entry);
        self->full_ns = INT64_MIN;
    }
    return status;
}

/* Fetch the oldest row and the place of the next one, of the entry that is most likely
 * that of a hash, and what its aggregates read there. A window's rows seldom are in the
 * cache, and each event waits for two.
 */
static void
prefetch_rows(const weiri_windower *self, uint32_t hash)
{
    uint32_t index = weiri_key_table_likely(&self->keys, hash);
    if (index != WEIRI_NO_ENTRY) {
        sliding_entry *entry = weiri_key_table_at(&self->keys, index);
        if (entry->ring.words != NULL) {
            const weiri_ring *ring = &entry->ring;
            weiri_prefetch(weiri_ring_row(ring, self->stride, ring->head));
            weiri_prefetch(weiri_ring_row(ring, self->stride, ring->tail));
            for (uint32_t i = 0; i < self->n_active; i++) {
                uint32_t a = self->active[i];
                weiri_slide_prefetch(
                    &self->slides[a], states_of(entry) + self->offset[a], ring);
            }
        }
    }
}

static weir_status
feed(weiri_windower *self)
{
    enum { FAR = 48, MIDDLE = 32, NEAR = 16 };
    const weiri_window_batch *batch  = &self->batch;
    weir_status               status = WEIR_OK;
    for (uint32_t i = 0; i < batch->n && status == WEIR_OK; i++) {
        if (i + FAR < batch->n) {
            weiri_key_table_prefetch_slot(&self->keys, batch->hash[i + FAR]);
        }
        if (i + MIDDLE < batch->n) {
            weiri_key_table_prefetch_entry(&self->keys, batch->hash[i + MIDDLE]);
        }
        if (i + NEAR < batch->n) {
            prefetch_rows(self, batch->hash[i + NEAR]);
        }
        status = feed_row(self, i);
    }
    return status;
}

static int64_t
stale_from(const weiri_windower *self, const weiri_entry *entry)
{
    const sliding_entry *it = (const sliding_entry *)entry;
    if (it->ring.head == it->ring.tail) {
        return INT64_MIN;
    }
    return self->window->kind == WEIRI_WINDOW_SLIDING
               ? weiri_add_ns(weiri_add_ns(it->newest_ns, self->window->width_ns), 1)
               : INT64_MAX;
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

static bool
save_entry(
    const weiri_windower *self, uint32_t index, const uint64_t *rows, weiri_pack *out)
{
    (void)rows;
    sliding_entry    *entry  = weiri_key_table_at(&self->keys, index);
    const weiri_ring *ring   = &entry->ring;
    int64_t           before = 0;
    weiri_entry_save(&entry->entry, out);
    weiri_pack_number(out, ring->tail - ring->head);
    for (uint32_t j = 0; j < self->n_active; j++) {
        uint32_t a = self->active[j];
        if (weiri_moments_size(self->window->aggregates[a].kind) > 0) {
            weiri_pack_number(out, weiri_slide_old(&self->slides[a],
                                       states_of(entry) + self->offset[a], ring));
        }
    }
    for (uint64_t i = ring->head; i < ring->tail; i++) {
        const uint64_t *row = weiri_ring_row(ring, self->stride, i);
        weiri_row_save(self, row, before, out);
        before = (int64_t)row[WEIRI_ROW_TIME];
    }
    bool ok = true;
    for (uint32_t j = 0; j < self->n_active && ok; j++) {
        uint32_t a = self->active[j];
        ok         = weiri_slide_save(
                    &self->slides[a], states_of(entry) + self->offset[a], ring, out);
    }
    return ok;
}

/* Moments that had suffixes of so many rows as there are now have them again. */
static bool
flip_old(const weiri_windower *self, sliding_entry *entry, const uint64_t *old)
{
    bool ok = true;
    for (uint32_t j = 0; j < self->n_active && ok; j++) {
        uint32_t a = self->active[j];
        if (old[j] == entry->ring.tail) {
            ok = weiri_slide_flip(
                &self->slides[a], states_of(entry) + self->offset[a], &entry->ring);
        }
    }
    return ok;
}

static bool
load_row(weiri_windower *self, sliding_entry *entry, weiri_unpack *in)
{
    weiri_ring *ring   = &entry->ring;
    int64_t     before = ring->tail > 0 ? entry->newest_ns : 0;
    if (ring->tail == ring->capacity && !weiri_rows_grow(self, ring)) {
        return false;
    }
    uint64_t *row = weiri_ring_row(ring, self->stride, ring->tail);
    if (!weiri_row_load(self, row, before, in)) {
        return false;
    }
    entry->newest_ns = (int64_t)row[WEIRI_ROW_TIME];
    ring->tail++;
    self->counts.live_rows++;
    if (ring->tail > 1 && entry->newest_ns < before) {
        weiri_unpack_fail(in, "rows are out of order");
        return false;
    }
    return weiri_row_add(self, states_of(entry), ring, ring->tail - 1);
}

static bool
load_entry(weiri_windower *self, uint32_t index, weiri_unpack *in)
{
    sliding_entry *entry                 = weiri_key_table_at(&self->keys, index);
    uint64_t       old[WEIRI_AGGREGATES] = { 0 };
    bool           ok                    = weiri_entry_load(self, index, in);
    uint64_t       n                     = weiri_unpack_below(
                                  in, weiri_rows_bound(self->window) + (uint64_t)1, "a window has too many rows");
    for (uint32_t j = 0; j < self->n_active; j++) {
        if (weiri_moments_size(self->window->aggregates[self->active[j]].kind) > 0) {
            old[j] = weiri_unpack_below(in, n + 1, "a window has too few rows");
        }
    }
    for (uint64_t i = 0; i < n && ok; i++) {
        ok = load_row(self, entry, in) && flip_old(self, entry, old);
    }
    for (uint32_t j = 0; j < self->n_active && ok; j++) {
        uint32_t a = self->active[j];
        ok         = weiri_slide_load(
                    &self->slides[a], states_of(entry) + self->offset[a], &entry->ring, in);
    }
    return ok && in->wrong == NULL;
}

/* ---- looking ---- */

static void
inspect(const weiri_windower *self, uint32_t index, weiri_window_viewer *viewer)
{
    sliding_entry    *entry = weiri_key_table_at(&self->keys, index);
    const weiri_ring *ring  = &entry->ring;
    if (ring->head == ring->tail) {
        return;
    }
    const uint64_t       *oldest = weiri_ring_row(ring, self->stride, ring->head);
    const weiri_held_pane pane   = { .start_ns = (int64_t)oldest[WEIRI_ROW_TIME],
          .end_ns                              = INT64_MAX,
          .until_ns                            = INT64_MAX };
    weiri_window_tell(self, pane, states_of(entry), ring, viewer);
    for (uint64_t i = ring->head; i < ring->tail; i++) {
        weiri_window_tell_row(self, weiri_ring_row(ring, self->stride, i), viewer);
    }
}

const weiri_window_ops weiri_sliding_ops = {
    .name       = "sliding",
    .feed       = feed,
    .next_close = next_close,
    .close      = close_none,
    .tick       = close_none,
    .stale_from = stale_from,
    .clear      = clear,
    .save_entry = save_entry,
    .load_entry = load_entry,
    .inspect    = inspect,
};
