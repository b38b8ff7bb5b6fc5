/* Which matches are given, in which order, and what they take away: docs/semantics.md
 * section 5. */
#include <stdlib.h>
#include <string.h>

#include "reference.h"
#include "state.h"

/* ---- matches in order ---- */

static int
by_number(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int
weir_reference_compare(
    const weiri_taken *a, uint32_t n_a, const weiri_taken *b, uint32_t n_b)
{
    int c = n_a > 0 && n_b > 0 ? by_number(a[0].order, b[0].order) : 0;
    c     = c != 0 ? c : by_number(n_b, n_a);
    for (uint32_t i = 0; c == 0 && i < n_a; i++) {
        c = by_number(a[i].order, b[i].order);
    }
    for (uint32_t i = 0; c == 0 && i < n_a; i++) {
        c = by_number(a[i].step, b[i].step);
    }
    return c;
}

int
ref_compare(const ref_bindings *a, const ref_bindings *b)
{
    return weir_reference_compare(a->taken, a->n, b->taken, b->n);
}

uint64_t
ref_first_of(const ref_bindings *b)
{
    return b->taken[0].order;
}

static uint64_t
last_of(const ref_bindings *b)
{
    return b->taken[b->n - 1].order;
}

static bool
share_an_event(const ref_bindings *a, const ref_bindings *b)
{
    for (uint32_t i = 0; i < a->n; i++) {
        for (uint32_t k = 0; k < b->n; k++) {
            if (a->taken[i].order == b->taken[k].order) {
                return true;
            }
        }
    }
    return false;
}

void
ref_push_complete(
    weir_reference *self, ref_completes *list, ref_bindings *bindings, int64_t time_ns)
{
    for (uint32_t i = 0; i < list->n; i++) {
        if (ref_compare(list->items[i].bindings, bindings) == 0) {
            return;
        }
    }
    ref_complete c = { .bindings = bindings, .time_ns = time_ns, .turn = self->turn };
    WEIRI_ARENA_PUSH(self->arena, list->items, list->n, c);
}

/* ---- what is given ---- */

void
ref_give(weir_reference *self, ref_partition *partition, const ref_bindings *b,
    bool is_timeout, int64_t time_ns)
{
    const weiri_emit     *emit = is_timeout ? self->plan->on_timeout : self->plan->emit;
    weir_reference_output out  = { .is_timeout = is_timeout, .time_ns = time_ns };
    if (is_timeout && emit == NULL) {
        return;
    }
    out.end_ns = time_ns;
    if (time_ns < self->now_ns) {
        out.time_ns = self->now_ns;
    }
    self->counts.matches += !is_timeout;
    self->counts.timeouts += is_timeout;
    out.taken   = b->taken;
    out.n_taken = b->n;
    if (emit != NULL && emit->schema != NULL) {
        const weir_value *registers = ref_registers(self, partition, b, &time_ns);
        out.n_values                = emit->schema->n_fields;
        out.values =
            weiri_arena_alloc(self->arena, (out.n_values + 1) * sizeof *out.values);
        for (uint32_t i = 0; i < out.n_values; i++) {
            out.values[i] = weir_reference_eval(emit->values[i], NULL, 0, registers);
        }
    }
    WEIRI_ARENA_PUSH(self->arena, self->outputs, self->n_outputs, out);
}

int
ref_by_match(const void *a, const void *b)
{
    const ref_complete *x = a;
    const ref_complete *y = b;
    return ref_compare(x->bindings, y->bindings);
}

/* The match that began last goes first. */
static int
compare_latest(const void *a, const void *b)
{
    const ref_complete *x = a;
    const ref_complete *y = b;
    int c = by_number(ref_first_of(y->bindings), ref_first_of(x->bindings));
    return c != 0 ? c : ref_compare(x->bindings, y->bindings);
}

static int
compare_held(const void *a, const void *b)
{
    const ref_complete *x = a;
    const ref_complete *y = b;
    int c = by_number(ref_first_of(x->bindings), ref_first_of(y->bindings));
    c     = c != 0 ? c : by_number(x->turn, y->turn);
    return c != 0 ? c : by_number(x->rank, y->rank);
}

void
ref_sort(ref_completes *list, int (*compare)(const void *, const void *))
{
    if (list->n > 1) {
        qsort(list->items, list->n, sizeof *list->items, compare);
    }
}

/* What a given match takes away. */
typedef struct sweep {
    const ref_bindings *given;
    uint64_t            before;     /* those whose first event is earlier than this */
    bool                is_sharing; /* those that share an event                */
} sweep;

static bool
is_swept(const sweep *s, const ref_bindings *b)
{
    return s->is_sharing ? share_an_event(s->given, b) : ref_first_of(b) < s->before;
}

static void
sweep_away(const sweep *s, ref_runs *runs, ref_completes *completes)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < runs->n; i++) {
        if (!is_swept(s, runs->items[i].bindings)) {
            runs->items[n++] = runs->items[i];
        }
    }
    runs->n = n;
    n       = 0;
    for (uint32_t i = 0; i < completes->n; i++) {
        if (!is_swept(s, completes->items[i].bindings)) {
            completes->items[n++] = completes->items[i];
        }
    }
    completes->n = n;
}

