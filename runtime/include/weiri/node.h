/* weiri_node: shards, and the actors on them.
 *
 * Made, filled with actors by one thread, then run once, in one of two ways: by a thread
 * a shard, speaking over ZeroMQ, or simulated on one thread, every choice made by a seed.
 */
#ifndef WEIRI_NODE_H
#define WEIRI_NODE_H

#include "weiri/actor.h"

typedef struct weiri_node weiri_node;

/* A reading of the clock. */
typedef struct weiri_tick {
    uint64_t n_done; /* messages that the shard had worked off before */
    int64_t  now_ns;
    bool     is_asked; /* an actor asked; else timers fired */
} weiri_tick;

typedef struct weiri_node_config {
    uint32_t n_shards; /* 1 … WEIRI_SHARDS                               */
    uint32_t n_levels; /* 1 … WEIRI_LEVELS                               */
    uint32_t credit;   /* events (n_rows) on the way from one shard to a level
                        * of another; 0: WEIRI_CREDIT                    */
    uint32_t mailbox;  /* events that wait at a level of a shard before it counts
                        * as full; 0: WEIRI_CREDIT                       */

    /* State that was saved, e.g. to keep it. On the shard's thread; `bytes` borrowed. */
    void (*on_saved)(
        void *context, const char *name, weiri_address who, const weiri_pack *bytes);

    /* The clock, in ns, read at most once a turn. NULL: CLOCK_MONOTONIC. Readings that an
     * actor saw, or that made a timer fire, are part of the input: they are told to
     * on_tick, and a simulation can give them back. */
    int64_t (*clock)(void *context, uint32_t shard);
    void (*on_tick)(void *context, uint32_t shard, const weiri_tick *tick);

    /* Asked on shard 0 once a turn: whether to end the node. NULL: never. */
    bool (*should_end)(void *context);
    void *context;
} weiri_node_config;

/*   errors  WEIR_EINVAL  a number is out of range; WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_node_new(const weiri_node_config *config, weiri_node **out, weir_error *err);

/* Stop all actors that are left, in reverse order of making, and free everything. Not
 * while it runs. */
void
weiri_node_destroy(weiri_node **self_p);

/* Make an actor. It is started when the node runs: on a shard the deepest level first, in
 * the order of making within a level.
 *
 *   errors  WEIR_EINVAL  shard or level out of range, or the name is taken
 *           WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_node_spawn(
    weiri_node *self, const weiri_actor_spec *spec, weiri_address *out, weir_error *err);

/* A family of keyed actors, one a key: made by the first message to its key, on the shard
 * weiri_family_shard says; gone when it stops, or is empty after a message and nothing
 * waits for it. `shard` of the spec is not looked at. `out` is for
 * weiri_actor_send_keyed. */
WEIR_MUST_CHECK weir_status
weiri_node_add_family(
    weiri_node *self, const weiri_actor_spec *spec, weiri_address *out, weir_error *err);

/* Where a key lives: the same on every machine and in every run. */
uint64_t
weiri_family_hash(const void *key, size_t size);

uint32_t
weiri_family_shard(uint64_t hash, uint32_t n_shards);

weiri_address
weiri_node_resolve(const weiri_node *self, const char *name);

/* The actor that dead letters go to, as WEIRI_FLAG_DEAD messages with their payload. It
 * should stand at the deepest level. Without one they are counted and dropped. */
void
weiri_node_set_dead_letters(weiri_node *self, weiri_address who);

/* A message that is there when the node begins to run; payload taken on WEIR_OK. */
WEIR_MUST_CHECK weir_status
weiri_node_post(weiri_node *self, weiri_message *message);

/* Run on n_shards threads, the caller's being shard 0, until an actor ends or stops the
 * node (weiri_actor_end_node, weiri_actor_stop_node).
 *
 *   errors  what weiri_actor_stop_node was given, or the failure of an actor that nobody
 *           supervises; WEIR_EIO a socket or thread cannot be had
 */
WEIR_MUST_CHECK weir_status
weiri_node_run(weiri_node *self, weir_error *err);

typedef struct weiri_simulation {
    uint64_t seed;      /* chooses who runs, for how long, and when a frame arrives  */
    uint32_t fail_ppm;  /* of a million messages to supervised actors, how many make
                         * their receiver fail instead of being given to it          */
    uint64_t max_steps; /* of the scheduler; 0: no limit                             */
    /* Readings of the clock to repeat, ascending by n_done; shard 0's. NULL: the clock
     * jumps to the next deadline when there is nothing else to do, or at times before. */
    const weiri_tick *ticks;
    size_t            n_ticks;
} weiri_simulation;

/* Run on the caller's thread alone. When nothing is left to do and nobody has ended the
 * node, it is ended.
 *
 *   errors  also WEIR_EFULL: it is stuck, `err` says who waits for whom, or max_steps
 */
WEIR_MUST_CHECK weir_status
weiri_node_simulate(weiri_node *self, const weiri_simulation *how, weir_error *err);

/* ---- what a node did ---- */

typedef struct weiri_shard_counts {
    uint64_t n_messages; /* given to actors, timers included                      */
    uint64_t n_events;   /* the same, weighed by n_rows                           */
    uint64_t n_sent;     /* messages to other shards                              */
    uint64_t n_frames;   /* ZeroMQ messages to other shards                       */
    uint64_t n_stalls;   /* times that work stood still for want of credit        */
    uint64_t n_failures; /* callbacks that failed                                 */
    uint64_t n_restarts;
    uint64_t n_actors;    /* now                                                   */
    uint64_t n_waiting;   /* events in its mailboxes now                           */
    uint64_t max_waiting; /* the most there ever were                              */
    uint64_t n_dead[WEIRI_N_REASONS]; /* dead letters, by reason                      */
} weiri_shard_counts;

typedef struct weiri_actor_counts {
    uint64_t n_messages;
    uint64_t n_failures;
    uint64_t n_restarts;
    uint64_t n_waiting; /* messages in its mailbox now */
} weiri_actor_counts;

/* Who waits for whom. */
typedef struct weiri_wait {
    uint32_t shard; /* takes nothing from levels below `level` …                   */
    uint32_t level;
    uint32_t on_shard; /* … until this one has worked off some of that level          */
    uint64_t n_events; /* that wait to go there, or at an actor that takes nothing now */
} weiri_wait;

/* Of a node that does not run. */
weiri_shard_counts
weiri_node_get_counts(const weiri_node *self, uint32_t shard);

weiri_actor_counts
weiri_node_get_actor_counts(const weiri_node *self, weiri_address who);

size_t
weiri_node_get_waits(const weiri_node *self, weiri_wait *waits, size_t capacity);

/* The same of a shard of a node that runs, from an actor: the answer comes as the reply
 * to an ask, WEIRI_FORM_BYTES with a weiri_shard_report. */
typedef struct weiri_shard_report {
    weiri_shard_counts counts;
    uint32_t           n_waits;
    weiri_wait         waits[16];
} weiri_shard_report;

WEIR_MUST_CHECK weir_status
weiri_actor_inspect(weiri_actor *self, uint32_t shard, int64_t timeout_ns, uint32_t *id);

#endif
