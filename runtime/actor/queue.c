#include "queue.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST = 8, LONG = 4096 };

weir_status
weiri_queue_grow(weiri_queue *self)
{
    if (self->capacity > UINT32_MAX / 2) {
        return WEIR_ENOMEM;
    }
    uint32_t       capacity = self->capacity == 0 ? FIRST : self->capacity * 2;
    weiri_message *items    = malloc(capacity * sizeof *items);
    if (items == NULL) {
        return WEIR_ENOMEM;
    }
    uint32_t first = self->capacity - self->head;
    first          = first < self->n ? first : self->n;
    if (self->n > 0) {
        memcpy(items, self->items + self->head, first * sizeof *items);
        memcpy(items + first, self->items, (self->n - first) * sizeof *items);
    }
    if (self->is_read && self->was == NULL) {
        self->was = self->items;
    } else {
        free(self->items);
    }
    self->items    = items;
    self->head     = 0;
    self->capacity = capacity;
    return WEIR_OK;
}

weir_status
weiri_queue_push_front(weiri_queue *self, const weiri_message *message)
{
    weir_status status = self->n == self->capacity ? weiri_queue_grow(self) : WEIR_OK;
    if (status == WEIR_OK) {
        self->head              = (self->head - 1) & (self->capacity - 1);
        self->items[self->head] = *message;
        self->n++;
    }
    return status;
}

void
weiri_queue_forget(weiri_queue *self)
{
    free(self->was);
    self->was = NULL;
}

void
weiri_queue_shrink(weiri_queue *self)
{
    if (self->n == 0 && self->capacity > LONG) {
        free(self->items);
        *self = (weiri_queue){ 0 };
    }
}

void
weiri_queue_fini(weiri_queue *self)
{
    weiri_message message;
    while (self->n > 0) {
        weiri_queue_pop(self, &message);
        weiri_message_drop(&message);
    }
    free(self->items);
    *self = (weiri_queue){ 0 };
}
