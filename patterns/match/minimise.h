/* Drafts of automaton states, and merging those that cannot be told apart. */
#ifndef WEIRI_MINIMISE_H
#define WEIRI_MINIMISE_H

#include "match/automaton.h"
#include "weiri/arena.h"

typedef struct weiri_draft {
    bool       is_pending;
    bool       has_way;  /* something can still come of it             */
    bool       has_open; /* … by a way that no gap bounds              */
    int64_t    gap_ns;   /* the widest gap of the others               */
    weiri_arc *arcs;     /* in the arena */
    uint32_t   n_arcs;
} weiri_draft;

/* Note a way on, bounded by a gap after the last event (-1: not bounded). */
void
weiri_draft_add_way(weiri_draft *self, int64_t gap_ns);

/* Add an arc; one that does the same on other events is widened instead. */
void
weiri_draft_add(
    weiri_draft *self, weiri_arena *arena, weiri_conditions *conditions, weiri_arc arc);

/* Merge equivalent states in place and drop those that state 0 does not reach.
 *
 *   returns  how many are left, in the order in which state 0 reaches them
 *   source   Moore, "Gedanken-experiments on sequential machines", 1956
 */
uint32_t
weiri_minimise(
    weiri_arena *arena, weiri_conditions *conditions, weiri_draft *drafts, uint32_t n);

#endif
