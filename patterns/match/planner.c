#include "match/planner.h"

const weiri_executor_ops *
weiri_choose_executor(const weiri_match *plan, const weiri_automaton *automaton)
{
    (void)automaton;
    if (weiri_rings_take(plan)) {
        return &WEIRI_RINGS;
    }
    return weiri_stacks_take(plan) ? &WEIRI_STACKS : &WEIRI_RUNS;
}
