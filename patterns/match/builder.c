/* From the pattern's tree to raw states: each function gets what follows and returns the
 * state that comes first. */
#include "match/builder.h"

#include "weiri/limits.h"

/* What follows an element. */
typedef struct sink {
    uint32_t    state;
    weiri_steps first; /* steps that may take the first event of it */
} sink;

/* What its place in the pattern says about an element. */
typedef struct place {
    weiri_contiguity contiguity;      /* a group's first item has the group's        */
    bool             begins_optional; /* it begins an optional group, first pass     */
    bool             begins_match;    /* nothing stands before it                    */
    bool             ends_pattern;    /* nothing stands after it                     */
    weiri_steps      not_after;       /* `-> not` right after it                     */
    weiri_formula    entry;           /* asked of its first TAKE (lazy)              */
    bool             entry_waits;     /* … and of waiting for it                     */
} place;

/* An element under construction. */
typedef struct element {
    const weiri_pattern *pattern;
    place                at;
    sink                 to;
    uint32_t             free_exit; /* greedy with `until`: the way out while it holds */
    bool                 has_until;
    weiri_formula        until;
    bool                 may_end; /* the pass that is being built can be the last    */
} element;

static uint32_t
build_element(weiri_builder *self, const weiri_pattern *p, place at, sink to);

/* ---- what can be said of a pattern from its tree ---- */

static bool
can_be_empty(const weiri_pattern *p)
{
    if (p->min == 0 || p->is_negated) {
        return true;
    }
    bool is_or = p->kind == WEIRI_PATTERN_OR;
    if (p->kind == WEIRI_PATTERN_STEP) {
        return false;
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        if (can_be_empty(p->items[i]) == is_or) {
            return is_or;
        }
    }
    return !is_or;
}

/* Steps that may take its first event. */
static weiri_steps
first_steps(const weiri_pattern *p)
{
    if (p->kind == WEIRI_PATTERN_STEP) {
        return p->is_negated ? 0 : UINT64_C(1) << p->step;
    }
    weiri_steps steps = 0;
    for (uint32_t i = 0; i < p->n_items; i++) {
        steps |= first_steps(p->items[i]);
        if (p->kind == WEIRI_PATTERN_SEQUENCE && !can_be_empty(p->items[i])) {
            break;
        }
    }
    return steps;
}

static weiri_contiguity
inner_contiguity(const weiri_pattern *p)
{
    return p->inner == WEIRI_INNER_RELAXED ? WEIRI_FOLLOWED
           : p->inner == WEIRI_INNER_NEXT  ? WEIRI_NEXT
                                           : WEIRI_FOLLOWED_ANY;
}

/* ---- formulas ---- */

static weiri_formula
both(weiri_builder *self, weiri_formula a, weiri_formula b)
{
    return weiri_formula_and(&self->automaton->conditions, a, b);
}

static weiri_formula
not_so(weiri_builder *self, weiri_formula a)
{
    return weiri_formula_not(&self->automaton->conditions, a);
}

static weiri_formula
fits_any(weiri_builder *self, weiri_steps steps)
{
    return weiri_automaton_fits(self->automaton, steps);
}

static weiri_formula
add_atom(weiri_builder *self, weiri_atom atom)
{
    weiri_automaton *automaton = self->automaton;
    for (uint32_t i = 0; i < automaton->n_atoms; i++) {
        const weiri_atom *a = &automaton->atoms[i];
        if (a->kind == atom.kind && a->kind != WEIRI_ATOM_EVENT && a->of == atom.of) {
            return weiri_formula_atom(&automaton->conditions, i);
        }
    }
    if (automaton->n_atoms == WEIRI_AUTOMATON_ATOMS) {
        self->failure = "has too many conditions";
        return WEIRI_FALSE;
    }
    automaton->atoms[automaton->n_atoms] = atom;
    return weiri_formula_atom(&automaton->conditions, automaton->n_atoms++);
}

