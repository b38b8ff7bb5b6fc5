/* A rule on shards, without decoding: chunks prepared in memory go through a graph on one
 * thread, and through a flow on two and four shards. Beside the time that it takes it
 * says how much of all processors' time: where others use them too, that tells more.
 */
#include <string.h>

#include "bench.h"
#include "weiri/dsl.h"
#include "weiri/flow.h"
#include "weiri/limits.h"

enum { CHUNKS = 400, KEYS = 5000, STEP_NS = 50000, TEXT_SIZE = 4096 };

static const char STREAM[] = "stream s { at time, id int, name string, x float, y int }\n"
                             "source s from stdin() format json\n";

static const struct workload {
    const char *name;
    const char *rule;
} WORKLOADS[] = {
    { "filter", "from s where x > 990 emit out { id, x }" },
    { "two_steps", "match a: s(x > 990) -> b: s(y == 7 and x < a.x) by id within 10s"
                   " emit out { id: a.id, x: b.x }" },
    { "all_matches",
        "match a: s(x > 800) ->> b: s(y < 100 and x > a.x) ->> c: s(x > b.x) by id"
        " within 4s skip none emit out { id: a.id, x: b.x }" },
    { "sliding_quantile",
        "from s by id window sliding 10s having quantile(x, 0.9) > 999.9"
        " emit out { id, x: avg(x) }" },
};

typedef struct job {
    const struct workload *workload;
    weiri_plan            *plan;
    uint32_t               n_shards; /* 0: a graph */
    weir_chunk            *chunks[CHUNKS];
    uint64_t               n_matches;
    weiri_flow            *flow;
    weiri_turn             turn; /* the next */
} job;

static void
must(weir_status status, const weir_error *err)
{
    if (status != WEIR_OK) {
        (void)fprintf(
            stderr, "bench_shards: %s: %s\n", weir_status_text(status), err->text);
        exit(EXIT_FAILURE);
    }
}

static void
compile(job *self)
{
    const weiri_compile_options options     = { .with_tests = true };
    weiri_diagnostics          *diagnostics = NULL;
    weir_error                  err         = { 0 };
    char                        text[TEXT_SIZE];
    int                         size =
        snprintf(text, sizeof text, "%srule r { %s }\n", STREAM, self->workload->rule);
    must(weiri_diagnostics_new(&diagnostics), &err);
    weir_status status = weiri_compile_text(
        "bench", text, (size_t)size, &options, diagnostics, &self->plan, &err);
    if (status != WEIR_OK) {
        weiri_diagnostics_print(diagnostics, stderr, false);
    }
    must(status, &err);
    weiri_diagnostics_destroy(&diagnostics);
}

static void
set_row(weir_chunk *chunk, uint32_t row, uint64_t *seed)
{
    char     name[32];
    uint64_t r    = bench_random(seed);
    int64_t  id   = (int64_t)(r >> 8) % KEYS;
    int      size = snprintf(name, sizeof name, "name of %d", (int)id);

    const weir_value values[] = { { .type = WEIR_TIME, .as.i = chunk->time[row] },
        { .type = WEIR_INT, .as.i = id },
        { .type = WEIR_STRING, .as.s = name, .size = (uint32_t)size },
        { .type = WEIR_FLOAT, .as.f = (double)((r >> 24) % 100000) / 100 },
        { .type = WEIR_INT, .as.i = (int64_t)(r >> 44) % 1000 } };
    for (uint32_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        must(weir_chunk_set(chunk, row, i, &values[i]), &(weir_error){ 0 });
    }
}

static void
make_chunks(job *self)
{
    uint64_t seed = 42;
    int64_t  now  = 0;
    for (uint32_t c = 0; c < CHUNKS; c++) {
        must(weir_chunk_new(&self->plan->streams[0].schema, NULL, &self->chunks[c]),
            &(weir_error){ 0 });
        for (uint32_t i = 0; i < WEIRI_CHUNK_ROWS; i++, now += STEP_NS) {
            self->chunks[c]->time[i]  = now;
            self->chunks[c]->order[i] = c * UINT64_C(1024) + i;
            set_row(self->chunks[c], i, &seed);
            self->chunks[c]->n_rows++;
        }
    }
}

