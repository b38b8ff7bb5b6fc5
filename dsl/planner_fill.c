/* `fill x linear within D`: a rule of its own, as joins are, which gives the events with
 * their gaps filled to a stream that only the query reads. */
#include "planner_query.h"

/* The field that is to be filled; WEIRI_NONE after a report. */
static uint32_t
plan_field(weiri_querying *self, const weiri_ast_expr *node)
{
    weiri_diagnostics *diagnostics = self->planner->diagnostics;
    weiri_expr        *value       = weiri_query_expr(self, WEIRI_QUERY_WHERE, node);
    if (value == NULL) {
        return WEIRI_NONE;
    }
    if (value->kind != WEIRI_EXPR_FIELD
        || weiri_query_find(self, node) != value->as.field) {
        weiri_report(
            diagnostics, WEIRI_E_BAD_FILL, node->at, "'fill' takes the name of a field");
        weiri_report_hint(diagnostics, "let a rule before give the value a name");
        return WEIRI_NONE;
    }
    const char *name = self->query->schema->fields[value->as.field].name;
    if (value->type != WEIR_FLOAT) {
        weiri_report(diagnostics, WEIRI_E_BAD_FILL, node->at,
            "between two values of '%s' lies no line: it is no float", name);
        weiri_report_hint(diagnostics,
            value->type == WEIR_INT ? "let a rule before emit '%s: float(%s)'"
                                    : "only floats can be filled",
            name, name);
        return WEIRI_NONE;
    }
    if (!value->is_nullable) {
        weiri_report(diagnostics, WEIRI_E_BAD_FILL, node->at,
            "there is nothing to fill: '%s' is never null", name);
        weiri_report_hint(
            diagnostics, "a field that may be null is declared '%s float?'", name);
        return WEIRI_NONE;
    }
    return value->as.field;
}

static bool
plan_fields(weiri_querying *self, const weir_schema *schema)
{
    const weiri_ast_fill *ast   = &self->rule->fill;
    bool                  is_ok = true;
    self->fill.is_filled =
        weiri_arena_alloc(self->planner->arena, schema->n_fields + (size_t)1);
    for (uint32_t i = 0; i < ast->n_fields; i++) {
        uint32_t field = plan_field(self, ast->fields[i]);
        if (field == WEIRI_NONE) {
            is_ok = false;
        } else {
            self->fill.is_filled[field] = true;
        }
    }
    return is_ok;
}

/* The stream of filled events: those that the query would read, as many and as they are
 * but for the gaps. */
static void
add_stream(weiri_querying *self)
{
    weiri_planner *planner = self->planner;
    weiri_query   *query   = self->query;
    const char    *name =
        weiri_arena_format(planner->arena, "%s, filled", self->rule->name.text);
    self->fill.from = query->stream;
    self->fill.stream =
        weiri_add_hidden_stream(planner, name, WEIRI_ORIGIN_JOIN, self->rule->fill.at);
    weiri_stream *stream      = &planner->plan->streams[self->fill.stream];
    stream->schema            = *query->schema;
    stream->schema.name       = name;
    stream->schema.time_field = -1;
    stream->rank              = 1 + planner->plan->streams[query->stream].rank;
    stream->used = weiri_arena_alloc(planner->arena, stream->schema.n_fields + (size_t)1);
    for (uint32_t i = 0; i < stream->schema.n_fields; i++) {
        stream->used[i] = self->fill.is_filled[i];
    }
    query->stream = self->fill.stream;
    query->schema = &stream->schema;
}

bool
weiri_plan_fill(weiri_querying *self)
{
    const weiri_ast_rule *rule = self->rule;
    if (rule->fill.at.size == 0) {
        return true;
    }
    self->fill.within_ns =
        weiri_constant_duration(self->planner, rule->fill.within, false, "'within'");
    bool is_ok      = self->fill.within_ns > 0;
    self->fill.keys = weiri_arena_alloc(
        self->planner->arena, (rule->n_keys + 1) * sizeof(const weiri_expr *));
    for (uint32_t i = 0; i < rule->n_keys; i++) {
        self->fill.keys[i] = weiri_plan_query_key(self, &rule->keys[i]);
        is_ok              = is_ok && self->fill.keys[i] != NULL;
    }
    is_ok = plan_fields(self, self->query->schema) && is_ok;
    if (!is_ok) {
        return false;
    }
    self->fill.n_joins = self->n_joins;
    add_stream(self);
    return true;
}

