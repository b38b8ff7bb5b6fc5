#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "window_naive.h"

__extension__ typedef __float128 quad;
__extension__ typedef __int128   wide;

/* The argument of an event as a value; false where the aggregate leaves the event out. */
static bool
argument_of(const weiri_expr *expr, const naive_event *event, weir_value *out)
{
    *out = (weir_value){ .type = (uint8_t)expr->type };
    switch (expr->as.field) {
    case FIELD_X: out->as.f = event->x; return !event->x_null;
    case FIELD_Y: out->as.i = event->y; return !event->y_null;
    case FIELD_B: out->as.b = event->b; return !event->b_null;
    default:
        out->as.s = expr->as.field == FIELD_S ? event->s : event->key;
        out->size = (uint32_t)strlen(out->as.s);
        return true;
    }
}

static bool
is_taken(const weiri_aggregate *plan, const naive_event *event, weir_value *x)
{
    weir_value other = { 0 };
    if (plan->filter != NULL
        && !(argument_of(plan->filter, event, &other) && other.as.b)) {
        return false;
    }
    if (plan->second != NULL && !argument_of(plan->second, event, &other)) {
        return false;
    }
    if (plan->argument == NULL) {
        return true;
    }
    bool is_set = argument_of(plan->argument, event, x);
    return is_set
           && (plan->kind != WEIRI_AGGREGATE_COUNT || x->type != WEIR_BOOL || x->as.b);
}

typedef struct taken {
    weir_value x[NAIVE_EVENTS];
    quad       y[NAIVE_EVENTS];
    int64_t    t[NAIVE_EVENTS];
    uint32_t   n;
} taken;

static taken *
take(const weiri_aggregate *plan, const naive_set *set)
{
    taken *all = calloc(1, sizeof *all);
    for (uint32_t i = 0; i < set->n; i++) {
        const naive_event *event = &set->events[set->at[i]];
        if (is_taken(plan, event, &all->x[all->n])) {
            weir_value y = { 0 };
            if (plan->second != NULL) {
                argument_of(plan->second, event, &y);
            }
            all->y[all->n]   = y.type == WEIR_INT ? (quad)y.as.i : (quad)y.as.f;
            all->t[all->n++] = event->t;
        }
    }
    return all;
}

static quad
number(const weir_value *value)
{
    return value->type == WEIR_FLOAT ? (quad)value->as.f : (quad)value->as.i;
}

static int
compare(const void *a, const void *b)
{
    const weir_value *x = a;
    const weir_value *y = b;
    if (x->type == WEIR_STRING) {
        uint32_t least = x->size < y->size ? x->size : y->size;
        int      order = memcmp(x->as.s, y->as.s, least);
        return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
    }
    if (x->type == WEIR_FLOAT) {
        return (x->as.f > y->as.f) - (x->as.f < y->as.f);
    }
    return (x->as.i > y->as.i) - (x->as.i < y->as.i);
}

static weir_value
null_of(weir_type type)
{
    return (weir_value){ .type = (uint8_t)type, .is_null = true };
}

static weir_value
float_of(double value)
{
    weir_value out = { .type = WEIR_FLOAT, .is_null = !isfinite(value) };
    out.as.f       = value;
    return out;
}

static weir_value
int_of(int64_t value)
{
    return (weir_value){ .type = WEIR_INT, .as.i = value };
}

/* Sum without error until the end: partial sums that do not overlap.
 * Shewchuk, "Adaptive precision floating-point arithmetic", 1997. */
static double
exact_sum(const taken *all)
{
    double   parts[NAIVE_EVENTS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < all->n; i++) {
        double   x    = all->x[i].as.f;
        uint32_t kept = 0;
        for (uint32_t j = 0; j < n; j++) {
            double y = parts[j];
            if (fabs(x) < fabs(y)) {
                double swap = x;
                x           = y;
                y           = swap;
            }
            double high = x + y;
            double low  = y - (high - x);
            if (low != 0.0) {
                parts[kept++] = low;
            }
            x = high;
        }
        parts[kept++] = x;
        n             = kept;
    }
    quad sum = 0;
    for (uint32_t j = n; j-- > 0;) {
        sum += (quad)parts[j];
    }
    return (double)sum;
}

