#include "weiri/pack.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

/* ---- writing ---- */

void
weiri_pack_fini(weiri_pack *self)
{
    free(self->bytes);
    *self = (weiri_pack){ 0 };
}

static bool
reserve(weiri_pack *self, size_t size)
{
    if (self->is_out_of_memory) {
        return false;
    }
    if (size <= self->capacity - self->size) {
        return true;
    }
    size_t capacity = self->capacity > 0 ? self->capacity : FIRST_CAPACITY;
    while (capacity - self->size < size && capacity <= SIZE_MAX / 2) {
        capacity *= 2;
    }
    uint8_t *bytes = capacity - self->size < size ? NULL : realloc(self->bytes, capacity);
    if (bytes == NULL) {
        self->is_out_of_memory = true;
        return false;
    }
    self->bytes    = bytes;
    self->capacity = capacity;
    return true;
}

void
weiri_pack_bytes(weiri_pack *self, const void *bytes, size_t size)
{
    if (size > 0 && reserve(self, size)) {
        memcpy(self->bytes + self->size, bytes, size);
        self->size += size;
    }
}

void
weiri_pack_number(weiri_pack *self, uint64_t value)
{
    uint8_t bytes[10];
    size_t  n = 0;
    for (; value >= 0x80; value >>= 7) {
        bytes[n++] = (uint8_t)(value | 0x80);
    }
    bytes[n++] = (uint8_t)value;
    weiri_pack_bytes(self, bytes, n);
}

/* 0, -1, 1, -2 … as 0, 1, 2, 3 … */
static uint64_t
fold(int64_t value)
{
    return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static int64_t
unfold(uint64_t value)
{
    return (int64_t)((value >> 1) ^ ((value & 1) != 0 ? UINT64_MAX : 0));
}

void
weiri_pack_signed(weiri_pack *self, int64_t value)
{
    weiri_pack_number(self, fold(value));
}

/* Two bits for the unit, five of the number, one for whether more follow; then the rest
 * as a number, which together holds any 64 bits. */
void
weiri_pack_time(weiri_pack *self, int64_t ns)
{
    uint8_t unit = 0;
    while (unit < 3 && ns != 0 && ns % 1000 == 0) {
        ns /= 1000;
        unit++;
    }
    uint64_t folded = fold(ns);
    uint64_t rest   = folded >> 5;
    uint8_t  first  = (uint8_t)((rest != 0 ? 0x80 : 0) | (folded & 31) << 2 | unit);
    weiri_pack_bytes(self, &first, 1);
    if (rest != 0) {
        weiri_pack_number(self, rest);
    }
}

/* How many of the bits' upper bytes are needed, and these. */
void
weiri_pack_float(weiri_pack *self, double value)
{
    uint64_t bits = 0;
    uint8_t  bytes[9];
    uint8_t  n = 0;
    memcpy(&bits, &value, sizeof bits);
    for (; bits != 0; bits <<= 8) {
        bytes[++n] = (uint8_t)(bits >> 56);
    }
    bytes[0] = n;
    weiri_pack_bytes(self, bytes, n + (size_t)1);
}

void
weiri_pack_fixed(weiri_pack *self, uint64_t value)
{
    uint8_t bytes[8];
    for (uint32_t i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(value >> 8 * i);
    }
    weiri_pack_bytes(self, bytes, sizeof bytes);
}

void
weiri_pack_text(weiri_pack *self, const void *bytes, size_t size)
{
    weiri_pack_number(self, size);
    weiri_pack_bytes(self, bytes, size);
}

/* ---- reading ---- */

void
weiri_unpack_fail(weiri_unpack *self, const char *wrong)
{
    if (self->wrong == NULL) {
        self->wrong = wrong;
    }
    self->at = self->end;
}

const uint8_t *
weiri_unpack_bytes(weiri_unpack *self, size_t size)
{
    if (self->wrong != NULL || size > (size_t)(self->end - self->at)) {
        weiri_unpack_fail(self, "it ends too early");
        return NULL;
    }
    const uint8_t *bytes = self->at;
    self->at += size;
    return bytes;
}

uint64_t
weiri_unpack_number(weiri_unpack *self)
{
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 64; shift += 7) {
        const uint8_t *byte = weiri_unpack_bytes(self, 1);
        if (byte == NULL) {
            return 0;
        }
        if (shift == 63 && *byte > 1) {
            break;
        }
        value |= (uint64_t)(*byte & 0x7F) << shift;
        if (*byte < 0x80) {
            return value;
        }
    }
    weiri_unpack_fail(self, "a number has more than 64 bits");
    return 0;
}

uint64_t
weiri_unpack_below(weiri_unpack *self, uint64_t limit, const char *wrong)
{
    uint64_t value = weiri_unpack_number(self);
    if (value >= limit) {
        weiri_unpack_fail(self, wrong);
        return 0;
    }
    return value;
}

