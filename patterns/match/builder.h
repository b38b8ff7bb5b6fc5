/* weiri_builder: the states of docs/semantics.md 2 and 3 before PROCEED edges are folded
 * away. */
#ifndef WEIRI_BUILDER_H
#define WEIRI_BUILDER_H

#include "match/automaton.h"
#include "weiri/arena.h"

typedef enum weiri_edge_action {
    WEIRI_EDGE_TAKE,
    WEIRI_EDGE_IGNORE,
    WEIRI_EDGE_PROCEED
} weiri_edge_action;

typedef struct weiri_edge {
    weiri_edge_action action;
    bool              leaves_out; /* PROCEED past an element of which nothing was taken */
    bool              is_exit; /* PROCEED to where an element that may end here ends    */
    uint32_t          target;
    weiri_formula     when;
} weiri_edge;

typedef uint64_t weiri_steps; /* a set of steps, a bit each */

typedef struct weiri_raw_state {
    uint32_t step;  /* what its TAKE edge takes; pending: whose absence is waited for */
    uint32_t alias; /* a copy has the edges of its original; else itself              */
    weiri_edge   *edges; /* in the builder's arena */
    uint32_t      n_edges;
    weiri_formula guard;   /* every edge that leaves needs this too                     */
    weiri_steps   stops;   /* an event that fits one ends the partial match (3.1, 3.2)  */
    weiri_steps   begins;  /* negations in force from here until something is taken    */
    weiri_steps   inside;  /* negations of the `and`s that it is part of               */
    weiri_steps   clean;   /* passed only if none of these was seen in the match        */
    weiri_formula history; /* what came before the match allows it to begin so          */
    uint32_t      barrier; /* on an event met here, not to be reached without taking    */
    bool          is_pending; /* complete at the deadline                               */
} weiri_raw_state;

enum { WEIRI_FINAL = 0 };

typedef struct weiri_builder {
    const weiri_match *plan;
    weiri_arena       *arena;
    weiri_automaton   *automaton;
    weiri_raw_state   *states; /* state 0 is final */
    uint32_t           n_states;
    uint32_t           start;
    weiri_formula      context; /* no `until` of a group around holds   */
    const char        *failure; /* what is wrong; NULL: nothing         */
} weiri_builder;

/* All states of the plan's pattern. False: see `failure`. */
bool
weiri_builder_run(weiri_builder *self);

/* The edges of a state, and where one of them leads: a copy's edge to its original leads
 * to the copy. */
static inline const weiri_raw_state *
weiri_builder_edges(const weiri_builder *self, uint32_t state)
{
    return &self->states[self->states[state].alias];
}

static inline uint32_t
weiri_builder_target(const weiri_builder *self, uint32_t state, const weiri_edge *edge)
{
    return edge->target == self->states[state].alias ? state : edge->target;
}

#endif
