/* weiri_collector: collects the events that a rule emits into chunks of their stream. */
#ifndef WEIRI_COLLECTOR_H
#define WEIRI_COLLECTOR_H

#include "weiri/expr.h"
#include "weiri/merge.h"
#include "weiri/pack.h"

/* Chunks and their owner. `{0}` is empty. */
typedef struct weiri_chunks {
    weir_chunk **items; /* shape (n,) */
    uint32_t     n;
    uint32_t     capacity;
    uint64_t     n_rows; /* of all */
} weiri_chunks;

/* Append a chunk; an empty one is dropped.
 *
 *   chunk_p  taken on WEIR_OK and set to NULL
 *   errors   WEIR_EFULL   more than WEIRI_REORDER_ROWS events: unchanged
 *            WEIR_ENOMEM  unchanged
 */
WEIR_MUST_CHECK weir_status
weiri_chunks_add(weiri_chunks *self, weir_chunk **chunk_p);

void
weiri_chunks_fini(weiri_chunks *self);

typedef struct weiri_collector {
    const weir_schema *schema;
    const bool        *used;
    weiri_merge       *to; /* with `apart` NULL: nobody reads the stream, events are
                            * counted only */
    weiri_chunks   *apart; /* events go here instead, for others emit for the rule, too */
    const uint64_t *trigger;  /* with `apart`: the order of the next event */
    weir_chunk     *chunk;    /* being filled */
    uint32_t        capacity; /* of the next chunk; 0: the least */
    uint64_t        order;    /* of the next event */
    uint64_t        n_emitted;
} weiri_collector;

/* Append one event.
 *
 *   time_ns  not before that of the event appended last
 *   values   shape (schema->n_fields,)
 *   errors   WEIR_ENOMEM; WEIR_EFULL: the stream's bound, or an event larger than a
 * chunk's heap
 */
WEIR_MUST_CHECK weir_status
weiri_collector_add(weiri_collector *self, int64_t time_ns, const weir_value *values);

/* Append n events, a vector for each field.
 *
 *   time_ns  shape (n,), never going back
 *   columns  shape (schema->n_fields,) of vectors of shape (n,)
 *   errors   as above
 */
WEIR_MUST_CHECK weir_status
weiri_collector_add_columns(weiri_collector *self, const int64_t *time_ns, uint32_t n,
    const weiri_vector *columns);

/* Add a chunk as it is, its rows in the order of time and their own.
 *
 *   chunk_p  taken on WEIR_OK and set to NULL
 *   errors   as above
 */
WEIR_MUST_CHECK weir_status
weiri_collector_add_chunk(weiri_collector *self, weir_chunk **chunk_p);

/* Hand what was collected to the stream. */
WEIR_MUST_CHECK weir_status
weiri_collector_flush(weiri_collector *self);

/* Append how many events it has counted to `out`; nothing is being filled (flushed).
 * Loading adds them: the orders of what several have given go on where one would be. */
void
weiri_collector_save(const weiri_collector *self, weiri_pack *out);

void
weiri_collector_load(weiri_collector *self, weiri_unpack *in);

void
weiri_collector_fini(weiri_collector *self);

#endif