/* An `until` reads events of the stream of the element's first step. */
static uint32_t
input_of(const weiri_builder *self, const weiri_pattern *p)
{
    weiri_steps first = first_steps(p);
    uint32_t    step  = 0;
    while (step + 1 < self->plan->n_steps && (first >> step & 1) == 0) {
        step++;
    }
    return self->plan->steps[step].input;
}

/* ---- states and edges ---- */

static uint32_t
add_state(weiri_builder *self)
{
    if (self->n_states >= WEIRI_AUTOMATON_STATES) {
        self->failure = "needs too many states: smaller numbers of repetitions would do";
        return WEIRI_FINAL;
    }
    weiri_raw_state state = { .step = WEIRI_NONE,
        .alias                      = self->n_states,
        .guard                      = WEIRI_TRUE,
        .history                    = WEIRI_TRUE,
        .barrier                    = WEIRI_NONE };
    WEIRI_ARENA_PUSH(self->arena, self->states, self->n_states, state);
    return self->n_states - 1;
}

static void
add_edge(weiri_builder *self, uint32_t state, weiri_edge edge)
{
    weiri_raw_state *from = &self->states[state];
    edge.when             = both(self, edge.when, self->context);
    if (self->failure == NULL) {
        WEIRI_ARENA_PUSH(self->arena, from->edges, from->n_edges, edge);
    }
}

static void
add_take(weiri_builder *self, uint32_t state, uint32_t to, weiri_formula when)
{
    add_edge(self, state,
        (weiri_edge){ .action = WEIRI_EDGE_TAKE, .target = to, .when = when });
}

static void
add_ignore(weiri_builder *self, uint32_t state, uint32_t to, weiri_formula when)
{
    add_edge(self, state,
        (weiri_edge){ .action = WEIRI_EDGE_IGNORE, .target = to, .when = when });
}

static void
add_proceed(weiri_builder *self, uint32_t state, uint32_t to, weiri_formula when)
{
    add_edge(self, state,
        (weiri_edge){ .action = WEIRI_EDGE_PROCEED, .target = to, .when = when });
}

/* A copy with the guard that the state has now. */
static uint32_t
copy_of(weiri_builder *self, uint32_t state)
{
    if (state == WEIRI_FINAL) {
        return state;
    }
    uint32_t        copy     = add_state(self);
    weiri_raw_state original = self->states[state];
    original.edges           = NULL;
    original.n_edges         = 0;
    self->states[copy]       = original;
    return copy;
}

/* How an element waits for its first event. False: it does not. */
static bool
can_wait(weiri_builder *self, weiri_contiguity contiguity, weiri_steps awaited,
    weiri_formula *when)
{
    *when =
        contiguity == WEIRI_FOLLOWED ? not_so(self, fits_any(self, awaited)) : WEIRI_TRUE;
    return contiguity == WEIRI_FOLLOWED || contiguity == WEIRI_FOLLOWED_ANY;
}

/* The ways out of an element without a (further) event. */
static void
add_exit(weiri_builder *self, const element *e, uint32_t from, bool leaves_out)
{
    weiri_edge edge = { .action = WEIRI_EDGE_PROCEED, .leaves_out = leaves_out };
    edge.target     = e->to.state;
    edge.is_exit    = true;
    edge.when       = WEIRI_TRUE;
    if (e->free_exit != e->to.state) {
        edge.when        = not_so(self, e->until);
        weiri_edge freed = edge;
        freed.target     = e->free_exit;
        freed.when       = e->until;
        add_edge(self, from, freed);
    }
    add_edge(self, from, edge);
}

/* ---- steps ---- */

/* What the part of a repetition that is not its first event has to ask besides. */
static weiri_formula
with_until(weiri_builder *self, const element *e, weiri_formula when)
{
    return e->has_until ? both(self, when, not_so(self, e->until)) : when;
}

