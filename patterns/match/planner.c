#include "match/planner.h"

const weiri_executor_ops *
weiri_choose_executor(const weiri_match *plan, const weiri_automaton *automaton)
{
    if (weiri_rings_take(plan)) {
        return &WEIRI_RINGS;
    }
    if (weiri_stacks_take(plan)) {
        return &WEIRI_STACKS;
    }
    return weiri_sets_take(plan, automaton) ? &WEIRI_SETS : &WEIRI_RUNS;
}
