/* The events of a partition one after another: docs/semantics.md 1, 3 and 4. */
#include "trace/trace.h"

#include <stdlib.h>
#include <string.h>

/* ---- partial matches ---- */

void
weiri_trace_note_end(weiri_trace *self, weiri_trace_end end)
{
    WEIRI_ARENA_PUSH(self->arena, self->ends, self->n_ends, end);
}

static weiri_event
event_at(const weiri_trace *self, uint32_t event)
{
    const weiri_trace_event *e = &self->events[event];
    return (weiri_event){ .chunk = e->chunk,
        .row                     = e->row,
        .input                   = e->input,
        .time_ns                 = e->time_ns,
        .order                   = event };
}

static uint32_t
add_node(weiri_trace *self, weiri_trace_node node)
{
    size_t      size  = weiri_registers_cells(self->registers) + (size_t)1;
    weiri_cell *cells = weiri_arena_alloc(self->arena, size * sizeof *cells);
    weiri_registers_clear(self->registers, cells);
    if (self->n_nodes > 0) {
        weiri_event event = event_at(self, node.event);
        weiri_registers_copy(self->registers, cells, self->cells[node.before]);
        weiri_registers_take(self->registers, cells, node.step, &event);
    }
    uint32_t made = self->n_nodes;
    WEIRI_ARENA_PUSH(self->arena, self->nodes, self->n_nodes, node);
    WEIRI_ARENA_PUSH(self->arena, self->cells, self->n_cells, cells);
    self->is_full = self->is_full || self->n_nodes >= self->max_nodes;
    return made;
}

/* What the partial match is when the event at work has been taken. */
static uint32_t
bind(weiri_trace *self, uint32_t before, uint32_t step)
{
    for (uint32_t i = self->first_node; i < self->n_nodes; i++) {
        if (self->nodes[i].before == before && self->nodes[i].step == step) {
            return i;
        }
    }
    const weiri_trace_node *old  = weiri_trace_at(self, before);
    weiri_trace_node        node = { .before = before,
               .step                         = step,
               .event                        = self->event,
               .first                        = before == 0 ? self->event : old->first,
               .n_taken                      = old->n_taken + 1 };
    return add_node(self, node);
}

static void
keep(weiri_trace *self, weiri_trace_runs *next, uint32_t state, uint32_t node)
{
    for (uint32_t i = next->n; i-- > 0;) {
        if (next->items[i].node == node && next->items[i].state == state) {
            return;
        }
    }
    weiri_trace_run run = { .node = node, .state = state };
    WEIRI_ARENA_PUSH(self->arena, next->items, next->n, run);
    self->is_full = self->is_full || next->n >= self->max_nodes / 8;
}

/* ---- an event ---- */

/* The event came too late after the last one for this step (4.3). */
static bool
is_gap_open(const weiri_trace *self, uint32_t node, uint32_t step)
{
    int64_t                 gap = self->plan->steps[step].gap_ns;
    const weiri_trace_node *at  = weiri_trace_at(self, node);
    return gap < 0 || at->n_taken == 0
           || (uint64_t)self->events[self->event].time_ns
                      - (uint64_t)self->events[at->event].time_ns
                  <= (uint64_t)gap;
}

static void
follow(weiri_trace *self, const weiri_arc *arc, uint32_t node, weiri_trace_runs *next,
    weiri_trace_completes *completes)
{
    int64_t time_ns = self->events[self->event].time_ns;
    bool    completes_now =
        arc->action == WEIRI_COMPLETE
        || (arc->completes != WEIRI_FALSE
            && weiri_trace_holds(self, arc->completes, self->event, node));
    uint32_t to   = arc->action == WEIRI_TAKE ? bind(self, node, arc->step) : node;
    self->is_full = self->is_full || completes->n >= self->max_nodes / 8;
    if (completes_now && !self->is_full) {
        weiri_trace_push_complete(self, completes, to, time_ns);
    }
    if (arc->action != WEIRI_COMPLETE && arc->target != WEIRI_NONE) {
        keep(self, next, arc->target, to);
    } else if (!completes_now && node != 0) {
        weiri_trace_note_end(self, (weiri_trace_end){ .cause = WEIRI_TRACE_EVENT,
                                       .node                 = to,
                                       .state                = WEIRI_NONE,
                                       .event                = self->event,
                                       .time_ns              = time_ns });
    }
}

