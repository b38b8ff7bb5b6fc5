/* weiri_windower: the rows of a chunk are selected, hashed and made ready column by
 * column; then each kind of window takes them one by one. */
#include "window/windower.h"

#include "weiri/assert.h"

/* ---- shared with the kinds ---- */

bool
weiri_need_room(void **items, uint32_t n, uint32_t *room, size_t size)
{
    enum { LEAST = 16 };
    if (n < *room) {
        return true;
    }
    uint32_t more  = *room == 0 ? LEAST : 2 * *room;
    void    *moved = realloc(*items, more * size);
    if (moved == NULL) {
        return false;
    }
    *items = moved;
    *room  = more;
    return true;
}

int64_t
weiri_entry_stale_from(const weiri_windower *self, const weiri_entry *entry)
{
    int64_t window = self->ops->stale_from(self, entry);
    int64_t limit  = weiri_emission_over_from(&entry->emission, self->window->limit_ns);
    return window > limit ? window : limit;
}

/* Give back all that is stale at now_ns, so that what a full table refuses depends on the
 * events alone. */
static weir_status
sweep_all(weiri_windower *self, int64_t now_ns)
{
    weir_status status = WEIR_OK;
    self->full_ns      = INT64_MAX;
    for (uint32_t i = 0; i < self->keys.n_used && status == WEIR_OK; i++) {
        weiri_entry *entry = weiri_key_table_at(&self->keys, i);
        int64_t from = entry->is_used ? weiri_entry_stale_from(self, entry) : INT64_MAX;
        if (entry->is_used && from <= now_ns) {
            status = weiri_windower_release(self, i);
        } else if (from < self->full_ns) {
            self->full_ns = from;
        }
    }
    return status;
}

weir_status
weiri_windower_entry(weiri_windower *self, uint32_t i, uint32_t *entry, bool *is_new)
{
    const weiri_window_batch *batch = &self->batch;
    const weiri_cell         *cells = &batch->keys[(size_t)i * self->window->n_keys];
    weir_status               status =
        weiri_key_table_need(&self->keys, batch->hash[i], cells, entry, is_new);
    if (status == WEIR_EFULL && self->ops->stale_from != NULL
        && batch->time[i] >= self->full_ns) {
        status = sweep_all(self, batch->time[i]);
        if (status == WEIR_OK) {
            status =
                weiri_key_table_need(&self->keys, batch->hash[i], cells, entry, is_new);
        }
    }
    if (status == WEIR_EFULL) {
        self->counts.dropped_keys++;
        *entry = WEIRI_NO_ENTRY;
        return WEIR_OK;
    }
    if (status == WEIR_OK && *is_new) {
        int64_t soonest = weiri_add_ns(batch->time[i], self->window->width_ns);
        self->full_ns   = soonest < self->full_ns ? soonest : self->full_ns;
        self->n_new++;
    }
    return status;
}

weir_status
weiri_windower_add(weiri_windower *self, char *states, uint32_t i)
{
    uint64_t     mask   = self->batch.mask[i];
    uint32_t     row    = self->batch.row[i];
    weiri_sample sample = { .time_ns = self->batch.time[i] };
    for (uint32_t j = 0; j < self->n_active; j++) {
        uint32_t a = self->active[j];
        if (((mask >> a) & 1) == 0) {
            continue;
        }
        if (self->x_root[a] != WEIRI_NONE) {
            sample.x = self->root_cells[self->x_root[a]][row];
        }
        if (self->y_root[a] != WEIRI_NONE) {
            sample.y = self->root_cells[self->y_root[a]][row];
        }
        if (!weiri_tally_add(
                &self->window->aggregates[a], states + self->offset[a], &sample)) {
            return WEIR_ENOMEM;
        }
    }
    return WEIR_OK;
}