/* ---- the rule that fills, when it is known what is read ---- */

/* The part of the key that a field is as it stands; WEIRI_NONE: it is none. A float that
 * is a key has lost the sign of its zero. */
static uint32_t
key_of(const weiri_querying *self, uint32_t field)
{
    for (uint32_t i = 0; i < self->rule->n_keys; i++) {
        const weiri_expr *key = self->fill.keys[i];
        if (key->kind == WEIRI_EXPR_FIELD && key->as.field == field
            && key->type != WEIR_FLOAT) {
            return i;
        }
    }
    return WEIRI_NONE;
}

static const weiri_expr *
add_value(weiri_querying *self, weiri_window *window, uint32_t field)
{
    weiri_arena       *arena  = self->planner->arena;
    const weir_schema *schema = &self->planner->plan->streams[self->fill.from].schema;
    const weir_field  *row    = &schema->fields[field];
    uint32_t           key    = key_of(self, field);
    uint32_t           a      = window->n_aggregates;
    weiri_aggregate    last   = { .kind = WEIRI_AGGREGATE_LAST,
             .argument                  = weiri_expr_field(arena, schema, field) };
    if (a == WEIRI_AGGREGATES) {
        weiri_report(self->planner->diagnostics, WEIRI_E_BAD_FILL, self->rule->fill.at,
            "a rule that fills reads at most %d fields", WEIRI_AGGREGATES);
        self->is_broken = true;
        return last.argument;
    }
    if (key != WEIRI_NONE) {
        last = (weiri_aggregate){ .kind = WEIRI_AGGREGATE_KEY, .index = key };
    }
    last.type        = row->type;
    last.element     = last.argument != NULL ? last.argument->element : WEIR_NULL;
    last.is_nullable = row->is_nullable;
    window->linear |= (uint64_t)self->fill.is_filled[field] << a;
    WEIRI_ARENA_PUSH(arena, window->aggregates, window->n_aggregates, last);
    return weiri_expr_register(arena, a, last.type, last.element, last.is_nullable);
}

/* A field that nobody reads. */
static const weiri_expr *
no_value(weiri_arena *arena, weir_type type)
{
    const weir_value null = { .type = (uint8_t)type, .is_null = true };
    return weiri_expr_constant(arena, &null);
}

void
weiri_keep_fill(weiri_querying *self)
{
    weiri_planner     *planner = self->planner;
    weiri_arena       *arena   = planner->arena;
    weiri_plan        *plan    = planner->plan;
    weiri_stream      *to      = &plan->streams[self->fill.stream];
    weiri_stream      *from    = &plan->streams[self->fill.from];
    uint32_t           n       = to->schema.n_fields;
    weiri_window      *window  = weiri_arena_alloc(arena, sizeof *window);
    weiri_emit        *emit    = weiri_arena_alloc(arena, sizeof *emit);
    const weiri_expr **values  = weiri_arena_alloc(arena, (n + 1) * sizeof *values);
    weiri_query       *query   = weiri_arena_alloc(arena, sizeof *query);
    *window                    = (weiri_window){ .kind = WEIRI_WINDOW_LINEAR,
                           .width_ns                   = self->fill.within_ns,
                           .early_ns                   = -1,
                           .limit_ns                   = -1,
                           .keys                       = self->fill.keys,
                           .n_keys                     = self->rule->n_keys };
    for (uint32_t i = 0; i < n; i++) {
        values[i]     = to->used[i] ? add_value(self, window, i)
                                    : no_value(arena, to->schema.fields[i].type);
        from->used[i] = from->used[i] || to->used[i];
    }
    for (uint32_t i = 0; i < window->n_keys; i++) {
        weiri_expr_mark_fields(window->keys[i], from->used);
    }
    *emit  = (weiri_emit){ &to->schema, values, self->fill.stream };
    *query = (weiri_query){
        .stream = self->fill.from, .schema = &from->schema, .emit = emit, .window = window
    };
    self->fill.query = query;
}

void
weiri_push_fill(weiri_querying *self)
{
    weiri_planner *planner = self->planner;
    weiri_rule     rule    = { .name = self->fill.query->emit->schema->name,
               .is_made              = true,
               .query                = self->fill.query,
               .place                = weiri_planner_place(planner, self->rule->name.at) };
    WEIRI_ARENA_PUSH(planner->arena, planner->plan->rules, planner->plan->n_rules, rule);
}