static weir_value
value_of_sum(const weiri_aggregate *plan, const taken *all)
{
    bool is_avg = plan->kind == WEIRI_AGGREGATE_AVG;
    if (is_avg && all->n == 0) {
        return null_of(plan->type);
    }
    if (plan->argument->type == WEIR_FLOAT) {
        return float_of(exact_sum(all) / (is_avg ? all->n : 1.0));
    }
    wide sum = 0;
    for (uint32_t i = 0; i < all->n; i++) {
        sum += all->x[i].as.i;
    }
    if (is_avg) {
        return float_of((double)((quad)sum / (quad)all->n));
    }
    return sum < INT64_MIN || sum > INT64_MAX ? null_of(WEIR_INT) : int_of((int64_t)sum);
}

typedef struct products {
    quad xx;
    quad yy;
    quad xy;
} products;

static products
products_of(const taken *all, bool is_slope)
{
    quad mean_x = 0;
    quad mean_y = 0;
    for (uint32_t i = 0; i < all->n; i++) {
        mean_x += number(&all->x[i]) / all->n;
        mean_y += (is_slope ? (quad)all->t[i] : all->y[i]) / all->n;
    }
    products out = { 0, 0, 0 };
    for (uint32_t i = 0; i < all->n; i++) {
        quad x = number(&all->x[i]) - mean_x;
        quad y = (is_slope ? (quad)all->t[i] : all->y[i]) - mean_y;
        out.xx += x * x;
        out.yy += y * y;
        out.xy += x * y;
    }
    return out;
}

/* Whether all numbers are one, which decides what is defined. */
static bool
is_constant(const taken *all, int which)
{
    for (uint32_t i = 1; i < all->n; i++) {
        if (which == 0   ? number(&all->x[i]) != number(&all->x[0])
            : which == 1 ? all->y[i] != all->y[0]
                         : all->t[i] != all->t[0]) {
            return false;
        }
    }
    return true;
}

static bool
is_in_range(quad value)
{
    return value < (quad)DBL_MAX && value > -(quad)DBL_MAX;
}

static weir_value
value_of_moments(const weiri_aggregate *plan, const taken *all)
{
    bool     is_slope = plan->kind == WEIRI_AGGREGATE_SLOPE;
    products p        = products_of(all, is_slope);
    /* Squares out of range make the result null, but a slope needs none of its values. */
    if (all->n == 0 || (!is_slope && (!is_in_range(p.xy) || !is_in_range(p.xx)))) {
        return null_of(WEIR_FLOAT);
    }
    switch (plan->kind) {
    case WEIRI_AGGREGATE_VARIANCE: return float_of((double)(p.xx / all->n));
    case WEIRI_AGGREGATE_STDDEV: return float_of(sqrt((double)(p.xx / all->n)));
    case WEIRI_AGGREGATE_SLOPE:
        return is_constant(all, 2) ? null_of(WEIR_FLOAT)
                                   : float_of((double)(p.xy / p.yy * 1e9));
    default:
        return is_constant(all, 0) || is_constant(all, 1)
                   ? null_of(WEIR_FLOAT)
                   : float_of((double)(p.xy / (quad)sqrtl((long double)p.xx)
                                       / (quad)sqrtl((long double)p.yy)));
    }
}

static weir_value
value_of_ewma(const weiri_aggregate *plan, const taken *all, bool is_magnitude)
{
    long double sum    = 0;
    long double weight = 0;
    for (uint32_t i = 0; i < all->n; i++) {
        long double age = (long double)(all->t[all->n - 1] - all->t[i]);
        long double w   = exp2l(-age / (long double)plan->width_ns);
        long double x   = (long double)number(&all->x[i]);
        sum += w * (is_magnitude ? fabsl(x) : x);
        weight += w;
    }
    return all->n == 0 ? null_of(WEIR_FLOAT) : float_of((double)(sum / weight));
}

