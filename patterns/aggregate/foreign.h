/* weiri_foreign_tally: what an aggregate of a plugin keeps of the values added to it.
 *
 * All zero is empty. What a plugin failed at once is broken until it is empty again: its
 * result is null, and counted as a fault.
 */
#ifndef WEIRI_FOREIGN_H
#define WEIRI_FOREIGN_H

#include "aggregate/tally.h"

typedef struct weiri_foreign_tally {
    void    *state; /* the plugin's; NULL: none yet */
    uint64_t n;     /* values */
    uint64_t is_broken;
} weiri_foreign_tally;

/* values: shape (inputs,) */
void
weiri_foreign_add(const weiri_foreign *foreign, weiri_foreign_tally *self,
    int64_t time_ns, const weir_value *values);

/* The same from cells of the aggregate's arguments. */
void
weiri_foreign_add_cells(const weiri_aggregate *plan, weiri_foreign_tally *self,
    weiri_cell x, weiri_cell y, int64_t time_ns);

/* The oldest value goes. */
void
weiri_foreign_remove_cells(const weiri_aggregate *plan, weiri_foreign_tally *self,
    weiri_cell x, weiri_cell y, int64_t time_ns);

void
weiri_foreign_merge(const weiri_foreign *foreign, weiri_foreign_tally *self,
    const weiri_foreign_tally *later);

/* Free what it holds: empty again. */
void
weiri_foreign_clear(const weiri_foreign *foreign, weiri_foreign_tally *self);

/* Null where nothing was added. Text is in the state or in `room`. */
weir_value
weiri_foreign_value(const weiri_foreign *foreign, const weiri_foreign_tally *self,
    weiri_list *room, uint64_t *faults);

/* False: the plugin cannot, which out->wrong says. */
bool
weiri_foreign_save(
    const weiri_foreign *foreign, const weiri_foreign_tally *self, weiri_pack *out);

/* Into an empty one. False: in->wrong says why. */
bool
weiri_foreign_load(
    const weiri_foreign *foreign, weiri_foreign_tally *self, weiri_unpack *in);

#endif
