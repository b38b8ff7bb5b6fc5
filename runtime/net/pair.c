#include "weiri/pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "socket.h"

struct weiri_pair {
    void     *context;
    void     *socket;
    zmq_msg_t message; /* the one that was received last */
};

static bool
set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

weir_status
weiri_pair_open(const char *address, bool is_bound, weiri_pair **out, weir_error *err)
{
    enum { WAITING = 64 };
    int64_t     most = WEIRI_PAIR_BYTES;
    weiri_pair *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "'%s'", address);
    }
    zmq_msg_init(&self->message);
    self->context = zmq_ctx_new();
    self->socket  = self->context != NULL ? zmq_socket(self->context, ZMQ_PAIR) : NULL;
    bool is_ok    = self->socket != NULL
                 && zmq_setsockopt(self->socket, ZMQ_MAXMSGSIZE, &most, sizeof most) == 0
                 && set_number(self->socket, ZMQ_SNDHWM, WAITING)
                 && set_number(self->socket, ZMQ_RCVHWM, WAITING)
                 && set_number(self->socket, ZMQ_LINGER, is_bound ? 0 : 1000);
    if (is_ok) {
        is_ok = is_bound ? weiri_socket_bind(self->socket, address)
                         : weiri_socket_connect(self->socket, address);
    }
    if (!is_ok) {
        weir_status status = errno == EINVAL ? WEIR_EINVAL : WEIR_EIO;
        status             = WEIR_FAIL(err, status, "cannot %s '%s': %s",
            is_bound ? "listen at" : "connect to", address, zmq_strerror(errno));
        weiri_pair_close(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_pair_close(weiri_pair **self_p)
{
    weiri_pair *self = *self_p;
    *self_p          = NULL;
    if (self == NULL) {
        return;
    }
    zmq_msg_close(&self->message);
    if (self->socket != NULL) {
        zmq_close(self->socket);
    }
    while (self->context != NULL && zmq_ctx_term(self->context) != 0 && errno == EINTR) {
    }
    free(self);
}

static weir_status
wait_for(const weiri_pair *self, short what, int timeout_ms, weir_error *err)
{
    zmq_pollitem_t item = { .socket = self->socket, .events = what };
    int            n    = zmq_poll(&item, 1, timeout_ms);
    if (n == 0 || (n < 0 && errno == EINTR)) {
        return WEIR_EAGAIN;
    }
    return n > 0 ? WEIR_OK
                 : WEIR_FAIL(err, WEIR_EIO, "cannot wait: %s", zmq_strerror(errno));
}

weir_status
weiri_pair_send(weiri_pair *self, const void *head, size_t head_size, const void *bytes,
    size_t size, int timeout_ms, weir_error *err)
{
    zmq_msg_t message;
    if (zmq_msg_init_size(&message, head_size + size) != 0) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for a message");
    }
    memcpy(zmq_msg_data(&message), head, head_size);
    if (size > 0) {
        memcpy((char *)zmq_msg_data(&message) + head_size, bytes, size);
    }
    weir_status status = WEIR_OK;
    while (status == WEIR_OK && !weiri_socket_send(self->socket, &message, 0)) {
        status = errno == EAGAIN
                     ? wait_for(self, ZMQ_POLLOUT, timeout_ms, err)
                     : WEIR_FAIL(err, WEIR_EIO, "cannot send: %s", zmq_strerror(errno));
    }
    if (status != WEIR_OK) {
        zmq_msg_close(&message);
    }
    return status;
}

weir_status
weiri_pair_receive(weiri_pair *self, int timeout_ms, const uint8_t **bytes, size_t *size,
    weir_error *err)
{
    while (!weiri_socket_receive(self->socket, &self->message)) {
        weir_status status = WEIR_OK;
        if (errno == EAGAIN) {
            status = timeout_ms == 0 ? WEIR_EAGAIN
                                     : wait_for(self, ZMQ_POLLIN, timeout_ms, err);
        } else {
            status = WEIR_FAIL(err, WEIR_EIO, "cannot read: %s", zmq_strerror(errno));
        }
        if (status != WEIR_OK) {
            return status;
        }
    }
    *bytes = zmq_msg_data(&self->message);
    *size  = zmq_msg_size(&self->message);
    return WEIR_OK;
}
