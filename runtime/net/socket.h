/* Calls of ZeroMQ that a signal breaks off: made again until they are done.
 *
 * A socket first hears what other threads told it; a signal in that moment ends what was
 * called with EINTR before it has done anything, between the parts of a message, too.
 */
#ifndef WEIR_NET_SOCKET_H
#define WEIR_NET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

/* As zmq_bind and zmq_connect. false: errno says why, and is never EINTR. */
bool
weiri_socket_bind(void *socket, const char *address);
bool
weiri_socket_connect(void *socket, const char *address);

/* As zmq_socket_monitor, for `events`. false: errno says why, and is never EINTR. */
bool
weiri_socket_monitor(void *socket, const char *address, int events);

/* As zmq_msg_send and zmq_msg_recv, without waiting: a message, or a part of one, whose
 * others a signal may not part from it. false: errno says why, and is never EINTR. */
bool
weiri_socket_send(void *socket, zmq_msg_t *part, int flags);
bool
weiri_socket_receive(void *socket, zmq_msg_t *part);

/* As zmq_send, likewise. */
bool
weiri_socket_send_bytes(void *socket, const void *bytes, size_t size, int flags);

/* What a monitor says next: ZMQ_EVENT_..., and its value. false: nothing. */
bool
weiri_socket_event(void *monitor, uint16_t *event, int32_t *value);

/* ZMQ_EVENTS, after the socket has heard what there is; 0 if it cannot be asked. */
int
weiri_socket_events(void *socket);

#endif
