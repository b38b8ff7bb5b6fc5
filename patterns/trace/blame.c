/* Which part of a rule keeps a match from being given: the rule is run without it. */
#include <string.h>

#include "trace/trace.h"
#include "weiri/limits.h"
#include "weiri/timetext.h"

enum { NEAREST = 8 }; /* partial matches whose obstacles are tried first */

static bool
is_same_match(const weiri_trace *a, uint32_t x, const weiri_trace *b, uint32_t y)
{
    while (x != 0 && y != 0) {
        const weiri_trace_node *m = weiri_trace_at(a, x);
        const weiri_trace_node *n = weiri_trace_at(b, y);
        if (m->event != n->event || m->step != n->step) {
            return false;
        }
        x = m->before;
        y = n->before;
    }
    return x == y;
}

static bool
gives(const weiri_trace *self, const weiri_trace *other, uint32_t node)
{
    for (uint32_t i = 0; i < self->n_outputs; i++) {
        if (!self->outputs[i].is_timeout
            && is_same_match(self, self->outputs[i].node, other, node)) {
            return true;
        }
    }
    return false;
}

/* Whether a run of the changed rule has given what was expected. Which of several partial
 * matches a bound drops is another question: where it did before, this is no answer. */
static bool
is_reached(const weiri_trace *self, const weiri_trace *changed, const weiri_goal *goal)
{
    bool is_found = false;
    for (uint32_t i = 0; i < changed->n_outputs && !is_found; i++) {
        const weiri_trace_output *output = &changed->outputs[i];
        is_found                         = !output->is_timeout
                   && (goal->has_time ? output->time_ns == goal->time_ns
                                      : !gives(self, changed, output->node));
    }
    for (uint32_t i = 0; i < changed->n_ends && is_found; i++) {
        is_found = changed->ends[i].cause != WEIRI_TRACE_MAX_RUNS;
    }
    return is_found;
}

/* What a trial run is for: it ends as soon as the answer is known, before a rule with
 * little left of it has too many matches to tell of. */
typedef struct trial {
    const weiri_trace *before;
    const weiri_goal  *goal;
} trial;

static bool
is_answered(void *context, const weiri_trace *changed)
{
    const trial *self = context;
    return is_reached(self->before, changed, self->goal);
}

/* What could be to blame, the likeliest first. */
typedef struct suspects {
    weiri_trace      *trace;
    weiri_arena      *arena;
    const weiri_goal *goal;
    weiri_edit       *items;
    uint32_t          n;
    uint32_t          n_met; /* the first of them stood in the way of something */
    weir_status       status;
} suspects;

static void
add(suspects *self, weiri_edit edit)
{
    for (uint32_t i = 0; i < self->n; i++) {
        const weiri_edit *other = &self->items[i];
        if (other->kind == edit.kind && other->step == edit.step
            && other->term == edit.term && other->element == edit.element
            && other->to_ns == edit.to_ns) {
            return;
        }
    }
    WEIRI_ARENA_PUSH(self->arena, self->items, self->n, edit);
}

/* The longest round duration that is shorter than a gap. */
static int64_t
longest_below(int64_t gap_ns)
{
    static const int64_t UNITS[] = { WEIRI_NS_PER_S, WEIRI_NS_PER_MS, WEIRI_NS_PER_US };
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        if (gap_ns > UNITS[i]) {
            return (gap_ns - 1) / UNITS[i] * UNITS[i];
        }
    }
    return gap_ns - 1;
}

enum { GAPS = 16 };

/* A duration among the longest, each once, the longest first. */
static void
add_gap(int64_t gaps[GAPS], int64_t gap_ns)
{
    for (uint32_t i = 0; i < GAPS && gap_ns > 0 && gaps[i] != gap_ns; i++) {
        if (gap_ns > gaps[i]) {
            int64_t shorter = gaps[i];
            gaps[i]         = gap_ns;
            gap_ns          = shorter;
        }
    }
}

/* How long a silence may be to fit between two events, or behind the last: those of the
 * step, or all of the key if its condition were not there. */
static void
find_gaps(weiri_trace *trace, bool is_any, int64_t gaps[GAPS])
{
    uint32_t last = WEIRI_NONE;
    for (uint32_t i = 0; i <= trace->n_events; i++) {
        if (i < trace->n_events && !is_any && !weiri_trace_atom(trace, 0, i, 0)) {
            continue;
        }
        int64_t now_ns = i < trace->n_events ? trace->events[i].time_ns : trace->end_ns;
        if (last != WEIRI_NONE && now_ns != INT64_MAX) {
            add_gap(gaps, longest_below(now_ns - trace->events[last].time_ns));
        }
        last = i;
    }
}

static void
add_shorter(suspects *self)
{
    int64_t gaps[GAPS] = { 0 };
    int64_t silence_ns = self->trace->plan->silence_ns;
    if (silence_ns < 0) {
        return;
    }
    find_gaps(self->trace, false, gaps);
    find_gaps(self->trace, true, gaps);
    for (uint32_t i = 0; i < GAPS && gaps[i] > 0; i++) {
        if (gaps[i] < silence_ns) {
            add(self, (weiri_edit){ .kind = WEIRI_EDIT_SHORTER, .to_ns = gaps[i] });
        }
    }
}

