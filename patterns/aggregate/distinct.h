/* weiri_distinct: how many different values; exact to a bound, then estimated in 4 KiB.
 *
 * Above WEIRI_DISTINCT_EXACT values it is a HyperLogLog of 4096 registers: a standard
 * error of 1.04 / sqrt(4096) = 1.6 %.
 *
 *   source  P. Flajolet, É. Fusy, O. Gandouet, F. Meunier, "HyperLogLog", AofA 2007
 *           O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches",
 *           arXiv:1702.01284, 2017 (the estimator: no table, good at every size)
 */
#ifndef WEIRI_DISTINCT_H
#define WEIRI_DISTINCT_H

#include "aggregate/multiset.h"

typedef struct weiri_distinct weiri_distinct;

/* NULL: out of memory. */
weiri_distinct *
weiri_distinct_new(weir_type type);
void
weiri_distinct_destroy(weiri_distinct **self_p);

/* False: out of memory. */
bool
weiri_distinct_add(weiri_distinct *self, weiri_cell cell);
bool
weiri_distinct_merge(weiri_distinct *self, const weiri_distinct *other);

int64_t
weiri_distinct_count(const weiri_distinct *self);

/* False: out of memory. */
bool
weiri_distinct_save(const weiri_distinct *self, weiri_pack *out);

/* Into a new one. False: something is wrong, or memory is out. */
bool
weiri_distinct_load(weiri_distinct *self, weiri_unpack *in);

#endif
