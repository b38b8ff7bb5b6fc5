/* What an engine is made of: for the files of this folder. */
#ifndef WEIRI_ENGINE_INSIDE_H
#define WEIRI_ENGINE_INSIDE_H

#include "../sink/sink.h"
#include "../source/source.h"
#include "given.h"
#include "weiri/engine.h"
#include "weiri/flow.h"

/* How much a turn took in, and when it was read. */
typedef struct weiri_taken_in {
    int64_t  read_ns;
    uint64_t n_events;
} weiri_taken_in;

struct weiri_engine {
    const weiri_plan    *plan;
    weiri_engine_options options;
    weiri_graph         *graph;   /* on one shard, else NULL            */
    weiri_flow          *flow;    /* on several, else NULL              */
    weiri_intake       **intakes; /* shape (plan->n_sources,)           */
    char               **paths;   /* shape (plan->n_sources,): resolved */
    weiri_outlet       **outlets; /* shape (n_outlets,)                 */
    uint32_t             n_outlets;
    weiri_giver         *givers; /* in a cluster, shape (n_givers,)    */
    uint32_t             n_givers;
    struct weiri_mover  *mover; /* in a cluster: of key groups                     */
    weiri_rows_list     *own;   /* in a cluster, shape (plan->n_streams,): scratch */
    weiri_wires         *wires; /* NULL: no socket is used            */
    uint32_t            *sink_streams; /* of the flow's outlet, shape (plan->n_sinks,) */
    uint32_t            *passed_streams; /* of the one for those who look */
    int64_t              watermark_ns;   /* of the last turn              */
    weiri_histogram      latency; /* from reading to having written, an event each */
    weiri_taken_in taken_in; /* in the turn at work, and in those on the way of a flow: */
    weiri_taken_in on_the_way[WEIRI_FLOW_TURNS];
    weiri_shard_sight
                 *shards; /* shape (options.n_shards + 1,): as told last; NULL: no flow */
    weiri_turn    turn;   /* of the flow, the last; its number is the next's */
    bool          has_turn;      /* it is to be opened                 */
    bool          is_live;       /* some source is not a regular file  */
    bool          has_refreshed; /* some source is read again and again */
    bool          is_ended;      /* the last pass is done              */
    bool          ends_links;    /* the last turn is that of the end of all inputs */
    bool          is_running;    /* other threads are at work          */
    weiri_engine *from;          /* whose place it takes, until it has; else NULL */
};

/* Make an engine: its graph or flow, its sources and sinks.
 *
 *   from  whose open sources and sinks it is to take over; NULL: it opens all
 */
WEIR_MUST_CHECK weir_status
weiri_engine_make(const weiri_plan *plan, const weiri_engine_options *options,
    weiri_engine *from, weiri_engine **out, weir_error *err);

/* The intake whose input a source is to take over; NULL: none, it is new.
 *
 *   config  of the source, complete but for `from`
 *   errors  WEIR_EINVAL  that intake reads something else
 */
WEIR_MUST_CHECK weir_status
weiri_engine_heritage(weiri_engine *self, uint32_t source,
    const weiri_intake_config *config, weiri_intake **out, weir_error *err);

/* The same for an outlet; NULL: it is to be opened. */
weiri_outlet *
weiri_engine_open_place(const weiri_engine *self, const weiri_outlet_config *config);

/* A turn; without `may_wait` it gives WEIR_EAGAIN where it would wait for input. */
WEIR_MUST_CHECK weir_status
weiri_engine_take(weiri_engine *self, bool may_wait, weir_error *err);

/* What a turn took in has been written: note how long it took, and forget it. */
void
weiri_engine_note_written(weiri_engine *self, weiri_taken_in *turn);

/* Write what streams give in a turn to all outlets. rows: shape (plan->n_streams,) */
WEIR_MUST_CHECK weir_status
weiri_engine_write(weiri_engine *self, const weiri_turn *turn,
    const weiri_rows_list *rows, weir_error *err);

/* Tell of all outlets, those to the other nodes of a cluster too. */
void
weiri_engine_each_outlet(const weiri_engine *self,
    void (*told)(void *context, weiri_outlet *outlet), void *context);

/* Make the flow of an engine with more than one shard. errors  as weiri_flow_new */
WEIR_MUST_CHECK weir_status
weiri_engine_make_flow(weiri_engine *self, weir_error *err);

/* Where a sink writes, resolved; to be freed, NULL: no memory. */
char *
weiri_engine_sink_path(const weiri_plan *plan, const weiri_sink *sink);

/* The place of a source among those of its stream. */
uint32_t
weiri_engine_source_place(const weiri_plan *plan, uint32_t source);

/* Have sources, streams and rules go on where they were kept; outlets were resumed when
 * they were opened. errors  WEIR_EDATA, WEIR_EIO, WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_engine_load(weiri_engine *self, weir_error *err);

#endif
