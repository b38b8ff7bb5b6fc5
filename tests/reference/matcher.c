/* Partial matches, one by one: docs/semantics.md sections 1, 3, 4 and 5. */
#include "reference.h"

#include <stdlib.h>
#include <string.h>

#include "state.h"
#include "weiri/assert.h"

/* ---- conditions ---- */

/* One event offered to one partial match. */
typedef struct offer {
    weir_reference  *self;
    ref_partition   *partition;
    const ref_event *event;
    const ref_run   *run;
    ref_steps        seen; /* the run's, with this event */
    bool             is_stopped;
    ref_runs         next;
    ref_completes   *completes;
    ref_run         *visited;
    uint32_t         n_visited;
} offer;

static weir_value *
registers_of(weir_reference *self, ref_partition *partition, ref_bindings *bindings)
{
    if (bindings->registers == NULL) {
        bindings->registers = ref_registers(self, partition, bindings, NULL);
    }
    return bindings->registers;
}

static bool
holds(offer *o, const weiri_condition *c)
{
    const ref_event *e = o->event;
    if (c->unary != NULL) {
        weir_value v = weir_reference_eval(c->unary, e->chunk, e->row, NULL);
        if (v.is_null || !v.as.b) {
            return false;
        }
    }
    if (c->correlated == NULL) {
        return true;
    }
    const weir_value *registers = registers_of(o->self, o->partition, o->run->bindings);
    weir_value        v = weir_reference_eval(c->correlated, e->chunk, e->row, registers);
    return !v.is_null && v.as.b;
}

static bool
fits_one_of(offer *o, ref_steps steps)
{
    const weiri_match *plan = o->self->plan;
    for (uint32_t s = 0; s < plan->n_steps; s++) {
        if ((steps >> s & 1) != 0 && plan->steps[s].input == o->event->input
            && holds(o, &plan->steps[s].where)) {
            return true;
        }
    }
    return false;
}

static const ref_state *
edges_of(const weir_reference *self, uint32_t state)
{
    return &self->automaton.states[self->automaton.states[state].alias];
}

/* A copy's edges to its original lead to itself. */
static uint32_t
target_of(const weir_reference *self, uint32_t state, const ref_edge *edge)
{
    return edge->target == self->automaton.states[state].alias ? state : edge->target;
}

static void
mark(bool *marks, uint32_t state, bool *is_new)
{
    *is_new      = !marks[state];
    marks[state] = true;
}

/* The steps that may be taken next from a state, conditions aside. */
static ref_steps
next_steps(const weir_reference *self, uint32_t state, bool *marks)
{
    bool is_new;
    mark(marks, state, &is_new);
    if (!is_new) {
        return 0;
    }
    ref_steps        steps = 0;
    const ref_state *s     = edges_of(self, state);
    for (uint32_t i = 0; i < s->n_edges; i++) {
        if (s->edges[i].action == REF_TAKE) {
            steps |= (ref_steps)1 << s->step;
        } else if (s->edges[i].action == REF_PROCEED) {
            steps |= next_steps(self, target_of(self, state, &s->edges[i]), marks);
        }
    }
    return steps;
}

static bool *
new_marks(weir_reference *self)
{
    return weiri_arena_alloc(self->arena, self->automaton.n_states);
}

static bool
literal_holds(offer *o, const ref_literal *l)
{
    switch (l->kind) {
    case REF_TRUE: return !l->is_negated;
    case REF_FITS: return fits_one_of(o, l->steps) != l->is_negated;
    case REF_UNTIL:
        return (l->input == o->event->input && holds(o, l->until)) != l->is_negated;
    case REF_FITS_NEXT:
        return fits_one_of(o, next_steps(o->self, l->state, new_marks(o->self)))
               != l->is_negated;
    }
    return false;
}

static bool
condition_holds(offer *o, const ref_condition *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        if (!literal_holds(o, &c->literals[i])) {
            return false;
        }
    }
    return true;
}

/* ---- bindings and runs ---- */

