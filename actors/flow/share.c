/* A share: what one shard does of the rules that read the same streams. */
#include <stdlib.h>
#include <string.h>

#include "node.h"
#include "split.h"
#include "weiri/cluster.h"

/* Rules that are fed the same rows. */
struct feed {
    weiri_rules *rules;
    uint32_t     set; /* of the lists of a parcel: 0 all rows, then each route */
    bool         is_by_turn;
};

typedef struct share {
    weiri_flow_node  node;
    uint32_t         shard;
    uint32_t         n_streams;
    uint32_t        *streams;
    uint32_t        *its_rules; /* ascending, shape (n_rules,)                       */
    uint32_t        *feed_of;   /* shape (n_rules,): WEIRI_NONE: run on other shards */
    uint32_t         n_rules;
    struct feed     *feeds; /* shape (n_feeds,) */
    uint32_t         n_feeds;
    weiri_rows_list *rows;    /* by stream, shape (plan->n_streams,): borrowed        */
    weiri_rows_list *own; /* shape (n_streams,): what this node's sources delivered  */
    weiri_parcel   **parcels; /* being filled, of each stream, shape (plan->n_streams,) */
    uint32_t         max_emitted;
} share;

static bool
is_turn_of(const share *self, const weiri_turn *turn)
{
    return turn->number % self->node.flow->n_shards == self->shard;
}

bool
weiri_share_wants(const weiri_flow_node *node, const weiri_turn *turn)
{
    const share *self = (const share *)node;
    for (uint32_t i = 0; i < self->n_feeds; i++) {
        if (self->feeds[i].set == 0
            && (!self->feeds[i].is_by_turn || is_turn_of(self, turn))) {
            return true;
        }
    }
    return false;
}

/* ---- a turn ---- */

/* What a rule has emitted into a stream goes to the stream's parcel. */
static weir_status
take(share *self, const weiri_turn *turn, uint32_t rule, const weiri_rule_target *to,
    weiri_chunks *chunks)
{
    if (to->schema == NULL || chunks->n == 0) {
        return WEIR_OK;
    }
    weiri_parcel **parcel = &self->parcels[to->stream];
    if (*parcel == NULL) {
        weir_status status = weiri_parcel_new(turn, 0, self->max_emitted, parcel);
        if (status != WEIR_OK) {
            return status;
        }
    }
    (*parcel)->emitted[(*parcel)->n_emitted++] =
        (weiri_emitted){ .rule = rule, .chunks = *chunks };
    *chunks = (weiri_chunks){ 0 };
    return WEIR_OK;
}

static weir_status
take_all(share *self, const weiri_turn *turn, weiri_rules *rules)
{
    uint32_t        n      = 0;
    const uint32_t *ran    = weiri_rules_ran(rules, &n);
    weir_status     status = WEIR_OK;
    for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
        const weiri_rule *rule   = &self->node.flow->plan->rules[ran[i]];
        weiri_chunks     *chunks = weiri_rules_emitted(rules, ran[i]);
        weiri_rule_target targets[2];
        weiri_rule_targets(rule, targets);
        for (uint32_t k = 0; k < 2 && status == WEIR_OK; k++) {
            status = take(self, turn, ran[i], &targets[k], &chunks[k]);
        }
    }
    return status;
}

/* In a cluster a query that remembers nothing is run where its events came. */
static weir_status
keep_own(share *self, uint32_t i, const weiri_rows_list *all)
{
    const weiri_plan *plan   = self->node.flow->plan;
    weir_status       status = WEIR_OK;
    weiri_rows_list_clear(&self->own[i]);
    for (uint32_t k = 0; k < all->n && status == WEIR_OK; k++) {
        status = weiri_cluster_own_rows(
            plan, self->streams[i], all->items[k], &self->own[i]);
    }
    return status;
}

