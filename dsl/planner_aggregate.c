/* Aggregates of a window: what they are given, and the registers that hold them. */
#include "planner_query.h"
#include "std.h"

#include <string.h>

#include "foreign_words.h"

/* ---- registers ---- */

static bool
is_same_aggregate(const weiri_aggregate *a, const weiri_aggregate *b)
{
    return a->kind == b->kind && a->foreign == b->foreign && a->index == b->index
           && a->k == b->k && a->p == b->p && a->width_ns == b->width_ns
           && weiri_expr_is_same(a->argument, b->argument)
           && weiri_expr_is_same(a->second, b->second)
           && weiri_expr_is_same(a->filter, b->filter);
}

/* A window that always has an event has a first, a least, … wherever events have one. */
static bool
can_be_null(const weiri_querying *self, const weiri_aggregate *row)
{
    const weiri_window *window = self->query->window;
    bool is_full = !window->is_before && !window->has_fill && row->filter == NULL
                   && !row->argument->is_nullable;
    return !is_full;
}

static weiri_expr *
keep(weiri_querying *self, const weiri_aggregate *row)
{
    weiri_window *window = self->query->window;
    weiri_arena  *arena  = self->planner->arena;
    uint32_t      i      = 0;
    while (i < window->n_aggregates && !is_same_aggregate(&window->aggregates[i], row)) {
        i++;
    }
    if (i == WEIRI_AGGREGATES) {
        weiri_report(self->planner->diagnostics, WEIRI_E_BAD_WINDOW, self->rule->name.at,
            "rule '%s' needs more than %d aggregates", self->rule->name.text,
            WEIRI_AGGREGATES);
        return NULL;
    }
    if (i == window->n_aggregates) {
        WEIRI_ARENA_PUSH(arena, window->aggregates, window->n_aggregates, *row);
    }
    return weiri_expr_register(arena, i, row->type, row->element, row->is_nullable);
}

weiri_expr *
weiri_query_register(weiri_querying *self, weiri_aggregate_kind kind, uint32_t index)
{
    weiri_aggregate row = { .kind = kind, .index = index, .type = WEIR_TIME };
    if (kind == WEIRI_AGGREGATE_KEY) {
        row.type = self->query->window->keys[index]->type;
    }
    return keep(self, &row);
}

/* ---- what a call is given ---- */

static const char *
usage_of(weiri_querying *self, weiri_aggregate_kind kind, const char *name)
{
    switch (kind) {
    case WEIRI_AGGREGATE_COUNT: return "count(), count(x) or count(x > 3)";
    case WEIRI_AGGREGATE_QUANTILE: return "quantile(x, 0.99)";
    case WEIRI_AGGREGATE_TOP: return "top(3, x)";
    case WEIRI_AGGREGATE_EWMA: return "ewma(x, 10s)";
    case WEIRI_AGGREGATE_LAG: return "lag(x), or lag(x, 3) for the third before";
    case WEIRI_AGGREGATE_CORRELATION: return "correlation(x, y)";
    default: return weiri_arena_format(self->planner->arena, "%s(x)", name);
    }
}

static bool
takes_two(weiri_aggregate_kind kind)
{
    return kind == WEIRI_AGGREGATE_QUANTILE || kind == WEIRI_AGGREGATE_TOP
           || kind == WEIRI_AGGREGATE_EWMA || kind == WEIRI_AGGREGATE_CORRELATION;
}

static bool
check_arguments(
    weiri_querying *self, const weiri_ast_expr *node, weiri_aggregate_kind kind)
{
    weiri_diagnostics *diagnostics = self->planner->diagnostics;
    bool               is_lag      = kind == WEIRI_AGGREGATE_LAG;
    uint32_t           most        = takes_two(kind) || is_lag ? 2 : 1;
    uint32_t           least      = kind == WEIRI_AGGREGATE_COUNT ? 0 : is_lag ? 1 : most;
    bool               is_swapped = kind == WEIRI_AGGREGATE_TOP && node->n_items == 2
                      && node->items[0]->kind == WEIRI_AST_NAME
                      && node->items[1]->kind == WEIRI_AST_INT;
    if (node->n_items >= least && node->n_items <= most && !is_swapped) {
        return true;
    }
    weiri_report(diagnostics, WEIRI_E_BAD_ARGUMENTS, node->at, "'%s' is written %s",
        node->name.text, usage_of(self, kind, node->name.text));
    bool is_max = kind == WEIRI_AGGREGATE_MAX;
    if ((is_max || kind == WEIRI_AGGREGATE_MIN) && node->n_items > 1) {
        weiri_report_hint(diagnostics, "the %s of several values is '%s'",
            is_max ? "largest" : "smallest", is_max ? "greatest" : "least");
    }
    return false;
}

