/* weiri_merge: a heap of sorted runs, the one with the earliest row on top.
 *
 * A run is a chunk and the row it stands at. Sources deliver nearly in order, so that
 * most of the time one run is drained to its end before another is looked at. Small
 * chunks (a slow source, waiting for a long lateness) are packed together, for a chunk
 * has the room of a full one.
 */
#include "weiri/merge.h"

#include <stdlib.h>

#include "gather.h"
#include "weiri/rows_pack.h"

enum { SMALL_CHUNK_ROWS = 128 };

struct run {
    weir_chunk *chunk; /* ours alone, but for the ranges that were released */
    uint32_t    row;   /* the first that waits                              */
};

struct weiri_merge {
    struct run *heap; /* shape (n_runs,), a binary heap by (time, order) */
    uint32_t    n_runs;
    uint32_t    capacity;
    uint64_t    n_rows;
    uint64_t    max_rows;
    bool        is_alike; /* all chunks that wait have the same columns   */
};

weir_status
weiri_rows_list_add(weiri_rows_list *self, weir_rows rows)
{
    if (self->n == self->capacity) {
        uint32_t   grown = self->capacity > 0 ? 2 * self->capacity : 8;
        weir_rows *items = realloc(self->items, grown * sizeof *items);
        if (items == NULL) {
            return WEIR_ENOMEM;
        }
        self->items    = items;
        self->capacity = grown;
    }
    rows.chunk             = weir_chunk_ref(rows.chunk);
    self->items[self->n++] = rows;
    return WEIR_OK;
}

void
weiri_rows_list_clear(weiri_rows_list *self)
{
    for (uint32_t i = 0; i < self->n; i++) {
        weir_chunk_unref(&self->items[i].chunk);
    }
    self->n = 0;
}

void
weiri_rows_list_fini(weiri_rows_list *self)
{
    weiri_rows_list_clear(self);
    free(self->items);
    *self = (weiri_rows_list){ 0 };
}

weir_status
weiri_merge_new(uint64_t max_rows, weiri_merge **out)
{
    weiri_merge *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->max_rows = max_rows;
    *out           = self;
    return WEIR_OK;
}

void
weiri_merge_destroy(weiri_merge **self_p)
{
    weiri_merge *self = *self_p;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; i < self->n_runs; i++) {
        weir_chunk_drop(&self->heap[i].chunk);
    }
    free(self->heap);
    free(self);
    *self_p = NULL;
}

static bool
row_is_before(const weir_chunk *a, uint32_t i, const weir_chunk *b, uint32_t j)
{
    if (a->time[i] != b->time[j]) {
        return a->time[i] < b->time[j];
    }
    return a->order[i] < b->order[j];
}

static bool
run_is_before(const struct run *a, const struct run *b)
{
    return row_is_before(a->chunk, a->row, b->chunk, b->row);
}

static void
sift_up(weiri_merge *self, uint32_t at)
{
    struct run run = self->heap[at];
    while (at > 0 && run_is_before(&run, &self->heap[(at - 1) / 2])) {
        self->heap[at] = self->heap[(at - 1) / 2];
        at             = (at - 1) / 2;
    }
    self->heap[at] = run;
}

static void
sift_down(weiri_merge *self)
{
    struct run run = self->heap[0];
    uint32_t   at  = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= self->n_runs) {
            break;
        }
        if (child + 1 < self->n_runs
            && run_is_before(&self->heap[child + 1], &self->heap[child])) {
            child++;
        }
        if (!run_is_before(&self->heap[child], &run)) {
            break;
        }
        self->heap[at] = self->heap[child];
        at             = child;
    }
    self->heap[at] = run;
}

/* Append a small chunk to a run that ends before it begins, if nobody else reads that
 * run. */
static bool
pack(weiri_merge *self, const weir_chunk *chunk)
{
    if (chunk->n_rows > SMALL_CHUNK_ROWS || self->n_runs == 0) {
        return false;
    }
    weir_chunk *last = self->heap[self->n_runs - 1].chunk;
    if (__atomic_load_n(&last->n_refs, __ATOMIC_ACQUIRE) != 1
        || last->capacity - last->n_rows < chunk->n_rows
        || row_is_before(chunk, 0, last, last->n_rows - 1)) {
        return false;
    }
    for (uint32_t i = 0; i < chunk->n_rows; i++) {
        if (weir_chunk_append(last, chunk, i) != WEIR_OK) {
            last->n_rows -= i;
            return false;
        }
    }
    return true;
}

