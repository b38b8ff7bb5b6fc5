/* Aggregates that are made of moments: variance, stddev, slope, correlation, ewma. */
#include <math.h>

#include "aggregate/tally.h"

size_t
weiri_moments_size(weiri_aggregate_kind kind)
{
    switch (kind) {
    case WEIRI_AGGREGATE_STDDEV:
    case WEIRI_AGGREGATE_VARIANCE: return sizeof(weiri_moments);
    case WEIRI_AGGREGATE_SLOPE:
    case WEIRI_AGGREGATE_CORRELATION: return sizeof(weiri_comoments);
    case WEIRI_AGGREGATE_EWMA: return sizeof(weiri_decayed);
    default: return 0;
    }
}

static weiri_double2
number(const weiri_expr *argument, weiri_cell cell)
{
    return argument->type == WEIR_FLOAT ? weiri_double2_of(cell.f)
                                        : weiri_double2_of_int(cell.i);
}

/* In units of 2^30 ns, about a second: exact, and squares stay far from overflow. */
static weiri_double2
time_of(int64_t time_ns)
{
    weiri_double2 t = weiri_double2_of_int(time_ns);
    return (weiri_double2){ t.high * 0x1p-30, t.low * 0x1p-30 };
}

void
weiri_moments_add_sample(
    const weiri_aggregate *plan, void *moments, const weiri_sample *sample)
{
    weiri_double2 x = number(plan->argument, sample->x);
    switch (plan->kind) {
    case WEIRI_AGGREGATE_SLOPE:
        weiri_comoments_add(moments, time_of(sample->time_ns), x);
        break;
    case WEIRI_AGGREGATE_CORRELATION:
        weiri_comoments_add(moments, x, number(plan->second, sample->y));
        break;
    case WEIRI_AGGREGATE_EWMA:
        weiri_decayed_add(moments, x.high, sample->time_ns, plan->width_ns);
        break;
    default: weiri_moments_add(moments, x); break;
    }
}

void
weiri_moments_merge_any(const weiri_aggregate *plan, void *moments, const void *later)
{
    switch (plan->kind) {
    case WEIRI_AGGREGATE_SLOPE:
    case WEIRI_AGGREGATE_CORRELATION: weiri_comoments_merge(moments, later); break;
    case WEIRI_AGGREGATE_EWMA: weiri_decayed_merge(moments, later, plan->width_ns); break;
    default: weiri_moments_merge(moments, later); break;
    }
}

/* The number, or NaN where there is none for want of values. */
static double
result(const weiri_aggregate *plan, const void *state, bool *is_defined)
{
    const weiri_moments   *one = state;
    const weiri_comoments *two = state;
    const weiri_decayed   *old = state;
    *is_defined                = true;
    switch (plan->kind) {
    case WEIRI_AGGREGATE_SLOPE:
        return weiri_comoments_slope(two, is_defined) * (1e9 * 0x1p-30);
    case WEIRI_AGGREGATE_CORRELATION: return weiri_comoments_correlation(two, is_defined);
    case WEIRI_AGGREGATE_EWMA: *is_defined = old->weight != 0.0; return old->mean;
    case WEIRI_AGGREGATE_STDDEV:
        *is_defined = one->n != 0.0;
        return sqrt(weiri_moments_variance(one));
    default: *is_defined = one->n != 0.0; return weiri_moments_variance(one);
    }
}

weir_value
weiri_moments_value(const weiri_aggregate *plan, const void *moments, uint64_t *faults)
{
    weir_value value      = { .type = WEIR_FLOAT };
    bool       is_defined = false;
    value.as.f            = result(plan, moments, &is_defined);
    if (!is_defined || !isfinite(value.as.f)) {
        *faults += is_defined;
        return weiri_null_of(WEIR_FLOAT);
    }
    return value;
}

/* ---- bytes ---- */

/* Numbers one after another; that of the time is the last one of `ewma`. */
static uint32_t
n_floats(const weiri_aggregate *plan)
{
    uint32_t n = (uint32_t)(weiri_moments_size(plan->kind) / sizeof(double));
    return plan->kind == WEIRI_AGGREGATE_EWMA ? n - 1 : n;
}

void
weiri_moments_save(const weiri_aggregate *plan, const void *moments, weiri_pack *out)
{
    for (uint32_t i = 0; i < n_floats(plan); i++) {
        double value = 0.0;
        memcpy(&value, (const char *)moments + i * sizeof value, sizeof value);
        weiri_pack_float(out, value);
    }
    if (plan->kind == WEIRI_AGGREGATE_EWMA) {
        weiri_pack_time(out, ((const weiri_decayed *)moments)->time_ns);
    }
}

void
weiri_moments_load(const weiri_aggregate *plan, void *moments, weiri_unpack *in)
{
    for (uint32_t i = 0; i < n_floats(plan); i++) {
        double value = weiri_unpack_float(in);
        memcpy((char *)moments + i * sizeof value, &value, sizeof value);
    }
    if (plan->kind == WEIRI_AGGREGATE_EWMA) {
        ((weiri_decayed *)moments)->time_ns = weiri_unpack_time(in);
    }
}
