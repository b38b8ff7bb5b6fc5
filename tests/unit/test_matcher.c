#include "weir_test.h"

#include <stdio.h>
#include <string.h>

#include "matcher_rig.h"

/* A rule at work and what it gave: "a0 b2 @3; " a match, "timeout" before one. */
typedef struct fixture {
    matcher_rig        rig;
    uint32_t           cut; /* rows a batch; 0: all in one */
    char               values[MR_TEXT];
    weiri_match_counts counts;
} fixture;

static void
append(char *text, const char *more)
{
    size_t used = strlen(text);
    (void)snprintf(text + used, MR_TEXT - used, "%s", more);
}

static void
on_matched(void *context, bool is_timeout, int64_t time_ns, const weiri_taken *taken,
    uint32_t n_taken)
{
    fixture *f = context;
    char     part[64];
    append(f->rig.text, is_timeout ? "timeout " : "");
    for (uint32_t i = 0; i < n_taken; i++) {
        (void)snprintf(part, sizeof part, "%s%u ",
            f->rig.b.plan->steps[taken[i].step].name, (unsigned)taken[i].order);
        append(f->rig.text, part);
    }
    (void)snprintf(part, sizeof part, "@%d; ", (int)(time_ns / PB_SECOND));
    append(f->rig.text, part);
}

static weir_status
on_emitted(void *context, bool is_timeout, int64_t time_ns, const weir_value *values)
{
    fixture          *f    = context;
    const weiri_emit *emit = is_timeout ? f->rig.b.plan->on_timeout : f->rig.b.plan->emit;
    char              part[128];
    (void)time_ns;
    for (uint32_t i = 0; i < emit->schema->n_fields; i++) {
        const weir_value *v = &values[i];
        if (v->is_null) {
            append(f->values, "null ");
        } else if (v->type == WEIR_STRING) {
            (void)snprintf(part, sizeof part, "%.*s ", (int)v->size, v->as.s);
            append(f->values, part);
        } else if (v->type == WEIR_FLOAT) {
            (void)snprintf(part, sizeof part, "%g ", v->as.f);
            append(f->values, part);
        } else if (v->type == WEIR_LIST) {
            (void)snprintf(part, sizeof part, "list:%u ", v->size);
            append(f->values, part);
        } else {
            (void)snprintf(part, sizeof part, "%lld ", (long long)v->as.i);
            append(f->values, part);
        }
    }
    return WEIR_OK;
}

static void
run(fixture *f, double watermark_s)
{
    weiri_match_sink sink = {
        .context = f, .emitted = on_emitted, .matched = on_matched
    };
    weiri_matcher *matcher = NULL;
    uint32_t       n       = f->rig.chunk->n_rows;
    uint32_t       cut     = f->cut != 0 ? f->cut : n;
    f->rig.text[0]         = '\0';
    f->values[0]           = '\0';
    assert_ok(weiri_matcher_new(f->rig.b.plan, &sink, &matcher, NULL));
    for (uint32_t first = 0; first < n; first += cut) {
        weiri_part part   = { .rows = { .chunk = f->rig.chunk, .first = first } };
        part.rows.n       = n - first < cut ? n - first : cut;
        weiri_batch batch = { .parts = &part, .n_parts = 1, .n_events = part.rows.n };
        assert_ok(weiri_matcher_feed(matcher, &batch, NULL));
    }
    assert_ok(
        weiri_matcher_advance(matcher, (int64_t)(watermark_s * (double)PB_SECOND), NULL));
    assert_ok(weiri_matcher_finish(matcher, NULL));
    f->counts = weiri_matcher_counts(matcher);
    weiri_matcher_destroy(&matcher);
}

/* The same however the input is cut. */
static void
expect(fixture *f, double watermark_s, const char *text)
{
    for (f->cut = 0; f->cut <= 3; f->cut++) {
        run(f, watermark_s);
        assert_string_equal(f->rig.text, text);
    }
}

static int
setup(void **state)
{
    static fixture f;
    memset(&f, 0, sizeof f);
    mr_open(&f.rig);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    fixture *f = *state;
    mr_close(&f->rig);
    return 0;
}

/* Events a second apart; a letter's type is its place in the alphabet. */
static void
events(fixture *f, const char *letters)
{
    mr_events(&f->rig, letters);
}

