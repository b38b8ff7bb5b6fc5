/* The automaton of a pattern, built from its last element to its first as
 * docs/semantics.md section 2 says. Plain arrays in an arena. */
#ifndef WEIR_REFERENCE_AUTOMATON_H
#define WEIR_REFERENCE_AUTOMATON_H

#include "weiri/arena.h"
#include "weiri/pattern.h"

enum { REF_FINAL = 0 }; /* the state that every automaton has */

typedef uint64_t ref_steps; /* a set of steps: bit i is step i */

typedef enum ref_kind {
    REF_TRUE,
    REF_FITS,     /* the event fits one of `steps`                            */
    REF_UNTIL,    /* `until`, for events of `input`                           */
    REF_FITS_NEXT /* the event fits a step that `state` may take first        */
} ref_kind;

/* One literal; conditions are conjunctions. */
typedef struct ref_literal {
    ref_kind               kind;
    bool                   is_negated;
    ref_steps              steps;
    const weiri_condition *until;
    uint32_t               input;
    uint32_t               state;
} ref_literal;

typedef struct ref_condition {
    const ref_literal *literals;
    uint32_t           n;
} ref_condition;

typedef enum ref_action { REF_TAKE, REF_IGNORE, REF_PROCEED } ref_action;

typedef struct ref_edge {
    ref_action    action;
    uint32_t      target;
    ref_condition condition;
    bool leaves_out; /* PROCEED past an optional element of which nothing was taken */
    bool is_exit;    /* PROCEED to where an element that may end here ends */
} ref_edge;

/* What a PROCEED through the state does besides. */
typedef struct ref_state {
    uint32_t      step;  /* that its TAKE binds; WEIRI_NONE */
    ref_edge     *edges; /* of the state, or of `alias`     */
    uint32_t      n_edges;
    uint32_t      alias;  /* a copy shares the edges of the original; else itself */
    ref_condition guards; /* every edge that leaves needs these too  */
    ref_steps     stops;  /* an event that fits one kills the run    */
    ref_steps     begins; /* negations that begin here: stops until something is taken */
    ref_steps     absent; /* `=> not`: stops, once, when passed                        */
    ref_steps     inside; /* `not` of the conjunctions that the state is part of       */
    ref_steps     clean;  /* end of a conjunction: none of these since the match began */
    ref_steps     before; /* leading `not n ->`: none in the `within` before the match  */
    ref_steps     just_before; /* leading `not n =>`                                    */
    uint32_t      barrier; /* of a choice: where it ends. Once it has ignored an event,
                            * it must not be reached from here without taking      */
    bool is_pending;       /* complete when the deadline passes                     */
    bool is_repeated;      /* begins a repetition of a group that may be its last, and
                            * waits in itself                                        */
} ref_state;

typedef struct ref_automaton {
    weiri_arena       *arena;
    const weiri_match *plan;
    ref_state         *states;
    uint32_t           n_states;
    uint32_t           start;
    ref_steps          closing; /* `-> not` at the end of a group that ends the pattern:
                                 * complete at the deadline alone */
} ref_automaton;

/* False if no automaton can be made of the pattern. */
bool
ref_automaton_build(weiri_arena *arena, const weiri_match *plan, ref_automaton *out);

/* Steps that may take the first event of an element. */
ref_steps
ref_first_steps(const weiri_pattern *pattern);

/* Whether an element may take no event at all. */
bool
ref_can_be_empty(const weiri_pattern *pattern);

#endif
