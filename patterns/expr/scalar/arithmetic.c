/* + - * / % on one row. */
#include "expr/scalar/kernels.h"

#define INT_KERNEL(op, lane)                                                             \
    weir_value weiri_scalar_##op(weiri_call *call, const weir_value *args, uint32_t n)   \
    {                                                                                    \
        (void)n;                                                                         \
        uint64_t fault  = 0;                                                             \
        int64_t  result = lane(args[0].as.i, args[1].as.i, &fault);                      \
        return fault ? weiri_of_fault(call) : weiri_of_int(result);                      \
    }

#define FLOAT_KERNEL(op, lane, member)                                                   \
    weir_value weiri_scalar_##op(weiri_call *call, const weir_value *args, uint32_t n)   \
    {                                                                                    \
        (void)n;                                                                         \
        uint64_t fault  = 0;                                                             \
        double   result = lane(args[0].as.member, args[1].as.member, &fault);            \
        return fault ? weiri_of_fault(call) : weiri_of_float(result);                    \
    }

INT_KERNEL(add_int, weiri_lane_add_int)
INT_KERNEL(sub_int, weiri_lane_sub_int)
INT_KERNEL(mul_int, weiri_lane_mul_int)
INT_KERNEL(mod_int, weiri_lane_mod_int)
FLOAT_KERNEL(add_float, weiri_lane_add_float, f)
FLOAT_KERNEL(sub_float, weiri_lane_sub_float, f)
FLOAT_KERNEL(mul_float, weiri_lane_mul_float, f)
FLOAT_KERNEL(div_float, weiri_lane_div_float, f)
FLOAT_KERNEL(div_int, weiri_lane_div_int, i)

weir_value
weiri_scalar_neg_int(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    uint64_t fault  = 0;
    int64_t  result = weiri_lane_neg_int(args[0].as.i, &fault);
    return fault ? weiri_of_fault(call) : weiri_of_int(result);
}

weir_value
weiri_scalar_neg_float(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    return weiri_of_float(-args[0].as.f);
}

/* A duration times or by a number is rounded to the nearest nanosecond. The product is
 * taken in long double, which holds every int64: 1d * 1.0 stays 1d to the nanosecond. */
static weir_value
scaled(weiri_call *call, long double result)
{
    if (!(result >= -0x1p63L && result < 0x1p63L - 0.5L)) {
        return weiri_of_fault(call);
    }
    return weiri_of_int(llroundl(result));
}

weir_value
weiri_scalar_mul_duration_float(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    return scaled(call, (long double)args[0].as.i * (long double)args[1].as.f);
}

weir_value
weiri_scalar_mul_float_duration(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    return scaled(call, (long double)args[1].as.i * (long double)args[0].as.f);
}

weir_value
weiri_scalar_div_duration_float(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    return scaled(call, (long double)args[0].as.i / (long double)args[1].as.f);
}

/* Towards zero, as the nanosecond is the smallest part. */
weir_value
weiri_scalar_div_duration_int(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    int64_t by = args[1].as.i;
    if (by == 0 || (by == -1 && args[0].as.i == INT64_MIN)) {
        return weiri_of_fault(call);
    }
    return weiri_of_int(args[0].as.i / by);
}
