/* weiri_blocks: pieces of memory of a power of two bytes, for arrays that grow and
 * shrink.
 *
 * Small ones are cut from slabs and kept for the next who asks, so that an array of a few
 * items costs little more than its items; large ones come from and go to the system.
 */
#ifndef WEIRI_BLOCKS_H
#define WEIRI_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WEIRI_BLOCK_FIRST_BITS = 6, /* the smallest has 64 bytes      */
    WEIRI_BLOCK_SMALL_BITS = 12 /* up to this they come from slabs */
};

typedef struct weiri_slab weiri_slab;

typedef struct weiri_blocks {
    void *free[WEIRI_BLOCK_SMALL_BITS + 1]; /* lists, by the logarithm of the size */
    weiri_slab *slabs;
    weiri_slab *large;
    char       *next; /* what is left of the last slab */
    size_t      n_left;
    size_t      slab_size; /* of the last slab */
    uint64_t    n_taken;   /* bytes of blocks that are taken */
} weiri_blocks;

/* Everything that was taken is gone. */
void
weiri_blocks_fini(weiri_blocks *self);

/* 2^bits bytes for at least `size`, in multiples of 8. Zero it to begin with.
 *
 *   returns  NULL when memory is out
 */
void *
weiri_blocks_take(weiri_blocks *self, size_t size);

/* `size` as it was asked for. */
void
weiri_blocks_give(weiri_blocks *self, void *block, size_t size);

/* Bytes of what is taken and was not given back. */
static inline uint64_t
weiri_blocks_bytes(const weiri_blocks *self)
{
    return self->n_taken;
}

#endif
