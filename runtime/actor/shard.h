/* shard: actors, queues, timers and ways to other shards, all used by one thread.
 *
 * A shard's work is in lanes, one a level and one more, the deepest, for signals. A lane
 * is one queue for all actors of its level: what is an actor's mailbox is the part of it
 * that is for that actor, so that a million idle actors have no queue at all. The deepest
 * lane that has something is worked on, one message at a time.
 *
 * An event to a level deeper than all that have something is next: it is handed over past
 * the lanes, in front of what comes to its lane later.
 *
 * Events to another shard's level take credit, which comes back as they are worked off.
 * What finds none waits here (parked) and blocks the shallower levels of this shard; so
 * does a level where actors that take nothing hold as much as a mailbox. The deepest
 * blocked level anywhere is never blocked by another, so that something always moves.
 */
#ifndef ACTOR_SHARD_H
#define ACTOR_SHARD_H

#include "address.h"
#include "cells.h"
#include "directory.h"
#include "levels.h"
#include "transport.h"
#include "weiri/node.h"
#include "weiri/timer_wheel.h"

typedef struct weiri_shard weiri_shard;

/* Not on the way that most messages take, which is shorter without it. */
#define OUT_OF_LINE   __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Kinds that only the runtime sends and takes. */
enum {
    KIND_CREDIT = 16, /* n_rows events of lane `id` were worked off                   */
    KIND_DRAIN,       /* from shard 0: drain level `id`                               */
    KIND_DRAINED,     /* to shard 0: level `id` is drained                            */
    KIND_END,         /* to shard 0: the input has ended                              */
    KIND_HALT,        /* to shard 0: stop, status `id`, maybe a weir_error; to others */
    KIND_INSPECT,     /* to a shard: an ask for its report                            */
    KIND_START,       /* to an actor that was made                                    */
    KIND_HELD,        /* to an actor that takes messages again: the token             */
    KIND_TIMER,       /* of an actor that took none: words tag, deadline; `id` life   */
    KIND_STOP,        /* to an actor: stop, for the reason `id`                       */
    KIND_RESTART,
    KIND_SKIP,
    KIND_SUSPEND, /* take nothing until the restart                               */
    KIND_MONITOR, /* tell `about` when you stop                                   */
    KIND_LINK,
    KIND_UNLINKED, /* `about`, a link, has stopped for the reason `id`             */
};

/* A lane of another shard. */
struct way {
    int64_t     credit;
    uint64_t    owed;   /* events of theirs that were worked off here, not told yet */
    weiri_queue parked; /* events that wait for credit                              */
};

struct peer {
    struct way *ways; /* shape (n_levels + 1,) */
    uint32_t   *owed; /* shape (n_owed,): lanes with something owed */
    uint32_t    n_owed;
    bool        is_owed_much;
    uint8_t    *out; /* a frame that grows: head, messages */
    size_t      out_size;
    size_t      out_capacity;
    uint64_t    out_rows;
    uint64_t    n_out; /* frames sent     */
    uint64_t    n_in;  /* frames received */
};

struct ask {
    weiri_address  who;
    weiri_timer_id timer;
    uint16_t       generation;
    uint32_t       next; /* of the free ones: index + 1 */
    bool           is_open;
};

struct weiri_actor {
    weiri_shard *shard;
    weiri_cell  *cell;
    bool         stops; /* when the callback returns */
    uint32_t     stop_reason;
};

struct file_wake {
    int           fd;
    weiri_address who;
};

struct weiri_shard {
    weiri_node      *node;
    weiri_transport *transport;
    uint32_t         index;
    uint32_t         n_shards;
    uint32_t         n_levels;

    weiri_cells        cells;
    weiri_cell_class **families; /* shape (n_families,) */
    uint32_t           n_families;
    weiri_directory    names; /* of actors made while it runs */

    weiri_queue    *lanes;  /* shape (n_levels + 1,)                              */
    uint64_t       *n_held; /* shape (n_levels + 1,): events, by actors that take none */
    uint32_t       *n_blocked; /* shape (n_levels + 1,): reasons for which it blocks */
    weiri_level_set ready;     /* lanes that have something                          */
    weiri_level_set blocked;
    weiri_message   hands[2]; /* one is handed over while the other is worked off   */
    uint32_t        hand;     /* the one that is handed over next                   */
    int32_t         handed;   /* the level of the message in it, -1: none           */
    uint64_t        n_held_total;
    int64_t         n_outstanding; /* events sent, credit not returned */
    struct peer    *peers;         /* shape (n_shards,)                */

