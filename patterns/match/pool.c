#include "match/pool.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/hugepages.h"

static bool
add_block(weiri_pool *self, uint32_t item)
{
    uint64_t place = (uint64_t)item + (1U << WEIRI_POOL_FIRST_BITS);
    uint32_t top   = 63U - (uint32_t)__builtin_clzll(place);
    uint32_t block = top - WEIRI_POOL_FIRST_BITS;
    if (block >= WEIRI_POOL_BLOCKS) {
        return false;
    }
    if (self->blocks[block] == NULL) {
        self->blocks[block] = weiri_malloc_huge(self->item_size << top);
    }
    return self->blocks[block] != NULL;
}

bool
weiri_pool_init(weiri_pool *self, size_t item_size)
{
    *self = (weiri_pool){ .item_size = item_size, .n_made = 1 };
    if (!add_block(self, 0)) {
        return false;
    }
    memset(weiri_pool_at(self, 0), 0, item_size);
    return true;
}

void
weiri_pool_fini(weiri_pool *self)
{
    for (uint32_t i = 0; i < WEIRI_POOL_BLOCKS; i++) {
        free(self->blocks[i]);
    }
    *self = (weiri_pool){ 0 };
}

uint32_t
weiri_pool_take(weiri_pool *self)
{
    uint32_t item = self->free;
    if (item != 0) {
        memcpy(&self->free, weiri_pool_at(self, item), sizeof self->free);
        self->n_live++;
        return item;
    }
    if (self->n_made == UINT32_MAX || !add_block(self, self->n_made)) {
        self->is_out_of_memory = true;
        return 0;
    }
    item = self->n_made++;
    memset(weiri_pool_at(self, item), 0, self->item_size);
    self->n_live++;
    return item;
}

void
weiri_pool_give(weiri_pool *self, uint32_t item)
{
    if (item != 0) {
        memcpy(weiri_pool_at(self, item), &self->free, sizeof self->free);
        self->free = item;
        self->n_live--;
    }
}
