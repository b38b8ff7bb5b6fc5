/* weiri_keys: which partition an event belongs to, and the table of partitions.
 *
 * A partition is made by its first event that leaves something behind and is gone when
 * nothing is left; keys are compared by their bytes, never by their hash alone.
 */
#ifndef WEIRI_KEYS_H
#define WEIRI_KEYS_H

#include "match/strings.h"
#include "weiri/matcher.h"

enum { WEIRI_KEY_INLINE = 16 };

/* Followed by the state of the executor. */
typedef struct weiri_partition {
    uint64_t hash;
    uint32_t size; /* bytes of the key */
    uint32_t self;
    union {
        char          bytes[WEIRI_KEY_INLINE]; /* size <= WEIRI_KEY_INLINE */
        weiri_string *string;
    } key;
} weiri_partition;

typedef struct weiri_key {
    const char *bytes;
    uint32_t    size;
    uint64_t    hash;
} weiri_key;

typedef struct weiri_keys weiri_keys;

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

/* Whether row `row` (in the part's chunk) of a loaded part has a whole key, and its
 * hash. */
bool
weiri_keys_hash(weiri_keys *self, uint32_t part, uint32_t row, uint64_t *hash);

/* Its bytes, borrowed until the next call. `hash` from weiri_keys_hash. */
weiri_key
weiri_keys_read(weiri_keys *self, uint32_t part, uint32_t row, uint64_t hash);

/* Have the table's slot for a hash brought near. */
void
weiri_keys_prefetch(const weiri_keys *self, uint64_t hash);

/* The partition that a hash probably belongs to, 0 if there is certainly none; touches
 * the table alone. */
uint32_t
weiri_keys_guess(const weiri_keys *self, uint64_t hash);

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

/* By its number (weiri_partition.self); what a number stands for changes when partitions
 * are removed and made. */
weiri_partition *
weiri_keys_at(const weiri_keys *self, uint32_t number);

/* The values of a partition's key, shape (n_keys,). Strings borrowed from it. */
void
weiri_keys_values(
    const weiri_keys *self, const weiri_partition *partition, weir_value *out);

uint32_t
weiri_keys_live(const weiri_keys *self);

/* The numbers of all partitions, shape (weiri_keys_live(),), in the order of their keys'
 * bytes. The caller frees it; NULL when memory is out. */
uint32_t *
weiri_keys_list(const weiri_keys *self);

/* Make the partition of a key that was saved: values as weiri_keys_values gives them.
 *
 *   errors  WEIR_ENOMEM; WEIR_EDATA  there is one
 */
WEIR_MUST_CHECK weir_status
weiri_keys_restore(weiri_keys *self, const weir_value *values, weiri_partition **out);

uint64_t
weiri_keys_faults(const weiri_keys *self);

#endif
