/* How near a partial match came, and what stood in its way. */
#include <stdlib.h>
#include <string.h>

#include "trace/trace.h"
#include "weiri/exprtext.h"
#include "weiri/timetext.h"

/* ---- the nearest ---- */

/* How many events are wanting along an arc; WEIRI_NONE: it leads nowhere. */
static uint32_t
distance_along(const weiri_arc *arc, const uint32_t *left)
{
    uint32_t takes = arc->action == WEIRI_TAKE;
    if (arc->action == WEIRI_COMPLETE || arc->completes != WEIRI_FALSE) {
        return takes;
    }
    return arc->target == WEIRI_NONE || left[arc->target] == WEIRI_NONE
               ? WEIRI_NONE
               : left[arc->target] + takes;
}

/* Per state, how many events at least are wanting for a match. */
static uint32_t *
distances(const weiri_trace *self, weiri_arena *arena)
{
    const weiri_automaton *automaton = self->automaton;
    size_t                 size = (automaton->n_states + (size_t)1) * sizeof(uint32_t);
    uint32_t              *left = weiri_arena_alloc(arena, size);
    memset(left, 0xff, size);
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t s = automaton->n_states; s-- > 0;) {
            const weiri_state *state = &automaton->states[s];
            uint32_t           least = state->is_pending ? 0 : left[s];
            for (uint32_t a = 0; a < state->n_arcs; a++) {
                uint32_t along = distance_along(&state->arcs[a], left);
                least          = along < least ? along : least;
            }
            changed = changed || least != left[s];
            left[s] = least;
        }
    }
    return left;
}

static uint32_t
wanting(const weiri_trace_end *end, const uint32_t *left)
{
    return end->is_complete           ? 0
           : end->state == WEIRI_NONE ? WEIRI_NONE
                                      : left[end->state];
}

uint32_t
weiri_trace_wanting(const weiri_trace *self, const weiri_trace_end *end)
{
    weiri_arena *arena = weiri_arena_new();
    uint32_t     n = arena == NULL ? WEIRI_NONE : wanting(end, distances(self, arena));
    weiri_arena_destroy(&arena);
    return n;
}

typedef struct nearness {
    uint32_t end;
    uint32_t left;
    uint32_t n_taken;
    uint32_t event;
} nearness;

static int
compare_nearness(const void *a, const void *b)
{
    const nearness *x = a;
    const nearness *y = b;
    if (x->left != y->left) {
        return x->left < y->left ? -1 : 1;
    }
    if (x->n_taken != y->n_taken) {
        return x->n_taken > y->n_taken ? -1 : 1;
    }
    if (x->event != y->event) {
        return x->event > y->event ? -1 : 1;
    }
    return (x->end > y->end) - (x->end < y->end);
}

uint32_t
weiri_trace_nearest(const weiri_trace *self, weiri_arena *arena, uint32_t **out)
{
    const uint32_t *left = distances(self, arena);
    nearness *all = weiri_arena_alloc(arena, (self->n_ends + (size_t)1) * sizeof *all);
    *out          = weiri_arena_alloc(arena, (self->n_ends + (size_t)1) * sizeof **out);
    for (uint32_t i = 0; i < self->n_ends; i++) {
        const weiri_trace_end  *end  = &self->ends[i];
        const weiri_trace_node *node = weiri_trace_at(self, end->node);
        all[i]                       = (nearness){ .end = i,
                                  .left                 = wanting(end, left),
                                  .n_taken              = node->n_taken,
                                  .event                = node->event };
    }
    if (self->n_ends > 1) {
        qsort(all, self->n_ends, sizeof *all, compare_nearness);
    }
    for (uint32_t i = 0; i < self->n_ends; i++) {
        (*out)[i] = all[i].end;
    }
    return self->n_ends;
}

/* ---- words ---- */

typedef struct finding {
    weiri_trace       *trace;
    weiri_arena       *arena;
    const char *const *registers; /* their texts */
    const uint32_t    *left;      /* per state: events wanting for a match */
    weiri_obstacle    *items;
    uint32_t           n;
} finding;

static void
add(finding *self, weiri_obstacle obstacle)
{
    for (uint32_t i = 0; i < self->n; i++) {
        const weiri_obstacle *known = &self->items[i];
        if (known->event == obstacle.event && strcmp(known->text, obstacle.text) == 0) {
            return;
        }
    }
    WEIRI_ARENA_PUSH(self->arena, self->items, self->n, obstacle);
}

