#include "match/planner.h"

static bool
takes_all(const weiri_match *plan)
{
    (void)plan;
    return true;
}

static const weiri_candidate CANDIDATES[] = {
    { &WEIRI_RINGS, weiri_rings_take,
        "of the partial matches of a key only the one that began first can complete, so "
        "events are held and no partial match is: constant time an event" },
    { &WEIRI_SETS, weiri_sets_take,
        "partial matches that end with the same event have the same future and are held "
        "as one: constant time an event, however many there are" },
    { &WEIRI_RUNS, takes_all,
        "partial matches are kept one by one, which is right for every pattern" },
};

const weiri_candidate *
weiri_candidate_at(uint32_t i)
{
    return i < sizeof CANDIDATES / sizeof *CANDIDATES ? &CANDIDATES[i] : NULL;
}

const weiri_executor_ops *
weiri_choose_executor(const weiri_match *plan, const weiri_automaton *automaton)
{
    (void)automaton;
    const weiri_candidate *candidate = CANDIDATES;
    while (!candidate->takes(plan)) {
        candidate++;
    }
    return candidate->ops;
}
