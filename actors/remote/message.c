#include "message.h"

#include <math.h>
#include <string.h>

#include "weiri/limits.h"
#include "weiri/numtext.h"
#include "weiri/pair.h"
#include "weiri/plugin.h"

/* ---- writing ---- */

static void
put(weiri_pack *out, unsigned tag, uint64_t value, unsigned n)
{
    uint8_t bytes[9];
    bytes[0] = (uint8_t)tag;
    for (unsigned i = 0; i < n; i++) {
        bytes[1 + i] = (uint8_t)(value >> 8 * (n - 1 - i));
    }
    weiri_pack_bytes(out, bytes, 1 + n);
}

void
weiri_message_array(weiri_pack *out, uint32_t n)
{
    if (n < 16) {
        put(out, 0x90 | n, 0, 0);
    } else {
        put(out, 0xdd, n, 4);
    }
}

void
weiri_message_map(weiri_pack *out, uint32_t n)
{
    put(out, 0xdf, n, 4);
}

void
weiri_message_text(weiri_pack *out, const char *text, size_t size)
{
    if (size < 32) {
        put(out, 0xa0 | (unsigned)size, 0, 0);
    } else {
        put(out, 0xdb, size, 4);
    }
    weiri_pack_bytes(out, text, size);
}

void
weiri_message_word(weiri_pack *out, const char *word)
{
    weiri_message_text(out, word, strlen(word));
}

void
weiri_message_bytes(weiri_pack *out, const void *bytes, size_t size)
{
    put(out, 0xc6, size, 4);
    weiri_pack_bytes(out, bytes, size);
}

void
weiri_message_int(weiri_pack *out, int64_t value)
{
    if (value >= 0 && value < 128) {
        put(out, (unsigned)value, 0, 0);
    } else {
        put(out, 0xd3, (uint64_t)value, 8);
    }
}

void
weiri_message_bool(weiri_pack *out, bool value)
{
    put(out, value ? 0xc3 : 0xc2, 0, 0);
}

void
weiri_message_nil(weiri_pack *out)
{
    put(out, 0xc0, 0, 0);
}

void
weiri_message_value(weiri_pack *out, const weir_value *value)
{
    uint64_t bits = 0;
    if (value->is_null) {
        weiri_message_nil(out);
        return;
    }
    switch (value->type) {
    case WEIR_BOOL: weiri_message_bool(out, value->as.b); break;
    case WEIR_FLOAT:
        memcpy(&bits, &value->as.f, sizeof bits);
        put(out, 0xcb, bits, 8);
        break;
    case WEIR_STRING: weiri_message_text(out, value->as.s, value->size); break;
    default: weiri_message_int(out, value->as.i); break;
    }
}

void
weiri_message_fields(weiri_pack *out, const weir_plugin_field *fields, uint32_t n)
{
    weiri_message_array(out, n);
    for (uint32_t i = 0; i < n; i++) {
        weiri_message_array(out, 3);
        weiri_message_word(out, fields[i].name);
        weiri_message_word(out, weir_type_text((weir_type)fields[i].type));
        weiri_message_bool(out, fields[i].is_nullable);
    }
}

void
weiri_message_head(uint64_t sequence, uint32_t n_rows, const weiri_pack *payload,
    uint8_t head[WEIRI_FRAME_HEAD])
{
    const weiri_frame frame = { .kind = WEIRI_FRAME_ACTOR,
        .sequence                     = sequence,
        .n_rows                       = n_rows,
        .n_parts                      = 1,
        .size                         = payload->size };
    weiri_frame_write(&frame, head);
}

/* ---- reading ---- */

void
weiri_message_fail(weiri_message *self, const char *wrong)
{
    if (self->wrong == NULL) {
        self->wrong     = wrong;
        self->cursor.at = self->cursor.end;
    }
}

static weiri_mp_token
next(weiri_message *self)
{
    weiri_mp_token token = { .kind = WEIRI_MP_NIL };
    if (self->wrong == NULL && weiri_mp_read(&self->cursor, &token) != WEIRI_MP_OK) {
        weiri_message_fail(self, "it is cut, or no MessagePack");
        token = (weiri_mp_token){ .kind = WEIRI_MP_NIL };
    }
    return token;
}

bool
weiri_message_begin(weiri_message *self, const uint8_t *bytes, size_t size, char word[16],
    uint32_t *n_left)
{
    enum { MOST = 16 };
    weiri_frame frame = { 0 };
    weir_error  err   = { .status = WEIR_OK };
    *self             = (weiri_message){ .wrong = NULL };
    word[0]           = 0;
    *n_left           = 0;
    if (weiri_frame_read(&frame, bytes, size, &err) != WEIR_OK
        || frame.kind != WEIRI_FRAME_ACTOR) {
        self->wrong = "it is no frame of this version";
        return false;
    }
    size -= WEIRI_FRAME_HEAD;
    self->sequence = frame.sequence;
    self->cursor = weiri_mp_cursor_at((const char *)bytes + WEIRI_FRAME_HEAD, size, size);
    uint32_t    n      = weiri_message_read_array(self, 1, MOST);
    uint32_t    length = 0;
    const char *text   = weiri_message_read_text(self, 15, &length);
    if (self->wrong == NULL) {
        memcpy(word, text, length);
        word[length] = 0;
        *n_left      = n - 1;
    }
    return self->wrong == NULL;
}

