/* Reading many bytes at a time: runs of plain text and runs of digits.
 *
 * All functions may read SCAN_PAD bytes from their argument on, so the caller's buffer
 * has to reach that far behind the last byte of a record.
 */
#ifndef WEIRI_CODEC_SCAN_H
#define WEIRI_CODEC_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
enum { SCAN_BLOCK = 16 };
#else
enum { SCAN_BLOCK = 8 };
#endif

enum { SCAN_PAD = 64 };

/* Eight bytes, the first in the lowest byte of the word; compilers make one load of it.
 */
static inline uint64_t
scan_load_8(const char *text)
{
    const uint8_t *b = (const uint8_t *)text;
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16
           | (uint64_t)b[3] << 24 | (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40
           | (uint64_t)b[6] << 48 | (uint64_t)b[7] << 56;
}

/* How many of the next SCAN_BLOCK bytes come before the first quote, backslash or control
 * character; *has_high is set if any of these is not ASCII. */
#ifdef __SSE2__
static inline unsigned
scan_plain(const char *p, bool *has_high)
{
    __m128i  block   = _mm_loadu_si128((const void *)p);
    __m128i  control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1F)), block);
    __m128i  quote   = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    __m128i  slash   = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    __m128i  stop    = _mm_or_si128(control, _mm_or_si128(quote, slash));
    unsigned stops   = (unsigned)_mm_movemask_epi8(stop) | 1u << SCAN_BLOCK;
    unsigned high    = (unsigned)_mm_movemask_epi8(block);
    unsigned n       = (unsigned)__builtin_ctz(stops);
    *has_high |= (high & ((1u << n) - 1)) != 0;
    return n;
}
#else
/* Marks 0x80 in each byte that is zero; bytes above a zero one may be marked wrongly,
 * which is no harm to who looks for the lowest. */
static inline uint64_t
scan_zero_bytes(uint64_t word)
{
    return (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
}

static inline unsigned
scan_plain(const char *p, bool *has_high)
{
    const uint64_t ones    = UINT64_C(0x0101010101010101);
    uint64_t       word    = scan_load_8(p);
    uint64_t       control = scan_zero_bytes(word & (ones * 0xE0));
    uint64_t       stops   = control | scan_zero_bytes(word ^ (ones * '"'))
                     | scan_zero_bytes(word ^ (ones * '\\'));
    uint64_t high  = word & (ones * 0x80);
    unsigned n     = stops != 0 ? (unsigned)__builtin_ctzll(stops) / 8 : SCAN_BLOCK;
    uint64_t below = n < SCAN_BLOCK ? (UINT64_C(1) << (8 * n)) - 1 : UINT64_MAX;
    *has_high |= (high & below) != 0;
    return n;
}
#endif

/* How many of the next eight bytes are digits, and what they say. No branch depends on
 * the number of digits, which nobody can predict. */
static inline unsigned
scan_digits_8(const char *p, uint64_t *value)
{
    uint64_t digits = scan_load_8(p) ^ UINT64_C(0x3030303030303030);
    /* A byte above 9 reaches 0x80 in the sum, or had it already. */
    uint64_t others =
        ((digits + UINT64_C(0x7676767676767676)) | digits) & UINT64_C(0x8080808080808080);
    unsigned n = others != 0 ? (unsigned)__builtin_ctzll(others) / 8 : 8;
    /* Zeros in front until there are eight; pairs, fours, then all are joined. */
    digits = n == 0 ? 0 : digits << (8 * (8 - n));
    digits = digits * 10 + (digits >> 8);
    digits = ((digits & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064)
                 + ((digits >> 16) & UINT64_C(0x000000FF000000FF))
                       * UINT64_C(0x0000271000000001))
             >> 32;
    *value = digits & UINT32_MAX;
    return n;
}

/* 10^n for n <= 8. */
static inline uint64_t
scan_pow10(unsigned n)
{
    static const uint32_t POW10[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000,
        100000000 };
    return POW10[n];
}

#endif