static weiri_pattern *
step(fixture *f, weiri_contiguity contiguity, const char *letter)
{
    return mr_step(&f->rig, contiguity, letter);
}

static void
pair_of(fixture *f, weiri_contiguity contiguity)
{
    weiri_pattern *a       = step(f, WEIRI_FIRST, "a");
    f->rig.b.plan->pattern = pb_group(&f->rig.b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST, a,
        step(f, contiguity, "b"), NULL);
}

static void
each_arrow_takes_what_it_says(void **state)
{
    fixture *f = *state;
    events(f, "axbb");
    pair_of(f, WEIRI_FOLLOWED);
    expect(f, 0, "a0 b2 @2; ");
    pair_of(f, WEIRI_FOLLOWED_ANY);
    f->rig.b.plan->pattern->items[1]->contiguity = WEIRI_FOLLOWED_ANY;
    expect(f, 0, "a0 b2 @2; a0 b3 @3; ");
    f->rig.b.plan->pattern->items[1]->contiguity = WEIRI_NEXT;
    expect(f, 0, "");
}

static void
each_skip_mode_drops_what_it_says(void **state)
{
    fixture *f = *state;
    events(f, "aabb");
    pair_of(f, WEIRI_FOLLOWED_ANY);
    const struct {
        weiri_skip  skip;
        const char *text;
    } cases[] = {
        { WEIRI_SKIP_NONE, "a0 b2 @2; a1 b2 @2; a0 b3 @3; a1 b3 @3; " },
        { WEIRI_SKIP_OVERLAPS, "a0 b2 @2; " },
        { WEIRI_SKIP_USED, "a0 b2 @2; a1 b3 @3; " },
        { WEIRI_SKIP_USED_LATEST, "a1 b2 @2; a0 b3 @3; " },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f->rig.b.plan->skip = cases[i].skip;
        expect(f, 0, cases[i].text);
    }
}

static void
window_includes_its_end_and_timeouts_have_the_deadline(void **state)
{
    fixture *f = *state;
    events(f, "axb");
    pair_of(f, WEIRI_FOLLOWED);
    f->rig.b.plan->within_ns  = 2 * PB_SECOND;
    f->rig.b.plan->on_timeout = pb_emit(&f->rig.b, NULL);
    expect(f, 10, "a0 b2 @2; ");
    f->rig.b.plan->within_ns = PB_SECOND;
    expect(f, 10, "timeout a0 @1; ");
    assert_int_equal(f->counts.timeouts, 1);
}

static void
absence_completes_at_its_deadline_unless_contradicted(void **state)
{
    fixture *f = *state;
    events(f, "axabax");
    weiri_pattern *a         = step(f, WEIRI_FIRST, "a");
    uint32_t       n         = pb_typed(&f->rig.b, "b", 1);
    f->rig.b.plan->within_ns = PB_SECOND;
    f->rig.b.plan->pattern   = pb_group(&f->rig.b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST, a,
          pb_not(&f->rig.b, WEIRI_FOLLOWED, n), NULL);
    expect(f, 9, "a0 @1; a4 @5; ");
    assert_int_equal(f->counts.dropped_at_end, 0);
    expect(f, 0, "a0 @1; ");
    assert_int_equal(f->counts.dropped_at_end, 1);
}

static void
keys_part_the_input_and_nulls_are_counted(void **state)
{
    fixture *f = *state;
    pb_event(f->rig.chunk, 0, 0, 0, 7, 0);
    pb_event(f->rig.chunk, 1, 0, 0, 8, 0);
    pb_event(f->rig.chunk, 2, 1, 0, INT64_MIN, 0);
    pb_event(f->rig.chunk, 3, 1, 0, 8, 0);
    pair_of(f, WEIRI_NEXT);
    pb_by(&f->rig.b, PB_K);
    expect(f, 0, "a1 b3 @3; ");
    assert_int_equal(f->counts.null_keys, 1);
    assert_int_equal(f->counts.live_keys, 1);
}

