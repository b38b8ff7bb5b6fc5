/* Which matches are given, and what they take away: docs/semantics.md 5 and 6. */
#include <stdlib.h>
#include <string.h>

#include "trace/trace.h"

/* ---- order ---- */

static int
by_number(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* The first place, from the oldest event on, where two partial matches of as many events
 * differ: in their events, or where `by_step`, in their steps. */
static int
compare_paths(const weiri_trace *self, uint32_t a, uint32_t b, bool by_step)
{
    int found = 0;
    while (a != b) {
        const weiri_trace_node *x = weiri_trace_at(self, a);
        const weiri_trace_node *y = weiri_trace_at(self, b);
        int c = by_step ? by_number(x->step, y->step) : by_number(x->event, y->event);
        found = c != 0 ? c : found;
        a     = x->before;
        b     = y->before;
    }
    return found;
}

static int
compare_nodes(const weiri_trace *self, uint32_t a, uint32_t b)
{
    const weiri_trace_node *x = weiri_trace_at(self, a);
    const weiri_trace_node *y = weiri_trace_at(self, b);
    int                     c = by_number(x->first, y->first);
    c                         = c != 0 ? c : by_number(y->n_taken, x->n_taken);
    c                         = c != 0 ? c : compare_paths(self, a, b, false);
    return c != 0 ? c : compare_paths(self, a, b, true);
}

typedef int
comparison(const weiri_trace *self, const weiri_trace_complete *a,
    const weiri_trace_complete *b);

static int
by_match(
    const weiri_trace *self, const weiri_trace_complete *a, const weiri_trace_complete *b)
{
    return compare_nodes(self, a->node, b->node);
}

/* The match that began last goes first. */
static int
by_latest(
    const weiri_trace *self, const weiri_trace_complete *a, const weiri_trace_complete *b)
{
    int c = by_number(
        weiri_trace_at(self, b->node)->first, weiri_trace_at(self, a->node)->first);
    return c != 0 ? c : compare_nodes(self, a->node, b->node);
}

static int
by_holding(
    const weiri_trace *self, const weiri_trace_complete *a, const weiri_trace_complete *b)
{
    int c = by_number(
        weiri_trace_at(self, a->node)->first, weiri_trace_at(self, b->node)->first);
    c = c != 0 ? c : by_number(a->turn, b->turn);
    return c != 0 ? c : by_number(a->rank, b->rank);
}

static void
sort(const weiri_trace *self, weiri_trace_completes *list, comparison *compare)
{
    for (uint32_t i = 1; i < list->n; i++) {
        weiri_trace_complete item = list->items[i];
        uint32_t             k    = i;
        for (; k > 0 && compare(self, &item, &list->items[k - 1]) < 0; k--) {
            list->items[k] = list->items[k - 1];
        }
        list->items[k] = item;
    }
}

void
weiri_trace_sort(weiri_trace *self, weiri_trace_completes *list)
{
    sort(self, list, by_match);
}

void
weiri_trace_push_complete(
    weiri_trace *self, weiri_trace_completes *list, uint32_t node, int64_t time_ns)
{
    for (uint32_t i = 0; i < list->n; i++) {
        if (compare_nodes(self, list->items[i].node, node) == 0) {
            return;
        }
    }
    weiri_trace_complete c = { .node = node, .turn = self->turn, .time_ns = time_ns };
    WEIRI_ARENA_PUSH(self->arena, list->items, list->n, c);
}

/* ---- what is given ---- */

void
weiri_trace_give(weiri_trace *self, uint32_t node, bool is_timeout, int64_t time_ns)
{
    if (is_timeout && self->plan->on_timeout == NULL) {
        return;
    }
    weiri_trace_output output = { .is_timeout = is_timeout, .node = node };
    output.time_ns            = time_ns > self->now_ns ? time_ns : self->now_ns;
    WEIRI_ARENA_PUSH(self->arena, self->outputs, self->n_outputs, output);
}

static void
note_dropped(weiri_trace *self, uint32_t node, uint32_t state, bool is_complete,
    weiri_trace_cause cause)
{
    weiri_trace_end end = { .cause = cause,
        .is_complete               = is_complete,
        .node                      = node,
        .state                     = state,
        .event                     = self->event,
        .time_ns                   = self->now_ns,
        .output                    = self->n_outputs - 1 };
    weiri_trace_note_end(self, end);
}

/* What a given match takes away. */
typedef struct sweep {
    uint32_t given;
    uint64_t before;     /* those whose first event is earlier than this */
    bool     is_sharing; /* those that share an event                    */
} sweep;

static bool
share_an_event(const weiri_trace *self, uint32_t a, uint32_t b)
{
    while (a != 0 && b != 0) {
        uint32_t x = weiri_trace_at(self, a)->event;
        uint32_t y = weiri_trace_at(self, b)->event;
        if (x == y) {
            return true;
        }
        if (x > y) {
            a = weiri_trace_at(self, a)->before;
        } else {
            b = weiri_trace_at(self, b)->before;
        }
    }
    return false;
}

static bool
is_swept(const weiri_trace *self, const sweep *s, uint32_t node)
{
    return s->is_sharing ? share_an_event(self, s->given, node)
                         : weiri_trace_at(self, node)->first < s->before;
}

static void
sweep_away(weiri_trace *self, const sweep *s, weiri_trace_completes *completes)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->runs.n; i++) {
        weiri_trace_run run = self->runs.items[i];
        if (is_swept(self, s, run.node)) {
            note_dropped(self, run.node, run.state, false, WEIRI_TRACE_SKIPPED);
        } else {
            self->runs.items[n++] = run;
        }
    }
    self->runs.n = n;
    n            = 0;
    for (uint32_t i = 0; i < completes->n; i++) {
        weiri_trace_complete c = completes->items[i];
        if (is_swept(self, s, c.node)) {
            note_dropped(self, c.node, WEIRI_NONE, true, WEIRI_TRACE_SKIPPED);
        } else {
            completes->items[n++] = c;
        }
    }
    completes->n = n;
}

