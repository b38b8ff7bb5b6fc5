/* The links of a node at work: the thread that looks after them has the transport. */
#ifndef WEIR_LINKING_H
#define WEIR_LINKING_H

#include "peering.h"
#include "weiri/links.h"

typedef struct linking linking;

/* Start the thread. A node that speaks with nobody has none: *out is NULL.
 *
 *   peers  of the node; outlives this, as do the others
 */
WEIR_MUST_CHECK weir_status
linking_open(const weiri_node_setup *setup, const run_log *log, const peering *peers,
    linking **out, weir_error *err);

/* When the engine is gone. NULL is fine. */
void
linking_close(linking **self_p);

/* NULL of NULL. */
weiri_links *
linking_links(const linking *self);

/* Have the transport, shortly: not while linking_links is asked for what it has. NULL is
 * fine. */
void
linking_hold(const linking *self);

void
linking_release(const linking *self);

#endif
