/* Each kind of window on a few events, with results worked out by hand. */
#include "weir_test.h"

#include <stdio.h>
#include <string.h>

#include "weiri/window.h"

#define SECOND INT64_C(1000000000)

static const weir_field FIELDS[] = {
    { .name = "key", .type = WEIR_INT, .is_nullable = true },
    { .name = "x", .type = WEIR_INT },
};
static const weir_schema SCHEMA = { "in", FIELDS, 2, -1 };

enum { N_OUT = 4, NULL_KEY = -1 };

static const weir_field OUT_FIELDS[N_OUT] = {
    { .name = "start", .type = WEIR_TIME },
    { .name = "end", .type = WEIR_TIME },
    { .name = "key", .type = WEIR_INT },
    { .name = "sum", .type = WEIR_INT },
};
static const weir_schema OUT = { "out", OUT_FIELDS, N_OUT, -1 };

typedef struct fixture {
    weiri_arena      *arena;
    weiri_window      window;
    weiri_aggregate   aggregates[N_OUT];
    const weiri_expr *key;
    const weiri_expr *values[N_OUT];
    weiri_emit        emit;
    weiri_query       query;
    weiri_windower   *windower;
    int64_t           last;
    char              got[512]; /* "time:start-end k=sum " a result, in seconds */
} fixture;

static int
setup(void **state)
{
    static fixture it; /* reset for each test */
    it                                = (fixture){ .arena = weiri_arena_new() };
    it.key                            = weiri_expr_field(it.arena, &SCHEMA, 0);
    weiri_aggregate_kind kinds[N_OUT] = { WEIRI_AGGREGATE_START, WEIRI_AGGREGATE_END,
        WEIRI_AGGREGATE_KEY, WEIRI_AGGREGATE_SUM };
    for (uint32_t a = 0; a < N_OUT; a++) {
        it.aggregates[a] = (weiri_aggregate){ .kind = kinds[a], .type = WEIR_INT };
        if (kinds[a] == WEIRI_AGGREGATE_SUM) {
            it.aggregates[a].argument = weiri_expr_field(it.arena, &SCHEMA, 1);
        }
        assert_ok(weiri_aggregate_resolve(&it.aggregates[a], NULL));
        it.values[a] = weiri_expr_register(
            it.arena, a, it.aggregates[a].type, WEIR_NULL, it.aggregates[a].is_nullable);
    }
    it.window = (weiri_window){ .keys = &it.key,
        .n_keys                       = 1,
        .aggregates                   = it.aggregates,
        .n_aggregates                 = N_OUT,
        .limit_ns                     = -1 };
    it.emit   = (weiri_emit){ &OUT, it.values, 0 };
    it.query = (weiri_query){ .schema = &SCHEMA, .emit = &it.emit, .window = &it.window };
    *state   = &it;
    return 0;
}

static int
teardown(void **state)
{
    fixture *it = *state;
    weiri_windower_destroy(&it->windower);
    weiri_arena_destroy(&it->arena);
    return 0;
}

static weir_status
emitted(void *context, int64_t time_ns, const weir_value *values)
{
    fixture *it   = context;
    size_t   used = strlen(it->got);
    int      n    = snprintf(it->got + used, sizeof it->got - used,
                "%lld:%lld-%lld %lld=", (long long)(time_ns / SECOND),
                (long long)(values[0].as.i / SECOND), (long long)(values[1].as.i / SECOND),
                (long long)values[2].as.i);
    used += (size_t)n;
    if (values[3].is_null) {
        snprintf(it->got + used, sizeof it->got - used, "null ");
    } else {
        snprintf(
            it->got + used, sizeof it->got - used, "%lld ", (long long)values[3].as.i);
    }
    return WEIR_OK;
}

static void
start(fixture *it)
{
    weiri_window_sink sink = { .context = it, .emitted = emitted };
    weir_error        err  = { 0 };
    assert_ok(weiri_windower_new(&it->query, &sink, &it->windower, &err));
}

/* One event at t seconds. */
static void
event(fixture *it, int64_t t, int64_t key, int64_t x)
{
    weir_chunk *chunk = NULL;
    weir_error  err   = { 0 };
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    weir_value k    = { .type = WEIR_INT, .as.i = key, .is_null = key == NULL_KEY };
    weir_value v    = { .type = WEIR_INT, .as.i = x };
    chunk->time[0]  = t * SECOND;
    chunk->order[0] = 0;
    assert_ok(weir_chunk_set(chunk, 0, 0, &k));
    assert_ok(weir_chunk_set(chunk, 0, 1, &v));
    chunk->n_rows = 1;
    assert_ok(weiri_windower_feed(it->windower, (weir_rows){ chunk, 0, 1 }, &err));
    const weir_chunk *shared = chunk;
    weir_chunk_unref(&shared);
}