static void
registers_hold_what_was_taken(void **state)
{
    fixture *f = *state;
    events(f, "aaaab");
    pattern_builder *b = &f->rig.b;
    weiri_pattern   *a = pb_repeat(step(f, WEIRI_FIRST, "a"), 4, 4);
    weiri_expr      *v = pb_field(b, PB_V); /* 0 10 20 30 */
    b->plan->pattern   = pb_group(
          b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST, a, step(f, WEIRI_FOLLOWED, "b"), NULL);
    b->plan->emit = pb_emit(b, pb_register(b, WEIRI_REGISTER_LAST, 0, 0, v, WEIR_INT),
        pb_register(b, WEIRI_REGISTER_FIRST, 0, 0, v, WEIR_INT),
        pb_register(b, WEIRI_REGISTER_NTH, 0, 1, v, WEIR_INT),
        pb_register(b, WEIRI_REGISTER_NTH_LAST, 0, 1, v, WEIR_INT),
        pb_register(b, WEIRI_REGISTER_NTH_LAST, 0, 4, v, WEIR_INT),
        pb_register(b, WEIRI_REGISTER_COUNT, 0, 0, NULL, WEIR_INT),
        pb_register(b, WEIRI_REGISTER_SUM, 0, 0, v, WEIR_INT),
        pb_register(b, WEIRI_REGISTER_AVG, 0, 0, v, WEIR_FLOAT),
        pb_register(b, WEIRI_REGISTER_MIN, 0, 0, v, WEIR_INT),
        pb_register(b, WEIRI_REGISTER_MAX, 0, 0, v, WEIR_INT),
        pb_register(b, WEIRI_REGISTER_VARIANCE, 0, 0, v, WEIR_FLOAT),
        pb_register(b, WEIRI_REGISTER_COLLECT, 0, 0, v, WEIR_LIST),
        pb_register(b, WEIRI_REGISTER_LAST, WEIRI_NONE, 0, v, WEIR_INT),
        pb_register(b, WEIRI_REGISTER_START, 0, 0, NULL, WEIR_TIME),
        pb_register(b, WEIRI_REGISTER_END, 0, 0, NULL, WEIR_TIME), NULL);
    run(f, 0);
    assert_string_equal(
        f->values, "30 0 10 20 null 4 60 15 0 30 125 list:37 40 0 4000000000 ");
}

static void
overflowing_sum_is_null_and_a_fault(void **state)
{
    fixture *f = *state;
    pb_event(f->rig.chunk, 0, 0, 0, 0, INT64_MAX);
    pb_event(f->rig.chunk, 1, 0, 0, 0, 1);
    f->rig.b.plan->pattern = pb_repeat(step(f, WEIRI_FIRST, "a"), 2, 2);
    f->rig.b.plan->emit    = pb_emit(&f->rig.b,
           pb_register(
               &f->rig.b, WEIRI_REGISTER_SUM, 0, 0, pb_field(&f->rig.b, PB_V), WEIR_INT),
           NULL);
    run(f, 0);
    assert_string_equal(f->values, "null ");
    assert_int_equal(f->counts.faults, 1);
}

static void
condition_on_an_earlier_event_is_found_among_many(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 100; i++) {
        pb_event(f->rig.chunk, i, 0, i, 0, 0);
    }
    pb_event(f->rig.chunk, 100, 1, 42, 0, 0);
    pb_event(f->rig.chunk, 101, 1, 42, 0, 0);
    pb_event(f->rig.chunk, 102, 1, 7, 0, 0);
    uint32_t    a   = pb_typed(&f->rig.b, "a", 0);
    weiri_expr *reg = pb_register(
        &f->rig.b, WEIRI_REGISTER_LAST, a, 0, pb_field(&f->rig.b, PB_ID), WEIR_INT);
    uint32_t b             = pb_step(&f->rig.b, "b", pb_type_is(&f->rig.b, 1),
                    pb_call(&f->rig.b, "==", pb_field(&f->rig.b, PB_ID), reg));
    f->rig.b.plan->pattern = pb_group(&f->rig.b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
        pb_take(&f->rig.b, WEIRI_FIRST, a), pb_take(&f->rig.b, WEIRI_FOLLOWED, b), NULL);
    expect(f, 0, "a42 b100 @100; a7 b102 @102; ");
    assert_int_equal(f->counts.live_runs, 98);
}

