/* Random streams and windows, cut at random, against a computation from the definition.
 */
#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random.h"
#include "keyed_bytes.h"
#include "weiri/limits.h"
#include "window_naive.h"

#define SECOND INT64_C(1000000000)

enum {
    N_KINDS         = WEIRI_WINDOW_BATCH + 1,
    N_CASES         = 1000,
    MOST_TEXT       = 1 << 16,
    MOST_AGGREGATES = 40
};

static const weir_field FIELDS[N_FIELDS] = {
    { .name = "key", .type = WEIR_STRING, .is_nullable = true },
    { .name = "x", .type = WEIR_FLOAT, .is_nullable = true },
    { .name = "y", .type = WEIR_INT, .is_nullable = true },
    { .name = "s", .type = WEIR_STRING },
    { .name = "b", .type = WEIR_BOOL, .is_nullable = true },
};
static const weir_schema SCHEMA = {
    .name = "in", .fields = FIELDS, .n_fields = N_FIELDS, .time_field = -1
};

static int64_t
below(uint64_t *seed, int64_t n)
{
    return (int64_t)((next_random(seed) >> 11) % (uint64_t)n);
}

/* ---- events ---- */

static double
random_float(uint64_t *seed)
{
    switch (below(seed, 12)) {
    case 0: return 0.0;
    case 1: return 1e300;
    case 2: return -1e300;
    case 3: return 1e15 + 0.25;
    case 4: return -3.0;
    case 5: return 7.5e-20;
    default: return (double)(below(seed, 2000000) - 1000000) / 977.0;
    }
}

static int64_t
random_int(uint64_t *seed)
{
    switch (below(seed, 16)) {
    case 0: return INT64_MAX;
    case 1: return INT64_MIN;
    case 2: return INT64_MAX - 5;
    default: return below(seed, 20) - 6;
    }
}

static uint32_t
make_events(uint64_t *seed, naive_event *events)
{
    static const char *const KEYS[]  = { "a", "b", "", "dd", "a long key of its own" };
    static const char *const TEXTS[] = { "", "x", "xy", "zebra", "y" };
    uint32_t n       = 1 + (uint32_t)below(seed, below(seed, 4) == 0 ? 200 : 40);
    int64_t  n_keys  = 1 + below(seed, 5);
    bool     is_tame = below(seed, 2) == 0;
    int64_t  t       = (below(seed, 100) - 30) * SECOND;
    for (uint32_t i = 0; i < n; i++) {
        int64_t step = below(seed, 10);
        t += step < 4   ? 0
             : step < 9 ? below(seed, 3) * SECOND + below(seed, 2)
                        : below(seed, 40) * SECOND;
        events[i] = (naive_event){
            .t      = t,
            .key    = below(seed, 20) == 0 ? NULL : KEYS[below(seed, n_keys)],
            .x      = is_tame ? (double)below(seed, 1000) / 7.0 : random_float(seed),
            .x_null = below(seed, 8) == 0,
            .y      = is_tame ? below(seed, 9) - 4 : random_int(seed),
            .y_null = below(seed, 8) == 0,
            .s      = TEXTS[below(seed, 5)],
            .b      = below(seed, 2) == 0,
            .b_null = below(seed, 8) == 0,
        };
    }
    return n;
}

static void
set_text(weir_chunk *chunk, uint32_t row, uint32_t field, const char *text)
{
    weir_value value = { .type = WEIR_STRING, .is_null = text == NULL };
    value.as.s       = text;
    value.size       = text == NULL ? 0 : (uint32_t)strlen(text);
    assert_ok(weir_chunk_set(chunk, row, field, &value));
}

static weir_chunk *
make_chunk(const naive_event *events, uint32_t n)
{
    weir_chunk *chunk = NULL;
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    for (uint32_t i = 0; i < n; i++) {
        const naive_event *event = &events[i];
        weir_value         x     = { .type = WEIR_FLOAT, .is_null = event->x_null };
        weir_value         y     = { .type = WEIR_INT, .is_null = event->y_null };
        weir_value         b     = { .type = WEIR_BOOL, .is_null = event->b_null };
        x.as.f                   = event->x;
        y.as.i                   = event->y;
        b.as.b                   = event->b;
        chunk->time[i]           = event->t;
        chunk->order[i]          = i;
        set_text(chunk, i, FIELD_KEY, event->key);
        set_text(chunk, i, FIELD_S, event->s);
        assert_ok(weir_chunk_set(chunk, i, FIELD_X, &x));
        assert_ok(weir_chunk_set(chunk, i, FIELD_Y, &y));
        assert_ok(weir_chunk_set(chunk, i, FIELD_B, &b));
        chunk->n_rows = i + 1;
    }
    return chunk;
}

