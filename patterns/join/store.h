/* weiri_join_store: the rows that one side of a join keeps, in the order of their time.
 *
 * Rows lie in blocks of WEIRI_CHUNK_ROWS, as columns: first those of the key, then those
 * fields of the side that the joined row needs. A row is named by its place in the
 * sequence of all rows ever kept, modulo 2^32. Rows leave from the front; a row in the
 * middle can only be marked dead.
 */
#ifndef WEIRI_JOIN_STORE_H
#define WEIRI_JOIN_STORE_H

#include "aggregate/cell.h"
#include "weiri/join.h"
#include "weiri/limits.h"
#include "weiri/prefetch.h"

#define WEIRI_NO_ROW UINT32_MAX

enum {
    WEIRI_ROW_KEYED   = 1, /* it is in the index       */
    WEIRI_ROW_MATCHED = 2, /* it has had a partner     */
    WEIRI_ROW_DEAD    = 4  /* a later one took its place */
};

/* Its rows follow it in memory. */
typedef struct weiri_row_block {
    weir_chunk            *rows;
    struct weiri_row_room *room;                    /* of which it is a part */
    uint64_t               words[WEIRI_CHUNK_ROWS]; /* what the index knows the key by */
    uint32_t               next[WEIRI_CHUNK_ROWS];  /* the next row of the key         */
    uint8_t                flags[WEIRI_CHUNK_ROWS];
} weiri_row_block;

typedef struct weiri_join_store {
    weir_schema schema;  /* of the blocks: keys, then fields               */
    uint32_t   *columns; /* shape (n_fields of the side,): where a field is kept */
    uint32_t   *fields;  /* shape (schema.n_fields,): the side's field; of a key
                          * that is none: WEIRI_NO_ROW                     */
    uint32_t          n_keys;
    weiri_row_block **blocks; /* ring, shape (mask + 1,) */
    uint32_t          mask;
    uint32_t          head;     /* of the ring                       */
    uint32_t          n_blocks; /* in use, from head on              */
    uint32_t          first;    /* row of the first block that is at the front */
    uint32_t          base;     /* name of the first block's row 0   */
    uint64_t          n_rows;   /* from the front on, the dead too   */
    uint64_t          n_live;   /* of these, not dead                */
    /* Where blocks lie: many in one room once there are many, in huge pages. */
    size_t    block_size;          /* bytes, with the rows                  */
    uint32_t *cells;               /* shape (schema.n_fields,): bytes from a block to
                                    * the cells of a column                 */
    struct weiri_row_room *newest; /* where the next block is made; or NULL */
    struct weiri_row_room *spare;  /* a room without blocks                 */
} weiri_join_store;

/* A row of a block. */
typedef struct weiri_kept {
    weiri_row_block *block;
    uint32_t         row;
} weiri_kept;

static inline weiri_kept
weiri_join_store_at(const weiri_join_store *self, uint32_t name)
{
    uint32_t offset = name - self->base;
    return (weiri_kept){
        .block = self->blocks[(self->head + offset / WEIRI_CHUNK_ROWS) & self->mask],
        .row   = offset % WEIRI_CHUNK_ROWS,
    };
}

/* Of a store with rows. */
static inline weiri_kept
weiri_join_store_front(const weiri_join_store *self)
{
    return (weiri_kept){ .block = self->blocks[self->head], .row = self->first };
}

static inline uint32_t
weiri_join_store_front_name(const weiri_join_store *self)
{
    return self->base + self->first;
}

/* Ask for what reading a row needs: its values, or what is known of it. */
static inline void
weiri_join_store_prefetch(const weiri_join_store *self, uint32_t name, bool is_read)
{
    weiri_kept  kept  = weiri_join_store_at(self, name);
    const char *block = (const char *)kept.block;
    if (!is_read) {
        weiri_prefetch(&kept.block->flags[kept.row]);
        return;
    }
    weiri_prefetch(block);
    weiri_prefetch(kept.block + 1); /* the chunk */
    for (uint32_t i = self->n_keys; i < self->schema.n_fields; i++) {
        uint32_t width = self->schema.fields[i].type == WEIR_BOOL ? 1 : 8;
        weiri_prefetch(block + self->cells[i] + (size_t)kept.row * width);
    }
}

/* A store for rows of `plan`.
 *
 *   needed  shape (n_fields of the side,): fields to keep beside the key
 *   errors  WEIR_ENOMEM: may be given to fini
 */
WEIR_MUST_CHECK weir_status
weiri_join_store_init(weiri_join_store *self, const weiri_join_side *plan,
    uint32_t n_keys, const bool *needed);

void
weiri_join_store_fini(weiri_join_store *self);

/* Append a row of the side.
 *
 *   keys    shape (n_keys,); of a row without a key that can equal one: NULL
 *   number  how many rows came to the join before it, and it: kept as its order
 *   errors  WEIR_ENOMEM; WEIR_EFULL: the row is larger than a chunk
 */
WEIR_MUST_CHECK weir_status
weiri_join_store_add(weiri_join_store *self, const weir_chunk *chunk, uint32_t row,
    const weiri_cell *keys, uint64_t number, uint32_t *name);

/* Append a row of another store of the same side, with what is known of it. */
WEIR_MUST_CHECK weir_status
weiri_join_store_move(weiri_join_store *self, weiri_kept from, uint32_t *name);

/* Room for a row, all of it to be set by the caller but its flags, which are 0. */
WEIR_MUST_CHECK weir_status
weiri_join_store_open(weiri_join_store *self, weiri_kept *out);

/* The row of the last weiri_join_store_open is whole. Returns its name. */
uint32_t
weiri_join_store_close(weiri_join_store *self);

/* Hand the block that is full of text over to history: the next row opens another. */
void
weiri_join_store_skip(weiri_join_store *self);

/* Forget the row at the front, dead or not. */
void
weiri_join_store_pop(weiri_join_store *self);

#endif
