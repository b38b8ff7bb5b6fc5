/* weir why, of a rule that begins with `from`: what was in the window, what came of it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jsontext.h"
#include "reads.h"
#include "weiri/explain.h"
#include "weiri/timetext.h"
#include "why.h"

/* A query whose key's events lie there, judged. */
typedef struct telling {
    const why_telling       *of;
    weiri_arena             *arena;
    const weiri_query       *query;
    const weiri_window      *window; /* NULL: none */
    const weiri_verdict     *verdicts;
    uint32_t                 n_verdicts;
    const weiri_expr *const *terms; /* of `having` */
    uint32_t                 n_terms;
    const char *const       *registers; /* texts of the aggregates */
    const weiri_expr       **where;     /* terms */
    uint32_t                 n_where;
    uint32_t                *in; /* events that `where` lets in: shape (n_in,)   */
    uint32_t                 n_in;
    uint32_t                *out; /* those that it does not: shape (n_out,)      */
    uint32_t                 n_out;
    weir_error              *err;
} telling;

/* ---- values ---- */

static bool
is_true(const weir_value *value)
{
    return !value->is_null && value->as.b;
}

static reads_place
place_of(const telling *self, const weiri_trace_event *event, const weir_value *registers)
{
    return (reads_place){ .arena = self->arena,
        .names     = { .schema = self->query->schema, .registers = self->registers },
        .event     = event,
        .registers = registers };
}

static weir_value
eval(const telling *self, const weiri_expr *expr, const weiri_trace_event *event)
{
    const reads_place over = place_of(self, event, NULL);
    return reads_eval(&over, expr);
}

/* "count() is 2, ip is "a"": what an expression reads, each once. */
static const char *
text_of(const telling *self, const weiri_expr *expr, const weiri_trace_event *event,
    const weir_value *registers)
{
    const reads_place over = place_of(self, event, registers);
    return reads_text(&over, expr);
}

static const char *
term_text(const telling *self, const weiri_expr *term)
{
    const reads_place over = place_of(self, NULL, NULL);
    return weiri_expr_text(self->arena, term, &over.names);
}

/* ---- rows ---- */

static bool
is_let_in(const telling *self, const weiri_trace_event *event)
{
    bool is_in = true;
    for (uint32_t t = 0; t < self->n_where && is_in; t++) {
        weir_value value = eval(self, self->where[t], event);
        is_in            = is_true(&value);
    }
    return is_in;
}

static void
sort_events(telling *self)
{
    const weiri_gathered *all = &self->of->gathered;
    self->in  = weiri_arena_alloc(self->arena, (all->n + (size_t)1) * sizeof *self->in);
    self->out = weiri_arena_alloc(self->arena, (all->n + (size_t)1) * sizeof *self->out);
    for (uint32_t i = 0; i < all->n; i++) {
        if (is_let_in(self, &all->events[i])) {
            self->in[self->n_in++] = i;
        } else {
            self->out[self->n_out++] = i;
        }
    }
}

static bool
is_per_event(const weiri_window *window)
{
    return window->kind == WEIRI_WINDOW_SLIDING || window->kind == WEIRI_WINDOW_LAST
           || window->kind == WEIRI_WINDOW_ALL;
}

static const weiri_trace_event *
let_in(const telling *self, uint32_t i)
{
    return &self->of->gathered.events[self->in[i]];
}

/* The first of `in` that was in the window; its n_rows follow one another. Rows of one
 * key enter a window one by one and leave it in the same order. */
static uint32_t
first_row(const telling *self, const weiri_verdict *v)
{
    uint32_t first = 0;
    if (is_per_event(self->window)) {
        uint64_t last = v->n_fed - self->window->is_before;
        return v->n_rows <= last ? (uint32_t)(last - v->n_rows) : 0;
    }
    while (first < self->n_in && let_in(self, first)->time_ns < v->start_ns) {
        first++;
    }
    if (self->window->kind == WEIRI_WINDOW_BATCH) { /* others may have that time */
        uint32_t end = first;
        while (end < self->n_in && let_in(self, end)->time_ns <= v->end_ns) {
            end++;
        }
        first = end - first > v->n_rows ? end - (uint32_t)v->n_rows : first;
    }
    return first;
}

