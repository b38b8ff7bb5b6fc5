/* weiri_peers: messages of bytes between nodes that know each other.
 *
 * One of these is a node's whole transport: it listens at one address or at none, goes to
 * the peers whose addresses it knows, and hands over messages with the peer's number.
 * Over tcp everything is encrypted by CURVE: who a peer is, is what its key says, never
 * what it claims. A peer with another key is refused before it can send a message.
 *
 * A connection gives messages whole, in order, and each once; what was on the way when it
 * ended may be lost. WEIRI_PEER_CONNECTED begins a connection: what comes after it
 * belongs to it, and nothing of an earlier one comes any more. Acknowledgement is its
 * user's work.
 *
 * Two nodes that know each other's address have one connection in use; the other one
 * stands by.
 *
 * Nothing here waits but weiri_peers_receive, for as long as it is told to.
 *
 *   thread  all functions: the owner's. A thread of the library judges keys (decision
 * 20).
 */
#ifndef WEIRI_PEERS_H
#define WEIRI_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"
#include "weiri/keypair.h"

enum {
    WEIRI_PEER_NAME   = 63,         /* characters of a name, at most                    */
    WEIRI_PEER_NOBODY = UINT32_MAX, /* no peer that is known                            */
};

/* Milliseconds; 0 takes the default. */
typedef struct weiri_peer_times {
    uint32_t handshake_ms; /* from a connection to its first message, 5,000      */
    uint32_t beat_ms;      /* between signs of life, 1,000                       */
    uint32_t silence_ms;   /* without one a peer is given up, 10,000             */
    uint32_t reconnect_ms; /* before the first new attempt, 100                  */
    uint32_t reconnect_longest_ms; /* before a later one, 5,000 */
    uint32_t linger_ms; /* that messages have to leave when this closes, 1,000 */
} weiri_peer_times;

/* Streams that somebody may send or read; none unless it is said. */
typedef struct weiri_permit {
    bool               is_any;
    const char *const *streams; /* shape (n_streams,) */
    size_t             n_streams;
} weiri_permit;

/* Somebody who is known. Names and keys of different peers differ. */
typedef struct weiri_peer_config {
    const char  *name;       /* [A-Za-z0-9_.-], up to WEIRI_PEER_NAME                   */
    const char  *address;    /* "tcp://host:port" or "ipc://path"; NULL: it comes to us */
    const char  *key;        /* public, Z85; NULL only where is_insecure                */
    weiri_permit may_send;   /* to us                                                   */
    weiri_permit may_read;   /* from us                                                 */
    bool         is_revoked; /* its name is known, and it is not let in            */
} weiri_peer_config;

typedef struct weiri_peers_config {
    const char          *name;        /* our own                                     */
    const weiri_keypair *keys;        /* our own; NULL only where is_insecure        */
    bool                 is_insecure; /* neither keys nor secrecy, names are believed */
    const char          *listen;      /* "tcp://0.0.0.0:7000"; NULL: nowhere */
    const weiri_peer_config *peers;   /* shape (n_peers,)                            */
    size_t                   n_peers;
    uint32_t                 max_bytes; /* of a message, 0: WEIRI_PEER_BYTES       */
    uint32_t max_waiting;     /* messages of a peer, each way; 0: WEIRI_PEER_MESSAGES */
    uint32_t max_connections; /* of any who come; 0: WEIRI_PEER_CONNECTIONS */
    weiri_peer_times times;
} weiri_peers_config;

typedef struct weiri_peers weiri_peers;

/* Listen (at a port that is free, where it is written as an asterisk) and begin to go to
 * those with an address. `config` is copied. Peers are numbered as in `config`; a peer
 * that is allowed later gets the next number. A number is never another's.
 *
 *   errors  WEIR_EINVAL  an address, name or key that is none, or two that are the same;
 *                        tcp without keys where not is_insecure
 *           WEIR_EIO     e.g. the address is taken
 *           WEIR_EFULL   more than WEIRI_PEERS peers; WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_peers_open(const weiri_peers_config *config, weiri_peers **out, weir_error *err);

/* Close. What was sent has up to linger_ms to leave. */
void
weiri_peers_close(weiri_peers **self_p);

/* ---- messages ---- */

/* Send a message to a peer that is connected. Never waits.
 *
 *   bytes   shape (size,); not kept
 *   errors  WEIR_EAGAIN  no connection, or max_waiting messages wait for this peer: try
 *                        after its next event or a little later; nothing was sent
 *           WEIR_EFULL   size > max_bytes
 *           WEIR_ENOMEM, WEIR_EIO
 */
WEIR_MUST_CHECK weir_status
weiri_peers_send(weiri_peers *self, uint32_t peer, const void *bytes, size_t size);

