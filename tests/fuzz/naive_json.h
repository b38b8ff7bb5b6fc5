/* The rules of JSON Lines decoding, written down as simply as they can be: a recursive
 * reader that looks at one byte at a time, and knows its place by a list of names.
 */
#ifndef NAIVE_JSON_H
#define NAIVE_JSON_H

#include "weiri/limits.h"
#include "weiri/timetext.h"

enum { NAIVE_FIELDS = 16, NAIVE_PATH = 512 };

typedef struct naive_json {
    const char        *p;
    const char        *end;
    const weir_schema *schema;
    /* The latest value of each field, as its text; NULL: none. */
    const char *at[NAIVE_FIELDS];
    size_t      sizes[NAIVE_FIELDS];
    char        path[NAIVE_PATH]; /* of the value at hand, as a JSON pointer */
    int         depth;
} naive_json;

static inline void
naive_space(naive_json *self)
{
    while (self->p < self->end && strchr(" \t\r", *self->p) != NULL && *self->p != '\0') {
        self->p++;
    }
}

static inline bool
naive_take(naive_json *self, char c)
{
    if (self->p < self->end && *self->p == c) {
        self->p++;
        return true;
    }
    return false;
}

static inline bool
naive_hex(naive_json *self, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        static const char DIGITS[] = "0123456789abcdef0123456789ABCDEF";
        const char       *digit =
            self->p < self->end && *self->p != '\0' ? strchr(DIGITS, *self->p) : NULL;
        if (digit == NULL) {
            return false;
        }
        *out = *out * 16 + (unsigned)((digit - DIGITS) % 16);
        self->p++;
    }
    return true;
}

static inline void
naive_put_utf8(weiri_buffer *out, unsigned code)
{
    char     bytes[4];
    unsigned n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char LEAD[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    for (unsigned i = n; i-- > 0; code >>= 6) {
        bytes[i] = i == 0 ? (char)(LEAD[n] | code) : (char)(0x80 | (code & 0x3F));
    }
    decode_dump_put(out, bytes, n);
}

static inline bool
naive_escape(naive_json *self, weiri_buffer *out)
{
    static const char FROM[] = "\"\\/bfnrt";
    static const char TO[]   = "\"\\/\b\f\n\r\t";
    unsigned          code   = 0;
    unsigned          low    = 0;
    if (!naive_take(self, 'u')) {
        const char *found =
            self->p < self->end && *self->p != '\0' ? strchr(FROM, *self->p) : NULL;
        if (found == NULL) {
            return false;
        }
        self->p++;
        decode_dump_put(out, &TO[found - FROM], 1);
        return true;
    }
    if (!naive_hex(self, &code) || (code >= 0xDC00 && code < 0xE000)) {
        return false;
    }
    if (code >= 0xD800 && code < 0xDC00) {
        if (!naive_take(self, '\\') || !naive_take(self, 'u') || !naive_hex(self, &low)
            || low < 0xDC00 || low >= 0xE000) {
            return false;
        }
        code = 0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00);
    }
    naive_put_utf8(out, code);
    return true;
}

/* From the opening quote; the text is appended to `out`. */
static inline bool
naive_string(naive_json *self, weiri_buffer *out)
{
    size_t start = out->used;
    if (!naive_take(self, '"')) {
        return false;
    }
    while (self->p < self->end && *self->p != '"') {
        char c = *self->p++;
        if ((unsigned char)c < 0x20 || (c == '\\' && !naive_escape(self, out))) {
            return false;
        }
        if (c != '\\') {
            decode_dump_put(out, &c, 1);
        }
    }
    return naive_take(self, '"')
           && (out->used == start
               || weiri_utf8_is_valid(out->bytes + start, out->used - start));
}

static inline bool
naive_digits(naive_json *self)
{
    const char *start = self->p;
    while (self->p < self->end && *self->p >= '0' && *self->p <= '9') {
        self->p++;
    }
    return self->p > start;
}

static inline bool
naive_number(naive_json *self)
{
    naive_take(self, '-');
    if (!naive_take(self, '0') && !naive_digits(self)) {
        return false;
    }
    if (naive_take(self, '.') && !naive_digits(self)) {
        return false;
    }
    if (naive_take(self, 'e') || naive_take(self, 'E')) {
        if (!naive_take(self, '-')) {
            naive_take(self, '+');
        }
        return naive_digits(self);
    }
    return true;
}

static inline bool
naive_word(naive_json *self, const char *word)
{
    for (; *word != '\0'; word++) {
        if (!naive_take(self, *word)) {
            return false;
        }
    }
    return true;
}

static inline bool
naive_value(naive_json *self);

