/* The links of a node, as its file says: its keys, its peers, the way to them. */
#ifndef WEIR_LINKING_H
#define WEIR_LINKING_H

#include "log.h"
#include "weiri/links.h"

typedef struct linking linking;

/* Listen, begin to go to the peers, and start the thread of the links. A node that knows
 * nobody and listens nowhere has none: *out is NULL.
 *
 *   errors  of weiri_keyfile_load and weiri_peers_open
 */
WEIR_MUST_CHECK weir_status
linking_open(
    const weiri_node_setup *setup, const run_log *log, linking **out, weir_error *err);

/* When the engine is gone. NULL is fine. */
void
linking_close(linking **self_p);

/* NULL of NULL. */
weiri_links *
linking_links(linking *self);

#endif
