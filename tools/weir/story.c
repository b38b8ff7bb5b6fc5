#include "story.h"

#include <string.h>

#include "weiri/exprtext.h"
#include "weiri/timetext.h"

enum { MOST_TAKEN = 12 }; /* more are told of by the first and the last of them */

#define VIRTUAL_NS (INT64_C(365) * 24 * 3600 * WEIRI_NS_PER_S)

const char *
time_text(const story *self, int64_t ns)
{
    char   text[WEIRI_DURATION_TEXT];
    bool   is_virtual = self->is_virtual && ns < VIRTUAL_NS; /* not of a file's event */
    size_t size =
        is_virtual ? weiri_duration_format(ns, text) : weiri_time_format(ns, text);
    return weiri_arena_text(self->arena, text, size);
}

const char *
event_text(const story *self, const weiri_trace_event *event)
{
    /* A pattern's events may have been given columns that a lookup is to fill. */
    const weir_schema *schema = self->plan != NULL
                                    ? self->plan->inputs[event->input].schema
                                    : event->chunk->schema;
    const char        *text   = "";
    for (uint32_t f = 0; f < schema->n_fields; f++) {
        bool is_ours = strstr(schema->fields[f].name, "..") != NULL; /* a change's kind */
        if ((int32_t)f == schema->time_field || !event->chunk->columns[f].is_present
            || is_ours) {
            continue;
        }
        weir_value value = weir_chunk_get(event->chunk, event->row, f);
        text             = weiri_arena_format(self->arena, "%s%s%s: %s", text,
            text[0] != '\0' ? ", " : "", schema->fields[f].name,
                        weiri_value_text(self->arena, &value));
    }
    return weiri_arena_format(self->arena, "%s { %s }", schema->name, text);
}

static void
tell_event(const story *self, uint32_t event, const char *what)
{
    const weiri_trace_event *e = &self->events[event];
    fprintf(self->file, "%s  %s  %s %s\n", self->lead, time_text(self, e->time_ns), what,
        event_text(self, e));
}

void
tell_taken(const story *self, uint32_t node)
{
    uint32_t *path = NULL;
    uint32_t  n    = weiri_trace_path(self->trace, self->arena, node, &path);
    for (uint32_t i = 0; i < n; i++) {
        if (n > MOST_TAKEN && i == MOST_TAKEN / 2) {
            fprintf(self->file, "%s  ... %u more\n", self->lead, n - MOST_TAKEN);
            i += n - MOST_TAKEN;
        }
        const weiri_trace_node *at = weiri_trace_node_at(self->trace, path[i]);
        tell_event(self, at->event,
            weiri_arena_format(self->arena, "%-8s", self->plan->steps[at->step].name));
    }
}

/* ---- ends ---- */

static const char *
cause_text(const story *self, const weiri_trace_end *end, bool wants_an_event)
{
    uint32_t                  n       = 0;
    const weiri_trace_output *outputs = weiri_trace_outputs(self->trace, &n);
    switch (end->cause) {
    case WEIRI_TRACE_EVENT: return "ended at an event that left it no way on";
    case WEIRI_TRACE_WITHIN: return "ended: the time of the rule was up";
    case WEIRI_TRACE_GAP: return "ended: the next event did not come in time";
    case WEIRI_TRACE_SKIPPED:
        return end->output < n ? weiri_arena_format(self->arena,
                   "%s: the match of %s took it away, as `skip` says",
                   end->is_complete ? "complete, and not given" : "dropped",
                   time_text(self, outputs[end->output].time_ns))
                               : "dropped: a match took it away";
    case WEIRI_TRACE_MAX_RUNS: return "dropped: too many partial matches";
    case WEIRI_TRACE_MAX_MATCHES: return "dropped: too many matches at one event";
    case WEIRI_TRACE_END:
        return end->is_complete ? "complete, and held when the input ended: an earlier "
                                  "one was not over"
               : wants_an_event ? "still waiting when the input ended"
                                : "still waiting when the input ended: time had not gone "
                                  "on (in a test `wait 5m` lets it)";
    }
    return "";
}

static void
tell_obstacles(
    const story *self, const weiri_obstacle *obstacles, uint32_t n, uint32_t most)
{
    for (uint32_t i = 0; i < n && i < most; i++) {
        const weiri_obstacle *o    = &obstacles[i];
        const char           *step = o->step != WEIRI_NONE ? weiri_arena_format(
                                         self->arena, "'%s': ", self->plan->steps[o->step].name)
                                                           : "";
        if (o->event != WEIRI_NONE) {
            tell_event(self, o->event, "not");
            fprintf(self->file, "%s      %s%s\n", self->lead, step, o->text);
        } else {
            fprintf(self->file, "%s  %s%s\n", self->lead, step, o->text);
        }
    }
}

