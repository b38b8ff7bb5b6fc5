/* What a partial match can do on an event is found by following PROCEED edges from its
 * raw state. It also carries which negations are in force (from a `-> not` until
 * something is taken), whether an element was left out since, and which negations of an
 * `and` have been fitted: a state of the automaton is all of these together. */
#include "match/flatten.h"

#include "weiri/assert.h"

enum { MAX_WORK = 1 << 14, MAX_SEEN = 16 };

typedef struct product {
    uint32_t    raw;
    bool        left_out;
    bool        has_waited; /* in the state of a choice, or of a group's repetition    */
    bool        is_late;    /* on its way from a TAKE: what it passed could go on      */
    weiri_steps active;
    weiri_steps seen;
} product;

/* A raw state reached without an event, and on which events. */
typedef struct way {
    product       at;
    weiri_formula when;
} way;

typedef struct folding {
    weiri_builder   *builder;
    weiri_automaton *automaton;
    weiri_steps      all_inside;
    weiri_steps     *cares; /* per raw state: negations of an `and` that matter from it */
    product         *products;
    uint32_t         n_products;
    uint32_t        *newest; /* per raw state: a product of it + 1   */
    uint32_t        *older;  /* per product: another one + 1         */
    uint32_t         n_older;
    weiri_draft     *drafts;
    uint32_t         n_drafts;
    /* the closure at work */
    way          *ways;
    uint32_t      n_ways;
    uint32_t      n_work;
    product       from;
    bool          is_start;
    weiri_formula stop;
    /* where a TAKE arrives */
    way          *arrivals;
    uint32_t      n_arrivals;
    weiri_formula is_final;
    way          *pendings;
    uint32_t      n_pendings;
    uint8_t      *marks;
} folding;

static weiri_conditions *
conditions(folding *self)
{
    return &self->automaton->conditions;
}

static weiri_formula
both(folding *self, weiri_formula a, weiri_formula b)
{
    return weiri_formula_and(conditions(self), a, b);
}

static weiri_formula
not_any(folding *self, weiri_steps steps)
{
    return weiri_formula_not(
        conditions(self), weiri_automaton_fits(self->automaton, steps));
}

static bool
is_same_product(const product *a, const product *b)
{
    return a->raw == b->raw && a->left_out == b->left_out
           && a->has_waited == b->has_waited && a->is_late == b->is_late
           && a->active == b->active && a->seen == b->seen;
}

/* Note that `at` is reached on the events of `when`. False: that was known. */
static bool
note_way(folding *self, way **list, uint32_t *n, product at, weiri_formula when)
{
    if (when == WEIRI_FALSE || self->builder->failure != NULL) {
        return false;
    }
    if (++self->n_work > MAX_WORK) {
        self->builder->failure = "has too many elements that may be left out";
        return false;
    }
    for (uint32_t i = 0; i < *n; i++) {
        way *known = &(*list)[i];
        if (is_same_product(&known->at, &at)) {
            weiri_formula wider  = weiri_formula_or(conditions(self), known->when, when);
            bool          is_new = wider != known->when;
            known->when          = wider;
            return is_new;
        }
    }
    way made = { .at = at, .when = when };
    WEIRI_ARENA_PUSH(self->builder->arena, *list, *n, made);
    return true;
}

static uint32_t
root_of(const folding *self, uint32_t raw)
{
    return self->builder->states[raw].alias;
}

static weiri_formula
edge_when(folding *self, uint32_t raw, const weiri_edge *edge)
{
    return both(self, self->builder->states[raw].guard, edge->when);
}

/* A choice that has passed over an event cannot be left out any more. */
static bool
is_barred(const folding *self, uint32_t state, uint32_t to, const weiri_edge *edge)
{
    const weiri_raw_state *from = &self->builder->states[self->from.raw];
    return self->from.has_waited && from->barrier != WEIRI_NONE
           && ((edge->is_exit && state == self->from.raw)
               || root_of(self, to) == root_of(self, from->barrier));
}

