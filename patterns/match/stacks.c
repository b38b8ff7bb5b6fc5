/* The executor "stacks": all matches of a chain, in constant time an event however many
 * partial matches there are.
 *
 * Conditions read only their own event, so partial matches that end with the same event
 * at the same place of the chain have the same future and are kept as one entry. A place
 * has a ring of entries in the order of events; what came before an entry at the place
 * before it is a stretch of that place's ring, so two numbers stand for all the partial
 * matches. Expiry takes entries off the old end: of the first place by their time, of
 * each other those that came before all that is left. The last place keeps nothing: an
 * event that takes it has all matches that it completes walked through.
 *
 * Source of the idea of shared partial matches that are enumerated without a detour:
 * active instance stacks, Wu, Diao, Rizvi, "High-performance complex event processing
 * over streams", SIGMOD 2006; Bucchi, Grez, Quintana, Riveros, Vansummeren, "CORE: a
 * complex event recognition engine", PVLDB 15(9), 2022.
 */
#include "match/stacks.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/limits.h"
#include "weiri/prefetch.h"

/* ---- which patterns ---- */

static bool
is_plain(const weiri_match *plan, const weiri_pattern *item)
{
    const weiri_step *step = &plan->steps[item->step];
    return item->kind == WEIRI_PATTERN_STEP && item->until == NULL
           && item->contiguity != WEIRI_NEXT && step->where.correlated == NULL
           && step->gap_ns < 0 && item->min == item->max && item->min >= 1
           && item->min <= WEIRI_STACKS_PLACES
           && (item->max == 1 || item->inner != WEIRI_INNER_NEXT);
}

/* Every repetition is a place of its own, so there must be as many in every match. */
static bool
add_places(weiri_stack_chain *chain, const weiri_pattern *item)
{
    if (chain->n_places + item->min > WEIRI_STACKS_PLACES) {
        return false;
    }
    for (uint32_t k = 0; k < item->min; k++) {
        chain->places[chain->n_places++] = (weiri_stack_place){ .step = item->step,
            .is_relaxed = k > 0 ? item->inner == WEIRI_INNER_RELAXED
                                : item->contiguity == WEIRI_FOLLOWED };
    }
    return true;
}

/* `not` stands before the last place, where all that waits for that place is dropped; it
 * must not hold between repetitions too. */
static bool
add_killer(
    weiri_stack_chain *chain, const weiri_pattern *const *items, uint32_t n, uint32_t i)
{
    uint32_t before = i;
    while (before > 0 && items[before]->is_negated) {
        before--;
    }
    bool is_last = i + 2 == n || (i + 1 < n && items[i + 1]->is_negated);
    if (!is_last || items[n - 1]->is_negated || items[n - 1]->max != 1
        || items[before]->is_negated || items[before]->max != 1
        || items[i]->contiguity != WEIRI_FOLLOWED
        || chain->n_killers == WEIRI_STACKS_KILLERS) {
        return false;
    }
    chain->killers[chain->n_killers++] = items[i]->step;
    return true;
}

/* False: the pattern is not such a chain. */
static bool
read_chain(const weiri_match *plan, weiri_stack_chain *chain)
{
    const weiri_pattern        *pattern = plan->pattern;
    const weiri_pattern *const *items   = &pattern;
    uint32_t                    n_items = 1;
    *chain                              = (weiri_stack_chain){ 0 };
    if (pattern->kind == WEIRI_PATTERN_SEQUENCE && pattern->min == 1 && pattern->max == 1
        && pattern->until == NULL) {
        items   = (const weiri_pattern *const *)pattern->items;
        n_items = pattern->n_items;
    }
    for (uint32_t i = 0; i < n_items; i++) {
        if (!is_plain(plan, items[i])
            || (items[i]->is_negated ? !add_killer(chain, items, n_items, i)
                                     : !add_places(chain, items[i]))) {
            return false;
        }
    }
    return chain->n_places > 0;
}

bool
weiri_stacks_take(const weiri_match *plan)
{
    weiri_stack_chain chain;
    return plan->skip == WEIRI_SKIP_NONE && plan->silence_ns < 0
           && plan->on_timeout == NULL && read_chain(plan, &chain);
}

