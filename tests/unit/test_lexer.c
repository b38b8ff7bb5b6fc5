#include "weir_test.h"

#include <stdlib.h>
#include <string.h>

#include "lexer.h"

struct fixture {
    weiri_arena       *arena;
    weiri_diagnostics *diagnostics;
    const char        *text;
    weiri_tokens       tokens;
};

static int
setup(void **state)
{
    struct fixture *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->arena = weiri_arena_new();
    assert_ok(weiri_diagnostics_new(&self->diagnostics));
    *state = self;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *self = *state;
    weiri_arena_destroy(&self->arena);
    weiri_diagnostics_destroy(&self->diagnostics);
    free(self);
    return 0;
}

static void
lex_bytes(struct fixture *self, const char *text, size_t size)
{
    self->text    = text;
    uint32_t file = weiri_diagnostics_add_file(self->diagnostics, "t.weir", text, size);
    self->tokens  = weiri_lex(self->arena, self->diagnostics, file);
}

static void
lex(struct fixture *self, const char *text)
{
    lex_bytes(self, text, strlen(text));
}

static void
assert_token(
    const struct fixture *self, uint32_t i, weiri_token_kind kind, const char *text)
{
    assert_true(i < self->tokens.n_items);
    assert_int_equal(self->tokens.items[i].kind, kind);
    assert_int_equal(self->tokens.items[i].size, strlen(text));
    assert_memory_equal(self->text + self->tokens.items[i].offset, text, strlen(text));
}

static const char *
code_of(const struct fixture *self, size_t i)
{
    weiri_diagnostic report;
    return weiri_diagnostics_get(self->diagnostics, i, &report) ? report.code : "none";
}

static void
longest_sign_is_taken(void **state)
{
    struct fixture *self = *state;
    lex(self, "a->>b->c=>d>=e==f=g\?\?h?<=-");
    const weiri_token_kind kinds[] = { WEIRI_TOKEN_NAME, WEIRI_TOKEN_FOLLOWED_ANY,
        WEIRI_TOKEN_NAME, WEIRI_TOKEN_FOLLOWED, WEIRI_TOKEN_NAME, WEIRI_TOKEN_NEXT,
        WEIRI_TOKEN_NAME, WEIRI_TOKEN_GREATER_EQUAL, WEIRI_TOKEN_NAME, WEIRI_TOKEN_EQUAL,
        WEIRI_TOKEN_NAME, WEIRI_TOKEN_ASSIGN, WEIRI_TOKEN_NAME, WEIRI_TOKEN_COALESCE,
        WEIRI_TOKEN_NAME, WEIRI_TOKEN_QUESTION, WEIRI_TOKEN_LESS_EQUAL, WEIRI_TOKEN_MINUS,
        WEIRI_TOKEN_END };
    assert_int_equal(self->tokens.n_items, sizeof kinds / sizeof kinds[0]);
    for (uint32_t i = 0; i < self->tokens.n_items; i++) {
        assert_int_equal(self->tokens.items[i].kind, kinds[i]);
    }
}

static void
numbers_durations_and_members_are_told_apart(void **state)
{
    struct fixture *self = *state;
    lex(self, "12 1.5 1e5 1.5e-3 250ms 1h30m 1.5s a[0].x 3.x");
    assert_token(self, 0, WEIRI_TOKEN_INT, "12");
    assert_token(self, 1, WEIRI_TOKEN_FLOAT, "1.5");
    assert_token(self, 2, WEIRI_TOKEN_FLOAT, "1e5");
    assert_token(self, 3, WEIRI_TOKEN_FLOAT, "1.5e-3");
    assert_token(self, 4, WEIRI_TOKEN_DURATION, "250ms");
    assert_token(self, 5, WEIRI_TOKEN_DURATION, "1h30m");
    assert_token(self, 6, WEIRI_TOKEN_DURATION, "1.5s");
    assert_token(self, 9, WEIRI_TOKEN_INT, "0");
    assert_token(self, 11, WEIRI_TOKEN_DOT, ".");
    assert_token(self, 13, WEIRI_TOKEN_INT, "3");
    assert_token(self, 14, WEIRI_TOKEN_DOT, ".");
}

static void
words_are_known_and_still_names(void **state)
{
    struct fixture *self = *state;
    lex(self, "limit key streams stream");
    assert_int_equal(self->tokens.items[0].word, WEIRI_WORD_LIMIT);
    assert_int_equal(self->tokens.items[1].word, WEIRI_WORD_KEY);
    assert_int_equal(self->tokens.items[2].word, WEIRI_WORD_OTHER);
    assert_int_equal(self->tokens.items[3].word, WEIRI_WORD_STREAM);
    assert_int_equal(self->tokens.items[0].kind, WEIRI_TOKEN_NAME);
}

static void
escapes_of_a_text_are_resolved(void **state)
{
    struct fixture *self = *state;
    lex(self, "\"a\\n\\t\\\"\\\\ \\u00e9\\u20ac ü # no comment\"");
    assert_int_equal(self->tokens.items[0].kind, WEIRI_TOKEN_STRING);
    uint32_t    size = 0;
    const char *value =
        weiri_string_value(self->arena, self->text, self->tokens.items[0].size, &size);
    assert_int_equal(size, strlen("a\n\t\"\\ é€ ü # no comment"));
    assert_memory_equal(value, "a\n\t\"\\ é€ ü # no comment", size);
    assert_int_equal(self->tokens.n_comments, 0);
}