static weiri_formula
with_lazy(weiri_builder *self, const element *e, bool is_beyond, weiri_formula when)
{
    bool is_lazy = is_beyond && e->pattern->preference == WEIRI_PREFER_LAZY;
    return is_lazy ? both(self, when, not_so(self, fits_any(self, e->to.first))) : when;
}

static uint32_t
add_step_state(weiri_builder *self, const element *e, weiri_steps stops)
{
    uint32_t state            = add_state(self);
    self->states[state].step  = e->pattern->step;
    self->states[state].stops = stops;
    return state;
}

/* One repetition of a step. */
static uint32_t
build_step(
    weiri_builder *self, const element *e, sink to, bool is_first, bool is_optional)
{
    weiri_steps   set  = UINT64_C(1) << e->pattern->step;
    weiri_formula take = with_until(self, e, fits_any(self, set));
    take               = with_lazy(self, e, is_optional, take);
    if (is_first) {
        take = both(self, take, e->at.entry);
    }
    uint32_t state = add_step_state(self, e, is_first ? 0 : e->at.not_after);
    add_take(self, state, to.state, take);
    if (is_optional) {
        add_exit(self, e, state, is_first);
    }
    weiri_formula ignore = WEIRI_TRUE;
    if (!can_wait(self, is_first ? e->at.contiguity : inner_contiguity(e->pattern), set,
            &ignore)) {
        return state;
    }
    if (!is_first) {
        ignore = with_lazy(self, e, is_optional, with_until(self, e, ignore));
    } else if (e->at.entry_waits) {
        ignore = both(self, ignore, e->at.entry);
    }
    uint32_t waiting = state;
    if (is_optional || (is_first && e->at.begins_optional)) {
        /* Having passed over an event it cannot be left out any more: otherwise the
         * same match would be found once for each event in between. */
        waiting = add_step_state(self, e, 0);
        add_take(self, waiting, to.state, take);
        add_ignore(self, waiting, waiting, ignore);
    }
    add_ignore(self, state, waiting, ignore);
    return state;
}

static uint32_t
build_step_loop(weiri_builder *self, const element *e)
{
    weiri_steps   set  = UINT64_C(1) << e->pattern->step;
    weiri_formula take = with_until(self, e, fits_any(self, set));
    take               = with_lazy(self, e, true, take);
    uint32_t state     = add_step_state(self, e, e->at.not_after);
    add_exit(self, e, state, false);
    add_take(self, state, state, take);
    weiri_formula ignore = WEIRI_TRUE;
    if (can_wait(self, inner_contiguity(e->pattern), set, &ignore)) {
        ignore           = with_lazy(self, e, true, with_until(self, e, ignore));
        uint32_t waiting = add_step_state(self, e, e->at.not_after);
        add_take(self, waiting, state, take);
        add_ignore(self, waiting, waiting, ignore);
        add_ignore(self, state, waiting, ignore);
    }
    return state;
}

/* ---- negations ---- */

/* Before the first element: the arrow after it says how far back it looks (3.4). */
static uint32_t
build_leading_not(weiri_builder *self, uint32_t step, bool is_just_before, uint32_t to)
{
    weiri_atom atom      = { .of = step };
    atom.kind            = is_just_before ? WEIRI_ATOM_JUST_BEFORE : WEIRI_ATOM_BEFORE;
    weiri_formula before = add_atom(self, atom);
    uint32_t      state  = add_state(self);
    self->states[state].history = not_so(self, before);
    add_proceed(self, state, to, WEIRI_TRUE);
    return state;
}

static uint32_t
build_not_next(weiri_builder *self, uint32_t step, place at, uint32_t to)
{
    weiri_steps   set           = UINT64_C(1) << step;
    weiri_formula not_fits      = not_so(self, fits_any(self, set));
    uint32_t      state         = add_state(self);
    self->states[state].stops   = set;
    self->states[state].is_late = true;
    if (to != WEIRI_FINAL) {
        add_proceed(self, state, to, not_fits);
    }
    if (at.ends_pattern) {
        add_ignore(self, state, WEIRI_FINAL, not_fits);
    }
    return state;
}