static weiri_expr_names
names_of(const finding *self, uint32_t input)
{
    return (weiri_expr_names){ .schema = self->trace->plan->inputs[input].schema,
        .registers                     = self->registers };
}

/* "outcome is "failed", prev.x is 3": what a term reads, each once. */
static const char *
values_text(finding *self, const weiri_expr *expr, uint32_t event, uint32_t node,
    const char *text)
{
    if (expr->kind == WEIRI_EXPR_CONSTANT) {
        return text;
    }
    if (expr->kind == WEIRI_EXPR_CALL) {
        for (uint32_t i = 0; i < expr->as.call.n_args; i++) {
            text = values_text(self, expr->as.call.args[i], event, node, text);
        }
        return text;
    }
    weiri_expr_names names = names_of(self, self->trace->events[event].input);
    weir_value  value = weiri_trace_eval(self->trace, self->arena, expr, event, node);
    const char *one   = weiri_arena_format(self->arena, "%s is %s",
          weiri_expr_text(self->arena, expr, &names),
          weiri_value_text(self->arena, &value));
    return strstr(text, one) != NULL ? text
                                     : weiri_arena_format(self->arena, "%s%s%s", text,
                                         text[0] != '\0' ? ", " : "", one);
}

static const char *
stream_of(const finding *self, uint32_t step)
{
    const weiri_match *plan = self->trace->plan;
    return plan->inputs[plan->steps[step].input].schema->name;
}

static const char *
duration(weiri_arena *arena, int64_t ns)
{
    char   text[WEIRI_DURATION_TEXT];
    size_t size = weiri_duration_format(ns, text);
    return weiri_arena_text(arena, text, size);
}

/* ---- one event ---- */

/* The terms of a step's condition that are not true. */
static void
add_terms(finding *self, uint32_t step, uint32_t event, uint32_t node)
{
    const weiri_match *plan    = self->trace->plan;
    const weiri_expr **terms   = NULL;
    uint32_t           n_false = 0;
    uint32_t n = weiri_condition_terms(self->arena, &plan->steps[step].where, &terms);
    weiri_expr_names names    = names_of(self, plan->steps[step].input);
    weiri_obstacle   obstacle = { .event = event, .step = step, .has_edit = true };
    const char      *text     = "";
    for (uint32_t t = 0; t < n; t++) {
        weir_value value =
            weiri_trace_eval(self->trace, self->arena, terms[t], event, node);
        if (!value.is_null && value.as.b) {
            continue;
        }
        obstacle.edit = (weiri_edit){ .kind = WEIRI_EDIT_TERM, .step = step, .term = t };
        text          = weiri_arena_format(self->arena, "%s%s`%s` is %s: %s", text,
            n_false++ > 0 ? "; " : "", weiri_expr_text(self->arena, terms[t], &names),
            value.is_null ? "null" : "false",
                     values_text(self, terms[t], event, node, ""));
    }
    if (n_false > 1) {
        obstacle.edit = (weiri_edit){ .kind = WEIRI_EDIT_WHERE, .step = step };
    }
    obstacle.text = text;
    if (n_false > 0) {
        add(self, obstacle);
    }
}

static bool
is_same_condition(const weiri_condition *a, const weiri_condition *b)
{
    return a->unary == b->unary && a->correlated == b->correlated;
}

static void
add_until(finding *self, const weiri_condition *until, uint32_t event, uint32_t node)
{
    const weiri_match   *plan = self->trace->plan;
    const weiri_pattern *p    = plan->pattern;
    for (uint32_t e = 0; p != NULL; p = weiri_pattern_element(plan, ++e)) {
        if (p->until == NULL || !is_same_condition(p->until, until)) {
            continue;
        }
        weiri_obstacle obstacle = { .event = event,
            .step                          = WEIRI_NONE,
            .has_edit                      = true,
            .edit                          = { .kind = WEIRI_EDIT_UNTIL, .element = e } };
        const char    *values   = "";
        if (until->unary != NULL) {
            values = values_text(self, until->unary, event, node, values);
        }
        if (until->correlated != NULL) {
            values = values_text(self, until->correlated, event, node, values);
        }
        obstacle.text = weiri_arena_format(self->arena, "the `until` of '%s' holds: %s",
            weiri_pattern_name(self->arena, plan, p), values);
        add(self, obstacle);
    }
}

/* The part of the rule that wants an event not to fit a step: its `not`, or the `greedy`
 * or `lazy` of a step that could have taken it. */
