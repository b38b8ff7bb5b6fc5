#include "tree_text.h"

#include <inttypes.h>
#include <string.h>

static void
put_name(FILE *out, const char *label, const char *text)
{
    if (text != NULL) {
        fprintf(out, " %s=\"%s\"", label, text);
    }
}

static void
put_flag(FILE *out, const char *label, bool is_set)
{
    fputs(is_set ? " " : "", out);
    fputs(is_set ? label : "", out);
}

static void
put_expr(FILE *out, const char *label, const weiri_ast_expr *expr)
{
    if (expr == NULL) {
        return;
    }
    fprintf(out, " %s:(%d", label, (int)expr->kind);
    put_flag(out, "not", expr->is_negated);
    put_name(out, "name", expr->name.text);
    switch (expr->kind) {
    case WEIRI_AST_BOOL: fprintf(out, " %d", expr->value.b); break;
    case WEIRI_AST_INT:
    case WEIRI_AST_DURATION: fprintf(out, " %" PRId64, expr->value.i); break;
    case WEIRI_AST_FLOAT: fprintf(out, " %a", expr->value.f); break;
    case WEIRI_AST_STRING:
        fputs(" '", out);
        fwrite(expr->value.s.text, 1, expr->value.s.size, out);
        fputs("'", out);
        break;
    default: break;
    }
    for (uint32_t i = 0; i < expr->n_items; i++) {
        put_expr(out, "item", expr->items[i]);
    }
    put_expr(out, "filter", expr->filter);
    fputs(")", out);
}

static void
put_options(FILE *out, const char *label, const weiri_ast_options *options)
{
    fprintf(out, " %s[", label);
    for (uint32_t i = 0; i < options->n_items; i++) {
        put_name(out, "name", options->items[i].name.text);
        put_expr(out, "value", options->items[i].value);
    }
    fputs("]", out);
}

static void
put_pattern(FILE *out, const weiri_ast_pattern *pattern)
{
    const weiri_ast_quantifier *quantifier = &pattern->quantifier;
    fprintf(out, " (pattern %d %d", (int)pattern->kind, (int)pattern->arrow);
    put_flag(out, "not", pattern->not_at.size > 0);
    put_name(out, "name", pattern->name.text);
    put_name(out, "stream", pattern->stream.text);
    put_expr(out, "where", pattern->where);
    put_expr(out, "gap", pattern->gap);
    if (quantifier->at.size > 0) {
        fprintf(out, " sign=%d", (int)quantifier->sign);
        put_expr(out, "min", quantifier->min);
        put_expr(out, "max", quantifier->max);
        fprintf(out, " %d %d", (int)quantifier->inner, (int)quantifier->preference);
    }
    put_expr(out, "until", quantifier->until);
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        put_pattern(out, pattern->items[i]);
    }
    fputs(")", out);
}

static void
put_emit(FILE *out, const char *label, const weiri_ast_emit *emit)
{
    if (emit->at.size > 0) {
        fprintf(out, " %s(", label);
        put_name(out, "stream", emit->stream.text);
        put_flag(out, "into", emit->is_into);
        put_flag(out, "changes", emit->when_changes.size > 0);
        put_flag(out, "braces", emit->has_fields);
        put_options(out, "fields", &emit->fields);
        fputs(")", out);
    }
}

static void
put_from(FILE *out, const weiri_ast_from *from)
{
    put_flag(out, "from", from->at.size > 0);
    put_name(out, "alias", from->alias.text);
    put_name(out, "stream", from->stream.text);
    put_name(out, "actor", from->actor.text);
    for (uint32_t i = 0; i < from->n_joins; i++) {
        fprintf(out, " join=%d", (int)from->joins[i].kind);
        put_name(out, "alias", from->joins[i].alias.text);
        put_name(out, "stream", from->joins[i].stream.text);
        put_expr(out, "on", from->joins[i].on);
        put_expr(out, "within", from->joins[i].within);
    }
}

static void
put_window(FILE *out, const weiri_ast_window *window)
{
    if (window->at.size > 0) {
        fprintf(out, " window=%d", (int)window->kind);
        fprintf(out, " unit=%d", (int)window->unit);
        put_expr(out, "width", window->width);
        put_expr(out, "offset", window->offset);
        put_expr(out, "every", window->every);
        put_expr(out, "early", window->early);
        put_flag(out, "before", window->is_before);
        put_flag(out, "reset", window->is_reset);
        put_flag(out, "fill", window->is_filled);
    }
}

static void
put_keys(FILE *out, const weiri_ast_rule *rule)
{
    for (uint32_t i = 0; i < rule->n_keys; i++) {
        fputs(" key", out);
        for (uint32_t k = 0; k < rule->keys[i].n_sides; k++) {
            put_expr(out, "side", rule->keys[i].sides[k]);
        }
    }
}

static void
put_rule(FILE *out, const weiri_ast_rule *rule)
{
    put_name(out, "rule", rule->name.text);
    put_name(out, "title", rule->title);
    if (rule->pattern != NULL) {
        put_pattern(out, rule->pattern);
    }
    put_expr(out, "silence", rule->silence);
    put_from(out, &rule->from);
    put_expr(out, "where", rule->where);
    put_keys(out, rule);
    put_expr(out, "within", rule->within);
    for (uint32_t i = 0; i < rule->fill.n_fields; i++) {
        put_expr(out, "fill", rule->fill.fields[i]);
    }
    put_expr(out, "fill-within", rule->fill.within);
    put_window(out, &rule->window);
    put_expr(out, "having", rule->having);
    put_emit(out, "emit", &rule->emit);
    put_emit(out, "timeout", &rule->on_timeout);
    fprintf(out, " skip=%d", (int)rule->skip.mode);
    put_name(out, "step", rule->skip.step.text);
    put_expr(out, "limit", rule->limit);
    put_expr(out, "per", rule->limit_per);
    for (uint32_t i = 0; i < rule->n_order; i++) {
        put_expr(out, "order", rule->order[i].value);
        put_flag(out, "desc", rule->order[i].is_descending);
    }
    put_expr(out, "first", rule->order_limit);
    fprintf(out, " each=%u", rule->n_each);
}

