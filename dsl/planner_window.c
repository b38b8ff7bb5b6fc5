/* The window of a query, its key, and what becomes of its results. */
#include "planner_query.h"

#include <string.h>

/* ---- numbers ---- */

/* A whole number from 1 to `most`, 0 after a report. */
static uint32_t
number_to(
    weiri_planner *self, const weiri_ast_expr *node, uint32_t most, const char *what)
{
    const weir_value *value = weiri_constant(self, node, WEIR_INT, what);
    if (value == NULL) {
        return 0;
    }
    if (value->is_null || value->as.i < 1 || value->as.i > (int64_t)most) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_COUNT, node->at,
            "%s is a number from 1 to %u", what, (unsigned)most);
        return 0;
    }
    return (uint32_t)value->as.i;
}

static uint32_t
constant_count(
    weiri_querying *self, const weiri_ast_expr *node, uint32_t most, const char *what)
{
    uint32_t n      = number_to(self->planner, node, most, what);
    self->is_broken = self->is_broken || n == 0;
    return n;
}

static int64_t
duration(weiri_querying *self, const weiri_ast_expr *node, const char *what)
{
    int64_t ns = weiri_constant_duration(self->planner, node, false, what);
    if (ns < 0) {
        self->is_broken = true;
        return 1;
    }
    return ns;
}

/* ---- the window ---- */

/* Whether an amount is a number, and not a duration. */
static bool
is_number(weiri_querying *self, const weiri_ast_expr *node)
{
    bool              is_param = false;
    const weiri_expr *param    = node->kind == WEIRI_AST_NAME ? weiri_find_param(
                                     self->planner, node->name.text, &is_param)
                                                              : NULL;
    return node->kind == WEIRI_AST_INT || (param != NULL && param->type == WEIR_INT);
}

static weiri_window_kind
kind_of(weiri_querying *self)
{
    const weiri_ast_window *ast = &self->rule->window;
    switch (ast->kind) {
    case WEIRI_WORD_TUMBLING:
        if (ast->unit != WEIRI_WORD_OTHER) {
            return WEIRI_WINDOW_TUMBLING;
        }
        return is_number(self, ast->width) ? WEIRI_WINDOW_BATCH : WEIRI_WINDOW_TUMBLING;
    case WEIRI_WORD_HOPPING: return WEIRI_WINDOW_HOPPING;
    case WEIRI_WORD_SLIDING: return WEIRI_WINDOW_SLIDING;
    case WEIRI_WORD_SESSION: return WEIRI_WINDOW_SESSION;
    case WEIRI_WORD_ALL: return WEIRI_WINDOW_ALL;
    default: return WEIRI_WINDOW_LAST;
    }
}

static void
report_window(weiri_querying *self, const char *text, const char *hint)
{
    weiri_report(self->planner->diagnostics, WEIRI_E_BAD_WINDOW, self->rule->window.at,
        "%s", text);
    if (hint != NULL) {
        weiri_report_hint(self->planner->diagnostics, "%s", hint);
    }
    self->is_broken = true;
}

static void
plan_every(weiri_querying *self)
{
    const weiri_ast_window *ast    = &self->rule->window;
    weiri_window           *window = self->query->window;
    if (ast->every != NULL) {
        window->every_ns = duration(self, ast->every, "'every'");
    }
    if (window->kind == WEIRI_WINDOW_HOPPING && ast->every == NULL) {
        window->every_ns = window->width_ns;
        report_window(self, "how often does this window begin?",
            "write 'hopping 1m every 10s', or 'tumbling 1m' for one after another");
    } else if (window->kind != WEIRI_WINDOW_HOPPING && ast->every != NULL) {
        report_window(self, "'every' goes with 'hopping' windows",
            "results before a window closes: 'every 10s early'");
    }
    if (ast->early != NULL) {
        window->early_ns = duration(self, ast->early, "'every'");
    }
}

