/* weiri_wire: one ZeroMQ socket by which messages of bytes come in or go out.
 *
 * For programs that are not Weir: nothing is acknowledged, but by a reply where somebody
 * waits for one, so what is under way when a peer or this process ends is lost. Every
 * limit that ZeroMQ leaves open is set: the size of a message, how many wait, how long a
 * handshake, a silent peer and the end may take.
 */
#ifndef WEIRI_WIRE_H
#define WEIRI_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

/* The sockets of an engine. */
typedef struct weiri_wires weiri_wires;

/* errors  WEIR_EIO, WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_wires_new(weiri_wires **out, weir_error *err);

/* Have it be asked, while a wire waits for a peer that takes what it sends, whether the
 * run is being stopped: then it waits WEIRI_WIRE_LINGER_MS more, and gives up. Asked on
 * the threads of the wires. Not said: it waits as long as there is none. */
void
weiri_wires_stop_when(
    weiri_wires *self, bool (*is_stopping)(void *context), void *context);

/* When all its wires are closed. What was sent and has not left waits for up to
 * WEIRI_WIRE_LINGER_MS. */
void
weiri_wires_destroy(weiri_wires **self_p);

typedef enum weiri_wire_kind {
    WEIRI_WIRE_PULL,   /* comes in, from whoever pushes, in turn                  */
    WEIRI_WIRE_SUB,    /* comes in, of what is published under a topic            */
    WEIRI_WIRE_PUSH,   /* goes out to one of the peers; waits while there is none */
    WEIRI_WIRE_PUB,    /* goes out to all who listen; dropped for who is slow     */
    WEIRI_WIRE_ROUTER, /* comes in, as requests of many                           */
    WEIRI_WIRE_DEALER, /* both: comes in from those who know us, goes out as PUSH */
} weiri_wire_kind;

typedef struct weiri_wire_config {
    weiri_wire_kind    kind;
    bool               is_bound;    /* listens at the address, else goes there       */
    bool               is_replying; /* of ROUTER and DEALER: weiri_wire_reply answers */
    const char        *address;     /* "tcp://127.0.0.1:5555", "ipc:///run/x"        */
    const char        *topic;       /* of SUB and PUB; NULL: every, none             */
    const char        *name;        /* of DEALER: by which a router knows us; or NULL */
    const char        *key;         /* path of our secret key; NULL: one for the moment */
    const char *const *peers;       /* shape (n_peers,), public keys in Z85: of those who
                                     * may come, or of the one there is; none: no CURVE */
    uint32_t n_peers;
} weiri_wire_config;

/* Whether two say the same of a socket, its address aside. */
bool
weiri_wire_is_same(const weiri_wire_config *a, const weiri_wire_config *b);

typedef struct weiri_wire weiri_wire;

/* Listen at an address, or go there: a peer that is not there yet is waited for in the
 * background. `config` is not kept.
 *
 *   errors  WEIR_EINVAL  this is no address, or others may use the secret key
 *           WEIR_ENOENT, WEIR_EDATA  of the file of the key
 *           WEIR_EIO     e.g. the address is taken; WEIR_ENOMEM
 *   thread  the wire is used by the one that opened it
 */
WEIR_MUST_CHECK weir_status
weiri_wire_open(weiri_wires *wires, const weiri_wire_config *config, weiri_wire **out,
    weir_error *err);

void
weiri_wire_close(weiri_wire **self_p);

/* The next message; of several parts the last one, for those before are its topic, or the
 * envelope of a request.
 *
 *   timeout_ms  -1: no limit
 *   bytes       borrowed until the next call
 *   errors      WEIR_EAGAIN  none came in that time, or a signal did
 *               WEIR_EIO
 */
WEIR_MUST_CHECK weir_status
weiri_wire_receive(
    weiri_wire *self, int timeout_ms, const char **bytes, size_t *size, weir_error *err);

/* Note that the message received last is to be answered, in the order of these calls.
 * Nothing to do for what does not reply, and for a message whose envelope has more than
 * WEIRI_WIRE_ENVELOPE bytes. */
void
weiri_wire_owe(weiri_wire *self);

/* How many replies are owed, of up to WEIRI_WIRE_OWED: then reply before receiving. */
uint32_t
weiri_wire_owed(const weiri_wire *self);

/* Send the replies that are owed: the envelope of each, and "ok". One that cannot leave,
 * for who waits for it is gone or reads none, is dropped. Never waits. */
void
weiri_wire_reply(weiri_wire *self);

/* Send a message. PUB with a topic: two parts, the topic first. DEALER: two parts, the
 * first of which is empty, as one that REP and ROUTER know; what came back is dropped.
 *
 *   errors  WEIR_EIO, e.g. the run is being stopped and nobody takes it; WEIR_ENOMEM
 *   cost    PUSH and DEALER wait while no peer takes it
 */
WEIR_MUST_CHECK weir_status
weiri_wire_send(weiri_wire *self, const char *bytes, size_t size, weir_error *err);

#endif
