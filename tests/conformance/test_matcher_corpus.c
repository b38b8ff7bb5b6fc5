/* The matcher gives what the reference matcher gives, in the same order, on the cases of
 * other engines.
 *
 *   test_matcher_corpus FOLDER [-v] [ID]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case_plan.h"
#include "reference.h"

enum { EXIT_SKIPPED = 77, MAX_LINE = 1 << 20 };

/* What came out, a line each. */
typedef struct output {
    weiri_arena *arena;
    const char **lines;
    uint32_t     n;
} output;

static void
add_output(output *o, const weiri_match *plan, bool is_timeout, int64_t time_ns,
    const weiri_taken *taken, uint32_t n)
{
    const char *line = weiri_arena_format(
        o->arena, "%s@%lld", is_timeout ? "timeout" : "match", (long long)time_ns);
    for (uint32_t i = 0; i < n; i++) {
        line = weiri_arena_format(o->arena, "%s %s=%llu", line,
            plan->steps[taken[i].step].name, (unsigned long long)taken[i].order);
    }
    WEIRI_ARENA_PUSH(o->arena, o->lines, o->n, line);
}

typedef struct listener {
    const weiri_match *plan;
    output             output;
} listener;

static void
on_matched(
    void *context, bool is_timeout, int64_t time_ns, const weiri_taken *taken, uint32_t n)
{
    listener *l = context;
    add_output(&l->output, l->plan, is_timeout, time_ns, taken, n);
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

static output
run_matcher(weiri_arena *arena, const weiri_match *plan, const json *events,
    const weir_chunk *chunk)
{
    listener         l    = { .plan = plan, .output = { .arena = arena } };
    weiri_match_sink sink = {
        .context = &l, .emitted = on_emitted, .matched = on_matched
    };
    weiri_matcher *matcher = NULL;
    weir_error     err     = { 0 };
    uint32_t       row     = 0;
    if (weiri_matcher_new(plan, &sink, &matcher, &err) != WEIR_OK) {
        const char *text = weiri_arena_format(arena, "no matcher: %s", err.text);
        WEIRI_ARENA_PUSH(arena, l.output.lines, l.output.n, text);
        return l.output;
    }
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < events->n_items && status == WEIR_OK; i++) {
        const json *mark = json_get(&events->items[i], "watermark");
        if (mark != NULL) {
            status = weiri_matcher_advance(
                matcher, (int64_t)mark->number * CASE_NS_IN_MS, &err);
        } else {
            weiri_part  part  = { .rows = { .chunk = chunk, .first = row++, .n = 1 } };
            weiri_batch batch = { .parts = &part, .n_parts = 1, .n_events = 1 };
            status            = weiri_matcher_feed(matcher, &batch, &err);
        }
    }
    if (status != WEIR_OK) {
        const char *text = weiri_arena_format(arena, "failed: %s", err.text);
        WEIRI_ARENA_PUSH(arena, l.output.lines, l.output.n, text);
    }
    weiri_matcher_destroy(&matcher);
    return l.output;
}

static output
run_reference(weiri_arena *arena, const weiri_match *plan, const json *events,
    const weir_chunk *chunk)
{
    output                o         = { .arena = arena };
    weir_reference       *reference = NULL;
    weir_reference_limits limits    = { .max_runs = 100000, .max_steps = 100000000 };
    uint32_t              row       = 0;
    size_t                n         = 0;
    if (weir_reference_new(arena, plan, limits, &reference) != WEIR_OK) {
        return o;
    }
    for (uint32_t i = 0; i < events->n_items; i++) {
        const json *mark = json_get(&events->items[i], "watermark");
        if (mark != NULL) {
            weir_reference_advance(reference, (int64_t)mark->number * CASE_NS_IN_MS);
        } else {
            weir_reference_feed(reference, 0, chunk, row++);
        }
    }
    const weir_reference_output *outputs = weir_reference_outputs(reference, &n);
    for (size_t i = 0; i < n; i++) {
        add_output(&o, plan, outputs[i].is_timeout, outputs[i].time_ns, outputs[i].taken,
            outputs[i].n_taken);
    }
    return o;
}

static bool
is_same(const output *a, const output *b)
{
    for (uint32_t i = 0; i < a->n && i < b->n; i++) {
        if (strcmp(a->lines[i], b->lines[i]) != 0) {
            return false;
        }
    }
    return a->n == b->n;
}

static void
print_difference(const char *line, const output *want, const output *got)
{
    printf("  %s\n", line);
    for (uint32_t i = 0; i < want->n; i++) {
        printf("  expected %s\n", want->lines[i]);
    }
    for (uint32_t i = 0; i < got->n; i++) {
        printf("  given    %s\n", got->lines[i]);
    }
}

static bool
run_case(const char *line, bool is_verbose, const char *only)
{
    weiri_arena *arena   = weiri_arena_new();
    weir_chunk  *chunk   = NULL;
    const char  *failure = NULL;
    const json  *a_case  = json_parse(arena, line);
    const char  *id      = json_text(a_case, "id", "?");
    bool         ok      = only != NULL && strcmp(only, id) != 0;
    weiri_match *plan    = ok ? NULL : case_plan(arena, a_case, &failure);
    if (plan != NULL && weir_chunk_new(case_schema(), NULL, &chunk) == WEIR_OK) {
        const json *events = json_get(a_case, "events");
        for (uint32_t i = 0; i < events->n_items; i++) {
            if (json_get(&events->items[i], "watermark") == NULL) {
                case_add_event(chunk, &events->items[i]);
            }
        }
        output want = run_reference(arena, plan, events, chunk);
        output got  = run_matcher(arena, plan, events, chunk);
        ok          = is_same(&want, &got);
        if (!ok) {
            printf("FAILED %s\n", id);
        }
        if (!ok && is_verbose) {
            print_difference(line, &want, &got);
        }
    }
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
    weiri_arena_destroy(&arena);
    return ok;
}

static bool
run_file(const char *folder, const char *name, bool is_verbose, const char *only)
{
    char     path[4096];
    unsigned passed = 0;
    unsigned failed = 0;
    int      n      = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE    *f      = n > 0 && (size_t)n < sizeof path ? fopen(path, "r") : NULL;
    if (f == NULL) {
        printf("skipped: no %s in %s\n", name, folder);
        exit(EXIT_SKIPPED);
    }
    char *line = malloc(MAX_LINE);
    while (line != NULL && fgets(line, MAX_LINE, f) != NULL) {
        bool ok = run_case(line, is_verbose, only);
        passed += ok;
        failed += !ok;
    }
    free(line);
    (void)fclose(f);
    printf("%s: %u passed, %u failed\n", name, passed, failed);
    return failed == 0 && passed > 100;
}

int
main(int argc, char **argv)
{
    const char *folder     = argc > 1 ? argv[1] : "../shared/conformance";
    bool        is_verbose = argc > 2 && strcmp(argv[2], "-v") == 0;
    const char *only       = argc > 3 ? argv[3] : NULL;
    bool        ok         = run_file(folder, "flink_cep.jsonl", is_verbose, only);
    ok = run_file(folder, "flink_cep_oracle.jsonl", is_verbose, only) && ok;
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
