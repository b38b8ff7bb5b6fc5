/* Drafts of automaton states, and merging those that cannot be told apart. */
#ifndef WEIRI_MINIMISE_H
#define WEIRI_MINIMISE_H

#include "match/automaton.h"
#include "weiri/arena.h"

typedef struct weiri_draft {
    bool       is_pending;
    int64_t    pending_gap_ns;
    weiri_arc *arcs; /* in the arena */
    uint32_t   n_arcs;
} weiri_draft;

/* Add an arc; one that does the same on other events is widened instead. */
void
weiri_draft_add(weiri_draft *self, weiri_arena *arena, weiri_conditions *conditions,
    weiri_arc arc);

/* Merge equivalent states in place and drop those that state 0 does not reach.
 *
 *   returns  how many are left, in the order in which state 0 reaches them
 *   source   Moore, "Gedanken-experiments on sequential machines", 1956
 */
uint32_t
weiri_minimise(weiri_arena *arena, weiri_conditions *conditions, weiri_draft *drafts,
    uint32_t n);

#endif
