/* Random rules over random streams: the matcher gives exactly what the reference gives,
 * in the same order and with the same values, however the input is cut into batches, and
 * whether or not its state is saved and loaded into another matcher on the way.
 *
 *   WEIR_SEED   first case; default 1
 *   WEIR_CASES  how many;   default 40000
 *
 * A failing case is made smaller before it is printed.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyed_bytes.h"
#include "reference.h"
#include "shrink.h"
#include "spec.h"
#include "weiri/assert.h"

enum {
    DEFAULT_CASES    = 40000,
    SHRINK_BUDGET    = 4000,
    MAX_EXECUTORS    = 8,
    MAX_RELOADS      = 3,    /* of one case */
    MIN_PER_FEATURE  = 50,   /* matching cases of each feature             */
    MIN_PER_EXECUTOR = 5000, /* cases of each executor                     */
    MAX_REFUSED      = 20    /* patterns too large for an automaton         */
};

static const char *const EXECUTORS[] = { "runs", "rings", "stacks", "sets" };

static const weir_reference_limits LIMITS = { .max_runs = 300, .max_steps = 60000 };

typedef struct result {
    weir_reference_output *outputs;
    size_t                 n;
    weiri_match_counts     counts;
    uint32_t               n_reloaded;
    const char            *executor;
    const char            *failure;      /* an error of the matcher; NULL: none */
    bool                   is_too_large; /* for the matcher, which said so */
} result;

/* ---- the input ---- */

static void
drop_chunk(weir_chunk *chunk)
{
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
}

static int64_t
end_of(const spec *s)
{
    int64_t last = s->n_events > 0 ? s->events[s->n_events - 1].time_s : 0;
    return (last + 100) * SPEC_SECOND;
}

static weir_value
copy_value(weiri_arena *arena, weir_value v)
{
    if (!v.is_null && (v.type == WEIR_STRING || v.type == WEIR_LIST)) {
        v.as.s = weiri_arena_text(arena, v.as.s, v.size);
    }
    return v;
}

/* ---- the reference ---- */

static void
copy_values(weiri_arena *arena, weir_reference_output *output)
{
    for (uint32_t i = 0; i < output->n_values; i++) {
        output->values[i] = copy_value(arena, output->values[i]);
    }
}

/* False: too costly. */
static bool
run_reference(weiri_arena *arena, const spec *s, result *out)
{
    weir_reference *reference = NULL;
    weir_chunk     *chunk     = spec_new_chunk();
    if (weir_reference_new(arena, spec_plan(arena, s), LIMITS, &reference) != WEIR_OK) {
        drop_chunk(chunk);
        return false;
    }
    for (uint32_t i = 0; i < s->n_events; i++) {
        spec_add_event(chunk, &s->events[i], i);
        weir_reference_feed(reference, s->events[i].input, chunk, i);
    }
    if (s->is_closed) {
        weir_reference_advance(reference, end_of(s));
    }
    weir_reference_finish(reference);
    const weir_reference_output *outputs = weir_reference_outputs(reference, &out->n);
    out->outputs = weiri_arena_alloc(arena, (out->n + 1) * sizeof *outputs);
    if (out->n > 0) {
        memcpy(out->outputs, outputs, out->n * sizeof *outputs);
    }
    for (size_t i = 0; i < out->n; i++) { /* texts of the chunk */
        copy_values(arena, &out->outputs[i]);
    }
    out->counts = weir_reference_counts(reference);
    drop_chunk(chunk);
    return !weir_reference_is_too_costly(reference);
}

/* ---- the matcher ---- */

typedef struct recorder {
    weiri_arena          *arena;
    const weiri_match    *plan;
    result               *result;
    weir_reference_output next;
} recorder;

static void
record_events(void *context, bool is_timeout, int64_t time_ns, const weiri_taken *taken,
    uint32_t n_taken)
{
    recorder *r     = context;
    r->next         = (weir_reference_output){ .is_timeout = is_timeout };
    r->next.time_ns = time_ns;
    r->next.n_taken = n_taken;
    r->next.taken   = weiri_arena_alloc(r->arena, (n_taken + 1) * sizeof *taken);
    if (n_taken > 0) {
        memcpy(r->next.taken, taken, n_taken * sizeof *taken);
    }
}

