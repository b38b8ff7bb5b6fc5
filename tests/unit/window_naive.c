#include "window_naive.h"

#include <stdlib.h>
#include <string.h>

static bool
is_same_key(const naive_run *self, uint32_t a, uint32_t b)
{
    return self->plan->n_keys == 0
           || strcmp(self->events[a].key, self->events[b].key) == 0;
}

static bool
has_key(const naive_run *self, uint32_t i)
{
    return self->plan->n_keys == 0 || self->events[i].key != NULL;
}

/* Index of the first event ever of an event's key. */
static uint32_t
key_of(const naive_run *self, uint32_t i)
{
    uint32_t first = 0;
    while (!has_key(self, first) || !is_same_key(self, first, i)) {
        first++;
    }
    return first;
}

/* The events of a key with from <= time < to. */
static naive_set *
set_of(const naive_run *self, uint32_t key, int64_t from, int64_t to)
{
    naive_set *set = calloc(1, sizeof *set);
    set->events    = self->events;
    for (uint32_t i = 0; i < self->n; i++) {
        if (has_key(self, i) && is_same_key(self, i, key) && self->events[i].t >= from
            && self->events[i].t < to) {
            set->at[set->n++] = i;
        }
    }
    return set;
}

static void
push(naive_run *self, naive_result result)
{
    if (self->n_results == self->room) {
        self->room    = self->room == 0 ? 64 : 2 * self->room;
        self->results = realloc(self->results, self->room * sizeof *self->results);
    }
    self->results[self->n_results++] = result;
}

static int64_t
floor_to(int64_t t, int64_t width)
{
    int64_t rest = t % width;
    return t - (rest < 0 ? rest + width : rest);
}

static int64_t
floor_from(int64_t t, int64_t width, int64_t offset)
{
    return floor_to(t - offset, width) + offset;
}

/* ---- what closes ---- */

/* A result for [start, end), final or early at time_ns. */
static void
push_window(naive_run *self, uint32_t key, int64_t start, int64_t end, int64_t time_ns)
{
    bool       is_early = time_ns < end;
    naive_set *set      = set_of(self, key, start, is_early ? time_ns : end);
    int64_t    early    = self->plan->early_ns;
    bool is_new = set->n > 0 && self->events[set->at[set->n - 1]].t >= time_ns - early;
    bool is_due = is_early ? is_new : set->n > 0 || self->plan->has_fill;
    if (!is_due) {
        free(set);
        return;
    }
    set->start = start;
    set->end   = end;
    push(self, (naive_result){ .time_ns = time_ns,
                   .end                 = end,
                   .is_early            = is_early,
                   .first = set->n > 0 ? set->at[0] : (UINT64_C(1) << 40) + self->entered,
                   .key   = key,
                   .set   = set,
                   .event = -1 });
}

static void
push_early(naive_run *self, uint32_t key, int64_t start, int64_t end)
{
    int64_t early = self->plan->early_ns;
    if (early <= 0) {
        return;
    }
    for (int64_t t = floor_to(start, early) + early; t < end && t <= self->final_ns;
         t += early) {
        push_window(self, key, start, end, t);
    }
}

static void
hop(naive_run *self, uint32_t key)
{
    const weiri_window *plan       = self->plan;
    int64_t             width      = plan->width_ns;
    bool                is_hopping = plan->kind == WEIRI_WINDOW_HOPPING;
    int64_t             every      = is_hopping ? plan->every_ns : width;
    int64_t             last       = self->events[self->n - 1].t;
    for (uint32_t i = self->n; i-- > 0;) {
        last = self->events[i].t;
        if (has_key(self, i)) {
            break;
        }
    }
    /* The key's first event that is in some window. */
    int64_t first = INT64_MAX;
    for (uint32_t i = 0; i < self->n && first == INT64_MAX; i++) {
        int64_t t = self->events[i].t;
        if (has_key(self, i) && is_same_key(self, i, key)
            && t < floor_from(t, every, plan->offset_ns) + width) {
            first         = t;
            self->entered = i;
        }
    }
    if (first == INT64_MAX) {
        return;
    }
    for (int64_t start = floor_from(first - width, every, plan->offset_ns) + every;
         start <= last || (plan->has_fill && start + width <= self->final_ns);
         start += every) {
        push_early(self, key, start, start + width);
        push_window(self, key, start, start + width, start + width);
    }
}