int64_t
weiri_unpack_signed(weiri_unpack *self)
{
    return unfold(weiri_unpack_number(self));
}

int64_t
weiri_unpack_time(weiri_unpack *self)
{
    static const int64_t UNITS[] = { 1, 1000, 1000000, 1000000000 };
    const uint8_t       *first   = weiri_unpack_bytes(self, 1);
    if (first == NULL) {
        return 0;
    }
    uint64_t folded = *first >> 2 & 31;
    uint64_t rest   = *first >= 0x80 ? weiri_unpack_number(self) : 0;
    int64_t  unit   = UNITS[*first & 3];
    int64_t  value  = unfold(rest << 5 | folded);
    if (rest >> 59 != 0 || value > INT64_MAX / unit || value < INT64_MIN / unit) {
        weiri_unpack_fail(self, "a time has more than 64 bits");
        return 0;
    }
    return value * unit;
}

double
weiri_unpack_float(weiri_unpack *self)
{
    uint64_t       n     = weiri_unpack_below(self, 9, "a float has more than 8 bytes");
    const uint8_t *bytes = weiri_unpack_bytes(self, n);
    uint64_t       bits  = 0;
    double         value = 0;
    for (uint64_t i = 0; bytes != NULL && i < n; i++) {
        bits |= (uint64_t)bytes[i] << (56 - 8 * i);
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint64_t
weiri_unpack_fixed(weiri_unpack *self)
{
    const uint8_t *bytes = weiri_unpack_bytes(self, 8);
    uint64_t       value = 0;
    for (uint32_t i = 0; bytes != NULL && i < 8; i++) {
        value |= (uint64_t)bytes[i] << 8 * i;
    }
    return value;
}

const char *
weiri_unpack_text(weiri_unpack *self, uint32_t *size)
{
    *size = (uint32_t)weiri_unpack_below(self, UINT32_MAX / 2, "a text is too long");
    const uint8_t *bytes = weiri_unpack_bytes(self, *size);
    if (bytes == NULL) {
        *size = 0;
    }
    return (const char *)bytes;
}

uint64_t
weiri_hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001B3);
    }
    return hash;
}

uint64_t
weiri_checksum(uint64_t hash, const void *bytes, size_t size)
{
    enum { WORD = 8, TURN = 29, BITS = 64 };
    const uint8_t *at = bytes;
    for (; size >= WORD; at += WORD, size -= WORD) {
        uint64_t word;
        memcpy(&word, at, WORD);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        hash = hash << TURN | hash >> (BITS - TURN);
    }
    return weiri_hash_bytes(hash, at, size);
}

uint64_t
weiri_hash_number(uint64_t hash, uint64_t value)
{
    uint8_t bytes[8];
    for (uint32_t i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(value >> 8 * i);
    }
    return weiri_hash_bytes(hash, bytes, sizeof bytes);
}

uint64_t
weiri_hash_text(uint64_t hash, const char *text)
{
    size_t size = strlen(text);
    return weiri_hash_bytes(weiri_hash_number(hash, size), text, size);
}

/* ---- sealed state ---- */

void
weiri_pack_open(weiri_pack *self, const weiri_seal *seal)
{
    weiri_pack_bytes(self, seal->magic, WEIRI_SEAL_MAGIC);
    weiri_pack_number(self, seal->version);
}

bool
weiri_pack_close(weiri_pack *self, size_t begin, bool is_whole)
{
    if (is_whole && !self->is_out_of_memory) {
        weiri_pack_fixed(self,
            weiri_hash_bytes(WEIRI_HASH_BEGIN, self->bytes + begin, self->size - begin));
    }
    if (is_whole && !self->is_out_of_memory) {
        return true;
    }
    self->size = begin;
    return false;
}

const char *
weiri_unpack_open(weiri_unpack *self, const weiri_seal *seal)
{
    const uint8_t *begin = self->at;
    const uint8_t *magic = weiri_unpack_bytes(self, WEIRI_SEAL_MAGIC);
    if (magic == NULL || memcmp(magic, seal->magic, WEIRI_SEAL_MAGIC) != 0) {
        return seal->not_ours;
    }
    if (weiri_unpack_number(self) != seal->version) {
        return "it is in a format of another version";
    }
    if (self->end - self->at < WEIRI_SEAL_HASH) {
        return "it ends too early";
    }
    self->end -= WEIRI_SEAL_HASH;
    weiri_unpack hash = { .at = self->end, .end = self->end + WEIRI_SEAL_HASH };
    if (weiri_unpack_fixed(&hash)
        != weiri_hash_bytes(WEIRI_HASH_BEGIN, begin, (size_t)(self->end - begin))) {
        return "its bytes are not those that were saved";
    }
    return NULL;
}