static weir_status
record_values(void *context, bool is_timeout, int64_t time_ns, const weir_value *values)
{
    recorder         *r    = context;
    const weiri_emit *emit = is_timeout ? r->plan->on_timeout : r->plan->emit;
    uint32_t          n    = emit->schema->n_fields;
    weiri_assert(r->next.is_timeout == is_timeout && r->next.time_ns == time_ns);
    r->next.n_values = n;
    r->next.values   = weiri_arena_alloc(r->arena, (n + 1) * sizeof *values);
    for (uint32_t i = 0; i < n; i++) {
        r->next.values[i] = copy_value(r->arena, values[i]);
    }
    WEIRI_ARENA_PUSH(r->arena, r->result->outputs, r->result->n, r->next);
    return WEIR_OK;
}

/* Events first .. first + n of the case as chunks of their own, gone after the call. */
static weir_status
feed_batch(
    weiri_matcher *matcher, const spec *s, uint32_t first, uint32_t n, weir_error *err)
{
    weir_chunk *chunks[SPEC_INPUTS]  = { NULL };
    weiri_part  parts[SPEC_INPUTS]   = { { 0 } };
    weiri_place order[SPEC_EVENTS]   = { { 0 } };
    uint32_t    part_of[SPEC_INPUTS] = { 0 };
    weiri_batch batch                = { .parts = parts, .order = order, .n_events = n };
    for (uint32_t i = 0; i < n; i++) {
        const spec_event *e = &s->events[first + i];
        if (chunks[e->input] == NULL) {
            chunks[e->input]  = spec_new_chunk();
            part_of[e->input] = batch.n_parts++;
        }
        order[i] = (weiri_place){ .part = (uint16_t)part_of[e->input],
            .row                        = (uint16_t)chunks[e->input]->n_rows };
        spec_add_event(chunks[e->input], e, first + i);
    }
    for (uint32_t i = 0; i < SPEC_INPUTS; i++) {
        if (chunks[i] != NULL) {
            parts[part_of[i]].input      = i;
            parts[part_of[i]].rows.chunk = chunks[i];
            parts[part_of[i]].rows.n     = chunks[i]->n_rows;
        }
    }
    if (batch.n_parts == 1 && first % 2 == 0) {
        batch.order = NULL;
    }
    weir_status status = weiri_matcher_feed(matcher, &batch, err);
    for (uint32_t i = 0; i < SPEC_INPUTS; i++) {
        drop_chunk(chunks[i]);
    }
    return status;
}

/* A matcher at work. */
typedef struct worker {
    const weiri_match      *plan;
    const weiri_match_sink *sink;
    weiri_matcher          *matcher;
    weir_error              err;
    uint32_t                reload_at[MAX_RELOADS]; /* before these events */
    uint32_t                n_reloads;
    uint32_t                n_reloaded; /* … that could be */
} worker;