/* ---- making and ending ---- */

/* Long texts have memory of their own, which partitions still hold. */
static void
release_all(weiri_executor *self)
{
    weiri_keys *keys   = self->core->keys;
    uint32_t    number = 0;
    for (weiri_partition *at = weiri_keys_next(keys, &number); at != NULL;
         at                  = weiri_keys_next(keys, &number)) {
        const weiri_stacks_state *state = weiri_stacks_state_of(at);
        for (uint32_t k = 0; k < self->n_rings; k++) {
            for (uint32_t e = state->rings[k].tail; e != state->rings[k].head; e++) {
                weiri_registers_release_kept(self->core->registers, self->places[k].step,
                    weiri_stacks_at(self, state, k, e)->kept);
            }
        }
    }
}

static void
destroy(weiri_executor **self_p)
{
    weiri_executor *self = *self_p;
    *self_p              = NULL;
    release_all(self);
    weiri_blocks_fini(&self->blocks);
    weiri_watches_fini(&self->watches);
    free(self->cells);
    free(self->last);
    free(self->key);
    free(self->taken);
    free(self->ways);
    free(self);
}

/* Registers are of one step, and no step has two places. */
static bool
may_share_row(const weiri_executor *self)
{
    for (uint32_t k = 1; k < self->n_places; k++) {
        if (self->places[k].step == self->places[k - 1].step) {
            return false;
        }
    }
    return weiri_registers_are_of_one_step(self->core->registers);
}

static void
measure_places(weiri_executor *self)
{
    weiri_registers *registers = self->core->registers;
    for (uint32_t k = 0; k < self->n_places; k++) {
        weiri_stack_place *place  = &self->places[k];
        uint32_t           n_kept = weiri_registers_kept_cells(registers, place->step);
        place->entry_size =
            (uint32_t)(sizeof(weiri_stack_entry) + n_kept * sizeof(weiri_cell));
        self->taken[k].step = place->step;
    }
}

static weir_status
make(weiri_core *core, weiri_executor **out)
{
    weiri_executor *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->core = core;
    weiri_watches_init(&self->watches);
    (void)read_chain(core->plan, &self->chain);
    self->places    = self->chain.places;
    self->n_places  = self->chain.n_places;
    self->n_rings   = self->n_places - 1;
    self->n_cells   = weiri_registers_cells(core->registers);
    uint32_t n_kept = weiri_registers_kept_cells(
        core->registers, self->places[self->n_places - 1].step);
    self->cells = calloc((size_t)self->n_places * self->n_cells + 1, sizeof *self->cells);
    self->last  = calloc(n_kept + 1, sizeof *self->last);
    self->key   = calloc(core->plan->n_keys + 1, sizeof *self->key);
    self->taken = calloc(self->n_places, sizeof *self->taken);
    if (self->cells == NULL || self->last == NULL || self->key == NULL
        || self->taken == NULL) {
        destroy(&self);
        return WEIR_ENOMEM;
    }
    measure_places(self);
    self->is_one_row = may_share_row(self);
    *out             = self;
    return WEIR_OK;
}

static size_t
state_size(const weiri_core *core)
{
    weiri_stack_chain chain;
    (void)read_chain(core->plan, &chain);
    /* At least one, to be asked if empty. */
    uint32_t n_rings = chain.n_places > 1 ? chain.n_places - 1 : 1;
    return sizeof(weiri_stacks_state) + n_rings * sizeof(weiri_stack_ring);
}

/* ---- what classes do ---- */

static uint64_t
fits_of(const weiri_executor *self, const weiri_class *class)
{
    uint64_t fits = 0;
    for (uint32_t k = 0; k < self->n_places; k++) {
        fits |= (uint64_t)weiri_class_fits(class, self->places[k].step) << k;
    }
    for (uint32_t i = 0; i < self->chain.n_killers; i++) {
        bool kills = weiri_class_fits(class, self->chain.killers[i]);
        fits |= (uint64_t)kills << WEIRI_STACKS_KILL;
    }
    return fits;
}

static unsigned
use_of(weiri_executor *self, uint32_t class)
{
    uint64_t fits     = fits_of(self, weiri_classes_at(self->core->classes, class));
    self->fits[class] = fits;
    return weiri_chain_use(fits);
}

