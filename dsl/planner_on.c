/* What the `on` of a join says: what has to be equal, and what else has to hold. */
#include "planner_query.h"

#include <string.h>

static uint32_t
n_left(const weiri_join *join)
{
    return join->sides[0].schema->n_fields;
}

unsigned
weiri_join_reach(
    const weiri_querying *self, const weiri_join *join, const weiri_expr *expr)
{
    uint32_t n_fields = join->schema->n_fields;
    bool *read = weiri_arena_alloc(self->planner->arena, (n_fields + 1) * sizeof *read);
    unsigned reach = WEIRI_READS_NOTHING;
    weiri_expr_mark_fields(expr, read);
    for (uint32_t i = 0; i < n_fields; i++) {
        reach |= !read[i]           ? WEIRI_READS_NOTHING
                 : i < n_left(join) ? WEIRI_READS_LEFT
                                    : WEIRI_READS_RIGHT;
    }
    return reach;
}

/* An expression over one row as one over another, whose fields are `by` further. */
weiri_expr *
weiri_expr_shifted(
    weiri_arena *arena, const weiri_expr *expr, const weir_schema *schema, int64_t by)
{
    weiri_expr *copy = weiri_arena_alloc(arena, sizeof *copy);
    *copy            = *expr;
    if (copy->kind == WEIRI_EXPR_FIELD) {
        copy->as.field    = (uint32_t)(copy->as.field + by);
        copy->is_nullable = schema->fields[copy->as.field].is_nullable;
    }
    if (copy->kind == WEIRI_EXPR_CALL) {
        uint32_t n         = copy->as.call.n_args;
        copy->as.call.args = weiri_arena_alloc(arena, (n + 1) * sizeof(weiri_expr *));
        for (uint32_t i = 0; i < n; i++) {
            copy->as.call.args[i] =
                weiri_expr_shifted(arena, expr->as.call.args[i], schema, by);
        }
    }
    return copy;
}

/* An expression over the joined row, which reads the right alone, over the right. */
static weiri_expr *
over_right(weiri_arena *arena, const weiri_join *join, const weiri_expr *expr)
{
    return weiri_expr_shifted(arena, expr, join->sides[1].schema, -(int64_t)n_left(join));
}

/* ---- on ---- */

static void
add_condition(
    weiri_querying *self, weiri_span at, const weiri_expr **to, weiri_expr *more)
{
    weiri_scope scope   = { self->planner->arena, self->planner->diagnostics, self, NULL,
          NULL };
    weiri_expr *both[2] = { (weiri_expr *)(uintptr_t)*to, more };
    *to = *to == NULL ? more : weiri_type_call(&scope, at, "and", both, 2);
}

/* A float as the int that it equals; null, which equals nothing, where it is none. The
 * int as a float would not do: above 2^53 several are one. */
static weiri_expr *
whole_number(weiri_querying *self, const weiri_expr *expr, weiri_span at)
{
    weiri_arena     *arena    = self->planner->arena;
    weiri_scope      scope    = { arena, self->planner->diagnostics, self, NULL, NULL };
    weiri_expr      *value    = (weiri_expr *)(uintptr_t)expr;
    const weir_value least    = { .type = WEIR_FLOAT, .as.f = -0x1p63 };
    const weir_value beyond   = { .type = WEIR_FLOAT, .as.f = 0x1p63 };
    const weir_value none     = { .type = WEIR_INT, .is_null = true };
    weiri_expr      *above[2] = { value, weiri_expr_constant(arena, &least) };
    weiri_expr      *below[2] = { value, weiri_expr_constant(arena, &beyond) };
    weiri_expr      *range[2] = { weiri_type_call(&scope, at, ">=", above, 2),
             weiri_type_call(&scope, at, "<", below, 2) };
    weiri_expr *whole[2]  = { value, weiri_type_call(&scope, at, "floor", &value, 1) };
    weiri_expr *is_int[2] = { weiri_type_call(&scope, at, "and", range, 2),
        weiri_type_call(&scope, at, "==", whole, 2) };
    weiri_expr *parts[3]  = { weiri_type_call(&scope, at, "and", is_int, 2),
         weiri_type_call(&scope, at, "int", &value, 1),
         weiri_expr_constant(arena, &none) };
    return weiri_type_call(&scope, at, "if", parts, 3);
}

