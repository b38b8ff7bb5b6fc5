/* Decimal text to the nearest double, ties to even.
 *
 * Three ways, the first that is certain: an exact division or multiplication of two exact
 * doubles (Clinger, "How to read floating point numbers accurately", 1990); a 128-bit
 * product (Lemire, "Number parsing at a gigabyte per second", 2021); a guess that is
 * moved until the text lies between the middles to its neighbours, compared with integers
 * that hold every digit.
 */
#include <string.h>

#include "pow5.h"
#include "weiri/numtext.h"

enum {
    SIGNIFICAND_BITS = 52,
    EXPONENT_MAX     = 0x7FF,
    DIGITS_IN_WORD   = 19,
    /* A midpoint of two doubles has at most 767 digits: what comes after the 768th
     * matters only in being there or not. */
    DIGITS_KEPT = 768,
    LIMBS       = 96
};

/* [+-] digits [. digits] [(e|E) [+-] digits], taken apart. */
typedef struct decimal {
    const char *digits; /* from the first that is not zero; may hold the point */
    const char *digits_end;
    uint64_t    word;     /* the first 19 digits from there            */
    int64_t     exponent; /* value = word * 10^exponent, if not cut    */
    bool        is_negative;
    bool        is_cut; /* more than 19 digits, those after are not all zero */
} decimal;

static bool
is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Far beyond any double, and small enough to add to. */
static const int64_t EXPONENT_BOUND = INT64_C(1) << 40;

static bool
scan_exponent(const char *text, const char *end, int64_t *exponent)
{
    bool is_negative = false;
    if (text < end && (*text == '-' || *text == '+')) {
        is_negative = *text++ == '-';
    }
    if (text == end) {
        return false;
    }
    int64_t value = 0;
    for (; text < end; text++) {
        if (!is_digit(*text)) {
            return false;
        }
        if (value < EXPONENT_BOUND) {
            value = value * 10 + (*text - '0');
        }
    }
    *exponent += is_negative ? -value : value;
    return true;
}

/* The digits and the point, into self->word. Returns the end of them, NULL if there is no
 * digit. */
