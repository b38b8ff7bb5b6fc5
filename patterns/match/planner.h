/* Which executor runs a pattern. */
#ifndef WEIRI_PLANNER_H
#define WEIRI_PLANNER_H

#include "match/executor.h"

/* The cheapest one that is exact for it. */
const weiri_executor_ops *
weiri_choose_executor(const weiri_match *plan, const weiri_automaton *automaton);

#endif
