#define _POSIX_C_SOURCE 200809L

#include "weiri/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "context.h"
#include "weiri/limits.h"

/* Of the system's keepalive, by which a host that is gone is given up: not ZeroMQ's
 * heartbeats, with which libzmq to 4.3.5 ends the process when a connection breaks off
 * whose messages wait at the high-water mark. */
enum {
    KEEPALIVE_S          = 5,
    KEEPALIVE_PROBES     = 5, /* a second apart */
    HANDSHAKE_MS         = 5000,
    RECONNECT_MS         = 100,
    RECONNECT_LONGEST_MS = 5000,
};

struct weiri_wires {
    void *context; /* the one of the process */
};

struct weiri_wire {
    void     *socket;
    zmq_msg_t message; /* the one that was received last */
    char     *address;
    char     *topic; /* put before what is sent; NULL: none */
};

weir_status
weiri_wires_new(weiri_wires **out, weir_error *err)
{
    weiri_wires *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->context = weiri_context_take(err);
    if (self->context == NULL) {
        free(self);
        return WEIR_EIO;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_wires_destroy(weiri_wires **self_p)
{
    weiri_wires *self = *self_p;
    *self_p           = NULL;
    if (self != NULL) {
        weiri_context_give();
        free(self);
    }
}

static bool
set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool
set_limits(void *socket, weiri_wire_kind kind)
{
    int64_t most    = WEIRI_WIRE_BYTES;
    bool    is_out  = kind == WEIRI_WIRE_PUSH || kind == WEIRI_WIRE_PUB;
    bool    is_push = kind == WEIRI_WIRE_PUSH;
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most) == 0
           && set_number(socket, ZMQ_SNDHWM, WEIRI_WIRE_MESSAGES)
           && set_number(socket, ZMQ_RCVHWM, WEIRI_WIRE_MESSAGES)
           && set_number(socket, ZMQ_LINGER, is_out ? WEIRI_WIRE_LINGER_MS : 0)
           && set_number(socket, ZMQ_IMMEDIATE, is_push)
           && set_number(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS)
           && set_number(socket, ZMQ_TCP_KEEPALIVE, 1)
           && set_number(socket, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_S)
           && set_number(socket, ZMQ_TCP_KEEPALIVE_INTVL, 1)
           && set_number(socket, ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVE_PROBES)
           && set_number(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS)
           && set_number(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_LONGEST_MS);
}

static int
type_of(weiri_wire_kind kind)
{
    switch (kind) {
    case WEIRI_WIRE_PULL: return ZMQ_PULL;
    case WEIRI_WIRE_SUB: return ZMQ_SUB;
    case WEIRI_WIRE_PUSH: return ZMQ_PUSH;
    default: return ZMQ_PUB;
    }
}

static bool
subscribe(const weiri_wire *self, const weiri_wire_config *config)
{
    const char *topic = config->topic != NULL ? config->topic : "";
    return config->kind != WEIRI_WIRE_SUB
           || zmq_setsockopt(self->socket, ZMQ_SUBSCRIBE, topic, strlen(topic)) == 0;
}

static weir_status
reach(weiri_wire *self, const weiri_wire_config *config, weir_error *err)
{
    int failed = config->is_bound ? zmq_bind(self->socket, config->address)
                                  : zmq_connect(self->socket, config->address);
    if (failed == 0) {
        return WEIR_OK;
    }
    weir_status status = errno == EINVAL ? WEIR_EINVAL : WEIR_EIO;
    return WEIR_FAIL(err, status, "cannot %s '%s': %s",
        config->is_bound ? "listen at" : "connect to", config->address,
        zmq_strerror(errno));
}

weir_status
weiri_wire_open(weiri_wires *wires, const weiri_wire_config *config, weiri_wire **out,
    weir_error *err)
{
    weiri_wire *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "'%s'", config->address);
    }
    zmq_msg_init(&self->message);
    weir_status status = WEIR_ENOMEM;
    bool        is_pub = config->kind == WEIRI_WIRE_PUB && config->topic != NULL;
    self->address      = strdup(config->address);
    self->topic        = is_pub ? strdup(config->topic) : NULL;
    if (self->address == NULL || (is_pub && self->topic == NULL)) {
        status = WEIR_FAIL(err, WEIR_ENOMEM, "'%s'", config->address);
        goto fail;
    }
    self->socket = zmq_socket(wires->context, type_of(config->kind));
    if (self->socket == NULL || !set_limits(self->socket, config->kind)
        || !subscribe(self, config)) {
        status = WEIR_FAIL(err, WEIR_EIO, "no socket for '%s': %s", config->address,
            zmq_strerror(errno));
        goto fail;
    }
    status = reach(self, config, err);
    if (status != WEIR_OK) {
        goto fail;
    }
    *out = self;
    return WEIR_OK;
fail:
    weiri_wire_close(&self);
    return status;
}

void
weiri_wire_close(weiri_wire **self_p)
{
    weiri_wire *self = *self_p;
    *self_p          = NULL;
    if (self != NULL) {
        zmq_msg_close(&self->message);
        if (self->socket != NULL) {
            zmq_close(self->socket);
        }
        free(self->address);
        free(self->topic);
        free(self);
    }
}

/* Wait for the first part of a message. */
static weir_status
wait_for_message(weiri_wire *self, int timeout_ms, weir_error *err)
{
    zmq_pollitem_t item = { .socket = self->socket, .events = ZMQ_POLLIN };
    int            n    = zmq_poll(&item, 1, timeout_ms);
    if (n == 0 || (n < 0 && errno == EINTR)) {
        return WEIR_EAGAIN;
    }
    return n > 0 ? WEIR_OK
                 : WEIR_FAIL(err, WEIR_EIO, "cannot wait for '%s': %s", self->address,
                     zmq_strerror(errno));
}

weir_status
weiri_wire_receive(
    weiri_wire *self, int timeout_ms, const char **bytes, size_t *size, weir_error *err)
{
    bool is_more = true;
    while (is_more) {
        if (zmq_msg_recv(&self->message, self->socket, ZMQ_DONTWAIT) >= 0) {
            is_more = zmq_msg_more(&self->message) != 0;
        } else if (errno == EAGAIN) {
            weir_status status =
                timeout_ms == 0 ? WEIR_EAGAIN : wait_for_message(self, timeout_ms, err);
            if (status != WEIR_OK) {
                return status;
            }
        } else if (errno != EINTR) {
            return WEIR_FAIL(err, WEIR_EIO, "cannot read '%s': %s", self->address,
                zmq_strerror(errno));
        }
    }
    *bytes = zmq_msg_data(&self->message);
    *size  = zmq_msg_size(&self->message);
    return WEIR_OK;
}

static bool
send_part(weiri_wire *self, const char *bytes, size_t size, int flags)
{
    int n = -1;
    do {
        n = zmq_send(self->socket, bytes, size, flags);
    } while (n < 0 && errno == EINTR);
    return n >= 0;
}

weir_status
weiri_wire_send(weiri_wire *self, const char *bytes, size_t size, weir_error *err)
{
    bool is_sent = (self->topic == NULL
                       || send_part(self, self->topic, strlen(self->topic), ZMQ_SNDMORE))
                   && send_part(self, bytes, size, 0);
    return is_sent ? WEIR_OK
                   : WEIR_FAIL(err, WEIR_EIO, "cannot write '%s': %s", self->address,
                       zmq_strerror(errno));
}