/* Follow PROCEED edges; `seen` is as of the event before. */
static void
visit(folding *self, product at, weiri_formula when)
{
    const weiri_raw_state *raw = &self->builder->states[at.raw];
    if (at.raw == WEIRI_FINAL || (raw->clean & at.seen) != 0) {
        return;
    }
    if (self->is_start) {
        when = both(self, when, raw->history);
    }
    at.active |= raw->begins;
    at.left_out = at.left_out && raw->begins == 0;
    if (!note_way(self, &self->ways, &self->n_ways, at, when)) {
        return;
    }
    self->stop                   = weiri_formula_or(conditions(self), self->stop,
                          both(self, both(self, when, raw->guard),
                              weiri_automaton_fits(self->automaton, at.active | raw->stops)));
    const weiri_raw_state *edges = weiri_builder_edges(self->builder, at.raw);
    for (uint32_t i = 0; i < edges->n_edges; i++) {
        const weiri_edge *edge = &edges->edges[i];
        product           to   = at;
        to.raw                 = weiri_builder_target(self->builder, at.raw, edge);
        to.left_out            = at.left_out || edge->leaves_out;
        if (edge->action == WEIRI_EDGE_PROCEED
            && !is_barred(self, at.raw, to.raw, edge)) {
            visit(self, to, both(self, when, edge_when(self, at.raw, edge)));
        }
    }
}

/* Where a TAKE leads besides its target: `seen` counts the event itself. */
static void
arrive(folding *self, product at, weiri_formula when)
{
    const weiri_raw_state *raw = &self->builder->states[at.raw];
    if (at.raw == WEIRI_FINAL) {
        bool is_left_out = at.left_out && (at.active & self->builder->closing) == 0;
        if (at.active == 0 || is_left_out) {
            self->is_final = weiri_formula_or(conditions(self), self->is_final, when);
        }
        return;
    }
    if ((raw->clean & at.seen) != 0) {
        return;
    }
    at.active |= raw->begins;
    at.left_out = at.left_out && raw->begins == 0;
    if (!note_way(self, &self->arrivals, &self->n_arrivals, at, when)) {
        return;
    }
    if (raw->is_pending) {
        if (!at.is_late) {
            note_way(self, &self->pendings, &self->n_pendings, at, when);
        }
        return;
    }
    at.is_late                   = at.is_late || raw->is_late;
    const weiri_raw_state *edges = weiri_builder_edges(self->builder, at.raw);
    for (uint32_t i = 0; i < edges->n_edges; i++) {
        const weiri_edge *edge = &edges->edges[i];
        if (edge->action == WEIRI_EDGE_PROCEED) {
            product to  = at;
            to.raw      = weiri_builder_target(self->builder, at.raw, edge);
            to.left_out = at.left_out || edge->leaves_out;
            to.is_late  = at.is_late || edge->is_exit;
            arrive(self, to, both(self, when, edge_when(self, at.raw, edge)));
        }
    }
}

/* ---- products ---- */

/* Which seen negations a raw state or one after it asks about, to a fixed point. */
static void
find_cares(folding *self)
{
    const weiri_builder *builder = self->builder;
    for (uint32_t s = 0; s < builder->n_states; s++) {
        self->all_inside |= builder->states[s].inside;
    }
    for (bool changed = self->all_inside != 0; changed;) {
        changed = false;
        for (uint32_t s = builder->n_states; s-- > 0;) {
            const weiri_raw_state *edges = weiri_builder_edges(builder, s);
            weiri_steps            cares =
                self->cares[s] | builder->states[s].inside | builder->states[s].clean;
            for (uint32_t e = 0; e < edges->n_edges; e++) {
                cares |= self->cares[weiri_builder_target(builder, s, &edges->edges[e])];
            }
            changed |= cares != self->cares[s];
            self->cares[s] = cares;
        }
    }
}

static uint32_t
product_of(folding *self, product p)
{
    weiri_arena *arena = self->builder->arena;
    p.seen &= self->cares[p.raw];
    for (uint32_t i = self->newest[p.raw]; i != 0; i = self->older[i - 1]) {
        weiri_assert(self->products != NULL); /* newest points into it */
        if (is_same_product(&self->products[i - 1], &p)) {
            return i - 1;
        }
    }
    if (self->n_products >= WEIRI_AUTOMATON_STATES) {
        self->builder->failure = "needs too many states";
        return 0;
    }
    WEIRI_ARENA_PUSH(arena, self->products, self->n_products, p);
    WEIRI_ARENA_PUSH(arena, self->older, self->n_older, self->newest[p.raw]);
    self->newest[p.raw] = self->n_products;
    return self->n_products - 1;
}

