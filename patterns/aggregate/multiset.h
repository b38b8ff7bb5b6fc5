/* weiri_multiset: how often each value occurs. Open addressing; owns its strings. */
#ifndef WEIRI_MULTISET_H
#define WEIRI_MULTISET_H

#include "aggregate/cell_pack.h"

typedef struct weiri_multiset_slot {
    weiri_cell cell;
    uint64_t   hash;
    uint64_t   count; /* 0: free */
} weiri_multiset_slot;

typedef struct weiri_multiset {
    weir_type            type;
    weiri_multiset_slot *slots;    /* shape (capacity,) */
    size_t               capacity; /* power of two, or 0 */
    size_t               n;        /* different values  */
} weiri_multiset;

void
weiri_multiset_init(weiri_multiset *self, weir_type type);
void
weiri_multiset_fini(weiri_multiset *self);

/* False: out of memory, nothing changed. */
bool
weiri_multiset_add(weiri_multiset *self, weiri_cell cell, uint64_t count);

/* Let it have at least the capacity of another, so that what that one has can be added
 * without growing. False: out of memory, unchanged. */
bool
weiri_multiset_reserve(weiri_multiset *self, const weiri_multiset *other);

/* As weiri_multiset_add once, of what a slot of another of this type has. */
bool
weiri_multiset_add_slot(weiri_multiset *self, const weiri_multiset_slot *slot);

/* Take away one occurrence of a value that is there. */
void
weiri_multiset_remove(weiri_multiset *self, weiri_cell cell);

/* Halve what it holds: take the median of the counts from every count and drop what is
 * then zero or less. Returns what was taken. A count is too low by at most the sum of
 * these over time, which is at most twice the additions by the number of slots filled.
 *
 *   errors  0 when memory is out: nothing changed
 *   source  D. Anderson et al., "A high-performance algorithm for identifying frequent
 *           items in data streams", IMC 2017 (after Misra and Gries, 1982)
 */
uint64_t
weiri_multiset_thin(weiri_multiset *self);

/* The k most frequent, of equally frequent ones the least, into out, shape (k,), in that
 * order. Returns how many. */
size_t
weiri_multiset_top(const weiri_multiset *self, const weiri_multiset_slot **out, size_t k);

/* The values in order, each with its count if `has_counts`. False: out of memory. */
bool
weiri_multiset_save(const weiri_multiset *self, bool has_counts, weiri_pack *out);

/* Into an empty one; without counts each is 1. False: something is wrong, or memory is
 * out.
 *
 *   max  most different values
 */
bool
weiri_multiset_load(
    weiri_multiset *self, bool has_counts, uint32_t max, weiri_unpack *in);

#endif
