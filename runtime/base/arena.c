/* weiri_arena: a list of blocks; small things are cut from the newest, large ones get a
 * block of their own.
 */
#include "weiri/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first block is small: there are programs by the thousand, with an arena each. */
enum { FIRST_BYTES = 1 << 10, BLOCK_BYTES = 16 << 10 };

struct block {
    struct block *next;
    size_t        used;
    size_t        size;
    alignas(max_align_t) char bytes[];
};

struct deferred {
    struct deferred *next;
    void (*fini)(void *context);
    void *context;
};

struct weiri_arena {
    struct block    *newest;
    struct deferred *deferred; /* in the blocks */
};

weiri_arena *
weiri_arena_new(void)
{
    return calloc(1, sizeof(weiri_arena));
}

void
weiri_arena_destroy(weiri_arena **self_p)
{
    if (*self_p == NULL) {
        return;
    }
    for (struct deferred *d = (*self_p)->deferred; d != NULL; d = d->next) {
        d->fini(d->context);
    }
    struct block *block = (*self_p)->newest;
    while (block != NULL) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(*self_p);
    *self_p = NULL;
}

static struct block *
add_block(weiri_arena *self, size_t size)
{
    size_t        more  = self->newest == NULL ? FIRST_BYTES : 2 * self->newest->size;
    size_t        least = more < BLOCK_BYTES ? more : BLOCK_BYTES;
    size_t        room  = size > least ? size : least;
    struct block *block = calloc(1, sizeof *block + room);
    if (block == NULL) {
        fputs("weir: out of memory while reading the rules\n", stderr);
        abort();
    }
    block->size  = room;
    block->next  = self->newest;
    self->newest = block;
    return block;
}

void *
weiri_arena_alloc(weiri_arena *self, size_t size)
{
    size_t rounded      = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct block *block = self->newest;
    if (block == NULL || block->size - block->used < rounded) {
        block = add_block(self, rounded);
    }
    void *place = block->bytes + block->used;
    block->used += rounded;
    return place;
}

void
weiri_arena_defer(weiri_arena *self, void (*fini)(void *context), void *context)
{
    struct deferred *deferred = weiri_arena_alloc(self, sizeof *deferred);
    *deferred                 = (struct deferred){ self->deferred, fini, context };
    self->deferred            = deferred;
}

char *
weiri_arena_text(weiri_arena *self, const char *text, size_t size)
{
    char *copy = weiri_arena_alloc(self, size + 1);
    if (size > 0) {
        memcpy(copy, text, size);
    }
    return copy;
}

char *
weiri_arena_format(weiri_arena *self, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size < 0) {
        return weiri_arena_text(self, "", 0);
    }
    char *text = weiri_arena_alloc(self, (size_t)size + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)size + 1, format, args);
    va_end(args);
    return text;
}

void *
weiri_arena_room(weiri_arena *self, void *items, size_t n, size_t item_size)
{
    if ((n & (n - 1)) != 0) {
        return items;
    }
    size_t room = n == 0 ? 1 : 2 * n;
    return weiri_arena_grow(self, items, n * item_size, room * item_size);
}

void *
weiri_arena_grow(weiri_arena *self, const void *old, size_t old_size, size_t new_size)
{
    void *place = weiri_arena_alloc(self, new_size);
    if (old_size > 0) {
        memcpy(place, old, old_size);
    }
    return place;
}
