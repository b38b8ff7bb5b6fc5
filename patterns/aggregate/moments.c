#include "aggregate/moments.h"

#include <math.h>

/* ---- double-double ---- */

static weiri_double2
two_sum(double a, double b)
{
    double sum  = a + b;
    double part = sum - a;
    return (weiri_double2){ sum, (a - (sum - part)) + (b - part) };
}

/* |a| >= |b| or a = 0. */
static weiri_double2
quick_sum(double a, double b)
{
    double sum = a + b;
    return (weiri_double2){ sum, b - (sum - a) };
}

static weiri_double2
two_product(double a, double b)
{
    double scale = 1.0;
    if (!(fabs(a) < 0x1p990 && fabs(b) < 0x1p990)) { /* the splitting would overflow */
        a *= fabs(a) < 0x1p990 ? 1.0 : 0x1p-64;
        b *= fabs(b) < 0x1p990 ? 1.0 : 0x1p-64;
        scale = 0x1p64; /* of both, the product would be out of range anyway */
    }
    double product = a * b;
    double big_a   = a * 134217729.0; /* 2^27 + 1 */
    double big_b   = b * 134217729.0;
    double high_a  = big_a - (big_a - a);
    double high_b  = big_b - (big_b - b);
    double low_a   = a - high_a;
    double low_b   = b - high_b;
    double error =
        ((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b;
    return (weiri_double2){ product * scale, error * scale };
}

static weiri_double2
add(weiri_double2 a, weiri_double2 b)
{
    weiri_double2 high = two_sum(a.high, b.high);
    weiri_double2 low  = two_sum(a.low, b.low);
    high               = quick_sum(high.high, high.low + low.high);
    return quick_sum(high.high, high.low + low.low);
}

static weiri_double2
subtract(weiri_double2 a, weiri_double2 b)
{
    return add(a, (weiri_double2){ -b.high, -b.low });
}

static weiri_double2
multiply(weiri_double2 a, weiri_double2 b)
{
    weiri_double2 product = two_product(a.high, b.high);
    return quick_sum(product.high, product.low + (a.high * b.low + a.low * b.high));
}

static weiri_double2
divide(weiri_double2 a, double b)
{
    double        first = a.high / b;
    weiri_double2 rest  = subtract(a, two_product(first, b));
    return quick_sum(first, rest.high / b);
}

weiri_double2
weiri_double2_of(double value)
{
    return (weiri_double2){ value, 0.0 };
}

weiri_double2
weiri_double2_of_int(int64_t value)
{
    int64_t low = value % (INT64_C(1) << 32);
    return quick_sum((double)(value - low), (double)low);
}

/* ---- one variable ---- */

void
weiri_moments_add(weiri_moments *self, weiri_double2 x)
{
    self->n += 1.0;
    weiri_double2 before = subtract(x, self->mean);
    self->mean           = add(self->mean, divide(before, self->n));
    weiri_double2 after  = subtract(x, self->mean);
    self->square         = add(self->square, multiply(before, after));
}

void
weiri_moments_merge(weiri_moments *self, const weiri_moments *other)
{
    if (other->n == 0.0) {
        return;
    }
    if (self->n == 0.0) {
        *self = *other;
        return;
    }
    double        n     = self->n + other->n;
    weiri_double2 delta = subtract(other->mean, self->mean);
    weiri_double2 step  = divide(multiply(delta, weiri_double2_of(other->n)), n);
    self->square        = add(add(self->square, other->square),
               multiply(multiply(delta, step), weiri_double2_of(self->n)));
    self->mean          = add(self->mean, step);
    self->n             = n;
}

double
weiri_moments_variance(const weiri_moments *self)
{
    double variance = divide(self->square, self->n).high;
    return variance < 0.0 ? 0.0 : variance;
}

/* ---- two variables ---- */

void
weiri_comoments_add(weiri_comoments *self, weiri_double2 x, weiri_double2 y)
{
    self->n += 1.0;
    weiri_double2 before_x = subtract(x, self->mean_x);
    weiri_double2 before_y = subtract(y, self->mean_y);
    self->mean_x           = add(self->mean_x, divide(before_x, self->n));
    self->mean_y           = add(self->mean_y, divide(before_y, self->n));
    weiri_double2 after_x  = subtract(x, self->mean_x);
    weiri_double2 after_y  = subtract(y, self->mean_y);
    self->square_x         = add(self->square_x, multiply(before_x, after_x));
    self->square_y         = add(self->square_y, multiply(before_y, after_y));
    self->product          = add(self->product, multiply(before_x, after_y));
}

void
weiri_comoments_merge(weiri_comoments *self, const weiri_comoments *other)
{
    if (other->n == 0.0) {
        return;
    }
    if (self->n == 0.0) {
        *self = *other;
        return;
    }
    double        n       = self->n + other->n;
    weiri_double2 weight  = weiri_double2_of(other->n);
    weiri_double2 mine    = weiri_double2_of(self->n);
    weiri_double2 delta_x = subtract(other->mean_x, self->mean_x);
    weiri_double2 delta_y = subtract(other->mean_y, self->mean_y);
    weiri_double2 step_x  = divide(multiply(delta_x, weight), n);
    weiri_double2 step_y  = divide(multiply(delta_y, weight), n);
    self->square_x        = add(
               add(self->square_x, other->square_x), multiply(multiply(delta_x, step_x), mine));
    self->square_y = add(
        add(self->square_y, other->square_y), multiply(multiply(delta_y, step_y), mine));
    self->product = add(
        add(self->product, other->product), multiply(multiply(delta_x, step_y), mine));
    self->mean_x = add(self->mean_x, step_x);
    self->mean_y = add(self->mean_y, step_y);
    self->n      = n;
}

double
weiri_comoments_slope(const weiri_comoments *self, _Bool *is_defined)
{
    *is_defined = self->square_x.high != 0.0;
    return self->product.high / self->square_x.high;
}

double
weiri_comoments_correlation(const weiri_comoments *self, _Bool *is_defined)
{
    *is_defined = self->square_x.high != 0.0 && self->square_y.high != 0.0;
    double r = self->product.high / sqrt(self->square_x.high) / sqrt(self->square_y.high);
    return r > 1.0 ? 1.0 : r < -1.0 ? -1.0 : r;
}

/* ---- decay ---- */

/* Differences of times as doubles: they may not fit an int64. */
static double
decay(int64_t from_ns, int64_t to_ns, int64_t half_life_ns)
{
    uint64_t age = (uint64_t)to_ns - (uint64_t)from_ns;
    return age == 0 ? 1.0 : exp2(-((double)age / (double)half_life_ns));
}

void
weiri_decayed_merge(weiri_decayed *self, const weiri_decayed *later, int64_t half_life_ns)
{
    if (later->weight == 0.0) {
        return;
    }
    if (self->weight == 0.0) {
        *self = *later;
        return;
    }
    double old    = self->weight * decay(self->time_ns, later->time_ns, half_life_ns);
    double share  = old / (old + later->weight);
    self->mean    = later->mean * (1.0 - share) + self->mean * share;
    self->weight  = old + later->weight;
    self->time_ns = later->time_ns;
}

void
weiri_decayed_add(weiri_decayed *self, double x, int64_t time_ns, int64_t half_life_ns)
{
    weiri_decayed one = { 1.0, x, time_ns };
    weiri_decayed_merge(self, &one, half_life_ns);
}
