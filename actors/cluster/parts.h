/* weiri_parts: the rows of a stream, for each node of a cluster those that it needs. */
#ifndef WEIRI_CLUSTER_PARTS_H
#define WEIRI_CLUSTER_PARTS_H

#include "weiri/cluster.h"
#include "weiri/merge.h"
#include "weiri/moves.h"

typedef struct weiri_parts weiri_parts;

/* `plan` is one of a cluster and outlives it, `given` is of it. errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_parts_new(const weiri_plan *plan, const weiri_given *given, weiri_parts **out);

void
weiri_parts_destroy(weiri_parts **self_p);

/* Copy rows, with their orders, to the parts of the other nodes.
 *
 *   is_end  no row comes any more: the last goes to all, who go by its time
 *   moves   which node has which key groups at an event's time
 *   to      shape (n_members,): appended to; none to that of this node
 *   errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_parts_split(weiri_parts *self, const weiri_rows_list *rows, bool is_end,
    const weiri_moves *moves, weiri_rows_list *to);

#endif