static void
set_other(weiri_executor *self, const weiri_class *class)
{
    self->fits[WEIRI_CLASS_OTHER] = fits_of(self, class);
}

/* ---- rings ---- */

static void
give_room_back(weiri_executor *self, weiri_stacks_state *state, uint32_t k)
{
    weiri_stack_ring *ring = &state->rings[k];
    if (ring->capacity > 0) {
        weiri_blocks_give(&self->blocks, ring->entries,
            (size_t)ring->capacity * self->places[k].entry_size);
    }
    ring->entries  = NULL;
    ring->capacity = 0;
}

/* Give the entries room for `capacity` > 0. */
static bool
resize(weiri_executor *self, weiri_stacks_state *state, uint32_t k, uint32_t capacity)
{
    weiri_stack_ring *ring  = &state->rings[k];
    size_t            size  = self->places[k].entry_size;
    char             *moved = weiri_blocks_take(&self->blocks, capacity * size);
    if (moved == NULL) {
        self->core->status = WEIR_ENOMEM;
        return false;
    }
    for (uint32_t i = ring->tail; i != ring->head; i++) {
        memcpy(moved + (i & (capacity - 1)) * size, weiri_stacks_at(self, state, k, i),
            size);
    }
    give_room_back(self, state, k);
    ring->entries  = moved;
    ring->capacity = capacity;
    return true;
}

/* Entries of place k before `to` go. */
static void
release(weiri_executor *self, weiri_stacks_state *state, uint32_t k, uint32_t to)
{
    weiri_stack_ring *ring = &state->rings[k];
    if (self->places[k].entry_size > sizeof(weiri_stack_entry)) {
        for (uint32_t i = ring->tail; i != to; i++) {
            weiri_registers_release_kept(self->core->registers, self->places[k].step,
                weiri_stacks_at(self, state, k, i)->kept);
        }
    }
    self->n_entries -= to - ring->tail;
    ring->tail = to;
    ring->gone = weiri_stacks_later(ring->gone, to);
}

/* With those go at the place before what has gone on to nothing but them. */
static void
drop(weiri_executor *self, weiri_stacks_state *state, uint32_t k, uint32_t to)
{
    for (;;) {
        uint32_t last = weiri_stacks_at(self, state, k, to - 1)->until;
        release(self, state, k, to);
        if (k == 0 || !self->places[k].is_relaxed
            || (int32_t)(last - state->rings[k - 1].tail) <= 0) {
            return;
        }
        to = last;
        k--;
    }
}

/* What came before everything that is left at place k - 1 goes from place k, and so on;
 * what is left is packed. */
static void
drop_unreachable(weiri_executor *self, weiri_stacks_state *state, uint32_t k)
{
    for (k++; k < self->n_rings; k++) {
        const weiri_stack_ring *before = &state->rings[k - 1];
        weiri_stack_ring       *ring   = &state->rings[k];
        uint32_t                to     = ring->head;
        if (before->tail != before->head) {
            to = weiri_stacks_at(self, state, k - 1, before->tail)->since;
        }
        if ((int32_t)(to - ring->tail) <= 0) {
            break;
        }
        drop(self, state, k, to);
    }
}

static void
pack(weiri_executor *self, weiri_stacks_state *state)
{
    enum { SMALL = 64 };
    bool is_empty = self->n_rings > 0 && state->rings[0].tail == state->rings[0].head;
    for (uint32_t k = 0; k < self->n_rings; k++) {
        const weiri_stack_ring *ring = &state->rings[k];
        if (is_empty) {
            give_room_back(self, state, k);
        } else if (ring->capacity > SMALL
                   && ring->head - ring->tail < ring->capacity / 8) {
            (void)resize(self, state, k, ring->capacity / 4);
        }
    }
}

static bool
has_expired(const weiri_executor *self, int64_t start_ns, int64_t now_ns)
{
    return (uint64_t)now_ns - (uint64_t)start_ns > (uint64_t)self->core->plan->within_ns;
}

