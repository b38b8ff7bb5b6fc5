#include "match/blocks.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLAB = 1 << 12, LARGEST_SLAB = 1 << 18 };

/* What stands before a slab, and before a large block. */
struct weiri_slab {
    weiri_slab *next;
    weiri_slab *before; /* of large ones */
};

static uint32_t
bits_of(size_t size)
{
    size_t smallest = (size_t)1 << WEIRI_BLOCK_FIRST_BITS;
    return size <= smallest ? WEIRI_BLOCK_FIRST_BITS
                            : 64U - (uint32_t)__builtin_clzll(size - 1);
}

static void
free_all(weiri_slab *slab)
{
    while (slab != NULL) {
        weiri_slab *next = slab->next;
        free(slab);
        slab = next;
    }
}

void
weiri_blocks_fini(weiri_blocks *self)
{
    free_all(self->slabs);
    free_all(self->large);
    *self = (weiri_blocks){ 0 };
}

static void *
take_large(weiri_blocks *self, uint32_t bits)
{
    weiri_slab *slab = bits < 48 ? malloc(sizeof *slab + ((size_t)1 << bits)) : NULL;
    if (slab == NULL) {
        return NULL;
    }
    slab->before = NULL;
    slab->next   = self->large;
    if (slab->next != NULL) {
        slab->next->before = slab;
    }
    self->large = slab;
    return slab + 1;
}

static void
give_large(weiri_blocks *self, void *block)
{
    weiri_slab *slab = (weiri_slab *)block - 1;
    if (slab->next != NULL) {
        slab->next->before = slab->before;
    }
    if (slab->before != NULL) {
        slab->before->next = slab->next;
    } else {
        self->large = slab->next;
    }
    free(slab);
}

/* Slabs double in size, so that a rule with few partitions has little. */
static bool
add_slab(weiri_blocks *self)
{
    size_t      size = self->slab_size == 0             ? FIRST_SLAB
                       : self->slab_size < LARGEST_SLAB ? self->slab_size * 2
                                                        : self->slab_size;
    weiri_slab *slab = malloc(sizeof *slab + size);
    if (slab == NULL) {
        return false;
    }
    slab->next      = self->slabs;
    self->slabs     = slab;
    self->slab_size = size;
    self->next      = (char *)(slab + 1);
    self->n_left    = size;
    return true;
}

static void *
take_small(weiri_blocks *self, uint32_t bits)
{
    void *block = self->free[bits];
    if (block != NULL) {
        memcpy(&self->free[bits], block, sizeof block);
        return block;
    }
    if (self->n_left < (size_t)1 << bits && !add_slab(self)) {
        return NULL;
    }
    block = self->next;
    self->next += (size_t)1 << bits;
    self->n_left -= (size_t)1 << bits;
    return block;
}

void *
weiri_blocks_take(weiri_blocks *self, size_t size)
{
    uint32_t bits = bits_of(size);
    void    *block =
        bits > WEIRI_BLOCK_SMALL_BITS ? take_large(self, bits) : take_small(self, bits);
    self->n_taken += block != NULL ? UINT64_C(1) << bits : 0;
    return block;
}

void
weiri_blocks_give(weiri_blocks *self, void *block, size_t size)
{
    uint32_t bits = bits_of(size);
    self->n_taken -= UINT64_C(1) << bits;
    if (bits > WEIRI_BLOCK_SMALL_BITS) {
        give_large(self, block);
        return;
    }
    memcpy(block, &self->free[bits], sizeof block);
    self->free[bits] = block;
}
