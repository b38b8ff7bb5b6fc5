#include "expand.h"

#include <string.h>

#include "names.h"
#include "parser.h"
#include "weiri/limits.h"
#include "weiri/window.h"

struct function {
    const weiri_ast_function *declared;
    bool                      is_broken;  /* reported: calls are broken silently */
    bool                      is_open;    /* being put in                        */
    bool                      is_checked; /* together with what it calls         */
};

struct expander {
    weiri_arena       *arena;
    weiri_diagnostics *diagnostics;
    const weiri_ast   *ast;
    weiri_names        names;
    struct function   *functions;
    uint32_t           n_functions;
    uint32_t           n_nodes; /* copied for the call at hand        */
    uint32_t           n_all;   /* copied for all                     */
    uint32_t           depth;   /* of functions that are being put in */
};

/* What the parameters of one call stand for. */
struct frame {
    const weiri_ast_function *function;
    weiri_ast_expr          **args;
    const weiri_span         *at; /* of the outermost call; NULL: the body's own places */
};

static struct function *
find_function(const struct expander *self, const char *name)
{
    uint32_t i = weiri_names_find(&self->names, name);
    return self->functions == NULL || i == UINT32_MAX ? NULL : &self->functions[i];
}

static weiri_ast_expr *
new_broken(struct expander *self, weiri_span at)
{
    weiri_ast_expr *expr = weiri_arena_alloc(self->arena, sizeof *expr);
    *expr = (weiri_ast_expr){ .kind = WEIRI_AST_BROKEN, .at = at, .depth = 1 };
    return expr;
}

static bool
is_over(const struct expander *self)
{
    return self->n_nodes > WEIRI_EXPANSION || self->n_all > WEIRI_EXPANSIONS;
}

/* Count one more part of the result; false beyond a bound, after a report. */
static bool
count_node(struct expander *self, weiri_span at)
{
    if (is_over(self)) {
        return false;
    }
    self->n_nodes++;
    self->n_all++;
    if (self->n_nodes > WEIRI_EXPANSION) {
        weiri_report(self->diagnostics, WEIRI_E_NESTED_TOO_DEEPLY, at,
            "with its functions put in, this has more than %d parts", WEIRI_EXPANSION);
    } else if (self->n_all > WEIRI_EXPANSIONS) {
        weiri_report(self->diagnostics, WEIRI_E_NESTED_TOO_DEEPLY, at,
            "with their functions put in, these rules have more than %d parts",
            WEIRI_EXPANSIONS);
    }
    return !is_over(self);
}

static void
deepen(weiri_ast_expr *expr, const weiri_ast_expr *item)
{
    expr->depth = item->depth >= expr->depth ? item->depth + 1 : expr->depth;
}

/* The expression itself, or a broken one where it has become too deep. */
static weiri_ast_expr *
check_depth(struct expander *self, weiri_ast_expr *expr)
{
    if (expr->depth <= WEIRI_AST_DEPTH) {
        return expr;
    }
    weiri_report(self->diagnostics, WEIRI_E_NESTED_TOO_DEEPLY, expr->at,
        "with its functions put in, this is nested more than %d deep", WEIRI_AST_DEPTH);
    return new_broken(self, expr->at);
}

/* ---- copies ---- */

static weiri_ast_expr *
put_in(struct expander *self, const weiri_ast_expr *call, const weiri_span *at);

/* What a name of a body stands for; NULL: nothing. */
static const weiri_ast_expr *
argument_of(const struct frame *frame, const weiri_ast_expr *node)
{
    if (frame == NULL || node->kind != WEIRI_AST_NAME) {
        return NULL;
    }
    for (uint32_t i = 0; i < frame->function->n_params; i++) {
        if (strcmp(frame->function->params[i].text, node->name.text) == 0) {
            return frame->args[i];
        }
    }
    return NULL;
}

/* A copy of a body, with arguments for parameters and calls replaced; without a frame, of
 * an argument as it is. */
