/* Random sets of rules over random events: what comes out of a flow is, to the byte, what
 * comes out of the graph on one thread, for any number of shards, however its input is
 * cut into chunks and whoever is faster; counts included. A flow that goes on from the
 * state of another is as that other would have been.
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

enum { EVENTS = 400, STEP_NS = 20000000, MAX_STREAMS = 32 };

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
    random_rules pauses; /* of who takes in */
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

/* ---- a run, from its first turn or from a cut on ---- */

typedef struct feed {
    input             in;
    const weiri_plan *plan;
    weiri_turn        turn;
    weiri_flow       *flow;
    uint32_t          cuts;
    weiri_sections    state; /* of the last cut */
    bool              is_cut;
    uint64_t          first; /* number of the flow's first turn */
} feed;

/* Whether there is a cut here, where nothing is on the way. */
static bool
cuts_here(feed *self)
{
    self->is_cut = self->cuts > 0 && random_pick(&self->in.pauses, self->cuts) == 0;
    return self->is_cut;
}

/* ---- on one thread ---- */

static weiri_graph *
make_graph(feed *from)
{
    weir_error          err     = { 0 };
    weiri_graph        *graph   = NULL;
    const weiri_restore restore = { .sections = &from->state };
    assert_ok(weiri_graph_new(from->plan, &graph, &err));
    for (uint32_t s = 0; s < 2; s++) {
        from->in.merges[s] = weiri_graph_merge(graph, s);
        from->in.used[s]   = weiri_graph_used(graph, s);
    }
    if (from->is_cut && weiri_graph_load(graph, &restore, &err) != WEIR_OK) {
        fail_msg("%s", err.text);
    }
    weiri_sections_fini(&from->state);
    return graph;
}

static void
run_graph_from(feed *from, output *out)
{
    weir_error   err   = { 0 };
    weiri_graph *graph = make_graph(from);
    from->is_cut       = false;
    while (!cuts_here(from) && next_turn(&from->in, out->plan, &from->turn)) {
        assert_ok(weiri_graph_pass(graph, from->turn.watermark_ns, from->turn.deadline_ns,
            from->turn.is_end, &err));
        for (uint32_t s = 0; s < out->plan->n_streams; s++) {
            if (out->plan->streams[s].is_read) {
                print_stream(out, s, &weiri_graph_rows(graph)[s]);
            }
        }
        weiri_graph_forget(graph);
    }
    if (from->is_cut && from->turn.is_end) {
        from->is_cut = false; /* nothing comes any more */
    }
    if (from->is_cut) {
        assert_ok(weiri_graph_save(graph, &from->state, &err));
    }
    out->counts = weiri_graph_get_counts(graph);
    weiri_graph_destroy(&graph);
}

static void
run_graph(output *out, uint64_t seed)
{
    feed from = { .plan = out->plan };
    from.in   = (input){ .random = { .seed = seed }, .chunk_rows = 64 };
    run_graph_from(&from, out);
}

/* ---- on shards: in an order that a seed decides, or on threads ---- */

typedef struct setting {
    uint32_t n_shards;
    uint32_t chunk_rows;
    bool     is_threaded;
    uint32_t room; /* events between shards, and in a mailbox; 0: the default */
    uint32_t
         cuts;   /* of so many times at rest one is a cut: a new flow goes on; 0: none */
    bool is_any; /* after each cut on another number of shards, or without a flow */
} setting;

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

/* An outlet for each stream that is read. Returns how many. */
static uint32_t
make_taps(output *out, tap *taps, weiri_flow_outlet *outlets)
{
    uint32_t n = 0;
    for (uint32_t s = 0; s < out->plan->n_streams; s++) {
        if (out->plan->streams[s].is_read) {
            taps[n]    = (tap){ .out = out, .stream = s };
            outlets[n] = (weiri_flow_outlet){ .streams = &taps[n].stream,
                .n_streams                             = 1,
                .write                                 = on_rows,
                .context                               = &taps[n] };
            n++;
        }
    }
    return n;
}

static weir_status
on_next(void *context, bool may_wait, weiri_turn *turn, bool *is_turn, weir_error *err)
{
    feed *self = context;
    if (!may_wait && random_pick(&self->in.pauses, 4) == 0) {
        return WEIR_EAGAIN;
    }
    if (may_wait && cuts_here(self)) {
        assert_ok(weiri_flow_save(self->flow, &self->state, err));
        return WEIR_EOF;
    }
    *is_turn = random_pick(&self->in.pauses, 4) != 0;
    if (*is_turn) {
        assert_true(next_turn(&self->in, self->plan, &self->turn));
        *turn = self->turn;
        turn->number -= self->first;
    }
    return WEIR_OK;
}