static uint32_t
build_pending(weiri_builder *self, uint32_t step)
{
    weiri_steps set                = UINT64_C(1) << step;
    uint32_t    state              = add_state(self);
    self->states[state].is_pending = true;
    self->states[state].stops      = set;
    self->states[state].step       = step;
    add_ignore(self, state, state, not_so(self, fits_any(self, set)));
    return state;
}

static uint32_t
build_not_followed(weiri_builder *self, uint32_t step, place at, uint32_t to)
{
    bool has_deadline = self->plan->within_ns >= 0 || self->plan->steps[step].gap_ns >= 0;
    if (to == WEIRI_FINAL) { /* without a deadline nothing would end the wait */
        return has_deadline ? build_pending(self, step) : to;
    }
    if (self->states[to].is_pending) { /* directly before another one (3.2) */
        return to;
    }
    uint32_t state             = add_state(self);
    self->states[state].begins = UINT64_C(1) << step;
    add_proceed(self, state, to, WEIRI_TRUE);
    if (at.ends_pattern && has_deadline) {
        self->closing |= UINT64_C(1) << step;
        add_proceed(self, state, build_pending(self, step), WEIRI_TRUE);
    } else if (at.ends_pattern) {
        uint32_t either = add_state(self);
        add_proceed(self, either, state, WEIRI_TRUE);
        add_proceed(self, either, WEIRI_FINAL, WEIRI_TRUE);
        return either;
    }
    return state;
}

/* ---- sequences ---- */

static bool
all_negated_before(const weiri_pattern *p, uint32_t i)
{
    while (i > 0 && p->items[i - 1]->is_negated) {
        i--;
    }
    return i == 0;
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
build_not(weiri_builder *self, const weiri_pattern *p, uint32_t i, place at, uint32_t to)
{
    uint32_t             step = p->items[i]->step;
    const weiri_pattern *next = i + 1 < p->n_items ? p->items[i + 1] : NULL;
    if (at.begins_match) {
        bool is_just_before = next != NULL && next->contiguity == WEIRI_NEXT;
        return build_leading_not(self, step, is_just_before, to);
    }
    if (at.contiguity == WEIRI_NEXT) {
        return build_not_next(self, step, at, to);
    }
    return is_next_after(p, i) ? to : build_not_followed(self, step, at, to);
}

static uint32_t
build_sequence(weiri_builder *self, const weiri_pattern *p, place group, sink to)
{
    for (uint32_t i = p->n_items; i-- > 0;) {
        const weiri_pattern *item = p->items[i];
        const weiri_pattern *next = i + 1 < p->n_items ? p->items[i + 1] : NULL;
        place                at = { .entry = WEIRI_TRUE, .contiguity = item->contiguity };
        if (i == 0) {
            at = group;
        }
        at.begins_match = group.begins_match && all_negated_before(p, i);
        at.ends_pattern = group.ends_pattern && next == NULL;
        at.not_after    = 0;
        if (next != NULL && next->is_negated && next->contiguity != WEIRI_NEXT) {
            at.not_after = UINT64_C(1) << next->step;
        }
        if (item->is_negated) {
            to.state = build_not(self, p, i, at, to.state);
            continue;
        }
        to.state = build_element(self, item, at, to);
        to.first = first_steps(item) | (can_be_empty(item) ? to.first : 0);
    }
    return to.state;
}

/* ---- choices ---- */

/* Ways into several elements from a state that waits for any of them (2.7). */
typedef struct choice {
    const uint32_t *entries;
    uint32_t        n;
    weiri_steps     first;
    uint32_t        exit; /* where it leads if nothing is taken */
} choice;

static void
add_ways(weiri_builder *self, uint32_t state, const choice *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        add_proceed(self, state, c->entries[i], WEIRI_TRUE);
    }
}

