/* Built backwards: each function gets the state that follows (the sink) and returns the
 * state that comes first. */
#include "automaton.h"

#include <string.h>

/* What the place of an element in the pattern says about it. */
typedef struct place {
    weiri_contiguity contiguity; /* in effect: a group's first item has the group's */
    bool begins_optional;        /* S begins an optional group, on its first pass    */
    bool begins_match;           /* first pass, nothing before it                    */
    bool ends_pattern;           /* what follows the enclosing group, or the element
                                  * itself, is the end of the pattern                 */
    ref_steps     not_after; /* `-> not` that follow the element directly               */
    ref_condition entry;     /* `lazy` of a group around: for the first TAKE            */
    bool entry_waits;        /* … and for the IGNORE while waiting for it             */
} place;

/* An element that is being built, with what its repetitions share. */
typedef struct element {
    const weiri_pattern *pattern;
    place                place;
    uint32_t             sink;
    uint32_t             exit;      /* where leaving it out or ending it leads */
    uint32_t             free_exit; /* greedy with `until`: unguarded copy  */
    const ref_literal   *until;     /* NULL: none                           */
    bool                 may_end;   /* the pass that is being built can be the last */
} element;

typedef struct builder {
    ref_automaton *out;
    ref_literal   *untils; /* of the groups around */
    uint32_t       n_untils;
} builder;

static uint32_t
build_element(builder *b, const weiri_pattern *p, place at, uint32_t sink);
static uint32_t
build_body(builder *b, const weiri_pattern *p, place at, uint32_t sink);

/* ---- what may come first ---- */

bool
ref_can_be_empty(const weiri_pattern *p)
{
    if (p->is_negated) {
        return true;
    }
    if (p->min == 0) {
        return true;
    }
    if (p->kind == WEIRI_PATTERN_STEP) {
        return false;
    }
    bool is_any = p->kind == WEIRI_PATTERN_OR;
    for (uint32_t i = 0; i < p->n_items; i++) {
        if (ref_can_be_empty(p->items[i]) == is_any) {
            return is_any;
        }
    }
    return !is_any;
}

ref_steps
ref_first_steps(const weiri_pattern *p)
{
    if (p->is_negated) {
        return 0;
    }
    if (p->kind == WEIRI_PATTERN_STEP) {
        return (ref_steps)1 << p->step;
    }
    ref_steps steps = 0;
    for (uint32_t i = 0; i < p->n_items; i++) {
        steps |= ref_first_steps(p->items[i]);
        if (p->kind == WEIRI_PATTERN_SEQUENCE && !ref_can_be_empty(p->items[i])) {
            break;
        }
    }
    return steps;
}

/* ---- states, edges, conditions ---- */

static ref_state *
state_of(builder *b, uint32_t state)
{
    return &b->out->states[state];
}

static uint32_t
add_state(builder *b)
{
    ref_automaton *a = b->out;
    uint32_t       n = a->n_states;
    ref_state      s = { .step = WEIRI_NONE, .alias = n, .barrier = WEIRI_NONE };
    WEIRI_ARENA_PUSH(a->arena, a->states, a->n_states, s);
    return n;
}

static ref_condition
also(builder *b, ref_condition c, ref_literal literal)
{
    ref_literal *all = weiri_arena_alloc(b->out->arena, (c.n + 1) * sizeof *all);
    if (c.n > 0) {
        memcpy(all, c.literals, c.n * sizeof *all);
    }
    all[c.n] = literal;
    return (ref_condition){ .literals = all, .n = c.n + 1 };
}

static ref_literal
fits(ref_steps steps)
{
    return (ref_literal){ .kind = REF_FITS, .steps = steps };
}

static ref_literal
not_fits(ref_steps steps)
{
    return (ref_literal){ .kind = REF_FITS, .steps = steps, .is_negated = true };
}

static ref_literal
negated(ref_literal literal)
{
    literal.is_negated = !literal.is_negated;
    return literal;
}

static ref_condition
both(builder *b, ref_condition c, ref_condition more)
{
    for (uint32_t i = 0; i < more.n; i++) {
        c = also(b, c, more.literals[i]);
    }
    return c;
}

/* True, but for the `until` of the groups around. */
static ref_condition
always(builder *b)
{
    ref_condition c = { 0 };
    for (uint32_t i = 0; i < b->n_untils; i++) {
        c = also(b, c, negated(b->untils[i]));
    }
    return c;
}

