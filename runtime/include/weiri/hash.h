/* Hashes of values: the same on every run, and on every machine of one byte order. */
#ifndef WEIRI_HASH_H
#define WEIRI_HASH_H

#include <stdint.h>
#include <string.h>

#include "weiri/limits.h"

/* The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): each bit of the result
 * depends on each of the input. */
static inline uint64_t
weiri_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline uint64_t
weiri_number_hash(uint64_t bits)
{
    return weiri_mix(bits + UINT64_C(0x9e3779b97f4a7c15));
}

static inline uint64_t
weiri_text_hash(const char *text, uint32_t size)
{
    uint64_t hash = UINT64_C(0x9e3779b97f4a7c15) + size;
    while (size > 0) {
        uint64_t word = 0;
        uint32_t n    = size < 8 ? size : 8;
        memcpy(&word, text, n);
        hash = weiri_mix(hash ^ word);
        text += n;
        size -= n;
    }
    return weiri_mix(hash);
}

/* The hash of several values from those of each, in order: begin with 0. */
static inline uint64_t
weiri_hash_join(uint64_t hash, uint64_t next)
{
    return next + hash * UINT64_C(0x9e3779b97f4a7c15);
}

/* 32 bits of a hash; the lower ones tell the key group. */
static inline uint32_t
weiri_hash_fold(uint64_t hash)
{
    return (uint32_t)(hash ^ (hash >> 32));
}

static inline uint32_t
weiri_key_group(uint32_t folded)
{
    return folded & (WEIRI_KEY_GROUPS - 1);
}

#endif
