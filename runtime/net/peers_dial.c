/* Connections that we make: one dealer for each, closed with it. That way nothing of an
 * earlier connection can be sent or received by a later one, and an attempt that ZeroMQ
 * gives up for good, as it does after a handshake that failed, is made again. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "context.h"
#include "peers_inside.h"
#include "socket.h"

enum { NAME = 40 };

static uint64_t
draw(void)
{
    uint64_t number = 0;
    while (number == 0) {
        if (getrandom(&number, sizeof number, 0) != sizeof number) {
            number = (uint64_t)weiri_peers_now_ms() | (uint64_t)1 << 63;
        }
    }
    return number;
}

static void
close_socket(weiri_peers *self, void **socket, int linger_ms)
{
    if (*socket != NULL) {
        weiri_peers_unwatch(self, *socket);
        zmq_setsockopt(*socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        zmq_close(*socket);
        *socket = NULL;
    }
}

static void
close_both(weiri_peers *self, struct dialer *dialer, int linger_ms)
{
    if (dialer->socket != NULL) {
        zmq_socket_monitor(dialer->socket, NULL, 0);
    }
    close_socket(self, &dialer->monitor, 0);
    close_socket(self, &dialer->socket, linger_ms);
    dialer->has_ended = false;
}

static void
set_due(weiri_peers *self, struct dialer *dialer, int64_t at_ms)
{
    dialer->due_ms = at_ms;
    weiri_peers_arm(self, at_ms);
}

void
weiri_dial_stop(weiri_peers *self, uint32_t peer, int linger_ms)
{
    struct dialer *dialer = &self->peers[peer].dialer;
    close_both(self, dialer, linger_ms);
    dialer->state  = DIAL_NEVER;
    dialer->due_ms = INT64_MAX;
}

void
weiri_dial_rest(weiri_peers *self, uint32_t peer)
{
    struct dialer          *dialer = &self->peers[peer].dialer;
    const weiri_peer_times *times  = &self->config.times;
    uint32_t backoff = dialer->backoff_ms > 0 ? dialer->backoff_ms : times->reconnect_ms;
    uint32_t spread  = (uint32_t)(draw() % (backoff / 4 + 1));
    dialer->backoff_ms = 2 * backoff < times->reconnect_longest_ms
                             ? 2 * backoff
                             : times->reconnect_longest_ms;
    close_both(self, dialer, 0);
    dialer->state = DIAL_RESTING;
    set_due(self, dialer, weiri_peers_now_ms() + backoff - spread);
}

static bool
set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool
set_keys(const weiri_peers *self, void *socket, const char *server)
{
    return self->config.is_insecure
           || (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, WEIRI_KEY_TEXT + 1)
                   == 0
               && zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, self->keys.public_key,
                      WEIRI_KEY_TEXT + 1)
                      == 0
               && zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, self->keys.secret_key,
                      WEIRI_KEY_TEXT + 1)
                      == 0);
}

static void *
open_monitor(const weiri_peers *self, void *socket)
{
    char name[NAME];
    int  events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
                 | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
                 | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED;
    snprintf(name, sizeof name, "inproc://weir.dial.%" PRIu64, weiri_context_number());
    void *monitor = weiri_socket_monitor(socket, name, events)
                        ? zmq_socket(self->zmq, ZMQ_PAIR)
                        : NULL;
    if (monitor != NULL && !weiri_socket_connect(monitor, name)) {
        zmq_close(monitor);
        monitor = NULL;
    }
    return monitor;
}

weir_status
weiri_dial_begin(weiri_peers *self, uint32_t peer, weir_error *err)
{
    const struct peer *to     = &self->peers[peer];
    struct dialer     *dialer = &self->peers[peer].dialer;
    dialer->socket            = zmq_socket(self->zmq, ZMQ_DEALER);
    if (dialer->socket == NULL
        || !weiri_peers_set_limits(self, dialer->socket, to->address)
        || !set_number(dialer->socket, ZMQ_IMMEDIATE, 1)
        || !set_number(dialer->socket, ZMQ_RECONNECT_IVL, -1)
        || !set_number(
            dialer->socket, ZMQ_CONNECT_TIMEOUT, (int)self->config.times.handshake_ms)
        || !set_keys(self, dialer->socket, to->key)
        || (dialer->monitor = open_monitor(self, dialer->socket)) == NULL
        || !weiri_peers_watch(self, dialer->socket, weiri_spot_dealer(peer))
        || !weiri_peers_watch(self, dialer->monitor, weiri_spot_monitor(peer))) {
        int code = zmq_errno();
        weiri_dial_rest(self, peer);
        return WEIR_FAIL(
            err, WEIR_EIO, "no socket for '%s': %s", to->name, zmq_strerror(code));
    }
    if (!weiri_socket_connect(dialer->socket, to->address)) {
        int code = zmq_errno();
        weiri_dial_rest(self, peer);
        return WEIR_FAIL(err, code == EINVAL ? WEIR_EINVAL : WEIR_EIO,
            "cannot connect to '%s' at '%s': %s", to->name, to->address,
            zmq_strerror(code));
    }
    dialer->state = DIAL_CONNECTING;
    set_due(self, dialer,
        weiri_peers_now_ms() + 2 * (int64_t)self->config.times.handshake_ms);
    weiri_peers_look(self, weiri_spot_monitor(peer));
    return WEIR_OK;
}

void
weiri_dial_greet(weiri_peers *self, uint32_t peer)
{
    struct dialer *dialer = &self->peers[peer].dialer;
    zmq_msg_t      message;
    dialer->session = draw();
    weiri_head head = { .kind = WEIRI_HEAD_HELLO, .session = dialer->session };
    if (weiri_peers_fill(&message, &head, self->name, strlen(self->name))) {
        /* Have ZeroMQ see that there is a connection by now. */
        (void)weiri_socket_events(dialer->socket);
        if (!weiri_socket_send(dialer->socket, &message, 0)) {
            zmq_msg_close(&message);
            weiri_dial_rest(self, peer);
            return;
        }
    }
    dialer->state = DIAL_GREETING;
    set_due(self, dialer, weiri_peers_now_ms() + self->config.times.handshake_ms);
    weiri_peers_look(self, weiri_spot_dealer(peer));
}

