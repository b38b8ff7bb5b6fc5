/* The executor "stacks": what it takes, the order of what it gives, its bounds and its
 * state. */
#include "weir_test.h"

#include <stdio.h>
#include <string.h>

#include "matcher_rig.h"
#include "weiri/limits.h"

typedef matcher_rig fixture;

static weir_status
on_emitted(void *context, bool is_timeout, int64_t time_ns, const weir_value *values)
{
    fixture          *f    = context;
    const weiri_emit *emit = f->b.plan->emit;
    (void)is_timeout;
    (void)time_ns;
    f->n_emitted++;
    for (uint32_t i = 0; i < emit->schema->n_fields; i++) {
        size_t used = strlen(f->text);
        (void)snprintf(f->text + used, MR_TEXT - used, "%.*s ", (int)values[i].size,
            values[i].type == WEIR_STRING && !values[i].is_null ? values[i].as.s : "");
    }
    return WEIR_OK;
}

static void
start(fixture *f, const char *executor)
{
    bool             has_fields = f->b.plan->emit->schema->n_fields > 0;
    weiri_match_sink sink       = { .context = f };
    if (!f->is_counting) {
        sink.emitted = on_emitted;
        sink.matched = has_fields ? NULL : mr_on_matched;
    }
    f->text[0]   = '\0';
    f->n_emitted = 0;
    assert_ok(weiri_matcher_new(f->b.plan, &sink, &f->matcher, NULL));
    assert_string_equal(weiri_matcher_executor_name(f->matcher), executor);
}

/* What a rule of its own gives for the events in the chunk. */
static weiri_match_counts
run(fixture *f)
{
    start(f, "stacks");
    mr_feed(f);
    return mr_stop(f);
}

static void
abc(fixture *f, weiri_contiguity to_b, weiri_contiguity to_c)
{
    weiri_pattern *a   = mr_step(f, WEIRI_FIRST, "a");
    weiri_pattern *b   = mr_step(f, to_b, "b");
    f->b.plan->pattern = pb_group(
        &f->b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST, a, b, mr_step(f, to_c, "c"), NULL);
}

static void
matches_of_an_event_come_by_their_positions(void **state)
{
    fixture *f = *state;
    mr_events(f, "abbabcc");
    abc(f, WEIRI_FOLLOWED_ANY, WEIRI_FOLLOWED_ANY);
    weiri_match_counts counts = run(f);
    assert_string_equal(f->text, "a0 b1 c5; a0 b2 c5; a0 b4 c5; a3 b4 c5; "
                                 "a0 b1 c6; a0 b2 c6; a0 b4 c6; a3 b4 c6; ");
    assert_int_equal(counts.matches, 8);
}

static void
plain_arrow_takes_the_first_that_fits(void **state)
{
    fixture *f = *state;
    mr_events(f, "aababccbc");
    abc(f, WEIRI_FOLLOWED, WEIRI_FOLLOWED);
    assert_int_equal(run(f).live_runs, 0);
    assert_string_equal(f->text, "a0 b2 c5; a1 b2 c5; a3 b4 c5; ");
    abc(f, WEIRI_FOLLOWED, WEIRI_FOLLOWED_ANY);
    run(f);
    assert_string_equal(f->text, "a0 b2 c5; a1 b2 c5; a3 b4 c5; a0 b2 c6; a1 b2 c6; "
                                 "a3 b4 c6; a0 b2 c8; a1 b2 c8; a3 b4 c8; ");
    abc(f, WEIRI_FOLLOWED_ANY, WEIRI_FOLLOWED);
    run(f);
    assert_string_equal(f->text, "a0 b2 c5; a0 b4 c5; a1 b2 c5; a1 b4 c5; a3 b4 c5; "
                                 "a0 b7 c8; a1 b7 c8; a3 b7 c8; ");
}

static void
repetition_of_a_fixed_number_is_a_chain(void **state)
{
    fixture *f = *state;
    mr_events(f, "abbbc");
    abc(f, WEIRI_FOLLOWED_ANY, WEIRI_FOLLOWED);
    weiri_pattern *b = pb_repeat(f->b.plan->pattern->items[1], 2, 2);
    b->inner         = WEIRI_INNER_ANY;
    run(f);
    assert_string_equal(f->text, "a0 b1 b2 c4; a0 b1 b3 c4; a0 b2 b3 c4; ");
    b->inner = WEIRI_INNER_RELAXED;
    run(f);
    assert_string_equal(f->text, "a0 b1 b2 c4; a0 b2 b3 c4; ");
}