static uint32_t
build_choice(weiri_builder *self, const choice *c, place at)
{
    uint32_t      state = add_state(self);
    weiri_formula when  = WEIRI_TRUE;
    add_ways(self, state, c);
    if (!can_wait(self, at.contiguity, c->first, &when)) {
        return state;
    }
    if (at.entry_waits) {
        when = both(self, when, at.entry);
    }
    self->states[state].barrier = c->exit;
    add_ignore(self, state, state, when);
    return state;
}

static uint32_t
build_or(weiri_builder *self, const weiri_pattern *p, place at, sink to)
{
    uint32_t *entries = weiri_arena_alloc(self->arena, p->n_items * sizeof *entries);
    choice    c       = { .entries = entries, .n = p->n_items, .exit = to.state };
    for (uint32_t i = 0; i < p->n_items; i++) {
        place inside           = at;
        sink  own              = { copy_of(self, to.state), to.first };
        inside.contiguity      = WEIRI_FIRST;
        inside.begins_optional = false;
        inside.not_after       = 0;
        entries[i]             = build_element(self, p->items[i], inside, own);
        c.first |= first_steps(p->items[i]);
    }
    return build_choice(self, &c, at);
}

enum { MAX_AND = 12 };

/* Items of an `and`; rests[set] stands for the items of `set` being left. */
typedef struct conjunction {
    const weiri_pattern *items[MAX_AND];
    uint32_t             n_items;
    place                at;
    sink                *rests;
} conjunction;

static void
build_rest(weiri_builder *self, conjunction *c, uint32_t left)
{
    bool     is_all = left == (1U << c->n_items) - 1;
    uint32_t entries[MAX_AND];
    choice   ways  = { .entries = entries, .exit = c->rests[0].state };
    bool     empty = true;
    for (uint32_t i = 0; i < c->n_items; i++) {
        if ((left >> i & 1) == 0) {
            continue;
        }
        sink to         = c->rests[left & ~(1U << i)];
        to.state        = copy_of(self, to.state);
        place at        = { .contiguity = WEIRI_FIRST, .entry = WEIRI_TRUE };
        at.begins_match = c->at.begins_match && is_all;
        at.ends_pattern = c->at.ends_pattern && (left & (left - 1)) == 0;
        if (is_all) {
            at.entry       = c->at.entry;
            at.entry_waits = c->at.entry_waits;
        }
        entries[ways.n++] = build_element(self, c->items[i], at, to);
        ways.first |= first_steps(c->items[i]);
        empty = empty && can_be_empty(c->items[i]);
    }
    place at = { .contiguity = WEIRI_FOLLOWED, .entry = c->at.entry };
    if (is_all) {
        at.contiguity      = c->at.contiguity;
        at.begins_optional = c->at.begins_optional;
        at.entry_waits     = c->at.entry_waits;
    }
    c->rests[left].state = build_choice(self, &ways, at);
    c->rests[left].first = ways.first | (empty ? c->rests[0].first : 0);
}

static weiri_steps
split_negations(const weiri_pattern *p, conjunction *c)
{
    weiri_steps nots = 0;
    for (uint32_t i = 0; i < p->n_items; i++) {
        if (p->items[i]->is_negated) {
            nots |= UINT64_C(1) << p->items[i]->step;
        } else if (c->n_items < MAX_AND) {
            c->items[c->n_items++] = p->items[i];
        } else {
            c->n_items = MAX_AND + 1;
            return nots;
        }
    }
    return nots;
}

