/* What state depends on, as a number: the same for the same rule on every machine. */
#ifndef WEIRI_FINGERPRINT_H
#define WEIRI_FINGERPRINT_H

#include "match/automaton.h"

/* Of inputs, keys, pattern, steps, registers and bounds; not of what is emitted. */
uint64_t
weiri_match_fingerprint(const weiri_match *plan);

/* Of the states and their arcs, as they were made from the plan. 0 when memory is out. */
uint64_t
weiri_automaton_fingerprint(const weiri_automaton *self);

#endif
