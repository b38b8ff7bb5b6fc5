/* weiri_classes: events that fit the same unary conditions are one class.
 *
 * The conditions of a chunk are evaluated column by column; each distinct outcome gets
 * a small number, so that all else about a kind of event can be looked up.
 */
#ifndef WEIRI_CLASSES_H
#define WEIRI_CLASSES_H

#include "match/automaton.h"

enum {
    WEIRI_CLASS_COUNT = 256,
    WEIRI_CLASS_OTHER = WEIRI_CLASS_COUNT - 1 /* when all numbers are used: whatever was
                                               * fitted last                            */
};

typedef struct weiri_class {
    uint32_t input;
    uint64_t fits[2]; /* a bit an atom: its unary part holds */
} weiri_class;

/* Whether the unary part of an atom holds for events of a class. */
static inline bool
weiri_class_fits(const weiri_class *self, uint32_t atom)
{
    return (self->fits[atom / 64] >> atom % 64 & 1) != 0;
}

typedef struct weiri_classes weiri_classes;

/* The automaton outlives it. `n_inputs` of the plan. */
WEIR_MUST_CHECK weir_status
weiri_classes_new(
    const weiri_automaton *automaton, uint32_t n_inputs, weiri_classes **out);

void
weiri_classes_destroy(weiri_classes **self_p);

/* The class of every row.
 *
 *   out      shape (rows.n,); WEIRI_CLASS_OTHER: ask weiri_classes_other
 *   others   shape (rows.n,): where a row's class is WEIRI_CLASS_OTHER, what it fits
 *   returns  how many classes there are now; UINT32_MAX when memory is out
 */
uint32_t
weiri_classes_of(weiri_classes *self, uint32_t input, weir_rows rows, uint8_t *out,
    weiri_class *others);

/* The class of the input's events for which no unary condition holds. */
uint32_t
weiri_classes_unfit(weiri_classes *self, uint32_t input);

/* Class number `i` < what weiri_classes_of returned. */
const weiri_class *
weiri_classes_at(const weiri_classes *self, uint32_t i);

uint64_t
weiri_classes_faults(const weiri_classes *self);

#endif
