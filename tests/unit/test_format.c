#define _XOPEN_SOURCE 700 /* nftw, open_memstream */
#include "weir_test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match/fingerprint.h"
#include "parser.h"
#include "tree_text.h"
#include "weiri/format.h"

/* ---- what is compared ---- */

/* NULL if the text is wrong. To be freed. */
static char *
formatted(const char *text)
{
    weiri_diagnostics *diagnostics = NULL;
    weir_error         err         = { .status = WEIR_OK };
    char              *out         = NULL;
    size_t             size        = 0;
    assert_ok(weiri_diagnostics_new(&diagnostics));
    weir_status status =
        weiri_format_text("t.weir", text, strlen(text), diagnostics, &out, &size, &err);
    assert_int_equal(status, out != NULL ? WEIR_OK : WEIR_ESYNTAX);
    assert_int_equal(weiri_diagnostics_count(diagnostics, true) > 0, out == NULL);
    weiri_diagnostics_destroy(&diagnostics);
    return out;
}

static void
assert_formats(const char *text, const char *expected)
{
    char *out = formatted(text);
    assert_non_null(out);
    assert_string_equal(out, expected);
    char *again = formatted(out);
    assert_string_equal(again, expected);
    free(out);
    free(again);
}

/* The tree as text, and what a matcher is made of for each rule. */
static char *
meaning_of(const char *text)
{
    weiri_diagnostics    *diagnostics = NULL;
    weiri_plan           *plan        = NULL;
    weir_error            err         = { .status = WEIR_OK };
    weiri_arena          *arena       = weiri_arena_new();
    weiri_compile_options options     = { .with_tests = true, .no_includes = true };
    char                 *out         = NULL;
    size_t                size        = 0;
    FILE                 *file        = open_memstream(&out, &size);
    assert_ok(weiri_diagnostics_new(&diagnostics));
    uint32_t index =
        weiri_diagnostics_add_file(diagnostics, "t.weir", text, strlen(text));
    weiri_ast_file tree = weiri_parse(arena, diagnostics, index);
    tree_print(file, &tree);
    weir_status status = weiri_compile_text(
        "t.weir", text, strlen(text), &options, diagnostics, &plan, &err);
    fprintf(file, "%d\n", (int)status);
    for (uint32_t i = 0; plan != NULL && i < plan->n_rules; i++) {
        const weiri_match *match = plan->rules[i].match;
        fprintf(file, "%s %llx\n", plan->rules[i].name,
            match == NULL ? 0ULL : (unsigned long long)weiri_match_fingerprint(match));
    }
    fclose(file);
    weiri_plan_destroy(&plan);
    weiri_diagnostics_destroy(&diagnostics);
    weiri_arena_destroy(&arena);
    return out;
}

/* ---- layout ---- */

static void
a_stream_has_a_field_a_line_with_types_below_each_other(void **state)
{
    (void)state;
    assert_formats("stream  s {\n at time,\n  address:string? ,n int\n}",
        "stream s {\n  at      time\n  address string?\n  n       int\n}\n");
}

static void
a_stream_on_one_line_stays_there(void **state)
{
    (void)state;
    assert_formats("stream s{at time,ip string,}\nstream other { at time }",
        "stream s     { at time, ip string }\nstream other { at time }\n");
}

static void
the_words_of_clauses_stand_below_each_other(void **state)
{
    (void)state;
    assert_formats("rule r \"t\" { match a: s(x>-1 and -y<2){ 2 , }->b:t by x within 1h "
                   "emit o{x,n:count(a),} }",
        "rule r \"t\" {\n"
        "  match  a: s(x > -1 and -y < 2){2,} -> b: t\n"
        "  by     x\n"
        "  within 1h\n"
        "  emit   o { x, n: count(a) }\n"
        "}\n");
}

static void
where_follows_from_on_its_line(void **state)
{
    (void)state;
    assert_formats(
        "rule r {\n from s\n where x == 1\n by x\n emit o { n: count( * ) }\n}",
        "rule r {\n  from s where x == 1\n  by   x\n  emit o { n: count() }\n}\n");
}