static uint32_t
end_row(const telling *self, const weiri_verdict *v)
{
    uint64_t end = first_row(self, v) + v->n_rows;
    return end < self->n_in ? (uint32_t)end : self->n_in;
}

/* The event that the window was evaluated for; NULL: for none. */
static const weiri_trace_event *
event_of(const telling *self, const weiri_verdict *v)
{
    bool is_for_event =
        is_per_event(self->window) && v->n_fed > 0 && v->n_fed <= self->n_in;
    return is_for_event ? let_in(self, (uint32_t)v->n_fed - 1) : NULL;
}

/* ---- which to tell of ---- */

static uint32_t
n_false(const telling *self, const weiri_verdict *v)
{
    uint32_t n = 0;
    for (uint32_t t = 0; t < self->n_terms; t++) {
        n += !is_true(&v->terms[t]);
    }
    return n + (v->held > WEIRI_HELD_HAVING);
}

/* At the time that is asked about; of a window that closes, also in it. */
static bool
is_at(const telling *self, const weiri_verdict *v, bool is_exact)
{
    int64_t at_ns = self->of->request->goal.time_ns;
    return is_exact
               ? v->time_ns == at_ns
               : !is_per_event(self->window) && v->start_ns <= at_ns && at_ns < v->end_ns;
}

/* The last evaluations that were given, or were not and came nearest. */
static uint32_t
pick(const telling *self, bool is_given, bool is_timed, bool is_exact, uint32_t *out)
{
    uint32_t n     = 0;
    uint32_t least = WEIRI_NONE;
    for (uint32_t i = self->n_verdicts; i-- > 0;) {
        const weiri_verdict *v       = &self->verdicts[i];
        bool                 is_fine = (v->held == WEIRI_HELD_NOT) == is_given
                       && (!is_timed || is_at(self, v, is_exact));
        if (is_fine && n_false(self, v) < least) {
            least = n_false(self, v);
            n     = 0;
        }
        if (is_fine && n_false(self, v) == least && n < WHY_NEAREST) {
            out[n++] = i;
        }
    }
    return n;
}

static uint32_t
pick_number(const telling *self, uint64_t number, uint32_t *out)
{
    for (uint32_t i = 0; i < self->n_verdicts; i++) {
        if (self->verdicts[i].number == number) {
            out[0] = i;
            return 1;
        }
    }
    return 0;
}