/* Whether `path` is `prefix` or lies below it. */
static inline bool
naive_is_below(const char *path, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(path, prefix, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static inline void
naive_pointer(const weir_field *field, char *out, size_t cap)
{
    bool is_pointer = field->from != NULL && field->from[0] == '/';
    snprintf(out, cap, "%s%s", is_pointer ? "" : "/",
        field->from != NULL ? field->from : field->name);
}

/* A value at self->path replaces all that was there and below. */
static inline void
naive_note(naive_json *self, const char *start)
{
    for (uint32_t f = 0; f < self->schema->n_fields; f++) {
        char pointer[NAIVE_PATH];
        naive_pointer(&self->schema->fields[f], pointer, sizeof pointer);
        if (start == NULL && naive_is_below(pointer, self->path)) {
            self->at[f] = NULL;
        }
        if (start != NULL && strcmp(pointer, self->path) == 0) {
            self->at[f]    = start;
            self->sizes[f] = (size_t)(self->p - start);
        }
    }
}

/* The value under `name`, whose place is the path's from here on. Names with bytes that
 * mean something in a pointer are none of the fields'. */
static inline bool
naive_member(naive_json *self, const char *name, size_t size)
{
    size_t used = strlen(self->path);
    bool   fits = used + size + 2 < sizeof self->path && memchr(name, '/', size) == NULL
                && memchr(name, '~', size) == NULL && memchr(name, '\0', size) == NULL;
    self->path[used] = '/';
    memcpy(self->path + used + 1, fits ? name : "~", fits ? size : 1);
    self->path[used + 1 + (fits ? size : 1)] = '\0';
    naive_note(self, NULL);
    naive_space(self);
    const char *start = self->p;
    bool        is_ok = naive_value(self);
    naive_note(self, start);
    self->path[used] = '\0';
    return is_ok;
}

static inline bool
naive_object(naive_json *self)
{
    bool is_ok = naive_take(self, '{');
    naive_space(self);
    if (is_ok && naive_take(self, '}')) {
        return true;
    }
    do {
        weiri_buffer name = { 0 };
        naive_space(self);
        decode_dump_text(&name, "");
        is_ok = is_ok && naive_string(self, &name);
        naive_space(self);
        is_ok =
            is_ok && naive_take(self, ':') && naive_member(self, name.bytes, name.used);
        weiri_buffer_fini(&name);
        naive_space(self);
    } while (is_ok && naive_take(self, ','));
    return is_ok && naive_take(self, '}');
}

static inline bool
naive_array(naive_json *self)
{
    bool is_ok = naive_take(self, '[');
    naive_space(self);
    if (is_ok && naive_take(self, ']')) {
        return true;
    }
    int i = 0;
    do {
        char name[16];
        int  n = snprintf(name, sizeof name, "%d", i++);
        is_ok  = is_ok && naive_member(self, name, (size_t)n);
        naive_space(self);
    } while (is_ok && naive_take(self, ','));
    return is_ok && naive_take(self, ']');
}

static inline bool
naive_value(naive_json *self)
{
    bool is_ok = self->p < self->end && self->depth <= WEIRI_NESTING;
    if (!is_ok) {
        return false;
    }
    self->depth++;
    switch (*self->p) {
    case '{': is_ok = self->depth <= WEIRI_NESTING && naive_object(self); break;
    case '[': is_ok = self->depth <= WEIRI_NESTING && naive_array(self); break;
    case '"': {
        weiri_buffer text = { 0 };
        is_ok             = naive_string(self, &text);
        weiri_buffer_fini(&text);
        break;
    }
    case 't': is_ok = naive_word(self, "true"); break;
    case 'f': is_ok = naive_word(self, "false"); break;
    case 'n': is_ok = naive_word(self, "null"); break;
    default: is_ok = naive_number(self); break;
    }
    self->depth--;
    return is_ok;
}

/* A number's digits times 10^shift as an int64, without any cleverness. */
static inline bool
naive_scaled(const char *text, size_t size, int shift, bool must_be_whole, int64_t *out)
{
    char digits[2048];
    int  n        = 0;
    int  point    = 0;
    bool is_past  = false;
    bool is_minus = false;
    long exponent = 0;
    if (size >= sizeof digits) {
        return weiri_assert(false), false;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] == 'e' || text[i] == 'E') {
            char copy[2048];
            memcpy(copy, text + i + 1, size - i - 1);
            copy[size - i - 1] = '\0';
            exponent           = strtol(copy, NULL, 10);
            break;
        }
        if (text[i] == '-') {
            is_minus = true;
        } else if (text[i] == '.') {
            is_past = true;
        } else {
            digits[n++] = (char)(text[i] - '0');
            point += is_past ? 0 : 1;
        }
    }
    bool is_zero = true;
    for (int i = 0; i < n; i++) {
        is_zero = is_zero && digits[i] == 0;
    }
    if (is_zero) {
        *out = 0;
        return true;
    }
    long place = exponent > 100000 ? 100000 : exponent < -100000 ? -100000 : exponent;
    place += point + shift; /* digits before it are whole */
    unsigned __int128 value = 0;
    for (long i = 0; i < place || i < n; i++) {
        int digit = i < n ? digits[i] : 0;
        if (i < place) {
            value = value * 10 + (unsigned)digit;
            if (value > (unsigned __int128)INT64_MAX + 1) {
                return false;
            }
        } else if (must_be_whole && digit != 0) {
            return false;
        } else if (i == place && digit >= 5) {
            value++;
        }
    }
    if (value > (unsigned __int128)INT64_MAX + (is_minus ? 1 : 0)) {
        return false;
    }
    *out = is_minus ? (int64_t)(0 - (uint64_t)value) : (int64_t)value;
    return true;
}