static bool
is_same_pack(const weiri_pack *a, const weiri_pack *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* Another matcher takes over by way of bytes, which are the same whenever the same state
 * is saved. */
static weir_status
reload(worker *self)
{
    weiri_pack     saved  = { .size = 0 };
    weiri_pack     twice  = { .size = 0 };
    weiri_pack     again  = { .size = 0 };
    weiri_matcher *next   = NULL;
    weir_status    status = matcher_to_bytes(self->matcher, &saved, &self->err);
    if (status == WEIR_EINVAL) {
        return WEIR_OK; /* its executor cannot */
    }
    self->n_reloaded++;
    if (status == WEIR_OK) {
        status = matcher_to_bytes(self->matcher, &twice, &self->err);
    }
    weiri_match_counts counts = weiri_matcher_counts(self->matcher);
    weiri_matcher_destroy(&self->matcher);
    if (status == WEIR_OK) {
        status = weiri_matcher_new(self->plan, self->sink, &next, &self->err);
    }
    if (status == WEIR_OK) {
        self->matcher = next;
        status        = matcher_of_bytes(next, saved.bytes, saved.size, &self->err);
    }
    if (status == WEIR_OK) {
        weiri_match_counts now = weiri_matcher_counts(next);
        status                 = matcher_to_bytes(next, &again, &self->err);
        if (!is_same_pack(&saved, &twice) || !is_same_pack(&saved, &again)
            || memcmp(&counts, &now, sizeof counts) != 0) {
            status = WEIR_FAIL(&self->err, WEIR_EDATA, "loaded is not what was saved");
        }
    }
    weiri_pack_fini(&saved);
    weiri_pack_fini(&twice);
    weiri_pack_fini(&again);
    return status;
}

static bool
is_reload(const worker *self, uint32_t event)
{
    for (uint32_t i = 0; i < self->n_reloads; i++) {
        if (self->reload_at[i] == event) {
            return true;
        }
    }
    return false;
}

static void
draw_reloads(worker *self, const spec *s)
{
    uint64_t seed   = s->reload;
    self->n_reloads = s->reload != 0 ? 1 + spec_below(&seed, MAX_RELOADS) : 0;
    for (uint32_t i = 0; i < self->n_reloads; i++) {
        self->reload_at[i] = spec_below(&seed, s->n_events + 1);
    }
}

/* How many events the next batch has: it ends where a reload is. */
static uint32_t
next_batch(const worker *self, const spec *s, uint32_t first, uint64_t *seed)
{
    uint32_t left = s->n_events - first;
    uint32_t n    = s->cut == 0 ? left : 1 + spec_below(seed, left);
    for (uint32_t i = 1; i < n; i++) {
        if (is_reload(self, first + i)) {
            return i;
        }
    }
    return n;
}

static weir_status
feed_all(worker *self, const spec *s)
{
    uint64_t    seed   = s->cut;
    weir_status status = is_reload(self, 0) ? reload(self) : WEIR_OK;
    for (uint32_t first = 0; first < s->n_events && status == WEIR_OK;) {
        uint32_t n = next_batch(self, s, first, &seed);
        status     = feed_batch(self->matcher, s, first, n, &self->err);
        first += n;
        if (status == WEIR_OK && s->cut % 2 == 1 && first < s->n_events) {
            status = weiri_matcher_advance(
                self->matcher, s->events[first].time_s * SPEC_SECOND, &self->err);
        }
        if (status == WEIR_OK && is_reload(self, first)) {
            status = reload(self);
        }
    }
    if (status == WEIR_OK && s->is_closed) {
        status = weiri_matcher_advance(self->matcher, end_of(s), &self->err);
    }
    return status != WEIR_OK ? status : weiri_matcher_finish(self->matcher, &self->err);
}

static void
run_matcher(weiri_arena *arena, const spec *s, result *out)
{
    const weiri_match *plan = spec_plan(arena, s);
    recorder           r    = { .arena = arena, .plan = plan, .result = out };
    weiri_match_sink   sink = {
          .context = &r, .emitted = record_values, .matched = record_events
    };
    worker w = { .plan = plan, .sink = &sink };
    if (weiri_matcher_new(plan, &sink, &w.matcher, &w.err) != WEIR_OK) {
        out->failure      = weiri_arena_format(arena, "refused: %s", w.err.text);
        out->is_too_large = strstr(w.err.text, "too many elements") != NULL
                            || strstr(w.err.text, "too many states") != NULL;
        return;
    }
    out->executor = weiri_matcher_executor_name(w.matcher);
    draw_reloads(&w, s);
    if (feed_all(&w, s) != WEIR_OK) {
        out->failure = weiri_arena_format(arena, "failed: %s", w.err.text);
    }
    if (w.matcher != NULL) {
        out->counts = weiri_matcher_counts(w.matcher);
    }
    out->n_reloaded = w.n_reloaded;
    weiri_matcher_destroy(&w.matcher);
}

/* The counts of the same case without a reload are the same, too. */
static void
check_counts(weiri_arena *arena, const spec *s, result *got)
{
    spec   plain = spec_copy(arena, s);
    result other = { 0 };
    if (s->reload == 0 || got->failure != NULL) {
        return;
    }
    plain.reload = 0;
    run_matcher(arena, &plain, &other);
    if (memcmp(&got->counts, &other.counts, sizeof got->counts) != 0) {
        got->failure = "counts differ from those without a reload";
    }
}

/* ---- comparison ---- */

static bool
is_near(double a, double b)
{
    double scale = fabs(a) > fabs(b) ? fabs(a) : fabs(b);
    return fabs(a - b) <= 1e-9 * (scale > 1 ? scale : 1);
}

static bool
is_same_value(const weir_value *a, const weir_value *b)
{
    if (a->is_null || b->is_null) {
        return a->is_null == b->is_null;
    }
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case WEIR_FLOAT: return is_near(a->as.f, b->as.f);
    case WEIR_BOOL: return a->as.b == b->as.b;
    case WEIR_STRING:
    case WEIR_LIST: return a->size == b->size && memcmp(a->as.s, b->as.s, a->size) == 0;
    default: return a->as.i == b->as.i;
    }
}