static int
by_index(const void *a, const void *b)
{
    const uint32_t *x = a;
    const uint32_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* What is asked for, in order; *is_asked: not merely what is nearest to it. */
static uint32_t
choose(const telling *self, uint32_t *out, bool *is_asked)
{
    const why_request *request  = self->of->request;
    uint64_t           number   = weiri_reading_number(self->of->replay);
    bool               is_timed = request->goal.has_time;
    uint32_t           n        = 0;
    *is_asked                   = true;
    if (number > 0 && !request->is_not) {
        return pick_number(self, number, out);
    }
    for (int pass = 0; pass < 4 && n == 0;
         pass++) { /* given before held, exact before in */
        bool is_given = pass % 2 == 0;
        bool is_exact = pass < 2;
        if (!(is_given && request->is_not) && (is_timed || is_exact)) {
            n = pick(self, is_given, is_timed, is_exact, out);
        }
    }
    if (n == 0 && is_timed) {
        *is_asked = false;
        n         = pick(self, false, false, false, out);
    }
    qsort(out, n, sizeof *out, by_index);
    return n;
}

/* ---- what kept it back ---- */

static const char *
limit_text(const telling *self)
{
    const weiri_window *w = self->window;
    if (w->order_limit > 0 && w->limit == 0) {
        return weiri_arena_format(self->arena,
            "`limit %u` of `order by`: others came before it", w->order_limit);
    }
    if (w->limit_ns < 0) {
        return weiri_arena_format(
            self->arena, "`limit %u`: so many had been given", w->limit);
    }
    char   span[WEIRI_DURATION_TEXT];
    size_t size = weiri_duration_format(w->limit_ns, span);
    return weiri_arena_format(self->arena,
        "`limit %u per %.*s`: so many had been given in that time", w->limit, (int)size,
        span);
}

static const char *
held_text(const telling *self, const weiri_verdict *v)
{
    switch (v->held) {
    case WEIRI_HELD_NOT: return NULL;
    case WEIRI_HELD_HAVING: return "`having` does not hold";
    case WEIRI_HELD_CHANGES: return "`when changes`: `having` held the time before, too";
    case WEIRI_HELD_LIMIT: return limit_text(self);
    }
    return NULL;
}

/* The one term without which `having` would hold; NULL: there are several, or none. */
static const weiri_expr *
only_false(const telling *self, const weiri_verdict *v)
{
    const weiri_expr *found = NULL;
    for (uint32_t t = 0; t < self->n_terms; t++) {
        if (!is_true(&v->terms[t])) {
            if (found != NULL) {
                return NULL;
            }
            found = self->terms[t];
        }
    }
    return found;
}

/* Not the key or a bound of the window, which are told anyhow. */
static bool
is_worked_out(const telling *self, uint32_t aggregate)
{
    return self->window->aggregates[aggregate].kind > WEIRI_AGGREGATE_END;
}

/* ---- as text ---- */

static void
tell_row(const telling *self, const weiri_trace_event *event, const char *lead)
{
    printf("%s%s  %s\n", lead, time_text(&self->of->story, event->time_ns),
        why_row_text(self->of, event));
}

static void
tell_rows(const telling *self, const weiri_verdict *v)
{
    uint32_t first = first_row(self, v);
    uint32_t end   = end_row(self, v);
    for (uint32_t i = first; i < end; i++) {
        if (end - first > WHY_ROWS && i == first + WHY_ROWS / 2) {
            printf("  ... %u more\n", end - first - WHY_ROWS);
            i += end - first - WHY_ROWS;
        }
        tell_row(self, let_in(self, i), "  ");
    }
}

static void
tell_terms(const telling *self, const weiri_verdict *v)
{
    for (uint32_t t = 0; t < self->n_terms; t++) {
        if (!is_true(&v->terms[t])) {
            printf("  `having`: `%s` is %s: %s\n", term_text(self, self->terms[t]),
                v->terms[t].is_null ? "null" : "false",
                text_of(self, self->terms[t], event_of(self, v), v->values));
        }
    }
}

static void
tell_window(const telling *self, const weiri_verdict *v)
{
    const story *of = &self->of->story;
    printf("%s to %s, %" PRIu64 " event%s", time_text(of, v->start_ns),
        time_text(of, v->end_ns), v->n_rows, v->n_rows == 1 ? "" : "s");
}

static weir_status
tell_verdict(const telling *self, const weiri_verdict *v)
{
    const story *of    = &self->of->story;
    const char  *line  = NULL;
    weir_status status = weiri_reading_made(self->of->replay, v->time_ns, v->made, &line);
    if (status != WEIR_OK) {
        return status;
    }
    if (v->held == WEIRI_HELD_NOT) {
        uint64_t id = weiri_reading_id(self->of->replay, v->time_ns, line);
        printf("result at %s, id %s: the window ", time_text(of, v->time_ns),
            why_id_text(self->arena, id));
    } else {
        printf("no result at %s: the window ", time_text(of, v->time_ns));
    }
    tell_window(self, v);
    putchar('\n');
    tell_rows(self, v);
    for (uint32_t a = 0; a < self->window->n_aggregates; a++) {
        if (is_worked_out(self, a)) {
            printf("  %s is %s\n", self->registers[a],
                weiri_value_text(self->arena, &v->values[a]));
        }
    }
    if (v->held == WEIRI_HELD_NOT) {
        printf("  made %s\n", line);
        return WEIR_OK;
    }
    tell_terms(self, v);
    if (v->held != WEIRI_HELD_HAVING) {
        printf("  held back by %s\n", held_text(self, v));
    } else if (only_false(self, v) != NULL) {
        printf(
            "  `having` would hold without `%s`\n", term_text(self, only_false(self, v)));
    }
    return WEIR_OK;
}

/* Events that `where` kept out, the last of them, or those of the time that is asked
 * about. */
static void
tell_out(const telling *self)
{
    const weiri_goal *goal = &self->of->request->goal;
    uint32_t          told = 0;
    if (self->n_out > 0) {
        printf("`where` kept out %u event%s of the key\n", self->n_out,
            self->n_out == 1 ? "" : "s");
    }
    for (uint32_t i = self->n_out; i-- > 0 && told < WHY_NEAREST;) {
        const weiri_trace_event *event = &self->of->gathered.events[self->out[i]];
        if (goal->has_time && self->window == NULL && event->time_ns != goal->time_ns) {
            continue;
        }
        told++;
        tell_row(self, event, "  ");
        for (uint32_t t = 0; t < self->n_where; t++) {
            weir_value value = eval(self, self->where[t], event);
            if (!is_true(&value)) {
                printf("      `%s` is %s: %s\n", term_text(self, self->where[t]),
                    value.is_null ? "null" : "false",
                    text_of(self, self->where[t], event, NULL));
            }
        }
    }
}

/* Without a window each event that is let in is a result. */
static void
tell_in(const telling *self)
{
    const weiri_goal *goal = &self->of->request->goal;
    uint32_t          told = 0;
    for (uint32_t i = self->n_in; i-- > 0 && told < WHY_NEAREST;) {
        if (!goal->has_time || let_in(self, i)->time_ns == goal->time_ns) {
            printf("%s", told++ == 0 ? "results, the last first:\n" : "");
            tell_row(self, let_in(self, i), "  ");
        }
    }
    if (told == 0) {
        printf("no result%s%s\n", goal->has_time ? " at " : "",
            goal->has_time ? time_text(&self->of->story, goal->time_ns) : "");
    }
}

static void
tell_head(const telling *self)
{
    const weiri_gathered *all = &self->of->gathered;
    printf("rule %s", self->of->rule->name);
    if (self->window != NULL && self->window->n_keys > 0) {
        printf(", key %s", all->key);
    }
    printf(": %u event%s", all->n, all->n == 1 ? "" : "s");
    if (all->n > 0) {
        printf(", %s to %s", time_text(&self->of->story, all->events[0].time_ns),
            time_text(&self->of->story, all->events[all->n - 1].time_ns));
    }
    putchar('\n');
}

static void
tell_lates(const telling *self)
{
    uint32_t                 n     = 0;
    const weiri_trace_event *lates = weiri_reading_lates(self->of->replay, &n);
    for (uint32_t i = 0; i < n && i < WHY_OBSTACLES; i++) {
        printf("late and not seen: ");
        tell_row(self, &lates[i], "");
    }
}

static uint32_t
n_keys_of(const telling *self)
{
    return self->window != NULL ? self->window->n_keys : 0;
}

static weir_status
tell(const telling *self)
{
    uint32_t    chosen[WHY_NEAREST];
    bool        is_asked = true;
    weir_status status   = WEIR_OK;
    tell_head(self);
    if (self->of->gathered.n == 0) {
        printf(n_keys_of(self) > 0 ? "no event has this key\n" : "no event\n");
    } else if (self->window == NULL) {
        tell_in(self);
    } else {
        uint32_t n = choose(self, chosen, &is_asked);
        if (n == 0) {
            printf("the window was never evaluated for this key\n");
        } else if (!is_asked) {
            printf("no window of the key ends or is open at that time; the nearest:\n");
        }
        for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
            status = tell_verdict(self, &self->verdicts[chosen[i]]);
        }
    }
    tell_out(self);
    why_tell_lones(self->of);
    tell_lates(self);
    return status;
}