static ref_bindings *
bind(offer *o, uint32_t step)
{
    weiri_arena        *arena = o->self->arena;
    const ref_bindings *old   = o->run->bindings;
    ref_bindings       *b     = weiri_arena_alloc(arena, sizeof *b);
    b->n                      = old->n + 1;
    b->taken                  = weiri_arena_alloc(arena, b->n * sizeof *b->taken);
    b->events                 = weiri_arena_alloc(arena, b->n * sizeof *b->events);
    if (old->n > 0) {
        memcpy(b->taken, old->taken, old->n * sizeof *b->taken);
        memcpy(b->events, old->events, old->n * sizeof *b->events);
    }
    b->taken[old->n] = (weiri_taken){
        .step = step, .time_ns = o->event->time_ns, .order = o->event->order
    };
    b->events[old->n] = o->event;
    return b;
}

static bool
is_same_run(const ref_run *a, const ref_run *b)
{
    return a->state == b->state && a->active == b->active && a->left_out == b->left_out
           && a->has_waited == b->has_waited && a->seen == b->seen
           && a->bindings->n == b->bindings->n
           && ref_compare(a->bindings, b->bindings) == 0;
}

static void
push_run(weir_reference *self, ref_runs *runs, ref_run run)
{
    for (uint32_t i = 0; i < runs->n; i++) {
        if (is_same_run(&runs->items[i], &run)) {
            return;
        }
    }
    self->cost += runs->n;
    WEIRI_ARENA_PUSH(self->arena, runs->items, runs->n, run);
}

/* A choice that has waited cannot be left out: not by the way past it, nor through it. */
static bool
is_barred(
    const weir_reference *self, const ref_run *run, uint32_t state, const ref_edge *edge)
{
    const ref_state *states  = self->automaton.states;
    uint32_t         barrier = states[run->state].barrier;
    if (!run->has_waited) {
        return false;
    }
    return barrier != WEIRI_NONE
           && ((edge->is_exit && state == run->state)
               || states[target_of(self, state, edge)].alias == states[barrier].alias);
}

/* ---- ways on ---- */

/* What a partial match can still do, conditions on events aside. */
typedef struct prospect {
    bool    has_way;
    bool    is_bounded; /* every way is bounded by `within … of previous` */
    int64_t gap_ns;     /* the widest of the bounds                       */
} prospect;

static void
add_way(prospect *p, int64_t gap_ns)
{
    p->has_way    = true;
    p->is_bounded = p->is_bounded && gap_ns >= 0;
    p->gap_ns     = gap_ns > p->gap_ns ? gap_ns : p->gap_ns;
}

static void
look_ahead(const weir_reference *self, const ref_run *run, uint32_t state, bool *marks,
    prospect *p)
{
    bool is_new;
    mark(marks, state, &is_new);
    if (!is_new) {
        return;
    }
    const ref_state *s       = &self->automaton.states[state];
    const ref_state *edges   = edges_of(self, state);
    bool             is_shut = (s->inside & run->seen) != 0;
    if ((s->clean & run->seen) != 0) {
        return;
    }
    if (s->is_pending) {
        add_way(p, self->plan->steps[s->step].gap_ns);
        return;
    }
    for (uint32_t i = 0; i < edges->n_edges; i++) {
        const ref_edge *edge   = &edges->edges[i];
        uint32_t        target = target_of(self, state, edge);
        if (edge->action == REF_TAKE && !is_shut) {
            add_way(p, self->plan->steps[s->step].gap_ns);
        } else if (edge->action == REF_IGNORE && target == REF_FINAL && !is_shut) {
            add_way(p, -1);
        } else if ((edge->action == REF_PROCEED || !is_shut)
                   && !is_barred(self, run, state, edge)) {
            look_ahead(self, run, target, marks, p);
        }
    }
}

static prospect
prospect_of(weir_reference *self, const ref_run *run)
{
    prospect p = { .is_bounded = true, .gap_ns = -1 };
    look_ahead(self, run, run->state, new_marks(self), &p);
    return p;
}

/* When the run's time is up; INT64_MAX: never. */
static int64_t
deadline_of(weir_reference *self, const ref_run *run)
{
    const ref_bindings *b    = run->bindings;
    int64_t             when = INT64_MAX;
    if (self->plan->within_ns >= 0) {
        when = b->taken[0].time_ns + self->plan->within_ns;
    }
    prospect p = prospect_of(self, run);
    if (p.has_way && p.is_bounded) {
        int64_t by_gap = b->taken[b->n - 1].time_ns + p.gap_ns;
        when           = by_gap < when ? by_gap : when;
    }
    return when;
}

