#include <math.h>
#include <stdlib.h>

#include "expr/operations.h"
#include "gate/test.h"

static const double EXACT = 9007199254740992.0; /* ints up to here are floats, too */

typedef struct extraction {
    weiri_gate_cost *cost;
    void            *context;
    bool             is_out_of_memory;
} extraction;

/* ---- lists of tests ---- */

static bool
append(extraction *self, weiri_gate_tests *to, const weiri_gate_test *test)
{
    if (to->n == to->capacity) {
        uint32_t         capacity = to->capacity == 0 ? 4 : 2 * to->capacity;
        weiri_gate_test *items    = realloc(to->items, capacity * sizeof *items);
        if (items == NULL) {
            self->is_out_of_memory = true;
            return false;
        }
        to->items    = items;
        to->capacity = capacity;
    }
    to->items[to->n++] = *test;
    return true;
}

static double
cost_of(const extraction *self, const weiri_gate_tests *tests)
{
    double cost = 0;
    for (uint32_t i = 0; i < tests->n; i++) {
        cost += self->cost(self->context, &tests->items[i]);
    }
    return cost;
}

static bool
append_all(extraction *self, weiri_gate_tests *to, const weiri_gate_tests *from)
{
    for (uint32_t i = 0; i < from->n; i++) {
        if (!append(self, to, &from->items[i])) {
            return false;
        }
    }
    return true;
}

/* ---- faults ---- */

bool
weiri_gate_may_fault(const weiri_expr *expr)
{
    if (expr->kind != WEIRI_EXPR_CALL) {
        return false;
    }
    weiri_operation_kind kind = expr->as.call.operation->kind;
    if (kind == WEIRI_FAULTS || kind == WEIRI_MAYBE) {
        return true;
    }
    for (uint32_t i = 0; i < expr->as.call.n_args; i++) {
        if (weiri_gate_may_fault(expr->as.call.args[i])) {
            return true;
        }
    }
    return false;
}

/* ---- comparisons ---- */

typedef enum comparison { NONE, EQUAL, LESS, LESS_EQUAL, MORE, MORE_EQUAL } comparison;

static comparison
comparison_of(weiri_operation_id id)
{
#define FORMS(ID)                                                                        \
    case WEIRI_OP_##ID##_INT:                                                            \
    case WEIRI_OP_##ID##_FLOAT:                                                          \
    case WEIRI_OP_##ID##_STRING:                                                         \
    case WEIRI_OP_##ID##_TIME:                                                           \
    case WEIRI_OP_##ID##_DURATION:                                                       \
    case WEIRI_OP_##ID##_INT_FLOAT:                                                      \
    case WEIRI_OP_##ID##_FLOAT_INT
    switch (id) {
        FORMS(EQ) : return EQUAL;
        FORMS(LT) : return LESS;
        FORMS(LE) : return LESS_EQUAL;
        FORMS(GT) : return MORE;
        FORMS(GE) : return MORE_EQUAL;
    default: return NONE;
    }
#undef FORMS
}

static comparison
turned_around(comparison how)
{
    switch (how) {
    case LESS: return MORE;
    case LESS_EQUAL: return MORE_EQUAL;
    case MORE: return LESS;
    case MORE_EQUAL: return LESS_EQUAL;
    default: return how;
    }
}

/* The numbers at or below a constant, and at or above it, as keys of a field's values:
 * `floor` < `ceil` where no value is equal to it. */
static bool
keys_of(weir_type type, const weir_value *constant, int64_t *floor_key, int64_t *ceil_key)
{
    if (type == WEIR_FLOAT) {
        double value = constant->as.f;
        if (constant->type == WEIR_INT) {
            value = (double)constant->as.i;
        }
        if (constant->type == WEIR_INT && fabs(value) >= EXACT) {
            return false;
        }
        *floor_key = *ceil_key = weiri_gate_key(value);
        return (constant->type == WEIR_INT || constant->type == WEIR_FLOAT)
               && isfinite(value);
    }
    if (constant->type == WEIR_FLOAT) {
        if (type != WEIR_INT || !(fabs(constant->as.f) < EXACT)) {
            return false;
        }
        *floor_key = (int64_t)floor(constant->as.f);
        *ceil_key  = (int64_t)ceil(constant->as.f);
        return true;
    }
    *floor_key = *ceil_key = constant->as.i;
    return constant->type == type
           && (type == WEIR_INT || type == WEIR_TIME || type == WEIR_DURATION);
}

/* The test that `field comparison constant` is; low > high if it cannot hold. */
static bool
make_test(const weiri_expr *field, comparison how, const weiri_expr *constant,
    weiri_gate_test *out)
{
    if (field->kind != WEIRI_EXPR_FIELD || constant->kind != WEIRI_EXPR_CONSTANT
        || constant->as.constant.is_null) {
        return false;
    }
    *out = (weiri_gate_test){
        .field = field->as.field, .low = INT64_MIN, .high = INT64_MAX
    };
    const weir_value *value = &constant->as.constant;
    if (field->type == WEIR_STRING) {
        out->is_text = true;
        out->text    = value->as.s;
        out->size    = value->size;
        return how == EQUAL && value->type == WEIR_STRING;
    }
    int64_t below = 0;
    int64_t above = 0;
    if (!keys_of(field->type, value, &below, &above) || below <= INT64_MIN + 1
        || above >= INT64_MAX - 1) {
        return false;
    }
    switch (how) {
    case EQUAL:
        out->low  = above;
        out->high = below;
        return true;
    case LESS: out->high = above - 1; return true;
    case LESS_EQUAL: out->high = below; return true;
    case MORE: out->low = below + 1; return true;
    case MORE_EQUAL: out->low = above; return true;
    case NONE: break;
    }
    return false;
}