static void
not_before_the_last_step_drops_what_waits(void **state)
{
    fixture *f = *state;
    mr_events(f, "aabndabcab");
    weiri_pattern *a   = mr_step(f, WEIRI_FIRST, "a");
    weiri_pattern *b   = mr_step(f, WEIRI_FOLLOWED_ANY, "b");
    weiri_pattern *n   = pb_not(&f->b, WEIRI_FOLLOWED, pb_typed(&f->b, "n", 'n' - 'a'));
    f->b.plan->pattern = pb_group(&f->b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST, a, b, n,
        mr_step(f, WEIRI_FOLLOWED_ANY, "c"), NULL);
    run(f);
    assert_string_equal(f->text, "a0 b6 c7; a1 b6 c7; a5 b6 c7; ");
    f->b.plan->pattern =
        pb_group(&f->b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST, a, n, b, NULL);
    run(f);
    assert_string_equal(f->text, "a0 b2; a1 b2; a5 b6; a5 b9; a8 b9; ");
}

static void
window_includes_its_end_and_what_is_older_is_forgotten(void **state)
{
    fixture *f = *state;
    mr_events(f, "aabddbc");
    abc(f, WEIRI_FOLLOWED_ANY, WEIRI_FOLLOWED_ANY);
    f->b.plan->within_ns = 5 * PB_SECOND;
    start(f, "stacks");
    mr_feed(f);
    assert_string_equal(f->text, "a1 b2 c6; a1 b5 c6; ");
    assert_int_equal(weiri_matcher_counts(f->matcher).live_runs, 3);
    assert_ok(weiri_matcher_advance(f->matcher, 6 * PB_SECOND + 1, NULL));
    weiri_match_counts counts = mr_stop(f);
    assert_int_equal(counts.live_runs, 0);
    assert_int_equal(counts.live_keys, 0);
}

static void
bound_of_an_event_keeps_the_first_and_counts_the_rest(void **state)
{
    fixture *f = *state;
    mr_events(f, "aabbbc");
    abc(f, WEIRI_FOLLOWED_ANY, WEIRI_FOLLOWED_ANY);
    f->b.plan->max_matches    = 4;
    weiri_match_counts counts = run(f);
    assert_string_equal(f->text, "a0 b2 c5; a0 b3 c5; a0 b4 c5; a1 b2 c5; ");
    assert_int_equal(counts.matches, 4);
    assert_int_equal(counts.dropped_matches, 2);
    f->is_counting = true;
    counts         = run(f);
    assert_int_equal(counts.matches, 4);
    assert_int_equal(counts.dropped_matches, 2);
}

static void
bound_of_a_partition_drops_what_began_first(void **state)
{
    fixture *f = *state;
    mr_events(f, "aaabbbc");
    abc(f, WEIRI_FOLLOWED_ANY, WEIRI_FOLLOWED_ANY);
    f->b.plan->max_runs       = 2;
    weiri_match_counts counts = run(f);
    assert_string_equal(f->text, "a1 b3 c6; a1 b4 c6; a1 b5 c6; a2 b3 c6; a2 b4 c6; "
                                 "a2 b5 c6; ");
    assert_int_equal(counts.dropped_runs, 1);
    assert_int_equal(counts.live_runs, 5);
}

/* 3,072 a, as many b, one c: nine million matches, counted without being walked. */
static void
matches_that_nobody_reads_are_counted_all_the_same(void **state)
{
    fixture *f = *state;
    abc(f, WEIRI_FOLLOWED_ANY, WEIRI_FOLLOWED_ANY);
    f->b.plan->max_matches = UINT32_MAX;
    f->is_counting         = true;
    start(f, "stacks");
    for (uint32_t i = 0; i < 6; i++) {
        mr_fill(f, (double)i * WEIRI_CHUNK_ROWS, i / 3);
        mr_feed(f);
    }
    mr_one_event(f, 1e5, 2);
    mr_feed(f);
    uint64_t n = UINT64_C(3) * WEIRI_CHUNK_ROWS;
    assert_int_equal(mr_stop(f).matches, n * n);
}

