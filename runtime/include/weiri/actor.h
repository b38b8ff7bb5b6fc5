/* weiri_actor: state that only its own messages change.
 *
 * An actor is a table of functions (its behaviour) and some bytes of state, living on one
 * shard of a node (weiri/node.h). Whatever it does, it does in a callback, on its shard's
 * thread, one message at a time; nothing of it is shared, so that nothing of it is
 * locked.
 *
 * Each actor stands at a level: its depth in the graph of who sends to whom. Events go to
 * deeper levels only. A shard works on the deepest level that has something to do, so
 * what one event gives rise to is worked off before the next event is taken, and a level
 * that cannot take more stops the shallower ones, back to the source.
 *
 * Small signals (asks, replies, notices) go any way and before events.
 */
#ifndef WEIRI_ACTOR_H
#define WEIRI_ACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/chunk.h"
#include "weir/error.h"
#include "weiri/pack.h"

/* ---- addresses ---- */

/* Who: shard, level, slot and generation in one word, so that a message can be routed
 * without looking at its receiver. The address of one that has gone is never another's.
 * A family's address stands for all its keys. */
typedef uint64_t weiri_address;

#define WEIRI_NOBODY ((weiri_address)0)

uint32_t
weiri_address_level(weiri_address address);

/* The level of actors that get signals and timers alone and send signals alone, such as
 * supervisors: it is deeper than all others, so that no event that waits holds them up.
 */
#define WEIRI_CONTROL UINT32_MAX

/* ---- messages ---- */

/* Kinds below WEIRI_KIND_USER are the runtime's own; X(name, what it says). */
#define WEIRI_KIND_LIST(X)                                                               \
    X(WEIRI_KIND_NONE, "none")                                                           \
    X(WEIRI_KIND_WAKE, "wake: it asked to be called again, or its file can be read")     \
    X(WEIRI_KIND_UNANSWERED, "unanswered: the ask `id`; `n_rows` is a weiri_reason")     \
    X(WEIRI_KIND_DOWN, "down: `about` has stopped; `n_rows` is a weiri_reason")          \
    X(WEIRI_KIND_FAILED, "failed: `about` waits for a verdict; `n_rows` is a status, "   \
                         "the payload a weir_error")                                     \
    X(WEIRI_KIND_REPORT,                                                                 \
        "report: a weiri_shard_report, the reply to weiri_actor_inspect")                \
    X(WEIRI_KIND_ADOPT, "adopt: `about` has been put under this supervisor")             \
    X(WEIRI_KIND_SUBSCRIBE, "subscribe: `about` wants what a topic gets")                \
    X(WEIRI_KIND_UNSUBSCRIBE, "unsubscribe")

typedef enum weiri_kind {
#define X(name, text) name,
    WEIRI_KIND_LIST(X)
#undef X
        WEIRI_KIND_USER = 64, /* the first of yours */
} weiri_kind;

/* Why a message was not delivered, an ask not answered, an actor stopped. */
#define WEIRI_REASON_LIST(X)                                                             \
    X(WEIRI_REASON_DONE, "done")           /* it stopped of itself, or was told to */    \
    X(WEIRI_REASON_NOBODY, "nobody there") /* the receiver has gone or never was   */    \
    X(WEIRI_REASON_FAILED, "failed")       /* the receiver failed over it          */    \
    X(WEIRI_REASON_STOPPED, "stopped")     /* the receiver stopped before it       */    \
    X(WEIRI_REASON_LATE, "late reply")     /* the ask was given up before          */    \
    X(WEIRI_REASON_TIMEOUT, "timeout")                                                   \
    X(WEIRI_REASON_LINKED, "a linked actor stopped")                                     \
    X(WEIRI_REASON_LIMIT, "too many restarts")

typedef enum weiri_reason {
#define X(name, text) name,
    WEIRI_REASON_LIST(X)
#undef X
        WEIRI_N_REASONS
} weiri_reason;

const char *
weiri_reason_text(weiri_reason reason);

typedef enum weiri_form {
    WEIRI_FORM_INLINE, /* `size` bytes in the message itself, 0 for none */
    WEIRI_FORM_CHUNK,  /* a chunk, with one reference of its own         */
    WEIRI_FORM_BYTES,  /* bytes elsewhere, with an owner                 */
} weiri_form;

