/* What the parts of a joiner share.
 *
 *   store.c    the rows that are kept
 *   index.c    which of them belong together
 *   out.c      the rows that are given
 *   joiner.c   what happens when a row comes, and when time passes
 *   save.c     the state as bytes
 */
#ifndef WEIRI_JOINER_H
#define WEIRI_JOINER_H

#include "join/index.h"

enum { WEIRI_LEFT, WEIRI_RIGHT };

/* One side, and the range of rows that is being read. */
typedef struct weiri_join_reader {
    const weiri_join_side *plan;
    weiri_program         *keys;     /* NULL: no keys       */
    weiri_program         *where;    /* NULL: every row     */
    weiri_program         *change;   /* NULL: every row is put */
    weiri_vector          *vectors;  /* shape (n_keys,)     */
    weiri_cell            *cells;    /* shape (WEIRI_CHUNK_ROWS, n_keys): plain */
    uint64_t              *words;    /* shape (WEIRI_CHUNK_ROWS,)               */
    uint8_t               *is_keyed; /* shape (WEIRI_CHUNK_ROWS,): may have a partner */
    const weiri_rows_list *list;
    uint32_t               range; /* of the list          */
    uint32_t               at;    /* row of the range     */
    weir_rows              rows;  /* the range            */
} weiri_join_reader;

/* Where a value of a joined row comes from. */
typedef struct weiri_join_value {
    uint32_t to;    /* field of the joined row             */
    uint32_t field; /* of the side's row as it came        */
    uint32_t kept;  /* of it as it is kept: column         */
} weiri_join_value;

/* A row of one side: as it came, or as it is kept. */
typedef struct weiri_join_row {
    const weir_chunk *chunk; /* NULL: there is none */
    uint32_t          row;
    bool              is_kept;
} weiri_join_row;

typedef struct weiri_join_out {
    weiri_join_value *values[2];
    uint32_t          n_values[2];
    weiri_program    *where;
    weir_chunk       *chunk;
    uint32_t          capacity; /* of the next chunk */
    uint64_t          n_given;
} weiri_join_out;

struct weiri_joiner {
    const weiri_join      *plan;
    weiri_join_sink        sink;
    weir_type             *types; /* shape (n_keys,) */
    weiri_join_reader      readers[2];
    weiri_join_store       stores[2];
    weiri_join_index       index;
    weiri_join_out         out;
    uint64_t               max_rows;
    uint64_t               n_fed;
    weiri_join_counts      counts;
    const weiri_join_side *full_side; /* that stopped it: it has too many rows; NULL */
    weir_status            status;    /* what stopped it */
};

/* ---- out.c ---- */

WEIR_MUST_CHECK weir_status
weiri_join_out_init(weiri_joiner *self);

void
weiri_join_out_fini(weiri_join_out *self);

/* Give the joined row of a pair if `where` holds; without partner the right is NULL.
 *
 *   is_given  whether it was
 */
WEIR_MUST_CHECK weir_status
weiri_join_out_give(weiri_joiner *self, weiri_join_row left, weiri_join_row right,
    int64_t time_ns, uint64_t order, bool *is_given);

/* Hand over what was given. */
WEIR_MUST_CHECK weir_status
weiri_join_out_flush(weiri_joiner *self);

#endif
