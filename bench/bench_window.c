/* Windows: events a second through the operator, one core, with a `having` that is judged
 * each time and seldom true. The yardstick is a loop of four comparisons over the same
 * chunks. */
#include <string.h>

#include "bench.h"
#include "weir/chunk.h"
#include "weiri/limits.h"
#include "weiri/window.h"

enum { N_EVENTS = 1 << 22, N_CHUNKS = N_EVENTS / WEIRI_CHUNK_ROWS };

#define SECOND INT64_C(1000000000)

static const weir_field FIELDS[] = {
    { .name = "key", .type = WEIR_INT },
    { .name = "x", .type = WEIR_FLOAT },
};
static const weir_schema SCHEMA = {
    .name = "in", .fields = FIELDS, .n_fields = 2, .time_field = -1
};
static const weir_field  OUT_FIELD  = { .name = "v", .type = WEIR_FLOAT };
static const weir_schema OUT_SCHEMA = {
    .name = "out", .fields = &OUT_FIELD, .n_fields = 1, .time_field = -1
};

typedef struct job {
    weir_chunk **chunks;
    weiri_query  query;
    uint64_t     n_out;
    uint64_t     n_true;
} job;

static void
check(bool is_ok)
{
    if (!is_ok) {
        fprintf(stderr, "bench_window: failed\n");
        exit(EXIT_FAILURE);
    }
}

/* Keys at random, values of everyday size, evenly spread over time. */
static weir_chunk **
make_chunks(int64_t n_keys, int64_t step_ns)
{
    weir_chunk **chunks = calloc(N_CHUNKS, sizeof *chunks);
    uint64_t     seed   = 88172645463325252u;
    int64_t      t      = 0;
    check(chunks != NULL);
    for (int c = 0; c < N_CHUNKS; c++) {
        check(weir_chunk_new(&SCHEMA, NULL, &chunks[c]) == WEIR_OK);
        for (uint32_t i = 0; i < WEIRI_CHUNK_ROWS; i++) {
            chunks[c]->time[i]            = t;
            chunks[c]->columns[0].as.i[i] = (int64_t)(bench_random(&seed) >> 20) % n_keys;
            chunks[c]->columns[1].as.f[i] = (double)(bench_random(&seed) >> 44) / 1000.0;
            t += step_ns;
        }
        chunks[c]->n_rows = WEIRI_CHUNK_ROWS;
    }
    return chunks;
}

static void
free_chunks(weir_chunk **chunks)
{
    for (int c = 0; c < N_CHUNKS; c++) {
        const weir_chunk *chunk = chunks[c];
        weir_chunk_unref(&chunk);
    }
    free(chunks);
}

static weir_status
count(void *context, int64_t time_ns, const weir_value *values)
{
    (void)time_ns;
    (void)values;
    ((job *)context)->n_out++;
    return WEIR_OK;
}

static void
run_windows(void *context)
{
    job              *self     = context;
    weir_error        err      = { 0 };
    weiri_window_sink sink     = { .context = self, .emitted = count };
    weiri_windower   *windower = NULL;
    self->n_out                = 0;
    check(weiri_windower_new(&self->query, &sink, &windower, &err) == WEIR_OK);
    for (int c = 0; c < N_CHUNKS; c++) {
        weir_rows rows = { self->chunks[c], 0, WEIRI_CHUNK_ROWS };
        check(weiri_windower_feed(windower, rows, &err) == WEIR_OK);
    }
    weiri_windower_destroy(&windower);
}

static void
run_yardstick(void *context)
{
    job     *self   = context;
    uint64_t n_true = 0;
    for (int c = 0; c < N_CHUNKS; c++) {
        const int64_t *key = self->chunks[c]->columns[0].as.i;
        const double  *x   = self->chunks[c]->columns[1].as.f;
        for (int i = 0; i < WEIRI_CHUNK_ROWS; i++) {
            n_true += (uint64_t)((x[i] > 500.0) & (x[i] < 900.0) & (key[i] > 2)
                                 & (key[i] < 1000000));
        }
    }
    self->n_true = n_true;
}

typedef struct rule {
    weiri_window_kind    kind;
    weiri_aggregate_kind aggregate;
    int64_t              width_ns;
    int64_t              every_ns;
    bool                 emits; /* no `having`: a result each time */
} rule;

/* Events a second of a rule over chunks. */
static double
measure(weir_chunk **chunks, const rule *it, int runs)
{
    weiri_arena      *arena     = weiri_arena_new();
    weir_error        err       = { 0 };
    const weiri_expr *key       = weiri_expr_field(arena, &SCHEMA, 0);
    weiri_aggregate   aggregate = { .kind = it->aggregate, .p = 0.99 };
    aggregate.argument          = weiri_expr_field(arena, &SCHEMA, 1);
    check(weiri_aggregate_resolve(&aggregate, &err) == WEIR_OK);
    weiri_expr *value  = weiri_expr_register(arena, 0, aggregate.type, WEIR_NULL, true);
    weir_value  bound  = { .type = WEIR_FLOAT, .as.f = 1e12 };
    weiri_expr *args[] = { value, weiri_expr_constant(arena, &bound) };
    weiri_expr *having = NULL;
    check(weiri_expr_call(arena, ">", args, 2, &having, &err) == WEIR_OK);
    const weiri_expr *values[] = { value };
    weiri_emit        emit     = { &OUT_SCHEMA, values, 0 };
    weiri_window      window   = {
               .kind         = it->kind,
               .width_ns     = it->width_ns,
               .every_ns     = it->every_ns,
               .keys         = &key,
               .n_keys       = 1,
               .aggregates   = &aggregate,
               .n_aggregates = 1,
               .having       = it->emits ? NULL : having,
               .limit_ns     = -1,
    };
    job    self    = { .chunks = chunks,
              .query           = { .schema = &SCHEMA, .emit = &emit, .window = &window } };
    double seconds = bench_best(runs, run_windows, &self);
    weiri_arena_destroy(&arena);
    return N_EVENTS / seconds;
}

