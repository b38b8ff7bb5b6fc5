/* Comparisons, logic and choice on one row. */
#include "expr/prepare.h"
#include "expr/scalar/kernels.h"

#define COMPARISON(name, ORDER)                                                          \
    weir_value weiri_scalar_##name(weiri_call *call, const weir_value *args, uint32_t n) \
    {                                                                                    \
        (void)call;                                                                      \
        (void)n;                                                                         \
        const weir_value *a = &args[0];                                                  \
        const weir_value *b = &args[1];                                                  \
        return weiri_of_bool(ORDER);                                                     \
    }

#define COMPARISONS(name, op)                                                            \
    COMPARISON(name##_int, a->as.i op b->as.i)                                           \
    COMPARISON(name##_float, a->as.f op b->as.f)                                         \
    COMPARISON(name##_bool, a->as.b op b->as.b)                                          \
    COMPARISON(name##_int_float, weiri_compare_int_float(a->as.i, b->as.f) op 0)         \
    COMPARISON(name##_float_int, 0 op weiri_compare_int_float(b->as.i, a->as.f))

#define TEXT_ORDER weiri_compare_text(a->as.s, a->size, b->as.s, b->size)
#define TEXT_EQUAL weiri_equal_text(a->as.s, a->size, b->as.s, b->size)

COMPARISONS(eq, ==)
COMPARISONS(ne, !=)
COMPARISONS(lt, <)
COMPARISONS(le, <=)
COMPARISONS(gt, >)
COMPARISONS(ge, >=)
COMPARISON(eq_string, TEXT_EQUAL)
COMPARISON(ne_string, !TEXT_EQUAL)
COMPARISON(lt_string, TEXT_ORDER < 0)
COMPARISON(le_string, TEXT_ORDER <= 0)
COMPARISON(gt_string, TEXT_ORDER > 0)
COMPARISON(ge_string, TEXT_ORDER >= 0)

int
weiri_compare_values(const weir_value *a, const weir_value *b)
{
    switch ((weir_type)a->type) {
    case WEIR_BOOL: return weiri_compare_int(a->as.b, b->as.b);
    case WEIR_FLOAT:
        return b->type == WEIR_INT ? -weiri_compare_int_float(b->as.i, a->as.f)
                                   : weiri_compare_float(a->as.f, b->as.f);
    case WEIR_STRING: return weiri_compare_text(a->as.s, a->size, b->as.s, b->size);
    case WEIR_INT:
        return b->type == WEIR_FLOAT ? weiri_compare_int_float(a->as.i, b->as.f)
                                     : weiri_compare_int(a->as.i, b->as.i);
    case WEIR_TIME:
    case WEIR_DURATION: return weiri_compare_int(a->as.i, b->as.i);
    case WEIR_NULL:
    case WEIR_LIST: break;
    }
    return 0;
}

/* ---- three-valued logic (Kleene 1938) ---- */

static bool
is_true(const weir_value *value)
{
    return !value->is_null && value->as.b;
}

static bool
is_false(const weir_value *value)
{
    return !value->is_null && !value->as.b;
}

weir_value
weiri_scalar_and(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    if (is_false(&args[0]) || is_false(&args[1])) {
        return weiri_of_bool(false);
    }
    return args[0].is_null || args[1].is_null ? weiri_of_null() : weiri_of_bool(true);
}

weir_value
weiri_scalar_or(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    if (is_true(&args[0]) || is_true(&args[1])) {
        return weiri_of_bool(true);
    }
    return args[0].is_null || args[1].is_null ? weiri_of_null() : weiri_of_bool(false);
}

weir_value
weiri_scalar_not(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    return weiri_of_bool(!args[0].as.b);
}

weir_value
weiri_scalar_is_null(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    return weiri_of_bool(args[0].is_null);
}

weir_value
weiri_scalar_is_not_null(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    return weiri_of_bool(!args[0].is_null);
}

/* ---- choice ---- */

weir_value
weiri_scalar_if(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    return is_true(&args[0]) ? args[1] : args[2];
}

weir_value
weiri_scalar_coalesce(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    uint32_t i = 0;
    while (i + 1 < n && args[i].is_null) {
        i++;
    }
    return args[i];
}

/* ---- in, between ---- */

weir_value
weiri_scalar_in(weiri_call *call, const weir_value *args, uint32_t n)
{
    if (args[0].is_null) {
        return weiri_of_null();
    }
    bool has_null = false;
    if (call->prepared != NULL) {
        const weiri_set *set = call->prepared;
        if (weiri_set_has(set, &args[0])) {
            return weiri_of_bool(true);
        }
        has_null = set->has_null;
    } else {
        for (uint32_t i = 1; i < n; i++) {
            if (args[i].is_null) {
                has_null = true;
            } else if (weiri_compare_values(&args[0], &args[i]) == 0) {
                return weiri_of_bool(true);
            }
        }
    }
    return has_null ? weiri_of_null() : weiri_of_bool(false);
}

/* lo <= x and x <= hi. */
weir_value
weiri_scalar_between(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    if (args[0].is_null) {
        return weiri_of_null();
    }
    bool is_below = !args[1].is_null && weiri_compare_values(&args[0], &args[1]) < 0;
    bool is_above = !args[2].is_null && weiri_compare_values(&args[0], &args[2]) > 0;
    if (is_below || is_above) {
        return weiri_of_bool(false);
    }
    return args[1].is_null || args[2].is_null ? weiri_of_null() : weiri_of_bool(true);
}

weir_value
weiri_scalar_like(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    const weiri_like *like = call->prepared;
    if (like != NULL) {
        return weiri_of_bool(weiri_like_matches(like, args[0].as.s, args[0].size));
    }
    return weiri_of_bool(
        weiri_is_like(args[0].as.s, args[0].size, args[1].as.s, args[1].size));
}

/* ---- greatest, least, clamp ---- */

weir_value
weiri_scalar_greatest(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++) {
        best = weiri_compare_values(&args[i], &args[best]) > 0 ? i : best;
    }
    return args[best];
}

weir_value
weiri_scalar_least(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++) {
        best = weiri_compare_values(&args[i], &args[best]) < 0 ? i : best;
    }
    return args[best];
}

/* Where lo > hi, lo. */
weir_value
weiri_scalar_clamp(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    bool              is_above = weiri_compare_values(&args[0], &args[2]) > 0;
    const weir_value *value    = is_above ? &args[2] : &args[0];
    return weiri_compare_values(value, &args[1]) < 0 ? args[1] : *value;
}
