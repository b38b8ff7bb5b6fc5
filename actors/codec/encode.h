/* What the encoders share. A format fills one table; rows go through one loop, which
 * makes room for the longest text that a row can become before it writes any of it. */
#ifndef WEIRI_CODEC_ENCODE_H
#define WEIRI_CODEC_ENCODE_H

#include <string.h>

#include "weiri/codec.h"

enum {
    WEIRI_PREFIX_STEP = 16, /* prefixes are copied in steps of so many bytes      */
    WEIRI_VALUE_TEXT  = 80, /* the longest value that is no string or list, and the
                             * bytes around any value                             */
};

/* What is written before a field's value: `{"name":`, `,"name":`. */
typedef struct weiri_prefix {
    uint32_t offset; /* into weiri_encoder.prefix_text */
    uint32_t size;
} weiri_prefix;

typedef struct weiri_encode_ops {
    /* Bytes that one byte of a string or packed list can become at most. */
    size_t growth;
    /* Write the prefix of a field; room for it is there. Returns the end. */
    char *(*put_prefix)(char *out, const weir_schema *schema, uint32_t field);
    /* Write one row. Returns the end. */
    char *(*put_row)(
        char *out, const weiri_encoder *self, const weir_chunk *chunk, uint32_t row);
    bool has_header; /* the prefixes together, and a line's end, stand before the rows */
} weiri_encode_ops;

extern const weiri_encode_ops WEIRI_ENCODE_JSON;
extern const weiri_encode_ops WEIRI_ENCODE_CSV;
extern const weiri_encode_ops WEIRI_ENCODE_MSGPACK;
extern const weiri_encode_ops WEIRI_ENCODE_TEXT;

struct weiri_encoder {
    const weiri_encode_ops  *ops;
    const weir_schema       *schema;
    weiri_prefix            *prefixes; /* shape (schema->n_fields,) */
    char                    *prefix_text;
    size_t                   fixed_size; /* of a row without its strings and lists */
    weir_schema              numbered;   /* the schema with a field for the number */
    weir_field              *fields;     /* of it; NULL: rows have no number       */
    uint64_t                 number;     /* of the row that is being written       */
    struct weiri_plug_codec *plug;       /* of a plugin: all else is NULL */
    weir_error               why;        /* of a failure */
};

/* An encoder that a plugin's codec is. errors  WEIR_EIO, WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_plug_encoder_new(const weiri_plug *part, struct weiri_metrics *metrics,
    const weir_schema *schema, struct weiri_plug_codec **out, weir_error *err);
void
weiri_plug_encoder_destroy(struct weiri_plug_codec **self_p);
WEIR_MUST_CHECK weir_status
weiri_plug_encode(
    struct weiri_plug_codec *self, weir_rows rows, weiri_buffer *out, weir_error *err);

/* Copied in whole steps: what is too much is written over by the value. */
static inline char *
weiri_put_prefix(char *out, const weiri_encoder *self, uint32_t field)
{
    const char *from = self->prefix_text + self->prefixes[field].offset;
    uint32_t    size = self->prefixes[field].size;
    memcpy(out, from, WEIRI_PREFIX_STEP);
    for (uint32_t at = WEIRI_PREFIX_STEP; at < size; at += WEIRI_PREFIX_STEP) {
        memcpy(out + at, from + at, WEIRI_PREFIX_STEP);
    }
    return out + size;
}

/* As weir_chunk_get, where the call would cost as much as the work. */
static inline weir_value
weiri_cell_at(const weir_chunk *chunk, uint32_t field, uint32_t row)
{
    const weir_column *column = &chunk->columns[field];
    weir_value         value  = { .type = column->type };
    if (!column->is_present || column->nulls[row]) {
        value.is_null = true;
    } else if (column->type == WEIR_BOOL) {
        value.as.b = column->as.b[row] != 0;
    } else if (column->type == WEIR_STRING || column->type == WEIR_LIST) {
        value.size = column->as.s[row].size;
        value.as.s = value.size > 0 ? chunk->heap + column->as.s[row].offset : "";
    } else if (column->type == WEIR_FLOAT) {
        value.as.f = column->as.f[row];
    } else {
        value.as.i = column->as.i[row];
    }
    return value;
}

/* The same of a row that may have its number behind its fields. */
static inline weir_value
weiri_row_value(
    const weiri_encoder *self, const weir_chunk *chunk, uint32_t field, uint32_t row)
{
    if (self->fields != NULL && field == self->numbered.n_fields - 1) {
        return (weir_value){ .type = WEIR_INT, .as.i = (int64_t)self->number };
    }
    return weiri_cell_at(chunk, field, row);
}

/* Take the next element off a packed list; *at begins behind its first byte, the element
 * type. False at the end. */
bool
weiri_list_next(const char **at, const char *end, weir_type element, weir_value *out);

/* Size of the well-formed UTF-8 sequence at `at`, or 0. */
size_t
weiri_utf8_sequence(const char *at, const char *end);

/* Copy text; a byte that is no UTF-8 becomes U+FFFD: three bytes for one at most. */
char *
weiri_put_utf8(char *out, const char *text, size_t size);

/* A JSON string with its quotes: six bytes for one at most. `is_for_people` escapes what
 * steers terminals, too. */
char *
weiri_put_json_string(char *out, const char *text, size_t size, bool is_for_people);

/* A value as JSON writes it; at most 8 bytes for one of a list. */
char *
weiri_put_json_value(char *out, const weir_value *value, bool is_for_people);

/* The digits, or the RFC 3339 text, without quotes; `value` is neither null nor a string
 * or list. */
char *
weiri_put_plain(char *out, const weir_value *value);

#endif
