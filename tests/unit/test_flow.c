/* Random sets of rules over random events: what comes out of a flow is, to the byte, what
 * comes out of the graph on one thread, for any number of shards, however its input is
 * cut into chunks and whoever is faster; counts included. A flow that goes on from the
 * state of another, or of a graph, is as that other would have been, and key groups may
 * move from shard to shard, and from one flow to another.
 */
#include "weir_test.h"

#include "flow_text.h"

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
    uint32_t          moves;
    uint32_t          n_shards;
    uint32_t          n_moved; /* times */
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
    uint32_t moves; /* of so many times at rest key groups move once; 0: never */
} setting;

typedef struct tap {
    output  *out;
    uint32_t stream;
} tap;

static weir_status
on_rows(
    void *context, const weiri_turn *turn, const weiri_rows_list *rows, weir_error *err)
{
    (void)turn;
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

/* One in so many key groups, beginning anywhere. */
static weiri_groups
pick_groups(random_rules *random)
{
    weiri_groups groups = { .bits = { 0 } };
    uint32_t     step   = 1 + random_pick(random, 7);
    for (uint32_t g = random_pick(random, step); g < WEIRI_KEY_GROUPS; g += step) {
        weiri_groups_add(&groups, g);
    }
    return groups;
}

/* From where they are to another shard, or the same. */
static void
move_groups(feed *self)
{
    weir_error     err      = { 0 };
    weiri_sections sections = { 0 };
    weiri_groups   groups   = pick_groups(&self->in.pauses);
    uint32_t       shard    = random_pick(&self->in.pauses, self->n_shards);
    assert_ok(weiri_flow_save_groups(self->flow, &groups, &sections, &err));
    assert_ok(weiri_flow_forget_groups(self->flow, &groups, &err));
    if (weiri_flow_load_groups(self->flow, &groups, shard, &sections, &err) != WEIR_OK) {
        fail_msg("%s", err.text);
    }
    weiri_sections_fini(&sections);
    self->n_moved++;
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
    if (may_wait && self->moves > 0 && random_pick(&self->in.pauses, self->moves) == 0) {
        move_groups(self);
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
    from->n_shards                      = n_shards;
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
    static const uint32_t ANY[] = { 0, 1, 2, 3, 8 };
    feed     from     = { .plan = out->plan, .cuts = how->cuts, .moves = how->moves };
    uint32_t n        = 0;
    uint32_t n_shards = how->n_shards;
    from.in = (input){ .random = { .seed = seed }, .chunk_rows = how->chunk_rows };
    from.in.pauses.seed = seed * 64 + how->n_shards + how->chunk_rows;
    do {
        if (n_shards == 0) {
            run_graph_from(&from, out);
        } else {
            run_flow_from(&from, out, how, n_shards);
        }
        n += from.is_cut;
        if (from.is_cut && how->is_any) {
            n_shards = ANY[random_pick(&from.in.pauses, 5)];
        }
    } while (from.is_cut);
    return n + from.n_moved;
}

/* ---- the tests ---- */

static weiri_plan *
compile(const random_rules *rules)
{
    weiri_plan *plan = compile_text(rules->text, rules->used);
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
    assert_true((settings->cuts == 0 && settings->moves == 0) || n_cuts > sets);
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
    run_sets(n_sets(24), HOW, sizeof HOW / sizeof HOW[0], 2);
}

static void
key_groups_that_move_from_shard_to_shard_change_nothing(void **state)
{
    (void)state;
    static const setting HOW[] = {
        { .n_shards = 2, .chunk_rows = 7, .moves = 2 },
        { .n_shards = 8, .chunk_rows = 1000, .moves = 3 },
        { .n_shards = 3, .chunk_rows = 20, .moves = 3, .cuts = 6 },
        { .n_shards = 3, .chunk_rows = 50, .moves = 3, .is_threaded = true },
    };
    run_sets(n_sets(16), HOW, sizeof HOW / sizeof HOW[0], 2);
}

/* ---- two flows that have the keys between them ---- */

/* Joins of each kind, and a table that a rule reads and writes. */
static const char JOINS[] =
    "stream s { at time, id string, tag string?, x float, y int, z int?, ok bool,"
    " rule int }\n"
    "stream t { at time, id string, tag string?, x float, y int, z int?, ok bool,"
    " rule int }\n"
    "source s from stdin() format json\n"
    "source t from file(\"t.json\") format json\n"
    "table best key id { id string, n int?, x float? } limit 6\n"
    "sink d0 to stdout() format json\n"
    "sink d1 to stdout() format json\n"
    "sink d2 to stdout() format json\n"
    "sink d3 to stdout() format json\n"
    "rule near { from a: s left join b: t on a.id == b.id and a.tag == b.tag"
    " within 80ms emit d0 { id: a.id, n: a.y, m: b.y } }\n"
    "rule before { from a: s asof join b: t on a.x == b.x within 1s"
    " emit d1 { id: a.id, n: a.y, m: b.y } }\n"
    "rule count_up { from s by id emit into best { id, n: (best[id].n ?? 0) + 1,"
    " x: greatest(best[id].x ?? 0.0, x) } }\n"
    "rule look { from t where y + 40 > (best[id].n ?? 0)"
    " emit d2 { id, n: best[id].n, m: y } }\n"
    "rule again { from d0 by id window last 3 having count() > 1"
    " emit d3 { id: last(id), n: sum(n), m: count() } }\n";

static void
joins_and_tables_go_on_on_any_number_of_shards(void **state)
{
    (void)state;
    enum { SEEDS = 8 };
    static const setting HOW = { .chunk_rows = 30, .cuts = 3, .is_any = true };
    random_rules rules = { .text = (char *)(uintptr_t)JOINS, .used = sizeof JOINS - 1 };
    weiri_plan  *plan  = compile(&rules);
    uint32_t     n     = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        output graph = { .plan = plan };
        output flow  = { .plan = plan };
        run_graph(&graph, seed);
        n += run_flow(&flow, seed, &HOW);
        compare(&rules, 0, &flow, &graph);
        for (uint32_t s = 0; s < plan->n_streams; s++) {
            bool is_sink = plan->streams[s].schema.name[0] == 'd';
            assert_true(!is_sink || graph.of[s].used > 1000);
        }
        output_fini(&graph);
        output_fini(&flow);
    }
    assert_true(n > SEEDS);
    weiri_plan_destroy(&plan);
}

/* Rules by key of every executor and every kind of window. */
static const char BY_KEY[] =
    "stream s { at time, id string, tag string?, x float, y int, z int?, ok bool,"
    " rule int }\n"
    "stream t { at time, id string, tag string?, x float, y int, z int?, ok bool,"
    " rule int }\n"
    "source s from stdin() format json\n"
    "source t from file(\"t.json\") format json\n"
    "sink d0 to stdout() format json\n"
    "sink d1 to stdout() format json\n"
    "sink d2 to stdout() format json\n"
    "sink d3 to stdout() format json\n"
    "sink d4 to stdout() format json\n"
    "sink d5 to stdout() format json\n"
    "sink d6 to stdout() format json\n"
    "sink d7 to stdout() format json\n"
    "sink d8 to stdout() format json\n"
    "sink d9 to stdout() format json\n"
    "sink d10 to stdout() format json\n"
    "sink d11 to stdout() format json\n"
    "rule runs { match a: s(y > 3) ->> b: t(y > a.y or ok){1,3} by id within 1s"
    " skip past last emit d0 { id: a.id, n: count(b) } }\n"
    "rule gone { match a: s(y > 3) -> not t() by id within 400ms"
    " emit d1 { id: a.id, n: a.y } }\n"
    "rule rings { match a: s(y > 1) -> b: s(y > 1) -> c: t() by id within 700ms"
    " emit d2 { id: a.id, n: c.y } }\n"
    "rule stacks { match a: s() ->> b: t() ->> c: s(ok) by y within 500ms skip none"
    " emit d3 { id: a.id, n: c.y } }\n"
    "rule sets { match a: s() ->> (b: t(ok) or c: s(x > 0)){1,2} ->> d: t(y > 2) by id"
    " within 400ms skip none emit d4 { id: a.id, n: d.y } }\n"
    "rule some { match a: s(ok) -> b: t() by id within 1s limit 2 per 600ms"
    " emit d5 { id: a.id, n: b.y } }\n"
    "rule tumbling { from s by id window tumbling 300ms"
    " emit d6 { id: last(id), n: count(), m: max(y) } }\n"
    "rule hopping { from s by id, ok window hopping 400ms every 100ms"
    " emit d7 { id: last(id), n: count(), m: sum(y) } }\n"
    "rule session { from t by id window session 150ms"
    " emit d8 { id: last(id), n: count(), m: max(y) } }\n"
    "rule sliding { from t by y window sliding 400ms having count() > 2"
    " emit d9 { id: last(id), n: count(), m: sum(y) } when changes }\n"
    "rule latest { from s by id window last 3 having count() > 2"
    " emit d10 { id: last(id), n: count(), m: sum(y) } }\n"
    "rule all_so_far { from s by id window all having count() % 5 == 0"
    " emit d11 { id: last(id), n: count(), m: sum(y) } }\n";

/* Half of a pair: fed all rows, it has some of the key groups. */
typedef struct half {
    feed         from;
    weiri_groups others; /* key groups that the other one has */
    uint64_t     stop;   /* turns until both rest             */
} half;

static weir_status
on_next_of_pair(
    void *context, bool may_wait, weiri_turn *turn, bool *is_turn, weir_error *err)
{
    (void)err;
    half *self = context;
    if (self->stop == 0) {
        return may_wait ? WEIR_EOF : WEIR_EAGAIN;
    }
    self->stop--;
    *is_turn = true;
    assert_true(next_turn(&self->from.in, self->from.plan, &self->from.turn));
    *turn = self->from.turn;
    turn->number -= self->from.first;
    self->stop = turn->is_end ? 0 : self->stop;
    return WEIR_OK;
}

static void
run_half(half *self, output *out, uint32_t n_shards, uint64_t stop)
{
    weir_error                err = { 0 };
    tap                       taps[MAX_STREAMS];
    weiri_flow_outlet         outlets[MAX_STREAMS];
    uint32_t                  n      = make_taps(out, taps, outlets);
    const weiri_flow_source   source = { .next = on_next_of_pair, .context = self };
    uint64_t                  seed   = stop;
    const weiri_flow_carriage how    = { .seed = &seed };
    make_flow(&self->from, n_shards, outlets, n);
    assert_ok(weiri_flow_forget_groups(self->from.flow, &self->others, &err));
    self->stop = stop;
    assert_ok(weiri_flow_run(self->from.flow, &source, &how, &err));
}

/* Key groups go from one to the other. */
static void
hand_over(half *from, half *to, const weiri_groups *picked)
{
    weir_error     err      = { 0 };
    weiri_sections sections = { 0 };
    weiri_groups   groups   = { .bits = { 0 } };
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        if (weiri_groups_has(picked, g) && !weiri_groups_has(&from->others, g)) {
            weiri_groups_add(&groups, g);
            weiri_groups_add(&from->others, g);
            to->others.bits[g / 64] &= ~(UINT64_C(1) << (g % 64));
        }
    }
    assert_ok(weiri_flow_save_groups(from->from.flow, &groups, &sections, &err));
    assert_ok(weiri_flow_forget_groups(from->from.flow, &groups, &err));
    if (weiri_flow_load_groups(to->from.flow, &groups, 1, &sections, &err) != WEIR_OK) {
        fail_msg("%s", err.text);
    }
    weiri_sections_fini(&sections);
}

