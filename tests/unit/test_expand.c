/* Functions of rule files, and the standard library. */
#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weiri/dsl.h"
#include "weiri/explain.h"
#include "weiri/exprtext.h"

#define STREAM                                                                           \
    "stream s { at time, k string, x float?, y int }\n"                                  \
    "source s from stdin() format json\n"

struct fixture {
    weiri_diagnostics *diagnostics;
    weiri_plan        *plan;
    weiri_arena       *arena;
};

static int
setup(void **state)
{
    struct fixture *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->arena = weiri_arena_new();
    *state      = self;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *self = *state;
    weiri_plan_destroy(&self->plan);
    weiri_diagnostics_destroy(&self->diagnostics);
    weiri_arena_destroy(&self->arena);
    free(self);
    return 0;
}

static weir_status
compile(struct fixture *self, const char *text)
{
    const weiri_compile_options options = { .no_includes = true, .with_tests = true };
    weir_error                  err     = { .status = WEIR_OK };
    weiri_plan_destroy(&self->plan);
    weiri_diagnostics_destroy(&self->diagnostics);
    assert_ok(weiri_diagnostics_new(&self->diagnostics));
    return weiri_compile_text(
        "t.weir", text, strlen(text), &options, self->diagnostics, &self->plan, &err);
}

/* What the first rule emits as its first value, as text; `head` is before the streams. */
static const char *
emitted(struct fixture *self, const char *head, const char *clauses)
{
    char text[4096];
    snprintf(text, sizeof text, "%s\n" STREAM "rule r {\n%s\n}\n", head, clauses);
    if (compile(self, text) != WEIR_OK) {
        weiri_diagnostics_print(self->diagnostics, stderr, false);
        fail_msg("does not compile: %s", text);
    }
    const weiri_rule *rule  = &self->plan->rules[0];
    weiri_expr_names  names = { .schema = &self->plan->streams[0].schema };
    const weiri_emit *emit  = rule->match != NULL ? rule->match->emit : rule->query->emit;
    if (rule->match != NULL) {
        names.registers = weiri_register_texts(self->arena, rule->match);
    } else if (rule->query->window != NULL) {
        names.registers = weiri_aggregate_texts(self->arena, rule->query);
    }
    return weiri_expr_text(self->arena, emit->values[0], &names);
}

static void
a_call_is_as_if_the_expression_stood_there(void **state)
{
    assert_string_equal(emitted(*state, "function f(a, b) = (a + b) * a",
                            "from s emit o { v: f(y, y + 1) - 2 }"),
        "(y + (y + 1)) * y - 2");
    assert_string_equal(
        emitted(*state, "function two() = 2", "from s emit o { v: y % two() }"), "y % 2");
}

static void
functions_call_each_other_whatever_their_order(void **state)
{
    assert_string_equal(
        emitted(*state, "function f(a) = g(a) + g(1)\nfunction g(a) = a * 3",
            "from s emit o { v: f(y) }"),
        "y * 3 + 3");
    assert_string_equal(
        emitted(*state, "function f(a) = a + 1", "from s emit o { v: f(f(y)) }"),
        "y + 1 + 1");
}

static void
a_parameter_is_not_the_field_of_its_name(void **state)
{
    assert_string_equal(emitted(*state, "function f(x, y) = g(y) - x\nfunction g(x) = x",
                            "from s emit o { v: f(500ms, at) }"),
        "at - 500ms");
}

static void
an_aggregate_is_of_the_rule_that_calls(void **state)
{
    static const char HEAD[] =
        "function part(v, c) = sum(v) where c\nfunction spread(v) = max(v) - min(v)";
    assert_string_equal(
        emitted(
            *state, HEAD, "from s by k window tumbling 1m emit o { v: part(y, x > 1) }"),
        "sum(y) where x > 1.0");
    assert_string_equal(
        emitted(*state, HEAD,
            "match a: s{3} -> b: s(spread(a.y) > 2) within 1m emit o { v: spread(a.y) }"),
        "max(a.y) - min(a.y)");
}