static weir_value
value_of_quantile(const weiri_aggregate *plan, taken *all)
{
    double p = plan->kind == WEIRI_AGGREGATE_MEDIAN ? 0.5 : plan->p;
    if (all->n == 0) {
        return null_of(plan->type);
    }
    qsort(all->x, all->n, sizeof all->x[0], compare);
    double   place = p * (double)(all->n - 1);
    uint32_t whole = (uint32_t)place;
    quad     low   = number(&all->x[whole]);
    quad     high  = number(&all->x[whole + 1 < all->n ? whole + 1 : whole]);
    return float_of((double)(low + (high - low) * (quad)(place - (double)whole)));
}

static weir_value
pack(weir_type element, const weir_value *values, uint32_t n, char *text)
{
    uint32_t used = 0;
    text[used++]  = (char)element;
    for (uint32_t i = 0; i < n; i++) {
        text[used++] = 0;
        if (element == WEIR_STRING) {
            memcpy(text + used, &values[i].size, 4);
            memcpy(text + used + 4, values[i].as.s, values[i].size);
            used += 4 + values[i].size;
        } else {
            memcpy(text + used, &values[i].as, 8);
            used += 8;
        }
    }
    weir_value out = { .type = WEIR_LIST, .size = used };
    out.as.s       = text;
    return out;
}

/* Runs of equal values, in order; counts[i] of them begin at starts[i]. */
static uint32_t
runs_of(taken *all, uint32_t *starts, uint32_t *counts)
{
    uint32_t n = 0;
    qsort(all->x, all->n, sizeof all->x[0], compare);
    for (uint32_t i = 0; i < all->n; i++) {
        if (i > 0 && compare(&all->x[i], &all->x[i - 1]) == 0) {
            counts[n - 1]++;
        } else {
            starts[n]   = i;
            counts[n++] = 1;
        }
    }
    return n;
}

static weir_value
value_of_top(const weiri_aggregate *plan, taken *all, char *text)
{
    uint32_t   starts[NAIVE_EVENTS];
    uint32_t   counts[NAIVE_EVENTS];
    uint32_t   n = runs_of(all, starts, counts);
    weir_value best[NAIVE_EVENTS];
    uint32_t   n_best = 0;
    for (; n_best < plan->k && n_best < n; n_best++) {
        uint32_t most = 0;
        for (uint32_t i = 1; i < n; i++) {
            most = counts[i] > counts[most] ? i : most;
        }
        best[n_best] = all->x[starts[most]];
        counts[most] = 0;
    }
    return pack(plan->argument->type, best, n_best, text);
}

static weir_value
value_of_extreme(const weiri_aggregate *plan, taken *all)
{
    if (all->n == 0) {
        return null_of(plan->type);
    }
    qsort(all->x, all->n, sizeof all->x[0], compare);
    return plan->kind == WEIRI_AGGREGATE_MIN ? all->x[0] : all->x[all->n - 1];
}

/* The k-th value before the event, which is the last of the set where `index` says so. */
static weir_value
value_of_lag(const weiri_aggregate *plan, const naive_set *set, const taken *all)
{
    weir_value x = { 0 };
    uint32_t   n = all->n;
    if (plan->index == 1 && is_taken(plan, &set->events[set->at[set->n - 1]], &x)) {
        n--;
    }
    return n < plan->k ? null_of(plan->type) : all->x[n - plan->k];
}