weir_status
weiri_windower_merge(weiri_windower *self, char *states, const char *later)
{
    for (uint32_t j = 0; j < self->n_active; j++) {
        uint32_t a = self->active[j];
        if (!weiri_tally_merge(&self->window->aggregates[a], states + self->offset[a],
                later + self->offset[a])) {
            return WEIR_ENOMEM;
        }
    }
    return WEIR_OK;
}

void
weiri_windower_clear(weiri_windower *self, char *states)
{
    for (uint32_t j = 0; j < self->n_active; j++) {
        uint32_t a = self->active[j];
        weiri_tally_clear(&self->window->aggregates[a], states + self->offset[a]);
    }
}

weir_status
weiri_windower_touch(weiri_windower *self, uint32_t entry, int64_t time_ns)
{
    if (!weiri_need_room((void **)&self->dirty, self->n_dirty, &self->dirty_room,
            sizeof *self->dirty)) {
        return WEIR_ENOMEM;
    }
    self->dirty[self->n_dirty++] = entry;
    if (self->tick == INT64_MAX) {
        int64_t early = self->window->early_ns;
        self->tick    = weiri_add_ns(weiri_floor_ns(time_ns, early), early);
        self->due     = self->tick < self->due ? self->tick : self->due;
    }
    return WEIR_OK;
}

weir_status
weiri_windower_push_due(weiri_windower *self, int64_t end, uint64_t first, uint32_t entry)
{
    if (!weiri_need_room(
            (void **)&self->dues, self->n_dues, &self->dues_room, sizeof *self->dues)) {
        return WEIR_ENOMEM;
    }
    self->dues[self->n_dues++] = (weiri_due){ end, first, entry };
    return WEIR_OK;
}

static bool
is_due_before(const weiri_due *a, const weiri_due *b)
{
    return a->end != b->end ? a->end < b->end : a->first < b->first;
}

/* Merge the sorted runs from[low … middle) and from[middle … high). */
static void
merge_runs(const weiri_due *from, weiri_due *to, size_t low, size_t middle, size_t high)
{
    size_t a = low;
    size_t b = middle;
    for (size_t i = low; i < high; i++) {
        bool is_right = a == middle || (b < high && is_due_before(&from[b], &from[a]));
        to[i]         = is_right ? from[b++] : from[a++];
    }
}

bool
weiri_windower_sort_dues(weiri_windower *self)
{
    size_t n         = self->n_dues;
    bool   is_sorted = true;
    for (size_t i = 1; i < n && is_sorted; i++) {
        is_sorted = !is_due_before(&self->dues[i], &self->dues[i - 1]);
    }
    if (is_sorted) {
        return true;
    }
    weiri_due *other = malloc(self->dues_room * sizeof *other);
    if (other == NULL) {
        return false;
    }
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t low = 0; low < n; low += 2 * width) {
            size_t middle = low + width < n ? low + width : n;
            size_t high   = low + 2 * width < n ? low + 2 * width : n;
            merge_runs(self->dues, other, low, middle, high);
        }
        weiri_due *swap = self->dues;
        self->dues      = other;
        other           = swap;
    }
    free(other);
    return true;
}

weir_status
weiri_windower_release(weiri_windower *self, uint32_t entry)
{
    weiri_entry *part = weiri_key_table_at(&self->keys, entry);
    self->ops->clear(self, part);
    part->is_used = false;
    return weiri_key_table_remove(&self->keys, entry);
}

/* ---- time ---- */

weir_status
weiri_windower_catch_up(weiri_windower *self, int64_t now_ns)
{
    weir_status status = WEIR_OK;
    self->until_ns     = now_ns;
    while (status == WEIR_OK) {
        int64_t end  = self->ops->next_close(self);
        int64_t tick = self->is_finishing ? INT64_MAX : self->tick;
        self->due    = end < tick ? end : tick;
        if (self->due > now_ns || self->due == INT64_MAX) {
            break;
        }
        if (end <= tick) {
            status = self->ops->close(self, end);
        } else {
            self->tick    = INT64_MAX;
            status        = self->ops->tick(self, tick);
            self->n_dirty = 0;
        }
    }
    return status;
}

