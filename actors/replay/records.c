#define _GNU_SOURCE
#include "records.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../codec/encode.h"
#include "../codec/mp_cursor.h"
#include "weiri/assert.h"
#include "weiri/limits.h"
#include "weiri/numtext.h"
#include "weiri/timetext.h"

enum { FIRST_BYTES = 64 << 10 };

struct weiri_records {
    FILE        *file;
    char        *path;
    weiri_format format;
    uint64_t     left;  /* bytes of the file that were not read yet */
    char        *bytes; /* shape (room,)                            */
    size_t       room;
    size_t       from; /* bytes[from .. to) are not given yet      */
    size_t       to;
};

/* ---- opening ---- */

weir_status
weiri_records_open(const char *path, weiri_format format, uint64_t begin, uint64_t end,
    weiri_records **out, weir_error *err)
{
    struct stat    about = { 0 };
    weiri_records *self  = calloc(1, sizeof *self);
    *out                 = NULL;
    if (self == NULL || (self->path = strdup(path)) == NULL
        || (self->bytes = malloc(FIRST_BYTES)) == NULL) {
        weiri_records_close(&self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "'%s'", path);
    }
    self->room         = FIRST_BYTES;
    self->format       = format;
    self->file         = fopen(path, "rbe");
    weir_status status = WEIR_OK;
    if (self->file == NULL) {
        status = errno == ENOENT
                     ? WEIR_FAIL(err, WEIR_ENOENT, "cannot open '%s': no such file", path)
                     : WEIR_FAIL_OS(err, errno, "cannot open '%s'", path);
    } else if (fstat(fileno(self->file), &about) != 0
               || fseeko(self->file, (off_t)begin, SEEK_SET) != 0) {
        status = WEIR_FAIL_OS(err, errno, "cannot read '%s'", path);
    } else if (end != UINT64_MAX && (uint64_t)about.st_size < end) {
        status = WEIR_FAIL(err, WEIR_EDATA,
            "'%s' has %lld bytes, and %" PRIu64 " were written: it is another file", path,
            (long long)about.st_size, end);
    }
    if (status != WEIR_OK) {
        weiri_records_close(&self);
        return status;
    }
    self->left = end == UINT64_MAX ? end : end - begin;
    *out       = self;
    return WEIR_OK;
}

void
weiri_records_close(weiri_records **self_p)
{
    weiri_records *self = *self_p;
    *self_p             = NULL;
    if (self != NULL) {
        if (self->file != NULL) {
            fclose(self->file);
        }
        free(self->bytes);
        free(self->path);
        free(self);
    }
}

/* ---- rows ---- */

/* Where a line ends, its feed included; 0: not in these bytes. In CSV a feed may stand in
 * quotes. */
static size_t
line_size(const char *bytes, size_t size, bool is_csv)
{
    bool is_quoted = false;
    for (size_t i = 0; i < size; i++) {
        if (is_csv && bytes[i] == '"') {
            is_quoted = !is_quoted;
        } else if (bytes[i] == '\n' && !is_quoted) {
            return i + 1;
        }
    }
    return 0;
}

static size_t
row_size(const weiri_records *self)
{
    const char *bytes = self->bytes + self->from;
    size_t      size  = self->to - self->from;
    if (self->format != WEIRI_FORMAT_MSGPACK) {
        return line_size(bytes, size, self->format == WEIRI_FORMAT_CSV);
    }
    weiri_mp_cursor cursor = weiri_mp_cursor_at(bytes, size, SIZE_MAX);
    return size > 0 && weiri_mp_skip(&cursor, 0) == WEIRI_MP_OK
               ? (size_t)((const char *)cursor.at - bytes)
               : 0;
}

