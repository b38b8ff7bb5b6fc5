/* weiri_pool: items of one size under small numbers, which never move.
 *
 * Item 0 is never given out: it is nobody, and a scratch item when memory is out, so
 * that callers need not check every step of a turn. Blocks double in size, so a small
 * pool is small and finding an item takes a shift and a load.
 */
#ifndef WEIRI_POOL_H
#define WEIRI_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WEIRI_POOL_FIRST_BITS = 5, WEIRI_POOL_BLOCKS = 32 - WEIRI_POOL_FIRST_BITS };

typedef struct weiri_pool {
    char    *blocks[WEIRI_POOL_BLOCKS]; /* block k has 2^(k + FIRST_BITS) items */
    size_t   item_size;
    uint32_t n_made; /* item 0 included                  */
    uint32_t free;   /* its first four bytes link to the next */
    uint32_t n_live;
    bool     is_out_of_memory;
} weiri_pool;

/* False when memory is out. item_size >= 4. */
bool
weiri_pool_init(weiri_pool *self, size_t item_size);

void
weiri_pool_fini(weiri_pool *self);

static inline void *
weiri_pool_at(const weiri_pool *self, uint32_t item)
{
    uint64_t place = (uint64_t)item + (1U << WEIRI_POOL_FIRST_BITS);
    uint32_t top   = 63U - (uint32_t)__builtin_clzll(place);
    return self->blocks[top - WEIRI_POOL_FIRST_BITS]
           + (place - (UINT64_C(1) << top)) * self->item_size;
}

/* Bytes of the items that are given out. */
static inline uint64_t
weiri_pool_bytes(const weiri_pool *self)
{
    return self->n_live * (uint64_t)self->item_size;
}

/* Its bytes are what the last owner left, zero if there was none; the first four are
 * anything. */
uint32_t
weiri_pool_take(weiri_pool *self);

void
weiri_pool_give(weiri_pool *self, uint32_t item);

#endif