static void
put_field(FILE *out, const weiri_ast_field *field)
{
    put_name(out, "field", field->name.text);
    fprintf(out, " %d%s", (int)field->type.type, field->type.is_nullable ? "?" : "");
    put_name(out, "from", field->from);
    put_name(out, "unit", field->unit.text);
    put_name(out, "form", field->form);
}

static void
put_io(FILE *out, const weiri_ast_io *io)
{
    put_name(out, "stream", io->stream.text);
    put_name(out, "endpoint", io->endpoint.name.text);
    put_options(out, "options", &io->endpoint.options);
    put_name(out, "format", io->format.text);
    put_options(out, "format", &io->format_options);
    put_expr(out, "lateness", io->lateness);
    put_expr(out, "idle", io->idle);
    put_expr(out, "refresh", io->refresh);
    put_name(out, "on_error", io->on_error.text);
}

static void
put_stream(FILE *out, const weiri_ast_stream *stream)
{
    put_name(out, "name", stream->name.text);
    for (uint32_t i = 0; i < stream->n_keys; i++) {
        put_name(out, "key", stream->keys[i].text);
    }
    for (uint32_t i = 0; i < stream->n_fields; i++) {
        put_field(out, &stream->fields[i]);
    }
    put_io(out, &stream->io);
}

static void
put_plugin(FILE *out, const weiri_ast_plugin *plugin)
{
    put_name(out, "plugin", plugin->name.text);
    put_name(out, "path", plugin->path);
    for (uint32_t i = 0; i < plugin->n_inputs; i++) {
        put_field(out, &plugin->inputs[i]);
    }
    fprintf(out, " %d", (int)plugin->output.type);
    put_options(out, "options", &plugin->options);
    put_flag(out, "process", plugin->is_process);
    put_flag(out, "adds", plugin->is_adding);
    for (uint32_t i = 0; plugin->takes != NULL && i < plugin->takes->n_fields; i++) {
        put_field(out, &plugin->takes->fields[i]);
    }
    for (uint32_t i = 0; plugin->gives != NULL && i < plugin->gives->n_fields; i++) {
        put_field(out, &plugin->gives->fields[i]);
    }
    put_expr(out, "idle", plugin->idle);
    put_expr(out, "budget", plugin->budget);
    put_name(out, "on_error", plugin->on_error.text);
}

static void
put_test(FILE *out, const weiri_ast_test *test)
{
    put_name(out, "test", test->title);
    for (uint32_t i = 0; i < test->n_lines; i++) {
        const weiri_ast_test_line *line = &test->lines[i];
        fputs(" |", out);
        put_flag(out, "expect", line->is_expect);
        put_flag(out, "no", line->is_absent);
        put_flag(out, "braces", line->has_fields);
        put_expr(out, "count", line->count);
        put_name(out, "stream", line->stream.text);
        put_options(out, "fields", &line->fields);
        put_expr(out, "wait", line->wait);
        put_expr(out, "repeat", line->repeat);
        put_expr(out, "every", line->every);
    }
}

static void
put_param(FILE *out, const weiri_ast_param *param)
{
    put_name(out, "param", param->name.text);
    fprintf(out, " %d%s", (int)param->type.type, param->type.is_nullable ? "?" : "");
    put_expr(out, "value", param->value);
}

static void
put_function(FILE *out, const weiri_ast_function *function)
{
    if (function->plugin != NULL) {
        put_plugin(out, function->plugin);
        return;
    }
    put_name(out, "function", function->name.text);
    for (uint32_t i = 0; i < function->n_params; i++) {
        put_name(out, "param", function->params[i].text);
    }
    put_expr(out, "body", function->body);
}

void
tree_print(FILE *out, const weiri_ast_file *file)
{
    for (uint32_t i = 0; i < file->n_statements; i++) {
        const weiri_ast_statement *statement = &file->statements[i];
        fprintf(out, "%d", (int)statement->kind);
        switch (statement->kind) {
        case WEIRI_WORD_STREAM:
        case WEIRI_WORD_TABLE: put_stream(out, statement->as.stream); break;
        case WEIRI_WORD_SOURCE:
        case WEIRI_WORD_SINK: put_io(out, statement->as.io); break;
        case WEIRI_WORD_RULE: put_rule(out, statement->as.rule); break;
        case WEIRI_WORD_PARAM: put_param(out, statement->as.param); break;
        case WEIRI_WORD_INCLUDE:
            put_name(out, "include", statement->as.include->path);
            break;
        case WEIRI_WORD_FUNCTION: put_function(out, statement->as.function); break;
        case WEIRI_WORD_MODEL:
        case WEIRI_WORD_AGGREGATE:
        case WEIRI_WORD_CONNECTOR:
        case WEIRI_WORD_CODEC:
        case WEIRI_WORD_ACTOR: put_plugin(out, statement->as.plugin); break;
        default: put_test(out, statement->as.test); break;
        }
        fputs("\n", out);
    }
}