static ref_condition
only(builder *b, ref_literal literal)
{
    return also(b, always(b), literal);
}

static void
add_edge(builder *b, uint32_t from, ref_action action, uint32_t to, ref_condition c)
{
    ref_state *s    = state_of(b, from);
    ref_edge   edge = { .action = action, .target = to, .condition = c };
    WEIRI_ARENA_PUSH(b->out->arena, s->edges, s->n_edges, edge);
}

static void
add_guard(builder *b, uint32_t state, ref_literal literal)
{
    ref_condition c            = also(b, state_of(b, state)->guards, literal);
    state_of(b, state)->guards = c;
}

/* A copy that keeps the guards it has now; what is done to it later is its own. */
static uint32_t
copy_of(builder *b, uint32_t state)
{
    if (state == REF_FINAL) {
        return state;
    }
    uint32_t   copy          = add_state(b);
    ref_state  original      = *state_of(b, state);
    ref_state *s             = state_of(b, copy);
    *s                       = original;
    s->edges                 = NULL;
    s->n_edges               = 0;
    state_of(b, copy)->alias = original.alias;
    return copy;
}

/* ---- negation ---- */

static uint32_t
build_leading_not(builder *b, const weiri_pattern *n, bool is_just_before, uint32_t sink)
{
    uint32_t   s                                           = add_state(b);
    ref_steps  step                                        = (ref_steps)1 << n->step;
    ref_state *self                                        = state_of(b, s);
    *(is_just_before ? &self->just_before : &self->before) = step;
    add_edge(b, s, REF_PROCEED, sink, always(b));
    return s;
}

/* `=> not n`: passed by an event that does not fit. At the end it waits for one. */
static uint32_t
build_not_next(builder *b, const weiri_pattern *n, place at, uint32_t sink)
{
    uint32_t  z    = add_state(b);
    ref_steps step = (ref_steps)1 << n->step;
    if (sink != REF_FINAL) {
        state_of(b, z)->absent = step;
        add_edge(b, z, REF_PROCEED, sink, only(b, not_fits(step)));
    }
    if (sink == REF_FINAL) {
        state_of(b, z)->stops = step;
    }
    if (at.ends_pattern) {
        add_edge(b, z, REF_IGNORE, REF_FINAL, only(b, not_fits(step)));
    }
    return z;
}

static uint32_t
build_pending(builder *b, const weiri_pattern *n)
{
    uint32_t  p                = add_state(b);
    ref_steps step             = (ref_steps)1 << n->step;
    state_of(b, p)->is_pending = true;
    state_of(b, p)->stops      = step;
    state_of(b, p)->step       = n->step; /* whose gap is the wait */
    add_edge(b, p, REF_IGNORE, p, only(b, not_fits(step)));
    return p;
}

/* Without one nothing ends the wait for an absence, and it is not waited for. */
static bool
has_deadline(const builder *b, const weiri_pattern *n)
{
    const weiri_match *plan = b->out->plan;
    return plan->within_ns >= 0 || plan->steps[n->step].gap_ns >= 0;
}

/* `-> not n`: stops what comes next until it takes an event. At the end: pending. */
static uint32_t
build_not_followed(builder *b, const weiri_pattern *n, place at, uint32_t sink)
{
    ref_steps step = (ref_steps)1 << n->step;
    if (sink == REF_FINAL) {
        return has_deadline(b, n) ? build_pending(b, n) : sink;
    }
    if (state_of(b, sink)->is_pending) { /* directly before another one (3.2) */
        return sink;
    }
    uint32_t s             = add_state(b);
    state_of(b, s)->begins = step;
    add_edge(b, s, REF_PROCEED, sink, always(b));
    if (at.ends_pattern && has_deadline(b, n)) {
        b->out->closing |= step;
        add_edge(b, s, REF_PROCEED, build_pending(b, n), always(b));
    } else if (at.ends_pattern) {
        uint32_t either = add_state(b);
        add_edge(b, either, REF_PROCEED, s, always(b));
        add_edge(b, either, REF_PROCEED, REF_FINAL, always(b));
        return either;
    }
    return s;
}

/* ---- one event, or one pass of a group ---- */

/* The ignore condition while the element waits; false: it may not wait. */
static bool
ignore_condition(
    builder *b, weiri_contiguity contiguity, ref_steps first, ref_condition *out)
{
    if (contiguity == WEIRI_FOLLOWED) {
        *out = only(b, not_fits(first));
        return true;
    }
    *out = always(b);
    return contiguity == WEIRI_FOLLOWED_ANY;
}