uint32_t
weiri_message_read_array(weiri_message *self, uint32_t n_least, uint32_t n_most)
{
    weiri_mp_token token = next(self);
    if (self->wrong == NULL
        && (token.kind != WEIRI_MP_ARRAY || token.as.n_items < n_least
            || token.as.n_items > n_most)) {
        weiri_message_fail(self, "an array is missing, or has another length");
    }
    return self->wrong == NULL ? token.as.n_items : 0;
}

int64_t
weiri_message_read_int(weiri_message *self)
{
    weiri_mp_token token = next(self);
    if (self->wrong == NULL && token.kind != WEIRI_MP_INT) {
        weiri_message_fail(self, "a whole number is missing");
    }
    return self->wrong == NULL ? token.as.i : 0;
}

bool
weiri_message_read_bool(weiri_message *self)
{
    weiri_mp_token token = next(self);
    if (self->wrong == NULL && token.kind != WEIRI_MP_BOOL) {
        weiri_message_fail(self, "a bool is missing");
    }
    return self->wrong == NULL && token.as.b;
}

const char *
weiri_message_read_text(weiri_message *self, size_t most, uint32_t *size)
{
    weiri_mp_token token = next(self);
    if (self->wrong == NULL
        && (token.kind != WEIRI_MP_STR || token.size > most
            || !weiri_utf8_is_valid(token.bytes, token.size))) {
        weiri_message_fail(self, "a text is missing, too long or not UTF-8");
    }
    *size = self->wrong == NULL ? token.size : 0;
    return self->wrong == NULL && token.size > 0 ? token.bytes : "";
}

const char *
weiri_message_read_bytes(weiri_message *self, uint32_t *size)
{
    weiri_mp_token token = next(self);
    if (self->wrong == NULL && token.kind != WEIRI_MP_BIN) {
        weiri_message_fail(self, "bytes are missing");
    }
    *size = self->wrong == NULL ? token.size : 0;
    return self->wrong == NULL && token.size > 0 ? token.bytes : "";
}

void
weiri_message_skip(weiri_message *self)
{
    if (self->wrong == NULL && weiri_mp_skip(&self->cursor, 0) != WEIRI_MP_OK) {
        weiri_message_fail(self, "it is cut, or no MessagePack");
    }
}

bool
weiri_message_take_nil(weiri_message *self)
{
    bool is_nil = self->wrong == NULL && self->cursor.at < self->cursor.end
                  && *self->cursor.at == 0xc0;
    self->cursor.at += is_nil ? 1 : 0;
    return is_nil;
}

weir_value
weiri_message_read_value(weiri_message *self, weir_type type, bool is_nullable)
{
    weir_value value = weir_plugin_null(type);
    if (weiri_message_take_nil(self)) {
        if (!is_nullable) {
            weiri_message_fail(self, "a value is null that never is");
        }
        return value;
    }
    weiri_mp_token token = next(self);
    value.is_null        = false;
    bool is_right        = false;
    switch (type) {
    case WEIR_BOOL:
        is_right   = token.kind == WEIRI_MP_BOOL;
        value.as.b = is_right && token.as.b;
        break;
    case WEIR_FLOAT:
        is_right   = token.kind == WEIRI_MP_FLOAT || token.kind == WEIRI_MP_INT;
        value.as.f = token.kind == WEIRI_MP_FLOAT ? token.as.f
                     : is_right                   ? (double)token.as.i
                                                  : 0;
        break;
    case WEIR_STRING:
        is_right   = token.kind == WEIRI_MP_STR;
        value.as.s = is_right && token.size > 0 ? token.bytes : "";
        value.size = is_right ? token.size : 0;
        break;
    default:
        is_right   = token.kind == WEIRI_MP_INT;
        value.as.i = is_right ? token.as.i : 0;
        break;
    }
    if (self->wrong == NULL && !is_right) {
        weiri_message_fail(self, "a value is of another type than was declared");
    } else if (self->wrong == NULL) {
        const char *fault = weiri_plugin_value_fault(&value, type);
        if (fault != NULL) {
            weiri_message_fail(self, fault);
        }
    }
    return self->wrong == NULL ? value : weir_plugin_null(type);
}

void
weiri_message_check_fields(
    weiri_message *self, const weir_plugin_field *fields, uint32_t n, const char *wrong)
{
    uint32_t n_given = weiri_message_read_array(self, 0, WEIRI_FIELDS);
    bool     is_same = n_given == n;
    for (uint32_t i = 0; i < n_given && self->wrong == NULL; i++) {
        uint32_t size = 0;
        uint32_t type = 0;
        weiri_message_read_array(self, 3, 3);
        const char *name    = weiri_message_read_text(self, 64, &size);
        const char *of_type = weiri_message_read_text(self, 16, &type);
        bool        is_null = weiri_message_read_bool(self);
        if (self->wrong == NULL && i < n) {
            const char *wanted = weir_type_text((weir_type)fields[i].type);
            is_same            = is_same && size == strlen(fields[i].name)
                      && memcmp(name, fields[i].name, size) == 0 && type == strlen(wanted)
                      && memcmp(of_type, wanted, type) == 0
                      && is_null == fields[i].is_nullable;
        }
    }
    if (!is_same) {
        weiri_message_fail(self, wrong);
    }
}

void
weiri_message_end(weiri_message *self)
{
    if (self->wrong == NULL && self->cursor.at != self->cursor.end) {
        weiri_message_fail(self, "something follows its end");
    }
}
