/* weiri_builder: the states of docs/semantics.md 2 and 3 before PROCEED edges are folded.
 *
 * States made from another state (guarded by a negation, stripped of the ways that leave
 * an element out) are noted as derived and get their edges when the whole pattern
 * stands, because in loops the state they are made from is not finished at that time.
 */
#ifndef WEIRI_BUILDER_H
#define WEIRI_BUILDER_H

#include "match/automaton.h"
#include "weiri/arena.h"

typedef enum weiri_edge_action {
    WEIRI_EDGE_TAKE,
    WEIRI_EDGE_IGNORE,
    WEIRI_EDGE_PROCEED,
    WEIRI_EDGE_LEAVE_OUT /* PROCEED that leaves an element, or more of it, out */
} weiri_edge_action;

typedef struct weiri_edge {
    weiri_edge_action action;
    uint32_t          step;
    uint32_t          target;
    weiri_formula     when;
} weiri_edge;

typedef enum weiri_derivation {
    WEIRI_ORIGINAL,
    WEIRI_GUARDED,  /* until its first TAKE every event must fit `guard`         */
    WEIRI_ONCE,     /* the next event must fit `guard`                           */
    WEIRI_STRIPPED, /* without the ways that leave something out                 */
    WEIRI_EDGES     /* every edge that leaves it also needs `guard`              */
} weiri_derivation;

typedef struct weiri_raw_state {
    weiri_derivation derivation;
    uint32_t         base;
    weiri_formula    guard;
    int64_t          gap_ns;  /* WEIRI_GUARDED: of the negated step */
    bool             is_done; /* has its edges */
    bool             is_pending;
    int64_t          pending_gap_ns;
    weiri_edge      *edges; /* in the builder's arena */
    uint32_t         n_edges;
} weiri_raw_state;

enum { WEIRI_FINAL = 0 };

typedef struct weiri_builder {
    const weiri_match *plan;
    weiri_arena       *arena;
    weiri_automaton   *automaton;
    weiri_raw_state   *states; /* state 0 is final */
    uint32_t           n_states;
    uint32_t           start;
    weiri_formula      context;      /* what enclosing groups ask of every edge      */
    weiri_formula      take_context; /* … and of every TAKE                          */
    const char        *failure;      /* what is wrong with the pattern; NULL: nothing */
} weiri_builder;

/* All states of the plan's pattern, derived ones included. False: see `failure`. */
bool
weiri_builder_run(weiri_builder *self);

uint32_t
weiri_builder_add_state(weiri_builder *self);

/* The state made from `base` in this way; the same one when asked again. */
uint32_t
weiri_builder_derive(weiri_builder *self, uint32_t base, weiri_derivation derivation,
    weiri_formula guard, int64_t gap_ns);

/* Give derived states their edges. */
void
weiri_builder_resolve(weiri_builder *self);

void
weiri_builder_add_edge(weiri_builder *self, uint32_t state, weiri_edge edge);

#endif