enum {
    WEIRI_INLINE_BYTES = 24,
    WEIRI_KEY_BYTES    = 255,
    WEIRI_FLAG_ASK     = 1, /* the sender waits for a reply                 */
    WEIRI_FLAG_REPLY   = 2, /* to the ask `id` of the receiver              */
    WEIRI_FLAG_DEAD    = 4, /* a dead letter: `about` did not get it, `id` is a
                             * weiri_reason                                 */
    WEIRI_FLAG_SIGNAL = 8,  /* goes before events; set by the runtime */
    WEIRI_FLAG_KEYED  = 16, /* sent to a key; set by the runtime      */
};

typedef struct weiri_chunk_part {
    const weir_chunk *chunk;
    uint64_t          words[2]; /* the sender's, e.g. which rows */
} weiri_chunk_part;

typedef struct weiri_bytes_part {
    void  *bytes;
    size_t size;
    void (*release)(void *bytes); /* on the thread of whoever has it last; NULL: none */
} weiri_bytes_part;

/* 64 bytes: what a shard sends itself stays in its own queue, what it sends others
 * travels in frames of many. `{0}` is a message without payload. */
typedef struct weiri_message {
    weiri_address to;
    weiri_address from;   /* set by the runtime                                   */
    uint64_t      about;  /* whom it is about, for the runtime's own kinds        */
    uint16_t      kind;   /* WEIRI_KIND_USER or above in yours                    */
    uint16_t      via;    /* set by the runtime: the shard it came from, plus 1   */
    uint32_t      id;     /* of an ask and its reply                              */
    uint32_t      n_rows; /* how many events it stands for: what credit counts; 0
                           * counts as 1                                          */
    uint8_t size;         /* of an inline payload                                 */
    uint8_t key_size;
    uint8_t form;  /* weiri_form */
    uint8_t flags; /* WEIRI_FLAG_… */
    union {
        uint8_t          bytes[WEIRI_INLINE_BYTES]; /* aligned to 8 */
        uint64_t         words[3];
        weiri_chunk_part chunk;
        weiri_bytes_part block;
    } as;
} weiri_message;

/* Give back what the payload holds and make it empty. */
void
weiri_message_drop(weiri_message *self);

/* The chunk of a message that has one, with its reference, which is the caller's now. */
const weir_chunk *
weiri_message_take_chunk(weiri_message *self);

/* A message of `kind` to `to` that carries `chunk`, whose reference it takes. */
weiri_message
weiri_message_of_chunk(weiri_address to, uint16_t kind, const weir_chunk **chunk_p);

/* ---- behaviours ---- */

/* The actor that runs, and its shard: a callback's way to everything below. Valid during
 * the callback. */
typedef struct weiri_actor weiri_actor;

/* What an actor does. All of it on its shard's thread; functions may be NULL where a note
 * says what then happens. What they return:
 *
 *   WEIR_OK       done
 *   WEIR_EAGAIN   from on_message alone: not now. The message is kept, in order, and so
 * is what comes after it, until weiri_actor_resume; timers still fire other         the
 * actor failed: it gets nothing more until its supervisor has decided. The message
 * becomes a dead letter
 */
typedef struct weiri_behaviour {
    size_t      size;       /* sizeof(weiri_behaviour)             */
    const char *name;       /* of the behaviour, for people        */
    uint32_t    state_size; /* bytes, zeroed before init, aligned for any type */

    /* From nothing; on its first message where it is keyed. `config` as in its spec. */
    weir_status (*init)(
        weiri_actor *actor, void *state, const void *config, weir_error *err);

    /* `message` is yours to change; the payload that is left in it is dropped. */
    weir_status (*on_message)(
        weiri_actor *actor, void *state, weiri_message *message, weir_error *err);

    /* `tag` as given to weiri_actor_set_timer. */
    weir_status (*on_timer)(weiri_actor *actor, void *state, uint64_t tag,
        int64_t deadline_ns, weir_error *err);

    /* The end: no event will come any more; give what is held back. All shallower levels
     * have been drained, everywhere, and what they gave has been worked off. Timers do
     * not fire any more. */
    weir_status (*drain)(weiri_actor *actor, void *state, weir_error *err);

    /* State as bytes, and back into state that init has made. NULL: restarts begin from
     * nothing. */
    weir_status (*save)(const void *state, weiri_pack *out);
    weir_status (*load)(void *state, weiri_unpack *in);

    /* Of a keyed actor: nothing is left to remember, so that it may go. NULL: it goes
     * when it stops itself. */
    bool (*is_empty)(const void *state);

    void (*fini)(void *state);
} weiri_behaviour;

