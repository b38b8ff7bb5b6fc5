/* weiri_flow: the rules of a plan split among shards. Events in, events out, no I/O and
 * no threads: who carries parcels between the nodes of a flow is not its business.
 *
 * Time goes in turns, each with a watermark. The streams of sources are put in order
 * where a turn is opened; from there parcels go from node to node, along the ranks of the
 * rule graph. A rule with keys has its rows split by key group; each row keeps its
 * position in the rule's input, and each event that a share of the rule emits says what
 * led to it, so that the shares' events are put together in the order in which one shard
 * would have emitted them. What comes out depends neither on the number of shards nor on
 * who is faster.
 */
#ifndef WEIRI_FLOW_H
#define WEIRI_FLOW_H

#include "weiri/graph.h"
#include "weiri/keyed.h"
#include "weiri/limits.h"
#include "weiri/node.h"

enum {
    WEIRI_FLOW_TURNS  = 8, /* on the way at once                                     */
    WEIRI_FLOW_SHARDS = WEIRI_SHARDS - 1, /* at most: the node has one more            */
};

typedef struct weiri_flow weiri_flow;

/* What a node gets from another for a turn. */
typedef struct weiri_parcel weiri_parcel;

typedef struct weiri_turn {
    uint64_t number;       /* 0, 1, 2, …                                              */
    int64_t  watermark_ns; /* every event before it has been pushed; INT64_MAX: all   */
    int64_t  deadline_ns;  /* deadlines before it fire                                */
    bool     is_end;       /* the last: rules give, or count and drop, what they hold */
} weiri_turn;

/* Where streams leave the flow. */
typedef struct weiri_flow_outlet {
    const uint32_t *streams; /* shape (n_streams,) */
    uint32_t        n_streams;
    /* What its streams give in a turn. rows: shape (plan->n_streams,), empty for others
     */
    weir_status (*write)(void *context, const weiri_turn *turn,
        const weiri_rows_list *rows, weir_error *err);
    void *context;
} weiri_flow_outlet;

/* How a node reaches others; parcels from one node to another keep their order. */
typedef struct weiri_flow_port {
    void *context;
    /* errors  the parcel is still the caller's */
    weir_status (*send)(void *context, uint32_t node, weiri_parcel **parcel_p);
    /* The node has done a turn, and nobody is told of it by a parcel. Once for each leaf.
     */
    weir_status (*done)(void *context, const weiri_turn *turn);
} weiri_flow_port;

/* `plan` and outlets outlive the flow.
 *
 *   n_shards  1 … WEIRI_FLOW_SHARDS
 *   errors    WEIR_ENOMEM; WEIR_EINVAL  a rule cannot be run, `err` says which
 */
WEIR_MUST_CHECK weir_status
weiri_flow_new(const weiri_plan *plan, uint32_t n_shards,
    const weiri_flow_outlet *outlets, uint32_t n_outlets, weiri_flow **out,
    weir_error *err);

/* While nobody carries its parcels. */
void
weiri_flow_destroy(weiri_flow **self_p);

/* Where events of a stream that no rule emits are pushed, by whoever opens turns; NULL
 * for one that nobody reads and no source feeds. */
weiri_merge *
weiri_flow_merge(weiri_flow *self, uint32_t stream);

/* Which fields of a stream's events are needed. shape (n_fields,) */
const bool *
weiri_flow_used(const weiri_flow *self, uint32_t stream);

/* ---- nodes ---- */

/* How many nodes tell that they have done a turn. */
uint32_t
weiri_flow_n_leaves(const weiri_flow *self);

/* The shard that a node runs on, < n_shards, and how far it is from the sources: at least
 * 1, and more than that of those who send to it. */
void
weiri_flow_place(const weiri_flow *self, uint32_t node, uint32_t *shard, uint32_t *level);

/* Begin a turn: what sources have pushed and is before the watermark is sent on.
 * Turns are opened one after another, and no more than WEIRI_FLOW_TURNS are on the way.
 *
 *   errors  WEIR_ENOMEM, or those of the port: the flow may only be destroyed
 */
WEIR_MUST_CHECK weir_status
weiri_flow_open(weiri_flow *self, const weiri_turn *turn, const weiri_flow_port *port,
    weir_error *err);

/* Give a parcel to a node, on its shard's thread.
 *
 *   parcel_p  taken in any case
 *   errors    WEIR_ENOMEM, WEIR_EFULL, those of an outlet or of the port: the flow may
 *             only be destroyed
 */
WEIR_MUST_CHECK weir_status
weiri_flow_receive(weiri_flow *self, uint32_t node, weiri_parcel **parcel_p,
    const weiri_flow_port *port, weir_error *err);

/* A rule on all shards, as its shares have said last: each after each of its turns. Any
 * thread. */
weiri_rule_sight
weiri_flow_rule(const weiri_flow *self, uint32_t rule);

/* Of all nodes; while nobody carries parcels. */
weiri_graph_counts
weiri_flow_get_counts(const weiri_flow *self);

