/* The matcher alone: chunks prepared in memory, one core. The yardstick is a loop over
 * the same chunks that evaluates four numeric predicates and stores a mask. */
#include <string.h>

#include "bench.h"
#include "pattern_builder.h"
#include "weiri/limits.h"

enum { N_EVENTS = 1 << 20, N_TYPES = 10 };

typedef struct stream {
    weir_chunk **chunks;
    uint32_t     n_chunks;
    uint64_t     seed;
} stream;

typedef struct match_job {
    const weiri_match *plan;
    const stream      *input;
    uint64_t           n_matches;
    uint64_t           peak_runs;
} match_job;

static double
cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static weir_status
on_emitted(void *context, bool is_timeout, int64_t time_ns, const weir_value *values)
{
    (void)is_timeout;
    (void)time_ns;
    (void)values;
    ++*(uint64_t *)context;
    return WEIR_OK;
}

static double
run(match_job *job)
{
    weiri_match_sink sink    = { .context = &job->n_matches, .emitted = on_emitted };
    weiri_matcher   *matcher = NULL;
    weir_error       err     = { 0 };
    job->n_matches           = 0;
    job->peak_runs           = 0;
    if (weiri_matcher_new(job->plan, &sink, &matcher, &err) != WEIR_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    double start = cpu_now();
    for (uint32_t i = 0; i < job->input->n_chunks; i++) {
        const weir_chunk *chunk = job->input->chunks[i];
        weiri_part        part  = { .rows = { .chunk = chunk, .n = chunk->n_rows } };
        weiri_batch batch = { .parts = &part, .n_parts = 1, .n_events = chunk->n_rows };
        if (weiri_matcher_feed(matcher, &batch, &err) != WEIR_OK) {
            (void)fprintf(stderr, "%s\n", err.text);
            exit(1);
        }
        if (i % 64 == 0) {
            uint64_t live  = weiri_matcher_counts(matcher).live_runs;
            job->peak_runs = live > job->peak_runs ? live : job->peak_runs;
        }
    }
    double taken = cpu_now() - start;
    weiri_matcher_destroy(&matcher);
    return taken;
}

static uint8_t          masks[WEIRI_CHUNK_ROWS];
static volatile uint8_t kept;

static double
yardstick(const stream *input)
{
    double start = cpu_now();
    for (uint32_t c = 0; c < input->n_chunks; c++) {
        const weir_chunk *chunk = input->chunks[c];
        const int64_t    *type  = chunk->columns[PB_TYPE].as.i;
        const int64_t    *v     = chunk->columns[PB_V].as.i;
        for (uint32_t i = 0; i < chunk->n_rows; i++) {
            masks[i] = (uint8_t)((type[i] == 0) | (type[i] == 1) << 1 | (v[i] < 10) << 2
                                 | (v[i] >= 990) << 3);
        }
    }
    double  taken = cpu_now() - start;
    uint8_t all   = 0;
    for (uint32_t i = 0; i < WEIRI_CHUNK_ROWS; i++) {
        all |= masks[i];
    }
    kept = all; /* or the loop would not be run */
    return taken;
}

static const char *only; /* measure what has this in its name; NULL: everything */

static void
measure(bench_json *json, const char *name, const weiri_match *plan, const stream *input,
    int runs)
{
    if (only != NULL && strstr(name, only) == NULL) {
        return;
    }
    match_job job  = { .plan = plan, .input = input };
    double    best = 1e300;
    double    rod  = 1e300;
    for (int i = 0; i < runs; i++) {
        double taken = run(&job);
        best         = taken < best ? taken : best;
        taken        = yardstick(input);
        rod          = taken < rod ? taken : rod;
    }
    double n = (double)input->n_chunks * WEIRI_CHUNK_ROWS;
    bench_json_open(json, name);
    bench_json_number(json, "events_per_s", n / best);
    bench_json_number(json, "ns_per_event", best / n * 1e9);
    bench_json_number(json, "ratio_to_yardstick", rod / best);
    bench_json_number(json, "matches", (double)job.n_matches);
    bench_json_number(json, "matches_per_s", (double)job.n_matches / best);
    bench_json_number(json, "live_runs", (double)job.peak_runs);
    bench_json_close(json);
    (void)fflush(stdout);
}

/* Events every `step_ns`; fill gets each row's number. */
static stream
make_stream(uint32_t n_events, int64_t step_ns,
    void (*fill)(stream *, weir_chunk *, double, uint32_t))
{
    stream s = { .n_chunks = n_events / WEIRI_CHUNK_ROWS, .seed = 42 };
    s.chunks = calloc(s.n_chunks, sizeof *s.chunks);
    for (uint32_t c = 0; c < s.n_chunks; c++) {
        if (weir_chunk_new(pb_schema(), NULL, &s.chunks[c]) != WEIR_OK) {
            exit(1);
        }
        for (uint32_t i = 0; i < WEIRI_CHUNK_ROWS; i++) {
            uint32_t number = c * WEIRI_CHUNK_ROWS + i;
            fill(&s, s.chunks[c], (double)number * (double)step_ns * 1e-9, number);
        }
    }
    return s;
}

static void
free_stream(stream *s)
{
    for (uint32_t c = 0; c < s->n_chunks; c++) {
        const weir_chunk *chunk = s->chunks[c];
        weir_chunk_unref(&chunk);
    }
    free(s->chunks);
}

static int64_t
below(stream *s, uint64_t n)
{
    return (int64_t)((bench_random(&s->seed) >> 11) % n);
}

static void
fill_types(stream *s, weir_chunk *chunk, double at, uint32_t number)
{
    (void)number;
    pb_event(chunk, at, below(s, N_TYPES), 0, 0, below(s, 1000));
}

static void
fill_100k(stream *s, weir_chunk *chunk, double at, uint32_t number)
{
    (void)number;
    int64_t id = below(s, 100000);
    pb_event(chunk, at, below(s, 2), id, id, below(s, 1000));
}

static void
fill_1m(stream *s, weir_chunk *chunk, double at, uint32_t number)
{
    (void)number;
    int64_t id = below(s, 1000000);
    pb_event(chunk, at, below(s, 2), id, id, below(s, 1000));
}

/* Nine failures, then an end of them now and then. */
static void
fill_failures(stream *s, weir_chunk *chunk, double at, uint32_t number)
{
    (void)number;
    pb_event(chunk, at, below(s, 20) == 0, 0, below(s, 100000), below(s, 1000));
}

/* One in a hundred begins; many others follow. */
static void
fill_partial(stream *s, weir_chunk *chunk, double at, uint32_t number)
{
    int64_t type = number % 100 == 0 ? 0 : 1 + below(s, 9);
    pb_event(chunk, at, type, 0, 0, below(s, 1000));
}

static weiri_pattern *
chain(pattern_builder *b, weiri_contiguity contiguity, uint32_t n, bool is_last_absent)
{
    weiri_pattern *p = pb_group(b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST, NULL);
    for (uint32_t i = 0; i < n; i++) {
        bool     is_absent = is_last_absent && i + 1 == n;
        uint32_t step      = pb_typed(b, weiri_arena_format(b->arena, "s%u", i),
            is_absent ? N_TYPES + 1 : (int64_t)i);
        WEIRI_ARENA_PUSH(b->arena, p->items, p->n_items,
            pb_take(b, i == 0 ? WEIRI_FIRST : contiguity, step));
    }
    return p;
}

/* The window and with it the partial matches grow a thousandfold; the input is three
 * times as long as the longest, or memory that grows would be measured. */
static void
bench_windows(bench_json *json, int runs)
{
    static const struct {
        const char *name;
        int64_t     n_events;
    } windows[] = {
        { "a_any_b_any_c_updates_only_1k", 1000 },
        { "a_any_b_any_c_updates_only_10k", 10000 },
        { "a_any_b_any_c_updates_only_100k", 100000 },
        { "a_any_b_any_c_updates_only_1m", 1000000 },
    };
    stream       s     = make_stream(3 * N_EVENTS, 1000000, fill_types);
    weiri_arena *arena = weiri_arena_new();
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        pattern_builder b   = pb_new(arena);
        b.plan->pattern     = chain(&b, WEIRI_FOLLOWED_ANY, 4, true);
        b.plan->within_ns   = windows[i].n_events * 1000000;
        b.plan->max_runs    = UINT32_MAX;
        b.plan->max_matches = UINT32_MAX;
        measure(json, windows[i].name, b.plan, &s, runs);
    }
    /* Ten million matches, with a value of each event in what is emitted. */
    pattern_builder b = pb_new(arena);
    b.plan->pattern   = chain(&b, WEIRI_FOLLOWED_ANY, 3, false);
    b.plan->within_ns = PB_SECOND / 1000 * 141;
    measure(json, "ten_million_matches", b.plan, &s, runs);
    weiri_expr *values[3];
    for (uint32_t i = 0; i < 3; i++) {
        values[i] =
            pb_register(&b, WEIRI_REGISTER_LAST, i, 0, pb_field(&b, PB_V), WEIR_INT);
    }
    b.plan->emit = pb_emit(&b, values[0], values[1], values[2], NULL);
    measure(json, "ten_million_matches_with_values", b.plan, &s, runs);
    weiri_arena_destroy(&arena);
    free_stream(&s);
}

