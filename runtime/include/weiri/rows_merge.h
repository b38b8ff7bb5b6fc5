/* weiri_rows_merge: lists of rows of several streams, walked in the total order of
 * events. */
#ifndef WEIRI_ROWS_MERGE_H
#define WEIRI_ROWS_MERGE_H

#include "weiri/merge.h"

/* Where the walk stands in the rows of one stream. */
typedef struct weiri_rows_cursor {
    const weiri_rows_list *list;
    uint32_t               range;  /* of the list          */
    uint32_t               row;    /* of the range's chunk */
    uint32_t               rank;   /* of the stream        */
    uint32_t               stream; /* breaks the last ties */
} weiri_rows_cursor;

void
weiri_rows_cursor_init(
    weiri_rows_cursor *self, const weiri_rows_list *list, uint32_t rank, uint32_t stream);

/* The cursor whose row is first in the order (time, rank, order, stream); NULL at the
 * end. */
weiri_rows_cursor *
weiri_rows_merge_next(weiri_rows_cursor *cursors, uint32_t n);

/* Step over one row; true if the next row is in another range. */
bool
weiri_rows_cursor_step(weiri_rows_cursor *self);

#endif
