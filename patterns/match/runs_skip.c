/* Complete matches: their order, what becomes of the others, and giving them away. */
#include <stdlib.h>
#include <string.h>

#include "match/runs.h"

/* ---- order (docs/semantics.md 5) ---- */

/* A match being ordered: its events, oldest first, as order << 8 | step. */
typedef struct ranked {
    uint32_t        run;
    uint32_t        n;
    uint64_t        start;
    const uint64_t *positions;
} ranked;

static int
compare_parts(const ranked *a, const ranked *b, uint32_t shift, uint64_t mask)
{
    for (uint32_t i = 0; i < a->n; i++) {
        uint64_t x = a->positions[i] >> shift & mask;
        uint64_t y = b->positions[i] >> shift & mask;
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return 0;
}

static int
compare_same_start(const ranked *a, const ranked *b)
{
    if (a->n != b->n) {
        return a->n > b->n ? -1 : 1;
    }
    int order = compare_parts(a, b, 8, UINT64_MAX);
    return order != 0 ? order : compare_parts(a, b, 0, 0xFF);
}

static int
compare_first(const void *a, const void *b)
{
    const ranked *x = a;
    const ranked *y = b;
    return x->start != y->start ? (x->start < y->start ? -1 : 1)
                                : compare_same_start(x, y);
}

static int
compare_latest(const void *a, const void *b)
{
    const ranked *x = a;
    const ranked *y = b;
    return x->start != y->start ? (x->start > y->start ? -1 : 1)
                                : compare_same_start(x, y);
}

static void
write_positions(const weiri_executor *self, const weiri_run *run, uint64_t *to)
{
    uint32_t link = run->links;
    for (uint32_t i = run->n_taken; i-- > 0;) {
        const weiri_link *at = weiri_link_at(self, link);
        to[i]                = at->tag & ~(uint64_t)WEIRI_LINK_SHARED;
        link                 = at->before;
    }
}

static bool
reserve_positions(weiri_executor *self, size_t n)
{
    if (n > self->capacity_positions) {
        uint64_t *positions = realloc(self->positions, 2 * n * sizeof *positions);
        if (positions == NULL) {
            self->core->status = WEIR_ENOMEM;
            return false;
        }
        self->positions          = positions;
        self->capacity_positions = 2 * n;
    }
    return true;
}

/* Whether each began after the one before it: nothing is to be compared then. */
static bool
is_ascending(const weiri_executor *self, const uint32_t *runs, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        if (weiri_run_at(self, runs[i - 1])->start
            >= weiri_run_at(self, runs[i])->start) {
            return false;
        }
    }
    return true;
}

/* Put runs in order and, if asked to, free those that hold the same (step, event) pairs
 * as another. Returns how many are left. */
static uint32_t
rank(weiri_executor *self, uint32_t *runs, uint32_t n,
    int (*compare)(const void *, const void *), bool is_set)
{
    if (n < 2 || (compare == compare_first && is_ascending(self, runs, n))) {
        return n;
    }
    size_t  n_positions = 0;
    ranked *all         = malloc(n * sizeof *all);
    for (uint32_t i = 0; i < n; i++) {
        n_positions += weiri_run_at(self, runs[i])->n_taken;
    }
    if (all == NULL || !reserve_positions(self, n_positions)) {
        self->core->status = WEIR_ENOMEM;
        free(all);
        return n;
    }
    uint64_t *positions = self->positions;
    for (uint32_t i = 0; i < n; i++) {
        const weiri_run *run = weiri_run_at(self, runs[i]);
        all[i]               = (ranked){
                          .run = runs[i], .n = run->n_taken, .start = run->start, .positions = positions
        };
        write_positions(self, run, positions);
        positions += run->n_taken;
    }
    qsort(all, n, sizeof *all, compare);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (is_set && i > 0 && compare(&all[i - 1], &all[i]) == 0) {
            weiri_runs_free(self, all[i].run);
        } else {
            runs[kept++] = all[i].run;
        }
    }
    free(all);
    return kept;
}

/* ---- giving ---- */

static void
write_taken(weiri_executor *self, const weiri_run *run)
{
    if (run->n_taken > self->capacity_taken) {
        weiri_taken *taken =
            realloc(self->taken, 2 * (size_t)run->n_taken * sizeof *taken);
        if (taken == NULL) {
            self->core->status = WEIR_ENOMEM;
            return;
        }
        self->taken          = taken;
        self->capacity_taken = 2 * run->n_taken;
    }
    uint32_t link = run->links;
    for (uint32_t i = run->n_taken; i-- > 0;) {
        const weiri_link *at = weiri_link_at(self, link);
        self->taken[i]       = (weiri_taken){ .step = at->tag & WEIRI_LINK_STEP,
                  .time_ns                          = at->time_ns,
                  .order                            = at->tag >> 8 };
        link                 = at->before;
    }
}

