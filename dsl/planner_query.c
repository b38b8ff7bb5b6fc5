/* Rules that begin with `from`: filtered and mapped event by event, or over a window. */
#include "planner_query.h"

#include <string.h>

/* ---- names ---- */

static const weir_schema *
part_schema(const weiri_querying *self, const weiri_query_part *part)
{
    return &self->planner->plan->streams[part->stream].schema;
}

static uint32_t
find_in_part(const weiri_querying *self, const weiri_query_part *part, const char *name)
{
    int32_t field = weir_schema_find(part_schema(self, part), name);
    return field < 0 ? WEIRI_NONE : part->first + (uint32_t)field;
}

/* The part that the rule calls so; NULL: none. */
static const weiri_query_part *
part_named(const weiri_querying *self, const weiri_ast_expr *node)
{
    for (uint32_t i = 0; node->kind == WEIRI_AST_NAME && i < self->n_named; i++) {
        if (strcmp(self->parts[i].name, node->name.text) == 0) {
            return &self->parts[i];
        }
    }
    return NULL;
}

/* How many parts have a field of this name, and the last of them. */
static uint32_t
parts_with(const weiri_querying *self, const char *name, uint32_t *field)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->n_named; i++) {
        uint32_t found = find_in_part(self, &self->parts[i], name);
        if (found != WEIRI_NONE) {
            *field = found;
            n++;
        }
    }
    return n;
}

uint32_t
weiri_query_find(const weiri_querying *self, const weiri_ast_expr *node)
{
    uint32_t field = WEIRI_NONE;
    if (node->kind == WEIRI_AST_NAME) {
        return parts_with(self, node->name.text, &field) == 1 ? field : WEIRI_NONE;
    }
    const weiri_query_part *part =
        node->kind == WEIRI_AST_MEMBER ? part_named(self, node->items[0]) : NULL;
    return part != NULL && node->name.text != NULL
               ? find_in_part(self, part, node->name.text)
               : WEIRI_NONE;
}

static bool
reads_results(const weiri_querying *self)
{
    return self->stand >= WEIRI_QUERY_EMIT && self->query->window != NULL;
}

static const char *
window_text(const weiri_querying *self)
{
    return weiri_word_text(self->rule->window.kind);
}

/* A window that is closed has many events, and `what` is of one. */
static void
report_many(weiri_querying *self, weiri_span at, const char *what)
{
    weiri_report(self->planner->diagnostics, WEIRI_E_NOT_ONE_EVENT, at,
        "'%s' is of one event, and a %s window has many", what, window_text(self));
}

/* A name that is no field, or of several parts. */
static void
report_no_field(weiri_querying *self, const weiri_ast_expr *node)
{
    weiri_diagnostics *diagnostics = self->planner->diagnostics;
    const char        *name        = node->name.text;
    uint32_t           field       = 0;
    if (node->kind == WEIRI_AST_MEMBER) {
        const weiri_query_part *part = part_named(self, node->items[0]);
        weiri_report_no_field(self->planner, part->stream, node->name);
    } else if (self->n_named == 1) {
        weiri_report_no_field(self->planner, self->parts[0].stream, node->name);
    } else if (parts_with(self, name, &field) > 1) {
        weiri_report(diagnostics, WEIRI_E_FIELD_AMBIGUOUS, node->at,
            "of which stream is '%s'? Several have such a field", name);
        weiri_report_hint(diagnostics, "write '%s.%s'", self->parts[0].name, name);
    } else if (!self->planner->has_lost_names) {
        weiri_report(diagnostics, WEIRI_E_UNKNOWN_FIELD, node->at,
            "none of the joined streams has a field '%s'", name);
    }
}

/* A field of the row that the query reads, where that is one. */
static weiri_expr *
field_at(weiri_querying *self, const weiri_ast_expr *node, uint32_t field)
{
    if (field == WEIRI_NONE) {
        return NULL;
    }
    if (reads_results(self) && self->is_closed) {
        const char *name = node->name.text;
        report_many(self, node->at, name);
        if (node->kind == WEIRI_AST_MEMBER && node->items[0]->kind == WEIRI_AST_INDEX) {
            weiri_report_hint(self->planner->diagnostics,
                "write first(...) or last(...) of it, or let it be part of the key");
        } else {
            weiri_report_hint(self->planner->diagnostics,
                "write first(%s) or last(%s), or let it be part of the key: 'by %s'",
                name, name, name);
        }
        return NULL;
    }
    return weiri_expr_field(self->planner->arena, self->query->schema, field);
}

static weiri_expr *
field_named(weiri_querying *self, const weiri_ast_expr *node)
{
    uint32_t field = weiri_query_find(self, node);
    if (field == WEIRI_NONE) {
        report_no_field(self, node);
    }
    return field_at(self, node, field);
}