void
weiri_dial_on_time(weiri_peers *self, uint32_t peer, int64_t now_ms)
{
    struct dialer *dialer = &self->peers[peer].dialer;
    if (now_ms < dialer->due_ms) {
        return;
    }
    dialer->due_ms = INT64_MAX;
    switch (dialer->state) {
    case DIAL_RESTING:
        /* What kept a socket from being made now may not do so later. */
        if (weiri_dial_begin(self, peer, NULL) != WEIR_OK) {
            dialer->state = DIAL_RESTING;
        }
        break;
    case DIAL_CONNECTING:
    case DIAL_GREETING: weiri_dial_rest(self, peer); break;
    case DIAL_STANDBY:
        if (self->peers[peer].session == 0) {
            weiri_dial_greet(self, peer);
        }
        break;
    default: break;
    }
}

/* ---- what comes ---- */

/* Its connection ended, and all messages were taken. */
static void
finish(weiri_peers *self, uint32_t peer, const char *reason)
{
    if (self->peers[peer].way == WAY_OUT) {
        weiri_peers_end(self, peer, reason);
    } else {
        weiri_dial_rest(self, peer);
    }
}

static void
on_refusal(weiri_peers *self, uint32_t peer, const char *text)
{
    char reason[WEIRI_GUARD_REASON];
    snprintf(reason, sizeof reason, "'%s' refuses us: %s", self->peers[peer].name, text);
    weiri_guard_refused_us(self->guard);
    weiri_guard_refuse(self->guard, peer, reason);
    finish(self, peer, "it refused us");
}

static void
on_welcome(weiri_peers *self, uint32_t peer)
{
    struct peer   *from   = &self->peers[peer];
    struct dialer *dialer = &from->dialer;
    dialer->backoff_ms    = 0;
    dialer->due_ms        = INT64_MAX;
    if (from->session != 0 && from->session < dialer->session) {
        dialer->state = DIAL_STANDBY; /* both were welcome; it sees the same */
        return;
    }
    if (from->session != 0) {
        weiri_peers_end(self, peer, "it is reached by another connection");
    }
    dialer->state = DIAL_IN_USE;
    weiri_peers_begin(self, peer, WAY_OUT, dialer->session);
}

