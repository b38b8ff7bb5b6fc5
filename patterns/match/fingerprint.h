/* What state depends on, as a number: the same for the same rule on every machine. */
#ifndef WEIRI_FINGERPRINT_H
#define WEIRI_FINGERPRINT_H

#include "match/automaton.h"

/* Of an expression, going on from `hash`; NULL is one, too.
 *
 *   schema  of the event that it reads
 */
uint64_t
weiri_hash_expr(uint64_t hash, const weiri_expr *expr, const weir_schema *schema);

/* Of inputs, keys, pattern, steps, registers and bounds; not of what is emitted. */
uint64_t
weiri_match_fingerprint(const weiri_match *plan);

/* Of the states and their arcs, as they were made from the plan. 0 when memory is out. */
uint64_t
weiri_automaton_fingerprint(const weiri_automaton *self);

#endif