static weiri_contiguity
inner_contiguity(const weiri_pattern *p)
{
    return p->inner == WEIRI_INNER_ANY    ? WEIRI_FOLLOWED_ANY
           : p->inner == WEIRI_INNER_NEXT ? WEIRI_NEXT
                                          : WEIRI_FOLLOWED;
}

/* Edges to where the element ends without (further) event. */
static void
add_exit(builder *b, const element *e, uint32_t from, bool leaves_out)
{
    ref_condition c = always(b);
    if (e->free_exit != e->exit) {
        add_edge(b, from, REF_PROCEED, e->free_exit, also(b, c, *e->until));
        c = also(b, c, negated(*e->until));
    }
    add_edge(b, from, REF_PROCEED, e->exit, c);
    ref_state *s = state_of(b, from);
    for (uint32_t i = 1; i <= (e->free_exit != e->exit ? 2U : 1U); i++) {
        s->edges[s->n_edges - i].leaves_out = leaves_out;
        s->edges[s->n_edges - i].is_exit    = true;
    }
}

static ref_condition
with_until(builder *b, const element *e, ref_condition c)
{
    return e->until != NULL ? also(b, c, negated(*e->until)) : c;
}

static ref_condition
with_lazy(builder *b, const element *e, bool is_beyond, ref_condition c)
{
    if (!is_beyond || e->pattern->preference != WEIRI_PREFER_LAZY) {
        return c;
    }
    ref_literal next = { .kind = REF_FITS_NEXT, .state = e->exit, .is_negated = true };
    return also(b, c, next);
}

/* One repetition of a step. */
static uint32_t
build_single_step(
    builder *b, const element *e, uint32_t sink, bool is_first, bool is_optional)
{
    weiri_contiguity contiguity =
        is_first ? e->place.contiguity : inner_contiguity(e->pattern);
    uint32_t      step = e->pattern->step;
    ref_steps     set  = (ref_steps)1 << step;
    ref_condition take =
        with_lazy(b, e, is_optional, with_until(b, e, only(b, fits(set))));
    if (is_first) {
        take = both(b, take, e->place.entry);
    }
    uint32_t s            = add_state(b);
    state_of(b, s)->step  = step;
    state_of(b, s)->stops = is_first ? 0 : e->place.not_after;
    add_edge(b, s, REF_TAKE, sink, take);
    if (is_optional) {
        add_exit(b, e, s, is_first);
    }
    ref_condition ignore;
    if (!ignore_condition(b, contiguity, set, &ignore)) {
        return s;
    }
    if (!is_first) {
        ignore = with_lazy(b, e, is_optional, with_until(b, e, ignore));
    } else if (e->place.entry_waits) {
        ignore = both(b, ignore, e->place.entry);
    }
    uint32_t waiting = s;
    if (is_optional || (is_first && e->place.begins_optional)) {
        waiting                    = add_state(b);
        state_of(b, waiting)->step = step;
        add_edge(b, waiting, REF_TAKE, sink, take);
        add_edge(b, waiting, REF_IGNORE, waiting, ignore);
    }
    add_edge(b, s, REF_IGNORE, waiting, ignore);
    return s;
}

/* Negations at the beginning must not reach past the group they begin. */
static uint32_t
own_entry(builder *b, uint32_t first)
{
    ref_state *s = state_of(b, first);
    if ((s->begins | s->absent | s->before | s->just_before) == 0) {
        return first;
    }
    uint32_t entry = add_state(b);
    add_edge(b, entry, REF_PROCEED, first, always(b));
    return entry;
}

static place
place_of_body(builder *b, const element *e, bool is_first, bool is_beyond)
{
    place at           = { .ends_pattern = e->place.ends_pattern && e->may_end };
    at.begins_optional = is_first && (is_beyond || e->place.begins_optional);
    at.begins_match    = is_first && e->place.begins_match;
    if (is_first) {
        at.entry       = e->place.entry;
        at.entry_waits = e->place.entry_waits;
    }
    at.entry       = with_lazy(b, e, is_beyond, at.entry);
    at.entry_waits = at.entry_waits || !is_first;
    return at;
}