/* Position of an event of the step; 0 if there is none: nothing is dropped. */
static uint64_t
event_of_step(const weiri_trace *self, uint32_t node, uint32_t step, bool is_last)
{
    uint64_t found = 0;
    for (uint32_t i = node; i != 0; i = weiri_trace_at(self, i)->before) {
        if (weiri_trace_at(self, i)->step == step && (!is_last || found == 0)) {
            found = weiri_trace_at(self, i)->event;
        }
    }
    return found;
}

static sweep
sweep_of(const weiri_trace *self, uint32_t node, bool is_absence)
{
    const weiri_trace_node *given = weiri_trace_at(self, node);
    weiri_skip              skip  = self->plan->skip;
    sweep                   s     = { .given = node };
    switch (skip) {
    case WEIRI_SKIP_OVERLAPS:
        s.before = is_absence ? (uint64_t)given->event + 1 : UINT64_MAX;
        break;
    case WEIRI_SKIP_USED:
    case WEIRI_SKIP_USED_LATEST: s.is_sharing = true; break;
    case WEIRI_SKIP_NONE: break;
    case WEIRI_SKIP_TO_NEXT: s.before = (uint64_t)given->first + 1; break;
    case WEIRI_SKIP_PAST_LAST: s.before = (uint64_t)given->event + 1; break;
    case WEIRI_SKIP_TO_FIRST:
    case WEIRI_SKIP_TO_LAST:
        s.before =
            event_of_step(self, node, self->plan->skip_step, skip == WEIRI_SKIP_TO_LAST);
        break;
    }
    return s;
}

static weiri_trace_complete
shift(weiri_trace_completes *list)
{
    weiri_trace_complete first = list->items[0];
    memmove(list->items, list->items + 1, (list->n - 1) * sizeof *list->items);
    list->n--;
    return first;
}

/* Give the first of a list, and drop of it and the runs what it takes away. */
static void
give_first(weiri_trace *self, weiri_trace_completes *list, bool is_absence)
{
    weiri_trace_complete c = shift(list);
    sweep                s = sweep_of(self, c.node, is_absence);
    weiri_trace_give(self, c.node, false, c.time_ns);
    sweep_away(self, &s, list);
}

static bool
has_earlier_run(const weiri_trace *self, uint32_t first)
{
    return self->runs.n > 0
           && weiri_trace_at(self, self->runs.items[0].node)->first < first;
}

/* Give held matches until one has to wait. */
static void
release(weiri_trace *self)
{
    sort(self, &self->held, by_holding);
    while (self->held.n > 0
           && !has_earlier_run(
               self, weiri_trace_at(self, self->held.items[0].node)->first)) {
        give_first(self, &self->held, false);
    }
}

static void
hold(weiri_trace *self, const weiri_trace_completes *completes)
{
    for (uint32_t i = 0; i < completes->n; i++) {
        completes->items[i].rank = i;
        WEIRI_ARENA_PUSH(
            self->arena, self->held.items, self->held.n, completes->items[i]);
    }
    release(self);
}

static void
bound_matches(weiri_trace *self, weiri_trace_completes *list)
{
    while (list->n > self->plan->max_matches) {
        list->n--;
        note_dropped(
            self, list->items[list->n].node, WEIRI_NONE, true, WEIRI_TRACE_MAX_MATCHES);
    }
}

static uint32_t
first_of_run(const weiri_trace *self, uint32_t run)
{
    return weiri_trace_at(self, self->runs.items[run].node)->first;
}

/* Partial matches stand in the order of their first events: how many of these there are.
 */
static uint32_t
count_starts(const weiri_trace *self)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->runs.n; i++) {
        n += i == 0 || first_of_run(self, i) != first_of_run(self, i - 1);
    }
    return n;
}

/* All that began with the earliest event goes, until few enough are left. */
static void
bound_runs(weiri_trace *self)
{
    while (count_starts(self) > self->plan->max_runs) {
        uint32_t first = first_of_run(self, 0);
        uint32_t n     = 0;
        for (; n < self->runs.n && first_of_run(self, n) == first; n++) {
            note_dropped(self, self->runs.items[n].node, self->runs.items[n].state, false,
                WEIRI_TRACE_MAX_RUNS);
        }
        self->runs.n -= n;
        memmove(self->runs.items, self->runs.items + n,
            self->runs.n * sizeof *self->runs.items);
    }
}

void
weiri_trace_settle(weiri_trace *self, weiri_trace_completes *list, bool is_absence)
{
    weiri_skip skip = self->plan->skip;
    sort(self, list, by_match);
    if (!is_absence) {
        bound_matches(self, list);
    }
    if (skip >= WEIRI_SKIP_TO_NEXT) {
        hold(self, list);
    } else {
        if (skip == WEIRI_SKIP_USED_LATEST) {
            sort(self, list, by_latest);
        }
        while (list->n > 0) {
            give_first(self, list, is_absence);
        }
    }
    bound_runs(self);
    if (skip >= WEIRI_SKIP_TO_NEXT) {
        release(self); /* what waited for those that went */
    }
}
