/* Rank by rank: the homes of a rank's streams, which all have their emitters by then, and
 * the routers and shares of the rules that read no stream of a higher rank. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "../graph/dispatch.h"
#include "split.h"

/* A group being made. */
struct group {
    uint32_t *streams;
    uint32_t  n_streams;
    uint32_t *rules; /* shape (plan->n_rules,) */
    uint32_t *route;
    uint32_t *first;
    uint32_t  n_rules;
    uint32_t  n_routes;
    uint32_t  rank; /* the highest of its streams */
};

struct builder {
    weiri_flow   *flow;
    struct group *groups; /* shape (n_groups,) */
    uint32_t      n_groups;
    uint32_t     *streams; /* scratch, shape (plan->n_streams,) */
};

/* ---- groups ---- */

/* The streams that a rule reads, ascending, each once. */
static uint32_t
streams_of(const weiri_rule *rule, uint32_t *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < weiri_rule_n_inputs(rule); i++) {
        uint32_t stream = weiri_rule_input(rule, i);
        uint32_t at     = n;
        while (at > 0 && out[at - 1] >= stream) {
            at--;
        }
        if (at < n && out[at] == stream) {
            continue;
        }
        memmove(&out[at + 1], &out[at], (n - at) * sizeof *out);
        out[at] = stream;
        n++;
    }
    return n;
}

static weir_status
add_group(
    struct builder *self, const uint32_t *streams, uint32_t n_streams, struct group **out)
{
    const weiri_plan *plan = self->flow->plan;
    struct group *groups   = realloc(self->groups, (self->n_groups + 1) * sizeof *groups);
    if (groups == NULL) {
        return WEIR_ENOMEM;
    }
    self->groups       = groups;
    struct group *made = &groups[self->n_groups++];
    *made              = (struct group){ .n_streams = n_streams };
    made->streams      = calloc(n_streams + (size_t)1, sizeof *made->streams);
    made->rules        = calloc(plan->n_rules + (size_t)1, sizeof *made->rules);
    made->route        = calloc(plan->n_rules + (size_t)1, sizeof *made->route);
    made->first        = calloc(plan->n_rules + (size_t)1, sizeof *made->first);
    if (made->streams == NULL || made->rules == NULL || made->route == NULL
        || made->first == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < n_streams; i++) {
        uint32_t rank    = plan->streams[streams[i]].rank;
        made->streams[i] = streams[i];
        made->rank       = rank > made->rank ? rank : made->rank;
    }
    *out = made;
    return WEIR_OK;
}

static weir_status
find_group(
    struct builder *self, const uint32_t *streams, uint32_t n_streams, struct group **out)
{
    for (uint32_t i = 0; i < self->n_groups; i++) {
        struct group *at = &self->groups[i];
        if (at->n_streams == n_streams
            && memcmp(at->streams, streams, n_streams * sizeof *streams) == 0) {
            *out = at;
            return WEIR_OK;
        }
    }
    return add_group(self, streams, n_streams, out);
}

/* The route of a rule that is split by key: rules that are split alike share one. */
static uint32_t
find_route(const struct builder *self, struct group *group, uint32_t rule)
{
    const weiri_rule *rules = self->flow->plan->rules;
    for (uint32_t r = 0; r < group->n_routes; r++) {
        if (weiri_split_is_same(&rules[group->first[r]], &rules[rule])) {
            return r;
        }
    }
    group->first[group->n_routes] = rule;
    return group->n_routes++;
}

static weir_status
make_groups(struct builder *self)
{
    const weiri_plan *plan   = self->flow->plan;
    weir_status       status = WEIR_OK;
    for (uint32_t i = 0; i < plan->n_rules && status == WEIR_OK; i++) {
        const weiri_rule *rule  = &plan->rules[i];
        struct group     *group = NULL;
        uint32_t          n     = streams_of(rule, self->streams);
        status                  = find_group(self, self->streams, n, &group);
        if (status == WEIR_OK) {
            bool is_by_key =
                self->flow->n_shards > 1 && weiri_split_of(rule) == WEIRI_SPLIT_KEYS;
            group->rules[group->n_rules]   = i;
            group->route[group->n_rules++] = is_by_key ? find_route(self, group, i) : 0;
        }
    }
    return status;
}

static void
fini(struct builder *self)
{
    for (uint32_t i = 0; i < self->n_groups; i++) {
        free(self->groups[i].streams);
        free(self->groups[i].rules);
        free(self->groups[i].route);
        free(self->groups[i].first);
    }
    free(self->groups);
}