static bool
compare(const weiri_expr *call, weiri_gate_test *out)
{
    comparison how = comparison_of(call->as.call.operation->id);
    if (how == NONE) {
        return false;
    }
    const weiri_expr *a = call->as.call.args[0];
    const weiri_expr *b = call->as.call.args[1];
    return make_test(a, how, b, out) || make_test(b, turned_around(how), a, out);
}

static bool
between(const weiri_expr *call, weiri_gate_test *out)
{
    weiri_expr *const *args = call->as.call.args;
    weiri_gate_test    high = { .field = 0 };
    if (args[0]->type == WEIR_STRING || !make_test(args[0], MORE_EQUAL, args[1], out)
        || !make_test(args[0], LESS_EQUAL, args[2], &high)) {
        return false;
    }
    out->high = high.high;
    return true;
}

static bool
can_hold(const weiri_gate_test *test)
{
    return test->is_text || test->low <= test->high;
}

/* ---- trees ---- */

static bool
extract(extraction *self, const weiri_expr *condition, weiri_gate_tests *out);

static bool
extract_one(extraction *self, const weiri_gate_test *test, weiri_gate_tests *out)
{
    return !can_hold(test) || append(self, out, test);
}

static bool
extract_in(extraction *self, const weiri_expr *call, weiri_gate_tests *out)
{
    for (uint32_t i = 1; i < call->as.call.n_args; i++) {
        weiri_gate_test test;
        if (!make_test(call->as.call.args[0], EQUAL, call->as.call.args[i], &test)
            || !extract_one(self, &test, out)) {
            return false;
        }
    }
    return true;
}

/* Two ranges of one field are one. */
static bool
meet(weiri_gate_tests *a, const weiri_gate_tests *b)
{
    if (a->n != 1 || b->n != 1 || a->items[0].field != b->items[0].field
        || a->items[0].is_text) {
        return false;
    }
    weiri_gate_test       *to   = &a->items[0];
    const weiri_gate_test *from = &b->items[0];
    to->low                     = from->low > to->low ? from->low : to->low;
    to->high                    = from->high < to->high ? from->high : to->high;
    a->n                        = can_hold(to) ? 1 : 0;
    return true;
}

/* The tests of one side alone will do. Of the left: where it is null the right is
 * evaluated, too. Of the right: the left always is. */
static bool
extract_and(extraction *self, const weiri_expr *call, weiri_gate_tests *out)
{
    const weiri_expr *left  = call->as.call.args[0];
    const weiri_expr *right = call->as.call.args[1];
    weiri_gate_tests  a     = { 0 };
    weiri_gate_tests  b     = { 0 };
    bool              can_a =
        extract(self, left, &a) && (!left->is_nullable || !weiri_gate_may_fault(right));
    bool can_b = extract(self, right, &b) && !weiri_gate_may_fault(left);
    const weiri_gate_tests *chosen = NULL;
    if (can_a && can_b) {
        bool is_one = meet(&a, &b);
        chosen      = is_one || cost_of(self, &a) <= cost_of(self, &b) ? &a : &b;
    } else if (can_a || can_b) {
        chosen = can_a ? &a : &b;
    }
    bool done = chosen != NULL && append_all(self, out, chosen);
    free(a.items);
    free(b.items);
    return done;
}

static bool
extract(extraction *self, const weiri_expr *condition, weiri_gate_tests *out)
{
    if (condition->kind == WEIRI_EXPR_CONSTANT) {
        return condition->as.constant.is_null || !condition->as.constant.as.b;
    }
    if (condition->kind != WEIRI_EXPR_CALL) {
        return false;
    }
    weiri_gate_test    test;
    weiri_expr *const *args = condition->as.call.args;
    switch (condition->as.call.operation->id) {
    case WEIRI_OP_AND: return extract_and(self, condition, out);
    case WEIRI_OP_OR: return extract(self, args[0], out) && extract(self, args[1], out);
    case WEIRI_OP_IN: return extract_in(self, condition, out);
    case WEIRI_OP_BETWEEN:
        return between(condition, &test) && extract_one(self, &test, out);
    default: return compare(condition, &test) && extract_one(self, &test, out);
    }
}

bool
weiri_gate_extract(const weiri_expr *condition, weiri_gate_cost *cost, void *context,
    weiri_gate_tests *out, bool *is_out_of_memory)
{
    extraction self = { .cost = cost, .context = context };
    bool       done = extract(&self, condition, out);
    *is_out_of_memory |= self.is_out_of_memory;
    return done;
}

void
weiri_gate_visit_tests(
    const weiri_expr *condition, weiri_gate_visit *visit, void *context)
{
    if (condition->kind != WEIRI_EXPR_CALL) {
        return;
    }
    weiri_gate_test    test;
    weiri_expr *const *args = condition->as.call.args;
    switch (condition->as.call.operation->id) {
    case WEIRI_OP_AND:
    case WEIRI_OP_OR:
        weiri_gate_visit_tests(args[0], visit, context);
        weiri_gate_visit_tests(args[1], visit, context);
        return;
    case WEIRI_OP_IN:
        for (uint32_t i = 1; i < condition->as.call.n_args; i++) {
            if (make_test(args[0], EQUAL, args[i], &test)) {
                visit(context, &test);
            }
        }
        return;
    default:
        if (compare(condition, &test)) {
            visit(context, &test);
        }
    }
}