static void
expire(weiri_executor *self, weiri_stacks_state *state, int64_t now_ns)
{
    const weiri_stack_ring *first = &state->rings[0];
    uint32_t                to    = first->tail;
    while (to != first->head
           && has_expired(self, weiri_stacks_at(self, state, 0, to)->time_ns, now_ns)) {
        to++;
    }
    if (to != first->tail) {
        drop(self, state, 0, to);
        drop_unreachable(self, state, 0);
        pack(self, state);
    }
}

/* Numbers wrap around: what an entry refers to must not fall far behind. */
static void
catch_up(weiri_executor *self, weiri_stacks_state *state, uint32_t k)
{
    enum { PERIOD = 1 << 20 };
    const weiri_stack_ring *ring   = &state->rings[k];
    const weiri_stack_ring *before = ring - 1;
    if (k > 0 && ring->head % PERIOD == 0) {
        for (uint32_t i = before->tail; i != before->head; i++) {
            weiri_stack_entry *entry = weiri_stacks_at(self, state, k - 1, i);
            entry->since             = weiri_stacks_later(entry->since, ring->tail);
        }
    }
}

uint32_t
weiri_stacks_most(const weiri_match *plan, uint32_t place)
{
    return place > 0 && plan->max_runs < WEIRI_RUNS_PER_KEY ? WEIRI_RUNS_PER_KEY
                                                            : plan->max_runs;
}

weiri_stack_entry *
weiri_stacks_make(weiri_executor *self, weiri_stacks_state *state, uint32_t place)
{
    weiri_stack_ring *ring     = &state->rings[place];
    uint32_t          capacity = ring->capacity > 0 ? 2 * ring->capacity : 2;
    if (ring->head - ring->tail == ring->capacity
        && !resize(self, state, place, capacity)) {
        return NULL;
    }
    self->n_entries++;
    return weiri_stacks_at(self, state, place, ring->head++);
}

static bool
push(weiri_executor *self, weiri_stacks_state *state, uint32_t k, uint32_t until,
    const weiri_event *event)
{
    const weiri_stack_ring *ring = &state->rings[k];
    if (ring->head - ring->tail == weiri_stacks_most(self->core->plan, k)) {
        drop(self, state, k, ring->tail + 1);
        drop_unreachable(self, state, k);
        self->core->counts.dropped_runs++;
    }
    weiri_stack_entry *made = weiri_stacks_make(self, state, k);
    if (made == NULL) {
        return false;
    }
    made->time_ns = event->time_ns;
    made->order   = event->order;
    made->until   = until;
    made->since   = k + 1 < self->n_rings ? ring[1].head : 0;
    if (self->places[k].entry_size > sizeof(weiri_stack_entry)) {
        weiri_registers_keep(
            self->core->registers, made->kept, self->places[k].step, event);
    }
    catch_up(self, state, k);
    return true;
}

/* ---- time ---- */

/* Have a partition's expired entries dropped though no event may come to it any more. */
static void
watch(weiri_executor *self, weiri_partition *partition, int64_t start_ns)
{
    int64_t      within = self->core->plan->within_ns;
    weiri_watch *at     = &weiri_stacks_state_of(partition)->watch;
    if (within >= 0 && start_ns <= INT64_MAX - within
        && !weiri_watches_set(&self->watches, at, partition->self, start_ns + within)) {
        self->core->status = WEIR_ENOMEM;
    }
}

static int64_t
next_deadline(const weiri_executor *self)
{
    return weiri_watches_next(&self->watches);
}

static bool
is_empty(const weiri_partition *partition)
{
    const weiri_stack_ring *first = &weiri_stacks_state_of(partition)->rings[0];
    return first->tail == first->head;
}

static void
fire(weiri_executor *self, int64_t before_ns)
{
    while (next_deadline(self) < before_ns && self->core->status == WEIR_OK) {
        weiri_timer         timer     = weiri_timers_pop(&self->watches.timers);
        weiri_partition    *partition = weiri_keys_at(self->core->keys, timer.partition);
        weiri_stacks_state *state     = weiri_stacks_state_of(partition);
        if (state->watch.number != timer.start || is_empty(partition)) {
            continue;
        }
        expire(self, state, timer.deadline_ns + 1); /* time has passed the deadline */
        if (is_empty(partition)) {
            weiri_keys_remove(self->core->keys, partition);
        } else {
            /* Events see to what expires while they come: look again when all has. */
            watch(self, partition,
                weiri_stacks_at(self, state, 0, state->rings[0].head - 1)->time_ns);
        }
    }
}

