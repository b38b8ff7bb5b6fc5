#include "expr/fold.h"

#include <math.h>

#include "expr/lanes.h"
#include "expr/operations.h"
#include "expr/texts.h"

/* ---- constants ---- */

static bool
is_constant(const weiri_expr *expr)
{
    return expr->kind == WEIRI_EXPR_CONSTANT;
}

static bool
is_known(const weiri_expr *expr) /* and not null */
{
    return is_constant(expr) && !expr->as.constant.is_null;
}

static bool
is_strict(const weiri_operation *operation)
{
    return operation->kind == WEIRI_STRICT || operation->kind == WEIRI_FAULTS
           || operation->kind == WEIRI_MAYBE;
}

/* The constant that `value` is, of the call's type. */
static weiri_expr *
constant_for(weiri_arena *arena, const weiri_expr *call, weir_value value)
{
    value.type         = (uint8_t)call->type;
    weiri_expr *folded = weiri_expr_constant(arena, &value);
    folded->element    = call->element;
    return folded;
}

static weiri_expr *
fold_constants(weiri_arena *arena, weiri_expr *call)
{
    const weiri_operation *operation = call->as.call.operation;
    uint32_t               n         = call->as.call.n_args;
    weir_value *args     = weiri_arena_alloc(arena, (n == 0 ? 1 : n) * sizeof *args);
    bool        has_null = false;
    for (uint32_t i = 0; i < n; i++) {
        if (!is_constant(call->as.call.args[i])) {
            return call;
        }
        args[i] = call->as.call.args[i]->as.constant;
        has_null |= args[i].is_null;
    }
    if (has_null && is_strict(operation)) {
        return constant_for(arena, call, (weir_value){ .is_null = true });
    }
    weiri_text_pool texts = { 0 };
    weiri_call      where = { .texts = &texts };
    weir_value      value = operation->scalar(&where, args, n);
    /* What faults stays, to be counted for every row. */
    weiri_expr *folded = where.faults > 0 ? call : constant_for(arena, call, value);
    weiri_text_pool_fini(&texts);
    return folded;
}

/* ---- comparisons of an int and a float ---- */

enum {
    TO_INT   = WEIRI_OP_EQ_INT - WEIRI_OP_EQ_INT_FLOAT,
    TO_FLOAT = WEIRI_OP_EQ_FLOAT - WEIRI_OP_EQ_INT_FLOAT,
    TO_OTHER = WEIRI_OP_EQ_FLOAT_INT - WEIRI_OP_EQ_INT_FLOAT
};

/* The id of `operation` as if it compared an int with a float, in this order. */
static bool
is_mixed(const weiri_operation *operation, weiri_operation_id *id, bool *is_swapped)
{
    switch (operation->id) {
    case WEIRI_OP_EQ_INT_FLOAT:
    case WEIRI_OP_NE_INT_FLOAT:
    case WEIRI_OP_LT_INT_FLOAT:
    case WEIRI_OP_LE_INT_FLOAT:
    case WEIRI_OP_GT_INT_FLOAT:
    case WEIRI_OP_GE_INT_FLOAT:
        *id         = operation->id;
        *is_swapped = false;
        return true;
    case WEIRI_OP_EQ_FLOAT_INT:
    case WEIRI_OP_NE_FLOAT_INT:
    case WEIRI_OP_LT_FLOAT_INT:
    case WEIRI_OP_LE_FLOAT_INT:
    case WEIRI_OP_GT_FLOAT_INT:
    case WEIRI_OP_GE_FLOAT_INT:
        *id         = (weiri_operation_id)(operation->id - TO_OTHER);
        *is_swapped = true;
        return true;
    default: return false;
    }
}

/* The int that x is to be compared with in place of `bound`: x < 2.5 is x < 3, and
 * x > 2.5 is x > 2. NAN where no int will do. */
static double
int_bound(weiri_operation_id id, bool is_swapped, double bound)
{
    switch (id) {
    case WEIRI_OP_LT_INT_FLOAT:
    case WEIRI_OP_GE_INT_FLOAT: /* swapped: bound < x, bound >= x */
        return is_swapped ? floor(bound) : ceil(bound);
    case WEIRI_OP_LE_INT_FLOAT:
    case WEIRI_OP_GT_INT_FLOAT: return is_swapped ? ceil(bound) : floor(bound);
    default: return bound == floor(bound) ? bound : NAN;
    }
}

static void
replace_arg(weiri_arena *arena, weiri_expr *call, uint32_t arg, weir_value value,
    weiri_operation_id id)
{
    call->as.call.args[arg] = weiri_expr_constant(arena, &value);
    call->as.call.operation = weiri_operation_at(id);
}

static void
simplify_mixed(weiri_arena *arena, weiri_expr *call)
{
    weiri_operation_id id         = 0;
    bool               is_swapped = false;
    if (!is_mixed(call->as.call.operation, &id, &is_swapped)) {
        return;
    }
    uint32_t    at_int   = is_swapped ? 1 : 0;
    uint32_t    at_float = is_swapped ? 0 : 1;
    weiri_expr *whole    = call->as.call.args[at_int];
    weiri_expr *real     = call->as.call.args[at_float];
    if (is_known(whole)) {
        weir_value value = { .type = WEIR_FLOAT,
            .as.f                  = (double)whole->as.constant.as.i };
        if (weiri_compare_int_float(whole->as.constant.as.i, value.as.f) == 0) {
            replace_arg(arena, call, at_int, value, (weiri_operation_id)(id + TO_FLOAT));
        }
    } else if (is_known(real)) {
        double bound = int_bound(id, is_swapped, real->as.constant.as.f);
        if (bound >= -0x1p63 && bound < 0x1p63) {
            weir_value value = { .type = WEIR_INT, .as.i = (int64_t)bound };
            replace_arg(arena, call, at_float, value, (weiri_operation_id)(id + TO_INT));
        }
    }
}

weiri_expr *
weiri_fold(weiri_arena *arena, weiri_expr *call)
{
    weiri_expr *folded = fold_constants(arena, call);
    if (folded == call) {
        simplify_mixed(arena, call);
    }
    return folded;
}
