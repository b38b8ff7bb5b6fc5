/* A gate: who may come to one listening socket, and who is there.
 *
 * Shared by the owner of the socket and the keeper's thread, which asks it about keys and
 * tells it of connections; everything in it is under its lock.
 *
 * ZeroMQ has no way to close one connection of a socket. A connection is closed here by
 * shutting its descriptor down, which ZeroMQ takes for a peer that went away. That the
 * descriptor still is the connection's is seen by the address of the other side; were it
 * another's after all, that one would have to come again, no more.
 */
#ifndef WEIR_NET_GATE_H
#define WEIR_NET_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/error.h"
#include "weiri/peers.h"

enum {
    WEIRI_GATE_DOMAIN = 32,  /* bytes of a ZAP domain                */
    WEIRI_GATE_USER   = 32,  /* bytes of a user id: "peer.generation" */
    WEIRI_GATE_REASON = 200, /* bytes of why somebody was refused    */
};

typedef struct weiri_gate weiri_gate;

/*   max_connections  of all who come
 *   handshake_ms     after which one who said nothing is closed
 *   errors           WEIR_ENOMEM, WEIR_EIO
 */
WEIR_MUST_CHECK weir_status
weiri_gate_new(
    uint32_t max_connections, uint32_t handshake_ms, weiri_gate **out, weir_error *err);

void
weiri_gate_destroy(weiri_gate **self_p);

/* Name of this gate, by which ZAP asks for it. */
const char *
weiri_gate_domain(const weiri_gate *self);

/* Readable when weiri_gate_next_refusal or weiri_gate_next_gone may have something, or
 * after weiri_gate_wake. weiri_gate_calm makes it unreadable. */
int
weiri_gate_descriptor(const weiri_gate *self);
void
weiri_gate_wake(weiri_gate *self);
void
weiri_gate_calm(weiri_gate *self);

/* ---- keys ---- */

/* Let a key in, as a peer's; one that was revoked too.
 *
 *   key     Z85, valid
 *   errors  WEIR_EINVAL  it is another peer's; WEIR_EFULL, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_gate_allow(weiri_gate *self, const char *key, uint32_t peer, uint32_t generation);

/* Let no key of a peer in from now on, and close all its connections. */
void
weiri_gate_revoke(weiri_gate *self, uint32_t peer);

/* The keeper's: judge a key.
 *
 *   key      shape (WEIRI_KEY_BYTES,)
 *   address  shape (size,): for the reason
 *   user     shape (WEIRI_GATE_USER,): text, who it is
 */
bool
weiri_gate_judge(weiri_gate *self, const uint8_t *key, const uint8_t *address,
    size_t size, char *user);

/* ---- connections ---- */

/* The keeper's: one came, one ended, one ended before its handshake. */
void
weiri_gate_accepted(weiri_gate *self, int fd);
void
weiri_gate_ended(weiri_gate *self, int fd);
void
weiri_gate_failed(weiri_gate *self);

/* The keeper's: close who has said nothing for too long.
 *
 *   returns  milliseconds until somebody will have; -1: nobody is silent
 */
int
weiri_gate_look_around(weiri_gate *self);

/* The owner's: a connection is a peer's. */
void
weiri_gate_know(weiri_gate *self, int fd, uint32_t peer);

/* Close a connection that may still be there. */
void
weiri_gate_close(weiri_gate *self, int fd);

/* A connection of a peer that ended, once each. False: no more. */
bool
weiri_gate_next_gone(weiri_gate *self, uint32_t *peer, int *fd);

/* ---- refusals ---- */

/* Put one by, unless the same, or too many others, were within the last second. */
void
weiri_gate_refuse(weiri_gate *self, uint32_t peer, const char *reason);

/*   reason  shape (WEIRI_GATE_REASON,) */
bool
weiri_gate_next_refusal(weiri_gate *self, uint32_t *peer, char *reason);

/* ---- counts ---- */

void
weiri_gate_counts(weiri_gate *self, weiri_peers_counts *out);

void
weiri_gate_malformed(weiri_gate *self);

void
weiri_gate_refused_us(weiri_gate *self);

#endif
