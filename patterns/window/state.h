/* A windower's state as bytes.
 *
 *   "weirW" and the format's version
 *   kind of window, fingerprint of the rule
 *   what belongs to no key: clocks and counters
 *   how many keys, then each by itself: its values, and what its window holds
 *   a hash of all this
 *
 * A key refers to nothing outside itself, so that it can be written and read alone.
 * Tumbling and hopping windows have their keys in order of the first event, which what
 * they emit depends on; the others in the order of the keys' bytes. Of sliding windows
 * the rows are written, and aggregates computed from them anew.
 */
#ifndef WEIRI_WINDOW_STATE_H
#define WEIRI_WINDOW_STATE_H

#include "window/windower.h"

enum { WEIRI_WINDOW_STATE_VERSION = 1 };

/* ---- what the kinds share; what reads gives false as in aggregate/cell_pack.h ---- */

void
weiri_entry_save(const weiri_entry *self, weiri_pack *out);

/* The entry is used from then on. */
bool
weiri_entry_load(weiri_windower *self, uint32_t index, weiri_unpack *in);

/* Note an entry among those with events since the last early results. */
bool
weiri_dirty_load(weiri_windower *self, uint32_t index, weiri_unpack *in);

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

/* The time of an event that has been seen. */
int64_t
weiri_seen_time_load(const weiri_windower *self, int64_t before_ns, weiri_unpack *in);

#endif
