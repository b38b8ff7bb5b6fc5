/* Tests: events in, time that passes, events expected. */
#include "parser.h"

static void
parse_expect(weiri_parser *self, weiri_ast_test_line *line)
{
    line->is_expect = true;
    if (weiri_parser_word(self) == WEIRI_WORD_NO
        && weiri_parser_peek(self, 1)->kind == WEIRI_TOKEN_NAME) {
        line->is_absent = true;
        self->at++;
    } else if (weiri_parser_kind(self) == WEIRI_TOKEN_INT) {
        line->count = weiri_parse_amount(self, "a number");
    }
}

static weiri_ast_test_line
parse_line(weiri_parser *self, bool *is_broken)
{
    uint32_t            first = self->at;
    weiri_ast_test_line line  = { .is_expect = false };
    if (weiri_parser_word(self) == WEIRI_WORD_WAIT
        && weiri_parser_peek(self, 1)->kind != WEIRI_TOKEN_LEFT_BRACE) {
        self->at++;
        line.wait = weiri_parse_amount(self, "a duration");
        line.at   = weiri_parser_span_from(self, first);
        return line;
    }
    if (weiri_parser_word(self) == WEIRI_WORD_EXPECT
        && weiri_parser_peek(self, 1)->kind != WEIRI_TOKEN_LEFT_BRACE) {
        self->at++;
        parse_expect(self, &line);
    }
    line.stream = weiri_parser_stream(self);
    if (!line.is_expect && weiri_parser_word(self) == WEIRI_WORD_FROM) {
        line.from = weiri_parse_feed(self, line.stream);
        line.at   = weiri_parser_span_from(self, first);
        return line;
    }
    if (weiri_parser_kind(self) == WEIRI_TOKEN_LEFT_BRACE || !line.is_expect) {
        line.has_fields = true;
        line.fields     = weiri_parse_record(self, is_broken);
    }
    if (!line.is_expect && weiri_parser_take_word(self, WEIRI_WORD_REPEAT)) {
        line.repeat = weiri_parse_amount(self, "a number");
        if (weiri_parser_take_word(self, WEIRI_WORD_EVERY)) {
            line.every = weiri_parse_amount(self, "a duration");
        }
    }
    line.at = weiri_parser_span_from(self, first);
    return line;
}

weiri_ast_test *
weiri_parse_test(weiri_parser *self)
{
    weiri_ast_test *test = weiri_arena_alloc(self->arena, sizeof *test);
    test->title          = weiri_parser_string(self, "the test's title: a text", NULL);
    weiri_span         open_at = weiri_parser_span(self);
    const weiri_token *open    = weiri_parser_peek(self, 0);
    weiri_parser_expect(self, WEIRI_TOKEN_LEFT_BRACE, NULL);
    while (!self->is_lost && !weiri_parser_take(self, WEIRI_TOKEN_RIGHT_BRACE)) {
        if (weiri_parser_kind(self) == WEIRI_TOKEN_END) {
            weiri_report(self->diagnostics, WEIRI_E_BRACE_NOT_CLOSED, open_at,
                "the block of this test is not closed");
            break;
        }
        uint32_t            first = self->at;
        weiri_ast_test_line line  = parse_line(self, &test->is_broken);
        WEIRI_ARENA_PUSH(self->arena, test->lines, test->n_lines, line);
        if (self->is_lost) {
            test->is_broken = true;
            self->at += self->at == first;
            weiri_parser_recover(self, WEIRI_SYNC_LINE, open);
            self->at += weiri_parser_kind(self) == WEIRI_TOKEN_COMMA;
        }
    }
    test->is_broken = test->is_broken || self->is_lost;
    return test;
}
