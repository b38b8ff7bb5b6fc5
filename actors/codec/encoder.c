/* weiri_encoder: the front of all formats. */
#include <stdlib.h>

#include "encode.h"

static const weiri_encode_ops *
ops_of(weiri_format format)
{
    switch (format) {
    case WEIRI_FORMAT_JSON: return &WEIRI_ENCODE_JSON;
    case WEIRI_FORMAT_CSV: return &WEIRI_ENCODE_CSV;
    case WEIRI_FORMAT_MSGPACK: return &WEIRI_ENCODE_MSGPACK;
    case WEIRI_FORMAT_TEXT: return &WEIRI_ENCODE_TEXT;
    case WEIRI_FORMAT_PLUGIN:
    case WEIRI_FORMAT_LINES:
    case WEIRI_FORMAT_FRAMES: /* rows go to a link as they are */
    case WEIRI_FORMAT_AUTO: break;
    }
    return NULL;
}

static size_t
longest_prefix(const weiri_encoder *self, uint32_t field)
{
    return strlen(self->schema->fields[field].name) * self->ops->growth
           + WEIRI_PREFIX_STEP;
}

static bool
make_prefixes(weiri_encoder *self)
{
    const weir_schema *schema = self->schema;
    size_t             size   = (size_t)2 * WEIRI_PREFIX_STEP;
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        size += longest_prefix(self, i);
    }
    self->prefixes    = calloc(schema->n_fields + 1, sizeof *self->prefixes);
    self->prefix_text = calloc(1, size);
    if (self->prefixes == NULL || self->prefix_text == NULL) {
        return false;
    }
    char *out = self->prefix_text;
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        char *end         = self->ops->put_prefix(out, schema, i);
        self->prefixes[i] = (weiri_prefix){
            .offset = (uint32_t)(out - self->prefix_text),
            .size   = (uint32_t)(end - out),
        };
        self->fixed_size += self->prefixes[i].size + WEIRI_VALUE_TEXT;
        out = end;
    }
    /* The name and time of a line for people, the end of any row, a prefix's last step.
     */
    self->fixed_size += 3 * strlen(schema->name) + WEIRI_VALUE_TEXT + WEIRI_PREFIX_STEP;
    return true;
}

/* The schema with one more field, in place of it. */
static bool
add_number(weiri_encoder *self, const char *name)
{
    const weir_schema *of = self->schema;
    self->fields          = calloc(of->n_fields + (size_t)1, sizeof *self->fields);
    if (self->fields == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < of->n_fields; i++) {
        self->fields[i] = of->fields[i];
    }
    self->fields[of->n_fields] = (weir_field){ .name = name, .type = WEIR_INT };
    self->numbered             = *of;
    self->numbered.fields      = self->fields;
    self->numbered.n_fields++;
    self->schema = &self->numbered;
    return true;
}

weir_status
weiri_encoder_new(
    const weir_schema *schema, weiri_format format, weiri_encoder **out, weir_error *err)
{
    return weiri_encoder_new_numbered(schema, format, NULL, out, err);
}

weir_status
weiri_encoder_new_numbered(const weir_schema *schema, weiri_format format,
    const char *number, weiri_encoder **out, weir_error *err)
{
    const weiri_encode_ops *ops = ops_of(format);
    if (ops == NULL) {
        return WEIR_FAIL(
            err, WEIR_EINVAL, "stream '%s': no format to write it in", schema->name);
    }
    weiri_encoder *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "encoder: out of memory");
    }
    self->ops    = ops;
    self->schema = schema;
    if ((number != NULL && !add_number(self, number)) || !make_prefixes(self)) {
        weiri_encoder_destroy(&self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "encoder: out of memory");
    }
    *out = self;
    return WEIR_OK;
}

weir_status
weiri_encoder_plug(const weir_schema *schema, const weiri_plug *codec,
    struct weiri_metrics *metrics, weiri_encoder **out, weir_error *err)
{
    weiri_encoder *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "encoder: out of memory");
    }
    self->schema       = schema;
    weir_status status = weiri_plug_encoder_new(codec, metrics, schema, &self->plug, err);
    if (status != WEIR_OK) {
        weiri_encoder_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

const char *
weiri_encoder_reason(const weiri_encoder *self)
{
    return self->why.text;
}

void
weiri_encoder_destroy(weiri_encoder **self_p)
{
    weiri_encoder *self = *self_p;
    *self_p             = NULL;
    if (self != NULL) {
        weiri_plug_encoder_destroy(&self->plug);
        free(self->fields);
        free(self->prefixes);
        free(self->prefix_text);
        free(self);
    }
}

weir_status
weiri_encoder_begin(weiri_encoder *self, weiri_buffer *out)
{
    if (self->plug != NULL || !self->ops->has_header) {
        return WEIR_OK;
    }
    weir_status status = weiri_buffer_reserve(out, self->fixed_size);
    if (status != WEIR_OK) {
        return status;
    }
    char *end = out->bytes + out->used;
    for (uint32_t i = 0; i < self->schema->n_fields; i++) {
        end = weiri_put_prefix(end, self, i);
    }
    *end++    = '\n';
    out->used = (size_t)(end - out->bytes);
    return WEIR_OK;
}

/* What the strings and lists of a row can become at most. */
static size_t
longest_texts(const weiri_encoder *self, const weir_chunk *chunk, uint32_t row)
{
    size_t   size = 0;
    uint32_t n    = self->schema->n_fields - (self->fields != NULL);
    for (uint32_t i = 0; i < n; i++) {
        const weir_column *column = &chunk->columns[i];
        if (column->is_present
            && (column->type == WEIR_STRING || column->type == WEIR_LIST)) {
            size += column->as.s[row].size;
        }
    }
    return size * self->ops->growth;
}

void
weiri_encoder_count(weiri_encoder *self, uint64_t n_before)
{
    self->number = n_before;
}

weir_status
weiri_encoder_encode(weiri_encoder *self, weir_rows rows, weiri_buffer *out)
{
    if (self->plug != NULL) {
        return weiri_plug_encode(self->plug, rows, out, &self->why);
    }
    for (uint32_t row = rows.first; row < rows.first + rows.n; row++) {
        size_t      size   = self->fixed_size + longest_texts(self, rows.chunk, row);
        weir_status status = weiri_buffer_reserve(out, size);
        if (status != WEIR_OK) {
            return status;
        }
        self->number++;
        char *end = self->ops->put_row(out->bytes + out->used, self, rows.chunk, row);
        out->used = (size_t)(end - out->bytes);
    }
    return WEIR_OK;
}
