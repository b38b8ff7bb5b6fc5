/* How near a query of a failed test came: the window that wanted least, of all keys. */
#include "reads.h"
#include "story.h"
#include "weiri/explain.h"
#include "weiri/verdict.h"

enum { MOST_OUT = 3 };

/* The evaluation that came nearest. */
typedef struct nearest {
    const weiri_gathered *key; /* NULL: there is none */
    weiri_verdicts       *verdicts;
    uint32_t              index;
    uint32_t              n_false;
} nearest;

/* What an expression of the rule is worked out over. */
static reads_place
place_of(const weiri_query *query, weiri_arena *arena, const weiri_trace_event *event,
    const weir_value *registers)
{
    return (reads_place){ .arena = arena,
        .names                   = { .schema = query->schema,
                              .registers =
                query->window != NULL ? weiri_aggregate_texts(arena, query) : NULL },
        .event                   = event,
        .registers               = registers };
}

static weiri_verdicts *
judge(const weiri_ruletest_failure *failure, const weiri_gathered *key)
{
    weiri_verdicts *verdicts = NULL;
    weir_error      err      = { .status = WEIR_OK };
    weir_status     status =
        weiri_verdicts_new(failure->rule->query, key->key, &verdicts, &err);
    for (uint32_t i = 0; i < key->n && status == WEIR_OK; i++) {
        status = weiri_verdicts_feed(
            verdicts, key->events[i].chunk, key->events[i].row, true, &err);
    }
    if (status == WEIR_OK) {
        status = weiri_verdicts_advance(verdicts, failure->end_ns, &err);
    }
    if (status == WEIR_OK) {
        status = weiri_verdicts_finish(verdicts, true, &err);
    }
    if (status != WEIR_OK) {
        weiri_verdicts_destroy(&verdicts);
    }
    return verdicts;
}

static uint32_t
n_false(const weiri_verdicts *verdicts, const weiri_verdict *verdict)
{
    const weiri_expr *const *terms      = NULL;
    uint32_t                 n          = weiri_verdicts_terms(verdicts, &terms);
    uint32_t                 false_ones = 0;
    for (uint32_t t = 0; t < n; t++) {
        false_ones += verdict->terms[t].is_null || !verdict->terms[t].as.b;
    }
    return false_ones;
}

/* The last of those that want least. */
static void
look_at(const weiri_ruletest_failure *failure, const weiri_gathered *key, nearest *best)
{
    uint32_t             n        = 0;
    weiri_verdicts      *verdicts = judge(failure, key);
    bool                 is_best  = false;
    const weiri_verdict *all = verdicts != NULL ? weiri_verdicts_all(verdicts, &n) : NULL;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t wants = n_false(verdicts, &all[i]);
        if (all[i].held != WEIRI_HELD_NOT
            && (best->key == NULL || wants < best->n_false
                || (is_best && wants == best->n_false))) {
            best->key     = key;
            best->index   = i;
            best->n_false = wants;
            is_best       = true;
        }
    }
    if (is_best) {
        weiri_verdicts_destroy(&best->verdicts);
        best->verdicts = verdicts;
    } else {
        weiri_verdicts_destroy(&verdicts);
    }
}

static void
tell_window(const weiri_ruletest_failure *failure, weiri_arena *arena,
    const nearest *best, const story *self)
{
    static const char *const HELD[] = { "", "", "`when changes`", "`limit`" };
    const weiri_query       *query  = failure->rule->query;
    const weiri_expr *const *terms  = NULL;
    uint32_t                 n      = 0;
    const weiri_verdict     *v    = &weiri_verdicts_all(best->verdicts, &n)[best->index];
    const reads_place        over = place_of(query, arena, NULL, v->values);
    fprintf(self->file, "%show near rule '%s' came%s%s:\n", self->lead,
        failure->rule->name, query->window->n_keys > 0 ? " for " : "", best->key->key);
    fprintf(self->file, "%s  the window %s to %s held %llu event%s\n", self->lead,
        time_text(self, v->start_ns), time_text(self, v->end_ns),
        (unsigned long long)v->n_rows, v->n_rows == 1 ? "" : "s");
    n = weiri_verdicts_terms(best->verdicts, &terms);
    for (uint32_t t = 0; t < n; t++) {
        if (v->terms[t].is_null || !v->terms[t].as.b) {
            fprintf(self->file, "%s  `having`: `%s` is %s: %s\n", self->lead,
                weiri_expr_text(arena, terms[t], &over.names),
                v->terms[t].is_null ? "null" : "false", reads_text(&over, terms[t]));
        }
    }
    if (v->held != WEIRI_HELD_HAVING) {
        fprintf(self->file, "%s  held back by %s\n", self->lead, HELD[v->held]);
    }
}

/* Whether `where` kept an event out, and if so, by which term. */
static bool
tell_if_out(const story *self, const reads_place *over, const weiri_expr *const *terms,
    uint32_t n)
{
    const char *why = NULL;
    for (uint32_t t = 0; t < n && why == NULL; t++) {
        why = reads_false_text(over, terms[t]);
    }
    if (why != NULL) {
        fprintf(self->file, "%s  %s  kept out %s\n%s      `where`: %s\n", self->lead,
            time_text(self, over->event->time_ns), event_text(self, over->event),
            self->lead, why);
    }
    return why != NULL;
}

/* The last events that `where` did not let in. */
static void
tell_out(const weiri_ruletest_failure *failure, weiri_arena *arena, const story *self)
{
    const weiri_query *query = failure->rule->query;
    const weiri_expr **terms = NULL;
    uint32_t           n     = weiri_expr_terms(arena, query->where, &terms);
    uint32_t           told  = 0;
    for (uint32_t k = failure->n_keys; k-- > 0;) {
        for (uint32_t i = failure->keys[k].n; i-- > 0 && told < MOST_OUT;) {
            const reads_place over =
                place_of(query, arena, &failure->keys[k].events[i], NULL);
            told += tell_if_out(self, &over, terms, n);
        }
    }
}

void
tell_failed_query(const weiri_ruletest_failure *failure, const char *lead, FILE *file)
{
    weiri_arena *arena = weiri_arena_new();
    nearest      best  = { .n_false = WEIRI_NONE };
    const story self = { .arena = arena, .lead = lead, .is_virtual = true, .file = file };
    if (arena == NULL) {
        return;
    }
    for (uint32_t i = 0; failure->rule->query->window != NULL && i < failure->n_keys;
         i++) {
        look_at(failure, &failure->keys[i], &best);
    }
    if (best.key != NULL) {
        tell_window(failure, arena, &best, &self);
    }
    tell_out(failure, arena, &self);
    weiri_verdicts_destroy(&best.verdicts);
    weiri_arena_destroy(&arena);
}
