/* Fields as the fast paths of the text decoders see them: how a value is mostly written,
 * and where it goes in the chunk at hand.
 */
#ifndef WEIRI_CODEC_LEAF_H
#define WEIRI_CODEC_LEAF_H

#include "time_memo.h"
#include "weir/chunk.h"

typedef enum leaf_kind {
    LEAF_OTHER, /* of a rare type or form */
    LEAF_INT,
    LEAF_FLOAT,
    LEAF_BOOL,
    LEAF_STRING,
    LEAF_TEXT_TIME, /* in the automatic form */
    LEAF_COUNT_TIME /* in a unit             */
} leaf_kind;

typedef struct field_leaf {
    union {
        uint8_t   *b;
        int64_t   *i;
        double    *f;
        weir_text *s; /* NULL: not stored */
    } as;             /* shape (capacity,): the column's, or one that nobody reads */
    uint8_t  *nulls;  /* shape (capacity,), likewise                              */
    uint64_t  bit;    /* in a field set                                           */
    size_t    word;
    leaf_kind kind;
    int64_t   unit_ns; /* of LEAF_COUNT_TIME */
    time_memo memo;    /* of LEAF_TEXT_TIME  */
} field_leaf;

/* Of all fields of a schema. */
typedef struct field_leaves {
    const weir_schema *schema;
    field_leaf        *of;     /* shape (schema->n_fields,)                           */
    int64_t           *unread; /* shape (WEIRI_CHUNK_ROWS,): values of absent columns */
} field_leaves;

/* errors  WEIR_ENOMEM: nothing is left to free */
WEIR_MUST_CHECK weir_status
leaves_init(field_leaves *self, const weir_schema *schema);

void
leaves_fini(field_leaves *self);

/* Values go to this chunk from now on. The event's time goes to its column, or, if that
 * is absent, to chunk->time at once. */
void
leaves_bind(field_leaves *self, weir_chunk *chunk);

/* Append the row after the last, all fields of which are set. */
void
leaves_append(const field_leaves *self, weir_chunk *chunk);

#endif
