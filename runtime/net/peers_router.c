/* Connections that come to us, all through one router. Whose they are is what ZAP said of
 * the key; only where there are no keys is it what they claim. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "peers_inside.h"
#include "socket.h"

enum { NAME = 40, BACKLOG = 128 };

/* Somebody who sent a message. */
struct guest {
    const uint8_t *routing; /* shape (size,) */
    size_t         size;
    int            fd;
    uint32_t       peer; /* WEIRI_PEER_NOBODY: not let in any more */
};

static bool
set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

/* ZeroMQ lets any key in while nobody answers ZAP: so this is kept before it listens.
 * ROUTER_HANDOVER stays off: routing ids are drawn by our router for peers that, as ours
 * do, claim none; who claims that of another shall not get what is meant for that one. */
static bool
set_up(const weiri_peers *self)
{
    const char *domain = weiri_guard_domain(self->guard);
    return weiri_peers_set_limits(self, self->router, self->config.listen)
           && set_number(self->router, ZMQ_ROUTER_MANDATORY, 1)
           && set_number(self->router, ZMQ_ROUTER_HANDOVER, 0)
           && set_number(self->router, ZMQ_BACKLOG, BACKLOG)
           && (self->config.is_insecure
               || (set_number(self->router, ZMQ_CURVE_SERVER, 1)
                   && zmq_setsockopt(self->router, ZMQ_ZAP_DOMAIN, domain, strlen(domain))
                          == 0
                   && zmq_setsockopt(self->router, ZMQ_CURVE_SECRETKEY,
                          self->keys.secret_key, WEIRI_KEY_TEXT + 1)
                          == 0));
}

static weir_status
have_it_kept(weiri_peers *self, weir_error *err)
{
    char name[NAME];
    int  events = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED
                 | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
                 | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
    snprintf(name, sizeof name, "inproc://weir.router.%" PRIu64, weiri_context_number());
    if (!weiri_socket_monitor(self->router, name, events)) {
        return WEIR_FAIL(err, WEIR_EIO, "no monitor: %s", zmq_strerror(errno));
    }
    self->keeper = weiri_context_take_keeper(err);
    if (self->keeper == NULL) {
        return WEIR_EIO;
    }
    weir_status status = weiri_keeper_add(self->keeper, self->guard, name, err);
    if (status != WEIR_OK) {
        self->keeper = NULL;
        weiri_context_give_keeper();
    }
    return status;
}

weir_status
weiri_router_open(weiri_peers *self, weir_error *err)
{
    self->router = zmq_socket(self->zmq, ZMQ_ROUTER);
    if (self->router == NULL || !set_up(self)
        || !weiri_peers_watch(self, self->router, SPOT_ROUTER)) {
        return WEIR_FAIL(err, WEIR_EIO, "no socket for '%s': %s", self->config.listen,
            zmq_strerror(errno));
    }
    weir_status status = have_it_kept(self, err);
    if (status != WEIR_OK) {
        return status;
    }
    if (!weiri_socket_bind(self->router, self->config.listen)) {
        return WEIR_FAIL(err, errno == EINVAL ? WEIR_EINVAL : WEIR_EIO,
            "cannot listen at '%s': %s", self->config.listen, zmq_strerror(errno));
    }
    size_t size = sizeof self->address;
    if (zmq_getsockopt(self->router, ZMQ_LAST_ENDPOINT, self->address, &size) != 0) {
        return WEIR_FAIL(
            err, WEIR_EIO, "'%s': %s", self->config.listen, zmq_strerror(errno));
    }
    return WEIR_OK;
}