static bool
find_unwanted(const weiri_match *plan, uint32_t step, weiri_edit *out)
{
    const weiri_pattern *p = plan->pattern;
    for (uint32_t e = 0; p != NULL; p = weiri_pattern_element(plan, ++e)) {
        if (p->kind == WEIRI_PATTERN_STEP && p->step == step) {
            *out = p->is_negated
                       ? (weiri_edit){ .kind = WEIRI_EDIT_NEGATION, .step = step }
                       : (weiri_edit){ .kind = WEIRI_EDIT_PREFERENCE, .element = e };
            return p->is_negated || p->preference != WEIRI_PREFER_BOTH;
        }
    }
    return false;
}

/* An atom that holds, and should not. */
static void
add_holding(finding *self, uint32_t atom, uint32_t event, uint32_t node)
{
    const weiri_match *plan = self->trace->plan;
    const weiri_atom  *a    = &self->trace->automaton->atoms[atom];
    uint32_t           step = a->kind == WEIRI_ATOM_EVENT ? atom : a->of;
    if (step >= plan->n_steps) {
        add_until(self, &a->where, event, node);
        return;
    }
    weiri_obstacle obstacle = { .event = event, .step = step };
    const char    *values   = "";
    obstacle.has_edit       = find_unwanted(plan, step, &obstacle.edit);
    if (a->kind == WEIRI_ATOM_EVENT && a->where.unary != NULL) {
        values = values_text(self, a->where.unary, event, node, values);
    }
    if (a->kind == WEIRI_ATOM_EVENT && a->where.correlated != NULL) {
        values = values_text(self, a->where.correlated, event, node, values);
    }
    obstacle.text = weiri_arena_format(self->arena, "%s fits '%s'%s%s",
        a->kind == WEIRI_ATOM_EVENT ? "it" : "an event before it", plan->steps[step].name,
        values[0] != '\0' ? ": " : "", values);
    add(self, obstacle);
}

/* An atom that does not hold, and should. */
static void
add_missing(finding *self, uint32_t atom, uint32_t event, uint32_t node)
{
    const weiri_match *plan = self->trace->plan;
    if (atom >= plan->n_steps) {
        return;
    }
    if (plan->steps[atom].input != self->trace->events[event].input) {
        weiri_obstacle obstacle = { .event = event, .step = atom };
        obstacle.text =
            weiri_arena_format(self->arena, "it is no '%s' event", stream_of(self, atom));
        add(self, obstacle);
        return;
    }
    add_terms(self, atom, event, node);
}

/* The atoms of which each alone, were it otherwise, would open an arc. */
static void
add_atoms(finding *self, weiri_formula when, uint32_t event, uint32_t node)
{
    weiri_trace *trace = self->trace;
    for (uint32_t a = 0; a < trace->automaton->n_atoms; a++) {
        if (!weiri_formula_has_atom(&trace->automaton->conditions, when, a)) {
            continue;
        }
        trace->flipped = a;
        bool opens     = weiri_trace_holds(trace, when, event, node);
        trace->flipped = WEIRI_NONE;
        if (!opens) {
            continue;
        }
        if (weiri_trace_atom(trace, a, event, node)) {
            add_holding(self, a, event, node);
        } else {
            add_missing(self, a, event, node);
        }
    }
}

static void
add_gap(finding *self, uint32_t step, uint32_t event, uint32_t node)
{
    const weiri_trace *trace = self->trace;
    int64_t            since = trace->events[event].time_ns
                    - trace->events[weiri_trace_at(trace, node)->event].time_ns;
    weiri_obstacle obstacle = { .event = event,
        .step                          = step,
        .has_edit                      = true,
        .edit                          = { .kind = WEIRI_EDIT_GAP, .step = step } };
    obstacle.text           = weiri_arena_format(self->arena,
                  "it came %s after the event before, and '%s' is %s", duration(self->arena, since),
                  trace->plan->steps[step].name,
                  weiri_edit_text(self->arena, trace->plan, &obstacle.edit));
    add(self, obstacle);
}

