/* Many rules on one stream: chunks prepared in memory go through a graph, one core,
 * beside the same graph without gates. The yardstick is a loop over the same chunks that
 * evaluates four numeric predicates and stores a mask.
 */
#include <stdarg.h>
#include <string.h>

#include "bench.h"
#include "weiri/dsl.h"
#include "weiri/graph.h"
#include "weiri/limits.h"

enum { CHUNKS = 512, UNGATED_CHUNKS = 8, TEXT_SIZE = 16 << 20, STEP_NS = 50000 };

static const char STREAM[] = "stream s { at time, id string, x float, y int, z int }\n"
                             "source s from stdin() format json\n"
                             "sink out to stdout()\n";

/* `$` in a rule stands for its number. */
static const struct workload {
    const char *name;
    const char *rule;
    uint32_t    n_rules;
    uint32_t    n_ids; /* different ids of events; that of rule i is c<i>         */
    uint32_t    n_hit; /* events of which one has an x above some rule's threshold */
} WORKLOADS[] = {
    { "thresholds_1000", "from s where x > $.5 emit out { id, x, rule: $ }", 1000, 1000,
        20000 },
    { "threshold_patterns_1000",
        "match a: s(x > $.5) -> b: s(x > $.5 and y == a.y) within 1m"
        " emit out { id: a.id, x: b.x, rule: $ }",
        1000, 1000, 20000 },
    { "equalities_10000_one_percent",
        "from s where id == \"c$\" emit out { id, x, rule: $ }", 10000, 1000000, 0 },
    { "equalities_10000_all", "from s where id == \"c$\" emit out { id, x, rule: $ }",
        10000, 10000, 0 },
    { "equalities_and_more_10000_all",
        "from s where id == \"c$\" and y > 990 emit out { id, x, rule: $ }", 10000, 10000,
        0 },
    { "equality_patterns_10000_one_percent",
        "match a: s(id == \"c$\" and y < 500) -> b: s(id == \"c$\" and y >= 900) within "
        "1m"
        " emit out { id: a.id, x: b.x, rule: $ }",
        10000, 1000000, 0 },
    { "equality_patterns_10000_all",
        "match a: s(id == \"c$\" and y < 500) -> b: s(id == \"c$\" and y >= 900) within "
        "1m"
        " emit out { id: a.id, x: b.x, rule: $ }",
        10000, 10000, 0 },
};

typedef struct job {
    const struct workload *workload;
    char                  *text;
    size_t                 size;
    weiri_plan            *plan;
    weiri_graph           *graph;
    uint32_t               stream;
    bool                   is_ungated;
    uint32_t               n_chunks;
    weir_chunk            *chunks[CHUNKS];
    uint64_t               n_matches;
    double                 compile_seconds;
    double                 graph_seconds;
} job;

static void
must(weir_status status, const weir_error *err)
{
    if (status != WEIR_OK) {
        (void)fprintf(
            stderr, "bench_rules: %s: %s\n", weir_status_text(status), err->text);
        exit(EXIT_FAILURE);
    }
}

static double
cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void
write_rules(job *self)
{
    self->size = (size_t)snprintf(self->text, TEXT_SIZE, "%s", STREAM);
    for (uint32_t i = 0; i < self->workload->n_rules; i++) {
        self->size += (size_t)snprintf(
            self->text + self->size, TEXT_SIZE - self->size, "rule r%u { ", i);
        for (const char *c = self->workload->rule; *c != '\0'; c++) {
            self->size +=
                (size_t)snprintf(self->text + self->size, TEXT_SIZE - self->size,
                    *c == '$' ? "%u" : "%c", *c == '$' ? i : (unsigned)*c);
        }
        self->size +=
            (size_t)snprintf(self->text + self->size, TEXT_SIZE - self->size, " }\n");
    }
}

static void
make_graph(job *self)
{
    const weiri_graph_options options = { .is_ungated = self->is_ungated };
    weir_error                err     = { 0 };
    must(weiri_graph_new_with(self->plan, &options, &self->graph, &err), &err);
}

