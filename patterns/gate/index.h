/* weiri_gate_index: the tests of all rules on one field. */
#ifndef WEIRI_GATE_INDEX_H
#define WEIRI_GATE_INDEX_H

#include "gate/test.h"

/* A value that is tested for equality. */
typedef struct weiri_gate_entry {
    const char *text; /* of a text */
    uint32_t    size;
    int64_t     number;
    uint64_t    hash;
    uint32_t    n_seen;  /* tests in conditions, taken or not         */
    uint32_t    n_rules; /* tests taken                               */
    uint32_t    first;   /* of its rules in `rules`                   */
} weiri_gate_entry;

typedef struct weiri_gate_slot {
    uint32_t tag;
    uint32_t entry; /* 0: free, else 1 + its index */
} weiri_gate_slot;

typedef struct weiri_gate_range {
    int64_t  low;
    int64_t  high;
    uint32_t rule;
} weiri_gate_range;

typedef struct weiri_gate_pick { /* an equality test that was taken */
    uint32_t entry;
    uint32_t rule;
} weiri_gate_pick;

typedef struct weiri_gate_index {
    weir_type         type;
    weiri_gate_entry *entries;
    uint32_t          n_entries;
    uint32_t          capacity_entries;
    weiri_gate_slot  *slots;
    uint32_t          n_slots; /* a power of two */
    weiri_gate_pick  *picks;
    uint32_t          n_picks;
    uint32_t          capacity_picks;
    uint32_t         *rules;  /* of the entries, in order; shape (n_picks,) */
    weiri_gate_range *ranges; /* sorted by low */
    uint32_t          n_ranges;
    uint32_t          capacity_ranges;
    int64_t          *lows;    /* shape (n_ranges,)                                 */
    int64_t          *highest; /* a tree over the ranges: node 1 the root, leaves from
                                * n_leaves on; the highest `high` below a node       */
    uint32_t n_leaves;         /* a power of two; 0: no range has an upper bound    */
    /* Values outside of low … high, and those between the gap's ends, are in no range. */
    int64_t low;
    int64_t high;
    int64_t gap_low;
    int64_t gap_high;
} weiri_gate_index;

void
weiri_gate_index_fini(weiri_gate_index *self);

/* Count an equality test. false: out of memory */
bool
weiri_gate_index_see(weiri_gate_index *self, const weiri_gate_test *test);

/* How often its value was seen. */
uint32_t
weiri_gate_index_seen(const weiri_gate_index *self, const weiri_gate_test *test);

/* Take a test for a rule. false: out of memory */
bool
weiri_gate_index_take(weiri_gate_index *self, const weiri_gate_test *test, uint32_t rule);

/* Make the tables. false: out of memory */
bool
weiri_gate_index_seal(weiri_gate_index *self);

/* Tell the rules that rows may matter to, row by row.
 *
 *   hit  called with row numbers of the chunk, not going back
 */
typedef void
weiri_gate_hit(void *context, uint32_t rule, uint32_t row);

void
weiri_gate_index_scan(const weiri_gate_index *self, const weir_column *column,
    weir_rows rows, weiri_gate_hit *hit, void *context);

#endif