/* One pass of a group. */
static uint32_t
build_single_group(
    builder *b, const element *e, uint32_t sink, bool is_first, bool is_beyond)
{
    place at      = place_of_body(b, e, is_first, is_beyond);
    at.contiguity = is_first ? e->place.contiguity : inner_contiguity(e->pattern);
    if (e->until != NULL) {
        WEIRI_ARENA_PUSH(b->out->arena, b->untils, b->n_untils, *e->until);
    }
    uint32_t first = own_entry(b, build_body(b, e->pattern, at, sink));
    if (e->until != NULL) {
        b->n_untils--;
    }
    if (!is_first) {
        state_of(b, first)->stops |= e->place.not_after;
    }
    if (is_beyond) {
        state_of(b, first)->is_repeated = !is_first;
        add_exit(b, e, first, is_first);
    }
    return first;
}

static uint32_t
build_single(builder *b, const element *e, uint32_t sink, bool is_first, bool is_optional)
{
    return e->pattern->kind == WEIRI_PATTERN_STEP
               ? build_single_step(b, e, sink, is_first, is_optional)
               : build_single_group(b, e, sink, is_first, is_optional);
}

/* ---- repetition ---- */

static uint32_t
build_loop_of_step(builder *b, const element *e)
{
    uint32_t      step    = e->pattern->step;
    ref_steps     set     = (ref_steps)1 << step;
    ref_condition take    = with_lazy(b, e, true, with_until(b, e, only(b, fits(set))));
    uint32_t      l       = add_state(b);
    state_of(b, l)->step  = step;
    state_of(b, l)->stops = e->place.not_after;
    add_exit(b, e, l, false);
    add_edge(b, l, REF_TAKE, l, take);
    ref_condition ignore;
    if (ignore_condition(b, inner_contiguity(e->pattern), set, &ignore)) {
        ignore                 = with_lazy(b, e, true, with_until(b, e, ignore));
        uint32_t li            = add_state(b);
        state_of(b, li)->step  = step;
        state_of(b, li)->stops = e->place.not_after;
        add_edge(b, li, REF_TAKE, l, take);
        add_edge(b, li, REF_IGNORE, li, ignore);
        add_edge(b, l, REF_IGNORE, li, ignore);
    }
    return l;
}

static uint32_t
build_loop(builder *b, const element *e)
{
    if (e->pattern->kind == WEIRI_PATTERN_STEP) {
        return build_loop_of_step(b, e);
    }
    uint32_t again = add_state(b);
    uint32_t first = build_single_group(b, e, again, false, true);
    add_edge(b, again, REF_PROCEED, first, always(b));
    return again;
}

static uint32_t
build_repetition(builder *b, element *e)
{
    uint32_t min  = e->pattern->min;
    uint32_t max  = e->pattern->max;
    uint32_t last = e->sink;
    uint32_t must = min == 0 ? 1 : min;
    e->may_end    = true;
    if (max == WEIRI_UNBOUNDED) {
        last = build_loop(b, e);
    }
    for (uint32_t i = must; max != WEIRI_UNBOUNDED && i < max; i++) {
        last = build_single(b, e, last, false, true);
    }
    for (uint32_t i = 1; i < must; i++) {
        last       = build_single(b, e, last, false, false);
        e->may_end = false;
    }
    return build_single(b, e, last, true, min == 0);
}

static uint32_t
input_of_first(const builder *b, const weiri_pattern *p)
{
    ref_steps first = ref_first_steps(p);
    uint32_t  step  = 0;
    while (step + 1 < b->out->plan->n_steps && (first >> step & 1) == 0) {
        step++;
    }
    return b->out->plan->steps[step].input;
}

/* The repetition goes first: what follows may have no event that it could take. */
static void
guard_sink(builder *b, element *e)
{
    if (e->pattern->preference != WEIRI_PREFER_GREEDY
        || e->pattern->min == e->pattern->max || e->sink == REF_FINAL) {
        return;
    }
    if (e->until != NULL) {
        e->free_exit = copy_of(b, e->sink);
    }
    uint32_t s = e->sink;
    add_guard(b, s, not_fits(ref_first_steps(e->pattern)));
    while (
        e->until == NULL && state_of(b, s)->begins != 0 && state_of(b, s)->alias == s) {
        s = state_of(b, s)->edges[0].target; /* what the negations stand before */
        if (s == REF_FINAL) {
            return;
        }
        add_guard(b, s, not_fits(ref_first_steps(e->pattern)));
    }
}