static double
yardstick(weir_chunk **chunks, int runs)
{
    job    self    = { .chunks = chunks };
    double seconds = bench_best(runs, run_yardstick, &self);
    check(self.n_true > 0);
    return N_EVENTS / seconds;
}

static void
measure_keys(bench_json *out, int runs, const char *only)
{
    weir_chunk **chunks  = make_chunks(10000, 50000); /* 20,000 a second of event time */
    rule         rules[] = {
                { WEIRI_WINDOW_SLIDING, WEIRI_AGGREGATE_AVG, 60 * SECOND, 0, false },
                { WEIRI_WINDOW_SLIDING, WEIRI_AGGREGATE_AVG, 60 * SECOND, 0, true },
                { WEIRI_WINDOW_SLIDING, WEIRI_AGGREGATE_MAX, 60 * SECOND, 0, false },
                { WEIRI_WINDOW_SLIDING, WEIRI_AGGREGATE_STDDEV, 60 * SECOND, 0, false },
                { WEIRI_WINDOW_SLIDING, WEIRI_AGGREGATE_QUANTILE, 60 * SECOND, 0, false },
                { WEIRI_WINDOW_HOPPING, WEIRI_AGGREGATE_SUM, 60 * SECOND, 10 * SECOND, false },
                { WEIRI_WINDOW_SESSION, WEIRI_AGGREGATE_SUM, 1 * SECOND, 0, false },
                { WEIRI_WINDOW_TUMBLING, WEIRI_AGGREGATE_QUANTILE, 300 * SECOND, 0, false },
    };
    const char *names[] = { "sliding_1m_avg_10k_keys", "sliding_1m_avg_10k_keys_emitting",
        "sliding_1m_max_10k_keys", "sliding_1m_stddev_10k_keys",
        "sliding_1m_exact_p99_10k_keys", "hopping_1m_every_10s_sum_10k_keys",
        "session_1s_sum_10k_keys", "tumbling_5m_p99_10k_keys" };
    bench_json_number(out, "yardstick_four_comparisons", yardstick(chunks, runs));
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (only == NULL || strcmp(only, names[i]) == 0) {
            bench_json_number(out, names[i], measure(chunks, &rules[i], runs));
        }
    }
    free_chunks(chunks);
}

/* A window of n events of one key. */
static void
measure_lengths(bench_json *out, int runs)
{
    static const int64_t LENGTHS[] = { 100, 10000, 1000000 };
    char                 name[64];
    weir_chunk         **chunks = make_chunks(1, 1000);
    for (size_t i = 0; i < sizeof LENGTHS / sizeof LENGTHS[0]; i++) {
        rule avg = { WEIRI_WINDOW_SLIDING, WEIRI_AGGREGATE_AVG, LENGTHS[i] * 1000, 0,
            false };
        rule max = { WEIRI_WINDOW_SLIDING, WEIRI_AGGREGATE_MAX, LENGTHS[i] * 1000, 0,
            false };
        snprintf(name, sizeof name, "sliding_avg_of_%lld_events", (long long)LENGTHS[i]);
        bench_json_number(out, name, measure(chunks, &avg, runs));
        snprintf(name, sizeof name, "sliding_max_of_%lld_events", (long long)LENGTHS[i]);
        bench_json_number(out, name, measure(chunks, &max, runs));
    }
    /* A thousand new values a hop, ten thousand in a window. */
    rule distinct = { WEIRI_WINDOW_HOPPING, WEIRI_AGGREGATE_DISTINCT, SECOND / 100,
        SECOND / 1000, false };
    bench_json_number(
        out, "hopping_distinct_of_10000_values", measure(chunks, &distinct, runs));
    rule p99 = { WEIRI_WINDOW_TUMBLING, WEIRI_AGGREGATE_QUANTILE, SECOND, 0, false };
    bench_json_number(
        out, "tumbling_p99_sketch_of_1000000_events", measure(chunks, &p99, runs));
    free_chunks(chunks);
}

int
main(int argc, char **argv)
{
    int        runs = bench_runs(argc, argv);
    bench_json out  = { 0 };
    bench_json_open(&out, NULL);
    bench_json_number(&out, "events", N_EVENTS);
    const char *only = argc > 2 ? argv[2] : NULL;
    measure_keys(&out, runs, only);
    if (only != NULL) {
        bench_json_close(&out);
        return EXIT_SUCCESS;
    }
    weir_chunk **chunks = make_chunks(1000000, 5000); /* 2 million a window */
    rule sum = { WEIRI_WINDOW_TUMBLING, WEIRI_AGGREGATE_SUM, 10 * SECOND, 0, false };
    bench_json_number(&out, "tumbling_10s_sum_1m_keys", measure(chunks, &sum, runs));
    free_chunks(chunks);
    measure_lengths(&out, runs);
    bench_json_close(&out);
    return EXIT_SUCCESS;
}