weir_status
weiri_merge_push(weiri_merge *self, weir_chunk **chunk_p)
{
    weir_chunk *chunk = *chunk_p;
    if (chunk->n_rows > self->max_rows - self->n_rows) {
        return WEIR_EFULL;
    }
    if (chunk->n_rows == 0 || pack(self, chunk)) {
        self->n_rows += chunk->n_rows;
        weir_chunk_drop(chunk_p);
        return WEIR_OK;
    }
    if (self->n_runs == self->capacity) {
        uint32_t    grown = self->capacity > 0 ? 2 * self->capacity : 4;
        struct run *heap  = realloc(self->heap, grown * sizeof *heap);
        if (heap == NULL) {
            return WEIR_ENOMEM;
        }
        self->heap     = heap;
        self->capacity = grown;
    }
    self->is_alike =
        self->n_runs == 0
        || (self->is_alike && weiri_chunk_is_alike(self->heap[0].chunk, chunk));
    self->heap[self->n_runs++] = (struct run){ .chunk = chunk, .row = 0 };
    self->n_rows += chunk->n_rows;
    sift_up(self, self->n_runs - 1);
    *chunk_p = NULL;
    return WEIR_OK;
}

/* The run that is earliest among all but the top one; NULL if there is none. */
static const struct run *
runner_up(const weiri_merge *self)
{
    if (self->n_runs < 2) {
        return NULL;
    }
    if (self->n_runs > 2 && run_is_before(&self->heap[2], &self->heap[1])) {
        return &self->heap[2];
    }
    return &self->heap[1];
}

/* How many rows of the top run go before the watermark and before any other run. */
static uint32_t
leading_rows(const weiri_merge *self, int64_t watermark_ns)
{
    const struct run *top   = &self->heap[0];
    const weir_chunk *chunk = top->chunk;
    const struct run *next  = runner_up(self);
    uint32_t          end   = chunk->n_rows;
    /* Most often the whole rest qualifies: look at its last row first. */
    bool whole =
        (watermark_ns == INT64_MAX || chunk->time[end - 1] < watermark_ns)
        && (next == NULL || !row_is_before(next->chunk, next->row, chunk, end - 1));
    if (whole) {
        return end - top->row;
    }
    uint32_t row = top->row;
    while (row < end && (watermark_ns == INT64_MAX || chunk->time[row] < watermark_ns)
           && (next == NULL || !row_is_before(next->chunk, next->row, chunk, row))) {
        row++;
    }
    return row - top->row;
}

static void
pop_top(weiri_merge *self)
{
    weir_chunk_drop(&self->heap[0].chunk);
    self->heap[0] = self->heap[--self->n_runs];
}

static weir_status
release(weiri_merge *self, int64_t watermark_ns, weiri_rows_list *out)
{
    while (self->n_runs > 0) {
        struct run *top = &self->heap[0];
        uint32_t    n   = leading_rows(self, watermark_ns);
        if (n == 0) {
            break;
        }
        weir_status status = weiri_rows_list_add(
            out, (weir_rows){ .chunk = top->chunk, .first = top->row, .n = n });
        if (status != WEIR_OK) {
            return status;
        }
        top->row += n;
        self->n_rows -= n;
        if (top->row == top->chunk->n_rows) {
            pop_top(self);
        }
        if (self->n_runs > 0) {
            sift_down(self);
        }
    }
    return WEIR_OK;
}

weir_status
weiri_merge_release(weiri_merge *self, int64_t watermark_ns, weiri_rows_list *out)
{
    uint32_t    from     = out->n;
    bool        is_alike = self->is_alike;
    weir_status status   = release(self, watermark_ns, out);
    return status == WEIR_OK && is_alike ? weiri_rows_gather(out, from) : status;
}

uint64_t
weiri_merge_waiting(const weiri_merge *self)
{
    return self->n_rows;
}

void
weiri_merge_save(const weiri_merge *self, weiri_pack *out)
{
    weiri_pack_number(out, self->n_runs);
    for (uint32_t i = 0; i < self->n_runs; i++) {
        const struct run *run = &self->heap[i];
        weiri_rows_pack((weir_rows){ .chunk = run->chunk,
                            .first          = run->row,
                            .n              = run->chunk->n_rows - run->row },
            out);
    }
}

weir_status
weiri_merge_load(
    weiri_merge *self, weiri_unpack *in, const weir_schema *schema, const bool *used)
{
    weir_status status = WEIR_OK;
    uint64_t    n      = weiri_unpack_number(in);
    for (; n > 0 && in->wrong == NULL && status == WEIR_OK; n--) {
        weir_chunk *chunk = NULL;
        status            = weiri_rows_unpack(in, schema, used, &chunk);
        if (status == WEIR_OK) {
            status = weiri_merge_push(self, &chunk);
            weir_chunk_drop(&chunk);
        }
    }
    return status == WEIR_OK && in->wrong != NULL ? WEIR_EDATA : status;
}
