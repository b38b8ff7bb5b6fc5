/* What the files of weiri_peers share.
 *
 * A peer is in use by at most one connection, of which `session` is the number: one that
 * it made to us, through the router, or one that we made, through a dealer of its own
 * that lives as long as the connection. What the user was told is kept beside, and told
 * anew where it differs: nothing has to be queued.
 */
#ifndef WEIR_NET_PEERS_INSIDE_H
#define WEIR_NET_PEERS_INSIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "guard.h"
#include "head.h"
#include "keeper.h"
#include "weiri/peers.h"

/* Which sockets are looked at: the router, then the dealer and its monitor of each peer.
 */
enum { SPOT_ROUTER = 0 };

typedef enum weiri_way {
    WAY_NONE,
    WAY_IN, /* it came to us   */
    WAY_OUT /* we went to it   */
} weiri_way;

typedef enum weiri_dial {
    DIAL_NEVER,      /* no address, or revoked                            */
    DIAL_RESTING,    /* no socket; tries again at due_ms                  */
    DIAL_CONNECTING, /* until due_ms                                      */
    DIAL_GREETING,   /* said HELLO; waits for an answer until due_ms      */
    DIAL_STANDBY,    /* connected; at due_ms says HELLO if nothing is in use */
    DIAL_IN_USE
} weiri_dial;

struct dialer {
    void      *socket;
    void      *monitor;
    weiri_dial state;
    bool       has_ended; /* the connection; messages may still be there  */
    uint32_t   backoff_ms;
    int64_t    due_ms; /* INT64_MAX: never                             */
    uint64_t   session;
};

struct permit {
    bool     is_any;
    char   **streams; /* shape (n,) */
    uint32_t n;
};

struct peer {
    char         *name;
    char         *address; /* NULL: it comes to us */
    char          key[WEIRI_KEY_TEXT + 1];
    struct permit may_send;
    struct permit may_read;
    uint32_t      generation; /* of what is known of it */
    bool          is_known;   /* false: revoked         */
    bool          is_changed; /* stands in self->changed */
    bool        is_leaving; /* its connection to us ended; messages may still be there */
    weiri_way   way;
    int         fd; /* of its connection to us */
    uint32_t    routing_size;
    uint8_t     routing[255]; /* of its connection to us, as the router has it */
    uint64_t    session;      /* 0: none is in use */
    uint64_t    told;         /* session that the user knows of */
    bool        was_heard;    /* since the last beat            */
    bool        was_sent_to;  /* since the last beat            */
    uint32_t    n_silent;     /* beats since it was heard       */
    const char *reason;       /* why the last one ended */
    struct dialer     dialer;
    weiri_peer_counts counts;
};

struct weiri_peers {
    weiri_peers_config config; /* its texts and peers are not used after opening */
    char              *name;
    weiri_keypair      keys;
    void              *zmq;    /* the context */
    weiri_keeper      *keeper; /* NULL: nobody is judged */
    weiri_guard       *guard;
    void              *router; /* NULL: nobody comes to us */
    char               address[256];
    struct peer       *peers; /* shape (n_peers,) */
    uint32_t           n_peers;
    uint32_t
        *changed; /* shape (n_changed,), a queue: whose session is not what was told */
    uint32_t  n_changed;
    uint32_t *spots; /* a ring of those that may have something */
    uint32_t  first_spot;
    uint32_t  n_spots;
    uint32_t  cap_spots;
    bool     *is_spot; /* shape (cap_spots,): stands in the ring */
    uint32_t  n_visits;
    uint32_t  n_leaving;
    uint32_t  leaving_left; /* messages read before those who leave have left */
    int64_t   beat_ms;      /* when the next beat is due */
    int       epoll;
    int       timer;
    int64_t   armed_ms; /* when the timer goes; INT64_MAX: never */
    zmq_msg_t message;  /* lent to the user */
    char      refusal[WEIRI_GUARD_REASON];
};

int64_t
weiri_peers_now_ms(void);

