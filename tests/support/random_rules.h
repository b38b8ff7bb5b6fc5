/* Random sets of rules over streams `s` and `t`, and random events of theirs: patterns,
 * windows and filters by different keys, over the events of sources and over what other
 * rules emit, four ranks deep. */
#ifndef RANDOM_RULES_H
#define RANDOM_RULES_H

#include <stdint.h>

#include "weir/chunk.h"

typedef struct random_rules {
    char    *text; /* shape (used,), the caller frees it */
    size_t   used;
    uint64_t seed;
} random_rules;

/* A number < n. */
uint32_t
random_pick(random_rules *self, uint32_t n);

/* Write a set anew. */
void
random_rules_write(random_rules *self);

/* Append an event of `s` or `t` to a chunk that has room. */
void
random_event(random_rules *self, weir_chunk *chunk, int64_t time_ns, uint64_t order);

#endif