    weiri_timer_wheel *wheels[2]; /* by weiri_clock_kind                     */
    bool               may_be_due;
    int64_t            clock_ns;

    struct ask *asks; /* shape (n_asks,) */
    uint32_t    n_asks;
    uint32_t    free_ask; /* index + 1, 0: none */

    struct file_wake *files; /* shape (n_files,) */
    uint32_t          n_files;

    weiri_actor current;
    weir_error  error; /* of the callback that runs */

    int32_t  draining;     /* level, -1: none      */
    uint32_t drain_cursor; /* slot                 */
    bool     is_drain_told;
    bool     has_ended;
    bool     has_halted; /* it was told so */

    /* Of shard 0, which coordinates the end. */
    int32_t     end_level; /* being drained everywhere, -1 */
    uint32_t    n_drained;
    weir_status halt_status;
    weir_error  halt_error;

    weiri_shard_counts counts;
};

/* ---- making (shard.c) ---- */

WEIR_MUST_CHECK weir_status
weiri_shard_new(
    weiri_node *node, uint32_t index, const weiri_node_config *config, weiri_shard **out);

void
weiri_shard_destroy(weiri_shard **self_p);

WEIR_MUST_CHECK weir_status
weiri_shard_add_family(weiri_shard *self, const weiri_actor_spec *spec);

WEIR_MUST_CHECK weir_status
weiri_shard_spawn(weiri_shard *self, const weiri_actor_spec *spec, weiri_address *out);

/* Drop what is on its way to it. */
void
weiri_shard_discard(weiri_shard *self);

/* ---- running (turn.c) ---- */

/* Take in what has arrived, work off up to `budget` events, send what came of it.
 * Returns whether anything was done. */
bool
weiri_shard_turn(weiri_shard *self, uint32_t budget);

/* A file that an actor waits for can be read now: wake it. */
void
weiri_shard_wake_file(weiri_shard *self, uint32_t index);

/* Reads the clock and moves the timers on. */
int64_t
weiri_shard_ask_clock(weiri_shard *self);

/* ---- delivering (deliver.c) ---- */

/* Give messages to their actors, or to nobody, the deepest first; at least one, which
 * there is, and on until they have counted `budget` or something else may have its turn.
 * Returns what they counted. */
uint64_t
weiri_shard_work(weiri_shard *self, uint64_t budget);

/* Take up the first message that was held, if the actor takes messages. */
void
weiri_shard_take_up(weiri_shard *self, weiri_cell *which);

/* Begin to take up what was held. */
void
weiri_shard_resume(weiri_shard *self, weiri_cell *which);

/* What was held becomes dead letters. */
void
weiri_shard_drop_held(weiri_shard *self, weiri_cell *which, weiri_reason reason);

void
weiri_shard_fire(weiri_shard *self, const weiri_timer *timer);

void
weiri_shard_drain_cell(weiri_shard *self, weiri_cell *which);

/* The message could not be delivered; its payload is taken. */
void
weiri_shard_dead_letter(weiri_shard *self, weiri_message *message, weiri_reason reason);

static inline weiri_cell *
weiri_shard_find(const weiri_shard *self, weiri_address address)
{
    return weiri_cells_find(&self->cells, address);
}

/* The deepest level that has something, -1: none has. */
static inline int32_t
weiri_shard_deepest(const weiri_shard *self)
{
    int32_t lane = weiri_level_set_deepest(&self->ready);
    return lane > self->handed ? lane : self->handed;
}

/* The actor that runs, during a callback. */
static inline weiri_actor *
weiri_shard_enter(weiri_shard *self, weiri_cell *which)
{
    self->current.cell = which;
    return &self->current;
}

/* ---- lives (life.c) ---- */

void
weiri_shard_start_cell(weiri_shard *self, weiri_cell *which);

/* self->error says why. */
void
weiri_shard_fail_cell(weiri_shard *self, weiri_cell *which, weir_status status);

void
weiri_shard_stop_cell(weiri_shard *self, weiri_cell *which, weiri_reason reason);

/* It said that it stops, or it is keyed and may be empty. */
void
weiri_shard_may_stop(weiri_shard *self, weiri_cell *which);

/* Behind a callback. */
static inline void
weiri_shard_after(weiri_shard *self, weiri_cell *which)
{
    if (self->current.stops || which->class->is_family) {
        weiri_shard_may_stop(self, which);
    }
}