/* How far back, which the window has to reach. */
static bool
plan_lag(weiri_querying *self, const weiri_ast_expr *node, weiri_aggregate *row)
{
    weiri_diagnostics  *diagnostics = self->planner->diagnostics;
    const weiri_window *window      = self->query->window;
    row->index                      = window->is_before ? 0 : 1;
    row->k                          = 1;
    if (window->kind != WEIRI_WINDOW_SLIDING && window->kind != WEIRI_WINDOW_LAST) {
        weiri_report(diagnostics, WEIRI_E_BAD_WINDOW, node->at,
            "'lag' looks back from an event in a 'last' or 'sliding' window");
        weiri_report_hint(diagnostics, "write 'window last 2' for the one before");
        return false;
    }
    if (node->n_items > 1) {
        const weir_value *value =
            weiri_constant(self->planner, node->items[1], WEIR_INT, "the n of 'lag'");
        if (value == NULL) {
            return false;
        }
        bool is_far = value->as.i > WEIRI_WINDOW_ROWS;
        row->k      = value->as.i < 1 || is_far ? 0 : (uint32_t)value->as.i;
        if (row->k == 0) {
            weiri_report(diagnostics, WEIRI_E_BAD_COUNT, node->items[1]->at,
                "the n of 'lag' is a number from 1 to %d", WEIRI_WINDOW_ROWS);
            return false;
        }
    }
    if (window->kind == WEIRI_WINDOW_LAST && row->k + row->index > window->n_rows) {
        weiri_report(diagnostics, WEIRI_E_BAD_COUNT, node->at,
            "this window holds too few events to look back %u", row->k);
        weiri_report_hint(diagnostics, "write 'window last %u%s'", row->k + row->index,
            window->is_before ? " before" : "");
        return false;
    }
    return true;
}

/* The second thing in the parentheses, where it is not a value of the events. */
static bool
plan_parameter(weiri_querying *self, const weiri_ast_expr *node, weiri_aggregate *row)
{
    weiri_planner    *planner = self->planner;
    const weir_value *value   = NULL;
    switch (row->kind) {
    case WEIRI_AGGREGATE_QUANTILE:
        value =
            weiri_constant(planner, node->items[1], WEIR_FLOAT, "the p of 'quantile'");
        row->p = value == NULL || value->is_null ? -1.0 : value->as.f;
        return value != NULL;
    case WEIRI_AGGREGATE_TOP:
        value  = weiri_constant(planner, node->items[0], WEIR_INT, "the k of 'top'");
        row->k = value == NULL || value->is_null || value->as.i < 0
                         || value->as.i > WEIRI_TOP_EXACT
                     ? 0
                     : (uint32_t)value->as.i;
        return value != NULL;
    case WEIRI_AGGREGATE_EWMA:
        row->width_ns = weiri_constant_duration(
            planner, node->items[1], false, "the half-life of 'ewma'");
        return row->width_ns > 0;
    case WEIRI_AGGREGATE_CORRELATION:
        row->second = weiri_query_expr(self, WEIRI_QUERY_ARGUMENT, node->items[1]);
        return row->second != NULL;
    case WEIRI_AGGREGATE_LAG: return plan_lag(self, node, row);
    default: return true;
    }
}

static bool
is_bare_count(const weiri_querying *self, const weiri_ast_expr *node)
{
    return node->n_items == 0
           || (self->n_named == 1 && node->items[0]->kind == WEIRI_AST_NAME
               && strcmp(node->items[0]->name.text, self->parts[0].name) == 0
               && weiri_query_find(self, node->items[0]) == WEIRI_NONE);
}

