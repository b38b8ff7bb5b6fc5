#include "match/planner.h"

static bool
rings_take(const weiri_match *plan, const weiri_automaton *automaton)
{
    (void)automaton;
    return weiri_rings_take(plan);
}

static bool
stacks_take(const weiri_match *plan, const weiri_automaton *automaton)
{
    (void)automaton;
    return weiri_stacks_take(plan);
}

static bool
takes_all(const weiri_match *plan, const weiri_automaton *automaton)
{
    (void)plan;
    (void)automaton;
    return true;
}

static const weiri_candidate CANDIDATES[] = {
    { &WEIRI_RINGS, rings_take,
        "of the partial matches of a key only the one that began first can complete, so "
        "events are held and no partial match is: constant time an event" },
    { &WEIRI_STACKS, stacks_take,
        "every match of a chain is wanted, and partial matches that end with the same "
        "event are held as one: constant time an event, however many there are" },
    { &WEIRI_SETS, weiri_sets_take,
        "every match is wanted and conditions read one event each, so partial matches in "
        "the same state are held as one and walked through when they are complete" },
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
    const weiri_candidate *candidate = CANDIDATES;
    while (!candidate->takes(plan, automaton)) {
        candidate++;
    }
    return candidate->ops;
}
