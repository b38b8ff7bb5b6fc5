/* Values as text, for all encoders. */
#include <math.h>

#include "encode.h"
#include "weiri/assert.h"
#include "weiri/numtext.h"
#include "weiri/timetext.h"

static const char REPLACEMENT[] = "\xef\xbf\xbd"; /* U+FFFD */

static char *
put_text(char *out, const char *text)
{
    while (*text != '\0') {
        *out++ = *text++;
    }
    return out;
}

bool
weiri_list_next(const char **at, const char *end, weir_type element, weir_value *out)
{
    const char *p = *at;
    if (p >= end) {
        return false;
    }
    *out = (weir_value){ .type = (uint8_t)element, .is_null = *p++ == 1 };
    if (!out->is_null) {
        switch (element) {
        case WEIR_BOOL: out->as.b = *p++ != 0; break;
        case WEIR_STRING:
            memcpy(&out->size, p, sizeof out->size);
            out->as.s = p + sizeof out->size;
            p         = out->as.s + out->size;
            break;
        case WEIR_NULL:
        case WEIR_INT:
        case WEIR_FLOAT:
        case WEIR_TIME:
        case WEIR_DURATION:
        case WEIR_LIST:
            memcpy(&out->as.i, p, sizeof out->as.i);
            p += sizeof out->as.i;
            break;
        }
    }
    weiri_assert(p <= end);
    *at = p;
    return true;
}