/* A flow, or one that goes on from the last cut. */
static void
make_flow(feed *from, uint32_t n_shards, const weiri_flow_outlet *outlets, uint32_t n)
{
    weir_error          err     = { 0 };
    const weiri_restore restore = { .sections = &from->state };
    assert_ok(weiri_flow_new(from->plan, n_shards, outlets, n, &from->flow, &err));
    for (uint32_t s = 0; s < 2; s++) {
        from->in.merges[s] = weiri_flow_merge(from->flow, s);
        from->in.used[s]   = weiri_flow_used(from->flow, s);
    }
    if (from->is_cut) {
        if (weiri_flow_load(from->flow, &restore, &err) != WEIR_OK) {
            fail_msg("%s", err.text);
        }
        weiri_sections_fini(&from->state);
        from->first = from->in.n > 0 ? from->turn.number + 1 : 0;
    }
    from->is_cut = false;
}

static void
run_flow_from(feed *from, output *out, const setting *how, uint32_t n_shards)
{
    weir_error                err   = { 0 };
    uint64_t                  order = from->in.pauses.seed;
    tap                       taps[MAX_STREAMS];
    weiri_flow_outlet         outlets[MAX_STREAMS];
    uint32_t                  n_outlets = make_taps(out, taps, outlets);
    const weiri_flow_source   source    = { .next = on_next, .context = from };
    const weiri_flow_carriage carriage  = { .seed = how->is_threaded ? NULL : &order,
         .credit                                  = how->room,
         .mailbox                                 = how->room };
    make_flow(from, n_shards, outlets, n_outlets);
    if (weiri_flow_run(from->flow, &source, &carriage, &err) != WEIR_OK) {
        fail_msg("%s", err.text);
    }
    out->counts = weiri_flow_get_counts(from->flow);
    weiri_flow_destroy(&from->flow);
}

