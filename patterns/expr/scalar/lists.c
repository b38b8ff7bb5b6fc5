/* Lists on one row: packed elements, see weir/value.h. */
#include "expr/scalar/kernels.h"

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
