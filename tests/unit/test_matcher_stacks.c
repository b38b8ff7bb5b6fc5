/* The executor "stacks": what it takes, the order of what it gives, its bounds and its
 * state. */
#include "weir_test.h"

#include <stdio.h>
#include <string.h>

#include "pattern_builder.h"
#include "weiri/limits.h"

enum { MAX_TEXT = 4096 };

typedef struct fixture {
    weiri_arena    *arena;
    pattern_builder b;
    weir_chunk     *chunk;
    weiri_matcher  *matcher;
    bool            is_counting; /* nobody reads the matches */
    char            text[MAX_TEXT];
    uint64_t        n_emitted;
} fixture;

static void
on_matched(void *context, bool is_timeout, int64_t time_ns, const weiri_taken *taken,
    uint32_t n_taken)
{
    fixture *f = context;
    (void)is_timeout;
    (void)time_ns;
    for (uint32_t i = 0; i < n_taken; i++) {
        size_t used = strlen(f->text);
        (void)snprintf(f->text + used, MAX_TEXT - used, "%s%u%s",
            f->b.plan->steps[taken[i].step].name, (unsigned)taken[i].order,
            i + 1 < n_taken ? " " : "; ");
    }
}

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
        (void)snprintf(f->text + used, MAX_TEXT - used, "%.*s ", (int)values[i].size,
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
        sink.matched = has_fields ? NULL : on_matched;
    }
    f->text[0]   = '\0';
    f->n_emitted = 0;
    assert_ok(weiri_matcher_new(f->b.plan, &sink, &f->matcher, NULL));
    assert_string_equal(weiri_matcher_executor_name(f->matcher), executor);
}

static void
feed(fixture *f)
{
    weiri_part  part  = { .rows = { .chunk = f->chunk, .n = f->chunk->n_rows } };
    weiri_batch batch = { .parts = &part, .n_parts = 1, .n_events = part.rows.n };
    assert_ok(weiri_matcher_feed(f->matcher, &batch, NULL));
}

static weiri_match_counts
stop(fixture *f)
{
    assert_ok(weiri_matcher_finish(f->matcher, NULL));
    weiri_match_counts counts = weiri_matcher_counts(f->matcher);
    weiri_matcher_destroy(&f->matcher);
    return counts;
}

/* What a rule of its own gives for the events in the chunk. */
static weiri_match_counts
run(fixture *f)
{
    start(f, "stacks");
    feed(f);
    return stop(f);
}

static int
setup(void **state)
{
    static fixture f;
    f      = (fixture){ .arena = weiri_arena_new() };
    f.b    = pb_new(f.arena);
    *state = &f;
    return weir_chunk_new(pb_schema(), NULL, &f.chunk) == WEIR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
    fixture          *f     = *state;
    const weir_chunk *chunk = f->chunk;
    weir_chunk_unref(&chunk);
    weiri_arena_destroy(&f->arena);
    return 0;
}

/* Events a second apart; a letter's type is its place in the alphabet. */
static void
events(fixture *f, const char *letters)
{
    for (uint32_t i = 0; letters[i] != '\0'; i++) {
        pb_event(f->chunk, i, letters[i] - 'a', i, 0, (int64_t)i * 10);
    }
}

/* A chunk full of events of one type, a second apart. */
static void
fill(fixture *f, double from_s, int64_t type)
{
    f->chunk->n_rows = 0;
    for (uint32_t i = 0; i < WEIRI_CHUNK_ROWS; i++) {
        pb_event(f->chunk, from_s + i, type, i, 0, 0);
    }
}

static void
one_event(fixture *f, double at_s, int64_t type)
{
    f->chunk->n_rows = 0;
    pb_event(f->chunk, at_s, type, 0, 0, 0);
}

static weiri_pattern *
step(fixture *f, weiri_contiguity contiguity, const char *letter)
{
    return pb_take(&f->b, contiguity, pb_typed(&f->b, letter, letter[0] - 'a'));
}

