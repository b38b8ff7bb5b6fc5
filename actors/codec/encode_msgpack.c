/* MessagePack: a map a row, each value in its shortest form, times as the timestamp
 * extension type. */
#include "encode.h"
#include "weiri/numtext.h"
#include "weiri/timetext.h"

enum { LONGEST_HEADER = 5, TIMESTAMP = 0xff /* extension type -1 */ };

/* The low `n` bytes of a number, the highest first. Eight are written, the rest of them
 * over what comes next. */
static char *
put_big_endian(char *out, uint64_t value, int n)
{
    uint64_t high = value << (64 - 8 * n);
    for (int i = 0; i < 8; i++) {
        out[i] = (char)(high >> (56 - 8 * i) & 0xff);
    }
    return out + n;
}

static char *
put_byte(char *out, unsigned byte)
{
    *out = (char)byte;
    return out + 1;
}

static char *
put_tagged(char *out, unsigned tag, uint64_t value, int n)
{
    return put_big_endian(put_byte(out, tag), value, n);
}

static char *
put_int(char *out, int64_t value)
{
    uint64_t bits = (uint64_t)value;
    if (value >= -32 && value <= 0x7f) {
        return put_byte(out, bits & 0xff);
    }
    if (value >= 0) {
        return bits <= UINT8_MAX    ? put_tagged(out, 0xcc, bits, 1)
               : bits <= UINT16_MAX ? put_tagged(out, 0xcd, bits, 2)
               : bits <= UINT32_MAX ? put_tagged(out, 0xce, bits, 4)
                                    : put_tagged(out, 0xcf, bits, 8);
    }
    return value >= INT8_MIN    ? put_tagged(out, 0xd0, bits, 1)
           : value >= INT16_MIN ? put_tagged(out, 0xd1, bits, 2)
           : value >= INT32_MIN ? put_tagged(out, 0xd2, bits, 4)
                                : put_tagged(out, 0xd3, bits, 8);
}

static char *
put_float(char *out, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return put_tagged(out, 0xcb, bits, 8);
}

/* A header whose count is in the tag itself, or in 1 (if `tag_8` is not 0), 2, 4 bytes.
 */
static char *
put_count(char *out, unsigned small, uint64_t most_small, unsigned tag_8, unsigned tag_16,
    uint64_t n)
{
    return n <= most_small                ? put_byte(out, small | (unsigned)n)
           : tag_8 != 0 && n <= UINT8_MAX ? put_tagged(out, tag_8, n, 1)
           : n <= UINT16_MAX              ? put_tagged(out, tag_16, n, 2)
                                          : put_tagged(out, tag_16 + 1, n, 4);
}

static char *
put_string(char *out, const char *text, size_t size)
{
    if (weiri_utf8_is_valid(text, size)) {
        out = put_count(out, 0xa0, 31, 0xd9, 0xda, size);
        if (size > 0) {
            memcpy(out, text, size);
        }
        return out + size;
    }
    /* The size is known when the text is mended, so it is written before as 32 bits. */
    char  header[1 + sizeof(uint64_t)];
    char *end = weiri_put_utf8(out + LONGEST_HEADER, text, size);
    put_tagged(header, 0xdb, (uint64_t)(end - out - LONGEST_HEADER), 4);
    memcpy(out, header, LONGEST_HEADER);
    return end;
}

/* Seconds and 0 … 999999999 ns in the 4, 8 or 12 bytes of the specification. */
static char *
put_time(char *out, int64_t ns)
{
    int64_t seconds  = ns / WEIRI_NS_PER_S;
    int64_t fraction = ns % WEIRI_NS_PER_S;
    if (fraction < 0) {
        seconds--;
        fraction += WEIRI_NS_PER_S;
    }
    if (seconds < 0 || seconds >> 34 != 0) {
        out = put_byte(put_tagged(out, 0xc7, 12, 1), TIMESTAMP);
        out = put_big_endian(out, (uint64_t)fraction, 4);
        return put_big_endian(out, (uint64_t)seconds, 8);
    }
    if (fraction == 0 && seconds <= UINT32_MAX) {
        return put_big_endian(put_tagged(out, 0xd6, TIMESTAMP, 1), (uint64_t)seconds, 4);
    }
    uint64_t both = (uint64_t)fraction << 34 | (uint64_t)seconds;
    return put_big_endian(put_tagged(out, 0xd7, TIMESTAMP, 1), both, 8);
}

static char *
put_scalar(char *out, const weir_value *value)
{
    if (value->is_null) {
        return put_byte(out, 0xc0);
    }
    switch ((weir_type)value->type) {
    case WEIR_BOOL: return put_byte(out, value->as.b ? 0xc3 : 0xc2);
    case WEIR_INT: return put_int(out, value->as.i);
    case WEIR_FLOAT: return put_float(out, value->as.f);
    case WEIR_STRING: return put_string(out, value->as.s, value->size);
    case WEIR_TIME: return put_time(out, value->as.i);
    case WEIR_DURATION: {
        char text[WEIRI_DURATION_TEXT];
        return put_string(out, text, weiri_duration_format(value->as.i, text));
    }
    case WEIR_NULL:
    case WEIR_LIST: break;
    }
    return put_byte(out, 0xc0);
}

static char *
put_list(char *out, const weir_value *list)
{
    if (list->size == 0) {
        return put_byte(out, 0x90);
    }
    const char *end     = list->as.s + list->size;
    weir_type   element = (weir_type)(uint8_t)list->as.s[0];
    weir_value  item;
    size_t      n = 0;
    for (const char *at = list->as.s + 1; weiri_list_next(&at, end, element, &item);) {
        n++;
    }
    out = put_count(out, 0x90, 15, 0, 0xdc, n);
    for (const char *at = list->as.s + 1; weiri_list_next(&at, end, element, &item);) {
        out = put_scalar(out, &item);
    }
    return out;
}

static char *
put_prefix(char *out, const weir_schema *schema, uint32_t field)
{
    const char *name = schema->fields[field].name;
    if (field == 0) {
        out = put_count(out, 0x80, 15, 0, 0xde, schema->n_fields);
    }
    return put_string(out, name, strlen(name));
}

static char *
put_row(char *out, const weiri_encoder *self, const weir_chunk *chunk, uint32_t row)
{
    if (self->schema->n_fields == 0) {
        return put_byte(out, 0x80);
    }
    for (uint32_t i = 0; i < self->schema->n_fields; i++) {
        weir_value value = weiri_row_value(self, chunk, i, row);
        out              = weiri_put_prefix(out, self, i);
        out = value.type == WEIR_LIST && !value.is_null ? put_list(out, &value)
                                                        : put_scalar(out, &value);
    }
    return out;
}

const weiri_encode_ops WEIRI_ENCODE_MSGPACK = {
    .growth     = 8,
    .put_prefix = put_prefix,
    .put_row    = put_row,
};