/* A month is as short as February, for what is asked of widths. */
static void
plan_unit(const weiri_ast_window *ast, weiri_window *window)
{
    static const int64_t  DAY_NS  = INT64_C(86400000000000);
    static const int64_t  WEEK    = 7;
    static const int64_t  MONTH   = 28;
    static const int64_t  MONDAY  = 4; /* 1970-01-01 is a Thursday */
    static const uint32_t QUARTER = 3;
    static const uint32_t YEAR    = 12;
    if (ast->unit == WEIRI_WORD_WEEK) {
        window->width_ns  = WEEK * DAY_NS;
        window->offset_ns = MONDAY * DAY_NS;
        return;
    }
    window->months   = ast->unit == WEIRI_WORD_MONTH     ? 1
                       : ast->unit == WEIRI_WORD_QUARTER ? QUARTER
                                                         : YEAR;
    window->width_ns = MONTH * DAY_NS * window->months;
}

static void
plan_offset(weiri_querying *self)
{
    const weiri_ast_window *ast    = &self->rule->window;
    weiri_window           *window = self->query->window;
    const weir_value       *value  = ast->offset != NULL ? weiri_constant(
                                         self->planner, ast->offset, WEIR_DURATION, "'offset'")
                                                         : NULL;
    self->is_broken = self->is_broken || (ast->offset != NULL && value == NULL);
    if (value == NULL || value->is_null) {
        return;
    }
    if (value->as.i >= window->width_ns || value->as.i <= -window->width_ns) {
        report_window(self, "an 'offset' is shorter than the window", NULL);
        return;
    }
    window->offset_ns += value->as.i;
    if (window->offset_ns >= window->width_ns) {
        window->offset_ns -= window->width_ns;
    }
}

static void
plan_clause(weiri_querying *self)
{
    const weiri_ast_window *ast    = &self->rule->window;
    weiri_window           *window = self->query->window;
    window->kind                   = kind_of(self);
    window->is_before              = ast->is_before;
    window->is_reset               = ast->is_reset;
    window->has_fill               = ast->is_filled;
    if (window->kind == WEIRI_WINDOW_LAST) {
        window->n_rows = constant_count(
            self, ast->width, WEIRI_WINDOW_ROWS, "the length of a 'last' window");
    } else if (window->kind == WEIRI_WINDOW_BATCH) {
        window->n_rows = constant_count(
            self, ast->width, WEIRI_NONE - 1, "the length of a 'tumbling' window");
    } else if (ast->unit != WEIRI_WORD_OTHER) {
        plan_unit(ast, window);
    } else if (window->kind != WEIRI_WINDOW_ALL) {
        window->width_ns = duration(self, ast->width, "a window's length");
    }
    plan_every(self);
    plan_offset(self);
    weir_error err = { .status = WEIR_OK };
    if (!self->is_broken && weiri_window_check(window, &err) != WEIR_OK) {
        report_window(self, err.text, NULL);
    }
}

void
weiri_plan_window(weiri_querying *self)
{
    const weiri_ast_rule *rule       = self->rule;
    bool                  has_clause = rule->window.at.size > 0;
    bool counts = rule->limit_at.size > 0 || rule->emit.when_changes.size > 0;
    if (!has_clause && !counts) {
        return;
    }
    weiri_window *window = weiri_arena_alloc(self->planner->arena, sizeof *window);
    *window              = (weiri_window){ .early_ns = -1, .limit_ns = -1 };
    self->query->window  = window;
    if (has_clause) {
        plan_clause(self);
        self->is_closed = window->kind != WEIRI_WINDOW_SLIDING
                          && window->kind != WEIRI_WINDOW_LAST
                          && window->kind != WEIRI_WINDOW_ALL;
    } else {
        window->kind   = WEIRI_WINDOW_LAST;
        window->n_rows = 1;
    }
}

/* ---- the key ---- */