static const char *
scan_digits(decimal *self, const char *text, const char *end)
{
    bool   has_point = false;
    bool   has_digit = false;
    size_t n         = 0; /* digits in the word */
    for (; text < end; text++) {
        if (*text == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (!is_digit(*text)) {
            break;
        }
        has_digit = true;
        if (n == 0 && *text == '0') {
            self->exponent -= has_point ? 1 : 0;
            continue;
        }
        if (n == 0) {
            self->digits = text;
        }
        if (n < DIGITS_IN_WORD) {
            self->word = self->word * 10 + (uint64_t)(*text - '0');
            self->exponent -= has_point ? 1 : 0;
            n++;
        } else {
            self->is_cut = self->is_cut || *text != '0';
            self->exponent += has_point ? 0 : 1;
        }
    }
    self->digits_end = text;
    return has_digit ? text : NULL;
}

static bool
scan(decimal *self, const char *text, size_t size)
{
    const char *end = text + size;
    if (text < end && (*text == '-' || *text == '+')) {
        self->is_negative = *text++ == '-';
    }
    text = scan_digits(self, text, end);
    if (text == NULL) {
        return false;
    }
    if (text < end && (*text == 'e' || *text == 'E')) {
        return scan_exponent(text + 1, end, &self->exponent);
    }
    return text == end;
}

static bool
is_exact_in_doubles(uint64_t word, int64_t exponent)
{
    return word <= UINT64_C(1) << 53 && exponent >= -22 && exponent <= 22;
}

static double
in_doubles(uint64_t word, int exponent)
{
    static const double POW10[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
        1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    return exponent < 0 ? (double)word / POW10[-exponent]
                        : (double)word * POW10[exponent];
}

/* A subnormal from a significand of 54 bits (one for rounding) above exponent `biased`.
 */
static uint64_t
round_subnormal(uint64_t significand, int biased)
{
    if (-biased + 1 >= 64) {
        return 0;
    }
    significand >>= -biased + 1;
    /* 2^52 reached by rounding is the bit pattern of the smallest normal. */
    return (significand + (significand & 1)) >> 1;
}

/* The bits of word * 10^exponent. False if rounding is not certain: *bits is then a
 * neighbour of it or it. Infinite when it overflows. */
static bool
in_128_bits(uint64_t word, int64_t exponent, uint64_t *bits)
{
    if (word == 0 || exponent < WEIRI_POW5_MIN) {
        *bits = 0;
        return true;
    }
    if (exponent > 308) {
        *bits = (uint64_t)EXPONENT_MAX << SIGNIFICAND_BITS;
        return true;
    }
    int             q     = (int)exponent;
    int             zeros = __builtin_clzll(word);
    const uint64_t *pow5  = WEIRI_POW5[q - WEIRI_POW5_MIN];
    word <<= zeros;
    unsigned __int128 product = (unsigned __int128)word * pow5[0];
    if (((uint64_t)(product >> 64) & 0x1FF) == 0x1FF) {
        product += (uint64_t)(((unsigned __int128)word * pow5[1]) >> 64);
    }
    uint64_t high       = (uint64_t)(product >> 64);
    uint64_t low        = (uint64_t)product;
    bool     is_certain = low != UINT64_MAX || (q >= -27 && q <= 55);

    int      top         = (int)(high >> 63);
    int      shift       = top + 9;
    uint64_t significand = high >> shift; /* 54 bits */
    int      biased      = floor_log2_pow10(q) + 63 + top - zeros + 1023;
    if (biased <= 0) {
        *bits = round_subnormal(significand, biased);
        return is_certain;
    }
    /* Exactly between two doubles, which only small powers of five can be: to even. */
    if (low <= 1 && q >= -4 && q <= 23 && (significand & 3) == 1
        && significand << shift == high) {
        significand &= ~UINT64_C(1);
    }
    significand = (significand + (significand & 1)) >> 1;
    /* A carry out of the significand moves into the exponent by itself. */
    *bits = ((uint64_t)(biased - 1) << SIGNIFICAND_BITS) + significand;
    if (*bits >= (uint64_t)EXPONENT_MAX << SIGNIFICAND_BITS) {
        *bits = (uint64_t)EXPONENT_MAX << SIGNIFICAND_BITS;
    }
    return is_certain;
}

/* An unsigned integer of at most LIMBS words, least significant first. */
typedef struct big {
    uint64_t limbs[LIMBS];
    size_t   n;
} big;

static void
big_multiply_add(big *self, uint64_t factor, uint64_t term)
{
    uint64_t carry = term;
    for (size_t i = 0; i < self->n; i++) {
        unsigned __int128 wide = (unsigned __int128)self->limbs[i] * factor + carry;
        self->limbs[i]         = (uint64_t)wide;
        carry                  = (uint64_t)(wide >> 64);
    }
    if (carry > 0) {
        self->limbs[self->n++] = carry;
    }
}

static void
big_multiply_pow5(big *self, int64_t power)
{
    static const uint64_t POW5_27 = UINT64_C(7450580596923828125);
    for (; power >= 27; power -= 27) {
        big_multiply_add(self, POW5_27, 0);
    }
    for (; power > 0; power--) {
        big_multiply_add(self, 5, 0);
    }
}

static void
big_shift_left(big *self, int64_t bits)
{
    if (bits % 64 != 0) {
        big_multiply_add(self, UINT64_C(1) << (bits % 64), 0);
    }
    size_t words = (size_t)(bits / 64);
    memmove(self->limbs + words, self->limbs, self->n * sizeof(uint64_t));
    memset(self->limbs, 0, words * sizeof(uint64_t));
    self->n += words;
}

static int
big_compare(const big *a, const big *b)
{
    if (a->n != b->n) {
        return a->n < b->n ? -1 : 1;
    }
    for (size_t i = a->n; i-- > 0;) {
        if (a->limbs[i] != b->limbs[i]) {
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
        }
    }
    return 0;
}

/* All digits that matter. *exponent becomes that of the last one kept. */
static void
big_from_digits(big *self, const decimal *number, int64_t *exponent)
{
    size_t  n       = 0;
    int64_t dropped = 0;
    bool    is_more = false;
    *self           = (big){ .n = 0 };
    for (const char *p = number->digits; p < number->digits_end; p++) {
        if (*p == '.') {
            continue;
        }
        if (n < DIGITS_KEPT) {
            big_multiply_add(self, 10, (uint64_t)(*p - '0'));
        } else {
            is_more = is_more || *p != '0';
            dropped++;
        }
        n++;
    }
    /* The word's exponent belongs to the 19th digit. */
    *exponent = number->exponent - (n > DIGITS_IN_WORD ? (int64_t)n - DIGITS_IN_WORD : 0)
                + dropped;
    if (is_more) {
        big_multiply_add(self, 10, 1);
        *exponent -= 1;
    }
}

/* The digits against the middle between the double with these bits and the next one. */
static int
compare_with_middle(const big *digits, int64_t exponent, uint64_t bits)
{
    uint64_t fraction    = bits & ((UINT64_C(1) << SIGNIFICAND_BITS) - 1);
    int64_t  biased      = (int64_t)(bits >> SIGNIFICAND_BITS);
    uint64_t significand = fraction | (biased > 0 ? UINT64_C(1) << SIGNIFICAND_BITS : 0);
    int64_t  binary      = (biased > 0 ? biased : 1) - 1075 - 1;

    big left  = *digits;
    big right = { .limbs = { 2 * significand + 1 }, .n = 1 };
    big_multiply_pow5(&left, exponent > 0 ? exponent : 0);
    big_multiply_pow5(&right, exponent < 0 ? -exponent : 0);
    if (exponent > binary) {
        big_shift_left(&left, exponent - binary);
    } else {
        big_shift_left(&right, binary - exponent);
    }
    return big_compare(&left, &right);
}

/* Move a guess to the nearest double. The guess is a neighbour, so this takes a step or
 * two; the numbers stay below 10^769 * 2^60 on either side. */
static uint64_t
with_all_digits(const decimal *number, uint64_t guess)
{
    const uint64_t infinite = (uint64_t)EXPONENT_MAX << SIGNIFICAND_BITS;
    big            digits;
    int64_t        exponent = 0;
    big_from_digits(&digits, number, &exponent);
    while (guess < infinite) {
        int order = compare_with_middle(&digits, exponent, guess);
        if (order < 0 || (order == 0 && (guess & 1) == 0)) {
            break;
        }
        guess++;
    }
    while (guess > 0) {
        int order = compare_with_middle(&digits, exponent, guess - 1);
        if (order > 0 || (order == 0 && (guess & 1) == 0)) {
            break;
        }
        guess--;
    }
    return guess;
}

static bool
finish(uint64_t bits, bool is_negative, double *out)
{
    if (bits >= (uint64_t)EXPONENT_MAX << SIGNIFICAND_BITS) {
        return false;
    }
    bits |= (uint64_t)is_negative << 63;
    memcpy(out, &bits, sizeof bits);
    return true;
}

bool
weiri_float_from_decimal(uint64_t word, int64_t exponent, bool is_negative, double *out)
{
    if (is_exact_in_doubles(word, exponent)) {
        double value = in_doubles(word, (int)exponent);
        *out         = is_negative ? -value : value;
        return true;
    }
    uint64_t bits = 0;
    return in_128_bits(word, exponent, &bits) && finish(bits, is_negative, out);
}

bool
weiri_float_parse(const char *text, size_t size, double *out)
{
    decimal number = { .digits = text, .digits_end = text };
    if (!scan(&number, text, size)) {
        return false;
    }
    if (!number.is_cut && is_exact_in_doubles(number.word, number.exponent)) {
        double value = in_doubles(number.word, (int)number.exponent);
        *out         = number.is_negative ? -value : value;
        return true;
    }
    uint64_t bits       = 0;
    bool     is_certain = in_128_bits(number.word, number.exponent, &bits);
    if (number.is_cut && is_certain) {
        /* The cut digits lie between this word and the next one. */
        uint64_t above = 0;
        is_certain     = in_128_bits(number.word + 1, number.exponent, &above);
        is_certain     = is_certain && above == bits;
    }
    if (!is_certain) {
        bits = with_all_digits(&number, bits);
    }
    return finish(bits, number.is_negative, out);
}
