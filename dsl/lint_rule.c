/* Conditions by themselves, and rules side by side. */
#include <math.h>
#include <string.h>

#include "lint.h"

/* ---- conditions ---- */

static bool
is_logic(const weiri_ast_expr *expr, char word)
{
    return expr->kind == WEIRI_AST_LOGIC && expr->name.text[0] == word;
}

/* A part of an `and` that is true whenever the other parts are. */
static void
check_parts(const weiri_speaker *speaker, const weiri_ast_expr *expr)
{
    for (uint32_t i = 0; i < expr->n_items; i++) {
        weiri_atoms atoms    = { .n = 0 };
        bool        is_known = weiri_atoms_add(&atoms, speaker, expr->items[i], false);
        for (uint32_t k = 0; k < expr->n_items; k++) {
            if (k != i) {
                weiri_atoms_add(&atoms, speaker, expr->items[k], true);
            }
        }
        if (is_known && weiri_atoms_exclude(&atoms)) {
            weiri_report(speaker->lint->diagnostics, WEIRI_W_SAYS_NOTHING,
                expr->items[i]->at, "this is true wherever the rest of the condition is");
            return;
        }
    }
}

static void
check_condition(const weiri_speaker *speaker, const weiri_ast_expr *expr)
{
    if (expr == NULL) {
        return;
    }
    weiri_atoms holds = { .n = 0 };
    weiri_atoms fails = { .n = 0 };
    weiri_atoms_add(&holds, speaker, expr, true);
    bool is_known = weiri_atoms_add(&fails, speaker, expr, false);
    if (weiri_atoms_exclude(&holds)) {
        weiri_report(speaker->lint->diagnostics, WEIRI_W_CONTRADICTION, expr->at,
            "this is never true: its comparisons cannot hold together");
        return;
    }
    if (is_known && weiri_atoms_exclude(&fails)) {
        weiri_report(speaker->lint->diagnostics, WEIRI_W_ALWAYS_TRUE, expr->at,
            "this is always true, unless something in it is null");
        return;
    }
    if (is_logic(expr, 'a')) {
        check_parts(speaker, expr);
    }
    for (uint32_t i = 0; expr->kind == WEIRI_AST_LOGIC && i < expr->n_items; i++) {
        check_condition(speaker, expr->items[i]);
    }
}

/* ---- equality of floats ---- */

/* The stream whose fields bare names mean, and the pattern whose steps may be named. */
struct fields {
    const weiri_lint        *lint;
    const weiri_stream      *stream;
    const weiri_ast_pattern *pattern;
};

static const weiri_ast_pattern *
find_step(const weiri_ast_pattern *pattern, const char *name)
{
    if (pattern->kind == WEIRI_AST_STEP) {
        const char *own = pattern->name.text;
        return strcmp(own != NULL ? own : pattern->stream.text, name) == 0 ? pattern
                                                                           : NULL;
    }
    const weiri_ast_pattern *found = NULL;
    for (uint32_t i = 0; i < pattern->n_items && found == NULL; i++) {
        found = find_step(pattern->items[i], name);
    }
    return found;
}

static bool
is_float_field(const weiri_stream *stream, const char *name)
{
    int32_t field = stream == NULL ? -1 : weir_schema_find(&stream->schema, name);
    return field >= 0 && stream->schema.fields[field].type == WEIR_FLOAT;
}

