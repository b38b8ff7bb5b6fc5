/* Registers: what a match keeps of the events it has taken. */
#include "planner_match.h"

#include <string.h>

/* ---- registers ---- */

static bool
is_same_register(
    const weiri_match *match, const weiri_register *a, const weiri_register *b)
{
    if (a->kind != b->kind || a->step != b->step || a->index != b->index
        || (a->arguments == NULL) != (b->arguments == NULL)) {
        return false;
    }
    for (uint32_t i = 0; a->arguments != NULL && i < match->n_inputs; i++) {
        if (!weiri_expr_is_same(a->arguments[i], b->arguments[i])) {
            return false;
        }
    }
    return true;
}

static weiri_expr *
keep(weiri_matching *self, weiri_register *row, bool is_nullable)
{
    weiri_match *match = self->match;
    weiri_arena *arena = self->planner->arena;
    uint32_t     i     = 0;
    row->in_condition  = self->element != WEIRI_NONE;
    while (
        i < match->n_registers && !is_same_register(match, &match->registers[i], row)) {
        i++;
    }
    if (i == match->n_registers) {
        WEIRI_ARENA_PUSH(arena, match->registers, match->n_registers, *row);
    } else if (row->in_condition) {
        match->registers[i].in_condition = true;
    }
    return weiri_expr_register(arena, i, row->type, row->element, is_nullable);
}

/* Whether the step surely has an event where the expression stands. */
static bool
is_sure(const weiri_matching *self, uint32_t step)
{
    if (self->stand == WEIRI_STAND_TIMEOUT) {
        return false;
    }
    if (self->match->silence_ns >= 0) {
        return true;
    }
    if (self->element != WEIRI_NONE) {
        return weiri_relation_of(self, step, self->element) == WEIRI_SURELY_BEFORE;
    }
    for (uint32_t at = self->steps[step].element; at != WEIRI_NONE;
         at          = self->elements[at].parent) {
        const weiri_element *element = &self->elements[at];
        if (element->min == 0
            || (element->ast->kind == WEIRI_AST_ANY_OF && element->ast->n_items > 1)) {
            return false;
        }
    }
    return true;
}

static bool
can_be_null(const weiri_matching *self, const weiri_register *row)
{
    const weiri_expr *argument =
        row->arguments == NULL ? NULL
                               : row->arguments[self->match->steps[row->step].input];
    switch (row->kind) {
    case WEIRI_REGISTER_KEY:
    case WEIRI_REGISTER_COUNT:
    case WEIRI_REGISTER_COLLECT:
    case WEIRI_REGISTER_END: return false;
    case WEIRI_REGISTER_START: return self->element != WEIRI_NONE;
    case WEIRI_REGISTER_LAST:
    case WEIRI_REGISTER_FIRST: return argument->is_nullable || !is_sure(self, row->step);
    case WEIRI_REGISTER_NTH:
    case WEIRI_REGISTER_NTH_LAST: {
        const weiri_element *element = &self->elements[self->steps[row->step].element];
        return argument->is_nullable || row->index >= element->min
               || !is_sure(self, row->step);
    }
    case WEIRI_REGISTER_MIN:
    case WEIRI_REGISTER_MAX: return argument->is_nullable || !is_sure(self, row->step);
    default: return true; /* may overflow */
    }
}

static weir_type
type_of(weiri_register_kind kind, const weiri_expr *argument)
{
    switch (kind) {
    case WEIRI_REGISTER_COUNT: return WEIR_INT;
    case WEIRI_REGISTER_COLLECT: return WEIR_LIST;
    case WEIRI_REGISTER_START:
    case WEIRI_REGISTER_END: return WEIR_TIME;
    case WEIRI_REGISTER_AVG:
    case WEIRI_REGISTER_STDDEV:
    case WEIRI_REGISTER_VARIANCE: return WEIR_FLOAT;
    default: return argument->type;
    }
}

weiri_expr *
weiri_add_register(weiri_matching *self, weiri_register_kind kind, uint32_t step,
    uint32_t index, weiri_expr *argument)
{
    weiri_register row = {
        .kind = kind, .step = step, .index = index, .type = type_of(kind, argument)
    };
    if (argument != NULL) {
        row.arguments = weiri_arena_alloc(
            self->planner->arena, self->match->n_inputs * sizeof(const weiri_expr *));
        row.arguments[self->match->steps[step].input] = argument;
        row.element = kind == WEIRI_REGISTER_COLLECT ? argument->type : argument->element;
    }
    return keep(self, &row, can_be_null(self, &row));
}

