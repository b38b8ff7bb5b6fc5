/* weiri_cell: a value that is not null in eight bytes; its type is known elsewhere.
 *
 * A string is a pointer to a weir_value, borrowed from a vector or owned: then bytes and
 * value are one block.
 */
#ifndef WEIRI_CELL_H
#define WEIRI_CELL_H

#include <stdlib.h>
#include <string.h>

#include "weiri/expr.h"
#include "weiri/hash.h"

typedef union weiri_cell {
    int64_t           i; /* bool, int, time, duration */
    double            f;
    const weir_value *s;
    uint64_t          bits;
} weiri_cell;

static inline bool
weiri_cell_is_text(weir_type type)
{
    return type == WEIR_STRING || type == WEIR_LIST;
}

static inline bool
weiri_vector_is_null(const weiri_vector *vector, uint32_t i)
{
    return vector->has_nulls && vector->nulls[i] != 0;
}

/* Value i, which is not null; borrowed as the vector is. */
static inline weiri_cell
weiri_vector_cell(const weiri_vector *vector, uint32_t i)
{
    switch (vector->type) {
    case WEIR_BOOL: return (weiri_cell){ .i = vector->as.b[i] };
    case WEIR_STRING:
    case WEIR_LIST: return (weiri_cell){ .s = &vector->as.v[i] };
    default: return (weiri_cell){ .i = vector->as.i[i] };
    }
}

static inline weir_value
weiri_cell_value(weir_type type, weiri_cell cell)
{
    weir_value value = { .type = (uint8_t)type };
    switch (type) {
    case WEIR_BOOL: value.as.b = cell.i != 0; break;
    case WEIR_STRING:
    case WEIR_LIST:
        value.as.s = cell.s->as.s;
        value.size = cell.s->size;
        break;
    default: value.as.i = cell.i; break;
    }
    return value;
}

/* A copy that lives until weiri_cell_free. False: out of memory. */
static inline bool
weiri_cell_own(weir_type type, weiri_cell cell, weiri_cell *out)
{
    if (weiri_cell_is_text(type)) {
        weir_value *copy = malloc(sizeof *copy + cell.s->size);
        if (copy == NULL) {
            return false;
        }
        *copy = (weir_value){ .type = (uint8_t)type, .size = cell.s->size };
        if (cell.s->size > 0) {
            memcpy(copy + 1, cell.s->as.s, cell.s->size);
        }
        copy->as.s = (const char *)(copy + 1);
        cell.s     = copy;
    }
    *out = cell;
    return true;
}

static inline void
weiri_cell_free(weir_type type, weiri_cell cell)
{
    if (weiri_cell_is_text(type)) {
        free((void *)(uintptr_t)cell.s);
    }
}

/* One bit pattern for what is equal: zero has no sign. */
static inline weiri_cell
weiri_cell_plain(weir_type type, weiri_cell cell)
{
    if (type == WEIR_FLOAT && cell.f == 0.0) {
        cell.f = 0.0;
    }
    return cell;
}

static inline int
weiri_text_compare(const weir_value *a, const weir_value *b)
{
    uint32_t least = a->size < b->size ? a->size : b->size;
    int      order = least == 0 ? 0 : memcmp(a->as.s, b->as.s, least);
    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

static inline int
weiri_cell_compare(weir_type type, weiri_cell a, weiri_cell b)
{
    if (type == WEIR_FLOAT) {
        return (a.f > b.f) - (a.f < b.f);
    }
    if (weiri_cell_is_text(type)) {
        return weiri_text_compare(a.s, b.s);
    }
    return (a.i > b.i) - (a.i < b.i);
}

/* Of plain cells. */
static inline bool
weiri_cell_equal(weir_type type, weiri_cell a, weiri_cell b)
{
    if (!weiri_cell_is_text(type)) {
        return a.bits == b.bits;
    }
    return a.s->size == b.s->size
           && (a.s->size == 0 || memcmp(a.s->as.s, b.s->as.s, a.s->size) == 0);
}

/* Stable: the same on every run and machine of one byte order. Of a plain cell. */
static inline uint64_t
weiri_cell_hash(weir_type type, weiri_cell cell)
{
    return weiri_cell_is_text(type) ? weiri_text_hash(cell.s->as.s, cell.s->size)
                                    : weiri_number_hash(cell.bits);
}

/* An integer that orders numbers of a type as they do themselves, and back. */
static inline int64_t
weiri_cell_rank(weir_type type, weiri_cell cell)
{
    if (type == WEIR_FLOAT) {
        cell = weiri_cell_plain(type, cell);
        return cell.i ^ ((cell.i >> 63) & INT64_MAX);
    }
    return cell.i;
}

static inline weiri_cell
weiri_cell_of_rank(weir_type type, int64_t rank)
{
    return (
        weiri_cell){ .i = type == WEIR_FLOAT ? rank ^ ((rank >> 63) & INT64_MAX) : rank };
}

#endif
