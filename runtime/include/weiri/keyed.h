/* weiri_keyed: the state of a rule as bytes, key by key.
 *
 *   "weirK" and the format's version
 *   the types of the key's values
 *   the heads: what belongs to no key, one for each part of the rule that ran by itself
 *   the keys by their place, which is what they are hashed to, key group first; of each
 *   key group how many bytes, then each key: its values and what is kept of it
 *   a checksum of all this
 *
 * A key refers to nothing outside itself. So the bytes are the same however the keys were
 * spread over shards; keys of some key groups can be read, and handed over, alone; and
 * what has not changed since the last time stands together. What a rule depends on beside
 * its keys, in what order things came, is written as numbers with each key.
 *
 * Writing: each part fills a head and adds it and, in any order, its keys; `finish` puts
 * them in order. Reading: first the heads, then the keys of the key groups that are
 * wanted.
 */
#ifndef WEIRI_KEYED_H
#define WEIRI_KEYED_H

#include "weir/error.h"
#include "weir/value.h"
#include "weiri/limits.h"
#include "weiri/pack.h"

enum { WEIRI_KEYED_PARTS = 2 /* kinds of things that a rule keeps of a key */ };

/* ---- key groups ---- */

/* Some key groups; `{0}` has none. */
typedef struct weiri_groups {
    uint64_t bits[WEIRI_KEY_GROUPS / 64];
} weiri_groups;

/* NULL has all. */
static inline bool
weiri_groups_has(const weiri_groups *self, uint32_t group)
{
    return self == NULL || (self->bits[group / 64] >> (group % 64) & 1) != 0;
}

static inline void
weiri_groups_add(weiri_groups *self, uint32_t group)
{
    self->bits[group / 64] |= UINT64_C(1) << (group % 64);
}

/* What a key is hashed to. The upper ten bits are its key group, the one that the router
 * of a flow sends its events by.
 *
 *   key  shape (n,), none null
 */
uint32_t
weiri_key_place(const weir_value *key, uint32_t n);

static inline uint32_t
weiri_place_group(uint32_t place)
{
    enum { GROUP_SHIFT = 22 };
    return place >> GROUP_SHIFT;
}

/* A value of a key as bytes. */
void
weiri_key_value_pack(const weir_value *value, weiri_pack *out);

/* A value of a type, borrowed from `in`. */
weir_value
weiri_key_value_unpack(weir_type type, weiri_unpack *in);

/* ---- writing ---- */

typedef struct weiri_keyed_item {
    uint32_t place;
    uint32_t part;
    size_t   first; /* of its bytes */
    size_t   key_size;
    size_t   size; /* with the key */
} weiri_keyed_item;

/* `{0}` is empty and takes all keys. */
typedef struct weiri_keyed {
    const weiri_groups *groups;   /* keys of others are left out; NULL: none is */
    bool                is_moved; /* the heads that are added count nothing: who had the
                                   * keys goes on counting what it has counted  */
    bool       is_out_of_memory;
    weiri_pack types;
    weiri_pack heads;
    weiri_pack frame; /* of the next head: what those note in it who run the part, */
    weiri_pack head;  /* and the part itself                                    */
    uint64_t   n_heads;
    weiri_pack bytes;        /* of the keys, as they came */
    weiri_keyed_item *items; /* shape (n,) */
    size_t            n;
    size_t            capacity;
} weiri_keyed;

void
weiri_keyed_fini(weiri_keyed *self);

/* Of what type value `i` of the keys is: in order from 0 on, and the same each time. */
void
weiri_keyed_add_type(weiri_keyed *self, uint32_t i, weir_type type);

/* The head in self->frame and self->head is whole; both are empty again. */
void
weiri_keyed_end_head(weiri_keyed *self);

/* Begin a key, after its types are known.
 *
 *   key      shape (n,), none null
 *   part     < WEIRI_KEYED_PARTS; a key comes once in each
 *   returns  where to write what is kept of it; NULL: it is of another key group
 */
weiri_pack *
weiri_keyed_begin(weiri_keyed *self, const weir_value *key, uint32_t n, uint32_t part);

void
weiri_keyed_end(weiri_keyed *self);

/* Append all this to `out` and be empty.
 *
 *   returns  false when memory was out somewhere: `out` has what it had
 *   cost     O(n log n) for n keys
 */
WEIR_MUST_CHECK bool
weiri_keyed_finish(weiri_keyed *self, weiri_pack *out);

/* ---- reading ---- */

typedef struct weiri_keyed_entry {
    uint32_t       group;
    uint32_t       place;
    uint32_t       part;
    weiri_unpack   key;   /* its values, each to be read by weiri_key_value_unpack */
    weiri_unpack   state; /* what is kept of it                                    */
    const uint8_t *first; /* where all its bytes begin; of the first of its key group
                           * where those of the key group do                  */
} weiri_keyed_entry;

/* Where somebody stands who reads; borrows the bytes. A copy goes on by itself. */
typedef struct weiri_keyed_reader {
    weiri_unpack in; /* `wrong` says what is wrong, if anything is; with all that follows
                      * the key groups still to come                             */
    weiri_unpack      of_group; /* the rest of the key group         */
    const uint8_t    *begin;    /* of the key group, with its number */
    uint32_t          group;
    uint64_t          n_heads; /* to come */
    const uint8_t    *types;   /* of a key's values, shape (n_values,): weir_type */
    uint32_t          n_values;
    weiri_keyed_entry before; /* the last that was read */
} weiri_keyed_reader;

typedef struct weiri_keyed_head {
    weiri_unpack frame;
    weiri_unpack in;
    bool         counts; /* what it has counted is to be counted on */
} weiri_keyed_head;

/* Begin to read what `finish` appended, from its first byte to its last; not trusted.
 *
 *   returns  false: it is damaged, or of another format; self->in.wrong says so
 */
WEIR_MUST_CHECK bool
weiri_keyed_open(weiri_keyed_reader *self, const uint8_t *bytes, size_t size);

/* The next head. False: there is none, or something is wrong. */
WEIR_MUST_CHECK bool
weiri_keyed_next_head(weiri_keyed_reader *self, weiri_keyed_head *out);

/* The next key of some key groups, in the order of their places; heads that are still to
 * come are passed over. False: there is none, or something is wrong.
 *
 *   groups  NULL: all
 */
WEIR_MUST_CHECK bool
weiri_keyed_next(
    weiri_keyed_reader *self, const weiri_groups *groups, weiri_keyed_entry *out);

/* Whether keys have so many values, and whether value `i`, which they have, is of a type;
 * if not, that is noted as wrong. */
bool
weiri_keyed_has_values(weiri_keyed_reader *self, uint32_t n);
bool
weiri_keyed_has_type(weiri_keyed_reader *self, uint32_t i, weir_type type);

/* Add what was written elsewhere to what is being written: its heads, and its keys of
 * the key groups that self takes. What is wrong is noted in `from`. */
void
weiri_keyed_add(weiri_keyed *self, weiri_keyed_reader *from);

/* ---- loading ---- */

/* What a part of a rule is to go on from. */
typedef struct weiri_keyed_load {
    weiri_keyed_reader  from;
    const weiri_groups *groups;   /* its own; NULL: all                              */
    bool                is_first; /* of the rule's parts: what was counted goes on here */
} weiri_keyed_load;

#endif
