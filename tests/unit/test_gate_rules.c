/* Random sets of rules over random events: what comes out of a graph with gates is, to
 * the byte, what comes out of one that runs every rule over every event, counts included.
 */
#include "weir_test.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "row_text.h"
#include "weiri/graph.h"

enum {
    SETS      = 40,
    EVENTS    = 1000,
    MAX_RULES = 40,
    TEXT_SIZE = 1 << 18,
    STEP_NS   = 100000000
};

static const char STREAMS[] =
    "stream s { at time, id string, tag string?, x float, y int, z int?, ok bool }\n"
    "stream t { at time, id string, tag string?, x float, y int, z int?, ok bool }\n"
    "source s from stdin() format json\n"
    "source t from file(\"t.json\") format json\n";

typedef struct writer {
    char    *text;
    size_t   used;
    uint64_t seed;
} writer;

static uint32_t
pick(writer *self, uint32_t n)
{
    self->seed ^= self->seed >> 12;
    self->seed ^= self->seed << 25;
    self->seed ^= self->seed >> 27;
    return (uint32_t)((self->seed * UINT64_C(2685821657736338717)) >> 33) % n;
}

static void __attribute__((format(printf, 2, 3)))
put(writer *self, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is the line above */
    int n = vsnprintf(self->text + self->used, TEXT_SIZE - self->used, format, args);
    va_end(args);
    assert_true(n >= 0 && self->used + (size_t)n < TEXT_SIZE);
    self->used += (size_t)n;
}

/* ---- rules ---- */

static const char *const COMPARISONS[] = { "<", "<=", ">", ">=", "==", "!=" };

static void
put_test(writer *self)
{
    const char *how = COMPARISONS[pick(self, 6)];
    switch (pick(self, 14)) {
    case 0:
    case 1:
    case 2: put(self, "id == \"i%u\"", pick(self, 30)); break;
    case 3: put(self, "tag == \"g%u\"", pick(self, 6)); break;
    case 4: put(self, "id in (\"i%u\", \"i%u\")", pick(self, 30), pick(self, 30)); break;
    case 5: put(self, "x %s %d.5", how, (int)pick(self, 40) - 20); break;
    case 6: put(self, "y %s %d", how, (int)pick(self, 40) - 20); break;
    case 7: put(self, "%d %s z", (int)pick(self, 40) - 20, how); break;
    case 8: {
        int low = (int)pick(self, 40) - 20;
        put(self, "y between %d and %d", low, low + (int)pick(self, 5));
        break;
    }
    case 9: put(self, "x %s %d", how, (int)pick(self, 40) - 20); break;
    case 10:
        put(self, "y %s %d.%u", how, (int)pick(self, 40) - 20, 5 * pick(self, 2));
        break;
    case 11: put(self, "100 / y > %u", pick(self, 30)); break;
    case 12: put(self, "z in (%u, %u)", pick(self, 10), pick(self, 10)); break;
    default: put(self, "ok"); break;
    }
}

static void
put_condition(writer *self, uint32_t depth)
{
    uint32_t form = depth == 0 ? 0 : pick(self, 8);
    if (form < 3) {
        put_test(self);
        return;
    }
    if (form == 7) {
        put(self, "not ");
    }
    put(self, "(");
    put_condition(self, depth - 1);
    put(self, form < 6 ? " and " : " or ");
    put_condition(self, depth - 1);
    put(self, ")");
}

static void
put_step(writer *self, const char *name, const char *stream)
{
    put(self, "%s: %s(", name, stream);
    put_condition(self, 2);
    put(self, ")");
}

static void
put_pattern(writer *self, const char *stream)
{
    static const char *const ARROWS[] = { "->", "->", "->", "->>", "=>" };
    static const char *const COUNTS[] = { "", "", "", "{2}", "{2,}", "+", "{1,3} next" };
    uint32_t                 form     = pick(self, 8);
    put(self, "  match ");
    put_step(self, "a", stream);
    put(self, "%s %s ", COUNTS[pick(self, 7)], form == 0 ? "->" : ARROWS[pick(self, 5)]);
    if (form == 0) {
        put(self, "not ");
        put_step(self, "n", stream);
        put(self, " -> ");
    }
    put_step(self, "b", pick(self, 8) == 0 ? "t" : stream);
    if (form == 1) {
        put(self, " -> not ");
        put_step(self, "n", stream);
    }
    put(self, "\n  within %us\n", 1 + pick(self, 5));
    if (pick(self, 3) == 0) {
        put(self, pick(self, 2) == 0 ? "  by id\n" : "  by y\n");
    } else if (pick(self, 6) == 0) {
        put(self, "  by z\n");
    }
    static const char *const SKIPS[] = { "", "", "overlaps", "used", "none",
        "past last" };
    const char              *skip    = SKIPS[pick(self, 6)];
    if (skip[0] != '\0') {
        put(self, "  skip %s\n", skip);
    }
}