/* a ->> (b or c) ->> d, every match. */
static weiri_pattern *
either(pattern_builder *b)
{
    weiri_pattern *choice = pb_group(b, WEIRI_PATTERN_OR, WEIRI_FOLLOWED_ANY,
        pb_take(b, WEIRI_FIRST, pb_typed(b, "b", 1)),
        pb_take(b, WEIRI_FIRST, pb_typed(b, "c", 2)), NULL);
    return pb_group(b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
        pb_take(b, WEIRI_FIRST, pb_typed(b, "a", 0)), choice,
        pb_take(b, WEIRI_FOLLOWED_ANY, pb_typed(b, "d", 3)), NULL);
}

/* a ->> b{min,max} ->> c, the last of type `last`. */
static weiri_pattern *
repeated(pattern_builder *b, uint32_t max, weiri_inner inner, int64_t last)
{
    weiri_pattern *many =
        pb_repeat(pb_take(b, WEIRI_FOLLOWED_ANY, pb_typed(b, "b", 1)), 1, max);
    many->inner = inner;
    return pb_group(b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
        pb_take(b, WEIRI_FIRST, pb_typed(b, "a", 0)), many,
        pb_take(b, WEIRI_FOLLOWED_ANY, pb_typed(b, "c", last)), NULL);
}