static void
where_on_a_line_of_its_own_after_an_aggregate_stays_a_clause(void **state)
{
    (void)state;
    assert_formats("rule r {\n from s\n having count(x)\n where x\n emit o {}\n}",
        "rule r {\n  from   s\n  having count(x)\n  where  x\n  emit   o {}\n}\n");
}

static void
limit_on_a_line_of_its_own_after_an_order_stays_a_clause(void **state)
{
    (void)state;
    assert_formats(
        "rule r {\n from s\n order by x limit 3 each  y\n limit 2 per 1h\n emit o {}\n}",
        "rule r {\n  from     s\n  order by x limit 3 each y\n  limit    2 per 1h\n"
        "  emit     o {}\n}\n");
}

static void
a_break_before_the_first_arrow_is_kept(void **state)
{
    (void)state;
    assert_formats("rule r {\n match a: s\n -> b: s ->> not c: s\n emit o {}\n}",
        "rule r {\n  match a: s\n     -> b: s\n    ->> not c: s\n  emit  o {}\n}\n");
}

static void
a_break_after_a_brace_is_kept_and_values_stand_below_each_other(void **state)
{
    (void)state;
    assert_formats(
        "rule r {\n match a: s\n emit o {\n x, long: 1, y: 2 } when changes\n}",
        "rule r {\n  match a: s\n  emit  o {\n    x,\n    long: 1,\n    y:    2\n"
        "  } when changes\n}\n");
}

static void
a_long_condition_is_broken_before_its_outermost_operators(void **state)
{
    (void)state;
    assert_formats(
        "rule r { from s where (first_name == \"somebody\" or second_name == \"nobody\") "
        "and third_name != \"anybody\" and fourth > 4 emit o {} }",
        "rule r {\n"
        "  from  s\n"
        "  where (first_name == \"somebody\" or second_name == \"nobody\")\n"
        "        and third_name != \"anybody\"\n"
        "        and fourth > 4\n"
        "  emit  o {}\n"
        "}\n");
}

static void
a_long_list_fills_its_lines(void **state)
{
    (void)state;
    assert_formats("rule r { from s where country in (\"aaaaaaaaaaaaaaaa\", "
                   "\"bbbbbbbbbbbbbbbbbbbbb\", \"cccccccccccccccccccc\", "
                   "\"dddddddddddddddddd\", \"e\") emit o {} }",
        "rule r {\n"
        "  from  s\n"
        "  where country in (\"aaaaaaaaaaaaaaaa\", \"bbbbbbbbbbbbbbbbbbbbb\", "
        "\"cccccccccccccccccccc\",\n"
        "                    \"dddddddddddddddddd\", \"e\")\n"
        "  emit  o {}\n"
        "}\n");
}

static void
joins_stand_below_each_other_where_they_do_not_fit(void **state)
{
    (void)state;
    assert_formats(
        "rule r { from o: orders join p: payments on o.id == p.order within 10m left "
        "join shipments on o.id == shipments.order within 2d emit x { id: o.id } }",
        "rule r {\n"
        "  from o: orders\n"
        "       join p: payments on o.id == p.order within 10m\n"
        "       left join shipments on o.id == shipments.order within 2d\n"
        "  emit x { id: o.id }\n"
        "}\n");
}

static void
events_of_a_test_have_their_braces_below_each_other(void **state)
{
    (void)state;
    assert_formats(
        "test \"t\" {\n a {at:1s}\n long { at: 2s } repeat 2 every 1s\n\n\n b { "
        "x: -1 }\n wait 5m\n expect 2 o {}\n expect no o\n}",
        "test \"t\" {\n  a    { at: 1s }\n  long { at: 2s } repeat 2 every 1s\n\n"
        "  b { x: -1 }\n  wait 5m\n  expect 2 o {}\n  expect no o\n}\n");
}

static void
what_is_planned_and_not_built_is_formatted_as_well(void **state)
{
    (void)state;
    assert_formats(
        "table card key id,no {id string,no int} from file ( \"c.csv\" ) refresh "
        "every 1h\nactor geo from \"libgeo.so\" ( db : \"city.mmdb\" )\nmodel churn "
        "from \"c.onnx\" (age:float)->float",
        "table card key id, no { id string, no int } from file(\"c.csv\") refresh every "
        "1h\n"
        "actor geo from \"libgeo.so\" (db: \"city.mmdb\")\n"
        "model churn from \"c.onnx\" (age: float) -> float\n");
}

