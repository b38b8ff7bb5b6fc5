/* A flow's state as sections, and back.
 *
 *   flow/run       how many shards there were: for those who look
 *   stream/NAME    events that wait for the watermark
 *   rule/NAME      what a rule remembers, key by key, whichever shards the keys are on
 *
 * What else a flow goes by follows from the rules: how many events each has given, and
 * above which orders its next event has to be. So a graph loads what a flow has saved,
 * and a flow what a graph has, or a flow of another number of shards.
 */
#include <stdlib.h>
#include <string.h>

#include "../graph/restore.h"
#include "node.h"

/* ---- saving ---- */

static weir_status
save_run(const weiri_flow *self, weiri_sections *out, weir_error *err)
{
    weiri_pack *pack = weiri_sections_begin(out, "flow", "run");
    if (pack == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    weiri_pack_number(pack, self->n_shards);
    return WEIR_OK;
}

/* All parts of a rule as one section; only of those split by key where `keyed` says which
 * key groups. */
static weir_status
save_rule(const weiri_flow *self, uint32_t rule, weiri_keyed *keyed, weiri_sections *out,
    weir_error *err)
{
    weir_status status   = WEIR_OK;
    bool        is_first = false;
    bool        is_split = false;
    for (uint32_t i = 0; i < self->n_nodes && status == WEIR_OK; i++) {
        const weiri_rules *rules =
            weiri_share_rules(self->nodes[i], rule, &is_first, &is_split);
        if (rules != NULL && (is_split || keyed->groups == NULL)) {
            status = weiri_rules_save(rules, rule, keyed, err);
        }
    }
    if (status == WEIR_OK && (is_split || keyed->groups == NULL)) {
        status = weiri_restore_add_rule(keyed, self->plan->rules[rule].name, out, err);
    }
    weiri_keyed_fini(keyed);
    return status;
}

weir_status
weiri_flow_save(const weiri_flow *self, weiri_sections *out, weir_error *err)
{
    weir_status status = save_run(self, out, err);
    if (status == WEIR_OK) {
        status = weiri_streams_save(&self->streams, self->plan, out, err);
    }
    for (uint32_t i = 0; i < self->plan->n_rules && status == WEIR_OK; i++) {
        weiri_keyed keyed = { .groups = NULL };
        if (!self->plan->rules[i].is_elsewhere) {
            status = save_rule(self, i, &keyed, out, err);
        }
    }
    return status;
}

/* ---- loading ---- */

weir_status
weiri_flow_shards_of(const weiri_sections *sections, uint32_t *out, weir_error *err)
{
    weiri_unpack in = { 0 };
    *out            = 1;
    if (!weiri_sections_find(sections, "flow", "run", &in)) {
        return WEIR_OK;
    }
    *out = (uint32_t)weiri_unpack_below(
        &in, WEIRI_FLOW_SHARDS + 1, "it is of too many shards");
    if (in.wrong == NULL && *out == 0) {
        weiri_unpack_fail(&in, "it is of no shard");
    }
    return in.wrong == NULL ? WEIR_OK
                            : WEIR_FAIL(err, WEIR_EDATA, "the state: %s", in.wrong);
}

static void
find_groups(const weiri_flow *self, uint32_t shard, weiri_groups *out)
{
    *out = (weiri_groups){ .bits = { 0 } };
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        if (self->owners[g] == shard) {
            weiri_groups_add(out, g);
        }
    }
}

static weir_status
load_rule(weiri_flow *self, uint32_t rule, const weiri_restore *restore, weir_error *err)
{
    const char *name   = self->plan->rules[rule].name;
    weiri_kept  kept   = WEIRI_KEPT;
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_nodes && status == WEIR_OK; i++) {
        weiri_groups       groups;
        bool               is_split = false;
        weiri_restore_part part     = { .rule = rule };
        part.rules = weiri_share_rules(self->nodes[i], rule, &part.is_first, &is_split);
        if (part.rules == NULL) {
            continue;
        }
        find_groups(self, self->nodes[i]->shard, &groups);
        part.groups = is_split ? &groups : NULL;
        status      = weiri_restore_rule(restore, &part, name, &kept, err);
    }
    if (status == WEIR_OK) {
        weiri_restore_tell(restore, "rule", name, kept);
    }
    return status;
}

/* Positions are compared with others of their router only, so that one that all have not
 * reached yet is as good as its own for each. */
static void
go_on(weiri_flow *self)
{
    uint64_t position = 0;
    for (uint32_t rule = 0; rule < self->plan->n_rules; rule++) {
        uint64_t          n_given[2] = { 0 };
        weiri_rule_target targets[2];
        for (uint32_t i = 0; i < self->n_nodes; i++) {
            bool               is_first = false;
            bool               is_split = false;
            const weiri_rules *rules =
                weiri_share_rules(self->nodes[i], rule, &is_first, &is_split);
            if (rules != NULL) {
                weiri_rule_counts counts = weiri_rules_counts_of(rules, rule);
                position = counts.position > position ? counts.position : position;
                n_given[0] += counts.n_given[0];
                n_given[1] += counts.n_given[1];
            }
        }
        weiri_rule_targets(&self->plan->rules[rule], targets);
        for (uint32_t i = 0; i < 2 * self->n_nodes; i++) {
            uint32_t k = i % 2;
            if (targets[k].schema != NULL) {
                weiri_home_go_on(self->nodes[i / 2], rule, targets[k].stream, n_given[k]);
            }
        }
    }
    for (uint32_t i = 0; i < self->n_nodes; i++) {
        weiri_router_go_on(self->nodes[i], position);
    }
}

