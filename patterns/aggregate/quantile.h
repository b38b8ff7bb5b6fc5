/* weiri_quantile: quantiles of numbers; exact to a bound, then a KLL sketch.
 *
 * Values are held as weiri_cell_rank. Level h holds values that stand for 2^h each; a
 * level that is full is sorted and every second value moves up. Level 0 takes
 * WEIRI_QUANTILE_EXACT values, so up to there the result is exact. The coin that picks
 * odd or even ones is a fixed sequence, so that the same input gives the same result.
 *
 * The rank of a result is off by less than 1 % of the count (in tests by less than 0.5
 * %).
 *
 *   source  Z. Karnin, K. Lang, E. Liberty, "Optimal quantile approximation in streams",
 *           FOCS 2016
 */
#ifndef WEIRI_QUANTILE_H
#define WEIRI_QUANTILE_H

#include "aggregate/cell_pack.h"

typedef struct weiri_quantile weiri_quantile;

/* NULL: out of memory. */
weiri_quantile *
weiri_quantile_new(void);
void
weiri_quantile_destroy(weiri_quantile **self_p);

/* False: out of memory. */
bool
weiri_quantile_add(weiri_quantile *self, int64_t rank);
bool
weiri_quantile_merge(weiri_quantile *self, const weiri_quantile *other);

/* The values around position p (n - 1) of the sorted n values and how far between them it
 * is; of a sketch both are the value there. n > 0. May sort what is inside.
 * False: out of memory. */
bool
weiri_quantile_find(
    weiri_quantile *self, double p, int64_t *low, int64_t *high, double *between);

/* The value between two of a type: float for float and int, else to the nearest unit. */
weir_value
weiri_quantile_between(weir_type type, int64_t low, int64_t high, double between);

void
weiri_quantile_save(const weiri_quantile *self, weiri_pack *out);

/* Into a new one, of at least one value. False: something is wrong, or memory is out. */
bool
weiri_quantile_load(weiri_quantile *self, weiri_unpack *in);

#endif