/* How an actor is made. `config` and what it points to outlive the node. */
typedef struct weiri_actor_spec {
    const char            *name; /* unique in the node, copied; NULL: none     */
    const weiri_behaviour *behaviour;
    const void            *config;
    uint32_t               shard;      /* of weiri_node_spawn alone           */
    uint32_t               level;      /* < the node's n_levels, or WEIRI_CONTROL  */
    weiri_address          supervisor; /* at WEIRI_CONTROL; WEIRI_NOBODY: a failure stops
                                        * the node */
} weiri_actor_spec;

/* ---- what an actor can do, from its callbacks ---- */

weiri_address
weiri_actor_address(const weiri_actor *self);

uint32_t
weiri_actor_shard(const weiri_actor *self);

uint32_t
weiri_actor_n_shards(const weiri_actor *self);

/* Of a keyed actor, shape (*size,); NULL for others. Borrowed. */
const void *
weiri_actor_key(const weiri_actor *self, uint32_t *size);

/* The address of a name: one given to weiri_node_spawn, weiri_node_add_family, or on this
 * shard to weiri_actor_spawn. WEIRI_NOBODY if there is none. Resolve once, in init. */
weiri_address
weiri_actor_resolve(weiri_actor *self, const char *name);

/* Send an event to a deeper level.
 *
 * Never waits. Where the receiver's level has no credit left the message waits on this
 * shard, which takes nothing from shallower levels until it could go. Messages from one
 * actor to another arrive in the order in which they were sent.
 *
 *   message  its payload is taken on WEIR_OK
 *   errors   WEIR_EINVAL  `to` is not deeper than this actor, or a family
 *            WEIR_EFULL   one callback sent more than WEIRI_MAILBOX_MESSAGES
 *            WEIR_ENOMEM
 *            After an error the payload is still the caller's. A receiver that has gone
 * is no error: the message is a dead letter. cost     about 10 ns on the same shard;
 * between shards a share of one ZeroMQ message
 */
WEIR_MUST_CHECK weir_status
weiri_actor_send(weiri_actor *self, weiri_message *message);

/* The same to the instance of the family `message->to` for a key, which is made where
 * there is none.
 *
 *   key     shape (size,), 1 … WEIRI_KEY_BYTES
 *   errors  also WEIR_EINVAL: `to` is no family, or the key's size
 */
WEIR_MUST_CHECK weir_status
weiri_actor_send_keyed(
    weiri_actor *self, weiri_message *message, const void *key, uint32_t size);

/* Send a signal to any level. It goes before events.
 *
 *   errors  WEIR_EFULL  too many signals to that shard wait: nothing was sent
 */
WEIR_MUST_CHECK weir_status
weiri_actor_signal(weiri_actor *self, weiri_message *message);

/* Be called with WEIRI_KIND_WAKE behind what waits on this level now: how a source goes
 * on. Asking again before that changes nothing. */
void
weiri_actor_wake(weiri_actor *self);

/* Be woken when a file descriptor can be read, once an ask. */
WEIR_MUST_CHECK weir_status
weiri_actor_wake_when_readable(weiri_actor *self, int fd);

/* Signal `message` and wait, without blocking, for one message back: a reply
 * (WEIRI_FLAG_REPLY, *id in `id`), or WEIRI_KIND_UNANSWERED after `timeout_ns` of the
 * clock or when nobody is there.
 *
 *   errors  WEIR_EFULL  WEIRI_ASKS of this shard are open; or as weiri_actor_signal
 */
WEIR_MUST_CHECK weir_status
weiri_actor_ask(
    weiri_actor *self, weiri_message *message, int64_t timeout_ns, uint32_t *id);

/* Answer a message that has WEIRI_FLAG_ASK; `to` of `reply` is set here. */
WEIR_MUST_CHECK weir_status
weiri_actor_reply(weiri_actor *self, const weiri_message *request, weiri_message *reply);

/* Make an actor on this shard; it is started before it gets its first message. */
WEIR_MUST_CHECK weir_status
weiri_actor_spawn(
    weiri_actor *self, const weiri_actor_spec *spec, weiri_address *out, weir_error *err);