/* Give back what a few entries hold for nothing: more than came new, so that what is
 * stale stays a fraction. Which ones is not to be seen: a stale entry and none behave
 * alike. */
static weir_status
sweep(weiri_windower *self)
{
    enum { SHARE = 16 };
    weir_status status = WEIR_OK;
    uint32_t    n      = self->batch.n / SHARE + 2 * self->n_new;
    self->n_new        = 0;
    for (uint32_t i = 0; i < n && i < self->keys.n_used && status == WEIR_OK; i++) {
        self->sweep        = self->sweep + 1 < self->keys.n_used ? self->sweep + 1 : 0;
        weiri_entry *entry = weiri_key_table_at(&self->keys, self->sweep);
        if (entry->is_used && weiri_entry_stale_from(self, entry) <= self->last_ns) {
            status = weiri_windower_release(self, self->sweep);
        }
    }
    return status;
}

/* ---- rows ---- */

/* Cells of a root by row: the vector itself where it has 8-byte numbers. */
static void
make_cells(weiri_windower *self, uint32_t root, uint32_t n)
{
    const weiri_vector *vector = &self->vectors[root];
    weiri_cell         *cells  = &self->cells[(size_t)root * WEIRI_CHUNK_ROWS];
    if (vector->type != WEIR_BOOL && !weiri_cell_is_text(vector->type)) {
        self->root_cells[root] = (const weiri_cell *)(const void *)vector->as.i;
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        cells[i] = weiri_vector_cell(vector, i);
    }
    self->root_cells[root] = cells;
}

static bool
is_true(const weiri_vector *vector, uint32_t i)
{
    return vector->as.b[i] != 0 && !weiri_vector_is_null(vector, i);
}

/* Whether no part of a row's key is null. */
static bool
has_key(const weiri_windower *self, uint32_t row)
{
    for (uint32_t k = 0; k < self->window->n_keys; k++) {
        if (weiri_vector_is_null(&self->vectors[self->key_root + k], row)) {
            return false;
        }
    }
    return true;
}

/* The keys' cells and their hashes, column by column. */
static void
hash_keys(weiri_windower *self)
{
    weiri_window_batch *batch                    = &self->batch;
    uint32_t            n_keys                   = self->window->n_keys;
    uint64_t            hashes[WEIRI_CHUNK_ROWS] = { 0 };
    for (uint32_t k = 0; k < n_keys; k++) {
        const weiri_cell *from = self->root_cells[self->key_root + k];
        weiri_cell       *to   = batch->keys + k;
        weir_type         type = self->key_types[k];
        for (uint32_t i = 0; i < batch->n; i++) {
            to[(size_t)i * n_keys] = weiri_cell_plain(type, from[batch->row[i]]);
        }
        if (weiri_cell_is_text(type)) {
            for (uint32_t i = 0; i < batch->n; i++) {
                hashes[i] = weiri_key_hash_next(type, to[(size_t)i * n_keys], hashes[i]);
            }
        } else {
            for (uint32_t i = 0; i < batch->n; i++) {
                hashes[i] =
                    weiri_key_hash_next(WEIR_INT, to[(size_t)i * n_keys], hashes[i]);
            }
        }
    }
    for (uint32_t i = 0; i < batch->n; i++) {
        batch->hash[i] = weiri_key_hash_end(hashes[i]);
    }
}

static void
select_rows(weiri_windower *self, weir_rows rows)
{
    weiri_window_batch *batch = &self->batch;
    const int64_t      *time  = rows.chunk->time + rows.first;
    batch->rows               = rows;
    batch->n                  = 0;
    bool is_part              = self->sink.trigger != NULL;
    for (uint32_t row = 0; row < rows.n; row++) {
        if (self->plan->where != NULL && !is_true(&self->vectors[0], row)) {
            continue;
        }
        if (!has_key(self, row)) {
            self->counts.null_keys++;
            continue;
        }
        batch->row[batch->n]  = (uint16_t)row;
        batch->time[batch->n] = time[row];
        batch->order[batch->n] =
            is_part ? rows.chunk->order[rows.first + row] : self->n_seen + batch->n;
        batch->n++;
    }
    hash_keys(self);
}

