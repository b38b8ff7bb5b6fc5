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

enum { SCAN_PAD = 64, SCAN_DIGITS_8 = 8, SCAN_DIGITS_MAX = 19 };

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

/* Copy SCAN_BLOCK bytes; how many of them come before the first that is a quote, a
 * backslash, a control character or not ASCII. */
static inline unsigned
scan_copy_ascii(const char *p, char *out)
{
    __m128i block   = _mm_loadu_si128((const void *)p);
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1F)), block);
    __m128i quote   = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    __m128i slash   = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    __m128i stop = _mm_or_si128(_mm_or_si128(control, block), _mm_or_si128(quote, slash));
    _mm_storeu_si128((void *)out, block);
    return (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(stop) | 1u << SCAN_BLOCK);
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

static inline unsigned
scan_copy_ascii(const char *p, char *out)
{
    bool has_high = false;
    memcpy(out, p, SCAN_BLOCK);
    unsigned n = scan_plain(p, &has_high);
    return has_high ? 0 : n; /* the slow way will tell */
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

static inline bool
scan_goes_on(char c)
{
    return c == '.' || (c | 0x20) == 'e';
}

/* Digits of a whole number as JSON writes it, at most 19 of them; 0 if it is not so. */
static inline unsigned
scan_whole(const char *p, uint64_t *value)
{
    unsigned n = scan_digits_8(p, value);
    if (n == SCAN_DIGITS_8) {
        uint64_t more = 0;
        unsigned m    = scan_digits_8(p + n, &more);
        *value        = *value * scan_pow10(m) + more;
        n += m;
        if (m == SCAN_DIGITS_8) {
            m = scan_digits_8(p + n, &more);
            if (n + m > SCAN_DIGITS_MAX) {
                return 0;
            }
            *value = *value * scan_pow10(m) + more;
            n += m;
        }
    }
    return n > 1 && *p == '0' ? 0 : n;
}

/* The end of an int64 without fraction or exponent, NULL if it is anything else. */
static inline const char *
scan_int(const char *p, int64_t *out)
{
    uint64_t is_negative = *p == '-' ? 1 : 0;
    uint64_t value       = 0;
    p += is_negative;
    unsigned n = scan_whole(p, &value);
    p += n;
    if (n == 0 || value > (uint64_t)INT64_MAX + is_negative || scan_goes_on(*p)) {
        return NULL;
    }
    *out = (int64_t)((value ^ (0 - is_negative)) + is_negative);
    return p;
}

/* The end of a number that a multiplication or division of exact doubles yields, NULL if
 * it is another one. */
static inline const char *
scan_float(const char *p, double *out)
{
    static const double POW10[]     = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
            1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16 };
    bool                is_negative = *p == '-';
    uint64_t            word        = 0;
    unsigned            n_fraction  = 0;
    p += is_negative ? 1 : 0;
    unsigned n = scan_whole(p, &word);
    p += n;
    if (*p == '.') {
        uint64_t more = 0;
        p++;
        n_fraction = scan_digits_8(p, &more);
        word       = word * scan_pow10(n_fraction) + more;
        p += n_fraction;
        if (n_fraction == SCAN_DIGITS_8) {
            unsigned m = scan_digits_8(p, &more);
            word       = word * scan_pow10(m) + more;
            p += m;
            n_fraction += m;
        }
        n = n == 0 || n_fraction == 0 ? 0 : n + n_fraction;
    }
    bool is_exact = n > 0 && n <= SCAN_DIGITS_MAX && word <= UINT64_C(1) << 53
                    && n_fraction < 2 * SCAN_DIGITS_8;
    if (!is_exact || scan_goes_on(*p)) {
        return NULL;
    }
    double value = (double)word / POW10[n_fraction];
    *out         = is_negative ? -value : value;
    return p;
}

#endif
