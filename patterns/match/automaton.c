#include "match/automaton.h"

#include <stdlib.h>
#include <string.h>

#include "match/builder.h"
#include "match/minimise.h"
#include "weiri/assert.h"
#include "weiri/limits.h"

enum { MAX_SEEN = 8, MAX_WAYS = 4096 };

/* A raw state, and which negations of an `and` later in the pattern have been fitted. */
typedef struct product {
    uint32_t raw;
    uint32_t seen;
} product;

typedef struct folding {
    weiri_builder   *builder;
    weiri_automaton *automaton;
    uint32_t         seen_atoms[MAX_SEEN];
    uint32_t         n_seen;
    uint32_t        *cares; /* per raw state: bits of seen_atoms that matter from it */
    product         *products;
    uint32_t         n_products;
    uint32_t        *index; /* per raw state: its first product + 1, see next */
    uint32_t        *next;  /* per product: another one of the same raw state + 1 */
    uint32_t         n_next;
    uint32_t         seen; /* of the product at work */
    weiri_draft     *drafts;
    uint32_t         n_drafts;
    /* the PROCEED closure at work */
    uint32_t      *way;     /* raw states reached, in order          */
    weiri_formula *way_when; /* per raw state: on which events       */
    uint32_t       n_way;
    uint32_t       n_steps; /* work done, bounded                    */
} folding;

/* ---- closure ---- */

static void
reach(folding *self, uint32_t state, weiri_formula when)
{
    weiri_conditions *conditions = &self->automaton->conditions;
    weiri_formula     known      = self->way_when[state];
    weiri_formula     now        = weiri_formula_or(conditions, known, when);
    if (now == known || ++self->n_steps > MAX_WAYS) {
        return;
    }
    if (known == WEIRI_FALSE) {
        self->way[self->n_way++] = state;
    }
    self->way_when[state]        = now;
    const weiri_raw_state *from = &self->builder->states[state];
    for (uint32_t i = 0; i < from->n_edges; i++) {
        const weiri_edge *edge = &from->edges[i];
        if (edge->action == WEIRI_EDGE_PROCEED || edge->action == WEIRI_EDGE_LEAVE_OUT) {
            reach(self, edge->target, weiri_formula_and(conditions, when, edge->when));
        }
    }
}

static void
close_over(folding *self, uint32_t state)
{
    for (uint32_t i = 0; i < self->n_way; i++) {
        self->way_when[self->way[i]] = WEIRI_FALSE;
    }
    self->n_way   = 0;
    self->n_steps = 0;
    reach(self, state, WEIRI_TRUE);
    if (self->n_steps > MAX_WAYS) {
        self->builder->failure = "has too many elements that may be left out";
    }
}

static weiri_formula
reaches_end(folding *self, uint32_t state)
{
    close_over(self, state);
    return self->way_when[WEIRI_FINAL];
}

/* ---- negations of an `and`, seen before it ---- */

static void
find_seen_atoms(folding *self)
{
    for (uint32_t i = 0; i < self->automaton->n_atoms; i++) {
        if (self->automaton->atoms[i].kind == WEIRI_ATOM_SEEN) {
            if (self->n_seen == MAX_SEEN) {
                self->builder->failure = "has too many 'not' joined by 'and'";
                return;
            }
            self->seen_atoms[self->n_seen++] = i;
        }
    }
}

/* Which seen bits a raw state or one after it asks about, to a fixed point. */
static void
find_cares(folding *self)
{
    const weiri_builder *builder = self->builder;
    for (bool changed = self->n_seen > 0; changed;) {
        changed = false;
        for (uint32_t s = builder->n_states; s-- > 0;) {
            uint32_t cares = self->cares[s];
            for (uint32_t e = 0; e < builder->states[s].n_edges; e++) {
                const weiri_edge *edge = &builder->states[s].edges[e];
                cares |= self->cares[edge->target];
                for (uint32_t j = 0; j < self->n_seen; j++) {
                    if (weiri_formula_has_atom(&self->automaton->conditions, edge->when,
                            self->seen_atoms[j])) {
                        cares |= 1U << j;
                    }
                }
            }
            changed |= cares != self->cares[s];
            self->cares[s] = cares;
        }
    }
}

static weiri_formula
seen_fact(void *context, uint32_t atom)
{
    folding *self = context;
    for (uint32_t j = 0; j < self->n_seen; j++) {
        if (self->seen_atoms[j] == atom) {
            return (self->seen >> j & 1) != 0 ? WEIRI_TRUE : WEIRI_FALSE;
        }
    }
    return weiri_formula_atom(&self->automaton->conditions, atom);
}