static weiri_visit
on_message(weiri_peers *self, uint32_t peer, zmq_msg_t *message, weiri_peer_event *event)
{
    struct peer   *from   = &self->peers[peer];
    struct dialer *dialer = &from->dialer;
    weiri_head     head;
    weir_status    status =
        weiri_head_read(&head, zmq_msg_data(message), zmq_msg_size(message));
    if (status != WEIR_OK || zmq_msg_more(message) != 0
        || head.kind == WEIRI_HEAD_HELLO) {
        from->counts.n_strange++;
        on_refusal(self, peer,
            weiri_refuse_text(
                status == WEIR_EABI ? WEIRI_REFUSE_VERSION : WEIRI_REFUSE_GARBLED));
        return VISIT_EMPTY;
    }
    if (head.kind == WEIRI_HEAD_MESSAGE && from->way == WAY_OUT
        && head.session == from->session) {
        weiri_peers_give(self, peer, message, event);
        return VISIT_EVENT;
    }
    if (head.kind == WEIRI_HEAD_BEAT) {
        from->was_heard |= head.session == from->session;
        return VISIT_AGAIN;
    }
    if (head.kind == WEIRI_HEAD_REFUSE) {
        on_refusal(self, peer, weiri_refuse_text(head.reason));
        return VISIT_EMPTY;
    }
    bool is_answer = dialer->state == DIAL_GREETING && head.session == dialer->session;
    if (is_answer && head.kind == WEIRI_HEAD_WELCOME) {
        on_welcome(self, peer);
    } else if (is_answer && head.kind == WEIRI_HEAD_STANDBY) {
        dialer->backoff_ms = 0;
        dialer->state      = DIAL_STANDBY;
        set_due(self, dialer, weiri_peers_now_ms() + self->config.times.beat_ms);
    } else {
        from->counts.n_strange++;
    }
    return VISIT_AGAIN;
}

weiri_visit
weiri_dial_visit(weiri_peers *self, uint32_t peer, weiri_peer_event *event)
{
    struct dialer *dialer = &self->peers[peer].dialer;
    zmq_msg_t      message;
    if (dialer->socket == NULL) {
        return VISIT_EMPTY;
    }
    zmq_msg_init(&message);
    if (!weiri_socket_receive(dialer->socket, &message)) {
        zmq_msg_close(&message);
        if (dialer->has_ended) {
            finish(self, peer, "the connection ended");
        }
        return VISIT_EMPTY;
    }
    weiri_visit visit = on_message(self, peer, &message, event);
    zmq_msg_close(&message);
    return visit;
}

static void
on_failed_handshake(weiri_peers *self, uint32_t peer, uint16_t event)
{
    char reason[WEIRI_GUARD_REASON];
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
        on_refusal(self, peer, "it does not let our key in");
        return;
    }
    snprintf(reason, sizeof reason,
        "the handshake with '%s' failed: it has another key than the one known here, or "
        "is "
        "no node%s",
        self->peers[peer].name,
        event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL ? " with keys" : "");
    weiri_guard_refuse(self->guard, peer, reason);
    weiri_dial_rest(self, peer);
}

weiri_visit
weiri_dial_visit_monitor(weiri_peers *self, uint32_t peer)
{
    struct dialer *dialer = &self->peers[peer].dialer;
    uint16_t       event  = 0;
    int32_t        value  = 0;
    if (dialer->monitor == NULL) {
        return VISIT_EMPTY;
    }
    if (!weiri_socket_event(dialer->monitor, &event, &value)) {
        return VISIT_EMPTY;
    }
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: weiri_dial_greet(self, peer); break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        on_failed_handshake(self, peer, event);
        break;
    case ZMQ_EVENT_CLOSED: weiri_dial_rest(self, peer); break;
    case ZMQ_EVENT_DISCONNECTED:
        dialer->has_ended = true;
        weiri_peers_look(self, weiri_spot_dealer(peer));
        break;
    default: break;
    }
    return VISIT_AGAIN;
}
