/* Cells as bytes. What reads gives false when it failed: what is wrong is then noted in
 * `in`, or memory is out. */
#ifndef WEIRI_CELL_PACK_H
#define WEIRI_CELL_PACK_H

#include "aggregate/cell.h"
#include "weiri/pack.h"

/* More values than any window holds; sums of so many, of each of WEIRI_WINDOW_PANES
 * panes, still fit 128 bits. */
#define WEIRI_TALLY_COUNT (UINT64_C(1) << 47)

void
weiri_cell_save(weir_type type, weiri_cell cell, weiri_pack *out);

/* A plain or other cell of the type, floats finite, lists well-formed; owned, to be freed
 * by weiri_cell_free. False: *out is zero and owns nothing. */
bool
weiri_cell_load(weir_type type, weiri_cell *out, weiri_unpack *in);

#endif