void
tell_end(const story *self, const weiri_trace_end *end, uint32_t most)
{
    weiri_obstacle *obstacles = NULL;
    uint32_t        n = weiri_trace_obstacles(self->trace, self->arena, end, &obstacles);
    fprintf(self->file, "%s  %s  %s\n", self->lead, time_text(self, end->time_ns),
        cause_text(self, end, n > 0));
    tell_obstacles(self, obstacles, n, most);
}

void
tell_beginnings(const story *self, uint32_t most)
{
    uint32_t told = 0;
    uint32_t n    = weiri_trace_n_events(self->trace);
    fprintf(self->file, "%sno event began a match\n", self->lead);
    for (uint32_t e = n; e-- > 0 && told < most;) {
        weiri_obstacle *obstacles = NULL;
        uint32_t k = weiri_trace_beginnings(self->trace, self->arena, e, &obstacles);
        tell_obstacles(self, obstacles, k, most - told);
        told += k;
    }
}

/* ---- blame ---- */

bool
tell_blame(const story *self, const weiri_goal *goal)
{
    weiri_edit *edits = NULL;
    uint32_t    n     = 0;
    weir_error  err   = { 0 };
    if (weiri_trace_blame(self->trace, self->arena, goal, &edits, &n, &err) != WEIR_OK
        || n == 0) {
        return false;
    }
    fprintf(self->file, "%sit would be a match without ", self->lead);
    for (uint32_t i = 0; i < n; i++) {
        fprintf(self->file, "%s%s",
            i == 0       ? ""
            : i + 1 == n ? " and "
                         : ", ",
            weiri_edit_text(self->arena, self->plan, &edits[i]));
    }
    fputc('\n', self->file);
    return true;
}

/* ---- a failed test ---- */

/* The nearest partial match of all keys. */
typedef struct nearest {
    uint32_t key;
    uint32_t wanting;
    uint32_t n_taken;
} nearest;

static weiri_trace *
trace_of(const weiri_ruletest_failure *failure, uint32_t key)
{
    const weiri_gathered *of     = &failure->keys[key];
    weiri_trace          *trace  = NULL;
    weir_error            err    = { 0 };
    weir_status           status = weiri_trace_new(
                  failure->rule->match, of->events, of->n, failure->end_ns, &trace, &err);
    return status == WEIR_OK ? trace : NULL;
}

static void
look_at(const weiri_ruletest_failure *failure, weiri_arena *arena, uint32_t key,
    nearest *best)
{
    uint32_t    *order = NULL;
    uint32_t     n     = 0;
    weiri_trace *trace = trace_of(failure, key);
    if (trace != NULL && weiri_trace_nearest(trace, arena, &order) > 0) {
        const weiri_trace_end *end     = &weiri_trace_ends(trace, &n)[order[0]];
        uint32_t               wanting = weiri_trace_wanting(trace, end);
        uint32_t               taken   = weiri_trace_node_at(trace, end->node)->n_taken;
        if (wanting < best->wanting
            || (wanting == best->wanting && taken > best->n_taken)) {
            *best = (nearest){ .key = key, .wanting = wanting, .n_taken = taken };
        }
    }
    weiri_trace_destroy(&trace);
}

static void
tell_key(const weiri_ruletest_failure *failure, weiri_arena *arena, uint32_t key,
    const char *lead, FILE *file)
{
    enum { MOST = 3 };
    const weiri_goal goal  = { .has_time = false };
    uint32_t        *order = NULL;
    uint32_t         n     = 0;
    story            self  = { .arena = arena,
                    .plan             = failure->rule->match,
                    .events           = failure->keys[key].events,
                    .lead             = lead,
                    .is_virtual       = true,
                    .file             = file };
    self.trace             = trace_of(failure, key);
    if (self.trace == NULL) {
        return;
    }
    fprintf(file, "%show near rule '%s' came%s%s:\n", lead, failure->rule->name,
        self.plan->n_keys > 0 ? " for " : "", failure->keys[key].key);
    if (weiri_trace_nearest(self.trace, arena, &order) > 0) {
        const weiri_trace_end *end = &weiri_trace_ends(self.trace, &n)[order[0]];
        tell_taken(&self, end->node);
        tell_end(&self, end, MOST);
    } else {
        tell_beginnings(&self, MOST);
    }
    (void)tell_blame(&self, &goal);
    weiri_trace_destroy(&self.trace);
}

void
tell_failed_test(const weiri_ruletest_failure *failure, const char *lead, FILE *file)
{
    if (failure->rule->match == NULL) {
        tell_failed_query(failure, lead, file);
        return;
    }
    weiri_arena *arena = weiri_arena_new();
    nearest      best  = { .wanting = WEIRI_NONE };
    for (uint32_t i = 0; arena != NULL && i < failure->n_keys; i++) {
        look_at(failure, arena, i, &best);
    }
    if (arena != NULL && failure->n_keys > 0) {
        tell_key(failure, arena, best.key, lead, file);
    }
    weiri_arena_destroy(&arena);
}
