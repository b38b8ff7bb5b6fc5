/* weiri_exact_sum: sums of doubles or ints without any rounding until the result.
 *
 * Addition is then a group: what was added can be taken away again and nothing of it is
 * left, in any order. Numbers of everyday size go to a 128-bit fixed-point number; what
 * does not fit goes to an accumulator of the whole range of doubles in 32-bit digits with
 * deferred carries.
 *
 *   source  R. M. Neal, "Fast exact summation using small and large superaccumulators",
 *           arXiv:1505.05571, 2015
 */
#ifndef WEIRI_EXACT_SUM_H
#define WEIRI_EXACT_SUM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "weiri/pack.h"

__extension__ typedef __int128 weiri_int128;

typedef struct weiri_wide_sum weiri_wide_sum;

enum { WEIRI_EXACT_SUM_UNIT = 72 }; /* bits after the point of the small sum */

/* All zero is the empty sum. In two words, so that states need no alignment to 16. */
typedef struct weiri_exact_sum {
    uint64_t low; /* of the fixed-point number: ints in units of 1, doubles 2^-72 */
    uint64_t high;
    weiri_wide_sum *wide; /* NULL until needed */
} weiri_exact_sum;

void
weiri_exact_sum_fini(weiri_exact_sum *self);

/* Add, or with sign -1 take away, a finite value. False: out of memory. */
bool
weiri_exact_sum_add(weiri_exact_sum *self, double value, int sign);

/* Add all that `other` holds. False: out of memory. */
bool
weiri_exact_sum_merge(weiri_exact_sum *self, const weiri_exact_sum *other);

/* The sum is the result times 2^*exponent, rounded to nearest. */
double
weiri_exact_sum_value(const weiri_exact_sum *self, int *exponent);

void
weiri_exact_sum_save(const weiri_exact_sum *self, weiri_pack *out);

/* Into an empty sum. False: something is wrong, or memory is out. */
bool
weiri_exact_sum_load(weiri_exact_sum *self, weiri_unpack *in);

static inline weiri_int128
weiri_exact_sum_small(const weiri_exact_sum *self)
{
    return (weiri_int128)(((unsigned __int128)self->high << 64) | self->low);
}

static inline void
weiri_exact_sum_set(weiri_exact_sum *self, weiri_int128 small)
{
    self->low  = (uint64_t)small;
    self->high = (uint64_t)((unsigned __int128)small >> 64);
}

/* As weiri_exact_sum_add, without a call for numbers of everyday size. */
static inline bool
weiri_exact_sum_add_quick(weiri_exact_sum *self, double value, int sign)
{
    enum { MANTISSA = 52, BIAS = 1075, ROOM = 127 - MANTISSA - 1 };
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    unsigned shift =
        (unsigned)((bits >> MANTISSA) & 0x7ff) - (BIAS - WEIRI_EXACT_SUM_UNIT);
    if (shift >= ROOM) { /* or below zero */
        return weiri_exact_sum_add(self, value, sign);
    }
    uint64_t magnitude =
        (bits & ((UINT64_C(1) << MANTISSA) - 1)) | UINT64_C(1) << MANTISSA;
    weiri_int128 fixed = (weiri_int128)((unsigned __int128)magnitude << shift);
    weiri_int128 sum   = 0;
    if (((bits >> 63) != 0) != (sign < 0)) {
        fixed = -fixed;
    }
    if (__builtin_add_overflow(weiri_exact_sum_small(self), fixed, &sum)) {
        return weiri_exact_sum_add(self, value, sign);
    }
    weiri_exact_sum_set(self, sum);
    return true;
}

/* Of ints only: cannot overflow with fewer than 2^64 values. */
static inline void
weiri_exact_sum_add_int(weiri_exact_sum *self, int64_t value, int sign)
{
    weiri_int128 wide = value;
    weiri_exact_sum_set(self, weiri_exact_sum_small(self) + (sign < 0 ? -wide : wide));
}

#endif
