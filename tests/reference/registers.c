/* Registers, each computed from all events taken. */
#include <math.h>
#include <string.h>

#include "state.h"
#include "weiri/limits.h"

typedef struct series {
    weir_value *values; /* the argument at each event of the step, in order */
    uint32_t    n;
} series;

static series
argument_values(
    weir_reference *self, const weiri_register *reg, const ref_bindings *bindings)
{
    series s = { .values = weiri_arena_alloc(
                     self->arena, (bindings->n + 1) * sizeof *s.values) };
    for (uint32_t i = 0; i < bindings->n; i++) {
        if (reg->step != WEIRI_NONE && bindings->taken[i].step != reg->step) {
            continue;
        }
        const ref_event *e     = bindings->events[i];
        weir_value       value = { .type = WEIR_BOOL, .as.b = true };
        if (reg->arguments != NULL && reg->arguments[e->input] != NULL) {
            value = weir_reference_eval(reg->arguments[e->input], e->chunk, e->row, NULL);
        } else if (reg->arguments != NULL) {
            value = (weir_value){ .type = (uint8_t)reg->type, .is_null = true };
        }
        s.values[s.n++] = value;
    }
    return s;
}

static weir_value
nothing(const weiri_register *reg)
{
    return (weir_value){ .type = (uint8_t)reg->type, .is_null = true };
}

static weir_value
at(const weiri_register *reg, series s, int64_t index)
{
    return index >= 0 && index < (int64_t)s.n ? s.values[index] : nothing(reg);
}

static series
without_nulls(series s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s.n; i++) {
        if (!s.values[i].is_null) {
            s.values[n++] = s.values[i];
        }
    }
    s.n = n;
    return s;
}

static double
number(weir_value v)
{
    return v.type == WEIR_FLOAT ? v.as.f : (double)v.as.i;
}

static weir_value
count_of(series s)
{
    weir_value v = { .type = WEIR_INT };
    for (uint32_t i = 0; i < s.n; i++) {
        v.as.i +=
            !s.values[i].is_null && (s.values[i].type != WEIR_BOOL || s.values[i].as.b);
    }
    return v;
}

static weir_value
sum_of(const weiri_register *reg, series s)
{
    weir_value sum = { .type = (uint8_t)reg->type };
    for (uint32_t i = 0; i < s.n; i++) {
        if (reg->type == WEIR_FLOAT) {
            sum.as.f += number(s.values[i]);
        } else if (__builtin_add_overflow(sum.as.i, s.values[i].as.i, &sum.as.i)) {
            return nothing(reg);
        }
    }
    return reg->type == WEIR_FLOAT && !isfinite(sum.as.f) ? nothing(reg) : sum;
}

static double
mean(series s)
{
    double sum = 0;
    for (uint32_t i = 0; i < s.n; i++) {
        sum += number(s.values[i]);
    }
    return sum / s.n;
}

static double
variance(series s)
{
    double m   = mean(s);
    double sum = 0;
    for (uint32_t i = 0; i < s.n; i++) {
        double d = number(s.values[i]) - m;
        sum += d * d;
    }
    return sum / s.n;
}

static weir_value
real(const weiri_register *reg, double f)
{
    weir_value v = { .type = WEIR_FLOAT, .as.f = f };
    if (reg->type == WEIR_DURATION || reg->type == WEIR_TIME) {
        v = (weir_value){ .type = (uint8_t)reg->type, .as.i = (int64_t)f };
    }
    return isfinite(f) ? v : nothing(reg);
}

static bool
is_less(weir_value a, weir_value b)
{
    if (a.type == WEIR_STRING) {
        uint32_t n = a.size < b.size ? a.size : b.size;
        int      c = memcmp(a.as.s, b.as.s, n);
        return c < 0 || (c == 0 && a.size < b.size);
    }
    return a.type == WEIR_FLOAT  ? a.as.f < b.as.f
           : a.type == WEIR_BOOL ? a.as.b < b.as.b
                                 : a.as.i < b.as.i;
}