static void
finish(fixture *it, const char *expected)
{
    assert_ok(weiri_windower_finish(it->windower, NULL));
    assert_string_equal(it->got, expected);
}

static void
tumbling_windows_hold_their_start_and_not_their_end(void **state)
{
    fixture *it         = *state;
    it->window.width_ns = 10 * SECOND;
    start(it);
    event(it, 0, 7, 1);
    event(it, 9, 5, 2);
    event(it, 9, 7, 3);
    assert_string_equal(it->got, "");
    event(it, 10, 5, 4); /* closes the first window before it is counted */
    assert_string_equal(it->got, "10:0-10 7=4 10:0-10 5=2 ");
    finish(it, "10:0-10 7=4 10:0-10 5=2 20:10-20 5=4 ");
}

static void
a_watermark_closes_what_ends_by_then(void **state)
{
    fixture *it         = *state;
    it->window.width_ns = 10 * SECOND;
    start(it);
    event(it, 3, 1, 1);
    assert_ok(weiri_windower_advance(it->windower, 10 * SECOND - 1, NULL));
    assert_string_equal(it->got, "");
    assert_ok(weiri_windower_advance(it->windower, 10 * SECOND, NULL));
    assert_string_equal(it->got, "10:0-10 1=1 ");
    finish(it, "10:0-10 1=1 ");
}

static void
hopping_windows_overlap(void **state)
{
    fixture *it         = *state;
    it->window.kind     = WEIRI_WINDOW_HOPPING;
    it->window.width_ns = 10 * SECOND;
    it->window.every_ns = 5 * SECOND;
    start(it);
    event(it, 3, 1, 1);
    event(it, 7, 1, 2);
    event(it, 12, 2, 4);
    event(it, 13, 1, 8);
    finish(it, "5:-5-5 1=1 10:0-10 1=3 15:5-15 1=10 15:5-15 2=4 20:10-20 2=4 "
               "20:10-20 1=8 ");
}

static void
a_sliding_window_holds_its_oldest_time(void **state)
{
    fixture *it         = *state;
    it->window.kind     = WEIRI_WINDOW_SLIDING;
    it->window.width_ns = 10 * SECOND;
    start(it);
    event(it, 0, 1, 1);
    event(it, 10, 1, 2);
    event(it, 10, 1, 4);
    event(it, 11, 1, 8);
    finish(it, "0:0-0 1=1 10:0-10 1=3 10:0-10 1=7 11:10-11 1=14 ");
}

static void
before_leaves_the_event_out(void **state)
{
    fixture *it          = *state;
    it->window.kind      = WEIRI_WINDOW_LAST;
    it->window.n_rows    = 2;
    it->window.is_before = true;
    start(it);
    event(it, 0, 1, 1);
    event(it, 1, 1, 2);
    event(it, 2, 1, 4);
    event(it, 3, 1, 8);
    finish(it, "0:0-0 1=0 1:0-1 1=1 2:0-2 1=3 3:1-3 1=6 ");
}

/* having sum(x) >= bound */
static void
set_having(fixture *it, int64_t bound)
{
    weir_value  value  = { .type = WEIR_INT, .as.i = bound };
    weiri_expr *args[] = { weiri_expr_register(it->arena, 3, WEIR_INT, WEIR_NULL, true),
        weiri_expr_constant(it->arena, &value) };
    weiri_expr *having = NULL;
    assert_ok(weiri_expr_call(it->arena, ">=", args, 2, &having, NULL));
    it->window.having = having;
}

static void
reset_counts_anew(void **state)
{
    fixture *it         = *state;
    it->window.kind     = WEIRI_WINDOW_SLIDING;
    it->window.width_ns = 100 * SECOND;
    it->window.is_reset = true;
    set_having(it, 3);
    start(it);
    for (int64_t t = 0; t < 7; t++) {
        event(it, t, 1, 1);
    }
    finish(it, "2:0-2 1=3 5:3-5 1=3 ");
}

static void
when_changes_emits_once_until_it_falls(void **state)
{
    fixture *it            = *state;
    it->window.kind        = WEIRI_WINDOW_LAST;
    it->window.n_rows      = 2;
    it->window.has_changes = true;
    set_having(it, 3);
    start(it);
    static const int64_t X[] = { 1, 2, 2, 0, 0, 3, 9 };
    for (int64_t t = 0; t < 7; t++) {
        event(it, t, 1, X[t]);
    }
    finish(it, "1:0-1 1=3 5:4-5 1=3 ");
}

