/* weiri_decoder: the front of all formats, and what they say of dead records. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decoder_ops.h"
#include "weiri/each.h"
#include "weiri/limits.h"
#include "weiri/numtext.h"

enum { SHOWN_BYTES = 60 }; /* of a value in a reason */

struct weiri_decoder {
    const weiri_decoder_ops *ops;
    void                    *state;
    bool                     is_begun; /* past a byte order mark */
    weiri_decode             decode;
};

void
weiri_decode_reason(weiri_decode *self, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is the line above */
    int n = vsnprintf(self->reason, sizeof self->reason, format, args);
    va_end(args);
    /* A cut through a character leaves no half of it behind. */
    while (n >= (int)sizeof self->reason
           && !weiri_utf8_is_valid(self->reason, strlen(self->reason))) {
        self->reason[strlen(self->reason) - 1] = '\0';
    }
}

/* A copy fit for print: control characters as '?', anything that is not UTF-8 too, and
 * "…" for what is left out. */
static void
show(const char *value, size_t size, char out[SHOWN_BYTES + 8])
{
    size_t n = size < SHOWN_BYTES ? size : SHOWN_BYTES;
    while (n < size && n > 0 && ((unsigned char)value[n] & 0xC0) == 0x80) {
        n--;
    }
    bool is_valid = weiri_utf8_is_valid(value, n);
    for (size_t i = 0; i < n; i++) {
        unsigned char c        = (unsigned char)value[i];
        bool          is_shown = c >= 0x20 && c != 0x7F && (c < 0x80 || is_valid);
        out[i]                 = '?';
        if (is_shown) {
            out[i] = value[i];
        }
    }
    memcpy(out + n, n < size ? "\u2026" : "", n < size ? sizeof "\u2026" : 1);
}

static bool
is_integer(const char *text, size_t size)
{
    size_t i = size > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    for (; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    return size > 1;
}

/* What a field would have taken, as in "is not …". */
static void
describe(const weir_field *field, char *out, size_t cap)
{
    static const char *const UNITS[] = { [WEIR_TIME_S] = "seconds",
        [WEIR_TIME_MS]                                 = "milliseconds",
        [WEIR_TIME_US]                                 = "microseconds",
        [WEIR_TIME_NS]                                 = "nanoseconds" };
    const char              *article = field->type == WEIR_INT ? "an" : "a";
    int n = snprintf(out, cap, "%s %s", article, weir_type_text(field->type));
    if (field->type != WEIR_TIME || field->form == WEIR_TIME_AUTO || n < 0) {
        return;
    }
    if (field->form == WEIR_TIME_PATTERN) {
        snprintf(out + n, cap - (size_t)n, " of the form \"%.80s\"", field->pattern);
    } else {
        snprintf(out + n, cap - (size_t)n, " in %s", UNITS[field->form]);
    }
}

void
weiri_decode_reason_value(
    weiri_decode *self, const weir_field *field, const char *value, size_t size)
{
    char shown[SHOWN_BYTES + 8];
    char wanted[128];
    show(value, size, shown);
    describe(field, wanted, sizeof wanted);
    bool is_too_large = field->type == WEIR_INT && is_integer(value, size);
    weiri_decode_reason(self, "field '%s': %s %s %s", field->name, shown,
        is_too_large ? "does not fit" : "is not", wanted);
}

void
weiri_decode_reason_missing(weiri_decode *self, const weir_field *field)
{
    weiri_decode_reason(self, "field '%s' is missing", field->name);
}

void
weiri_decode_dead(weiri_decode *self, size_t offset, const char *raw, size_t size)
{
    weiri_dead_record record = {
        .position = self->position + offset,
        .line     = self->line,
        .reason   = self->reason,
        .raw      = raw,
        .size     = size < WEIRI_RECORD_BYTES ? size : WEIRI_RECORD_BYTES,
    };
    if (self->config.on_dead != NULL) {
        self->config.on_dead(self->config.context, &record);
    }
}

void
weiri_decode_roll_back(weir_chunk *chunk, uint32_t heap_used)
{
    chunk->heap_used = heap_used;
    for (uint32_t i = 0; i < chunk->schema->n_fields; i++) {
        if (chunk->columns[i].has_nulls) {
            chunk->columns[i].nulls[chunk->n_rows] = 0;
        }
    }
}

static const weiri_decoder_ops *
ops_of(weiri_format format)
{
    switch (format) {
    case WEIRI_FORMAT_JSON: return &WEIRI_DECODE_JSON;
    case WEIRI_FORMAT_CSV: return &WEIRI_DECODE_CSV;
    case WEIRI_FORMAT_MSGPACK: return &WEIRI_DECODE_MSGPACK;
    case WEIRI_FORMAT_LINES: return &WEIRI_DECODE_LINES;
    case WEIRI_FORMAT_PLUGIN: return &WEIRI_DECODE_PLUGIN;
    case WEIRI_FORMAT_FRAMES: return &WEIRI_DECODE_FRAMES;
    case WEIRI_FORMAT_AUTO:
    case WEIRI_FORMAT_TEXT: break;
    }
    return NULL;
}

static weir_status
check(const weiri_decoder_config *config, weir_error *err)
{
    const weir_schema *schema = config->schema;
    if (ops_of(config->format) == NULL) {
        return WEIR_FAIL(
            err, WEIR_EINVAL, "stream '%s': this format cannot be read", schema->name);
    }
    if (schema->n_fields > WEIRI_FIELDS) {
        return WEIR_FAIL(err, WEIR_EINVAL, "stream '%s' has more than %d fields",
            schema->name, WEIRI_FIELDS);
    }
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        weir_type   type = schema->fields[i].type;
        const char *from = schema->fields[i].from;
        if (from != NULL && config->format != WEIRI_FORMAT_JSON
            && weiri_path_is_each(from)) {
            return WEIR_FAIL(err, WEIR_EINVAL,
                "stream '%s' takes each item of an array, which only JSON has",
                schema->name);
        }
        if (type == WEIR_LIST || type == WEIR_NULL) {
            return WEIR_FAIL(err, WEIR_EINVAL,
                "field '%s': a %s cannot be read from input", schema->fields[i].name,
                weir_type_text(type));
        }
    }
    return WEIR_OK;
}

