#include "weir_test.h"

#include <stdlib.h>
#include <string.h>

#include "match/automaton.h"
#include "pattern_builder.h"

static char *
printed(const weiri_match *plan)
{
    weiri_automaton *automaton = NULL;
    char            *text      = NULL;
    size_t           size      = 0;
    FILE            *file      = open_memstream(&text, &size);
    assert_ok(weiri_automaton_new(plan, &automaton, NULL));
    weiri_automaton_print(automaton, plan, file);
    (void)fclose(file);
    weiri_automaton_destroy(&automaton);
    return text;
}

static void
expect(weiri_arena *arena, const weiri_match *plan, const char *text)
{
    char *got = printed(plan);
    assert_string_equal(got, text);
    free(got);
    weiri_arena_destroy(&arena);
}

static void
followed_by_passes_over_what_does_not_fit(void **state)
{
    (void)state;
    weiri_arena    *arena = weiri_arena_new();
    pattern_builder b     = pb_new(arena);
    uint32_t        a     = pb_typed(&b, "a", 0);
    uint32_t        c     = pb_typed(&b, "b", 1);
    b.plan->pattern       = pb_group(&b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
              pb_take(&b, WEIRI_FIRST, a), pb_take(&b, WEIRI_FOLLOWED, c), NULL);
    expect(arena, b.plan,
        "state 0, begin\n"
        "  take a when a -> 1\n"
        "state 1\n"
        "  take b when b, complete always\n"
        "  ignore when not b -> 1\n");
}

static void
strict_next_passes_over_nothing(void **state)
{
    (void)state;
    weiri_arena    *arena = weiri_arena_new();
    pattern_builder b     = pb_new(arena);
    uint32_t        a     = pb_typed(&b, "a", 0);
    uint32_t        c     = pb_typed(&b, "b", 1);
    b.plan->pattern       = pb_group(&b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
              pb_take(&b, WEIRI_FIRST, a), pb_take(&b, WEIRI_NEXT, c), NULL);
    expect(arena, b.plan,
        "state 0, begin\n"
        "  take a when a -> 1\n"
        "state 1\n"
        "  take b when b, complete always\n");
}

static void
absence_at_the_end_waits_for_its_deadline(void **state)
{
    (void)state;
    weiri_arena    *arena = weiri_arena_new();
    pattern_builder b     = pb_new(arena);
    uint32_t        a     = pb_typed(&b, "a", 0);
    uint32_t        n     = pb_typed(&b, "n", 1);
    b.plan->within_ns     = PB_SECOND;
    b.plan->pattern       = pb_group(&b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
              pb_take(&b, WEIRI_FIRST, a), pb_not(&b, WEIRI_FOLLOWED, n), NULL);
    expect(arena, b.plan,
        "state 0, begin\n"
        "  take a when a -> 1\n"
        "state 1, complete at its deadline\n"
        "  ignore when not n -> 1\n");
}

static void
endless_counts_are_refused_with_a_reason(void **state)
{
    (void)state;
    weiri_arena     *arena     = weiri_arena_new();
    pattern_builder  b         = pb_new(arena);
    uint32_t         a         = pb_typed(&b, "a", 0);
    weiri_automaton *automaton = NULL;
    weir_error       err       = { 0 };
    weiri_pattern   *inner     = pb_repeat(pb_take(&b, WEIRI_FIRST, a), 1000, 1000);
    b.plan->pattern            = pb_repeat(
                   pb_group(&b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST, inner, NULL), 1000, 1000);
    assert_int_equal(weiri_automaton_new(b.plan, &automaton, &err), WEIR_EINVAL);
    assert_non_null(strstr(err.text, "too many states"));
    assert_null(automaton);
    weiri_arena_destroy(&arena);
}

static void
states_that_cannot_be_told_apart_are_one(void **state)
{
    (void)state;
    weiri_arena     *arena     = weiri_arena_new();
    pattern_builder  b         = pb_new(arena);
    uint32_t         a         = pb_typed(&b, "a", 0);
    uint32_t         c         = pb_typed(&b, "b", 1);
    weiri_automaton *automaton = NULL;
    b.plan->pattern            = pb_group(&b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
                   pb_repeat(pb_take(&b, WEIRI_FIRST, a), 5, WEIRI_UNBOUNDED),
                   pb_take(&b, WEIRI_FOLLOWED, c), NULL);
    assert_ok(weiri_automaton_new(b.plan, &automaton, NULL));
    assert_in_range(automaton->n_states, 6, 8);
    weiri_automaton_destroy(&automaton);
    weiri_arena_destroy(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(followed_by_passes_over_what_does_not_fit),
        cmocka_unit_test(strict_next_passes_over_nothing),
        cmocka_unit_test(absence_at_the_end_waits_for_its_deadline),
        cmocka_unit_test(endless_counts_are_refused_with_a_reason),
        cmocka_unit_test(states_that_cannot_be_told_apart_are_one),
    };
    return cmocka_run_group_tests_name("automaton", tests, NULL, NULL);
}
