/* Lists on one row: packed elements, see weir/value.h. */
#include "expr/scalar/kernels.h"

#include <math.h>
#include <stdlib.h>

#include "aggregate/moments.h"

struct reader {
    const char *at;
    const char *end;
    weir_type   element;
};

static struct reader
reader_of(const weir_value *list)
{
    struct reader self = { .at = list->as.s, .end = list->as.s + list->size };
    if (list->size > 0) {
        self.element = (weir_type)*self.at++;
    }
    return self;
}

static bool
next(struct reader *self, weir_value *out)
{
    if (self->at == self->end) {
        return false;
    }
    *out = (weir_value){ .type = (uint8_t)self->element, .is_null = *self->at++ != 0 };
    if (out->is_null) {
        return true;
    }
    if (self->element == WEIR_BOOL) {
        out->as.b = *self->at++ != 0;
    } else if (self->element == WEIR_STRING) {
        memcpy(&out->size, self->at, sizeof out->size);
        out->as.s = self->at + sizeof out->size;
        self->at  = out->as.s + out->size;
    } else {
        memcpy(&out->as, self->at, sizeof(int64_t));
        self->at += sizeof(int64_t);
    }
    return true;
}

static int64_t
count(const weir_value *list)
{
    struct reader reader = reader_of(list);
    weir_value    value  = { 0 };
    int64_t       n      = 0;
    while (next(&reader, &value)) {
        n++;
    }
    return n;
}

weir_value
weiri_scalar_length_list(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    return weiri_of_int(count(&args[0]));
}

/* Nulls in the list equal nothing. */
weir_value
weiri_scalar_contains_list(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    struct reader reader = reader_of(&args[0]);
    weir_value    value  = { 0 };
    while (next(&reader, &value)) {
        if (!value.is_null && weiri_compare_values(&value, &args[1]) == 0) {
            return weiri_of_bool(true);
        }
    }
    return weiri_of_bool(false);
}

/* From 0 on, from the end with -1; null where there is none. */
weir_value
weiri_scalar_at(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    struct reader reader = reader_of(&args[0]);
    weir_value    value  = { 0 };
    int64_t       index  = args[1].as.i;
    index += index < 0 ? count(&args[0]) : 0;
    for (int64_t i = 0; next(&reader, &value); i++) {
        if (i == index) {
            return value;
        }
    }
    return weiri_of_null();
}

/* ---- lists of values ---- */

static size_t
packed_size(const weir_value *value)
{
    switch ((weir_type)value->type) {
    case WEIR_BOOL: return 2;
    case WEIR_STRING: return 1 + sizeof value->size + value->size;
    default: return 1 + sizeof(int64_t);
    }
}

/* Append a value that is not null. */
static char *
pack(char *at, const weir_value *value)
{
    *at++ = 0;
    if (value->type == WEIR_BOOL) {
        *at = (char)(value->as.b ? 1 : 0);
        return at + 1;
    }
    if (value->type != WEIR_STRING) {
        memcpy(at, &value->as, sizeof(int64_t));
        return at + sizeof(int64_t);
    }
    memcpy(at, &value->size, sizeof value->size);
    at += sizeof value->size;
    if (value->size > 0) {
        memcpy(at, value->as.s, value->size);
    }
    return at + value->size;
}

weir_value
weiri_scalar_list(weiri_call *call, const weir_value *args, uint32_t n)
{
    size_t size = 1;
    for (uint32_t i = 0; i < n; i++) {
        size += packed_size(&args[i]);
    }
    if (size > WEIRI_MADE_TEXT) {
        return weiri_of_fault(call);
    }
    char *bytes = weiri_text_pool_make(call->texts, size);
    char *at    = bytes;
    *at++       = (char)args[0].type;
    for (uint32_t i = 0; i < n; i++) {
        at = pack(at, &args[i]);
    }
    return weiri_of_text(bytes, size);
}

/* A 1 where the first equals one of the others, a 0 where it does not. */
weir_value
weiri_scalar_one_hot(weiri_call *call, const weir_value *args, uint32_t n)
{
    weir_value item = { .type = WEIR_INT };
    size_t     size = 1 + (n - 1) * packed_size(&item);
    if (size > WEIRI_MADE_TEXT) {
        return weiri_of_fault(call);
    }
    char *bytes = weiri_text_pool_make(call->texts, size);
    char *at    = bytes;
    *at++       = WEIR_INT;
    for (uint32_t i = 1; i < n; i++) {
        item.as.i = weiri_compare_values(&args[0], &args[i]) == 0;
        at        = pack(at, &item);
    }
    return weiri_of_text(bytes, size);
}

static double
number(const weir_value *value)
{
    return value->type == WEIR_FLOAT ? value->as.f : (double)value->as.i;
}

/* Products summed from left to right. Lists of different lengths have none; nor have
 * lists with a null. */
weir_value
weiri_scalar_dot(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)n;
    struct reader left  = reader_of(&args[0]);
    struct reader right = reader_of(&args[1]);
    weir_value    x     = { 0 };
    weir_value    y     = { 0 };
    double        sum   = 0;
    bool          more  = next(&left, &x);
    while (more && next(&right, &y) && !x.is_null && !y.is_null) {
        sum += number(&x) * number(&y);
        more = next(&left, &x);
    }
    if (more || next(&right, &y) || !isfinite(sum)) {
        return weiri_of_fault(call);
    }
    return weiri_of_float(sum);
}

/* ---- values in order ---- */

static int
compare_items(const void *a, const void *b)
{
    const weir_value *x = a;
    const weir_value *y = b;
    return weiri_compare_values(x, y);
}

