/* The executor "sets": all matches of a pattern whose conditions read their own event,
 * at a cost of an event that does not depend on how many partial matches there are.
 */
#include "match/sets.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/limits.h"
#include "weiri/prefetch.h"

/* ---- which patterns ---- */

/* What decides whether an event fits is the event alone, and nothing happens without
 * one. */
static bool
is_decided_by_classes(const weiri_automaton *automaton)
{
    for (uint32_t i = 0; i < automaton->n_atoms; i++) {
        const weiri_atom *atom = &automaton->atoms[i];
        if (atom->kind != WEIRI_ATOM_EVENT || atom->where.correlated != NULL) {
            return false;
        }
    }
    for (uint32_t i = 0; i < automaton->n_states; i++) {
        if (automaton->states[i].is_pending) {
            return false;
        }
    }
    return true;
}

bool
weiri_sets_take(const weiri_match *plan, const weiri_automaton *automaton)
{
    /* The bound here is memory's, and looked at now and then: one that a rule has of its
     * own is for those who can count first events. */
    if (plan->skip != WEIRI_SKIP_NONE || plan->silence_ns >= 0 || plan->on_timeout != NULL
        || plan->max_runs < WEIRI_RUNS_PER_KEY) {
        return false;
    }
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        if (plan->steps[i].gap_ns >= 0) {
            return false;
        }
    }
    return is_decided_by_classes(automaton);
}

/* ---- making and ending ---- */

/* Long texts have memory of their own, which partitions still hold. */
static void
clear_all(weiri_executor *self)
{
    weiri_keys *keys   = self->core->keys;
    uint32_t    number = 0;
    for (weiri_partition *at = weiri_keys_next(keys, &number); at != NULL;
         at                  = weiri_keys_next(keys, &number)) {
        weiri_sets_clear(self, weiri_sets_state_of(at));
    }
}

static void
destroy(weiri_executor **self_p)
{
    weiri_executor *self = *self_p;
    *self_p              = NULL;
    clear_all(self);
    for (uint32_t i = 0; i < self->capacity_lists; i++) {
        free(self->lists[i].nodes);
    }
    weiri_sets_fini(self);
    weiri_sets_give_fini(self);
    weiri_blocks_fini(&self->blocks);
    weiri_watches_fini(&self->watches);
    free(self->lists);
    free(self->roots);
    free(self->merged);
    free(self->key);
    free(self);
}

static weir_status
make(weiri_core *core, weiri_executor **out)
{
    weiri_executor *self = calloc(1, sizeof *self);
    uint32_t        most = 0;
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->core    = core;
    self->n_cells = weiri_registers_cells(core->registers);
    weiri_watches_init(&self->watches);
    for (uint32_t step = 0; step < core->plan->n_steps; step++) {
        uint32_t n = weiri_registers_kept_cells(core->registers, step);
        most       = n > most ? n : most;
    }
    self->taken_size = (uint32_t)(sizeof(weiri_set_taken) + most * sizeof(weiri_cell));
    self->key        = calloc(core->plan->n_keys + (size_t)1, sizeof *self->key);
    if (self->key == NULL || !weiri_sets_init(self)) {
        destroy(&self);
        return WEIR_ENOMEM;
    }
    *out = self;
    return WEIR_OK;
}

static size_t
state_size(const weiri_core *core)
{
    (void)core;
    return sizeof(weiri_sets_state);
}

static bool
is_empty(const weiri_partition *partition)
{
    return weiri_sets_state_of(partition)->n_words == 0;
}

/* ---- time ---- */

static void
watch(weiri_executor *self, weiri_partition *partition, int64_t start_ns)
{
    int64_t      within = self->core->plan->within_ns;
    weiri_watch *at     = &weiri_sets_state_of(partition)->watch;
    if (within >= 0 && start_ns <= INT64_MAX - within
        && !weiri_watches_set(&self->watches, at, partition->self, start_ns + within)) {
        self->core->status = WEIR_ENOMEM;
    }
}

static void
expire(weiri_executor *self, weiri_sets_state *state, int64_t now_ns)
{
    uint64_t within = (uint64_t)self->core->plan->within_ns;
    uint32_t first  = state->first_taken;
    while (first < state->n_taken
           && (uint64_t)now_ns - (uint64_t)weiri_sets_taken(self, state, first)->time_ns
                  > within) {
        first++;
    }
    if (first == state->first_taken) {
        return;
    }
    state->first_taken = first;
    uint64_t cut =
        first < state->n_taken ? weiri_sets_taken(self, state, first)->order : UINT64_MAX;
    if (cut > state->cut) {
        weiri_sets_prune(self, state, cut);
    }
    if (state->n_words == 0) {
        weiri_sets_clear(self, state);
    }
}

/* Of the first event of the match that began last. */
static int64_t
latest_start_ns(const weiri_executor *self, const weiri_sets_state *state)
{
    uint64_t start = state->nodes[state->lists[2]].start;
    uint32_t from  = 0;
    uint32_t to    = state->n_taken;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (weiri_sets_taken(self, state, middle)->order < start) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return weiri_sets_taken(self, state, from)->time_ns;
}

