#define _POSIX_C_SOURCE 200809L
#include "keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "annotate.h"
#include "socket.h"
#include "weiri/lock.h"
#include "zap.h"

static const char ZAP[]    = "inproc://zeromq.zap.01";
static const char ORDERS[] = "inproc://weir.keeper";

enum {
    GUARDS = 1024,
    AT_ZAP = 0, /* what is polled: these, then the monitors */
    AT_ORDERS,
    N_OWN,
};

typedef enum order_kind { ADD, REMOVE, END } order_kind;

/* Lent by whoever asks, until it is answered. */
struct order {
    order_kind   kind;
    weiri_guard *guard;
    const char  *monitor;
    weir_status  status; /* the answer */
};

struct weiri_keeper {
    void *zmq;
    void *thread;
    void *zap;    /* the thread's */
    void *orders; /* the thread's */
    void *asks;   /* the other end, of whoever has the lock. There from the start:
                   * who ends may have no descriptor left for another socket */
    weiri_lock *turn;
    /* The thread's: */
    weiri_guard   *guards[GUARDS];
    zmq_pollitem_t items[N_OWN + GUARDS]; /* monitor i at N_OWN + i */
    uint32_t       n_guards;
};

/* ---- ZAP ---- */

struct parts {
    zmq_msg_t      messages[WEIRI_ZAP_PARTS];
    weiri_zap_part parts[WEIRI_ZAP_PARTS];
    size_t         n;
};

/* All parts of a request, of which those beyond the last that is looked at are dropped.
 */
static bool
receive_parts(void *socket, struct parts *out)
{
    bool is_more = true;
    out->n       = 0;
    while (is_more) {
        size_t     i       = out->n < WEIRI_ZAP_PARTS ? out->n++ : WEIRI_ZAP_PARTS - 1;
        zmq_msg_t *message = &out->messages[i];
        if (!weiri_socket_receive(socket, message)) {
            out->n -= i + 1 == out->n;
            return false;
        }
        out->parts[i] = (weiri_zap_part){ .bytes = zmq_msg_data(message),
            .size                                = zmq_msg_size(message) };
        is_more       = zmq_msg_more(message) != 0;
    }
    return true;
}

static void
answer_zap(void *socket, weiri_zap_part id, const char *status, const char *text,
    const char *user)
{
    zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(socket, id.bytes, id.size, ZMQ_SNDMORE);
    zmq_send(socket, status, 3, ZMQ_SNDMORE);
    zmq_send(socket, text, strlen(text), ZMQ_SNDMORE);
    zmq_send(socket, user, strlen(user), ZMQ_SNDMORE);
    zmq_send(socket, "", 0, 0);
}

static weiri_guard *
guard_of(weiri_keeper *self, weiri_zap_part domain)
{
    for (uint32_t i = 0; i < self->n_guards; i++) {
        const char *name = weiri_guard_domain(self->guards[i]);
        if (strlen(name) == domain.size && memcmp(name, domain.bytes, domain.size) == 0) {
            return self->guards[i];
        }
    }
    return NULL;
}

static void
judge(weiri_keeper *self, const struct parts *parts)
{
    weiri_zap_request request;
    char              user[WEIRI_GUARD_USER] = "";
    if (!weiri_zap_read(parts->parts, parts->n, &request)) {
        for (uint32_t i = 0; i < self->n_guards; i++) {
            weiri_guard_malformed(self->guards[i]);
        }
        weiri_zap_part id = { .bytes = (const uint8_t *)"1", .size = 1 };
        answer_zap(self->zap, id, "500", "no request", user);
        return;
    }
    weiri_guard *guard  = guard_of(self, request.domain);
    bool         is_let = guard != NULL
                  && weiri_guard_judge(guard, request.key, request.address.bytes,
                      request.address.size, user);
    answer_zap(self->zap, request.id, is_let ? "200" : "400",
        is_let ? "OK" : "this key is not let in", user);
}