/* ---- one event and one run ---- */

static bool
is_start(const offer *o)
{
    return o->run->bindings->n == 0;
}

/* Leading negations: what came before the match's first event. */
static bool
history_allows(offer *o, const ref_state *s)
{
    if (!is_start(o) || (s->before | s->just_before) == 0) {
        return true;
    }
    const ref_partition *p     = o->partition;
    offer                probe = *o;
    for (uint32_t i = 0; i < p->n_history; i++) {
        int64_t   age = o->event->time_ns - p->history[i]->time_ns;
        ref_steps n   = i + 1 == p->n_history ? s->just_before : 0;
        if (o->self->plan->within_ns < 0 || age <= o->self->plan->within_ns) {
            n |= s->before;
        }
        probe.event = p->history[i];
        if (fits_one_of(&probe, n)) {
            return false;
        }
    }
    return true;
}

static bool
edge_holds(offer *o, uint32_t state, const ref_edge *edge)
{
    return condition_holds(o, &o->self->automaton.states[state].guards)
           && condition_holds(o, &edge->condition);
}

/* Where PROCEED edges lead from the target of a TAKE: to Final, or to a pending state. */
typedef struct arrival {
    bool     is_final;
    bool     is_pending;
    ref_run  pending;
    ref_run *visited;
    uint32_t n_visited;
} arrival;

static bool
was_visited(weir_reference *self, ref_run **visited, uint32_t *n, const ref_run *run)
{
    for (uint32_t i = 0; i < *n; i++) {
        const ref_run *v = &(*visited)[i];
        if (v->state == run->state && v->active == run->active
            && v->left_out == run->left_out && v->is_late == run->is_late) {
            return true;
        }
    }
    WEIRI_ARENA_PUSH(self->arena, *visited, *n, *run);
    return false;
}

static void
arrive(offer *o, ref_run run, arrival *out)
{
    if (run.state == REF_FINAL) {
        bool is_open  = (run.active & o->self->automaton.closing) != 0;
        out->is_final = out->is_final || run.active == 0 || (run.left_out && !is_open);
        return;
    }
    const ref_state *s = &o->self->automaton.states[run.state];
    if (was_visited(o->self, &out->visited, &out->n_visited, &run)
        || (s->clean & run.seen) != 0) {
        return;
    }
    run.active |= s->begins;
    run.left_out = run.left_out && s->begins == 0;
    if (s->is_pending) {
        out->is_pending = out->is_pending || !run.is_late;
        out->pending    = run.is_late ? out->pending : run;
        return;
    }
    run.is_late            = run.is_late || s->absent != 0;
    const ref_state *edges = edges_of(o->self, run.state);
    for (uint32_t i = 0; i < edges->n_edges; i++) {
        const ref_edge *edge = &edges->edges[i];
        if (edge->action == REF_PROCEED && edge_holds(o, run.state, edge)) {
            ref_run next  = run;
            next.state    = target_of(o->self, run.state, edge);
            next.left_out = run.left_out || edge->leaves_out;
            next.is_late  = run.is_late || edge->is_exit;
            arrive(o, next, out);
        }
    }
}

static void
keep(offer *o, ref_run run)
{
    if (run.state != REF_FINAL && prospect_of(o->self, &run).has_way) {
        push_run(o->self, &o->next, run);
    }
}

static void
take(offer *o, const ref_state *s, uint32_t target)
{
    const ref_bindings *b   = o->run->bindings;
    int64_t             gap = o->self->plan->steps[s->step].gap_ns;
    if (b->n > 0 && gap >= 0 && o->event->time_ns - b->taken[b->n - 1].time_ns > gap) {
        return;
    }
    ref_run run = { .state = target, .seen = o->seen, .bindings = bind(o, s->step) };
    arrival to  = { 0 };
    arrive(o, run, &to);
    keep(o, run);
    if (to.is_pending) {
        keep(o, to.pending);
    }
    if (to.is_final) {
        ref_push_complete(o->self, o->completes, run.bindings, o->event->time_ns);
    }
}

