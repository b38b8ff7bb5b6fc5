#include "match/planner.h"

const weiri_executor_ops *
weiri_choose_executor(const weiri_match *plan, const weiri_automaton *automaton)
{
    (void)automaton;
    return weiri_rings_take(plan) ? &WEIRI_RINGS : &WEIRI_RUNS;
}