void
weiri_router_close(weiri_peers *self)
{
    if (self->router != NULL) {
        int linger_ms = (int)self->config.times.linger_ms;
        zmq_socket_monitor(self->router, NULL, 0);
        weiri_peers_unwatch(self, self->router);
        zmq_setsockopt(self->router, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        zmq_close(self->router);
        self->router = NULL;
    }
    if (self->keeper != NULL) {
        weiri_keeper_remove(self->keeper, self->guard);
        weiri_context_give_keeper();
        self->keeper = NULL;
    }
}

weir_status
weiri_router_send(
    weiri_peers *self, const uint8_t *routing, size_t routing_size, zmq_msg_t *message)
{
    bool is_sent =
        weiri_socket_send_bytes(self->router, routing, routing_size, ZMQ_SNDMORE);
    if (!is_sent) {
        /* Perhaps room has been made that the socket has not heard of. */
        (void)weiri_socket_events(self->router);
        is_sent =
            weiri_socket_send_bytes(self->router, routing, routing_size, ZMQ_SNDMORE);
    }
    if (!is_sent) {
        return WEIR_EAGAIN;
    }
    return weiri_socket_send(self->router, message, 0) ? WEIR_OK : WEIR_EAGAIN;
}

/* ---- who is there ---- */

static void
let_all_leave(weiri_peers *self)
{
    for (uint32_t i = 0; self->n_leaving > 0 && i < self->n_peers; i++) {
        if (self->peers[i].is_leaving) {
            weiri_peers_end(self, i, "the connection ended");
        }
    }
}

void
weiri_router_on_gone(weiri_peers *self)
{
    uint32_t peer = 0;
    int      fd   = -1;
    while (weiri_guard_next_gone(self->guard, &peer, &fd)) {
        struct peer *who = &self->peers[peer];
        if (who->way == WAY_IN && who->fd == fd && !who->is_leaving) {
            who->is_leaving    = true;
            self->leaving_left = 4 * self->config.max_waiting * (self->n_peers + 1);
            self->n_leaving++;
            weiri_peers_look(self, SPOT_ROUTER);
        }
    }
}

static void
answer(weiri_peers *self, const struct guest *guest, weiri_head head)
{
    zmq_msg_t message;
    if (weiri_peers_fill(&message, &head, NULL, 0)
        && weiri_router_send(self, guest->routing, guest->size, &message) != WEIR_OK) {
        zmq_msg_close(&message);
    }
}

/* Say why and hang up: the peer may or may not hear it. */
static void
refuse(weiri_peers *self, const struct guest *guest, weiri_refuse reason)
{
    char text[WEIRI_GUARD_REASON];
    bool is_peer = guest->peer != WEIRI_PEER_NOBODY;
    snprintf(text, sizeof text, "%s%s%s was refused: %s", is_peer ? "'" : "",
        is_peer ? self->peers[guest->peer].name : "somebody", is_peer ? "'" : "",
        weiri_refuse_text(reason));
    weiri_guard_refuse(self->guard, guest->peer, text);
    answer(self, guest,
        (weiri_head){
            .kind = WEIRI_HEAD_REFUSE, .reason = (uint8_t)reason, .session = 1 });
    weiri_guard_close(self->guard, guest->fd);
}

/* ---- what comes ---- */

/* "peer.generation", as the guard wrote it. */
static uint32_t
peer_of_user(const weiri_peers *self, const char *user)
{
    char         *end        = NULL;
    unsigned long peer       = strtoul(user, &end, 10);
    unsigned long generation = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
    bool          is_known   = peer < self->n_peers && self->peers[peer].is_known
                    && self->peers[peer].generation == generation;
    return is_known ? (uint32_t)peer : WEIRI_PEER_NOBODY;
}

static uint32_t
peer_of_routing(const weiri_peers *self, const uint8_t *routing, size_t size)
{
    for (uint32_t i = 0; i < self->n_peers; i++) {
        const struct peer *peer = &self->peers[i];
        if (peer->way == WAY_IN && peer->routing_size == size
            && memcmp(peer->routing, routing, size) == 0) {
            return i;
        }
    }
    return WEIRI_PEER_NOBODY;
}

static uint32_t
peer_of_name(const weiri_peers *self, const char *name, size_t size)
{
    for (uint32_t i = 0; i < self->n_peers; i++) {
        const struct peer *peer = &self->peers[i];
        if (peer->is_known && strlen(peer->name) == size
            && memcmp(peer->name, name, size) == 0) {
            return i;
        }
    }
    return WEIRI_PEER_NOBODY;
}

static void
on_hello(weiri_peers *self, const struct guest *guest, uint64_t session)
{
    struct peer *peer = &self->peers[guest->peer];
    bool         is_ours_first =
        peer->dialer.state == DIAL_GREETING && peer->dialer.session < session;
    weiri_guard_know(self->guard, guest->fd, guest->peer);
    if (peer->way == WAY_OUT || (peer->way == WAY_NONE && is_ours_first)) {
        answer(
            self, guest, (weiri_head){ .kind = WEIRI_HEAD_STANDBY, .session = session });
        return;
    }
    if (peer->way == WAY_IN) {
        bool         is_same = peer->fd == guest->fd;
        struct guest old     = { .routing = peer->routing,
                .size                     = peer->routing_size,
                .fd                       = peer->fd,
                .peer                     = guest->peer };
        if (!peer->is_leaving && !is_same) {
            refuse(self, &old, WEIRI_REFUSE_ANOTHER);
        }
        peer->fd = is_same ? -1 : peer->fd;
        weiri_peers_end(self, guest->peer, "it came again");
    }
    memcpy(peer->routing, guest->routing, guest->size);
    peer->routing_size = (uint32_t)guest->size;
    peer->fd           = guest->fd;
    answer(self, guest, (weiri_head){ .kind = WEIRI_HEAD_WELCOME, .session = session });
    weiri_peers_begin(self, guest->peer, WAY_IN, session);
}

static bool
is_in_use(const struct peer *peer, const struct guest *guest, uint64_t session)
{
    return peer->way == WAY_IN && peer->session == session
           && peer->routing_size == guest->size
           && memcmp(peer->routing, guest->routing, guest->size) == 0;
}

static weiri_visit
on_message(
    weiri_peers *self, struct guest *guest, zmq_msg_t *message, weiri_peer_event *event)
{
    weiri_head     head;
    const uint8_t *bytes  = zmq_msg_data(message);
    size_t         size   = zmq_msg_size(message);
    weir_status    status = weiri_head_read(&head, bytes, size);
    if (status != WEIR_OK) {
        if (guest->peer != WEIRI_PEER_NOBODY) {
            self->peers[guest->peer].counts.n_strange++;
        }
        refuse(self, guest,
            status == WEIR_EABI ? WEIRI_REFUSE_VERSION : WEIRI_REFUSE_GARBLED);
        return VISIT_AGAIN;
    }
    if (self->config.is_insecure && head.kind == WEIRI_HEAD_HELLO) {
        guest->peer = peer_of_name(
            self, (const char *)bytes + WEIRI_HEAD_BYTES, size - WEIRI_HEAD_BYTES);
    }
    if (guest->peer == WEIRI_PEER_NOBODY) {
        refuse(self, guest,
            self->config.is_insecure ? WEIRI_REFUSE_NAME : WEIRI_REFUSE_REVOKED);
        return VISIT_AGAIN;
    }
    struct peer *peer = &self->peers[guest->peer];
    if (head.kind == WEIRI_HEAD_HELLO) {
        on_hello(self, guest, head.session);
    } else if (head.kind == WEIRI_HEAD_MESSAGE && is_in_use(peer, guest, head.session)) {
        weiri_peers_give(self, guest->peer, message, event);
        return VISIT_EVENT;
    } else if (head.kind == WEIRI_HEAD_BEAT && is_in_use(peer, guest, head.session)) {
        peer->was_heard = true;
    } else if (head.kind != WEIRI_HEAD_BEAT) {
        peer->counts.n_strange++;
    }
    return VISIT_AGAIN;
}

/* What follows the part that is looked at. */
static void
drop_rest(weiri_peers *self, zmq_msg_t *message)
{
    while (zmq_msg_more(message) != 0 && weiri_socket_receive(self->router, message)) {
    }
}

static weiri_visit
on_parts(
    weiri_peers *self, zmq_msg_t *routing, zmq_msg_t *message, weiri_peer_event *event)
{
    const char *user = self->config.is_insecure ? NULL : zmq_msg_gets(message, "User-Id");
    struct guest guest = { .routing = zmq_msg_data(routing),
        .size                       = zmq_msg_size(routing),
        .fd                         = zmq_msg_get(message, ZMQ_SRCFD) };
    if (self->config.is_insecure) {
        guest.peer = peer_of_routing(self, guest.routing, guest.size);
    } else {
        guest.peer = user != NULL ? peer_of_user(self, user) : WEIRI_PEER_NOBODY;
    }
    if (zmq_msg_more(message) != 0) {
        drop_rest(self, message);
        refuse(self, &guest, WEIRI_REFUSE_GARBLED);
        return VISIT_AGAIN;
    }
    return on_message(self, &guest, message, event);
}

weiri_visit
weiri_router_visit(weiri_peers *self, weiri_peer_event *event)
{
    zmq_msg_t   routing;
    zmq_msg_t   message;
    weiri_visit visit = VISIT_EMPTY;
    if (self->router == NULL) {
        return VISIT_EMPTY;
    }
    zmq_msg_init(&routing);
    zmq_msg_init(&message);
    if (!weiri_socket_receive(self->router, &routing)) {
        let_all_leave(self);
    } else if (weiri_socket_receive(self->router, &message)) {
        visit = on_parts(self, &routing, &message, event);
        if (self->n_leaving > 0 && --self->leaving_left == 0) {
            let_all_leave(self);
        }
    }
    zmq_msg_close(&routing);
    zmq_msg_close(&message);
    return visit;
}