static void
abc(fixture *f, weiri_contiguity to_b, weiri_contiguity to_c)
{
    weiri_pattern *a   = step(f, WEIRI_FIRST, "a");
    weiri_pattern *b   = step(f, to_b, "b");
    f->b.plan->pattern = pb_group(
        &f->b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST, a, b, step(f, to_c, "c"), NULL);
}

static void
matches_of_an_event_come_by_their_positions(void **state)
{
    fixture *f = *state;
    events(f, "abbabcc");
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
    events(f, "aababccbc");
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
    events(f, "abbbc");
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
    events(f, "aabndabcab");
    weiri_pattern *a   = step(f, WEIRI_FIRST, "a");
    weiri_pattern *b   = step(f, WEIRI_FOLLOWED_ANY, "b");
    weiri_pattern *n   = pb_not(&f->b, WEIRI_FOLLOWED, pb_typed(&f->b, "n", 'n' - 'a'));
    f->b.plan->pattern = pb_group(&f->b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST, a, b, n,
        step(f, WEIRI_FOLLOWED_ANY, "c"), NULL);
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
    events(f, "aabddbc");
    abc(f, WEIRI_FOLLOWED_ANY, WEIRI_FOLLOWED_ANY);
    f->b.plan->within_ns = 5 * PB_SECOND;
    start(f, "stacks");
    feed(f);
    assert_string_equal(f->text, "a1 b2 c6; a1 b5 c6; ");
    assert_int_equal(weiri_matcher_counts(f->matcher).live_runs, 3);
    assert_ok(weiri_matcher_advance(f->matcher, 6 * PB_SECOND + 1, NULL));
    weiri_match_counts counts = stop(f);
    assert_int_equal(counts.live_runs, 0);
    assert_int_equal(counts.live_keys, 0);
}

static void
bound_of_an_event_keeps_the_first_and_counts_the_rest(void **state)
{
    fixture *f = *state;
    events(f, "aabbbc");
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
    events(f, "aaabbbc");
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
        fill(f, (double)i * WEIRI_CHUNK_ROWS, i / 3);
        feed(f);
    }
    one_event(f, 1e5, 2);
    feed(f);
    uint64_t n = UINT64_C(3) * WEIRI_CHUNK_ROWS;
    assert_int_equal(stop(f).matches, n * n);
}

/* More events after the first than its number of what follows is refreshed by. */
static void
long_wait_leaves_matches_exact(void **state)
{
    enum { N = 1100, LAST = WEIRI_RUNS_PER_KEY };
    fixture *f = *state;
    abc(f, WEIRI_FOLLOWED_ANY, WEIRI_FOLLOWED_ANY);
    start(f, "stacks");
    one_event(f, 0, 0);
    feed(f);
    fill(f, 1, 1);
    for (uint32_t i = 0; i < N; i++) {
        feed(f); /* the same rows again: times may repeat without `within` */
    }
    one_event(f, 1e5, 2);
    feed(f);
    weiri_match_counts counts = stop(f);
    assert_int_equal(f->n_emitted, LAST);
    assert_int_equal(counts.dropped_runs, (uint64_t)N * WEIRI_CHUNK_ROWS - LAST);
}

static void
texts_are_kept_until_the_match(void **state)
{
    static const char *const texts[] = { "one", "two", "three", "" };
    fixture                 *f       = *state;
    events(f, "aabb");
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
    (void)stop(f);
    abc(f, WEIRI_FOLLOWED_ANY, WEIRI_FOLLOWED_ANY);
    f->b.plan->skip = WEIRI_SKIP_USED;
    start(f, "runs");
    (void)stop(f);
    f->b.plan->skip = WEIRI_SKIP_NONE;
    weiri_expr *reg =
        pb_register(&f->b, WEIRI_REGISTER_LAST, 0, 0, pb_field(&f->b, PB_V), WEIR_INT);
    uint32_t more =
        pb_step(&f->b, "more", NULL, pb_call(&f->b, ">", pb_field(&f->b, PB_V), reg));
    f->b.plan->pattern->items[2] = pb_take(&f->b, WEIRI_FOLLOWED_ANY, more);
    start(f, "runs");
    (void)stop(f);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
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