/* ---- as JSON ---- */

static void
put_event(json_writer *out, const telling *self, const weiri_trace_event *event)
{
    json_open(out, NULL, '{');
    json_text(out, "at", time_text(&self->of->story, event->time_ns));
    json_text(out, "stream", event->chunk->schema->name);
    json_raw(out, "event", why_event_json(&self->of->story, event));
}

static void
put_terms(json_writer *out, const telling *self, const weiri_verdict *v)
{
    json_open(out, "having", '[');
    for (uint32_t t = 0; t < self->n_terms; t++) {
        json_open(out, NULL, '{');
        json_text(out, "text", term_text(self, self->terms[t]));
        json_raw(out, "value", weiri_value_text(self->arena, &v->terms[t]));
        json_text(
            out, "reads", text_of(self, self->terms[t], event_of(self, v), v->values));
        json_close(out, '}');
    }
    json_close(out, ']');
}

static weir_status
put_verdict(json_writer *out, const telling *self, const weiri_verdict *v)
{
    static const char *const HELD[] = { NULL, "having", "when changes", "limit" };
    const story             *of     = &self->of->story;
    const char              *line   = NULL;
    weir_status status = weiri_reading_made(self->of->replay, v->time_ns, v->made, &line);
    json_open(out, NULL, '{');
    json_text(out, "at", time_text(of, v->time_ns));
    json_text(out, "start", time_text(of, v->start_ns));
    json_text(out, "end", time_text(of, v->end_ns));
    json_open(out, "window", '[');
    for (uint32_t i = first_row(self, v); i < end_row(self, v); i++) {
        put_event(out, self, let_in(self, i));
        json_close(out, '}');
    }
    json_close(out, ']');
    json_open(out, "aggregates", '{');
    for (uint32_t a = 0; a < self->window->n_aggregates; a++) {
        json_text(out, self->registers[a], weiri_value_text(self->arena, &v->values[a]));
    }
    json_close(out, '}');
    put_terms(out, self, v);
    json_text(out, "held_by", HELD[v->held]);
    json_raw(out, "made", line);
    json_text(out, "id",
        v->held == WEIRI_HELD_NOT && line != NULL ? why_id_text(
            self->arena, weiri_reading_id(self->of->replay, v->time_ns, line))
                                                  : NULL);
    json_close(out, '}');
    return status;
}

