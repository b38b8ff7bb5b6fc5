#include "collector.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/limits.h"

weir_status
weiri_chunks_add(weiri_chunks *self, weir_chunk **chunk_p)
{
    enum { FIRST = 4 };
    uint32_t n_rows = (*chunk_p)->n_rows;
    if (n_rows == 0) {
        weir_chunk_drop(chunk_p);
        return WEIR_OK;
    }
    if (n_rows > WEIRI_REORDER_ROWS - self->n_rows) {
        return WEIR_EFULL;
    }
    if (self->n == self->capacity) {
        uint32_t     grown = self->capacity > 0 ? 2 * self->capacity : FIRST;
        weir_chunk **items = realloc(self->items, grown * sizeof *items);
        if (items == NULL) {
            return WEIR_ENOMEM;
        }
        self->items    = items;
        self->capacity = grown;
    }
    self->items[self->n++] = *chunk_p;
    self->n_rows += n_rows;
    *chunk_p = NULL;
    return WEIR_OK;
}

void
weiri_chunks_fini(weiri_chunks *self)
{
    for (uint32_t i = 0; i < self->n; i++) {
        weir_chunk_drop(&self->items[i]);
    }
    free(self->items);
    *self = (weiri_chunks){ 0 };
}

void
weiri_collector_fini(weiri_collector *self)
{
    weir_chunk_drop(&self->chunk);
}

/* Chunks grow with what a rule gives at once: of thousands of rules most give an event
 * now and then. */
enum { FEWEST_ROWS = 8 };

static uint32_t
next_capacity(const weiri_collector *self)
{
    if (self->capacity == 0) {
        return FEWEST_ROWS;
    }
    uint32_t n = self->chunk->n_rows;
    if (n == self->capacity && n < WEIRI_CHUNK_ROWS) {
        return 2 * n;
    }
    return n < self->capacity / 4 && n >= FEWEST_ROWS ? self->capacity / 2
                                                      : self->capacity;
}

weir_status
weiri_collector_flush(weiri_collector *self)
{
    if (self->chunk == NULL) {
        return WEIR_OK;
    }
    self->capacity = next_capacity(self);
    return self->apart != NULL ? weiri_chunks_add(self->apart, &self->chunk)
                               : weiri_merge_push(self->to, &self->chunk);
}

static bool
has_reader(const weiri_collector *self)
{
    return self->to != NULL || self->apart != NULL;
}

static uint64_t
next_order(weiri_collector *self)
{
    return self->apart != NULL ? *self->trigger : self->order++;
}

/* A chunk with room for one more row. */
static weir_status
open_chunk(weiri_collector *self)
{
    if (self->chunk != NULL && self->chunk->n_rows < self->chunk->capacity) {
        return WEIR_OK;
    }
    weir_status status = weiri_collector_flush(self);
    if (status != WEIR_OK) {
        return status;
    }
    if (self->capacity == 0) {
        self->capacity = next_capacity(self);
    }
    return weiri_chunk_new_small(self->schema, self->used, self->capacity, &self->chunk);
}

