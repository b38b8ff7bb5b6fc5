#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "weiri/dsl.h"

/* The type of an expression over a stream's fields, as a derived stream gets it. */
static void
assert_type(const char *text, weir_type type, bool is_nullable)
{
    char               rules[1024];
    weiri_diagnostics *diagnostics = NULL;
    weiri_plan        *plan        = NULL;
    weir_error         err         = { .status = WEIR_OK };
    snprintf(rules, sizeof rules,
        "stream s { at time, b bool, i int, f float, t string, d duration, n int? }\n"
        "source s from stdin()\nparam p int = 3\nrule r { from s emit o { v: %s } }\n",
        text);
    assert_ok(weiri_diagnostics_new(&diagnostics));
    weir_status status = weiri_compile_text(
        "t.weir", rules, strlen(rules), NULL, diagnostics, &plan, &err);
    if (status != WEIR_OK) {
        weiri_diagnostics_print(diagnostics, stderr, false);
    }
    assert_ok(status);
    const weir_field *field = &plan->rules[0].query->emit->schema->fields[0];
    assert_int_equal(field->type, type);
    assert_int_equal(field->is_nullable, is_nullable);
    weiri_plan_destroy(&plan);
    weiri_diagnostics_destroy(&diagnostics);
}

static void
literals_and_fields_have_their_own_type(void **state)
{
    (void)state;
    assert_type("true", WEIR_BOOL, false);
    assert_type("1", WEIR_INT, false);
    assert_type("1.5", WEIR_FLOAT, false);
    assert_type("\"x\"", WEIR_STRING, false);
    assert_type("1m30s", WEIR_DURATION, false);
    assert_type("at", WEIR_TIME, false);
    assert_type("n", WEIR_INT, true);
    assert_type("s.f", WEIR_FLOAT, false);
    assert_type("p", WEIR_INT, false);
    assert_type("time()", WEIR_TIME, false);
}

static void
int_becomes_float_and_nothing_else_becomes_anything(void **state)
{
    (void)state;
    assert_type("i + 1", WEIR_INT, true);
    assert_type("i + f", WEIR_FLOAT, true);
    assert_type("i / 2", WEIR_FLOAT, true);
    assert_type("i % 2", WEIR_INT, true);
    assert_type("6 / 3", WEIR_FLOAT, false);
    assert_type("i > f", WEIR_BOOL, false);
    assert_type("case when b then i else f end", WEIR_FLOAT, false);
}

static void
times_and_durations_calculate(void **state)
{
    (void)state;
    assert_type("at - at", WEIR_DURATION, true);
    assert_type("at + 5m", WEIR_TIME, true);
    assert_type("at - \"2026-01-01\"", WEIR_DURATION, true);
    assert_type(
        "at between \"2026-01-01\" and \"2027-01-01T00:00:00Z\"", WEIR_BOOL, false);
    assert_type("at in (\"2026-01-01\")", WEIR_BOOL, false);
    assert_type("d * 2", WEIR_DURATION, true);
    assert_type("d / 1s", WEIR_FLOAT, true);
}

static void
null_is_followed_through_operators(void **state)
{
    (void)state;
    assert_type("n ?\? 0", WEIR_INT, false);
    assert_type("n is null", WEIR_BOOL, false);
    assert_type("n is not null and b", WEIR_BOOL, false);
    assert_type("n > 3", WEIR_BOOL, true);
    assert_type("case when b then 1 end", WEIR_INT, true);
    assert_type("not (n in (1, 2))", WEIR_BOOL, true);
}

static void
names_are_found_again_after_growing(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    weiri_arena *arena = weiri_arena_new();
    weiri_names  names = { .n_slots = 0 };
    assert_int_equal(weiri_names_find(&names, "x"), UINT32_MAX);
    for (uint32_t i = 0; i < MANY; i++) {
        weiri_names_add(&names, arena, weiri_arena_format(arena, "n%u", (unsigned)i), i);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(
            weiri_names_find(&names, weiri_arena_format(arena, "n%u", (unsigned)i)), i);
    }
    assert_int_equal(weiri_names_find(&names, "n5000"), UINT32_MAX);
    weiri_arena_destroy(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_and_fields_have_their_own_type),
        cmocka_unit_test(int_becomes_float_and_nothing_else_becomes_anything),
        cmocka_unit_test(times_and_durations_calculate),
        cmocka_unit_test(null_is_followed_through_operators),
        cmocka_unit_test(names_are_found_again_after_growing),
    };
    return cmocka_run_group_tests_name("types", tests, NULL, NULL);
}
