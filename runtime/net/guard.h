/* A guard: who may come to one listening socket, and who is there.
 *
 * Shared by the owner of the socket and the keeper's thread, which asks it about keys and
 * tells it of connections; everything in it is under its lock.
 *
 * ZeroMQ has no way to close one connection of a socket. A connection is closed here by
 * shutting its descriptor down, which ZeroMQ takes for a peer that went away. That the
 * descriptor still is the connection's is seen by the address of the other side; were it
 * another's after all, that one would have to come again, no more.
 */
#ifndef WEIR_NET_GUARD_H
#define WEIR_NET_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/error.h"
#include "weiri/peers.h"

enum {
    WEIRI_GUARD_DOMAIN = 32,  /* bytes of a ZAP domain                */
    WEIRI_GUARD_USER   = 32,  /* bytes of a user id: "peer.generation" */
    WEIRI_GUARD_REASON = 200, /* bytes of why somebody was refused    */
};

typedef struct weiri_guard weiri_guard;

/*   max_connections  of all who come
 *   handshake_ms     after which one who said nothing is closed
 *   errors           WEIR_ENOMEM, WEIR_EIO
 */
WEIR_MUST_CHECK weir_status
weiri_guard_new(
    uint32_t max_connections, uint32_t handshake_ms, weiri_guard **out, weir_error *err);

void
weiri_guard_destroy(weiri_guard **self_p);

/* Name of this guard, by which ZAP asks for it. */
const char *
weiri_guard_domain(const weiri_guard *self);

/* Readable when weiri_guard_next_refusal or weiri_guard_next_gone may have something, or
 * after weiri_guard_wake. weiri_guard_calm makes it unreadable. */
int
weiri_guard_descriptor(const weiri_guard *self);
void
weiri_guard_wake(weiri_guard *self);
void
weiri_guard_calm(weiri_guard *self);

/* ---- keys ---- */

/* Let a key in, as a peer's; one that was revoked too.
 *
 *   key     Z85, valid
 *   errors  WEIR_EINVAL  it is another peer's; WEIR_EFULL, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_guard_allow(weiri_guard *self, const char *key, uint32_t peer, uint32_t generation);

/* Let no key of a peer in from now on, and close all its connections. */
void
weiri_guard_revoke(weiri_guard *self, uint32_t peer);

/* The keeper's: judge a key.
 *
 *   key      shape (WEIRI_KEY_BYTES,)
 *   address  shape (size,): for the reason
 *   user     shape (WEIRI_GUARD_USER,): text, who it is
 */
bool
weiri_guard_judge(weiri_guard *self, const uint8_t *key, const uint8_t *address,
    size_t size, char *user);

/* ---- connections ---- */

/* The keeper's: one came, one ended, one ended before its handshake. */
void
weiri_guard_accepted(weiri_guard *self, int fd);
void
weiri_guard_ended(weiri_guard *self, int fd);
void
weiri_guard_failed(weiri_guard *self);

/* The keeper's: close who has said nothing for too long.
 *
 *   returns  milliseconds until somebody will have; -1: nobody is silent
 */
int
weiri_guard_look_around(weiri_guard *self);

/* The owner's: a connection is a peer's. */
void
weiri_guard_know(weiri_guard *self, int fd, uint32_t peer);

/* Close a connection that may still be there. */
void
weiri_guard_close(weiri_guard *self, int fd);

/* A connection of a peer that ended, once each. False: no more. */
bool
weiri_guard_next_gone(weiri_guard *self, uint32_t *peer, int *fd);

/* ---- refusals ---- */

/* Put one by, unless the same, or too many others, were within the last second. */
void
weiri_guard_refuse(weiri_guard *self, uint32_t peer, const char *reason);

/*   reason  shape (WEIRI_GUARD_REASON,) */
bool
weiri_guard_next_refusal(weiri_guard *self, uint32_t *peer, char *reason);

/* ---- counts ---- */

void
weiri_guard_counts(weiri_guard *self, weiri_peers_counts *out);

void
weiri_guard_malformed(weiri_guard *self);

void
weiri_guard_refused_us(weiri_guard *self);

#endif