/* Every match of what is no chain. */
static void
bench_sets(bench_json *json, int runs)
{
    stream       s     = make_stream(1000000, 1000000, fill_types); /* 1 ms apart */
    weiri_arena *arena = weiri_arena_new();

    pattern_builder b = pb_new(arena);
    b.plan->pattern   = either(&b);
    b.plan->within_ns = PB_SECOND / 1000 * 100;
    measure(json, "a_either_d_all_matches", b.plan, &s, runs);

    weiri_pattern *nots = pb_group(&b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
        pb_take(&b, WEIRI_FIRST, pb_typed(&b, "a", 0)),
        pb_not(&b, WEIRI_FOLLOWED, pb_typed(&b, "n", 4)),
        pb_take(&b, WEIRI_FOLLOWED_ANY, pb_typed(&b, "b", 1)),
        pb_take(&b, WEIRI_FOLLOWED_ANY, pb_typed(&b, "c", 2)), NULL);
    b.plan->pattern     = nots;
    measure(json, "a_not_between_b_c", b.plan, &s, runs);

    static const int64_t windows[] = { 1000, 100000 };
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        b                   = pb_new(arena);
        b.plan->within_ns   = windows[i] * 1000000;
        b.plan->max_runs    = UINT32_MAX;
        b.plan->max_matches = UINT32_MAX;
        b.plan->pattern     = repeated(&b, WEIRI_UNBOUNDED, WEIRI_INNER_ANY, N_TYPES + 1);
        measure(json, i == 0 ? "a_bs_c_updates_only_1k" : "a_bs_c_updates_only_100k",
            b.plan, &s, runs);
    }

    b                 = pb_new(arena);
    b.plan->within_ns = PB_SECOND / 1000 * 50;
    b.plan->pattern   = repeated(&b, 3, WEIRI_INNER_ANY, 2);
    measure(json, "a_up_to_three_bs_c_all_matches", b.plan, &s, runs);

    b                              = pb_new(arena);
    b.plan->within_ns              = 10 * PB_SECOND;
    b.plan->pattern                = chain(&b, WEIRI_FOLLOWED_ANY, 9, true);
    b.plan->pattern->items[4]->min = 0;
    measure(json, "nine_steps_one_optional_last_absent_10k", b.plan, &s, runs);
    weiri_arena_destroy(&arena);
    free_stream(&s);
}