static int64_t
next_deadline(const weiri_executor *self)
{
    return weiri_watches_next(&self->watches);
}

static void
fire(weiri_executor *self, int64_t before_ns)
{
    while (next_deadline(self) < before_ns && self->core->status == WEIR_OK) {
        weiri_timer       timer     = weiri_timers_pop(&self->watches.timers);
        weiri_partition  *partition = weiri_keys_at(self->core->keys, timer.partition);
        weiri_sets_state *state     = weiri_sets_state_of(partition);
        if (state->watch.number != timer.start || is_empty(partition)) {
            continue;
        }
        expire(self, state, timer.deadline_ns + 1); /* time has passed the deadline */
        if (is_empty(partition)) {
            weiri_keys_remove(self->core->keys, partition);
        } else {
            watch(self, partition, latest_start_ns(self, state));
        }
    }
}

/* ---- an event ---- */

/* The event as `step` takes it. */
static uint32_t
taken_by(weiri_executor *self, uint32_t step)
{
    if (self->taken_stamp[step] == self->stamp) {
        return self->taken[step];
    }
    uint32_t number = weiri_sets_push_taken(self, self->state);
    if (number == WEIRI_NONE) {
        return number;
    }
    weiri_set_taken *taken = weiri_sets_taken(self, self->state, number);
    taken->time_ns         = self->event->time_ns;
    taken->order           = self->event->order;
    taken->step            = step;
    weiri_registers_keep(self->core->registers, taken->kept, step, self->event);
    self->taken_stamp[step] = self->stamp;
    self->taken[step]       = number;
    return number;
}

weiri_set_list *
weiri_sets_add_list(weiri_executor *self)
{
    size_t   capacity = self->capacity_lists;
    uint32_t before   = self->capacity_lists;
    if (!weiri_sets_reserve(self, &self->lists, &capacity, self->n_lists + (size_t)1,
            sizeof *self->lists)) {
        return NULL;
    }
    self->capacity_lists = (uint32_t)capacity;
    memset(&self->lists[before], 0, (capacity - before) * sizeof *self->lists);
    self->lists[self->n_lists].n = 0;
    return &self->lists[self->n_lists++];
}

/* The list of a set, empty if there is none yet; NULL when memory is out. */
static weiri_set_list *
list_of(weiri_executor *self, uint32_t set)
{
    weiri_set *at = &self->sets.sets[set];
    if (at->stamp == self->stamp) {
        return &self->lists[at->slot];
    }
    weiri_set_list *made = weiri_sets_add_list(self);
    if (made != NULL) {
        made->set = set;
        at->stamp = self->stamp;
        at->slot  = self->n_lists - 1;
    }
    return made;
}

/* Lists get nodes in the order of their latest starts, so that the first node of each
 * has the latest of all; it is no union. */
static void
set_nodes(weiri_executor *self, weiri_set_list *list, const uint32_t *nodes, uint32_t n)
{
    size_t capacity = list->capacity;
    if (weiri_sets_reserve(self, &list->nodes, &capacity, n, sizeof *list->nodes)) {
        if (n > 0) { /* `nodes` may be NULL */
            memcpy(list->nodes, nodes, n * sizeof *nodes);
        }
        list->n = n;
    }
    list->capacity = (uint32_t)capacity;
}

static void
add_root(weiri_executor *self, uint32_t node)
{
    if (weiri_sets_reserve(self, &self->roots, &self->capacity_roots,
            self->n_roots + (size_t)1, sizeof *self->roots)) {
        self->roots[self->n_roots++] = node;
    }
}

/* A list of the event before, or the match that begins with this one. */
typedef struct source {
    const uint32_t *nodes;
    uint32_t        n;
    uint32_t        merged; /* all of it; 0: not yet one node, or nothing */
} source;

static uint32_t
merge(weiri_executor *self, source *from)
{
    if (from->merged == 0 && from->n > 0) {
        from->merged = weiri_sets_merge(self, self->state, from->nodes, from->n);
    }
    return from->merged;
}

static void
lose(weiri_executor *self)
{
    self->core->counts.dropped_runs++;
}

static void
take(weiri_executor *self, source *from, const weiri_set_move *move)
{
    uint32_t before = merge(self, from);
    uint32_t taken  = taken_by(self, move->step);
    uint64_t start  = before != 0 ? self->state->nodes[before].start : self->event->order;
    if (taken == WEIRI_NONE) {
        return;
    }
    uint32_t node =
        weiri_sets_push(self, self->state, start, before, taken | WEIRI_SET_TAKEN);
    self->state->n_made++;
    if (move->completes) {
        add_root(self, node);
    }
    if (move->target == WEIRI_SETS_LOST) {
        lose(self);
        return;
    }
    weiri_set_list *to = move->target != WEIRI_NONE ? list_of(self, move->target) : NULL;
    if (to != NULL && to->n == 0) {
        set_nodes(self, to, &node, 1);
    } else if (to != NULL) {
        weiri_sets_insert(self, self->state, to, node);
    }
}