static void
load(job *self)
{
    const weiri_compile_options options     = { 0 };
    weiri_diagnostics          *diagnostics = NULL;
    weir_error                  err         = { 0 };
    must(weiri_diagnostics_new(&diagnostics), &err);
    double      begun  = cpu_now();
    weir_status status = weiri_compile_text(
        "bench", self->text, self->size, &options, diagnostics, &self->plan, &err);
    if (status != WEIR_OK) {
        weiri_diagnostics_print(diagnostics, stderr, false);
    }
    must(status, &err);
    double compiled = cpu_now();
    make_graph(self);
    self->compile_seconds = compiled - begun;
    self->graph_seconds   = cpu_now() - compiled;
    weiri_diagnostics_destroy(&diagnostics);
    self->stream = 0;
    while (strcmp(self->plan->streams[self->stream].schema.name, "s") != 0) {
        self->stream++;
    }
}

static void
set_row(job *self, weir_chunk *chunk, uint32_t row, uint64_t *seed)
{
    char     id[32];
    uint64_t r      = bench_random(seed);
    bool   is_above = self->workload->n_hit != 0 && (r >> 8) % self->workload->n_hit == 0;
    double x        = is_above ? (double)((r >> 24) % self->workload->n_rules) : 0;
    int    size     = snprintf(
               id, sizeof id, "c%u", (unsigned)(bench_random(seed) % self->workload->n_ids));
    const weir_value values[] = { { .type = WEIR_TIME, .as.i = chunk->time[row] },
        { .type = WEIR_STRING, .as.s = id, .size = (uint32_t)size },
        { .type = WEIR_FLOAT, .as.f = x },
        { .type = WEIR_INT, .as.i = (int64_t)(r >> 40) % 1000 },
        { .type = WEIR_INT, .as.i = (int64_t)(r >> 50) % 1000 } };
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
        must(weir_chunk_new(
                 &self->plan->streams[self->stream].schema, NULL, &self->chunks[c]),
            &(weir_error){ 0 });
        for (uint32_t i = 0; i < WEIRI_CHUNK_ROWS; i++) {
            self->chunks[c]->time[i]  = now;
            self->chunks[c]->order[i] = c * UINT64_C(1024) + i;
            set_row(self, self->chunks[c], i, &seed);
            self->chunks[c]->n_rows++;
            now += STEP_NS;
        }
    }
}

static void
drop_chunks(job *self)
{
    for (uint32_t c = 0; c < CHUNKS; c++) {
        const weir_chunk *chunk = self->chunks[c];
        weir_chunk_unref(&chunk);
    }
}

/* As the engine does: a chunk a turn. The merge is handed a reference of its own. The
 * first chunk is not timed: without gates every rule is made ready by it. */
static double
run(job *self)
{
    weir_error err = { 0 };
    make_graph(self);
    weiri_merge *merge = weiri_graph_merge(self->graph, self->stream);
    double       begun = cpu_now();
    for (uint32_t c = 0; c < self->n_chunks; c++) {
        weir_chunk *chunk = self->chunks[c];
        begun             = c == 1 ? cpu_now() : begun;
        (void)weir_chunk_ref(chunk);
        int64_t watermark = chunk->time[chunk->n_rows - 1];
        must(weiri_merge_push(merge, &chunk), &err);
        must(weiri_graph_pass(self->graph, watermark, watermark, false, &err), &err);
        weiri_graph_forget(self->graph);
    }
    double taken    = cpu_now() - begun;
    self->n_matches = weiri_graph_get_counts(self->graph).n_matches;
    weiri_graph_destroy(&self->graph);
    return taken;
}

