#include "cluster.h"

#include "command.h"
#include "weiri/cluster.h"

weir_status
cluster_spread(const weiri_node_setup *setup, weiri_plan *plan, weir_error *err)
{
    return setup->cluster_name == NULL
               ? WEIR_OK
               : weiri_cluster_spread(plan, setup->cluster_name, setup->members,
                   setup->n_members, setup->member, err);
}

int
cluster_check(const weiri_node_setup *setup, weiri_plan *plan)
{
    weir_error err = { .status = WEIR_OK };
    return report_failure(cluster_spread(setup, plan, &err), &err);
}

uint32_t
cluster_shards(const weiri_node_setup *setup)
{
    return setup->cluster_name != NULL && setup->n_shards < 2 ? 2 : setup->n_shards;
}
