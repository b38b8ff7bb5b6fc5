/* weiri_text_pool: strings made while expressions run, forgotten together. */
#ifndef WEIRI_TEXTS_H
#define WEIRI_TEXTS_H

#include <stddef.h>

struct weiri_text_block;

typedef struct weiri_text_pool {
    struct weiri_text_block
        *first; /* blocks in use up to `current`, spare ones after it */
    struct weiri_text_block *current;
} weiri_text_pool;

/* The storage is yours; all zero is an empty pool. */
void
weiri_text_pool_fini(weiri_text_pool *self);

/* Room for `size` bytes, unaligned, until the pool is cleared. Strings are bounded one by
 * one, so that running out of memory ends the process with a message; never NULL. */
char *
weiri_text_pool_make(weiri_text_pool *self, size_t size);

/* Give back the unused end of the newest string: it was made with `made` bytes and
 * `kept` of them are needed. */
void
weiri_text_pool_shrink(weiri_text_pool *self, size_t made, size_t kept);

/* Forget all strings. Keeps some memory for the next ones. */
void
weiri_text_pool_clear(weiri_text_pool *self);

#endif