static void
a_session_ends_at_its_gap(void **state)
{
    fixture *it         = *state;
    it->window.kind     = WEIRI_WINDOW_SESSION;
    it->window.width_ns = 5 * SECOND;
    start(it);
    event(it, 0, 1, 1);
    event(it, 4, 1, 2);
    event(it, 4, 2, 4);
    event(it, 9, 1, 8); /* at the very end: another session */
    finish(it, "9:0-9 1=3 9:4-9 2=4 14:9-14 1=8 ");
}

static void
early_results_show_what_is_new(void **state)
{
    fixture *it         = *state;
    it->window.width_ns = 10 * SECOND;
    it->window.early_ns = 2 * SECOND;
    start(it);
    event(it, 1, 1, 1);
    event(it, 5, 2, 2);
    event(it, 6, 1, 4);
    event(it, 12, 1, 8);
    finish(it, "2:0-10 1=1 6:0-10 2=2 8:0-10 1=5 10:0-10 1=5 10:0-10 2=2 20:10-20 1=8 ");
}

static void
fill_gives_windows_without_events(void **state)
{
    fixture *it         = *state;
    it->window.width_ns = 10 * SECOND;
    it->window.has_fill = true;
    start(it);
    event(it, 1, 1, 1);
    event(it, 12, 2, 2);
    event(it, 31, 2, 4);
    finish(it, "10:0-10 1=1 20:10-20 2=2 20:10-20 1=0 30:20-30 1=0 30:20-30 2=0 "
               "40:30-40 2=4 40:30-40 1=0 ");
}

static void
fill_passes_over_a_gap_that_is_too_long(void **state)
{
    fixture *it          = *state;
    it->window.kind      = WEIRI_WINDOW_TUMBLING;
    it->window.width_ns  = 10 * SECOND;
    it->window.has_fill  = true;
    it->window.max_fills = 2;
    start(it);
    event(it, 5, 1, 1);
    event(it, 1000005, 1, 2);
    event(it, 1000025, 1, 4);
    finish(it, "10:0-10 1=1 20:10-20 1=0 30:20-30 1=0 1000010:1000000-1000010 1=2 "
               "1000020:1000010-1000020 1=0 1000030:1000020-1000030 1=4 ");
    assert_int_equal(weiri_windower_counts(it->windower).dropped_fills, 99997);
}

static void
a_condition_that_stays_true_from_window_to_window_is_told_once(void **state)
{
    fixture *it            = *state;
    it->window.kind        = WEIRI_WINDOW_TUMBLING;
    it->window.width_ns    = 10 * SECOND;
    it->window.has_changes = true;
    start(it);
    event(it, 5, 1, 1);
    event(it, 15, 1, 2);
    event(it, 16, 2, 4);
    event(it, 35, 1, 8);
    finish(it, "10:0-10 1=1 20:10-20 2=4 40:30-40 1=8 ");
}

static void
limits_hold_a_key_back(void **state)
{
    fixture *it         = *state;
    it->window.kind     = WEIRI_WINDOW_SLIDING;
    it->window.width_ns = 1;
    it->window.limit    = 1;
    it->window.limit_ns = 10 * SECOND;
    start(it);
    event(it, 0, 1, 1);
    event(it, 9, 1, 2);
    event(it, 9, 2, 3);
    event(it, 10, 1, 4);
    finish(it, "0:0-0 1=1 9:9-9 2=3 10:10-10 1=4 ");
    assert_int_equal(weiri_windower_counts(it->windower).limited, 1);
}

static void
order_takes_the_first_of_a_window(void **state)
{
    fixture    *it    = *state;
    weiri_order order = { it->values[3], true };

    it->window.width_ns    = 10 * SECOND;
    it->window.order       = &order;
    it->window.n_order     = 1;
    it->window.order_limit = 2;
    start(it);
    event(it, 0, 1, 5);
    event(it, 1, 2, 9);
    event(it, 2, 3, 5);
    event(it, 3, 4, 1);
    finish(it, "10:0-10 2=9 10:0-10 1=5 ");
}

/* Values and keys are so that neither is in the order of the other. */
static void
order_takes_the_first_of_each(void **state)
{
    fixture    *it      = *state;
    weiri_order order[] = { { it->values[2], true }, { it->values[3], false } };

    it->window.width_ns    = 10 * SECOND;
    it->window.order       = order;
    it->window.n_order     = 2;
    it->window.n_each      = 1;
    it->window.order_limit = 2;
    start(it);
    event(it, 0, 1, 5);
    event(it, 1, 2, 9);
    event(it, 2, 4, 5);
    event(it, 3, 3, 5);
    event(it, 4, 5, 1);
    finish(it, "10:0-10 5=1 10:0-10 4=5 10:0-10 3=5 10:0-10 2=9 ");
}

