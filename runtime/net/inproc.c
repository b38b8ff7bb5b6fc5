#include "inproc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "annotate.h"
#include "context.h"
#include "socket.h"
#include "weiri/limits.h"

enum { NAME = 40, FILES = 64 };

struct inbox {
    void     *pull;
    void    **pushes; /* shape (n_shards,): NULL before the first frame */
    zmq_msg_t frame;  /* the one that is being read                     */
};

struct weiri_inproc {
    void         *context; /* the one of the process                 */
    uint64_t      number;  /* of these shards among those of the process */
    struct inbox *inboxes; /* shape (n_shards,) */
    uint32_t      n_shards;
};

static void
name_of(const weiri_inproc *self, uint32_t shard, char out[NAME])
{
    snprintf(out, NAME, "inproc://shards.%" PRIu64 ".%u", self->number, shard);
}

static void *
socket_new(void *context, int type)
{
    int   unlimited = 0;
    int   linger    = 0;
    void *socket    = zmq_socket(context, type);
    if (socket != NULL) {
        zmq_setsockopt(socket, ZMQ_SNDHWM, &unlimited, sizeof unlimited);
        zmq_setsockopt(socket, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
        zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    }
    return socket;
}

static bool
open_inbox(weiri_inproc *self, uint32_t shard)
{
    char          name[NAME];
    struct inbox *inbox = &self->inboxes[shard];
    name_of(self, shard, name);
    zmq_msg_init(&inbox->frame);
    inbox->pushes = calloc(self->n_shards, sizeof *inbox->pushes);
    inbox->pull   = socket_new(self->context, ZMQ_PULL);
    return inbox->pushes != NULL && inbox->pull != NULL
           && weiri_socket_bind(inbox->pull, name);
}

weir_status
weiri_inproc_new(uint32_t n_shards, weiri_inproc **out, weir_error *err)
{
    weiri_inproc *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "sockets between shards");
    }
    self->n_shards = n_shards;
    self->context  = weiri_context_take(err);
    if (self->context == NULL) {
        free(self);
        return WEIR_EIO;
    }
    self->number  = weiri_context_number();
    self->inboxes = calloc(n_shards, sizeof *self->inboxes);
    bool is_made  = self->inboxes != NULL;
    for (uint32_t i = 0; is_made && i < n_shards; i++) {
        is_made = open_inbox(self, i);
    }
    if (!is_made) {
        int code = zmq_errno();
        weiri_inproc_destroy(&self);
        return WEIR_FAIL(err, WEIR_EIO, "sockets between shards: %s", zmq_strerror(code));
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_inproc_destroy(weiri_inproc **self_p)
{
    weiri_inproc *self = *self_p;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; self->inboxes != NULL && i < self->n_shards; i++) {
        struct inbox *inbox = &self->inboxes[i];
        for (uint32_t k = 0; inbox->pushes != NULL && k < self->n_shards; k++) {
            if (inbox->pushes[k] != NULL) {
                zmq_close(inbox->pushes[k]);
            }
        }
        if (inbox->pull != NULL) {
            zmq_msg_close(&inbox->frame);
            zmq_close(inbox->pull);
        }
        free(inbox->pushes);
    }
    weiri_context_give();
    free(self->inboxes);
    free(self);
    *self_p = NULL;
}

/* ---- frames ---- */

static void *
push_to(weiri_inproc *self, uint32_t from, uint32_t to)
{
    void **push = &self->inboxes[from].pushes[to];
    if (*push == NULL) {
        char name[NAME];
        name_of(self, to, name);
        *push = socket_new(self->context, ZMQ_PUSH);
        if (*push != NULL && !weiri_socket_connect(*push, name)) {
            zmq_close(*push);
            *push = NULL;
        }
    }
    return *push;
}

weir_status
weiri_inproc_send(void *self, uint32_t from, uint32_t to, const void *frame, size_t size)
{
    void     *push = push_to(self, from, to);
    zmq_msg_t message;
    if (push == NULL) {
        return WEIR_EIO;
    }
    if (zmq_msg_init_size(&message, size) != 0) {
        return WEIR_ENOMEM;
    }
    memcpy(zmq_msg_data(&message), frame, size);
    weiri_hand_over(zmq_msg_data(&message));
    if (!weiri_socket_send(push, &message, 0)) {
        zmq_msg_close(&message);
        return WEIR_EIO;
    }
    return WEIR_OK;
}

const uint8_t *
weiri_inproc_receive(void *self, uint32_t shard, size_t *size)
{
    struct inbox *inbox = &((weiri_inproc *)self)->inboxes[shard];
    if (!weiri_socket_receive(inbox->pull, &inbox->frame)) {
        return NULL;
    }
    *size = zmq_msg_size(&inbox->frame);
    weiri_take_over(zmq_msg_data(&inbox->frame));
    return zmq_msg_data(&inbox->frame);
}

weir_status
weiri_inproc_wait(weiri_inproc *self, uint32_t shard, const int *fds, bool *is_readable,
    uint32_t n, long timeout_ms)
{
    zmq_pollitem_t  few[FILES + 1];
    zmq_pollitem_t *items = n <= FILES ? few : malloc((n + 1) * sizeof *items);
    if (items == NULL) {
        return WEIR_ENOMEM;
    }
    items[0] =
        (zmq_pollitem_t){ .socket = self->inboxes[shard].pull, .events = ZMQ_POLLIN };
    for (uint32_t i = 0; i < n; i++) {
        items[i + 1] = (zmq_pollitem_t){ .fd = fds[i], .events = ZMQ_POLLIN };
    }
    int done = zmq_poll(items, (int)n + 1, timeout_ms);
    for (uint32_t i = 0; i < n; i++) {
        is_readable[i] = done > 0 && items[i + 1].revents != 0;
    }
    if (items != few) {
        free(items);
    }
    return done < 0 && zmq_errno() != EINTR ? WEIR_EIO : WEIR_OK;
}
