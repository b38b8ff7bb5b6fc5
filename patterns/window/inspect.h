/* What the kinds of windows tell by when they are looked into. */
#ifndef WEIRI_WINDOW_INSPECT_H
#define WEIRI_WINDOW_INSPECT_H

#include "weiri/inspect.h"
#include "window/windower.h"

struct weiri_window_viewer {
    const weiri_inspector *inspector;
    const uint64_t   *rows; /* of flowing windows, see weiri_flowing_index          */
    weiri_results     results;
    weir_value        values[WEIRI_AGGREGATES];
    const weiri_expr *arguments[2 * WEIRI_AGGREGATES]; /* of a row's cells */
    weir_value        cells[2 * WEIRI_AGGREGATES];
    bool              is_out_of_memory;
};

/* Tell of a pane, whose values are made here.
 *
 *   states  a block of tallies, or with a ring of slides
 *   ring    NULL: none
 */
void
weiri_window_tell(const weiri_windower *self, weiri_held_pane pane, char *states,
    const weiri_ring *ring, weiri_window_viewer *viewer);

/* Tell of a row that is kept. */
void
weiri_window_tell_row(
    const weiri_windower *self, const uint64_t *row, weiri_window_viewer *viewer);

#endif
