/* weiri_wheel: which partitions to look after when, to within a part of the window.
 *
 * For state whose end nobody sees: it may be let go some time after its deadline, so
 * deadlines need no order among themselves, only a bucket. A bucket is worked off at
 * once, which lets memory be brought near before it is needed.
 *
 * Source: hashed timing wheels, Varghese and Lauck, SOSP 1987.
 */
#ifndef WEIRI_WHEEL_H
#define WEIRI_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

enum { WEIRI_WHEEL_BUCKETS = 128 };

typedef struct weiri_wheel_bucket {
    uint64_t  number;
    uint32_t *items; /* numbers of partitions */
    uint32_t  n;
    uint32_t  capacity;
} weiri_wheel_bucket;

typedef struct weiri_wheel {
    weiri_wheel_bucket buckets[WEIRI_WHEEL_BUCKETS];
    unsigned           shift; /* a bucket is 2^shift nanoseconds wide            */
    uint64_t           base;  /* number of the first bucket with items           */
    uint64_t           last;  /* … and of the last that had some                 */
    uint64_t           n;     /* items in all buckets                            */
    int64_t            next_ns;
} weiri_wheel;

/* `within_ns` >= 0: how far deadlines are apart at most. */
void
weiri_wheel_init(weiri_wheel *self, int64_t within_ns);

void
weiri_wheel_fini(weiri_wheel *self);

/* Have a partition looked after at a deadline. Once it has been added again it should be
 * passed over in other buckets than the last, whose number this gives.
 *
 *   returns  false when memory is out
 */
bool
weiri_wheel_add(
    weiri_wheel *self, int64_t deadline_ns, uint32_t partition, uint64_t *number);

/* All deadlines of the first bucket with items are at most this; INT64_MAX: none. */
static inline int64_t
weiri_wheel_next(const weiri_wheel *self)
{
    return self->next_ns;
}

/* Take the first bucket with items, of which there is one. The caller frees them. */
weiri_wheel_bucket
weiri_wheel_take(weiri_wheel *self);

/* Bytes of the items that are held. */
uint64_t
weiri_wheel_bytes(const weiri_wheel *self);

#endif
