/* Numbers that look random and are the same in each run: SplitMix64 (Steele, Lea, Flood,
 * OOPSLA 2014). */
#ifndef RANDOM_H
#define RANDOM_H

#include "weiri/hash.h"

/* Any seed is as good as another; it is moved on. */
static inline uint64_t
next_random(uint64_t *seed)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    return weiri_mix(*seed);
}

#endif
