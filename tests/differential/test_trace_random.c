/* Random rules over random streams: what the tracing matcher gives of each partition is
 * what the matcher gives, and where nothing is given, the parts of the rule that are
 * named are those without which the matcher gives a match, and none while one of them
 * stays. Parts are named of every partition that has an event some step could take.
 *
 *   WEIR_SEED   first case; default 1
 *   WEIR_CASES  how many;   default 3000
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spec.h"
#include "weiri/assert.h"
#include "weiri/trace.h"

enum {
    DEFAULT_CASES = 3000,
    MIN_MATCHES   = 1000, /* compared, of the default cases           */
    MIN_SILENT    = 3000  /* partitions without a match, likewise     */
};

/* What a matcher gave: of each match its events, by position in the case. */
typedef struct given {
    bool         is_timeout;
    int64_t      time_ns;
    weiri_taken *taken;
    uint32_t     n_taken;
} given;

typedef struct givens {
    weiri_arena *arena;
    given       *items;
    uint32_t     n;
} givens;

typedef struct tally {
    uint64_t cases;
    uint64_t refused;
    uint64_t partitions;
    uint64_t outputs;
    uint64_t silent;  /* partitions without a match in which one was begun or could be */
    uint64_t nothing; /* … of them, with no event of a stream that a step takes */
    uint64_t named;
    uint64_t single; /* … by one part alone */
    uint64_t kinds[WEIRI_N_EDITS];
    uint64_t failed;
} tally;

static void
on_matched(void *context, bool is_timeout, int64_t time_ns, const weiri_taken *taken,
    uint32_t n_taken)
{
    givens *self = context;
    given   g    = { .is_timeout = is_timeout, .time_ns = time_ns, .n_taken = n_taken };
    g.taken      = weiri_arena_alloc(self->arena, (n_taken + 1) * sizeof *taken);
    if (n_taken > 0) {
        memcpy(g.taken, taken, n_taken * sizeof *taken);
    }
    WEIRI_ARENA_PUSH(self->arena, self->items, self->n, g);
}

static weir_status
on_emitted(void *context, bool is_timeout, int64_t time_ns, const weir_value *values)
{
    (void)context;
    (void)is_timeout;
    (void)time_ns;
    (void)values;
    return WEIR_OK;
}

/* Time stops here: deadlines before it fire. */
static int64_t
end_of(const spec *s)
{
    int64_t last = s->n_events > 0 ? s->events[s->n_events - 1].time_s : 0;
    return (last + (s->is_closed ? 100 : 0)) * SPEC_SECOND;
}

static weir_status
feed_one(weiri_matcher *matcher, uint32_t input, const weir_chunk *chunk, uint32_t row)
{
    weir_error        err   = { 0 };
    const weiri_part  part  = { .input = input, .rows = { chunk, row, 1 } };
    const weiri_batch batch = { .parts = &part, .n_parts = 1, .n_events = 1 };
    return weiri_matcher_feed(matcher, &batch, &err);
}

/* Run the matcher over events of the case. False: it takes no such rule. */
static bool
run_matcher(const spec *s, const weiri_match *plan, const weir_chunk *chunk,
    const uint32_t *rows, uint32_t n, givens *out)
{
    const weiri_match_sink sink = {
        .context = out, .matched = on_matched, .emitted = on_emitted
    };
    weiri_matcher *matcher = NULL;
    weir_error     err     = { 0 };
    if (weiri_matcher_new(plan, &sink, &matcher, &err) != WEIR_OK) {
        return false;
    }
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
        status = feed_one(matcher, s->events[rows[i]].input, chunk, rows[i]);
    }
    if (status == WEIR_OK) {
        status = weiri_matcher_advance(matcher, end_of(s), &err);
    }
    weiri_assert(status == WEIR_OK);
    weiri_matcher_destroy(&matcher);
    return true;
}

/* ---- partitions ---- */

typedef struct partition {
    uint32_t          rows[SPEC_EVENTS]; /* events of the case */
    weiri_trace_event events[SPEC_EVENTS];
    uint32_t          n;
} partition;

