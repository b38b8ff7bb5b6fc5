/* A node as one of a cluster. */
#ifndef WEIR_CLUSTER_H
#define WEIR_CLUSTER_H

#include "weiri/nodefile.h"
#include "weiri/plan.h"

/* Have the plan of a node be its part of what the cluster runs, if it is in one.
 * errors  as of weiri_cluster_spread */
WEIR_MUST_CHECK weir_status
cluster_spread(const weiri_node_setup *setup, weiri_plan *plan, weir_error *err);

/* The same for a look at what is wrong with it; an exit status. */
int
cluster_check(const weiri_node_setup *setup, weiri_plan *plan);

/* How many shards a node has: the rules of a cluster are never on the thread that takes
 * in. */
uint32_t
cluster_shards(const weiri_node_setup *setup);

#endif