static void
ignore(offer *o, ref_run run, uint32_t target)
{
    if (is_start(o)) {
        return;
    }
    const ref_state *s = &o->self->automaton.states[target];
    run.has_waited = target == run.state && (s->barrier != WEIRI_NONE || s->is_repeated);
    run.state      = target;
    run.seen       = o->seen;
    if (target == REF_FINAL && o->run->has_waited) {
        return; /* it did when it had not waited yet (4.5) */
    }
    if (target == REF_FINAL) {
        ref_push_complete(o->self, o->completes, run.bindings, o->event->time_ns);
    } else {
        keep(o, run);
    }
}

static void
visit(offer *o, ref_run run)
{
    const ref_state *s = &o->self->automaton.states[run.state];
    o->self->cost++;
    if (run.state == REF_FINAL || was_visited(o->self, &o->visited, &o->n_visited, &run)
        || (s->clean & o->run->seen) != 0 || !history_allows(o, s)) {
        return;
    }
    run.active |= s->begins;
    run.left_out  = run.left_out && s->begins == 0;
    o->is_stopped = o->is_stopped
                    || (condition_holds(o, &s->guards)
                        && fits_one_of(o, run.active | s->stops | s->absent));
    const ref_state *edges   = edges_of(o->self, run.state);
    bool             is_shut = (s->inside & o->seen) != 0;
    for (uint32_t i = 0; i < edges->n_edges; i++) {
        const ref_edge *edge   = &edges->edges[i];
        uint32_t        target = target_of(o->self, run.state, edge);
        if ((is_shut && edge->action != REF_PROCEED) || !edge_holds(o, run.state, edge)) {
            continue;
        }
        if (edge->action == REF_TAKE) {
            take(o, s, target);
        } else if (edge->action == REF_IGNORE) {
            ignore(o, run, target);
        } else if (!is_barred(o->self, o->run, run.state, edge)) {
            ref_run next  = run;
            next.state    = target;
            next.left_out = run.left_out || edge->leaves_out;
            visit(o, next);
        }
    }
}

static ref_steps
all_inside(const weir_reference *self)
{
    ref_steps steps = 0;
    for (uint32_t s = 0; s < self->automaton.n_states; s++) {
        steps |= self->automaton.states[s].inside;
    }
    return steps;
}

/* Offer the event: what becomes of the run goes to `next` and `completes`. */
static void
offer_event(weir_reference *self, ref_partition *partition, const ref_event *event,
    const ref_run *run, ref_runs *next, ref_completes *completes)
{
    ref_completes mine = { 0 };
    offer o     = { .self = self, .partition = partition, .event = event, .run = run };
    o.seen      = run->seen;
    o.completes = &mine;
    ref_steps unseen = all_inside(self) & ~run->seen;
    for (uint32_t s = 0; s < self->plan->n_steps; s++) {
        ref_steps step = (ref_steps)1 << s;
        if ((unseen & step) != 0 && fits_one_of(&o, step)) {
            o.seen |= step;
        }
    }
    visit(&o, *run);
    for (uint32_t i = 0; !o.is_stopped && i < o.next.n; i++) {
        push_run(self, next, o.next.items[i]);
    }
    for (uint32_t i = 0; i < mine.n; i++) { /* what it completes, it completes */
        ref_push_complete(self, completes, mine.items[i].bindings, mine.items[i].time_ns);
    }
}

/* ---- deadlines ---- */

/* Everything of one partition with this deadline and this first event. */
static void
fire_runs(weir_reference *self, ref_partition *p, int64_t when, uint64_t first)
{
    ref_completes matches  = { 0 };
    ref_completes timeouts = { 0 };
    ref_runs      left     = { 0 };
    for (uint32_t i = 0; i < p->runs.n; i++) {
        const ref_run *run = &p->runs.items[i];
        if (ref_first_of(run->bindings) != first || deadline_of(self, run) != when) {
            WEIRI_ARENA_PUSH(self->arena, left.items, left.n, *run);
        } else if (self->automaton.states[run->state].is_pending) {
            ref_push_complete(self, &matches, run->bindings, when);
        } else {
            ref_push_complete(self, &timeouts, run->bindings, when);
        }
    }
    p->runs = left;
    ref_sort(&timeouts, ref_by_match);
    for (uint32_t i = 0; i < timeouts.n; i++) {
        ref_give(self, p, timeouts.items[i].bindings, true, when);
    }
    ref_settle(self, p, &matches, true);
}

