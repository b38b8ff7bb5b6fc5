#define _POSIX_C_SOURCE 200809L

#include "weiri/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#include "context.h"
#include "socket.h"
#include "weiri/limits.h"
#include "wire_curve.h"
#include "wire_replies.h"

/* Of the system's keepalive, by which a host that is gone is given up: not ZeroMQ's
 * heartbeats, with which libzmq to 4.3.5 ends the process when a connection breaks off
 * whose messages wait at the high-water mark. */
enum {
    KEEPALIVE_S          = 5,
    KEEPALIVE_PROBES     = 5, /* a second apart */
    HANDSHAKE_MS         = 5000,
    RECONNECT_MS         = 100,
    RECONNECT_LONGEST_MS = 5000,
    ASK_MS               = 100, /* while nobody takes what is sent */
};

struct weiri_wires {
    void         *context; /* the one of the process                             */
    weiri_keeper *keeper;  /* from the first socket on to which keys are to come */
    bool (*is_stopping)(void *asked); /* NULL: never */
    void *asked;
};

struct weiri_wire {
    const weiri_wires  *wires;
    void               *socket;
    zmq_msg_t           message; /* the part that was received last */
    char               *address;
    char               *topic;    /* put before what is sent; NULL: none           */
    weiri_wire_replies *replies;  /* that are owed; NULL: none ever are            */
    weiri_guard        *guard;    /* of whose keys may come; NULL: of nobody's     */
    weiri_keeper       *keeper;   /* with `guard`                                  */
    void               *refusals; /* readable when our key was refused; NULL: no keys */
    bool                is_dealer;
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
weiri_wires_stop_when(
    weiri_wires *self, bool (*is_stopping)(void *context), void *context)
{
    self->is_stopping = is_stopping;
    self->asked       = context;
}

void
weiri_wires_destroy(weiri_wires **self_p)
{
    weiri_wires *self = *self_p;
    *self_p           = NULL;
    if (self != NULL) {
        if (self->keeper != NULL) {
            weiri_context_give_keeper();
        }
        weiri_context_give();
        free(self);
    }
}

static bool
is_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool
weiri_wire_is_same(const weiri_wire_config *a, const weiri_wire_config *b)
{
    bool is_same = a->kind == b->kind && a->is_bound == b->is_bound
                   && a->is_replying == b->is_replying && a->n_peers == b->n_peers
                   && is_same_text(a->topic, b->topic) && is_same_text(a->name, b->name)
                   && is_same_text(a->key, b->key);
    for (uint32_t i = 0; is_same && i < a->n_peers; i++) {
        is_same = strcmp(a->peers[i], b->peers[i]) == 0;
    }
    return is_same;
}

static bool
set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

/* A router drops what is beyond its mark. ZeroMQ hears what a peer has taken by halves of
 * the mark, and a millisecond late: so the mark is more than may wait. */
enum { REPLIES_MARK = 4 * WEIRI_WIRE_OWED };

static bool
set_limits(void *socket, weiri_wire_kind kind)
{
    int64_t most    = WEIRI_WIRE_BYTES;
    bool    is_in   = kind == WEIRI_WIRE_PULL || kind == WEIRI_WIRE_SUB;
    bool    is_push = kind == WEIRI_WIRE_PUSH || kind == WEIRI_WIRE_DEALER;
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most) == 0
           && set_number(socket, ZMQ_SNDHWM,
               kind == WEIRI_WIRE_ROUTER ? REPLIES_MARK : WEIRI_WIRE_MESSAGES)
           && set_number(socket, ZMQ_RCVHWM, WEIRI_WIRE_MESSAGES)
           && set_number(socket, ZMQ_LINGER, is_in ? 0 : WEIRI_WIRE_LINGER_MS)
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
    case WEIRI_WIRE_ROUTER: return ZMQ_ROUTER;
    case WEIRI_WIRE_DEALER: return ZMQ_DEALER;
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

static bool
set_name(const weiri_wire *self, const weiri_wire_config *config)
{
    return config->name == NULL
           || zmq_setsockopt(
                  self->socket, ZMQ_ROUTING_ID, config->name, strlen(config->name))
                  == 0;
}

/* CURVE, before somebody can come. */
static weir_status
secure(weiri_wire *self, weiri_wires *wires, const weiri_wire_config *config,
    weir_error *err)
{
    if (config->n_peers == 0) {
        return WEIR_OK;
    }
    if (config->is_bound && wires->keeper == NULL) {
        wires->keeper = weiri_context_take_keeper(err);
        if (wires->keeper == NULL) {
            return WEIR_EIO;
        }
    }
    self->keeper = wires->keeper;
    weir_status status =
        weiri_wire_set_curve(self->socket, config, self->keeper, &self->guard, err);
    if (status == WEIR_OK && !config->is_bound) {
        self->refusals = weiri_wire_watch(wires->context, self->socket);
        status         = self->refusals != NULL
                             ? WEIR_OK
                             : WEIR_FAIL(err, WEIR_EIO, "'%s' cannot be watched: %s",
                                 config->address, zmq_strerror(errno));
    }
    return status;
}

/* Wait for `events`. ZeroMQ goes to who refused our key no more, and says nothing. */
static weir_status
wait_for(weiri_wire *self, short events, int timeout_ms, weir_error *err)
{
    zmq_pollitem_t items[] = { { .socket = self->socket, .events = events },
        { .socket = self->refusals, .events = ZMQ_POLLIN } };
    int            n       = zmq_poll(items, self->refusals != NULL ? 2 : 1, timeout_ms);
    if (n == 0 || (n < 0 && errno == EINTR)) {
        return WEIR_EAGAIN;
    }
    if (n < 0) {
        return WEIR_FAIL(err, WEIR_EIO, "cannot wait for '%s': %s", self->address,
            zmq_strerror(errno));
    }
    return items[0].revents != 0
               ? WEIR_OK
               : WEIR_FAIL(err, WEIR_EIO, "'%s' does not let our key in", self->address);
}

static weir_status
reach(weiri_wire *self, const weiri_wire_config *config, weir_error *err)
{
    bool is_there = config->is_bound
                        ? weiri_socket_bind(self->socket, config->address)
                        : weiri_socket_connect(self->socket, config->address);
    if (is_there) {
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
    self->wires = wires;
    zmq_msg_init(&self->message);
    weir_status status = WEIR_ENOMEM;
    bool        is_pub = config->kind == WEIRI_WIRE_PUB && config->topic != NULL;
    self->is_dealer    = config->kind == WEIRI_WIRE_DEALER;
    self->address      = strdup(config->address);
    self->topic        = is_pub ? strdup(config->topic) : NULL;
    self->replies      = config->is_replying ? weiri_wire_replies_new() : NULL;
    if (self->address == NULL || (is_pub && self->topic == NULL)
        || (config->is_replying && self->replies == NULL)) {
        status = WEIR_FAIL(err, WEIR_ENOMEM, "'%s'", config->address);
        goto fail;
    }
    self->socket = zmq_socket(wires->context, type_of(config->kind));
    if (self->socket == NULL || !set_limits(self->socket, config->kind)
        || !subscribe(self, config) || !set_name(self, config)) {
        status = WEIR_FAIL(err, WEIR_EIO, "no socket for '%s': %s", config->address,
            zmq_strerror(errno));
        goto fail;
    }
    status = secure(self, wires, config, err);
    if (status != WEIR_OK || (status = reach(self, config, err)) != WEIR_OK) {
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
        if (self->refusals != NULL) {
            zmq_socket_monitor(self->socket, NULL, 0);
            zmq_close(self->refusals);
        }
        if (self->socket != NULL) {
            zmq_close(self->socket);
        }
        if (self->guard != NULL) {
            weiri_keeper_remove(self->keeper, self->guard);
            weiri_guard_destroy(&self->guard);
        }
        free(self->replies);
        free(self->address);
        free(self->topic);
        free(self);
    }
}

weir_status
weiri_wire_receive(
    weiri_wire *self, int timeout_ms, const char **bytes, size_t *size, weir_error *err)
{
    bool is_more = true;
    if (self->replies != NULL) {
        weiri_wire_replies_begin(self->replies);
    }
    while (is_more) {
        if (weiri_socket_receive(self->socket, &self->message)) {
            is_more = zmq_msg_more(&self->message) != 0;
            if (is_more && self->replies != NULL) {
                weiri_wire_replies_part(self->replies, zmq_msg_data(&self->message),
                    zmq_msg_size(&self->message));
            }
        } else if (errno == EAGAIN) {
            weir_status status = timeout_ms == 0 && self->refusals == NULL
                                     ? WEIR_EAGAIN
                                     : wait_for(self, ZMQ_POLLIN, timeout_ms, err);
            if (status != WEIR_OK) {
                return status;
            }
        } else {
            return WEIR_FAIL(err, WEIR_EIO, "cannot read '%s': %s", self->address,
                zmq_strerror(errno));
        }
    }
    *bytes = zmq_msg_data(&self->message);
    *size  = zmq_msg_size(&self->message);
    return WEIR_OK;
}

void
weiri_wire_owe(weiri_wire *self)
{
    if (self->replies != NULL) {
        weiri_wire_replies_owe(self->replies);
    }
}

uint32_t
weiri_wire_owed(const weiri_wire *self)
{
    return self->replies != NULL ? weiri_wire_replies_owed(self->replies) : 0;
}

void
weiri_wire_reply(weiri_wire *self)
{
    if (self->replies != NULL) {
        weiri_wire_replies_send(self->replies, self->socket);
    }
}

/* What a dealer that only sends is answered: else it would wait in the socket. */
static void
drop_answers(weiri_wire *self)
{
    for (int i = 0; i < WEIRI_WIRE_MESSAGES; i++) {
        if (!weiri_socket_receive(self->socket, &self->message)) {
            return;
        }
    }
}

static int64_t
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until there is a peer that takes something. */
static weir_status
wait_for_taker(weiri_wire *self, weir_error *err)
{
    const weiri_wires *wires  = self->wires;
    int64_t            end_ms = INT64_MAX;
    weir_status        status = wait_for(self, ZMQ_POLLOUT, ASK_MS, err);
    while (status == WEIR_EAGAIN) {
        int64_t at_ms = now_ms();
        if (end_ms == INT64_MAX && wires->is_stopping != NULL
            && wires->is_stopping(wires->asked)) {
            end_ms = at_ms + WEIRI_WIRE_LINGER_MS;
        }
        status = at_ms < end_ms
                     ? wait_for(self, ZMQ_POLLOUT, ASK_MS, err)
                     : WEIR_FAIL(err, WEIR_EIO,
                         "nobody takes what is written to '%s', and the run is to stop",
                         self->address);
    }
    return status;
}

static weir_status
cannot_write(const weiri_wire *self, weir_error *err)
{
    return WEIR_FAIL(
        err, WEIR_EIO, "cannot write '%s': %s", self->address, zmq_strerror(errno));
}

weir_status
weiri_wire_send(weiri_wire *self, const char *bytes, size_t size, weir_error *err)
{
    const char *front  = self->is_dealer ? "" : self->topic;
    const char *first  = front != NULL ? front : bytes;
    size_t      n      = front != NULL ? strlen(front) : size;
    int         more   = front != NULL ? ZMQ_SNDMORE : 0;
    weir_status status = self->refusals != NULL ? wait_for_taker(self, err) : WEIR_OK;
    while (status == WEIR_OK && !weiri_socket_send_bytes(self->socket, first, n, more)) {
        status = errno == EAGAIN ? wait_for_taker(self, err) : cannot_write(self, err);
    }
    if (status == WEIR_OK && front != NULL
        && !weiri_socket_send_bytes(self->socket, bytes, size, 0)) {
        status = cannot_write(self, err); /* it goes the way of the first, or nowhere */
    }
    if (self->is_dealer) {
        drop_answers(self);
    }
    return status;
}