static void
sessions(naive_run *self, uint32_t key)
{
    int64_t gap   = self->plan->width_ns;
    int64_t start = INT64_MIN;
    int64_t last  = INT64_MIN;
    for (uint32_t i = key; i < self->n; i++) {
        if (!has_key(self, i) || !is_same_key(self, i, key)) {
            continue;
        }
        int64_t t = self->events[i].t;
        if (last != INT64_MIN && t >= last + gap) {
            push_window(self, key, start, last + gap, last + gap);
        }
        if (last == INT64_MIN || t >= last + gap) {
            start = t;
        }
        last = t;
    }
    if (last != INT64_MIN) {
        push_window(self, key, start, last + gap, last + gap);
    }
}

/* A session seen early ends by what is known then. */
static void
sessions_early(naive_run *self, uint32_t key)
{
    int64_t early = self->plan->early_ns;
    int64_t gap   = self->plan->width_ns;
    for (int64_t tick = floor_to(self->events[key].t, early) + early;
         tick <= self->final_ns && tick <= self->events[self->n - 1].t + early;
         tick += early) {
        int64_t start = INT64_MIN;
        int64_t last  = INT64_MIN;
        for (uint32_t i = key; i < self->n && self->events[i].t < tick; i++) {
            if (has_key(self, i) && is_same_key(self, i, key)) {
                if (last == INT64_MIN || self->events[i].t >= last + gap) {
                    start = self->events[i].t;
                }
                last = self->events[i].t;
            }
        }
        if (last != INT64_MIN && last >= tick - early && last + gap > tick) {
            push_window(self, key, start, last + gap, tick);
        }
    }
}

/* The events of a key in groups of n_rows; what is left over comes at the end. A result
 * has its place among the others by the event that completes it. */
static void
batches(naive_run *self, uint32_t key, int64_t last)
{
    naive_set *set = calloc(1, sizeof *set);
    set->events    = self->events;
    for (uint32_t i = key; i <= self->n; i++) {
        bool is_end = i == self->n;
        if (!is_end && (!has_key(self, i) || !is_same_key(self, i, key))) {
            continue;
        }
        if (!is_end) {
            set->at[set->n++] = i;
        }
        if (set->n == self->plan->n_rows || (is_end && set->n > 0)) {
            int64_t time_ns = is_end ? last : self->events[i].t;
            set->start      = self->events[set->at[0]].t;
            set->end        = self->events[set->at[set->n - 1]].t;
            push(self, (naive_result){ .time_ns = time_ns,
                           .end                 = is_end ? INT64_MAX : 0,
                           .first               = is_end ? set->at[0] : i,
                           .key                 = key,
                           .set                 = set,
                           .event               = -1 });
            set         = calloc(1, sizeof *set);
            set->events = self->events;
        }
    }
    free(set);
}

static int
compare_results(const void *a, const void *b)
{
    const naive_result *x = a;
    const naive_result *y = b;
    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? -1 : 1;
    }
    if (x->is_early != y->is_early) {
        return x->is_early ? 1 : -1;
    }
    if (x->end != y->end) {
        return x->end < y->end ? -1 : 1;
    }
    return x->first < y->first ? -1 : 1;
}

static void
close_all(naive_run *self)
{
    int64_t last = INT64_MIN;
    for (uint32_t i = 0; i < self->n; i++) {
        last = has_key(self, i) ? self->events[i].t : last;
    }
    for (uint32_t i = 0; i < self->n; i++) {
        if (!has_key(self, i) || key_of(self, i) != i) {
            continue;
        }
        if (self->plan->kind == WEIRI_WINDOW_BATCH) {
            batches(self, i, last);
        } else if (self->plan->kind == WEIRI_WINDOW_SESSION) {
            sessions(self, i);
            if (self->plan->early_ns > 0) {
                sessions_early(self, i);
            }
        } else {
            hop(self, i);
        }
    }
    if (self->n_results > 0) {
        qsort(self->results, self->n_results, sizeof *self->results, compare_results);
    }
}

