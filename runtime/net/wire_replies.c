#include "wire_replies.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "socket.h"
#include "weiri/assert.h"
#include "weiri/limits.h"

enum { PARTS = 8 };

struct envelope {
    uint16_t sizes[PARTS];
    uint8_t  n_parts;
    bool     is_too_much; /* and no reply is sent */
    uint16_t n_bytes;
    char     bytes[WEIRI_WIRE_ENVELOPE];
};

struct weiri_wire_replies {
    struct envelope owed[WEIRI_WIRE_OWED];
    uint32_t        n_owed;
    struct envelope last; /* of the message that came last */
};

weiri_wire_replies *
weiri_wire_replies_new(void)
{
    return calloc(1, sizeof(weiri_wire_replies));
}

void
weiri_wire_replies_begin(weiri_wire_replies *self)
{
    self->last.n_parts     = 0;
    self->last.n_bytes     = 0;
    self->last.is_too_much = false;
}

void
weiri_wire_replies_part(weiri_wire_replies *self, const void *bytes, size_t size)
{
    struct envelope *last = &self->last;
    if (last->n_parts == PARTS || size > (size_t)(WEIRI_WIRE_ENVELOPE - last->n_bytes)) {
        last->is_too_much = true;
        return;
    }
    if (size > 0) {
        memcpy(last->bytes + last->n_bytes, bytes, size);
    }
    last->sizes[last->n_parts++] = (uint16_t)size;
    last->n_bytes                = (uint16_t)(last->n_bytes + size);
}

void
weiri_wire_replies_owe(weiri_wire_replies *self)
{
    if (!self->last.is_too_much) {
        weiri_assert(self->n_owed < WEIRI_WIRE_OWED);
        self->owed[self->n_owed++] = self->last;
    }
}

uint32_t
weiri_wire_replies_owed(const weiri_wire_replies *self)
{
    return self->n_owed;
}

/* Once a part has left the others are given, too, whatever becomes of them: else ZeroMQ
 * would take the next reply for the rest of this one. */
static void
send_reply(const struct envelope *envelope, void *socket)
{
    const char *at       = envelope->bytes;
    bool        has_left = false;
    for (uint8_t i = 0; i < envelope->n_parts; i++) {
        bool is_sent =
            weiri_socket_send_bytes(socket, at, envelope->sizes[i], ZMQ_SNDMORE);
        if (!is_sent && !has_left) {
            return;
        }
        has_left = true;
        at += envelope->sizes[i];
    }
    (void)weiri_socket_send_bytes(socket, "ok", 2, 0);
}

void
weiri_wire_replies_send(weiri_wire_replies *self, void *socket)
{
    for (uint32_t i = 0; i < self->n_owed; i++) {
        send_reply(&self->owed[i], socket);
    }
    self->n_owed = 0;
}