static bool
is_same_output(const weir_reference_output *a, const weir_reference_output *b)
{
    if (a->is_timeout != b->is_timeout || a->time_ns != b->time_ns
        || a->n_values != b->n_values
        || weir_reference_compare(a->taken, a->n_taken, b->taken, b->n_taken) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_values; i++) {
        if (!is_same_value(&a->values[i], &b->values[i])) {
            return false;
        }
    }
    return true;
}

/* Not every executor looks for what timed out without `on timeout`, or for matches that
 * `skip overlaps` drops anyway; "runs" may wait for one absence in two states, and then
 * counts it twice at the end. */
static bool
are_same_counts(const spec *s, const result *want, const result *got)
{
    const weiri_match_counts *a          = &want->counts;
    const weiri_match_counts *b          = &got->counts;
    bool                      overlaps   = s->skip == WEIRI_SKIP_OVERLAPS;
    bool                      is_counted = strcmp(got->executor, "runs") != 0;
    return a->matches == b->matches && (!s->has_timeout || a->timeouts == b->timeouts)
           && a->dropped_runs == b->dropped_runs
           && (overlaps || a->dropped_matches == b->dropped_matches)
           && (is_counted ? a->dropped_at_end == b->dropped_at_end
                          : (a->dropped_at_end == 0) == (b->dropped_at_end == 0))
           && a->null_keys == b->null_keys;
}

static bool
is_same_result(const spec *s, const result *want, const result *got)
{
    if (got->failure != NULL || want->n != got->n) {
        return false;
    }
    for (size_t i = 0; i < want->n; i++) {
        if (!is_same_output(&want->outputs[i], &got->outputs[i])) {
            return false;
        }
    }
    return are_same_counts(s, want, got);
}

/* ---- failures ---- */

static void
print_value(const weir_value *v)
{
    if (v->is_null) {
        printf(" null");
    } else if (v->type == WEIR_FLOAT) {
        printf(" %g", v->as.f);
    } else if (v->type == WEIR_LIST) {
        printf(" list of %u bytes", v->size);
    } else if (v->type == WEIR_STRING) {
        printf(" \"%.*s\"", (int)v->size, v->as.s);
    } else {
        printf(" %" PRId64, v->as.i);
    }
}

static void
print_result(const char *title, const weiri_match *plan, const result *r)
{
    printf("%s: %zu\n", title, r->n);
    if (r->failure != NULL) {
        printf("  %s\n", r->failure);
    }
    printf("  %" PRIu64 " matches, %" PRIu64 " timeouts, dropped: %" PRIu64
           " runs, %" PRIu64 " matches, %" PRIu64 " at the end; %" PRIu64 " null keys\n",
        r->counts.matches, r->counts.timeouts, r->counts.dropped_runs,
        r->counts.dropped_matches, r->counts.dropped_at_end, r->counts.null_keys);
    for (size_t i = 0; i < r->n; i++) {
        const weir_reference_output *o = &r->outputs[i];
        printf("  %s at %" PRId64 "s:", o->is_timeout ? "timeout" : "match",
            o->time_ns / SPEC_SECOND);
        for (uint32_t k = 0; k < o->n_taken; k++) {
            printf(" %s=%" PRIu64, plan->steps[o->taken[k].step].name, o->taken[k].order);
        }
        printf(" ->");
        for (uint32_t k = 0; k < o->n_values; k++) {
            print_value(&o->values[k]);
        }
        printf("\n");
    }
}