/* Why an event opened no way on from a state: ways that take it first. */
static void
add_event(finding *self, uint32_t state, uint32_t event, uint32_t node)
{
    const weiri_state *from  = &self->trace->automaton->states[state];
    const weiri_step  *steps = self->trace->plan->steps;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t a = 0; a < from->n_arcs; a++) {
            const weiri_arc *arc = &from->arcs[a];
            if ((arc->action == WEIRI_TAKE) != (pass == 0)) {
                continue;
            }
            if (!weiri_trace_holds(self->trace, arc->when, event, node)) {
                add_atoms(self, arc->when, event, node);
            } else if (arc->action == WEIRI_TAKE && steps[arc->step].gap_ns >= 0) {
                add_gap(self, arc->step, event, node);
            }
        }
    }
}

/* ---- what was waited for ---- */

static void
add_edits(finding *self, weiri_edit_kind kind, uint32_t step, const char *text)
{
    const weiri_match   *plan = self->trace->plan;
    const weiri_pattern *p    = plan->pattern;
    for (uint32_t e = 0; p != NULL; p = weiri_pattern_element(plan, ++e)) {
        bool is_it = p->kind == WEIRI_PATTERN_STEP && p->step == step;
        bool fits  = (kind == WEIRI_EDIT_NEXT && p->contiguity == WEIRI_NEXT)
                    || (kind == WEIRI_EDIT_INNER && p->inner == WEIRI_INNER_NEXT)
                    || (kind == WEIRI_EDIT_COUNT && p->min > 1)
                    || (kind == WEIRI_EDIT_ELEMENT && e > 0);
        if (is_it && fits && !p->is_negated) {
            add(self, (weiri_obstacle){ .event = WEIRI_NONE,
                          .step                = step,
                          .has_edit            = true,
                          .edit                = { .kind = kind, .element = e },
                          .text                = text });
        }
    }
}

/* The steps that would bring it nearer to a match. */
static uint64_t
awaited_steps(const finding *self, uint32_t state)
{
    uint64_t           steps = 0;
    const weiri_state *from  = &self->trace->automaton->states[state];
    for (uint32_t a = 0; a < from->n_arcs; a++) {
        const weiri_arc *arc = &from->arcs[a];
        bool             is_nearer =
            arc->completes != WEIRI_FALSE
            || (arc->target != WEIRI_NONE && self->left[arc->target] < self->left[state]);
        if (arc->action == WEIRI_TAKE && is_nearer) {
            steps |= UINT64_C(1) << arc->step;
        }
    }
    return steps;
}

static uint32_t
taken_by(const weiri_trace *trace, uint32_t node, uint32_t step)
{
    uint32_t n = 0;
    for (uint32_t i = node; i != 0; i = weiri_trace_at(trace, i)->before) {
        n += weiri_trace_at(trace, i)->step == step;
    }
    return n;
}

/* The repetitions that are wanting, and where nothing came, that. */
static void
add_awaited(finding *self, const weiri_trace_end *end)
{
    const weiri_trace *trace = self->trace;
    uint64_t           steps = awaited_steps(self, end->state);
    for (uint32_t s = 0; s < trace->plan->n_steps; s++) {
        if ((steps >> s & 1) == 0) {
            continue;
        }
        uint32_t n = taken_by(trace, end->node, s);
        if (n > 0) {
            add_edits(self, WEIRI_EDIT_COUNT, s,
                weiri_arena_format(self->arena, "it had taken %u, and wants more", n));
        }
    }
}

/* Events that came while it waited, the latest first: what kept each from being taken. */
static void
add_passed(finding *self, const weiri_trace_end *end)
{
    enum { MOST = 3 };
    const weiri_trace *trace = self->trace;
    uint32_t           last  = weiri_trace_at(trace, end->node)->event;
    uint64_t           steps = awaited_steps(self, end->state);
    uint32_t           n     = 0;
    for (uint32_t e = trace->n_events; e-- > last + 1 && n < MOST;) {
        if (trace->events[e].time_ns > end->time_ns) {
            continue;
        }
        uint32_t before = self->n;
        for (uint32_t s = 0; s < trace->plan->n_steps; s++) {
            if ((steps >> s & 1) != 0
                && trace->plan->steps[s].input == trace->events[e].input) {
                add_terms(self, s, e, end->node);
            }
        }
        n += self->n > before;
    }
}

/* An event that fits, and came when the time was up. */
static void
add_too_late(finding *self, const weiri_trace_end *end)
{
    weiri_trace *trace = self->trace;
    uint64_t     steps = awaited_steps(self, end->state);
    for (uint32_t e = 0; e < trace->n_events; e++) {
        int64_t by_ns = trace->events[e].time_ns - end->time_ns;
        for (uint32_t s = 0; s < trace->plan->n_steps && by_ns > 0; s++) {
            if ((steps >> s & 1) == 0 || !weiri_trace_atom(trace, s, e, end->node)) {
                continue;
            }
            add(self, (weiri_obstacle){ .event = e,
                          .step                = s,
                          .text                = weiri_arena_format(self->arena,
                                             "it would fit, and came %s too late",
                                             duration(self->arena, by_ns)) });
            return;
        }
    }
}

