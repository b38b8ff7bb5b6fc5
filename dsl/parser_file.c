/* A file: statement after statement. */
#include "parser.h"

#include <string.h>

#include "foreign_words.h"
#include "weiri/nodefile.h"

static weiri_ast_param *
parse_param(weiri_parser *self)
{
    weiri_ast_param *param = weiri_arena_alloc(self->arena, sizeof *param);
    param->name            = weiri_parser_name(self, "the parameter's name");
    weiri_parser_take(self, WEIRI_TOKEN_COLON);
    param->type = weiri_parse_type(self);
    if (weiri_parser_take(self, WEIRI_TOKEN_ASSIGN)) {
        param->value = weiri_parse_expr(self);
    }
    param->is_broken = self->is_lost || param->type.type == WEIR_NULL;
    return param;
}

static weiri_ast_include *
parse_include(weiri_parser *self)
{
    weiri_ast_include *include = weiri_arena_alloc(self->arena, sizeof *include);
    include->file              = UINT32_MAX;
    include->path = weiri_parser_string(self, "a text: the path of a file", &include->at);
    return include;
}

/* (age: float, visits: float) -> float */
static void
parse_signature(weiri_parser *self, weiri_ast_plugin *plugin)
{
    weiri_parser_expect(self, WEIRI_TOKEN_LEFT_PAREN, NULL);
    while (!self->is_lost && !weiri_parser_take(self, WEIRI_TOKEN_RIGHT_PAREN)) {
        weiri_ast_field input = { .name =
                                      weiri_parser_name(self, "the name of an input") };
        weiri_parser_expect(self, WEIRI_TOKEN_COLON, NULL);
        input.type = weiri_parse_type(self);
        WEIRI_ARENA_PUSH(self->arena, plugin->inputs, plugin->n_inputs, input);
        if (!weiri_parser_take(self, WEIRI_TOKEN_COMMA)
            && weiri_parser_kind(self) != WEIRI_TOKEN_RIGHT_PAREN) {
            weiri_parser_fail(self, "',' or ')'");
        }
    }
    weiri_parser_expect(self, WEIRI_TOKEN_FOLLOWED, "'->' and the type of the result");
    plugin->output = weiri_parse_type(self);
}

/* { who string, n int } */
static weiri_ast_stream *
parse_shape(weiri_parser *self)
{
    weiri_ast_stream *stream = weiri_arena_alloc(self->arena, sizeof *stream);
    weiri_parse_fields(self, stream);
    return stream;
}

/* takes, gives, adds, idle, budget, on error: in any order. */
static bool
parse_actor_word(weiri_parser *self, weiri_ast_plugin *plugin)
{
    uint32_t first    = self->at;
    bool     is_twice = false;
    if (weiri_parser_take_word(self, WEIRI_WORD_TAKES)) {
        is_twice      = plugin->takes != NULL;
        plugin->takes = parse_shape(self);
    } else if (weiri_parser_take_word(self, WEIRI_WORD_GIVES)) {
        is_twice      = plugin->gives != NULL;
        plugin->gives = parse_shape(self);
    } else if (weiri_parser_take_word(self, WEIRI_WORD_ADDS)) {
        is_twice          = plugin->gives != NULL;
        plugin->gives     = parse_shape(self);
        plugin->is_adding = true;
    } else if (weiri_parser_take_word(self, WEIRI_WORD_IDLE)) {
        is_twice     = plugin->idle != NULL;
        plugin->idle = weiri_parse_amount(self, "a duration");
    } else if (weiri_parser_take_word(self, WEIRI_WORD_BUDGET)) {
        is_twice       = plugin->budget != NULL;
        plugin->budget = weiri_parse_amount(self, "a duration");
    } else if (weiri_parser_take_word(self, WEIRI_WORD_ON)) {
        is_twice         = plugin->on_error.text != NULL;
        plugin->on_error = weiri_parse_on_error(self);
    } else {
        return false;
    }
    weiri_parser_no_twice(self, is_twice, first);
    return true;
}

static weiri_ast_plugin *
parse_plugin(weiri_parser *self, weiri_word kind)
{
    weiri_ast_plugin *plugin = weiri_arena_alloc(self->arena, sizeof *plugin);
    plugin->name             = weiri_parser_name(self, "a name");
    weiri_parser_expect_word(self, WEIRI_WORD_FROM);
    plugin->is_process =
        kind == WEIRI_WORD_ACTOR && weiri_parser_take_word(self, WEIRI_WORD_PROCESS);
    plugin->path =
        weiri_parser_string(self, "a text: the path of a file", &plugin->path_at);
    if (kind == WEIRI_WORD_MODEL) {
        parse_signature(self, plugin);
    }
    if (kind != WEIRI_WORD_ACTOR && kind != WEIRI_WORD_AGGREGATE) {
        return plugin;
    }
    if (weiri_parser_take(self, WEIRI_TOKEN_LEFT_PAREN)) {
        plugin->options = weiri_parse_options(self, WEIRI_TOKEN_RIGHT_PAREN);
    }
    while (kind == WEIRI_WORD_ACTOR && parse_actor_word(self, plugin)) {
    }
    return plugin;
}

