/* Which executor runs a pattern. */
#ifndef WEIRI_PLANNER_H
#define WEIRI_PLANNER_H

#include "match/executor.h"

/* The cheapest one that is exact for it. */
const weiri_executor_ops *
weiri_choose_executor(const weiri_match *plan, const weiri_automaton *automaton);

/* An executor, and which plans it is exact for. */
typedef struct weiri_candidate {
    const weiri_executor_ops *ops;
    bool (*takes)(const weiri_match *plan, const weiri_automaton *automaton);
    const char *because; /* why it is the one to take, if it takes the plan: a sentence */
} weiri_candidate;

/* The i-th in the order in which they are asked, the cheapest first; NULL past the last,
 * which takes every plan. */
const weiri_candidate *
weiri_candidate_at(uint32_t i);

#endif
