#include "json_text.h"

#include "weiri/limits.h"
#include "weiri/numtext.h"

_Static_assert(WEIRI_NESTING <= 64, "skip_value keeps a bit for each open container");

const char *
json_fail(json_error *self, const char *at, const char *what)
{
    self->what = what;
    self->at   = at;
    return NULL;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits, or -1. Stops before what is none, so a line's end is not passed. */
static int32_t
hex_4(const char *p)
{
    int32_t code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0) {
            return -1;
        }
        code = code << 4 | digit;
    }
    return code;
}

static unsigned
put_utf8(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

static const char *
unescape_unicode(json_error *error, const char *p, char *out, unsigned *n)
{
    int32_t code = hex_4(p + 2);
    if (code < 0) {
        return json_fail(error, p, "\\u takes four hexadecimal digits");
    }
    const char *end = p + 6;
    if (code >= 0xD800 && code < 0xE000) {
        int32_t low =
            code < 0xDC00 && end[0] == '\\' && end[1] == 'u' ? hex_4(end + 2) : -1;
        if (low < 0xDC00 || low > 0xDFFF) {
            return json_fail(error, p, "half of a surrogate pair");
        }
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        end += 6;
    }
    *n = put_utf8((uint32_t)code, out);
    return end;
}

const char *
json_unescape(json_error *error, const char *p, char *out, unsigned *n)
{
    static const char FROM[] = "\"\\/bfnrt";
    static const char TO[]   = "\"\\/\b\f\n\r\t";
    if (p[1] == 'u') {
        return unescape_unicode(error, p, out, n);
    }
    const char *found = p[1] != '\0' ? strchr(FROM, p[1]) : NULL;
    if (found == NULL) {
        return json_fail(error, p, "no such escape");
    }
    out[0] = TO[found - FROM];
    *n     = 1;
    return p + 2;
}

const char *
json_skip_string(json_error *error, const char *p)
{
    const char *start    = p;
    bool        has_high = false;
    for (;;) {
        unsigned n = scan_plain(p, &has_high);
        p += n;
        if (n == SCAN_BLOCK) {
            continue;
        }
        if (*p == '"') {
            break;
        }
        if (*p != '\\') {
            return json_fail(error, p,
                *p == '\n' ? "the string does not end" : "control character in a string");
        }
        char     ignored[4];
        unsigned ignored_n = 0;
        p                  = json_unescape(error, p, ignored, &ignored_n);
        if (p == NULL) {
            return NULL;
        }
    }
    if (has_high && !weiri_utf8_is_valid(start, (size_t)(p - start))) {
        return json_fail(error, start, "the string is not UTF-8");
    }
    return p + 1;
}

static const char *
skip_digits(const char *p)
{
    while ((unsigned char)(*p - '0') < 10) {
        p++;
    }
    return p;
}

const char *
json_skip_number(json_error *error, const char *p)
{
    const char *start  = p;
    const char *digits = *p == '-' ? p + 1 : p;
    p                  = skip_digits(digits);
    bool is_ok         = p > digits && (*digits != '0' || p == digits + 1);
    if (*p == '.') {
        digits = p + 1;
        p      = skip_digits(digits);
        is_ok  = is_ok && p > digits;
    }
    if (*p == 'e' || *p == 'E') {
        digits = p + (p[1] == '-' || p[1] == '+' ? 2 : 1);
        p      = skip_digits(digits);
        is_ok  = is_ok && p > digits;
    }
    return is_ok ? p : json_fail(error, start, "not a number as JSON writes them");
}

const char *
json_skip_word(json_error *error, const char *p, const char *word)
{
    size_t size = strlen(word);
    if (strncmp(p, word, size) != 0) {
        return json_fail(error, p, "expected a value");
    }
    return p + size;
}

static const char *
skip_scalar(json_error *error, const char *p)
{
    switch (*p) {
    case '"': return json_skip_string(error, p + 1);
    case 't': return json_skip_word(error, p, "true");
    case 'f': return json_skip_word(error, p, "false");
    case 'n': return json_skip_word(error, p, "null");
    case '-': return json_skip_number(error, p);
    default: break;
    }
    if (*p >= '0' && *p <= '9') {
        return json_skip_number(error, p);
    }
    return json_fail(error, p, "expected a value");
}

/* `"name" :`, white space in front allowed. */
static const char *
skip_name(json_error *error, const char *p)
{
    p = json_space(p);
    if (*p != '"') {
        return json_fail(error, p, "expected a name in quotes");
    }
    p = json_skip_string(error, p + 1);
    if (p == NULL) {
        return NULL;
    }
    p = json_space(p);
    return *p == ':' ? p + 1 : json_fail(error, p, "expected ':' after a name");
}

/* The containers that are open, innermost last. */
typedef struct nest {
    uint64_t is_map; /* a bit for each, the innermost lowest */
    int      depth;
} nest;

/* From behind '{' or '[' to the first value in it, or behind its end if it is empty. */
static const char *
open_container(json_error *error, nest *open, const char *p, bool *is_empty)
{
    bool is_map = *p == '{';
    if (open->depth == WEIRI_NESTING) {
        return json_fail(error, p, "nested too deeply");
    }
    open->depth++;
    open->is_map = open->is_map << 1 | (is_map ? 1 : 0);
    p            = json_space(p + 1);
    *is_empty    = *p == (is_map ? '}' : ']');
    if (*is_empty) {
        return p; /* for close_containers to see */
    }
    return is_map ? skip_name(error, p) : p;
}

/* From behind a value: to the next one, closing what ends; behind the last container once
 * depth is back to `base`. */
static const char *
to_next_value(json_error *error, nest *open, const char *p, int base)
{
    while (open->depth > base) {
        p           = json_space(p);
        bool is_map = (open->is_map & 1) != 0;
        if (*p == ',') {
            return is_map ? skip_name(error, p + 1) : p + 1;
        }
        if (*p != (is_map ? '}' : ']')) {
            return json_fail(error, p,
                is_map ? "expected ',' or '}' after a member"
                       : "expected ',' or ']' after an item");
        }
        open->is_map >>= 1;
        open->depth--;
        p++;
    }
    return p;
}

const char *
json_skip_value(json_error *error, const char *p, int depth)
{
    nest open = { .depth = depth };
    do {
        bool is_empty = false;
        p             = json_space(p);
        if (*p == '{' || *p == '[') {
            p = open_container(error, &open, p, &is_empty);
            if (p == NULL || !is_empty) {
                continue;
            }
        } else {
            p = skip_scalar(error, p);
        }
        p = p != NULL ? to_next_value(error, &open, p, depth) : NULL;
    } while (p != NULL && open.depth > depth);
    return p;
}