static weir_status
run_feed(
    share *self, const struct feed *feed, const weiri_parcel *parcel, weir_error *err)
{
    const weiri_turn *turn   = &parcel->turn;
    weir_status       status = WEIR_OK;
    if (feed->is_by_turn && !is_turn_of(self, turn)) {
        return WEIR_OK;
    }
    weiri_rules_begin(feed->rules, parcel->deadline_ns, turn->is_end);
    for (uint32_t i = 0; i < self->n_streams && status == WEIR_OK; i++) {
        uint32_t stream    = self->streams[i];
        self->rows[stream] = parcel->lists[feed->set * self->n_streams + i];
        if (feed->is_by_turn && self->node.flow->plan->cluster != NULL) {
            status             = keep_own(self, i, &self->rows[stream]);
            self->rows[stream] = self->own[i];
        }
        if (status == WEIR_OK) {
            status = weiri_rules_scan(feed->rules, stream, &self->rows[stream]);
        }
    }
    if (status != WEIR_OK) {
        return WEIR_FAIL(err, status, "%s", weir_status_text(status));
    }
    status =
        weiri_rules_run(feed->rules, 0, self->node.flow->plan->n_rules, self->rows, err);
    if (status == WEIR_OK) {
        status = take_all(self, turn, feed->rules);
    }
    weiri_rules_forget(feed->rules);
    return status;
}

/* ---- sending ---- */

/* Each home that the share may emit into gets a parcel in each turn. */
static weir_status
send(share *self, const weiri_turn *turn, const weiri_flow_readers *homes,
    const uint32_t *streams, const weiri_flow_port *port)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < homes->n && status == WEIR_OK; i++) {
        weiri_parcel *parcel      = self->parcels[streams[i]];
        self->parcels[streams[i]] = NULL;
        if (parcel == NULL) {
            status = weiri_parcel_new(turn, 0, 0, &parcel);
        }
        if (status == WEIR_OK) {
            status = weiri_flow_send(port, homes->items[i], parcel);
        }
    }
    return status;
}

static void
tell(_Atomic uint64_t *to, uint64_t value)
{
    atomic_store_explicit(to, value, memory_order_relaxed);
}

/* How its rules stand, for whoever looks. */
static void
tell_rules(const share *self)
{
    const weiri_flow *flow = self->node.flow;
    for (uint32_t i = 0; i < self->n_rules; i++) {
        if (self->feed_of[i] == WEIRI_NONE) {
            continue;
        }
        uint32_t         rule = self->its_rules[i];
        weiri_told_rule *to   = &flow->told[self->shard * flow->plan->n_rules + rule];
        weiri_rule_sight sight =
            weiri_rules_sight(self->feeds[self->feed_of[i]].rules, rule);
        tell(&to->n_events, sight.n_events);
        tell(&to->n_matches, sight.n_matches);
        tell(&to->n_keys, sight.n_keys);
        tell(&to->n_held, sight.n_held);
        tell(&to->n_dropped, sight.n_dropped);
        tell(&to->n_faults, sight.n_faults);
    }
}

static weir_status
work(weiri_flow_node *node, weiri_parcel *const *parcels, const weiri_flow_port *port,
    weir_error *err)
{
    share      *self   = (share *)node;
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_feeds && status == WEIR_OK; i++) {
        status = run_feed(self, &self->feeds[i], parcels[0], err);
    }
    tell_rules(self);
    return status == WEIR_OK
               ? send(self, &parcels[0]->turn, &node->homes, node->home_streams, port)
               : status;
}

static void
count(const weiri_flow_node *node, weiri_graph_counts *counts)
{
    const share *self = (const share *)node;
    for (uint32_t i = 0; i < self->n_feeds; i++) {
        weiri_rules_count(self->feeds[i].rules, counts);
    }
}

/* ---- making and ending ---- */

static void
destroy(weiri_flow_node *node)
{
    share *self = (share *)node;
    for (uint32_t i = 0; self->feeds != NULL && i < self->n_feeds; i++) {
        weiri_rules_destroy(&self->feeds[i].rules);
    }
    for (uint32_t i = 0; self->parcels != NULL && i < node->flow->plan->n_streams; i++) {
        weiri_parcel_drop(&self->parcels[i]);
    }
    for (uint32_t i = 0; self->own != NULL && i < self->n_streams; i++) {
        weiri_rows_list_fini(&self->own[i]);
    }
    free(self->own);
    free(self->streams);
    free(self->its_rules);
    free(self->feed_of);
    free(self->feeds);
    free(self->rows);
    free(self->parcels);
    free(self);
}

static const weiri_flow_ops OPS = { .work = work, .count = count, .destroy = destroy };

static weiri_split
split_of(const share *self, uint32_t rule)
{
    return self->node.flow->n_shards == 1
               ? WEIRI_SPLIT_NOT
               : weiri_split_of(&self->node.flow->plan->rules[rule]);
}

