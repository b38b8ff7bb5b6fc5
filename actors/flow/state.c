/* A flow's state as sections, and back.
 *
 *   flow/run       how many shards, and how many rows the routers have numbered
 *   stream/NAME    events that wait for the watermark
 *   home/NAME      how many events each rule has emitted into a stream
 *   rule/NAME#I    what a rule remembers on shard I; rule/NAME if it is not split
 */
#include <stdlib.h>

#include "../graph/restore.h"
#include "node.h"

/* Positions are compared with others of their router only, so that one that all have not
 * reached yet is as good as its own for each. */
static uint64_t
position_of(const weiri_flow *self)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < self->n_nodes; i++) {
        uint64_t position = weiri_router_position(self->nodes[i]);
        most              = position > most ? position : most;
    }
    return most;
}

static weir_status
save_run(const weiri_flow *self, weiri_sections *out, weir_error *err)
{
    weiri_pack *pack = weiri_sections_begin(out, "flow", "run");
    if (pack == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    weiri_pack_number(pack, self->n_shards);
    weiri_pack_number(pack, position_of(self));
    return WEIR_OK;
}

weir_status
weiri_flow_save(const weiri_flow *self, weiri_sections *out, weir_error *err)
{
    weir_status status = save_run(self, out, err);
    if (status == WEIR_OK) {
        status = weiri_streams_save(&self->streams, self->plan, out, err);
    }
    for (uint32_t i = 0; i < self->n_nodes && status == WEIR_OK; i++) {
        const weiri_flow_node *node = self->nodes[i];
        status = node->ops->save != NULL ? node->ops->save(node, out, err) : WEIR_OK;
    }
    return status;
}

/* ---- loading ---- */

static weir_status
read_run(const weiri_sections *sections, uint32_t *n_shards, uint64_t *position,
    weir_error *err)
{
    weiri_unpack in = { 0 };
    *n_shards       = 1;
    *position       = 0;
    if (!weiri_sections_find(sections, "flow", "run", &in)) {
        return WEIR_OK;
    }
    *n_shards = (uint32_t)weiri_unpack_below(
        &in, WEIRI_FLOW_SHARDS + 1, "it is of too many shards");
    *position = weiri_unpack_below(&in, INT64_MAX, "it is of too many events");
    if (in.wrong == NULL && *n_shards == 0) {
        weiri_unpack_fail(&in, "it is of no shard");
    }
    return in.wrong == NULL ? WEIR_OK
                            : WEIR_FAIL(err, WEIR_EDATA, "the state: %s", in.wrong);
}

weir_status
weiri_flow_shards_of(const weiri_sections *sections, uint32_t *out, weir_error *err)
{
    uint64_t position = 0;
    return read_run(sections, out, &position, err);
}

static weir_status
load_nodes(weiri_flow *self, const weiri_restore *restore, weir_error *err)
{
    const weiri_plan *plan   = self->plan;
    weir_status       status = WEIR_OK;
    weiri_kept       *kept   = calloc(plan->n_rules + (size_t)1, sizeof *kept);
    if (kept == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    for (uint32_t i = 0; i < self->n_nodes && status == WEIR_OK; i++) {
        weiri_flow_node *node = self->nodes[i];
        if (node->ops->load != NULL) {
            status = node->ops->load(node, restore, kept, err);
        }
    }
    for (uint32_t i = 0; i < plan->n_rules && status == WEIR_OK; i++) {
        weiri_restore_tell(restore, "rule", plan->rules[i].name, kept[i]);
    }
    free(kept);
    return status;
}

weir_status
weiri_flow_load(weiri_flow *self, const weiri_restore *restore, weir_error *err)
{
    uint32_t    n_shards = 0;
    uint64_t    position = 0;
    weir_status status   = read_run(restore->sections, &n_shards, &position, err);
    for (uint32_t i = 0; i < self->n_nodes; i++) {
        weiri_router_go_on(self->nodes[i], position);
    }
    if (status == WEIR_OK) {
        status = weiri_streams_load(&self->streams, self->plan, restore, err);
    }
    if (status == WEIR_OK) {
        status = load_nodes(self, restore, err);
    }
    if (status == WEIR_OK) {
        weiri_restore_tell_gone(restore, self->plan);
    }
    return status;
}