static void
give(weiri_executor *self, uint32_t run, bool is_timeout)
{
    const weiri_run *at = weiri_run_at(self, run);
    if (self->core->sink.matched != NULL) {
        write_taken(self, at);
    }
    if (self->core->status != WEIR_OK) {
        return;
    }
    weiri_given match = { .is_timeout = is_timeout,
        .taken                        = self->taken,
        .n_taken                      = at->n_taken,
        .cells                        = at->cells,
        .moment = { .start_ns = at->start_ns, .end_ns = at->last_ns } };
    match.moment.key  = weiri_runs_key(self, self->partition);
    weiri_core_give(self->core, &match);
}

/* Give a complete run and free it. */
static void
give_match(weiri_executor *self, uint32_t run)
{
    self->core->counts.matches++;
    give(self, run, false);
    weiri_runs_free(self, run);
}

void
weiri_runs_give_expired(weiri_executor *self)
{
    self->n_expired = rank(self, self->expired, self->n_expired, compare_first, true);
    for (uint32_t i = 0; i < self->n_expired; i++) {
        self->core->counts.timeouts++;
        if (self->core->on_timeout != NULL) {
            give(self, self->expired[i], true);
        }
        weiri_runs_free(self, self->expired[i]);
    }
    self->n_expired = 0;
}

/* ---- skip ---- */

static uint64_t
last_order(const weiri_executor *self, const weiri_run *run)
{
    return weiri_link_at(self, run->links)->tag >> 8;
}

/* Drop runs that began at or before the event. */
static void
drop_begun_by(weiri_executor *self, uint64_t order)
{
    uint32_t run = self->state->first;
    while (run != 0 && weiri_run_at(self, run)->start <= order) {
        uint32_t next = weiri_run_at(self, run)->next;
        weiri_runs_drop(self, self->state, run);
        run = next;
    }
}

static void
skip_overlaps(weiri_executor *self)
{
    for (uint32_t i = 0; i < self->n_complete;) {
        const weiri_run *run   = weiri_run_at(self, self->complete[i]);
        uint64_t         until = self->event != NULL ? UINT64_MAX : last_order(self, run);
        drop_begun_by(self, until);
        give_match(self, self->complete[i++]);
        while (i < self->n_complete
               && weiri_run_at(self, self->complete[i])->start <= until) {
            weiri_runs_free(self, self->complete[i++]);
        }
    }
    self->n_complete = 0;
}

/* Whether both hold some event. */
static bool
share_event(const weiri_executor *self, const weiri_run *a, const weiri_run *b)
{
    uint32_t x = a->links;
    uint32_t y = b->links;
    while (x != 0 && y != 0 && x != y) {
        uint64_t at_x = weiri_link_at(self, x)->tag >> 8;
        uint64_t at_y = weiri_link_at(self, y)->tag >> 8;
        if (at_x == at_y) {
            return true;
        }
        if (at_x > at_y) {
            x = weiri_link_at(self, x)->before;
        } else {
            y = weiri_link_at(self, y)->before;
        }
    }
    return x != 0 && y != 0;
}

/* Whether a run that goes on may hold an event of this match. An event that a single run
 * took is held only by what has forked from it since; the event at hand only by the runs
 * that took it in this turn. */
static bool
may_be_held(const weiri_executor *self, const weiri_run *match)
{
    for (uint32_t link = match->links; link != 0;) {
        const weiri_link *at = weiri_link_at(self, link);
        bool is_now          = self->event != NULL && at->tag >> 8 == self->event->order;
        if (is_now ? self->has_live_taker
                   : (at->tag & WEIRI_LINK_SHARED) != 0 || at->n_refs > 1) {
            return true;
        }
        link = at->before;
    }
    return false;
}

static void
drop_sharing_runs(weiri_executor *self, const weiri_run *match)
{
    uint64_t last = last_order(self, match);
    uint32_t run  = self->state->first;
    while (run != 0 && weiri_run_at(self, run)->start <= last) {
        uint32_t next = weiri_run_at(self, run)->next;
        if (share_event(self, weiri_run_at(self, run), match)) {
            weiri_runs_drop(self, self->state, run);
        }
        run = next;
    }
}

static void
skip_used(weiri_executor *self)
{
    for (uint32_t i = 0; i < self->n_complete; i++) {
        if (self->complete[i] == 0) {
            continue;
        }
        const weiri_run *match = weiri_run_at(self, self->complete[i]);
        for (uint32_t j = i + 1; j < self->n_complete; j++) {
            if (self->complete[j] != 0
                && share_event(self, weiri_run_at(self, self->complete[j]), match)) {
                weiri_runs_free(self, self->complete[j]);
                self->complete[j] = 0;
            }
        }
        if (may_be_held(self, match)) {
            drop_sharing_runs(self, match);
        }
        give_match(self, self->complete[i]);
    }
    self->n_complete = 0;
}

