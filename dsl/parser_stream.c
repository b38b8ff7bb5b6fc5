/* Streams and tables, and what fills and empties them. */
#include "parser.h"

#include <string.h>

weiri_ast_type
weiri_parse_type(weiri_parser *self)
{
    static const struct {
        const char *text;
        weir_type   type;
    } TYPES[] = { { "bool", WEIR_BOOL }, { "int", WEIR_INT }, { "float", WEIR_FLOAT },
        { "string", WEIR_STRING }, { "time", WEIR_TIME }, { "duration", WEIR_DURATION } };
    enum { N_TYPES = sizeof TYPES / sizeof TYPES[0] };

    uint32_t       first = self->at;
    weiri_ast_type type  = { .type = WEIR_NULL };
    if (weiri_parser_peek(self, 0)->starts_line) {
        weiri_parser_fail(self, "a type");
    }
    weiri_ast_name name = weiri_parser_name(self, "a type");
    if (name.text == NULL) {
        return type;
    }
    const char *names[N_TYPES];
    for (size_t i = 0; i < N_TYPES; i++) {
        names[i] = TYPES[i].text;
        if (strcmp(name.text, TYPES[i].text) == 0) {
            type.type = TYPES[i].type;
        }
    }
    if (type.type == WEIR_NULL) {
        weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_TYPE, name.at,
            "there is no type '%.40s'", name.text);
        weiri_report_nearest(self->diagnostics, name.text, names, N_TYPES);
        weiri_report_hint(
            self->diagnostics, "types are bool, int, float, string, time and duration");
    }
    type.is_nullable = weiri_parser_take(self, WEIRI_TOKEN_QUESTION);
    type.at          = weiri_parser_span_from(self, first);
    return type;
}

/* from "…", unit ms, form "…": on the field's own line. */
static bool
parse_field_word(weiri_parser *self, weiri_ast_field *field)
{
    if (weiri_parser_peek(self, 0)->starts_line) {
        return false;
    }
    if (weiri_parser_take_word(self, WEIRI_WORD_FROM)) {
        field->from = weiri_parser_string(
            self, "a text: a column or a JSON pointer", &field->from_at);
        return true;
    }
    if (weiri_parser_take_word(self, WEIRI_WORD_UNIT)) {
        field->unit = weiri_parser_name(self, "a unit: s, ms, us or ns");
        return true;
    }
    if (weiri_parser_take_word(self, WEIRI_WORD_FORM)) {
        field->form =
            weiri_parser_string(self, "a text: the form of a time", &field->form_at);
        return true;
    }
    return false;
}

static weiri_ast_field
parse_field(weiri_parser *self)
{
    weiri_ast_field field = { .name = weiri_parser_name(self, "the name of a field") };
    weiri_parser_take(self, WEIRI_TOKEN_COLON); /* x: int is understood as well */
    field.type = weiri_parse_type(self);
    while (parse_field_word(self, &field)) {
    }
    return field;
}

static bool
ends_field(const weiri_parser *self)
{
    weiri_token_kind kind = weiri_parser_kind(self);
    return weiri_parser_peek(self, 0)->starts_line || kind == WEIRI_TOKEN_RIGHT_BRACE
           || kind == WEIRI_TOKEN_COMMA || kind == WEIRI_TOKEN_END;
}

void
weiri_parse_fields(weiri_parser *self, weiri_ast_stream *stream)
{
    const weiri_token *open    = weiri_parser_peek(self, 0);
    weiri_span         open_at = weiri_parser_span(self);
    weiri_parser_expect(self, WEIRI_TOKEN_LEFT_BRACE, "'{' and the stream's fields");
    while (!self->is_lost && !weiri_parser_take(self, WEIRI_TOKEN_RIGHT_BRACE)) {
        if (weiri_parser_kind(self) == WEIRI_TOKEN_END) {
            weiri_report(self->diagnostics, WEIRI_E_BRACE_NOT_CLOSED, open_at,
                "these fields are not closed by '}'");
            stream->is_broken = true;
            return;
        }
        uint32_t        first = self->at;
        weiri_ast_field field = parse_field(self);
        if (!self->is_lost && !ends_field(self)) {
            weiri_parser_fail(self, "',' or a new line after a field");
        }
        bool is_whole     = !self->is_lost && field.type.type != WEIR_NULL;
        stream->is_broken = stream->is_broken || !is_whole;
        if (is_whole) {
            WEIRI_ARENA_PUSH(self->arena, stream->fields, stream->n_fields, field);
        }
        if (self->is_lost) {
            self->at += self->at == first;
            weiri_parser_recover(self, WEIRI_SYNC_LINE, open);
        }
        weiri_parser_take(self, WEIRI_TOKEN_COMMA);
    }
}

static void
parse_table_keys(weiri_parser *self, weiri_ast_stream *table)
{
    weiri_parser_expect_word(self, WEIRI_WORD_KEY);
    do {
        weiri_ast_name key = weiri_parser_name(self, "a key field");
        WEIRI_ARENA_PUSH(self->arena, table->keys, table->n_keys, key);
    } while (weiri_parser_take(self, WEIRI_TOKEN_COMMA));
}

weiri_ast_name
weiri_parse_on_error(weiri_parser *self)
{
    weiri_parser_expect_word(self, WEIRI_WORD_ERROR);
    return weiri_parser_name(self, "'skip', 'restart' or 'stop'");
}