static bool
is_same_key(const weir_value *a, const weir_value *b)
{
    if (a->type == WEIR_STRING) {
        return a->size == b->size
               && (a->size == 0 || memcmp(a->as.s, b->as.s, a->size) == 0);
    }
    return a->as.i == b->as.i;
}

/* False: a key is null. */
static bool
keys_of(const weiri_match *plan, uint32_t input, const weir_chunk *chunk, uint32_t row,
    weir_value *out)
{
    for (uint32_t i = 0; i < plan->n_keys; i++) {
        const weiri_expr *key = plan->inputs[input].keys[i];
        weiri_assert(key->kind == WEIRI_EXPR_FIELD);
        out[i] = weir_chunk_get(chunk, row, key->as.field);
        if (out[i].is_null) {
            return false;
        }
    }
    return true;
}

static bool
belongs(const weiri_match *plan, const partition *p, const weir_chunk *chunk,
    const weir_value *keys)
{
    weir_value mine[2];
    bool       has = keys_of(plan, p->events[0].input, chunk, p->rows[0], mine);
    for (uint32_t i = 0; has && i < plan->n_keys; i++) {
        has = is_same_key(&mine[i], &keys[i]);
    }
    return has;
}

static uint32_t
split(const spec *s, const weiri_match *plan, const weir_chunk *chunk, partition *out)
{
    uint32_t n = 0;
    for (uint32_t row = 0; row < s->n_events; row++) {
        uint32_t   input = s->events[row].input;
        weir_value keys[2];
        uint32_t   i = 0;
        if (!keys_of(plan, input, chunk, row, keys)) {
            continue;
        }
        while (i < n && !belongs(plan, &out[i], chunk, keys)) {
            i++;
        }
        if (i == n) {
            out[n++].n = 0;
        }
        partition *p    = &out[i];
        p->rows[p->n]   = row;
        p->events[p->n] = (weiri_trace_event){
            .input = input, .chunk = chunk, .row = row, .time_ns = chunk->time[row]
        };
        p->n++;
    }
    return n;
}

static bool
is_of(const partition *p, const given *g)
{
    for (uint32_t i = 0; i < p->n; i++) {
        if (p->rows[i] == g->taken[0].order) {
            return true;
        }
    }
    return false;
}

/* ---- comparing ---- */

static bool
is_same_match(const weiri_trace *trace, const partition *p,
    const weiri_trace_output *output, const given *g)
{
    const weiri_trace_node *node = weiri_trace_node_at(trace, output->node);
    if (output->is_timeout != g->is_timeout || node->n_taken != g->n_taken) {
        return false;
    }
    for (uint32_t i = g->n_taken; i-- > 0;) {
        if (node->step != g->taken[i].step || p->rows[node->event] != g->taken[i].order) {
            return false;
        }
        node = weiri_trace_node_at(trace, node->before);
    }
    return true;
}

/* The same outputs in the same order; times of those found late are told by `emitted`. */
static bool
is_same_story(const weiri_trace *trace, const partition *p, const givens *all)
{
    uint32_t                  n       = 0;
    uint32_t                  i       = 0;
    const weiri_trace_output *outputs = weiri_trace_outputs(trace, &n);
    for (uint32_t g = 0; g < all->n; g++) {
        if (!is_of(p, &all->items[g])) {
            continue;
        }
        if (i == n || !is_same_match(trace, p, &outputs[i], &all->items[g])
            || outputs[i].time_ns != all->items[g].time_ns) {
            return false;
        }
        i++;
    }
    return i == n;
}

static void
fail(weiri_arena *arena, tally *t, const spec *s, uint64_t seed, const char *what)
{
    t->failed++;
    printf("FAILED case %" PRIu64 " (WEIR_SEED=%" PRIu64 " WEIR_CASES=1): %s\n%s", seed,
        seed, what, spec_text(arena, s));
}

static bool
has_match(const weiri_trace *trace)
{
    uint32_t                  n       = 0;
    const weiri_trace_output *outputs = weiri_trace_outputs(trace, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (!outputs[i].is_timeout) {
            return true;
        }
    }
    return false;
}

