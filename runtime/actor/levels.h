/* level_set: which levels; the deepest is known. `{0}` is empty. */
#ifndef ACTOR_LEVELS_H
#define ACTOR_LEVELS_H

#include <stdbool.h>
#include <stdint.h>

#include "weiri/limits.h"

_Static_assert(WEIRI_LEVELS / 64 < 32, "a bit for each word of a level set");

typedef struct weiri_level_set {
    uint64_t words[WEIRI_LEVELS / 64 + 1];
    uint32_t used;  /* which words are not zero       */
    int32_t  above; /* the deepest plus 1; 0: it is empty */
} weiri_level_set;

static inline void
weiri_level_set_add(weiri_level_set *self, uint32_t level)
{
    self->words[level / 64] |= UINT64_C(1) << level % 64;
    self->used |= 1U << level / 64;
    if (self->above <= (int32_t)level) {
        self->above = (int32_t)level + 1;
    }
}

static inline void
weiri_level_set_remove(weiri_level_set *self, uint32_t level)
{
    self->words[level / 64] &= ~(UINT64_C(1) << level % 64);
    if (self->words[level / 64] == 0) {
        self->used &= ~(1U << level / 64);
    }
    self->above = 0;
    if (self->used != 0) {
        int32_t word = 31 - __builtin_clz(self->used);
        self->above  = word * 64 + 64 - __builtin_clzll(self->words[word]);
    }
}

/* -1 of an empty set. */
static inline int32_t
weiri_level_set_deepest(const weiri_level_set *self)
{
    return self->above - 1;
}

#endif
