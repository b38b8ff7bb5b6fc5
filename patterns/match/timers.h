/* weiri_timers: deadlines in the order (deadline, first event).
 *
 * Deadlines of `within` come in order and stand in a queue; those of gaps go into
 * a heap. What a deadline was for may be gone when it is reached: its owner looks, and
 * has stale entries swept out when they outnumber the live ones.
 */
#ifndef WEIRI_TIMERS_H
#define WEIRI_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct weiri_timer {
    int64_t  deadline_ns;
    uint64_t start;     /* order of the first event of the match             */
    uint32_t partition; /* its number                                        */
    uint32_t run;       /* 0: all that began with that event                 */
} weiri_timer;

typedef struct weiri_timers {
    weiri_timer *queue; /* a ring of n_queue slots, a power of two */
    uint32_t     n_queue;
    uint64_t     head;
    uint64_t     tail;
    weiri_timer *heap;
    uint32_t     n_heap;
    uint32_t     capacity_heap;
} weiri_timers;

void
weiri_timers_fini(weiri_timers *self);

/* A deadline that is not before any in the queue. The queue must not be full.  */
void
weiri_timers_append(weiri_timers *self, weiri_timer timer);

static inline bool
weiri_timers_is_full(const weiri_timers *self)
{
    return self->tail - self->head == self->n_queue;
}

/* Put a queue into order that deadlines came to in none; nothing was taken from it. */
void
weiri_timers_sort(weiri_timers *self);

/* Twice the room in the queue. False when memory is out. */
bool
weiri_timers_grow(weiri_timers *self);

/* Any deadline. False when memory is out. */
bool
weiri_timers_push(weiri_timers *self, weiri_timer timer);

/* The earliest, NULL if there is none. */
const weiri_timer *
weiri_timers_first(const weiri_timers *self);

/* What stands `n` behind the first of the queue, NULL if nothing does. */
static inline const weiri_timer *
weiri_timers_ahead(const weiri_timers *self, uint32_t n)
{
    return self->tail - self->head > n
               ? &self->queue[(self->head + n) & (self->n_queue - 1)]
               : NULL;
}

/* Take the earliest. There is one. */
weiri_timer
weiri_timers_pop(weiri_timers *self);

/* Bytes of the deadlines that stand in it. */
static inline uint64_t
weiri_timers_bytes(const weiri_timers *self)
{
    return (self->tail - self->head + self->n_heap) * sizeof(weiri_timer);
}

/* Drop what `keep` is false for. It is asked in order for the queue, then for the heap.
 */
void
weiri_timers_sweep(
    weiri_timers *self, bool (*keep)(void *context, const weiri_timer *), void *context);

#endif