static void
fire_silence(weir_reference *self, ref_partition *p, int64_t when)
{
    ref_bindings *b    = weiri_arena_alloc(self->arena, sizeof *b);
    ref_bindings  none = { 0 };
    ref_run       run  = { .bindings = &none };
    offer         o    = { .self = self, .event = p->spoke, .run = &run };
    *b                 = *bind(&o, self->plan->pattern->step);
    p->spoke           = NULL;
    ref_give(self, p, b, false, when);
}

/* The earliest deadline of a partition; INT64_MAX: none. */
static int64_t
next_deadline(weir_reference *self, const ref_partition *p)
{
    int64_t when = INT64_MAX;
    if (self->plan->silence_ns >= 0) {
        return p->spoke != NULL ? p->spoke->time_ns + self->plan->silence_ns : when;
    }
    for (uint32_t i = 0; i < p->runs.n; i++) {
        int64_t deadline = deadline_of(self, &p->runs.items[i]);
        when             = deadline < when ? deadline : when;
    }
    return when;
}

/* The earliest first event of what has this deadline; UINT64_MAX: none. */
static uint64_t
next_first(weir_reference *self, const ref_partition *p, int64_t when)
{
    uint64_t first = UINT64_MAX;
    if (self->plan->silence_ns >= 0) {
        return next_deadline(self, p) == when ? p->spoke->order : first;
    }
    for (uint32_t i = 0; i < p->runs.n; i++) {
        const ref_run *run = &p->runs.items[i];
        if (deadline_of(self, run) == when && ref_first_of(run->bindings) < first) {
            first = ref_first_of(run->bindings);
        }
    }
    return first;
}

/* One deadline: that of the earliest first event among those of the moment. */
static void
fire(weir_reference *self, int64_t when)
{
    ref_partition *next  = NULL;
    uint64_t       first = UINT64_MAX;
    for (uint32_t i = 0; i < self->n_partitions; i++) {
        uint64_t f = next_first(self, self->partitions[i], when);
        next       = f < first ? self->partitions[i] : next;
        first      = f < first ? f : first;
    }
    weiri_assert(next != NULL);
    self->turn++;
    if (self->plan->silence_ns >= 0) {
        fire_silence(self, next, when);
    } else {
        fire_runs(self, next, when, first);
    }
}

void
weir_reference_advance(weir_reference *self, int64_t watermark_ns)
{
    while (!weir_reference_is_too_costly(self)) {
        int64_t when = INT64_MAX;
        for (uint32_t i = 0; i < self->n_partitions; i++) {
            int64_t deadline = next_deadline(self, self->partitions[i]);
            when             = deadline < when ? deadline : when;
        }
        if (when >= watermark_ns) {
            return;
        }
        self->now_ns = when > self->now_ns ? when : self->now_ns;
        fire(self, when);
    }
}

/* ---- events ---- */

static bool
is_same_value(const weir_value *a, const weir_value *b)
{
    if (a->type == WEIR_STRING) {
        return a->size == b->size
               && (a->size == 0 || memcmp(a->as.s, b->as.s, a->size) == 0);
    }
    return a->type == WEIR_FLOAT  ? a->as.f == b->as.f
           : a->type == WEIR_BOOL ? a->as.b == b->as.b
                                  : a->as.i == b->as.i;
}

static bool
has_keys(const ref_partition *p, const weir_value *keys, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!is_same_value(&p->keys[i], &keys[i])) {
            return false;
        }
    }
    return true;
}

/* NULL if a key is null. */
static ref_partition *
partition_of(weir_reference *self, const ref_event *e)
{
    uint32_t    n    = self->plan->n_keys;
    weir_value *keys = weiri_arena_alloc(self->arena, (n + 1) * sizeof *keys);
    for (uint32_t i = 0; i < n; i++) {
        const weiri_expr *key = self->plan->inputs[e->input].keys[i];
        keys[i]               = weir_reference_eval(key, e->chunk, e->row, NULL);
        if (keys[i].is_null) {
            return NULL;
        }
    }
    for (uint32_t i = 0; i < self->n_partitions; i++) {
        if (has_keys(self->partitions[i], keys, n)) {
            return self->partitions[i];
        }
    }
    ref_partition *p = weiri_arena_alloc(self->arena, sizeof *p);
    p->keys          = keys;
    WEIRI_ARENA_PUSH(self->arena, self->partitions, self->n_partitions, p);
    return p;
}