/* ---- nodes ---- */

/* Take in a node; after an error of making it, too. */
static weir_status
add_node(weiri_flow *flow, weiri_flow_node *node, uint32_t level, weir_status status)
{
    weiri_flow_node **nodes = NULL;
    if (node == NULL) {
        return status;
    }
    nodes = realloc(flow->nodes, (flow->n_nodes + (size_t)1) * sizeof(void *));
    if (nodes == NULL) {
        node->ops->destroy(node);
        return WEIR_ENOMEM;
    }
    flow->nodes            = nodes;
    node->level            = level;
    node->shard            = flow->n_nodes % flow->n_shards;
    nodes[flow->n_nodes++] = node;
    return status;
}

/* How far the home of a stream is from the sources. */
static uint32_t
level_of(const weiri_flow *flow, uint32_t stream)
{
    uint32_t home = flow->homes[stream];
    return home == WEIRI_NONE ? 0 : flow->nodes[home]->level;
}

static uint32_t
level_after(const weiri_flow *flow, const uint32_t *streams, uint32_t n)
{
    uint32_t level = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t of = level_of(flow, streams[i]);
        level       = of > level ? of : level;
    }
    return level + 1;
}

static weir_status
read_streams(weiri_flow *flow, const uint32_t *streams, uint32_t n, uint32_t node)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
        status = weiri_flow_readers_add(
            &flow->readers[streams[i]], (weiri_flow_reader){ .node = node, .input = i });
    }
    return status;
}

/* ---- from a share to the homes of what it emits ---- */

static bool
emits_into(const weiri_flow *flow, const struct group *group, uint32_t stream)
{
    for (uint32_t i = 0; i < group->n_rules; i++) {
        weiri_rule_target targets[2];
        if (flow->plan->rules[group->rules[i]].is_elsewhere) {
            continue;
        }
        weiri_rule_targets(&flow->plan->rules[group->rules[i]], targets);
        for (uint32_t k = 0; k < 2; k++) {
            if (targets[k].schema != NULL && targets[k].stream == stream) {
                return true;
            }
        }
    }
    return false;
}

/* Note that a share emits into a stream, whose home is made later. */
static weir_status
add_home(weiri_flow_node *share, uint32_t stream)
{
    uint32_t  n       = share->homes.n;
    uint32_t *streams = realloc(share->home_streams, (n + (size_t)1) * sizeof *streams);
    if (streams == NULL) {
        return WEIR_ENOMEM;
    }
    share->home_streams = streams;
    streams[n]          = stream;
    return weiri_flow_readers_add(
        &share->homes, (weiri_flow_reader){ .node = WEIRI_NONE });
}

static weir_status
make_shares(weiri_flow *flow, const struct group *group, uint32_t level, weir_error *err)
{
    const weiri_flow_group of = {
        .streams   = group->streams,
        .n_streams = group->n_streams,
        .rules     = group->rules,
        .n_rules   = group->n_rules,
        .route     = group->route,
        .first     = group->first,
        .n_routes  = group->n_routes,
    };
    weir_status status = WEIR_OK;
    for (uint32_t p = 0; p < flow->n_shards && status == WEIR_OK; p++) {
        weiri_flow_node *share = NULL;
        status                 = weiri_share_new(flow, &of, p, &share, err);
        status                 = add_node(flow, share, level + 1, status);
        for (uint32_t s = 0; s < flow->plan->n_streams && status == WEIR_OK; s++) {
            if (flow->plan->streams[s].is_read && emits_into(flow, group, s)) {
                status = add_home(share, s);
            }
        }
        if (status == WEIR_OK) {
            share->shard   = p;
            share->is_leaf = share->homes.n == 0;
        }
    }
    return status;
}

/* The shares first, and the router, which sends to them, behind. */
static weir_status
make_group(weiri_flow *flow, const struct group *group, weir_error *err)
{
    uint32_t  level  = level_after(flow, group->streams, group->n_streams);
    uint32_t *shares = calloc(flow->n_shards, sizeof *shares);
    for (uint32_t p = 0; shares != NULL && p < flow->n_shards; p++) {
        shares[p] = flow->n_nodes + p;
    }
    weir_status status =
        shares != NULL ? make_shares(flow, group, level, err) : WEIR_ENOMEM;
    const weiri_flow_group of = {
        .streams   = group->streams,
        .n_streams = group->n_streams,
        .first     = group->first,
        .n_routes  = group->n_routes,
    };
    weiri_flow_node *router = NULL;
    if (status == WEIR_OK) {
        status = weiri_router_new(flow, &of, shares, &router);
        status = add_node(flow, router, level, status);
    }
    free(shares);
    return status == WEIR_OK
               ? read_streams(flow, group->streams, group->n_streams, flow->n_nodes - 1)
               : status;
}

