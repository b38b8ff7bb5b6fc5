/* Joins: events of both sides a second through the operator, one core. The yardstick is a
 * loop of four comparisons over the same chunks. */
#include <string.h>

#include "bench.h"
#include "weiri/join.h"
#include "weiri/limits.h"

enum { N_EVENTS = 1 << 22, N_CHUNKS = N_EVENTS / WEIRI_CHUNK_ROWS / 2 /* of a side */ };

#define STEP INT64_C(1000) /* between two events, of either side in turn */

static const weir_field FIELDS[] = {
    { .name = "key", .type = WEIR_INT },
    { .name = "x", .type = WEIR_FLOAT },
};
static const weir_schema SCHEMA = {
    .name = "in", .fields = FIELDS, .n_fields = 2, .time_field = -1
};
static const weir_field OUT_FIELDS[] = {
    { .name = "l.key", .type = WEIR_INT },
    { .name = "l.x", .type = WEIR_FLOAT },
    { .name = "r.key", .type = WEIR_INT, .is_nullable = true },
    { .name = "r.x", .type = WEIR_FLOAT, .is_nullable = true },
};
static const weir_schema OUT_SCHEMA = {
    .name = "out", .fields = OUT_FIELDS, .n_fields = 4, .time_field = -1
};
static const bool USED[] = { true, true, false, true };

typedef struct job {
    weir_chunk **chunks[2];
    weiri_join   join;
    uint64_t     n_out;
    uint64_t     n_true;
} job;

static void
check(bool is_ok)
{
    if (!is_ok) {
        fprintf(stderr, "bench_join: failed\n");
        exit(EXIT_FAILURE);
    }
}

/* Every event has a key of its own, but for one right event in 100, which has that of the
 * left one `distance` before it. */
static int64_t
rare_key(int side, int64_t i, int64_t distance)
{
    bool is_hit = side == 1 && i % 100 == 0 && i >= distance;
    return is_hit ? 2 * (i - distance) : 2 * i + side;
}

/* distance 0: one of n_keys, at random. */
static void
make_chunks(job *self, int64_t n_keys, int64_t distance)
{
    uint64_t seed = 88172645463325252u;
    for (int side = 0; side < 2; side++) {
        self->chunks[side] = calloc(N_CHUNKS, sizeof(weir_chunk *));
        check(self->chunks[side] != NULL);
        for (int64_t i = 0; i < N_EVENTS / 2; i++) {
            weir_chunk **chunk = &self->chunks[side][i / WEIRI_CHUNK_ROWS];
            uint32_t     row   = (uint32_t)(i % WEIRI_CHUNK_ROWS);
            if (row == 0) {
                check(weir_chunk_new(&SCHEMA, NULL, chunk) == WEIR_OK);
                (*chunk)->n_rows = WEIRI_CHUNK_ROWS;
            }
            (*chunk)->time[row]  = (2 * i + 1 - side) * STEP;
            (*chunk)->order[row] = (uint64_t)i;
            (*chunk)->columns[0].as.i[row] =
                distance > 0 ? rare_key(side, i, distance)
                             : (int64_t)(bench_random(&seed) >> 20) % n_keys;
            (*chunk)->columns[1].as.f[row] = (double)(bench_random(&seed) >> 44) / 1000.0;
        }
    }
}

static void
free_chunks(job *self)
{
    for (int side = 0; side < 2; side++) {
        for (int c = 0; c < N_CHUNKS; c++) {
            weir_chunk_drop(&self->chunks[side][c]);
        }
        free(self->chunks[side]);
    }
}

static weir_status
count(void *context, weir_chunk **chunk_p)
{
    ((job *)context)->n_out += (*chunk_p)->n_rows;
    weir_chunk_drop(chunk_p);
    return WEIR_OK;
}

static void
run_join(void *context)
{
    job            *self   = context;
    weir_error      err    = { 0 };
    weiri_join_sink sink   = { self, count };
    weiri_joiner   *joiner = NULL;
    self->n_out            = 0;
    check(weiri_joiner_new(&self->join, &sink, &joiner, &err) == WEIR_OK);
    for (int c = 0; c < N_CHUNKS; c++) {
        weir_rows       left      = { self->chunks[0][c], 0, WEIRI_CHUNK_ROWS };
        weir_rows       right     = { self->chunks[1][c], 0, WEIRI_CHUNK_ROWS };
        weiri_rows_list lists[2]  = { { .items = &left, .n = 1 },
             { .items = &right, .n = 1 } };
        int64_t         watermark = left.chunk->time[WEIRI_CHUNK_ROWS - 1];
        check(weiri_joiner_feed(joiner, &lists[0], &lists[1], &err) == WEIR_OK);
        check(weiri_joiner_advance(joiner, watermark, &err) == WEIR_OK);
    }
    weiri_joiner_destroy(&joiner);
}