/* Whether a value is the result of arithmetic of floats, or measured. */
static bool
is_float(const struct fields *self, const weiri_ast_expr *expr)
{
    static const char *const CALLS[] = { "avg", "stddev", "variance", "sqrt", "exp", "ln",
        "sin", "cos", "tan", "distance", "slope", "ewma", "correlation" };
    switch (expr->kind) {
    case WEIRI_AST_NAME: return is_float_field(self->stream, expr->name.text);
    case WEIRI_AST_MEMBER: {
        const weiri_ast_pattern *step =
            self->pattern == NULL || expr->items[0]->kind != WEIRI_AST_NAME
                ? NULL
                : find_step(self->pattern, expr->items[0]->name.text);
        return step != NULL
               && is_float_field(
                   weiri_lint_stream(self->lint, step->stream.text), expr->name.text);
    }
    case WEIRI_AST_BINARY:
        return strchr("+-*/", expr->name.text[0]) != NULL
               && (expr->name.text[0] == '/' || is_float(self, expr->items[0])
                   || is_float(self, expr->items[1]));
    case WEIRI_AST_UNARY: return is_float(self, expr->items[0]);
    case WEIRI_AST_CALL:
        for (size_t i = 0; i < sizeof CALLS / sizeof CALLS[0]; i++) {
            if (strcmp(expr->name.text, CALLS[i]) == 0) {
                return true;
            }
        }
        return false;
    default: return false;
    }
}

/* Zero and other whole numbers are often marks that somebody set. */
static bool
is_mark(const weiri_ast_expr *expr)
{
    bool is_whole = expr->kind == WEIRI_AST_FLOAT
                    && !(fabs(expr->value.f - nearbyint(expr->value.f)) > 0);
    return expr->kind == WEIRI_AST_INT || is_whole
           || (expr->kind == WEIRI_AST_UNARY && is_mark(expr->items[0]));
}

static void
check_equality(const struct fields *self, const weiri_ast_expr *expr)
{
    if (expr == NULL) {
        return;
    }
    bool is_equality =
        expr->kind == WEIRI_AST_BINARY
        && (strcmp(expr->name.text, "==") == 0 || strcmp(expr->name.text, "!=") == 0);
    if (is_equality && !is_mark(expr->items[0]) && !is_mark(expr->items[1])
        && (is_float(self, expr->items[0]) || is_float(self, expr->items[1]))) {
        weiri_report(self->lint->diagnostics, WEIRI_W_FLOAT_EQUALITY, expr->name.at,
            "numbers that were rounded are seldom equal to the last bit");
        weiri_report_hint(self->lint->diagnostics, "write 'abs(a - b) < 0.001'");
    }
    for (uint32_t i = 0; i < expr->n_items; i++) {
        check_equality(self, expr->items[i]);
    }
    check_equality(self, expr->filter);
}

/* ---- clauses ---- */

static void
check_emit(const struct fields *fields, const weiri_ast_emit *emit)
{
    for (uint32_t i = 0; i < emit->fields.n_items; i++) {
        check_equality(fields, emit->fields.items[i].value);
    }
}

static void
check_pattern(
    weiri_lint *self, const weiri_ast_pattern *whole, const weiri_ast_pattern *pattern)
{
    if (pattern->kind == WEIRI_AST_STEP) {
        const char   *name    = pattern->name.text;
        weiri_speaker speaker = { self, name != NULL ? name : pattern->stream.text };
        struct fields fields  = { self, weiri_lint_stream(self, pattern->stream.text),
             whole };
        check_condition(&speaker, pattern->where);
        check_equality(&fields, pattern->where);
    }
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        check_pattern(self, whole, pattern->items[i]);
    }
}

/* Of all rules that read the stream of a source, the time that they look at. */
static int64_t
length_of(const weiri_rule *rule, uint32_t stream)
{
    if (rule->query != NULL) {
        const weiri_window *window = rule->query->window;
        bool has_width             = window != NULL && window->kind != WEIRI_WINDOW_LAST;
        return rule->query->stream == stream && has_width ? window->width_ns : -1;
    }
    for (uint32_t i = 0; i < rule->match->n_inputs; i++) {
        if (rule->match->inputs[i].stream == stream) {
            return rule->match->within_ns;
        }
    }
    return -1;
}

