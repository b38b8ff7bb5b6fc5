/* The shortest decimal of a double: Giulietti, "The Schubfach way to render doubles",
 * 2020, with 128-bit powers of ten. Of the shortest decimals that read back as the value
 * it is the one closest to it.
 */
#include <string.h>

#include "pow5.h"
#include "weiri/numtext.h"

enum {
    SIGNIFICAND_BITS = 52,
    EXPONENT_BIAS    = 1075,
    PLAIN_MIN        = -5, /* 1e-5 is the smallest power written without exponent */
    PLAIN_MAX        = 14  /* 1e14 the largest                                    */
};

typedef struct decimal {
    uint64_t digits;
    int      exponent; /* value = digits * 10^exponent */
} decimal;

/* g of the paper: 10^k scaled to 128 bits, rounded up. The table is rounded down where it
 * is neither exact nor already rounded up. */
static unsigned __int128
pow10_up(int k)
{
    const uint64_t *entry = WEIRI_POW5[k - WEIRI_POW5_MIN];
    bool            is_up = k >= -27 && k <= 55;
    return ((unsigned __int128)entry[0] << 64 | entry[1]) + (is_up ? 0 : 1);
}

/* The integer part of g * cp / 2^128, with its lowest bit set if anything was cut. */
static uint64_t
multiply_to_odd(unsigned __int128 g, uint64_t cp)
{
    unsigned __int128 low  = (unsigned __int128)(uint64_t)g * cp;
    unsigned __int128 high = (g >> 64) * cp + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1 ? 1 : 0);
}

/* Of the multiples of ten around the value, then of the integers, the one inside the
 * rounding interval [lower, upper]; all in quarters of 10^k. */
static decimal
pick(uint64_t lower, uint64_t value, uint64_t upper, int k)
{
    uint64_t s = value / 4;
    if (s >= 10) {
        uint64_t tens           = s / 10;
        bool     is_down_inside = lower <= 40 * tens;
        bool     is_up_inside   = 40 * tens + 40 <= upper;
        if (is_down_inside != is_up_inside) {
            return (decimal){ tens + (is_up_inside ? 1 : 0), k + 1 };
        }
    }
    bool is_down_inside = lower <= 4 * s;
    bool is_up_inside   = 4 * s + 4 <= upper;
    if (is_down_inside != is_up_inside) {
        return (decimal){ s + (is_up_inside ? 1 : 0), k };
    }
    uint64_t middle = 4 * s + 2;
    bool     is_up  = value > middle || (value == middle && (s & 1) != 0);
    return (decimal){ s + (is_up ? 1 : 0), k };
}

/* Of a finite value above zero, as the bits of its significand and exponent. */
static decimal
shortest(uint64_t fraction, int biased)
{
    uint64_t c = fraction | (biased > 0 ? UINT64_C(1) << SIGNIFICAND_BITS : 0);
    int      q = (biased > 0 ? biased : 1) - EXPONENT_BIAS;
    if (q <= 0 && q > -SIGNIFICAND_BITS - 1 && (c & ((UINT64_C(1) << -q) - 1)) == 0) {
        return (decimal){ c >> -q, 0 }; /* a small whole number */
    }
    /* Below a power of two the neighbour is only half as far. */
    bool is_uneven = fraction == 0 && biased > 1;
    int  k         = (q * 1262611 - (is_uneven ? 524031 : 0)) >> 22;
    int  h         = q + floor_log2_pow10(-k) + 1;

    unsigned __int128 g      = pow10_up(-k);
    uint64_t          is_odd = c & 1;
    uint64_t          lower  = multiply_to_odd(g, (4 * c - (is_uneven ? 1 : 2)) << h);
    uint64_t          value  = multiply_to_odd(g, (4 * c) << h);
    uint64_t          upper  = multiply_to_odd(g, (4 * c + 2) << h);
    return pick(lower + is_odd, value, upper - is_odd, k);
}

static size_t
put(char *out, size_t size, const char *text, size_t n)
{
    memcpy(out + size, text, n);
    return size + n;
}

static size_t
put_zeros(char *out, size_t size, int n)
{
    memset(out + size, '0', (size_t)n);
    return size + (size_t)n;
}

/* d.ddde±x, or plain digits for a middling power of ten `power` of the first digit. */
static size_t
lay_out(const char *digits, int n, int power, char *out, size_t size)
{
    if (power < PLAIN_MIN || power > PLAIN_MAX) {
        out[size++] = digits[0];
        if (n > 1) {
            out[size++] = '.';
            size        = put(out, size, digits + 1, (size_t)n - 1);
        }
        out[size++] = 'e';
        return size + weiri_int_format(power, out + size);
    }
    if (power < 0) {
        size = put(out, size, "0.", 2);
        size = put_zeros(out, size, -power - 1);
        return put(out, size, digits, (size_t)n);
    }
    if (n <= power + 1) {
        size = put(out, size, digits, (size_t)n);
        size = put_zeros(out, size, power + 1 - n);
        return put(out, size, ".0", 2);
    }
    size        = put(out, size, digits, (size_t)power + 1);
    out[size++] = '.';
    return put(out, size, digits + power + 1, (size_t)(n - power - 1));
}

size_t
weiri_float_format(double value, char out[WEIRI_FLOAT_TEXT])
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & ((UINT64_C(1) << SIGNIFICAND_BITS) - 1);
    int      biased   = (int)(bits >> SIGNIFICAND_BITS) & 0x7FF;
    size_t   size     = 0;
    if (biased == 0x7FF) {
        memcpy(out, "null", 5); /* JSON has no other word for it */
        return 4;
    }
    if (bits >> 63 != 0) {
        out[size++] = '-';
    }
    if (fraction == 0 && biased == 0) {
        size      = put(out, size, "0.0", 3);
        out[size] = '\0';
        return size;
    }
    decimal d = shortest(fraction, biased);
    while (d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    char digits[WEIRI_INT_TEXT];
    int  n    = (int)weiri_int_format((int64_t)d.digits, digits);
    size      = lay_out(digits, n, d.exponent + n - 1, out, size);
    out[size] = '\0';
    return size;
}