static void
skip_none(weiri_executor *self)
{
    for (uint32_t i = 0; i < self->n_complete; i++) {
        give_match(self, self->complete[i]);
    }
    self->n_complete = 0;
}

/* Matches wait in the order of their first events, then as they came. */
static void
hold(weiri_executor *self)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i < self->n_complete; i++) {
        weiri_run *run = weiri_run_at(self, self->complete[i]);
        uint32_t   after =
            before != 0 ? weiri_run_at(self, before)->next : self->state->held;
        while (after != 0 && weiri_run_at(self, after)->start <= run->start) {
            before = after;
            after  = weiri_run_at(self, after)->next;
        }
        run->next = after;
        if (before != 0) {
            weiri_run_at(self, before)->next = self->complete[i];
        } else {
            self->state->held = self->complete[i];
        }
        before = self->complete[i];
    }
    self->n_complete = 0;
}

/* What begins before this goes when `match` is given. */
static uint64_t
skip_limit(const weiri_executor *self, const weiri_run *match)
{
    const weiri_match *plan  = self->core->plan;
    uint64_t           limit = 0;
    switch (plan->skip) {
    case WEIRI_SKIP_TO_NEXT: return match->start + 1;
    case WEIRI_SKIP_PAST_LAST: return last_order(self, match) + 1;
    case WEIRI_SKIP_TO_FIRST:
    case WEIRI_SKIP_TO_LAST:
        for (uint32_t link = match->links; link != 0;) {
            const weiri_link *at = weiri_link_at(self, link);
            if ((at->tag & WEIRI_LINK_STEP) == plan->skip_step
                && (limit == 0 || plan->skip == WEIRI_SKIP_TO_FIRST)) {
                limit = at->tag >> 8;
            }
            link = at->before;
        }
        return limit;
    case WEIRI_SKIP_OVERLAPS:
    case WEIRI_SKIP_USED:
    case WEIRI_SKIP_USED_LATEST:
    case WEIRI_SKIP_NONE: break;
    }
    return 0;
}

static void
release_held(weiri_executor *self)
{
    while (self->state->held != 0) {
        uint32_t         first = self->state->held;
        const weiri_run *match = weiri_run_at(self, first);
        uint32_t         alive = self->state->first;
        if (alive != 0 && weiri_run_at(self, alive)->start < match->start) {
            return;
        }
        uint64_t limit    = skip_limit(self, match);
        self->state->held = match->next;
        give_match(self, first);
        if (limit > 0) {
            drop_begun_by(self, limit - 1);
        }
        while (self->state->held != 0
               && weiri_run_at(self, self->state->held)->start < limit) {
            uint32_t held     = self->state->held;
            self->state->held = weiri_run_at(self, held)->next;
            weiri_runs_free(self, held);
        }
    }
}

static void
bound_matches(weiri_executor *self)
{
    uint32_t max = self->core->plan->max_matches;
    while (self->n_complete > max) {
        weiri_runs_free(self, self->complete[--self->n_complete]);
        self->core->counts.dropped_matches++;
    }
}

bool
weiri_runs_are_too_many(const weiri_executor *self)
{
    const weiri_match *plan = self->core->plan;
    return self->state->n_starts > plan->max_runs
           || self->state->n_runs > weiri_runs_most(plan);
}

/* What began with the earliest event goes (docs/semantics.md 6). */
static void
bound_runs(weiri_executor *self)
{
    while (weiri_runs_are_too_many(self)) {
        drop_begun_by(self, weiri_run_at(self, self->state->first)->start);
        self->core->counts.dropped_runs++;
    }
}

void
weiri_runs_end_turn(weiri_executor *self)
{
    weiri_skip skip  = self->core->plan->skip;
    self->n_complete = rank(self, self->complete, self->n_complete, compare_first, true);
    if (self->event != NULL) {
        bound_matches(self);
    }
    if (skip == WEIRI_SKIP_USED_LATEST) {
        self->n_complete =
            rank(self, self->complete, self->n_complete, compare_latest, false);
    }
    if (self->n_complete > 0) {
        switch (skip) {
        case WEIRI_SKIP_OVERLAPS: skip_overlaps(self); break;
        case WEIRI_SKIP_USED:
        case WEIRI_SKIP_USED_LATEST: skip_used(self); break;
        case WEIRI_SKIP_NONE: skip_none(self); break;
        case WEIRI_SKIP_TO_NEXT:
        case WEIRI_SKIP_PAST_LAST:
        case WEIRI_SKIP_TO_FIRST:
        case WEIRI_SKIP_TO_LAST: hold(self); break;
        }
    }
    release_held(self);
    bound_runs(self);
    release_held(self); /* what waited for those that went */
}