static weiri_ast_function *
parse_function(weiri_parser *self)
{
    weiri_ast_function *function = weiri_arena_alloc(self->arena, sizeof *function);
    uint32_t            first    = self->at - 1;
    if (weiri_parser_word_at(self, 1) == WEIRI_WORD_FROM) {
        function->plugin = parse_plugin(self, WEIRI_WORD_FUNCTION);
        function->name   = function->plugin->name;
        return function;
    }
    function->name = weiri_parser_name(self, "the function's name");
    weiri_parser_expect(self, WEIRI_TOKEN_LEFT_PAREN, "'(' and parameters, or 'from'");
    while (!self->is_lost && !weiri_parser_take(self, WEIRI_TOKEN_RIGHT_PAREN)) {
        weiri_ast_name param = weiri_parser_name(self, "the name of a parameter");
        WEIRI_ARENA_PUSH(self->arena, function->params, function->n_params, param);
        if (!weiri_parser_take(self, WEIRI_TOKEN_COMMA)
            && weiri_parser_kind(self) != WEIRI_TOKEN_RIGHT_PAREN) {
            weiri_parser_fail(self, "',' or ')'");
        }
    }
    weiri_parser_expect(self, WEIRI_TOKEN_ASSIGN, "'=' and an expression");
    function->body      = weiri_parse_expr(self);
    function->is_broken = self->is_lost;
    function->at        = weiri_parser_span_from(self, first);
    return function;
}

static void
parse_body(weiri_parser *self, weiri_ast_statement *statement)
{
    switch (statement->kind) {
    case WEIRI_WORD_STREAM: statement->as.stream = weiri_parse_stream(self, false); break;
    case WEIRI_WORD_TABLE: statement->as.stream = weiri_parse_stream(self, true); break;
    case WEIRI_WORD_SOURCE: statement->as.io = weiri_parse_io(self, false); break;
    case WEIRI_WORD_SINK: statement->as.io = weiri_parse_io(self, true); break;
    case WEIRI_WORD_RULE: statement->as.rule = weiri_parse_rule(self); break;
    case WEIRI_WORD_PARAM: statement->as.param = parse_param(self); break;
    case WEIRI_WORD_INCLUDE: statement->as.include = parse_include(self); break;
    case WEIRI_WORD_FUNCTION: statement->as.function = parse_function(self); break;
    case WEIRI_WORD_MODEL:
    case WEIRI_WORD_AGGREGATE:
    case WEIRI_WORD_CONNECTOR:
    case WEIRI_WORD_CODEC:
    case WEIRI_WORD_ACTOR:
        statement->as.plugin = parse_plugin(self, statement->kind);
        break;
    default: statement->as.test = weiri_parse_test(self); break;
    }
}

static void
report_no_statement(weiri_parser *self)
{
    static const char *const STATEMENTS[] = {
#define X(name, text) text,
        WEIRI_STATEMENT_LIST(X)
#undef X
    };
    const weiri_token *token = weiri_parser_peek(self, 0);
    const char        *word =
        weiri_arena_text(self->arena, self->text + token->offset, token->size);
    weiri_parser_fail_as(self, WEIRI_E_STATEMENT_EXPECTED,
        weiri_arena_format(self->arena, "no statement begins with '%.40s'", word));
    if (token->kind == WEIRI_TOKEN_BAD) {
        return;
    }
    if (weiri_nodefile_is(
            self->text + token->offset, strlen(self->text + token->offset))) {
        weiri_report_hint(self->diagnostics,
            "this is a node file: run it with `weir node --config FILE`");
        return;
    }
    if (weiri_hint_foreign(self->diagnostics, WEIRI_FOREIGN_STATEMENT, word)) {
        return;
    }
    weiri_report_nearest(
        self->diagnostics, word, STATEMENTS, sizeof STATEMENTS / sizeof STATEMENTS[0]);
}

static void
parse_statement(weiri_parser *self, weiri_ast_file *file)
{
    weiri_ast_statement statement = { .kind = weiri_parser_word(self) };
    uint32_t            first     = self->at;
    if (statement.kind < WEIRI_WORD_STREAM || statement.kind > WEIRI_WORD_TEST) {
        report_no_statement(self);
        file->has_lost_names = true;
        self->at++;
        weiri_parser_recover(self, WEIRI_SYNC_STATEMENT, NULL);
        return;
    }
    self->at++;
    parse_body(self, &statement);
    statement.at = weiri_parser_span_from(self, first);
    if (!self->is_lost && weiri_parser_kind(self) != WEIRI_TOKEN_END
        && !weiri_parser_peek(self, 0)->starts_line
        && weiri_parser_kind(self) != WEIRI_TOKEN_NAME) {
        weiri_parser_fail(self, "the end of the statement");
    }
    WEIRI_ARENA_PUSH(self->arena, file->statements, file->n_statements, statement);
    if (self->is_lost) {
        file->has_lost_names = true;
        weiri_parser_recover(self, WEIRI_SYNC_STATEMENT, NULL);
    }
}

weiri_ast_file
weiri_parse(weiri_arena *arena, weiri_diagnostics *diagnostics, uint32_t file)
{
    weiri_ast_file result = {
        .file   = file,
        .tokens = weiri_lex(arena, diagnostics, file),
    };
    weiri_parser self = { .arena = arena,
        .diagnostics             = diagnostics,
        .file                    = file,
        .text                    = weiri_diagnostics_file(diagnostics, file)->text,
        .tokens                  = result.tokens };
    while (weiri_parser_kind(&self) != WEIRI_TOKEN_END) {
        parse_statement(&self, &result);
    }
    return result;
}
