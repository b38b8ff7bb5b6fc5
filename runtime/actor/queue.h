/* queue: messages in the order in which they came, in a ring that grows. `{0}` is empty.
 */
#ifndef ACTOR_QUEUE_H
#define ACTOR_QUEUE_H

#include "weiri/actor.h"

typedef struct weiri_queue {
    weiri_message *items; /* shape (capacity,), a power of two */
    uint32_t       head;
    uint32_t       n;
    uint32_t       capacity;
    bool is_read;       /* the first message is being worked off, in its place        */
    weiri_message *was; /* where it lies, if the ring has grown since                 */
} weiri_queue;

WEIR_MUST_CHECK weir_status
weiri_queue_grow(weiri_queue *self);

/* Give back where the message that was read lay. */
void
weiri_queue_forget(weiri_queue *self);

/* Gives memory back where the queue is empty and was long. */
void
weiri_queue_shrink(weiri_queue *self);

/* Drops what is in it. */
void
weiri_queue_fini(weiri_queue *self);

/* The place of the next message, to be filled. Not of a full queue. */
static inline weiri_message *
weiri_queue_put(weiri_queue *self)
{
    return &self->items[(self->head + self->n++) & (self->capacity - 1)];
}

/*   errors  WEIR_ENOMEM: unchanged */
WEIR_MUST_CHECK static inline weir_status
weiri_queue_push(weiri_queue *self, const weiri_message *message)
{
    weir_status status = self->n == self->capacity ? weiri_queue_grow(self) : WEIR_OK;
    if (status == WEIR_OK) {
        *weiri_queue_put(self) = *message;
    }
    return status;
}

/* In front of all others. */
WEIR_MUST_CHECK weir_status
weiri_queue_push_front(weiri_queue *self, const weiri_message *message);

/* Not of an empty one. */
static inline void
weiri_queue_pop(weiri_queue *self, weiri_message *out)
{
    *out       = self->items[self->head];
    self->head = (self->head + 1) & (self->capacity - 1);
    self->n--;
}

/* The first message, which stays where it is, whatever is pushed, until it is done. A
 * copy at each hop would cost more than all the rest of it: a copy by wide words of what
 * was just written by narrow ones waits for the memory pipeline. Not of an empty queue.
 */
static inline weiri_message *
weiri_queue_read(weiri_queue *self)
{
    self->is_read = true;
    return &self->items[self->head];
}

static inline void
weiri_queue_done(weiri_queue *self)
{
    self->is_read = false;
    self->head    = (self->head + 1) & (self->capacity - 1);
    self->n--;
    if (self->was != NULL) {
        weiri_queue_forget(self);
    }
}

#endif
