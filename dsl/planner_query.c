/* Rules that begin with `from`: each event by itself, filtered and mapped. */
#include "planner.h"

#include <string.h>

struct query {
    weiri_planner        *planner;
    const weiri_ast_rule *rule;
    uint32_t              stream;
    const weir_schema    *schema;
};

static weiri_expr *
field_named(struct query *self, weiri_ast_name name)
{
    int32_t field = weir_schema_find(self->schema, name.text);
    if (field < 0) {
        weiri_report_no_field(self->planner, self->stream, name);
        return NULL;
    }
    return weiri_expr_field(self->planner->arena, self->schema, (uint32_t)field);
}

static bool
is_stream_name(const struct query *self, const weiri_ast_expr *node)
{
    const weiri_ast_from *from = &self->rule->from;
    const char *name = from->alias.text != NULL ? from->alias.text : from->stream.text;
    return node->kind == WEIRI_AST_NAME && strcmp(node->name.text, name) == 0;
}

static const char *const AGGREGATES[] = { "count", "sum", "avg", "min", "max", "stddev",
    "variance", "median", "quantile", "distinct", "first", "last", "collect", "top",
    "ewma", "slope" };

static weiri_expr *
resolve_call(struct query *self, const weiri_ast_expr *node, bool *is_handled)
{
    for (size_t i = 0; i < sizeof AGGREGATES / sizeof AGGREGATES[0]; i++) {
        if (strcmp(AGGREGATES[i], node->name.text) == 0) {
            weiri_report(self->planner->diagnostics, WEIRI_E_NOT_YET, node->at,
                "not yet: '%s' needs a window, and windows are not built yet",
                node->name.text);
            return NULL;
        }
    }
    if (strcmp(node->name.text, "time") == 0 && node->n_items == 0) {
        return weiri_expr_time(self->planner->arena);
    }
    *is_handled = false;
    return NULL;
}

static weiri_expr *
resolve_name(struct query *self, const weiri_ast_expr *node)
{
    bool        is_param = false;
    weiri_expr *param    = weiri_find_param(self->planner, node->name.text, &is_param);
    int32_t     field    = weir_schema_find(self->schema, node->name.text);
    if (field < 0 && is_param) {
        return param;
    }
    return field_named(self, node->name);
}

static weiri_expr *
resolve(void *context, const weiri_ast_expr *node, bool *is_handled)
{
    struct query *self = context;
    switch (node->kind) {
    case WEIRI_AST_NAME: return resolve_name(self, node);
    case WEIRI_AST_CALL: return resolve_call(self, node, is_handled);
    case WEIRI_AST_MEMBER: break;
    default: *is_handled = false; return NULL;
    }
    const weiri_ast_expr *object = node->items[0];
    if (is_stream_name(self, object)) {
        return field_named(self, node->name);
    }
    if (object->kind == WEIRI_AST_NAME
        && weir_schema_find(self->schema, object->name.text) < 0) {
        weiri_report(self->planner->diagnostics, WEIRI_E_UNKNOWN_NAME, object->at,
            "'%s' is no name of an event here", object->name.text);
        return NULL;
    }
    *is_handled = false;
    return NULL;
}

static weiri_expr *
whole_field(void *context, uint32_t field)
{
    struct query *self = context;
    return weiri_expr_field(self->planner->arena, self->schema, field);
}

static bool
check_clauses(weiri_planner *self, const weiri_ast_rule *rule)
{
    struct {
        weiri_span  at;
        const char *what;
    } const later[] = { { rule->window.at, "windows are" },
        { rule->having_at, "'having' is" }, { rule->limit_at, "'limit' is" },
        { rule->order_at, "'order by' is" },
        { rule->from.n_joins > 0 ? rule->from.joins[0].at : (weiri_span){ .size = 0 },
            "joins are" },
        { rule->from.actor.at, "actors are" } };
    bool is_ok      = true;
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        if (later[i].at.size > 0) {
            weiri_report_not_yet(self, later[i].at, later[i].what);
            is_ok = false;
        }
    }
    struct {
        weiri_span  at;
        const char *name;
    } const wrong[] = { { rule->within_at, "within" }, { rule->skip.at, "skip" },
        { rule->on_timeout.at, "on timeout" } };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (wrong[i].at.size > 0) {
            weiri_report(self->diagnostics, WEIRI_E_CLAUSE_MISPLACED, wrong[i].at,
                "'%s' belongs to 'match', this rule begins with 'from'", wrong[i].name);
            is_ok = false;
        }
    }
    if (is_ok && rule->by_at.size > 0) {
        weiri_report(self->diagnostics, WEIRI_W_NO_EFFECT, rule->by_at,
            "'by' has no effect without a window");
    }
    return is_ok;
}

static void
mark_fields(weiri_planner *self, const weiri_query *query)
{
    bool *used = self->plan->streams[query->stream].used;
    if (query->where != NULL) {
        weiri_expr_mark_fields(query->where, used);
    }
    for (uint32_t i = 0; i < query->emit->schema->n_fields; i++) {
        weiri_expr_mark_fields(query->emit->values[i], used);
    }
}

weiri_query *
weiri_plan_query(weiri_planner *self, const weiri_ast_rule *rule)
{
    if (!check_clauses(self, rule)) {
        return NULL;
    }
    uint32_t     stream  = weiri_find_stream(self, rule->from.stream.text);
    struct query context = { .planner = self,
        .rule                         = rule,
        .stream                       = stream,
        .schema                       = &self->plan->streams[stream].schema };
    weiri_scope  scope   = { self->arena, self->diagnostics, &context, resolve };
    weiri_whole  whole   = {
           .schema = context.schema, .field = whole_field, .context = &context
    };
    weiri_query *query = weiri_arena_alloc(self->arena, sizeof *query);
    query->stream      = stream;
    query->schema      = context.schema;
    bool is_ok         = true;
    if (rule->where != NULL) {
        query->where = weiri_type_condition(&scope, rule->where);
        is_ok        = query->where != NULL;
    }
    for (uint32_t i = 0; i < rule->n_keys; i++) {
        for (uint32_t j = 0; j < rule->keys[i].n_sides; j++) {
            is_ok = weiri_type_expr(&scope, rule->keys[i].sides[j]) != NULL && is_ok;
        }
    }
    query->emit = weiri_plan_emit(self, &scope, rule, &rule->emit, &whole);
    if (!is_ok || query->emit == NULL || self->streams[stream].is_broken) {
        return NULL;
    }
    mark_fields(self, query);
    return query;
}
