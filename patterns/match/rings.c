/* The executor "rings": chains of steps under `skip overlaps`, in constant time an event.
 *
 * Every event that fits the first step begins a partial match, a start. A start that
 * began earlier is never behind one that began later, and under `skip overlaps` the first
 * match to complete is that of the earliest start alive, after which everything is
 * dropped. So the starts of a partition need not be advanced one by one: they stand in a
 * queue, and an event that fits step j moves a whole stretch of them, those that wait for
 * it, which is the stretch between two boundaries. What is kept is each start's own event
 * and, for each step in between, the events that moved a boundary. Expiry takes starts
 * off the front.
 *
 * A first step that repeats is the same queue read differently: the starts alive are the
 * events that the earliest of them has taken.
 *
 * Source of the idea of one ring a step with shared predecessors: active instance stacks,
 * Wu, Diao, Rizvi, "High-performance complex event processing over streams", SIGMOD 2006.
 */
#include <stdlib.h>
#include <string.h>

#include "match/rings.h"

/* ---- which patterns ---- */

static bool
is_plain(const weiri_match *plan, const weiri_pattern *item)
{
    const weiri_step *step = &plan->steps[item->step];
    return item->kind == WEIRI_PATTERN_STEP && item->until == NULL
           && step->where.correlated == NULL && step->gap_ns < 0;
}

/* Of `items`, the first may repeat if there are at most two; a `not` may close. */
static bool
is_chain(const weiri_match *plan, weiri_pattern *const *items, uint32_t n)
{
    bool     is_absence = n > 1 && items[n - 1]->is_negated;
    uint32_t n_steps    = n - is_absence;
    if (n_steps > 32 || (is_absence && plan->within_ns < 0)) {
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        const weiri_pattern *item     = items[i];
        bool                 repeats  = item->min != 1 || item->max != 1;
        bool                 may_loop = i == 0 && n <= 2 && !is_absence;
        if (!is_plain(plan, item) || (i > 0 && item->contiguity != WEIRI_FOLLOWED)
            || (item->is_negated && !(is_absence && i == n - 1))
            || (repeats && !may_loop)) {
            return false;
        }
    }
    const weiri_pattern *first = items[0];
    bool is_greedy = first->max > 1 && first->preference == WEIRI_PREFER_GREEDY;
    return first->min >= 1 && !(is_greedy && n > 1)
           && (first->max == 1 || first->inner == WEIRI_INNER_RELAXED
               || (first->min == 1 && n == 1));
}

bool
weiri_rings_take(const weiri_match *plan)
{
    weiri_pattern *pattern = plan->pattern;
    if (plan->skip != WEIRI_SKIP_OVERLAPS || plan->silence_ns >= 0
        || plan->on_timeout != NULL) {
        return false;
    }
    if (pattern->kind == WEIRI_PATTERN_STEP) {
        return !pattern->is_negated && is_chain(plan, &pattern, 1);
    }
    return pattern->kind == WEIRI_PATTERN_SEQUENCE && pattern->min == 1
           && pattern->max == 1 && is_chain(plan, pattern->items, pattern->n_items);
}

/* ---- making and ending ---- */

/* Long texts that entries hold are not the pool's. */
static void
release_entries(weiri_executor *self, uint32_t step)
{
    weiri_pool *entries = &self->entries[step];
    for (uint32_t i = 1; entries->blocks[0] != NULL && i < entries->n_made; i++) {
        entry *at = weiri_pool_at(entries, i);
        if (at->order != NO_ENTRY) {
            weiri_registers_release_kept(
                self->core->registers, self->steps[step], at->kept);
        }
    }
}

static void
destroy(weiri_executor **self_p)
{
    weiri_executor *self = *self_p;
    *self_p              = NULL;
    for (uint32_t i = 0; self->entries != NULL && i < self->n_held; i++) {
        release_entries(self, i);
        weiri_pool_fini(&self->entries[i]);
    }
    weiri_timers_fini(&self->timers);
    free(self->entries);
    free(self->cells);
    free(self->key);
    free(self->taken);
    free(self);
}

