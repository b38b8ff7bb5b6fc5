/* level_set: which levels; the deepest is found in two steps. */
#ifndef ACTOR_LEVELS_H
#define ACTOR_LEVELS_H

#include <stdbool.h>
#include <stdint.h>

#include "weiri/limits.h"

typedef struct weiri_level_set {
    uint64_t words[WEIRI_LEVELS / 64 + 1];
    uint32_t used; /* which words are not zero */
} weiri_level_set;

static inline void
weiri_level_set_add(weiri_level_set *self, uint32_t level)
{
    self->words[level / 64] |= UINT64_C(1) << level % 64;
    self->used |= 1U << level / 64 % 32;
}

static inline void
weiri_level_set_remove(weiri_level_set *self, uint32_t level)
{
    self->words[level / 64] &= ~(UINT64_C(1) << level % 64);
    if (self->words[level / 64] == 0) {
        self->used &= ~(1U << level / 64 % 32);
    }
}

/* -1 of an empty set. */
static inline int32_t
weiri_level_set_deepest(const weiri_level_set *self)
{
    if (self->used == 0) {
        return -1;
    }
    int32_t word = 31 - __builtin_clz(self->used);
    return word * 64 + 63 - __builtin_clzll(self->words[word]);
}

#endif
