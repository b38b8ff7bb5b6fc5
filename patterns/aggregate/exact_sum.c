#include "aggregate/exact_sum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    UNIT        = WEIRI_EXACT_SUM_UNIT,
    LEAST       = 1074, /* exponent of the least subnormal, negated     */
    DIGIT_BITS  = 32,
    N_DIGITS    = 69,      /* (1074 + 1024 + 64 for carries) / 32, and a digit to spare */
    CARRY_AFTER = 1 << 28, /* additions that cannot overflow a digit          */
    MANTISSA    = 52
};

struct weiri_wide_sum {
    int64_t  digits[N_DIGITS]; /* digit i counts 2^(32 i - 1074); any sign */
    uint32_t n_adds;           /* since the last carry                     */
};

void
weiri_exact_sum_fini(weiri_exact_sum *self)
{
    free(self->wide);
    *self = (weiri_exact_sum){ 0 };
}

/* Bring all digits but the last into 0 … 2^32 - 1. */
static void
carry(int64_t digits[N_DIGITS])
{
    for (int i = 0; i + 1 < N_DIGITS; i++) {
        int64_t low = digits[i] & INT64_C(0xffffffff);
        digits[i + 1] += (digits[i] - low) / (INT64_C(1) << DIGIT_BITS);
        digits[i] = low;
    }
}

/* Add magnitude * 2^exponent, exponent >= -1074. */
static void
add_digits(int64_t digits[N_DIGITS], uint64_t magnitude, int exponent, bool is_negative)
{
    unsigned          bit     = (unsigned)(exponent + LEAST);
    unsigned          at      = bit / DIGIT_BITS;
    unsigned __int128 shifted = (unsigned __int128)magnitude << (bit % DIGIT_BITS);
    for (int i = 0; i < 3; i++) {
        int64_t part = (int64_t)(shifted & 0xffffffffu);
        digits[at + (unsigned)i] += is_negative ? -part : part;
        shifted >>= DIGIT_BITS;
    }
}

/* Add a small sum to digits. */
static void
add_small(int64_t digits[N_DIGITS], weiri_int128 small)
{
    bool              is_negative = small < 0;
    unsigned __int128 magnitude =
        is_negative ? -(unsigned __int128)small : (unsigned __int128)small;
    add_digits(digits, (uint64_t)magnitude, -UNIT, is_negative);
    add_digits(digits, (uint64_t)(magnitude >> 64), 64 - UNIT, is_negative);
}

static bool
need_wide(weiri_exact_sum *self)
{
    if (self->wide == NULL) {
        self->wide = calloc(1, sizeof *self->wide);
    }
    return self->wide != NULL;
}

static void
count_adds(weiri_wide_sum *wide, uint32_t n)
{
    wide->n_adds += n;
    if (wide->n_adds > CARRY_AFTER) {
        carry(wide->digits);
        wide->n_adds = 1;
    }
}

/* Add to the small sum; on overflow what it holds moves to the wide one. */
static bool
add_fixed(weiri_exact_sum *self, weiri_int128 fixed)
{
    weiri_int128 small = weiri_exact_sum_small(self);
    weiri_int128 sum   = 0;
    if (__builtin_add_overflow(small, fixed, &sum)) {
        if (!need_wide(self)) {
            return false;
        }
        add_small(self->wide->digits, small);
        count_adds(self->wide, 2);
        sum = fixed;
    }
    weiri_exact_sum_set(self, sum);
    return true;
}

bool
weiri_exact_sum_add(weiri_exact_sum *self, double value, int sign)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    bool     is_negative = ((bits >> 63) != 0) != (sign < 0);
    int      biased      = (int)((bits >> MANTISSA) & 0x7ff);
    uint64_t magnitude   = bits & ((UINT64_C(1) << MANTISSA) - 1);
    int      exponent    = 1 - LEAST - 1;
    if (biased > 0) {
        magnitude |= UINT64_C(1) << MANTISSA;
        exponent = biased - LEAST - 1;
    }
    int shift = exponent + UNIT;
    if (shift < 0 && shift > -64 && (magnitude & ((UINT64_C(1) << -shift) - 1)) == 0) {
        magnitude >>= -shift;
        shift = 0;
    }
    if (magnitude == 0) {
        return true;
    }
    if (shift >= 0 && shift + MANTISSA + 1 < 127) {
        weiri_int128 fixed = (weiri_int128)((unsigned __int128)magnitude << shift);
        return add_fixed(self, is_negative ? -fixed : fixed);
    }
    if (!need_wide(self)) {
        return false;
    }
    add_digits(self->wide->digits, magnitude, exponent, is_negative);
    count_adds(self->wide, 1);
    return true;
}

bool
weiri_exact_sum_merge(weiri_exact_sum *self, const weiri_exact_sum *other)
{
    if (other->wide != NULL) {
        if (!need_wide(self)) {
            return false;
        }
        for (int i = 0; i < N_DIGITS; i++) {
            self->wide->digits[i] += other->wide->digits[i];
        }
        count_adds(self->wide, other->wide->n_adds);
    }
    return add_fixed(self, weiri_exact_sum_small(other));
}