static weir_status
make_home(weiri_flow *flow, uint32_t stream)
{
    uint32_t level    = 0;
    uint32_t n_inputs = 0;
    for (uint32_t i = 0; i < flow->n_nodes; i++) {
        weiri_flow_node *share = flow->nodes[i];
        for (uint32_t k = 0; k < share->homes.n; k++) {
            if (share->home_streams[k] == stream) {
                share->homes.items[k] =
                    (weiri_flow_reader){ .node = flow->n_nodes, .input = n_inputs++ };
                level = share->level > level ? share->level : level;
            }
        }
    }
    if (n_inputs == 0) {
        return WEIR_OK; /* nobody emits it, or nobody reads it */
    }
    weiri_flow_node *home   = NULL;
    weir_status      status = weiri_home_new(flow, stream, &home);
    status                  = add_node(flow, home, level + 1, status);
    if (status == WEIR_OK) {
        home->n_inputs      = n_inputs;
        flow->homes[stream] = flow->n_nodes - 1;
    }
    return status;
}

static weir_status
make_rank(struct builder *self, uint32_t rank, weir_error *err)
{
    const weiri_plan *plan   = self->flow->plan;
    weir_status       status = WEIR_OK;
    for (uint32_t s = 0; s < plan->n_streams && status == WEIR_OK; s++) {
        if (plan->streams[s].rank == rank) {
            status = make_home(self->flow, s);
        }
    }
    for (uint32_t i = 0; i < self->n_groups && status == WEIR_OK; i++) {
        if (self->groups[i].rank == rank) {
            status = make_group(self->flow, &self->groups[i], err);
        }
    }
    return status;
}

static weir_status
make_outlets(weiri_flow *flow, const weiri_flow_outlet *outlets, uint32_t n_outlets)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < n_outlets && status == WEIR_OK; i++) {
        weiri_flow_node *node = NULL;
        uint32_t level = level_after(flow, outlets[i].streams, outlets[i].n_streams);
        status         = weiri_outlet_node_new(flow, &outlets[i], &node);
        status         = add_node(flow, node, level, status);
        if (status == WEIR_OK) {
            status = read_streams(
                flow, outlets[i].streams, outlets[i].n_streams, flow->n_nodes - 1);
        }
    }
    return status;
}

/* ---- the whole ---- */

/* Routers have readers, and homes as a rule. */
static void
find_leaves(weiri_flow *flow)
{
    for (uint32_t s = 0; s < flow->plan->n_streams; s++) {
        if (flow->homes[s] != WEIRI_NONE) {
            flow->nodes[flow->homes[s]]->is_leaf = flow->readers[s].n == 0;
        }
    }
    for (uint32_t i = 0; i < flow->n_nodes; i++) {
        flow->n_leaves += flow->nodes[i]->is_leaf;
    }
}

static weir_status
make_slots(weiri_flow *flow)
{
    for (uint32_t i = 0; i < flow->n_nodes; i++) {
        weiri_flow_node *node = flow->nodes[i];
        node->parcels = calloc((size_t)WEIRI_FLOW_TURNS * node->n_inputs, sizeof(void *));
        if (node->parcels == NULL) {
            return WEIR_ENOMEM;
        }
    }
    return WEIR_OK;
}

weir_status
weiri_flow_build(weiri_flow *self, const weiri_flow_outlet *outlets, uint32_t n_outlets,
    weir_error *err)
{
    uint32_t      *streams  = calloc(self->plan->n_streams + (size_t)1, sizeof *streams);
    struct builder builder  = { .flow = self, .streams = streams };
    weir_status    status   = streams != NULL ? make_groups(&builder) : WEIR_ENOMEM;
    uint32_t       max_rank = 0;
    for (uint32_t s = 0; s < self->plan->n_streams; s++) {
        uint32_t rank = self->plan->streams[s].rank;
        max_rank      = rank > max_rank ? rank : max_rank;
    }
    for (uint32_t rank = 0; rank <= max_rank && status == WEIR_OK; rank++) {
        status = make_rank(&builder, rank, err);
    }
    if (status == WEIR_OK) {
        status = make_outlets(self, outlets, n_outlets);
    }
    if (status == WEIR_OK) {
        status = make_slots(self);
        find_leaves(self);
    }
    fini(&builder);
    free(streams);
    return status;
}
