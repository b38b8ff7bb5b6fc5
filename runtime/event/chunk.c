/* weir_chunk: one allocation for the columns of present fields, one growing heap for
 * strings.
 *
 * The columns are carved out of a single block because chunks are made and freed at
 * the pace of the input; the heap grows by doubling up to its bound and is kept when a
 * chunk is cleared, so that a steady stream allocates nothing.
 */
#include "weir/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/assert.h"
#include "weiri/limits.h"
#include "weiri/merge.h"

enum { FIRST_HEAP = 16 << 10, FIRST_SMALL_HEAP = 256 };

static size_t
cell_size(weir_type type)
{
    return type == WEIR_BOOL ? 1 : 8;
}

static size_t
block_size(const weir_schema *schema, const bool *used, size_t capacity)
{
    size_t size = capacity * (sizeof(int64_t) + sizeof(uint64_t));
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        if (used == NULL || used[i]) {
            size += capacity * (cell_size(schema->fields[i].type) + 1);
        }
    }
    return size;
}

/* Wide cells first, so that all of them are aligned without padding. */
static void
carve_columns(weir_chunk *self, const bool *used, char *place)
{
    self->time = (int64_t *)(void *)place;
    place += self->capacity * sizeof(int64_t);
    self->order = (uint64_t *)(void *)place;
    place += self->capacity * sizeof(uint64_t);

    for (size_t width = 8; width > 0; width = width == 8 ? 1 : 0) {
        for (uint32_t i = 0; i < self->schema->n_fields; i++) {
            weir_column *column = &self->columns[i];
            column->type        = (uint8_t)self->schema->fields[i].type;
            column->is_present  = used == NULL || used[i];
            if (column->is_present && cell_size(column->type) == width) {
                column->as.any = place;
                place += self->capacity * width;
            }
        }
    }
    for (uint32_t i = 0; i < self->schema->n_fields; i++) {
        if (self->columns[i].is_present) {
            self->columns[i].nulls = (uint8_t *)place;
            place += self->capacity;
        }
    }
}

static size_t
head_size(const weir_schema *schema)
{
    return sizeof(weir_chunk) + schema->n_fields * sizeof(weir_column);
}

size_t
weiri_chunk_size(const weir_schema *schema, const bool *used, uint32_t capacity)
{
    weiri_assert(capacity % 8 == 0 && capacity <= WEIRI_CHUNK_ROWS);
    return head_size(schema) + block_size(schema, used, capacity);
}

weir_chunk *
weiri_chunk_init(
    void *place, const weir_schema *schema, const bool *used, uint32_t capacity)
{
    weir_chunk *self = place;
    self->schema     = schema;
    self->capacity   = capacity;
    self->n_refs     = 1;
    self->columns    = (weir_column *)(self + 1);
    carve_columns(self, used, (char *)self + head_size(schema));
    return self;
}

void
weiri_chunk_fini(weir_chunk *self)
{
    weiri_assert(self->n_refs == 1);
    free(self->heap);
    self->heap      = NULL;
    self->heap_size = 0;
    self->heap_used = 0;
}

weir_status
weiri_chunk_new_small(
    const weir_schema *schema, const bool *used, uint32_t capacity, weir_chunk **out)
{
    void *place = calloc(1, weiri_chunk_size(schema, used, capacity));
    if (place == NULL) {
        return WEIR_ENOMEM;
    }
    *out = weiri_chunk_init(place, schema, used, capacity);
    return WEIR_OK;
}

weir_status
weir_chunk_new(const weir_schema *schema, const bool *used, weir_chunk **out)
{
    return weiri_chunk_new_small(schema, used, WEIRI_CHUNK_ROWS, out);
}

const weir_chunk *
weir_chunk_ref(const weir_chunk *self)
{
    /* The count is the only part of a shared chunk that changes. Whoever adds a reference
     * has one, so that nothing need be ordered by it. */
    weir_chunk *shared = (weir_chunk *)self; /* NOLINT(clang-diagnostic-cast-qual) */
    __atomic_fetch_add(&shared->n_refs, 1, __ATOMIC_RELAXED);
    return self;
}

/* Release: what this owner read was read before the chunk is freed; acquire: by whoever
 * frees it. The only owner need not write to know that it is: nobody else can add one. */
static bool
is_last(weir_chunk *self)
{
    return __atomic_load_n(&self->n_refs, __ATOMIC_ACQUIRE) == 1
           || __atomic_fetch_sub(&self->n_refs, 1, __ATOMIC_ACQ_REL) == 1;
}

void
weir_chunk_unref(const weir_chunk **self_p)
{
    weir_chunk *self = (weir_chunk *)*self_p;
    *self_p          = NULL;
    if (self != NULL && is_last(self)) {
        free(self->heap);
        free(self);
    }
}