/* ---- blank lines and comments ---- */

static void
statements_of_several_lines_have_blank_lines_around_them(void **state)
{
    (void)state;
    assert_formats("param a int=1\nrule r {\n\n\n  from s\n\n\n  emit o {}\n\n}\n# b\n"
                   "param b int\n\n\n\nparam c int\n\n",
        "param a int = 1\n\nrule r {\n  from s\n\n  emit o {}\n}\n\n# b\n"
        "param b int\n\nparam c int\n");
}

static void
comments_stay_where_they_stood(void **state)
{
    (void)state;
    assert_formats(
        "# head\n\n# of s\nstream s { # why\n  at time # when   \n  # before ip\n"
        "  ip string # where\n  n int# how many\n# last\n}\n# end",
        "# head\n\n# of s\nstream s {  # why\n  at time   # when\n  # before ip\n"
        "  ip string  # where\n  n  int     # how many\n  # last\n}\n# end\n");
}

static void
comments_within_a_clause_break_it_where_they_stand(void **state)
{
    (void)state;
    assert_formats(
        "rule r {\n match a: s(x == 1 # one\n and y == 2)\n # follows\n -> b: s\n "
        "emit o { x # first\n , y: 1 }\n}",
        "rule r {\n"
        "  match a: s(x == 1  # one\n"
        "             and y == 2)\n"
        "        # follows\n"
        "     -> b: s\n"
        "  emit  o {\n"
        "    x,  # first\n"
        "    y: 1\n"
        "  }\n"
        "}\n");
}

static void
windows_line_ends_tabs_and_a_mark_of_byte_order_go(void **state)
{
    (void)state;
    assert_formats("\xEF\xBB\xBFparam\ta int = 1 # x\t\r\n\r\nparam b int\r\n",
        "param a int = 1  # x\n\nparam b int\n");
    assert_formats("", "");
    assert_formats("\n\n# only this", "# only this\n");
}

static void
a_text_with_mistakes_is_told_about(void **state)
{
    (void)state;
    assert_null(formatted("stream s {"));
    assert_null(formatted("rule r { from s emit o { x y } }"));
}

/* ---- all there is ---- */

static struct {
    size_t n_files;
    size_t n_formatted;
    size_t n_wrong;
} seen; /* nftw hands no context on */

static char *
read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char  *text = calloc(1, 1 << 20);
    size_t size = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    assert_true(size < (1 << 20) - 1);
    return text;
}

/* Every space doubled that is neither in a text nor in a comment. */
static char *
spread(const char *text)
{
    char  *out        = calloc(2, strlen(text) + 1);
    size_t n          = 0;
    char   quote      = '\0'; /* of the text that we are in */
    bool   is_comment = false;
    for (const char *at = text; *at != '\0'; at++) {
        bool is_escaped = quote == '"' && at > text && at[-1] == '\\';
        bool is_quote   = (*at == '"' || *at == '`') && !is_comment && !is_escaped;
        if (is_quote && (quote == '\0' || quote == *at)) {
            quote = (char)(quote == '\0' ? *at : '\0');
        }
        is_comment = *at != '\n' && (is_comment || (*at == '#' && quote == '\0'));
        out[n++]   = *at;
        if (*at == ' ' && quote == '\0' && !is_comment) {
            out[n++] = ' ';
        }
    }
    return out;
}

static void
check_text(const char *path, const char *text, bool is_house)
{
    char *once = formatted(text);
    seen.n_files++;
    if (once == NULL) {
        return;
    }
    char *twice   = formatted(once);
    char *wide    = spread(once);
    char *again   = formatted(wide);
    char *before  = meaning_of(text);
    char *after   = meaning_of(once);
    bool  is_fine = strcmp(once, twice) == 0 && again != NULL && strcmp(once, again) == 0
                   && strcmp(before, after) == 0;
    seen.n_formatted++;
    if (!is_fine || (is_house && strcmp(text, once) != 0)) {
        print_error("%s: %s\n%s", path, is_fine ? "not formatted" : "changed", once);
        seen.n_wrong++;
    }
    free(once);
    free(twice);
    free(wide);
    free(again);
    free(before);
    free(after);
}

