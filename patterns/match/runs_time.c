/* Deadlines of runs. */
#include <stdlib.h>

#include "match/runs.h"
#include "weiri/prefetch.h"

int64_t
weiri_runs_gap_deadline(const weiri_executor *self, const weiri_run *run)
{
    int64_t gap = self->core->automaton->states[run->state].gap_ns;
    return gap < 0 || run->last_ns > INT64_MAX - gap ? INT64_MAX : run->last_ns + gap;
}

static int64_t
within_deadline(const weiri_executor *self, int64_t start_ns)
{
    int64_t within = self->core->automaton->within_ns;
    return within < 0 || start_ns > INT64_MAX - within ? INT64_MAX : start_ns + within;
}

/* Whether a timer still stands for something. */
static bool
is_live(void *context, const weiri_timer *timer)
{
    const weiri_executor *self = context;
    if (timer->run == WEIRI_NONE) {
        return true; /* a partition's, one at a time */
    }
    const weiri_run *run = weiri_run_at(self, timer->run);
    return run->start == timer->start && run->state != WEIRI_RUN_COMPLETE
           && weiri_runs_gap_deadline(self, run) == timer->deadline_ns;
}

/* `within` timers name no run, because any run of their first event will do: a live
 * one is looked for among all runs, in order. */
typedef struct timer_sweep {
    weiri_executor *self;
    uint64_t       *starts; /* of live runs, ascending */
    size_t          n;
    size_t          at;
} timer_sweep;

static bool
keep(void *context, const weiri_timer *timer)
{
    timer_sweep *sweep = context;
    if (timer->run != 0) {
        return is_live(sweep->self, timer);
    }
    while (sweep->at < sweep->n && sweep->starts[sweep->at] < timer->start) {
        sweep->at++;
    }
    return sweep->at < sweep->n && sweep->starts[sweep->at] == timer->start;
}