/* Stop an actor, or oneself when the callback returns. What waits for it becomes dead
 * letters. */
WEIR_MUST_CHECK weir_status
weiri_actor_stop(weiri_actor *self, weiri_address who);

/* Take messages again after WEIR_EAGAIN; beginning with the one that was kept. */
void
weiri_actor_resume(weiri_actor *self);

/* Get WEIRI_KIND_DOWN when `who` stops (at once if it has gone). A restart is no stop. */
WEIR_MUST_CHECK weir_status
weiri_actor_monitor(weiri_actor *self, weiri_address who);

/* When one of the two stops for another reason than WEIRI_REASON_DONE, so does the other.
 */
WEIR_MUST_CHECK weir_status
weiri_actor_link(weiri_actor *self, weiri_address who);

/* Remember the state: what a restart begins from. Also handed to the node's on_saved.
 *
 *   errors  WEIR_EINVAL the behaviour has no save; those of save; WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_actor_save(weiri_actor *self);

/* ---- time ---- */

typedef enum weiri_clock_kind {
    WEIRI_EVENT_TIME, /* moved by weiri_actor_advance             */
    WEIRI_CLOCK_TIME, /* moved by the node; part of its input     */
} weiri_clock_kind;

typedef uint64_t weiri_timer_id;

/* What the shard's clock says: for CLOCK_TIME as of the last time it was looked at. */
int64_t
weiri_actor_now(const weiri_actor *self, weiri_clock_kind which);

/* Call on_timer(tag, deadline) once when time has passed `deadline_ns`; in the order
 * (deadline, order of setting) of all timers of the shard's clock. Gone with the actor.
 *
 *   out     for cancelling; may be NULL
 *   errors  WEIR_EFULL  WEIRI_TIMERS of this shard are set; WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_actor_set_timer(weiri_actor *self, weiri_clock_kind which, int64_t deadline_ns,
    uint64_t tag, weiri_timer_id *out);

/* False if it has fired or was cancelled before. */
bool
weiri_actor_cancel_timer(weiri_actor *self, weiri_timer_id timer);

/* Move this shard's event time: deadlines before `to_ns` fire. Never back. */
void
weiri_actor_advance(weiri_actor *self, int64_t to_ns);

/* ---- the node ---- */

/* The input has ended: drain level after level, everywhere, then stop the node. */
void
weiri_actor_end_node(weiri_actor *self);

/* Stop the node as it is; weiri_node_run returns `status` and `err`. */
void
weiri_actor_stop_node(weiri_actor *self, weir_status status, const weir_error *err);

/* ---- ready-made behaviours ---- */

/* A topic gives each event that it gets to all who signalled WEIRI_KIND_SUBSCRIBE to it,
 * in the order in which they did; those that stop are forgotten. It stands at a level
 * between theirs and the publishers'. No config. */
extern const weiri_behaviour weiri_topic_behaviour;

WEIR_MUST_CHECK weir_status
weiri_actor_subscribe(weiri_actor *self, weiri_address topic);

WEIR_MUST_CHECK weir_status
weiri_actor_unsubscribe(weiri_actor *self, weiri_address topic);

/* A supervisor decides what becomes of those that name it in their spec and fail. */
typedef enum weiri_verdict {
    WEIRI_SKIP,    /* go on behind the message over which it failed */
    WEIRI_RESTART, /* from the last saved state, after a back-off   */
    WEIRI_STOP,
} weiri_verdict;

typedef enum weiri_strategy {
    WEIRI_ONE_FOR_ONE,  /* who failed                                            */
    WEIRI_REST_FOR_ONE, /* and all who were put under this supervisor after it    */
} weiri_strategy;

/* Restarts wait back_off_ns, doubled with each within the period, up to the maximum; one
 * more than max_restarts within period_ns (of the clock) stops the child, and with it the
 * supervisor, as one that failed itself: its own supervisor decides.
 * Source: the restart intensity of Erlang/OTP supervisors. */
typedef struct weiri_supervisor_config {
    weiri_verdict  verdict;
    weiri_strategy strategy;
    uint32_t       max_restarts;
    int64_t        period_ns;
    int64_t        back_off_ns;
    int64_t        max_back_off_ns;
} weiri_supervisor_config;

/* At WEIRI_CONTROL. config: a weiri_supervisor_config */
extern const weiri_behaviour weiri_supervisor_behaviour;

#endif
