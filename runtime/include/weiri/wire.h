/* weiri_wire: one ZeroMQ socket by which messages of bytes come in or go out.
 *
 * For programs that are not Weir: nothing is acknowledged, so what is under way when a
 * peer or this process ends is lost. Every limit that ZeroMQ leaves open is set: the size
 * of a message, how many wait, how long a handshake, a silent peer and the end may take.
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

/* When all its wires are closed. What was sent and has not left waits for up to
 * WEIRI_WIRE_LINGER_MS. */
void
weiri_wires_destroy(weiri_wires **self_p);

typedef enum weiri_wire_kind {
    WEIRI_WIRE_PULL, /* comes in, from whoever pushes, in turn                  */
    WEIRI_WIRE_SUB,  /* comes in, of what is published under a topic            */
    WEIRI_WIRE_PUSH, /* goes out to one of the peers; waits while there is none */
    WEIRI_WIRE_PUB   /* goes out to all who listen; dropped for who is slow     */
} weiri_wire_kind;

typedef struct weiri_wire_config {
    weiri_wire_kind kind;
    bool            is_bound; /* listens at the address, else goes there  */
    const char     *address;  /* "tcp://127.0.0.1:5555", "ipc:///run/x"   */
    const char     *topic;    /* of SUB and PUB; NULL: every, none        */
} weiri_wire_config;

typedef struct weiri_wire weiri_wire;

/* Listen at an address, or go there: a peer that is not there yet is waited for in the
 * background. `config` is not kept.
 *
 *   errors  WEIR_EINVAL  this is no address
 *           WEIR_EIO     e.g. the address is taken; WEIR_ENOMEM
 *   thread  the wire is used by the one that opened it
 */
WEIR_MUST_CHECK weir_status
weiri_wire_open(weiri_wires *wires, const weiri_wire_config *config, weiri_wire **out,
    weir_error *err);

void
weiri_wire_close(weiri_wire **self_p);

/* The next message; of several parts the last one, for those before are its topic.
 *
 *   timeout_ms  -1: no limit
 *   bytes       borrowed until the next call
 *   errors      WEIR_EAGAIN  none came in that time, or a signal did
 *               WEIR_EIO
 */
WEIR_MUST_CHECK weir_status
weiri_wire_receive(
    weiri_wire *self, int timeout_ms, const char **bytes, size_t *size, weir_error *err);

/* Send a message; PUB with a topic: two parts, the topic first.
 *
 *   errors  WEIR_EIO, WEIR_ENOMEM
 *   cost    PUSH waits while no peer takes it
 */
WEIR_MUST_CHECK weir_status
weiri_wire_send(weiri_wire *self, const char *bytes, size_t size, weir_error *err);

#endif
