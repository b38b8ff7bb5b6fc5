#include "match/runs.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/prefetch.h"

enum { MANY_RUNS = 16 }; /* from here on a partition's runs are indexed */

/* ---- life ---- */

static void
destroy(weiri_executor **self_p)
{
    weiri_executor *self = *self_p;
    *self_p              = NULL;
    if (self == NULL) {
        return;
    }
    for (uint32_t c = 0; c < WEIRI_CLASS_COUNT; c++) {
        for (uint32_t s = 0; self->moves[c] != NULL && self->is_made[c] != NULL
                             && s < self->core->automaton->n_states;
             s++) {
            free(self->moves[c][s].arcs);
        }
        free(self->moves[c]);
        free(self->is_made[c]);
    }
    for (uint32_t i = 1; self->runs.blocks[0] != NULL && i < self->runs.n_made; i++) {
        if (weiri_run_at(self, i)->start != WEIRI_NO_START) {
            weiri_registers_release(self->core->registers, weiri_run_at(self, i)->cells);
        }
    }
    weiri_runs_test_destroy(self);
    weiri_runs_wait_destroy(self);
    weiri_runs_index_destroy(self);
    weiri_pool_fini(&self->runs);
    weiri_pool_fini(&self->links);
    weiri_pool_fini(&self->befores);
    weiri_timers_fini(&self->timers);
    free(self->quiet);
    free(self->complete);
    free(self->expired);
    free(self->choices);
    free(self->positions);
    free(self->taken);
    free(self);
}

static void
find_leading(weiri_executor *self)
{
    const weiri_automaton *automaton = self->core->automaton;
    for (uint32_t i = 0; i < automaton->n_atoms; i++) {
        weiri_atom_kind kind = automaton->atoms[i].kind;
        bool is_leading = kind == WEIRI_ATOM_BEFORE || kind == WEIRI_ATOM_JUST_BEFORE;
        if (is_leading && self->n_leading < 64) {
            self->leading[self->n_leading++] = i;
            self->has_just_before |= kind == WEIRI_ATOM_JUST_BEFORE;
        }
    }
}

static weir_status
make(weiri_core *core, weiri_executor **out)
{
    weiri_executor *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->core        = core;
    uint32_t n_states = core->automaton->n_states;
    uint32_t max_arcs = 1;
    for (uint32_t i = 0; i < n_states; i++) {
        uint32_t n = core->automaton->states[i].n_arcs;
        max_arcs   = n > max_arcs ? n : max_arcs;
    }
    find_leading(self);
    if (weiri_runs_wait_new(self) != WEIR_OK) {
        destroy(&self);
        return WEIR_ENOMEM;
    }
    size_t run_size = sizeof(weiri_run)
                      + weiri_registers_cells(core->registers) * sizeof(weiri_cell)
                      + self->max_waits * sizeof(weiri_waiting);
    size_t before_size = sizeof(weiri_before) + self->n_leading * sizeof(int64_t);
    self->quiet        = calloc((size_t)n_states + 1, sizeof *self->quiet);
    self->choices      = calloc(max_arcs, sizeof *self->choices);
    if (self->quiet == NULL || self->choices == NULL
        || !weiri_pool_init(&self->runs, run_size)
        || !weiri_pool_init(&self->links, sizeof(weiri_link))
        || !weiri_pool_init(&self->befores, before_size)
        || weiri_runs_test_new(self) != WEIR_OK
        || (self->n_waits > 0 && weiri_runs_index_new(self) != WEIR_OK)) {
        destroy(&self);
        return WEIR_ENOMEM;
    }
    *out = self;
    return WEIR_OK;
}

/* ---- an event ---- */

/* The event came too late after the last one for this step (4.3). */
static bool
is_gap_open(const weiri_executor *self, const weiri_run *run, uint32_t step)
{
    int64_t gap = self->core->plan->steps[step].gap_ns;
    return gap < 0 || run->n_taken == 0
           || (uint64_t)self->event->time_ns - (uint64_t)run->last_ns <= (uint64_t)gap;
}

