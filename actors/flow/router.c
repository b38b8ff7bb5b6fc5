/* A router: rows get their position in what its rules read, and go to their shards. */
#include <stdlib.h>

#include "node.h"
#include "scatter.h"
#include "split.h"
#include "weiri/rows_merge.h"

typedef struct router {
    weiri_flow_node    node;
    uint32_t           n_streams;
    uint32_t          *streams;
    uint32_t           n_routes;
    weiri_scatter    **scatters;  /* shape (n_routes, n_streams) */
    uint32_t          *shares;    /* shape (n_shards,)           */
    uint64_t           n_rows;    /* so far, of all streams      */
    uint64_t         **positions; /* shape (n_streams,): of each row of this turn */
    uint64_t          *room;      /* shape (n_streams,)          */
    weiri_rows_cursor *cursors;   /* shape (n_streams,)          */
    uint64_t          *at;        /* shape (n_streams,): scratch */
    weiri_parcel     **parcels;   /* shape (n_shards,): scratch  */
    weiri_rows_list  **lists;     /* shape (n_shards,): scratch  */
} router;

/* ---- positions ---- */

static weir_status
make_room(router *self, uint32_t i, const weiri_rows_list *rows)
{
    uint64_t n = 0;
    for (uint32_t k = 0; k < rows->n; k++) {
        n += rows->items[k].n;
    }
    if (n > self->room[i]) {
        uint64_t *positions = realloc(self->positions[i], n * sizeof *positions);
        if (positions == NULL) {
            return WEIR_ENOMEM;
        }
        self->positions[i] = positions;
        self->room[i]      = n;
    }
    return WEIR_OK;
}

/* Number the rows of all streams in their total order. */
static weir_status
number(router *self, weiri_parcel *const *parcels)
{
    const weiri_plan *plan = self->node.flow->plan;
    for (uint32_t i = 0; i < self->n_streams; i++) {
        const weiri_rows_list *rows   = &parcels[i]->lists[0];
        uint32_t               stream = weiri_plan_place(plan, self->streams[i]);
        weir_status            status = make_room(self, i, rows);
        if (status != WEIR_OK) {
            return status;
        }
        weiri_rows_cursor_init(
            &self->cursors[i], rows, plan->streams[stream].rank, stream);
        self->at[i] = 0;
    }
    weiri_rows_cursor *next = weiri_rows_merge_next(self->cursors, self->n_streams);
    while (next != NULL) {
        size_t i                          = (size_t)(next - self->cursors);
        self->positions[i][self->at[i]++] = self->n_rows++;
        (void)weiri_rows_cursor_step(next);
        next = weiri_rows_merge_next(self->cursors, self->n_streams);
    }
    return WEIR_OK;
}

/* ---- a turn ---- */

static weir_status
scatter(router *self, weiri_parcel *const *parcels, weiri_parcel *const *to)
{
    weir_status status = number(self, parcels);
    for (uint32_t r = 0; r < self->n_routes; r++) {
        for (uint32_t i = 0; i < self->n_streams && status == WEIR_OK; i++) {
            for (uint32_t p = 0; p < self->node.flow->n_shards; p++) {
                self->lists[p] = &to[p]->lists[(1 + r) * self->n_streams + i];
            }
            status = weiri_scatter_rows(self->scatters[r * self->n_streams + i],
                &parcels[i]->lists[0], self->positions[i], self->lists);
        }
    }
    return status;
}

/* All rows, as they are, to those who want them. */
static weir_status
share_all(router *self, weiri_parcel *const *parcels, weiri_parcel *const *to)
{
    const weiri_flow *flow   = self->node.flow;
    weir_status       status = WEIR_OK;
    for (uint32_t p = 0; p < flow->n_shards; p++) {
        if (!weiri_share_wants(flow->nodes[self->shares[p]], &to[p]->turn)) {
            continue;
        }
        for (uint32_t i = 0; i < self->n_streams; i++) {
            const weiri_rows_list *rows = &parcels[i]->lists[0];
            for (uint32_t k = 0; k < rows->n && status == WEIR_OK; k++) {
                status = weiri_rows_list_add(&to[p]->lists[i], rows->items[k]);
            }
        }
    }
    return status;
}

static weir_status
fill(router *self, weiri_parcel *const *parcels)
{
    const weiri_turn *turn        = &parcels[0]->turn;
    int64_t           deadline_ns = turn->deadline_ns;
    weir_status       status      = WEIR_OK;
    for (uint32_t i = 0; turn->is_end && i < self->n_streams; i++) {
        deadline_ns = weiri_rules_end(deadline_ns, &parcels[i]->lists[0]);
    }
    for (uint32_t p = 0; p < self->node.flow->n_shards && status == WEIR_OK; p++) {
        status = weiri_parcel_new(
            turn, (1 + self->n_routes) * self->n_streams, 0, &self->parcels[p]);
        if (status == WEIR_OK) {
            self->parcels[p]->deadline_ns = deadline_ns;
        }
    }
    if (status == WEIR_OK && self->n_routes > 0) {
        status = scatter(self, parcels, self->parcels);
    }
    return status == WEIR_OK ? share_all(self, parcels, self->parcels) : status;
}

