#include "socket.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

bool
weiri_socket_bind(void *socket, const char *address)
{
    int failed = 0;
    do {
        failed = zmq_bind(socket, address);
    } while (failed != 0 && errno == EINTR);
    return failed == 0;
}

bool
weiri_socket_connect(void *socket, const char *address)
{
    int failed = 0;
    do {
        failed = zmq_connect(socket, address);
    } while (failed != 0 && errno == EINTR);
    return failed == 0;
}

bool
weiri_socket_monitor(void *socket, const char *address, int events)
{
    int failed = 0;
    do {
        failed = zmq_socket_monitor(socket, address, events);
    } while (failed != 0 && errno == EINTR);
    return failed == 0;
}

bool
weiri_socket_send(void *socket, zmq_msg_t *part, int flags)
{
    int n = 0;
    do {
        n = zmq_msg_send(part, socket, flags | ZMQ_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    return n >= 0;
}

bool
weiri_socket_send_bytes(void *socket, const void *bytes, size_t size, int flags)
{
    int n = 0;
    do {
        n = zmq_send(socket, bytes, size, flags | ZMQ_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    return n >= 0;
}

bool
weiri_socket_receive(void *socket, zmq_msg_t *part)
{
    int n = 0;
    do {
        n = zmq_msg_recv(part, socket, ZMQ_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    return n >= 0;
}

/* A number of 16 bits, a value of 32, and a text that is not read. */
bool
weiri_socket_event(void *monitor, uint16_t *event, int32_t *value)
{
    zmq_msg_t part;
    uint8_t   head[sizeof *event + sizeof *value] = { 0 };
    zmq_msg_init(&part);
    bool is_there = weiri_socket_receive(monitor, &part);
    if (is_there) {
        size_t size = zmq_msg_size(&part);
        memcpy(head, zmq_msg_data(&part), size < sizeof head ? size : sizeof head);
        memcpy(event, head, sizeof *event);
        memcpy(value, head + sizeof *event, sizeof *value);
    }
    while (is_there && zmq_msg_more(&part) != 0 && weiri_socket_receive(monitor, &part)) {
    }
    zmq_msg_close(&part);
    return is_there;
}

int
weiri_socket_events(void *socket)
{
    int    events = 0;
    size_t size   = sizeof events;
    int    failed = 0;
    do {
        failed = zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size);
    } while (failed != 0 && errno == EINTR);
    return failed == 0 ? events : 0;
}