static bool
differs(void *context, const spec *candidate)
{
    (void)context;
    weiri_arena *arena = weiri_arena_new();
    result       want  = { 0 };
    result       got   = { 0 };
    bool         is    = false;
    if (run_reference(arena, candidate, &want)) {
        run_matcher(arena, candidate, &got);
        check_counts(arena, candidate, &got);
        is = !is_same_result(candidate, &want, &got);
    }
    weiri_arena_destroy(&arena);
    return is;
}

static void
print_failure(weiri_arena *arena, const spec *failing, uint64_t seed)
{
    spec   small = spec_shrink(arena, failing, differs, NULL, SHRINK_BUDGET);
    result want  = { 0 };
    result got   = { 0 };
    (void)run_reference(arena, &small, &want);
    run_matcher(arena, &small, &got);
    check_counts(arena, &small, &got);
    printf("FAILED case %" PRIu64 " (WEIR_SEED=%" PRIu64
           " WEIR_CASES=1), made smaller:\n",
        seed, seed);
    printf("%s", spec_text(arena, &small));
    print_result("reference", spec_plan(arena, &small), &want);
    print_result(
        got.executor != NULL ? got.executor : "matcher", spec_plan(arena, &small), &got);
}

/* ---- the run ---- */

typedef struct tally {
    uint64_t    compared;
    uint64_t    costly;
    uint64_t    matching; /* with at least one match */
    uint64_t    outputs;
    uint64_t    reloaded;
    uint64_t    failed;
    uint64_t    refused;
    uint64_t    features[N_FEATURES]; /* of matching cases */
    uint64_t    in_sets[N_FEATURES];  /* … of the executor "sets" */
    const char *executors[MAX_EXECUTORS];
    uint64_t    per_executor[MAX_EXECUTORS];
    uint32_t    n_executors;
} tally;

static void
count_executor(tally *t, const char *name)
{
    for (uint32_t i = 0; i < t->n_executors; i++) {
        if (strcmp(t->executors[i], name) == 0) {
            t->per_executor[i]++;
            return;
        }
    }
    weiri_assert(t->n_executors < MAX_EXECUTORS);
    t->per_executor[t->n_executors] = 1;
    t->executors[t->n_executors++]  = name;
}

static void
count_case(tally *t, const spec *s, const result *want, const result *got)
{
    bool has_match = false;
    for (size_t i = 0; i < want->n; i++) {
        has_match = has_match || !want->outputs[i].is_timeout;
    }
    t->compared++;
    t->outputs += want->n;
    t->matching += has_match;
    t->reloaded += got->n_reloaded > 0;
    bool is_in_sets = got->executor != NULL && strcmp(got->executor, "sets") == 0;
    for (int f = 0; has_match && f < N_FEATURES; f++) {
        uint64_t has = spec_features(s) >> f & 1;
        t->features[f] += has;
        t->in_sets[f] += is_in_sets ? has : 0;
    }
    if (got->executor != NULL) {
        count_executor(t, got->executor);
    }
}

static void
run_case(tally *t, uint64_t seed)
{
    weiri_arena *arena = weiri_arena_new();
    spec         s     = spec_random(arena, seed);
    result       want  = { 0 };
    result       got   = { 0 };
    if (!run_reference(arena, &s, &want)) {
        t->costly++;
    } else {
        run_matcher(arena, &s, &got);
        check_counts(arena, &s, &got);
        count_case(t, &s, &want, &got);
        if (got.is_too_large) {
            t->refused++;
        } else if (!is_same_result(&s, &want, &got)) {
            t->failed++;
            print_failure(arena, &s, seed);
        }
    }
    weiri_arena_destroy(&arena);
}

static bool
has_its_share(const tally *t, const char *executor, uint64_t n_cases)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < t->n_executors; i++) {
        n += strcmp(t->executors[i], executor) == 0 ? t->per_executor[i] : 0;
    }
    if (n * DEFAULT_CASES < MIN_PER_EXECUTOR * n_cases) {
        printf("FAILED: executor %s took %" PRIu64 " cases\n", executor, n);
        return false;
    }
    return true;
}