/* What waits is cut now and then, and the first of each are still there. */
static void
order_takes_the_first_of_each_among_many(void **state)
{
    fixture    *it      = *state;
    weiri_order order[] = { { it->values[2], true }, { it->values[3], false } };

    it->window.width_ns    = 10000 * SECOND;
    it->window.order       = order;
    it->window.n_order     = 2;
    it->window.n_each      = 1;
    it->window.order_limit = 1;
    start(it);
    for (int i = 0; i < 5000; i++) {
        event(it, i, i, i % 3);
    }
    finish(it, "10000:0-10000 4999=1 10000:0-10000 4998=0 10000:0-10000 4997=2 ");
}

static void
a_sum_out_of_range_is_null_and_comes_back(void **state)
{
    fixture *it       = *state;
    it->window.kind   = WEIRI_WINDOW_LAST;
    it->window.n_rows = 2;
    start(it);
    event(it, 0, 1, INT64_MAX);
    event(it, 1, 1, 1);
    event(it, 2, 1, 2);
    finish(it, "0:0-0 1=9223372036854775807 1:0-1 1=null 2:1-2 1=3 ");
    assert_int_equal(weiri_windower_counts(it->windower).faults, 1);
}

static void
bounds_drop_and_count(void **state)
{
    fixture *it         = *state;
    it->window.kind     = WEIRI_WINDOW_SLIDING;
    it->window.width_ns = 10 * SECOND;
    it->window.max_keys = 1;
    it->window.max_rows = 2;
    start(it);
    event(it, 0, 1, 1);
    event(it, 1, 2, 2); /* no room for its key */
    event(it, 1, NULL_KEY, 2);
    event(it, 2, 1, 4);
    event(it, 3, 1, 8);   /* the row of time 0 goes */
    event(it, 20, 2, 16); /* key 1 has run empty */
    finish(it, "0:0-0 1=1 2:0-2 1=5 3:2-3 1=12 20:20-20 2=16 ");
    weiri_window_counts counts = weiri_windower_counts(it->windower);
    assert_int_equal(counts.dropped_keys, 1);
    assert_int_equal(counts.dropped_rows, 1);
    assert_int_equal(counts.null_keys, 1);
    assert_int_equal(counts.live_keys, 1);
    assert_int_equal(counts.live_rows, 1);
}

static void
words_that_do_not_go_together_are_refused(void **state)
{
    fixture          *it   = *state;
    weiri_window_sink sink = { .context = it, .emitted = emitted };
    weir_error        err  = { 0 };
    assert_int_equal(
        weiri_windower_new(&it->query, &sink, &it->windower, &err), WEIR_EINVAL);
    it->window.width_ns = SECOND;
    it->window.is_reset = true;
    assert_int_equal(
        weiri_windower_new(&it->query, &sink, &it->windower, &err), WEIR_EINVAL);
    it->window.is_reset = false;
    it->values[3]       = weiri_expr_field(it->arena, &SCHEMA, 1); /* of which event? */
    assert_int_equal(
        weiri_windower_new(&it->query, &sink, &it->windower, &err), WEIR_EINVAL);
    it->window.kind = WEIRI_WINDOW_SLIDING;
    assert_ok(weiri_windower_new(&it->query, &sink, &it->windower, &err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tumbling_windows_hold_their_start_and_not_their_end),
        TEST(a_watermark_closes_what_ends_by_then),
        TEST(hopping_windows_overlap),
        TEST(a_sliding_window_holds_its_oldest_time),
        TEST(before_leaves_the_event_out),
        TEST(reset_counts_anew),
        TEST(when_changes_emits_once_until_it_falls),
        TEST(a_session_ends_at_its_gap),
        TEST(early_results_show_what_is_new),
        TEST(fill_gives_windows_without_events),
        TEST(fill_passes_over_a_gap_that_is_too_long),
        TEST(a_condition_that_stays_true_from_window_to_window_is_told_once),
        TEST(limits_hold_a_key_back),
        TEST(order_takes_the_first_of_a_window),
        TEST(order_takes_the_first_of_each),
        TEST(order_takes_the_first_of_each_among_many),
        TEST(a_sum_out_of_range_is_null_and_comes_back),
        TEST(bounds_drop_and_count),
        TEST(words_that_do_not_go_together_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
