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
#include "weiri/prefetch.h"

enum { NEAR = 8 }; /* partitions ahead that memory is brought near for */

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

/* Texts that entries hold are counted. */
static void
release_all(weiri_executor *self)
{
    uint32_t         number    = 0;
    weiri_partition *partition = NULL;
    while ((partition = weiri_keys_next(self->core->keys, &number)) != NULL) {
        while (state_of(partition)->tail != state_of(partition)->head) {
            weiri_rings_pop_start(self, partition);
        }
    }
}

static void
destroy(weiri_executor **self_p)
{
    weiri_executor *self = *self_p;
    *self_p              = NULL;
    if (self->n_starts > 0) {
        release_all(self);
    }
    weiri_blocks_fini(&self->blocks);
    weiri_timers_fini(&self->timers);
    weiri_wheel_fini(&self->wheel);
    free(self->entry_sizes);
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

static size_t
entry_size(const weiri_registers *registers, uint32_t step, bool is_first)
{
    return sizeof(entry) + (is_first ? 0 : sizeof(weiri_rings_moved))
           + weiri_registers_kept_cells(registers, step) * sizeof(weiri_cell);
}

static bool
find_sizes(weiri_executor *self)
{
    self->entry_sizes = calloc(self->n_held, sizeof *self->entry_sizes);
    for (uint32_t i = 0; self->entry_sizes != NULL && i < self->n_held; i++) {
        self->entry_sizes[i] = entry_size(self->core->registers, self->steps[i], i == 0);
        uint32_t n_kept =
            weiri_registers_kept_cells(self->core->registers, self->steps[i]);
        self->keeps |= (uint64_t)(n_kept > 0) << i;
    }
    return self->entry_sizes != NULL;
}

static weir_status
make(weiri_core *core, weiri_executor **out)
{
    weiri_executor *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->core = core;
    read_chain(self);
    weiri_wheel_init(&self->wheel, core->plan->within_ns < 0 ? 0 : core->plan->within_ns);
    self->cells = calloc(weiri_registers_cells(core->registers) + 1, sizeof *self->cells);
    self->key   = calloc(core->plan->n_keys + 1, sizeof *self->key);
    if (self->cells == NULL || self->key == NULL || !find_sizes(self)) {
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

/* ---- starts ---- */

static uint32_t
n_alive_of(const rings_state *state)
{
    return state->head - state->tail;
}

/* The earliest start; there is one. */
static entry *
first_start(const weiri_executor *self, const weiri_partition *partition)
{
    return weiri_rings_start(self, partition, state_of(partition)->tail);
}

/* The number after the last start that has taken step `step`. */
static uint32_t
boundary(const weiri_executor *self, const rings_state *state, uint32_t step)
{
    if (step == 0) {
        return state->head;
    }
    const ring *of = &state->moved[step - 1];
    return of->tail == of->head ? state->tail
                                : (uint32_t)*weiri_rings_until(weiri_rings_moved_at(
                                    self, state, step, of->head - 1));
}

static void
fill(weiri_executor *self, entry *made, uint32_t step, const weiri_event *event)
{
    made->time_ns = event->time_ns;
    made->order   = event->order;
    if (self->keeps >> step & 1) {
        weiri_registers_keep(self->core->registers, weiri_rings_kept(made, step),
            self->steps[step], event);
    }
}

static bool
has_expired(const weiri_executor *self, int64_t start_ns, int64_t now_ns)
{
    int64_t within = self->core->plan->within_ns;
    return within >= 0 && (uint64_t)now_ns - (uint64_t)start_ns > (uint64_t)within;
}

static void
expire(weiri_executor *self, weiri_partition *partition, int64_t now_ns)
{
    while (n_alive_of(state_of(partition)) > 0
           && has_expired(self, first_start(self, partition)->time_ns, now_ns)) {
        weiri_rings_pop_start(self, partition);
    }
}

static void
clear(weiri_executor *self, weiri_partition *partition)
{
    while (n_alive_of(state_of(partition)) > 0) {
        weiri_rings_pop_start(self, partition);
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

int64_t
weiri_rings_deadline(const weiri_executor *self, int64_t start_ns)
{
    int64_t within = self->core->plan->within_ns;
    return within < 0 || start_ns > INT64_MAX - within ? INT64_MAX : start_ns + within;
}

/* By what a partition knows the bucket of the wheel that looks after it; 0 is none. */
static uint32_t
stamp_of_bucket(uint64_t number)
{
    return (uint32_t)(number % (UINT32_MAX >> RINGS_BITS)) + 1;
}

static uint32_t
stamp_of(const weiri_partition *partition)
{
    return partition->mark >> RINGS_BITS;
}

void
weiri_rings_watch(weiri_executor *self, weiri_partition *partition, int64_t start_ns)
{
    int64_t  deadline_ns = weiri_rings_deadline(self, start_ns);
    uint64_t number      = 0;
    if (deadline_ns == INT64_MAX) {
        return;
    }
    if (!weiri_wheel_add(&self->wheel, deadline_ns, partition->self, &number)) {
        self->core->status = WEIR_ENOMEM;
        return;
    }
    uint32_t bits   = partition->mark & ((1U << RINGS_BITS) - 1);
    partition->mark = stamp_of_bucket(number) << RINGS_BITS | bits;
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
take_entry(weiri_executor *self, uint32_t step, entry *of)
{
    weiri_registers_take_kept(self->core->registers, self->cells, self->steps[step],
        weiri_rings_kept(of, step));
    note_taken(self, step, of->time_ns, of->order);
}

/* What the earliest start holds, `n_first` of the first step. */
static void
gather(weiri_executor *self, const weiri_partition *partition, uint32_t n_first)
{
    const rings_state *state = state_of(partition);
    uint32_t           n     = n_alive_of(state) < n_first ? n_alive_of(state) : n_first;
    self->n_taken            = 0;
    weiri_registers_clear(self->core->registers, self->cells);
    for (uint32_t i = 0; i < n; i++) {
        take_entry(self, 0, weiri_rings_start(self, partition, state->tail + i));
    }
    for (uint32_t j = 1; j < self->n_held; j++) {
        take_entry(
            self, j, weiri_rings_moved_at(self, state, j, state->moved[j - 1].tail));
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
    int64_t start_ns = event->time_ns;
    if (n_alive_of(state_of(partition)) > 0) {
        start_ns = first_start(self, partition)->time_ns;
    }
    gather(self, partition, self->max);
    weiri_registers_begin_event(self->core->registers);
    weiri_registers_take(self->core->registers, self->cells, self->steps[last], event);
    note_taken(self, last, event->time_ns, event->order);
    give(self, partition, start_ns, event->time_ns);
    clear(self, partition);
}

/* ---- events ---- */

static void
begin(weiri_executor *self, weiri_partition *partition, const weiri_event *event)
{
    uint32_t n_alive = n_alive_of(state_of(partition));
    /* Without `within` the first starts never expire: later ones are never asked for. */
    bool is_never_asked = self->core->plan->within_ns < 0 && n_alive >= self->max;
    if (is_never_asked) {
        return;
    }
    if (n_alive == self->core->plan->max_runs) {
        weiri_rings_pop_start(self, partition);
        self->core->counts.dropped_runs++;
    }
    entry *made = weiri_rings_push_start(self, partition);
    if (made == NULL) {
        return;
    }
    fill(self, made, 0, event);
    if (self->is_absence) {
        append_timer(self,
            (weiri_timer){ .deadline_ns = weiri_rings_deadline(self, event->time_ns),
                .start                  = event->order,
                .partition              = partition->self });
    } else if (stamp_of(partition) == 0) {
        weiri_rings_watch(self, partition, event->time_ns);
    }
}

/* Whether the event, which fits the last step, completes a match. */
static bool
is_ready(const weiri_executor *self, const rings_state *state)
{
    uint32_t n_alive = n_alive_of(state);
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
        entry *made = weiri_rings_push_moved(self, state, step);
        if (made != NULL) {
            *weiri_rings_until(made) = to;
            fill(self, made, step, event);
        }
    }
}

static void
drop_pending(weiri_executor *self, weiri_partition *partition)
{
    const rings_state *state = state_of(partition);
    uint32_t           to    = boundary(self, state, self->n_steps - 1);
    while (state->tail != to) {
        weiri_rings_pop_start(self, partition);
    }
}

static void
event(weiri_executor *self, weiri_partition *partition, const weiri_event *at)
{
    rings_state *state = state_of(partition);
    uint64_t     fits  = self->fits[at->class];
    uint32_t     last  = self->n_steps - 1;
    weiri_registers_begin_event(self->core->registers);
    expire(self, partition, at->time_ns);
    if (self->is_absence && (fits >> self->n_steps & 1) != 0) {
        drop_pending(self, partition);
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
    return n_alive_of(state_of(partition)) == 0;
}

static void
prefetch(const weiri_executor *self, const weiri_partition *partition)
{
    const rings_state *state = state_of(partition);
    if (n_alive_of(state) > 1) {
        weiri_prefetch(weiri_rings_start(self, partition, state->tail));
    }
}

/* ---- deadlines ---- */

static int64_t
next_deadline(const weiri_executor *self)
{
    const weiri_timer *first = weiri_timers_first(&self->timers);
    return first != NULL ? first->deadline_ns : weiri_wheel_next(&self->wheel);
}

/* A start's time is up: if it waits for nothing but the absence, it is a match. */
static void
fire_absence(weiri_executor *self, weiri_partition *partition, const weiri_timer *timer)
{
    const rings_state *state     = state_of(partition);
    uint32_t           last_step = self->n_steps - 1;
    if (boundary(self, state, last_step) == state->tail) {
        weiri_rings_pop_start(self, partition); /* it has not come that far */
        return;
    }
    const entry *first      = first_start(self, partition);
    const entry *last       = last_step == 0 ? first
                                             : weiri_rings_moved_at(self, state, last_step,
                                                 state->moved[last_step - 1].tail);
    uint64_t     last_order = last->order;
    gather(self, partition, 1);
    give(self, partition, first->time_ns, timer->deadline_ns);
    while (!is_empty(partition) && first_start(self, partition)->order <= last_order) {
        weiri_rings_pop_start(self, partition);
    }
}

/* The partition of a timer may be gone, or be another by now. */
static bool
is_current(const weiri_executor *self, const weiri_partition *partition,
    const weiri_timer *timer)
{
    return !is_empty(partition) && first_start(self, partition)->order == timer->start;
}

static void
fire_first(weiri_executor *self)
{
    const weiri_keys  *keys = self->core->keys;
    const weiri_timer *far  = weiri_timers_ahead(&self->timers, 2 * NEAR);
    const weiri_timer *near = weiri_timers_ahead(&self->timers, NEAR);
    if (far != NULL) {
        const weiri_partition *own = weiri_keys_at(keys, far->partition);
        weiri_prefetch(own);
        weiri_prefetch(weiri_keys_end(keys, own));
    }
    if (near != NULL) {
        const weiri_partition *own = weiri_keys_at(keys, near->partition);
        weiri_prefetch(weiri_keys_slot(keys, own->tag)); /* it may be removed */
        if (!is_empty(own)) {
            weiri_prefetch(first_start(self, own));
        }
    }
    weiri_timer      timer     = weiri_timers_pop(&self->timers);
    weiri_partition *partition = weiri_keys_at(keys, timer.partition);
    if (!is_current(self, partition, &timer)) {
        return;
    }
    weiri_core_trigger_later(self->core, timer.deadline_ns, timer.start);
    fire_absence(self, partition, &timer);
    if (is_empty(partition)) {
        weiri_keys_remove(self->core->keys, partition);
    }
}

/* Partitions that are looked after at this time. */
static void
fire_bucket(weiri_executor *self)
{
    const weiri_keys  *keys   = self->core->keys;
    int64_t            now_ns = weiri_wheel_next(&self->wheel);
    weiri_wheel_bucket bucket = weiri_wheel_take(&self->wheel);
    uint32_t           stamp  = stamp_of_bucket(bucket.number);
    for (uint32_t i = 0; i < bucket.n; i++) {
        if (i + 2 * NEAR < bucket.n) {
            const weiri_partition *far = weiri_keys_at(keys, bucket.items[i + 2 * NEAR]);
            weiri_prefetch(far);
            weiri_prefetch(weiri_keys_end(keys, far));
        }
        if (i + NEAR < bucket.n) {
            const weiri_partition *near = weiri_keys_at(keys, bucket.items[i + NEAR]);
            weiri_prefetch(weiri_keys_slot(keys, near->tag)); /* it may be removed */
        }
        weiri_partition *partition = weiri_keys_at(keys, bucket.items[i]);
        if (is_empty(partition) || stamp_of(partition) != stamp) {
            continue;
        }
        expire(self, partition, now_ns + 1); /* time has passed the deadline */
        if (is_empty(partition)) {
            weiri_keys_remove(self->core->keys, partition);
        } else {
            weiri_rings_watch(self, partition, first_start(self, partition)->time_ns);
        }
    }
    free(bucket.items);
}

static void
fire(weiri_executor *self, int64_t before_ns)
{
    while (next_deadline(self) < before_ns && self->core->status == WEIR_OK) {
        if (self->is_absence) {
            fire_first(self);
        } else {
            fire_bucket(self);
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
            const rings_state *state = state_of(partition);
            self->core->counts.dropped_at_end +=
                boundary(self, state, self->n_steps - 1) != state->tail;
            weiri_rings_pop_start(self, partition);
        }
    }
}

static uint64_t
live_runs(const weiri_executor *self)
{
    return self->n_starts;
}

static uint64_t
bytes(const weiri_executor *self)
{
    return weiri_blocks_bytes(&self->blocks) + weiri_timers_bytes(&self->timers)
           + weiri_wheel_bytes(&self->wheel);
}

static uint64_t
faults(const weiri_executor *self)
{
    (void)self; /* conditions are the front's, values the registers' */
    return 0;
}

static size_t
state_size(const weiri_core *core)
{
    const weiri_pattern *pattern = core->plan->pattern;
    bool                 is_one  = pattern->kind == WEIRI_PATTERN_STEP;
    uint32_t n_later = is_one || pattern->n_items < 3 ? 0 : pattern->n_items - 2;
    const weiri_pattern *first = is_one ? pattern : pattern->items[0];
    return sizeof(rings_state) + n_later * sizeof(ring)
           + entry_size(core->registers, first->step, true);
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
    .bytes         = bytes,
    .faults        = faults,

    .save_partition = weiri_rings_save_partition,
    .load_partition = weiri_rings_load_partition,
    .loaded         = weiri_rings_loaded,
    .inspect        = weiri_rings_inspect,
};
