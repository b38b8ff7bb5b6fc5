/* The fields of an address: shard + 1 (8 bits), level (11), slot (25), generation (20).
 *
 * Slot 0 of a shard is the shard itself. A slot whose generations are used up is not used
 * again, so that an address never comes to mean another actor.
 */
#ifndef ACTOR_ADDRESS_H
#define ACTOR_ADDRESS_H

#include "weiri/actor.h"

enum {
    GENERATION_BITS = 20,
    SLOT_BITS       = 25,
    LEVEL_BITS      = 11,
    MAX_GENERATION  = (1 << GENERATION_BITS) - 1,
    MAX_SLOTS       = 1 << SLOT_BITS,
    FAMILY_SHARD    = 254, /* in place of a shard: `slot` is a family */
};

static inline weiri_address
address_make(uint32_t shard, uint32_t level, uint32_t slot, uint32_t generation)
{
    return (uint64_t)(shard + 1) << (LEVEL_BITS + SLOT_BITS + GENERATION_BITS)
           | (uint64_t)level << (SLOT_BITS + GENERATION_BITS)
           | (uint64_t)slot << GENERATION_BITS | generation;
}

static inline uint32_t
address_shard(weiri_address self)
{
    return (uint32_t)(self >> (LEVEL_BITS + SLOT_BITS + GENERATION_BITS)) - 1;
}

static inline uint32_t
address_level(weiri_address self)
{
    return (uint32_t)(self >> (SLOT_BITS + GENERATION_BITS)) & ((1U << LEVEL_BITS) - 1);
}

static inline uint32_t
address_slot(weiri_address self)
{
    return (uint32_t)(self >> GENERATION_BITS) & (MAX_SLOTS - 1);
}

static inline uint32_t
address_generation(weiri_address self)
{
    return (uint32_t)self & MAX_GENERATION;
}

#endif