static void
answer_requests(weiri_keeper *self)
{
    struct parts parts;
    for (size_t i = 0; i < WEIRI_ZAP_PARTS; i++) {
        zmq_msg_init(&parts.messages[i]);
    }
    while (receive_parts(self->zap, &parts)) {
        judge(self, &parts);
    }
    for (size_t i = 0; i < WEIRI_ZAP_PARTS; i++) {
        zmq_msg_close(&parts.messages[i]);
    }
}

/* ---- connections ---- */

static void
follow(weiri_guard *guard, void *monitor)
{
    uint16_t event = 0;
    int32_t  value = 0;
    while (weiri_socket_event(monitor, &event, &value)) {
        switch (event) {
        case ZMQ_EVENT_ACCEPTED: weiri_guard_accepted(guard, value); break;
        case ZMQ_EVENT_DISCONNECTED: weiri_guard_ended(guard, value); break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: weiri_guard_failed(guard); break;
        default: break;
        }
    }
}

/* ---- orders ---- */

static weir_status
add(weiri_keeper *self, const struct order *order)
{
    if (self->n_guards == GUARDS) {
        return WEIR_EFULL;
    }
    void *monitor = NULL;
    if (order->monitor != NULL) {
        int linger = 0;
        monitor    = zmq_socket(self->zmq, ZMQ_PAIR);
        if (monitor == NULL) {
            return WEIR_EIO;
        }
        zmq_setsockopt(monitor, ZMQ_LINGER, &linger, sizeof linger);
        if (!weiri_socket_connect(monitor, order->monitor)) {
            zmq_close(monitor);
            return WEIR_EIO;
        }
    }
    self->guards[self->n_guards] = order->guard;
    /* Without a monitor nothing is polled there: neither a socket nor a descriptor. */
    self->items[N_OWN + self->n_guards] =
        (zmq_pollitem_t){ .socket = monitor, .fd = -1, .events = ZMQ_POLLIN };
    self->n_guards++;
    return WEIR_OK;
}

static void
drop(weiri_keeper *self, const weiri_guard *guard)
{
    uint32_t i = 0;
    while (i < self->n_guards && self->guards[i] != guard) {
        i++;
    }
    if (i < self->n_guards) {
        if (self->items[N_OWN + i].socket != NULL) {
            zmq_close(self->items[N_OWN + i].socket);
        }
        self->n_guards--;
        self->guards[i]        = self->guards[self->n_guards];
        self->items[N_OWN + i] = self->items[N_OWN + self->n_guards];
    }
}

/* False: that was the last one. */
static bool
obey(weiri_keeper *self)
{
    struct order *order = NULL;
    if (zmq_recv(self->orders, &order, sizeof order, ZMQ_DONTWAIT) != sizeof order) {
        return true;
    }
    weiri_take_over(order);
    bool goes_on = order->kind != END;
    if (order->kind == ADD) {
        order->status = add(self, order);
    } else if (order->kind == REMOVE) {
        drop(self, order->guard);
    }
    weiri_hand_over(order);
    zmq_send(self->orders, "", 0, 0);
    return goes_on;
}

static void
keep(void *context)
{
    weiri_keeper *self    = context;
    bool          goes_on = true;
    weiri_take_over(self);
    while (goes_on) {
        int timeout = -1;
        for (uint32_t i = 0; i < self->n_guards; i++) {
            int left = weiri_guard_look_around(self->guards[i]);
            timeout  = timeout < 0 || (left >= 0 && left < timeout) ? left : timeout;
        }
        if (zmq_poll(self->items, (int)(N_OWN + self->n_guards), timeout) < 0) {
            continue;
        }
        answer_requests(self);
        for (uint32_t i = 0; i < self->n_guards; i++) {
            if (self->items[N_OWN + i].socket != NULL) {
                follow(self->guards[i], self->items[N_OWN + i].socket);
            }
        }
        goes_on = (self->items[AT_ORDERS].revents & ZMQ_POLLIN) == 0 || obey(self);
    }
    zmq_close(self->zap);
    zmq_close(self->orders);
}

/* ---- what others call ---- */

