/* Rows of many short ranges, put into chunks of their own. */
#ifndef STREAM_GATHER_H
#define STREAM_GATHER_H

#include "weiri/merge.h"

/* Whether two chunks have the same schema and the same columns. */
bool
weiri_chunk_is_alike(const weir_chunk *a, const weir_chunk *b);

/* Replace what stands in a list from place `from` on, where many short ranges follow each
 * other, by ranges of new chunks with the same rows in the same order.
 *
 *   self    its chunks are alike
 *   errors  WEIR_ENOMEM: some ranges are replaced, none is lost
 *   cost    O(rows of short ranges)
 */
WEIR_MUST_CHECK weir_status
weiri_rows_gather(weiri_rows_list *self, uint32_t from);

#endif