static uint64_t
event_of_step(const ref_bindings *b, uint32_t step, bool is_last)
{
    uint64_t found = 0; /* a step without events: nothing is dropped */
    bool     has   = false;
    for (uint32_t i = 0; i < b->n; i++) {
        if (b->taken[i].step == step && (is_last || !has)) {
            found = b->taken[i].order;
            has   = true;
        }
    }
    return found;
}

static sweep
sweep_of(const weir_reference *self, const ref_bindings *given, bool is_absence)
{
    sweep s = { .given = given };
    switch (self->plan->skip) {
    case WEIRI_SKIP_OVERLAPS:
        s.before = is_absence ? last_of(given) + 1 : UINT64_MAX;
        break;
    case WEIRI_SKIP_USED:
    case WEIRI_SKIP_USED_LATEST: s.is_sharing = true; break;
    case WEIRI_SKIP_NONE: break;
    case WEIRI_SKIP_TO_NEXT: s.before = ref_first_of(given) + 1; break;
    case WEIRI_SKIP_PAST_LAST: s.before = last_of(given) + 1; break;
    case WEIRI_SKIP_TO_FIRST:
    case WEIRI_SKIP_TO_LAST:
        s.before = event_of_step(
            given, self->plan->skip_step, self->plan->skip == WEIRI_SKIP_TO_LAST);
        break;
    }
    return s;
}

static ref_complete
shift(ref_completes *list)
{
    ref_complete first = list->items[0];
    memmove(list->items, list->items + 1, (list->n - 1) * sizeof *list->items);
    list->n--;
    return first;
}

static bool
is_holding(const weir_reference *self)
{
    return self->plan->skip == WEIRI_SKIP_TO_NEXT
           || self->plan->skip == WEIRI_SKIP_PAST_LAST
           || self->plan->skip == WEIRI_SKIP_TO_FIRST
           || self->plan->skip == WEIRI_SKIP_TO_LAST;
}

static bool
has_earlier_run(const ref_partition *p, uint64_t first)
{
    for (uint32_t i = 0; i < p->runs.n; i++) {
        if (ref_first_of(p->runs.items[i].bindings) < first) {
            return true;
        }
    }
    return false;
}

/* Give held matches until one has to wait. */
static void
release(weir_reference *self, ref_partition *p)
{
    ref_sort(&p->held, compare_held);
    while (
        p->held.n > 0 && !has_earlier_run(p, ref_first_of(p->held.items[0].bindings))) {
        ref_complete c = shift(&p->held);
        sweep        s = sweep_of(self, c.bindings, false);
        ref_give(self, p, c.bindings, false, c.time_ns);
        sweep_away(&s, &p->runs, &p->held);
    }
}

static void
settle(weir_reference *self, ref_partition *p, ref_completes *completes, bool is_absence)
{
    ref_sort(completes, ref_by_match);
    if (!is_absence && completes->n > self->plan->max_matches) {
        self->counts.dropped_matches += completes->n - self->plan->max_matches;
        completes->n = self->plan->max_matches;
    }
    if (is_holding(self)) {
        for (uint32_t i = 0; i < completes->n; i++) {
            completes->items[i].rank = i;
            WEIRI_ARENA_PUSH(self->arena, p->held.items, p->held.n, completes->items[i]);
        }
        release(self, p);
        return;
    }
    if (self->plan->skip == WEIRI_SKIP_USED_LATEST) {
        ref_sort(completes, compare_latest);
    }
    while (completes->n > 0) {
        ref_complete c = shift(completes);
        sweep        s = sweep_of(self, c.bindings, is_absence);
        ref_give(self, p, c.bindings, false, c.time_ns);
        sweep_away(&s, &p->runs, completes);
    }
}

/* Partial matches stand in the order of their first events: how many of these there are.
 */
static uint32_t
count_starts(const ref_runs *runs)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < runs->n; i++) {
        n += i == 0
             || ref_first_of(runs->items[i].bindings)
                    != ref_first_of(runs->items[i - 1].bindings);
    }
    return n;
}

/* All that began with the earliest event goes, until few enough are left. */
static void
bound_runs(weir_reference *self, ref_partition *p)
{
    while (count_starts(&p->runs) > self->plan->max_runs) {
        ref_runs *runs  = &p->runs;
        uint64_t  first = ref_first_of(runs->items[0].bindings);
        uint32_t  n     = 0;
        while (n < runs->n && ref_first_of(runs->items[n].bindings) == first) {
            n++;
        }
        runs->n -= n;
        memmove(runs->items, runs->items + n, runs->n * sizeof *runs->items);
        self->counts.dropped_runs++;
    }
}

/* Matches of one partition that complete at the same event or deadline. */
void
ref_settle(
    weir_reference *self, ref_partition *p, ref_completes *completes, bool is_absence)
{
    settle(self, p, completes, is_absence);
    bound_runs(self, p);
    if (is_holding(self)) {
        release(self, p); /* what waited for those that went */
    }
}
