/* weiri_automaton: the states and arcs of a pattern, after docs/semantics.md 2 and 3.
 *
 * PROCEED edges are folded away: an arc takes, ignores or completes, and its formula says
 * on which events. States that cannot be told apart are one.
 */
#ifndef WEIRI_AUTOMATON_H
#define WEIRI_AUTOMATON_H

#include <stdio.h>

#include "match/condition.h"
#include "weiri/pattern.h"

enum {
    WEIRI_AUTOMATON_STATES = 1 << 16, /* a pattern that needs more is refused */
    WEIRI_AUTOMATON_ATOMS  = 128
};

typedef enum weiri_atom_kind {
    WEIRI_ATOM_EVENT,  /* the event is of `input` and `where` holds                  */
    WEIRI_ATOM_BEFORE, /* an event that fits atom `of` was seen in the partition, in the
                        * last `within_ns` (-1: ever)                                 */
    WEIRI_ATOM_JUST_BEFORE /* the partition's last event fits atom `of`               */
} weiri_atom_kind;

typedef struct weiri_atom {
    weiri_atom_kind kind;
    uint32_t        input;
    weiri_condition where;
    uint32_t        of;
} weiri_atom;

typedef enum weiri_action {
    WEIRI_TAKE,
    WEIRI_IGNORE,
    WEIRI_COMPLETE /* the match is complete without this event, at its time */
} weiri_action;

typedef struct weiri_arc {
    weiri_action  action;
    uint32_t      step;      /* of TAKE                                        */
    uint32_t      target;    /* WEIRI_NONE: nothing more can come of it        */
    weiri_formula when;      /* on which events                                */
    weiri_formula completes; /* TAKE: on which of these the match is complete  */
} weiri_arc;

typedef struct weiri_state {
    const weiri_arc *arcs;
    uint32_t         n_arcs;
    bool             is_pending; /* complete at the deadline (3.3)                   */
    int64_t          gap_ns; /* its time is up this long after the last event (3.3, 4.3);
                              * -1: some way stays open                                  */
} weiri_state;

/* State 0 is where every match begins; its IGNORE arcs do not exist. Atoms
 * 0 … n_steps - 1 are the steps' conditions. */
typedef struct weiri_automaton {
    weiri_conditions conditions;
    weiri_atom      *atoms;
    uint32_t         n_atoms;
    weiri_state     *states;
    uint32_t         n_states;
    weiri_arc       *arcs; /* of all states */
    int64_t          within_ns;
} weiri_automaton;

/* The plan outlives the automaton.
 *
 *   errors  WEIR_ENOMEM; WEIR_EINVAL  no automaton of a bearable size, or a negation
 * where none can be
 */
WEIR_MUST_CHECK weir_status
weiri_automaton_new(const weiri_match *plan, weiri_automaton **out, weir_error *err);

void
weiri_automaton_destroy(weiri_automaton **self_p);

/* The event fits one of these steps. */
weiri_formula
weiri_automaton_fits(weiri_automaton *self, uint64_t steps);

/* For people: a line a state, a line an arc. */
void
weiri_automaton_print(const weiri_automaton *self, const weiri_match *plan, FILE *file);

#endif
