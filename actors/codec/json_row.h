/* One line of JSON to one row of a chunk, directed by the schema. */
#ifndef WEIRI_CODEC_JSON_ROW_H
#define WEIRI_CODEC_JSON_ROW_H

#include "decoder_ops.h"
#include "json_keys.h"
#include "json_text.h"
#include "time_memo.h"

typedef enum json_outcome {
    JSON_ROW,   /* appended                                                    */
    JSON_BLANK, /* only white space                                            */
    JSON_DEAD,  /* the reason is in the decode; the chunk is as it was         */
    JSON_FULL,  /* the chunk's heap cannot take it; the chunk is as it was     */
    JSON_NOMEM  /* the chunk is as it was                                      */
} json_outcome;

typedef struct json_span {
    const char *text;
    size_t      size;
} json_span;

/* Members that are read without looking further. */
typedef enum json_kind {
    JSON_OTHER, /* undeclared, an inner node, several fields, or of a rare type */
    JSON_INT,
    JSON_FLOAT,
    JSON_BOOL,
    JSON_STRING,
    JSON_TEXT_TIME, /* in the automatic form */
    JSON_COUNT_TIME /* in a unit             */
} json_kind;

/* Where a field's values go in the chunk at hand. */
typedef struct json_leaf {
    union {
        uint8_t   *b;
        int64_t   *i;
        double    *f;
        weir_text *s; /* NULL: not stored */
    } as;             /* shape (capacity,): the column's or one that nobody reads */
    uint8_t  *nulls;  /* shape (capacity,), likewise                              */
    uint64_t  bit;    /* in a field set                                           */
    size_t    word;
    int64_t   unit_ns; /* of JSON_COUNT_TIME */
    time_memo memo;    /* of JSON_TEXT_TIME  */
} json_leaf;

typedef struct json_row {
    const weir_schema *schema;
    weiri_paths       *paths;
    json_keys         *keys;    /* shape (paths->n_nodes,)                           */
    json_span         *refused; /* shape (schema->n_fields,): the values of `bad`    */
    json_leaf         *leaves;  /* shape (schema->n_fields,)                         */
    int64_t           *unread;  /* shape (WEIRI_CHUNK_ROWS,): values of absent columns */
    weiri_field_set    all;
    size_t             n_words; /* of the sets that are in use                       */
    /* Of the record at hand. */
    weir_chunk     *chunk;
    weir_column    *columns;
    uint32_t        row;
    weiri_field_set seen; /* fields that have a value or are in `bad`                */
    weiri_field_set bad;  /* whose latest value is none for their type               */
    json_error      error;
    weir_status     status; /* why the chunk did not take a string                    */
} json_row;

WEIR_MUST_CHECK weir_status
json_row_init(json_row *self, const weir_schema *schema, weir_error *err);

void
json_row_fini(json_row *self);

/* Read into this chunk from now on. */
void
json_row_bind(json_row *self, weir_chunk *chunk);

/* Read the record at `line`, behind which a line feed comes, into the chunk that is
 * bound, which has room for a row.
 *
 *   end  the line feed, for JSON_ROW and JSON_BLANK; untouched else
 */
json_outcome
json_row_read(json_row *self, weiri_decode *decode, const char *line, const char **end);

#endif
