/* The nodes of a flow: what they send each other, and what each kind does with it.
 *
 *   router   the rows of the streams that some rules read, split among their shares
 *   share    those rules on one shard, for some keys
 *   home     a derived stream: what the shares of all its rules emit, in order
 *   outlet   where streams leave the flow
 *
 * Everything goes in turns. For each turn a node gets one parcel at each of its inputs,
 * and when all are there it works them off and sends one parcel to each of its readers.
 * So it does not matter in which order parcels of different senders arrive.
 */
#ifndef WEIRI_FLOW_NODE_H
#define WEIRI_FLOW_NODE_H

#include <stdatomic.h>

#include "../graph/rules.h"
#include "../graph/streams.h"
#include "weiri/flow.h"

/* What a rule has emitted into one stream in a turn, in one place. */
typedef struct weiri_emitted {
    uint32_t     rule;
    weiri_chunks chunks;
} weiri_emitted;

/* What one node sends another for a turn. */
struct weiri_parcel {
    weiri_turn       turn;
    int64_t          deadline_ns; /* to a share: the turn's, or at the end a later one */
    uint32_t         input;       /* of the receiver */
    uint32_t         n_lists;
    weiri_rows_list *lists; /* shape (n_lists,)   */
    uint32_t         n_emitted;
    weiri_emitted   *emitted; /* shape (n_emitted,) */
};

/* With room for lists, empty; and for what rules emitted, none there yet.
 * errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_parcel_new(
    const weiri_turn *turn, uint32_t n_lists, uint32_t max_emitted, weiri_parcel **out);

/* One input of a node. */
typedef struct weiri_flow_reader {
    uint32_t node;
    uint32_t input;
} weiri_flow_reader;

/* `{0}` has none. */
typedef struct weiri_flow_readers {
    weiri_flow_reader *items; /* shape (n,) */
    uint32_t           n;
    uint32_t           capacity;
} weiri_flow_readers;

WEIR_MUST_CHECK weir_status
weiri_flow_readers_add(weiri_flow_readers *self, weiri_flow_reader reader);

typedef struct weiri_flow_node weiri_flow_node;

typedef struct weiri_flow_ops {
    /* A turn's parcels, shape (n_inputs,), which stay the caller's. */
    weir_status (*work)(weiri_flow_node *self, weiri_parcel *const *parcels,
        const weiri_flow_port *port, weir_error *err);
    void (*count)(const weiri_flow_node *self, weiri_graph_counts *counts);
    void (*destroy)(weiri_flow_node *self);
} weiri_flow_ops;

/* Begins each kind. */
struct weiri_flow_node {
    const weiri_flow_ops *ops;
    const weiri_flow     *flow;
    uint32_t              shard;
    uint32_t              level; /* below those of all its readers */
    uint32_t              n_inputs;
    bool                  is_leaf; /* it has no readers: it tells when a turn is done */
    weiri_flow_readers    homes;   /* of a share: where it emits into …        */
    uint32_t             *home_streams; /* … and which streams those are of         */
    weiri_parcel        **parcels;      /* shape (WEIRI_FLOW_TURNS, n_inputs) */
    uint32_t              n_here[WEIRI_FLOW_TURNS];
    uint64_t              next; /* the turn to be worked off next  */
};

/* ---- kinds ---- */

/* Rules that read the same streams, and how they are split. */
typedef struct weiri_flow_group {
    const uint32_t *streams; /* shape (n_streams,), ascending */
    uint32_t        n_streams;
    const uint32_t *rules; /* shape (n_rules,), ascending */
    uint32_t        n_rules;
    const uint32_t *route; /* shape (n_rules,): of those split by key, others 0   */
    const uint32_t *first; /* shape (n_routes,): a rule of each                    */
    uint32_t        n_routes;
} weiri_flow_group;

/* A parcel to a share has lists (1 + n_routes, n_streams): all rows, if it wants them in
 * this turn, then its rows of each route.
 *
 *   shares  shape (n_shards,), each with one input
 */
WEIR_MUST_CHECK weir_status
weiri_router_new(const weiri_flow *flow, const weiri_flow_group *group,
    const uint32_t *shares, weiri_flow_node **out);

/* The group outlives none of them. */
WEIR_MUST_CHECK weir_status
weiri_share_new(const weiri_flow *flow, const weiri_flow_group *group, uint32_t shard,
    weiri_flow_node **out, weir_error *err);

/* What a share has of a rule, NULL: nothing. At rest.
 *
 *   rule      any of the plan
 *   is_first  of the parts that the rule has
 *   is_split  by key group
 */
weiri_rules *
weiri_share_rules(
    const weiri_flow_node *node, uint32_t rule, bool *is_first, bool *is_split);

/* Whether a share wants all rows of a turn. */
bool
weiri_share_wants(const weiri_flow_node *self, const weiri_turn *turn);

/* How many rows a router has numbered; 0 for other nodes. */
uint64_t
weiri_router_position(const weiri_flow_node *self);

/* Have a router number the next row so, or higher. Nothing to do for other nodes. */
void
weiri_router_go_on(weiri_flow_node *self, uint64_t position);

/* Have a home number the next event of a rule so, not counting the rule itself. Nothing
 * to do for other nodes. */
void
weiri_home_go_on(weiri_flow_node *node, uint32_t rule, uint32_t stream, uint64_t n);

/* Each share that emits into a home is one of its inputs. */
WEIR_MUST_CHECK weir_status
weiri_home_new(const weiri_flow *flow, uint32_t stream, weiri_flow_node **out);

WEIR_MUST_CHECK weir_status
weiri_outlet_node_new(
    const weiri_flow *flow, const weiri_flow_outlet *outlet, weiri_flow_node **out);

/* ---- sending ---- */

/* Send a parcel; it is taken, or after an error freed. */
WEIR_MUST_CHECK weir_status
weiri_flow_send(const weiri_flow_port *port, weiri_flow_reader to, weiri_parcel *parcel);

/* Send the rows of a stream to all its readers. */
WEIR_MUST_CHECK weir_status
weiri_flow_send_rows(const weiri_flow_port *port, const weiri_turn *turn,
    const weiri_flow_readers *to, const weiri_rows_list *rows);

/* A key group that is elsewhere: its events are left out. */
#define WEIRI_FLOW_NOBODY UINT16_MAX

/* What a share says of a rule after a turn. Numbers of one rule need not be of one
 * moment. */
typedef struct weiri_told_rule {
    _Atomic uint64_t n_events;
    _Atomic uint64_t n_matches;
    _Atomic uint64_t n_keys;
    _Atomic uint64_t n_held;
    _Atomic uint64_t n_dropped;
    _Atomic uint64_t n_faults;
} weiri_told_rule;

struct weiri_flow {
    const weiri_plan   *plan;
    uint32_t            n_shards;
    uint16_t            owners[WEIRI_KEY_GROUPS]; /* the shard of each key group */
    weiri_streams       streams;
    weiri_flow_node   **nodes; /* shape (n_nodes,), senders before readers */
    uint32_t            n_nodes;
    uint32_t            n_leaves;
    weiri_flow_readers *readers; /* of each stream, shape (plan->n_streams,)            */
    uint32_t           *homes;   /* shape (plan->n_streams,): its node; WEIRI_NONE: where
                                  * turns are opened                                    */
    weiri_rows_list rows;        /* scratch */
    /* Each share writes its own and anybody reads: shape (n_shards * plan->n_rules,) */
    weiri_told_rule *told;
};

#endif