typedef enum weiri_peer_event_kind {
    WEIRI_PEER_MESSAGE,   /* bytes, size                                              */
    WEIRI_PEER_CONNECTED, /* may be sent to from now on                               */
    WEIRI_PEER_DISCONNECTED, /* not any more; reason */
    WEIRI_PEER_REFUSED /* somebody was refused by us, or we by them; reason        */
} weiri_peer_event_kind;

typedef struct weiri_peer_event {
    weiri_peer_event_kind kind;
    uint32_t              peer; /* WEIRI_PEER_NOBODY: refused, and not known            */
    const uint8_t *bytes; /* shape (size,), not aligned; borrowed until the next call */
    size_t         size;
    const char    *reason; /* a sentence without its end, borrowed; NULL: none    */
} weiri_peer_event;

/* The next event. Events of one peer come in order. Who is refused again and again is
 * told at most once a second and counted always.
 *
 *   timeout_ms  0: does not wait; -1: no limit
 *   errors      WEIR_EAGAIN  none came in that time, or a signal did
 *               WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_peers_receive(
    weiri_peers *self, int timeout_ms, weiri_peer_event *event, weir_error *err);

/* A descriptor that is readable when weiri_peers_receive may have something, for poll()
 * beside others. Before waiting for it, receive until WEIR_EAGAIN. It is not to be read.
 */
int
weiri_peers_descriptor(const weiri_peers *self);

/* ---- who ---- */

/* The address that it listens at, with the port taken; NULL: none. Borrowed. */
const char *
weiri_peers_address(const weiri_peers *self);

uint32_t
weiri_peers_count(const weiri_peers *self);

/* A peer's number, WEIRI_PEER_NOBODY: none has that name, or it was revoked. */
uint32_t
weiri_peers_find(const weiri_peers *self, const char *name);

/* As weiri_peers_find, one that was revoked, too: it may be allowed again. */
uint32_t
weiri_peers_find_any(const weiri_peers *self, const char *name);

/* Borrowed until this closes. */
const char *
weiri_peers_name(const weiri_peers *self, uint32_t peer);

bool
weiri_peers_is_connected(const weiri_peers *self, uint32_t peer);

/* "connected", "away" or "revoked". */
const char *
weiri_peers_state(const weiri_peers *self, uint32_t peer);

/* Whether a peer may send us events of a stream, or read them from us. False for one that
 * was revoked. */
bool
weiri_peers_may_send(const weiri_peers *self, uint32_t peer, const char *stream);
bool
weiri_peers_may_read(const weiri_peers *self, uint32_t peer, const char *stream);

/* Whether weiri_peers_allow would take a peer: for who writes it down first.
 *
 *   errors  WEIR_EINVAL, WEIR_EFULL  as weiri_peers_open
 */
WEIR_MUST_CHECK weir_status
weiri_peers_check(
    const weiri_peers *self, const weiri_peer_config *peer, weir_error *err);

/* Know one more peer, or a known one by another key or with other streams: then its
 * connection ends, and it comes back with what is new.
 *
 *   errors  as weiri_peers_open: nothing has changed
 */
WEIR_MUST_CHECK weir_status
weiri_peers_allow(
    weiri_peers *self, const weiri_peer_config *peer, uint32_t *number, weir_error *err);

/* Know a peer no more: its connection ends at once (an event says so), and it is refused
 * when it comes again.
 *
 *   errors  WEIR_ENOENT  no peer has that name
 */
WEIR_MUST_CHECK weir_status
weiri_peers_revoke(weiri_peers *self, const char *name, weir_error *err);

/* ---- counts, since it was opened ---- */

typedef struct weiri_peer_counts {
    uint64_t n_sent;
    uint64_t n_sent_bytes;
    uint64_t n_received;
    uint64_t n_received_bytes;
    uint64_t n_connected; /* how often                                                */
    uint64_t n_refused_send; /* WEIR_EAGAIN while it was connected */
    uint64_t n_strange; /* messages that were none of ours, or of an earlier connection */
} weiri_peer_counts;

typedef struct weiri_peers_counts {
    uint64_t n_accepted;    /* connections that came in                                 */
    uint64_t n_open;        /* of those, open now                                       */
    uint64_t n_unknown_key; /* refused: nobody's key                                    */
    uint64_t n_revoked_key; /* refused: of one who was revoked                          */
    uint64_t n_handshake;   /* ended without a handshake: no CURVE, no ZMTP, damaged    */
    uint64_t n_silent;      /* closed by us: said nothing in time                       */
    uint64_t n_crowded_out; /* closed by us: more than max_connections                  */
    uint64_t n_refused_us;  /* times that somebody refused us                           */
    uint64_t n_zap_malformed; /* requests to judge a key that were none */
} weiri_peers_counts;

void
weiri_peers_counts_of(const weiri_peers *self, uint32_t peer, weiri_peer_counts *out);

void
weiri_peers_counts_read(const weiri_peers *self, weiri_peers_counts *out);

#endif
