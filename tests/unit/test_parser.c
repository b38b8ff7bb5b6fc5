#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parser.h"

struct fixture {
    weiri_arena       *arena;
    weiri_diagnostics *diagnostics;
    weiri_ast_file     file;
    char               text[4096]; /* an expression or pattern, printed */
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
parse_bytes(struct fixture *self, const char *text, size_t size)
{
    uint32_t file = weiri_diagnostics_add_file(self->diagnostics, "t.weir", text, size);
    self->file    = weiri_parse(self->arena, self->diagnostics, file);
}

static void
parse(struct fixture *self, const char *text)
{
    parse_bytes(self, text, strlen(text));
}

static void
put(struct fixture *self, const char *text)
{
    strncat(self->text, text, sizeof self->text - strlen(self->text) - 1);
}

/* ---- trees as text, every operation in parentheses ---- */

static void
put_expr(struct fixture *self, const weiri_ast_expr *expr)
{
    char number[32];
    switch (expr->kind) {
    case WEIRI_AST_NAME: put(self, expr->name.text); return;
    case WEIRI_AST_INT:
        snprintf(number, sizeof number, "%lld", (long long)expr->value.i);
        put(self, number);
        return;
    case WEIRI_AST_DURATION:
        snprintf(number, sizeof number, "%lldns", (long long)expr->value.i);
        put(self, number);
        return;
    case WEIRI_AST_STRING:
        put(self, "\"");
        put(self, expr->value.s.text);
        put(self, "\"");
        return;
    case WEIRI_AST_NULL: put(self, "null"); return;
    case WEIRI_AST_BOOL: put(self, expr->value.b ? "true" : "false"); return;
    case WEIRI_AST_BROKEN: put(self, "BROKEN"); return;
    default: break;
    }
    put(self, "(");
    put(self, expr->is_negated ? "!" : "");
    put(self, expr->kind == WEIRI_AST_MEMBER  ? "."
              : expr->kind == WEIRI_AST_INDEX ? "[]"
              : expr->kind == WEIRI_AST_CASE  ? "case"
              : expr->kind == WEIRI_AST_LIST  ? "list"
                                              : expr->name.text);
    for (uint32_t i = 0; i < expr->n_items; i++) {
        put(self, " ");
        put_expr(self, expr->items[i]);
    }
    if (expr->kind == WEIRI_AST_MEMBER) {
        put(self, " ");
        put(self, expr->name.text);
    }
    put(self, ")");
}

static void
put_quantifier(struct fixture *self, const weiri_ast_quantifier *quantifier)
{
    if (quantifier->at.size == 0) {
        return;
    }
    put(self, quantifier->sign == WEIRI_TOKEN_PLUS       ? "+"
              : quantifier->sign == WEIRI_TOKEN_STAR     ? "*"
              : quantifier->sign == WEIRI_TOKEN_QUESTION ? "?"
                                                         : "{");
    if (quantifier->min != NULL) {
        put_expr(self, quantifier->min);
    }
    if (quantifier->max != NULL) {
        put(self, "..");
        put_expr(self, quantifier->max);
    }
    put(self, quantifier->inner == WEIRI_WORD_NEXT  ? " next"
              : quantifier->inner == WEIRI_WORD_ANY ? " any"
                                                    : "");
    put(self, quantifier->preference == WEIRI_WORD_GREEDY ? " greedy"
              : quantifier->preference == WEIRI_WORD_LAZY ? " lazy"
                                                          : "");
    if (quantifier->until != NULL) {
        put(self, " until ");
        put_expr(self, quantifier->until);
    }
}

static void
put_pattern(struct fixture *self, const weiri_ast_pattern *pattern)
{
    static const char *const KINDS[] = { "", "seq", "or", "and", "group" };
    put(self, pattern->arrow == WEIRI_TOKEN_FOLLOWED       ? "-> "
              : pattern->arrow == WEIRI_TOKEN_NEXT         ? "=> "
              : pattern->arrow == WEIRI_TOKEN_FOLLOWED_ANY ? "->> "
                                                           : "");
    put(self, pattern->not_at.size > 0 ? "not " : "");
    if (pattern->kind == WEIRI_AST_STEP) {
        put(self, pattern->name.text != NULL ? pattern->name.text : "_");
        put(self, ":");
        put(self, pattern->stream.text);
    } else {
        put(self, "(");
        put(self, KINDS[pattern->kind]);
        for (uint32_t i = 0; i < pattern->n_items; i++) {
            put(self, " ");
            put_pattern(self, pattern->items[i]);
        }
        put(self, ")");
    }
    put_quantifier(self, &pattern->quantifier);
    if (pattern->gap != NULL) {
        put(self, " gap ");
        put_expr(self, pattern->gap);
    }
}

static void
assert_expr(struct fixture *self, const char *text, const char *tree)
{
    char rule[512];
    snprintf(rule, sizeof rule, "rule r { from s where %s\n emit o }", text);
    parse(self, rule);
    self->text[0] = '\0';
    put_expr(self, self->file.statements[0].as.rule->where);
    assert_string_equal(self->text, tree);
}

static void
assert_pattern(struct fixture *self, const char *text, const char *tree)
{
    char rule[512];
    snprintf(rule, sizeof rule, "rule r { match %s\n by k within 1m emit o }", text);
    parse(self, rule);
    assert_int_equal(weiri_diagnostics_count(self->diagnostics, true), 0);
    assert_int_equal(self->file.statements[0].as.rule->n_keys, 1);
    self->text[0] = '\0';
    put_pattern(self, self->file.statements[0].as.rule->pattern);
    assert_string_equal(self->text, tree);
}

/* ---- tests ---- */

static void
operators_bind_as_arithmetic_and_logic_do(void **state)
{
    struct fixture *self = *state;
    assert_expr(self, "a + b * c - d", "(- (+ a (* b c)) d)");
    assert_expr(self, "a or b and not c == d", "(or a (and b (not (== c d))))");
    assert_expr(self, "-a * b", "(* (- a) b)");
    assert_expr(self, "- 5", "-5");
    assert_expr(self, "-9223372036854775808", "-9223372036854775808");
    assert_expr(self, "a ?\? b + 1 > 0", "(> (?\? a (+ b 1)) 0)");
    assert_expr(self, "a and b and c or d", "(or (and a b c) d)");
    assert_expr(self, "(a + b) * c", "(* (+ a b) c)");
    assert_expr(self, "a - b - c", "(- (- a b) c)");
    assert_int_equal(weiri_diagnostics_count(self->diagnostics, true), 0);
}

static void
word_operators_and_case_are_read(void **state)
{
    struct fixture *self = *state;
    assert_expr(
        self, "a not in (1, 2) and b like \"x%\"", "(and (!in a 1 2) (like b \"x%\"))");
    assert_expr(self, "a between 1 and 2 and b", "(and (between a 1 2) b)");
    assert_expr(self, "a is not null or b is null", "(or (!is a) (is b))");
    assert_expr(self, "case when a then 1 when b then 2 else 3 end", "(case a 1 b 2 3)");
    assert_expr(
        self, "a[-1].x > f(b.y, count(*))", "(> (. ([] a -1) x) (f (. b y) (count)))");
    assert_int_equal(weiri_diagnostics_count(self->diagnostics, true), 0);
}

static void
words_of_the_language_may_be_names(void **state)
{
    struct fixture *self = *state;
    assert_expr(self, "limit > 3 and key == unit", "(and (> limit 3) (== key unit))");
    parse(self, "stream s { limit int, key string, unit float\nwhere time }");
    assert_int_equal(weiri_diagnostics_count(self->diagnostics, true), 0);
    assert_int_equal(self->file.statements[0].as.stream->n_fields, 4);
}

static void
every_pattern_operator_is_read(void **state)
{
    struct fixture *self = *state;
    assert_pattern(self, "a", "(seq _:a)");
    assert_pattern(self, "x: a -> b => c ->> d", "(seq x:a -> _:b => _:c ->> _:d)");
    assert_pattern(self, "a -> not b -> c", "(seq _:a -> not _:b -> _:c)");
    assert_pattern(self, "a or b and c -> d", "(seq (or _:a (and _:b _:c)) -> _:d)");
    assert_pattern(self, "(a -> b)? -> c", "(seq (group (seq _:a -> _:b))? -> _:c)");
    assert_pattern(self, "a{3} -> b{3,} -> c{3,5} -> d{,5} -> e* -> f+",
        "(seq _:a{3..3 -> _:b{3 -> _:c{3..5 -> _:d{..5 -> _:e* -> _:f+)");
    assert_pattern(
        self, "a{n,m} next greedy until (x)", "(seq _:a{n..m next greedy until x)");
    assert_pattern(self, "a+ any lazy -> b", "(seq _:a+ any lazy -> _:b)");
    assert_pattern(
        self, "a -> b within 5s of previous", "(seq _:a -> _:b gap 5000000000ns)");
    assert_pattern(self, "late.a -> dead.b", "(seq _:late.a -> _:dead.b)");
}

static void
clauses_come_in_any_order(void **state)
{
    struct fixture *self = *state;
    parse(self,
        "rule r \"title\" { match a: s on timeout emit t { n: 1 } skip to last a\n"
        "emit o { x, y: a.b, } within 5m by u, v.w = z.q }");
    const weiri_ast_rule *rule = self->file.statements[0].as.rule;
    assert_int_equal(weiri_diagnostics_count(self->diagnostics, true), 0);
    assert_string_equal(rule->title, "title");
    assert_string_equal(rule->on_timeout.stream.text, "t");
    assert_int_equal(rule->skip.mode, WEIRI_WORD_LAST);
    assert_string_equal(rule->skip.step.text, "a");
    assert_int_equal(rule->emit.fields.n_items, 2);
    assert_null(rule->emit.fields.items[0].value);
    assert_int_equal(rule->within->value.i, INT64_C(300000000000));
    assert_int_equal(rule->n_keys, 2);
    assert_int_equal(rule->keys[1].n_sides, 2);
}

static void
queries_are_read_whole(void **state)
{
    struct fixture *self = *state;
    parse(self,
        "rule r { from o: s asof join p: t on o.k == p.k within 5s where n > 1\n"
        "window hopping 1m every 10s every 1s early before fill reset\n"
        "having count() > 3 order by n desc, m limit 3 each k, l\n limit 1 per 10m\n"
        "emit into tab { n } when changes }");
    const weiri_ast_rule *rule = self->file.statements[0].as.rule;
    assert_int_equal(weiri_diagnostics_count(self->diagnostics, true), 0);
    assert_int_equal(rule->from.n_joins, 1);
    assert_int_equal(rule->from.joins[0].kind, WEIRI_WORD_ASOF);
    assert_int_equal(rule->window.kind, WEIRI_WORD_HOPPING);
    assert_non_null(rule->window.every);
    assert_non_null(rule->window.early);
    assert_true(
        rule->window.is_before && rule->window.is_filled && rule->window.is_reset);
    assert_int_equal(rule->n_order, 4);
    assert_int_equal(rule->n_each, 2);
    assert_int_equal(rule->order_limit->value.i, 3);
    assert_non_null(rule->limit_per);
    assert_true(rule->emit.is_into);
    assert_true(rule->emit.when_changes.size > 0);
}

static void
a_fill_is_a_clause_and_a_word_of_windows(void **state)
{
    struct fixture *self = *state;
    parse(self, "rule r { from r: s by k window tumbling 1h fill\n"
                "fill r.x, y linear within 10m emit o { k } }\n"
                "rule q { from s window hopping 1h every 1m\n fill x linear within 1m\n"
                "having count() > 3 emit o { n: count() } }");
    const weiri_ast_rule *rule  = self->file.statements[0].as.rule;
    const weiri_ast_rule *other = self->file.statements[1].as.rule;
    assert_int_equal(weiri_diagnostics_count(self->diagnostics, true), 0);
    assert_true(rule->window.is_filled);
    assert_int_equal(rule->fill.n_fields, 2);
    assert_int_equal(rule->fill.fields[0]->kind, WEIRI_AST_MEMBER);
    assert_int_equal(rule->fill.within->value.i, INT64_C(600000000000));
    assert_false(other->window.is_filled);
    assert_int_equal(other->fill.n_fields, 1);
}

static void
tests_are_kept_in_the_tree(void **state)
{
    struct fixture *self = *state;
    parse(self,
        "test \"t\" {\n a { at: 0s, ip: \"x\" } repeat 5 every 1s\n a { at: 9s }\n"
        " expect o { n: 5 }\n expect no p\n expect 3 q\n}");
    const weiri_ast_test *test = self->file.statements[0].as.test;
    assert_int_equal(weiri_diagnostics_count(self->diagnostics, true), 0);
    assert_int_equal(test->n_lines, 5);
    assert_int_equal(test->lines[0].repeat->value.i, 5);
    assert_int_equal(test->lines[0].fields.n_items, 2);
    assert_true(test->lines[2].is_expect && !test->lines[2].is_absent);
    assert_true(test->lines[3].is_absent && !test->lines[3].has_fields);
    assert_int_equal(test->lines[4].count->value.i, 3);
}

static void
plugins_and_tables_are_read(void **state)
{
    struct fixture *self = *state;
    parse(self, "table card key id { id string, limit float } from file(\"c.csv\") "
                "refresh every 1h\n"
                "model churn from \"c.onnx\" (age: float, n: int) -> float\n"
                "actor geo from \"g.so\" (db: \"x\") on error restart\n");
    assert_int_equal(weiri_diagnostics_count(self->diagnostics, true), 0);
    assert_int_equal(self->file.n_statements, 3);
    assert_int_equal(self->file.statements[0].as.stream->n_keys, 1);
    assert_non_null(self->file.statements[0].as.stream->io.refresh);
    assert_int_equal(self->file.statements[1].as.plugin->n_inputs, 2);
    assert_int_equal(self->file.statements[1].as.plugin->output.type, WEIR_FLOAT);
    assert_string_equal(self->file.statements[2].as.plugin->on_error.text, "restart");
}

static void
places_cover_what_was_written(void **state)
{
    struct fixture *self = *state;
    const char     *text = "rule r { from s where  a + f(b)  and c\n emit o }";
    parse(self, text);
    const weiri_ast_expr *where = self->file.statements[0].as.rule->where;
    assert_int_equal(where->items[0]->at.size, strlen("a + f(b)"));
    assert_memory_equal(text + where->items[0]->at.offset, "a + f(b)", 8);
    assert_int_equal(self->file.statements[0].at.size, strlen(text));
}

/* The parser's stack and the depth of its trees are bounded, whatever repeats. */
static void
megabytes_of_nesting_are_one_error(void **state)
{
    static const char *const UNITS[] = { "(", "not ", "-", "a.", "a[", "case when ", "f(",
        "1+", "a and (", "{", "x == (", "a ?\?" };
    enum { BYTES = 1 << 20 };
    struct fixture *self = *state;
    char           *text = malloc(BYTES + 64);
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        size_t n    = strlen("rule r { from s where ");
        size_t unit = strlen(UNITS[i]);
        memcpy(text, "rule r { from s where ", n);
        for (; n + unit < BYTES; n += unit) {
            memcpy(text + n, UNITS[i], unit);
        }
        size_t before = weiri_diagnostics_count(self->diagnostics, true);
        parse_bytes(self, text, n);
        assert_in_range(weiri_diagnostics_count(self->diagnostics, true) - before, 1, 3);
    }
    free(text);
}

