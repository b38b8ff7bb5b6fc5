/* From the pattern's tree to raw states, last element first. */
#include "match/builder.h"

#include "weiri/limits.h"

/* What follows an element. */
typedef struct sink {
    uint32_t state;
    uint64_t first; /* steps that may take the first event of it, a bit each */
} sink;

/* How an element waits for its first event. */
typedef enum waiting {
    WAIT_BEGIN, /* the pattern begins with it: there is nothing to wait in */
    WAIT_NEXT,
    WAIT_RELAXED,
    WAIT_ANY,
    WAIT_SHARED /* the `or` around it waits */
} waiting;

static uint32_t
build_element(weiri_builder *self, const weiri_pattern *p, sink to, waiting wait,
    weiri_formula not_after);

/* ---- what can be said of a pattern from its tree ---- */

static bool
can_be_empty(const weiri_pattern *p)
{
    if (p->min == 0) {
        return true;
    }
    bool is_or = p->kind == WEIRI_PATTERN_OR;
    if (p->kind == WEIRI_PATTERN_STEP) {
        return p->is_negated;
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        if (can_be_empty(p->items[i]) == is_or) {
            return is_or;
        }
    }
    return !is_or;
}

/* Steps that may take its first event. */
static uint64_t
first_steps(const weiri_pattern *p)
{
    if (p->kind == WEIRI_PATTERN_STEP) {
        return p->is_negated ? 0 : UINT64_C(1) << p->step;
    }
    uint64_t steps = 0;
    for (uint32_t i = 0; i < p->n_items; i++) {
        steps |= first_steps(p->items[i]);
        if (p->kind == WEIRI_PATTERN_SEQUENCE && !can_be_empty(p->items[i])) {
            break;
        }
    }
    return steps;
}

/* Steps whose events an element does not pass over while it waits (2.1, 2.6, 2.7). */
static uint64_t
awaited_steps(const weiri_pattern *p)
{
    if (p->kind == WEIRI_PATTERN_SEQUENCE && p->n_items > 0) {
        uint32_t i = 0;
        while (i + 1 < p->n_items && p->items[i]->is_negated) {
            i++;
        }
        return awaited_steps(p->items[i]);
    }
    return first_steps(p);
}

static bool
begins_with_negation(const weiri_pattern *p)
{
    if (p->kind == WEIRI_PATTERN_STEP) {
        return p->is_negated;
    }
    return p->kind == WEIRI_PATTERN_SEQUENCE && p->n_items > 0
        && begins_with_negation(p->items[0]);
}

/* ---- formulas ---- */

static weiri_formula
both(weiri_builder *self, weiri_formula a, weiri_formula b)
{
    return weiri_formula_and(&self->automaton->conditions, a, b);
}

static weiri_formula
neither(weiri_builder *self, weiri_formula a)
{
    return weiri_formula_not(&self->automaton->conditions, a);
}

static weiri_formula
fits(weiri_builder *self, uint32_t step)
{
    return weiri_formula_atom(&self->automaton->conditions, step);
}