/* The value that emit gives under this name; NULL: none, or a field's own. */
static const weiri_ast_expr *
emitted_as(const weiri_querying *self, const char *name)
{
    const weiri_ast_options *fields = &self->rule->emit.fields;
    for (uint32_t i = 0; i < fields->n_items; i++) {
        const weiri_ast_option *option = &fields->items[i];
        if (option->value != NULL && option->name.text != NULL
            && strcmp(option->name.text, name) == 0) {
            return option->value;
        }
    }
    return NULL;
}

static weiri_expr *
resolve_name(weiri_querying *self, const weiri_ast_expr *node)
{
    const char           *name     = node->name.text;
    bool                  is_param = false;
    weiri_expr           *param    = weiri_find_param(self->planner, name, &is_param);
    uint32_t              field    = 0;
    bool                  is_field = parts_with(self, name, &field) > 0;
    const weiri_ast_expr *emitted  = emitted_as(self, name);
    bool                  can_name = self->stand == WEIRI_QUERY_ORDER
                    || (self->stand == WEIRI_QUERY_HAVING && !is_field && !is_param);
    if (can_name && emitted != NULL) {
        return weiri_query_expr(self, WEIRI_QUERY_EMIT, emitted);
    }
    return is_param && !is_field ? param : field_named(self, node);
}

static weiri_expr *
resolve_window(weiri_querying *self, const weiri_ast_expr *node)
{
    bool is_start = strcmp(node->name.text, "start") == 0;
    if (!is_start && strcmp(node->name.text, "end") != 0) {
        weiri_report(self->planner->diagnostics, WEIRI_E_UNKNOWN_NAME, node->name.at,
            "a window has a 'start' and an 'end', no '%s'", node->name.text);
        return NULL;
    }
    if (self->rule->window.at.size == 0 || !reads_results(self)) {
        weiri_report(self->planner->diagnostics, WEIRI_E_NEEDS_WINDOW, node->at,
            self->rule->window.at.size == 0 ? "this rule has no window"
                                            : "here there is one event, not a window");
        return NULL;
    }
    return weiri_query_register(
        self, is_start ? WEIRI_AGGREGATE_START : WEIRI_AGGREGATE_END, 0);
}

static weiri_expr *
resolve_member(weiri_querying *self, const weiri_ast_expr *node, bool *is_handled)
{
    const weiri_ast_expr   *object = node->items[0];
    const weiri_table_info *table  = weiri_table_of_lookup(self->planner, node);
    if (part_named(self, object) != NULL) {
        return field_named(self, node);
    }
    if (table != NULL) {
        return field_at(self, node, weiri_query_lookup(self, table, node));
    }
    if (object->kind == WEIRI_AST_INDEX && object->items[0]->kind == WEIRI_AST_NAME
        && weiri_query_find(self, object->items[0]) == WEIRI_NONE) {
        (void)weiri_need_table(self->planner, object->items[0]->name);
        return NULL;
    }
    if (object->kind == WEIRI_AST_NAME && weiri_query_find(self, object) == WEIRI_NONE) {
        if (strcmp(object->name.text, "window") == 0) {
            return resolve_window(self, node);
        }
        weiri_report(self->planner->diagnostics, WEIRI_E_UNKNOWN_NAME, object->at,
            "'%s' is no name of an event here", object->name.text);
        return NULL;
    }
    *is_handled = false;
    return NULL;
}

static weiri_expr *
resolve_call(weiri_querying *self, const weiri_ast_expr *node, bool *is_handled)
{
    if (strcmp(node->name.text, "time") == 0 && node->n_items == 0) {
        if (!reads_results(self) || !self->is_closed) {
            return weiri_expr_time(self->planner->arena);
        }
        report_many(self, node->at, "time()");
        weiri_report_hint(self->planner->diagnostics,
            "write window.start or window.end, or last(time())");
        return NULL;
    }
    return weiri_query_aggregate(self, node, is_handled);
}

static weiri_expr *
resolve(void *context, const weiri_ast_expr *node, bool *is_handled)
{
    weiri_querying *self = context;
    if (reads_results(self) && self->is_closed) {
        weiri_expr *key = weiri_query_key(self, node);
        if (key != NULL) {
            return key;
        }
    }
    switch (node->kind) {
    case WEIRI_AST_NAME: return resolve_name(self, node);
    case WEIRI_AST_CALL: return resolve_call(self, node, is_handled);
    case WEIRI_AST_MEMBER: return resolve_member(self, node, is_handled);
    default: *is_handled = false; return NULL;
    }
}

weiri_expr *
weiri_query_expr(
    weiri_querying *self, weiri_query_stand stand, const weiri_ast_expr *node)
{
    weiri_scope scope = { self->planner->arena, self->planner->diagnostics, self, resolve,
        self->planner->functions };
    weiri_query_stand before = self->stand;
    self->stand              = stand;
    weiri_expr *value        = weiri_type_expr(&scope, node);
    self->stand              = before;
    return value;
}