static void
bench_chains(bench_json *json, int runs)
{
    stream       s     = make_stream(N_EVENTS, 1000000, fill_types); /* 1 ms apart */
    weiri_arena *arena = weiri_arena_new();

    pattern_builder b = pb_new(arena);
    b.plan->pattern   = chain(&b, WEIRI_FOLLOWED_ANY, 3, false);
    b.plan->within_ns = PB_SECOND / 10; /* 100 events */
    measure(json, "a_any_b_any_c_all_matches", b.plan, &s, runs);

    b                 = pb_new(arena);
    b.plan->pattern   = chain(&b, WEIRI_FOLLOWED_ANY, 3, true);
    b.plan->within_ns = PB_SECOND / 10;
    measure(json, "a_any_b_any_c_updates_only", b.plan, &s, runs);

    b                 = pb_new(arena);
    b.plan->pattern   = chain(&b, WEIRI_FOLLOWED, 9, true);
    b.plan->within_ns = PB_SECOND / 10;
    measure(json, "nine_steps_last_absent", b.plan, &s, runs);

    b                 = pb_new(arena);
    b.plan->pattern   = chain(&b, WEIRI_FOLLOWED_ANY, 9, true);
    b.plan->within_ns = 10 * PB_SECOND;
    measure(json, "nine_steps_any_last_absent_10k", b.plan, &s, runs);

    b                 = pb_new(arena);
    b.plan->pattern   = chain(&b, WEIRI_FOLLOWED, 3, false);
    b.plan->within_ns = PB_SECOND / 10;
    b.plan->skip      = WEIRI_SKIP_OVERLAPS;
    measure(json, "a_b_c_overlaps", b.plan, &s, runs);

    b                = pb_new(arena);
    weiri_pattern *p = pb_group(&b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST, NULL);
    for (uint32_t i = 0; i < 3; i++) {
        weiri_expr *low =
            pb_call(&b, ">=", pb_field(&b, PB_V), pb_int(&b, (int64_t)10 * i));
        weiri_expr *high =
            pb_call(&b, "<", pb_field(&b, PB_V), pb_int(&b, (int64_t)10 * i + 10));
        uint32_t step = pb_step(&b, "filtered", pb_call(&b, "and", low, high), NULL);
        WEIRI_ARENA_PUSH(arena, p->items, p->n_items,
            pb_take(&b, i == 0 ? WEIRI_FIRST : WEIRI_FOLLOWED_ANY, step));
    }
    b.plan->pattern   = p;
    b.plan->within_ns = PB_SECOND;
    measure(json, "one_percent_filters", b.plan, &s, runs);
    WEIRI_ARENA_PUSH(arena, p->items, p->n_items,
        pb_take(&b, WEIRI_FOLLOWED_ANY, pb_typed(&b, "absent", N_TYPES + 1)));
    measure(json, "one_percent_filters_updates_only", b.plan, &s, runs);
    weiri_arena_destroy(&arena);
    free_stream(&s);
}

/* a -> b with b.id == a.id, or by the key. */
static weiri_match *
pair(weiri_arena *arena, bool is_keyed)
{
    pattern_builder b    = pb_new(arena);
    uint32_t        a    = pb_typed(&b, "a", 0);
    weiri_expr     *same = NULL;
    if (is_keyed) {
        pb_by(&b, PB_K);
    } else {
        weiri_expr *reg =
            pb_register(&b, WEIRI_REGISTER_LAST, a, 0, pb_field(&b, PB_ID), WEIR_INT);
        same = pb_call(&b, "==", pb_field(&b, PB_ID), reg);
    }
    uint32_t then     = pb_step(&b, "b", pb_type_is(&b, 1), same);
    b.plan->pattern   = pb_group(&b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
          pb_take(&b, WEIRI_FIRST, a), pb_take(&b, WEIRI_FOLLOWED, then), NULL);
    b.plan->within_ns = 10 * PB_SECOND;
    b.plan->skip      = is_keyed ? WEIRI_SKIP_OVERLAPS : WEIRI_SKIP_USED;
    b.plan->max_runs  = 1000000;
    return b.plan;
}