/* ---- events ---- */

/* All that waits for the last place is complete. */
static void
complete(weiri_executor *self, weiri_partition *partition, const weiri_event *event)
{
    weiri_stacks_state *state   = weiri_stacks_state_of(partition);
    uint32_t            k       = self->n_rings - 1;
    weiri_stack_range   waiting = weiri_stacks_waiting(self, state, k);
    if (waiting.from == waiting.to) {
        return;
    }
    weiri_stacks_give(self, partition, event);
    weiri_registers_begin_event(self->core->registers); /* other events were at hand */
    if (self->places[k + 1].is_relaxed) {
        drop(self, state, k, waiting.to);
        pack(self, state);
    }
}

/* What waits for the last place is dropped by an event that must not come before it. */
static void
kill_waiting(weiri_executor *self, weiri_stacks_state *state)
{
    uint32_t k = self->n_rings - 1;
    if (state->rings[k].tail != state->rings[k].head) {
        drop(self, state, k, state->rings[k].head);
        pack(self, state);
    }
}

static void
move(
    weiri_executor *self, weiri_stacks_state *state, uint32_t k, const weiri_event *event)
{
    weiri_stack_range waiting = weiri_stacks_waiting(self, state, k - 1);
    if (waiting.from != waiting.to && push(self, state, k, waiting.to, event)) {
        state->rings[k - 1].gone = waiting.to;
    }
}

static void
begin(weiri_executor *self, weiri_partition *partition, const weiri_event *event)
{
    weiri_stacks_state *state = weiri_stacks_state_of(partition);
    if (push(self, state, 0, 0, event) && state->watch.number == 0) {
        watch(self, partition, event->time_ns);
    }
}

static void
event(weiri_executor *self, weiri_partition *partition, const weiri_event *at)
{
    weiri_stacks_state *state = weiri_stacks_state_of(partition);
    uint64_t            fits  = self->fits[at->class];
    weiri_registers_begin_event(self->core->registers);
    if (self->n_rings == 0) {
        weiri_stacks_give(self, partition, at);
        return;
    }
    if (self->core->plan->within_ns >= 0) {
        expire(self, state, at->time_ns);
    }
    if ((fits >> self->n_rings & 1) != 0) {
        complete(self, partition, at);
    }
    if ((fits >> WEIRI_STACKS_KILL & 1) != 0) {
        kill_waiting(self, state);
    }
    /* The last place first: an event takes a match no more than one place on. */
    fits &= (UINT64_C(1) << self->n_rings) - 1;
    while (fits != 0) {
        uint32_t k = 63U - (uint32_t)__builtin_clzll(fits);
        fits ^= UINT64_C(1) << k;
        if (k > 0) {
            move(self, state, k, at);
        } else {
            begin(self, partition, at);
        }
    }
}

static void
prefetch(const weiri_executor *self, const weiri_partition *partition)
{
    const weiri_stacks_state *state = weiri_stacks_state_of(partition);
    if (state->rings[0].capacity > 0) {
        weiri_prefetch(weiri_stacks_at(self, state, 0, state->rings[0].tail));
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
    return self->n_entries;
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

const weiri_executor_ops WEIRI_STACKS = {
    .name          = "stacks",
    .state_size    = state_size,
    .make          = make,
    .destroy       = destroy,
    .use_of        = use_of,
    .set_other     = set_other,
    .prefetch      = prefetch,
    .event         = event,
    .is_empty      = is_empty,
    .next_deadline = next_deadline,
    .fire          = fire,
    .finish        = finish,
    .live_runs     = live_runs,
    .bytes         = bytes,
    .faults        = faults,

    .save           = weiri_stacks_save,
    .save_partition = weiri_stacks_save_partition,
    .load           = weiri_stacks_load,
    .load_partition = weiri_stacks_load_partition,
    .loaded         = weiri_stacks_loaded,
    .inspect        = weiri_stacks_inspect,
};
