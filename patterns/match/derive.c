/* States made from other states, and the storage of both. */
#include "match/builder.h"

#include <string.h>

uint32_t
weiri_builder_add_state(weiri_builder *self)
{
    if (self->n_states >= WEIRI_AUTOMATON_STATES) {
        self->failure = "needs too many states: smaller numbers of repetitions are needed";
        return WEIRI_FINAL;
    }
    weiri_raw_state state = { .pending_gap_ns = -1, .is_done = true };
    WEIRI_ARENA_PUSH(self->arena, self->states, self->n_states, state);
    return self->n_states - 1;
}

void
weiri_builder_add_edge(weiri_builder *self, uint32_t state, weiri_edge edge)
{
    weiri_raw_state *from = &self->states[state];
    if (edge.when != WEIRI_FALSE && self->failure == NULL) {
        WEIRI_ARENA_PUSH(self->arena, from->edges, from->n_edges, edge);
    }
}

/* Whether deriving `base` again in this way would change nothing. */
static bool
is_derived_so(const weiri_builder *self, uint32_t base, weiri_derivation derivation,
    weiri_formula guard)
{
    for (uint32_t i = base; self->states[i].derivation != WEIRI_ORIGINAL;) {
        const weiri_raw_state *state = &self->states[i];
        if (state->derivation == derivation && state->guard == guard) {
            return true;
        }
        if (state->derivation != WEIRI_GUARDED || derivation != WEIRI_GUARDED) {
            return false;
        }
        i = state->base;
    }
    return false;
}

uint32_t
weiri_builder_derive(weiri_builder *self, uint32_t base, weiri_derivation derivation,
    weiri_formula guard, int64_t gap_ns)
{
    bool is_kept = base == WEIRI_FINAL
        && (derivation == WEIRI_STRIPPED || derivation == WEIRI_EDGES);
    if (is_kept || is_derived_so(self, base, derivation, guard)) {
        return base;
    }
    for (uint32_t i = base + 1; i < self->n_states; i++) {
        const weiri_raw_state *state = &self->states[i];
        if (state->derivation == derivation && state->base == base
            && state->guard == guard && state->gap_ns == gap_ns) {
            return i;
        }
    }
    uint32_t made = weiri_builder_add_state(self);
    if (made != WEIRI_FINAL) {
        weiri_raw_state *state = &self->states[made];
        state->derivation      = derivation;
        state->base            = base;
        state->guard           = guard;
        state->gap_ns          = gap_ns;
        state->is_done         = false;
    }
    return made;
}

/* What a negation makes of the end of the pattern. */
static void
resolve_end(weiri_builder *self, uint32_t made)
{
    weiri_raw_state *state = &self->states[made];
    weiri_edge       edge  = { .action = WEIRI_EDGE_IGNORE, .when = state->guard };
    edge.target            = state->derivation == WEIRI_ONCE ? WEIRI_FINAL : made;
    state->is_pending      = state->derivation == WEIRI_GUARDED;
    state->pending_gap_ns  = state->is_pending ? state->gap_ns : -1;
    state->is_done         = true;
    weiri_builder_add_edge(self, made, edge);
}

static bool
is_passing(weiri_edge_action action)
{
    return action == WEIRI_EDGE_PROCEED || action == WEIRI_EDGE_LEAVE_OUT;
}

/* Where the copy of an edge of `base` goes. */
static uint32_t
derived_target(weiri_builder *self, uint32_t made, const weiri_edge *edge)
{
    weiri_raw_state state = self->states[made];
    bool            again = false; /* the target is derived too */
    switch (state.derivation) {
    case WEIRI_ORIGINAL: break;
    case WEIRI_GUARDED:
        again = is_passing(edge->action)
            || (edge->action == WEIRI_EDGE_IGNORE && edge->target != WEIRI_FINAL);
        break;
    case WEIRI_ONCE:
    case WEIRI_STRIPPED: again = is_passing(edge->action); break;
    case WEIRI_EDGES: return edge->target == state.base ? made : edge->target;
    }
    return !again ? edge->target
                  : weiri_builder_derive(
                      self, edge->target, state.derivation, state.guard, state.gap_ns);
}

static void
resolve(weiri_builder *self, uint32_t made)
{
    weiri_raw_state *state = &self->states[made];
    if (state->is_done) {
        return;
    }
    if (state->base == WEIRI_FINAL) {
        resolve_end(self, made);
        return;
    }
    resolve(self, state->base);
    weiri_raw_state base  = self->states[state->base];
    state->is_done        = true;
    state->is_pending     = base.is_pending;
    state->pending_gap_ns = base.pending_gap_ns;
    weiri_derivation derivation = state->derivation;
    weiri_formula    guard      = state->guard;
    for (uint32_t i = 0; i < base.n_edges && self->failure == NULL; i++) {
        weiri_edge edge = base.edges[i];
        if (derivation == WEIRI_STRIPPED && edge.action == WEIRI_EDGE_LEAVE_OUT) {
            continue;
        }
        edge.target = derived_target(self, made, &edge);
        if (derivation == WEIRI_EDGES
            || (derivation != WEIRI_STRIPPED && !is_passing(edge.action))) {
            edge.when
                = weiri_formula_and(&self->automaton->conditions, edge.when, guard);
        }
        weiri_builder_add_edge(self, made, edge);
    }
}

void
weiri_builder_resolve(weiri_builder *self)
{
    for (uint32_t i = 0; i < self->n_states && self->failure == NULL; i++) {
        resolve(self, i);
    }
}
