/* weiri_keys: which partition an event belongs to, and the table of partitions.
 *
 * A partition is made by its first event that leaves something behind and is gone when
 * nothing is left; keys are compared by their bytes, never by their hash alone.
 */
#ifndef WEIRI_KEYS_H
#define WEIRI_KEYS_H

#include <string.h>

#include "match/pool.h"
#include "match/strings.h"
#include "weiri/matcher.h"

enum { WEIRI_KEY_INLINE = 16, WEIRI_KEY_WORD = 8 };

/* Followed by the state of the executor, and that by the key. */
typedef struct weiri_partition {
    uint32_t tag; /* of the key's hash                                     */
    uint32_t self;
    uint32_t size; /* bytes of the key; WEIRI_KEY_GONE: removed, and its memory kept */
    uint32_t mark; /* the executor's own, 0 when it is made                 */
} weiri_partition;

#define WEIRI_KEY_GONE UINT32_MAX

/* A key that is one number is that alone; others have bytes. */
typedef struct weiri_key {
    const char *bytes;
    uint64_t    word;
    uint32_t    size;
    uint32_t    tag;
} weiri_key;

/* Where a search for the key begins. */
static inline uint32_t
weiri_key_word_tag(uint64_t word)
{
    uint64_t h = (word ^ (word >> 32)) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(h >> 32) ^ (uint32_t)(h >> 17);
}

/* A slot of the table: where the search for it begins, and whose it is. */
typedef struct weiri_key_slot {
    uint32_t tag;
    uint32_t partition; /* 0: free */
} weiri_key_slot;

/* What the functions below read that every event needs: how weiri_keys begins. */
typedef struct weiri_key_table {
    weiri_key_slot *slots;
    uint32_t        n_slots; /* a power of two */
    uint32_t        n_live;
    weiri_pool      partitions;
    size_t          state_size;
    bool            is_word; /* keys are one number each */
} weiri_key_table;

typedef struct weiri_keys weiri_keys;

static inline const weiri_key_table *
weiri_keys_table(const weiri_keys *self)
{
    return (const weiri_key_table *)self;
}

/* `state_size`: bytes of the executor behind each partition, zeroed when it is made. */
WEIR_MUST_CHECK weir_status
weiri_keys_new(
    const weiri_match *plan, size_t state_size, weiri_strings *strings, weiri_keys **out);

void
weiri_keys_destroy(weiri_keys **self_p);

/* Make the keys of part number `part` readable.
 *
 *   returns  false when memory is out
 */
bool
weiri_keys_load(weiri_keys *self, uint32_t part, const weiri_part *rows);

/* How many rows of a loaded part have a null in their key. */
uint64_t
weiri_keys_nulls(const weiri_keys *self, uint32_t part);

/* Whether row `row` (in the part's chunk) of a loaded part has a whole key. Gives the
 * tag, and the key if it is one number. */
bool
weiri_keys_begin(weiri_keys *self, uint32_t part, uint32_t row, weiri_key *key);

/* The keys of a loaded part where they are a column of whole numbers, else NULL:
 * shape (chunk->n_rows,). */
const uint64_t *
weiri_keys_words(const weiri_keys *self, uint32_t part);

/* The rest of a key that weiri_keys_begin began, borrowed until the next call. */
void
weiri_keys_read(weiri_keys *self, uint32_t part, uint32_t row, weiri_key *key);

/* What to bring near before a search for a tag. Compilers drop calls of functions that do
 * nothing but bring something near, so callers do that themselves. */
static inline const void *
weiri_keys_slot(const weiri_keys *self, uint32_t tag)
{
    const weiri_key_table *table = weiri_keys_table(self);
    return &table->slots[tag & (table->n_slots - 1)];
}

/* The partition that a key with this tag probably belongs to, 0 if there is certainly
 * none; touches the table alone. */
static inline uint32_t
weiri_keys_guess(const weiri_keys *self, uint32_t tag)
{
    const weiri_key_table *table = weiri_keys_table(self);
    uint32_t               mask  = table->n_slots - 1;
    for (uint32_t i = tag & mask; table->slots[i].partition != 0; i = (i + 1) & mask) {
        if (table->slots[i].tag == tag) {
            return table->slots[i].partition;
        }
    }
    return 0;
}

/* By its number (weiri_partition.self); what a number stands for changes when partitions
 * are removed and made. */
static inline weiri_partition *
weiri_keys_at(const weiri_keys *self, uint32_t number)
{
    return weiri_pool_at(&weiri_keys_table(self)->partitions, number);
}

/* Its last byte, which may be in another line of memory. */
static inline const void *
weiri_keys_end(const weiri_keys *self, const weiri_partition *partition)
{
    return (const char *)partition + weiri_keys_table(self)->partitions.item_size - 1;
}

/* Where the key of a partition is. */
static inline char *
weiri_keys_place(const weiri_keys *self, const weiri_partition *partition)
{
    return (char *)(partition + 1) + weiri_keys_table(self)->state_size;
}

/* Whether a partition, removed or not, is that of a key that is one number. */
static inline bool
weiri_keys_has_word(
    const weiri_keys *self, const weiri_partition *partition, uint64_t word)
{
    uint64_t own = 0;
    memcpy(&own, weiri_keys_place(self, partition), sizeof own);
    return own == word && partition->size == WEIRI_KEY_WORD;
}

/* The partition `number`, whatever it is by now, if the key is its own; else NULL. */
weiri_partition *
weiri_keys_check(const weiri_keys *self, uint32_t number, const weiri_key *key);

/* NULL if there is none. */
weiri_partition *
weiri_keys_find(const weiri_keys *self, const weiri_key *key);

/* Of a rule without keys: its partition, NULL if there is none. */
weiri_partition *
weiri_keys_only(const weiri_keys *self);

/* The partition of a key that weiri_keys_find does not find. NULL when memory is out. */
weiri_partition *
weiri_keys_add(weiri_keys *self, const weiri_key *key);

void
weiri_keys_remove(weiri_keys *self, weiri_partition *partition);

/* The next partition after `*number`, which becomes its number; 0 at first. NULL: there
 * are no more. */
weiri_partition *
weiri_keys_next(const weiri_keys *self, uint32_t *number);

/* The values of a partition's key, shape (n_keys,). Strings borrowed from it. */
void
weiri_keys_values(
    const weiri_keys *self, const weiri_partition *partition, weir_value *out);

/* Bytes of the table and of the partitions, with their states. */
uint64_t
weiri_keys_bytes(const weiri_keys *self);

uint32_t
weiri_keys_live(const weiri_keys *self);

/* Make the partition of a key that was saved: values as weiri_keys_values gives them.
 *
 *   errors  WEIR_ENOMEM; WEIR_EDATA  there is one
 */
WEIR_MUST_CHECK weir_status
weiri_keys_restore(weiri_keys *self, const weir_value *values, weiri_partition **out);

/* Have the memory fetched that weiri_keys_restore looks at first for such a key. */
void
weiri_keys_fetch(weiri_keys *self, const weir_value *values);

uint64_t
weiri_keys_faults(const weiri_keys *self);

#endif
