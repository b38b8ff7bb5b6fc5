/* Calls of ZeroMQ that a signal breaks off: made again until they are done.
 *
 * A socket first hears what other threads told it; a signal in that moment ends bind,
 * connect and the question for its events with EINTR before they have done anything.
 */
#ifndef WEIR_NET_SOCKET_H
#define WEIR_NET_SOCKET_H

#include <stdbool.h>

/* As zmq_bind and zmq_connect. false: errno says why, and is never EINTR. */
bool
weiri_socket_bind(void *socket, const char *address);
bool
weiri_socket_connect(void *socket, const char *address);

/* ZMQ_EVENTS, after the socket has heard what there is; 0 if it cannot be asked. */
int
weiri_socket_events(void *socket);

#endif