weir_status
weiri_decoder_new(
    const weiri_decoder_config *config, weiri_decoder **out, weir_error *err)
{
    weir_status status = check(config, err);
    if (status != WEIR_OK) {
        return status;
    }
    weiri_decoder *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "decoder: out of memory");
    }
    self->ops    = ops_of(config->format);
    self->decode = (weiri_decode){ .config = *config, .line = 1 };
    status       = self->ops->create(config, &self->state, err);
    if (status != WEIR_OK) {
        weiri_decoder_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_decoder_destroy(weiri_decoder **self_p)
{
    if (*self_p == NULL) {
        return;
    }
    (*self_p)->ops->destroy((*self_p)->state);
    free(*self_p);
    *self_p = NULL;
}

static const char BOM[] = "\xEF\xBB\xBF"; /* some programs put it before text */

/* Bytes to skip at the very start; *is_known is false while more are needed to tell. */
static size_t
bom_size(const weiri_decoder *self, const char *bytes, size_t size, bool *is_known)
{
    size_t most    = sizeof BOM - 1;
    size_t n       = size < most ? size : most;
    bool   is_like = self->decode.config.format != WEIRI_FORMAT_MSGPACK
                   && self->decode.config.format != WEIRI_FORMAT_PLUGIN
                   && self->decode.config.format != WEIRI_FORMAT_FRAMES
                   && (n == 0 || memcmp(bytes, BOM, n) == 0);
    *is_known = n == most || !is_like;
    return is_like && n == most ? most : 0;
}

weir_status
weiri_decoder_decode(weiri_decoder *self, const char *bytes, size_t size, bool is_last,
    weir_chunk *chunk, size_t *consumed, weir_error *err)
{
    size_t n_skipped = 0;
    *consumed        = 0;
    if (!self->is_begun) {
        n_skipped = bom_size(self, bytes, size, &self->is_begun);
        if (!self->is_begun && !is_last) {
            return WEIR_OK;
        }
        self->is_begun = true;
        self->decode.position += n_skipped;
    }
    weir_status status = self->ops->decode(self->state, &self->decode, bytes + n_skipped,
        size - n_skipped, is_last, chunk, consumed, err);
    self->decode.position += *consumed;
    *consumed += n_skipped;
    return status;
}

uint64_t
weiri_decoder_position(const weiri_decoder *self)
{
    return self->decode.position;
}

const weiri_link_place *
weiri_decoder_place(const weiri_decoder *self)
{
    return self->ops->place != NULL ? self->ops->place(self->state) : NULL;
}

void
weiri_decoder_save(const weiri_decoder *self, weiri_pack *out)
{
    weiri_pack_number(out, self->decode.config.format);
    weiri_pack_number(out, self->is_begun);
    weiri_pack_number(out, self->decode.position);
    weiri_pack_number(out, self->decode.line);
    if (self->ops->save != NULL) {
        self->ops->save(self->state, out);
    }
}

void
weiri_decoder_load(weiri_decoder *self, weiri_unpack *in)
{
    if (weiri_unpack_number(in) != (uint64_t)self->decode.config.format) {
        weiri_unpack_fail(in, "the input was in another format");
    }
    self->is_begun        = weiri_unpack_below(in, 2, "it is no flag") != 0;
    self->decode.position = weiri_unpack_number(in);
    self->decode.line     = weiri_unpack_number(in);
    if (self->ops->load != NULL) {
        self->ops->load(self->state, in);
    }
}