/* ---- state; at rest: no turn is on the way ---- */

/* Add a section for what the flow itself holds, for each stream in which events wait, and
 * for each rule: what it keeps of keys is the same however many shards there are.
 *
 *   errors  WEIR_EINVAL  a rule's state cannot be saved: `err` says which; WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_flow_save(const weiri_flow *self, weiri_sections *out, weir_error *err);

/* Have a new flow go on where a graph, or a flow of any number of shards, was; its turns
 * begin with 0. A rule without a section begins empty.
 *
 *   errors  WEIR_EDATA  a rule was another when its state was kept, or the bytes are
 *                       damaged: `err` says which, and how to go on without its state
 *           WEIR_ENOMEM: the flow is to be destroyed
 */
WEIR_MUST_CHECK weir_status
weiri_flow_load(weiri_flow *self, const weiri_restore *restore, weir_error *err);

/* How many shards kept a state: 1 where a graph did.
 *
 *   errors  WEIR_EDATA  damaged
 */
WEIR_MUST_CHECK weir_status
weiri_flow_shards_of(const weiri_sections *sections, uint32_t *out, weir_error *err);

/* ---- key groups that come and go; at rest, and all at one watermark ----
 *
 * What rules that are split by key keep of some key groups can be taken out of one flow
 * and put into another of the same plan, or onto another shard of the same one. Both
 * flows are fed all rows, of which each uses those of its own key groups. Rules that are
 * not split stay where they are, and so do counts. A flow on one shard splits nothing.
 */

/* Add a section for each rule that is split by key: what it keeps of these key groups.
 *
 *   errors  WEIR_EINVAL  a rule's state cannot be saved: `err` says which; WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_flow_save_groups(const weiri_flow *self, const weiri_groups *groups,
    weiri_sections *out, weir_error *err);

/* Have these key groups alone, as the owner of some of a cluster's; before the flow has
 * got a state or an event. */
void
weiri_flow_set_groups(weiri_flow *self, const weiri_groups *groups);

/* The shard that is to have a key group. */
uint32_t
weiri_flow_shard_of(const weiri_flow *self, uint32_t group);

/* Keep nothing of these key groups any more, and leave out the events of their keys.
 *
 *   errors  WEIR_EINVAL, WEIR_ENOMEM: the flow is to be destroyed
 *   cost    linear in what the shards that had them keep
 */
WEIR_MUST_CHECK weir_status
weiri_flow_forget_groups(weiri_flow *self, const weiri_groups *groups, weir_error *err);

/* Have a shard go on with key groups that were saved, and that nobody here has.
 *
 *   sections  with these key groups, perhaps others, too; not trusted
 *   errors    WEIR_EDATA   of other rules, or damaged
 *             WEIR_ENOMEM  after either the flow is to be destroyed
 *   cost      linear in what the shard keeps then
 */
WEIR_MUST_CHECK weir_status
weiri_flow_load_groups(weiri_flow *self, const weiri_groups *groups, uint32_t shard,
    const weiri_sections *sections, weir_error *err);

/* ---- carrying ---- */

/* Where turns come from: called on the thread of weiri_flow_run.
 *
 *   may_wait  for input, for the flow is at rest: all turns so far are done; else some
 * are on their way still, which are not to be held up turn      the next, after its
 * events have been pushed; is_end in the last is_turn   false: what has come makes no
 * turn yet errors    WEIR_EAGAIN  nothing has come, or the flow is to come to rest, and
 * it may not wait WEIR_EOF     no further turn: the run ends as it is when those on their
 * way are done others end the run
 */
typedef struct weiri_flow_source {
    weir_status (*next)(
        void *context, bool may_wait, weiri_turn *turn, bool *is_turn, weir_error *err);
    /* All that a turn led to has been written; on the same thread. NULL: not told. */
    void (*finished)(void *context, uint64_t turn);
    /* What a shard of the node says of itself, 0 being that of the opener, every now and
     * then; likewise. NULL: they are not asked. */
    void (*report)(void *context, uint32_t shard, const weiri_shard_report *report);
    void *context;
} weiri_flow_source;

typedef struct weiri_flow_carriage {
    const uint64_t *seed;    /* simulate, on the caller's thread alone; NULL: threads   */
    uint32_t        credit;  /* as in weiri_node_config; 0: the default                 */
    uint32_t        mailbox; /* likewise                                                */
} weiri_flow_carriage;

/* Carry the parcels of a flow from its first turn to its last: on a thread for each shard
 * beside the caller's, which takes in events and opens turns.
 *
 *   errors  those of the source and of the flow; WEIR_EIO  a thread cannot be had
 */
WEIR_MUST_CHECK weir_status
weiri_flow_run(weiri_flow *self, const weiri_flow_source *source,
    const weiri_flow_carriage *how, weir_error *err);

/* How many events a parcel holds. */
uint64_t
weiri_parcel_n_rows(const weiri_parcel *self);

void
weiri_parcel_drop(weiri_parcel **self_p);

#endif
