/* weiri_mp_cursor: a walk over MessagePack that trusts nothing.
 *
 * It never reads outside its bytes, never allocates, and knows how long a message may
 * be: a declared length beyond that is refused when it is read, not when it has come.
 */
#ifndef WEIRI_CODEC_MP_CURSOR_H
#define WEIRI_CODEC_MP_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum weiri_mp_status {
    WEIRI_MP_OK,
    WEIRI_MP_MORE, /* the value goes on beyond the bytes there are      */
    WEIRI_MP_BAD,  /* a byte that begins no value                       */
    WEIRI_MP_LONG, /* the message would be longer than it may be        */
    WEIRI_MP_DEEP  /* more than WEIRI_NESTING levels                    */
} weiri_mp_status;

typedef enum weiri_mp_kind {
    WEIRI_MP_NIL,
    WEIRI_MP_BOOL,
    WEIRI_MP_INT,  /* fits int64             */
    WEIRI_MP_UINT, /* is more than INT64_MAX */
    WEIRI_MP_FLOAT,
    WEIRI_MP_STR,
    WEIRI_MP_BIN,
    WEIRI_MP_EXT,
    WEIRI_MP_ARRAY,
    WEIRI_MP_MAP
} weiri_mp_kind;

enum { WEIRI_MP_TIMESTAMP = -1 }; /* extension type */

typedef struct weiri_mp_cursor {
    const uint8_t *at;
    const uint8_t *end;
    size_t         beyond; /* how many bytes after `end` the message may still have */
} weiri_mp_cursor;

typedef struct weiri_mp_token {
    weiri_mp_kind kind;
    int8_t        ext_type;
    union {
        bool     b;
        int64_t  i;
        uint64_t u;
        double   f;
        uint32_t n_items; /* of an array; of a map: pairs */
    } as;
    const char *bytes; /* of a str, bin or ext, borrowed from the input */
    uint32_t    size;
} weiri_mp_token;

/* A cursor over one message that begins at `bytes` and may have `bound` bytes. */
static inline weiri_mp_cursor
weiri_mp_cursor_at(const char *bytes, size_t size, size_t bound)
{
    size_t visible = size < bound ? size : bound;
    return (weiri_mp_cursor){
        .at     = (const uint8_t *)bytes,
        .end    = (const uint8_t *)bytes + visible,
        .beyond = bound - visible,
    };
}

/* Read one value, of an array or map its head alone. After anything but WEIRI_MP_OK the
 * cursor stands where it stood. */
weiri_mp_status
weiri_mp_read(weiri_mp_cursor *self, weiri_mp_token *out);

/* Go over one value with all that is in it. `depth`: how many arrays and maps it is in.
 * After anything but WEIRI_MP_OK the cursor stands at the head that could not be read. */
weiri_mp_status
weiri_mp_skip(weiri_mp_cursor *self, unsigned depth);

/* The extension type -1 in its 4, 8 or 12 bytes as ns since the epoch. False if it has
 * another size, 10^9 ns or more in its fraction, or does not fit int64 ns. */
bool
weiri_mp_timestamp(const char *bytes, size_t size, int64_t *ns);

/* The number in `n` bytes, the highest first. */
static inline uint64_t
weiri_mp_big_endian(const uint8_t *at, unsigned n)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < n; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

static inline size_t
weiri_mp_left(const weiri_mp_cursor *self)
{
    return (size_t)(self->end - self->at);
}

/* The shortcuts below take the common forms of a value without a call. False: something
 * else is there, or not all of it; the cursor has not moved. */

static inline bool
weiri_mp_take_int(weiri_mp_cursor *self, int64_t *out)
{
    const uint8_t *at = self->at;
    if (weiri_mp_left(self) < 9) {
        return false;
    }
    switch (at[0]) {
    case 0xcc:
        *out = at[1];
        self->at += 2;
        return true;
    case 0xcd:
        *out = (int64_t)weiri_mp_big_endian(at + 1, 2);
        self->at += 3;
        return true;
    case 0xce:
        *out = (int64_t)weiri_mp_big_endian(at + 1, 4);
        self->at += 5;
        return true;
    case 0xcf:
    case 0xd3:
        *out = (int64_t)weiri_mp_big_endian(at + 1, 8);
        self->at += *out >= 0 || at[0] == 0xd3 ? 9 : 0;
        return self->at != at;
    default:
        *out = at[0] < 0x80 ? at[0] : (int64_t)at[0] - 256;
        self->at += *out >= -32 ? 1 : 0;
        return self->at != at;
    }
}

static inline bool
weiri_mp_take_float(weiri_mp_cursor *self, double *out)
{
    if (weiri_mp_left(self) < 9 || self->at[0] != 0xcb) {
        return false;
    }
    uint64_t bits = weiri_mp_big_endian(self->at + 1, 8);
    memcpy(out, &bits, sizeof bits);
    self->at += 9;
    return true;
}

static inline bool
weiri_mp_take_bool(weiri_mp_cursor *self, bool *out)
{
    if (self->at == self->end || (self->at[0] | 1) != 0xc3) {
        return false;
    }
    *out = *self->at++ == 0xc3;
    return true;
}

static inline bool
weiri_mp_take_str(weiri_mp_cursor *self, const char **bytes, uint32_t *size)
{
    size_t left = weiri_mp_left(self);
    if (left < 2) {
        return false;
    }
    uint32_t head = 1;
    uint32_t n    = self->at[0] & 0x1f;
    if ((self->at[0] & 0xe0) != 0xa0) {
        if (self->at[0] != 0xd9) {
            return false;
        }
        head = 2;
        n    = self->at[1];
    }
    if (left < head + n) {
        return false;
    }
    *bytes = (const char *)self->at + head;
    *size  = n;
    self->at += head + n;
    return true;
}

#endif
