/* weiri_suffixes: an aggregate of a plugin that can merge, and takes nothing out again,
 * over the rows of a sliding window: two stacks.
 *
 * The older rows stand in suffixes: a state of all of them, one without the first of
 * them, and so on; the newer ones in one state. A result is a suffix and what is newer,
 * merged; when the suffixes are used up, they are made anew of all rows there are. Of n
 * rows there is not a suffix for each but for every √n-th, since a plugin's state can be
 * as large as all of its values: so they are √n states, and a result adds up to √n rows
 * by themselves.
 *
 *   source  as weiri_slide
 */
#ifndef WEIRI_SUFFIXES_H
#define WEIRI_SUFFIXES_H

#include "aggregate/foreign.h"
#include "aggregate/slide.h"

/* All zero is empty. */
typedef struct weiri_suffixes {
    weiri_foreign_tally
            *items; /* of the rows end - (i + 1) * step … end - 1, shape (n,) */
    uint64_t n;
    uint64_t step;
    uint64_t end;
    weiri_foreign_tally newer; /* of the rows from `end` on                  */
    weiri_foreign_tally total; /* of the last result, whose text may be in it */
} weiri_suffixes;

void
weiri_suffixes_add(const weiri_slide_spec *spec, weiri_suffixes *self,
    const weiri_ring *ring, uint64_t number);

/* Row ring->head, which the aggregate takes, is about to leave. False: out of memory. */
bool
weiri_suffixes_evict(
    const weiri_slide_spec *spec, weiri_suffixes *self, const weiri_ring *ring);

/* As weiri_foreign_value. */
weir_value
weiri_suffixes_value(const weiri_slide_spec *spec, weiri_suffixes *self,
    const weiri_ring *ring, weiri_list *room, uint64_t *faults);

void
weiri_suffixes_clear(const weiri_slide_spec *spec, weiri_suffixes *self);

/* Where its states begin, which the rows do not tell; and back, when all rows are there:
 * the states are made anew, so that results are rounded alike. False: in->wrong says
 * why, or out of memory. */
void
weiri_suffixes_save(const weiri_suffixes *self, const weiri_ring *ring, weiri_pack *out);
bool
weiri_suffixes_load(const weiri_slide_spec *spec, weiri_suffixes *self,
    const weiri_ring *ring, weiri_unpack *in);

#endif
