/* Means and central moments in double-double arithmetic (about 32 digits), so that they
 * can be put together from parts and stay good where mean is far larger than deviation.
 *
 *   source  T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample
 *           variance", The American Statistician 37(3), 1983
 *           T. J. Dekker, "A floating-point technique for extending the available
 *           precision", Numerische Mathematik 18, 1971
 */
#ifndef WEIRI_MOMENTS_H
#define WEIRI_MOMENTS_H

#include <stdint.h>

/* high + low, |low| at most half a unit in the last place of high. */
typedef struct weiri_double2 {
    double high;
    double low;
} weiri_double2;

/* All zero is empty. */
typedef struct weiri_moments {
    double        n;
    weiri_double2 mean;
    weiri_double2 square; /* sum of (x - mean)^2 */
} weiri_moments;

typedef struct weiri_comoments {
    double        n;
    weiri_double2 mean_x;
    weiri_double2 mean_y;
    weiri_double2 square_x;
    weiri_double2 square_y;
    weiri_double2 product; /* sum of (x - mean_x)(y - mean_y) */
} weiri_comoments;

/* Mean with weights that halve every `half_life_ns`. */
typedef struct weiri_decayed {
    double  weight; /* sum of weights as of time_ns; 0: empty */
    double  mean;
    int64_t time_ns; /* of the latest value */
} weiri_decayed;

weiri_double2
weiri_double2_of_int(int64_t value);

weiri_double2
weiri_double2_of(double value);

void
weiri_moments_add(weiri_moments *self, weiri_double2 x);
void
weiri_moments_merge(weiri_moments *self, const weiri_moments *other);
/* Of the population; NaN when empty. */
double
weiri_moments_variance(const weiri_moments *self);

void
weiri_comoments_add(weiri_comoments *self, weiri_double2 x, weiri_double2 y);
void
weiri_comoments_merge(weiri_comoments *self, const weiri_comoments *other);
/* Units of y for one of x. *is_defined = false where all x are one. */
double
weiri_comoments_slope(const weiri_comoments *self, _Bool *is_defined);
/* Pearson's, in -1 … 1. *is_defined = false where one of them is constant. */
double
weiri_comoments_correlation(const weiri_comoments *self, _Bool *is_defined);

void
weiri_decayed_add(weiri_decayed *self, double x, int64_t time_ns, int64_t half_life_ns);
/* `later` holds what came after. */
void
weiri_decayed_merge(
    weiri_decayed *self, const weiri_decayed *later, int64_t half_life_ns);

#endif