const weiri_expr *
weiri_plan_query_key(weiri_querying *self, const weiri_ast_key *key)
{
    weiri_diagnostics *diagnostics = self->planner->diagnostics;
    const weiri_expr  *value = weiri_query_expr(self, WEIRI_QUERY_KEY, key->sides[0]);
    if (key->n_sides > 1) {
        weiri_report(diagnostics, WEIRI_E_KEY_SIDES, key->at,
            "a rule that reads one stream has a key of one side");
        return NULL;
    }
    if (value != NULL && (value->type == WEIR_LIST || value->type == WEIR_NULL)) {
        weiri_report(diagnostics, WEIRI_E_KEY_TYPES_DIFFER, key->at, "a key cannot be %s",
            value->type == WEIR_LIST ? "a list" : "null");
        return NULL;
    }
    return value;
}

void
weiri_plan_window_keys(weiri_querying *self)
{
    const weiri_ast_rule *rule   = self->rule;
    weiri_window         *window = self->query->window;
    const weiri_expr    **keys   = weiri_arena_alloc(
             self->planner->arena, (rule->n_keys + 1) * sizeof(const weiri_expr *));
    for (uint32_t i = 0; i < rule->n_keys; i++) {
        keys[i]         = weiri_plan_query_key(self, &rule->keys[i]);
        self->is_broken = self->is_broken || keys[i] == NULL;
    }
    if (window != NULL) {
        window->keys   = keys;
        window->n_keys = rule->n_keys;
    } else if (rule->by_at.size > 0 && !rule->emit.is_into && rule->fill.at.size == 0) {
        weiri_report(self->planner->diagnostics, WEIRI_W_NO_EFFECT, rule->by_at,
            "'by' has no effect without a window");
        weiri_report_hint(
            self->planner->diagnostics, "add 'window sliding 10m', or leave 'by' out");
    }
}

static bool
is_same_literal(const weiri_ast_expr *a, const weiri_ast_expr *b)
{
    switch (a->kind) {
    case WEIRI_AST_BOOL: return a->value.b == b->value.b;
    case WEIRI_AST_INT:
    case WEIRI_AST_DURATION: return a->value.i == b->value.i;
    case WEIRI_AST_FLOAT: return a->value.f == b->value.f;
    case WEIRI_AST_STRING:
        return a->value.s.size == b->value.s.size
               && memcmp(a->value.s.text, b->value.s.text, a->value.s.size) == 0;
    default: return true;
    }
}

/* Whether two expressions are written alike; a field with its stream's name or without.
 */
static bool
is_same_node(const weiri_querying *self, const weiri_ast_expr *a, const weiri_ast_expr *b)
{
    uint32_t a_field = weiri_query_find(self, a);
    uint32_t b_field = weiri_query_find(self, b);
    if (a_field != WEIRI_NONE && b_field != WEIRI_NONE) {
        return a_field == b_field;
    }
    bool is_alike = a->kind == b->kind && a->n_items == b->n_items
                    && a->is_negated == b->is_negated && a->kind != WEIRI_AST_BROKEN
                    && a->filter == NULL && b->filter == NULL
                    && (a->name.text == NULL) == (b->name.text == NULL)
                    && (a->name.text == NULL || strcmp(a->name.text, b->name.text) == 0)
                    && is_same_literal(a, b);
    for (uint32_t i = 0; is_alike && i < a->n_items; i++) {
        is_alike = is_same_node(self, a->items[i], b->items[i]);
    }
    return is_alike;
}

weiri_expr *
weiri_query_key(weiri_querying *self, const weiri_ast_expr *node)
{
    const weiri_ast_rule *rule = self->rule;
    for (uint32_t i = 0; i < rule->n_keys; i++) {
        if (self->query->window->keys[i] != NULL
            && is_same_node(self, rule->keys[i].sides[0], node)) {
            return weiri_query_register(self, WEIRI_AGGREGATE_KEY, i);
        }
    }
    return NULL;
}

/* ---- results ---- */