/* The magnitude of carried digits, of which the last is not negative. */
static double
round_digits(const int64_t digits[N_DIGITS], int *exponent)
{
    int top = N_DIGITS - 1;
    while (top > 0 && digits[top] == 0) {
        top--;
    }
    int               last    = top >= 3 ? top - 3 : 0;
    unsigned __int128 leading = 0;
    for (int i = top; i >= last; i--) {
        leading = leading << DIGIT_BITS | (uint64_t)digits[i];
    }
    for (int i = 0; i < last; i++) {
        if (digits[i] != 0) {
            leading |= 1; /* far below the rounded bit: says on which side of the half */
            break;
        }
    }
    *exponent = last * DIGIT_BITS - LEAST;
    return (double)leading;
}

double
weiri_exact_sum_value(const weiri_exact_sum *self, int *exponent)
{
    weiri_int128 small = weiri_exact_sum_small(self);
    if (self->wide == NULL) {
        *exponent = -UNIT;
        return (double)small;
    }
    int64_t digits[N_DIGITS];
    memcpy(digits, self->wide->digits, sizeof digits);
    add_small(digits, small);
    carry(digits);
    bool is_negative = digits[N_DIGITS - 1] < 0;
    if (is_negative) {
        for (int i = 0; i < N_DIGITS; i++) {
            digits[i] = -digits[i];
        }
        carry(digits);
    }
    double magnitude = round_digits(digits, exponent);
    return is_negative ? -magnitude : magnitude;
}

/* ---- bytes ---- */

/* A 128-bit number: of its bytes, the lowest first, those between zeroes below and the
 * sign above. */
static void
save_small(weiri_int128 small, weiri_pack *out)
{
    uint8_t  bytes[sizeof small];
    uint8_t  sign  = small < 0 ? 0xff : 0;
    unsigned first = 0;
    unsigned end   = sizeof bytes;
    for (unsigned i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)((unsigned __int128)small >> 8 * i);
    }
    while (first < sizeof bytes && bytes[first] == 0) {
        first++;
    }
    while (end > first + 1 && bytes[end - 1] == sign
           && ((bytes[end - 2] ^ sign) & 0x80) == 0) {
        end--;
    }
    weiri_pack_number(out, first);
    if (first < sizeof bytes) {
        weiri_pack_text(out, bytes + first, end - first);
    }
}

static weiri_int128
load_small(weiri_unpack *in)
{
    unsigned __int128 small = 0;
    unsigned          first =
        (unsigned)weiri_unpack_below(in, sizeof small + 1, "a sum has too many bytes");
    uint32_t n = 0;
    if (first == sizeof small) {
        return 0;
    }
    const uint8_t *bytes = (const uint8_t *)weiri_unpack_text(in, &n);
    if (n == 0 || n > sizeof small - first) {
        weiri_unpack_fail(in, "a sum has too many bytes");
        return 0;
    }
    if (bytes[n - 1] >= 0x80) {
        small = ~(unsigned __int128)0;
    }
    for (uint32_t i = n; i-- > 0;) {
        small = small << 8 | bytes[i];
    }
    return (weiri_int128)(small << 8 * first);
}

void
weiri_exact_sum_save(const weiri_exact_sum *self, weiri_pack *out)
{
    int64_t  digits[N_DIGITS] = { 0 };
    unsigned first            = 0;
    unsigned end              = N_DIGITS;
    save_small(weiri_exact_sum_small(self), out);
    if (self->wide != NULL) {
        memcpy(digits, self->wide->digits, sizeof digits);
        carry(digits);
    }
    while (end > 0 && digits[end - 1] == 0) {
        end--;
    }
    while (first < end && digits[first] == 0) {
        first++;
    }
    weiri_pack_number(out, end);
    if (end > 0) {
        weiri_pack_number(out, first);
    }
    for (unsigned i = first; i < end; i++) {
        weiri_pack_signed(out, digits[i]);
    }
}

/* Carried digits, and the last one with room for what is added to it. */
static bool
load_wide(weiri_exact_sum *self, unsigned end, weiri_unpack *in)
{
    unsigned first = (unsigned)weiri_unpack_below(in, end, "a sum has no known digits");
    if (!need_wide(self)) {
        return false;
    }
    self->wide->n_adds = 1;
    for (unsigned i = first; i < end && in->wrong == NULL; i++) {
        int64_t digit = weiri_unpack_signed(in);
        int64_t least = i + 1 == N_DIGITS ? -(INT64_C(1) << DIGIT_BITS) : 0;
        if (digit < least || digit >= INT64_C(1) << DIGIT_BITS) {
            weiri_unpack_fail(in, "a sum has a digit out of range");
            break;
        }
        self->wide->digits[i] = digit;
    }
    return in->wrong == NULL;
}

bool
weiri_exact_sum_load(weiri_exact_sum *self, weiri_unpack *in)
{
    weiri_int128 small = load_small(in);
    unsigned     end   = (unsigned)weiri_unpack_below(
              in, N_DIGITS + (uint64_t)1, "a sum has too many digits");
    if (in->wrong != NULL) {
        return false;
    }
    weiri_exact_sum_set(self, small);
    return end == 0 || load_wide(self, end, in);
}