/* The blocks of a page that are marked as rules. */
static void
check_page(const char *path, char *page)
{
    static const char FENCE[] = "\n```weir\n";
    for (char *at = strstr(page, FENCE); at != NULL;) {
        char *begin = at + strlen(FENCE);
        char *end   = strstr(begin, "\n```\n");
        assert_non_null(end);
        end[1] = '\0';
        check_text(path, begin, true);
        at = strstr(end + 2, FENCE);
    }
}

static int
visit(const char *path, const struct stat *info, int kind, struct FTW *level)
{
    (void)info;
    (void)level;
    const char *end      = strrchr(path, '.');
    bool        is_rules = end != NULL && strcmp(end, ".weir") == 0;
    bool        is_page  = end != NULL && strcmp(end, ".md") == 0;
    bool        is_dsl   = strstr(path, "/corpus/fuzz_dsl/") != NULL
                  || strstr(path, "/corpus/fuzz_format/") != NULL;
    bool is_case = strstr(path, "/unit/errors/") != NULL || is_dsl;
    if (kind != FTW_F || !(is_rules || is_page || is_dsl)) {
        return 0;
    }
    char *text = read_file(path);
    if (is_page) {
        check_page(path, text);
    } else {
        check_text(path, text, !is_case);
    }
    free(text);
    return 0;
}

/* The catalogue of mistakes and the corpora keep their layout: places are their point. */
static void
all_rules_of_the_repository_are_formatted_and_mean_what_they_meant(void **state)
{
    (void)state;
    static const char *const FOLDERS[] = { "examples", "tests", "docs", "dsl" };
    for (size_t i = 0; i < sizeof FOLDERS / sizeof FOLDERS[0]; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", WEIR_SOURCE, FOLDERS[i]);
        assert_int_equal(nftw(path, visit, 16, FTW_PHYS), 0);
    }
    char readme[1024];
    snprintf(readme, sizeof readme, "%s/README.md", WEIR_SOURCE);
    char *page = read_file(readme);
    check_page(readme, page);
    free(page);
    print_message("%zu texts, %zu of them formatted\n", seen.n_files, seen.n_formatted);
    assert_true(seen.n_formatted > 100);
    assert_int_equal(seen.n_wrong, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_has_a_field_a_line_with_types_below_each_other),
        cmocka_unit_test(a_stream_on_one_line_stays_there),
        cmocka_unit_test(the_words_of_clauses_stand_below_each_other),
        cmocka_unit_test(where_follows_from_on_its_line),
        cmocka_unit_test(where_on_a_line_of_its_own_after_an_aggregate_stays_a_clause),
        cmocka_unit_test(limit_on_a_line_of_its_own_after_an_order_stays_a_clause),
        cmocka_unit_test(a_break_before_the_first_arrow_is_kept),
        cmocka_unit_test(a_break_after_a_brace_is_kept_and_values_stand_below_each_other),
        cmocka_unit_test(a_long_condition_is_broken_before_its_outermost_operators),
        cmocka_unit_test(a_long_list_fills_its_lines),
        cmocka_unit_test(joins_stand_below_each_other_where_they_do_not_fit),
        cmocka_unit_test(events_of_a_test_have_their_braces_below_each_other),
        cmocka_unit_test(what_is_planned_and_not_built_is_formatted_as_well),
        cmocka_unit_test(statements_of_several_lines_have_blank_lines_around_them),
        cmocka_unit_test(comments_stay_where_they_stood),
        cmocka_unit_test(comments_within_a_clause_break_it_where_they_stand),
        cmocka_unit_test(windows_line_ends_tabs_and_a_mark_of_byte_order_go),
        cmocka_unit_test(a_text_with_mistakes_is_told_about),
        cmocka_unit_test(
            all_rules_of_the_repository_are_formatted_and_mean_what_they_meant),
    };
    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