static void
rest(half *self)
{
    weir_error err = { 0 };
    if (!self->from.turn.is_end) {
        assert_ok(weiri_flow_save(self->from.flow, &self->from.state, &err));
        self->from.is_cut = true;
    }
    weiri_flow_destroy(&self->from.flow);
}

static int
compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The events of a stream, whatever their order within it, sorted. */
static char **
lines_of(const text *of, const text *more, size_t *n)
{
    char **lines = calloc(of->used + more->used + 1, sizeof(char *));
    assert_non_null(lines);
    for (const text *at = of; at != NULL; at = at == of ? more : NULL) {
        for (size_t i = 0; i < at->used;) {
            char *end  = memchr(at->bytes + i, '\n', at->used - i);
            char *line = at->bytes + i;
            *end       = '\0';
            i          = (size_t)(end - at->bytes) + 1;
            char *time = strchr(line, ' ');
            if (time != NULL) {
                char *rest = time + 1 + strcspn(time + 1, " ");
                memmove(time, rest, strlen(rest) + 1);
                lines[(*n)++] = line;
            }
        }
    }
    qsort(lines, *n, sizeof *lines, compare_lines);
    return lines;
}

static uint64_t
compare_pair(output *whole, output *a, output *b, uint32_t stream)
{
    static const text NOTHING = { 0 };
    size_t            n       = 0;
    size_t            n_pair  = 0;
    char            **want    = lines_of(&whole->of[stream], &NOTHING, &n);
    char            **got     = lines_of(&a->of[stream], &b->of[stream], &n_pair);
    assert_int_equal(n_pair, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(got[i], want[i]);
    }
    free(want);
    free(got);
    return n;
}

