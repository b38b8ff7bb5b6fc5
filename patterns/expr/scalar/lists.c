/* Lists on one row: packed elements, see weir/value.h. */
#include "expr/scalar/kernels.h"

#include <stdlib.h>

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

static double
number(const weir_value *value)
{
    return value->type == WEIR_FLOAT ? value->as.f : (double)value->as.i;
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