/* The values that are not null, in order; to be freed. NULL: none, or out of memory. */
static weir_value *
sorted(const weir_value *list, size_t *n)
{
    struct reader reader = reader_of(list);
    weir_value    value  = { 0 };
    weir_value   *items  = malloc(((size_t)count(list) + 1) * sizeof *items);
    for (*n = 0; items != NULL && next(&reader, &value);) {
        if (!value.is_null) {
            items[(*n)++] = value;
        }
    }
    if (items != NULL) {
        qsort(items, *n, sizeof *items, compare_items);
    }
    return items;
}

/* Between two values by proportion, as the aggregate of a window. */
static weir_value
quantile(const weir_value *list, double p)
{
    size_t      n        = 0;
    weir_value *items    = sorted(list, &n);
    weir_value  result   = weiri_of_null();
    bool        is_known = n > 0 && p >= 0.0 && p <= 1.0
                    && (items[0].type == WEIR_INT || items[0].type == WEIR_FLOAT);
    if (is_known) {
        double place   = p * (double)(n - 1);
        size_t whole   = (size_t)place;
        double between = place - (double)whole;
        double low     = number(&items[whole]);
        double high    = number(&items[whole + 1 < n ? whole + 1 : whole]);
        result =
            weiri_of_float(low == high ? low : low * (1.0 - between) + high * between);
    }
    free(items);
    return result;
}

weir_value
weiri_scalar_median_list(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    return quantile(&args[0], 0.5);
}

weir_value
weiri_scalar_quantile_list(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    return quantile(&args[0], args[1].as.f);
}

weir_value
weiri_scalar_distinct_list(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    size_t      n_items = 0;
    int64_t     n_ways  = 0;
    weir_value *items   = sorted(&args[0], &n_items);
    for (size_t i = 0; i < n_items; i++) {
        n_ways += i == 0 || compare_items(&items[i - 1], &items[i]) != 0;
    }
    free(items);
    return weiri_of_int(n_ways);
}

/* ---- values and their times ---- */

static weir_value
float_or_null(double f, bool is_defined)
{
    return is_defined && isfinite(f) ? weiri_of_float(f) : weiri_of_null();
}

/* By how much a value rises in a second, as the aggregate of a window. */
weir_value
weiri_scalar_slope_list(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    struct reader   values     = reader_of(&args[0]);
    struct reader   times      = reader_of(&args[1]);
    weiri_comoments moments    = { .n = 0 };
    weir_value      x          = { 0 };
    weir_value      t          = { 0 };
    bool            is_defined = false;
    while (next(&values, &x) && next(&times, &t)) {
        if (!x.is_null && !t.is_null) {
            weiri_double2 at = weiri_double2_of_int(t.as.i);
            weiri_comoments_add(&moments,
                (weiri_double2){ at.high * 0x1p-30, at.low * 0x1p-30 },
                x.type == WEIR_FLOAT ? weiri_double2_of(x.as.f)
                                     : weiri_double2_of_int(x.as.i));
        }
    }
    double slope = weiri_comoments_slope(&moments, &is_defined) * (1e9 * 0x1p-30);
    return float_or_null(slope, is_defined);
}

weir_value
weiri_scalar_ewma_list(weiri_call *call, const weir_value *args, uint32_t n)
{
    (void)call;
    (void)n;
    struct reader values  = reader_of(&args[0]);
    struct reader times   = reader_of(&args[1]);
    weiri_decayed decayed = { .weight = 0 };
    weir_value    x       = { 0 };
    weir_value    t       = { 0 };
    while (args[2].as.i > 0 && next(&values, &x) && next(&times, &t)) {
        if (!x.is_null && !t.is_null) {
            weiri_decayed_add(&decayed, number(&x), t.as.i, args[2].as.i);
        }
    }
    return float_or_null(decayed.mean, decayed.weight != 0);
}

/* ---- the most frequent ---- */

struct frequent {
    weir_value value;
    int64_t    count;
};

static int
compare_frequent(const void *a, const void *b)
{
    const struct frequent *x = a;
    const struct frequent *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
                                : weiri_compare_values(&x->value, &y->value);
}

/* Of equals the least first, as the aggregate of a window. */
weir_value
weiri_scalar_top_list(weiri_call *call, const weir_value *args, uint32_t n)
{
    size_t           n_items = 0;
    size_t           n_ways  = 0;
    weir_value      *items   = sorted(&args[0], &n_items);
    struct frequent *ways    = malloc((n_items + 1) * sizeof *ways);
    (void)n;
    for (size_t i = 0; ways != NULL && i < n_items; i++) {
        if (i == 0 || compare_items(&items[i - 1], &items[i]) != 0) {
            ways[n_ways++] = (struct frequent){ .value = items[i] };
        }
        ways[n_ways - 1].count++;
    }
    if (ways != NULL) {
        qsort(ways, n_ways, sizeof *ways, compare_frequent);
    }
    size_t k    = args[1].as.i < 0 ? 0 : (size_t)args[1].as.i;
    size_t most = n_ways < k ? n_ways : k;
    size_t size = 1;
    for (size_t i = 0; i < most; i++) {
        size += packed_size(&ways[i].value);
    }
    weir_value result = weiri_of_fault(call);
    if (size <= WEIRI_MADE_TEXT && ways != NULL) {
        char *bytes = weiri_text_pool_make(call->texts, size);
        char *at    = bytes;
        *at++       = (char)reader_of(&args[0]).element;
        for (size_t i = 0; i < most; i++) {
            at = pack(at, &ways[i].value);
        }
        result = weiri_of_text(bytes, size);
    }
    free(ways);
    free(items);
    return result;
}