/* Offer the event to a partial match: what becomes of it goes to `next` and `completes`.
 */
static void
offer(weiri_trace *self, weiri_trace_run run, weiri_trace_runs *next,
    weiri_trace_completes *completes)
{
    const weiri_state *state = &self->automaton->states[run.state];
    bool               moves = false;
    for (uint32_t a = 0; a < state->n_arcs; a++) {
        const weiri_arc *arc = &state->arcs[a];
        if ((arc->action == WEIRI_TAKE && !is_gap_open(self, run.node, arc->step))
            || !weiri_trace_holds(self, arc->when, self->event, run.node)) {
            continue;
        }
        moves = true;
        follow(self, arc, run.node, next, completes);
    }
    if (!moves && run.node != 0) {
        weiri_trace_note_end(self, (weiri_trace_end){ .cause = WEIRI_TRACE_EVENT,
                                       .node                 = run.node,
                                       .state                = run.state,
                                       .event                = self->event,
                                       .time_ns = self->events[self->event].time_ns });
    }
}

/* ---- deadlines ---- */

static int64_t
later_by(int64_t time_ns, int64_t span_ns)
{
    return span_ns < 0 || time_ns > INT64_MAX - span_ns ? INT64_MAX : time_ns + span_ns;
}

static int64_t
within_deadline(const weiri_trace *self, uint32_t node)
{
    return later_by(self->events[weiri_trace_at(self, node)->first].time_ns,
        self->automaton->within_ns);
}

static int64_t
gap_deadline(const weiri_trace *self, weiri_trace_run run)
{
    return later_by(self->events[weiri_trace_at(self, run.node)->event].time_ns,
        self->automaton->states[run.state].gap_ns);
}

static int64_t
deadline_of(const weiri_trace *self, weiri_trace_run run)
{
    int64_t within = within_deadline(self, run.node);
    int64_t gap    = gap_deadline(self, run);
    return gap < within ? gap : within;
}

/* Everything with this deadline and this first event. */
static void
fire(weiri_trace *self, int64_t when, uint32_t first)
{
    weiri_trace_completes matches  = { .n = 0 };
    weiri_trace_completes timeouts = { .n = 0 };
    uint32_t              n        = 0;
    self->turn++;
    self->event  = WEIRI_NONE;
    self->now_ns = when > self->now_ns ? when : self->now_ns;
    for (uint32_t i = 0; i < self->runs.n; i++) {
        weiri_trace_run run = self->runs.items[i];
        if (weiri_trace_at(self, run.node)->first != first
            || deadline_of(self, run) != when) {
            self->runs.items[n++] = run;
            continue;
        }
        if (self->automaton->states[run.state].is_pending) {
            weiri_trace_push_complete(self, &matches, run.node, when);
            continue;
        }
        weiri_trace_push_complete(self, &timeouts, run.node, when);
        weiri_trace_note_end(
            self, (weiri_trace_end){ .cause = gap_deadline(self, run) == when
                                                  ? WEIRI_TRACE_GAP
                                                  : WEIRI_TRACE_WITHIN,
                      .node                 = run.node,
                      .state                = run.state,
                      .event                = WEIRI_NONE,
                      .time_ns              = when });
    }
    self->runs.n = n;
    weiri_trace_sort(self, &timeouts);
    for (uint32_t i = 0; i < timeouts.n; i++) {
        weiri_trace_give(self, timeouts.items[i].node, true, when);
    }
    weiri_trace_settle(self, &matches, true);
}

static void
fire_before(weiri_trace *self, int64_t before_ns)
{
    for (;;) {
        int64_t  when  = INT64_MAX;
        uint32_t first = 0;
        for (uint32_t i = 0; i < self->runs.n; i++) {
            weiri_trace_run run      = self->runs.items[i];
            int64_t         deadline = deadline_of(self, run);
            if (deadline < when) { /* the runs are in the order of their first events */
                when  = deadline;
                first = weiri_trace_at(self, run.node)->first;
            }
        }
        if (when >= before_ns) {
            return;
        }
        fire(self, when, first);
    }
}