/* A signal from the runtime to an actor. */
void
weiri_shard_control(weiri_shard *self, weiri_cell *which, const weiri_message *message);

/* The same to one who has gone; false if it is of another kind. */
bool
weiri_shard_control_nobody(weiri_shard *self, const weiri_message *message);

/* ---- sending (route.c) ---- */

/* What a message counts: events by their number, signals one. */
static inline uint32_t
message_cost(const weiri_message *self)
{
    return (self->flags & WEIRI_FLAG_SIGNAL) != 0 || self->n_rows == 0 ? 1 : self->n_rows;
}

static inline uint32_t
weiri_shard_lane_of(const weiri_shard *self, const weiri_message *message)
{
    return (message->flags & WEIRI_FLAG_SIGNAL) != 0 ? self->n_levels
                                                     : address_level(message->to);
}

/* Queue it here, or on its way to another shard; takes the payload. Where memory is out
 * the node stops. */
void
weiri_shard_route(weiri_shard *self, weiri_message *message);

/* A signal of the runtime. */
void
weiri_shard_signal(weiri_shard *self, weiri_message message);

/* To one of this shard, of the runtime, behind the events that wait. */
void
weiri_shard_post(weiri_shard *self, weiri_cell *which, uint16_t kind);

/* The instance of a key, made where there is none. */
WEIR_MUST_CHECK weir_status
weiri_shard_instance(weiri_shard *self, uint32_t family, const void *key, uint32_t size,
    weiri_address *out);

/* An event of the shard `via` - 1 was worked off. */
void
weiri_shard_owe(weiri_shard *self, uint32_t via, uint32_t lane, uint32_t cost);

/* An event was worked off: its sender may send another. */
static inline void
weiri_shard_settle(weiri_shard *self, uint32_t via, uint32_t lane, uint32_t cost)
{
    self->counts.n_waiting -= cost;
    if (via != 0) {
        weiri_shard_owe(self, via, lane, cost);
    }
}

static inline void
weiri_shard_count_waiting(weiri_shard *self, uint32_t cost)
{
    self->counts.n_waiting += cost;
    if (self->counts.n_waiting > self->counts.max_waiting) {
        self->counts.max_waiting = self->counts.n_waiting;
    }
}

/* A place in a lane of this shard that is not full. */
static inline weiri_message *
weiri_shard_put(weiri_shard *self, uint32_t lane)
{
    weiri_queue *queue = &self->lanes[lane];
    if (queue->n == 0) {
        weiri_level_set_add(&self->ready, lane);
    }
    return weiri_queue_put(queue);
}

void
weiri_shard_take_credit(weiri_shard *self, uint32_t from, uint32_t lane, uint32_t n);

/* Read all frames that have arrived. Returns whether there were any. */
bool
weiri_shard_take_in(weiri_shard *self);

/* Send what there is to send; with `all`, even if it is nothing but credit. */
void
weiri_shard_flush(weiri_shard *self, bool all);

void
weiri_shard_block(weiri_shard *self, uint32_t lane);

void
weiri_shard_unblock(weiri_shard *self, uint32_t lane);

/* ---- the shard itself as a receiver (system.c) ---- */

static inline weiri_address
weiri_shard_system_address(uint32_t shard)
{
    return address_make(shard, 0, 0, 0);
}

void
weiri_shard_system(weiri_shard *self, weiri_message *message);

/* Stop the node; `err` may be NULL. */
void
weiri_shard_halt(weiri_shard *self, weir_status status, const weir_error *err);

/* The input has ended. */
void
weiri_shard_end(weiri_shard *self);

/* One actor of the level that is being drained, or the word that it is drained here.
 * Returns whether anything was done. */
bool
weiri_shard_drain(weiri_shard *self);

size_t
weiri_shard_waits(const weiri_shard *self, weiri_wait *waits, size_t capacity);

weiri_shard_counts
weiri_shard_get_counts(const weiri_shard *self);

/* ---- asks (ask.c) ---- */

WEIR_MUST_CHECK weir_status
weiri_shard_open_ask(
    weiri_shard *self, weiri_address who, int64_t timeout_ns, uint32_t *id);

/* False if it is not open, or another's. */
bool
weiri_shard_close_ask(weiri_shard *self, uint32_t id, weiri_address who);

void
weiri_shard_ask_timeout(weiri_shard *self, uint32_t id);

#endif