static weiri_ast_endpoint
parse_endpoint(weiri_parser *self, const char *what)
{
    weiri_ast_endpoint endpoint = { .name = weiri_parser_name(self, what) };
    weiri_parser_expect(self, WEIRI_TOKEN_LEFT_PAREN, NULL);
    endpoint.options = weiri_parse_options(self, WEIRI_TOKEN_RIGHT_PAREN);
    return endpoint;
}

void
weiri_parser_no_twice(weiri_parser *self, bool is_twice, uint32_t first)
{
    if (is_twice && !self->is_lost) {
        weiri_report(self->diagnostics, WEIRI_E_CLAUSE_TWICE,
            weiri_parser_span_from(self, first), "this is given twice");
    }
}

static void
parse_format(weiri_parser *self, weiri_ast_io *io)
{
    io->format = weiri_parser_name(self, "a format: json, csv or msgpack");
    if (weiri_parser_take(self, WEIRI_TOKEN_LEFT_PAREN)) {
        io->format_options = weiri_parse_options(self, WEIRI_TOKEN_RIGHT_PAREN);
    }
}

/* format, lateness, idle, refresh, on error: in any order. */
static bool
parse_io_word(weiri_parser *self, weiri_ast_io *io)
{
    uint32_t first    = self->at;
    bool     is_twice = false;
    if (weiri_parser_take_word(self, WEIRI_WORD_FORMAT)) {
        is_twice = io->format.text != NULL;
        parse_format(self, io);
    } else if (weiri_parser_take_word(self, WEIRI_WORD_LATENESS)) {
        is_twice     = io->lateness != NULL;
        io->lateness = weiri_parse_amount(self, "a duration");
    } else if (weiri_parser_take_word(self, WEIRI_WORD_IDLE)) {
        is_twice = io->idle != NULL;
        io->idle = weiri_parse_amount(self, "a duration");
    } else if (weiri_parser_take_word(self, WEIRI_WORD_REFRESH)) {
        is_twice = io->refresh != NULL;
        weiri_parser_expect_word(self, WEIRI_WORD_EVERY);
        io->refresh = weiri_parse_amount(self, "a duration");
    } else if (weiri_parser_take_word(self, WEIRI_WORD_ON)) {
        is_twice     = io->on_error.text != NULL;
        io->on_error = weiri_parse_on_error(self);
    } else {
        return false;
    }
    weiri_parser_no_twice(self, is_twice, first);
    return true;
}

static void
parse_io_words(weiri_parser *self, weiri_ast_io *io)
{
    while (parse_io_word(self, io)) {
    }
}

weiri_ast_io *
weiri_parse_io(weiri_parser *self, bool is_sink)
{
    weiri_ast_io *io = weiri_arena_alloc(self->arena, sizeof *io);
    io->stream       = weiri_parser_stream(self);
    weiri_parser_expect_word(self, is_sink ? WEIRI_WORD_TO : WEIRI_WORD_FROM);
    io->endpoint = parse_endpoint(
        self, is_sink ? "where to, as in stdout()" : "where from, as in file(\"x.csv\")");
    parse_io_words(self, io);
    io->is_broken = self->is_lost;
    return io;
}

weiri_ast_io *
weiri_parse_feed(weiri_parser *self, weiri_ast_name stream)
{
    weiri_ast_io *io = weiri_arena_alloc(self->arena, sizeof *io);
    io->stream       = stream;
    weiri_parser_expect_word(self, WEIRI_WORD_FROM);
    io->endpoint = parse_endpoint(self, "a file, as in file(\"x.csv\")");
    if (!weiri_parser_peek(self, 0)->starts_line
        && weiri_parser_take_word(self, WEIRI_WORD_FORMAT)) {
        parse_format(self, io);
    }
    io->is_broken = self->is_lost;
    return io;
}

/* limit, keep, full: how much of a table is kept. */
static bool
parse_table_word(weiri_parser *self, weiri_ast_stream *table)
{
    uint32_t       first    = self->at;
    bool           is_twice = false;
    weiri_ast_full full     = { .is_stop = false };
    if (weiri_parser_take_word(self, WEIRI_WORD_LIMIT)) {
        is_twice     = table->limit != NULL;
        table->limit = weiri_parse_amount(self, "a number of rows");
    } else if (weiri_parser_take_word(self, WEIRI_WORD_KEEP)) {
        is_twice    = table->keep != NULL;
        table->keep = weiri_parse_amount(self, "a duration");
    } else if (weiri_parse_full(self, &full)) {
        is_twice    = table->full.at.size > 0;
        table->full = full;
    } else {
        return false;
    }
    weiri_parser_no_twice(self, is_twice, first);
    return true;
}

weiri_ast_stream *
weiri_parse_stream(weiri_parser *self, bool is_table)
{
    weiri_ast_stream *stream = weiri_arena_alloc(self->arena, sizeof *stream);
    stream->name =
        weiri_parser_name(self, is_table ? "the table's name" : "the stream's name");
    if (is_table) {
        parse_table_keys(self, stream);
        if (weiri_parser_take_word(self, WEIRI_WORD_SINCE)) {
            stream->since = weiri_parser_name(self, "a field of type time");
        }
    }
    weiri_parse_fields(self, stream);
    if (is_table && weiri_parser_take_word(self, WEIRI_WORD_FROM)) {
        stream->io.endpoint = parse_endpoint(self, "where from, as in file(\"x.csv\")");
    }
    while (is_table
           && (parse_table_word(self, stream) || parse_io_word(self, &stream->io))) {
    }
    stream->is_broken = stream->is_broken || self->is_lost;
    return stream;
}