/* `a ->> b` where b's field compares with a's; the rows of b that are given. */
static uint64_t
count_hits(fixture *f, const char *operator, uint32_t a_field, weir_type a_type,
    uint32_t b_field)
{
    f->rig.b        = pb_new(f->rig.arena);
    uint32_t    a   = pb_typed(&f->rig.b, "a", 0);
    weiri_expr *reg = pb_register(
        &f->rig.b, WEIRI_REGISTER_LAST, a, 0, pb_field(&f->rig.b, a_field), a_type);
    uint32_t b             = pb_step(&f->rig.b, "b", pb_type_is(&f->rig.b, 1),
                    pb_call(&f->rig.b, operator, pb_field(&f->rig.b, b_field), reg));
    f->rig.b.plan->pattern = pb_group(&f->rig.b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
        pb_take(&f->rig.b, WEIRI_FIRST, a), pb_take(&f->rig.b, WEIRI_FOLLOWED_ANY, b),
        NULL);
    run(f, 0);
    return f->counts.matches;
}

static const char *const ORDERS[] = { "<", "<=", ">", ">=", "==" };

static bool
compares(const char *operator, double a, double b)
{
    return strcmp(operator, "<") == 0    ? a < b
           : strcmp(operator, "<=") == 0 ? a <= b
           : strcmp(operator, ">") == 0  ? a > b
           : strcmp(operator, ">=") == 0 ? a >= b
                                         : a == b;
}

static void
event_meets_those_that_it_is_above_and_no_others(void **state)
{
    enum { N = 60 };
    fixture *f = *state;
    for (int i = 0; i < N; i++) { /* 0 … 29 twice, in some order, and nulls */
        pb_event(f->rig.chunk, i, 0, 0, 0, i % 10 == 9 ? INT64_MIN : i * 17 % 30);
    }
    for (int i = -1; i <= 30; i++) {
        pb_event(f->rig.chunk, 100 + i, 1, 0, 0, i);
    }
    for (size_t o = 0; o < sizeof ORDERS / sizeof ORDERS[0]; o++) {
        uint64_t expected = 0;
        for (int a = 0; a < N; a++) {
            for (int b = -1; b <= 30 && a % 10 != 9; b++) {
                expected += compares(ORDERS[o], b, a * 17 % 30);
            }
        }
        assert_int_equal(count_hits(f, ORDERS[o], PB_V, WEIR_INT, PB_V), expected);
    }
}

/* Integers beside 2^53 and at the ends of their range, and the floats nearest to them. */
static void
ints_and_floats_compare_exactly_however_large(void **state)
{
    static const int64_t ints[]   = { INT64_MIN + 1, INT64_MIN + 2, -9007199254740993,
          -9007199254740992, -1, 0, 1, 9007199254740992, 9007199254740993, 9007199254740994,
          INT64_MAX - 1, INT64_MAX };
    static const double  floats[] = { -0x1p64, -0x1p63, -9007199254740994.0,
         -9007199254740992.0, -1.5, -0.0, 0.5, 1.0, 9007199254740992.0, 9007199254740994.0,
         0x1p63, 0x1p64 };
    enum { N = sizeof ints / sizeof ints[0] };
    fixture *f = *state;
    for (uint32_t type = 0; type < 2; type++) { /* as many of each, so that some wait */
        for (uint32_t i = 0; i < 4 * N; i++) {
            weir_value x = { .type = WEIR_FLOAT, .as.f = floats[i % N] };
            pb_event(f->rig.chunk, 100.0 * type + i, type, 0, 0, ints[i % N]);
            assert_ok(weir_chunk_set(f->rig.chunk, f->rig.chunk->n_rows - 1, PB_X, &x));
        }
    }
    for (size_t o = 0; o < 4; o++) {
        uint64_t int_below = 0;
        uint64_t int_above = 0;
        for (uint32_t i = 0; i < N; i++) {
            for (uint32_t k = 0; k < N; k++) {
                long double exact = (long double)ints[i]; /* 64 bits of mantissa */
                long double other = (long double)floats[k];
                double      sign  = exact < other ? -1 : exact > other ? 1 : 0;
                int_below += compares(ORDERS[o], sign, 0);
                int_above += compares(ORDERS[o], 0, sign);
            }
        }
        assert_int_equal(
            count_hits(f, ORDERS[o], PB_X, WEIR_FLOAT, PB_V), 16 * int_below);
        assert_int_equal(count_hits(f, ORDERS[o], PB_V, WEIR_INT, PB_X), 16 * int_above);
    }
}

