/* JSON Lines: an object a row. */
#include "encode.h"

static char *
put_prefix(char *out, const weir_schema *schema, uint32_t field)
{
    const char *name = schema->fields[field].name;
    *out++           = field == 0 ? '{' : ',';
    out              = weiri_put_json_string(out, name, strlen(name), false);
    *out++           = ':';
    return out;
}

static char *
put_row(char *out, const weiri_encoder *self, const weir_chunk *chunk, uint32_t row)
{
    for (uint32_t i = 0; i < self->schema->n_fields; i++) {
        weir_value value = weiri_row_value(self, chunk, i, row);
        out              = weiri_put_prefix(out, self, i);
        out              = weiri_put_json_value(out, &value, false);
    }
    if (self->schema->n_fields == 0) {
        *out++ = '{';
    }
    *out++ = '}';
    *out++ = '\n';
    return out;
}

const weiri_encode_ops WEIRI_ENCODE_JSON = {
    .growth     = 8,
    .put_prefix = put_prefix,
    .put_row    = put_row,
};