/* Whether the matcher itself gives a match of the partition without the part. */
static bool
matches_without(weiri_arena *arena, const spec *s, const weiri_match *plan,
    const partition *p, const weiri_edit *edits, uint32_t n)
{
    givens found = { .arena = arena };
    if (!run_matcher(s, weiri_edit_apply(arena, plan, edits, n), p->events[0].chunk,
            p->rows, p->n, &found)) {
        return false;
    }
    for (uint32_t i = 0; i < found.n; i++) {
        if (!found.items[i].is_timeout) {
            return true;
        }
    }
    return false;
}

/* All that is told of ended partial matches, to see that it can be. */
static void
tell_all(weiri_arena *arena, weiri_trace *trace)
{
    uint32_t              *nearest   = NULL;
    weiri_obstacle        *obstacles = NULL;
    uint32_t               n_ends    = 0;
    uint32_t               n         = weiri_trace_nearest(trace, arena, &nearest);
    const weiri_trace_end *ends      = weiri_trace_ends(trace, &n_ends);
    weiri_assert(n == n_ends);
    for (uint32_t i = 0; i < n && i < 5; i++) {
        uint32_t k = weiri_trace_obstacles(trace, arena, &ends[nearest[i]], &obstacles);
        for (uint32_t o = 0; o < k; o++) {
            weiri_assert(obstacles[o].text != NULL);
        }
    }
}

/* Each of several parts is needed: while it stays, there is no match. */
static bool
is_needed(weiri_arena *arena, const spec *s, const weiri_match *plan, const partition *p,
    const weiri_edit *edits, uint32_t n, uint32_t i)
{
    weiri_edit *others = weiri_arena_alloc(arena, n * sizeof *others);
    for (uint32_t k = 0, m = 0; k < n; k++) {
        if (k != i) {
            others[m++] = edits[k];
        }
    }
    return !matches_without(arena, s, plan, p, others, n - 1);
}

/* The inputs of the steps that take an event, by the rule as it was drawn. */
static void
mark_inputs(const spec *s, const spec_element *e, bool *is_taken)
{
    if (e->kind == WEIRI_PATTERN_STEP) {
        is_taken[e->input] = is_taken[e->input] || !e->is_negated || s->silence_s >= 0;
    }
    for (uint32_t i = 0; i < e->n_items; i++) {
        mark_inputs(s, e->items[i], is_taken);
    }
}

static bool
has_nothing(const spec *s, const partition *p)
{
    bool is_taken[SPEC_INPUTS] = { false };
    mark_inputs(s, s->root, is_taken);
    for (uint32_t i = 0; i < p->n; i++) {
        if (is_taken[p->events[i].input]) { /* a silence takes time */
            return s->silence_s >= 0 && end_of(s) <= p->events[i].time_ns + 1;
        }
    }
    return true;
}

static void
check_blame(weiri_arena *arena, tally *t, const spec *s, uint64_t seed,
    const weiri_match *plan, const partition *p, weiri_trace *trace)
{
    const weiri_goal goal  = { .has_time = false };
    weiri_edit      *edits = NULL;
    uint32_t         n     = 0;
    weir_error       err   = { 0 };
    t->silent++;
    tell_all(arena, trace);
    weiri_assert(weiri_trace_blame(trace, arena, &goal, &edits, &n, &err) == WEIR_OK);
    t->named += n > 0;
    t->single += n == 1;
    bool is_hopeless = has_nothing(s, p);
    t->nothing += is_hopeless;
    weiri_assert(weiri_trace_has_nothing(trace) == is_hopeless);
    if ((n > 0) == is_hopeless) {
        fail(arena, t, s, seed,
            is_hopeless ? "parts are named where nothing can help" : "no part is named");
    }
    for (uint32_t i = 0; i < n; i++) {
        t->kinds[edits[i].kind]++;
        if (plan->max_runs == UINT32_MAX && !is_needed(arena, s, plan, p, edits, n, i)) {
            fail(arena, t, s, seed,
                weiri_arena_format(
                    arena, "%s is not needed", weiri_edit_text(arena, plan, &edits[i])));
        }
    }
    if (n > 0 && !matches_without(arena, s, plan, p, edits, n)) {
        fail(arena, t, s, seed,
            weiri_arena_format(
                arena, "no match without %s", weiri_edit_text(arena, plan, &edits[0])));
    }
}