/* More of the file behind bytes[to). errors  WEIR_EOF */
static weir_status
read_on(weiri_records *self, weir_error *err)
{
    memmove(self->bytes, self->bytes + self->from, self->to - self->from);
    self->to -= self->from;
    self->from = 0;
    weiri_assert(self->room > 0);
    if (self->to == self->room) {
        char *grown = realloc(self->bytes, 2 * self->room);
        if (grown == NULL) {
            return WEIR_FAIL(err, WEIR_ENOMEM, "'%s'", self->path);
        }
        self->bytes = grown;
        self->room *= 2;
    }
    size_t room = self->room - self->to;
    size_t most = self->left < room ? (size_t)self->left : room;
    size_t n    = fread(self->bytes + self->to, 1, most, self->file);
    self->to += n;
    self->left -= n;
    if (n == 0 && ferror(self->file)) {
        return WEIR_FAIL_OS(err, errno, "cannot read '%s'", self->path);
    }
    return n > 0 ? WEIR_OK : WEIR_EOF;
}

weir_status
weiri_records_next(weiri_records *self, const char **bytes, size_t *size, weir_error *err)
{
    weir_status status = WEIR_OK;
    size_t      n      = row_size(self);
    while (n == 0 && status == WEIR_OK) {
        status = read_on(self, err);
        n      = status == WEIR_OK ? row_size(self) : 0;
    }
    if (status == WEIR_EOF && self->to > self->from) {
        n      = self->to - self->from; /* cut short */
        status = WEIR_OK;
    }
    if (status != WEIR_OK) {
        return status;
    }
    *bytes = self->bytes + self->from;
    *size  = n;
    self->from += n;
    if (self->format != WEIRI_FORMAT_MSGPACK && (*bytes)[n - 1] == '\n') {
        *size = n - 1;
    }
    return WEIR_OK;
}

/* ---- as text ---- */

static weir_status
append(weiri_buffer *out, const char *text, size_t size)
{
    weir_status status = weiri_buffer_reserve(out, size + 1);
    if (status == WEIR_OK && size > 0) {
        memcpy(out->bytes + out->used, text, size);
        out->used += size;
    }
    return status;
}

static weir_status
append_value(weiri_buffer *out, const weir_value *value)
{
    weir_status status =
        weiri_buffer_reserve(out, 6 * (size_t)value->size + WEIRI_VALUE_TEXT);
    if (status == WEIR_OK) {
        char *end = weiri_put_json_value(out->bytes + out->used, value, false);
        out->used = (size_t)(end - out->bytes);
    }
    return status;
}

static weir_value
value_of(const weiri_mp_token *token)
{
    weir_value value = { .is_null = true };
    switch (token->kind) {
    case WEIRI_MP_BOOL: return (weir_value){ .type = WEIR_BOOL, .as.b = token->as.b };
    case WEIRI_MP_INT: return (weir_value){ .type = WEIR_INT, .as.i = token->as.i };
    case WEIRI_MP_FLOAT: return (weir_value){ .type = WEIR_FLOAT, .as.f = token->as.f };
    case WEIRI_MP_STR:
    case WEIRI_MP_BIN:
        return (
            weir_value){ .type = WEIR_STRING, .as.s = token->bytes, .size = token->size };
    case WEIRI_MP_EXT:
        value.type    = WEIR_TIME;
        value.is_null = token->ext_type != WEIRI_MP_TIMESTAMP
                        || !weiri_mp_timestamp(token->bytes, token->size, &value.as.i);
        return value;
    default: return value;
    }
}

/* One level of lists is what rows have; `left` counts the items to come, pairs as two. */
static weir_status
append_items(weiri_mp_cursor *cursor, uint32_t n, bool is_map, weiri_buffer *out)
{
    weir_status status = append(out, is_map ? "{" : "[", 1);
    for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
        weiri_mp_token token = { .kind = WEIRI_MP_NIL };
        bool           is_ok = weiri_mp_read(cursor, &token) == WEIRI_MP_OK;
        if (i > 0) {
            status = append(out, is_map && i % 2 == 1 ? ":" : ",", 1);
        }
        if (status == WEIR_OK && is_ok && is_map && token.kind == WEIRI_MP_ARRAY) {
            status = append_items(cursor, token.as.n_items, false, out);
        } else if (status == WEIR_OK) {
            weir_value value = value_of(&token);
            status           = append_value(out, &value);
        }
        if (!is_ok) {
            break;
        }
    }
    return status == WEIR_OK ? append(out, is_map ? "}" : "]", 1) : status;
}