/* ---- per event ---- */

static void
slide(naive_run *self)
{
    const weiri_window *plan = self->plan;
    for (uint32_t i = 0; i < self->n; i++) {
        if (!has_key(self, i)) {
            continue;
        }
        naive_set *set = calloc(1, sizeof *set);
        set->events    = self->events;
        for (uint32_t j = 0; j <= i; j++) {
            bool is_in = has_key(self, j) && is_same_key(self, j, i)
                         && (j < i || !plan->is_before);
            if (plan->kind == WEIRI_WINDOW_SLIDING) {
                is_in = is_in && self->events[j].t >= self->events[i].t - plan->width_ns;
            }
            if (is_in) {
                set->at[set->n++] = j;
            }
        }
        push(self, (naive_result){ .time_ns = self->events[i].t,
                       .key                 = key_of(self, i),
                       .set                 = set,
                       .event               = i });
    }
}

/* Cut a set down to the rows after `after`, and to the last n of a row window. */
static void
trim(const weiri_window *plan, naive_set *set, int64_t after)
{
    uint32_t first = 0;
    while (first < set->n && (int64_t)set->at[first] <= after) {
        first++;
    }
    if (plan->kind == WEIRI_WINDOW_LAST && set->n - first > plan->n_rows) {
        first = set->n - plan->n_rows;
    }
    memmove(set->at, set->at + first, (set->n - first) * sizeof set->at[0]);
    set->n -= first;
}

/* ---- having, changes, reset, order, limit ---- */

typedef struct memory {
    bool    was_true;
    int64_t reset; /* index of the event at which the window was emptied */
    int64_t times[NAIVE_EVENTS * 8];
    int     n_times;
} memory;

/* Whether the key's window is empty just before the event that triggered a result. */
static bool
was_empty(const naive_run *self, const naive_result *result)
{
    uint32_t own = self->plan->is_before ? 0 : 1;
    if (self->plan->kind == WEIRI_WINDOW_LAST && self->plan->n_rows == 1 && own == 1) {
        for (int64_t i = 0; i < result->event; i++) {
            if (has_key(self, (uint32_t)i) && key_of(self, (uint32_t)i) == result->key) {
                return false;
            }
        }
    }
    return result->set->n == own;
}

/* Whether the key has no event in the window after one that has closed. */
static bool
runs_empty(const naive_run *self, const naive_result *result)
{
    const weiri_window *plan = self->plan;
    if (plan->kind == WEIRI_WINDOW_SESSION) {
        return true;
    }
    if (plan->has_fill || plan->kind == WEIRI_WINDOW_BATCH) {
        return false;
    }
    int64_t every = plan->kind == WEIRI_WINDOW_HOPPING ? plan->every_ns : plan->width_ns;
    naive_set *rest = set_of(
        self, result->key, result->end + every - plan->width_ns, result->end + every);
    bool is_empty = rest->n == 0;
    free(rest);
    return is_empty;
}

static bool
is_allowed(const weiri_window *plan, memory *key, uint32_t n_all, int64_t time_ns)
{
    if (plan->limit == 0) {
        return true;
    }
    if (plan->limit_ns < 0) {
        return n_all < plan->limit;
    }
    uint32_t n = 0;
    for (int i = 0; i < key->n_times; i++) {
        n += key->times[i] + plan->limit_ns > time_ns;
    }
    return n < plan->limit;
}

/* Sort [first, last) by the value of the order's aggregate, and drop what is too much. */
static void
order_group(naive_run *self, naive_result *group, uint32_t n)
{
    const weiri_window    *plan = self->plan;
    const weiri_aggregate *by   = &plan->aggregates[self->order];
    for (uint32_t i = 1; i < n; i++) {
        naive_result item  = group[i];
        int64_t      value = naive_value(by, item.set, NULL).as.i;
        uint32_t     at    = i;
        for (; at > 0; at--) {
            int64_t other = naive_value(by, group[at - 1].set, NULL).as.i;
            if (plan->order[0].is_descending ? other >= value : other <= value) {
                break;
            }
            group[at] = group[at - 1];
        }
        group[at] = item;
    }
    uint32_t n_of = 0; /* of those that are equal, where the limit is for each */
    for (uint32_t i = 0; i < n && plan->order_limit > 0; i++) {
        bool is_other = i > 0 && plan->n_each > 0
                        && naive_value(by, group[i].set, NULL).as.i
                               != naive_value(by, group[i - 1].set, NULL).as.i;
        n_of                = is_other ? 1 : n_of + 1;
        group[i].is_dropped = n_of > plan->order_limit;
    }
}

