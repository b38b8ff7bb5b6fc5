/* What registers are worth: from a run's cells to values. */
#include "match/registers_inner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static weir_value
null_of(weir_type type)
{
    return (weir_value){ .type = (uint8_t)type, .is_null = true };
}

static weir_value
float_of(double f)
{
    return isfinite(f) ? (weir_value){ .type = WEIR_FLOAT, .as.f = f }
                       : null_of(WEIR_FLOAT);
}

static weir_value
int_of(weir_type type, int64_t i)
{
    return (weir_value){ .type = (uint8_t)type, .as.i = i };
}

weir_value
weiri_registers_pair_value(const weiri_cell *pair, weir_type type)
{
    if (pair[1].u != IS_VALUE) {
        return null_of(type);
    }
    weir_value value = { .type = (uint8_t)type };
    switch (type) {
    case WEIR_BOOL: value.as.b = pair->i != 0; break;
    case WEIR_FLOAT: value.as.f = pair->f; break;
    case WEIR_STRING:
    case WEIR_LIST:
        value.as.s = pair->text->bytes;
        value.size = pair->text->size;
        break;
    case WEIR_NULL:
    case WEIR_INT:
    case WEIR_TIME:
    case WEIR_DURATION: value.as.i = pair->i; break;
    }
    return value;
}

static weir_value
sum_of(const slot *s, const weiri_register *reg, const weiri_cell *at)
{
    bool is_avg = reg->kind == WEIRI_REGISTER_AVG;
    if (is_avg && at[2].i == 0) {
        return null_of(reg->type);
    }
    if (!s->is_exact) {
        double sum = at[0].f + at[1].f;
        return float_of(is_avg ? sum / (double)at[2].i : sum);
    }
    if (at[1].u != 0) {
        return null_of(reg->type);
    }
    return int_of(reg->type, is_avg ? at[0].i / at[2].i : at[0].i);
}

static weir_value
spread_of(const weiri_register *reg, const weiri_cell *at)
{
    if (at[0].i == 0) {
        return null_of(reg->type);
    }
    double variance = at[2].f / (double)at[0].i;
    return float_of(reg->kind == WEIRI_REGISTER_STDDEV ? sqrt(variance) : variance);
}

/* Room that lives until weiri_registers_begin_values. */
static char *
list_room(weiri_registers *self, size_t size)
{
    if (self->n_lists == self->capacity_lists) {
        uint32_t capacity = self->capacity_lists * 2 + 4;
        char   **lists    = realloc(self->lists, capacity * sizeof *lists);
        if (lists == NULL) {
            return NULL;
        }
        self->lists          = lists;
        self->capacity_lists = capacity;
    }
    char *room = malloc(size);
    if (room != NULL) {
        self->lists[self->n_lists++] = room;
    }
    return room;
}

void
weiri_registers_begin_values(weiri_registers *self)
{
    while (self->n_lists > 0) {
        free(self->lists[--self->n_lists]);
    }
}

static size_t
packed_size(const slot *s, const link *l)
{
    if (l->state != IS_VALUE) {
        return 1;
    }
    return s->is_text ? 1 + sizeof(uint32_t) + l->value.text->size
                      : 1 + (size_t)(s->of == WEIR_BOOL ? 1 : 8);
}

static void
pack(const slot *s, const link *l, char *to)
{
    *to++ = l->state != IS_VALUE ? 1 : 0;
    if (l->state != IS_VALUE) {
        return;
    }
    if (s->is_text) {
        memcpy(to, &l->value.text->size, sizeof(uint32_t));
        memcpy(to + sizeof(uint32_t), l->value.text->bytes, l->value.text->size);
    } else if (s->of == WEIR_BOOL) {
        *to = (char)l->value.i;
    } else {
        memcpy(to, &l->value, 8);
    }
}

static weir_value
list_of(weiri_registers *self, const slot *s, const weiri_cell *at)
{
    size_t size = 1;
    link   l;
    for (const weiri_string *i = at->text; i != NULL; i = l.before) {
        memcpy(&l, i->bytes, sizeof l);
        size += packed_size(s, &l);
    }
    char *packed = size < UINT32_MAX ? list_room(self, size) : NULL;
    if (packed == NULL) {
        self->is_out_of_memory = true;
        return null_of(WEIR_LIST);
    }
    packed[0]  = (char)s->of;
    size_t end = size;
    for (const weiri_string *i = at->text; i != NULL; i = l.before) {
        memcpy(&l, i->bytes, sizeof l);
        end -= packed_size(s, &l);
        pack(s, &l, packed + end);
    }
    return (weir_value){ .type = WEIR_LIST, .as.s = packed, .size = (uint32_t)size };
}

weir_value
weiri_registers_value(weiri_registers *self, const weiri_cell *cells, uint32_t r,
    const weiri_moment *moment)
{
    const weiri_register *reg = &self->plan->registers[r];
    const slot           *s   = &self->slots[r];
    const weiri_cell     *at  = &cells[s->cell];
    switch (reg->kind) {
    case WEIRI_REGISTER_KEY: return moment->key[reg->index];
    case WEIRI_REGISTER_START: return int_of(WEIR_TIME, moment->start_ns);
    case WEIRI_REGISTER_END: return int_of(WEIR_TIME, moment->end_ns);
    case WEIRI_REGISTER_COUNT: return int_of(WEIR_INT, at->i);
    case WEIRI_REGISTER_SUM:
    case WEIRI_REGISTER_AVG: return sum_of(s, reg, at);
    case WEIRI_REGISTER_STDDEV:
    case WEIRI_REGISTER_VARIANCE: return spread_of(reg, at);
    case WEIRI_REGISTER_COLLECT: return list_of(self, s, at);
    case WEIRI_REGISTER_NTH_LAST: {
        uint64_t width = (uint64_t)reg->index + 1;
        return at->u < width
                   ? null_of(reg->type)
                   : weiri_registers_pair_value(at + 1 + 2 * (at->u % width), reg->type);
    }
    case WEIRI_REGISTER_LAST:
    case WEIRI_REGISTER_FIRST:
    case WEIRI_REGISTER_NTH:
    case WEIRI_REGISTER_MIN:
    case WEIRI_REGISTER_MAX: return weiri_registers_pair_value(at, reg->type);
    }
    return null_of(reg->type);
}
