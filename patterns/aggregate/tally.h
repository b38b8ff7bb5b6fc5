/* weiri_tally: what one aggregate keeps of the values added to it, for windows that are
 * closed as a whole. Tallies of parts that follow each other in time can be merged.
 *
 * A tally is weiri_tally_size bytes, all zero when empty, aligned to 8.
 */
#ifndef WEIRI_TALLY_H
#define WEIRI_TALLY_H

#include "aggregate/cell.h"
#include "aggregate/exact_sum.h"
#include "aggregate/list.h"
#include "aggregate/moments.h"
#include "aggregate/multiset.h"
#include "weiri/window.h"

/* One value to add: what the aggregate's arguments are for an event. */
typedef struct weiri_sample {
    weiri_cell x;
    weiri_cell y; /* of `second` */
    int64_t    time_ns;
} weiri_sample;

typedef struct weiri_sum {
    uint64_t        n;
    weiri_exact_sum sum;
} weiri_sum;

/* What giving a result may need: room for lists, and the count of faults. */
typedef struct weiri_results {
    weiri_list lists[WEIRI_AGGREGATES]; /* of each aggregate by its index */
    uint64_t   faults;
} weiri_results;

/* 0 for KEY, START and END. */
size_t
weiri_tally_size(const weiri_aggregate *plan);

/* False: out of memory. */
bool
weiri_tally_add(const weiri_aggregate *plan, void *tally, const weiri_sample *sample);

/* Add what `later` holds, of events after all that `tally` holds. */
bool
weiri_tally_merge(const weiri_aggregate *plan, void *tally, const void *later);

/* Free what it holds: empty again. */
void
weiri_tally_clear(const weiri_aggregate *plan, void *tally);

/* The result; lists borrowed from results->lists[index], strings from the tally.
 * False: out of memory. */
bool
weiri_tally_value(const weiri_aggregate *plan, uint32_t index, void *tally,
    weiri_results *results, weir_value *out);

/* False: out of memory. */
bool
weiri_tally_save(const weiri_aggregate *plan, const void *tally, weiri_pack *out);

/* Into an empty tally, which is to be cleared all the same when this fails. False:
 * something is wrong, or memory is out. */
bool
weiri_tally_load(const weiri_aggregate *plan, void *tally, weiri_unpack *in);

/* Shared with sliding windows. */
weir_value
weiri_sum_value(const weiri_aggregate *plan, const weiri_sum *self, uint64_t *faults);
bool
weiri_sum_add(const weiri_aggregate *plan, weiri_sum *self, weiri_cell cell, int sign);
weir_value
weiri_moments_value(const weiri_aggregate *plan, const void *moments, uint64_t *faults);
size_t
weiri_moments_size(weiri_aggregate_kind kind); /* 0 for those that are none */
void
weiri_moments_add_sample(
    const weiri_aggregate *plan, void *moments, const weiri_sample *sample);
void
weiri_moments_save(const weiri_aggregate *plan, const void *moments, weiri_pack *out);
void
weiri_moments_load(const weiri_aggregate *plan, void *moments, weiri_unpack *in);
void
weiri_moments_merge_any(const weiri_aggregate *plan, void *moments, const void *later);
bool
weiri_top_value(const weiri_aggregate *plan, const weiri_multiset *counts,
    weiri_list *list, weir_value *out);
weir_value
weiri_null_of(weir_type type);

#endif
