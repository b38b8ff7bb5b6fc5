/* A chunk: up to WEIRI_CHUNK_ROWS events of one stream, as columns.
 *
 * One writer fills it; from the first weir_chunk_ref on it is immutable. Rows are in
 * the order in which they were appended. Columns of fields that no rule uses
 * are absent.
 */
#ifndef WEIR_CHUNK_H
#define WEIR_CHUNK_H

#include <stddef.h>

#include "weir/error.h"
#include "weir/schema.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A string or list in the chunk's heap. */
typedef struct weir_text {
    uint32_t offset; /* into weir_chunk.heap */
    uint32_t size;   /* bytes                */
} weir_text;

typedef struct weir_column {
    uint8_t type;       /* weir_type                                        */
    bool    is_present; /* false: no rule uses the field, `as` is NULL      */
    bool    has_nulls;  /* false: `nulls` is all zero and need not be read  */
    union {
        void      *any;
        uint8_t   *b; /* bool: 0 or 1                */
        int64_t   *i; /* int, time, duration         */
        double    *f;
        weir_text *s; /* string, list                */
    } as;             /* shape (capacity,); a null row holds 0 */
    uint8_t *nulls;   /* shape (capacity,): 1 where the row is null */
} weir_column;

typedef struct weir_chunk {
    const weir_schema *schema;
    uint32_t           n_rows;
    uint32_t           capacity;
    int64_t           *time;    /* event time, ns                                  */
    uint64_t          *order;   /* breaks ties of time inside the stream           */
    weir_column       *columns; /* shape (schema->n_fields,)                       */
    char              *heap;
    uint32_t           heap_used;
    uint32_t           heap_size;
    uint32_t           n_refs;
} weir_chunk;

/* Rows first .. first + n of a chunk, in order. */
typedef struct weir_rows {
    const weir_chunk *chunk;
    uint32_t          first;
    uint32_t          n;
} weir_rows;

/* An empty chunk with one reference.
 *
 *   used    shape (schema->n_fields,): which columns to keep; NULL for all
 *   errors  WEIR_ENOMEM
 */
WEIR_API WEIR_MUST_CHECK weir_status
weir_chunk_new(const weir_schema *schema, const bool *used, weir_chunk **out);

/* Add a reference; the chunk is immutable from now on. Owners may be on different
 * threads. */
WEIR_API const weir_chunk *
weir_chunk_ref(const weir_chunk *self);

/* Give a reference back and set *self_p to NULL; frees with the last one. */
WEIR_API void
weir_chunk_unref(const weir_chunk **self_p);

/* The same for the one who fills it; NULL is fine. */
WEIR_API void
weir_chunk_drop(weir_chunk **self_p);

/* Forget all rows, for reuse by the only owner. */
WEIR_API void
weir_chunk_clear(weir_chunk *self);

/* Room in the heap for `size` bytes, to be filled by the caller.
 *
 *   offset  where the bytes go: self->heap + *offset
 *   errors  WEIR_EFULL    the heap's bound is reached: chunk unchanged, close it
 *           WEIR_ENOMEM   chunk unchanged
 */
WEIR_API WEIR_MUST_CHECK weir_status
weir_chunk_reserve_text(weir_chunk *self, uint32_t size, uint32_t *offset);

/* Store `value` (null or of the column's type) in row `row`, copying strings.
 * An absent column ignores it.
 *
 *   errors  WEIR_EFULL, WEIR_ENOMEM as above: row unchanged
 */
WEIR_API WEIR_MUST_CHECK weir_status
weir_chunk_set(weir_chunk *self, uint32_t row, uint32_t field, const weir_value *value);

/* The value at (row, field), borrowed from the chunk. An absent column reads as null. */
WEIR_API weir_value
weir_chunk_get(const weir_chunk *self, uint32_t row, uint32_t field);

/* Append row `row` of `from`, a chunk of the same schema, with its time and order.
 *
 *   errors  WEIR_EFULL   no row or heap left: chunk unchanged
 *           WEIR_ENOMEM  chunk unchanged
 */
WEIR_API WEIR_MUST_CHECK weir_status
weir_chunk_append(weir_chunk *self, const weir_chunk *from, uint32_t row);

#ifdef __cplusplus
}
#endif

#endif
