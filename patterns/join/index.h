/* weiri_join_index: of each key the last row of either side.
 *
 * Open addressing with linear probing; a key that has lost its last row is taken out by
 * shifting back those behind it, so that nothing has to be swept up. A key is known by a
 * word: its own bits where it is a single number, else a hash, and then rows are
 * compared.
 */
#ifndef WEIRI_JOIN_INDEX_H
#define WEIRI_JOIN_INDEX_H

#include "join/store.h"

/* Rows of a key make a ring for each side: after the last comes the first. Sixteen bytes,
 * so that an entry never lies in two lines of the cache. */
typedef struct weiri_join_entry {
    uint64_t word;
    uint32_t
        last[2]; /* row of each side; WEIRI_NO_ROW: none. Neither: the slot is free */
} weiri_join_entry;

typedef struct weiri_join_index {
    const weiri_join_store *stores; /* shape (2,) */
    const weir_type        *types;  /* shape (n_keys,) */
    uint32_t                n_keys;
    bool                    is_exact; /* equal words are equal keys */
    weiri_join_entry       *slots;    /* shape (mask + 1,) */
    uint32_t                mask;
    uint32_t                n_live;
} weiri_join_index;

/* errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_join_index_init(weiri_join_index *self, const weiri_join_store *stores,
    const weir_type *types, uint32_t n_keys);

void
weiri_join_index_fini(weiri_join_index *self);

/* What a key is known by. `keys` are plain cells. */
static inline uint64_t
weiri_join_word(const weiri_join_index *self, const weiri_cell *keys)
{
    if (self->is_exact) {
        return keys[0].bits;
    }
    uint64_t word = 0;
    for (uint32_t i = 0; i < self->n_keys; i++) {
        word = weiri_mix(weiri_cell_hash(self->types[i], keys[i])
                         + word * UINT64_C(0x9e3779b97f4a7c15));
    }
    return word;
}

static inline uint32_t
weiri_join_slot(const weiri_join_index *self, uint64_t word)
{
    return (uint32_t)weiri_mix(word) & self->mask;
}

static inline void
weiri_join_index_prefetch(const weiri_join_index *self, uint64_t word)
{
    weiri_prefetch(&self->slots[weiri_join_slot(self, word)]);
}

/* The right row of the key that most likely has this word. */
static inline uint32_t
weiri_join_index_likely(const weiri_join_index *self, uint64_t word)
{
    return self->slots[weiri_join_slot(self, word)].last[1];
}

static inline bool
weiri_join_entry_is_free(const weiri_join_entry *entry)
{
    return (entry->last[0] & entry->last[1]) == WEIRI_NO_ROW;
}

/* Whether the rows of an entry have this key. */
bool
weiri_join_index_has_key(
    const weiri_join_index *self, const weiri_join_entry *entry, const weiri_cell *keys);

/* The entry of a key; NULL: none. Valid until the index changes. */
static inline weiri_join_entry *
weiri_join_index_find(const weiri_join_index *self, uint64_t word, const weiri_cell *keys)
{
    uint32_t slot = weiri_join_slot(self, word);
    while (!weiri_join_entry_is_free(&self->slots[slot])) {
        weiri_join_entry *entry = &self->slots[slot];
        if (entry->word == word
            && (self->is_exact || weiri_join_index_has_key(self, entry, keys))) {
            return entry;
        }
        slot = (slot + 1) & self->mask;
    }
    return NULL;
}

/* The same, made if there is none: the caller gives it a row.
 *
 *   errors  WEIR_ENOMEM: unchanged
 */
WEIR_MUST_CHECK weir_status
weiri_join_index_need(weiri_join_index *self, uint64_t word, const weiri_cell *keys,
    weiri_join_entry **out);

/* The entry whose first row of this side is `name`, which is in the index. */
weiri_join_entry *
weiri_join_index_of_first(
    const weiri_join_index *self, uint64_t word, uint32_t side, uint32_t name);

/* Let a row be the last of an entry's. */
void
weiri_join_index_link(
    const weiri_join_index *self, weiri_join_entry *entry, uint32_t side, uint32_t name);

/* Take the first of an entry's rows out; the entry goes with its last row. */
void
weiri_join_index_unlink(
    weiri_join_index *self, weiri_join_entry *entry, uint32_t side, uint32_t name);

/* Forget all keys. */
void
weiri_join_index_clear(weiri_join_index *self);

#endif