static bool
plan_arguments(weiri_querying *self, const weiri_ast_expr *node, weiri_aggregate *row)
{
    bool is_ok = plan_parameter(self, node, row);
    if (node->filter != NULL) {
        row->filter = weiri_query_condition(self, WEIRI_QUERY_ARGUMENT, node->filter);
        is_ok       = is_ok && row->filter != NULL;
    }
    bool is_count = row->kind == WEIRI_AGGREGATE_COUNT;
    if (is_count && is_bare_count(self, node)) {
        return is_ok;
    }
    uint32_t at   = row->kind == WEIRI_AGGREGATE_TOP ? 1 : 0;
    row->argument = weiri_query_expr(self, WEIRI_QUERY_ARGUMENT, node->items[at]);
    is_ok         = is_ok && row->argument != NULL;
    if (is_ok && is_count && !row->argument->is_nullable
        && row->argument->type != WEIR_BOOL) {
        row->argument = NULL;
    }
    return is_ok;
}

/* ---- where an aggregate can stand ---- */

static bool
check_stand(weiri_querying *self, const weiri_ast_expr *node)
{
    weiri_diagnostics *diagnostics = self->planner->diagnostics;
    const char        *name        = node->name.text;
    switch (self->stand) {
    case WEIRI_QUERY_WHERE:
        weiri_report(diagnostics, WEIRI_E_AGGREGATE_MISPLACED, node->at,
            "'where' looks at one event, '%s' at many", name);
        weiri_report_hint(diagnostics, "put this condition into 'having'");
        return false;
    case WEIRI_QUERY_KEY:
        weiri_report(diagnostics, WEIRI_E_AGGREGATE_MISPLACED, node->at,
            "'by' looks at one event, '%s' at many", name);
        return false;
    case WEIRI_QUERY_ARGUMENT:
        weiri_report(diagnostics, WEIRI_E_AGGREGATE_MISPLACED, node->at,
            "an aggregate cannot stand in an aggregate");
        return false;
    default: break;
    }
    if (self->rule->window.at.size == 0) {
        weiri_report(
            diagnostics, WEIRI_E_NEEDS_WINDOW, node->at, "'%s' needs a window", name);
        weiri_report_hint(diagnostics,
            strcmp(name, "lag") == 0
                ? "add 'window last 2' for the event before"
                : "add one: 'window tumbling 1m', or sliding, hopping, last, session");
        return false;
    }
    return true;
}

static bool
is_function(const char *name)
{
    for (size_t i = 0; weiri_operation_name(i) != NULL; i++) {
        if (strcmp(weiri_operation_name(i), name) == 0) {
            return true;
        }
    }
    return false;
}

/* What is neither function nor aggregate is a slip of either. */
static void
report_unknown(weiri_querying *self, const weiri_ast_expr *node)
{
    static const char *const AGGREGATES[] = {
#define X(name, text) text,
        WEIRI_AGGREGATE_LIST(X)
#undef X
    };
    enum { N_AGGREGATES = sizeof AGGREGATES / sizeof AGGREGATES[0] };
    const char **names   = NULL;
    uint32_t     n_names = 0;
    for (size_t i = 0; i < N_AGGREGATES; i++) {
        if (AGGREGATES[i][0] != '\0') {
            WEIRI_ARENA_PUSH(self->planner->arena, names, n_names, AGGREGATES[i]);
        }
    }
    for (size_t i = 0; weiri_operation_name(i) != NULL; i++) {
        WEIRI_ARENA_PUSH(self->planner->arena, names, n_names, weiri_operation_name(i));
    }
    weiri_report(self->planner->diagnostics, WEIRI_E_UNKNOWN_FUNCTION, node->at,
        "there is no function or aggregate '%.40s'", node->name.text);
    if (weiri_std_with_function(node->name.text) != NULL) {
        weiri_hint_std(self->planner->diagnostics, node->name.text);
    } else if (!weiri_hint_foreign(
                   self->planner->diagnostics, WEIRI_FOREIGN_FUNCTION, node->name.text)) {
        weiri_report_nearest(self->planner->diagnostics, node->name.text, names, n_names);
    }
}

/* ---- aggregates of plugins ---- */

