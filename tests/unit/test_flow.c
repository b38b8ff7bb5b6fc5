/* Random sets of rules over random events: what comes out of a flow is, to the byte, what
 * comes out of the graph on one thread, for any number of shards, however its input is
 * cut into chunks and whoever is faster; counts included.
 */
#include "weir_test.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random_rules.h"
#include "weiri/dsl.h"
#include "weiri/flow.h"

enum {
    SETS        = 100,
    EVENTS      = 400,
    STEP_NS     = 20000000,
    MAX_STREAMS = 32,
    MAX_QUEUE   = 1 << 16
};

/* ---- what comes out ---- */

typedef struct text {
    char  *bytes;
    size_t used;
    size_t size;
} text;

typedef struct output {
    const weiri_plan  *plan;
    text               of[MAX_STREAMS]; /* of each stream */
    weiri_graph_counts counts;
} output;

static void __attribute__((format(printf, 2, 3)))
print(text *self, const char *format, ...)
{
    if (self->size - self->used < 1024) {
        self->size  = 2 * self->size + 4096;
        self->bytes = realloc(self->bytes, self->size);
        assert_non_null(self->bytes);
    }
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is the line above */
    int n = vsnprintf(self->bytes + self->used, self->size - self->used, format, args);
    self->used += (size_t)n;
    va_end(args);
}

static void
print_row(text *self, const weir_chunk *chunk, uint32_t row)
{
    print(self, "%" PRId64 " %" PRIx64, chunk->time[row], chunk->order[row]);
    for (uint32_t i = 0; i < chunk->schema->n_fields; i++) {
        weir_value value = weir_chunk_get(chunk, row, i);
        if (value.is_null) {
            print(self, " null");
        } else if (value.type == WEIR_STRING) {
            print(self, " %.*s", (int)value.size, value.as.s);
        } else if (value.type == WEIR_FLOAT) {
            print(self, " %a", value.as.f);
        } else if (value.type == WEIR_BOOL) {
            print(self, " %d", value.as.b);
        } else {
            print(self, " %" PRId64, value.as.i);
        }
    }
    print(self, "\n");
}

/* With the rows of each stream; a line for each turn shows which turn they came in. */
static void
print_stream(output *self, uint32_t stream, const weiri_rows_list *rows)
{
    print(&self->of[stream], "-\n");
    for (uint32_t i = 0; i < rows->n; i++) {
        for (uint32_t k = 0; k < rows->items[i].n; k++) {
            print_row(&self->of[stream], rows->items[i].chunk, rows->items[i].first + k);
        }
    }
}

static void
output_fini(output *self)
{
    for (uint32_t i = 0; i < MAX_STREAMS; i++) {
        free(self->of[i].bytes);
    }
}

/* ---- what goes in: the same events and turns, in chunks of some size ---- */

typedef struct input {
    random_rules random;
    uint32_t     chunk_rows;
    weiri_merge *merges[2];
    const bool  *used[2];
    weir_chunk  *open[2];
    uint64_t     n; /* events so far */
    int64_t      time_ns;
} input;

static void
push(input *self, uint32_t s)
{
    if (self->open[s] != NULL) {
        assert_ok(weiri_merge_push(self->merges[s], &self->open[s]));
    }
}

/* The events of a turn are between its watermark and the one before, ties among them. */
static void
fill_turn(input *self, const weiri_plan *plan, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++, self->n++) {
        uint32_t s = random_pick(&self->random, 3) == 0;
        if (self->open[s] != NULL && self->open[s]->n_rows == self->chunk_rows) {
            push(self, s);
        }
        if (self->open[s] == NULL) {
            assert_ok(
                weir_chunk_new(&plan->streams[s].schema, self->used[s], &self->open[s]));
        }
        random_event(&self->random, self->open[s], self->time_ns, self->n);
        self->time_ns += random_pick(&self->random, 4) == 0
                             ? (int64_t)random_pick(&self->random, 4) * STEP_NS
                             : 0;
    }
    push(self, 0);
    push(self, 1);
}

static bool
next_turn(input *self, const weiri_plan *plan, weiri_turn *turn)
{
    bool is_first = self->n == 0;
    if (turn->is_end) {
        return false;
    }
    turn->number += is_first ? 0 : 1;
    fill_turn(
        self, plan, 1 + random_pick(&self->random, 1U << random_pick(&self->random, 8)));
    turn->is_end       = self->n >= EVENTS;
    turn->watermark_ns = turn->is_end ? INT64_MAX : self->time_ns;
    turn->deadline_ns  = self->time_ns;
    return true;
}

/* ---- on one thread ---- */

