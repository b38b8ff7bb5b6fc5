/* weiri_timer_wheel: nodes in one growing array, linked by index.
 *
 * `now` is the time up to which slots have been emptied, `limit` that up to which the
 * caller has advanced. Slots are emptied one at a time and only when nothing is due, so
 * that a timer that is set while others fire takes its place among them.
 */
#include "weiri/timer_wheel.h"

#include <stdlib.h>

enum { DIGIT = 6, SLOTS = 1 << DIGIT, WHEELS = 11, DUE = WHEELS * SLOTS, FIRST = 64 };

#define NONE UINT32_MAX

struct node {
    weiri_timer timer;
    uint64_t    sequence;
    uint32_t    next;
    uint32_t    previous;
    uint32_t    generation;
    uint32_t    list; /* which, NONE while free */
};

struct list {
    uint32_t first;
    uint32_t last;
};

struct weiri_timer_wheel {
    struct node *nodes; /* shape (capacity,) */
    uint32_t     capacity;
    uint32_t     max;
    uint32_t     free; /* first of the free nodes, by `next` */
    uint32_t     n;
    uint64_t     sequence;
    uint64_t     now;   /* as an unsigned number that orders like the time */
    uint64_t     limit; /* deadlines before it are due                     */
    uint64_t     used[WHEELS];
    struct list  lists[WHEELS * SLOTS + 1]; /* the last: due, in order */
};

static uint64_t
key_of(int64_t time_ns)
{
    return (uint64_t)time_ns ^ (UINT64_C(1) << 63);
}