weiri_expr *
weiri_query_condition(
    weiri_querying *self, weiri_query_stand stand, const weiri_ast_expr *node)
{
    weiri_scope scope = { self->planner->arena, self->planner->diagnostics, self, resolve,
        self->planner->functions };
    weiri_query_stand before = self->stand;
    self->stand              = stand;
    weiri_expr *value        = weiri_type_condition(&scope, node);
    self->stand              = before;
    return value;
}

/* ---- clauses ---- */

static bool
check_clauses(weiri_planner *self, const weiri_ast_rule *rule)
{
    struct {
        weiri_span  at;
        const char *name;
    } const wrong[] = { { rule->within_at, "within" }, { rule->skip.at, "skip" },
        { rule->on_timeout.at, "on timeout" } };
    bool is_ok      = true;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (wrong[i].at.size > 0) {
            weiri_report(self->diagnostics, WEIRI_E_CLAUSE_MISPLACED, wrong[i].at,
                "'%s' belongs to 'match', this rule begins with 'from'", wrong[i].name);
            is_ok = false;
        }
    }
    bool is_counted = rule->limit_at.size > 0 || rule->emit.when_changes.size > 0;
    if (rule->window.at.size > 0) {
        return is_ok;
    }
    if (rule->having_at.size > 0 && !is_counted) {
        weiri_report(self->diagnostics, WEIRI_E_NEEDS_WINDOW, rule->having_at,
            "'having' needs a window");
        weiri_report_hint(
            self->diagnostics, "a condition on single events is 'where ...'");
        is_ok = false;
    }
    if (rule->order_at.size > 0) {
        weiri_report(self->diagnostics, WEIRI_E_NEEDS_WINDOW, rule->order_at,
            "'order by' needs a window that closes");
        weiri_report_hint(self->diagnostics, "add, for example, 'window tumbling 1m'");
        is_ok = false;
    }
    return is_ok;
}

static weiri_expr *
whole_field(void *context, uint32_t field)
{
    weiri_querying *self = context;
    return weiri_expr_field(self->planner->arena, self->query->schema, field);
}

static void
mark(const weiri_expr *expr, bool *used)
{
    if (expr != NULL) {
        weiri_expr_mark_fields(expr, used);
    }
}

static void
mark_fields(weiri_planner *self, const weiri_query *query)
{
    bool               *used   = self->plan->streams[query->stream].used;
    const weiri_window *window = query->window;
    mark(query->where, used);
    for (uint32_t i = 0; i < query->emit->schema->n_fields; i++) {
        mark(query->emit->values[i], used);
    }
    if (window == NULL) {
        return;
    }
    mark(window->having, used);
    for (uint32_t i = 0; i < window->n_keys; i++) {
        mark(window->keys[i], used);
    }
    for (uint32_t i = 0; i < window->n_aggregates; i++) {
        mark(window->aggregates[i].argument, used);
        mark(window->aggregates[i].second, used);
        mark(window->aggregates[i].filter, used);
    }
}

static weiri_emit *
plan_emit(weiri_querying *self)
{
    weiri_planner *planner = self->planner;
    weiri_scope    scope   = { planner->arena, planner->diagnostics, self, resolve,
             planner->functions };
    weiri_whole    whole   = { .schema = part_schema(self, &self->parts[0]),
             .field                    = whole_field,
             .context                  = self };
    if (self->n_named > 1) {
        whole.schema = NULL;
        whole.why    = "a join has more than one event";
    }
    if (self->is_closed) {
        whole.schema = NULL;
        whole.why    = weiri_arena_format(
               planner->arena, "a %s window has many events", window_text(self));
    }
    self->stand = WEIRI_QUERY_EMIT;
    return weiri_plan_emit(planner, &scope, self->rule, &self->rule->emit, &whole);
}

weiri_query *
weiri_plan_query(weiri_planner *self, const weiri_ast_rule *rule)
{
    if (!check_clauses(self, rule)) {
        return NULL;
    }
    const weiri_actor_use *use = NULL;
    (void)weiri_from_name(self, rule, &use);
    weiri_query   *query   = weiri_arena_alloc(self->arena, sizeof *query);
    weiri_querying context = { .planner = self, .rule = rule, .query = query };
    if (!weiri_plan_joins(&context)) {
        return NULL;
    }
    weiri_plan_other_lookups(&context);
    if (!weiri_plan_fill(&context)) {
        return NULL;
    }
    if (rule->where != NULL) {
        query->where = weiri_query_condition(&context, WEIRI_QUERY_WHERE, rule->where);
        context.is_broken = query->where == NULL;
    }
    weiri_plan_window(&context);
    if (use == NULL || !use->is_keyed || query->window != NULL) {
        weiri_plan_window_keys(&context);
    }
    query->emit = plan_emit(&context);
    weiri_plan_window_results(&context);
    if (context.is_broken || query->emit == NULL
        || self->streams[context.parts[0].stream].is_broken) {
        return NULL;
    }
    if (!weiri_check_own_table(&context)) {
        return NULL;
    }
    mark_fields(self, query);
    weiri_keep_joins(&context);
    return query;
}
