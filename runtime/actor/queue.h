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
} weiri_queue;

WEIR_MUST_CHECK weir_status
weiri_queue_grow(weiri_queue *self);

/* Gives memory back where the queue is empty and was long. */
void
weiri_queue_shrink(weiri_queue *self);

/* Drops what is in it. */
void
weiri_queue_fini(weiri_queue *self);

/*   errors  WEIR_ENOMEM: unchanged */
WEIR_MUST_CHECK static inline weir_status
weiri_queue_push(weiri_queue *self, const weiri_message *message)
{
    if (self->n == self->capacity) {
        weir_status status = weiri_queue_grow(self);
        if (status != WEIR_OK) {
            return status;
        }
    }
    self->items[(self->head + self->n++) & (self->capacity - 1)] = *message;
    return WEIR_OK;
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

#endif