static uint32_t
run_flow(output *out, uint64_t seed, const setting *how)
{
    static const uint32_t ANY[]    = { 0, 1, 2, 3, 8 };
    feed                  from     = { .plan = out->plan, .cuts = how->cuts };
    uint32_t              n        = 0;
    uint32_t              n_shards = how->n_shards;
    from.in = (input){ .random = { .seed = seed }, .chunk_rows = how->chunk_rows };
    from.in.pauses.seed = seed * 64 + how->n_shards + how->chunk_rows;
    do {
        if (n_shards == 0) {
            run_graph_from(&from, out);
        } else {
            run_flow_from(&from, out, how, n_shards);
        }
        n += from.is_cut;
        if (how->is_any) {
            n_shards = ANY[random_pick(&from.in.pauses, 5)];
        }
    } while (from.is_cut);
    return n;
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

/* Sets of rules, each run in one way or another. */
static void
run_sets(uint32_t sets, const setting *settings, uint32_t n_settings, uint32_t n_each)
{
    random_rules rules     = { .seed = 11 };
    uint64_t     n_matches = 0;
    uint32_t     n_cuts    = 0;
    for (uint32_t i = 0; i < sets; i++) {
        random_rules_write(&rules);
        weiri_plan *plan  = compile(&rules);
        output      graph = { .plan = plan };
        run_graph(&graph, i + 1);
        n_matches += graph.counts.n_matches;
        for (uint32_t k = 0; k < n_each; k++) {
            const setting *how  = &settings[(i * n_each + k) % n_settings];
            output         flow = { .plan = plan };
            n_cuts += run_flow(&flow, i + 1, how);
            compare(&rules, how->n_shards, &flow, &graph);
            output_fini(&flow);
        }
        output_fini(&graph);
        weiri_plan_destroy(&plan);
    }
    assert_true(n_matches > 100 * (uint64_t)sets); /* or the rules say nothing */
    assert_true(settings->cuts == 0 || n_cuts > sets);
    free(rules.text);
}

static uint32_t
n_sets(uint32_t usual)
{
    const char *more = getenv("WEIR_FLOW_SETS"); /* for a long look */
    return more != NULL ? (uint32_t)strtoul(more, NULL, 10) : usual;
}

static void
shards_change_nothing_in_any_order_of_work(void **state)
{
    (void)state;
    static const setting HOW[] = {
        { .n_shards = 1, .chunk_rows = 1 },
        { .n_shards = 2, .chunk_rows = 7 },
        { .n_shards = 8, .chunk_rows = 1000 },
        { .n_shards = 1, .chunk_rows = 7 },
        { .n_shards = 2, .chunk_rows = 1000 },
        { .n_shards = 8, .chunk_rows = 1 },
        { .n_shards = 2, .chunk_rows = 1, .room = 1 },
        { .n_shards = 8, .chunk_rows = 7, .room = 3 },
        { .n_shards = 2, .chunk_rows = 1000, .room = 50 },
    };
    run_sets(n_sets(100), HOW, sizeof HOW / sizeof HOW[0], 3);
}

static void
threads_change_nothing(void **state)
{
    (void)state;
    static const setting HOW[] = {
        { .n_shards = 2, .chunk_rows = 7, .is_threaded = true },
        { .n_shards = 3, .chunk_rows = 1000, .is_threaded = true, .room = 5 },
        { .n_shards = 8, .chunk_rows = 1, .is_threaded = true },
    };
    run_sets(n_sets(30), HOW, sizeof HOW / sizeof HOW[0], 1);
}

static void
state_kept_at_any_rest_goes_on_as_if_nothing_had_been(void **state)
{
    (void)state;
    static const setting HOW[] = {
        { .n_shards = 2, .chunk_rows = 7, .cuts = 4 },
        { .n_shards = 8, .chunk_rows = 1000, .cuts = 2 },
        { .n_shards = 3, .chunk_rows = 1, .cuts = 8, .room = 3 },
        { .n_shards = 1, .chunk_rows = 64, .cuts = 2 },
        { .n_shards = 2, .chunk_rows = 1000, .cuts = 3, .is_threaded = true },
    };
    run_sets(n_sets(60), HOW, sizeof HOW / sizeof HOW[0], 3);
}

static void
any_number_of_shards_goes_on_from_what_another_has_kept(void **state)
{
    (void)state;
    static const setting HOW[] = {
        { .n_shards = 2, .chunk_rows = 7, .cuts = 3, .is_any = true },
        { .n_shards = 8, .chunk_rows = 1000, .cuts = 2, .is_any = true },
        { .n_shards = 0, .chunk_rows = 1, .cuts = 8, .is_any = true },
        { .n_shards = 1, .chunk_rows = 64, .cuts = 2, .is_any = true },
        { .n_shards      = 3,
            .chunk_rows  = 30,
            .cuts        = 3,
            .is_any      = true,
            .is_threaded = true },
    };
    run_sets(n_sets(100), HOW, sizeof HOW / sizeof HOW[0], 3);
}

/* Each rule of the wheel takes by another key what the one before has emitted, and emits
 * an event for each. */
static void
write_wheel(random_rules *rules)
{
    enum { SPOKES = 24, SIZE = 1 << 14 };
    static const char *const KEYS[] = { "id", "y", "tag", "y % 3" };
    rules->text                     = malloc(SIZE);
    assert_non_null(rules->text);
    int used = snprintf(rules->text, SIZE,
        "stream s { at time, id string, tag string?, x float, y int, z int?, ok bool,"
        " rule int }\n"
        "stream t { at time, id string, tag string?, x float, y int, z int?, ok bool,"
        " rule int }\n"
        "source s from stdin() format json\n"
        "source t from file(\"t.json\") format json\n"
        "rule first { match a: s() ->> b: t() by id within 1s skip none"
        " emit w0 { id: b.id, tag: b.tag, x: a.x, y: b.y, rule: 0 } }\n");
    for (int i = 0; i < SPOKES; i++) {
        used += snprintf(rules->text + used, (size_t)(SIZE - used),
            "rule r%d { from w%d by %s window last 3"
            " emit w%d { id: last(id) ?? \"\", tag: last(tag), x: sum(x) ?? 0.0, y: y + "
            "count(), rule: %d } }\n",
            i + 1, i, KEYS[i % 4], i + 1, i + 1);
    }
    rules->used = (size_t)used;
}

static void
a_wheel_of_rules_turns_through_the_smallest_mailboxes(void **state)
{
    (void)state;
    static const setting HOW[] = {
        { .n_shards = 8, .chunk_rows = 7, .room = 1 },
        { .n_shards = 3, .chunk_rows = 100, .room = 1, .is_threaded = true },
    };
    random_rules rules = { .seed = 1 };
    write_wheel(&rules);
    weiri_plan *plan  = compile(&rules);
    output      graph = { .plan = plan };
    run_graph(&graph, 1);
    assert_true(graph.counts.n_matches > 10000);
    for (uint32_t k = 0; k < 2; k++) {
        output flow = { .plan = plan };
        (void)run_flow(&flow, 1, &HOW[k]);
        compare(&rules, HOW[k].n_shards, &flow, &graph);
        output_fini(&flow);
    }
    output_fini(&graph);
    weiri_plan_destroy(&plan);
    free(rules.text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_change_nothing_in_any_order_of_work),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(state_kept_at_any_rest_goes_on_as_if_nothing_had_been),
        cmocka_unit_test(any_number_of_shards_goes_on_from_what_another_has_kept),
        cmocka_unit_test(a_wheel_of_rules_turns_through_the_smallest_mailboxes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
