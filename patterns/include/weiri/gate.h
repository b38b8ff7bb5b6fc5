/* weiri_gate: which of thousands of rules an event of one stream may matter to.
 *
 * Each rule is added with the conditions under which an event can matter to it. From
 * their conjuncts tests of one field against constants are taken, such that where none of
 * a rule's tests holds, none of its conditions does. The tests of all rules on one field
 * are one look-up: equality a hash table from value to rules, ranges one search among
 * sorted bounds. Only rules that are hit need to look at an event.
 *
 * What is left out changes nothing, counts of faults included: a test is taken from a
 * conjunct only if the conjuncts whose evaluation it saves cannot fault.
 */
#ifndef WEIRI_GATE_H
#define WEIRI_GATE_H

#include "weiri/expr.h"
#include "weiri/merge.h"

typedef struct weiri_gate weiri_gate;

/* For a stream. `schema` outlives the gate.
 *
 *   errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_gate_new(const weir_schema *schema, weiri_gate **out);

void
weiri_gate_destroy(weiri_gate **self_p);

/* Add a rule; before weiri_gate_seal.
 *
 *   rule        the caller's number for it
 *   conditions  shape (n,): an event matters only if one of them is true. The expressions
 *               outlive the gate
 *   is_gated    false: a condition has no test, every event may matter; nothing is added
 *   errors      WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_gate_add(weiri_gate *self, uint32_t rule, const weiri_expr *const *conditions,
    uint32_t n, bool *is_gated);

/* Make the tables; once, before the first scan.
 *
 *   errors  WEIR_ENOMEM
 *   cost    O(n log n) in the tests
 */
WEIR_MUST_CHECK weir_status
weiri_gate_seal(weiri_gate *self);

/* Find whom rows may matter to; after the rows scanned before, since the last clear.
 *
 *   rows    n <= WEIRI_CHUNK_ROWS; the chunk outlives the next clear
 *   errors  WEIR_ENOMEM: the gate is to be destroyed
 *   cost    a pass over each tested field, and O(1) for each (rule, row) that is hit.
 *           Where very many are hit the rows are given to all rules
 */
WEIR_MUST_CHECK weir_status
weiri_gate_scan(weiri_gate *self, weir_rows rows);

/* The rules that were hit since the last clear, each once, in no order; as they were
 * numbered. shape (n,), borrowed until the next scan or clear */
const uint32_t *
weiri_gate_hits(weiri_gate *self, uint32_t *n);

/* Append what may matter to a rule of the rows scanned since the last clear, in order. A
 * row that is left out does not matter to it, not every row that is given does.
 *
 *   errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_gate_rows(weiri_gate *self, uint32_t rule, weiri_rows_list *out);

/* Forget what was scanned. */
void
weiri_gate_clear(weiri_gate *self);

#endif