/* Of what the executor "sets" has to follow in one graph. */
static bool
is_sets_thorough(const tally *t, uint64_t minimum)
{
    static const spec_feature features[] = { FEATURE_NEXT, FEATURE_FOLLOWED,
        FEATURE_FOLLOWED_ANY, FEATURE_AND, FEATURE_OR, FEATURE_GROUP, FEATURE_OPTIONAL,
        FEATURE_LOOP, FEATURE_TIMES, FEATURE_QUANTIFIED_GROUP, FEATURE_INNER_NEXT,
        FEATURE_INNER_ANY, FEATURE_GREEDY, FEATURE_LAZY, FEATURE_UNTIL, FEATURE_NOT_NEXT,
        FEATURE_NOT_FOLLOWED, FEATURE_MAX_MATCHES, FEATURE_WITHIN, FEATURE_ONE_KEY };
    bool                      ok         = true;
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        if (t->in_sets[features[i]] < minimum) {
            printf("FAILED: '%s' only in %" PRIu64 " matching cases of sets\n",
                spec_feature_text(features[i]), t->in_sets[features[i]]);
            ok = false;
        }
    }
    return ok;
}

/* Nothing may go unexercised: a share of the cases must match, with every feature. */
static bool
is_thorough(const tally *t, uint64_t n_cases)
{
    bool     ok      = t->matching * 3 >= n_cases && t->reloaded * 5 >= t->compared;
    uint64_t minimum = n_cases * MIN_PER_FEATURE / DEFAULT_CASES;
    if (!ok) {
        printf("FAILED: only %" PRIu64 " cases match, %" PRIu64 " are reloaded\n",
            t->matching, t->reloaded);
    }
    for (size_t i = 0; i < sizeof EXECUTORS / sizeof *EXECUTORS; i++) {
        ok = has_its_share(t, EXECUTORS[i], n_cases) && ok;
    }
    if (t->refused * DEFAULT_CASES > MAX_REFUSED * n_cases) {
        printf("FAILED: %" PRIu64 " patterns refused\n", t->refused);
        ok = false;
    }
    for (int f = 0; f < N_FEATURES; f++) {
        if (t->features[f] < minimum) {
            printf("FAILED: '%s' only in %" PRIu64 " matching cases\n",
                spec_feature_text((spec_feature)f), t->features[f]);
            ok = false;
        }
    }
    return is_sets_thorough(t, minimum) && ok;
}

static void
print_tally(const tally *t)
{
    printf("%" PRIu64 " cases compared, %" PRIu64 " with matches, %" PRIu64
           " outputs; %" PRIu64 " saved and loaded; %" PRIu64 " too costly, %" PRIu64
           " too large; %" PRIu64 " failed\n",
        t->compared, t->matching, t->outputs, t->reloaded, t->costly, t->refused,
        t->failed);
    for (int f = 0; f < N_FEATURES; f++) {
        printf("%s%s %" PRIu64, f > 0 ? ", " : "matching cases with ",
            spec_feature_text((spec_feature)f), t->features[f]);
    }
    printf("\nof these in sets");
    for (int f = 0; f < N_FEATURES; f++) {
        if (t->in_sets[f] > 0) {
            printf(" %s %" PRIu64, spec_feature_text((spec_feature)f), t->in_sets[f]);
        }
    }
    printf("\n");
    for (uint32_t i = 0; i < t->n_executors; i++) {
        printf("executor %s: %" PRIu64 "\n", t->executors[i], t->per_executor[i]);
    }
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
    enum { MAX_FAILURES = 3 };
    uint64_t seed    = from_environment("WEIR_SEED", 1);
    uint64_t n_cases = from_environment("WEIR_CASES", DEFAULT_CASES);
    tally    t       = { 0 };
    for (uint64_t i = 0; i < n_cases && t.failed < MAX_FAILURES; i++) {
        run_case(&t, seed + i);
    }
    print_tally(&t);
    bool ok = t.failed == 0 && (n_cases < 2000 || is_thorough(&t, n_cases));
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
