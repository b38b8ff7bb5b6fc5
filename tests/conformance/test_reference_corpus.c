/* The reference matcher gives what Flink's own automaton gave, case by case.
 *
 *   test_reference_corpus FOLDER DIFFERENCES [-v] [ID]
 *
 * FOLDER holds the corpora; without them the program says "skipped". DIFFERENCES lists
 * the cases in which we mean something else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case_plan.h"
#include "reference.h"

enum { EXIT_SKIPPED = 77, MAX_LINE = 1 << 20 };

/* What a case gives or should give: lines in no order, each a match or timeout. */
typedef struct lines {
    weiri_arena *arena;
    const char **items;
    uint32_t     n;
} lines;

typedef struct tally {
    const char *differences; /* ids, a line each */
    unsigned    known;
    unsigned    passed;
    unsigned    failed;
    unsigned not_compared; /* no expectation that we share: errors of the skip strategy */
    unsigned repeated; /* expected the same match more than once                     */
} tally;

static int
compare_text(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

static void
add_line(lines *l, const char *line)
{
    WEIRI_ARENA_PUSH(l->arena, l->items, l->n, line);
}

/* Sort. True if some line is there more than once. */
static bool
sort_lines(lines *l)
{
    bool has_repeats = false;
    if (l->n > 1) {
        qsort(l->items, l->n, sizeof *l->items, compare_text);
    }
    for (uint32_t i = 1; i < l->n; i++) {
        has_repeats = has_repeats || strcmp(l->items[i - 1], l->items[i]) == 0;
    }
    return has_repeats;
}

static bool
is_same(const lines *a, const lines *b)
{
    for (uint32_t i = 0; i < a->n && i < b->n; i++) {
        if (strcmp(a->items[i], b->items[i]) != 0) {
            return false;
        }
    }
    return a->n == b->n;
}

/* "timeout@12 a=1,2 b=3", steps by name. */
static const char *
line_of_match(weiri_arena *arena, const json *match, long at)
{
    const char *line = at >= 0 ? weiri_arena_format(arena, "timeout@%ld", at) : "match";
    const char *last = "";
    for (uint32_t k = 0; k < match->n_items; k++) {
        const char *name = NULL;
        uint32_t    best = 0;
        for (uint32_t i = 0; i < match->n_items; i++) {
            if (strcmp(match->names[i], last) > 0
                && (name == NULL || strcmp(match->names[i], name) < 0)) {
                name = match->names[i];
                best = i;
            }
        }
        last = name;
        line = weiri_arena_format(arena, "%s %s=", line, name);
        for (uint32_t i = 0; i < match->items[best].n_items; i++) {
            line = weiri_arena_format(
                arena, "%s%.0f,", line, match->items[best].items[i].number);
        }
    }
    return line;
}

static void
add_to_match(weiri_arena *arena, json *match, const char *name, uint64_t order)
{
    json number = { .kind = JSON_NUMBER, .number = (double)order };
    for (uint32_t i = 0; i < match->n_items; i++) {
        if (strcmp(match->names[i], name) == 0) {
            json *list = &match->items[i];
            WEIRI_ARENA_PUSH(arena, list->items, list->n_items, number);
            return;
        }
    }
    json     list = { .kind = JSON_ARRAY };
    uint32_t n    = match->n_items;
    WEIRI_ARENA_PUSH(arena, list.items, list.n_items, number);
    WEIRI_ARENA_PUSH(arena, match->names, n, name);
    WEIRI_ARENA_PUSH(arena, match->items, match->n_items, list);
}

static const char *
line_of_output(
    weiri_arena *arena, const weiri_match *plan, const weir_reference_output *output)
{
    json match = { .kind = JSON_OBJECT };
    for (uint32_t i = 0; i < output->n_taken; i++) {
        const char *name = plan->steps[output->taken[i].step].name;
        add_to_match(arena, &match, name, output->taken[i].order);
    }
    /* the window of these cases excludes its end: one millisecond more */
    long at = output->is_timeout ? (long)(output->end_ns / CASE_NS_IN_MS) + 1 : -1;
    return line_of_match(arena, &match, at);
}

static lines
expected_lines(weiri_arena *arena, const json *a_case)
{
    lines       l        = { .arena = arena };
    const json *matches  = json_get(a_case, "expected");
    const json *timeouts = json_get(a_case, "expected_timeouts");
    for (uint32_t i = 0; matches != NULL && i < matches->n_items; i++) {
        add_line(&l, line_of_match(arena, &matches->items[i], -1));
    }
    for (uint32_t i = 0; timeouts != NULL && i < timeouts->n_items; i++) {
        const json *t = &timeouts->items[i];
        add_line(&l,
            line_of_match(arena, json_get(t, "match"), (long)json_number(t, "at", 0)));
    }
    return l;
}

static lines
reference_lines(weiri_arena *arena, const weiri_match *plan, const json *a_case,
    const weir_chunk *chunk)
{
    lines                 l         = { .arena = arena };
    weir_reference       *reference = NULL;
    weir_reference_limits limits    = { .max_runs = 100000, .max_steps = 100000000 };
    const json           *events    = json_get(a_case, "events");
    bool                  timed     = json_get(a_case, "expected_timeouts") != NULL;
    uint32_t              row       = 0;
    size_t                n         = 0;
    if (weir_reference_new(arena, plan, limits, &reference) != WEIR_OK) {
        add_line(&l, "no automaton");
        return l;
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
        if (timed || !outputs[i].is_timeout) {
            add_line(&l, line_of_output(arena, plan, &outputs[i]));
        }
    }
    return l;
}

static void
print_difference(
    const json *a_case, const char *line, const lines *want, const lines *got)
{
    printf("FAILED %s\n  %s\n", json_text(a_case, "id", "?"), line);
    for (uint32_t i = 0; i < want->n; i++) {
        printf("  expected %s\n", want->items[i]);
    }
    for (uint32_t i = 0; i < got->n; i++) {
        printf("  given    %s\n", got->items[i]);
    }
}

static bool
is_known(const tally *t, const char *id)
{
    size_t n = strlen(id);
    for (const char *at = strstr(t->differences, id); at != NULL;
         at             = strstr(at + n, id)) {
        bool begins = at == t->differences || at[-1] == '\n';
        if (begins && (at[n] == '\n' || at[n] == 0)) {
            return true;
        }
    }
    return false;
}

static void
run_case(const char *line, bool is_verbose, const char *only, tally *t)
{
    weiri_arena *arena   = weiri_arena_new();
    weir_chunk  *chunk   = NULL;
    const char  *failure = NULL;
    const json  *a_case  = json_parse(arena, line);
    const char  *id      = json_text(a_case, "id", "?");
    if (only != NULL && strcmp(only, id) != 0) {
        weiri_arena_destroy(&arena);
        return;
    }
    const weiri_match *plan = case_plan(arena, a_case, &failure);
    if (plan == NULL || weir_chunk_new(case_schema(), NULL, &chunk) != WEIR_OK) {
        printf("FAILED %s: %s\n", id, failure);
        t->failed++;
    } else if (json_true(a_case, "expected_error")) {
        t->not_compared++;
    } else {
        const json *events = json_get(a_case, "events");
        for (uint32_t i = 0; i < events->n_items; i++) {
            if (json_get(&events->items[i], "watermark") == NULL) {
                case_add_event(chunk, &events->items[i]);
            }
        }
        lines want = expected_lines(arena, a_case);
        lines got  = reference_lines(arena, plan, a_case, chunk);
        t->repeated += sort_lines(&want);
        sort_lines(&got);
        bool ok    = is_same(&want, &got);
        bool known = !ok && is_known(t, id);
        t->passed += ok;
        t->known += known;
        t->failed += !ok && !known;
        if (known) {
            ok = true;
        }
        if (!ok && is_verbose) {
            print_difference(a_case, line, &want, &got);
        } else if (!ok) {
            printf("FAILED %s\n", id);
        }
    }
    const weir_chunk *mine = chunk;
    weir_chunk_unref(&mine);
    weiri_arena_destroy(&arena);
}

static char *
read_text(const char *path)
{
    enum { MAX_TEXT = 1 << 16 };
    char  *text = calloc(1, MAX_TEXT);
    FILE  *f    = fopen(path, "r");
    size_t n    = f != NULL && text != NULL ? fread(text, 1, MAX_TEXT - 1, f) : 0;
    if (f != NULL) {
        (void)fclose(f);
    }
    return n > 0 ? text : NULL;
}

typedef struct options {
    const char *folder;
    char       *differences;
    bool        is_verbose;
    const char *only; /* the id of one case; NULL: all */
} options;

static bool
run_file(const options *o, const char *name)
{
    char  path[4096];
    tally t = { .differences = o->differences };
    int   n = snprintf(path, sizeof path, "%s/%s", o->folder, name);
    FILE *f = n > 0 && (size_t)n < sizeof path ? fopen(path, "r") : NULL;
    if (f == NULL) {
        printf("skipped: no %s in %s\n", name, o->folder);
        exit(EXIT_SKIPPED);
    }
    char *line = malloc(MAX_LINE);
    while (line != NULL && fgets(line, MAX_LINE, f) != NULL) {
        run_case(line, o->is_verbose, o->only, &t);
    }
    free(line);
    (void)fclose(f);
    printf("%s: %u passed, %u failed, %u known differences, %u not compared, %u with "
           "repeated matches\n",
        name, t.passed, t.failed, t.known, t.not_compared, t.repeated);
    return t.failed == 0 && (o->only != NULL || t.passed > 100);
}

int
main(int argc, char **argv)
{
    options o     = { .folder = argc > 1 ? argv[1] : "../shared/conformance" };
    o.differences = read_text(argc > 2 ? argv[2] : "tests/conformance/differences.txt");
    o.is_verbose  = argc > 3 && strcmp(argv[3], "-v") == 0;
    o.only        = argc > 4 ? argv[4] : NULL;
    if (o.differences == NULL) {
        printf("the list of differences is missing\n");
        return EXIT_FAILURE;
    }
    bool ok = run_file(&o, "flink_cep.jsonl");
    ok      = run_file(&o, "flink_cep_oracle.jsonl") && ok;
    free(o.differences);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
