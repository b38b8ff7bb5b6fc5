#include "socket.h"

#include <errno.h>
#include <stddef.h>
#include <zmq.h>

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