static void
add_missing_steps(finding *self, const weiri_trace_end *end)
{
    const weiri_trace *trace = self->trace;
    uint64_t           steps = awaited_steps(self, end->state);
    for (uint32_t s = 0; s < trace->plan->n_steps; s++) {
        if ((steps >> s & 1) != 0 && taken_by(trace, end->node, s) == 0) {
            add_edits(self, WEIRI_EDIT_ELEMENT, s, "it was still waited for");
        }
    }
}

static void
add_strictness(finding *self, const weiri_trace_end *end)
{
    uint64_t steps = awaited_steps(self, end->state);
    for (uint32_t s = 0; s < self->trace->plan->n_steps; s++) {
        if ((steps >> s & 1) != 0) {
            const char *text = "it has to come next";
            add_edits(self, WEIRI_EDIT_NEXT, s, text);
            add_edits(self, WEIRI_EDIT_INNER, s, text);
        }
    }
}

static void
add_rule_part(finding *self, weiri_edit_kind kind, const char *text)
{
    add(self, (weiri_obstacle){ .event = WEIRI_NONE,
                  .step                = WEIRI_NONE,
                  .has_edit            = true,
                  .edit                = { .kind = kind },
                  .text                = text });
}

static void
add_deadline(finding *self, const weiri_trace_end *end)
{
    const weiri_trace *trace = self->trace;
    if (end->cause == WEIRI_TRACE_WITHIN) {
        add_rule_part(self, WEIRI_EDIT_WITHIN,
            weiri_arena_format(self->arena, "%s after its first event its time was up",
                duration(self->arena, trace->plan->within_ns)));
        return;
    }
    uint64_t steps = awaited_steps(self, end->state);
    for (uint32_t s = 0; s < trace->plan->n_steps; s++) {
        if ((steps >> s & 1) != 0 && trace->plan->steps[s].gap_ns >= 0) {
            weiri_edit edit = { .kind = WEIRI_EDIT_GAP, .step = s };
            add(self, (weiri_obstacle){ .event = WEIRI_NONE,
                          .step                = s,
                          .has_edit            = true,
                          .edit                = edit,
                          .text                = weiri_arena_format(self->arena,
                                             "nothing for it came in time: %s",
                                             weiri_edit_text(self->arena, trace->plan, &edit)) });
        }
    }
}

uint32_t
weiri_trace_obstacles(weiri_trace *self, weiri_arena *arena, const weiri_trace_end *end,
    weiri_obstacle **out)
{
    finding found = { .trace = self,
        .arena               = arena,
        .registers           = weiri_register_texts(arena, self->plan),
        .left                = distances(self, arena) };
    switch (end->cause) {
    case WEIRI_TRACE_SKIPPED:
        add_rule_part(&found, WEIRI_EDIT_SKIP, "a match that was given took it away");
        break;
    case WEIRI_TRACE_MAX_RUNS:
    case WEIRI_TRACE_MAX_MATCHES:
        add_rule_part(&found, WEIRI_EDIT_BOUND, "there were too many");
        break;
    case WEIRI_TRACE_EVENT:
        if (end->state != WEIRI_NONE) {
            add_event(&found, end->state, end->event, end->node);
            add_strictness(&found, end);
        }
        break;
    case WEIRI_TRACE_WITHIN:
    case WEIRI_TRACE_GAP:
        add_deadline(&found, end);
        add_too_late(&found, end);
        break;
    case WEIRI_TRACE_END: break;
    }
    if (!end->is_complete && end->state != WEIRI_NONE) {
        add_awaited(&found, end);
        add_passed(&found, end);
        add_missing_steps(&found, end);
    }
    *out = found.items;
    return found.n;
}

uint32_t
weiri_trace_beginnings(
    weiri_trace *self, weiri_arena *arena, uint32_t event, weiri_obstacle **out)
{
    finding found = { .trace = self,
        .arena               = arena,
        .registers           = weiri_register_texts(arena, self->plan),
        .left                = distances(self, arena) };
    add_event(&found, 0, event, 0);
    *out = found.items;
    return found.n;
}