/* The arcs that the event opens, decided before any of them changes the run. */
static uint32_t
choose(weiri_executor *self, weiri_run *run, const weiri_move *move)
{
    uint32_t n = 0;
    self->stamp++;
    for (uint32_t i = 0; i < move->n_arcs; i++) {
        const weiri_arc *arc = &move->arcs[i];
        if (arc->action == WEIRI_TAKE && !is_gap_open(self, run, arc->step)) {
            continue;
        }
        if (arc->when != WEIRI_TRUE && !weiri_runs_holds(self, arc->when, run)) {
            continue;
        }
        self->choices[n++] = (weiri_choice){ .arc = arc,
            .completes                            = arc->completes != WEIRI_FALSE
                         && weiri_runs_holds(self, arc->completes, run) };
    }
    return n;
}

static void
note_complete(weiri_executor *self, uint32_t run)
{
    weiri_run *at = weiri_run_at(self, run);
    at->last_ns   = self->event->time_ns;
    at->state     = WEIRI_RUN_COMPLETE;
    weiri_runs_note(
        self, &self->complete, &self->n_complete, &self->capacity_complete, run);
}

/* The run comes to a state, or is a fork that stays in it. */
static void
move_to(weiri_executor *self, uint32_t run, const weiri_arc *arc)
{
    weiri_run *at        = weiri_run_at(self, run);
    bool       is_moved  = arc->action == WEIRI_TAKE || at->state != arc->target;
    bool       is_placed = at->place != WEIRI_RUN_NOWHERE;
    if (self->state->index != 0 && is_moved && is_placed) {
        weiri_runs_displace(self, self->state, run);
    }
    at->state = arc->target;
    if (is_moved) {
        weiri_runs_wait(self, at);
    }
    if (self->state->index != 0 && (is_moved || !is_placed)) {
        weiri_runs_place(self, self->state, run);
    }
}

/* Go along an arc. `run` stands in the partition's list, and may leave it. */
static void
follow(weiri_executor *self, uint32_t run, weiri_choice choice)
{
    weiri_run       *at  = weiri_run_at(self, run);
    const weiri_arc *arc = choice.arc;
    if (arc->action == WEIRI_TAKE) {
        weiri_runs_take(self, at, arc->step);
    }
    if (arc->action == WEIRI_COMPLETE || choice.completes) {
        bool is_over = arc->action == WEIRI_COMPLETE || arc->target == WEIRI_NONE;
        if (is_over) {
            weiri_runs_unlink(self, self->state, run);
            note_complete(self, run);
            return;
        }
        note_complete(self, weiri_runs_copy(self, run));
    } else if (arc->target == WEIRI_NONE) {
        weiri_runs_drop(self, self->state, run);
        return;
    }
    self->has_live_taker |= arc->action == WEIRI_TAKE;
    if (self->n_waits > 0) {
        move_to(self, run, arc);
    }
    at->state = arc->target;
    if (self->core->automaton->states[at->state].gap_ns >= 0) {
        weiri_runs_watch_gap(self, run);
    }
}

static void
advance(weiri_executor *self, uint32_t run, const weiri_move *move)
{
    uint32_t n = choose(self, weiri_run_at(self, run), move);
    if (n == 0) {
        weiri_runs_drop(self, self->state, run);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        uint32_t fork = weiri_runs_copy(self, run);
        if (fork == 0) {
            return;
        }
        weiri_runs_insert_before(self, self->state, fork, run);
        follow(self, fork, self->choices[i]);
    }
    follow(self, run, self->choices[0]);
}

/* Of an indexed partition: those that the event may concern. */
static void
advance_indexed(weiri_executor *self)
{
    weiri_runs_meet(self);
    for (uint32_t i = 0; i < self->n_met; i++) {
        weiri_run *at = weiri_run_at(self, self->met[i]);
        at->is_met    = false;
        advance(self, self->met[i], weiri_runs_move(self, self->event->class, at->state));
    }
}