static void
run_yardstick(void *context)
{
    job     *self   = context;
    uint64_t n_true = 0;
    for (int c = 0; c < 2 * N_CHUNKS; c++) {
        const weir_chunk *chunk = self->chunks[c % 2][c / 2];
        const int64_t    *key   = chunk->columns[0].as.i;
        const double     *x     = chunk->columns[1].as.f;
        for (int i = 0; i < WEIRI_CHUNK_ROWS; i++) {
            n_true += (uint64_t)((x[i] > 500.0) & (x[i] < 900.0) & (key[i] > 2)
                                 & (key[i] < 1000000));
        }
    }
    self->n_true = n_true;
}

/* Events a second of a join of the job's chunks by their key. */
static double
measure(job *self, weiri_join join, int runs)
{
    weiri_arena      *arena = weiri_arena_new();
    const weiri_expr *key   = weiri_expr_field(arena, &SCHEMA, 0);
    for (uint32_t side = 0; side < 2; side++) {
        join.sides[side] =
            (weiri_join_side){ .stream = side, .schema = &SCHEMA, .keys = &key };
    }
    join.n_keys    = 1;
    join.schema    = &OUT_SCHEMA;
    join.used      = USED;
    self->join     = join;
    double seconds = bench_best(runs, run_join, self);
    check(self->n_out > 0);
    weiri_arena_destroy(&arena);
    return N_EVENTS / seconds;
}

/* The figure of a name, if it is wanted: all are, or the one named. */
static void
put(bench_json *out, const char *name, job *self, weiri_join join, int runs,
    const char *only)
{
    if (only == NULL || strcmp(only, name) == 0) {
        bench_json_number(out, name, measure(self, join, runs));
    }
}

/* One event in a hundred completes a pair, whatever the interval holds. */
static void
measure_intervals(bench_json *out, int runs, const char *only)
{
    static const int64_t LENGTHS[] = { 1000, 10000, 100000, 1000000 };
    char                 name[64];
    for (size_t i = 0; i < sizeof LENGTHS / sizeof LENGTHS[0]; i++) {
        job        self  = { .n_out = 0 };
        weiri_join inner = { .kind = WEIRI_JOIN_INTERVAL,
            .within_ns             = LENGTHS[i] * STEP };
        weiri_join left  = inner;
        left.is_left     = true;
        make_chunks(&self, 0, LENGTHS[i] / 3);
        if (i == 0) {
            double seconds = bench_best(runs, run_yardstick, &self);
            check(self.n_true > 0);
            bench_json_number(out, "yardstick_four_comparisons", N_EVENTS / seconds);
        }
        snprintf(name, sizeof name, "interval_of_%lld_events", (long long)LENGTHS[i]);
        put(out, name, &self, inner, runs, only);
        snprintf(
            name, sizeof name, "left_interval_of_%lld_events", (long long)LENGTHS[i]);
        put(out, name, &self, left, runs, only);
        free_chunks(&self);
    }
}

/* Each left event finds a right one. */
static void
measure_asof(bench_json *out, int runs, const char *only)
{
    static const int64_t KEYS[] = { 100, 10000, 1000000 };
    char                 name[64];
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        job        self = { .n_out = 0 };
        weiri_join asof = {
            .kind = WEIRI_JOIN_ASOF, .is_right_first = true, .within_ns = -1
        };
        make_chunks(&self, KEYS[i], 0);
        snprintf(name, sizeof name, "asof_%lld_keys", (long long)KEYS[i]);
        put(out, name, &self, asof, runs, only);
        asof.within_ns = 1000000 * STEP;
        snprintf(
            name, sizeof name, "asof_within_1m_events_%lld_keys", (long long)KEYS[i]);
        put(out, name, &self, asof, runs, only);
        free_chunks(&self);
    }
}

int
main(int argc, char **argv)
{
    int        runs = bench_runs(argc, argv);
    bench_json out  = { 0 };
    bench_json_open(&out, NULL);
    bench_json_number(&out, "events", N_EVENTS);
    const char *only = argc > 2 ? argv[2] : NULL;
    measure_intervals(&out, runs, only);
    measure_asof(&out, runs, only);
    bench_json_close(&out);
    return EXIT_SUCCESS;
}