/* ---- plans ---- */

typedef struct test_plan {
    weiri_arena      *arena;
    weiri_window      window;
    weiri_aggregate   aggregates[MOST_AGGREGATES];
    weir_field        fields[MOST_AGGREGATES];
    weir_schema       schema;
    weiri_emit        emit;
    weiri_query       query;
    const weiri_expr *keys[1];
    weiri_order       order[2];
    int64_t           having;
    uint32_t          count;   /* the aggregate that is count() */
    bool              is_lean; /* only aggregates that look at no other rows */
} test_plan;

/* Sliding windows have another way for rules without these. */
static bool
is_row_bound(weiri_aggregate_kind kind)
{
    switch (kind) {
    case WEIRI_AGGREGATE_START:
    case WEIRI_AGGREGATE_FIRST:
    case WEIRI_AGGREGATE_LAG:
    case WEIRI_AGGREGATE_COLLECT:
    case WEIRI_AGGREGATE_STDDEV:
    case WEIRI_AGGREGATE_VARIANCE:
    case WEIRI_AGGREGATE_EWMA:
    case WEIRI_AGGREGATE_SLOPE:
    case WEIRI_AGGREGATE_CORRELATION: return true;
    default: return false;
    }
}

static void
add_aggregate(test_plan *self, weiri_aggregate_kind kind, int x, int filter)
{
    weir_error err = { 0 };
    if (self->is_lean && is_row_bound(kind)) {
        return;
    }
    weiri_aggregate *a = &self->aggregates[self->window.n_aggregates++];
    *a = (weiri_aggregate){ .kind = kind, .k = 2, .p = 0.9, .width_ns = 5 * SECOND };
    if (x >= 0) {
        a->argument = weiri_expr_field(self->arena, &SCHEMA, (uint32_t)x);
    }
    if (filter >= 0) {
        a->filter = weiri_expr_field(self->arena, &SCHEMA, (uint32_t)filter);
    }
    if (kind == WEIRI_AGGREGATE_CORRELATION) {
        a->second = weiri_expr_field(self->arena, &SCHEMA, FIELD_Y);
    }
    if (kind == WEIRI_AGGREGATE_KEY) {
        a->type        = WEIR_STRING;
        a->is_nullable = false;
    }
    a->index = kind == WEIRI_AGGREGATE_LAG && !self->window.is_before;
    assert_ok(weiri_aggregate_resolve(a, &err));
}