/* ---- all events ---- */

static void
process(weiri_trace *self, uint32_t event)
{
    weiri_trace_runs      next      = { .n = 0 };
    weiri_trace_completes completes = { .n = 0 };
    const weiri_trace_run start     = { .node = 0, .state = 0 };
    fire_before(self, self->events[event].time_ns);
    self->turn++;
    self->event      = event;
    self->now_ns     = self->events[event].time_ns;
    self->first_node = self->n_nodes;
    weiri_registers_begin_event(self->registers);
    if (self->program != NULL && event > 0) {
        weiri_program_forget(self->program);
    }
    for (uint32_t i = 0; i < self->runs.n && !self->is_full; i++) {
        offer(self, self->runs.items[i], &next, &completes);
    }
    offer(self, start, &next, &completes);
    weiri_trace_note_before(self, event);
    self->runs = next;
    weiri_trace_settle(self, &completes, false);
}

static void
finish(weiri_trace *self)
{
    int64_t last_ns = self->n_events > 0 ? self->events[self->n_events - 1].time_ns : 0;
    fire_before(self, self->end_ns);
    for (uint32_t i = 0; i < self->runs.n; i++) {
        weiri_trace_note_end(self, (weiri_trace_end){ .cause = WEIRI_TRACE_END,
                                       .node                 = self->runs.items[i].node,
                                       .state                = self->runs.items[i].state,
                                       .event                = WEIRI_NONE,
                                       .time_ns              = last_ns });
    }
    for (uint32_t i = 0; i < self->held.n; i++) {
        weiri_trace_note_end(self, (weiri_trace_end){ .cause = WEIRI_TRACE_END,
                                       .is_complete          = true,
                                       .node                 = self->held.items[i].node,
                                       .state                = WEIRI_NONE,
                                       .event                = WEIRI_NONE,
                                       .time_ns              = last_ns });
    }
}

static weir_status
prepare(weiri_trace *self, weir_error *err)
{
    weir_status status = weiri_automaton_new(self->plan, &self->automaton, err);
    if (status != WEIR_OK) {
        return status;
    }
    if (weiri_registers_new(self->plan, &self->registers) != WEIR_OK
        || weiri_trace_test_new(self) != WEIR_OK) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the story of a match");
    }
    self->flipped = WEIRI_NONE;
    self->now_ns  = INT64_MIN;
    add_node(self, (weiri_trace_node){ .n_taken = 0 });
    return WEIR_OK;
}

/* All events until it is enough. A trace that is full may have given what it was for. */
static weir_status
process_all(weiri_trace *self, const weiri_trace_bound *bound, weir_error *err)
{
    uint32_t n_outputs = 0;
    for (uint32_t i = 0; i < self->n_events; i++) {
        process(self, i);
        if (bound->is_enough != NULL && self->n_outputs > n_outputs
            && bound->is_enough(bound->context, self)) {
            return WEIR_OK;
        }
        n_outputs = self->n_outputs;
        if (self->is_full) {
            return WEIR_FAIL(err, WEIR_EFULL,
                "too many partial matches to tell of: %u at event %u of the key",
                self->runs.n, i + 1);
        }
    }
    finish(self);
    return WEIR_OK;
}

static weir_status
begin(const weiri_match *plan, const weiri_trace_bound *bound, weiri_trace **out,
    weir_error *err)
{
    weiri_trace *self  = calloc(1, sizeof *self);
    weiri_arena *arena = weiri_arena_new();
    if (self == NULL || arena == NULL) {
        free(self);
        weiri_arena_destroy(&arena);
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the story of a match");
    }
    self->arena     = arena;
    self->plan      = plan;
    self->max_nodes = bound->max_nodes;
    *out            = self;
    return WEIR_OK;
}