static int
compare_starts(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool
sweep_timers(weiri_executor *self)
{
    timer_sweep sweep = { .self = self };
    sweep.starts      = malloc((self->runs.n_live + (size_t)1) * sizeof *sweep.starts);
    if (sweep.starts == NULL) {
        return false;
    }
    for (uint32_t i = 1; i < self->runs.n_made; i++) {
        const weiri_run *run = weiri_run_at(self, i);
        if (run->start != WEIRI_NO_START && sweep.n < self->runs.n_live) {
            sweep.starts[sweep.n++] = run->start;
        }
    }
    qsort(sweep.starts, sweep.n, sizeof *sweep.starts, compare_starts);
    weiri_timers_sweep(&self->timers, keep, &sweep);
    free(sweep.starts);
    return true;
}

static void
push(weiri_executor *self, weiri_timer timer)
{
    if (!self->is_loading && self->timers.n_heap > 64
        && self->timers.n_heap / 4 > self->runs.n_live && !sweep_timers(self)) {
        self->core->status = WEIR_ENOMEM;
    }
    if (!weiri_timers_push(&self->timers, timer)) {
        self->core->status = WEIR_ENOMEM;
    }
}

void
weiri_runs_watch_start(weiri_executor *self, uint32_t run)
{
    const weiri_run *at       = weiri_run_at(self, run);
    int64_t          deadline = within_deadline(self, at->start_ns);
    if (deadline == INT64_MAX) {
        return;
    }
    if (weiri_timers_is_full(&self->timers)) {
        /* Sweeping pays when it frees half of the queue. */
        bool is_swept = !self->is_loading && self->timers.n_queue > 64
                        && self->timers.n_queue / 2 > self->runs.n_live
                        && sweep_timers(self);
        if (!is_swept && !weiri_timers_grow(&self->timers)) {
            self->core->status = WEIR_ENOMEM;
            return;
        }
    }
    weiri_timers_append(&self->timers,
        (weiri_timer){
            .deadline_ns = deadline, .start = at->start, .partition = at->partition });
}

void
weiri_runs_watch_gap(weiri_executor *self, uint32_t run)
{
    const weiri_run *at       = weiri_run_at(self, run);
    int64_t          deadline = weiri_runs_gap_deadline(self, at);
    if (deadline < within_deadline(self, at->start_ns)) {
        push(self, (weiri_timer){ .deadline_ns = deadline,
                       .start                  = at->start,
                       .partition              = at->partition,
                       .run                    = run });
    }
}

void
weiri_runs_watch_before(weiri_executor *self, uint32_t partition, int64_t time_ns)
{
    int64_t deadline = within_deadline(self, time_ns);
    if (deadline != INT64_MAX) {
        push(self, (weiri_timer){ .deadline_ns = deadline,
                       .start     = self->event != NULL ? self->event->order : 0,
                       .partition = partition,
                       .run       = WEIRI_NONE });
    }
}

/* Runs from `run` on that began with the same event and whose time is up. */
static void
expire(weiri_executor *self, uint32_t run, int64_t deadline_ns)
{
    uint64_t start = weiri_run_at(self, run)->start;
    for (uint32_t next = run; run != 0; run = next) {
        weiri_run *at = weiri_run_at(self, run);
        next          = at->next;
        if (self->first_equal != WEIRI_NONE && self->state->index != 0) {
            weiri_runs_near near = weiri_runs_near_of(self, next);
            weiri_prefetch(near.slot);
            weiri_prefetch(near.link);
            weiri_prefetch(near.next);
        }
        if (at->start != start) {
            return;
        }
        if (within_deadline(self, at->start_ns) > deadline_ns
            && weiri_runs_gap_deadline(self, at) > deadline_ns) {
            continue;
        }
        bool is_pending = self->core->automaton->states[at->state].is_pending;
        weiri_runs_unlink(self, self->state, run);
        at->last_ns = deadline_ns;
        at->state   = WEIRI_RUN_COMPLETE;
        if (is_pending) {
            weiri_runs_note(
                self, &self->complete, &self->n_complete, &self->capacity_complete, run);
        } else {
            weiri_runs_note(
                self, &self->expired, &self->n_expired, &self->capacity_expired, run);
        }
    }
}

/* The first run that began with the same event. */
static uint32_t
first_sibling(const weiri_executor *self, uint32_t run)
{
    uint64_t start = weiri_run_at(self, run)->start;
    for (;;) {
        uint32_t prev = weiri_run_at(self, run)->prev;
        if (prev == 0 || weiri_run_at(self, prev)->start != start) {
            return run;
        }
        run = prev;
    }
}

/* What a leading `not` asks for is forgotten once it is too old. */
static void
forget_before(weiri_executor *self, int64_t deadline_ns)
{
    weiri_before *before = weiri_pool_at(&self->befores, self->state->before);
    int64_t       last   = INT64_MIN;
    if (self->state->before == 0) {
        return;
    }
    for (uint32_t i = 0; i < self->n_leading; i++) {
        if ((before->ever >> i & 1) != 0) {
            last = before->last_ns[i] > last ? before->last_ns[i] : last;
        }
    }
    before->is_timed = false;
    if (last != INT64_MIN && within_deadline(self, last) > deadline_ns) {
        before->is_timed = true;
        weiri_runs_watch_before(self, self->partition->self, last);
        return;
    }
    before->ever = 0;
    if (before->just == 0) {
        weiri_pool_give(&self->befores, self->state->before);
        self->state->before = 0;
    }
}

/* What has the same deadline and the same first event fires together. */
static void
fire(weiri_executor *self, const weiri_timer *timer)
{
    uint32_t run = timer->run;
    if (run != 0 && !is_live(self, timer)) {
        return;
    }
    run = run != 0 ? first_sibling(self, run) : self->state->first;
    if (run != 0 && weiri_run_at(self, run)->start == timer->start) {
        expire(self, run, timer->deadline_ns);
        weiri_runs_give_expired(self);
        if (self->n_complete > 0 || self->state->held != 0) {
            weiri_runs_end_turn(self);
        }
    }
}

/* The partition of a timer may be gone, or be another by now: it is then empty, or has no
 * run that began with the timer's event. */
static void
fire_first(weiri_executor *self)
{
    enum { NEAR = 8 };
    const weiri_keys  *keys = self->core->keys;
    const weiri_timer *far  = weiri_timers_ahead(&self->timers, 2 * NEAR);
    const weiri_timer *near = weiri_timers_ahead(&self->timers, NEAR);
    if (self->core->plan->n_keys > 0 && far != NULL) {
        const weiri_partition *own = weiri_keys_at(keys, near->partition);
        weiri_prefetch(weiri_keys_at(keys, far->partition));
        weiri_prefetch(weiri_keys_slot(keys, own->tag)); /* it may be removed */
        weiri_prefetch(weiri_run_at(self, weiri_runs_state_of(own)->first));
    }
    weiri_timer timer = weiri_timers_pop(&self->timers);
    self->event       = NULL;
    weiri_core_trigger_later(self->core, timer.deadline_ns, timer.start);
    if (timer.deadline_ns > self->core->now_ns) {
        self->core->now_ns = timer.deadline_ns;
    }
    self->partition = weiri_keys_at(self->core->keys, timer.partition);
    self->state     = weiri_runs_state_of(self->partition);
    if (WEIRI_RUNS.is_empty(self->partition)) {
        return;
    }
    if (timer.run == WEIRI_NONE) {
        forget_before(self, timer.deadline_ns);
    } else {
        fire(self, &timer);
    }
    if (self->state->first == 0) {
        weiri_runs_are_gone(self);
    }
    if (WEIRI_RUNS.is_empty(self->partition)) {
        weiri_keys_remove(self->core->keys, self->partition);
    }
}

void
weiri_runs_fire(weiri_executor *self, int64_t before_ns)
{
    for (const weiri_timer *first = weiri_timers_first(&self->timers);
         first != NULL && first->deadline_ns < before_ns && self->core->status == WEIR_OK;
         first = weiri_timers_first(&self->timers)) {
        fire_first(self);
    }
}
