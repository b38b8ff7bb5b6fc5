/* The executor "sets": the order of what it gives, its bounds, and what it forgets. */
#include "weir_test.h"

#include <stdio.h>
#include <string.h>

#include "keyed_bytes.h"
#include "matcher_rig.h"
#include "weiri/limits.h"

typedef matcher_rig fixture;

static void
start(fixture *f)
{
    weiri_match_sink sink = { .context = f };
    f->text[0]            = '\0';
    sink.matched          = f->is_counting ? NULL : mr_on_matched;
    assert_ok(weiri_matcher_new(f->b.plan, &sink, &f->matcher, NULL));
    assert_string_equal(weiri_matcher_executor_name(f->matcher), "sets");
}

static weiri_match_counts
run(fixture *f)
{
    start(f);
    mr_feed(f);
    return mr_stop(f);
}

/* These events and no others. */
static void
events(fixture *f, const char *letters)
{
    f->chunk->n_rows = 0;
    mr_events(f, letters);
}

/* A step that every event fits. */
static weiri_pattern *
any_step(fixture *f, weiri_contiguity contiguity, const char *name)
{
    return pb_take(&f->b, contiguity, pb_step(&f->b, name, NULL, NULL));
}

/* a ->> b{min,max} any ->> c */
static void
a_bs_c(fixture *f, uint32_t min, uint32_t max)
{
    weiri_pattern *a = mr_step(f, WEIRI_FIRST, "a");
    weiri_pattern *b = pb_repeat(mr_step(f, WEIRI_FOLLOWED_ANY, "b"), min, max);
    weiri_pattern *c = mr_step(f, WEIRI_FOLLOWED_ANY, "c");
    b->inner         = WEIRI_INNER_ANY;
    f->b.plan->pattern =
        pb_group(&f->b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST, a, b, c, NULL);
}

static void
longer_matches_come_first_then_earlier_positions(void **state)
{
    fixture *f = *state;
    events(f, "abbc");
    a_bs_c(f, 1, WEIRI_UNBOUNDED);
    run(f);
    assert_string_equal(f->text, "a0 b1 b2 c3; a0 b1 c3; a0 b2 c3; ");
    events(f, "abbbc");
    run(f);
    assert_string_equal(f->text, "a0 b1 b2 b3 c4; a0 b1 b2 c4; a0 b1 b3 c4; "
                                 "a0 b2 b3 c4; a0 b1 c4; a0 b2 c4; a0 b3 c4; ");
    events(f, "abac");
    run(f);
    assert_string_equal(f->text, "a0 b1 c3; ");
}

/* Two steps fit each event in between: of equal positions the steps decide, all of them
 * after all positions. */
static void
positions_count_before_steps(void **state)
{
    fixture       *f = *state;
    weiri_pattern *a = mr_step(f, WEIRI_FIRST, "a");
    weiri_pattern *x = any_step(f, WEIRI_FIRST, "x");
    weiri_pattern *y = any_step(f, WEIRI_FIRST, "y");
    weiri_pattern *either =
        pb_group(&f->b, WEIRI_PATTERN_OR, WEIRI_FOLLOWED_ANY, x, y, NULL);
    weiri_pattern *d = mr_step(f, WEIRI_FOLLOWED_ANY, "d");
    weiri_pattern *c = mr_step(f, WEIRI_FOLLOWED_ANY, "c");
    f->b.plan->pattern =
        pb_group(&f->b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST, a, either, d, c, NULL);
    events(f, "abddc");
    run(f);
    assert_string_equal(f->text, "a0 x1 d2 c4; a0 y1 d2 c4; a0 x1 d3 c4; a0 y1 d3 c4; "
                                 "a0 x2 d3 c4; a0 y2 d3 c4; ");
}

static void
matches_of_one_event_are_of_groups_and_of_what_may_be_left_out(void **state)
{
    fixture       *f  = *state;
    weiri_pattern *b  = mr_step(f, WEIRI_FIRST, "b");
    weiri_pattern *c  = mr_step(f, WEIRI_FOLLOWED_ANY, "c");
    weiri_pattern *bc = pb_repeat(
        pb_group(&f->b, WEIRI_PATTERN_SEQUENCE, WEIRI_FOLLOWED_ANY, b, c, NULL), 0, 2);
    bc->inner          = WEIRI_INNER_ANY;
    f->b.plan->pattern = pb_group(&f->b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
        mr_step(f, WEIRI_FIRST, "a"), bc, mr_step(f, WEIRI_FOLLOWED_ANY, "d"), NULL);
    events(f, "abcbcd");
    run(f);
    assert_string_equal(f->text, "a0 b1 c2 b3 c4 d5; a0 b1 c2 d5; a0 b1 c4 d5; "
                                 "a0 b3 c4 d5; a0 d5; ");
}

static void
not_between_steps_ends_what_waits(void **state)
{
    fixture       *f   = *state;
    weiri_pattern *a   = mr_step(f, WEIRI_FIRST, "a");
    weiri_pattern *n   = pb_not(&f->b, WEIRI_FOLLOWED, pb_typed(&f->b, "n", 'n' - 'a'));
    weiri_pattern *b   = pb_repeat(mr_step(f, WEIRI_FOLLOWED_ANY, "b"), 1, 2);
    f->b.plan->pattern = pb_group(&f->b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST, a, n, b,
        mr_step(f, WEIRI_FOLLOWED, "c"), NULL);
    events(f, "anabnbc");
    run(f);
    assert_string_equal(f->text, "a2 b3 b5 c6; a2 b3 c6; ");
}

