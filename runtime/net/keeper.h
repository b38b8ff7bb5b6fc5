/* The keeper: the thread that answers ZAP and follows who comes to listening sockets.
 *
 * It never waits for the owner of a socket, so that a node that is busy still judges keys
 * and bounds those who come.
 */
#ifndef WEIR_NET_KEEPER_H
#define WEIR_NET_KEEPER_H

#include "guard.h"
#include "weir/error.h"

typedef struct weiri_keeper weiri_keeper;

/*   zmq     the context; outlives it
 *   errors  WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_keeper_new(void *zmq, weiri_keeper **out, weir_error *err);

/* When all guards were removed. */
void
weiri_keeper_destroy(weiri_keeper **self_p);

/* Keep a guard from now on.
 *
 *   monitor  endpoint of the monitor of its socket (zmq_socket_monitor)
 *   errors   WEIR_EFULL  of too many; WEIR_EIO, WEIR_ENOMEM
 *   thread   any
 */
WEIR_MUST_CHECK weir_status
weiri_keeper_add(
    weiri_keeper *self, weiri_guard *guard, const char *monitor, weir_error *err);

/* When this returns the guard is the caller's alone. Its socket's monitor was ended
 * before. */
void
weiri_keeper_remove(weiri_keeper *self, weiri_guard *guard);

#endif