weir_status
weiri_record_text(const char *bytes, size_t size, weiri_format format, weiri_buffer *out)
{
    weir_status    status = WEIR_OK;
    weiri_mp_token token  = { .kind = WEIRI_MP_NIL };
    if (format == WEIRI_FORMAT_MSGPACK) {
        weiri_mp_cursor cursor = weiri_mp_cursor_at(bytes, size, size);
        bool            is_map = weiri_mp_read(&cursor, &token) == WEIRI_MP_OK
                      && token.kind == WEIRI_MP_MAP && token.as.n_items <= WEIRI_FIELDS;
        status = is_map ? append_items(&cursor, 2 * token.as.n_items, true, out)
                        : append(out, "null", 4);
    } else {
        status = append(out, bytes, size);
    }
    if (status == WEIR_OK) {
        status = append(out, "", 1); /* its end */
    }
    return status;
}

/* ---- fields ---- */

/* The end of what begins at `at`: where one of `stops` stands outside of quotes and
 * brackets, or the text ends. */
static const char *
end_of(const char *at, const char *stops, bool has_brackets)
{
    bool     is_quoted = false;
    unsigned depth     = 0;
    for (; *at != '\0'; at++) {
        if (is_quoted && *at == '\\' && has_brackets && at[1] != '\0') {
            at++;
        } else if (*at == '"') {
            is_quoted = !is_quoted;
        } else if (!is_quoted && depth == 0 && strchr(stops, *at) != NULL) {
            return at;
        } else if (!is_quoted && has_brackets && (*at == '[' || *at == '{')) {
            depth++;
        } else if (!is_quoted && has_brackets && depth > 0
                   && (*at == ']' || *at == '}')) {
            depth--;
        }
    }
    return at;
}

static uint32_t
split_json(const char *text, weiri_record_field fields[WEIRI_FIELDS])
{
    uint32_t n = 0;
    for (const char *at = text; (*at == '{' || *at == ',') && n < WEIRI_FIELDS;) {
        const char *name  = at + 1;
        const char *colon = end_of(name, ":}", true);
        if (*colon != ':' || colon - name < 2) {
            return n;
        }
        at          = end_of(colon + 1, ",}", true);
        fields[n++] = (weiri_record_field){ .name = name + 1,
            .name_size                            = (size_t)(colon - name - 2),
            .value                                = colon + 1,
            .size                                 = (size_t)(at - colon - 1) };
    }
    return n;
}

static uint32_t
split_cells(const char *text, weiri_record_field fields[WEIRI_FIELDS])
{
    uint32_t n = 0;
    for (const char *at = text; n < WEIRI_FIELDS; at++) {
        const char *end = end_of(at, ",", false);
        fields[n++]     = (weiri_record_field){ .value = at, .size = (size_t)(end - at) };
        at              = end;
        if (*at == '\0') {
            break;
        }
    }
    return n;
}

/* Time and name stand before the fields of a line for people. */
static uint32_t
split_words(const char *text, weiri_record_field fields[WEIRI_FIELDS])
{
    uint32_t    n  = 0;
    const char *at = end_of(text, " ", true);
    at             = *at != '\0' ? end_of(at + 1, " ", true) : at;
    while (*at == ' ' && n < WEIRI_FIELDS) {
        const char *name  = at + 1;
        const char *equal = end_of(name, "= ", true);
        at                = *equal == '=' ? end_of(equal + 1, " ", true) : equal;
        const char *value = *equal == '=' ? equal + 1 : equal;
        fields[n++]       = (weiri_record_field){ .name = name,
                  .name_size                            = (size_t)(equal - name),
                  .value                                = value,
                  .size                                 = (size_t)(at - value) };
    }
    return n;
}

uint32_t
weiri_record_split(
    const char *text, weiri_format format, weiri_record_field fields[WEIRI_FIELDS])
{
    switch (format) {
    case WEIRI_FORMAT_CSV: return split_cells(text, fields);
    case WEIRI_FORMAT_TEXT: return split_words(text, fields);
    default: return split_json(text, fields);
    }
}
