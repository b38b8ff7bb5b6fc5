/* What an operation computes from plain numbers, shared by both kernels of it so that
 * they cannot differ. No branches where a loop over a column should vectorise.
 *
 * A `fault` parameter gets a bit set when the result does not exist; the value returned
 * is then anything. All are total: rows that are null hold any number and are computed
 * all the same.
 */
#ifndef WEIRI_LANES_H
#define WEIRI_LANES_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline double
weiri_lane_finite(double result, uint64_t *fault)
{
    *fault |= !(fabs(result) <= DBL_MAX); /* also true of a NaN */
    return result;
}

static inline int64_t
weiri_lane_add_int(int64_t a, int64_t b, uint64_t *fault)
{
    int64_t sum = (int64_t)((uint64_t)a + (uint64_t)b);
    *fault |= (uint64_t)((a ^ sum) & (b ^ sum)) >> 63; /* sign unlike both */
    return sum;
}

static inline int64_t
weiri_lane_sub_int(int64_t a, int64_t b, uint64_t *fault)
{
    int64_t difference = (int64_t)((uint64_t)a - (uint64_t)b);
    *fault |= (uint64_t)((a ^ b) & (a ^ difference)) >> 63;
    return difference;
}

static inline int64_t
weiri_lane_mul_int(int64_t a, int64_t b, uint64_t *fault)
{
    int64_t product = 0;
    *fault |= __builtin_mul_overflow(a, b, &product);
    return product;
}

static inline int64_t
weiri_lane_neg_int(int64_t a, uint64_t *fault)
{
    return weiri_lane_sub_int(0, a, fault);
}

/* Sign of the dividend, as in C and SQL. */
static inline int64_t
weiri_lane_mod_int(int64_t a, int64_t b, uint64_t *fault)
{
    *fault |= b == 0;
    /* x % 1 is 0: what INT64_MIN % -1 should be, and of no matter for 0. */
    int64_t divisor = b == 0 || b == -1 ? 1 : b;
    if (((uint64_t)a | (uint64_t)divisor) >> 32 == 0) { /* many times as fast */
        return (uint32_t)a % (uint32_t)divisor;
    }
    return a % divisor;
}

static inline double
weiri_lane_add_float(double a, double b, uint64_t *fault)
{
    return weiri_lane_finite(a + b, fault);
}

static inline double
weiri_lane_sub_float(double a, double b, uint64_t *fault)
{
    return weiri_lane_finite(a - b, fault);
}

static inline double
weiri_lane_mul_float(double a, double b, uint64_t *fault)
{
    return weiri_lane_finite(a * b, fault);
}

static inline double
weiri_lane_div_float(double a, double b, uint64_t *fault)
{
    return weiri_lane_finite(a / b, fault);
}

static inline double
weiri_lane_div_int(int64_t a, int64_t b, uint64_t *fault)
{
    return weiri_lane_finite((double)a / (double)b, fault);
}

static inline int
weiri_compare_int(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static inline int
weiri_compare_float(double a, double b)
{
    return (a > b) - (a < b);
}

/* By value, not through a cast of either: 2^53 + 1 is greater than 2^53 as a float. */
static inline int
weiri_compare_int_float(int64_t a, double b)
{
    if (!(b < 0x1p63)) { /* a null row may hold a NaN */
        return -1;
    }
    if (b < -0x1p63) {
        return 1;
    }
    int64_t whole = (int64_t)b; /* towards zero; exact beyond 2^53 */
    if (a != whole) {
        return weiri_compare_int(a, whole);
    }
    return weiri_compare_float((double)whole, b);
}

/* By bytes, which for UTF-8 is the order of code points. */
static inline int
weiri_compare_text(const char *a, uint32_t n_a, const char *b, uint32_t n_b)
{
    uint32_t shorter = n_a < n_b ? n_a : n_b;
    int      order   = shorter == 0 ? 0 : memcmp(a, b, shorter);
    return order != 0 ? order : weiri_compare_int(n_a, n_b);
}

/* Short texts, which keys and kinds are, by their first and last words. */
static inline bool
weiri_equal_text(const char *a, uint32_t n_a, const char *b, uint32_t n_b)
{
    enum { WORD = sizeof(uint64_t) };
    if (n_a != n_b) {
        return false;
    }
    if (n_a < WORD || n_a > 2 * WORD) {
        return n_a == 0 || memcmp(a, b, n_a) == 0;
    }
    uint64_t words[4];
    memcpy(&words[0], a, WORD);
    memcpy(&words[1], b, WORD);
    memcpy(&words[2], a + n_a - WORD, WORD);
    memcpy(&words[3], b + n_a - WORD, WORD);
    return ((words[0] ^ words[1]) | (words[2] ^ words[3])) == 0;
}

#endif
