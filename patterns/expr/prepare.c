#include "expr/prepare.h"

#include <stdlib.h>
#include <string.h>

#include "expr/lanes.h"
#include "expr/operations.h"

/* ---- sets ---- */

/* FNV-1a; never seen outside. */
static uint32_t
hash_text(const char *text, uint32_t size)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (uint32_t i = 0; i < size; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3;
    }
    return (uint32_t)(hash ^ (hash >> 32));
}

/* The slot of a text: where it is, or where it belongs. A free slot has no text. */
static uint32_t
slot_of(const weiri_set *self, const char *text, uint32_t size)
{
    uint32_t slot = hash_text(text, size) & self->mask;
    while (self->as.texts[slot].as.s != NULL
           && !weiri_equal_text(
               self->as.texts[slot].as.s, self->as.texts[slot].size, text, size)) {
        slot = (slot + 1) & self->mask;
    }
    return slot;
}

bool
weiri_set_has_text(const weiri_set *self, const char *text, uint32_t size)
{
    return self->as.texts[slot_of(self, text, size)].as.s != NULL;
}

static bool
has_int(const weiri_set *self, int64_t value)
{
    uint32_t first = 0;
    uint32_t n     = self->n;
    while (n > 0) {
        uint32_t half = n / 2;
        bool     more = self->as.i[first + half] < value;
        first         = more ? first + half + 1 : first;
        n             = more ? n - half - 1 : half;
    }
    return first < self->n && self->as.i[first] == value;
}

static bool
has_float(const weiri_set *self, double value)
{
    uint32_t first = 0;
    uint32_t n     = self->n;
    while (n > 0) {
        uint32_t half = n / 2;
        bool     more = self->as.f[first + half] < value;
        first         = more ? first + half + 1 : first;
        n             = more ? n - half - 1 : half;
    }
    return first < self->n && self->as.f[first] == value;
}

bool
weiri_set_has(const weiri_set *self, const weir_value *value)
{
    switch (self->type) {
    case WEIR_FLOAT: return has_float(self, value->as.f);
    case WEIR_STRING: return weiri_set_has_text(self, value->as.s, value->size);
    case WEIR_BOOL: return has_int(self, value->as.b);
    default: return has_int(self, value->as.i);
    }
}

static int
order_ints(const void *a, const void *b)
{
    return weiri_compare_int(*(const int64_t *)a, *(const int64_t *)b);
}

static int
order_floats(const void *a, const void *b)
{
    return weiri_compare_float(*(const double *)a, *(const double *)b);
}

static void
add_int_to_set(weiri_set *self, const weir_value *constant)
{
    int64_t i = constant->as.i;
    if (constant->type == WEIR_BOOL) {
        i = constant->as.b;
    }
    if (constant->type == WEIR_FLOAT) {
        double f       = constant->as.f;
        bool   is_near = f >= -0x1p63 && f < 0x1p63;
        i              = is_near ? (int64_t)f : 0;
        if (weiri_compare_int_float(i, f) != 0) {
            return; /* no int equals it */
        }
    }
    self->as.i[self->n++] = i;
}

static void
add_float_to_set(weiri_set *self, const weir_value *constant)
{
    double f = constant->as.f;
    if (constant->type == WEIR_INT) {
        f = (double)constant->as.i;
        if (weiri_compare_int_float(constant->as.i, f) != 0) {
            return; /* no float equals it */
        }
    }
    self->as.f[self->n++] = f;
}

static void
add_to_set(weiri_set *self, const weir_value *constant)
{
    if (constant->is_null) {
        self->has_null = true;
    } else if (self->type == WEIR_STRING) {
        uint32_t slot        = slot_of(self, constant->as.s, constant->size);
        self->as.texts[slot] = *constant;
        self->n++;
    } else if (self->type == WEIR_FLOAT) {
        add_float_to_set(self, constant);
    } else {
        add_int_to_set(self, constant);
    }
}

static void
make_room(weiri_set *self, weiri_arena *arena, uint32_t n)
{
    if (self->type != WEIR_STRING) {
        self->as.i = weiri_arena_alloc(arena, n * sizeof *self->as.i);
        return;
    }
    uint32_t slots = 8;
    while (slots < 2 * n) {
        slots *= 2;
    }
    self->mask     = slots - 1;
    self->as.texts = weiri_arena_alloc(arena, slots * sizeof *self->as.texts);
}

static const weiri_set *
prepare_set(weiri_arena *arena, weiri_expr *const *args, uint32_t n_args)
{
    for (uint32_t i = 1; i < n_args; i++) {
        if (args[i]->kind != WEIRI_EXPR_CONSTANT) {
            return NULL;
        }
    }
    weiri_set *self = weiri_arena_alloc(arena, sizeof *self);
    self->type      = args[0]->type;
    make_room(self, arena, n_args);
    for (uint32_t i = 1; i < n_args; i++) {
        add_to_set(self, &args[i]->as.constant);
    }
    if (self->type == WEIR_FLOAT) {
        qsort(self->as.f, self->n, sizeof *self->as.f, order_floats);
    } else if (self->type != WEIR_STRING) {
        qsort(self->as.i, self->n, sizeof *self->as.i, order_ints);
    }
    return self;
}

/* ---- patterns ---- */

static const weiri_like *
prepare_like(weiri_arena *arena, const weir_value *pattern)
{
    weiri_like *self  = weiri_arena_alloc(arena, sizeof *self);
    char       *still = weiri_arena_alloc(arena, pattern->size + 1);
    const char *at    = pattern->as.s;
    const char *end   = at + pattern->size;
    bool        opens = at < end && *at == '%'; /* begins with % */
    bool        ends  = false;                  /* ends with %   */
    at += opens ? 1 : 0;
    for (; at < end && !ends; at++) {
        if (*at == '_') {
            break;
        }
        ends = *at == '%';
        at += *at == '\\' && at + 1 < end ? 1 : 0;
        if (!ends) {
            still[self->size++] = *at;
        }
    }
    if (at < end) {
        *self = (weiri_like){ WEIRI_LIKE_ANY, pattern->as.s, pattern->size };
        return self;
    }
    self->text = still;
    self->kind = opens ? (ends ? WEIRI_LIKE_CONTAINS : WEIRI_LIKE_ENDS)
                       : (ends ? WEIRI_LIKE_STARTS : WEIRI_LIKE_EQUALS);
    return self;
}

const void *
weiri_prepare(weiri_arena *arena, const weiri_expr *call)
{
    weiri_expr *const *args = call->as.call.args;
    switch (call->as.call.operation->id) {
    case WEIRI_OP_PLUGIN:
        return call->as.call.operation->plugin != NULL
                   ? (const void *)call->as.call.operation->plugin
                   : call->as.call.operation->foreign;
    case WEIRI_OP_IN: return prepare_set(arena, args, call->as.call.n_args);
    case WEIRI_OP_LIKE:
        return args[1]->kind == WEIRI_EXPR_CONSTANT && !args[1]->is_nullable
                   ? prepare_like(arena, &args[1]->as.constant)
                   : NULL;
    default: return NULL;
    }
}