static weir_value
value_of(const weiri_aggregate *plan, const naive_set *set, taken *all, char *text)
{
    uint32_t starts[NAIVE_EVENTS];
    uint32_t counts[NAIVE_EVENTS];
    switch (plan->kind) {
    case WEIRI_AGGREGATE_START:
        return (weir_value){ .type = WEIR_TIME, .as.i = set->start };
    case WEIRI_AGGREGATE_END: return (weir_value){ .type = WEIR_TIME, .as.i = set->end };
    case WEIRI_AGGREGATE_COUNT: return int_of(all->n);
    case WEIRI_AGGREGATE_SUM:
    case WEIRI_AGGREGATE_AVG: return value_of_sum(plan, all);
    case WEIRI_AGGREGATE_MIN:
    case WEIRI_AGGREGATE_MAX: return value_of_extreme(plan, all);
    case WEIRI_AGGREGATE_MEDIAN:
    case WEIRI_AGGREGATE_QUANTILE: return value_of_quantile(plan, all);
    case WEIRI_AGGREGATE_DISTINCT: return int_of(runs_of(all, starts, counts));
    case WEIRI_AGGREGATE_FIRST: return all->n == 0 ? null_of(plan->type) : all->x[0];
    case WEIRI_AGGREGATE_LAST:
        return all->n == 0 ? null_of(plan->type) : all->x[all->n - 1];
    case WEIRI_AGGREGATE_LAG: return value_of_lag(plan, set, all);
    case WEIRI_AGGREGATE_COLLECT: return pack(plan->argument->type, all->x, all->n, text);
    case WEIRI_AGGREGATE_TOP: return value_of_top(plan, all, text);
    case WEIRI_AGGREGATE_EWMA: return value_of_ewma(plan, all, false);
    default: return value_of_moments(plan, all);
    }
}

weir_value
naive_value(const weiri_aggregate *plan, const naive_set *set, char *text)
{
    taken     *all   = take(plan, set);
    weir_value value = value_of(plan, set, all, text);
    free(all);
    return value;
}

/* How far off a float may be. */
static double
tolerance(const weiri_aggregate *plan, const naive_set *set, double expected)
{
    switch (plan->kind) {
    case WEIRI_AGGREGATE_SUM:
    case WEIRI_AGGREGATE_AVG: return 4e-16 * fabs(expected);
    case WEIRI_AGGREGATE_EWMA: {
        taken     *all   = take(plan, set);
        weir_value scale = value_of_ewma(plan, all, true);
        free(all);
        return 1e-12 * scale.as.f;
    }
    case WEIRI_AGGREGATE_MEDIAN:
    case WEIRI_AGGREGATE_QUANTILE: /* between two, as floats, which may nearly cancel */
        return 1e-9 * fabs(expected)
               + (plan->argument->type == WEIR_INT ? 4e-16 * (double)INT64_MAX : 0.0);
    case WEIRI_AGGREGATE_CORRELATION: return 1e-9;
    case WEIRI_AGGREGATE_SLOPE: {
        taken   *all = take(plan, set);
        products p   = products_of(all, true);
        free(all);
        /* Where it is about zero, what cancels counts: |slope| <= sqrt(xx / yy). */
        return 1e-9 * fabs(expected)
               + (double)(1e-20L * sqrtl((long double)p.xx) / sqrtl((long double)p.yy)
                          * 1e9L);
    }
    default: return 1e-9 * fabs(expected);
    }
}

bool
naive_agrees(const weiri_aggregate *plan, const naive_set *set,
    const weir_value *expected, const weir_value *got)
{
    if (expected->type != got->type || expected->is_null != got->is_null) {
        return false;
    }
    if (expected->is_null) {
        return true;
    }
    switch (expected->type) {
    case WEIR_FLOAT:
        return expected->as.f == got->as.f
               || fabs(expected->as.f - got->as.f)
                      <= tolerance(plan, set, expected->as.f);
    case WEIR_STRING:
    case WEIR_LIST:
        return expected->size == got->size
               && memcmp(expected->as.s, got->as.s, got->size) == 0;
    case WEIR_BOOL: return expected->as.b == got->as.b;
    default: return expected->as.i == got->as.i;
    }
}
