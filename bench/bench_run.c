/* End to end: a file of JSON Lines through the engine, from bytes to what rules emit,
 * beside decoding the same file and beside reading it with nothing but a search for line
 * feeds.
 */
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "weiri/bytes.h"
#include "weiri/codec.h"
#include "weiri/dsl.h"
#include "weiri/engine.h"
#include "weiri/limits.h"

enum { EVENTS = 400000, LINE_MAX = 256 };

#define STREAM                                                                           \
    "stream txn { at time, account int, amount float, kind string, country string,"      \
    "  ok bool }\n"

static const struct workload {
    const char *name;
    const char *rules; /* after the stream and its source */
} WORKLOADS[] = {
    { "filter",
        "rule large { from txn where amount > 9000 and kind == \"refund\" emit big }" },
    { "two_steps",
        "rule pair {\n"
        "  match a: txn(amount > 10000) -> b: txn(kind == \"refund\" and amount > 9900)\n"
        "  by account  within 1m  emit big { account, first: a.amount, then: b.amount } "
        "}" },
};

typedef struct state {
    const char            *path;
    const struct workload *workload; /* NULL: decode only */
    uint32_t               n_shards;
    uint64_t               n_events;
    uint64_t               n_matches;
    uint64_t               n_lines;
} state;

static void
must(weir_status status, const weir_error *err)
{
    if (status != WEIR_OK) {
        fprintf(stderr, "bench_run: %s: %s\n", weir_status_text(status), err->text);
        exit(EXIT_FAILURE);
    }
}

static uint64_t
write_input(FILE *file)
{
    static const char *const KINDS[]     = { "purchase", "refund", "withdrawal", "fee" };
    static const char *const COUNTRIES[] = { "DE", "FR", "AT", "PL", "BR", "US", "CH" };

    uint64_t seed = 42;
    uint64_t size = 0;
    for (int i = 0; i < EVENTS; i++) {
        uint64_t r  = bench_random(&seed);
        int      ms = i * 7;
        int      n  = fprintf(file,
                  "{\"at\":\"2026-03-01T%02d:%02d:%02d.%03dZ\",\"account\":%d,"
                        "\"amount\":%d.%02d,\"kind\":\"%s\",\"country\":\"%s\",\"ok\":%s}\n",
                  ms / 3600000 % 24, ms / 60000 % 60, ms / 1000 % 60, ms % 1000,
                  (int)(r >> 20 & 0xFFF), (int)(r >> 40 & 0xFFFFF) / 100,
                  (int)(r >> 40 & 0xFFFFF) % 100, KINDS[r >> 8 & 3],
                  COUNTRIES[(r >> 10 & 0xFF) % 7], (r >> 18 & 3) != 0 ? "true" : "false");
        size += (uint64_t)n;
    }
    return size;
}

static void
scan_lines(void *context)
{
    state        *self   = context;
    weir_error    err    = { 0 };
    weiri_reader *reader = NULL;
    char         *bytes  = malloc(WEIRI_READ_BYTES);
    weir_status   status = weiri_reader_open(self->path, &reader, &err);
    size_t        n      = 0;
    self->n_lines        = 0;
    must(bytes != NULL ? status : WEIR_ENOMEM, &err);
    while ((status = weiri_reader_read(reader, bytes, WEIRI_READ_BYTES, -1, &n, &err))
           == WEIR_OK) {
        const char *at = bytes;
        while ((at = memchr(at, '\n', n - (size_t)(at - bytes))) != NULL) {
            self->n_lines++;
            at++;
        }
    }
    weiri_reader_close(&reader);
    free(bytes);
}

static void
run_engine(void *context)
{
    state             *self        = context;
    weir_error         err         = { 0 };
    weiri_diagnostics *diagnostics = NULL;
    weiri_plan        *plan        = NULL;
    weiri_engine      *engine      = NULL;
    char               text[2048];
    int                size = snprintf(text, sizeof text,
                       "%ssource txn from file(\"%s\") format json\n"
                                      "sink big to file(\"/dev/null\") format json\n%s\n",
                       STREAM, self->path, self->workload->rules);

    const weiri_compile_options options        = { 0 };
    const weiri_engine_options  engine_options = { .n_shards = self->n_shards };
    must(weiri_diagnostics_new(&diagnostics), &err);
    weir_status status = weiri_compile_text(
        "bench", text, (size_t)size, &options, diagnostics, &plan, &err);
    weiri_diagnostics_print(diagnostics, stderr, false);
    must(status, &err);
    must(weiri_engine_new(plan, &engine_options, &engine, &err), &err);
    if (self->n_shards > 1) {
        must(weiri_engine_run(engine, &err), &err);
    } else {
        do {
            status = weiri_engine_turn(engine, &err);
        } while (status == WEIR_OK);
        must(status == WEIR_EOF ? WEIR_OK : status, &err);
        must(weiri_engine_end(engine, &err), &err);
    }
    must(weiri_engine_close(engine, &err), &err);
    weiri_engine_counts counts = weiri_engine_get_counts(engine);
    self->n_events             = counts.n_events;
    self->n_matches            = counts.n_matches;
    weiri_engine_destroy(&engine);
    weiri_plan_destroy(&plan);
    weiri_diagnostics_destroy(&diagnostics);
}

/* Decoding alone is the engine with a rule that lets nothing through and reads the same
 * fields. */
static const struct workload DECODE = { "decode",
    "rule none { from txn where amount < -1 and kind == \"\" and account < 0 "
    "emit big }" };

static void
measure(bench_json *json, state *self, int runs, uint64_t size, double baseline)
{
    self->n_shards        = 1;
    self->workload        = &DECODE;
    double decode_seconds = bench_best(runs, run_engine, self);
    bench_json_speed(json, "decode", decode_seconds, EVENTS, size, baseline);
    for (size_t i = 0; i < sizeof WORKLOADS / sizeof WORKLOADS[0]; i++) {
        self->workload = &WORKLOADS[i];
        double seconds = bench_best(runs, run_engine, self);
        bench_json_speed(json, self->workload->name, seconds, EVENTS, size, baseline);
        char name[64];
        snprintf(name, sizeof name, "%s_share_of_decode", self->workload->name);
        bench_json_number(json, name, decode_seconds / seconds);
        snprintf(name, sizeof name, "%s_matches", self->workload->name);
        bench_json_count(json, name, self->n_matches);
        snprintf(name, sizeof name, "%s_2_shards", self->workload->name);
        self->n_shards = 2;
        bench_json_speed(
            json, name, bench_best(runs, run_engine, self), EVENTS, size, baseline);
        self->n_shards = 1;
    }
}

int
main(int argc, char **argv)
{
    const char *folder = getenv("TMPDIR");
    char        path[1024];
    snprintf(path, sizeof path, "%s/weir-bench-XXXXXX", folder != NULL ? folder : "/tmp");
    int   fd   = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        perror(path);
        return EXIT_FAILURE;
    }
    uint64_t size = write_input(file);
    fclose(file);

    state      self     = { .path = path };
    bench_json json     = { 0 };
    int        runs     = bench_runs(argc, argv);
    double     baseline = bench_best(runs, scan_lines, &self);
    bench_json_open(&json, NULL);
    bench_json_count(&json, "events", EVENTS);
    bench_json_speed(&json, "baseline_read_lines", baseline, EVENTS, size, baseline);
    measure(&json, &self, runs, size, baseline);
    bench_json_close(&json);
    unlink(path);
    return EXIT_SUCCESS;
}