static void *
listen_at(void *zmq, const char *name)
{
    int   linger = 0;
    void *socket = zmq_socket(zmq, ZMQ_REP);
    if (socket != NULL
        && (zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger) != 0
            || !weiri_socket_bind(socket, name))) {
        zmq_close(socket);
        socket = NULL;
    }
    return socket;
}

/* What there is but the thread. */
static void
free_keeper(weiri_keeper *self)
{
    weiri_lock_destroy(&self->turn);
    if (self->asks != NULL) {
        zmq_close(self->asks);
    }
    free(self);
}

static void *
connect_to(void *zmq, const char *name)
{
    int   linger = 0;
    void *socket = zmq_socket(zmq, ZMQ_REQ);
    if (socket != NULL
        && (zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger) != 0
            || !weiri_socket_connect(socket, name))) {
        zmq_close(socket);
        socket = NULL;
    }
    return socket;
}

weir_status
weiri_keeper_new(void *zmq, weiri_keeper **out, weir_error *err)
{
    weiri_keeper *self = calloc(1, sizeof *self);
    if (self == NULL || weiri_lock_new(&self->turn) != WEIR_OK) {
        free(self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->zmq    = zmq;
    self->zap    = listen_at(zmq, ZAP);
    self->orders = listen_at(zmq, ORDERS);
    self->asks   = self->orders != NULL ? connect_to(zmq, ORDERS) : NULL;
    self->items[AT_ZAP] =
        (zmq_pollitem_t){ .socket = self->zap, .fd = -1, .events = ZMQ_POLLIN };
    self->items[AT_ORDERS] =
        (zmq_pollitem_t){ .socket = self->orders, .fd = -1, .events = ZMQ_POLLIN };
    weiri_hand_over(self);
    if (self->zap != NULL && self->asks != NULL) {
        self->thread = zmq_threadstart(keep, self);
    }
    if (self->thread == NULL) {
        int code = zmq_errno();
        if (self->zap != NULL) {
            zmq_close(self->zap);
        }
        if (self->orders != NULL) {
            zmq_close(self->orders);
        }
        free_keeper(self);
        return WEIR_FAIL(err, WEIR_EIO, "keys cannot be judged: %s", zmq_strerror(code));
    }
    *out = self;
    return WEIR_OK;
}

/* Have an order carried out. */
static weir_status
give_order(weiri_keeper *self, struct order *order)
{
    char none;
    bool is_sent = false;
    bool is_done = false;
    weiri_lock_take(self->turn);
    weiri_hand_over(order);
    do {
        is_sent = zmq_send(self->asks, &order, sizeof order, 0) == sizeof order;
    } while (!is_sent && zmq_errno() == EINTR);
    do {
        is_done = is_sent && zmq_recv(self->asks, &none, sizeof none, 0) >= 0;
    } while (is_sent && !is_done && zmq_errno() == EINTR);
    weiri_take_over(order);
    weiri_lock_give(self->turn);
    return is_done ? order->status : WEIR_EIO;
}

void
weiri_keeper_destroy(weiri_keeper **self_p)
{
    weiri_keeper *self = *self_p;
    *self_p            = NULL;
    if (self != NULL) {
        struct order order = { .kind = END };
        (void)give_order(self, &order);
        zmq_threadclose(self->thread);
        free_keeper(self);
    }
}

weir_status
weiri_keeper_add(
    weiri_keeper *self, weiri_guard *guard, const char *monitor, weir_error *err)
{
    struct order order  = { .kind = ADD, .guard = guard, .monitor = monitor };
    weir_status  status = give_order(self, &order);
    return status == WEIR_OK
               ? WEIR_OK
               : WEIR_FAIL(err, status, "keys cannot be judged: %s",
                   status == WEIR_EFULL ? "too many sockets" : zmq_strerror(zmq_errno()));
}

void
weiri_keeper_remove(weiri_keeper *self, weiri_guard *guard)
{
    struct order order  = { .kind = REMOVE, .guard = guard };
    weir_status  status = give_order(self, &order);
    (void)status; /* a keeper that cannot be reached has ended */
}
