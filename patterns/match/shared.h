/* weiri_seen, weiri_shared: what partial matches share is written once and stays shared.
 *
 * Within a partition, objects of a kind are numbered in the order in which they are first
 * written; a later reference is a distance back. The writer remembers only those that are
 * referred to more than once.
 */
#ifndef WEIRI_SHARED_H
#define WEIRI_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum weiri_shared_kind {
    WEIRI_SHARED_LINK, /* an event taken             */
    WEIRI_SHARED_TEXT,
    WEIRI_SHARED_ITEM, /* an element of a collected list */
    WEIRI_SHARED_KINDS
} weiri_shared_kind;

typedef struct weiri_seen_slot {
    const void *object; /* NULL: free */
    uint32_t    ordinal;
} weiri_seen_slot;

/* `{0}` has seen nothing. */
typedef struct weiri_seen {
    weiri_seen_slot *slots;
    uint32_t         n_slots; /* a power of two */
    uint32_t         n_used;
    uint32_t         n[WEIRI_SHARED_KINDS]; /* written so far */
    bool             is_out_of_memory;
} weiri_seen;

void
weiri_seen_fini(weiri_seen *self);

/* Forget all: the next partition. */
void
weiri_seen_clear(weiri_seen *self);

/* Whether the object was written before, and how far back; if not, it counts as written
 * now. */
bool
weiri_seen_find(weiri_seen *self, weiri_shared_kind kind, const void *object,
    bool is_shared, uint32_t *back);

typedef struct weiri_shared_object {
    void    *object;
    uint32_t number;  /* in a pool; of a list, which register's */
    uint32_t length;  /* of the chain that begins here      */
    uint64_t order;   /* of a link                          */
    uint64_t n_bytes; /* of the list that ends here, packed */
} weiri_shared_object;

typedef struct weiri_shared_list {
    weiri_shared_object *items;
    uint32_t             n;
    uint32_t             capacity;
} weiri_shared_list;

/* What was read of a partition. */
typedef struct weiri_shared {
    weiri_shared_list lists[WEIRI_SHARED_KINDS];
    uint64_t          n_text_bytes; /* of all texts */
} weiri_shared;

void
weiri_shared_fini(weiri_shared *self);

void
weiri_shared_clear(weiri_shared *self);

/* False when memory is out. */
bool
weiri_shared_add(
    weiri_shared *self, weiri_shared_kind kind, const weiri_shared_object *object);

/* The object written `back` objects ago, 0: the last one; NULL if there is none. */
weiri_shared_object *
weiri_shared_at(const weiri_shared *self, weiri_shared_kind kind, uint64_t back);

#endif
