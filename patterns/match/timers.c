#include "match/timers.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/assert.h"

void
weiri_timers_fini(weiri_timers *self)
{
    free(self->queue);
    free(self->heap);
    *self = (weiri_timers){ 0 };
}

static bool
is_before(const weiri_timer *a, const weiri_timer *b)
{
    return a->deadline_ns != b->deadline_ns ? a->deadline_ns < b->deadline_ns
           : a->start != b->start           ? a->start < b->start
                                            : a->run < b->run;
}

void
weiri_timers_append(weiri_timers *self, weiri_timer timer)
{
    self->queue[self->tail++ & (self->n_queue - 1)] = timer;
}

static int
compare_timers(const void *a, const void *b)
{
    const weiri_timer *x = a;
    const weiri_timer *y = b;
    if (is_before(x, y) || is_before(y, x)) {
        return is_before(x, y) ? -1 : 1;
    }
    return (x->partition > y->partition) - (x->partition < y->partition);
}

void
weiri_timers_sort(weiri_timers *self)
{
    weiri_assert(self->head == 0);
    if (self->tail > 0) {
        qsort(self->queue, self->tail, sizeof *self->queue, compare_timers);
    }
}

bool
weiri_timers_grow(weiri_timers *self)
{
    uint32_t     n     = self->n_queue > 0 ? self->n_queue * 2 : 16;
    weiri_timer *queue = n == 0 ? NULL : malloc(n * sizeof *queue);
    if (queue == NULL) {
        return false;
    }
    for (uint64_t i = self->head; i != self->tail; i++) {
        queue[i & (n - 1)] = self->queue[i & (self->n_queue - 1)];
    }
    free(self->queue);
    self->queue   = queue;
    self->n_queue = n;
    return true;
}

static void
sift_up(weiri_timers *self, uint32_t i)
{
    weiri_timer timer = self->heap[i];
    while (i > 0 && is_before(&timer, &self->heap[(i - 1) / 2])) {
        self->heap[i] = self->heap[(i - 1) / 2];
        i             = (i - 1) / 2;
    }
    self->heap[i] = timer;
}

static void
sift_down(weiri_timers *self, uint32_t i)
{
    weiri_timer timer = self->heap[i];
    for (uint32_t child = 2 * i + 1; child < self->n_heap; child = 2 * i + 1) {
        if (child + 1 < self->n_heap
            && is_before(&self->heap[child + 1], &self->heap[child])) {
            child++;
        }
        if (!is_before(&self->heap[child], &timer)) {
            break;
        }
        self->heap[i] = self->heap[child];
        i             = child;
    }
    self->heap[i] = timer;
}

bool
weiri_timers_push(weiri_timers *self, weiri_timer timer)
{
    if (self->n_heap == self->capacity_heap) {
        uint32_t     capacity = self->capacity_heap > 0 ? self->capacity_heap * 2 : 16;
        weiri_timer *heap =
            capacity == 0 ? NULL : realloc(self->heap, capacity * sizeof *heap);
        if (heap == NULL) {
            return false;
        }
        self->heap          = heap;
        self->capacity_heap = capacity;
    }
    self->heap[self->n_heap++] = timer;
    sift_up(self, self->n_heap - 1);
    return true;
}

static bool
is_queue_first(const weiri_timers *self)
{
    return self->head != self->tail
           && (self->n_heap == 0
               || !is_before(self->heap, &self->queue[self->head & (self->n_queue - 1)]));
}

const weiri_timer *
weiri_timers_first(const weiri_timers *self)
{
    if (is_queue_first(self)) {
        return &self->queue[self->head & (self->n_queue - 1)];
    }
    return self->n_heap > 0 ? self->heap : NULL;
}

weiri_timer
weiri_timers_pop(weiri_timers *self)
{
    if (is_queue_first(self)) {
        return self->queue[self->head++ & (self->n_queue - 1)];
    }
    weiri_timer first = self->heap[0];
    self->heap[0]     = self->heap[--self->n_heap];
    if (self->n_heap > 0) {
        sift_down(self, 0);
    }
    return first;
}

void
weiri_timers_sweep(
    weiri_timers *self, bool (*keep)(void *context, const weiri_timer *), void *context)
{
    uint64_t to = self->head;
    for (uint64_t i = self->head; i != self->tail; i++) {
        weiri_timer timer = self->queue[i & (self->n_queue - 1)];
        if (keep(context, &timer)) {
            self->queue[to++ & (self->n_queue - 1)] = timer;
        }
    }
    self->tail = to;
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->n_heap; i++) {
        if (keep(context, &self->heap[i])) {
            self->heap[n++] = self->heap[i];
        }
    }
    self->n_heap = n;
    for (uint32_t i = n / 2; i-- > 0;) {
        sift_down(self, i);
    }
}