static weir_value
extreme(const weiri_register *reg, series s)
{
    weir_value best = at(reg, s, 0);
    for (uint32_t i = 1; i < s.n; i++) {
        bool is_max = reg->kind == WEIRI_REGISTER_MAX;
        if (is_max ? is_less(best, s.values[i]) : is_less(s.values[i], best)) {
            best = s.values[i];
        }
    }
    return best;
}

static uint32_t
element_size(const weiri_register *reg)
{
    return reg->element == WEIR_BOOL ? 1 : 8;
}

/* A list as packed bytes, see weir_value. */
static weir_value
collect(weir_reference *self, const weiri_register *reg, series s)
{
    size_t size = 1;
    s.n         = s.n < WEIRI_LIST_ITEMS ? s.n : WEIRI_LIST_ITEMS;
    for (uint32_t i = 0; i < s.n; i++) {
        size += 9 + s.values[i].size;
    }
    char  *bytes  = weiri_arena_alloc(self->arena, size);
    size_t used   = 0;
    bytes[used++] = (char)reg->element;
    for (uint32_t i = 0; i < s.n; i++) {
        const weir_value *v = &s.values[i];
        bytes[used++]       = v->is_null ? 1 : 0;
        if (v->is_null) {
            continue;
        }
        if (reg->element == WEIR_STRING) {
            memcpy(bytes + used, &v->size, sizeof v->size);
            memcpy(bytes + used + sizeof v->size, v->as.s, v->size);
            used += sizeof v->size + v->size;
        } else {
            memcpy(bytes + used, &v->as, element_size(reg));
            used += element_size(reg);
        }
    }
    return (weir_value){ .type = WEIR_LIST, .as.s = bytes, .size = (uint32_t)used };
}

static weir_value
of_series(weir_reference *self, const weiri_register *reg, series s)
{
    switch (reg->kind) {
    case WEIRI_REGISTER_LAST: return at(reg, s, (int64_t)s.n - 1);
    case WEIRI_REGISTER_FIRST: return at(reg, s, 0);
    case WEIRI_REGISTER_NTH: return at(reg, s, reg->index);
    case WEIRI_REGISTER_NTH_LAST: return at(reg, s, (int64_t)s.n - 1 - reg->index);
    case WEIRI_REGISTER_COUNT: return count_of(s);
    case WEIRI_REGISTER_COLLECT: return collect(self, reg, s);
    default: break;
    }
    s = without_nulls(s);
    if (reg->kind == WEIRI_REGISTER_SUM) {
        return sum_of(reg, s);
    }
    if (s.n == 0) {
        return nothing(reg);
    }
    switch (reg->kind) {
    case WEIRI_REGISTER_AVG: return real(reg, mean(s));
    case WEIRI_REGISTER_STDDEV: return real(reg, sqrt(variance(s)));
    case WEIRI_REGISTER_VARIANCE: return real(reg, variance(s));
    default: return extreme(reg, s);
    }
}

static weir_value
value_of(weir_reference *self, const ref_partition *partition, const weiri_register *reg,
    const ref_bindings *bindings, const int64_t *end_ns)
{
    weir_value time = { .type = WEIR_TIME };
    switch (reg->kind) {
    case WEIRI_REGISTER_KEY: return partition->keys[reg->index];
    case WEIRI_REGISTER_START:
        time.as.i = bindings->n > 0 ? bindings->taken[0].time_ns : 0;
        return bindings->n > 0 ? time : nothing(reg);
    case WEIRI_REGISTER_END:
        time.as.i = end_ns != NULL ? *end_ns : 0;
        return end_ns != NULL ? time : nothing(reg);
    default: return of_series(self, reg, argument_values(self, reg, bindings));
    }
}

weir_value *
ref_registers(weir_reference *self, const ref_partition *partition,
    const ref_bindings *bindings, const int64_t *end_ns)
{
    const weiri_match *plan = self->plan;
    weir_value        *values =
        weiri_arena_alloc(self->arena, (plan->n_registers + 1) * sizeof *values);
    for (uint32_t i = 0; i < plan->n_registers; i++) {
        if (end_ns != NULL || plan->registers[i].in_condition) {
            values[i] = value_of(self, partition, &plan->registers[i], bindings, end_ns);
        } else {
            values[i] = nothing(&plan->registers[i]);
        }
    }
    return values;
}