static void
check_partition(weiri_arena *arena, tally *t, const spec *s, uint64_t seed,
    const weiri_match *plan, const partition *p, const givens *all)
{
    weiri_trace *trace  = NULL;
    weir_error   err    = { 0 };
    weir_status  status = weiri_trace_new(plan, p->events, p->n, end_of(s), &trace, &err);
    if (status != WEIR_OK) {
        weiri_assert(status == WEIR_EFULL);
        t->refused++;
        return;
    }
    uint32_t n = 0;
    (void)weiri_trace_outputs(trace, &n);
    t->partitions++;
    t->outputs += n;
    if (!is_same_story(trace, p, all)) {
        fail(arena, t, s, seed, "the story is not what the matcher gives");
    } else if (!has_match(trace)) {
        check_blame(arena, t, s, seed, plan, p, trace);
    }
    weiri_trace_destroy(&trace);
}

static void
run_case(tally *t, uint64_t seed)
{
    weiri_arena       *arena = weiri_arena_new();
    spec               s     = spec_random(arena, seed);
    const weiri_match *plan  = spec_plan(arena, &s);
    weir_chunk        *chunk = spec_new_chunk();
    givens             all   = { .arena = arena };
    uint32_t           rows[SPEC_EVENTS];
    partition          partitions[SPEC_EVENTS];
    for (uint32_t i = 0; i < s.n_events; i++) {
        spec_add_event(chunk, &s.events[i], i);
        rows[i] = i;
    }
    if (!run_matcher(&s, plan, chunk, rows, s.n_events, &all)) {
        t->refused++;
    } else {
        uint32_t n = split(&s, plan, chunk, partitions);
        t->cases++;
        for (uint32_t i = 0; i < n && t->failed == 0; i++) {
            check_partition(arena, t, &s, seed, plan, &partitions[i], &all);
        }
    }
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
    weiri_arena_destroy(&arena);
}

static void
print_tally(const tally *t)
{
    static const char *const NAMES[] = {
#define X(name) #name,
        WEIRI_EDIT_LIST(X)
#undef X
    };
    printf("%" PRIu64 " cases, %" PRIu64 " partitions, %" PRIu64
           " outputs as the matcher "
           "gives them; %" PRIu64 " too large; %" PRIu64
           " partitions without a match, %" PRIu64 " explained, %" PRIu64
           " by one part, %" PRIu64 " without an event to take; %" PRIu64 " failed\n",
        t->cases, t->partitions, t->outputs, t->refused, t->silent, t->named, t->single,
        t->nothing, t->failed);
    for (uint32_t k = 0; k < WEIRI_N_EDITS; k++) {
        if (t->kinds[k] > 0) {
            printf("%s %" PRIu64 " ", NAMES[k], t->kinds[k]);
        }
    }
    printf("\n");
}

static uint64_t
from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name); /* NOLINT(concurrency-mt-unsafe): one thread */
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

int
main(void)
{
    uint64_t seed    = from_environment("WEIR_SEED", 1);
    uint64_t n_cases = from_environment("WEIR_CASES", DEFAULT_CASES);
    tally    t       = { 0 };
    for (uint64_t i = 0; i < n_cases && t.failed == 0; i++) {
        run_case(&t, seed + i);
    }
    print_tally(&t);
    bool is_thorough = n_cases < DEFAULT_CASES
                       || (t.outputs >= MIN_MATCHES && t.silent >= MIN_SILENT
                           && t.named + t.nothing == t.silent);
    return t.failed == 0 && is_thorough ? EXIT_SUCCESS : EXIT_FAILURE;
}