weir_status
weiri_timer_wheel_new(uint32_t max_timers, weiri_timer_wheel **out)
{
    weiri_timer_wheel *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->max  = max_timers;
    self->free = NONE;
    for (uint32_t i = 0; i <= DUE; i++) {
        self->lists[i] = (struct list){ NONE, NONE };
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_timer_wheel_destroy(weiri_timer_wheel **self_p)
{
    if (*self_p != NULL) {
        free((*self_p)->nodes);
        free(*self_p);
        *self_p = NULL;
    }
}

/* ---- lists ---- */

static bool
comes_before(const struct node *a, const struct node *b)
{
    return a->timer.deadline_ns != b->timer.deadline_ns
               ? a->timer.deadline_ns < b->timer.deadline_ns
               : a->sequence < b->sequence;
}

/* Behind `after`; NONE: first. */
static void
link_after(weiri_timer_wheel *self, uint32_t list, uint32_t after, uint32_t index)
{
    struct list *of   = &self->lists[list];
    struct node *node = &self->nodes[index];
    node->list        = list;
    node->previous    = after;
    node->next        = after == NONE ? of->first : self->nodes[after].next;
    if (node->next == NONE) {
        of->last = index;
    } else {
        self->nodes[node->next].previous = index;
    }
    if (after == NONE) {
        of->first = index;
    } else {
        self->nodes[after].next = index;
    }
}

static void
unlink_node(weiri_timer_wheel *self, uint32_t index)
{
    struct node *node = &self->nodes[index];
    struct list *of   = &self->lists[node->list];
    if (node->previous == NONE) {
        of->first = node->next;
    } else {
        self->nodes[node->previous].next = node->next;
    }
    if (node->next == NONE) {
        of->last = node->previous;
    } else {
        self->nodes[node->next].previous = node->previous;
    }
    if (of->first == NONE && node->list != DUE) {
        self->used[node->list / SLOTS] &= ~(UINT64_C(1) << node->list % SLOTS);
    }
}

/* Where a node belongs, seen from now. What is due is kept in order: timers come nearly
 * so, and the search from the end is short. */
static void
place(weiri_timer_wheel *self, uint32_t index)
{
    struct node *node = &self->nodes[index];
    uint64_t     key  = key_of(node->timer.deadline_ns);
    if (key <= self->now) {
        uint32_t after = self->lists[DUE].last;
        while (after != NONE && comes_before(node, &self->nodes[after])) {
            after = self->nodes[after].previous;
        }
        link_after(self, DUE, after, index);
        return;
    }
    uint32_t wheel = (uint32_t)(63 - __builtin_clzll(key ^ self->now)) / DIGIT;
    uint32_t slot  = (uint32_t)(key >> wheel * DIGIT) % SLOTS;
    self->used[wheel] |= UINT64_C(1) << slot;
    link_after(self, wheel * SLOTS + slot, self->lists[wheel * SLOTS + slot].last, index);
}

/* ---- time ---- */

/* The first slot that is used and the time at which it begins; false: none is. Timers of
 * a lower wheel are all before those of a higher one. */
static bool
first_slot(const weiri_timer_wheel *self, uint32_t *list, uint64_t *begins)
{
    for (uint32_t wheel = 0; wheel < WHEELS; wheel++) {
        if (self->used[wheel] == 0) {
            continue;
        }
        uint32_t slot  = (uint32_t)__builtin_ctzll(self->used[wheel]);
        uint32_t shift = wheel * DIGIT;
        uint64_t above =
            shift + DIGIT >= 64 ? 0 : self->now >> (shift + DIGIT) << (shift + DIGIT);
        *list   = wheel * SLOTS + slot;
        *begins = above | (uint64_t)slot << shift;
        return true;
    }
    return false;
}

/* Merge two ascending chains by `next`. */
static uint32_t
merge_chains(weiri_timer_wheel *self, uint32_t a, uint32_t b)
{
    uint32_t  head = NONE;
    uint32_t *tail = &head;
    while (a != NONE && b != NONE) {
        uint32_t *smaller = comes_before(&self->nodes[b], &self->nodes[a]) ? &b : &a;
        *tail             = *smaller;
        tail              = &self->nodes[*smaller].next;
        *smaller          = *tail;
    }
    *tail = a != NONE ? a : b;
    return head;
}

/* A chain by `next` in order: runs that ascend already are merged, like the carries of a
 * binary counter. */
static uint32_t
sort_chain(weiri_timer_wheel *self, uint32_t first)
{
    uint32_t runs[32];
    for (uint32_t i = 0; i < 32; i++) {
        runs[i] = NONE;
    }
    while (first != NONE) {
        uint32_t run = first;
        uint32_t end = first;
        while (self->nodes[end].next != NONE
               && comes_before(&self->nodes[end], &self->nodes[self->nodes[end].next])) {
            end = self->nodes[end].next;
        }
        first                 = self->nodes[end].next;
        self->nodes[end].next = NONE;
        uint32_t i            = 0;
        for (; i < 31 && runs[i] != NONE; i++) {
            run     = merge_chains(self, runs[i], run);
            runs[i] = NONE;
        }
        runs[i] = merge_chains(self, runs[i], run);
    }
    uint32_t all = NONE;
    for (uint32_t i = 0; i < 32; i++) {
        all = merge_chains(self, runs[i], all);
    }
    return all;
}

/* What a slot held came there in turns, from further wheels and directly. */
static void
order_due(weiri_timer_wheel *self)
{
    uint32_t previous      = NONE;
    uint32_t index         = sort_chain(self, self->lists[DUE].first);
    self->lists[DUE].first = index;
    for (; index != NONE; index = self->nodes[index].next) {
        self->nodes[index].previous = previous;
        previous                    = index;
    }
    self->lists[DUE].last = previous;
}

/* Time goes on to the first slot that is used, whose timers find their places anew. */
static bool
turn(weiri_timer_wheel *self)
{
    uint32_t list   = 0;
    uint64_t begins = 0;
    if (!first_slot(self, &list, &begins) || begins >= self->limit) {
        /* Nothing lies between, so that no timer changes its place. */
        self->now =
            self->limit > 0 && self->limit - 1 > self->now ? self->limit - 1 : self->now;
        return false;
    }
    uint32_t index    = self->lists[list].first;
    self->now         = begins;
    self->lists[list] = (struct list){ NONE, NONE };
    self->used[list / SLOTS] &= ~(UINT64_C(1) << list % SLOTS);
    while (index != NONE) {
        uint32_t next = self->nodes[index].next;
        if (key_of(self->nodes[index].timer.deadline_ns) == begins) {
            link_after(self, DUE, self->lists[DUE].last, index);
        } else {
            place(self, index);
        }
        index = next;
    }
    order_due(self);
    return true;
}

void
weiri_timer_wheel_advance(weiri_timer_wheel *self, int64_t to_ns)
{
    uint64_t to = key_of(to_ns);
    self->limit = to > self->limit ? to : self->limit;
}

int64_t
weiri_timer_wheel_now(const weiri_timer_wheel *self)
{
    return (int64_t)(self->limit ^ (UINT64_C(1) << 63));
}

static uint32_t
first_due(weiri_timer_wheel *self)
{
    while (self->lists[DUE].first == NONE) {
        if (!turn(self)) {
            return NONE;
        }
    }
    uint32_t first = self->lists[DUE].first;
    return key_of(self->nodes[first].timer.deadline_ns) < self->limit ? first : NONE;
}

const weiri_timer *
weiri_timer_wheel_peek(weiri_timer_wheel *self)
{
    uint32_t first = self->n == 0 ? NONE : first_due(self);
    return first == NONE ? NULL : &self->nodes[first].timer;
}

int64_t
weiri_timer_wheel_next(const weiri_timer_wheel *self)
{
    uint32_t list   = 0;
    uint64_t begins = 0;
    if (self->lists[DUE].first != NONE) {
        return self->nodes[self->lists[DUE].first].timer.deadline_ns;
    }
    return first_slot(self, &list, &begins) ? (int64_t)(begins ^ (UINT64_C(1) << 63))
                                            : INT64_MAX;
}

/* ---- timers ---- */

static weir_status
take_node(weiri_timer_wheel *self, uint32_t *out)
{
    if (self->n == self->max) {
        return WEIR_EFULL;
    }
    if (self->free == NONE) {
        uint32_t     capacity = self->capacity == 0 ? FIRST : self->capacity * 2;
        struct node *nodes    = realloc(self->nodes, capacity * sizeof *nodes);
        if (nodes == NULL) {
            return WEIR_ENOMEM;
        }
        self->nodes = nodes;
        for (uint32_t i = capacity; i > self->capacity; i--) {
            nodes[i - 1] = (struct node){ .next = self->free, .list = NONE };
            self->free   = i - 1;
        }
        self->capacity = capacity;
    }
    *out       = self->free;
    self->free = self->nodes[*out].next;
    self->n++;
    return WEIR_OK;
}

static void
give_node(weiri_timer_wheel *self, uint32_t index)
{
    struct node *node = &self->nodes[index];
    node->generation++;
    node->list = NONE;
    node->next = self->free;
    self->free = index;
    self->n--;
}

weir_status
weiri_timer_wheel_set(weiri_timer_wheel *self, const weiri_timer *timer, uint64_t *id)
{
    uint32_t    index  = 0;
    weir_status status = take_node(self, &index);
    if (status != WEIR_OK) {
        return status;
    }
    struct node *node = &self->nodes[index];
    node->timer       = *timer;
    node->sequence    = self->sequence++;
    place(self, index);
    if (id != NULL) {
        *id = (uint64_t)node->generation << 32 | (index + 1);
    }
    return WEIR_OK;
}

bool
weiri_timer_wheel_cancel(weiri_timer_wheel *self, uint64_t id)
{
    uint32_t index = (uint32_t)id - 1;
    if ((uint32_t)id == 0 || index >= self->capacity || self->nodes[index].list == NONE
        || self->nodes[index].generation != (uint32_t)(id >> 32)) {
        return false;
    }
    unlink_node(self, index);
    give_node(self, index);
    return true;
}

void
weiri_timer_wheel_pop(weiri_timer_wheel *self)
{
    uint32_t first = self->n == 0 ? NONE : first_due(self);
    if (first != NONE) {
        unlink_node(self, first);
        give_node(self, first);
    }
}

uint32_t
weiri_timer_wheel_size(const weiri_timer_wheel *self)
{
    return self->n;
}