static weir_status
set_row(weir_chunk *chunk, uint32_t row, const weir_value *values)
{
    for (uint32_t i = 0; i < chunk->schema->n_fields; i++) {
        weir_status status = weir_chunk_set(chunk, row, i, &values[i]);
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
}

weir_status
weiri_collector_add(weiri_collector *self, int64_t time_ns, const weir_value *values)
{
    self->n_emitted++;
    if (!has_reader(self)) {
        return WEIR_OK;
    }
    weir_status status = WEIR_OK;
    for (int attempt = 0; attempt < 2; attempt++) {
        status = open_chunk(self);
        if (status != WEIR_OK) {
            return status;
        }
        weir_chunk *chunk     = self->chunk;
        uint32_t    heap_used = chunk->heap_used;
        status                = set_row(chunk, chunk->n_rows, values);
        if (status == WEIR_OK) {
            chunk->time[chunk->n_rows]  = time_ns;
            chunk->order[chunk->n_rows] = next_order(self);
            chunk->n_rows++;
            return WEIR_OK;
        }
        chunk->heap_used = heap_used;
        if (status != WEIR_EFULL || chunk->n_rows == 0) {
            return status;
        }
        status = weiri_collector_flush(self); /* the heap is full: try an empty chunk */
        if (status != WEIR_OK) {
            return status;
        }
    }
    return status;
}

static void
copy_numbers(weir_column *column, uint32_t row, const weiri_vector *from, uint32_t first,
    uint32_t n)
{
    if (column->type == WEIR_BOOL) {
        memcpy(column->as.b + row, from->as.b + first, n);
    } else {
        memcpy(column->as.i + row, from->as.i + first, n * sizeof(int64_t));
    }
}

/* Copy texts until the heap is full; returns how many rows fitted. */
static uint32_t
copy_texts(weir_chunk *chunk, uint32_t field, const weiri_vector *from, uint32_t first,
    uint32_t n, weir_status *status)
{
    for (uint32_t i = 0; i < n; i++) {
        weir_value value = from->as.v[first + i];
        value.type       = chunk->columns[field].type;
        value.is_null    = from->has_nulls && from->nulls[first + i];
        *status          = weir_chunk_set(chunk, chunk->n_rows + i, field, &value);
        if (*status != WEIR_OK) {
            return i;
        }
    }
    return n;
}

static void
copy_nulls(weir_column *column, uint32_t row, const weiri_vector *from, uint32_t first,
    uint32_t n)
{
    if (from->has_nulls) {
        memcpy(column->nulls + row, from->nulls + first, n);
        column->has_nulls = true;
    } else {
        memset(column->nulls + row, 0, n);
    }
}

static bool
is_text(const weiri_vector *vector)
{
    return vector->type == WEIR_STRING || vector->type == WEIR_LIST;
}

/* Texts first: they say how many rows the heap has room for. */
static weir_status
copy_block(weir_chunk *chunk, const weiri_vector *columns, uint32_t first, uint32_t *n)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < chunk->schema->n_fields; i++) {
        if (chunk->columns[i].is_present && is_text(&columns[i])) {
            *n = copy_texts(chunk, i, &columns[i], first, *n, &status);
        }
    }
    for (uint32_t i = 0; i < chunk->schema->n_fields; i++) {
        weir_column *column = &chunk->columns[i];
        if (column->is_present && !is_text(&columns[i])) {
            copy_numbers(column, chunk->n_rows, &columns[i], first, *n);
            copy_nulls(column, chunk->n_rows, &columns[i], first, *n);
        }
    }
    return status;
}

weir_status
weiri_collector_add_columns(weiri_collector *self, const int64_t *time_ns, uint32_t n,
    const weiri_vector *columns)
{
    self->n_emitted += n;
    for (uint32_t done = 0; has_reader(self) && done < n;) {
        weir_status status = open_chunk(self);
        if (status != WEIR_OK) {
            return status;
        }
        weir_chunk *chunk = self->chunk;
        uint32_t    room  = chunk->capacity - chunk->n_rows;
        uint32_t    block = n - done < room ? n - done : room;
        status            = copy_block(chunk, columns, done, &block);
        if (status != WEIR_OK && (status != WEIR_EFULL || chunk->n_rows + block == 0)) {
            return status;
        }
        memcpy(chunk->time + chunk->n_rows, time_ns + done, block * sizeof *time_ns);
        for (uint32_t i = 0; i < block; i++) {
            chunk->order[chunk->n_rows + i] = next_order(self);
        }
        chunk->n_rows += block;
        done += block;
        if (status == WEIR_EFULL) {
            status = weiri_collector_flush(self);
            if (status != WEIR_OK) {
                return status;
            }
        }
    }
    return WEIR_OK;
}

weir_status
weiri_collector_add_chunk(weiri_collector *self, weir_chunk **chunk_p)
{
    self->n_emitted += (*chunk_p)->n_rows;
    return self->apart != NULL ? weiri_chunks_add(self->apart, chunk_p)
                               : weiri_merge_push(self->to, chunk_p);
}

enum { ORDER_BITS = 48 }; /* the count of a rule's events; above it the rule's index */

#define ORDER_MASK ((UINT64_C(1) << ORDER_BITS) - 1)

void
weiri_collector_save(const weiri_collector *self, weiri_pack *out)
{
    weiri_pack_number(out, self->n_emitted);
}

/* The rule may stand elsewhere in its file now. */
void
weiri_collector_load(weiri_collector *self, weiri_unpack *in)
{
    uint64_t n = weiri_unpack_below(in, ORDER_MASK, "it is of too many events");
    if (n > ORDER_MASK - (self->order & ORDER_MASK)) {
        weiri_unpack_fail(in, "it is of too many events");
        return;
    }
    self->order += n;
    self->n_emitted += n;
}