static void
add_aggregates(test_plan *self)
{
    enum { NONE = -1 };
    add_aggregate(self, WEIRI_AGGREGATE_START, NONE, NONE);
    add_aggregate(self, WEIRI_AGGREGATE_END, NONE, NONE);
    self->count = self->window.n_aggregates;
    add_aggregate(self, WEIRI_AGGREGATE_COUNT, NONE, NONE);
    add_aggregate(self, WEIRI_AGGREGATE_COUNT, FIELD_B, NONE);
    add_aggregate(self, WEIRI_AGGREGATE_COUNT, FIELD_X, NONE);
    add_aggregate(self, WEIRI_AGGREGATE_COUNT, NONE, FIELD_B);
    for (int field = FIELD_X; field <= FIELD_Y; field++) {
        add_aggregate(self, WEIRI_AGGREGATE_SUM, field, NONE);
        add_aggregate(self, WEIRI_AGGREGATE_AVG, field, NONE);
        add_aggregate(self, WEIRI_AGGREGATE_MIN, field, FIELD_B);
        add_aggregate(self, WEIRI_AGGREGATE_MAX, field, NONE);
        add_aggregate(self, WEIRI_AGGREGATE_STDDEV, field, NONE);
        add_aggregate(self, WEIRI_AGGREGATE_VARIANCE, field, FIELD_B);
        add_aggregate(self, WEIRI_AGGREGATE_MEDIAN, field, NONE);
        add_aggregate(self, WEIRI_AGGREGATE_EWMA, field, NONE);
        add_aggregate(self, WEIRI_AGGREGATE_SLOPE, field, NONE);
        add_aggregate(self, WEIRI_AGGREGATE_DISTINCT, field, NONE);
    }
    add_aggregate(self, WEIRI_AGGREGATE_QUANTILE, FIELD_Y, NONE);
    add_aggregate(self, WEIRI_AGGREGATE_MIN, FIELD_S, NONE);
    add_aggregate(self, WEIRI_AGGREGATE_MAX, FIELD_S, FIELD_B);
    add_aggregate(self, WEIRI_AGGREGATE_DISTINCT, FIELD_S, NONE);
    add_aggregate(self, WEIRI_AGGREGATE_FIRST, FIELD_X, FIELD_B);
    add_aggregate(self, WEIRI_AGGREGATE_LAST, FIELD_S, FIELD_B);
    add_aggregate(self, WEIRI_AGGREGATE_COLLECT, FIELD_Y, NONE);
    add_aggregate(self, WEIRI_AGGREGATE_COLLECT, FIELD_S, FIELD_B);
    add_aggregate(self, WEIRI_AGGREGATE_TOP, FIELD_S, NONE);
    add_aggregate(self, WEIRI_AGGREGATE_CORRELATION, FIELD_X, NONE);
    if (self->window.kind == WEIRI_WINDOW_SLIDING
        || self->window.kind == WEIRI_WINDOW_LAST) {
        add_aggregate(self, WEIRI_AGGREGATE_LAG, FIELD_X, NONE);
        add_aggregate(self, WEIRI_AGGREGATE_LAG, FIELD_S, FIELD_B);
    }
    if (self->window.n_keys > 0) {
        add_aggregate(self, WEIRI_AGGREGATE_KEY, NONE, NONE);
    }
    assert_true(self->window.n_aggregates <= MOST_AGGREGATES);
}

static weiri_expr *
register_of(test_plan *self, uint32_t a)
{
    const weiri_aggregate *it = &self->aggregates[a];
    return weiri_expr_register(self->arena, a, it->type, it->element, it->is_nullable);
}

static void
choose_window(test_plan *self, uint64_t *seed)
{
    weiri_window *w = &self->window;
    w->kind         = (weiri_window_kind)below(seed, N_KINDS);
    w->width_ns     = (1 + below(seed, 20)) * SECOND;
    w->every_ns     = (1 + below(seed, 20)) * SECOND;
    w->n_rows       = 1 + (uint32_t)below(seed, 6);
    w->limit_ns     = -1;
    w->has_changes  = below(seed, 4) == 0;
    bool is_event   = naive_is_per_event(w);
    bool is_batch   = w->kind == WEIRI_WINDOW_BATCH;
    bool is_aligned = w->kind == WEIRI_WINDOW_TUMBLING || w->kind == WEIRI_WINDOW_HOPPING;
    w->is_before    = is_event && below(seed, 3) == 0;
    w->is_reset     = is_event && below(seed, 3) == 0;
    w->has_fill     = is_aligned && below(seed, 4) == 0;
    if (is_aligned && below(seed, 3) == 0) {
        w->offset_ns = below(seed, 2 * w->width_ns - 1) - w->width_ns + 1;
    }
    if (!is_event && !is_batch && below(seed, 3) == 0) {
        w->early_ns = (1 + below(seed, 7)) * SECOND;
    }
    if (below(seed, 4) == 0) {
        w->limit    = 1 + (uint32_t)below(seed, 3);
        w->limit_ns = below(seed, 3) == 0 ? -1 : below(seed, 30) * SECOND;
    }
}