/* More events after the first than its number of what follows is refreshed by. */
static void
long_wait_leaves_matches_exact(void **state)
{
    enum { N = 1100, LAST = WEIRI_RUNS_PER_KEY };
    fixture *f = *state;
    abc(f, WEIRI_FOLLOWED_ANY, WEIRI_FOLLOWED_ANY);
    start(f, "stacks");
    mr_one_event(f, 0, 0);
    mr_feed(f);
    mr_fill(f, 1, 1);
    for (uint32_t i = 0; i < N; i++) {
        mr_feed(f); /* the same rows again: times may repeat without `within` */
    }
    mr_one_event(f, 1e5, 2);
    mr_feed(f);
    weiri_match_counts counts = mr_stop(f);
    assert_int_equal(f->n_emitted, LAST);
    assert_int_equal(counts.dropped_runs, (uint64_t)N * WEIRI_CHUNK_ROWS - LAST);
}

static void
texts_are_kept_until_the_match(void **state)
{
    static const char *const texts[] = { "one", "two", "three", "" };
    fixture                 *f       = *state;
    mr_events(f, "aabb");
    for (uint32_t i = 0; i < 4; i++) {
        weir_value v = {
            .type = WEIR_STRING, .as.s = texts[i], .size = (uint32_t)strlen(texts[i])
        };
        assert_ok(weir_chunk_set(f->chunk, i, PB_S, &v));
    }
    uint32_t a         = pb_typed(&f->b, "a", 0);
    uint32_t b         = pb_typed(&f->b, "b", 1);
    f->b.plan->pattern = pb_group(&f->b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
        pb_take(&f->b, WEIRI_FIRST, a), pb_take(&f->b, WEIRI_FOLLOWED_ANY, b), NULL);
    f->b.plan->emit    = pb_emit(&f->b,
           pb_register(&f->b, WEIRI_REGISTER_LAST, a, 0, pb_field(&f->b, PB_S), WEIR_STRING),
           pb_register(&f->b, WEIRI_REGISTER_LAST, b, 0, pb_field(&f->b, PB_S), WEIR_STRING),
           NULL);
    run(f);
    assert_string_equal(f->text, "one three two three one  two  ");
}

static void
pattern_that_is_not_such_a_chain_is_left_to_others(void **state)
{
    fixture *f = *state;
    abc(f, WEIRI_FOLLOWED_ANY, WEIRI_NEXT);
    start(f, "sets");
    (void)mr_stop(f);
    abc(f, WEIRI_FOLLOWED_ANY, WEIRI_FOLLOWED_ANY);
    f->b.plan->skip = WEIRI_SKIP_USED;
    start(f, "runs");
    (void)mr_stop(f);
    f->b.plan->skip = WEIRI_SKIP_NONE;
    weiri_expr *reg =
        pb_register(&f->b, WEIRI_REGISTER_LAST, 0, 0, pb_field(&f->b, PB_V), WEIR_INT);
    uint32_t more =
        pb_step(&f->b, "more", NULL, pb_call(&f->b, ">", pb_field(&f->b, PB_V), reg));
    f->b.plan->pattern->items[2] = pb_take(&f->b, WEIRI_FOLLOWED_ANY, more);
    start(f, "runs");
    (void)mr_stop(f);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, mr_setup, mr_teardown)
    const struct CMUnitTest tests[] = {
        TEST(matches_of_an_event_come_by_their_positions),
        TEST(plain_arrow_takes_the_first_that_fits),
        TEST(repetition_of_a_fixed_number_is_a_chain),
        TEST(not_before_the_last_step_drops_what_waits),
        TEST(window_includes_its_end_and_what_is_older_is_forgotten),
        TEST(bound_of_an_event_keeps_the_first_and_counts_the_rest),
        TEST(bound_of_a_partition_drops_what_began_first),
        TEST(matches_that_nobody_reads_are_counted_all_the_same),
        TEST(long_wait_leaves_matches_exact),
        TEST(texts_are_kept_until_the_match),
        TEST(pattern_that_is_not_such_a_chain_is_left_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