static uint32_t
build_element(builder *b, const weiri_pattern *p, place at, uint32_t sink)
{
    element     e     = { .pattern = p, .place = at, .sink = sink, .exit = sink };
    ref_literal until = { .kind = REF_UNTIL };
    e.free_exit       = sink;
    if (p->until != NULL) {
        until.until = p->until;
        until.input = input_of_first(b, p);
        e.until     = &until;
    }
    guard_sink(b, &e);
    return build_repetition(b, &e);
}

/* ---- bodies of groups ---- */

/* The `-> not` directly after item i: its repetitions are inside the negation. */
static ref_steps
not_after(const weiri_pattern *p, uint32_t i)
{
    const weiri_pattern *next = i + 1 < p->n_items ? p->items[i + 1] : NULL;
    bool is_not = next != NULL && next->is_negated && next->contiguity != WEIRI_NEXT;
    return is_not ? (ref_steps)1 << next->step : 0;
}

static bool
all_negated_before(const weiri_pattern *p, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++) {
        if (!p->items[k]->is_negated) {
            return false;
        }
    }
    return true;
}

/* `-> not` comes before `=> not`, with nothing but `-> not` between: it does not reach
 * over it (3.2). */
static bool
is_next_after(const weiri_pattern *p, uint32_t i)
{
    for (i++; i < p->n_items && p->items[i]->is_negated; i++) {
        if (p->items[i]->contiguity == WEIRI_NEXT) {
            return true;
        }
    }
    return false;
}

static uint32_t
build_not(builder *b, const weiri_pattern *p, uint32_t i, place at, uint32_t sink)
{
    const weiri_pattern *n = p->items[i];
    if (at.begins_match && all_negated_before(p, i)) {
        bool is_just_before =
            i + 1 < p->n_items && p->items[i + 1]->contiguity == WEIRI_NEXT;
        return build_leading_not(b, n, is_just_before, sink);
    }
    if (at.contiguity == WEIRI_NEXT) {
        return build_not_next(b, n, at, sink);
    }
    return is_next_after(p, i) ? sink : build_not_followed(b, n, at, sink);
}

static uint32_t
build_sequence(builder *b, const weiri_pattern *p, place group, uint32_t sink)
{
    uint32_t next = sink;
    for (uint32_t k = p->n_items; k > 0; k--) {
        uint32_t             i    = k - 1;
        const weiri_pattern *item = p->items[i];
        place                at   = group;
        at.contiguity             = i == 0 ? group.contiguity : item->contiguity;
        at.begins_optional        = i == 0 && group.begins_optional;
        at.begins_match           = group.begins_match && all_negated_before(p, i);
        if (i > 0) {
            at.entry       = (ref_condition){ 0 };
            at.entry_waits = false;
        }
        at.ends_pattern = group.ends_pattern && i + 1 == p->n_items;
        at.not_after    = not_after(p, i);
        next            = item->is_negated ? build_not(b, p, i, at, next)
                                           : build_element(b, item, at, next);
    }
    return next;
}

/* A state with ways into several elements, which waits for any of them. */
typedef struct choice {
    const weiri_pattern *const *items;
    uint32_t                    n_items;
    const uint32_t             *entries; /* their first states                   */
    uint32_t                    exit;    /* reached without an event if all are empty */
} choice;

static void
add_ways(builder *b, uint32_t state, const choice *c)
{
    for (uint32_t i = 0; i < c->n_items; i++) {
        add_edge(b, state, REF_PROCEED, c->entries[i], always(b));
    }
}

static uint32_t
build_choice(builder *b, const choice *c, place at)
{
    ref_steps first = 0;
    for (uint32_t i = 0; i < c->n_items; i++) {
        first |= ref_first_steps(c->items[i]);
    }
    uint32_t w = add_state(b);
    add_ways(b, w, c);
    ref_condition ignore;
    if (!ignore_condition(b, at.contiguity, first, &ignore)) {
        return w;
    }
    if (at.entry_waits) {
        ignore = both(b, ignore, at.entry);
    }
    state_of(b, w)->barrier = c->exit;
    add_edge(b, w, REF_IGNORE, w, ignore);
    return w;
}

static uint32_t
build_or(builder *b, const weiri_pattern *p, place at, uint32_t sink)
{
    uint32_t *entries = weiri_arena_alloc(b->out->arena, p->n_items * sizeof *entries);
    for (uint32_t i = 0; i < p->n_items; i++) {
        place inside           = at;
        inside.contiguity      = WEIRI_FIRST;
        inside.begins_optional = false;
        inside.not_after       = 0;
        entries[i]             = build_element(b, p->items[i], inside, copy_of(b, sink));
    }
    choice c = { .items = (const weiri_pattern *const *)p->items,
        .n_items        = p->n_items,
        .entries        = entries,
        .exit           = sink };
    return build_choice(b, &c, at);
}

