/* CSV (RFC 4180) with a header; lines end in a line feed alone, as tools expect it here.
 *
 * Null is an empty cell. An empty string that could be mistaken for null is quoted, and
 * so is the only cell of a line, which would else be an empty line that readers skip. A
 * list is its JSON text.
 */
#include "encode.h"

static bool
needs_quotes(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == ',' || c == '"' || c == '\n' || c == '\r') {
            return true;
        }
    }
    return false;
}

/* Quote what stands between `cell` and `end`, in place, from the end on. Returns the new
 * end; there is room for twice the size and two. */
static char *
quote(char *cell, char *end)
{
    size_t n_quotes = 0;
    for (const char *p = cell; p < end; p++) {
        n_quotes += *p == '"';
    }
    char *out = end + n_quotes + 2;
    char *to  = out;
    *--to     = '"';
    while (end > cell) {
        *--to = *--end;
        if (*to == '"') {
            *--to = '"';
        }
    }
    *--to = '"';
    return out;
}

static char *
put_empty(char *out, bool is_quoted)
{
    if (is_quoted) {
        *out++ = '"';
        *out++ = '"';
    }
    return out;
}

static char *
put_string(char *out, const char *text, size_t size)
{
    char *end = weiri_put_utf8(out, text, size);
    return needs_quotes(out, (size_t)(end - out)) ? quote(out, end) : end;
}

static char *
put_cell(char *out, const weir_field *field, const weir_value *value, bool is_only)
{
    if (value->is_null) {
        return put_empty(out, is_only);
    }
    if (value->type == WEIR_STRING) {
        return value->size > 0 ? put_string(out, value->as.s, value->size)
                               : put_empty(out, field->is_nullable || is_only);
    }
    if (value->type == WEIR_LIST) {
        char *end = weiri_put_json_value(out, value, false);
        return needs_quotes(out, (size_t)(end - out)) ? quote(out, end) : end;
    }
    return weiri_put_plain(out, value);
}

static char *
put_prefix(char *out, const weir_schema *schema, uint32_t field)
{
    const char *name = schema->fields[field].name;
    if (field > 0) {
        *out++ = ',';
    }
    return put_string(out, name, strlen(name));
}

static char *
put_row(char *out, const weiri_encoder *self, const weir_chunk *chunk, uint32_t row)
{
    const weir_schema *schema = self->schema;
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        weir_value value = weiri_row_value(self, chunk, i, row);
        if (i > 0) {
            *out++ = ',';
        }
        out = put_cell(out, &schema->fields[i], &value, schema->n_fields == 1);
    }
    *out++ = '\n';
    return out;
}

const weiri_encode_ops WEIRI_ENCODE_CSV = {
    .growth     = 16, /* a list's JSON text, its quotes doubled */
    .put_prefix = put_prefix,
    .put_row    = put_row,
    .has_header = true,
};