static void
find_suspects(suspects *self)
{
    uint32_t   *nearest = NULL;
    weiri_edit *edits   = NULL;
    uint32_t    n       = weiri_trace_nearest(self->trace, self->arena, &nearest);
    for (uint32_t i = 0; i < n && i < NEAREST; i++) {
        weiri_obstacle *obstacles   = NULL;
        uint32_t        n_obstacles = weiri_trace_obstacles(
                   self->trace, self->arena, &self->trace->ends[nearest[i]], &obstacles);
        for (uint32_t k = 0; k < n_obstacles; k++) {
            if (obstacles[k].has_edit) {
                add(self, obstacles[k].edit);
            }
        }
    }
    self->n_met = self->n;
    n           = weiri_edits_of(self->arena, self->trace->plan, &edits);
    for (uint32_t i = 0; i < n; i++) {
        if (edits[i].kind <= (weiri_edit_kind)WEIRI_LAST_RELAXING
            || edits[i].kind == WEIRI_EDIT_ABSENCE) {
            add(self, edits[i]);
        }
    }
    add_shorter(self);
}

/* One run of the changed rule, up to a bound. */
static weir_status
try_within(
    const suspects *self, const weiri_match *plan, uint32_t max_nodes, bool *is_found)
{
    trial             about   = { .before = self->trace, .goal = self->goal };
    weiri_trace      *changed = NULL;
    weir_error        ignored = { 0 };
    weiri_trace_bound bound   = {
          .max_nodes = max_nodes, .is_enough = is_answered, .context = &about
    };
    weir_status status = weiri_trace_new_within(plan, self->trace->events,
        self->trace->n_events, self->trace->end_ns, &bound, &changed, &ignored);
    *is_found = status == WEIR_OK && is_reached(self->trace, changed, self->goal);
    weiri_trace_destroy(&changed);
    return status;
}

/* A rule that cannot be run without the parts, or has too much to tell of, is no answer.
 * Most trials are small; one that is not gets as much room as a story has. */
static bool
is_reached_without(suspects *self, const weiri_edit *edits, uint32_t n)
{
    bool               is_found = false;
    uint32_t           few      = WEIRI_TRACE_TRIAL_NODES + 8 * self->trace->n_events;
    const weiri_match *plan = weiri_edit_apply(self->arena, self->trace->plan, edits, n);
    weir_status        status = try_within(self, plan, few, &is_found);
    if (status == WEIR_EFULL && few < WEIRI_TRACE_NODES) {
        status = try_within(self, plan, WEIRI_TRACE_NODES, &is_found);
    }
    if (status == WEIR_ENOMEM) {
        self->status = status;
    }
    return is_found;
}

/* Let go, the least likely first, of each suspect that can be spared. */
static uint32_t
let_go(suspects *self, weiri_edit *left, uint32_t n)
{
    for (uint32_t i = n; i-- > 0 && self->status == WEIR_OK;) {
        weiri_edit spared = left[i];
        memmove(left + i, left + i + 1, (n - i - 1) * sizeof *left);
        if (is_reached_without(self, left, n - 1)) {
            n--;
        } else {
            memmove(left + i + 1, left + i, (n - i - 1) * sizeof *left);
            left[i] = spared;
        }
    }
    return n;
}

/* What is left of all suspects when none of them can be spared. Whole steps are among
 * them only if nothing else helps. */
static uint32_t
reduce(suspects *self, weiri_edit *left, bool with_elements)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->n; i++) {
        if (with_elements || self->items[i].kind != WEIRI_EDIT_ELEMENT) {
            left[n++] = self->items[i];
        }
    }
    if (!is_reached_without(self, left, n)) {
        return 0;
    }
    for (uint32_t before = n + 1; n < before;) {
        before = n;
        n      = let_go(self, left, n);
    }
    return n;
}

/* The first suspect who is to blame alone. A whole step that something came for is the
 * last that one would do without. */
static uint32_t
try_alone(suspects *self, weiri_edit *out, bool is_last_resort)
{
    for (uint32_t i = 0; i < self->n && self->status == WEIR_OK; i++) {
        bool is_step = self->items[i].kind == WEIRI_EDIT_ELEMENT && i >= self->n_met;
        if (is_step == is_last_resort && is_reached_without(self, &self->items[i], 1)) {
            *out = self->items[i];
            return 1;
        }
    }
    return 0;
}

/* The inputs that steps take events of. */
static void
mark_taken(const weiri_match *plan, const weiri_pattern *pattern, bool *is_taken)
{
    bool is_not = pattern->is_negated && plan->silence_ns < 0;
    if (pattern->kind == WEIRI_PATTERN_STEP && !is_not) {
        is_taken[plan->steps[pattern->step].input] = true;
    }
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        mark_taken(plan, pattern->items[i], is_taken);
    }
}

bool
weiri_trace_has_nothing(const weiri_trace *self)
{
    bool is_taken[WEIRI_STEPS] = { false };
    mark_taken(self->plan, self->plan->pattern, is_taken);
    for (uint32_t i = 0; i < self->n_events; i++) {
        if (is_taken[self->events[i].input]) {
            return self->plan->silence_ns >= 0
                   && longest_below(self->end_ns - self->events[i].time_ns) <= 0;
        }
    }
    return true;
}

weir_status
weiri_trace_blame(weiri_trace *self, weiri_arena *arena, const weiri_goal *goal,
    weiri_edit **out, uint32_t *n, weir_error *err)
{
    suspects all = { .trace = self, .arena = arena, .goal = goal };
    *out         = NULL;
    *n           = 0;
    if (goal->has_time && is_reached(self, self, goal)) {
        return WEIR_OK;
    }
    find_suspects(&all);
    *out = weiri_arena_alloc(arena, (all.n + (size_t)1) * sizeof **out);
    *n   = try_alone(&all, *out, false);
    if (*n == 0) {
        *n = reduce(&all, *out, false);
    }
    if (*n == 0) {
        *n = try_alone(&all, *out, true);
    }
    if (*n == 0) {
        *n = reduce(&all, *out, true);
    }
    return all.status == WEIR_OK
               ? WEIR_OK
               : WEIR_FAIL(err, all.status, "no memory for the story of a match");
}
