#include "mp_cursor.h"

#include "weiri/limits.h"
#include "weiri/timetext.h"

/* Whether `n` bytes are there from the cursor on. */
static weiri_mp_status
need(const weiri_mp_cursor *self, uint64_t n)
{
    size_t left = weiri_mp_left(self);
    if (n <= left) {
        return WEIRI_MP_OK;
    }
    return n - left > self->beyond ? WEIRI_MP_LONG : WEIRI_MP_MORE;
}

/* `size` bytes behind a head of `head` bytes, for an extension with its type between. */
static weiri_mp_status
read_bytes(weiri_mp_cursor *self, weiri_mp_kind kind, unsigned head, uint64_t size,
    weiri_mp_token *out)
{
    head += kind == WEIRI_MP_EXT;
    weiri_mp_status status = need(self, head + size);
    if (status == WEIRI_MP_OK) {
        out->kind     = kind;
        out->ext_type = (int8_t)self->at[head - 1];
        out->bytes    = (const char *)self->at + head;
        out->size     = (uint32_t)size;
        self->at += head + size;
    }
    return status;
}

/* The items themselves have one byte each at least. */
static weiri_mp_status
read_items(weiri_mp_cursor *self, weiri_mp_kind kind, unsigned head, uint64_t n_items,
    weiri_mp_token *out)
{
    uint64_t least = kind == WEIRI_MP_MAP ? 2 * n_items : n_items;
    if (need(self, head + least) == WEIRI_MP_LONG) {
        return WEIRI_MP_LONG;
    }
    out->kind       = kind;
    out->as.n_items = (uint32_t)n_items;
    self->at += head;
    return WEIRI_MP_OK;
}

static weiri_mp_status
read_scalar(weiri_mp_cursor *self, weiri_mp_kind kind, unsigned head, weiri_mp_token *out)
{
    out->kind = kind;
    self->at += head;
    return WEIRI_MP_OK;
}

static weiri_mp_status
read_int(weiri_mp_cursor *self, unsigned head, int64_t value, weiri_mp_token *out)
{
    out->as.i = value;
    return read_scalar(self, WEIRI_MP_INT, head, out);
}

static weiri_mp_status
read_uint64(weiri_mp_cursor *self, uint64_t value, weiri_mp_token *out)
{
    out->as.u = value;
    return read_scalar(self, value > INT64_MAX ? WEIRI_MP_UINT : WEIRI_MP_INT, 9, out);
}

static weiri_mp_status
read_float(weiri_mp_cursor *self, unsigned head, uint64_t bits, weiri_mp_token *out)
{
    if (head == 5) {
        uint32_t low = (uint32_t)bits;
        float    value;
        memcpy(&value, &low, sizeof value);
        out->as.f = (double)value;
    } else {
        memcpy(&out->as.f, &bits, sizeof out->as.f);
    }
    return read_scalar(self, WEIRI_MP_FLOAT, head, out);
}

/* Tags 0xc0 … 0xdf: how many bytes of number follow. */
static const uint8_t NUMBER_BYTES[32] = { 0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8,
    1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4 };