weiri_expr *
weiri_add_previous(weiri_matching *self, const weiri_expr **arguments)
{
    weiri_register row = {
        .kind = WEIRI_REGISTER_LAST, .step = WEIRI_NONE, .arguments = arguments
    };
    for (uint32_t i = 0; i < self->match->n_inputs; i++) {
        if (arguments[i] != NULL) {
            row.type    = arguments[i]->type;
            row.element = arguments[i]->element;
        }
    }
    return keep(self, &row, true);
}

weiri_expr *
weiri_key_register(weiri_matching *self, uint32_t key)
{
    weiri_register row = { .kind = WEIRI_REGISTER_KEY,
        .step                    = WEIRI_NONE,
        .index                   = key,
        .type                    = self->key_types[key] };
    return keep(self, &row, false);
}

/* ---- aggregates ---- */

struct aggregate {
    const char         *name;
    weiri_register_kind kind;
};

static const struct aggregate AGGREGATES[] = {
    { "count", WEIRI_REGISTER_COUNT },
    { "sum", WEIRI_REGISTER_SUM },
    { "avg", WEIRI_REGISTER_AVG },
    { "min", WEIRI_REGISTER_MIN },
    { "max", WEIRI_REGISTER_MAX },
    { "stddev", WEIRI_REGISTER_STDDEV },
    { "variance", WEIRI_REGISTER_VARIANCE },
    { "first", WEIRI_REGISTER_FIRST },
    { "last", WEIRI_REGISTER_LAST },
    { "collect", WEIRI_REGISTER_COLLECT },
};

/* Likewise, with the times of its events, or the number of values wanted. */
static const char *const OF_SERIES[] = { "top", "ewma", "slope" };

/* Functions of a list that take a step's field as the list of its values. */
static const char *const OF_LISTS[] = { "median", "quantile", "distinct" };

static const struct aggregate *
find_aggregate(const char *name)
{
    for (size_t i = 0; i < sizeof AGGREGATES / sizeof AGGREGATES[0]; i++) {
        if (strcmp(AGGREGATES[i].name, name) == 0) {
            return &AGGREGATES[i];
        }
    }
    return NULL;
}

