#include "match/planner.h"

const weiri_executor_ops *
weiri_choose_executor(const weiri_match *plan, const weiri_automaton *automaton)
{
    (void)plan;
    (void)automaton;
    return &WEIRI_RUNS;
}