weir_status
weiri_flow_load(weiri_flow *self, const weiri_restore *restore, weir_error *err)
{
    weir_status status = weiri_streams_load(&self->streams, self->plan, restore, err);
    for (uint32_t i = 0; i < self->plan->n_rules && status == WEIR_OK; i++) {
        if (!self->plan->rules[i].is_elsewhere) {
            status = load_rule(self, i, restore, err);
        }
    }
    if (status == WEIR_OK) {
        go_on(self);
        weiri_restore_tell_gone(restore, self->plan);
    }
    return status;
}

/* ---- key groups that come and go ---- */

/* Have one part of a rule go on with the keys that `keyed` has. */
static weir_status
remake(weiri_rules *rules, uint32_t rule, weiri_keyed *keyed, weir_error *err)
{
    weiri_pack       bytes  = { 0 };
    weiri_keyed_load from   = { .is_first = true };
    weir_status      status = WEIR_OK;
    if (keyed->n_heads == 0) {
        return WEIR_OK;
    }
    if (!weiri_keyed_finish(keyed, &bytes)
        || !weiri_keyed_open(&from.from, bytes.bytes, bytes.size)) {
        status = WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    if (status == WEIR_OK) {
        status = weiri_rules_load(rules, rule, &from, err);
    }
    weiri_pack_fini(&bytes);
    return status;
}

weir_status
weiri_flow_save_groups(const weiri_flow *self, const weiri_groups *groups,
    weiri_sections *out, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->plan->n_rules && status == WEIR_OK; i++) {
        weiri_keyed keyed = { .groups = groups, .is_moved = true };
        status            = save_rule(self, i, &keyed, out, err);
    }
    return status;
}

weir_status
weiri_flow_forget_groups(weiri_flow *self, const weiri_groups *groups, weir_error *err)
{
    weir_status status                        = WEIR_OK;
    bool        is_touched[WEIRI_FLOW_SHARDS] = { false };
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        if (weiri_groups_has(groups, g) && self->owners[g] != WEIRI_FLOW_NOBODY) {
            is_touched[self->owners[g]] = true;
            self->owners[g]             = WEIRI_FLOW_NOBODY;
        }
    }
    for (uint32_t n = 0; n < self->n_nodes; n++) {
        for (uint32_t i = 0; i < self->plan->n_rules && status == WEIR_OK; i++) {
            bool         is_first = false;
            bool         is_split = false;
            weiri_groups left;
            weiri_rules *rules =
                weiri_share_rules(self->nodes[n], i, &is_first, &is_split);
            if (rules == NULL || !is_split || !is_touched[self->nodes[n]->shard]) {
                continue;
            }
            find_groups(self, self->nodes[n]->shard, &left);
            weiri_keyed keyed = { .groups = &left };
            status            = weiri_rules_save(rules, i, &keyed, err);
            if (status == WEIR_OK) {
                status = remake(rules, i, &keyed, err);
            }
            weiri_keyed_fini(&keyed);
        }
    }
    return status;
}

/* What a part of a rule has, and what comes to it. */
static weir_status
join_groups(weiri_rules *rules, uint32_t rule, const weiri_groups *groups,
    const weiri_unpack *in, weir_error *err)
{
    weiri_keyed        keyed  = { .groups = NULL };
    weiri_keyed_reader from   = { .n_heads = 0 };
    weir_status        status = weiri_rules_save(rules, rule, &keyed, err);
    if (status == WEIR_OK
        && weiri_keyed_open(&from, in->at, (size_t)(in->end - in->at))) {
        keyed.groups = groups;
        weiri_keyed_add(&keyed, &from);
    }
    if (status == WEIR_OK && from.in.wrong != NULL) {
        status = WEIR_FAIL(err, WEIR_EDATA, "%s", from.in.wrong);
    }
    if (status == WEIR_OK) {
        status = remake(rules, rule, &keyed, err);
    }
    weiri_keyed_fini(&keyed);
    return status;
}

weir_status
weiri_flow_load_groups(weiri_flow *self, const weiri_groups *groups, uint32_t shard,
    const weiri_sections *sections, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t n = 0; n < self->n_nodes; n++) {
        for (uint32_t i = 0; i < self->plan->n_rules && status == WEIR_OK; i++) {
            const char  *name     = self->plan->rules[i].name;
            bool         is_first = false;
            bool         is_split = false;
            weiri_unpack in       = { 0 };
            weiri_rules *rules =
                weiri_share_rules(self->nodes[n], i, &is_first, &is_split);
            if (rules == NULL || !is_split || self->nodes[n]->shard != shard
                || !weiri_sections_find(sections, "rule", name, &in) || in.at == in.end) {
                continue;
            }
            status = join_groups(rules, i, groups, &in, err);
            if (status != WEIR_OK) {
                status = WEIR_CONTEXT(err, status, "rule '%s'", name);
            }
        }
    }
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS && status == WEIR_OK; g++) {
        if (weiri_groups_has(groups, g)) {
            self->owners[g] = (uint16_t)shard;
        }
    }
    go_on(self);
    return status;
}
