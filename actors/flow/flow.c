#include <stdlib.h>

#include "build.h"
#include "weiri/cluster.h"

uint32_t
weiri_flow_shard_of(const weiri_flow *self, uint32_t group)
{
    return group * self->n_shards / WEIRI_KEY_GROUPS;
}

void
weiri_flow_set_groups(weiri_flow *self, const weiri_groups *groups)
{
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        self->owners[g] = weiri_groups_has(groups, g)
                              ? (uint16_t)weiri_flow_shard_of(self, g)
                              : WEIRI_FLOW_NOBODY;
    }
}

weir_status
weiri_flow_new(const weiri_plan *plan, uint32_t n_shards,
    const weiri_flow_outlet *outlets, uint32_t n_outlets, weiri_flow **out,
    weir_error *err)
{
    weiri_flow *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    weir_error why = { .status = WEIR_OK };
    self->plan     = plan;
    self->n_shards = n_shards;
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        bool is_mine =
            plan->cluster == NULL || plan->cluster->owners[g] == plan->cluster->self;
        self->owners[g] =
            is_mine ? (uint16_t)weiri_flow_shard_of(self, g) : WEIRI_FLOW_NOBODY;
    }
    self->readers = calloc(plan->n_streams + (size_t)1, sizeof *self->readers);
    self->homes   = calloc(plan->n_streams + (size_t)1, sizeof *self->homes);
    self->told    = calloc(n_shards * (size_t)plan->n_rules + 1, sizeof *self->told);
    weir_status status =
        self->readers != NULL && self->homes != NULL && self->told != NULL
            ? weiri_streams_init(&self->streams, plan)
            : WEIR_ENOMEM;
    for (uint32_t i = 0; self->homes != NULL && i < plan->n_streams; i++) {
        self->homes[i] = WEIRI_NONE;
    }
    if (status == WEIR_OK) {
        status = weiri_flow_build(self, outlets, n_outlets, &why);
    }
    if (status != WEIR_OK) {
        weiri_flow_destroy(&self);
        return WEIR_FAIL(err, status, "%s",
            why.status != WEIR_OK ? why.text : weir_status_text(status));
    }
    *out = self;
    return WEIR_OK;
}

static void
destroy_node(weiri_flow_node *node)
{
    uint32_t n = WEIRI_FLOW_TURNS * node->n_inputs;
    for (uint32_t i = 0; node->parcels != NULL && i < n; i++) {
        weiri_parcel_drop(&node->parcels[i]);
    }
    free(node->parcels);
    free(node->homes.items);
    free(node->home_streams);
    node->ops->destroy(node);
}

void
weiri_flow_destroy(weiri_flow **self_p)
{
    weiri_flow *self = *self_p;
    *self_p          = NULL;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; i < self->n_nodes; i++) {
        destroy_node(self->nodes[i]);
    }
    for (uint32_t i = 0; self->readers != NULL && i < self->plan->n_streams; i++) {
        free(self->readers[i].items);
    }
    weiri_rows_list_fini(&self->rows);
    weiri_streams_fini(&self->streams);
    free(self->nodes);
    free(self->readers);
    free(self->told);
    free(self->homes);
    free(self);
}

weiri_merge *
weiri_flow_merge(weiri_flow *self, uint32_t stream)
{
    return self->streams.merges[stream];
}

const bool *
weiri_flow_used(const weiri_flow *self, uint32_t stream)
{
    return self->streams.used[stream];
}

uint32_t
weiri_flow_n_leaves(const weiri_flow *self)
{
    return self->n_leaves;
}

void
weiri_flow_place(const weiri_flow *self, uint32_t node, uint32_t *shard, uint32_t *level)
{
    *shard = self->nodes[node]->shard;
    *level = self->nodes[node]->level;
}

/* ---- turns ---- */

weir_status
weiri_flow_open(weiri_flow *self, const weiri_turn *turn, const weiri_flow_port *port,
    weir_error *err)
{
    for (uint32_t s = 0; s < self->plan->n_streams; s++) {
        if (self->homes[s] != WEIRI_NONE || self->streams.merges[s] == NULL) {
            continue;
        }
        weir_status status =
            weiri_merge_release(self->streams.merges[s], turn->watermark_ns, &self->rows);
        if (status == WEIR_OK) {
            status = weiri_flow_send_rows(port, turn, &self->readers[s], &self->rows);
        }
        weiri_rows_list_clear(&self->rows);
        if (status != WEIR_OK) {
            return WEIR_FAIL(err, status, "stream '%s': %s",
                self->plan->streams[s].schema.name, weir_status_text(status));
        }
    }
    return WEIR_OK;
}

/* Work off the next turn, whose parcels are all there. */
static weir_status
work(weiri_flow_node *node, const weiri_flow_port *port, weir_error *err)
{
    uint32_t       slot    = (uint32_t)(node->next % WEIRI_FLOW_TURNS);
    weiri_parcel **parcels = &node->parcels[(size_t)slot * node->n_inputs];
    weiri_turn     turn    = parcels[0]->turn;
    weir_status    status  = node->ops->work(node, parcels, port, err);
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        weiri_parcel_drop(&parcels[i]);
    }
    node->n_here[slot] = 0;
    node->next++;
    return status == WEIR_OK && node->is_leaf ? port->done(port->context, &turn) : status;
}

weir_status
weiri_flow_receive(weiri_flow *self, uint32_t index, weiri_parcel **parcel_p,
    const weiri_flow_port *port, weir_error *err)
{
    weiri_flow_node *node   = self->nodes[index];
    weiri_parcel    *parcel = *parcel_p;
    uint32_t         slot   = (uint32_t)(parcel->turn.number % WEIRI_FLOW_TURNS);
    *parcel_p               = NULL;
    node->parcels[(size_t)slot * node->n_inputs + parcel->input] = parcel;
    node->n_here[slot]++;
    weir_status status = WEIR_OK;
    while (status == WEIR_OK
           && node->n_here[node->next % WEIRI_FLOW_TURNS] == node->n_inputs) {
        status = work(node, port, err);
    }
    return status;
}

static uint64_t
read_told(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

weiri_rule_sight
weiri_flow_rule(const weiri_flow *self, uint32_t rule)
{
    weiri_rule_sight sight = { 0 };
    for (uint32_t i = 0; i < self->n_shards; i++) {
        const weiri_told_rule *told = &self->told[i * self->plan->n_rules + rule];
        sight.n_events += read_told(&told->n_events);
        sight.n_matches += read_told(&told->n_matches);
        sight.n_keys += read_told(&told->n_keys);
        sight.n_held += read_told(&told->n_held);
        sight.n_dropped += read_told(&told->n_dropped);
        sight.n_faults += read_told(&told->n_faults);
    }
    return sight;
}

weiri_graph_counts
weiri_flow_get_counts(const weiri_flow *self)
{
    weiri_graph_counts counts = { 0 };
    for (uint32_t i = 0; i < self->n_nodes; i++) {
        if (self->nodes[i]->ops->count != NULL) {
            self->nodes[i]->ops->count(self->nodes[i], &counts);
        }
    }
    return counts;
}
