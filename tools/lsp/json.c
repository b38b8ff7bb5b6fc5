#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "diagnostics.h"

struct reader {
    weiri_arena *arena;
    const char  *at;
    const char  *end; /* a zero byte stands there */
    uint32_t     n_values;
    uint32_t     depth;
    bool         is_wrong;
};

static lsp_json *
read_value(struct reader *self);

static void
skip_space(struct reader *self)
{
    while (self->at < self->end && strchr(" \t\r\n", *self->at) != NULL
           && *self->at != '\0') {
        self->at++;
    }
}

static bool
take(struct reader *self, char c)
{
    skip_space(self);
    if (self->at < self->end && *self->at == c) {
        self->at++;
        return true;
    }
    return false;
}

static lsp_json *
fail(struct reader *self)
{
    self->is_wrong = true;
    self->at       = self->end;
    return NULL;
}

/* ---- texts ---- */

static size_t
put_code_point(char *out, uint32_t code)
{
    if (code >= 0xD800 && code < 0xE000) {
        code = 0xFFFD;
    }
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

/* Four hexadecimal digits; UINT32_MAX if they are not there. */
static uint32_t
read_hex(const struct reader *self, const char *at)
{
    uint32_t code = 0;
    if (self->end - at < 4) {
        return UINT32_MAX;
    }
    for (int i = 0; i < 4; i++) {
        static const char DIGITS[] = "0123456789abcdef";
        char              c = (char)(at[i] >= 'A' && at[i] <= 'F' ? at[i] | 0x20 : at[i]);
        const char       *digit = c == '\0' ? NULL : strchr(DIGITS, c);
        if (digit == NULL) {
            return UINT32_MAX;
        }
        code = code * 16 + (uint32_t)(digit - DIGITS);
    }
    return code;
}

/* Behind the 'u' of an escape; a pair of surrogates is one code point. */
static size_t
read_unicode(struct reader *self, char *out)
{
    uint32_t high = read_hex(self, self->at);
    if (high == UINT32_MAX) {
        fail(self);
        return 0;
    }
    self->at += 4;
    bool is_pair = high >= 0xD800 && high < 0xDC00 && self->end - self->at >= 6
                   && self->at[0] == '\\' && self->at[1] == 'u';
    uint32_t low = is_pair ? read_hex(self, self->at + 2) : 0;
    if (low >= 0xDC00 && low < 0xE000) {
        self->at += 6;
        high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    }
    return put_code_point(out, high);
}

static size_t
read_escape(struct reader *self, char *out)
{
    static const char NAMED[] = "\"\\/bfnrt";
    static const char MEANT[] = "\"\\/\b\f\n\r\t";
    char              c       = *self->at++; /* the zero byte at the end is no name */
    if (c == 'u') {
        return read_unicode(self, out);
    }
    const char *named = c == '\0' ? NULL : strchr(NAMED, c);
    if (named == NULL) {
        fail(self);
        return 0;
    }
    *out = MEANT[named - NAMED];
    return 1;
}

/* Behind the opening quote. A byte of text becomes three at most, of U+FFFD. */
static const char *
read_text(struct reader *self, size_t *size)
{
    const char *close = self->at;
    while (close < self->end && *close != '"') {
        close += *close == '\\' && close + 1 < self->end ? 2 : 1;
    }
    char  *out = weiri_arena_alloc(self->arena, 3 * (size_t)(close - self->at) + 4);
    size_t n   = 0;
    while (self->at < self->end && *self->at != '"') {
        uint32_t length = 0;
        if (*self->at == '\\') {
            self->at++;
            n += read_escape(self, out + n);
            continue;
        }
        uint32_t code =
            weiri_utf8_decode(self->at, (size_t)(self->end - self->at), &length);
        if (code < ' ') {
            fail(self);
            break;
        }
        n += put_code_point(out + n, code);
        self->at += length > 0 ? length : 1;
    }
    if (self->at >= self->end) {
        fail(self);
        return NULL;
    }
    self->at++;
    *size = n;
    return out;
}

/* ---- values ---- */

static lsp_json *
new_value(struct reader *self, lsp_json_kind kind)
{
    lsp_json *value = weiri_arena_alloc(self->arena, sizeof *value);
    value->kind     = kind;
    return value;
}

static lsp_json *
read_word(struct reader *self, const char *word, lsp_json_kind kind)
{
    size_t size = strlen(word);
    if ((size_t)(self->end - self->at) < size || memcmp(self->at, word, size) != 0) {
        return fail(self);
    }
    self->at += size;
    lsp_json *value = new_value(self, kind);
    value->truth    = word[0] == 't';
    return value;
}

static void
skip_digits(struct reader *self)
{
    const char *from = self->at;
    while (self->at < self->end && *self->at >= '0' && *self->at <= '9') {
        self->at++;
    }
    if (self->at == from) {
        fail(self);
    }
}

static lsp_json *
read_number(struct reader *self)
{
    const char *from = self->at;
    self->at += *self->at == '-';
    skip_digits(self);
    if (self->at < self->end && *self->at == '.') {
        self->at++;
        skip_digits(self);
    }
    if (self->at < self->end && (*self->at == 'e' || *self->at == 'E')) {
        self->at++;
        self->at += self->at < self->end && (*self->at == '-' || *self->at == '+');
        skip_digits(self);
    }
    if (self->is_wrong) {
        return NULL;
    }
    lsp_json *value = new_value(self, LSP_JSON_NUMBER);
    value->size     = (size_t)(self->at - from);
    value->text     = weiri_arena_text(self->arena, from, value->size);
    value->number   = strtod(value->text, NULL);
    return value;
}

static lsp_json *
read_member(struct reader *self)
{
    size_t      size = 0;
    const char *name = take(self, '"') ? read_text(self, &size) : NULL;
    if (name == NULL || !take(self, ':')) {
        return fail(self);
    }
    lsp_json *value = read_value(self);
    if (value != NULL) {
        value->name = name;
    }
    return value;
}

static lsp_json *
read_items(struct reader *self, lsp_json_kind kind, char close)
{
    lsp_json  *value = new_value(self, kind);
    lsp_json **last  = &value->first;
    self->at++;
    if (take(self, close)) {
        return value;
    }
    do {
        *last = kind == LSP_JSON_OBJECT ? read_member(self) : read_value(self);
        if (*last == NULL) {
            return fail(self);
        }
        last = &(*last)->next;
    } while (take(self, ','));
    return take(self, close) ? value : fail(self);
}

static lsp_json *
read_inside(struct reader *self)
{
    switch (*self->at) {
    case '{': return read_items(self, LSP_JSON_OBJECT, '}');
    case '[': return read_items(self, LSP_JSON_ARRAY, ']');
    case 't': return read_word(self, "true", LSP_JSON_BOOL);
    case 'f': return read_word(self, "false", LSP_JSON_BOOL);
    case 'n': return read_word(self, "null", LSP_JSON_NULL);
    case '"': {
        lsp_json *value = new_value(self, LSP_JSON_STRING);
        self->at++;
        value->text = read_text(self, &value->size);
        return value->text != NULL ? value : NULL;
    }
    default: return read_number(self);
    }
}

static lsp_json *
read_value(struct reader *self)
{
    skip_space(self);
    if (self->at >= self->end || self->depth == LSP_JSON_DEPTH
        || self->n_values == LSP_JSON_VALUES) {
        return fail(self);
    }
    self->depth++;
    self->n_values++;
    lsp_json *value = read_inside(self);
    self->depth--;
    return self->is_wrong ? NULL : value;
}

const lsp_json *
lsp_json_read(weiri_arena *arena, const char *text, size_t size)
{
    const char     *copy  = weiri_arena_text(arena, text, size);
    struct reader   self  = { .arena = arena, .at = copy, .end = copy + size };
    const lsp_json *value = read_value(&self);
    skip_space(&self);
    return self.at == self.end && !self.is_wrong ? value : NULL;
}

/* ---- looking into values ---- */

const lsp_json *
lsp_json_at(const lsp_json *self, const char *path)
{
    while (self != NULL && *path != '\0') {
        size_t          size = strcspn(path, ".");
        const lsp_json *item = self->kind == LSP_JSON_OBJECT ? self->first : NULL;
        while (item != NULL
               && (strncmp(item->name, path, size) != 0 || item->name[size] != '\0')) {
            item = item->next;
        }
        self = item;
        path += size + (path[size] == '.');
    }
    return self;
}

const char *
lsp_json_text(const lsp_json *self, const char *path)
{
    const lsp_json *value   = lsp_json_at(self, path);
    bool            is_text = value != NULL && value->kind == LSP_JSON_STRING
                   && strlen(value->text) == value->size;
    return is_text ? value->text : NULL;
}

uint32_t
lsp_json_uint(const lsp_json *self, const char *path, uint32_t otherwise)
{
    const lsp_json *value = lsp_json_at(self, path);
    bool is_number = value != NULL && value->kind == LSP_JSON_NUMBER && value->number >= 0
                     && value->number <= UINT32_MAX;
    return is_number ? (uint32_t)value->number : otherwise;
}

/* ---- writing ---- */

void
lsp_put_text(FILE *out, const char *text, size_t size)
{
    fputc('"', out);
    for (size_t i = 0; i < size;) {
        uint32_t length = 0;
        uint32_t code   = weiri_utf8_decode(text + i, size - i, &length);
        if (code == '"' || code == '\\') {
            fprintf(out, "\\%c", (int)code);
        } else if (code == '\n') {
            fputs("\\n", out);
        } else if (code < ' ' || code == 0x7F) {
            fprintf(out, "\\u%04x", (unsigned)code);
        } else if (length == 0) {
            fputs("\xEF\xBF\xBD", out);
        } else {
            fwrite(text + i, 1, length, out);
        }
        i += length > 0 ? length : 1;
    }
    fputc('"', out);
}

void
lsp_put_string(FILE *out, const char *text)
{
    lsp_put_text(out, text, strlen(text));
}