static void
groups_nest_to_a_bound(void **state)
{
    struct fixture *self       = *state;
    char            text[2048] = "rule r { match ";
    size_t          n          = strlen(text);
    memset(text + n, '(', 1000);
    memcpy(text + n + 1000, "a", 2);
    parse(self, text);
    weiri_diagnostic report;
    assert_true(weiri_diagnostics_get(self->diagnostics, 1, &report));
    assert_string_equal(report.code, "E0205");
}

static void
mistake_in_one_statement_leaves_the_others_whole(void **state)
{
    struct fixture *self = *state;
    parse(self, "stream a { at time, n }\nrule r { match a( emit }\n"
                "sink x to\nstream b { at time }\nrule s { from b emit c }\n");
    assert_int_equal(weiri_diagnostics_count(self->diagnostics, true), 3);
    assert_int_equal(self->file.n_statements, 5);
    assert_true(self->file.statements[0].as.stream->is_broken);
    assert_true(self->file.statements[1].as.rule->is_broken);
    assert_false(self->file.statements[3].as.stream->is_broken);
    assert_false(self->file.statements[4].as.rule->is_broken);
}

int
main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(operators_bind_as_arithmetic_and_logic_do),
        T(word_operators_and_case_are_read),
        T(words_of_the_language_may_be_names),
        T(every_pattern_operator_is_read),
        T(clauses_come_in_any_order),
        T(queries_are_read_whole),
        T(a_fill_is_a_clause_and_a_word_of_windows),
        T(tests_are_kept_in_the_tree),
        T(plugins_and_tables_are_read),
        T(places_cover_what_was_written),
        T(megabytes_of_nesting_are_one_error),
        T(groups_nest_to_a_bound),
        T(mistake_in_one_statement_leaves_the_others_whole),
    };
#undef T
    return cmocka_run_group_tests_name("parser", tests, NULL, NULL);
}