static void
make_plan(test_plan *self, uint64_t *seed)
{
    *self             = (test_plan){ .arena = weiri_arena_new() };
    weiri_window *w   = &self->window;
    weir_error    err = { 0 };
    w->aggregates     = self->aggregates;
    w->keys           = self->keys;
    w->n_keys         = below(seed, 4) == 0 ? 0 : 1;
    self->keys[0]     = weiri_expr_field(self->arena, &SCHEMA, FIELD_KEY);
    choose_window(self, seed);
    self->is_lean = below(seed, 2) == 0;
    add_aggregates(self);
    if (below(seed, 2) == 0) {
        self->having       = 1 + below(seed, 4);
        weir_value  bound  = { .type = WEIR_INT, .as.i = self->having };
        weiri_expr *args[] = { register_of(self, self->count),
            weiri_expr_constant(self->arena, &bound) };
        weiri_expr *holds  = NULL;
        assert_ok(weiri_expr_call(self->arena, ">=", args, 2, &holds, &err));
        w->having = holds;
    }
    bool can_order = !naive_is_per_event(w) && w->kind != WEIRI_WINDOW_BATCH;
    if (can_order && below(seed, 4) == 0) {
        self->order[0] =
            (weiri_order){ register_of(self, self->count), below(seed, 2) == 0 };
        self->order[1] = (weiri_order){ register_of(self, self->count), false };
        w->order       = self->order;
        w->n_each      = (uint32_t)below(seed, 2);
        w->n_order     = 1 + w->n_each;
        w->order_limit = (uint32_t)below(seed, 3);
    }
    const weiri_expr **values =
        weiri_arena_alloc(self->arena, w->n_aggregates * sizeof *values);
    for (uint32_t a = 0; a < w->n_aggregates; a++) {
        values[a]       = register_of(self, a);
        self->fields[a] = (weir_field){ .name = "v", .type = self->aggregates[a].type };
    }
    self->schema = (weir_schema){ "out", self->fields, w->n_aggregates, -1 };
    self->emit   = (weiri_emit){ &self->schema, values, 0 };
    self->query  = (weiri_query){ .schema = &SCHEMA, .emit = &self->emit, .window = w };
}

/* ---- running ---- */

typedef struct check {
    const naive_run *expected;
    uint32_t         n;
    uint64_t         seed;
} check;

static weir_status
emitted(void *context, int64_t time_ns, const weir_value *values)
{
    static const char *const KINDS[] = {
#define X(name, text) #name,
        WEIRI_AGGREGATE_LIST(X)
#undef X
    };
    check           *self = context;
    const naive_run *run  = self->expected;
    char            *text = malloc(MOST_TEXT);
    assert_non_null(text);
    if (self->n >= run->n_results) {
        fail_msg(
            "seed %llu: more results than %u", (unsigned long long)self->seed, self->n);
    }
    const naive_result *result = &run->results[self->n];
    if (result->time_ns != time_ns) {
        fail_msg("seed %llu: result %u: time %lld, not %lld",
            (unsigned long long)self->seed, self->n, (long long)time_ns,
            (long long)result->time_ns);
    }
    for (uint32_t a = 0; a < run->plan->n_aggregates; a++) {
        const weiri_aggregate *plan     = &run->plan->aggregates[a];
        weir_value             expected = { .type = WEIR_STRING };
        if (plan->kind == WEIRI_AGGREGATE_KEY) {
            expected.as.s = run->events[result->key].key;
            expected.size = (uint32_t)strlen(expected.as.s);
        } else {
            expected = naive_value(plan, result->set, text);
        }
        if (!naive_agrees(plan, result->set, &expected, &values[a])) {
            print_error(
                "width %lld every %lld early %lld fill %d changes %d limit %u per "
                "%lld order %u %u time %lld end %lld early %d\n",
                (long long)run->plan->width_ns, (long long)run->plan->every_ns,
                (long long)run->plan->early_ns, run->plan->has_fill,
                run->plan->has_changes, run->plan->limit, (long long)run->plan->limit_ns,
                run->plan->n_order, run->plan->order_limit, (long long)time_ns,
                (long long)result->end, result->is_early);
            for (uint32_t i = 0; i < result->set->n; i++) {
                const naive_event *event = &run->events[result->set->at[i]];
                print_error("  %lld x %.17g%s y %lld%s s '%s' b %d%s\n",
                    (long long)event->t, event->x, event->x_null ? " null" : "",
                    (long long)event->y, event->y_null ? " null" : "", event->s, event->b,
                    event->b_null ? " null" : "");
            }
            fail_msg("seed %llu: window kind %d: result %u: %s (%u): %d %.17g %lld, not "
                     "%d %.17g %lld",
                (unsigned long long)self->seed, run->plan->kind, self->n,
                KINDS[plan->kind], a, values[a].is_null, values[a].as.f,
                (long long)values[a].as.i, expected.is_null, expected.as.f,
                (long long)expected.as.i);
        }
    }
    free(text);
    self->n++;
    return WEIR_OK;
}