/* The first step named in an expression. */
static const weiri_ast_expr *
find_step_in(const weiri_matching *self, const weiri_ast_expr *node)
{
    if (node->kind == WEIRI_AST_NAME) {
        return weiri_find_step(self, node->name.text) != WEIRI_NONE ? node : NULL;
    }
    for (uint32_t i = 0; i < node->n_items; i++) {
        /* a field in a condition may be called like a step: only what has fields counts
         */
        const weiri_ast_expr *found = find_step_in(self, node->items[i]);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

static void
report_no_step(weiri_matching *self, const weiri_ast_expr *node)
{
    const weiri_ast_expr *argument = node->n_items > 0 ? node->items[0] : NULL;
    if (argument != NULL && argument->kind == WEIRI_AST_MEMBER
        && argument->items[0]->kind == WEIRI_AST_NAME) {
        weiri_need_step(self, argument->items[0]->name);
        return;
    }
    weiri_report(self->planner->diagnostics, WEIRI_E_BAD_AGGREGATE, node->at,
        "of which step's events is this the %s?", node->name.text);
    for (uint32_t i = 0; i < self->match->n_steps; i++) {
        if (self->steps[i].is_named) {
            const char *dot = node->n_items > 0 ? ".field" : "";
            weiri_report_hint(self->planner->diagnostics, "write, for example, %s(%s%s)",
                node->name.text, self->match->steps[i].name,
                strcmp(node->name.text, "count") == 0 ? ""
                : dot[0]                              ? dot
                                                      : ".field");
            return;
        }
    }
}

static bool
takes_type(weiri_register_kind kind, const weiri_expr *argument)
{
    bool is_number = argument->type == WEIR_INT || argument->type == WEIR_FLOAT;
    switch (kind) {
    case WEIRI_REGISTER_SUM: return is_number || argument->type == WEIR_DURATION;
    case WEIRI_REGISTER_AVG:
    case WEIRI_REGISTER_STDDEV:
    case WEIRI_REGISTER_VARIANCE: return is_number;
    case WEIRI_REGISTER_MIN:
    case WEIRI_REGISTER_MAX:
        return argument->type != WEIR_BOOL && argument->type != WEIR_LIST
               && argument->type != WEIR_NULL;
    case WEIRI_REGISTER_COLLECT:
        return argument->type != WEIR_LIST && argument->type != WEIR_NULL;
    default: return argument->type != WEIR_NULL;
    }
}

static weiri_expr *
type_argument(weiri_matching *self, const weiri_ast_expr *node, uint32_t step)
{
    weiri_scope scope   = { self->planner->arena, self->planner->diagnostics, self,
          weiri_resolve_step, self->planner->functions };
    weiri_stand stand   = self->stand;
    self->stand         = WEIRI_STAND_ARGUMENT;
    self->argument_step = step;
    weiri_expr *value   = weiri_type_expr(&scope, node);
    self->stand         = stand;
    return value;
}

static weiri_expr *
plan_aggregate(weiri_matching *self, const weiri_ast_expr *node,
    const struct aggregate *aggregate, uint32_t step)
{
    bool is_count = aggregate->kind == WEIRI_REGISTER_COUNT;
    if (is_count && node->items[0]->kind == WEIRI_AST_NAME) {
        return weiri_add_register(self, aggregate->kind, step, 0, NULL);
    }
    weiri_expr *value = type_argument(self, node->items[0], step);
    if (value == NULL) {
        return NULL;
    }
    if (is_count && value->type != WEIR_BOOL) {
        weiri_scope scope = { self->planner->arena, self->planner->diagnostics, self,
            weiri_resolve_step, self->planner->functions };
        value             = weiri_type_call(&scope, node->at, "is not null", &value, 1);
        if (value == NULL) {
            return NULL;
        }
    }
    if (!takes_type(aggregate->kind, value)) {
        weiri_report(self->planner->diagnostics, WEIRI_E_WRONG_TYPE, node->items[0]->at,
            "'%s' does not take %s %s", aggregate->name,
            value->type == WEIR_INT ? "an" : "a", weir_type_text(value->type));
        return NULL;
    }
    return weiri_add_register(self, aggregate->kind, step, 0, value);
}

/* time() is the event's own, time(step) that of the step's latest event. */
static weiri_expr *
resolve_time(weiri_matching *self, const weiri_ast_expr *node, bool *is_handled)
{
    weiri_arena *arena = self->planner->arena;
    bool         is_own =
        self->stand == WEIRI_STAND_CONDITION || self->stand == WEIRI_STAND_ARGUMENT;
    if (node->n_items == 0 && is_own) {
        return weiri_expr_time(arena);
    }
    bool is_step = node->n_items == 1 && node->items[0]->kind == WEIRI_AST_NAME
                   && weiri_find_step(self, node->items[0]->name.text) != WEIRI_NONE;
    if (!is_step) {
        *is_handled = false;
        return NULL;
    }
    uint32_t step = weiri_find_step(self, node->items[0]->name.text);
    if (self->stand == WEIRI_STAND_ARGUMENT) {
        return weiri_expr_time(arena);
    }
    if (!weiri_check_step_readable(self, step, node->items[0]->at)) {
        return NULL;
    }
    return weiri_add_register(self, WEIRI_REGISTER_LAST, step, 0, weiri_expr_time(arena));
}

static bool
is_among(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

#define IS_AMONG(name, names) is_among(name, names, sizeof(names) / sizeof *(names))

/* median(a.x) as median(collect(a.x)). */
static weiri_expr *
resolve_of_list(weiri_matching *self, const weiri_ast_expr *node, bool *is_handled)
{
    const weiri_ast_expr *first = node->n_items > 0 ? node->items[0] : NULL;
    if (first == NULL || find_step_in(self, first) == NULL
        || (first->kind == WEIRI_AST_CALL && strcmp(first->name.text, "collect") == 0)) {
        *is_handled = false;
        return NULL;
    }
    weiri_ast_expr collect = { .kind = WEIRI_AST_CALL, .at = node->at, .n_items = 1 };
    collect.name.text      = "collect";
    collect.name.at        = node->name.at;
    collect.items          = node->items;
    weiri_expr *args[2]    = { weiri_resolve_aggregate(self, &collect, is_handled) };
    uint32_t    n          = node->n_items < 2 ? 1 : 2;
    if (args[0] == NULL) {
        return NULL;
    }
    bool is_number = args[0]->element == WEIR_INT || args[0]->element == WEIR_FLOAT;
    if (!is_number && strcmp(node->name.text, "distinct") != 0) {
        weiri_report(self->planner->diagnostics, WEIRI_E_WRONG_TYPE, first->at,
            "'%s' does not take a %s", node->name.text, weir_type_text(args[0]->element));
        return NULL;
    }
    weiri_scope scope = { self->planner->arena, self->planner->diagnostics, self,
        weiri_resolve_step, self->planner->functions };
    if (n > 1) {
        args[1] = weiri_type_expr(&scope, node->items[1]);
    }
    return n > 1 && args[1] == NULL
               ? NULL
               : weiri_type_call(&scope, node->at, node->name.text, args, n);
}

static weiri_ast_expr *
call_of(weiri_matching *self, const char *name, const weiri_ast_expr *at,
    weiri_ast_expr *argument)
{
    weiri_ast_expr  *call  = weiri_arena_alloc(self->planner->arena, sizeof *call);
    weiri_ast_expr **items = weiri_arena_alloc(self->planner->arena, sizeof(void *));
    *call  = (weiri_ast_expr){ .kind = WEIRI_AST_CALL, .at = at->at, .n_items = 1 };
    *items = argument;
    call->name.text = name;
    call->name.at   = at->at;
    call->items     = items;
    return call;
}

/* mad(a.x) as an operation on collect(a.x) and collect(time(a)). */
static weiri_expr *
resolve_foreign(weiri_matching *self, const weiri_ast_expr *node)
{
    enum { MOST = 3 };
    weiri_planner               *planner = self->planner;
    const weiri_foreign         *foreign = weiri_find_foreign(planner, node->name.text);
    const weir_plugin_aggregate *table   = foreign->table;
    weiri_expr                  *args[MOST] = { NULL };
    const weiri_ast_expr        *step       = NULL;
    bool                         is_handled = true;
    if (foreign->params == NULL) {
        return NULL;
    }
    if (node->n_items != table->n_inputs) {
        weiri_report(planner->diagnostics, WEIRI_E_BAD_ARGUMENTS, node->at,
            "'%s' takes %u values", foreign->name, (unsigned)table->n_inputs);
        return NULL;
    }
    for (uint32_t i = 0; i < table->n_inputs; i++) {
        step                  = step == NULL ? find_step_in(self, node->items[i]) : step;
        weiri_ast_expr *value = (weiri_ast_expr *)(uintptr_t)node->items[i];
        args[i]               = weiri_resolve_aggregate(
                          self, call_of(self, "collect", node, value), &is_handled);
        if (args[i] != NULL && args[i]->element == WEIR_INT
            && table->inputs[i].type == WEIR_FLOAT) {
            value   = call_of(self, "float", node->items[i], value);
            args[i] = weiri_resolve_aggregate(
                self, call_of(self, "collect", node, value), &is_handled);
        }
        if (args[i] == NULL) {
            return NULL;
        }
        if (args[i]->element != (weir_type)table->inputs[i].type) {
            weiri_report(planner->diagnostics, WEIRI_E_WRONG_TYPE, node->items[i]->at,
                "aggregate '%s' takes a %s, not a %s", foreign->name,
                weir_type_text((weir_type)table->inputs[i].type),
                weir_type_text(args[i]->element));
            return NULL;
        }
    }
    weiri_ast_expr *name  = weiri_arena_alloc(planner->arena, sizeof *name);
    *name                 = *step;
    args[table->n_inputs] = weiri_resolve_aggregate(self,
        call_of(self, "collect", node, call_of(self, "time", node, name)), &is_handled);
    return args[table->n_inputs] == NULL
               ? NULL
               : weiri_expr_call_aggregate(planner->arena,
                   weiri_operation_of_aggregate(planner->arena, foreign), args,
                   table->n_inputs + 1);
}

/* The values that a step's events have, as a list; NULL after a report. */
static weiri_expr *
collected(weiri_matching *self, const weiri_ast_expr *node, const weiri_ast_expr *values,
    uint32_t *step)
{
    const weiri_ast_expr *name = find_step_in(self, values);
    if (name == NULL) {
        report_no_step(self, node);
        return NULL;
    }
    *step = weiri_find_step(self, name->name.text);
    if (!weiri_check_step_readable(self, *step, name->at)) {
        return NULL;
    }
    weiri_expr *value = type_argument(self, values, *step);
    if (value != NULL && !takes_type(WEIRI_REGISTER_COLLECT, value)) {
        weiri_report(self->planner->diagnostics, WEIRI_E_WRONG_TYPE, values->at,
            "'%s' does not take a %s", node->name.text, weir_type_text(value->type));
        return NULL;
    }
    return value == NULL
               ? NULL
               : weiri_add_register(self, WEIRI_REGISTER_COLLECT, *step, 0, value);
}

/* top(k, a.x), ewma(a.x, D), slope(a.x): functions of the list of values, the last two
 * also of that of the times. */
static weiri_expr *
resolve_of_series(weiri_matching *self, const weiri_ast_expr *node)
{
    bool        is_top   = strcmp(node->name.text, "top") == 0;
    bool        is_slope = strcmp(node->name.text, "slope") == 0;
    uint32_t    wanted   = is_slope ? 1 : 2;
    uint32_t    step     = WEIRI_NONE;
    weiri_scope scope    = { self->planner->arena, self->planner->diagnostics, self,
           weiri_resolve_step, self->planner->functions };
    if (self->stand == WEIRI_STAND_ARGUMENT || node->n_items != wanted) {
        weiri_report(self->planner->diagnostics, WEIRI_E_BAD_AGGREGATE, node->at,
            self->stand == WEIRI_STAND_ARGUMENT
                ? "an aggregate cannot stand in an aggregate"
                : "write %s of a step's field",
            is_top     ? "top(3, step.field)"
            : is_slope ? "slope(step.field)"
                       : "ewma(step.field, 10s)");
        return NULL;
    }
    weiri_expr *values = collected(self, node, node->items[is_top ? 1 : 0], &step);
    if (values == NULL) {
        return NULL;
    }
    if (is_top) {
        const weir_value *k =
            weiri_constant(self->planner, node->items[0], WEIR_INT, "the k of 'top'");
        weiri_expr *args[2] = { values,
            k == NULL ? NULL : weiri_expr_constant(self->planner->arena, k) };
        return k == NULL ? NULL : weiri_type_call(&scope, node->at, "top()", args, 2);
    }
    if (values->element != WEIR_INT && values->element != WEIR_FLOAT) {
        weiri_report(self->planner->diagnostics, WEIRI_E_WRONG_TYPE, node->items[0]->at,
            "'%s' does not take a %s", node->name.text, weir_type_text(values->element));
        return NULL;
    }
    weiri_expr *args[3] = { values, weiri_add_register(self, WEIRI_REGISTER_COLLECT, step,
                                        0, weiri_expr_time(self->planner->arena)) };
    if (is_slope) {
        return weiri_type_call(&scope, node->at, "slope()", args, 2);
    }
    int64_t life = weiri_constant_duration(
        self->planner, node->items[1], false, "the half-life of 'ewma'");
    weir_value half = { .type = WEIR_DURATION, .as.i = life };
    args[2]         = weiri_expr_constant(self->planner->arena, &half);
    return life < 0 ? NULL : weiri_type_call(&scope, node->at, "ewma()", args, 3);
}

weiri_expr *
weiri_resolve_aggregate(
    weiri_matching *self, const weiri_ast_expr *node, bool *is_handled)
{
    weiri_diagnostics      *diagnostics = self->planner->diagnostics;
    const struct aggregate *aggregate   = find_aggregate(node->name.text);
    if (strcmp(node->name.text, "time") == 0) {
        return resolve_time(self, node, is_handled);
    }
    if (node->filter != NULL) {
        weiri_report(diagnostics, WEIRI_E_FILTER_MISPLACED, node->filter->at,
            "a 'where' after an aggregate belongs to windows");
        weiri_report_hint(diagnostics,
            "put the condition on the step, or count what is true: count(a.x > 3)");
        return NULL;
    }
    if (IS_AMONG(node->name.text, OF_LISTS)) {
        return resolve_of_list(self, node, is_handled);
    }
    if (IS_AMONG(node->name.text, OF_SERIES)) {
        return resolve_of_series(self, node);
    }
    if (aggregate == NULL && weiri_find_foreign(self->planner, node->name.text) != NULL) {
        return resolve_foreign(self, node);
    }
    if (aggregate == NULL) {
        *is_handled = false;
        return NULL;
    }
    if (self->stand == WEIRI_STAND_ARGUMENT) {
        weiri_report(diagnostics, WEIRI_E_BAD_AGGREGATE, node->at,
            "an aggregate cannot stand in an aggregate");
        return NULL;
    }
    for (uint32_t i = 0; i < node->n_items; i++) {
        if (node->items[i]->kind == WEIRI_AST_BROKEN) {
            return NULL;
        }
    }
    const weiri_ast_expr *name =
        node->n_items == 1 ? find_step_in(self, node->items[0]) : NULL;
    if (name == NULL) {
        report_no_step(self, node);
        return NULL;
    }
    uint32_t step = weiri_find_step(self, name->name.text);
    if (!weiri_check_step_readable(self, step, name->at)) {
        return NULL;
    }
    return plan_aggregate(self, node, aggregate, step);
}
