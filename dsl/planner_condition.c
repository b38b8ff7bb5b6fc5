/* Conditions of steps and untils, split into what one event decides and the rest. */
#include "planner_match.h"

struct conjuncts {
    weiri_expr **items;
    uint32_t     n;
};

static bool
is_constant(const weiri_expr *value, bool truth)
{
    return value->kind == WEIRI_EXPR_CONSTANT && value->type == WEIR_BOOL
           && (truth ? !value->as.constant.is_null && value->as.constant.as.b
                     : value->as.constant.is_null || !value->as.constant.as.b);
}

static void
add_conjunct(weiri_matching *self, const weiri_scope *scope, const weiri_ast_expr *node,
    struct conjuncts *unary, struct conjuncts *correlated)
{
    weiri_arena *arena = self->planner->arena;
    if (node->kind == WEIRI_AST_LOGIC && node->name.text[0] == 'a') {
        for (uint32_t i = 0; i < node->n_items; i++) {
            add_conjunct(self, scope, node->items[i], unary, correlated);
        }
        return;
    }
    weiri_expr *value = weiri_type_condition(scope, node);
    if (value == NULL) {
        self->is_broken = true;
        return;
    }
    if (is_constant(value, false)) {
        weiri_report(self->planner->diagnostics, WEIRI_W_NEVER_MATCHES, node->at,
            "this is never true, so nothing fits");
    }
    if (is_constant(value, true)) {
        return;
    }
    if (weiri_expr_reads_registers(value)) {
        WEIRI_ARENA_PUSH(arena, correlated->items, correlated->n, value);
    } else {
        WEIRI_ARENA_PUSH(arena, unary->items, unary->n, value);
    }
}

static weiri_condition
plan_condition(weiri_matching *self, const weiri_ast_expr *node)
{
    weiri_condition  out   = { .unary = NULL };
    weiri_scope      scope = { self->planner->arena, self->planner->diagnostics, self,
             weiri_resolve_step, self->planner->functions };
    struct conjuncts unary = { .n = 0 };
    struct conjuncts correlated = { .n = 0 };
    self->stand                 = WEIRI_STAND_CONDITION;
    add_conjunct(self, &scope, node, &unary, &correlated);
    if (self->is_broken) {
        return out;
    }
    if (unary.n > 0) {
        out.unary = weiri_type_join(&scope, node->at, "and", unary.items, unary.n);
    }
    if (correlated.n > 0) {
        out.correlated =
            weiri_type_join(&scope, node->at, "and", correlated.items, correlated.n);
    }
    return out;
}

static void
plan_step(weiri_matching *self, uint32_t step)
{
    weiri_step             *row  = &self->match->steps[step];
    const weiri_match_step *info = &self->steps[step];
    if (info->ast->where == NULL) {
        return;
    }
    self->input   = row->input;
    self->element = info->element;
    row->where    = plan_condition(self, info->ast->where);
    if (row->where.correlated != NULL && info->is_leading) {
        weiri_report(self->planner->diagnostics, WEIRI_E_LEADING_NOT_READS,
            info->ast->where->at,
            "'not' before the first step can look at its own event only");
        self->is_broken = true;
    }
}

/* The one input that the steps of a pattern read; WEIRI_NONE if there are several. */
static uint32_t
input_of(const weiri_matching *self, const weiri_pattern *pattern)
{
    if (pattern->kind == WEIRI_PATTERN_STEP) {
        return self->match->steps[pattern->step].input;
    }
    uint32_t input = input_of(self, pattern->items[0]);
    for (uint32_t i = 1; i < pattern->n_items; i++) {
        if (input_of(self, pattern->items[i]) != input) {
            return WEIRI_NONE;
        }
    }
    return input;
}

static void
plan_until(weiri_matching *self, const weiri_until *until)
{
    const weiri_ast_quantifier *ast = &self->elements[until->element].ast->quantifier;
    self->input                     = input_of(self, until->pattern);
    self->element                   = until->element;
    if (self->input == WEIRI_NONE) {
        weiri_report(self->planner->diagnostics, WEIRI_E_UNTIL_STREAMS, ast->until_at,
            "'until' needs a group whose steps read one stream");
        self->is_broken = true;
        return;
    }
    *until->pattern->until = plan_condition(self, ast->until);
}

void
weiri_plan_conditions(weiri_matching *self)
{
    bool is_broken = self->is_broken;
    for (uint32_t i = 0; i < self->match->n_steps; i++) {
        self->is_broken = false; /* of this condition */
        plan_step(self, i);
        is_broken = is_broken || self->is_broken;
    }
    for (uint32_t i = 0; i < self->n_untils; i++) {
        self->is_broken = false;
        plan_until(self, &self->untils[i]);
        is_broken = is_broken || self->is_broken;
    }
    self->is_broken = is_broken;
}