static uint32_t
build_and(weiri_builder *self, const weiri_pattern *p, place at, sink to)
{
    conjunction c    = { .at = at };
    weiri_steps nots = split_negations(p, &c);
    if (c.n_items == 0 || c.n_items > MAX_AND) {
        self->failure = "joins too many (or no) elements by 'and'";
        return WEIRI_FINAL;
    }
    if (nots != 0) {
        uint32_t exit            = add_state(self);
        self->states[exit].clean = nots;
        add_proceed(self, exit, to.state, WEIRI_TRUE);
        to.state = exit;
    }
    uint32_t n_sets = 1U << c.n_items;
    uint32_t from   = self->n_states;
    c.rests         = weiri_arena_alloc(self->arena, n_sets * sizeof *c.rests);
    c.rests[0]      = to;
    for (uint32_t left = 1; left < n_sets && self->failure == NULL; left++) {
        build_rest(self, &c, left);
    }
    for (uint32_t s = from; s < self->n_states; s++) {
        self->states[s].inside |= nots;
    }
    return c.rests[n_sets - 1].state;
}

/* ---- groups and repetitions ---- */

static uint32_t
build_body(weiri_builder *self, const weiri_pattern *p, place at, sink to)
{
    switch (p->kind) {
    case WEIRI_PATTERN_SEQUENCE: return build_sequence(self, p, at, to);
    case WEIRI_PATTERN_OR: return build_or(self, p, at, to);
    case WEIRI_PATTERN_AND: return build_and(self, p, at, to);
    case WEIRI_PATTERN_STEP: break;
    }
    return to.state;
}

/* Negations that a group begins with must not reach past it: they get a state before
 * them that the ways out leave from. */
static uint32_t
own_entry(weiri_builder *self, uint32_t first)
{
    const weiri_raw_state *state = &self->states[first];
    bool is_step = state->step != WEIRI_NONE || state->barrier != WEIRI_NONE;
    if (is_step
        || (state->begins == 0 && state->stops == 0 && state->history == WEIRI_TRUE)) {
        return first;
    }
    uint32_t entry = add_state(self);
    add_proceed(self, entry, first, WEIRI_TRUE);
    return entry;
}

/* One pass of a group. */
static uint32_t
build_group(weiri_builder *self, const element *e, sink to, bool is_first, bool is_beyond)
{
    const weiri_pattern *p  = e->pattern;
    place                at = { .entry = WEIRI_TRUE };
    at.ends_pattern         = e->at.ends_pattern && e->may_end;
    at.contiguity           = is_first ? e->at.contiguity : inner_contiguity(p);
    at.begins_optional      = is_first && (is_beyond || e->at.begins_optional);
    at.begins_match         = is_first && e->at.begins_match;
    at.entry_waits          = !is_first || e->at.entry_waits;
    at.entry = with_lazy(self, e, is_beyond, is_first ? e->at.entry : WEIRI_TRUE);
    weiri_formula context = self->context;
    self->context         = with_until(self, e, context);
    uint32_t first        = own_entry(self, build_body(self, p, at, to));
    self->context         = context;
    if (!is_first) {
        self->states[first].stops |= e->at.not_after;
    }
    if (is_beyond) {
        self->states[first].is_repeated = !is_first;
        add_exit(self, e, first, is_first);
    }
    return first;
}

static uint32_t
build_pass(weiri_builder *self, const element *e, sink to, bool is_first, bool is_beyond)
{
    return e->pattern->kind == WEIRI_PATTERN_STEP
               ? build_step(self, e, to, is_first, is_beyond)
               : build_group(self, e, to, is_first, is_beyond);
}

static uint32_t
build_loop(weiri_builder *self, const element *e, weiri_steps first)
{
    if (e->pattern->kind == WEIRI_PATTERN_STEP) {
        return build_step_loop(self, e);
    }
    uint32_t again = add_state(self);
    sink     to    = { .state = again, .first = first | e->to.first };
    add_proceed(self, again, build_group(self, e, to, false, true), WEIRI_TRUE);
    return again;
}