static void
run_graph(output *out, uint64_t seed)
{
    weir_error   err   = { 0 };
    weiri_graph *graph = NULL;
    input        in    = { .random = { .seed = seed }, .chunk_rows = 64 };
    weiri_turn   turn  = { 0 };
    assert_ok(weiri_graph_new(out->plan, &graph, &err));
    for (uint32_t s = 0; s < 2; s++) {
        in.merges[s] = weiri_graph_merge(graph, s);
        in.used[s]   = weiri_graph_used(graph, s);
    }
    while (next_turn(&in, out->plan, &turn)) {
        assert_ok(weiri_graph_pass(
            graph, turn.watermark_ns, turn.deadline_ns, turn.is_end, &err));
        for (uint32_t s = 0; s < out->plan->n_streams; s++) {
            if (out->plan->streams[s].is_read) {
                print_stream(out, s, &weiri_graph_rows(graph)[s]);
            }
        }
        weiri_graph_forget(graph);
    }
    out->counts = weiri_graph_get_counts(graph);
    weiri_graph_destroy(&graph);
}

/* ---- on shards, in an order that a seed decides ---- */

typedef struct letter {
    uint32_t      from;
    uint32_t      to;
    weiri_parcel *parcel;
} letter;

typedef struct carrier {
    weiri_flow  *flow;
    letter      *letters; /* on their way, shape (n,) */
    uint32_t     n;
    uint32_t     sender; /* who works now */
    random_rules random;
    uint32_t     n_done[WEIRI_FLOW_TURNS]; /* of the turns on their way */
    uint64_t     n_finished;               /* turns */
} carrier;

static weir_status
on_send(void *context, uint32_t node, weiri_parcel **parcel_p)
{
    carrier *self = context;
    assert_true(self->n < MAX_QUEUE);
    self->letters[self->n++] = (letter){ self->sender, node, *parcel_p };
    *parcel_p                = NULL;
    return WEIR_OK;
}

static weir_status
on_done(void *context, const weiri_turn *turn)
{
    carrier *self = context;
    uint32_t slot = (uint32_t)(turn->number % WEIRI_FLOW_TURNS);
    if (++self->n_done[slot] == weiri_flow_n_leaves(self->flow)) {
        self->n_done[slot] = 0;
        self->n_finished++;
    }
    return WEIR_OK;
}

/* Any letter may come next before which no other goes the same way. */
static letter
take_letter(carrier *self)
{
    uint32_t i = random_pick(&self->random, self->n);
    for (uint32_t k = 0; k < i; k++) {
        if (self->letters[k].from == self->letters[i].from
            && self->letters[k].to == self->letters[i].to) {
            i = k;
        }
    }
    letter taken = self->letters[i];
    self->n--;
    memmove(&self->letters[i], &self->letters[i + 1], (self->n - i) * sizeof taken);
    return taken;
}

static void
deliver(carrier *self, const weiri_flow_port *port)
{
    weir_error err = { 0 };
    letter     at  = take_letter(self);
    self->sender   = at.to;
    assert_ok(weiri_flow_receive(self->flow, at.to, &at.parcel, port, &err));
}

typedef struct tap {
    output  *out;
    uint32_t stream;
} tap;

static weir_status
on_rows(void *context, const weiri_rows_list *rows, weir_error *err)
{
    (void)err;
    tap *self = context;
    print_stream(self->out, self->stream, &rows[self->stream]);
    return WEIR_OK;
}

static void
carry(carrier *self, input *in, const weiri_plan *plan)
{
    weir_error            err  = { 0 };
    weiri_turn            turn = { 0 };
    const weiri_flow_port port = { .context = self, .send = on_send, .done = on_done };
    uint64_t              n_opened = 0;
    while (!turn.is_end || self->n_finished < n_opened) {
        bool may_open = !turn.is_end && n_opened - self->n_finished < WEIRI_FLOW_TURNS;
        if (may_open && (self->n == 0 || random_pick(&self->random, 20) == 0)) {
            self->sender = UINT32_MAX;
            assert_true(next_turn(in, plan, &turn));
            assert_ok(weiri_flow_open(self->flow, &turn, &port, &err));
            n_opened++;
        } else {
            assert_true(self->n > 0);
            deliver(self, &port);
        }
    }
    assert_int_equal(self->n, 0);
}