static weiri_ast_expr *
copy(struct expander *self, const struct frame *frame, const weiri_ast_expr *node)
{
    const weiri_ast_expr *argument = argument_of(frame, node);
    if (argument != NULL) {
        return copy(self, NULL, argument);
    }
    weiri_span at = frame != NULL && frame->at != NULL ? *frame->at : node->at;
    if (!count_node(self, at)) {
        return new_broken(self, at);
    }
    weiri_ast_expr *expr = weiri_arena_alloc(self->arena, sizeof *expr);
    *expr                = *node;
    expr->at             = at;
    expr->name.at        = frame != NULL ? at : node->name.at;
    expr->depth          = 1;
    expr->items =
        weiri_arena_alloc(self->arena, (node->n_items + 1) * sizeof(weiri_ast_expr *));
    for (uint32_t i = 0; i < node->n_items; i++) {
        expr->items[i] = copy(self, frame, node->items[i]);
        deepen(expr, expr->items[i]);
    }
    if (node->filter != NULL) {
        expr->filter = copy(self, frame, node->filter);
        deepen(expr, expr->filter);
    }
    return frame != NULL ? put_in(self, expr, frame->at != NULL ? frame->at : &expr->at)
                         : expr;
}

static const char *
usage_of(const struct expander *self, const weiri_ast_function *function)
{
    const char *text = weiri_arena_format(self->arena, "%s(", function->name.text);
    for (uint32_t i = 0; i < function->n_params; i++) {
        text = weiri_arena_format(
            self->arena, "%s%s%s", text, i > 0 ? ", " : "", function->params[i].text);
    }
    return weiri_arena_format(self->arena, "%s)", text);
}

static void
check_function(struct expander *self, struct function *function);

static bool
check_call(struct expander *self, struct function *function, const weiri_ast_expr *call)
{
    const weiri_ast_function *declared = function->declared;
    if (!function->is_checked && self->depth < WEIRI_FUNCTION_DEPTH) {
        check_function(self, function);
    }
    if (function->is_broken) {
        return false;
    }
    if (function->is_open) {
        weiri_report(self->diagnostics, WEIRI_E_FUNCTION_CYCLE, call->at,
            "function '%s' uses itself, directly or through others", declared->name.text);
        return false;
    }
    if (self->depth == WEIRI_FUNCTION_DEPTH) {
        weiri_report(self->diagnostics, WEIRI_E_NESTED_TOO_DEEPLY, call->at,
            "more than %d functions use each other", WEIRI_FUNCTION_DEPTH);
        return false;
    }
    if (call->n_items != declared->n_params) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_ARGUMENTS, call->at,
            "'%s' is written %s", declared->name.text, usage_of(self, declared));
        return false;
    }
    return true;
}

/* Put into a body what it calls, so that what is wrong between functions is said where
 * they are defined, and once. */
static void
check_function(struct expander *self, struct function *function)
{
    uint32_t     n_nodes  = self->n_nodes;
    size_t       n_errors = weiri_diagnostics_count(self->diagnostics, true);
    struct frame frame    = { .function = function->declared };
    frame.args            = weiri_arena_alloc(
                   self->arena, (frame.function->n_params + 1) * sizeof(weiri_ast_expr *));
    for (uint32_t i = 0; i < frame.function->n_params; i++) {
        frame.args[i]       = new_broken(self, frame.function->params[i].at);
        frame.args[i]->kind = WEIRI_AST_NULL;
    }
    self->n_nodes        = 0;
    function->is_checked = true;
    function->is_open    = true;
    self->depth++;
    check_depth(self, copy(self, &frame, frame.function->body));
    self->depth--;
    function->is_open   = false;
    function->is_broken = weiri_diagnostics_count(self->diagnostics, true) > n_errors;
    self->n_nodes       = n_nodes;
}