static void
plan_order(weiri_querying *self)
{
    const weiri_ast_rule *rule   = self->rule;
    weiri_window         *window = self->query->window;
    if (rule->order_at.size == 0) {
        return;
    }
    if (!self->is_closed || window->kind == WEIRI_WINDOW_BATCH) {
        weiri_report(self->planner->diagnostics, WEIRI_E_NEEDS_WINDOW, rule->order_at,
            "'order by' needs a window that closes as time passes, other results are in "
            "order of time");
        weiri_report_hint(self->planner->diagnostics, "'window tumbling 1m' closes");
        self->is_broken = true;
        return;
    }
    weiri_order *order =
        weiri_arena_alloc(self->planner->arena, (rule->n_order + 1) * sizeof *order);
    for (uint32_t i = 0; i < rule->n_order; i++) {
        order[i].value = weiri_query_expr(self, WEIRI_QUERY_ORDER, rule->order[i].value);
        order[i].is_descending = rule->order[i].is_descending;
        self->is_broken        = self->is_broken || order[i].value == NULL;
    }
    window->order   = order;
    window->n_order = rule->n_order;
    window->n_each  = rule->n_each;
    if (rule->order_limit != NULL) {
        window->order_limit =
            constant_count(self, rule->order_limit, WEIRI_NONE - 1, "'limit'");
    }
}

bool
weiri_plan_limit(
    weiri_planner *self, const weiri_ast_rule *rule, uint32_t *limit, int64_t *limit_ns)
{
    *limit    = 0;
    *limit_ns = -1;
    if (rule->limit_at.size == 0) {
        return true;
    }
    uint32_t most = rule->limit_per != NULL ? WEIRI_LIMIT_COUNT : WEIRI_NONE - 1;
    *limit        = number_to(self, rule->limit, most, "'limit'");
    if (rule->limit_per != NULL) {
        *limit_ns = weiri_constant_duration(self, rule->limit_per, false, "'per'");
    }
    return *limit > 0 && (rule->limit_per == NULL || *limit_ns > 0);
}

/* What turns true: having, and without a window what `where` says too, for an event that
 * it leaves out turns the condition false. */
static void
plan_changes(weiri_querying *self)
{
    const weiri_ast_rule *rule   = self->rule;
    weiri_query          *query  = self->query;
    weiri_window         *window = query->window;
    if (rule->emit.when_changes.size == 0) {
        return;
    }
    window->has_changes = true;
    bool is_single      = rule->window.at.size == 0;
    if (rule->having == NULL && (!is_single || rule->where == NULL)) {
        weiri_report(self->planner->diagnostics, WEIRI_E_NEVER_CHANGES,
            rule->emit.when_changes, "nothing here turns true");
        weiri_report_hint(self->planner->diagnostics, "say what with '%s'",
            is_single ? "where ..." : "having count() > 3");
        self->is_broken = true;
    } else if (is_single && query->where != NULL && !self->is_broken) {
        weiri_scope scope   = { self->planner->arena, self->planner->diagnostics, self,
              NULL, NULL };
        weiri_expr *where   = (weiri_expr *)(uintptr_t)query->where;
        weiri_expr *having  = (weiri_expr *)(uintptr_t)window->having;
        weiri_expr *both[2] = { where, having };
        window->having      = having == NULL
                                  ? where
                                  : weiri_type_call(&scope, rule->where_at, "and", both, 2);
        query->where        = NULL;
    }
}

void
weiri_plan_window_results(weiri_querying *self)
{
    const weiri_ast_rule *rule   = self->rule;
    weiri_window         *window = self->query->window;
    if (window == NULL) {
        return;
    }
    if (rule->having != NULL) {
        window->having  = weiri_query_condition(self, WEIRI_QUERY_HAVING, rule->having);
        self->is_broken = self->is_broken || window->having == NULL;
    }
    plan_order(self);
    self->is_broken =
        !weiri_plan_limit(self->planner, rule, &window->limit, &window->limit_ns)
        || self->is_broken;
    plan_changes(self);
    weir_error err = { .status = WEIR_OK };
    if (window->months > 0 && !self->is_broken
        && weiri_window_check(window, &err) != WEIR_OK) {
        report_window(self, err.text, NULL);
    }
}