static weiri_match *
five_failures(weiri_arena *arena)
{
    pattern_builder b    = pb_new(arena);
    uint32_t        fail = pb_typed(&b, "fail", 0);
    pb_by(&b, PB_K);
    b.plan->pattern   = pb_repeat(pb_take(&b, WEIRI_FIRST, fail), 5, 5);
    b.plan->within_ns = 60 * PB_SECOND;
    b.plan->skip      = WEIRI_SKIP_OVERLAPS;
    return b.plan;
}

static void
bench_pairs(bench_json *json, int runs)
{
    weiri_arena *arena = weiri_arena_new();
    stream       s = make_stream(N_EVENTS, 50000, fill_100k); /* 10 s: 200,000 events */
    measure(json, "a_b_same_id_100k", pair(arena, false), &s, runs);
    measure(json, "a_b_by_key_100k", pair(arena, true), &s, runs);

    weiri_match *every                   = pair(arena, true);
    every->skip                          = WEIRI_SKIP_NONE;
    every->pattern->items[1]->contiguity = WEIRI_FOLLOWED_ANY;
    measure(json, "a_any_b_by_key_100k", every, &s, runs);

    pattern_builder b = pb_new(arena);
    uint32_t        a = pb_typed(&b, "a", 0);
    uint32_t        n = pb_typed(&b, "n", 1);
    pb_by(&b, PB_K);
    b.plan->pattern   = pb_group(&b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
          pb_take(&b, WEIRI_FIRST, a), pb_not(&b, WEIRI_FOLLOWED, n), NULL);
    b.plan->within_ns = 10 * PB_SECOND;
    b.plan->skip      = WEIRI_SKIP_OVERLAPS;
    measure(json, "absence_by_key_100k", b.plan, &s, runs);
    free_stream(&s);

    s = make_stream(N_EVENTS, 50000, fill_1m);
    measure(json, "a_b_by_key_1m", pair(arena, true), &s, runs);
    free_stream(&s);

    s = make_stream(N_EVENTS, 50000, fill_failures); /* a minute: 1.2 million events */
    b = pb_new(arena);
    uint32_t fail = pb_typed(&b, "fail", 0);
    uint32_t hit  = pb_typed(&b, "hit", 1);
    pb_by(&b, PB_K);
    b.plan->pattern   = pb_group(&b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
          pb_repeat(pb_take(&b, WEIRI_FIRST, fail), 5, WEIRI_UNBOUNDED),
          pb_take(&b, WEIRI_FOLLOWED, hit), NULL);
    b.plan->within_ns = 60 * PB_SECOND;
    b.plan->skip      = WEIRI_SKIP_OVERLAPS;
    measure(json, "five_failures_then_hit_by_key_100k", b.plan, &s, runs);

    measure(
        json, "five_failures_in_a_minute_by_key_100k", five_failures(arena), &s, runs);
    free_stream(&s);
    weiri_arena_destroy(&arena);
}