static void
put_rule(writer *self, uint32_t number, uint32_t n_rules)
{
    const char *stream    = pick(self, 6) == 0 ? "t" : "s";
    bool        is_second = number > 2 * n_rules / 3 && pick(self, 3) == 0;
    put(self, "rule r%u {\n", number);
    if (is_second) { /* reads what others emit */
        stream = pick(self, 2) == 0 ? "d0" : "d1";
    }
    if (pick(self, 2) == 0) {
        put(self, "  from %s where ", stream);
        put_condition(self, 3);
        put(self, "\n  emit %s%u { id, tag, x, y: y, z, ok, rule: %u }\n}\n",
            is_second ? "e" : "d", pick(self, 2), number);
        return;
    }
    put_pattern(self, stream);
    put(self,
        "  emit %s%u { id: last(a.id), tag: last(a.tag), x: b.x, y: count(a), z: b.z,"
        " ok: b.ok, rule: %u }\n}\n",
        is_second ? "e" : "d", pick(self, 2), number);
}

static void
put_rules(writer *self)
{
    uint32_t n = 3 + pick(self, MAX_RULES - 3);
    self->used = 0;
    put(self, "%s", STREAMS);
    for (uint32_t i = 0; i < 2; i++) {
        put(self,
            "rule first%u { from t where y > 18 emit d%u { id, tag, x, y, z, ok, rule: 0 "
            "} }\n"
            "rule last%u { from d%u where y > 18 emit e%u { id, tag, x, y, z, ok, rule: "
            "0 } }\n",
            i, i, i, i, i);
    }
    for (uint32_t i = 0; i < n; i++) {
        put_rule(self, i + 1, n);
    }
}

/* ---- events ---- */

static weir_value
text_value(const char *bytes)
{
    return (weir_value){
        .type = WEIR_STRING, .as.s = bytes, .size = (uint32_t)strlen(bytes)
    };
}

static weir_value
int_value(int64_t number)
{
    return (weir_value){ .type = WEIR_INT, .as.i = number };
}

static void
set_row(writer *random, weir_chunk *chunk, int64_t time_ns)
{
    char     id[8];
    char     tag[8];
    uint32_t row = chunk->n_rows;
    (void)snprintf(id, sizeof id, "i%u", pick(random, 40));
    (void)snprintf(tag, sizeof tag, "g%u", pick(random, 8));
    weir_value values[] = {
        { .type = WEIR_TIME, .as.i = time_ns },
        text_value(id),
        text_value(tag),
        { .type = WEIR_FLOAT, .as.f = (double)((int)pick(random, 100) - 50) / 2 },
        int_value((int64_t)pick(random, 50) - 25),
        int_value((int64_t)pick(random, 50) - 25),
        { .type = WEIR_BOOL, .as.b = pick(random, 2) == 0 },
    };
    values[2].is_null = pick(random, 6) == 0;
    values[5].is_null = pick(random, 6) == 0;
    for (uint32_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_ok(weir_chunk_set(chunk, row, i, &values[i]));
    }
    chunk->time[row] = time_ns;
    chunk->n_rows++;
}

/* ---- a run ---- */

typedef struct run {
    weiri_plan        *plan;
    weiri_graph       *graph;
    text               out;
    weiri_graph_counts counts;
} run;

static void
print_row(run *self, const weir_chunk *chunk, uint32_t row)
{
    print(&self->out, "%" PRId64, chunk->time[row]);
    print_values(&self->out, chunk, row);
}

static void
pass(run *self, int64_t watermark_ns, int64_t deadline_ns)
{
    weir_error err    = { 0 };
    bool       is_end = watermark_ns == INT64_MAX;
    assert_ok(weiri_graph_pass(self->graph, watermark_ns, deadline_ns, is_end, &err));
    for (uint32_t s = 0; s < self->plan->n_streams; s++) {
        const weiri_rows_list *rows = &weiri_graph_rows(self->graph)[s];
        print(&self->out, "%s\n", self->plan->streams[s].schema.name);
        for (uint32_t i = 0; i < rows->n; i++) {
            for (uint32_t k = 0; k < rows->items[i].n; k++) {
                print_row(self, rows->items[i].chunk, rows->items[i].first + k);
            }
        }
    }
    weiri_graph_forget(self->graph);
}