static void
bounds_drop_and_count(void **state)
{
    fixture *f = *state;
    events(f, "aaab");
    pair_of(f, WEIRI_FOLLOWED);
    f->rig.b.plan->max_runs = 2;
    expect(f, 0, "a1 b3 @3; a2 b3 @3; ");
    assert_int_equal(f->counts.dropped_runs, 1);
    f->rig.b.plan->max_runs    = 100;
    f->rig.b.plan->max_matches = 1;
    expect(f, 0, "a0 b3 @3; ");
    assert_int_equal(f->counts.dropped_matches, 2);
}

/* `c.v >= a.v` holds always, and has each partial match kept by itself. */
static void
bound_is_of_first_events_however_many_partial_matches_they_began(void **state)
{
    fixture *f = *state;
    events(f, "aaabbbc");
    uint32_t    a           = pb_typed(&f->rig.b, "a", 0);
    uint32_t    b           = pb_typed(&f->rig.b, "b", 1);
    weiri_expr *v           = pb_field(&f->rig.b, PB_V);
    weiri_expr *more        = pb_call(&f->rig.b, ">=", v,
               pb_register(&f->rig.b, WEIRI_REGISTER_LAST, a, 0, v, WEIR_INT));
    uint32_t    c           = pb_step(&f->rig.b, "c", pb_type_is(&f->rig.b, 2), more);
    f->rig.b.plan->pattern  = pb_group(&f->rig.b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
         pb_take(&f->rig.b, WEIRI_FIRST, a), pb_take(&f->rig.b, WEIRI_FOLLOWED_ANY, b),
         pb_take(&f->rig.b, WEIRI_FOLLOWED_ANY, c), NULL);
    f->rig.b.plan->max_runs = 2;
    expect(f, 0,
        "a1 b3 c6 @6; a1 b4 c6 @6; a1 b5 c6 @6; a2 b3 c6 @6; a2 b4 c6 @6; "
        "a2 b5 c6 @6; ");
    assert_int_equal(f->counts.dropped_runs, 1);
}

static void
key_without_state_is_forgotten(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 100; i++) {
        pb_event(f->rig.chunk, i, i % 2, 0, i / 2, 0);
    }
    pair_of(f, WEIRI_FOLLOWED);
    pb_by(&f->rig.b, PB_K);
    run(f, 0);
    assert_int_equal(f->counts.matches, 50);
    assert_int_equal(f->counts.live_keys, 0);
    assert_int_equal(f->counts.live_runs, 0);
}

static void
key_that_falls_idle_is_forgotten_once_its_window_is_over(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 100; i++) { /* the last two of each four are of one key */
        pb_event(f->rig.chunk, i * 0.01, 0, 0, i % 4 == 3 ? i - 1 : i, 0);
    }
    pair_of(f, WEIRI_FOLLOWED);
    pb_by(&f->rig.b, PB_K);
    f->rig.b.plan->skip      = WEIRI_SKIP_OVERLAPS;
    f->rig.b.plan->within_ns = PB_SECOND;
    run(f, 1);
    assert_int_equal(f->counts.live_keys, 75);
    assert_int_equal(f->counts.live_runs, 100);
    run(f, 3);
    assert_int_equal(f->counts.live_keys, 0);
    assert_int_equal(f->counts.live_runs, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_arrow_takes_what_it_says),
        TEST(each_skip_mode_drops_what_it_says),
        TEST(window_includes_its_end_and_timeouts_have_the_deadline),
        TEST(absence_completes_at_its_deadline_unless_contradicted),
        TEST(keys_part_the_input_and_nulls_are_counted),
        TEST(registers_hold_what_was_taken),
        TEST(overflowing_sum_is_null_and_a_fault),
        TEST(condition_on_an_earlier_event_is_found_among_many),
        TEST(bounds_drop_and_count),
        TEST(key_that_falls_idle_is_forgotten_once_its_window_is_over),
        TEST(bound_is_of_first_events_however_many_partial_matches_they_began),
        TEST(event_meets_those_that_it_is_above_and_no_others),
        TEST(ints_and_floats_compare_exactly_however_large),
        TEST(key_without_state_is_forgotten),
    };
    return cmocka_run_group_tests_name("matcher", tests, NULL, NULL);
}