static uint32_t
build_repetition(weiri_builder *self, element *e)
{
    const weiri_pattern *p     = e->pattern;
    weiri_steps          first = first_steps(p);
    sink                 last  = e->to;
    uint32_t             must  = p->min == 0 ? 1 : p->min;
    e->may_end                 = true;
    if (p->max == WEIRI_UNBOUNDED) {
        last.state = build_loop(self, e, first);
        last.first |= first;
    }
    for (uint32_t i = must; p->max != WEIRI_UNBOUNDED && i < p->max; i++) {
        if (self->failure != NULL) {
            return WEIRI_FINAL;
        }
        last.state = build_pass(self, e, last, false, true);
        last.first |= first;
    }
    for (uint32_t i = 1; i < must && self->failure == NULL; i++) {
        last.state = build_pass(self, e, last, false, false);
        last.first = first | (can_be_empty(p) ? last.first : 0);
        e->may_end = false;
    }
    return self->failure != NULL ? WEIRI_FINAL
                                 : build_pass(self, e, last, true, p->min == 0);
}

/* The repetition goes first: what follows may have no event that it could take (2.5). */
static void
guard_sink(weiri_builder *self, element *e)
{
    const weiri_pattern *p    = e->pattern;
    uint32_t             next = e->to.state;
    if (p->preference != WEIRI_PREFER_GREEDY || p->min == p->max || next == WEIRI_FINAL) {
        return;
    }
    if (e->has_until) {
        e->free_exit = copy_of(self, next);
    }
    weiri_formula fits_not   = not_so(self, fits_any(self, first_steps(p)));
    self->states[next].guard = both(self, self->states[next].guard, fits_not);
    while (!e->has_until && self->states[next].begins != 0
           && self->states[next].alias == next) {
        next = self->states[next].edges[0].target; /* what the negations stand before */
        if (next == WEIRI_FINAL) {
            return;
        }
        self->states[next].guard = both(self, self->states[next].guard, fits_not);
    }
}

static bool
is_possible(const weiri_pattern *p)
{
    return p->max > 0 && p->max >= p->min
           && (p->kind == WEIRI_PATTERN_STEP ? !p->is_negated : p->n_items > 0);
}

static uint32_t
build_element(weiri_builder *self, const weiri_pattern *p, place at, sink to)
{
    if (!is_possible(p)) {
        self->failure = "has a repetition or a negation that cannot be";
        return WEIRI_FINAL;
    }
    element e = { .pattern = p, .at = at, .to = to, .free_exit = to.state };
    if (p->until != NULL) {
        e.has_until = true;
        e.until     = add_atom(self, (weiri_atom){ .kind = WEIRI_ATOM_EVENT,
                                         .input          = input_of(self, p),
                                         .where          = *p->until });
    }
    guard_sink(self, &e);
    return build_repetition(self, &e);
}

/* `match not s for D`: s, then no s until the deadline; the next s begins anew (3.5). */
static uint32_t
build_silence(weiri_builder *self, const weiri_pattern *p)
{
    while (p->kind == WEIRI_PATTERN_SEQUENCE && p->n_items == 1) {
        p = p->items[0];
    }
    if (p->kind != WEIRI_PATTERN_STEP) {
        self->failure = "has a 'for' that does not follow one step";
        return WEIRI_FINAL;
    }
    uint32_t quiet           = build_pending(self, p->step);
    uint32_t state           = add_state(self);
    self->states[state].step = p->step;
    add_take(self, state, quiet, fits_any(self, UINT64_C(1) << p->step));
    return state;
}

bool
weiri_builder_run(weiri_builder *self)
{
    const weiri_match *plan = self->plan;
    place              at   = { .contiguity = WEIRI_FIRST, .entry = WEIRI_TRUE };
    at.begins_match         = true;
    at.ends_pattern         = true;
    self->context           = WEIRI_TRUE;
    add_state(self); /* final */
    self->start = plan->silence_ns >= 0 ? build_silence(self, plan->pattern)
                                        : build_element(self, plan->pattern, at,
                                            (sink){ .state = WEIRI_FINAL });
    return self->failure == NULL && !self->automaton->conditions.is_out_of_memory;
}