/* A chunk a turn. The merge is handed a reference of its own. */
static void
fill_turn(job *self, weiri_merge *merge, weiri_turn *turn)
{
    weir_chunk *chunk = self->chunks[self->turn.number];
    int64_t     last  = chunk->time[chunk->n_rows - 1];
    (void)weir_chunk_ref(chunk);
    must(weiri_merge_push(merge, &chunk), &(weir_error){ 0 });
    *turn = (weiri_turn){ .number = self->turn.number,
        .watermark_ns             = last,
        .deadline_ns              = last,
        .is_end                   = self->turn.number == CHUNKS - 1 };
    if (turn->is_end) {
        turn->watermark_ns = INT64_MAX;
    }
    self->turn.number++;
}

static weir_status
on_next(void *context, bool may_wait, weiri_turn *turn, bool *is_turn, weir_error *err)
{
    (void)may_wait;
    (void)err;
    job *self = context;
    fill_turn(self, weiri_flow_merge(self->flow, 0), turn);
    *is_turn = true;
    return WEIR_OK;
}

static void
run_flow(job *self)
{
    weir_error                err    = { 0 };
    const weiri_flow_source   source = { .next = on_next, .context = self };
    const weiri_flow_carriage how    = { .seed = NULL };
    must(weiri_flow_new(self->plan, self->n_shards, NULL, 0, &self->flow, &err), &err);
    must(weiri_flow_run(self->flow, &source, &how, &err), &err);
    self->n_matches = weiri_flow_get_counts(self->flow).n_matches;
    weiri_flow_destroy(&self->flow);
}

static void
run_graph(job *self)
{
    weir_error   err   = { 0 };
    weiri_graph *graph = NULL;
    weiri_turn   turn  = { 0 };
    must(weiri_graph_new(self->plan, &graph, &err), &err);
    while (!turn.is_end) {
        fill_turn(self, weiri_graph_merge(graph, 0), &turn);
        must(weiri_graph_pass(
                 graph, turn.watermark_ns, turn.deadline_ns, turn.is_end, &err),
            &err);
        weiri_graph_forget(graph);
    }
    self->n_matches = weiri_graph_get_counts(graph).n_matches;
    weiri_graph_destroy(&graph);
}

static void
run(void *context)
{
    job *self         = context;
    self->turn.number = 0;
    if (self->n_shards == 0) {
        run_graph(self);
    } else {
        run_flow(self);
    }
}

static double
cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void
measure(bench_json *json, job *self, int runs)
{
    static const uint32_t SHARDS[] = { 0, 2, 4 };
    const double          events   = (double)CHUNKS * WEIRI_CHUNK_ROWS;
    compile(self);
    make_chunks(self);
    bench_json_open(json, self->workload->name);
    for (uint32_t i = 0; i < sizeof SHARDS / sizeof SHARDS[0]; i++) {
        char name[64];
        self->n_shards = SHARDS[i];
        double cpu     = cpu_now();
        double seconds = bench_best(runs, run, self);
        cpu            = (cpu_now() - cpu) / runs;
        snprintf(name, sizeof name, "ns_per_event_%u_shards", i == 0 ? 1 : SHARDS[i]);
        bench_json_number(json, name, seconds / events * 1e9);
        snprintf(name, sizeof name, "cpu_ns_per_event_%u_shards", i == 0 ? 1 : SHARDS[i]);
        bench_json_number(json, name, cpu / events * 1e9);
    }
    bench_json_count(json, "matches", self->n_matches);
    bench_json_close(json);
    for (uint32_t c = 0; c < CHUNKS; c++) {
        weir_chunk_drop(&self->chunks[c]);
    }
    weiri_plan_destroy(&self->plan);
}

int
main(int argc, char **argv)
{
    static job self;
    int        runs = bench_runs(argc, argv);
    bench_json json = { 0 };
    bench_json_open(&json, NULL);
    for (size_t i = 0; i < sizeof WORKLOADS / sizeof WORKLOADS[0]; i++) {
        self.workload = &WORKLOADS[i];
        measure(&json, &self, runs);
    }
    bench_json_close(&json);
    return EXIT_SUCCESS;
}
