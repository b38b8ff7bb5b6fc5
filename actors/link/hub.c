/* weiri_links: the thread, and the list of ends.
 *
 * One lock guards all ends. It is held while messages are sorted and frames handed over,
 * never while anybody waits, decodes or touches a disk.
 */
#define _GNU_SOURCE
#include "hub.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "weiri/limits.h"
#include "weiri/timetext.h"

enum { MESSAGES_AT_ONCE = 64, LONGEST_SLEEP_MS = 1000, NAMES = WEIRI_LINK_ORIGINS };

int64_t
weiri_links_now(const weiri_links *self)
{
    struct timespec now;
    if (self->config.now != NULL) {
        return self->config.now(self->config.context);
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * WEIRI_NS_PER_S + now.tv_nsec;
}

void
weiri_links_pause(weiri_links *self, int64_t wait_ns)
{
    if (self->config.now == NULL) {
        weiri_worker_wait(self->worker, wait_ns);
    }
}

void
weiri_links_wake(weiri_links *self)
{
    const uint64_t one = 1;
    if (!self->is_awake && self->config.now == NULL) {
        self->is_awake = write(self->wake_fd, &one, sizeof one) == (ssize_t)sizeof one;
    }
}

/* ---- schemas ---- */

weir_schema *
weiri_schema_copy(const weir_schema *schema)
{
    weir_schema *self   = calloc(1, sizeof *self);
    weir_field  *fields = calloc(schema->n_fields + (size_t)1, sizeof *fields);
    char        *name   = strdup(schema->name);
    if (self == NULL || fields == NULL || name == NULL) {
        free(self);
        free(fields);
        free(name);
        return NULL;
    }
    *self = (weir_schema){ .name = name, .fields = fields, .time_field = -1 };
    for (; self->n_fields < schema->n_fields; self->n_fields++) {
        const weir_field *from = &schema->fields[self->n_fields];
        weir_field       *to   = &fields[self->n_fields];
        *to                    = *from;
        to->from               = NULL;
        to->pattern            = NULL;
        to->name               = strdup(from->name);
        if (to->name == NULL) {
            weiri_schema_free(&self);
            return NULL;
        }
    }
    return self;
}

void
weiri_schema_free(weir_schema **self_p)
{
    weir_schema *self = *self_p;
    *self_p           = NULL;
    if (self != NULL) {
        for (uint32_t i = 0; i < self->n_fields; i++) {
            free((void *)(uintptr_t)self->fields[i].name);
        }
        free((void *)(uintptr_t)self->fields);
        free((void *)(uintptr_t)self->name);
        free(self);
    }
}

/* ---- ends ---- */

static bool
send_to_peer(void *context, const uint8_t *bytes, size_t size)
{
    const weiri_end             *self = context;
    const weiri_links_transport *way  = &self->links->config.transport;
    return !self->links->is_broken && way->send(way->context, self->peer, bytes, size);
}

static void
tell(void *context, weiri_link_news news, const char *text)
{
    const weiri_end *self = context;
    if (self->links->config.tell != NULL) {
        self->links->config.tell(self->links->config.context, news, text);
    }
}

weiri_link_port
weiri_end_port(weiri_end *self)
{
    return (weiri_link_port){ .context = self, .send = send_to_peer, .tell = tell };
}

static weiri_end *
find_end(const weiri_links *self, uint32_t peer, uint64_t id, bool is_sender)
{
    for (uint32_t i = 0; i < self->n_ends; i++) {
        weiri_end *end = self->ends[i];
        if (end->peer == peer && end->id == id && (end->sender != NULL) == is_sender) {
            return end;
        }
    }
    return NULL;
}

weir_status
weiri_end_new(weiri_links *links, const weiri_link_config *config, bool is_sender,
    weiri_end **out, weir_error *err)
{
    const weiri_links_transport *way  = &links->config.transport;
    uint32_t                     peer = way->find(way->context, config->peer);
    uint64_t                     id   = weiri_link_id(config->schema->name);
    if (peer == UINT32_MAX) {
        return WEIR_FAIL(err, WEIR_EINVAL, "there is no peer '%s'", config->peer);
    }
    if (links->n_ends == WEIRI_LINKS || find_end(links, peer, id, is_sender) != NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL, "stream '%s' is %s '%s' twice",
            config->schema->name, is_sender ? "sent to" : "read from", config->peer);
    }
    weiri_end  *self = calloc(1, sizeof *self);
    weiri_end **ends = realloc(links->ends, (links->n_ends + 1) * sizeof *ends);
    links->ends      = ends != NULL ? ends : links->ends;
    if (self == NULL || ends == NULL) {
        free(self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", config->schema->name);
    }
    *self = (weiri_end){
        .links = links, .peer = peer, .id = id, .is_inside = config->is_inside
    };
    links->ends[links->n_ends++] = self;
    *out                         = self;
    return WEIR_OK;
}

void
weiri_end_destroy(weiri_end **self_p)
{
    weiri_end *self = *self_p;
    *self_p         = NULL;
    if (self == NULL) {
        return;
    }
    weiri_links *links = self->links;
    for (uint32_t i = 0; i < links->n_ends; i++) {
        if (links->ends[i] == self) {
            links->ends[i] = links->ends[--links->n_ends];
            break;
        }
    }
    weiri_sender_destroy(&self->sender);
    weiri_receiver_destroy(&self->receiver);
    free(self);
}

static const char *
stream_of(const weiri_end *self)
{
    return self->sender != NULL ? weiri_sender_stream(self->sender)
                                : weiri_receiver_stream(self->receiver);
}

static bool
is_connected(const weiri_end *self)
{
    return self->peer < self->links->n_peers && self->links->is_connected[self->peer];
}

bool
weiri_links_sight(weiri_links *self, uint32_t i, weiri_link_sight *out)
{
    weiri_worker_lock(self->worker);
    bool is_there = i < self->n_ends;
    if (is_there) {
        const weiri_links_transport *way = &self->config.transport;
        const weiri_end             *end = self->ends[i];
        out->is_sender                   = end->sender != NULL;
        out->counts = out->is_sender ? weiri_sender_get_counts(end->sender)
                                     : weiri_receiver_get_counts(end->receiver);
        snprintf(out->peer, sizeof out->peer, "%s", way->name(way->context, end->peer));
        out->is_connected = is_connected(end);
        snprintf(out->stream, sizeof out->stream, "%s", stream_of(end));
        const char *why = out->is_sender ? weiri_sender_refusal(end->sender)
                                         : weiri_receiver_refusal(end->receiver);
        snprintf(out->refusal, sizeof out->refusal, "%s", why != NULL ? why : "");
    }
    weiri_worker_unlock(self->worker);
    return is_there;
}

/* ---- what comes ---- */

static bool
has_name(const char *const *names, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* By whom events have come is what all receivers were told, and the peers themselves,
 * whether they have said a word yet or not. */
void
weiri_links_spread_origins(weiri_links *self)
{
    const weiri_links_transport *way = &self->config.transport;
    const char                  *names[NAMES];
    uint32_t                     n = 0;
    for (uint32_t i = 0; i < self->n_ends; i++) {
        const weiri_end *end = self->ends[i];
        if (end->receiver == NULL) {
            continue;
        }
        uint32_t           of    = 0;
        const char *const *heard = weiri_receiver_origins(end->receiver, &of);
        const char        *peer  = way->name(way->context, end->peer);
        if (n + 1 < NAMES && !has_name(names, n, peer)) {
            names[n++] = peer;
        }
        for (uint32_t k = 0; k < of && n + 1 < NAMES; k++) {
            if (!has_name(names, n, heard[k])) {
                names[n++] = heard[k];
            }
        }
    }
    for (uint32_t i = 0; i < self->n_ends; i++) {
        weiri_end *end = self->ends[i];
        if (end->sender != NULL && !end->is_inside
            && weiri_sender_set_origins(end->sender, names, n) == WEIR_OK) {
            end->due_ns = INT64_MIN;
        }
    }
}

static bool
is_for_receiver(const weiri_frame *frame)
{
    return frame->kind == WEIRI_FRAME_HELLO || frame->kind == WEIRI_FRAME_COLUMNS
           || frame->kind == WEIRI_FRAME_GAP || frame->kind == WEIRI_FRAME_END
           || frame->kind == WEIRI_FRAME_PING;
}

static void
send_once(weiri_links *self, uint32_t peer, weiri_pack *message)
{
    const weiri_links_transport *way = &self->config.transport;
    if (!message->is_out_of_memory) {
        (void)way->send(way->context, peer, message->bytes, message->size);
    }
    weiri_pack_fini(message);
}

static void
refuse_caller(weiri_links *self, uint32_t peer, const weiri_frame *frame)
{
    const weiri_links_transport *way     = &self->config.transport;
    weiri_pack                   message = { 0 };
    char                         why[256];
    snprintf(why, sizeof why, "'%s' reads no such stream from '%.100s'", self->self,
        way->name(way->context, peer));
    weiri_link_refuse(frame, why, &message);
    send_once(self, peer, &message);
}

/* Those for whom there is no room say HELLO again by themselves. */
static void
note_caller(weiri_links *self, uint32_t peer, const weiri_frame *hello)
{
    for (uint32_t i = 0; i < self->n_callers; i++) {
        if (self->callers[i].peer == peer
            && weiri_link_id_of(&self->callers[i].hello) == weiri_link_id_of(hello)) {
            self->callers[i].hello = *hello;
            return;
        }
    }
    weiri_caller *grown = self->n_callers < WEIRI_LINKS ? realloc(
                              self->callers, (self->n_callers + 1) * sizeof *grown)
                                                        : NULL;
    if (grown != NULL) {
        self->callers = grown;
        self->callers[self->n_callers++] =
            (weiri_caller){ .peer = peer, .hello = *hello };
    }
}

/* On the links' thread. */
static void
answer_callers(weiri_links *self)
{
    for (uint32_t i = 0; i < self->n_callers && !self->is_broken; i++) {
        const weiri_caller *caller  = &self->callers[i];
        weiri_pack          message = { 0 };
        if (find_end(self, caller->peer, weiri_link_id_of(&caller->hello), false)
            != NULL) {
            weiri_link_reset(&caller->hello, &message);
            send_once(self, caller->peer, &message);
        } else {
            refuse_caller(self, caller->peer, &caller->hello);
        }
    }
    free(self->callers);
    self->callers   = NULL;
    self->n_callers = 0;
}

static void
on_receiver_frame(
    weiri_links *self, uint32_t peer, const weiri_frame *frame, const uint8_t *payload)
{
    const weiri_links_transport *way = &self->config.transport;
    weiri_end *end = find_end(self, peer, weiri_link_id_of(frame), false);
    char       why[256];
    if (end == NULL && self->is_opening) {
        if (frame->kind == WEIRI_FRAME_HELLO) {
            note_caller(self, peer, frame);
        }
        return;
    }
    if (end == NULL) {
        if (frame->kind == WEIRI_FRAME_HELLO || frame->kind == WEIRI_FRAME_PING) {
            refuse_caller(self, peer, frame);
        }
        return;
    }
    const char *stream = stream_of(end);
    if (!way->may_send(way->context, peer, stream)) {
        snprintf(why, sizeof why, "'%.100s' may not send '%.60s' to '%.60s'",
            way->name(way->context, peer), stream, self->self);
        weiri_receiver_bar(end->receiver, frame, why);
        return;
    }
    weiri_receiver_on_frame(end->receiver, frame, payload, weiri_links_now(self));
    if (frame->kind == WEIRI_FRAME_HELLO) {
        uint32_t n = 0;
        (void)weiri_receiver_origins(end->receiver, &n);
        if (n != end->n_origins_told) {
            end->n_origins_told = n;
            weiri_links_spread_origins(self);
        }
    }
    end->due_ns = INT64_MIN;
}

static void
on_frame(
    weiri_links *self, uint32_t peer, const weiri_frame *frame, const uint8_t *payload)
{
    if (is_for_receiver(frame)) {
        on_receiver_frame(self, peer, frame, payload);
        return;
    }
    weiri_end *end = find_end(self, peer, weiri_link_id_of(frame), true);
    if (end != NULL) {
        weiri_sender_on_frame(end->sender, frame, payload, weiri_links_now(self));
        end->due_ns = INT64_MIN;
    }
}

/* One frame or several; the rest of a message in which one is damaged is passed over. */
static void
on_message(weiri_links *self, const weiri_links_event *event)
{
    const uint8_t *at   = event->bytes;
    size_t         left = event->size;
    weiri_frame    frame;
    weir_error     err = { .status = WEIR_OK };
    while (left > 0 && weiri_frame_next(&frame, at, left, &err) == WEIR_OK) {
        size_t size = WEIRI_FRAME_HEAD + (size_t)frame.size;
        on_frame(self, event->peer, &frame, at + WEIRI_FRAME_HEAD);
        at += size;
        left -= size;
    }
    if (left > 0 && self->config.tell != NULL) {
        const weiri_links_transport *way = &self->config.transport;
        char                         text[400];
        snprintf(text, sizeof text, "%.100s sends what is no frame: %s",
            way->name(way->context, event->peer), err.text);
        self->config.tell(self->config.context, WEIRI_LINK_BAD, text);
    }
}

static bool
note_peer(weiri_links *self, uint32_t peer, bool is_connected)
{
    if (peer >= self->n_peers) {
        bool *grown = realloc(self->is_connected, (peer + (size_t)1) * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        memset(grown + self->n_peers, 0, (peer + 1 - self->n_peers) * sizeof *grown);
        self->is_connected = grown;
        self->n_peers      = peer + 1;
    }
    self->is_connected[peer] = is_connected;
    return true;
}

static void
on_connection(weiri_links *self, uint32_t peer, bool is_connected)
{
    if (!note_peer(self, peer, is_connected)) {
        return; /* without memory nothing is sent, and it comes again */
    }
    for (uint32_t i = 0; i < self->n_ends; i++) {
        weiri_end *end = self->ends[i];
        if (end->peer == peer && end->sender != NULL) {
            weiri_sender_on_connection(end->sender, is_connected, weiri_links_now(self));
            end->due_ns = INT64_MIN;
        } else if (end->peer == peer && !is_connected) {
            weiri_receiver_on_disconnection(end->receiver);
        }
    }
}

static void
on_peer(weiri_links *self, const weiri_links_event *event)
{
    if (self->config.on_peer != NULL) {
        self->config.on_peer(self->config.context, event);
    }
    if (event->kind != WEIRI_LINKS_REFUSED) {
        on_connection(self, event->peer, event->kind == WEIRI_LINKS_CONNECTED);
    }
}

static bool
receive_some(weiri_links *self)
{
    const weiri_links_transport *way    = &self->config.transport;
    weir_status                  status = WEIR_OK;
    weir_error                   err    = { .status = WEIR_OK };
    for (int i = 0; i < MESSAGES_AT_ONCE && status == WEIR_OK; i++) {
        weiri_links_event event = { .kind = WEIRI_LINKS_MESSAGE };
        status                  = way->receive(way->context, &event, &err);
        if (status == WEIR_OK && event.kind == WEIRI_LINKS_MESSAGE) {
            on_message(self, &event);
        } else if (status == WEIR_OK) {
            on_peer(self, &event);
        }
    }
    if (status != WEIR_OK && status != WEIR_EAGAIN) {
        self->is_broken = true;
        if (self->config.tell != NULL) {
            self->config.tell(self->config.context, WEIRI_LINK_BAD, err.text);
        }
    }
    return status == WEIR_OK; /* there may be more */
}

/* ---- the thread ---- */

/* What the peer may read is asked for each time, since it changes. */
static int64_t
work_sender(weiri_end *self, int64_t now_ns)
{
    const weiri_links_transport *way    = &self->links->config.transport;
    const char                  *stream = weiri_sender_stream(self->sender);
    char                         why[256];
    if (!is_connected(self)) {
        return weiri_sender_work(self->sender, now_ns);
    }
    bool may = way->may_read(way->context, self->peer, stream);
    if (!may) {
        snprintf(why, sizeof why, "'%.100s' may not read '%.60s' from '%.60s'",
            way->name(way->context, self->peer), stream, self->links->self);
        weiri_sender_bar(self->sender, why);
    } else if (self->is_barred) {
        weiri_sender_on_connection(self->sender, true, now_ns);
    }
    self->is_barred = !may;
    return weiri_sender_work(self->sender, now_ns);
}

/* Returns when to look again. */
static int64_t
work(weiri_links *self)
{
    int64_t now = weiri_links_now(self);
    int64_t due = INT64_MAX;
    if (!self->is_opening) {
        answer_callers(self);
    }
    for (uint32_t i = 0; i < self->n_ends; i++) {
        weiri_end *end = self->ends[i];
        if (end->due_ns <= now) {
            end->due_ns = end->sender != NULL ? work_sender(end, now)
                                              : weiri_receiver_work(end->receiver, now);
        }
        due = end->due_ns < due ? end->due_ns : due;
    }
    return due;
}

static int
sleep_ms(const weiri_links *self, int64_t due_ns)
{
    int64_t now = weiri_links_now(self);
    int64_t ns  = due_ns > now ? due_ns - now : 0;
    int64_t ms  = ns / WEIRI_NS_PER_MS + (ns % WEIRI_NS_PER_MS > 0);
    return ms < LONGEST_SLEEP_MS ? (int)ms : LONGEST_SLEEP_MS;
}

static void
drain_wake(weiri_links *self)
{
    uint64_t n = 0;
    while (read(self->wake_fd, &n, sizeof n) < 0 && errno == EINTR) {
    }
    self->is_awake = false;
}

static void
run(void *context)
{
    weiri_links                 *self = context;
    const weiri_links_transport *way  = &self->config.transport;
    weiri_worker_lock(self->worker);
    while (!self->is_stopping) {
        bool    is_more = !self->is_broken && receive_some(self);
        int64_t due_ns  = work(self);
        weiri_worker_notify(self->worker);
        weiri_worker_unlock(self->worker);
        struct pollfd files[] = {
            { .fd = self->wake_fd, .events = POLLIN },
            { .fd       = self->is_broken ? -1 : way->descriptor(way->context),
                .events = POLLIN },
        };
        (void)poll(files, 2, is_more ? 0 : sleep_ms(self, due_ns));
        weiri_worker_lock(self->worker);
        if ((files[0].revents & POLLIN) != 0) {
            drain_wake(self);
        }
    }
    weiri_worker_unlock(self->worker);
}

void
weiri_links_step(weiri_links *self)
{
    weiri_worker_lock(self->worker);
    while (!self->is_broken && receive_some(self)) {
    }
    (void)work(self);
    weiri_worker_unlock(self->worker);
}

weir_status
weiri_links_new(const weiri_links_config *config, weiri_links **out, weir_error *err)
{
    weiri_links *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->config       = *config;
    self->is_opening   = config->is_opening;
    self->self         = strdup(config->self);
    self->wake_fd      = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    weir_status status = self->self == NULL  ? WEIR_FAIL(err, WEIR_ENOMEM, "links")
                         : self->wake_fd < 0 ? WEIR_FAIL_OS(err, errno, "links")
                                             : weiri_worker_new(&self->worker, err);
    if (status == WEIR_OK && config->now == NULL) {
        status = weiri_worker_start(self->worker, run, self, err);
    }
    if (status != WEIR_OK) {
        weiri_links_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_links_destroy(weiri_links **self_p)
{
    weiri_links *self = *self_p;
    *self_p           = NULL;
    if (self == NULL) {
        return;
    }
    if (self->worker != NULL) {
        weiri_worker_lock(self->worker);
        self->is_stopping = true;
        weiri_links_wake(self);
        weiri_worker_unlock(self->worker);
        weiri_worker_destroy(&self->worker);
    }
    if (self->wake_fd >= 0) {
        close(self->wake_fd);
    }
    free(self->is_connected);
    free(self->callers);
    free(self->ends);
    free(self->self);
    free(self);
}

void
weiri_links_attend(weiri_links *self)
{
    weiri_worker_lock(self->worker);
    self->is_opening = false;
    weiri_links_wake(self);
    weiri_worker_unlock(self->worker);
}

void
weiri_links_hold(weiri_links *self)
{
    weiri_worker_lock(self->worker);
}

void
weiri_links_release(weiri_links *self)
{
    for (uint32_t i = 0; i < self->n_ends; i++) { /* what is permitted may have changed */
        self->ends[i]->due_ns = INT64_MIN;
    }
    weiri_links_wake(self);
    weiri_worker_unlock(self->worker);
}

void
weiri_links_wait(weiri_links *self, int64_t wait_ns)
{
    weiri_worker_lock(self->worker);
    weiri_links_pause(self, wait_ns);
    weiri_worker_unlock(self->worker);
}