static void
put_out(json_writer *out, const telling *self)
{
    json_open(out, "kept_out", '[');
    for (uint32_t i = 0; i < self->n_out; i++) {
        const weiri_trace_event *event = &self->of->gathered.events[self->out[i]];
        put_event(out, self, event);
        json_open(out, "where", '[');
        for (uint32_t t = 0; t < self->n_where; t++) {
            weir_value value = eval(self, self->where[t], event);
            json_open(out, NULL, '{');
            json_text(out, "text", term_text(self, self->where[t]));
            json_raw(out, "value", weiri_value_text(self->arena, &value));
            json_text(out, "reads", text_of(self, self->where[t], event, NULL));
            json_close(out, '}');
        }
        json_close(out, ']');
        json_close(out, '}');
    }
    json_close(out, ']');
}

static weir_status
put(const telling *self)
{
    json_writer              out = { .file = stdout };
    uint32_t                 chosen[WHY_NEAREST];
    bool                     is_asked = true;
    uint32_t                 n_lates  = 0;
    weir_status              status   = WEIR_OK;
    const weiri_trace_event *lates    = weiri_reading_lates(self->of->replay, &n_lates);
    uint32_t n = self->window != NULL ? choose(self, chosen, &is_asked) : 0;
    json_open(&out, NULL, '{');
    json_text(&out, "type", "why");
    json_text(&out, "rule", self->of->rule->name);
    json_text(&out, "key", self->of->gathered.key);
    json_int(&out, "events", self->of->gathered.n);
    json_open(&out, "results", '[');
    for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
        status = put_verdict(&out, self, &self->verdicts[chosen[i]]);
    }
    json_close(&out, ']');
    json_bool(&out, "is_asked_for", is_asked);
    put_out(&out, self);
    why_put_lones(&out, self->of);
    json_open(&out, "late", '[');
    for (uint32_t i = 0; i < n_lates; i++) {
        put_event(&out, self, &lates[i]);
        json_close(&out, '}');
    }
    json_close(&out, ']');
    json_close(&out, '}');
    return status;
}

weir_status
why_query(const why_telling *of, weir_error *err)
{
    const weiri_verdicts *verdicts = weiri_reading_verdicts(of->replay);
    telling               self     = { .of = of,
                          .arena           = of->story.arena,
                          .query           = of->rule->query,
                          .window          = of->rule->query->window,
                          .err             = err };
    self.n_where = weiri_expr_terms(self.arena, self.query->where, &self.where);
    if (verdicts != NULL) {
        self.verdicts  = weiri_verdicts_all(verdicts, &self.n_verdicts);
        self.n_terms   = weiri_verdicts_terms(verdicts, &self.terms);
        self.registers = weiri_aggregate_texts(self.arena, self.query);
    }
    sort_events(&self);
    return of->request->settings.messages == MESSAGES_JSON ? put(&self) : tell(&self);
}
