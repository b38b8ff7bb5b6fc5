/* One line of JSON to one row of a chunk, directed by the schema. */
#ifndef WEIRI_CODEC_JSON_ROW_H
#define WEIRI_CODEC_JSON_ROW_H

#include "decoder_ops.h"
#include "json_keys.h"
#include "json_text.h"
#include "leaf.h"

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

/* A value as it stands in a column: 8 bytes, a bool in the first. */
typedef struct json_cell {
    int64_t bits;
    uint8_t is_null;
} json_cell;

typedef struct json_row {
    const weir_schema *schema;
    weiri_paths       *paths;
    json_keys         *keys;    /* shape (paths->n_nodes,)                           */
    json_span         *refused; /* shape (schema->n_fields,): the values of `bad`    */
    field_leaves       leaves;
    weiri_field_set    all;
    size_t             n_words; /* of the sets that are in use                       */
    weiri_field_set    outer;   /* the fields that are not of an item */
    json_cell *around; /* shape (schema->n_fields,): their values, for each item */
    /* Of the record at hand. */
    weir_chunk     *chunk;
    weir_column    *columns;
    uint32_t        row;
    weiri_field_set seen; /* fields that have a value or are in `bad`                */
    weiri_field_set bad;  /* whose latest value is none for their type               */
    json_error      error;
    const char     *items; /* the '[' of the array of items, NULL: it has not come      */
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

/* Whether a record is a row for each item of an array. */
static inline bool
json_row_is_each(const json_row *self)
{
    return self->paths->item >= 0;
}

/* As json_row_read for such a record, but for the items: JSON_ROW appends nothing, and
 * the items are to be read next, from *items on. */
json_outcome
json_row_read_around(json_row *self, weiri_decode *decode, const char *line,
    const char **end, const char **items);

/* Whether an item comes at *p, which goes to it, past white space. */
bool
json_row_has_item(const char **p);

/* Past an item and what follows it, to the next one or the array's end. */
const char *
json_row_skip_item(json_row *self, const char *p);

/* The item at *p into a row of its own. For JSON_ROW and JSON_DEAD *p goes behind it as
 * by json_row_skip_item, and *size is that of its text. */
json_outcome
json_row_read_item(json_row *self, weiri_decode *decode, const char **p, size_t *size);

#endif