/* Take bit `a` from the rows where a root is null, or with `truth` not true. */
static void
mask_by(weiri_windower *self, uint32_t a, uint32_t root, bool truth)
{
    weiri_window_batch *batch  = &self->batch;
    const weiri_vector *vector = &self->vectors[root];
    if (!truth && !vector->has_nulls) {
        return;
    }
    for (uint32_t i = 0; i < batch->n; i++) {
        uint32_t row  = batch->row[i];
        bool     take = truth ? is_true(vector, row) : vector->nulls[row] == 0;
        batch->mask[i] &= ~((uint64_t)!take << a);
    }
}

static void
make_masks(weiri_windower *self)
{
    for (uint32_t i = 0; i < self->batch.n; i++) {
        self->batch.mask[i] = UINT64_MAX;
    }
    for (uint32_t j = 0; j < self->n_active; j++) {
        uint32_t               a    = self->active[j];
        const weiri_aggregate *plan = &self->window->aggregates[a];
        if (self->x_root[a] != WEIRI_NONE) {
            bool is_count = plan->kind == WEIRI_AGGREGATE_COUNT;
            mask_by(
                self, a, self->x_root[a], is_count && plan->argument->type == WEIR_BOOL);
        }
        if (self->y_root[a] != WEIRI_NONE) {
            mask_by(self, a, self->y_root[a], false);
        }
        if (self->filter_root[a] != WEIRI_NONE) {
            mask_by(self, a, self->filter_root[a], true);
        }
    }
}

weir_status
weiri_windower_feed(weiri_windower *self, weir_rows rows, weir_error *err)
{
    weiri_assert(rows.n <= WEIRI_CHUNK_ROWS);
    const weiri_window *window = self->window;
    if (rows.n == 0
        || (window->limit > 0 && window->limit_ns < 0
            && self->n_emitted >= window->limit)) {
        return WEIR_OK;
    }
    if (self->n_roots > 0) {
        weiri_program_run(self->columns, rows, self->vectors);
    }
    for (uint32_t root = 0; root < self->n_roots; root++) {
        make_cells(self, root, rows.n);
    }
    select_rows(self, rows);
    make_masks(self);
    weir_status status = self->ops->feed(self);
    if (self->batch.n > 0) {
        self->n_seen  = self->batch.order[self->batch.n - 1] + 1;
        self->last_ns = self->batch.time[self->batch.n - 1];
    }
    if (status == WEIR_OK && self->ops->stale_from != NULL) {
        status = sweep(self);
    }
    return status == WEIR_OK ? status : WEIR_CONTEXT(err, status, "window");
}

weir_status
weiri_windower_advance(weiri_windower *self, int64_t watermark_ns, weir_error *err)
{
    if (watermark_ns == INT64_MAX) {
        return weiri_windower_finish(self, err);
    }
    weir_status status = weiri_windower_catch_up(self, watermark_ns);
    return status == WEIR_OK ? status : WEIR_CONTEXT(err, status, "window");
}

weir_status
weiri_windower_finish(weiri_windower *self, weir_error *err)
{
    self->is_finishing = true;
    weir_status status = weiri_windower_catch_up(self, INT64_MAX);
    return status == WEIR_OK ? status : WEIR_CONTEXT(err, status, "window");
}

weiri_window_counts
weiri_windower_counts(const weiri_windower *self)
{
    weiri_window_counts counts = self->counts;
    counts.faults              = self->values.faults;
    if (self->results != NULL) {
        counts.faults += weiri_program_faults(self->results);
    }
    if (self->columns != NULL) {
        counts.faults += weiri_program_faults(self->columns);
    }
    counts.live_keys = self->keys.n_live;
    return counts;
}

uint64_t
weiri_windower_position(const weiri_windower *self)
{
    return self->n_seen;
}