/* What a call of a function becomes; any other expression is what it is. */
static weiri_ast_expr *
put_in(struct expander *self, const weiri_ast_expr *call, const weiri_span *at)
{
    struct function *function =
        call->kind == WEIRI_AST_CALL ? find_function(self, call->name.text) : NULL;
    if (function == NULL || function->declared->plugin != NULL) {
        return (weiri_ast_expr *)call;
    }
    if (!check_call(self, function, call)) {
        return new_broken(self, call->at);
    }
    struct frame frame = {
        .function = function->declared, .args = call->items, .at = at
    };
    function->is_open = true;
    self->depth++;
    weiri_ast_expr *result = copy(self, &frame, function->declared->body);
    self->depth--;
    function->is_open = false;
    return is_over(self) ? new_broken(self, call->at) : result;
}

/* ---- expressions of rules ---- */

static void
expand(struct expander *self, weiri_ast_expr **slot)
{
    weiri_ast_expr *expr = *slot;
    if (expr == NULL) {
        return;
    }
    expr->depth = 1;
    for (uint32_t i = 0; i < expr->n_items; i++) {
        expand(self, &expr->items[i]);
        deepen(expr, expr->items[i]);
    }
    if (expr->filter != NULL) {
        expand(self, &expr->filter);
        deepen(expr, expr->filter);
    }
    self->n_nodes          = 0;
    weiri_ast_expr *result = put_in(self, expr, &expr->at);
    if (result != expr) {
        const struct function *function = find_function(self, expr->name.text);
        weiri_diagnostics_expansion(self->diagnostics, expr->at, function->declared->at);
    }
    *slot = check_depth(self, result);
}

static void
expand_options(struct expander *self, weiri_ast_options *options)
{
    for (uint32_t i = 0; i < options->n_items; i++) {
        expand(self, &options->items[i].value);
    }
}

/* Amounts (a duration, a number of events) are literals or parameters, and call nothing.
 */
static void
expand_pattern(struct expander *self, weiri_ast_pattern *pattern)
{
    expand(self, &pattern->where);
    expand(self, &pattern->quantifier.until);
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        expand_pattern(self, pattern->items[i]);
    }
}

static void
expand_rule(struct expander *self, weiri_ast_rule *rule)
{
    if (rule->pattern != NULL) {
        expand_pattern(self, rule->pattern);
    }
    for (uint32_t i = 0; i < rule->from.n_joins; i++) {
        expand(self, &rule->from.joins[i].on);
    }
    expand(self, &rule->where);
    for (uint32_t i = 0; i < rule->n_keys; i++) {
        for (uint32_t k = 0; k < rule->keys[i].n_sides; k++) {
            expand(self, &rule->keys[i].sides[k]);
        }
    }
    expand(self, &rule->having);
    expand_options(self, &rule->emit.fields);
    expand_options(self, &rule->on_timeout.fields);
    for (uint32_t i = 0; i < rule->n_order; i++) {
        expand(self, &rule->order[i].value);
    }
}

static void
expand_io(struct expander *self, weiri_ast_io *io)
{
    expand_options(self, &io->endpoint.options);
    expand_options(self, &io->format_options);
}

static void
expand_test(struct expander *self, weiri_ast_test *test)
{
    for (uint32_t i = 0; i < test->n_lines; i++) {
        expand_options(self, &test->lines[i].fields);
        if (test->lines[i].from != NULL) {
            expand_io(self, test->lines[i].from);
        }
    }
}

static void
expand_statement(struct expander *self, const weiri_ast_statement *statement)
{
    switch (statement->kind) {
    case WEIRI_WORD_RULE: expand_rule(self, statement->as.rule); break;
    case WEIRI_WORD_TEST: expand_test(self, statement->as.test); break;
    case WEIRI_WORD_PARAM: expand(self, &statement->as.param->value); break;
    case WEIRI_WORD_SOURCE:
    case WEIRI_WORD_SINK: expand_io(self, statement->as.io); break;
    case WEIRI_WORD_TABLE: expand_io(self, &statement->as.stream->io); break;
    case WEIRI_WORD_AGGREGATE:
    case WEIRI_WORD_ACTOR: expand_options(self, &statement->as.plugin->options); break;
    default: break;
    }
}

/* ---- definitions ---- */