static void
read_chain(weiri_executor *self)
{
    const weiri_pattern *pattern = self->core->plan->pattern;
    bool                 is_one  = pattern->kind == WEIRI_PATTERN_STEP;
    uint32_t             n       = is_one ? 1 : pattern->n_items;
    const weiri_pattern *first   = is_one ? pattern : pattern->items[0];
    for (uint32_t i = 0; i < n; i++) {
        const weiri_pattern *item = is_one ? pattern : pattern->items[i];
        self->steps[i]            = item->step;
        self->is_absence          = item->is_negated;
    }
    self->n_steps = n - self->is_absence;
    self->n_held  = self->is_absence || n == 1 ? self->n_steps : self->n_steps - 1;
    self->min     = first->min;
    self->max     = first->max;
}

static bool
make_pools(weiri_executor *self)
{
    weiri_registers *registers = self->core->registers;
    self->entries              = calloc(self->n_held, sizeof *self->entries);
    for (uint32_t i = 0; self->entries != NULL && i < self->n_held; i++) {
        uint32_t n_kept = weiri_registers_kept_cells(registers, self->steps[i]);
        if (!weiri_pool_init(
                &self->entries[i], sizeof(entry) + n_kept * sizeof(weiri_cell))) {
            return false;
        }
    }
    return self->entries != NULL;
}

static weir_status
make(weiri_core *core, weiri_executor **out)
{
    weiri_executor *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->core          = core;
    self->last_watch_ns = INT64_MIN;
    read_chain(self);
    self->cells = calloc(weiri_registers_cells(core->registers) + 1, sizeof *self->cells);
    self->key   = calloc(core->plan->n_keys + 1, sizeof *self->key);
    if (self->cells == NULL || self->key == NULL || !make_pools(self)) {
        destroy(&self);
        return WEIR_ENOMEM;
    }
    *out = self;
    return WEIR_OK;
}

/* ---- what classes do ---- */