static void
judge(naive_run *self, memory *keys)
{
    const weiri_window *plan  = self->plan;
    uint32_t            n_all = 0;
    for (uint32_t i = 0; i < self->n_results; i++) {
        naive_result *result = &self->results[i];
        memory       *key    = &keys[result->key];
        if (result->event >= 0) {
            trim(plan, result->set, key->reset);
            if (was_empty(self, result)) {
                key->was_true = false;
            }
            if (plan->is_reset && key->reset >= 0) {
                /* The window may be empty though row windows never run empty. */
                bool is_first = true;
                for (int64_t j = key->reset + 1; j < result->event; j++) {
                    is_first = is_first
                               && !(has_key(self, (uint32_t)j)
                                    && key_of(self, (uint32_t)j) == result->key);
                }
                key->was_true = key->was_true && !is_first;
            }
            result->set->end = result->time_ns;
            result->set->start =
                result->set->n > 0 ? self->events[result->set->at[0]].t : result->time_ns;
        }
        bool holds         = (int64_t)result->set->n >= self->having;
        bool was_true      = key->was_true;
        key->was_true      = holds;
        result->is_dropped = !holds || (plan->has_changes && was_true);
        if (result->event < 0 && !result->is_early && runs_empty(self, result)) {
            key->was_true = false;
        }
        if (result->event < 0) {
            continue;
        }
        if (!result->is_dropped && !is_allowed(plan, key, n_all, result->time_ns)) {
            result->is_dropped = true;
        }
        if (!result->is_dropped) {
            n_all++;
            key->times[key->n_times++] = result->time_ns;
            key->reset                 = plan->is_reset ? result->event : key->reset;
        }
    }
}

static void
drop(naive_run *self)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->n_results; i++) {
        if (self->results[i].is_dropped) {
            free(self->results[i].set);
        } else {
            self->results[n++] = self->results[i];
        }
    }
    self->n_results = n;
}

static void
order_and_limit(naive_run *self, memory *keys)
{
    const weiri_window *plan = self->plan;
    for (uint32_t i = 0; plan->n_order > 0 && i < self->n_results;) {
        uint32_t n = 1;
        while (i + n < self->n_results
               && self->results[i + n].time_ns == self->results[i].time_ns
               && self->results[i + n].end == self->results[i].end) {
            n++;
        }
        order_group(self, &self->results[i], n);
        i += n;
    }
    drop(self);
    uint32_t n_all = 0;
    for (uint32_t i = 0; i < self->n_results; i++) {
        naive_result *result = &self->results[i];
        memory       *key    = &keys[result->key];
        if (is_allowed(plan, key, n_all, result->time_ns)) {
            n_all++;
            key->times[key->n_times++] = result->time_ns;
        } else {
            result->is_dropped = true;
        }
    }
    drop(self);
}

bool
naive_is_per_event(const weiri_window *plan)
{
    return plan->kind == WEIRI_WINDOW_SLIDING || plan->kind == WEIRI_WINDOW_LAST
           || plan->kind == WEIRI_WINDOW_ALL;
}

void
naive_compute(naive_run *self)
{
    memory *keys = calloc(NAIVE_EVENTS, sizeof *keys);
    for (uint32_t i = 0; i < NAIVE_EVENTS; i++) {
        keys[i].reset = -1;
    }
    bool is_event = naive_is_per_event(self->plan);
    if (is_event) {
        slide(self);
    } else {
        close_all(self);
    }
    judge(self, keys);
    drop(self);
    if (!is_event) {
        order_and_limit(self, keys);
    }
    free(keys);
}

void
naive_fini(naive_run *self)
{
    for (uint32_t i = 0; i < self->n_results; i++) {
        free(self->results[i].set);
    }
    free(self->results);
}