static void
a_call_stands_wherever_a_value_stands(void **state)
{
    char text[2048];
    snprintf(text, sizeof text, "%s",
        "function minutes(n) = n * 1m\n"
        "function odd(n) = n % 2 == 1\n"
        "function ten() = 10\n"
        "param wide duration = minutes(2)\n" STREAM
        "rule r {\n  from s where odd(y)\n  by odd(y)\n  window tumbling wide\n"
        "  having odd(count())\n  emit o { odd: odd(y), n: count() }\n"
        "  order by odd(n) desc limit 3\n}\n"
        "rule p {\n  match a: s(odd(y)){2,} until (odd(y + 1)) -> b: s\n"
        "  within wide\n  emit q { n: a.y }\n  on timeout emit t { odd: odd(a.y) }\n}\n"
        "test \"t\" {\n  s { at: 60s, y: ten() } repeat 3 every 1s\n"
        "  expect no o { n: ten() }\n}\n");
    if (compile(*state, text) != WEIR_OK) {
        weiri_diagnostics_print(((struct fixture *)*state)->diagnostics, stderr, false);
        fail_msg("does not compile");
    }
}

static void
the_standard_library_is_no_file_and_is_read_once(void **state)
{
    assert_string_equal(emitted(*state,
                            "include \"std/features\"\ninclude "
                            "\"std/features.weir\"\ninclude \"std/features\"",
                            "from s window last 2 emit o { v: delta(y) }"),
        "y - lag(y)");
}

static void
every_function_of_the_standard_library_can_be_called(void **state)
{
    static const char *const CALLS[] = { "zscore(x)", "robust_zscore(y)", "minmax(x)",
        "delta(x)", "rate(y, at)", "change(y)", "standardize(x, 4.2, 2)", "sigmoid(x)",
        "cycle_sin(at, 7d)", "cycle_cos(at, 1d)", "null_if(y, 3)", "null_if(k, \"?\")",
        "keep_between(x, 0, 100)", "trimmed(k)",
        "interpolate(at, lag(at), lag(x), at, x)" };
    for (size_t i = 0; i < sizeof CALLS / sizeof CALLS[0]; i++) {
        char clauses[256];
        snprintf(
            clauses, sizeof clauses, "from s window last 3 emit o { v: %s }", CALLS[i]);
        emitted(*state, "include \"std/features\"\ninclude \"std/clean\"", clauses);
    }
}

static void
a_name_of_the_library_can_be_a_function_of_ones_own(void **state)
{
    assert_string_equal(
        emitted(*state, "function delta(v) = v - 1", "from s emit o { v: delta(y) }"),
        "y - 1");
}

/* Thirty functions that each double the one before stand for a thousand million parts. */
static void
growth_ends_at_a_bound(void **state)
{
    char   text[4096] = "function f0(x) = x + x\n";
    size_t used       = strlen(text);
    for (int i = 1; i < 30; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used,
            "function f%d(x) = f%d(x) + f%d(x)\n", i, i - 1, i - 1);
    }
    snprintf(text + used, sizeof text - used,
        STREAM "rule r { from s emit o { v: f29(y) } }\n");
    assert_int_equal(compile(*state, text), WEIR_ESYNTAX);
}

/* Each calls the one before, and none is deep by itself. */
static void
a_long_chain_of_functions_ends_at_a_bound(void **state)
{
    enum { CHAIN = 2000 };
    char  *text = malloc((size_t)CHAIN * 64);
    size_t used = (size_t)snprintf(text, 64, "function f0(x) = x\n");
    for (int i = 1; i < CHAIN; i++) {
        used +=
            (size_t)snprintf(text + used, 64, "function f%d(x) = -f%d(x)\n", i, i - 1);
    }
    assert_int_equal(compile(*state, text), WEIR_ESYNTAX);
    free(text);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_as_if_the_expression_stood_there),
        TEST(functions_call_each_other_whatever_their_order),
        TEST(a_parameter_is_not_the_field_of_its_name),
        TEST(an_aggregate_is_of_the_rule_that_calls),
        TEST(a_call_stands_wherever_a_value_stands),
        TEST(the_standard_library_is_no_file_and_is_read_once),
        TEST(every_function_of_the_standard_library_can_be_called),
        TEST(a_name_of_the_library_can_be_a_function_of_ones_own),
        TEST(growth_ends_at_a_bound),
        TEST(a_long_chain_of_functions_ends_at_a_bound),
    };
    return cmocka_run_group_tests_name("expand", tests, NULL, NULL);
}