static bool
is_builtin(const char *name)
{
    weiri_aggregate_kind kind;
    if (weiri_aggregate_find(name, &kind)) {
        return true;
    }
    for (size_t i = 0; weiri_operation_name(i) != NULL; i++) {
        if (strcmp(weiri_operation_name(i), name) == 0) {
            return true;
        }
    }
    return false;
}

/* A body reads its parameters, and nothing else has a name in it. */
static bool
check_body(
    struct expander *self, const weiri_ast_function *function, const weiri_ast_expr *node)
{
    bool is_ok = node->kind != WEIRI_AST_BROKEN;
    if (node->kind == WEIRI_AST_NAME) {
        uint32_t i = 0;
        while (i < function->n_params
               && strcmp(function->params[i].text, node->name.text) != 0) {
            i++;
        }
        if (i == function->n_params) {
            is_ok = false;
            weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_NAME, node->at,
                "'%s' is no parameter of '%s'", node->name.text, function->name.text);
            weiri_report_hint(self->diagnostics,
                "a function reads what it is given: '%s' could be one more parameter",
                node->name.text);
        }
    }
    for (uint32_t i = 0; i < node->n_items; i++) {
        is_ok = check_body(self, function, node->items[i]) && is_ok;
    }
    return (node->filter == NULL || check_body(self, function, node->filter)) && is_ok;
}

static bool
check_params(struct expander *self, const weiri_ast_function *function)
{
    bool is_ok = true;
    for (uint32_t i = 0; i < function->n_params; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(function->params[i].text, function->params[k].text) == 0) {
                weiri_report(self->diagnostics, WEIRI_E_NAME_TAKEN,
                    function->params[i].at, "there is a parameter '%s' already",
                    function->params[i].text);
                is_ok = false;
            }
        }
    }
    return is_ok;
}

static void
define(struct expander *self, const weiri_ast_function *declared)
{
    struct function function = { .declared = declared, .is_broken = declared->is_broken };
    const char     *name     = declared->name.text;
    if (name == NULL) {
        return;
    }
    const struct function *other = find_function(self, name);
    if (other != NULL) {
        if (declared->plugin != NULL && other->declared->plugin != NULL) {
            return; /* whoever opens plugins says so */
        }
        weiri_report(self->diagnostics, WEIRI_E_NAME_TAKEN, declared->name.at,
            "there is a function '%s' already", name);
        return;
    }
    if (declared->plugin == NULL && is_builtin(name)) {
        weiri_report(self->diagnostics, WEIRI_E_NAME_TAKEN, declared->name.at,
            "'%s' is a function of the language", name);
        return;
    }
    function.is_broken = function.is_broken || declared->plugin != NULL;
    if (!function.is_broken) {
        bool is_ok         = check_params(self, declared);
        function.is_broken = !check_body(self, declared, declared->body) || !is_ok;
    }
    function.is_checked = function.is_broken;
    weiri_names_add(&self->names, self->arena, name, self->n_functions);
    WEIRI_ARENA_PUSH(self->arena, self->functions, self->n_functions, function);
}

void
weiri_expand_functions(
    weiri_arena *arena, weiri_diagnostics *diagnostics, const weiri_ast *ast)
{
    struct expander self = { .arena = arena, .diagnostics = diagnostics, .ast = ast };
    for (uint32_t f = 0; f < ast->n_files; f++) {
        for (uint32_t i = 0; i < ast->files[f].n_statements; i++) {
            const weiri_ast_statement *statement = &ast->files[f].statements[i];
            if (statement->kind == WEIRI_WORD_FUNCTION) {
                define(&self, statement->as.function);
            }
        }
    }
    if (self.n_functions == 0) {
        return;
    }
    for (uint32_t i = 0; i < self.n_functions; i++) {
        if (!self.functions[i].is_checked) {
            check_function(&self, &self.functions[i]);
        }
    }
    for (uint32_t f = 0; f < ast->n_files; f++) {
        for (uint32_t i = 0; i < ast->files[f].n_statements; i++) {
            expand_statement(&self, &ast->files[f].statements[i]);
        }
    }
}