/* Of an int and a float the float is compared as an int: keys of both sides have one
 * type, and `==` of the two is exact. */
static void
add_key(weiri_querying *self, weiri_join *join, const weiri_expr *left,
    const weiri_expr *right, weiri_span at)
{
    bool is_table = join->change != NULL; /* whose key is a field as it stands */
    if (left->type == WEIR_INT && right->type == WEIR_FLOAT && is_table) {
        weiri_scope scope = { self->planner->arena, self->planner->diagnostics, self,
            NULL, NULL };
        weiri_expr *value = (weiri_expr *)(uintptr_t)left;
        left              = weiri_type_call(&scope, at, "float", &value, 1);
    } else if (left->type == WEIR_INT && right->type == WEIR_FLOAT) {
        right = whole_number(self, right, at);
    } else if (left->type == WEIR_FLOAT && right->type == WEIR_INT) {
        left = whole_number(self, left, at);
    }
    if (join->n_keys == WEIRI_JOIN_KEYS) {
        weiri_report(self->planner->diagnostics, WEIRI_E_JOIN_CONDITION, at,
            "a join has at most %d equalities", WEIRI_JOIN_KEYS);
        self->is_broken = true;
        return;
    }
    join->sides[0].keys[join->n_keys] = left;
    join->sides[1].keys[join->n_keys] = over_right(self->planner->arena, join, right);
    join->n_keys++;
}

/* An equation of both sides is part of the key; what reads one side is asked of it
 * before; what reads both is asked of pairs. */
static void
plan_conjunct(weiri_querying *self, weiri_join *join, const weiri_ast_expr *node)
{
    weiri_expr *expr = weiri_query_condition(self, WEIRI_QUERY_WHERE, node);
    if (expr == NULL) {
        self->is_broken = true;
        return;
    }
    bool is_equation = node->kind == WEIRI_AST_BINARY
                       && strcmp(node->name.text, "==") == 0
                       && expr->kind == WEIRI_EXPR_CALL && expr->as.call.n_args == 2
                       && expr->as.call.args[0]->type != WEIR_LIST;
    weiri_expr *const *args   = is_equation ? expr->as.call.args : NULL;
    unsigned           first  = is_equation ? weiri_join_reach(self, join, args[0]) : 0;
    unsigned           second = is_equation ? weiri_join_reach(self, join, args[1]) : 0;
    if (first == WEIRI_READS_LEFT && second == WEIRI_READS_RIGHT) {
        add_key(self, join, args[0], args[1], node->at);
        return;
    }
    if (first == WEIRI_READS_RIGHT && second == WEIRI_READS_LEFT) {
        add_key(self, join, args[1], args[0], node->at);
        return;
    }
    switch (weiri_join_reach(self, join, expr)) {
    case WEIRI_READS_RIGHT:
        add_condition(self, node->at, &join->sides[1].where,
            over_right(self->planner->arena, join, expr));
        break;
    case WEIRI_READS_BOTH:
        if (join->kind == WEIRI_JOIN_ASOF) {
            weiri_report(self->planner->diagnostics, WEIRI_E_JOIN_CONDITION, node->at,
                "an as-of join takes the latest of the key, and asks no more of both "
                "sides");
            weiri_report_hint(self->planner->diagnostics,
                "a condition on what was joined is 'where ...'");
            self->is_broken = true;
            return;
        }
        add_condition(self, node->at, &join->where, expr);
        break;
    default: add_condition(self, node->at, &join->sides[0].where, expr); break;
    }
}

void
weiri_plan_on(weiri_querying *self, weiri_join *join, const weiri_ast_expr *node)
{
    bool is_and = node->kind == WEIRI_AST_LOGIC && strcmp(node->name.text, "and") == 0;
    if (!is_and) {
        plan_conjunct(self, join, node);
        return;
    }
    for (uint32_t i = 0; i < node->n_items; i++) {
        weiri_plan_on(self, join, node->items[i]);
    }
}
