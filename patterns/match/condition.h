/* weiri_conditions: what an edge asks of an event, as shared boolean formulas.
 *
 * Atoms are numbered by the owner. A formula is an index; equal formulas built in the
 * same way have the same index, so that equality of automaton edges is equality of
 * numbers.
 */
#ifndef WEIRI_CONDITION_H
#define WEIRI_CONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t weiri_formula;

enum { WEIRI_FALSE = 0, WEIRI_TRUE = 1 };

typedef enum weiri_formula_kind {
    WEIRI_FORMULA_CONSTANT, /* WEIRI_FALSE, WEIRI_TRUE */
    WEIRI_FORMULA_ATOM,
    WEIRI_FORMULA_NOT,
    WEIRI_FORMULA_AND,
    WEIRI_FORMULA_OR
} weiri_formula_kind;

typedef struct weiri_formula_node {
    weiri_formula_kind kind;
    uint32_t           a; /* operand, or number of the atom */
    uint32_t           b;
} weiri_formula_node;

typedef struct weiri_conditions {
    weiri_formula_node *nodes;
    uint32_t            n_nodes;
    uint32_t            capacity;
    uint32_t           *buckets; /* open addressing, 0: free */
    uint32_t            n_buckets;
    bool                is_out_of_memory; /* formulas made since are WEIRI_FALSE */
} weiri_conditions;

/* False when memory is out. */
bool
weiri_conditions_init(weiri_conditions *self);

void
weiri_conditions_fini(weiri_conditions *self);

weiri_formula
weiri_formula_atom(weiri_conditions *self, uint32_t atom);

weiri_formula
weiri_formula_not(weiri_conditions *self, weiri_formula a);

weiri_formula
weiri_formula_and(weiri_conditions *self, weiri_formula a, weiri_formula b);

weiri_formula
weiri_formula_or(weiri_conditions *self, weiri_formula a, weiri_formula b);

/* What is known of an atom: WEIRI_FALSE, WEIRI_TRUE, or a formula for it. */
typedef weiri_formula
weiri_atom_fact(void *context, uint32_t atom);

/* `formula` with every atom replaced by what is known of it. */
weiri_formula
weiri_formula_restrict(
    weiri_conditions *self, weiri_formula formula, weiri_atom_fact *fact, void *context);

/* Whether an atom occurs in it. */
bool
weiri_formula_has_atom(
    const weiri_conditions *self, weiri_formula formula, uint32_t atom);

#endif