/* ---- peers.c ---- */

static inline uint32_t
weiri_spot_dealer(uint32_t peer)
{
    return 1 + 2 * peer;
}

static inline uint32_t
weiri_spot_monitor(uint32_t peer)
{
    return 2 + 2 * peer;
}

/* Look at a socket soon. */
void
weiri_peers_look(weiri_peers *self, uint32_t spot);

/* Poll a socket, or no longer. */
bool
weiri_peers_watch(weiri_peers *self, void *socket, uint32_t spot);
void
weiri_peers_unwatch(weiri_peers *self, void *socket);

/* Have the timer go at a time at the latest. */
void
weiri_peers_arm(weiri_peers *self, int64_t at_ms);

/* What is set on every socket. */
bool
weiri_peers_set_limits(const weiri_peers *self, void *socket, const char *address);

/* A connection is in use from now on. */
void
weiri_peers_begin(weiri_peers *self, uint32_t peer, weiri_way way, uint64_t session);

/* The one that is in use is no longer, and is closed. */
void
weiri_peers_end(weiri_peers *self, uint32_t peer, const char *reason);

/* Write a head and a text, which may be empty, to a message. */
bool
weiri_peers_fill(
    zmq_msg_t *message, const weiri_head *head, const void *bytes, size_t size);

/* A message for the user: what comes after its head. Takes it. */
void
weiri_peers_give(
    weiri_peers *self, uint32_t peer, zmq_msg_t *message, weiri_peer_event *event);

typedef enum weiri_visit {
    VISIT_EMPTY, /* there is nothing more for now */
    VISIT_AGAIN, /* there may be                  */
    VISIT_EVENT  /* `event` is set                */
} weiri_visit;

/* ---- peers_known.c ---- */

/* Whether it is an address of a kind that nodes have. */
bool
weiri_is_address(const char *text);

/* errors  WEIR_EINVAL */
WEIR_MUST_CHECK weir_status
weiri_known_check(
    const weiri_peers *self, const weiri_peer_config *config, weir_error *err);

/* Know one more, that was checked. errors  as weiri_peers_allow */
WEIR_MUST_CHECK weir_status
weiri_known_add(weiri_peers *self, const weiri_peer_config *config, weir_error *err);

/* Room for so many peers, never fewer than before. errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_known_make_room(weiri_peers *self, uint32_t n_peers);

void
weiri_known_free(struct peer *peer);

/* ---- peers_dial.c ---- */

/* Go to a peer. errors  WEIR_EINVAL  its address is none; WEIR_EIO, WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_dial_begin(weiri_peers *self, uint32_t peer, weir_error *err);

/* Close, and try again later. */
void
weiri_dial_rest(weiri_peers *self, uint32_t peer);

/* Close, and don't. */
void
weiri_dial_stop(weiri_peers *self, uint32_t peer, int linger_ms);

/* Say who we are. */
void
weiri_dial_greet(weiri_peers *self, uint32_t peer);

void
weiri_dial_on_time(weiri_peers *self, uint32_t peer, int64_t now_ms);

weiri_visit
weiri_dial_visit(weiri_peers *self, uint32_t peer, weiri_peer_event *event);

weiri_visit
weiri_dial_visit_monitor(weiri_peers *self, uint32_t peer);

/* ---- peers_router.c ---- */

WEIR_MUST_CHECK weir_status
weiri_router_open(weiri_peers *self, weir_error *err);

void
weiri_router_close(weiri_peers *self);

weiri_visit
weiri_router_visit(weiri_peers *self, weiri_peer_event *event);

/* Connections have ended. */
void
weiri_router_on_gone(weiri_peers *self);

/* Send a message to who came with this routing id. Taken on WEIR_OK.
 * errors  WEIR_EAGAIN */
WEIR_MUST_CHECK weir_status
weiri_router_send(
    weiri_peers *self, const uint8_t *routing, size_t routing_size, zmq_msg_t *message);

#endif