static void
check_lateness(const weiri_lint *self, const weiri_ast_rule *ast)
{
    const weiri_plan *plan  = self->plan;
    uint32_t          index = weiri_names_find(&self->rules, ast->name.text);
    for (uint32_t i = 0; index != UINT32_MAX && i < plan->n_sources; i++) {
        const weiri_source *source    = &plan->sources[i];
        int64_t             length_ns = length_of(&plan->rules[index], source->stream);
        if (length_ns > 0 && source->lateness_ns > length_ns) {
            weiri_report(self->diagnostics, WEIRI_W_LATER_THAN_LONG,
                ast->match_at.size > 0 ? ast->within_at : ast->window.at,
                "rule '%s' looks at less time than a source of '%s' waits for late "
                "events",
                ast->name.text, plan->streams[source->stream].schema.name);
            weiri_report_hint(
                self->diagnostics, "whatever it finds comes that much later");
            return;
        }
    }
}

/* `limit 1 per D` is of each key, `limit 1` of the rule. */
static void
check_limit(const weiri_lint *self, const weiri_ast_rule *rule)
{
    if (rule->n_keys > 0 && rule->limit_at.size > 0 && rule->limit_per == NULL) {
        weiri_report(self->diagnostics, WEIRI_W_LIMITS_ALL, rule->limit_at,
            "all keys share this limit: when the rule has emitted so often, it is done");
        weiri_report_hint(self->diagnostics,
            "for each key by itself say of what time, as in 'limit 1 per 1d'; for its "
            "first event alone 'window all' and 'having count() == 1'");
    }
}

void
weiri_lint_rule(weiri_lint *self, const weiri_ast_rule *rule)
{
    struct fields fields = { .lint = self, .pattern = rule->pattern };
    if (rule->pattern != NULL) {
        check_pattern(self, rule->pattern, rule->pattern);
    } else if (rule->from.actor.text == NULL) {
        weiri_speaker speaker = { self, NULL };
        fields.stream         = weiri_lint_stream(self, rule->from.stream.text);
        check_condition(&speaker, rule->where);
        check_condition(&speaker, rule->having);
        check_equality(&fields, rule->where);
        check_equality(&fields, rule->having);
    }
    check_emit(&fields, &rule->emit);
    check_emit(&fields, &rule->on_timeout);
    check_lateness(self, rule);
    check_limit(self, rule);
}

/* ---- rules side by side ---- */

/* The tokens between the braces of a rule, without what stands between them. */
static const char *
body_of(const weiri_lint *self, const weiri_ast_file *file, weiri_span at)
{
    const char        *text = weiri_diagnostics_file(self->diagnostics, file->file)->text;
    const weiri_token *tokens = file->tokens.items;
    uint32_t           end    = weiri_lint_token(file, at.offset + at.size);
    uint32_t           i      = weiri_lint_token(file, at.offset);
    char              *out    = weiri_arena_alloc(self->arena, 2 * (size_t)at.size + 2);
    size_t             used   = 0;
    while (tokens[i].kind != WEIRI_TOKEN_LEFT_BRACE) {
        i++;
    }
    for (; i < end; i++) {
        memcpy(out + used, text + tokens[i].offset, tokens[i].size);
        used += tokens[i].size;
        out[used++] = ' ';
    }
    return out;
}

void
weiri_lint_pairs(weiri_lint *self)
{
    weiri_names            bodies = { .n_slots = 0 };
    const weiri_ast_rule **rules  = NULL;
    uint32_t               n      = 0;
    for (uint32_t i = 0; i < self->ast->n_files; i++) {
        const weiri_ast_file *file = &self->ast->files[i];
        for (uint32_t k = 0; k < file->n_statements; k++) {
            if (file->statements[k].kind != WEIRI_WORD_RULE) {
                continue;
            }
            const weiri_ast_rule *rule = file->statements[k].as.rule;
            const char           *body = body_of(self, file, file->statements[k].at);
            uint32_t              twin = weiri_names_find(&bodies, body);
            if (twin == UINT32_MAX) {
                weiri_names_add(&bodies, self->arena, body, n);
                WEIRI_ARENA_PUSH(self->arena, rules, n, rule);
            } else if (rules != NULL) { /* it was found among them */
                weiri_report(self->diagnostics, WEIRI_W_RULE_TWICE, rule->name.at,
                    "rule '%s' does what rule '%s' does, and emits everything again",
                    rule->name.text, rules[twin]->name.text);
            }
        }
    }
}
