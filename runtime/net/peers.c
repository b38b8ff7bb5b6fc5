#define _DEFAULT_SOURCE
#include "weiri/peers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "context.h"
#include "peers_inside.h"
#include "socket.h"
#include "weiri/assert.h"
#include "weiri/limits.h"

/* What epoll says was ready, besides spots. */
enum { AT_TIMER = INT32_MAX - 1, AT_GUARD };

enum {
    READY        = 64, /* that are asked for at once                        */
    VISITS       = 32, /* of sockets between two looks at what else is ready */
    LEAST_BYTES  = 4 << 10,
    CURVE_BYTES  = 64, /* that CURVE adds to a message */
    MS           = 1000,
    NS_PER_MS    = 1000000,
    BEAT_MS      = 1000,
    SILENT_BEATS = 10,
    KEEPALIVE_S  = 5,
};

int64_t
weiri_peers_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * MS + now.tv_nsec / NS_PER_MS;
}

/* ---- what is looked at ---- */

void
weiri_peers_look(weiri_peers *self, uint32_t spot)
{
    if (!self->is_spot[spot]) {
        self->is_spot[spot]                                                 = true;
        self->spots[(self->first_spot + self->n_spots++) % self->cap_spots] = spot;
    }
}

bool
weiri_peers_watch(weiri_peers *self, void *socket, uint32_t spot)
{
    int                fd    = -1;
    size_t             size  = sizeof fd;
    struct epoll_event event = { .events = EPOLLIN, .data = { .u32 = spot } };
    return zmq_getsockopt(socket, ZMQ_FD, &fd, &size) == 0
           && epoll_ctl(self->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void
weiri_peers_unwatch(weiri_peers *self, void *socket)
{
    int    fd   = -1;
    size_t size = sizeof fd;
    if (zmq_getsockopt(socket, ZMQ_FD, &fd, &size) == 0) {
        epoll_ctl(self->epoll, EPOLL_CTL_DEL, fd, NULL);
    }
}

void
weiri_peers_arm(weiri_peers *self, int64_t at_ms)
{
    if (at_ms < self->armed_ms) {
        struct itimerspec when = { 0 };
        self->armed_ms         = at_ms;
        when.it_value.tv_sec   = at_ms / MS;
        when.it_value.tv_nsec  = at_ms % MS * NS_PER_MS;
        timerfd_settime(self->timer, TFD_TIMER_ABSTIME, &when, NULL);
    }
}

static bool
set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

/* Not the heartbeats of ZeroMQ: with them, libzmq to 4.3.5 ends the process (an assertion
 * in out_event) when a connection breaks off whose messages wait at the high-water mark,
 * and takes a peer for dead whose messages we do not take. We have beats of our own. */
bool
weiri_peers_set_limits(const weiri_peers *self, void *socket, const char *address)
{
    const weiri_peer_times *times   = &self->config.times;
    int64_t                 most    = (int64_t)self->config.max_bytes + WEIRI_HEAD_BYTES;
    int                     waiting = (int)self->config.max_waiting;
    most += CURVE_BYTES;
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most) == 0
           && set_number(socket, ZMQ_SNDHWM, waiting)
           && set_number(socket, ZMQ_RCVHWM, waiting) && set_number(socket, ZMQ_LINGER, 0)
           && set_number(socket, ZMQ_IPV6, strchr(address, '[') != NULL)
           && set_number(socket, ZMQ_HANDSHAKE_IVL, (int)times->handshake_ms)
           && set_number(socket, ZMQ_HEARTBEAT_IVL, 0)
           && set_number(socket, ZMQ_TCP_KEEPALIVE, 1)
           && set_number(socket, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_S)
           && set_number(socket, ZMQ_TCP_KEEPALIVE_INTVL, 1)
           && set_number(socket, ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVE_S);
}

/* ---- connections ---- */

static void
change(weiri_peers *self, uint32_t peer)
{
    if (!self->peers[peer].is_changed) {
        self->peers[peer].is_changed     = true;
        self->changed[self->n_changed++] = peer;
    }
}

void
weiri_peers_begin(weiri_peers *self, uint32_t peer, weiri_way way, uint64_t session)
{
    struct peer *who = &self->peers[peer];
    who->way         = way;
    who->session     = session;
    who->n_silent    = 0;
    who->counts.n_connected++;
    change(self, peer);
}

void
weiri_peers_end(weiri_peers *self, uint32_t peer, const char *reason)
{
    struct peer *who = &self->peers[peer];
    weiri_way    way = who->way;
    self->n_leaving -= who->is_leaving;
    who->is_leaving = false;
    who->way        = WAY_NONE;
    who->session    = 0;
    who->reason     = reason;
    change(self, peer);
    if (way == WAY_OUT) {
        weiri_dial_rest(self, peer);
    } else if (way == WAY_IN) {
        weiri_guard_close(self->guard, who->fd);
    }
    if (who->dialer.state == DIAL_STANDBY) {
        who->dialer.due_ms = weiri_peers_now_ms();
        weiri_peers_arm(self, who->dialer.due_ms);
    }
}

/* ---- opening ---- */

static uint32_t
or_default(uint32_t value, uint32_t otherwise)
{
    return value > 0 ? value : otherwise;
}

static void
take_defaults(weiri_peers_config *config)
{
    weiri_peer_times *times = &config->times;
    times->handshake_ms     = or_default(times->handshake_ms, 5 * MS);
    times->beat_ms          = or_default(times->beat_ms, BEAT_MS);
    times->silence_ms   = or_default(times->silence_ms, SILENT_BEATS * times->beat_ms);
    times->reconnect_ms = or_default(times->reconnect_ms, MS / 10);
    times->reconnect_longest_ms = or_default(times->reconnect_longest_ms, 5 * MS);
    times->linger_ms            = or_default(times->linger_ms, MS);
    config->max_bytes           = or_default(config->max_bytes, WEIRI_PEER_BYTES);
    config->max_waiting         = or_default(config->max_waiting, WEIRI_PEER_MESSAGES);
    config->max_connections = or_default(config->max_connections, WEIRI_PEER_CONNECTIONS);
    config->max_bytes = config->max_bytes > LEAST_BYTES ? config->max_bytes : LEAST_BYTES;
}

static weir_status
set_up(weiri_peers *self, const weiri_peers_config *config, weir_error *err)
{
    self->config = *config;
    take_defaults(&self->config);
    self->name = config->name != NULL ? strdup(config->name) : NULL;
    if (self->name == NULL || !weiri_head_is_name(self->name, strlen(self->name))) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "a node's name is 1 to %d of a-z A-Z 0-9 _ - .", WEIRI_PEER_NAME);
    }
    if (!config->is_insecure && config->keys == NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the node '%s' has no key", self->name);
    }
    self->keys =
        config->keys != NULL ? *config->keys : (weiri_keypair){ .public_key = "" };
    self->zmq = weiri_context_take(err);
    if (self->zmq == NULL) {
        return WEIR_EIO;
    }
    weir_status status = weiri_guard_new(
        self->config.max_connections, self->config.times.handshake_ms, &self->guard, err);
    if (status != WEIR_OK) {
        return status;
    }
    struct epoll_event timer = { .events = EPOLLIN, .data = { .u32 = AT_TIMER } };
    struct epoll_event guard = { .events = EPOLLIN, .data = { .u32 = AT_GUARD } };
    self->epoll              = epoll_create1(EPOLL_CLOEXEC);
    self->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (self->epoll < 0 || self->timer < 0
        || epoll_ctl(self->epoll, EPOLL_CTL_ADD, self->timer, &timer) != 0
        || epoll_ctl(
               self->epoll, EPOLL_CTL_ADD, weiri_guard_descriptor(self->guard), &guard)
               != 0) {
        return WEIR_FAIL_OS(err, errno, "no descriptors to wait for");
    }
    self->beat_ms = weiri_peers_now_ms() + self->config.times.beat_ms;
    weiri_peers_arm(self, self->beat_ms);
    return weiri_known_make_room(self, 0);
}

