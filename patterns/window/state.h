/* A windower's state by key, see weiri/keyed.h.
 *
 *   head   kind of window, fingerprint of the rule; clocks and counters
 *   part 0 what the window of a key holds
 *
 * Tumbling and hopping windows depend on the order in which their keys came, so what they
 * keep of a key begins with a number that tells it; they are loaded in that order. Of
 * sliding windows the rows are written, and aggregates computed from them anew.
 */
#ifndef WEIRI_WINDOW_STATE_H
#define WEIRI_WINDOW_STATE_H

#include "window/windower.h"

/* ---- what the kinds share; what reads gives false as in aggregate/cell_pack.h ---- */

void
weiri_entry_save(const weiri_entry *self, weiri_pack *out);

/* The entry is used from then on. */
bool
weiri_entry_load(weiri_windower *self, uint32_t index, weiri_unpack *in);

/* Note an entry among those with events since the last early results. */
bool
weiri_dirty_load(weiri_windower *self, uint32_t index, weiri_unpack *in);

/* Of the keys that matter to no event any more it depends on the cut of the input which
 * are there still: they are neither written nor told of. */
bool
weiri_entry_is_wanted(const weiri_windower *self, uint32_t index);

/* A block of tallies. False: out of memory. */
bool
weiri_states_save(const weiri_windower *self, const char *states, weiri_pack *out);

/* Into an empty block, which is to be cleared all the same when this fails. */
bool
weiri_states_load(weiri_windower *self, char *states, weiri_unpack *in);

/* A row of a ring, after one at before_ns. */
void
weiri_row_save(
    const weiri_windower *self, const uint64_t *row, int64_t before_ns, weiri_pack *out);

/* False: the row holds nothing. */
bool
weiri_row_load(
    const weiri_windower *self, uint64_t *row, int64_t before_ns, weiri_unpack *in);

/* The aggregates that read an argument of rows. */
uint64_t
weiri_row_readers(const weiri_windower *self, uint32_t cell);

/* The time of an event that has been seen. */
int64_t
weiri_seen_time_load(const weiri_windower *self, int64_t before_ns, weiri_unpack *in);

#endif
