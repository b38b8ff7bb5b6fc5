/* weiri_pack, weiri_unpack: state as bytes, the same on every machine.
 *
 * Numbers are little-endian base 128 (LEB128), signed ones folded so that small ones are
 * short. Neither side stops at its first failure: a pack that is out of memory swallows
 * what comes, and an unpack that found something wrong gives zeroes, so that callers look
 * once, at the end of a loop's turn.
 */
#ifndef WEIRI_PACK_H
#define WEIRI_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `{0}` is empty. */
typedef struct weiri_pack {
    uint8_t    *bytes; /* shape (size,) */
    size_t      size;
    size_t      capacity;
    bool        is_out_of_memory;
    const char *wrong; /* static text: what cannot be saved; NULL: nothing so far */
} weiri_pack;

void
weiri_pack_fini(weiri_pack *self);

void
weiri_pack_bytes(weiri_pack *self, const void *bytes, size_t size);

void
weiri_pack_number(weiri_pack *self, uint64_t value);

void
weiri_pack_signed(weiri_pack *self, int64_t value);

/* Nanoseconds; whole microseconds, milliseconds and seconds are shorter. */
void
weiri_pack_time(weiri_pack *self, int64_t ns);

/* The bits of a double; those with few digits are shorter. */
void
weiri_pack_float(weiri_pack *self, double value);

/* Eight bytes, little-endian. */
void
weiri_pack_fixed(weiri_pack *self, uint64_t value);

/* A size, and the bytes. */
void
weiri_pack_text(weiri_pack *self, const void *bytes, size_t size);

/* Borrows the bytes. */
typedef struct weiri_unpack {
    const uint8_t *at;
    const uint8_t *end;
    const char    *wrong; /* static text; NULL: nothing so far */
} weiri_unpack;

/* Note what is wrong, if nothing was before; all that is read from now on is zero. */
void
weiri_unpack_fail(weiri_unpack *self, const char *wrong);

/* The next `size` bytes, borrowed; NULL if there are not as many. */
const uint8_t *
weiri_unpack_bytes(weiri_unpack *self, size_t size);

uint64_t
weiri_unpack_number(weiri_unpack *self);

/* A number < limit; else `wrong` is noted. */
uint64_t
weiri_unpack_below(weiri_unpack *self, uint64_t limit, const char *wrong);

int64_t
weiri_unpack_signed(weiri_unpack *self);

int64_t
weiri_unpack_time(weiri_unpack *self);

double
weiri_unpack_float(weiri_unpack *self);

uint64_t
weiri_unpack_fixed(weiri_unpack *self);

/* A size, and as many bytes, borrowed. */
const char *
weiri_unpack_text(weiri_unpack *self, uint32_t *size);

/* ---- sealed state: a magic, a version, what is kept, a hash of all before it ---- */

enum { WEIRI_SEAL_MAGIC = 5, WEIRI_SEAL_HASH = 8 /* bytes at the end */ };

typedef struct weiri_seal {
    const char *magic;    /* shape (WEIRI_SEAL_MAGIC,)                      */
    const char *not_ours; /* what is wrong with bytes of another kind       */
    uint64_t    version;
} weiri_seal;

/* Write magic and version. */
void
weiri_pack_open(weiri_pack *self, const weiri_seal *seal);

/* Write the hash of all since `begin`, the size before weiri_pack_open.
 *
 *   is_whole  false: something that should have been written was not
 *   returns   whether all is there; if not, the pack is as it was at `begin` */
bool
weiri_pack_close(weiri_pack *self, size_t begin, bool is_whole);

/* Read magic and version, check the hash and put the end before it. Nothing is read as
 * state before: returns what is wrong, static text; NULL: nothing. */
const char *
weiri_unpack_open(weiri_unpack *self, const weiri_seal *seal);

/* FNV-1a (Fowler, Noll, Vo) of bytes, going on from `hash`. */
#define WEIRI_HASH_BEGIN UINT64_C(0xCBF29CE484222325)

uint64_t
weiri_hash_bytes(uint64_t hash, const void *bytes, size_t size);

/* A hash of many bytes, going on from `hash`: as FNV-1a, of eight bytes at once, with a
 * rotation that brings the upper bits back into play. Each step is a bijection, so that a
 * change within one word is never missed. Same on every machine. */
uint64_t
weiri_checksum(uint64_t hash, const void *bytes, size_t size);

/* Of a number as eight bytes, little-endian. */
uint64_t
weiri_hash_number(uint64_t hash, uint64_t value);

/* Of a text's size and its bytes; `text` ends with a zero. */
uint64_t
weiri_hash_text(uint64_t hash, const char *text);

#endif