static void
run_pair(output out[2], uint64_t seed)
{
    random_rules random = { .seed = seed };
    half         pair[2];
    for (uint32_t i = 0; i < 2; i++) {
        pair[i]         = (half){ .from = { .plan = out[i].plan } };
        pair[i].from.in = (input){ .random = { .seed = seed }, .chunk_rows = 30 };
    }
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        weiri_groups_add(&pair[g % 2].others, g);
    }
    while (!pair[0].from.turn.is_end) {
        uint64_t stop = 1 + random_pick(&random, 6);
        for (uint32_t i = 0; i < 2; i++) {
            run_half(&pair[i], &out[i], 2 + random_pick(&random, 3), stop);
        }
        if (!pair[0].from.turn.is_end) {
            weiri_groups some = pick_groups(&random);
            weiri_groups more = pick_groups(&random);
            hand_over(&pair[0], &pair[1], &some);
            hand_over(&pair[1], &pair[0], &more);
        }
        rest(&pair[0]);
        rest(&pair[1]);
    }
}

static void
assert_executor(const weiri_plan *plan, const char *rule, const char *executor)
{
    const weiri_match_sink sink    = { .context = NULL };
    weiri_matcher         *matcher = NULL;
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        if (strcmp(plan->rules[i].name, rule) == 0) {
            assert_ok(weiri_matcher_new(plan->rules[i].match, &sink, &matcher, NULL));
        }
    }
    assert_string_equal(weiri_matcher_executor_name(matcher), executor);
    weiri_matcher_destroy(&matcher);
}

