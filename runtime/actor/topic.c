/* weiri_topic_behaviour: publish and subscribe as one more actor. */
#include <stdlib.h>

#include "weiri/actor.h"

struct topic {
    weiri_address *subscribers; /* shape (n,), in the order in which they came */
    uint32_t       n;
};

static weir_status
add(struct topic *self, weiri_address who)
{
    weiri_address *grown =
        realloc(self->subscribers, (self->n + 1) * sizeof *self->subscribers);
    if (grown == NULL) {
        return WEIR_ENOMEM;
    }
    grown[self->n++]  = who;
    self->subscribers = grown;
    return WEIR_OK;
}

static void
drop(struct topic *self, weiri_address who)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->n; i++) {
        if (self->subscribers[i] != who) {
            self->subscribers[n++] = self->subscribers[i];
        }
    }
    self->n = n;
}

/* The last subscriber gets the message itself, the others copies: a chunk is shared, a
 * block has one owner and cannot be. */
static weir_status
publish(weiri_actor *actor, struct topic *self, weiri_message *message)
{
    if (message->form == WEIRI_FORM_BYTES && self->n > 1) {
        return WEIR_EINVAL;
    }
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n && status == WEIR_OK; i++) {
        weiri_message copy = *message;
        if (i + 1 == self->n) {
            message->form = WEIRI_FORM_INLINE;
        } else if (copy.form == WEIRI_FORM_CHUNK) {
            copy.as.chunk.chunk = weir_chunk_ref(copy.as.chunk.chunk);
        }
        copy.to = self->subscribers[i];
        status  = weiri_actor_send(actor, &copy);
        if (status != WEIR_OK) {
            weiri_message_drop(&copy);
        }
    }
    return status;
}

static weir_status
on_message(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    struct topic *self = state;
    switch (message->kind) {
    case WEIRI_KIND_SUBSCRIBE: {
        weir_status status = add(self, message->about);
        return status == WEIR_OK ? weiri_actor_monitor(actor, message->about) : status;
    }
    case WEIRI_KIND_UNSUBSCRIBE:
    case WEIRI_KIND_DOWN: drop(self, message->about); return WEIR_OK;
    default: break;
    }
    weir_status status = publish(actor, self, message);
    return status == WEIR_OK
               ? WEIR_OK
               : WEIR_FAIL(err, status, "a topic cannot pass on what it got: %s",
                   status == WEIR_EINVAL ? "a subscriber is not at a deeper level, or "
                                           "bytes with one owner have several readers"
                                         : weir_status_text(status));
}

static void
fini(void *state)
{
    free(((struct topic *)state)->subscribers);
}

const weiri_behaviour weiri_topic_behaviour = {
    .size       = sizeof(weiri_behaviour),
    .name       = "topic",
    .state_size = sizeof(struct topic),
    .on_message = on_message,
    .fini       = fini,
};

static weir_status
tell_topic(weiri_actor *self, weiri_address topic, uint16_t kind)
{
    weiri_message message = {
        .to = topic, .about = weiri_actor_address(self), .kind = kind
    };
    return weiri_actor_signal(self, &message);
}

weir_status
weiri_actor_subscribe(weiri_actor *self, weiri_address topic)
{
    return tell_topic(self, topic, WEIRI_KIND_SUBSCRIBE);
}

weir_status
weiri_actor_unsubscribe(weiri_actor *self, weiri_address topic)
{
    return tell_topic(self, topic, WEIRI_KIND_UNSUBSCRIBE);
}