weir_status
weiri_trace_new_within(const weiri_match *plan, const weiri_trace_event *events,
    uint32_t n, int64_t end_ns, const weiri_trace_bound *bound, weiri_trace **out,
    weir_error *err)
{
    weiri_trace *self   = NULL;
    weir_status  status = begin(plan, bound, &self, err);
    if (status != WEIR_OK) {
        return status;
    }
    self->events   = events;
    self->n_events = n;
    self->end_ns   = end_ns;
    status         = prepare(self, err);
    if (status == WEIR_OK) {
        status = process_all(self, bound, err);
    }
    if (status != WEIR_OK) {
        weiri_trace_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

weir_status
weiri_trace_new(const weiri_match *plan, const weiri_trace_event *events, uint32_t n,
    int64_t end_ns, weiri_trace **out, weir_error *err)
{
    const weiri_trace_bound bound = { .max_nodes = WEIRI_TRACE_NODES };
    return weiri_trace_new_within(plan, events, n, end_ns, &bound, out, err);
}

/* ---- one by one ---- */

weir_status
weiri_trace_open(
    const weiri_match *plan, uint32_t max_events, weiri_trace **out, weir_error *err)
{
    const weiri_trace_bound bound  = { .max_nodes = WEIRI_TRACE_TRIAL_NODES };
    weiri_trace            *self   = NULL;
    weir_status             status = begin(plan, &bound, &self, err);
    if (status != WEIR_OK) {
        return status;
    }
    self->max_events = max_events;
    self->pushed     = weiri_arena_alloc(self->arena, max_events * sizeof *self->pushed);
    self->events     = self->pushed;
    status           = prepare(self, err);
    if (status != WEIR_OK) {
        weiri_trace_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

weir_status
weiri_trace_push(weiri_trace *self, const weiri_trace_event *event, weir_error *err)
{
    if (self->is_full || self->n_events == self->max_events) {
        return WEIR_FAIL(err, WEIR_EFULL, "too much to tell of");
    }
    self->pushed[self->n_events++] = *event;
    if (self->n_events == 1 && weiri_trace_read_key(self) != WEIR_OK) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the story of a match");
    }
    process(self, self->n_events - 1);
    return self->is_full ? WEIR_FAIL(err, WEIR_EFULL, "too much to tell of") : WEIR_OK;
}

void
weiri_trace_advance(weiri_trace *self, int64_t watermark_ns)
{
    if (!self->is_full) {
        fire_before(self, watermark_ns);
    }
}

uint32_t
weiri_trace_n_alive(const weiri_trace *self)
{
    return self->runs.n;
}

uint32_t
weiri_trace_n_nodes(const weiri_trace *self)
{
    return self->n_nodes;
}

void
weiri_trace_destroy(weiri_trace **self_p)
{
    weiri_trace *self = *self_p;
    *self_p           = NULL;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; i < self->n_cells; i++) {
        weiri_registers_release(self->registers, self->cells[i]);
    }
    weiri_program_destroy(&self->program);
    weiri_program_destroy(&self->key_program);
    weiri_registers_destroy(&self->registers);
    weiri_automaton_destroy(&self->automaton);
    weiri_arena_destroy(&self->arena);
    free(self);
}

uint32_t
weiri_trace_n_events(const weiri_trace *self)
{
    return self->n_events;
}

const weiri_trace_output *
weiri_trace_outputs(const weiri_trace *self, uint32_t *n)
{
    *n = self->n_outputs;
    return self->outputs;
}

const weiri_trace_end *
weiri_trace_ends(const weiri_trace *self, uint32_t *n)
{
    *n = self->n_ends;
    return self->ends;
}

const weiri_trace_node *
weiri_trace_node_at(const weiri_trace *self, uint32_t node)
{
    return weiri_trace_at(self, node);
}

uint32_t
weiri_trace_path(
    const weiri_trace *self, weiri_arena *arena, uint32_t node, uint32_t **out)
{
    uint32_t n = weiri_trace_at(self, node)->n_taken;
    *out       = weiri_arena_alloc(arena, (n + (size_t)1) * sizeof **out);
    for (uint32_t i = n; i-- > 0;) {
        (*out)[i] = node;
        node      = weiri_trace_at(self, node)->before;
    }
    return n;
}