static void
advance_all(weiri_executor *self)
{
    uint32_t class = self->event->class;
    if (self->n_waits > 0 && self->state->index == 0 && self->state->n_runs > MANY_RUNS) {
        weiri_runs_index_partition(self, self->state);
    }
    if (self->state->index != 0) {
        advance_indexed(self);
        return;
    }
    if (class < 64 && (self->state->quiet >> class & 1) != 0) {
        return;
    }
    uint64_t quiet = UINT64_MAX;
    for (uint32_t run = self->state->first, next = 0; run != 0; run = next) {
        weiri_run        *at   = weiri_run_at(self, run);
        const weiri_move *move = weiri_runs_move(self, class, at->state);
        next                   = at->next;
        if (move->kind == WEIRI_MOVE_NOTHING
            || (move->waits && !weiri_runs_is_awaited(self, at))) {
            quiet &= self->quiet[at->state];
        } else if (move->kind == WEIRI_MOVE_ARCS) {
            /* Forks and what becomes of them stand between prev and next. */
            uint32_t prev = at->prev;
            advance(self, run, move);
            uint32_t i = prev != 0 ? weiri_run_at(self, prev)->next : self->state->first;
            for (; i != next; i = weiri_run_at(self, i)->next) {
                quiet &= self->quiet[weiri_run_at(self, i)->state];
            }
        } else {
            weiri_runs_drop(self, self->state, run);
        }
    }
    self->state->quiet = quiet;
}

/* Begin matches with this event. */
static void
begin(weiri_executor *self)
{
    const weiri_move *move = weiri_runs_move(self, self->event->class, 0);
    if (move->n_arcs == 0) {
        return;
    }
    uint32_t n        = choose(self, weiri_run_at(self, 0), move);
    bool     is_timed = false;
    for (uint32_t i = n; i-- > 0;) {
        uint32_t   run = weiri_runs_make(self);
        weiri_run *at  = weiri_run_at(self, run);
        if (run == 0) {
            return;
        }
        at->start     = self->event->order;
        at->start_ns  = self->event->time_ns;
        at->last_ns   = self->event->time_ns;
        at->partition = self->partition->self;
        if (self->state->first == 0) {
            self->state->quiet = UINT64_MAX;
        }
        weiri_runs_append(self, self->state, run);
        uint32_t before = self->state->n_runs;
        follow(self, run, self->choices[i]);
        if (self->state->n_runs == before) {
            self->state->quiet &= self->quiet[at->state];
            if (!is_timed) {
                is_timed = true;
                weiri_runs_watch_start(self, run);
            }
        }
    }
}

/* Remember what a leading `not` will ask for. */
static void
note_before(weiri_executor *self)
{
    const weiri_automaton *automaton = self->core->automaton;
    const weiri_class *class =
        self->event->class == WEIRI_CLASS_OTHER
            ? &self->other
            : weiri_classes_at(self->core->classes, self->event->class);
    uint64_t fits = 0;
    for (uint32_t i = 0; i < self->n_leading; i++) {
        uint32_t of = automaton->atoms[self->leading[i]].of;
        fits |= (uint64_t)weiri_class_fits(class, of) << i;
    }
    if (fits == 0 && self->state->before == 0) {
        return;
    }
    if (self->state->before == 0) {
        self->state->before = weiri_pool_take(&self->befores);
        memset(weiri_pool_at(&self->befores, self->state->before), 0,
            self->befores.item_size);
    }
    weiri_before *before = weiri_pool_at(&self->befores, self->state->before);
    before->just         = 0;
    for (uint32_t i = 0; i < self->n_leading; i++) {
        if ((fits >> i & 1) == 0) {
            continue;
        }
        if (automaton->atoms[self->leading[i]].kind == WEIRI_ATOM_JUST_BEFORE) {
            before->just |= UINT64_C(1) << i;
            continue;
        }
        before->ever |= UINT64_C(1) << i;
        before->last_ns[i] = self->event->time_ns;
        if (!before->is_timed) {
            before->is_timed = true;
            weiri_runs_watch_before(self, self->partition->self, self->event->time_ns);
        }
    }
    if (before->just == 0 && before->ever == 0) {
        weiri_pool_give(&self->befores, self->state->before);
        self->state->before = 0;
    }
}