static weir_status
work(weiri_flow_node *node, weiri_parcel *const *parcels, const weiri_flow_port *port,
    weir_error *err)
{
    router     *self   = (router *)node;
    weir_status status = fill(self, parcels);
    for (uint32_t p = 0; p < node->flow->n_shards; p++) {
        if (status == WEIR_OK) {
            status = weiri_flow_send(
                port, (weiri_flow_reader){ .node = self->shares[p] }, self->parcels[p]);
            self->parcels[p] = NULL;
        }
        weiri_parcel_drop(&self->parcels[p]);
    }
    return status == WEIR_OK ? status
                             : WEIR_FAIL(err, status, "stream '%s': %s",
                                 node->flow->plan->streams[self->streams[0]].schema.name,
                                 weir_status_text(status));
}

/* ---- making and ending ---- */

static void
destroy(weiri_flow_node *node)
{
    router *self = (router *)node;
    for (uint32_t i = 0; self->scatters != NULL && i < self->n_routes * self->n_streams;
         i++) {
        weiri_scatter_destroy(&self->scatters[i]);
    }
    for (uint32_t i = 0; self->positions != NULL && i < self->n_streams; i++) {
        free(self->positions[i]);
    }
    free(self->streams);
    free(self->scatters);
    free(self->shares);
    free(self->positions);
    free(self->room);
    free(self->cursors);
    free(self->at);
    free(self->parcels);
    free(self->lists);
    free(self);
}

static const weiri_flow_ops OPS = { .work = work, .destroy = destroy };

static weir_status
allocate(router *self, const weiri_flow_group *group, const uint32_t *shares)
{
    uint32_t n_shards = self->node.flow->n_shards;
    uint32_t n        = group->n_streams;
    self->n_streams   = n;
    self->n_routes    = group->n_routes;
    self->streams     = calloc(n, sizeof *self->streams);
    self->scatters    = calloc((size_t)n * group->n_routes + 1, sizeof(void *));
    self->shares      = calloc(n_shards, sizeof *self->shares);
    self->positions   = calloc(n, sizeof(void *));
    self->room        = calloc(n, sizeof *self->room);
    self->cursors     = calloc(n, sizeof *self->cursors);
    self->at          = calloc(n, sizeof *self->at);
    self->parcels     = calloc(n_shards, sizeof(void *));
    self->lists       = calloc(n_shards, sizeof(void *));
    if (self->streams == NULL || self->scatters == NULL || self->shares == NULL
        || self->positions == NULL || self->room == NULL || self->cursors == NULL
        || self->at == NULL || self->parcels == NULL || self->lists == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < n; i++) {
        self->streams[i] = group->streams[i];
    }
    for (uint32_t p = 0; p < n_shards; p++) {
        self->shares[p] = shares[p];
    }
    return WEIR_OK;
}

static weir_status
make_scatters(router *self, const weiri_flow_group *group)
{
    const weiri_plan *plan   = self->node.flow->plan;
    weir_status       status = WEIR_OK;
    for (uint32_t r = 0; r < group->n_routes; r++) {
        for (uint32_t i = 0; i < group->n_streams && status == WEIR_OK; i++) {
            uint32_t                 n_keys = 0;
            const weiri_expr *const *keys   = weiri_split_keys(
                  &plan->rules[group->first[r]], group->streams[i], &n_keys);
            status = weiri_scatter_new(keys, n_keys,
                plan->streams[group->streams[i]].used, self->node.flow->owners,
                self->node.flow->n_shards, &self->scatters[r * group->n_streams + i]);
        }
    }
    return status;
}

uint64_t
weiri_router_position(const weiri_flow_node *self)
{
    return self->ops == &OPS ? ((const router *)self)->n_rows : 0;
}

void
weiri_router_go_on(weiri_flow_node *self, uint64_t position)
{
    if (self->ops == &OPS && position > ((router *)self)->n_rows) {
        ((router *)self)->n_rows = position;
    }
}

weir_status
weiri_router_new(const weiri_flow *flow, const weiri_flow_group *group,
    const uint32_t *shares, weiri_flow_node **out)
{
    router *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    *out                = &self->node;
    self->node          = (weiri_flow_node){ .ops = &OPS, .flow = flow };
    self->node.n_inputs = group->n_streams;
    weir_status status  = allocate(self, group, shares);
    return status == WEIR_OK ? make_scatters(self, group) : status;
}