static uint64_t
fits_of(const weiri_executor *self, const weiri_class *class)
{
    uint64_t fits = 0;
    for (uint32_t i = 0; i < self->n_steps + self->is_absence; i++) {
        fits |= (uint64_t)weiri_class_fits(class, self->steps[i]) << i;
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

/* ---- queues ---- */

/* The number after the last start that has taken step `step`. */
static uint32_t
boundary(const weiri_executor *self, const rings_state *state, uint32_t step)
{
    if (step == 0) {
        return state->head;
    }
    uint32_t last = state->steps[step].last;
    return last != 0 ? entry_at(self, step, last)->until : state->tail;
}

static entry *
push(weiri_executor *self, rings_state *state, uint32_t step, const weiri_event *event)
{
    uint32_t number = weiri_pool_take(&self->entries[step]);
    entry   *made   = entry_at(self, step, number);
    if (number == 0) {
        self->core->status = WEIR_ENOMEM;
        return NULL;
    }
    queue *to     = &state->steps[step];
    made->next    = 0;
    made->time_ns = event->time_ns;
    made->order   = event->order;
    weiri_registers_keep(self->core->registers, made->kept, self->steps[step], event);
    if (to->last != 0) {
        entry_at(self, step, to->last)->next = number;
    } else {
        to->first = number;
    }
    to->last = number;
    return made;
}

static void
pop(weiri_executor *self, rings_state *state, uint32_t step)
{
    queue   *from   = &state->steps[step];
    uint32_t number = from->first;
    entry   *first  = entry_at(self, step, number);
    from->first     = first->next;
    if (from->first == 0) {
        from->last = 0;
    }
    weiri_registers_release_kept(self->core->registers, self->steps[step], first->kept);
    first->order = NO_ENTRY;
    weiri_pool_give(&self->entries[step], number);
}

/* Drop the earliest start, and what moved only starts up to it. */
static void
pop_start(weiri_executor *self, rings_state *state)
{
    pop(self, state, 0);
    state->tail++;
    self->n_starts--;
    for (uint32_t j = 1; j < self->n_held; j++) {
        while (state->steps[j].first != 0
               && (int32_t)(entry_at(self, j, state->steps[j].first)->until - state->tail)
                      <= 0) {
            pop(self, state, j);
        }
    }
}

static bool
has_expired(const weiri_executor *self, int64_t start_ns, int64_t now_ns)
{
    int64_t within = self->core->plan->within_ns;
    return within >= 0 && (uint64_t)now_ns - (uint64_t)start_ns > (uint64_t)within;
}

static void
expire(weiri_executor *self, rings_state *state, int64_t now_ns)
{
    while (
        state->steps[0].first != 0
        && has_expired(self, entry_at(self, 0, state->steps[0].first)->time_ns, now_ns)) {
        pop_start(self, state);
    }
}

static void
clear(weiri_executor *self, rings_state *state)
{
    while (state->steps[0].first != 0) {
        pop_start(self, state);
    }
}

/* ---- timers ---- */

static void
append_timer(weiri_executor *self, weiri_timer timer)
{
    if (weiri_timers_is_full(&self->timers) && !weiri_timers_grow(&self->timers)) {
        self->core->status = WEIR_ENOMEM;
        return;
    }
    weiri_timers_append(&self->timers, timer);
}

static int64_t
deadline_of(const weiri_executor *self, int64_t start_ns)
{
    int64_t within = self->core->plan->within_ns;
    return within < 0 || start_ns > INT64_MAX - within ? INT64_MAX : start_ns + within;
}

/* Have a partition's expired starts dropped though no event may come to it any more. */
static void
watch(weiri_executor *self, weiri_partition *partition, int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX) {
        return;
    }
    rings_state *state = state_of(partition);
    state->watch       = ++self->n_watches;
    weiri_timer timer  = {
         .deadline_ns = deadline_ns, .start = state->watch, .partition = partition->self
    };
    if (deadline_ns >= self->last_watch_ns) {
        self->last_watch_ns = deadline_ns; /* the queue wants its deadlines in order */
        append_timer(self, timer);
    } else if (!weiri_timers_push(&self->timers, timer)) {
        self->core->status = WEIR_ENOMEM;
    }
}

/* ---- giving a match ---- */

static void
note_taken(weiri_executor *self, uint32_t step, int64_t time_ns, uint64_t order)
{
    if (self->core->sink.matched == NULL) {
        return;
    }
    if (self->n_taken == self->capacity_taken) {
        uint32_t     capacity = self->capacity_taken * 2 + 16;
        weiri_taken *taken    = realloc(self->taken, capacity * sizeof *taken);
        if (taken == NULL) {
            self->core->status = WEIR_ENOMEM;
            return;
        }
        self->taken          = taken;
        self->capacity_taken = capacity;
    }
    self->taken[self->n_taken++] =
        (weiri_taken){ .step = self->steps[step], .time_ns = time_ns, .order = order };
}

static void
take_entry(weiri_executor *self, uint32_t step, const entry *of)
{
    weiri_registers_take_kept(
        self->core->registers, self->cells, self->steps[step], of->kept);
    note_taken(self, step, of->time_ns, of->order);
}

/* What the earliest start holds, `n_first` of the first step. */
static void
gather(weiri_executor *self, const rings_state *state, uint32_t n_first)
{
    self->n_taken = 0;
    weiri_registers_clear(self->core->registers, self->cells);
    uint32_t number = state->steps[0].first;
    for (uint32_t i = 0; i < n_first && number != 0; i++) {
        const entry *of = entry_at(self, 0, number);
        take_entry(self, 0, of);
        number = of->next;
    }
    for (uint32_t j = 1; j < self->n_held; j++) {
        take_entry(self, j, entry_at(self, j, state->steps[j].first));
    }
}

static void
give(weiri_executor *self, const weiri_partition *partition, int64_t start_ns,
    int64_t end_ns)
{
    weiri_core *core = self->core;
    weiri_keys_values(core->keys, partition, self->key);
    const weiri_given match = {
        .taken   = self->taken,
        .n_taken = self->n_taken,
        .cells   = self->cells,
        .moment  = { .key = self->key, .start_ns = start_ns, .end_ns = end_ns },
    };
    core->counts.matches++;
    weiri_core_give(core, &match);
    weiri_registers_release(core->registers, self->cells);
}

/* The event completes the match of the earliest start, or is a match by itself. */
static void
complete(weiri_executor *self, weiri_partition *partition, uint32_t last,
    const weiri_event *event)
{
    rings_state *state    = state_of(partition);
    uint32_t     n_alive  = state->head - state->tail;
    int64_t      start_ns = event->time_ns;
    if (n_alive > 0) {
        start_ns = entry_at(self, 0, state->steps[0].first)->time_ns;
    }
    gather(self, state, n_alive < self->max ? n_alive : self->max);
    weiri_registers_begin_event(self->core->registers);
    weiri_registers_take(self->core->registers, self->cells, self->steps[last], event);
    note_taken(self, last, event->time_ns, event->order);
    give(self, partition, start_ns, event->time_ns);
    clear(self, state);
}

/* ---- events ---- */

static void
begin(weiri_executor *self, weiri_partition *partition, const weiri_event *event)
{
    rings_state *state   = state_of(partition);
    uint32_t     n_alive = state->head - state->tail;
    /* Without `within` the first starts never expire: later ones are never asked for. */
    bool is_never_asked = self->core->plan->within_ns < 0 && n_alive >= self->max;
    if (is_never_asked) {
        return;
    }
    if (n_alive == self->core->plan->max_runs) {
        pop_start(self, state);
        self->core->counts.dropped_runs++;
    }
    if (push(self, state, 0, event) == NULL) {
        return;
    }
    state->head++;
    self->n_starts++;
    if (self->is_absence) {
        append_timer(
            self, (weiri_timer){ .deadline_ns = deadline_of(self, event->time_ns),
                      .start                  = event->order,
                      .partition              = partition->self });
    } else if (state->watch == 0) {
        watch(self, partition, deadline_of(self, event->time_ns));
    }
}

/* Whether the event, which fits the last step, completes a match. */
static bool
is_ready(const weiri_executor *self, const rings_state *state)
{
    uint32_t n_alive = state->head - state->tail;
    if (self->n_steps == 1) {
        return n_alive + 1 >= self->min;
    }
    if (self->n_steps == 2) {
        return n_alive >= self->min;
    }
    return boundary(self, state, self->n_steps - 2) != state->tail;
}

/* Starts that wait for step `step` move on. */
static void
move(weiri_executor *self, rings_state *state, uint32_t step, const weiri_event *event)
{
    uint32_t to = boundary(self, state, step - 1);
    if (to != boundary(self, state, step)) {
        entry *made = push(self, state, step, event);
        if (made != NULL) {
            made->until = to;
        }
    }
}

static void
drop_pending(weiri_executor *self, rings_state *state)
{
    uint32_t to = boundary(self, state, self->n_steps - 1);
    while (state->tail != to) {
        pop_start(self, state);
    }
}

static void
event(weiri_executor *self, weiri_partition *partition, const weiri_event *at)
{
    rings_state *state = state_of(partition);
    uint64_t     fits  = self->fits[at->class];
    uint32_t     last  = self->n_steps - 1;
    weiri_registers_begin_event(self->core->registers);
    expire(self, state, at->time_ns);
    if (self->is_absence && (fits >> self->n_steps & 1) != 0) {
        drop_pending(self, state);
    }
    /* The last step first: an event moves no start by more than one step. */
    if (!self->is_absence && (fits >> last & 1) != 0 && is_ready(self, state)) {
        complete(self, partition, last, at);
        return;
    }
    for (uint32_t j = self->n_held - 1; j > 0; j--) {
        if ((fits >> j & 1) != 0) {
            move(self, state, j, at);
        }
    }
    if ((fits & 1) != 0) {
        begin(self, partition, at);
    }
}

static bool
is_empty(const weiri_partition *partition)
{
    return state_of(partition)->steps[0].first == 0;
}

static void
prefetch(const weiri_executor *self, const weiri_partition *partition)
{
    uint32_t first = state_of(partition)->steps[0].first;
    if (first != 0) {
        __builtin_prefetch(entry_at(self, 0, first));
    }
}

/* ---- deadlines ---- */

static int64_t
next_deadline(const weiri_executor *self)
{
    const weiri_timer *first = weiri_timers_first(&self->timers);
    return first != NULL ? first->deadline_ns : INT64_MAX;
}

/* A start's time is up: if it waits for nothing but the absence, it is a match. */
static void
fire_absence(weiri_executor *self, weiri_partition *partition, const weiri_timer *timer)
{
    rings_state *state = state_of(partition);
    const entry *first = entry_at(self, 0, state->steps[0].first);
    if (boundary(self, state, self->n_steps - 1) == state->tail) {
        pop_start(self, state); /* it has not come that far */
        return;
    }
    uint32_t     last_step  = self->n_steps - 1;
    const entry *last       = entry_at(self, last_step, state->steps[last_step].first);
    uint64_t     last_order = last->order;
    gather(self, state, 1);
    give(self, partition, first->time_ns, timer->deadline_ns);
    while (state->steps[0].first != 0
           && entry_at(self, 0, state->steps[0].first)->order <= last_order) {
        pop_start(self, state);
    }
}

static bool
is_current(const weiri_executor *self, const weiri_partition *partition,
    const weiri_timer *timer)
{
    const rings_state *state = state_of(partition);
    if (state->steps[0].first == 0) {
        return false;
    }
    return self->is_absence
               ? entry_at(self, 0, state->steps[0].first)->order == timer->start
               : state->watch == timer->start;
}

static void
fire_watch(weiri_executor *self, weiri_partition *partition, int64_t deadline_ns)
{
    rings_state *state = state_of(partition);
    expire(self, state, deadline_ns + 1); /* time has passed the deadline */
    if (state->steps[0].first != 0) {
        watch(self, partition,
            deadline_of(self, entry_at(self, 0, state->steps[0].first)->time_ns));
    }
}

static void
fire(weiri_executor *self, int64_t before_ns)
{
    while (next_deadline(self) < before_ns && self->core->status == WEIR_OK) {
        weiri_timer      timer     = weiri_timers_pop(&self->timers);
        weiri_partition *partition = weiri_keys_at(self->core->keys, timer.partition);
        if (!is_current(self, partition, &timer)) {
            continue;
        }
        if (self->is_absence) {
            weiri_core_trigger_later(self->core, timer.deadline_ns, timer.start);
            fire_absence(self, partition, &timer);
        } else {
            fire_watch(self, partition, timer.deadline_ns);
        }
        if (is_empty(partition)) {
            weiri_keys_remove(self->core->keys, partition);
        }
    }
}

/* Absences that are pending are the starts before the last boundary of a partition. */
static void
finish(weiri_executor *self)
{
    while (self->is_absence && weiri_timers_first(&self->timers) != NULL) {
        weiri_timer      timer     = weiri_timers_pop(&self->timers);
        weiri_partition *partition = weiri_keys_at(self->core->keys, timer.partition);
        if (is_current(self, partition, &timer)) {
            rings_state *state = state_of(partition);
            self->core->counts.dropped_at_end +=
                boundary(self, state, self->n_steps - 1) != state->tail;
            pop_start(self, state);
        }
    }
}

static uint64_t
live_runs(const weiri_executor *self)
{
    return self->n_starts;
}

static uint64_t
faults(const weiri_executor *self)
{
    (void)self; /* conditions are the front's, values the registers' */
    return 0;
}

static size_t
state_size(const weiri_match *plan)
{
    uint32_t n = plan->pattern->kind == WEIRI_PATTERN_STEP ? 1 : plan->pattern->n_items;
    return sizeof(rings_state) + n * sizeof(queue);
}

const weiri_executor_ops WEIRI_RINGS = {
    .name          = "rings",
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
    .faults        = faults,

    .save_partition = weiri_rings_save_partition,
    .load_partition = weiri_rings_load_partition,
    .loaded         = weiri_rings_loaded,
};