static weiri_formula
with_seen(folding *self, weiri_formula formula)
{
    return self->n_seen == 0
        ? formula
        : weiri_formula_restrict(&self->automaton->conditions, formula, seen_fact, self);
}

/* ---- states ---- */

static uint32_t
product_of(folding *self, uint32_t raw, uint32_t seen)
{
    seen &= self->cares[raw];
    for (uint32_t i = self->index[raw]; i != 0; i = self->next[i - 1]) {
        if (self->products[i - 1].seen == seen) {
            return i - 1;
        }
    }
    weiri_arena *arena = self->builder->arena;
    product      made  = { .raw = raw, .seen = seen };
    if (self->n_products >= WEIRI_AUTOMATON_STATES) {
        self->builder->failure = "needs too many states";
        return 0;
    }
    WEIRI_ARENA_PUSH(arena, self->products, self->n_products, made);
    WEIRI_ARENA_PUSH(arena, self->next, self->n_next, self->index[raw]);
    self->index[raw] = self->n_products;
    return self->n_products - 1;
}

/* An arc for each set of negations that the event may fit. */
static void
add_split_arcs(folding *self, weiri_draft *draft, weiri_arc arc, uint32_t raw, uint32_t j,
    uint32_t seen)
{
    weiri_conditions *conditions = &self->automaton->conditions;
    while (j < self->n_seen && ((self->cares[raw] & ~seen) >> j & 1) == 0) {
        j++;
    }
    if (arc.when == WEIRI_FALSE) {
        return;
    }
    if (j >= self->n_seen) {
        arc.target = raw == WEIRI_FINAL ? WEIRI_NONE : product_of(self, raw, seen);
        weiri_draft_add(draft, self->builder->arena, conditions, arc);
        return;
    }
    weiri_formula fits = weiri_formula_atom(
        conditions, self->automaton->atoms[self->seen_atoms[j]].of);
    weiri_arc not_fit = arc;
    arc.when          = weiri_formula_and(conditions, arc.when, fits);
    not_fit.when      = weiri_formula_and(
        conditions, not_fit.when, weiri_formula_not(conditions, fits));
    add_split_arcs(self, draft, arc, raw, j + 1, seen | 1U << j);
    add_split_arcs(self, draft, not_fit, raw, j + 1, seen);
}

static void
fold_edge(folding *self, weiri_draft *draft, const weiri_edge *edge, weiri_formula when)
{
    weiri_arc arc = { .step = edge->step, .completes = WEIRI_FALSE };
    arc.when      = with_seen(
        self, weiri_formula_and(&self->automaton->conditions, when, edge->when));
    if (edge->action == WEIRI_EDGE_TAKE) {
        arc.action    = WEIRI_TAKE;
        arc.completes = with_seen(self, reaches_end(self, edge->target));
    } else {
        arc.action = edge->target == WEIRI_FINAL ? WEIRI_COMPLETE : WEIRI_IGNORE;
    }
    add_split_arcs(self, draft, arc, edge->target, 0, self->seen);
}

/* All that can be done in product `p` on one event. */
static void
fold_state(folding *self, uint32_t p, weiri_draft *draft)
{
    weiri_builder *builder = self->builder;
    product        from    = self->products[p];
    self->seen             = from.seen;
    close_over(self, from.raw);
    uint32_t       n_way = self->n_way;
    uint32_t      *way   = weiri_arena_alloc(builder->arena, (n_way + 1) * sizeof *way);
    weiri_formula *when  = weiri_arena_alloc(builder->arena, (n_way + 1) * sizeof *when);
    for (uint32_t i = 0; i < n_way; i++) {
        way[i]  = self->way[i];
        when[i] = self->way_when[way[i]];
    }
    draft->pending_gap_ns = -1;
    for (uint32_t i = 0; i < n_way && builder->failure == NULL; i++) {
        const weiri_raw_state *raw = &builder->states[way[i]];
        if (raw->is_pending) {
            draft->is_pending     = true;
            draft->pending_gap_ns = raw->pending_gap_ns;
        }
        for (uint32_t e = 0; e < raw->n_edges; e++) {
            const weiri_edge *edge    = &raw->edges[e];
            bool              is_move = edge->action == WEIRI_EDGE_TAKE
                || (edge->action == WEIRI_EDGE_IGNORE && p != 0);
            if (is_move) {
                fold_edge(self, draft, edge, when[i]);
            }
        }
    }
}