/* A new operator in the place of one, from its bytes. */
static void
reload(
    weiri_windower **windower_p, const weiri_query *query, const weiri_window_sink *sink)
{
    weir_error err   = { 0 };
    weiri_pack saved = { .size = 0 };
    weiri_pack again = { .size = 0 };
    assert_ok(windower_to_bytes(*windower_p, &saved, &err));
    weiri_windower_destroy(windower_p);
    assert_ok(weiri_windower_new(query, sink, windower_p, &err));
    if (windower_of_bytes(*windower_p, saved.bytes, saved.size, &err) != WEIR_OK) {
        fail_msg("%s", err.text);
    }
    assert_ok(windower_to_bytes(*windower_p, &again, &err));
    assert_int_equal(saved.size, again.size);
    assert_memory_equal(saved.bytes, again.bytes, saved.size);
    weiri_pack_fini(&saved);
    weiri_pack_fini(&again);
}

/* Feed in pieces, with watermarks and reloads between them. */
static void
feed_cut(weiri_windower **windower_p, const weiri_query *query,
    const weiri_window_sink *sink, uint64_t *seed)
{
    const naive_run  *run    = ((const check *)sink->context)->expected;
    weir_error        err    = { 0 };
    weir_chunk       *chunk  = make_chunk(run->events, run->n);
    const weir_chunk *shared = chunk;
    for (uint32_t first = 0; first < run->n;) {
        uint32_t n = 1 + (uint32_t)below(seed, below(seed, 2) == 0 ? 3 : 100);
        n          = n < run->n - first ? n : run->n - first;
        assert_ok(weiri_windower_feed(*windower_p, (weir_rows){ chunk, first, n }, &err));
        first += n;
        if (first < run->n && below(seed, 3) == 0) {
            int64_t from = run->events[first - 1].t;
            int64_t step = below(seed, run->events[first].t - from + 1);
            assert_ok(weiri_windower_advance(*windower_p, from + step, &err));
        }
        if (below(seed, 4) == 0) {
            reload(windower_p, query, sink);
        }
    }
    assert_ok(weiri_windower_advance(*windower_p, run->final_ns, &err));
    assert_ok(weiri_windower_finish(*windower_p, &err));
    weir_chunk_unref(&shared);
}

static void
run_case(uint64_t case_seed, int *n_results)
{
    uint64_t    seed = case_seed * 977 + 12345;
    naive_event events[NAIVE_EVENTS];
    test_plan   all;
    make_plan(&all, &seed);
    naive_run run = { .plan = &all.window, .events = events, .having = all.having };
    run.order     = all.count;
    run.n         = make_events(&seed, events);
    run.final_ns  = events[run.n - 1].t + below(&seed, 20) * SECOND;
    naive_compute(&run);

    weir_error        err      = { 0 };
    check             checked  = { &run, 0, case_seed };
    weiri_window_sink sink     = { .context = &checked, .emitted = emitted };
    weiri_windower   *windower = NULL;
    for (int cut = 0; cut < 2; cut++) {
        checked.n = 0;
        assert_ok(weiri_windower_new(&all.query, &sink, &windower, &err));
        feed_cut(&windower, &all.query, &sink, &seed);
        if (checked.n != run.n_results) {
            fail_msg("seed %llu: kind %d: %u results, not %u",
                (unsigned long long)case_seed, all.window.kind, checked.n, run.n_results);
        }
        weiri_windower_destroy(&windower);
    }
    *n_results += (int)run.n_results;
    naive_fini(&run);
    weiri_arena_destroy(&all.arena);
}

static void
every_window_and_aggregate_is_as_defined_however_it_is_cut(void **state)
{
    (void)state;
    const char *wanted    = getenv("WEIR_SEED");
    uint64_t    first     = wanted == NULL ? 1 : strtoull(wanted, NULL, 10);
    int         n_cases   = wanted == NULL ? N_CASES : 1;
    int         n_results = 0;
    for (int i = 0; i < n_cases; i++) {
        run_case(first + (uint64_t)i, &n_results);
    }
    print_message("%d cases from seed %llu, %d results\n", n_cases,
        (unsigned long long)first, n_results);
    assert_true(wanted != NULL || n_results > N_CASES);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_window_and_aggregate_is_as_defined_however_it_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