weiri_rules *
weiri_share_rules(
    const weiri_flow_node *node, uint32_t rule, bool *is_first, bool *is_split)
{
    const share *self = (const share *)node;
    if (node->ops != &OPS) {
        return NULL;
    }
    for (uint32_t i = 0; i < self->n_rules; i++) {
        if (self->its_rules[i] == rule && self->feed_of[i] != WEIRI_NONE) {
            weiri_split split = split_of(self, rule);
            *is_first         = split == WEIRI_SPLIT_NOT || self->shard == 0;
            *is_split         = split == WEIRI_SPLIT_KEYS;
            return self->feeds[self->feed_of[i]].rules;
        }
    }
    return NULL;
}

/* Whether a rule of the group is fed by feed `set`, `is_by_turn`, on this shard. Rules
 * that are not split are dealt out. */
static bool
is_fed(
    const share *self, const weiri_flow_group *group, uint32_t i, const struct feed *feed)
{
    uint32_t n_shards = self->node.flow->n_shards;
    if (self->node.flow->plan->rules[group->rules[i]].is_elsewhere) {
        return false;
    }
    switch (split_of(self, group->rules[i])) {
    case WEIRI_SPLIT_KEYS: return feed->set == 1 + group->route[i];
    case WEIRI_SPLIT_TURNS: return feed->set == 0 && feed->is_by_turn;
    case WEIRI_SPLIT_NOT: break;
    }
    return feed->set == 0 && !feed->is_by_turn
           && group->rules[i] % n_shards == self->shard;
}

static weir_status
add_feed(share *self, const weiri_flow_group *group, struct feed feed, bool *is_mine,
    weir_error *err)
{
    const weiri_plan *plan = self->node.flow->plan;
    uint32_t          n    = 0;
    memset(is_mine, 0, plan->n_rules);
    for (uint32_t i = 0; i < group->n_rules; i++) {
        bool is_here             = is_fed(self, group, i, &feed);
        is_mine[group->rules[i]] = is_here;
        self->feed_of[i]         = is_here ? self->n_feeds : self->feed_of[i];
        n += is_here;
    }
    const weiri_rules_config config = {
        .plan = plan, .is_mine = is_mine, .is_part = feed.set > 0
    };
    if (n == 0) {
        return WEIR_OK;
    }
    self->feeds[self->n_feeds] = feed;
    return weiri_rules_new(&config, &self->feeds[self->n_feeds++].rules, err);
}

static weir_status
make_feeds(share *self, const weiri_flow_group *group, weir_error *err)
{
    bool *is_mine = calloc(self->node.flow->plan->n_rules, sizeof *is_mine);
    if (is_mine == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    weir_status status = add_feed(self, group, (struct feed){ .set = 0 }, is_mine, err);
    if (status == WEIR_OK) {
        status = add_feed(self, group, (struct feed){ .is_by_turn = true }, is_mine, err);
    }
    for (uint32_t r = 0; r < group->n_routes && status == WEIR_OK; r++) {
        status = add_feed(self, group, (struct feed){ .set = 1 + r }, is_mine, err);
    }
    free(is_mine);
    return status;
}

weir_status
weiri_share_new(const weiri_flow *flow, const weiri_flow_group *group, uint32_t shard,
    weiri_flow_node **out, weir_error *err)
{
    share *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    *out              = &self->node;
    self->node        = (weiri_flow_node){ .ops = &OPS, .flow = flow, .n_inputs = 1 };
    self->shard       = shard;
    self->n_streams   = group->n_streams;
    self->max_emitted = 2 * group->n_rules;
    self->n_rules     = group->n_rules;
    self->its_rules   = calloc(group->n_rules, sizeof *self->its_rules);
    self->feed_of     = calloc(group->n_rules, sizeof *self->feed_of);
    self->streams     = calloc(group->n_streams, sizeof *self->streams);
    self->feeds       = calloc(2 + (size_t)group->n_routes, sizeof *self->feeds);
    self->rows        = calloc(flow->plan->n_streams, sizeof *self->rows);
    self->own         = calloc(group->n_streams, sizeof *self->own);
    self->parcels     = calloc(flow->plan->n_streams, sizeof(void *));
    if (self->its_rules == NULL || self->feed_of == NULL || self->streams == NULL
        || self->feeds == NULL || self->rows == NULL || self->own == NULL
        || self->parcels == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    for (uint32_t i = 0; i < group->n_streams; i++) {
        self->streams[i] = group->streams[i];
    }
    for (uint32_t i = 0; i < group->n_rules; i++) {
        self->its_rules[i] = group->rules[i];
        self->feed_of[i]   = WEIRI_NONE;
    }
    return make_feeds(self, group, err);
}