static double
best_run(job *self, int runs, bool is_ungated)
{
    double best      = 1e300;
    self->is_ungated = is_ungated;
    self->n_chunks   = is_ungated ? UNGATED_CHUNKS : CHUNKS;
    for (int i = 0; i < runs; i++) {
        double taken = run(self);
        best         = taken < best ? taken : best;
    }
    return best / (self->n_chunks - 1) / WEIRI_CHUNK_ROWS;
}

static uint8_t          masks[WEIRI_CHUNK_ROWS];
static volatile uint8_t kept;

static double
yardstick(const job *self)
{
    double begun = cpu_now();
    for (uint32_t c = 0; c < CHUNKS; c++) {
        const double  *x = self->chunks[c]->columns[2].as.f;
        const int64_t *y = self->chunks[c]->columns[3].as.i;
        const int64_t *z = self->chunks[c]->columns[4].as.i;
        for (uint32_t i = 0; i < WEIRI_CHUNK_ROWS; i++) {
            masks[i] = (uint8_t)((x[i] > 10) | (y[i] == 1) << 1 | (y[i] < 10) << 2
                                 | (z[i] >= 990) << 3);
        }
    }
    double  taken = cpu_now() - begun;
    uint8_t all   = 0;
    for (uint32_t i = 0; i < WEIRI_CHUNK_ROWS; i++) {
        all |= masks[i];
    }
    kept = all; /* or the loop would not be run */
    return taken / CHUNKS / WEIRI_CHUNK_ROWS;
}

static void
measure(bench_json *json, job *self, int runs)
{
    double compile_seconds = 1e300;
    double graph_seconds   = 1e300;
    double rod             = 1e300;
    self->is_ungated       = false;
    write_rules(self);
    for (int i = 0; i < runs; i++) {
        load(self);
        compile_seconds = self->compile_seconds < compile_seconds ? self->compile_seconds
                                                                  : compile_seconds;
        graph_seconds =
            self->graph_seconds < graph_seconds ? self->graph_seconds : graph_seconds;
        weiri_graph_destroy(&self->graph);
        if (i < runs - 1) {
            weiri_plan_destroy(&self->plan);
        }
    }
    make_chunks(self); /* of the last plan's schema */
    for (int i = 0; i < runs; i++) {
        double taken = yardstick(self);
        rod          = taken < rod ? taken : rod;
    }
    double   gated   = best_run(self, runs, false);
    uint64_t matches = self->n_matches;
    double   ungated = best_run(self, 1, true);
    drop_chunks(self);
    weiri_plan_destroy(&self->plan);
    bench_json_open(json, self->workload->name);
    bench_json_count(json, "rules", self->workload->n_rules);
    bench_json_number(json, "compile_ms", compile_seconds * 1e3);
    bench_json_number(json, "graph_ms", graph_seconds * 1e3);
    bench_json_number(json, "events_per_s", 1 / gated);
    bench_json_number(json, "ns_per_event", gated * 1e9);
    bench_json_number(json, "ungated_events_per_s", 1 / ungated);
    bench_json_number(json, "yardstick_ns_per_event", rod * 1e9);
    bench_json_number(json, "times_yardstick", gated / rod);
    bench_json_count(json, "events", CHUNKS * WEIRI_CHUNK_ROWS);
    bench_json_count(json, "matches", matches);
    bench_json_close(json);
}

/* bench_rules [runs [workload]] */
int
main(int argc, char **argv)
{
    static job self;
    int        runs = bench_runs(argc, argv);
    bench_json json = { 0 };
    self.text       = malloc(TEXT_SIZE);
    must(self.text != NULL ? WEIR_OK : WEIR_ENOMEM, &(weir_error){ 0 });
    bench_json_open(&json, NULL);
    for (size_t i = 0; i < sizeof WORKLOADS / sizeof WORKLOADS[0]; i++) {
        if (argc < 3 || strstr(WORKLOADS[i].name, argv[2]) != NULL) {
            self.workload = &WORKLOADS[i];
            measure(&json, &self, runs);
        }
    }
    bench_json_close(&json);
    free(self.text);
    return EXIT_SUCCESS;
}