static inline bool
naive_float(const char *text, size_t size, double *out)
{
    char *copy = malloc(size + 1);
    weiri_assert(copy != NULL);
    memcpy(copy, text, size);
    copy[size]   = '\0';
    double value = strtod(copy, NULL);
    free(copy);
    *out = value;
    return value - value == 0;
}

static inline bool
naive_text(const weir_field *field, const char *text, size_t size, int64_t *out)
{
    if (field->type == WEIR_DURATION) {
        return weiri_duration_parse(text, size, out);
    }
    if (field->form == WEIR_TIME_AUTO) {
        return weiri_time_parse(text, size, out);
    }
    double ignored = 0;
    return weiri_float_parse(text, size, &ignored)
               ? naive_scaled(text, size, 6, false, out)
               : false;
}

/* Write a field's value. False: it is none for its type. */
static inline bool
naive_field(weiri_buffer *out, const weir_field *field, const char *at, size_t size)
{
    weir_value   value     = { .type = (uint8_t)field->type };
    weiri_buffer text      = { 0 };
    bool         is_ok     = false;
    bool         is_number = *at == '-' || (*at >= '0' && *at <= '9');
    decode_dump_text(&text, "");
    if (*at == '"') {
        naive_json inner = { .p = at, .end = at + size };
        weiri_assert(naive_string(&inner, &text));
    }
    if (*at == 'n') {
        value.is_null = is_ok = true;
    } else if (field->type == WEIR_STRING && *at == '"') {
        value.as.s = text.bytes;
        value.size = (uint32_t)text.used;
        is_ok      = true;
    } else if (field->type == WEIR_INT && is_number) {
        is_ok = naive_scaled(at, size, 0, true, &value.as.i);
    } else if (field->type == WEIR_FLOAT && is_number) {
        is_ok = naive_float(at, size, &value.as.f);
    } else if (field->type == WEIR_BOOL && (*at == 't' || *at == 'f')) {
        value.as.b = *at == 't';
        is_ok      = true;
    } else if (field->type == WEIR_TIME && field->form == WEIR_TIME_MS && is_number) {
        is_ok = naive_scaled(at, size, 6, false, &value.as.i);
    } else if ((field->type == WEIR_TIME || field->type == WEIR_DURATION) && *at == '"') {
        is_ok = naive_text(field, text.bytes, text.used, &value.as.i);
    }
    if (is_ok) {
        decode_dump_value(out, &value);
    }
    weiri_buffer_fini(&text);
    return is_ok;
}

static inline bool
naive_line(weiri_buffer *out, const weir_schema *schema, const char *line, size_t size)
{
    naive_json self = { .p = line, .end = line + size, .schema = schema };
    size_t     used = out->used;
    naive_space(&self);
    if (self.p == self.end) {
        return true; /* blank */
    }
    self.depth = 1;
    bool is_ok = *self.p == '{' && naive_object(&self);
    naive_space(&self);
    is_ok = is_ok && self.p == self.end;
    for (uint32_t f = 0; is_ok && f < schema->n_fields; f++) {
        decode_dump_text(out, f > 0 ? "|" : "");
        if (self.at[f] == NULL) {
            decode_dump_text(out, "null");
        } else {
            is_ok = naive_field(out, &schema->fields[f], self.at[f], self.sizes[f]);
        }
    }
    decode_dump_text(out, "\n");
    out->used = is_ok ? out->used : used;
    return is_ok;
}

static inline void
naive_json_lines(weiri_buffer *out, size_t *n_dead, const weir_schema *schema,
    const char *bytes, size_t size)
{
    size_t start = size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    while (start < size) {
        const char *feed = memchr(bytes + start, '\n', size - start);
        size_t      n    = feed != NULL ? (size_t)(feed - bytes) - start : size - start;
        *n_dead += naive_line(out, schema, bytes + start, n) ? 0 : 1;
        start += n + 1;
    }
}

#endif