/* What a partial match can still do from here, conditions on events aside (4.3). */
static void
look_ahead(folding *self, uint32_t s, weiri_steps seen, weiri_draft *draft)
{
    const weiri_builder   *builder = self->builder;
    const weiri_raw_state *raw     = &builder->states[s];
    const weiri_raw_state *edges   = weiri_builder_edges(builder, s);
    bool                   is_shut = (raw->inside & seen) != 0;
    if (self->marks[s] || (raw->clean & seen) != 0) {
        return;
    }
    self->marks[s] = 1;
    if (raw->is_pending) {
        weiri_draft_add_way(draft, builder->plan->steps[raw->step].gap_ns);
        return;
    }
    for (uint32_t i = 0; i < edges->n_edges; i++) {
        const weiri_edge *edge = &edges->edges[i];
        uint32_t          to   = weiri_builder_target(builder, s, edge);
        if (edge->action == WEIRI_EDGE_TAKE && !is_shut) {
            weiri_draft_add_way(draft, builder->plan->steps[raw->step].gap_ns);
        } else if (edge->action == WEIRI_EDGE_IGNORE && to == WEIRI_FINAL && !is_shut) {
            weiri_draft_add_way(draft, -1);
        } else if ((edge->action == WEIRI_EDGE_PROCEED || !is_shut)
                   && edge->action != WEIRI_EDGE_TAKE && !is_barred(self, s, to, edge)) {
            look_ahead(self, to, seen, draft);
        }
    }
}

/* ---- arcs ---- */

static void
add_arc(folding *self, weiri_draft *draft, weiri_arc arc)
{
    if (arc.when != WEIRI_FALSE) {
        weiri_draft_add(draft, self->builder->arena, conditions(self), arc);
    }
}

/* The arcs of a TAKE edge for events that have been seen as `to.seen` says. */
static void
add_take_arcs(
    folding *self, weiri_draft *draft, uint32_t step, product to, weiri_formula when)
{
    weiri_formula goes_on =
        both(self, when, weiri_formula_not(conditions(self), self->stop));
    weiri_formula ends = both(self, when, self->stop);
    self->n_arrivals   = 0;
    self->n_pendings   = 0;
    self->is_final     = WEIRI_FALSE;
    arrive(self, to, WEIRI_TRUE);
    weiri_arc arc = { .action = WEIRI_TAKE, .step = step };
    arc.target    = to.raw == WEIRI_FINAL ? WEIRI_NONE : product_of(self, to);
    arc.when      = goes_on;
    arc.completes = self->is_final;
    add_arc(self, draft, arc);
    for (uint32_t i = 0; i < self->n_pendings; i++) {
        weiri_arc wait = arc;
        wait.completes = WEIRI_FALSE;
        wait.target    = product_of(self, self->pendings[i].at);
        wait.when      = both(self, goes_on, self->pendings[i].when);
        if (wait.target != arc.target) {
            add_arc(self, draft, wait);
        }
    }
    arc.target    = WEIRI_NONE; /* what it completes, it completes (3.2) */
    arc.when      = both(self, ends, self->is_final);
    arc.completes = WEIRI_TRUE;
    add_arc(self, draft, arc);
}

static void
add_edge_arcs(folding *self, weiri_draft *draft, const way *from, const weiri_edge *edge,
    weiri_formula when, weiri_steps seen)
{
    product to = { .raw = weiri_builder_target(self->builder, from->at.raw, edge),
        .seen           = seen };
    if (edge->action == WEIRI_EDGE_TAKE) {
        uint32_t step = self->builder->states[from->at.raw].step;
        add_take_arcs(self, draft, step, to, when);
        return;
    }
    weiri_arc arc = { .action = WEIRI_IGNORE, .when = when };
    if (to.raw == WEIRI_FINAL && self->from.has_waited) {
        return; /* it did when it had not waited yet (4.5) */
    }
    if (to.raw == WEIRI_FINAL) {
        arc.action = WEIRI_COMPLETE;
        arc.target = WEIRI_NONE;
    } else {
        to.active                  = from->at.active;
        to.left_out                = from->at.left_out;
        const weiri_raw_state *raw = &self->builder->states[to.raw];
        to.has_waited =
            to.raw == from->at.raw && (raw->barrier != WEIRI_NONE || raw->is_repeated);
        arc.target = product_of(self, to);
        arc.when   = both(self, when, weiri_formula_not(conditions(self), self->stop));
    }
    add_arc(self, draft, arc);
}