static bool
fold(folding *self)
{
    weiri_builder *builder = self->builder;
    weiri_arena   *arena   = builder->arena;
    size_t         n       = builder->n_states;
    self->cares            = weiri_arena_alloc(arena, n * sizeof *self->cares);
    self->index            = weiri_arena_alloc(arena, n * sizeof *self->index);
    self->way              = weiri_arena_alloc(arena, n * sizeof *self->way);
    self->way_when         = weiri_arena_alloc(arena, n * sizeof *self->way_when);
    find_seen_atoms(self);
    find_cares(self);
    product_of(self, builder->start, 0);
    for (uint32_t p = 0; p < self->n_products && builder->failure == NULL; p++) {
        weiri_draft draft = { 0 };
        fold_state(self, p, &draft);
        WEIRI_ARENA_PUSH(arena, self->drafts, self->n_drafts, draft);
    }
    return builder->failure == NULL;
}

/* ---- the finished automaton ---- */

/* The longest time after the last taken event in which some way on is open; -1: for
 * ever. */
static int64_t
longest_gap(const weiri_automaton *self, const weiri_match *plan, uint32_t state,
    uint8_t *visited)
{
    const weiri_state *s       = &self->states[state];
    int64_t            longest = 0;
    visited[state]             = 1;
    if (s->is_pending) {
        return -1;
    }
    for (uint32_t i = 0; i < s->n_arcs; i++) {
        const weiri_arc *arc = &s->arcs[i];
        int64_t          gap = -1;
        if (arc->action == WEIRI_TAKE) {
            gap = plan->steps[arc->step].gap_ns;
        } else if (arc->action == WEIRI_IGNORE && arc->target != WEIRI_NONE) {
            gap = visited[arc->target] ? 0
                                       : longest_gap(self, plan, arc->target, visited);
        }
        if (gap < 0) {
            return -1;
        }
        longest = gap > longest ? gap : longest;
    }
    return longest;
}

static bool
find_gaps(weiri_automaton *self, const weiri_match *plan)
{
    bool has_gaps = false;
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        has_gaps |= plan->steps[i].gap_ns >= 0;
    }
    uint8_t *visited = calloc(self->n_states, 1);
    if (visited == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < self->n_states; i++) {
        if (has_gaps) {
            memset(visited, 0, self->n_states);
        }
        self->states[i].gap_ns
            = has_gaps && i != 0 ? longest_gap(self, plan, i, visited) : -1;
    }
    free(visited);
    return true;
}

/* Copy what was drafted, with dead ends marked. */
static bool
finish(weiri_automaton *self, const weiri_draft *drafts, uint32_t n)
{
    uint32_t n_arcs = 0;
    for (uint32_t i = 0; i < n; i++) {
        n_arcs += drafts[i].n_arcs;
    }
    self->states = calloc(n, sizeof *self->states);
    self->arcs   = calloc(n_arcs + 1, sizeof *self->arcs);
    if (self->states == NULL || self->arcs == NULL) {
        return false;
    }
    self->n_states = n;
    weiri_arc *to  = self->arcs;
    for (uint32_t i = 0; i < n; i++) {
        self->states[i] = (weiri_state){ .arcs = to,
            .n_arcs                            = drafts[i].n_arcs,
            .is_pending                        = drafts[i].is_pending,
            .pending_gap_ns                    = drafts[i].pending_gap_ns };
        for (uint32_t a = 0; a < drafts[i].n_arcs; a++, to++) {
            *to = drafts[i].arcs[a];
            if (to->target != WEIRI_NONE && drafts[to->target].n_arcs == 0
                && !drafts[to->target].is_pending) {
                to->target = WEIRI_NONE;
            }
        }
    }
    return true;
}

static bool
has_deadlines(const weiri_automaton *self)
{
    for (uint32_t i = 0; i < self->n_states; i++) {
        if (self->states[i].is_pending && self->within_ns < 0
            && self->states[i].pending_gap_ns < 0) {
            return false;
        }
    }
    return true;
}

static weir_status
build(weiri_automaton *self, const weiri_match *plan, weiri_arena *arena, weir_error *err)
{
    weiri_builder builder = { .plan = plan, .arena = arena, .automaton = self };
    folding       work    = { .builder = &builder, .automaton = self };
    bool          is_fine = weiri_builder_run(&builder) && fold(&work);
    if (self->conditions.is_out_of_memory) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the pattern");
    }
    if (!is_fine) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the pattern %s", builder.failure);
    }
    uint32_t n = weiri_minimise(
        arena, &self->conditions, work.drafts, work.n_drafts);
    if (!finish(self, work.drafts, n) || !find_gaps(self, plan)) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the pattern");
    }
    if (!has_deadlines(self)) {
        return WEIR_FAIL(
            err, WEIR_EINVAL, "the pattern ends in 'not' and needs a 'within'");
    }
    return WEIR_OK;
}

