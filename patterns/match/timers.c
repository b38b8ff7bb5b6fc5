#include "match/timers.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/assert.h"

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, FEW_TIMERS = 1000 };

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

static bool
is_sorted(const weiri_timers *self)
{
    for (uint64_t i = 1; i < self->tail; i++) {
        if (compare_timers(&self->queue[i - 1], &self->queue[i]) > 0) {
            return false;
        }
    }
    return true;
}

/* One pass of a radix sort (Knuth, TAOCP 3, 5.2.5 R): stable, by some bits of the start.
 */
static void
distribute(
    const weiri_timer *from, uint64_t n, uint64_t least, uint32_t shift, weiri_timer *to)
{
    uint64_t ends[DIGITS] = { 0 };
    uint64_t sum          = 0;
    for (uint64_t i = 0; i < n; i++) {
        ends[(from[i].start - least) >> shift & (DIGITS - 1)]++;
    }
    for (uint32_t d = 0; d < DIGITS; d++) {
        uint64_t count = ends[d];
        ends[d]        = sum;
        sum += count;
    }
    for (uint64_t i = 0; i < n; i++) {
        to[ends[(from[i].start - least) >> shift & (DIGITS - 1)]++] = from[i];
    }
}

/* By the first events' order, which nearly always is that of the deadlines. */
static void
sort_by_start(weiri_timers *self)
{
    uint64_t     least = UINT64_MAX;
    uint64_t     most  = 0;
    weiri_timer *other = malloc(self->n_queue * sizeof *other);
    for (uint64_t i = 0; i < self->tail; i++) {
        uint64_t start = self->queue[i].start;
        least          = start < least ? start : least;
        most           = start > most ? start : most;
    }
    uint64_t rest = most - least;
    for (uint32_t shift = 0; other != NULL && rest > 0; shift += DIGIT_BITS) {
        weiri_timer *from = self->queue;
        distribute(from, self->tail, least, shift, other);
        self->queue = other;
        other       = from;
        rest >>= DIGIT_BITS;
    }
    free(other);
}

void
weiri_timers_sort(weiri_timers *self)
{
    weiri_assert(self->head == 0);
    if (self->tail > FEW_TIMERS && !is_sorted(self)) {
        sort_by_start(self);
    }
    if (self->tail > 0 && !is_sorted(self)) {
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