/* What a key costs that one failure was seen of. */
static void
bench_idle_keys(bench_json *json)
{
    static const uint32_t N_KEYS[] = { 1000, 100000, 1000000 };
    const char           *name     = "bytes_of_an_idle_key";
    weiri_arena          *arena    = weiri_arena_new();
    const weiri_match    *plan     = five_failures(arena);
    if (only != NULL && strstr(name, only) == NULL) {
        weiri_arena_destroy(&arena);
        return;
    }
    bench_json_open(json, name);
    for (size_t i = 0; i < sizeof N_KEYS / sizeof N_KEYS[0]; i++) {
        weiri_matcher         *matcher = NULL;
        const weiri_match_sink sink    = { .context = NULL };
        weir_error             err     = { 0 };
        weir_chunk            *chunk   = NULL;
        if (weiri_matcher_new(plan, &sink, &matcher, &err) != WEIR_OK) {
            exit(1);
        }
        for (uint32_t k = 0; k < N_KEYS[i];) {
            if (weir_chunk_new(pb_schema(), NULL, &chunk) != WEIR_OK) {
                exit(1);
            }
            while (chunk->n_rows < WEIRI_CHUNK_ROWS && k < N_KEYS[i]) {
                pb_event(chunk, k * 1e-6, 0, 0, k, 0);
                k++;
            }
            weiri_part  part  = { .rows = { .chunk = chunk, .n = chunk->n_rows } };
            weiri_batch batch = {
                .parts = &part, .n_parts = 1, .n_events = chunk->n_rows
            };
            if (weiri_matcher_feed(matcher, &batch, &err) != WEIR_OK) {
                exit(1);
            }
            const weir_chunk *done = chunk;
            weir_chunk_unref(&done);
        }
        char keys[32];
        (void)snprintf(keys, sizeof keys, "of_%u", N_KEYS[i]);
        bench_json_number(
            json, keys, (double)weiri_matcher_state_bytes(matcher) / N_KEYS[i]);
        weiri_matcher_destroy(&matcher);
    }
    bench_json_close(json);
    weiri_arena_destroy(&arena);
}

/* Live partial matches that each compare with their own earlier event. */
static void
bench_partial(bench_json *json, int runs)
{
    weiri_arena *arena = weiri_arena_new();
    stream       s     = make_stream(N_EVENTS, 1000000, fill_partial);
    const struct {
        const char *name;
        int64_t     within_ns;
    } cases[] = { { "one_partial_match", PB_SECOND / 10 },
        { "partial_matches_360", 36 * PB_SECOND } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pattern_builder b = pb_new(arena);
        uint32_t        a = pb_typed(&b, "a", 0);
        weiri_expr     *reg =
            pb_register(&b, WEIRI_REGISTER_LAST, a, 0, pb_field(&b, PB_V), WEIR_INT);
        weiri_expr *more =
            pb_call(&b, ">", pb_field(&b, PB_V), pb_call(&b, "+", reg, pb_int(&b, 2000)));
        uint32_t then     = pb_step(&b, "b", pb_type_is(&b, 1), more);
        b.plan->pattern   = pb_group(&b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
              pb_take(&b, WEIRI_FIRST, a), pb_take(&b, WEIRI_FOLLOWED, then), NULL);
        b.plan->within_ns = cases[i].within_ns;
        measure(json, cases[i].name, b.plan, &s, runs);
    }
    free_stream(&s);

    /* The same, and each is hit by one event in a hundred that it could be. */
    s                 = make_stream(N_EVENTS, 1000000, fill_partial);
    pattern_builder b = pb_new(arena);
    uint32_t        a = pb_typed(&b, "a", 0);
    weiri_expr     *reg =
        pb_register(&b, WEIRI_REGISTER_LAST, a, 0, pb_field(&b, PB_V), WEIR_INT);
    weiri_expr *far_below =
        pb_call(&b, "<", pb_field(&b, PB_V), pb_call(&b, "-", reg, pb_int(&b, 900)));
    uint32_t then     = pb_step(&b, "b", pb_type_is(&b, 1), far_below);
    b.plan->pattern   = pb_group(&b, WEIRI_PATTERN_SEQUENCE, WEIRI_FIRST,
          pb_take(&b, WEIRI_FIRST, a), pb_take(&b, WEIRI_FOLLOWED_ANY, then), NULL);
    b.plan->within_ns = 36 * PB_SECOND;
    measure(json, "partial_matches_360_with_hits", b.plan, &s, runs);
    free_stream(&s);
    weiri_arena_destroy(&arena);
}

int
main(int argc, char **argv)
{
    int        runs = bench_runs(argc, argv);
    bench_json json = { 0 };
    only            = argc > 2 ? argv[2] : NULL;
    bench_json_open(&json, NULL);
    bench_windows(&json, runs);
    bench_sets(&json, runs);
    bench_chains(&json, runs);
    bench_pairs(&json, runs);
    bench_partial(&json, runs);
    bench_idle_keys(&json);
    bench_json_close(&json);
    printf("\n");
    return 0;
}