/* The items of an `and` that have an event, and what is made for each set that is left.
 */
typedef struct conjunction {
    const weiri_pattern **items;
    uint32_t              n_items;
    uint32_t             *memo; /* by set of items that are left; WEIRI_NONE: not made */
    place                 place;
    uint32_t              exit;
} conjunction;

static uint32_t
build_rest(builder *b, conjunction *c, uint32_t left)
{
    if (left == 0) {
        return c->exit;
    }
    if (c->memo[left] != WEIRI_NONE) {
        return c->memo[left];
    }
    bool                 is_first = left == (1U << c->n_items) - 1;
    const weiri_pattern *items[8];
    uint32_t             entries[8];
    choice               ways = { .items = items, .entries = entries, .exit = c->exit };
    for (uint32_t i = 0; i < c->n_items; i++) {
        if ((left >> i & 1) == 0) {
            continue;
        }
        uint32_t rest   = copy_of(b, build_rest(b, c, left & ~(1U << i)));
        place    at     = { .contiguity = WEIRI_FIRST };
        at.begins_match = c->place.begins_match && is_first;
        at.ends_pattern = c->place.ends_pattern && (left & (left - 1)) == 0;
        if (is_first) {
            at.entry       = c->place.entry;
            at.entry_waits = c->place.entry_waits;
        }
        items[ways.n_items]     = c->items[i];
        entries[ways.n_items++] = build_element(b, c->items[i], at, rest);
    }
    place at = { .contiguity = is_first ? c->place.contiguity : WEIRI_FOLLOWED };
    at.begins_optional   = is_first && c->place.begins_optional;
    at.entry             = c->place.entry;
    at.entry_waits       = is_first && c->place.entry_waits;
    return c->memo[left] = build_choice(b, &ways, at);
}

static uint32_t
build_and(builder *b, const weiri_pattern *p, place at, uint32_t sink)
{
    weiri_arena *arena = b->out->arena;
    conjunction  c     = { .place = at, .exit = sink };
    ref_steps    nots  = 0;
    c.items            = weiri_arena_alloc(arena, p->n_items * sizeof *c.items);
    for (uint32_t i = 0; i < p->n_items; i++) {
        if (p->items[i]->is_negated) {
            nots |= (ref_steps)1 << p->items[i]->step;
        } else {
            c.items[c.n_items++] = p->items[i];
        }
    }
    if (nots != 0) {
        c.exit                     = add_state(b);
        state_of(b, c.exit)->clean = nots;
        add_edge(b, c.exit, REF_PROCEED, sink, always(b));
    }
    if (c.n_items == 0 || c.n_items > 8) {
        return sink;
    }
    uint32_t n_sets = 1U << c.n_items;
    c.memo          = weiri_arena_alloc(arena, n_sets * sizeof *c.memo);
    memset(c.memo, 0xff, n_sets * sizeof *c.memo);
    uint32_t from  = b->out->n_states;
    uint32_t first = build_rest(b, &c, n_sets - 1);
    for (uint32_t s = from; s < b->out->n_states; s++) {
        state_of(b, s)->inside |= nots;
    }
    return first;
}

static uint32_t
build_body(builder *b, const weiri_pattern *p, place at, uint32_t sink)
{
    switch (p->kind) {
    case WEIRI_PATTERN_SEQUENCE: return build_sequence(b, p, at, sink);
    case WEIRI_PATTERN_OR: return build_or(b, p, at, sink);
    case WEIRI_PATTERN_AND: return build_and(b, p, at, sink);
    case WEIRI_PATTERN_STEP: break;
    }
    return sink;
}

bool
ref_automaton_build(weiri_arena *arena, const weiri_match *plan, ref_automaton *out)
{
    if (plan->n_steps > 64) {
        return false;
    }
    *out            = (ref_automaton){ .arena = arena, .plan = plan };
    builder b       = { .out = out };
    place   at      = { .contiguity = WEIRI_FIRST };
    at.begins_match = true;
    at.ends_pattern = true;
    add_state(&b); /* REF_FINAL */
    out->start = build_element(&b, plan->pattern, at, REF_FINAL);
    return true;
}
