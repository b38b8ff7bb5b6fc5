/* What a node's files share. */
#ifndef ACTOR_NODE_H
#define ACTOR_NODE_H

#include "shard.h"

struct weiri_node {
    weiri_node_config config;
    weiri_shard     **shards; /* shape (config.n_shards,) */
    weiri_directory   names;  /* read alone while it runs */
    uint32_t          n_families;
    weiri_address     dead_letters;
    bool              has_run;
};

/* The shards speak through `transport` from now on. errors: WEIR_EINVAL it has run */
WEIR_MUST_CHECK weir_status
weiri_node_begin(weiri_node *self, weiri_transport *transport, weir_error *err);

/* How it ended; what is still on its way is dropped. */
WEIR_MUST_CHECK weir_status
weiri_node_end(weiri_node *self, weir_error *err);

#endif