static void
match_may_be_complete_before_the_event_that_tells(void **state)
{
    fixture       *f = *state;
    weiri_pattern *a = mr_step(f, WEIRI_FIRST, "a");
    weiri_pattern *b = pb_repeat(mr_step(f, WEIRI_FOLLOWED_ANY, "b"), 1, 2);
    weiri_pattern *n = pb_not(&f->b, WEIRI_NEXT, pb_typed(&f->b, "n", 'n' - 'a'));
    b->inner         = WEIRI_INNER_ANY;
    f->b.plan->pattern =
        pb_group(&f->b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST, a, b, n, NULL);
    events(f, "abcbcbn");
    run(f);
    assert_string_equal(f->text, "a0 b1; a0 b1 b3; a0 b3; ");
}

static void
window_includes_its_end_and_what_is_older_is_forgotten(void **state)
{
    fixture *f = *state;
    events(f, "aabbddc");
    a_bs_c(f, 1, 2);
    f->b.plan->within_ns = 5 * PB_SECOND;
    start(f);
    mr_feed(f);
    assert_string_equal(f->text, "a1 b2 b3 c6; a1 b2 c6; a1 b3 c6; ");
    assert_ok(weiri_matcher_advance(f->matcher, 6 * PB_SECOND + 1, NULL));
    weiri_match_counts counts = mr_stop(f);
    assert_int_equal(counts.live_runs, 0);
    assert_int_equal(counts.live_keys, 0);
}

static void
bound_of_an_event_keeps_the_first_and_counts_the_rest(void **state)
{
    fixture *f = *state;
    events(f, "aabbc");
    a_bs_c(f, 1, 2);
    f->b.plan->max_matches    = 4;
    weiri_match_counts counts = run(f);
    assert_string_equal(f->text, "a0 b2 b3 c4; a0 b2 c4; a0 b3 c4; a1 b2 b3 c4; ");
    assert_int_equal(counts.matches, 4);
    assert_int_equal(counts.dropped_matches, 2);
    f->is_counting = true;
    counts         = run(f);
    assert_int_equal(counts.matches, 4);
    assert_int_equal(counts.dropped_matches, 2);
}

/* 2^1024 - 1 ways to choose among the b. */
static void
matches_beyond_number_are_counted_as_many_as_can_be(void **state)
{
    fixture *f = *state;
    a_bs_c(f, 1, WEIRI_UNBOUNDED);
    f->b.plan->max_matches = 3;
    start(f);
    mr_one_event(f, 0, 0);
    mr_feed(f);
    mr_fill(f, 1, 1);
    mr_feed(f);
    mr_one_event(f, 1e5, 2);
    mr_feed(f);
    weiri_match_counts counts = mr_stop(f);
    assert_int_equal(counts.matches, 3);
    assert_true(counts.dropped_matches == UINT64_MAX - 3);
}

/* What a partition keeps of events is looked through when it has doubled; then those that
 * began first go. */
static void
bound_of_a_partition_drops_what_began_first(void **state)
{
    enum { MOST = WEIRI_RUNS_PER_KEY, N_CHUNKS = 300 };
    fixture *f = *state;
    a_bs_c(f, 1, 1);
    f->b.plan->pattern->items[1] =
        pb_repeat(f->b.plan->pattern->items[1], 0, 1); /* no chain */
    f->b.plan->max_matches = UINT32_MAX;
    start(f);
    mr_fill(f, 0, 0);
    for (uint32_t i = 0; i < N_CHUNKS; i++) {
        mr_feed(f); /* the same rows again: times may repeat without `within` */
    }
    mr_one_event(f, 1e5, 2);
    mr_feed(f);
    weiri_match_counts counts = mr_stop(f);
    assert_in_range(counts.matches, MOST, 2 * MOST);
    assert_int_equal(
        counts.matches + counts.dropped_runs, (uint64_t)N_CHUNKS * WEIRI_CHUNK_ROWS);
}

/* Of a pattern that never ends, partitions keep no more than partial matches hold. */
static void
what_no_partial_match_holds_is_given_back(void **state)
{
    fixture *f = *state;
    a_bs_c(f, 1, 2);
    f->b.plan->pattern->items[1]->contiguity = WEIRI_FOLLOWED;
    f->b.plan->pattern->items[2]->contiguity = WEIRI_FOLLOWED;
    f->b.plan->within_ns                     = 10 * PB_SECOND;
    f->is_counting                           = true;
    start(f);
    uint64_t most = 0;
    for (uint32_t i = 0; i < 300; i++) {
        mr_fill(f, (double)i * WEIRI_CHUNK_ROWS, i % 3);
        mr_feed(f);
        weiri_match_counts counts = weiri_matcher_counts(f->matcher);
        most                      = counts.live_runs > most ? counts.live_runs : most;
        weiri_pack saved          = { .size = 0 };
        assert_ok(matcher_to_bytes(f->matcher, &saved, NULL));
        assert_in_range(saved.size, 1, 1000);
        weiri_pack_fini(&saved);
    }
    assert_in_range(most, 1, 20);
    (void)mr_stop(f);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, mr_setup, mr_teardown)
    const struct CMUnitTest tests[] = {
        TEST(longer_matches_come_first_then_earlier_positions),
        TEST(positions_count_before_steps),
        TEST(matches_of_one_event_are_of_groups_and_of_what_may_be_left_out),
        TEST(not_between_steps_ends_what_waits),
        TEST(match_may_be_complete_before_the_event_that_tells),
        TEST(window_includes_its_end_and_what_is_older_is_forgotten),
        TEST(bound_of_an_event_keeps_the_first_and_counts_the_rest),
        TEST(matches_beyond_number_are_counted_as_many_as_can_be),
        TEST(bound_of_a_partition_drops_what_began_first),
        TEST(what_no_partial_match_holds_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
