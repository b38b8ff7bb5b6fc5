/* weiri_arena: memory that is freed all at once. For plans and syntax trees. */
#ifndef WEIRI_ARENA_H
#define WEIRI_ARENA_H

#include <stddef.h>

typedef struct weiri_arena weiri_arena;

/* NULL when memory is out. */
weiri_arena *
weiri_arena_new(void);

void
weiri_arena_destroy(weiri_arena **self_p);

/* Have `fini(context)` called when the arena is destroyed: before its memory goes, the
 * last one asked for first. For what a plan borrows from elsewhere. */
void
weiri_arena_defer(weiri_arena *self, void (*fini)(void *context), void *context);

/* Zeroed, aligned for any type. Plans are bounded by the size of the rule text,
 * so running out of memory here ends the process with a message instead of
 * threading an error through every tree constructor; never returns NULL. */
void *
weiri_arena_alloc(weiri_arena *self, size_t size);

/* A copy of `size` bytes, with a zero byte after them. */
char *
weiri_arena_text(weiri_arena *self, const char *text, size_t size);

/* snprintf into the arena. */
char *
weiri_arena_format(weiri_arena *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void *
weiri_arena_grow(weiri_arena *self, const void *old, size_t old_size, size_t new_size);

/* `items`, an array of n items, or a copy of it with room for one more where it is full:
 * that is when n is zero or a power of two. */
void *
weiri_arena_room(weiri_arena *self, void *items, size_t n, size_t item_size);

/* Append to an array in an arena. */
#define WEIRI_ARENA_PUSH(arena, items, n, value)                                         \
    ((items)         = weiri_arena_room((arena), (items), (n), sizeof(*(items))),        \
        (items)[(n)] = (value), (n)++)

#endif
