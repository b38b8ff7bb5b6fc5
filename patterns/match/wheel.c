#include "match/wheel.h"

#include <stdlib.h>

/* A bucket is between a 32nd and a 64th of the window wide. */
void
weiri_wheel_init(weiri_wheel *self, int64_t within_ns)
{
    uint64_t width = (uint64_t)within_ns / 32;
    *self          = (weiri_wheel){ .next_ns = INT64_MAX };
    self->shift    = width > 0 ? 63U - (unsigned)__builtin_clzll(width) : 0;
}

void
weiri_wheel_fini(weiri_wheel *self)
{
    for (uint32_t i = 0; i < WEIRI_WHEEL_BUCKETS; i++) {
        free(self->buckets[i].items);
    }
    *self = (weiri_wheel){ .next_ns = INT64_MAX };
}

/* Times may be before 1970. */
static uint64_t
number_of(const weiri_wheel *self, int64_t deadline_ns)
{
    return ((uint64_t)deadline_ns ^ UINT64_C(1) << 63) >> self->shift;
}

static int64_t
end_of(const weiri_wheel *self, uint64_t number)
{
    uint64_t end = number << self->shift | ((UINT64_C(1) << self->shift) - 1);
    return (int64_t)(end ^ UINT64_C(1) << 63);
}

static void
find_next(weiri_wheel *self)
{
    self->next_ns = INT64_MAX;
    while (self->n > 0) {
        if (self->buckets[self->base % WEIRI_WHEEL_BUCKETS].n > 0) {
            self->next_ns = end_of(self, self->base);
            return;
        }
        self->base++;
    }
}

/* The bucket of a deadline. What is too far from the others comes with the nearest of
 * them: too early, and is then added again, or too late. */
static uint64_t
place_of(weiri_wheel *self, int64_t deadline_ns)
{
    uint64_t number = number_of(self, deadline_ns);
    if (self->n == 0) {
        self->base = number;
        self->last = number;
    }
    if (number < self->base && self->last - number < WEIRI_WHEEL_BUCKETS) {
        self->base = number;
    }
    if (number < self->base) {
        return self->base;
    }
    if (number - self->base >= WEIRI_WHEEL_BUCKETS) {
        number = self->base + WEIRI_WHEEL_BUCKETS - 1;
    }
    self->last = number > self->last ? number : self->last;
    return number;
}

bool
weiri_wheel_add(
    weiri_wheel *self, int64_t deadline_ns, uint32_t partition, uint64_t *number)
{
    *number                    = place_of(self, deadline_ns);
    weiri_wheel_bucket *bucket = &self->buckets[*number % WEIRI_WHEEL_BUCKETS];
    if (bucket->n == bucket->capacity) {
        uint32_t  capacity = bucket->capacity > 0 ? bucket->capacity * 2 : 16;
        uint32_t *items =
            capacity == 0 ? NULL : realloc(bucket->items, capacity * sizeof *items);
        if (items == NULL) {
            return false;
        }
        bucket->items    = items;
        bucket->capacity = capacity;
    }
    bucket->items[bucket->n++] = partition;
    self->n++;
    int64_t end_ns = end_of(self, *number);
    self->next_ns  = end_ns < self->next_ns ? end_ns : self->next_ns;
    return true;
}

weiri_wheel_bucket
weiri_wheel_take(weiri_wheel *self)
{
    weiri_wheel_bucket *first = &self->buckets[self->base % WEIRI_WHEEL_BUCKETS];
    weiri_wheel_bucket  taken = *first;
    taken.number              = self->base;
    *first                    = (weiri_wheel_bucket){ 0 };
    self->n -= taken.n;
    self->base++;
    find_next(self);
    return taken;
}

uint64_t
weiri_wheel_bytes(const weiri_wheel *self)
{
    return self->n * sizeof(uint32_t);
}