static weir_status
open_all(weiri_peers *self, const weiri_peers_config *config, weir_error *err)
{
    weir_status status = set_up(self, config, err);
    if (status == WEIR_OK && config->listen != NULL
        && !weiri_is_address(config->listen)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "'%s' is no address: write tcp://host:port or ipc://path", config->listen);
    }
    if (status == WEIR_OK && config->listen != NULL) {
        status = weiri_router_open(self, err);
    }
    for (size_t i = 0; status == WEIR_OK && i < config->n_peers; i++) {
        const weiri_peer_config *peer = &config->peers[i];
        status                        = weiri_known_check(self, peer, err);
        if (status == WEIR_OK
            && weiri_peers_find(self, peer->name) != WEIRI_PEER_NOBODY) {
            status =
                WEIR_FAIL(err, WEIR_EINVAL, "there are two peers named '%s'", peer->name);
        }
        status = status == WEIR_OK ? weiri_known_add(self, peer, err) : status;
    }
    self->config.listen = NULL;
    self->config.peers  = NULL;
    self->config.keys   = NULL;
    return status;
}

weir_status
weiri_peers_open(const weiri_peers_config *config, weiri_peers **out, weir_error *err)
{
    weiri_peers *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->epoll    = -1;
    self->timer    = -1;
    self->armed_ms = INT64_MAX;
    zmq_msg_init(&self->message);
    weir_status status = open_all(self, config, err);
    if (status != WEIR_OK) {
        weiri_peers_close(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

static void
close_descriptor(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

void
weiri_peers_close(weiri_peers **self_p)
{
    weiri_peers *self = *self_p;
    *self_p           = NULL;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; i < self->n_peers; i++) {
        weiri_dial_stop(self, i, (int)self->config.times.linger_ms);
        weiri_known_free(&self->peers[i]);
    }
    weiri_router_close(self);
    zmq_msg_close(&self->message);
    weiri_guard_destroy(&self->guard);
    close_descriptor(self->timer);
    close_descriptor(self->epoll);
    if (self->zmq != NULL) {
        weiri_context_give();
    }
    weiri_keypair_forget(&self->keys);
    free(self->peers);
    free(self->changed);
    free(self->spots);
    free(self->is_spot);
    free(self->name);
    free(self);
}

/* ---- messages ---- */

bool
weiri_peers_fill(
    zmq_msg_t *message, const weiri_head *head, const void *bytes, size_t size)
{
    if (zmq_msg_init_size(message, WEIRI_HEAD_BYTES + size) != 0) {
        return false;
    }
    uint8_t *to = zmq_msg_data(message);
    weiri_head_write(head, to);
    if (size > 0) {
        memcpy(to + WEIRI_HEAD_BYTES, bytes, size);
    }
    return true;
}

/* Sending may have made ZeroMQ see what has come, without its descriptor saying so. */
static void
look_after_sending(weiri_peers *self, void *socket, uint32_t spot)
{
    if ((weiri_socket_events(socket) & ZMQ_POLLIN) != 0 && !self->is_spot[spot]) {
        weiri_peers_look(self, spot);
        weiri_guard_wake(self->guard);
    }
}

static weir_status
send_out(struct dialer *dialer, zmq_msg_t *message)
{
    if (weiri_socket_send(dialer->socket, message, 0)) {
        return WEIR_OK;
    }
    /* Perhaps room has been made that the socket has not heard of. */
    (void)weiri_socket_events(dialer->socket);
    return weiri_socket_send(dialer->socket, message, 0) ? WEIR_OK : WEIR_EAGAIN;
}

/* Hand a message over to a connection; taken on WEIR_OK. errors  WEIR_EAGAIN */
static weir_status
put(weiri_peers *self, uint32_t peer, zmq_msg_t *message)
{
    struct peer *to     = &self->peers[peer];
    bool         is_out = to->way == WAY_OUT;
    weir_status  status =
        is_out ? send_out(&to->dialer, message)
                : weiri_router_send(self, to->routing, to->routing_size, message);
    to->was_sent_to |= status == WEIR_OK;
    look_after_sending(self, is_out ? to->dialer.socket : self->router,
        is_out ? weiri_spot_dealer(peer) : SPOT_ROUTER);
    return status;
}

weir_status
weiri_peers_send(weiri_peers *self, uint32_t peer, const void *bytes, size_t size)
{
    zmq_msg_t message;
    if (size > self->config.max_bytes) {
        return WEIR_EFULL;
    }
    if (peer >= self->n_peers || self->peers[peer].session == 0
        || self->peers[peer].session != self->peers[peer].told
        || self->peers[peer].is_leaving || self->peers[peer].dialer.has_ended) {
        return WEIR_EAGAIN;
    }
    struct peer *to   = &self->peers[peer];
    weiri_head   head = { .kind = WEIRI_HEAD_MESSAGE, .session = to->session };
    if (!weiri_peers_fill(&message, &head, bytes, size)) {
        return WEIR_ENOMEM;
    }
    weir_status status = put(self, peer, &message);
    if (status == WEIR_OK) {
        to->counts.n_sent++;
        to->counts.n_sent_bytes += size;
    } else {
        to->counts.n_refused_send++;
        zmq_msg_close(&message);
    }
    return status;
}

void
weiri_peers_give(
    weiri_peers *self, uint32_t peer, zmq_msg_t *message, weiri_peer_event *event)
{
    zmq_msg_move(&self->message, message);
    const uint8_t *bytes        = zmq_msg_data(&self->message);
    size_t         size         = zmq_msg_size(&self->message);
    *event                      = (weiri_peer_event){ .kind = WEIRI_PEER_MESSAGE,
                             .peer                          = peer,
                             .bytes                         = bytes + WEIRI_HEAD_BYTES,
                             .size                          = size - WEIRI_HEAD_BYTES };
    self->peers[peer].was_heard = true;
    self->peers[peer].counts.n_received++;
    self->peers[peer].counts.n_received_bytes += event->size;
}

/* ---- receiving ---- */

/* The oldest difference between what is and what the user was told. */
static bool
next_change(weiri_peers *self, weiri_peer_event *event)
{
    while (self->n_changed > 0) {
        uint32_t     peer = self->changed[0];
        struct peer *who  = &self->peers[peer];
        if (who->told != 0 && who->told != who->session) {
            who->told = 0;
            *event    = (weiri_peer_event){
                   .kind = WEIRI_PEER_DISCONNECTED, .peer = peer, .reason = who->reason
            };
            return true;
        }
        self->n_changed--;
        memmove(
            self->changed, self->changed + 1, self->n_changed * sizeof *self->changed);
        who->is_changed = false;
        if (who->told != who->session) {
            who->told = who->session;
            *event    = (weiri_peer_event){ .kind = WEIRI_PEER_CONNECTED, .peer = peer };
            return true;
        }
    }
    return false;
}

static bool
next_refusal(weiri_peers *self, weiri_peer_event *event)
{
    uint32_t peer = WEIRI_PEER_NOBODY;
    if (!weiri_guard_next_refusal(self->guard, &peer, self->refusal)) {
        return false;
    }
    *event = (weiri_peer_event){
        .kind = WEIRI_PEER_REFUSED, .peer = peer, .reason = self->refusal
    };
    return true;
}

static void
beat(weiri_peers *self, uint32_t peer)
{
    struct peer *who = &self->peers[peer];
    zmq_msg_t    message;
    if (who->session == 0 || who->is_leaving || who->dialer.has_ended) {
        return;
    }
    weiri_head head = { .kind = WEIRI_HEAD_BEAT, .session = who->session };
    if (!who->was_sent_to && weiri_peers_fill(&message, &head, NULL, 0)
        && put(self, peer, &message) != WEIR_OK) {
        zmq_msg_close(&message);
    }
    who->n_silent    = who->was_heard ? 0 : who->n_silent + 1;
    who->was_heard   = false;
    who->was_sent_to = false;
    if ((uint64_t)who->n_silent * self->config.times.beat_ms
        > self->config.times.silence_ms) {
        weiri_peers_end(self, peer, "it was silent for too long");
    }
}

/* However late it comes, it is one beat: who did not look for a while has not heard that
 * others were silent. */
static void
beat_all(weiri_peers *self, int64_t now_ms)
{
    if (now_ms >= self->beat_ms) {
        for (uint32_t i = 0; i < self->n_peers; i++) {
            beat(self, i);
        }
        self->beat_ms = now_ms + self->config.times.beat_ms;
    }
}

static void
on_timer(weiri_peers *self)
{
    uint64_t n    = 0;
    ssize_t  size = read(self->timer, &n, sizeof n);
    (void)size;
    self->armed_ms  = INT64_MAX;
    int64_t now_ms  = weiri_peers_now_ms();
    int64_t next_ms = INT64_MAX;
    for (uint32_t i = 0; i < self->n_peers; i++) {
        weiri_dial_on_time(self, i, now_ms);
        int64_t due_ms = self->peers[i].dialer.due_ms;
        next_ms        = due_ms < next_ms ? due_ms : next_ms;
    }
    beat_all(self, now_ms);
    weiri_peers_arm(self, next_ms < self->beat_ms ? next_ms : self->beat_ms);
}

/* Find out what is ready. */
static int
look_around(weiri_peers *self, int timeout_ms)
{
    struct epoll_event ready[READY];
    int                n = epoll_wait(self->epoll, ready, READY, timeout_ms);
    for (int i = 0; i < n; i++) {
        switch (ready[i].data.u32) {
        case AT_TIMER: on_timer(self); break;
        case AT_GUARD:
            weiri_guard_calm(self->guard);
            weiri_router_on_gone(self);
            break;
        default: weiri_peers_look(self, ready[i].data.u32); break;
        }
    }
    return n;
}

static weiri_visit
visit_next(weiri_peers *self, weiri_peer_event *event)
{
    uint32_t spot    = self->spots[self->first_spot];
    self->first_spot = (self->first_spot + 1) % self->cap_spots;
    self->n_spots--;
    self->is_spot[spot] = false;
    weiri_visit visit   = VISIT_EMPTY;
    if (spot == SPOT_ROUTER) {
        visit = weiri_router_visit(self, event);
    } else if (spot % 2 == 1) {
        visit = weiri_dial_visit(self, (spot - 1) / 2, event);
    } else {
        visit = weiri_dial_visit_monitor(self, (spot - 2) / 2);
    }
    if (visit != VISIT_EMPTY) {
        weiri_peers_look(self, spot);
    }
    return visit;
}

/* An event, if there is one without waiting. */
static bool
next_event(weiri_peers *self, weiri_peer_event *event)
{
    while (!next_change(self, event) && !next_refusal(self, event)) {
        if (self->n_spots == 0) {
            return false;
        }
        if (++self->n_visits % VISITS == 0) {
            look_around(self, 0);
        }
        if (visit_next(self, event) == VISIT_EVENT) {
            return true;
        }
    }
    return true;
}

weir_status
weiri_peers_receive(
    weiri_peers *self, int timeout_ms, weiri_peer_event *event, weir_error *err)
{
    int64_t end_ms  = timeout_ms < 0 ? INT64_MAX : weiri_peers_now_ms() + timeout_ms;
    int     left_ms = timeout_ms;
    while (!next_event(self, event)) {
        int n = look_around(self, left_ms);
        if (n < 0) {
            return errno == EINTR ? WEIR_EAGAIN
                                  : WEIR_FAIL_OS(err, errno, "cannot wait for peers");
        }
        if (n == 0) {
            return WEIR_EAGAIN;
        }
        int64_t left = timeout_ms < 0 ? -1 : end_ms - weiri_peers_now_ms();
        left_ms      = timeout_ms < 0 ? -1 : (int)(left > 0 ? left : 0);
    }
    return WEIR_OK;
}

int
weiri_peers_descriptor(const weiri_peers *self)
{
    return self->epoll;
}

/* ---- who ---- */

const char *
weiri_peers_address(const weiri_peers *self)
{
    return self->router != NULL ? self->address : NULL;
}

uint32_t
weiri_peers_count(const weiri_peers *self)
{
    return self->n_peers;
}

const char *
weiri_peers_name(const weiri_peers *self, uint32_t peer)
{
    weiri_assert(peer < self->n_peers);
    return self->peers[peer].name;
}

bool
weiri_peers_is_connected(const weiri_peers *self, uint32_t peer)
{
    weiri_assert(peer < self->n_peers);
    return self->peers[peer].told != 0
           && self->peers[peer].told == self->peers[peer].session;
}

/* ---- counts ---- */

void
weiri_peers_counts_of(const weiri_peers *self, uint32_t peer, weiri_peer_counts *out)
{
    weiri_assert(peer < self->n_peers);
    *out = self->peers[peer].counts;
}

void
weiri_peers_counts_read(const weiri_peers *self, weiri_peers_counts *out)
{
    weiri_guard_counts(self->guard, out);
}