void
weiri_runs_are_gone(weiri_executor *self)
{
    if (self->partition->self == self->key_of) {
        self->key_of = 0; /* it may go now, and its number to another key */
    }
    if (self->state->index != 0) {
        weiri_runs_unindex_partition(self, self->state);
    }
}

static void
process(weiri_executor *self, weiri_partition *partition, const weiri_event *event)
{
    self->event          = event;
    self->partition      = partition;
    self->state          = weiri_runs_state_of(partition);
    self->turn_link      = 0;
    self->is_turn_shared = false;
    self->has_live_taker = false;
    self->event_stamp++;
    weiri_registers_begin_event(self->core->registers);
    weiri_runs_test_begin(self);
    if (self->state->first != 0) {
        advance_all(self);
    }
    begin(self);
    if (self->n_leading > 0) {
        note_before(self);
    }
    if (self->n_complete > 0 || self->state->held != 0 || weiri_runs_are_too_many(self)) {
        weiri_runs_end_turn(self);
    }
    if (self->state->first == 0) {
        weiri_runs_are_gone(self);
    }
    if (self->runs.is_out_of_memory || self->links.is_out_of_memory
        || self->befores.is_out_of_memory
        || weiri_registers_is_out_of_memory(self->core->registers)) {
        self->core->status = WEIR_ENOMEM;
    }
}

static bool
is_empty(const weiri_partition *partition)
{
    const weiri_runs_state *state = weiri_runs_state_of(partition);
    return state->first == 0 && state->held == 0 && state->before == 0;
}

static void
prefetch(const weiri_executor *self, const weiri_partition *partition)
{
    const weiri_runs_state *state = weiri_runs_state_of(partition);
    if (state->first != 0) {
        weiri_prefetch(weiri_run_at(self, state->first));
    }
}

static int64_t
next_deadline(const weiri_executor *self)
{
    const weiri_timer *first = weiri_timers_first(&self->timers);
    return first == NULL ? INT64_MAX : first->deadline_ns;
}

static void
finish(weiri_executor *self)
{
    for (uint32_t i = 1; i < self->runs.n_made; i++) {
        const weiri_run *run = weiri_run_at(self, i);
        if (run->start != WEIRI_NO_START
            && (run->state == WEIRI_RUN_COMPLETE
                || self->core->automaton->states[run->state].is_pending)) {
            self->core->counts.dropped_at_end++;
        }
    }
}

static uint64_t
live_runs(const weiri_executor *self)
{
    return self->runs.n_live;
}

static uint64_t
bytes(const weiri_executor *self)
{
    return weiri_pool_bytes(&self->runs) + weiri_pool_bytes(&self->links)
           + weiri_pool_bytes(&self->befores) + weiri_timers_bytes(&self->timers)
           + self->n_slots * sizeof *self->slots;
}

static uint64_t
faults_of(const weiri_program *program)
{
    return program != NULL ? weiri_program_faults(program) : 0;
}

static uint64_t
faults(const weiri_executor *self)
{
    return faults_of(self->correlated) + faults_of(self->wait_values)
           + faults_of(self->wait_sides) - self->lost_faults;
}

static size_t
state_size(const weiri_core *core)
{
    (void)core;
    return sizeof(weiri_runs_state);
}

const weiri_executor_ops WEIRI_RUNS = {
    .name          = "runs",
    .state_size    = state_size,
    .make          = make,
    .destroy       = destroy,
    .use_of        = weiri_runs_use_of,
    .set_other     = weiri_runs_set_other,
    .prefetch      = prefetch,
    .look_ahead    = weiri_runs_look_ahead,
    .event         = process,
    .is_empty      = is_empty,
    .next_deadline = next_deadline,
    .fire          = weiri_runs_fire,
    .finish        = finish,
    .live_runs     = live_runs,
    .bytes         = bytes,
    .faults        = faults,

    .save           = weiri_runs_save,
    .save_partition = weiri_runs_save_partition,
    .load           = weiri_runs_load,
    .load_partition = weiri_runs_load_partition,
    .loaded         = weiri_runs_loaded,
    .inspect        = weiri_runs_inspect,
};
