#include "expr/texts.h"

#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 64 << 10, KEPT_BYTES = 4 << 20 };

struct weiri_text_block {
    struct weiri_text_block *next;
    size_t                   used;
    size_t                   size;
    char                     bytes[];
};

static void
free_blocks(struct weiri_text_block *block)
{
    while (block != NULL) {
        struct weiri_text_block *next = block->next;
        free(block);
        block = next;
    }
}

void
weiri_text_pool_fini(weiri_text_pool *self)
{
    free_blocks(self->first);
    *self = (weiri_text_pool){ 0 };
}

/* A new block after the current one; the spare ones stay behind it. */
static void
add_block(weiri_text_pool *self, size_t size)
{
    size_t                   room  = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    struct weiri_text_block *block = malloc(sizeof *block + room);
    if (block == NULL) {
        fputs("weir: out of memory while making a string\n", stderr);
        abort();
    }
    block->size = room;
    block->used = 0;
    if (self->current == NULL) {
        block->next = self->first;
        self->first = block;
    } else {
        block->next         = self->current->next;
        self->current->next = block;
    }
    self->current = block;
}

char *
weiri_text_pool_make(weiri_text_pool *self, size_t size)
{
    struct weiri_text_block *block = self->current;
    if (block == NULL || block->size - block->used < size) {
        struct weiri_text_block *spare = block == NULL ? self->first : block->next;
        if (spare != NULL && spare->size >= size) {
            spare->used   = 0;
            self->current = spare;
        } else {
            add_block(self, size);
        }
        block = self->current;
    }
    char *place = block->bytes + block->used;
    block->used += size;
    return place;
}

void
weiri_text_pool_shrink(weiri_text_pool *self, size_t made, size_t kept)
{
    self->current->used -= made - kept;
}

void
weiri_text_pool_clear(weiri_text_pool *self)
{
    size_t kept = 0;
    for (struct weiri_text_block *block = self->first; block != NULL;
         block                          = block->next) {
        kept += block->size;
        if (kept + (block->next == NULL ? 0 : block->next->size) > KEPT_BYTES) {
            free_blocks(block->next);
            block->next = NULL;
        }
    }
    self->current = NULL;
}