static bool
is_tail(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* RFC 3629, section 4: the second byte's range depends on the first. */
size_t
weiri_utf8_sequence(const char *at, const char *end)
{
    const unsigned char *b    = (const unsigned char *)at;
    size_t               left = (size_t)(end - at);
    if (left == 0) {
        return 0;
    }
    if (b[0] < 0x80) {
        return 1;
    }
    if (b[0] < 0xc2 || left < 2 || !is_tail(at[1])) {
        return 0;
    }
    if (b[0] < 0xe0) {
        return 2;
    }
    if (left < 3 || !is_tail(at[2]) || (b[0] == 0xe0 && b[1] < 0xa0)
        || (b[0] == 0xed && b[1] > 0x9f)) {
        return 0;
    }
    if (b[0] < 0xf0) {
        return 3;
    }
    if (left < 4 || !is_tail(at[3]) || b[0] > 0xf4 || (b[0] == 0xf0 && b[1] < 0x90)
        || (b[0] == 0xf4 && b[1] > 0x8f)) {
        return 0;
    }
    return 4;
}

char *
weiri_put_utf8(char *out, const char *text, size_t size)
{
    if (weiri_utf8_is_valid(text, size)) {
        if (size > 0) {
            memcpy(out, text, size);
        }
        return out + size;
    }
    const char *end = text + size;
    while (text < end) {
        size_t n = weiri_utf8_sequence(text, end);
        if (n == 0) {
            out = put_text(out, REPLACEMENT);
            text++;
        } else {
            memcpy(out, text, n);
            out += n;
            text += n;
        }
    }
    return out;
}

/* How many of the first bytes are plain: printable ASCII but '"' and '\\'. Eight at a
 * time: each term has the high bit of a byte set if the byte is not plain (or one below
 * it is not, which only ends the run a little early). */
static size_t
count_plain(const char *text, size_t size)
{
    const uint64_t ones  = UINT64_C(0x0101010101010101);
    const uint64_t highs = UINT64_C(0x8080808080808080);
    size_t         n     = 0;
    for (; n + 8 <= size; n += 8) {
        uint64_t word = 0;
        memcpy(&word, text + n, sizeof word);
        uint64_t quote     = word ^ (ones * '"');
        uint64_t backslash = word ^ (ones * '\\');
        uint64_t found = (word - ones * 0x20) | (quote - ones) | (backslash - ones) | word
                         | (word + ones);
        if ((found & highs) != 0) {
            break;
        }
    }
    while (n < size && (unsigned char)text[n] >= 0x20 && (unsigned char)text[n] < 0x7f
           && text[n] != '"' && text[n] != '\\') {
        n++;
    }
    return n;
}

static char *
put_escaped(char *out, unsigned code)
{
    static const char SHORT[] = "\bb\tt\nn\ff\rr\"\"\\\\";
    for (const char *s = SHORT; *s != '\0'; s += 2) {
        if ((unsigned char)s[0] == code) {
            out[0] = '\\';
            out[1] = s[1];
            return out + 2;
        }
    }
    static const char HEX[] = "0123456789abcdef";
    memcpy(out, "\\u00", 5);
    out[4] = HEX[code >> 4];
    out[5] = HEX[code & 15];
    return out + 6;
}

/* The character at *text, which is not plain. */
static char *
put_json_character(char *out, const char **text, const char *end, bool is_for_people)
{
    size_t   n    = weiri_utf8_sequence(*text, end);
    unsigned code = (unsigned char)**text;
    if (n == 0) {
        (*text)++;
        return put_text(out, REPLACEMENT);
    }
    bool is_delete = n == 1 && code == 0x7f;
    bool is_c1     = n == 2 && code == 0xc2 && (unsigned char)(*text)[1] < 0xa0;
    if ((n == 1 && !is_delete) || (is_for_people && (is_delete || is_c1))) {
        out = put_escaped(out, n == 1 ? code : (unsigned char)(*text)[1]);
    } else {
        memcpy(out, *text, n);
        out += n;
    }
    *text += n;
    return out;
}

char *
weiri_put_json_string(char *out, const char *text, size_t size, bool is_for_people)
{
    const char *end = text + size;
    *out++          = '"';
    for (;;) {
        size_t n = count_plain(text, (size_t)(end - text));
        if (n > 0) {
            memcpy(out, text, n);
            out += n;
            text += n;
        }
        if (text == end) {
            break;
        }
        out = put_json_character(out, &text, end, is_for_people);
    }
    *out++ = '"';
    return out;
}

char *
weiri_put_plain(char *out, const weir_value *value)
{
    switch ((weir_type)value->type) {
    case WEIR_BOOL: return put_text(out, value->as.b ? "true" : "false");
    case WEIR_INT: return out + weiri_int_format(value->as.i, out);
    case WEIR_FLOAT: return out + weiri_float_format(value->as.f, out);
    case WEIR_TIME: return out + weiri_time_format(value->as.i, out);
    case WEIR_DURATION: return out + weiri_duration_format(value->as.i, out);
    case WEIR_NULL:
    case WEIR_STRING:
    case WEIR_LIST: break;
    }
    return out;
}

/* Not through weiri_put_json_value: a list holds no list, so nothing needs to recurse. */
static char *
put_json_scalar(char *out, const weir_value *value, bool is_for_people)
{
    if (value->is_null || (value->type == WEIR_FLOAT && !isfinite(value->as.f))) {
        return put_text(out, "null");
    }
    if (value->type == WEIR_STRING) {
        return weiri_put_json_string(out, value->as.s, value->size, is_for_people);
    }
    bool is_quoted = value->type == WEIR_TIME || value->type == WEIR_DURATION;
    *out           = '"';
    out            = weiri_put_plain(out + is_quoted, value);
    *out           = '"';
    return out + is_quoted;
}

char *
weiri_put_json_value(char *out, const weir_value *value, bool is_for_people)
{
    if (value->type != WEIR_LIST || value->is_null) {
        return put_json_scalar(out, value, is_for_people);
    }
    *out++ = '[';
    if (value->size > 0) {
        const char *at      = value->as.s + 1;
        const char *end     = value->as.s + value->size;
        weir_type   element = (weir_type)(uint8_t)value->as.s[0];
        weir_value  item;
        for (bool is_first = true; weiri_list_next(&at, end, element, &item);
             is_first      = false) {
            if (!is_first) {
                *out++ = ',';
            }
            out = put_json_scalar(out, &item, is_for_people);
        }
    }
    *out++ = ']';
    return out;
}