weir_status
weiri_automaton_new(const weiri_match *plan, weiri_automaton **out, weir_error *err)
{
    if (plan->n_steps > WEIRI_STEPS || plan->n_steps == 0) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the pattern has too many (or no) steps");
    }
    weiri_automaton *self  = calloc(1, sizeof *self);
    weiri_arena     *arena = weiri_arena_new();
    weir_status      status;
    if (self == NULL || arena == NULL || !weiri_conditions_init(&self->conditions)
        || (self->atoms = calloc(WEIRI_AUTOMATON_ATOMS, sizeof *self->atoms)) == NULL) {
        status = WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the pattern");
        goto fail;
    }
    self->within_ns = plan->silence_ns >= 0 ? plan->silence_ns : plan->within_ns;
    self->n_atoms   = plan->n_steps;
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        self->atoms[i] = (weiri_atom){ .kind = WEIRI_ATOM_EVENT,
            .input                           = plan->steps[i].input,
            .where                           = plan->steps[i].where };
    }
    status = build(self, plan, arena, err);
    if (status != WEIR_OK) {
        goto fail;
    }
    weiri_arena_destroy(&arena);
    *out = self;
    return WEIR_OK;
fail:
    weiri_arena_destroy(&arena);
    weiri_automaton_destroy(&self);
    return status;
}

void
weiri_automaton_destroy(weiri_automaton **self_p)
{
    weiri_automaton *self = *self_p;
    *self_p               = NULL;
    if (self != NULL) {
        weiri_conditions_fini(&self->conditions);
        free(self->atoms);
        free(self->states);
        free(self->arcs);
        free(self);
    }
}

/* ---- for people ---- */

static void
print_atom(const weiri_automaton *self, const weiri_match *plan, uint32_t i, FILE *file)
{
    const weiri_atom *atom = &self->atoms[i];
    switch (atom->kind) {
    case WEIRI_ATOM_EVENT:
        if (i < plan->n_steps) {
            (void)fputs(plan->steps[i].name, file);
        } else {
            (void)fprintf(file, "until#%u", i - plan->n_steps + 1);
        }
        break;
    case WEIRI_ATOM_BEFORE:
    case WEIRI_ATOM_SEEN: (void)fprintf(file, "seen(%s)", plan->steps[atom->of].name); break;
    case WEIRI_ATOM_JUST_BEFORE:
        (void)fprintf(file, "just before(%s)", plan->steps[atom->of].name);
        break;
    }
}

static void
print_formula(const weiri_automaton *self, const weiri_match *plan, weiri_formula formula,
    FILE *file)
{
    const weiri_formula_node *node = &self->conditions.nodes[formula];
    switch (node->kind) {
    case WEIRI_FORMULA_CONSTANT:
        (void)fputs(formula == WEIRI_TRUE ? "always" : "never", file);
        break;
    case WEIRI_FORMULA_ATOM: print_atom(self, plan, node->a, file); break;
    case WEIRI_FORMULA_NOT:
        (void)fputs("not ", file);
        print_formula(self, plan, node->a, file);
        break;
    case WEIRI_FORMULA_AND:
    case WEIRI_FORMULA_OR:
        (void)fputc('(', file);
        print_formula(self, plan, node->a, file);
        (void)fputs(node->kind == WEIRI_FORMULA_AND ? " and " : " or ", file);
        print_formula(self, plan, node->b, file);
        (void)fputc(')', file);
        break;
    }
}

static void
print_arc(const weiri_automaton *self, const weiri_match *plan, const weiri_arc *arc,
    FILE *file)
{
    static const char *const VERBS[] = { "take", "ignore", "complete" };
    (void)fprintf(file, "  %s", VERBS[arc->action]);
    if (arc->action == WEIRI_TAKE) {
        (void)fprintf(file, " %s", plan->steps[arc->step].name);
    }
    (void)fputs(" when ", file);
    print_formula(self, plan, arc->when, file);
    if (arc->completes != WEIRI_FALSE) {
        (void)fputs(", complete ", file);
        print_formula(self, plan, arc->completes, file);
    }
    if (arc->target != WEIRI_NONE) {
        (void)fprintf(file, " -> %u", arc->target);
    }
    (void)fputc('\n', file);
}

void
weiri_automaton_print(const weiri_automaton *self, const weiri_match *plan, FILE *file)
{
    for (uint32_t i = 0; i < self->n_states; i++) {
        const weiri_state *state = &self->states[i];
        (void)fprintf(file, "state %u%s%s\n", i, i == 0 ? ", begin" : "",
            state->is_pending ? ", complete at its deadline" : "");
        for (uint32_t a = 0; a < state->n_arcs; a++) {
            print_arc(self, plan, &state->arcs[a], file);
        }
    }
}