static weiri_formula
fits_any(weiri_builder *self, uint64_t steps)
{
    weiri_formula any = WEIRI_FALSE;
    for (uint32_t i = 0; i < WEIRI_STEPS; i++) {
        if ((steps >> i & 1) != 0) {
            any = weiri_formula_or(&self->automaton->conditions, any, fits(self, i));
        }
    }
    return any;
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

/* The stream whose fields an `until` reads: that of the element's first step. */
static uint32_t
input_of(const weiri_builder *self, const weiri_pattern *p)
{
    while (p->kind != WEIRI_PATTERN_STEP) {
        p = p->items[0];
    }
    return self->plan->steps[p->step].input;
}

static weiri_formula
until_of(weiri_builder *self, const weiri_pattern *p)
{
    if (p->until == NULL) {
        return WEIRI_FALSE;
    }
    return add_atom(self, (weiri_atom){ .kind = WEIRI_ATOM_EVENT,
                              .input          = input_of(self, p),
                              .where          = *p->until });
}

/* ---- edges ---- */

/* An edge of an element: what the groups around it ask goes for it too (2.4). */
static void
add(weiri_builder *self, uint32_t state, weiri_edge edge)
{
    edge.when = both(self, edge.when, self->context);
    if (edge.action == WEIRI_EDGE_TAKE) {
        edge.when = both(self, edge.when, self->take_context);
    }
    weiri_builder_add_edge(self, state, edge);
}

static void
add_passing(weiri_builder *self, uint32_t state, weiri_edge_action action, uint32_t to)
{
    add(self, state, (weiri_edge){ .action = action, .target = to, .when = WEIRI_TRUE });
}

/* Whether a way leaves something out; states that are not finished count as if. */
static bool
leaves_out(const weiri_builder *self, uint32_t state)
{
    const weiri_raw_state *s = &self->states[state];
    for (uint32_t i = 0; i < s->n_edges; i++) {
        if (s->edges[i].action == WEIRI_EDGE_LEAVE_OUT
            || (s->edges[i].action == WEIRI_EDGE_PROCEED
                && leaves_out(self, s->edges[i].target))) {
            return true;
        }
    }
    return !s->is_done;
}

/* Let `state` pass over events. Having passed over one, nothing can be left out any
 * more: otherwise the same match would be found once for every event in between. */
static void
add_waiting(weiri_builder *self, uint32_t state, waiting wait, uint64_t awaited,
    weiri_formula also)
{
    if (wait != WAIT_RELAXED && wait != WAIT_ANY) {
        return;
    }
    weiri_formula when
        = wait == WAIT_ANY ? WEIRI_TRUE : neither(self, fits_any(self, awaited));
    uint32_t to = state;
    if (leaves_out(self, state)) {
        to = weiri_builder_derive(self, state, WEIRI_STRIPPED, WEIRI_TRUE, -1);
    }
    add(self, state,
        (weiri_edge){ .action = WEIRI_EDGE_IGNORE,
            .target           = to,
            .when             = both(self, when, also) });
}

static waiting
waiting_of(weiri_contiguity contiguity)
{
    switch (contiguity) {
    case WEIRI_FIRST:
    case WEIRI_NEXT: return WAIT_NEXT;
    case WEIRI_FOLLOWED: return WAIT_RELAXED;
    case WEIRI_FOLLOWED_ANY: return WAIT_ANY;
    }
    return WAIT_NEXT;
}

static waiting
waiting_inside(weiri_inner inner)
{
    return inner == WEIRI_INNER_RELAXED ? WAIT_RELAXED
        : inner == WEIRI_INNER_NEXT     ? WAIT_NEXT
                                        : WAIT_ANY;
}

/* ---- elements, once ---- */

/* A negation before the first element: `arrow` is the one after it (3.4). */
static uint32_t
build_leading_not(weiri_builder *self, uint32_t step, uint32_t to, weiri_contiguity arrow)
{
    weiri_atom atom = { .of = step };
    atom.kind = arrow == WEIRI_NEXT ? WEIRI_ATOM_JUST_BEFORE : WEIRI_ATOM_BEFORE;
    weiri_formula before = add_atom(self, atom);
    return weiri_builder_derive(self, to, WEIRI_GUARDED, neither(self, before), -1);
}

static uint32_t
build_not(weiri_builder *self, const weiri_pattern *sequence, uint32_t i, uint32_t to,
    waiting wait)
{
    uint32_t step = sequence->items[i]->step;
    if (wait == WAIT_BEGIN) {
        bool is_last = i + 1 == sequence->n_items;
        return build_leading_not(self, step, to,
            is_last ? WEIRI_FOLLOWED : sequence->items[i + 1]->contiguity);
    }
    weiri_derivation derivation = wait == WAIT_NEXT ? WEIRI_ONCE : WEIRI_GUARDED;
    return weiri_builder_derive(self, to, derivation, neither(self, fits(self, step)),
        self->plan->steps[step].gap_ns);
}

/* The negation that stands right after item i with `->`: it holds inside a repeated
 * step already, as in Flink CEP. */
static weiri_formula
negation_after(weiri_builder *self, const weiri_pattern *sequence, uint32_t i)
{
    if (i + 1 >= sequence->n_items || !sequence->items[i + 1]->is_negated
        || sequence->items[i + 1]->contiguity == WEIRI_NEXT) {
        return WEIRI_TRUE;
    }
    return neither(self, fits(self, sequence->items[i + 1]->step));
}

static uint32_t
build_sequence(weiri_builder *self, const weiri_pattern *p, sink to, waiting wait)
{
    uint32_t n_leading = 0;
    while (n_leading < p->n_items && p->items[n_leading]->is_negated) {
        n_leading++;
    }
    for (uint32_t i = p->n_items; i-- > 0;) {
        const weiri_pattern *item = p->items[i];
        waiting here = i == 0 ? wait : waiting_of(item->contiguity);
        if (wait == WAIT_BEGIN && i <= n_leading) {
            here = WAIT_BEGIN;
        }
        if (item->is_negated) {
            to.state = build_not(self, p, i, to.state, here);
            continue;
        }
        to.state = build_element(self, item, to, here, negation_after(self, p, i));
        to.first = first_steps(item) | (can_be_empty(item) ? to.first : 0);
    }
    return to.state;
}

/* One way into each of the items whose bit is set in `open`; `after[i]` follows item i.
 * An alternative that begins with a negation waits by itself, so that the negation sees
 * what is passed over. */
static uint32_t
build_choice(weiri_builder *self, const weiri_pattern *p, uint64_t open, const sink *after,
    waiting wait)
{
    uint32_t state = weiri_builder_add_state(self);
    uint64_t first = 0;
    for (uint32_t i = 0; i < p->n_items; i++) {
        const weiri_pattern *item = p->items[i];
        if ((open >> i & 1) == 0) {
            continue;
        }
        bool    is_alone = begins_with_negation(item) && wait != WAIT_BEGIN;
        waiting here     = is_alone || wait == WAIT_BEGIN ? wait : WAIT_SHARED;
        uint32_t way     = build_element(self, item, after[i], here, WEIRI_TRUE);
        add_passing(
            self, state, is_alone ? WEIRI_EDGE_LEAVE_OUT : WEIRI_EDGE_PROCEED, way);
        first |= first_steps(item);
    }
    add_waiting(self, state, wait, first, WEIRI_TRUE);
    return state;
}

static uint32_t
build_or(weiri_builder *self, const weiri_pattern *p, sink to, waiting wait)
{
    sink after[WEIRI_STEPS];
    if (p->n_items > WEIRI_STEPS) {
        self->failure = "has too many alternatives";
        return WEIRI_FINAL;
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        after[i] = to;
    }
    return build_choice(self, p, UINT64_MAX, after, wait);
}

/* What the negations of an `and` ask of every event of it (2.8). */
static weiri_formula
negations_of_and(weiri_builder *self, const weiri_pattern *p)
{
    weiri_formula all = WEIRI_TRUE;
    for (uint32_t i = 0; i < p->n_items; i++) {
        if (p->items[i]->is_negated) {
            uint32_t      step = p->items[i]->step;
            weiri_formula seen = add_atom(
                self, (weiri_atom){ .kind = WEIRI_ATOM_SEEN, .of = step });
            all = both(self, all, neither(self, fits(self, step)));
            all = both(self, all, neither(self, seen));
        }
    }
    return all;
}

enum { MAX_AND = 12 };

/* A state for each set of items that are done; the full set is the sink. */
static uint32_t
build_and(weiri_builder *self, const weiri_pattern *p, sink to, waiting wait)
{
    uint64_t items = 0;
    uint32_t n     = 0;
    for (uint32_t i = 0; i < p->n_items && i < WEIRI_STEPS; i++) {
        if (!p->items[i]->is_negated) {
            items |= UINT64_C(1) << i;
            n++;
        }
    }
    if (n > MAX_AND || n == 0 || p->n_items > WEIRI_STEPS) {
        self->failure = "joins too many (or no) elements by 'and'";
        return WEIRI_FINAL;
    }
    weiri_formula context = self->context;
    self->context         = both(self, context, negations_of_and(self, p));
    sink *done = weiri_arena_alloc(self->arena, ((size_t)1 << n) * sizeof *done);
    uint32_t full = (1U << n) - 1;
    done[full]    = to;
    for (uint32_t set = full; set-- > 0 && self->failure == NULL;) {
        sink     after[WEIRI_STEPS];
        uint64_t open = 0;
        uint32_t bit  = 0;
        for (uint32_t i = 0; i < p->n_items; i++) {
            if ((items >> i & 1) != 0) {
                open |= (uint64_t)((set >> bit & 1) == 0) << i;
                after[i] = done[set | 1U << bit];
                bit++;
            }
        }
        done[set].state
            = build_choice(self, p, open, after, set == 0 ? wait : WAIT_RELAXED);
        done[set].first = 0;
        bool empty      = true;
        for (uint32_t i = 0; i < p->n_items; i++) {
            if ((open >> i & 1) != 0) {
                done[set].first |= first_steps(p->items[i]);
                empty = empty && can_be_empty(p->items[i]);
            }
        }
        done[set].first |= empty ? to.first : 0;
    }
    self->context = context;
    return done[0].state;
}

/* One pass of an element without its quantifier. */
static uint32_t
build_once(weiri_builder *self, const weiri_pattern *p, sink to, waiting wait)
{
    uint32_t state = 0;
    switch (p->kind) {
    case WEIRI_PATTERN_STEP:
        state = weiri_builder_add_state(self);
        add(self, state,
            (weiri_edge){ .action = WEIRI_EDGE_TAKE,
                .step             = p->step,
                .target           = to.state,
                .when             = fits(self, p->step) });
        return state;
    case WEIRI_PATTERN_SEQUENCE: return build_sequence(self, p, to, wait);
    case WEIRI_PATTERN_OR: return build_or(self, p, to, wait);
    case WEIRI_PATTERN_AND: return build_and(self, p, to, wait);
    }
    return state;
}

/* ---- quantifiers ---- */

typedef struct repetition {
    const weiri_pattern *element;
    sink                 to;
    weiri_formula        until;   /* holds: no further repetition */
    weiri_formula        at_most; /* asked of what is beyond the minimum (lazy) */
    weiri_formula        not_after;
} repetition;

/* A pass that ends in `to`. A group waits through its own first item. */
static uint32_t
build_pass(weiri_builder *self, const repetition *r, sink to, waiting wait, bool is_extra)
{
    const weiri_pattern *p            = r->element;
    weiri_formula        context      = self->context;
    weiri_formula        take_context = self->take_context;
    weiri_formula        more         = neither(self, r->until);
    if (p->kind == WEIRI_PATTERN_STEP) {
        self->take_context = both(self, self->take_context, more);
    } else {
        self->context = both(self, self->context, more);
    }
    if (is_extra) {
        self->take_context = both(self, self->take_context, r->at_most);
    }
    uint32_t body = build_once(self, p, to, wait);
    uint32_t pass = weiri_builder_add_state(self);
    self->context      = context;
    self->take_context = take_context;
    add_passing(self, pass, WEIRI_EDGE_PROCEED, body);
    return pass;
}

/* Waiting before a repetition that is not the first. */
static void
add_inner_waiting(weiri_builder *self, const repetition *r, uint32_t state, bool is_extra)
{
    const weiri_pattern *p    = r->element;
    weiri_formula        also = neither(self, r->until);
    if (is_extra) {
        also = both(self, also, r->at_most);
    }
    also = both(self, also, r->not_after);
    add_waiting(self, state, waiting_inside(p->inner), awaited_steps(p), also);
}

/* What a pass is told of the wait before it: negations at a group's start are
 * themselves the wait, all else waits in the state around it. */
static waiting
told(const weiri_pattern *p, waiting wait)
{
    bool is_own = p->kind != WEIRI_PATTERN_STEP
        && (begins_with_negation(p) || wait == WAIT_BEGIN);
    return is_own ? wait : WAIT_SHARED;
}

static uint32_t
build_loop(weiri_builder *self, const repetition *r)
{
    const weiri_pattern *p     = r->element;
    sink                 again = { .state = weiri_builder_add_state(self),
                        .first = first_steps(p) | r->to.first };
    weiri_formula take_context = self->take_context;
    self->take_context         = both(self, take_context, r->not_after);
    uint32_t body
        = build_pass(self, r, again, told(p, waiting_inside(p->inner)), true);
    self->take_context = take_context;
    add_passing(self, again.state, WEIRI_EDGE_LEAVE_OUT, r->to.state);
    bool is_own = begins_with_negation(p);
    add_passing(
        self, again.state, is_own ? WEIRI_EDGE_LEAVE_OUT : WEIRI_EDGE_PROCEED, body);
    if (!is_own) {
        add_inner_waiting(self, r, again.state, true);
    }
    return again.state;
}

static uint32_t
build_inner(weiri_builder *self, const repetition *r, sink to, bool is_extra)
{
    const weiri_pattern *p            = r->element;
    weiri_formula        take_context = self->take_context;
    self->take_context                = both(self, take_context, r->not_after);
    uint32_t state
        = build_pass(self, r, to, told(p, waiting_inside(p->inner)), is_extra);
    self->take_context = take_context;
    if (is_extra) {
        add_passing(self, state, WEIRI_EDGE_LEAVE_OUT, r->to.state);
    }
    if (!begins_with_negation(p)) {
        add_inner_waiting(self, r, state, is_extra);
    }
    return state;
}

static uint32_t
build_first(weiri_builder *self, const repetition *r, sink to, waiting wait)
{
    const weiri_pattern *p     = r->element;
    uint32_t             state = build_pass(self, r, to, told(p, wait), p->min == 0);
    if (p->min == 0) {
        add_passing(self, state, WEIRI_EDGE_LEAVE_OUT, r->to.state);
    }
    bool is_group = p->kind != WEIRI_PATTERN_STEP;
    if (!begins_with_negation(p)) {
        add_waiting(self, state, wait, awaited_steps(p),
            is_group ? neither(self, r->until) : WEIRI_TRUE);
    }
    return state;
}

static repetition
prepare(weiri_builder *self, const weiri_pattern *p, sink to, weiri_formula not_after)
{
    repetition r = { .element = p, .to = to, .at_most = WEIRI_TRUE };
    r.until      = until_of(self, p);
    r.not_after  = p->kind == WEIRI_PATTERN_STEP && p->max > 1 ? not_after : WEIRI_TRUE;
    if (p->max > p->min && p->preference == WEIRI_PREFER_GREEDY) {
        weiri_formula more
            = both(self, fits_any(self, first_steps(p)), neither(self, r.until));
        r.to.state = weiri_builder_derive(
            self, to.state, WEIRI_EDGES, neither(self, more), -1);
    }
    if (p->preference == WEIRI_PREFER_LAZY) {
        r.at_most = neither(self, fits_any(self, to.first));
    }
    return r;
}

static uint32_t
build_element(weiri_builder *self, const weiri_pattern *p, sink to, waiting wait,
    weiri_formula not_after)
{
    if (p->max == 0 || p->max < p->min || (p->is_negated && p->kind != WEIRI_PATTERN_STEP)
        || (p->kind != WEIRI_PATTERN_STEP && p->n_items == 0)
        || (p->is_negated && wait == WAIT_SHARED)) {
        self->failure = "has a repetition or a negation that cannot be";
        return WEIRI_FINAL;
    }
    repetition r     = prepare(self, p, to, not_after);
    sink       after = r.to;
    uint64_t   first = first_steps(p);
    uint32_t   n     = p->min > 0 ? p->min : 1; /* passes that are not extra */
    if (p->max == WEIRI_UNBOUNDED) {
        after.state = build_loop(self, &r);
        after.first = to.first | first;
    } else {
        for (uint32_t i = n; i < p->max && self->failure == NULL; i++) {
            after.state = build_inner(self, &r, after, true);
            after.first = to.first | first;
        }
    }
    for (uint32_t i = 1; i < n && self->failure == NULL; i++) {
        after.state = build_inner(self, &r, after, false);
        after.first = first | (can_be_empty(p) ? after.first : 0);
    }
    return self->failure != NULL ? WEIRI_FINAL : build_first(self, &r, after, wait);
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
    uint32_t quiet = weiri_builder_derive(
        self, WEIRI_FINAL, WEIRI_GUARDED, neither(self, fits(self, p->step)), -1);
    return build_once(
        self, p, (sink){ .state = quiet }, WAIT_NEXT); /* is_negated is not looked at */
}

bool
weiri_builder_run(weiri_builder *self)
{
    const weiri_match *plan = self->plan;
    self->context           = WEIRI_TRUE;
    self->take_context      = WEIRI_TRUE;
    weiri_builder_add_state(self); /* final */
    sink end = { .state = WEIRI_FINAL };
    if (plan->silence_ns >= 0) {
        self->start = build_silence(self, plan->pattern);
    } else if (plan->pattern->kind == WEIRI_PATTERN_STEP && plan->pattern->is_negated) {
        self->failure = "is a negation alone";
    } else {
        self->start
            = build_element(self, plan->pattern, end, WAIT_BEGIN, WEIRI_TRUE);
    }
    weiri_builder_resolve(self);
    return self->failure == NULL && !self->automaton->conditions.is_out_of_memory;
}