void
weir_chunk_drop(weir_chunk **self_p)
{
    const weir_chunk *chunk = *self_p;
    *self_p                 = NULL;
    weir_chunk_unref(&chunk);
}

void
weir_chunk_clear(weir_chunk *self)
{
    for (uint32_t i = 0; i < self->schema->n_fields; i++) {
        weir_column *column = &self->columns[i];
        if (column->is_present && column->has_nulls) {
            memset(column->nulls, 0, self->n_rows);
            column->has_nulls = false;
        }
    }
    self->n_rows    = 0;
    self->heap_used = 0;
}

weir_status
weir_chunk_reserve_text(weir_chunk *self, uint32_t size, uint32_t *offset)
{
    if (size > WEIRI_CHUNK_HEAP - self->heap_used) {
        return WEIR_EFULL;
    }
    uint32_t needed = self->heap_used + size;
    if (needed > self->heap_size) {
        uint32_t first =
            self->capacity < WEIRI_CHUNK_ROWS ? FIRST_SMALL_HEAP : FIRST_HEAP;
        uint32_t grown = self->heap_size > 0 ? self->heap_size : first;
        while (grown < needed) {
            grown *= 2;
        }
        char *heap = realloc(self->heap, grown);
        if (heap == NULL) {
            return WEIR_ENOMEM;
        }
        self->heap      = heap;
        self->heap_size = grown;
    }
    *offset         = self->heap_used;
    self->heap_used = needed;
    return WEIR_OK;
}

static void
set_null(weir_column *column, uint32_t row)
{
    column->nulls[row] = 1;
    column->has_nulls  = true;
    if (column->type == WEIR_BOOL) {
        column->as.b[row] = 0;
    } else {
        column->as.i[row] = 0;
    }
}

static weir_status
set_text(weir_chunk *self, weir_column *column, uint32_t row, const weir_value *value)
{
    uint32_t    offset = 0;
    weir_status status = weir_chunk_reserve_text(self, value->size, &offset);
    if (status != WEIR_OK) {
        return status;
    }
    if (value->size > 0) {
        memcpy(self->heap + offset, value->as.s, value->size);
    }
    column->as.s[row] = (weir_text){ .offset = offset, .size = value->size };
    return WEIR_OK;
}

weir_status
weir_chunk_set(weir_chunk *self, uint32_t row, uint32_t field, const weir_value *value)
{
    weir_column *column = &self->columns[field];
    if (!column->is_present) {
        return WEIR_OK;
    }
    if (value->is_null) {
        set_null(column, row);
        return WEIR_OK;
    }
    weiri_assert(value->type == column->type);
    switch ((weir_type)column->type) {
    case WEIR_BOOL: column->as.b[row] = value->as.b ? 1 : 0; break;
    case WEIR_FLOAT: column->as.f[row] = value->as.f; break;
    case WEIR_STRING:
    case WEIR_LIST: {
        weir_status status = set_text(self, column, row, value);
        if (status != WEIR_OK) {
            return status;
        }
        break;
    }
    case WEIR_NULL:
    case WEIR_INT:
    case WEIR_TIME:
    case WEIR_DURATION: column->as.i[row] = value->as.i; break;
    }
    column->nulls[row] = 0;
    return WEIR_OK;
}

weir_value
weir_chunk_get(const weir_chunk *self, uint32_t row, uint32_t field)
{
    const weir_column *column = &self->columns[field];
    weir_value         value  = { .type = column->type };
    if (!column->is_present || column->nulls[row]) {
        value.is_null = true;
        return value;
    }
    switch ((weir_type)column->type) {
    case WEIR_BOOL: value.as.b = column->as.b[row] != 0; break;
    case WEIR_FLOAT: value.as.f = column->as.f[row]; break;
    case WEIR_STRING:
    case WEIR_LIST:
        value.size = column->as.s[row].size;
        value.as.s = value.size > 0 ? self->heap + column->as.s[row].offset : "";
        break;
    case WEIR_NULL:
    case WEIR_INT:
    case WEIR_TIME:
    case WEIR_DURATION: value.as.i = column->as.i[row]; break;
    }
    return value;
}

weir_status
weir_chunk_append(weir_chunk *self, const weir_chunk *from, uint32_t row)
{
    if (self->n_rows == self->capacity) {
        return WEIR_EFULL;
    }
    uint32_t heap_used = self->heap_used;
    uint32_t to        = self->n_rows;
    for (uint32_t i = 0; i < self->schema->n_fields; i++) {
        weir_value  value  = weir_chunk_get(from, row, i);
        weir_status status = weir_chunk_set(self, to, i, &value);
        if (status != WEIR_OK) {
            self->heap_used = heap_used;
            return status;
        }
    }
    self->time[to]  = from->time[row];
    self->order[to] = from->order[row];
    self->n_rows++;
    return WEIR_OK;
}