static void
comments_are_kept_with_the_token_that_follows(void **state)
{
    struct fixture *self = *state;
    lex(self, "# one\na # two\n\nb");
    assert_int_equal(self->tokens.n_comments, 2);
    assert_int_equal(self->tokens.comments[0].token, 0);
    assert_true(self->tokens.comments[0].starts_line);
    assert_int_equal(self->tokens.comments[1].token, 1);
    assert_int_equal(self->tokens.comments[1].size, strlen("# two"));
    assert_false(self->tokens.comments[1].starts_line);
    assert_true(self->tokens.items[1].starts_line);
}

static void
forgotten_parenthesis_ends_with_its_braces(void **state)
{
    struct fixture *self = *state;
    lex(self, "{ ( [ a } b");
    assert_int_equal(self->tokens.items[3].nesting, 3);
    assert_int_equal(self->tokens.items[3].braces, 1);
    assert_int_equal(self->tokens.items[4].nesting, 0);
    assert_int_equal(self->tokens.items[5].nesting, 0);
    assert_int_equal(self->tokens.items[5].braces, 0);
}

static void
every_kind_of_broken_utf8_is_an_error_at_its_place(void **state)
{
    static const char *const BROKEN[] = { "a \x80 b", "a \xC3", "a \xC0\xAF b",
        "a \xED\xA0\x80 b", "a \xF5\x80\x80\x80 b", "a \xE2\x82 b", "# \xFF" };
    struct fixture          *self     = *state;
    for (size_t i = 0; i < sizeof BROKEN / sizeof BROKEN[0]; i++) {
        lex(self, BROKEN[i]);
        weiri_diagnostic report;
        assert_true(weiri_diagnostics_get(self->diagnostics, i, &report));
        assert_string_equal(report.code, "E0101");
        assert_int_equal(report.offset, 2);
    }
}

static void
zero_byte_is_a_character_that_means_nothing(void **state)
{
    struct fixture *self = *state;
    lex_bytes(self, "a\0b", 3);
    assert_int_equal(self->tokens.n_items, 4);
    assert_int_equal(self->tokens.items[1].kind, WEIRI_TOKEN_BAD);
    assert_string_equal(code_of(self, 0), "E0102");
}

static void
byte_order_mark_is_passed_over(void **state)
{
    struct fixture *self = *state;
    lex(self, "\xEF\xBB\xBFstream");
    assert_token(self, 0, WEIRI_TOKEN_NAME, "stream");
    assert_int_equal(weiri_diagnostics_count(self->diagnostics, true), 0);
}

static void
nearest_name_is_a_slip_away_or_none(void **state)
{
    (void)state;
    const char *const names[] = { "temperature", "time", "ip", "user" };
    assert_string_equal(weiri_nearest_name("temprature", names, 4), "temperature");
    assert_string_equal(weiri_nearest_name("tiem", names, 4), "time");
    assert_string_equal(weiri_nearest_name("uesr", names, 4), "user");
    assert_null(weiri_nearest_name("xy", names, 4));
    assert_null(weiri_nearest_name("pressure", names, 4));
    assert_null(weiri_nearest_name("ip", names + 2, 1)); /* the same is no slip */
}

static void
underline_counts_columns_of_the_terminal(void **state)
{
    struct fixture *self = *state;
    const char     *text = "x\n\t日é = oops # \x1b[31m\n";
    uint32_t        file =
        weiri_diagnostics_add_file(self->diagnostics, "u.weir", text, strlen(text));
    const char *oops = strstr(text, "oops");
    weiri_span  at   = { file, (uint32_t)(oops - text), 4 };
    weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_NAME, at, "no %s", "oops");
    weiri_report_hint(self->diagnostics, "mend it");
    char  printed[512] = "";
    FILE *out          = tmpfile();
    assert_non_null(out);
    weiri_diagnostics_print(self->diagnostics, out, false);
    rewind(out);
    size_t n   = fread(printed, 1, sizeof printed - 1, out);
    printed[n] = '\0';
    fclose(out);
    assert_string_equal(printed, "u.weir:2:10: error[E0304]: no oops\n"
                                 "    2 | \t日é = oops # ?[31m\n"
                                 "      | \t      ^~~~\n"
                                 "      = mend it\n");
}

static void
reports_beyond_the_bound_are_counted(void **state)
{
    struct fixture *self = *state;
    enum { MANY = 2000 };
    char *text = malloc(2 * MANY);
    for (size_t i = 0; i < MANY; i++) {
        memcpy(text + 2 * i, "$ ", 2);
    }
    lex_bytes(self, text, 2 * MANY);
    assert_int_equal(weiri_diagnostics_count(self->diagnostics, true), MANY);
    assert_string_equal(code_of(self, WEIRI_DIAGNOSTICS - 1), "E0102");
    assert_string_equal(code_of(self, WEIRI_DIAGNOSTICS), "none");
    free(text);
}

int
main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(longest_sign_is_taken),
        T(numbers_durations_and_members_are_told_apart),
        T(words_are_known_and_still_names),
        T(escapes_of_a_text_are_resolved),
        T(comments_are_kept_with_the_token_that_follows),
        T(forgotten_parenthesis_ends_with_its_braces),
        T(every_kind_of_broken_utf8_is_an_error_at_its_place),
        T(zero_byte_is_a_character_that_means_nothing),
        T(byte_order_mark_is_passed_over),
        T(nearest_name_is_a_slip_away_or_none),
        T(underline_counts_columns_of_the_terminal),
        T(reports_beyond_the_bound_are_counted),
    };
#undef T
    return cmocka_run_group_tests_name("lexer", tests, NULL, NULL);
}
