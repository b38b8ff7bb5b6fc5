/* Text for people: `2017-03-29T14:15:50Z intrusion ip=1.2.3.4 failures=5`.
 *
 * The event's time stands in front, so its own field is left out. A string is quoted
 * where it could be misread, and never steers the terminal.
 */
#include "encode.h"
#include "weiri/timetext.h"

static char *
put_prefix(char *out, const weir_schema *schema, uint32_t field)
{
    const char *name = schema->fields[field].name;
    *out++           = ' ';
    out              = weiri_put_utf8(out, name, strlen(name));
    *out++           = '=';
    return out;
}

/* Whether a string can stand without quotes: printable, and nothing in it that could end
 * it. Letters beyond ASCII may stand bare; controls among them begin with 0xc2. */
static bool
is_bare(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= ' ' || c == 0x7f || c == 0xc2 || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return size > 0;
}

static char *
put_value(char *out, const weir_value *value)
{
    if (value->is_null || value->type == WEIR_LIST) {
        return weiri_put_json_value(out, value, true);
    }
    if (value->type != WEIR_STRING) {
        return weiri_put_plain(out, value);
    }
    return is_bare(value->as.s, value->size)
               ? weiri_put_utf8(out, value->as.s, value->size)
               : weiri_put_json_string(out, value->as.s, value->size, true);
}

static char *
put_row(char *out, const weiri_encoder *self, const weir_chunk *chunk, uint32_t row)
{
    const weir_schema *schema = self->schema;
    out += weiri_time_format(chunk->time[row], out);
    *out++ = ' ';
    out    = weiri_put_utf8(out, schema->name, strlen(schema->name));
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        if ((int32_t)i != schema->time_field) {
            weir_value value = weiri_row_value(self, chunk, i, row);
            out              = weiri_put_prefix(out, self, i);
            out              = put_value(out, &value);
        }
    }
    *out++ = '\n';
    return out;
}

const weiri_encode_ops WEIRI_ENCODE_TEXT = {
    .growth     = 8,
    .put_prefix = put_prefix,
    .put_row    = put_row,
};