/* One argument, as the plugin takes it. */
static const weiri_expr *
foreign_argument(weiri_querying *self, const weiri_ast_expr *node,
    const weiri_foreign *foreign, uint32_t i)
{
    const weir_plugin_field *input = &foreign->table->inputs[i];
    weir_error               err   = { .status = WEIR_OK };
    weiri_expr              *out   = NULL;
    weiri_expr *value = weiri_query_expr(self, WEIRI_QUERY_ARGUMENT, node->items[i]);
    if (value == NULL) {
        return NULL;
    }
    if (weiri_expr_convert(
            self->planner->arena, value, (weir_type)input->type, &out, &err)
        != WEIR_OK) {
        weiri_report(self->planner->diagnostics, WEIRI_E_WRONG_TYPE, node->items[i]->at,
            "aggregate '%s' takes %s %s as '%s', not %s %s", foreign->name,
            input->type == WEIR_INT ? "an" : "a", weir_type_text((weir_type)input->type),
            input->name, value->type == WEIR_INT ? "an" : "a",
            weir_type_text(value->type));
        return NULL;
    }
    return out;
}

static weiri_expr *
plan_foreign(
    weiri_querying *self, const weiri_ast_expr *node, const weiri_foreign *foreign)
{
    weiri_diagnostics           *diagnostics = self->planner->diagnostics;
    const weir_plugin_aggregate *table       = foreign->table;
    weiri_aggregate row = { .kind = WEIRI_AGGREGATE_PLUGIN, .foreign = foreign };
    weir_error      err = { .status = WEIR_OK };
    if (!check_stand(self, node) || foreign->params == NULL) {
        return NULL;
    }
    if (node->n_items != table->n_inputs) {
        weiri_report(diagnostics, WEIRI_E_BAD_ARGUMENTS, node->at,
            table->n_inputs == 1 ? "'%s' is written %s(%s)"
                                 : "'%s' is written %s(%s, %s)",
            foreign->name, foreign->name, table->inputs[0].name,
            table->n_inputs == 1 ? "" : table->inputs[1].name);
        return NULL;
    }
    bool needs_merge = self->query->window->kind == WEIRI_WINDOW_HOPPING
                       || self->query->window->early_ns > 0;
    if (needs_merge && table->merge == NULL) {
        weiri_report(diagnostics, WEIRI_E_BAD_WINDOW, node->at,
            "'%s' cannot be merged, which 'hopping' windows and 'early' need",
            foreign->name);
        return NULL;
    }
    row.argument = foreign_argument(self, node, foreign, 0);
    row.second   = table->n_inputs > 1 ? foreign_argument(self, node, foreign, 1) : NULL;
    if (node->filter != NULL) {
        row.filter = weiri_query_condition(self, WEIRI_QUERY_ARGUMENT, node->filter);
    }
    if (row.argument == NULL || (table->n_inputs > 1 && row.second == NULL)
        || (node->filter != NULL && row.filter == NULL)
        || weiri_aggregate_resolve(&row, &err) != WEIR_OK) {
        return NULL;
    }
    return keep(self, &row);
}

weiri_expr *
weiri_query_aggregate(weiri_querying *self, const weiri_ast_expr *node, bool *is_handled)
{
    const weiri_foreign *foreign = weiri_find_foreign(self->planner, node->name.text);
    if (foreign != NULL) {
        return plan_foreign(self, node, foreign);
    }
    weiri_aggregate row = { .kind = WEIRI_AGGREGATE_COUNT };
    if (!weiri_aggregate_find(node->name.text, &row.kind)) {
        bool is_slip = self->rule->window.at.size > 0 && !is_function(node->name.text);
        if (is_slip) {
            report_unknown(self, node);
        }
        *is_handled = is_slip;
        return NULL;
    }
    for (uint32_t i = 0; i < node->n_items; i++) {
        if (node->items[i]->kind == WEIRI_AST_BROKEN) {
            return NULL;
        }
    }
    if (!check_stand(self, node) || !check_arguments(self, node, row.kind)
        || !plan_arguments(self, node, &row)) {
        return NULL;
    }
    weir_error err = { .status = WEIR_OK };
    if (weiri_aggregate_resolve(&row, &err) != WEIR_OK) {
        weiri_report(
            self->planner->diagnostics, WEIRI_E_WRONG_TYPE, node->at, "%s", err.text);
        return NULL;
    }
    switch (row.kind) {
    case WEIRI_AGGREGATE_MIN:
    case WEIRI_AGGREGATE_MAX:
    case WEIRI_AGGREGATE_FIRST:
    case WEIRI_AGGREGATE_LAST: row.is_nullable = can_be_null(self, &row); break;
    default: break;
    }
    return keep(self, &row);
}