/* One set of arcs for each set of an `and`'s negations that the event may fit. */
static void
split_by_seen(folding *self, weiri_draft *draft, const way *from, const weiri_edge *edge,
    weiri_formula when, weiri_steps open, weiri_steps seen)
{
    if (when == WEIRI_FALSE || self->builder->failure != NULL) {
        return;
    }
    if (open == 0) {
        add_edge_arcs(self, draft, from, edge, when, seen);
        return;
    }
    weiri_steps   next = open & (~open + 1);
    weiri_formula fits = weiri_automaton_fits(self->automaton, next);
    split_by_seen(
        self, draft, from, edge, both(self, when, fits), open & ~next, seen | next);
    split_by_seen(self, draft, from, edge, both(self, when, not_any(self, next)),
        open & ~next, seen);
}

static void
fold_way(folding *self, weiri_draft *draft, const way *from)
{
    const weiri_raw_state *raw   = &self->builder->states[from->at.raw];
    const weiri_raw_state *edges = weiri_builder_edges(self->builder, from->at.raw);
    if ((raw->inside & from->at.seen) != 0) {
        return;
    }
    for (uint32_t i = 0; i < edges->n_edges; i++) {
        const weiri_edge *edge = &edges->edges[i];
        if (edge->action == WEIRI_EDGE_PROCEED
            || (edge->action == WEIRI_EDGE_IGNORE && self->is_start)) {
            continue;
        }
        uint32_t      to   = weiri_builder_target(self->builder, from->at.raw, edge);
        weiri_formula when = both(self, from->when, edge_when(self, from->at.raw, edge));
        when               = both(self, when, not_any(self, raw->inside));
        split_by_seen(self, draft, from, edge, when,
            self->cares[to] & self->all_inside & ~from->at.seen, from->at.seen);
    }
}

static void
fold_state(folding *self, uint32_t p, weiri_draft *draft)
{
    weiri_builder *builder = self->builder;
    product        from    = self->products[p];
    self->is_start         = p == 0;
    self->n_ways           = 0;
    self->n_work           = 0;
    self->stop             = WEIRI_FALSE;
    self->from             = from;
    from.has_waited        = false;
    visit(self, from, WEIRI_TRUE);
    draft->is_pending = builder->states[from.raw].is_pending;
    for (uint32_t i = 0; i < builder->n_states; i++) {
        self->marks[i] = 0;
    }
    look_ahead(self, from.raw, from.seen, draft);
    for (uint32_t i = 0; i < self->n_ways && builder->failure == NULL; i++) {
        way at       = self->ways[i];
        self->n_work = 0;
        fold_way(self, draft, &at);
    }
}

weiri_draft *
weiri_builder_fold(weiri_builder *builder, uint32_t *n)
{
    weiri_arena *arena    = builder->arena;
    size_t       n_states = builder->n_states;
    folding      self     = { .builder = builder, .automaton = builder->automaton };
    self.cares            = weiri_arena_alloc(arena, n_states * sizeof *self.cares);
    self.newest           = weiri_arena_alloc(arena, n_states * sizeof *self.newest);
    self.marks            = weiri_arena_alloc(arena, n_states * sizeof *self.marks);
    find_cares(&self);
    product_of(&self, (product){ .raw = builder->start });
    for (uint32_t p = 0; p < self.n_products && builder->failure == NULL; p++) {
        weiri_draft draft = { 0 };
        fold_state(&self, p, &draft);
        WEIRI_ARENA_PUSH(arena, self.drafts, self.n_drafts, draft);
    }
    *n = self.n_drafts;
    return builder->failure == NULL ? self.drafts : NULL;
}
