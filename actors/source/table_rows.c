/* The rows of a table's file, found by key. */
#include <stdlib.h>
#include <string.h>

#include "inside.h"
#include "weiri/hash.h"

enum { ROW_BITS = 10, MIN_SLOTS = 64 };

_Static_assert(WEIRI_CHUNK_ROWS == 1 << ROW_BITS, "a row is numbered by chunk and row");

void
weiri_table_rows_fini(weiri_table_rows *self)
{
    for (uint32_t i = 0; i < self->n_chunks; i++) {
        weir_chunk_drop(&self->chunks[i]);
    }
    free(self->chunks);
    free(self->slots);
    self->chunks   = NULL;
    self->slots    = NULL;
    self->n_chunks = 0;
    self->n_rows   = 0;
    self->mask     = 0;
}

weir_status
weiri_table_rows_add(weiri_table_rows *self, weir_chunk **chunk_p)
{
    uint32_t n = self->n_chunks;
    if (self->n_rows + (*chunk_p)->n_rows > WEIRI_JOIN_ROWS) {
        return WEIR_EFULL;
    }
    if ((n & (n - 1)) == 0) { /* full: 0, 1, 2, 4, ... */
        size_t       room  = n == 0 ? 1 : (size_t)n * 2;
        weir_chunk **grown = realloc(self->chunks, room * sizeof(weir_chunk *));
        if (grown == NULL) {
            return WEIR_ENOMEM;
        }
        self->chunks = grown;
    }
    self->n_rows += (*chunk_p)->n_rows;
    self->chunks[self->n_chunks++] = *chunk_p;
    *chunk_p                       = NULL;
    return WEIR_OK;
}

/* ---- keys ---- */

static bool
is_same_value(weir_value a, weir_value b)
{
    if (a.is_null || b.is_null) {
        return a.is_null == b.is_null;
    }
    switch ((weir_type)a.type) {
    case WEIR_STRING:
    case WEIR_LIST: return a.size == b.size && memcmp(a.as.s, b.as.s, a.size) == 0;
    case WEIR_BOOL: return a.as.b == b.as.b;
    case WEIR_FLOAT: return a.as.f == b.as.f;
    default: return a.as.i == b.as.i;
    }
}

static uint64_t
hash_value(weir_value value)
{
    switch ((weir_type)value.type) {
    case WEIR_STRING: return weiri_text_hash(value.as.s, value.size);
    case WEIR_BOOL: return weiri_number_hash(value.as.b);
    case WEIR_FLOAT: { /* zero has no sign */
        double   plain = value.as.f == 0 ? 0 : value.as.f;
        uint64_t bits;
        memcpy(&bits, &plain, sizeof bits);
        return weiri_number_hash(bits);
    }
    default: return weiri_number_hash((uint64_t)value.as.i);
    }
}

static uint64_t
hash_key(const weiri_table_rows *self, const weir_chunk *chunk, uint32_t row)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < self->n_keys; i++) {
        hash =
            weiri_hash_join(hash, hash_value(weir_chunk_get(chunk, row, self->keys[i])));
    }
    return weiri_mix(hash);
}

static bool
has_same_key(const weiri_table_rows *self, const weir_chunk *a, uint32_t a_row,
    const weir_chunk *b, uint32_t b_row)
{
    for (uint32_t i = 0; i < self->n_keys; i++) {
        if (!is_same_value(weir_chunk_get(a, a_row, self->keys[i]),
                weir_chunk_get(b, b_row, self->keys[i]))) {
            return false;
        }
    }
    return true;
}

/* ---- finding ---- */

/* The slot of a key, or the free one where it would be. */
static uint64_t *
slot_of(const weiri_table_rows *self, const weir_chunk *chunk, uint32_t row)
{
    uint64_t at = hash_key(self, chunk, row) & self->mask;
    while (self->slots[at] != 0) {
        uint64_t          number = self->slots[at] - 1;
        const weir_chunk *in     = self->chunks[number >> ROW_BITS];
        if (has_same_key(self, in, number & (WEIRI_CHUNK_ROWS - 1), chunk, row)) {
            break;
        }
        at = (at + 1) & self->mask;
    }
    return &self->slots[at];
}

weir_status
weiri_table_rows_index(weiri_table_rows *self)
{
    uint64_t n_slots = MIN_SLOTS;
    while (n_slots < 2 * self->n_rows) {
        n_slots *= 2;
    }
    self->slots = calloc(n_slots, sizeof *self->slots);
    if (self->slots == NULL) {
        return WEIR_ENOMEM;
    }
    self->mask = n_slots - 1;
    for (uint64_t c = 0; c < self->n_chunks; c++) {
        for (uint32_t row = 0; row < self->chunks[c]->n_rows; row++) {
            *slot_of(self, self->chunks[c], row) = 1 + (c << ROW_BITS | row);
        }
    }
    return WEIR_OK;
}

bool
weiri_table_rows_find(const weiri_table_rows *self, const weir_chunk *chunk, uint32_t row,
    const weir_chunk **in, uint32_t *at)
{
    uint64_t slot = self->slots != NULL ? *slot_of(self, chunk, row) : 0;
    if (slot == 0) {
        return false;
    }
    *in = self->chunks[(slot - 1) >> ROW_BITS];
    *at = (uint32_t)((slot - 1) & (WEIRI_CHUNK_ROWS - 1));
    return true;
}

bool
weiri_table_rows_are_same(
    const weir_chunk *a, uint32_t a_row, const weir_chunk *b, uint32_t b_row)
{
    for (uint32_t i = 0; i < a->schema->n_fields; i++) {
        if (!is_same_value(weir_chunk_get(a, a_row, i), weir_chunk_get(b, b_row, i))) {
            return false;
        }
    }
    return true;
}