static void
listen(weir_reference *self, ref_partition *p, const ref_event *e)
{
    ref_bindings none = { 0 };
    ref_run      run  = { .bindings = &none };
    offer        o    = { .self = self, .partition = p, .event = e, .run = &run };
    if (fits_one_of(&o, (ref_steps)1 << self->plan->pattern->step)) {
        p->spoke = e;
    }
}

static void
process(weir_reference *self, ref_partition *p, const ref_event *e)
{
    ref_bindings  none      = { 0 };
    ref_run       start     = { .state = self->automaton.start, .bindings = &none };
    ref_runs      next      = { 0 };
    ref_completes completes = { 0 };
    for (uint32_t i = 0; i < p->runs.n; i++) {
        offer_event(self, p, e, &p->runs.items[i], &next, &completes);
    }
    offer_event(self, p, e, &start, &next, &completes);
    p->runs             = next;
    self->is_too_costly = self->is_too_costly || next.n > self->limits.max_runs
                          || p->held.n + completes.n > self->limits.max_runs;
    ref_settle(self, p, &completes, false);
}

void
weir_reference_feed(
    weir_reference *self, uint32_t input, const weir_chunk *chunk, uint32_t row)
{
    if (weir_reference_is_too_costly(self)) {
        return;
    }
    ref_event *e = weiri_arena_alloc(self->arena, sizeof *e);
    *e           = (ref_event){ .input = input, .chunk = chunk, .row = row };
    e->time_ns   = chunk->time[row];
    e->order     = self->n_events++;
    weir_reference_advance(self, e->time_ns);
    self->last_ns    = e->time_ns;
    self->now_ns     = e->time_ns;
    ref_partition *p = partition_of(self, e);
    if (p == NULL) {
        self->counts.null_keys++;
        return;
    }
    self->turn++;
    if (self->plan->silence_ns >= 0) {
        listen(self, p, e);
    } else {
        process(self, p, e);
    }
    WEIRI_ARENA_PUSH(self->arena, p->history, p->n_history, e);
}

void
weir_reference_finish(weir_reference *self)
{
    weir_reference_advance(self, self->last_ns);
    for (uint32_t i = 0; i < self->n_partitions; i++) {
        ref_partition *p = self->partitions[i];
        self->counts.dropped_at_end += p->held.n + (p->spoke != NULL);
        for (uint32_t r = 0; r < p->runs.n; r++) {
            self->counts.dropped_at_end +=
                self->automaton.states[p->runs.items[r].state].is_pending;
        }
        p->runs.n                  = 0;
        p->held.n                  = 0;
        self->partitions[i]->spoke = NULL;
    }
}

weir_status
weir_reference_new(weiri_arena *arena, const weiri_match *plan,
    weir_reference_limits limits, weir_reference **out)
{
    weir_reference *self = weiri_arena_alloc(arena, sizeof *self);
    self->arena          = arena;
    self->plan           = plan;
    self->now_ns         = INT64_MIN;
    self->limits         = limits;
    if (plan->silence_ns < 0 && !ref_automaton_build(arena, plan, &self->automaton)) {
        return WEIR_EINVAL;
    }
    *out = self;
    return WEIR_OK;
}

const weir_reference_output *
weir_reference_outputs(const weir_reference *self, size_t *n)
{
    *n = self->n_outputs;
    return self->outputs;
}

bool
weir_reference_is_too_costly(const weir_reference *self)
{
    return self->is_too_costly || self->cost > self->limits.max_steps;
}

weiri_match_counts
weir_reference_counts(const weir_reference *self)
{
    return self->counts;
}

size_t
weir_reference_live(const weir_reference *self)
{
    size_t n = 0;
    for (uint32_t i = 0; i < self->n_partitions; i++) {
        n += self->partitions[i]->runs.n + self->partitions[i]->held.n;
    }
    return n;
}