static void
key_groups_that_move_between_two_flows_forth_and_back_change_nothing(void **state)
{
    (void)state;
    enum { SEEDS = 6 };
    random_rules rules = { .text = (char *)(uintptr_t)BY_KEY, .used = sizeof BY_KEY - 1 };
    weiri_plan  *plan  = compile(&rules);
    assert_executor(plan, "runs", "runs");
    assert_executor(plan, "rings", "rings");
    assert_executor(plan, "stacks", "stacks");
    assert_executor(plan, "sets", "sets");
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        output whole   = { .plan = plan };
        output both[2] = { { .plan = plan }, { .plan = plan } };
        run_graph(&whole, seed);
        run_pair(both, seed);
        for (uint32_t s = 2; s < plan->n_streams; s++) { /* what rules emit */
            if (plan->streams[s].is_read) {
                assert_true(compare_pair(&whole, &both[0], &both[1], s) > 0);
            }
        }
        output_fini(&whole);
        output_fini(&both[0]);
        output_fini(&both[1]);
    }
    weiri_plan_destroy(&plan);
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
        cmocka_unit_test(joins_and_tables_go_on_on_any_number_of_shards),
        cmocka_unit_test(key_groups_that_move_from_shard_to_shard_change_nothing),
        cmocka_unit_test(
            key_groups_that_move_between_two_flows_forth_and_back_change_nothing),
        cmocka_unit_test(a_wheel_of_rules_turns_through_the_smallest_mailboxes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