static weiri_mp_status
read_tagged(weiri_mp_cursor *self, weiri_mp_token *out)
{
    unsigned        tag    = self->at[0];
    unsigned        head   = 1U + NUMBER_BYTES[tag - 0xc0];
    weiri_mp_status status = need(self, head);
    if (status != WEIRI_MP_OK) {
        return status;
    }
    uint64_t n = weiri_mp_big_endian(self->at + 1, head - 1);
    switch (tag) {
    case 0xc0: return read_scalar(self, WEIRI_MP_NIL, 1, out);
    case 0xc1: return WEIRI_MP_BAD;
    case 0xc2:
    case 0xc3: out->as.b = tag == 0xc3; return read_scalar(self, WEIRI_MP_BOOL, 1, out);
    case 0xc4:
    case 0xc5:
    case 0xc6: return read_bytes(self, WEIRI_MP_BIN, head, n, out);
    case 0xc7:
    case 0xc8:
    case 0xc9: return read_bytes(self, WEIRI_MP_EXT, head, n, out);
    case 0xca:
    case 0xcb: return read_float(self, head, n, out);
    case 0xcc:
    case 0xcd:
    case 0xce: return read_int(self, head, (int64_t)n, out);
    case 0xcf: return read_uint64(self, n, out);
    case 0xd0: return read_int(self, head, (int8_t)n, out);
    case 0xd1: return read_int(self, head, (int16_t)n, out);
    case 0xd2: return read_int(self, head, (int32_t)n, out);
    case 0xd3: return read_int(self, head, (int64_t)n, out);
    case 0xd9:
    case 0xda:
    case 0xdb: return read_bytes(self, WEIRI_MP_STR, head, n, out);
    case 0xdc:
    case 0xdd: return read_items(self, WEIRI_MP_ARRAY, head, n, out);
    case 0xde:
    case 0xdf: return read_items(self, WEIRI_MP_MAP, head, n, out);
    default: return read_bytes(self, WEIRI_MP_EXT, 1, UINT64_C(1) << (tag - 0xd4), out);
    }
}

weiri_mp_status
weiri_mp_read(weiri_mp_cursor *self, weiri_mp_token *out)
{
    weiri_mp_status status = need(self, 1);
    if (status != WEIRI_MP_OK) {
        return status;
    }
    unsigned tag = self->at[0];
    if (tag < 0x80 || tag >= 0xe0) {
        return read_int(self, 1, (int8_t)tag, out);
    }
    if (tag < 0x90) {
        return read_items(self, WEIRI_MP_MAP, 1, tag & 0x0f, out);
    }
    if (tag < 0xa0) {
        return read_items(self, WEIRI_MP_ARRAY, 1, tag & 0x0f, out);
    }
    if (tag < 0xc0) {
        return read_bytes(self, WEIRI_MP_STR, 1, tag & 0x1f, out);
    }
    return read_tagged(self, out);
}

weiri_mp_status
weiri_mp_skip(weiri_mp_cursor *self, unsigned depth)
{
    uint64_t left[WEIRI_NESTING + 1]; /* values still to come, a level each */
    unsigned level = 0;
    left[0]        = 1;
    for (;;) {
        while (left[level] == 0) {
            if (level == 0) {
                return WEIRI_MP_OK;
            }
            level--;
        }
        weiri_mp_token  token;
        weiri_mp_status status = weiri_mp_read(self, &token);
        if (status != WEIRI_MP_OK) {
            return status;
        }
        left[level]--;
        if (token.kind == WEIRI_MP_ARRAY || token.kind == WEIRI_MP_MAP) {
            if (depth + level >= WEIRI_NESTING) {
                return WEIRI_MP_DEEP;
            }
            uint64_t n    = token.as.n_items;
            left[++level] = token.kind == WEIRI_MP_MAP ? 2 * n : n;
        }
    }
}

bool
weiri_mp_timestamp(const char *bytes, size_t size, int64_t *ns)
{
    const uint8_t *b        = (const uint8_t *)bytes;
    int64_t        seconds  = 0;
    uint64_t       fraction = 0;
    if (size == 4) {
        seconds = (int64_t)weiri_mp_big_endian(b, 4);
    } else if (size == 8) {
        uint64_t both = weiri_mp_big_endian(b, 8);
        seconds       = (int64_t)(both & ((UINT64_C(1) << 34) - 1));
        fraction      = both >> 34;
    } else if (size == 12) {
        fraction = weiri_mp_big_endian(b, 4);
        seconds  = (int64_t)weiri_mp_big_endian(b + 4, 8);
    } else {
        return false;
    }
    return fraction < (uint64_t)WEIRI_NS_PER_S
           && weiri_time_join(seconds, (int64_t)fraction, ns);
}