static void
push_event(
    run *self, writer *random, weir_chunk **chunks, uint64_t order, int64_t time_ns)
{
    uint32_t           s      = pick(random, 4) == 0;
    const weir_schema *schema = &self->plan->streams[s].schema;
    weiri_merge       *merge  = weiri_graph_merge(self->graph, s);
    if (merge == NULL) {
        return;
    }
    if (chunks[s] == NULL) {
        assert_ok(weir_chunk_new(schema, weiri_graph_used(self->graph, s), &chunks[s]));
    }
    chunks[s]->order[chunks[s]->n_rows] = order;
    set_row(random, chunks[s], time_ns);
    if (chunks[s]->n_rows == chunks[s]->capacity) {
        assert_ok(weiri_merge_push(merge, &chunks[s]));
    }
}

static void
push_open(run *self, weir_chunk **chunks)
{
    for (uint32_t s = 0; s < 2; s++) {
        if (chunks[s] != NULL) {
            assert_ok(weiri_merge_push(weiri_graph_merge(self->graph, s), &chunks[s]));
        }
    }
}

/* Passes of many sizes, and one of everything that is left. */
static void
feed(run *self, uint64_t seed)
{
    writer      random    = { .seed = seed };
    weir_chunk *chunks[2] = { NULL, NULL };
    int64_t     time_ns   = 0;
    uint32_t    left      = 0;
    uint32_t    widest    = 1U << pick(&random, 12);
    for (uint64_t i = 0; i < EVENTS; i++) {
        if (left-- == 0) {
            left = pick(&random, widest);
            push_open(self, chunks);
            pass(self, time_ns, time_ns);
        }
        push_event(self, &random, chunks, i, time_ns);
        time_ns += (int64_t)pick(&random, 3) * STEP_NS;
    }
    push_open(self, chunks);
    pass(self, INT64_MAX, time_ns);
}

static run
run_rules(weiri_plan *plan, bool is_ungated, uint64_t seed)
{
    run                       self    = { .plan = plan };
    weir_error                err     = { 0 };
    const weiri_graph_options options = { .is_ungated = is_ungated };
    assert_ok(weiri_graph_new_with(plan, &options, &self.graph, &err));
    feed(&self, seed);
    self.counts = weiri_graph_get_counts(self.graph);
    weiri_graph_destroy(&self.graph);
    return self;
}

static void
compare(const char *rules, const run *gated, const run *all)
{
    if (gated->out.used != all->out.used
        || memcmp(gated->out.bytes, all->out.bytes, all->out.used) != 0) {
        size_t at = 0;
        while (at < gated->out.used && at < all->out.used
               && gated->out.bytes[at] == all->out.bytes[at]) {
            at++;
        }
        while (at > 0 && all->out.bytes[at - 1] != '\n') {
            at--;
        }
        fail_msg("%s\ngated:   %.200s\nungated: %.200s", rules, gated->out.bytes + at,
            all->out.bytes + at);
    }
    if (memcmp(&gated->counts, &all->counts, sizeof all->counts) != 0) {
        fail_msg("%s\nmatches %" PRIu64 " %" PRIu64 ", dropped %" PRIu64 " %" PRIu64
                 ", faults %" PRIu64 " %" PRIu64 ", null keys %" PRIu64 " %" PRIu64,
            rules, gated->counts.n_matches, all->counts.n_matches,
            gated->counts.n_dropped, all->counts.n_dropped, gated->counts.n_faults,
            all->counts.n_faults, gated->counts.n_null_keys, all->counts.n_null_keys);
    }
}

static void
gates_change_nothing(void **state)
{
    (void)state;
    writer   rules     = { .text = malloc(TEXT_SIZE), .seed = 7 };
    uint64_t n_matches = 0;
    uint64_t n_faults  = 0;
    assert_non_null(rules.text);
    for (uint32_t i = 0; i < SETS; i++) {
        put_rules(&rules);
        weiri_plan *plan  = compile_text(rules.text, rules.used);
        run         gated = run_rules(plan, false, i + 1);
        run         all   = run_rules(plan, true, i + 1);
        compare(rules.text, &gated, &all);
        n_matches += all.counts.n_matches;
        n_faults += all.counts.n_faults;
        free(gated.out.bytes);
        free(all.out.bytes);
        weiri_plan_destroy(&plan);
    }
    assert_true(n_matches > 100 * (uint64_t)SETS); /* or the rules say nothing */
    assert_true(n_faults > 10 * (uint64_t)SETS);
    free(rules.text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(gates_change_nothing) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