static void
pass_over(weiri_executor *self, source *from, uint32_t target)
{
    if (target == WEIRI_SETS_LOST) {
        lose(self);
        return;
    }
    weiri_set_list *to = list_of(self, target);
    if (to != NULL && to->n == 0) {
        set_nodes(self, to, from->nodes, from->n);
    } else if (to != NULL) {
        weiri_sets_insert(self, self->state, to, merge(self, from));
    }
}

static void
follow(weiri_executor *self, uint32_t set, source *from)
{
    const weiri_set_row *row = weiri_sets_row(self, set, self->event->class);
    for (uint32_t i = 0; i < row->n_moves && self->core->status == WEIR_OK; i++) {
        if (row->moves[i].step == WEIRI_NONE) {
            pass_over(self, from, row->moves[i].target);
        } else {
            take(self, from, &row->moves[i]);
        }
    }
    if (row->completes) {
        add_root(self, merge(self, from));
    }
}

/* Whether the event leaves all lists as they are, and begins nothing. */
static bool
is_quiet(weiri_executor *self, const weiri_sets_state *state, uint32_t class)
{
    if (class < 64 && (state->quiet >> class & 1) != 0) {
        return true;
    }
    if (weiri_sets_row(self, 0, class)->n_moves > 0) {
        return false;
    }
    for (uint32_t at = 0; at < state->n_words; at += 2 + state->lists[at + 1]) {
        if (!weiri_sets_row(self, state->lists[at], class)->is_nothing) {
            return false;
        }
    }
    return true;
}

/* What begins now has the latest start; the lists stand in the order of theirs. */
static void
follow_all(weiri_executor *self)
{
    const weiri_sets_state *state = self->state;
    source                  begin = { .n = 0 };
    self->stamp++;
    self->n_lists = 0;
    self->n_roots = 0;
    follow(self, 0, &begin);
    for (uint32_t at = 0; at < state->n_words && self->core->status == WEIR_OK;
         at += 2 + state->lists[at + 1]) {
        source from = { .nodes = &state->lists[at + 2], .n = state->lists[at + 1] };
        follow(self, state->lists[at], &from);
    }
}

static void
event(weiri_executor *self, weiri_partition *partition, const weiri_event *at)
{
    weiri_sets_state *state = weiri_sets_state_of(partition);
    if (is_quiet(self, state, at->class)) {
        state->quiet |= at->class < 64 ? UINT64_C(1) << at->class : 0;
        return;
    }
    if (self->core->plan->within_ns >= 0) {
        expire(self, state, at->time_ns);
    }
    weiri_registers_begin_event(self->core->registers);
    state->quiet = 0;
    state->limit = state->limit > 0 ? state->limit : WEIRI_SETS_COLLECT;
    self->state  = state;
    self->event  = at;
    follow_all(self);
    if (self->core->status != WEIR_OK) {
        return;
    }
    weiri_sets_store(self, state, self->lists, self->n_lists);
    if (self->n_roots > 0) {
        weiri_sets_give(self, partition);
    }
    if (state->n_made >= state->limit && state->n_words > 0) {
        weiri_sets_collect(self, state);
    }
    if (state->n_words == 0) {
        weiri_sets_clear(self, state);
    } else if (state->watch.number == 0) {
        watch(self, partition, latest_start_ns(self, state));
    }
}

static void
prefetch(const weiri_executor *self, const weiri_partition *partition)
{
    const weiri_sets_state *state = weiri_sets_state_of(partition);
    (void)self;
    if (state->n_words > 0) {
        weiri_prefetch(state->lists);
    }
}

static void
finish(weiri_executor *self)
{
    (void)self; /* nothing is held or pending */
}

static uint64_t
live_runs(const weiri_executor *self)
{
    return self->n_nodes;
}

static uint64_t
bytes(const weiri_executor *self)
{
    return weiri_blocks_bytes(&self->blocks) + weiri_timers_bytes(&self->watches.timers);
}

static uint64_t
faults(const weiri_executor *self)
{
    (void)self; /* conditions are the front's, values the registers' */
    return 0;
}

const weiri_executor_ops WEIRI_SETS = {
    .name          = "sets",
    .state_size    = state_size,
    .make          = make,
    .destroy       = destroy,
    .use_of        = weiri_sets_use_of,
    .set_other     = weiri_sets_set_other,
    .prefetch      = prefetch,
    .event         = event,
    .is_empty      = is_empty,
    .next_deadline = next_deadline,
    .fire          = fire,
    .finish        = finish,
    .live_runs     = live_runs,
    .bytes         = bytes,
    .faults        = faults,

    .save           = weiri_sets_save,
    .save_partition = weiri_sets_save_partition,
    .load           = weiri_sets_load,
    .load_partition = weiri_sets_load_partition,
    .loaded         = weiri_sets_loaded,
    .inspect        = weiri_sets_inspect,
};
