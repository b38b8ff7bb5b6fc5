/* weiri_merge: the events of one stream, put into their total order.
 *
 * Chunks are pushed in any order, each sorted in itself; what is before the watermark is
 * released in the order (time, order), as ranges of the pushed chunks without copying,
 * but where many short ranges follow each other: their rows are put into a new chunk.
 */
#ifndef WEIRI_MERGE_H
#define WEIRI_MERGE_H

#include "weir/chunk.h"
#include "weiri/pack.h"

/* An empty chunk for few rows; else as weir_chunk_new.
 *
 *   capacity  a multiple of 8, at most WEIRI_CHUNK_ROWS
 *   errors    WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_chunk_new_small(
    const weir_schema *schema, const bool *used, uint32_t capacity, weir_chunk **out);

/* What a chunk takes without its heap: bytes, a multiple of 8. */
size_t
weiri_chunk_size(const weir_schema *schema, const bool *used, uint32_t capacity);

/* An empty chunk in memory of the caller's: weiri_chunk_size zeroed bytes, as malloc
 * aligns them. It is never shared, and ended by weiri_chunk_fini. */
weir_chunk *
weiri_chunk_init(
    void *place, const weir_schema *schema, const bool *used, uint32_t capacity);

/* Free its heap: without rows it may be used again. */
void
weiri_chunk_fini(weir_chunk *self);

/* Ranges of rows, each holding a reference to its chunk. `{0}` is empty. */
typedef struct weiri_rows_list {
    weir_rows *items; /* shape (n,) */
    uint32_t   n;
    uint32_t   capacity;
} weiri_rows_list;

/* Append a range and take a reference to its chunk. errors  WEIR_ENOMEM: unchanged */
WEIR_MUST_CHECK weir_status
weiri_rows_list_add(weiri_rows_list *self, weir_rows rows);

/* Give all references back; keeps the room. */
void
weiri_rows_list_clear(weiri_rows_list *self);

void
weiri_rows_list_fini(weiri_rows_list *self);

typedef struct weiri_merge weiri_merge;

/* errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_merge_new(uint64_t max_rows, weiri_merge **out);

void
weiri_merge_destroy(weiri_merge **self_p);

/* Add a chunk whose rows are sorted by (time, order); an empty one is dropped.
 *
 *   chunk_p  taken on WEIR_OK and set to NULL
 *   errors   WEIR_EFULL   more than max_rows events would wait: unchanged
 *            WEIR_ENOMEM  unchanged
 */
WEIR_MUST_CHECK weir_status
weiri_merge_push(weiri_merge *self, weir_chunk **chunk_p);

/* Append to `out` all rows with time < watermark_ns (INT64_MAX: all rows), in order.
 *
 *   errors  WEIR_ENOMEM: what `out` got is released, the rest still waits
 *   cost    O(log(chunks waiting)) for each change from one chunk to another
 */
WEIR_MUST_CHECK weir_status
weiri_merge_release(weiri_merge *self, int64_t watermark_ns, weiri_rows_list *out);

/* How many rows wait. */
uint64_t
weiri_merge_waiting(const weiri_merge *self);

/* Append the rows that wait to `out`, which notes when memory is out. */
void
weiri_merge_save(const weiri_merge *self, weiri_pack *out);

/* Have an empty merge wait with what a saved one waited with. Arguments and errors as of
 * weiri_rows_unpack; WEIR_EFULL also for more rows than the bound. After an error some of
 * the rows are there. */
WEIR_MUST_CHECK weir_status
weiri_merge_load(
    weiri_merge *self, weiri_unpack *in, const weir_schema *schema, const bool *used);

#endif
