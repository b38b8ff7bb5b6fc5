/* Functions of numbers on one row. */
#include "expr/scalar/kernels.h"
#include "weiri/hash.h"
#include "weiri/pack.h"

#define PI 0x1.921fb54442d18p+1

static weir_value
finite(weiri_call *call, double result)
{
    uint64_t fault = 0;
    weiri_lane_finite(result, &fault);
    return fault ? weiri_of_fault(call) : weiri_of_float(result);
}

#define FUNCTION(name, RESULT)                                                           \
    weir_value weiri_scalar_##name(weiri_call *call, const weir_value *args, uint32_t n) \
    {                                                                                    \
        (void)n;                                                                         \
        return finite(call, RESULT);                                                     \
    }

FUNCTION(sqrt, sqrt(args[0].as.f))
FUNCTION(exp, exp(args[0].as.f))
FUNCTION(ln, log(args[0].as.f))
FUNCTION(log10, log10(args[0].as.f))
FUNCTION(pow, pow(args[0].as.f, args[1].as.f))
FUNCTION(sin, sin(args[0].as.f))
FUNCTION(cos, cos(args[0].as.f))
FUNCTION(tan, tan(args[0].as.f))
FUNCTION(asin, asin(args[0].as.f))
FUNCTION(acos, acos(args[0].as.f))
FUNCTION(atan, atan(args[0].as.f))
FUNCTION(atan2, atan2(args[0].as.f, args[1].as.f))
FUNCTION(mod_float, fmod(args[0].as.f, args[1].as.f))
FUNCTION(bucket_float, floor(args[0].as.f / args[1].as.f) * args[1].as.f)

#define SIMPLE(name, RESULT)                                                             \
    weir_value weiri_scalar_##name(weiri_call *call, const weir_value *args, uint32_t n) \
    {                                                                                    \
        (void)call;                                                                      \
        (void)args;                                                                      \
        (void)n;                                                                         \
        return RESULT;                                                                   \
    }

SIMPLE(pi, weiri_of_float(PI))
SIMPLE(floor, weiri_of_float(floor(args[0].as.f)))
SIMPLE(ceil, weiri_of_float(ceil(args[0].as.f)))
SIMPLE(round, weiri_of_float(round(args[0].as.f)))
SIMPLE(abs_float, weiri_of_float(fabs(args[0].as.f)))
SIMPLE(sign_int, weiri_of_int(weiri_compare_int(args[0].as.i, 0)))
SIMPLE(sign_float, weiri_of_int(weiri_compare_float(args[0].as.f, 0)))

weir_value
weiri_scalar_abs_int(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    if (args[0].as.i == INT64_MIN) {
        return weiri_of_fault(call);
    }
    return weiri_of_int(args[0].as.i < 0 ? -args[0].as.i : args[0].as.i);
}

/* To `digits` decimals, or tens with negative ones. A power of ten up to 10^22 is exact,
 * and beyond 2^52 a float has no decimals to lose. */
weir_value
weiri_scalar_round_digits(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    double  value  = args[0].as.f;
    int64_t digits = args[1].as.i;
    if (digits > 22) {
        return args[0];
    }
    if (digits < -22) {
        double scaled = digits < -308 ? 0 : round(value / pow(10, (double)-digits));
        double result = scaled * pow(10, digits < -308 ? 0 : (double)-digits);
        return weiri_of_float(isfinite(result) ? result : value);
    }
    double power  = pow(10, (double)(digits < 0 ? -digits : digits));
    double scaled = digits < 0 ? value / power : value * power;
    if (!(fabs(scaled) < 0x1p52)) {
        return args[0];
    }
    return weiri_of_float(digits < 0 ? round(scaled) * power : round(scaled) / power);
}

/* The greatest multiple of `width` not above x. */
weir_value
weiri_scalar_bucket_int(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    int64_t  x     = args[0].as.i;
    int64_t  width = args[1].as.i;
    uint64_t fault = 0;
    if (width <= 0) {
        return weiri_of_fault(call);
    }
    int64_t over   = x % width;
    int64_t bucket = weiri_lane_sub_int(x, over < 0 ? over + width : over, &fault);
    return fault ? weiri_of_fault(call) : weiri_of_int(bucket);
}

/* Great-circle distance in km by the haversine formula on a sphere of the mean radius
 * R1 = 6371.0088 km (Moritz, "Geodetic Reference System 1980", J. Geodesy 74, 2000);
 * formula: Sinnott, "Virtues of the Haversine", Sky and Telescope 68(2), 1984. Arguments
 * in degrees: latitude, longitude, latitude, longitude. */
weir_value
weiri_scalar_distance(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    const double degree = PI / 180;
    const double radius = 6371.0088;
    double       lat_a  = args[0].as.f * degree;
    double       lat_b  = args[2].as.f * degree;
    double       half_n = sin((lat_b - lat_a) / 2);
    double       half_e = sin((args[3].as.f - args[1].as.f) * degree / 2);
    double       h      = half_n * half_n + cos(lat_a) * cos(lat_b) * half_e * half_e;
    return finite(call, 2 * radius * asin(sqrt(fmin(h, 1))));
}

/* ---- hash ---- */

/* A whole float hashes like the int that it equals. */
static uint64_t
hash_float(double value)
{
    if (value >= -0x1p63 && value < 0x1p63 && value == floor(value)) {
        return weiri_hash_number(WEIRI_HASH_BEGIN, (uint64_t)(int64_t)value);
    }
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return weiri_hash_number(WEIRI_HASH_BEGIN, bits);
}

static uint64_t
hash_value(const weir_value *value)
{
    switch ((weir_type)value->type) {
    case WEIR_BOOL: return weiri_hash_number(WEIRI_HASH_BEGIN, value->as.b ? 1 : 0);
    case WEIR_FLOAT: return hash_float(value->as.f);
    case WEIR_STRING: return weiri_hash_bytes(WEIRI_HASH_BEGIN, value->as.s, value->size);
    case WEIR_INT:
    case WEIR_TIME:
    case WEIR_DURATION: return weiri_hash_number(WEIRI_HASH_BEGIN, (uint64_t)value->as.i);
    case WEIR_NULL:
    case WEIR_LIST: break;
    }
    return 0;
}

/* FNV-1a, 64 bit (RFC 9923), without its highest bit: 0 … 2^63 - 1. */
weir_value
weiri_scalar_hash(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    return weiri_of_int((int64_t)(hash_value(&args[0]) & INT64_MAX));
}

/* Whether the hash, as a number from 0 to 1, is below the part that is wanted: what is in
 * a tenth is in a fifth as well. The high bits of FNV-1a depend little on the last bytes
 * of a short key, so they are mixed first. */
weir_value
weiri_scalar_sample(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    uint64_t hash = weiri_mix(hash_value(&args[0]));
    return weiri_of_bool((double)(hash >> 11) * 0x1p-53 < args[1].as.f);
}

/* How many of the edges are at or below the first. */
weir_value
weiri_scalar_bin(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    int64_t bin = 0;
    for (uint32_t i = 1; i < n; i++) {
        bin += weiri_compare_values(&args[0], &args[i]) >= 0;
    }
    return weiri_of_int(bin);
}