static void
run_flow(output *out, uint64_t seed, uint32_t n_shards, uint32_t chunk_rows)
{
    weir_error        err = { 0 };
    tap               taps[MAX_STREAMS];
    weiri_flow_outlet outlets[MAX_STREAMS];
    uint32_t          n_outlets = 0;
    carrier           self      = { .random = { .seed = seed + n_shards + chunk_rows } };
    input             in = { .random = { .seed = seed }, .chunk_rows = chunk_rows };
    for (uint32_t s = 0; s < out->plan->n_streams; s++) {
        if (out->plan->streams[s].is_read) {
            taps[n_outlets]    = (tap){ .out = out, .stream = s };
            outlets[n_outlets] = (weiri_flow_outlet){ .streams = &taps[n_outlets].stream,
                .n_streams                                     = 1,
                .write                                         = on_rows,
                .context                                       = &taps[n_outlets] };
            n_outlets++;
        }
    }
    self.letters = calloc(MAX_QUEUE, sizeof *self.letters);
    assert_non_null(self.letters);
    assert_ok(weiri_flow_new(out->plan, n_shards, outlets, n_outlets, &self.flow, &err));
    for (uint32_t s = 0; s < 2; s++) {
        in.merges[s] = weiri_flow_merge(self.flow, s);
        in.used[s]   = weiri_flow_used(self.flow, s);
    }
    carry(&self, &in, out->plan);
    out->counts = weiri_flow_get_counts(self.flow);
    weiri_flow_destroy(&self.flow);
    free(self.letters);
}

/* ---- the tests ---- */

static weiri_plan *
compile(const random_rules *rules)
{
    const weiri_compile_options options     = { .with_tests = true };
    weiri_diagnostics          *diagnostics = NULL;
    weiri_plan                 *plan        = NULL;
    weir_error                  err         = { 0 };
    assert_ok(weiri_diagnostics_new(&diagnostics));
    weir_status status = weiri_compile_text(
        "rules", rules->text, rules->used, &options, diagnostics, &plan, &err);
    if (status != WEIR_OK) {
        weiri_diagnostics_print(diagnostics, stderr, false);
        fail_msg("%s", rules->text);
    }
    weiri_diagnostics_destroy(&diagnostics);
    assert_true(plan->n_streams <= MAX_STREAMS);
    return plan;
}

static void
compare_stream(const random_rules *rules, uint32_t n_shards, const char *name,
    const text *flow, const text *graph)
{
    size_t at = 0;
    if (flow->used == graph->used
        && (graph->used == 0 || memcmp(flow->bytes, graph->bytes, graph->used) == 0)) {
        return;
    }
    while (at < flow->used && at < graph->used && flow->bytes[at] == graph->bytes[at]) {
        at++;
    }
    while (at > 0 && graph->bytes[at - 1] != '\n') {
        at--;
    }
    (void)fwrite(rules->text, 1, rules->used, stderr);
    fail_msg("stream %s, %u shards\nflow:  %.300s\ngraph: %.300s", name, n_shards,
        flow->bytes + at, graph->bytes + at);
}

static void
compare(
    const random_rules *rules, uint32_t n_shards, const output *flow, const output *graph)
{
    for (uint32_t s = 0; s < graph->plan->n_streams; s++) {
        compare_stream(rules, n_shards, graph->plan->streams[s].schema.name, &flow->of[s],
            &graph->of[s]);
    }
    if (memcmp(&flow->counts, &graph->counts, sizeof graph->counts) != 0) {
        (void)fwrite(rules->text, 1, rules->used, stderr);
        fail_msg("matches %" PRIu64 " %" PRIu64 ", dropped %" PRIu64 " %" PRIu64
                 ", faults %" PRIu64 " %" PRIu64 ", null keys %" PRIu64 " %" PRIu64,
            flow->counts.n_matches, graph->counts.n_matches, flow->counts.n_dropped,
            graph->counts.n_dropped, flow->counts.n_faults, graph->counts.n_faults,
            flow->counts.n_null_keys, graph->counts.n_null_keys);
    }
}

static void
shards_change_nothing(void **state)
{
    (void)state;
    static const uint32_t SHARDS[] = { 1, 2, 8 };
    static const uint32_t ROWS[]   = { 1, 7, 1000 };

    const char  *n_sets    = getenv("WEIR_FLOW_SETS"); /* more, for a long look */
    uint32_t     sets      = n_sets != NULL ? (uint32_t)strtoul(n_sets, NULL, 10) : SETS;
    random_rules rules     = { .seed = 11 };
    uint64_t     n_matches = 0;
    for (uint32_t i = 0; i < sets; i++) {
        random_rules_write(&rules);
        weiri_plan *plan  = compile(&rules);
        output      graph = { .plan = plan };
        run_graph(&graph, i + 1);
        n_matches += graph.counts.n_matches;
        for (uint32_t k = 0; k < 3; k++) {
            output flow = { .plan = plan };
            run_flow(&flow, i + 1, SHARDS[k], ROWS[(i + k) % 3]);
            compare(&rules, SHARDS[k], &flow, &graph);
            output_fini(&flow);
        }
        output_fini(&graph);
        weiri_plan_destroy(&plan);
    }
    assert_true(n_matches > 100 * (uint64_t)sets); /* or the rules say nothing */
    free(rules.text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(shards_change_nothing) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
