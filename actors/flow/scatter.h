/* weiri_scatter: rows split among shards by the key group of each. */
#ifndef WEIRI_FLOW_SCATTER_H
#define WEIRI_FLOW_SCATTER_H

#include "weiri/expr.h"
#include "weiri/merge.h"

typedef struct weiri_scatter weiri_scatter;

/* Of one stream by one key.
 *
 *   keys    shape (n_keys,), outlive it
 *   used    fields to keep; outlives it
 *   owners  the shard of each key group, shape (WEIRI_KEY_GROUPS,); >= n_shards: their
 *           rows are left out. Outlives it, and may change between two calls
 *   errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_scatter_new(const weiri_expr *const *keys, uint32_t n_keys, const bool *used,
    const uint16_t *owners, uint32_t n_shards, weiri_scatter **out);

void
weiri_scatter_destroy(weiri_scatter **self_p);

/* The key group of each row of a range; of one whose key has a null, some.
 *
 *   out   shape (rows.n,)
 *   cost  hashing
 */
void
weiri_scatter_groups(weiri_scatter *self, weir_rows rows, uint16_t *out);

/* Copy rows to the lists of their shards. An event whose key has a null goes to one of
 * them, too.
 *
 *   positions  shape (rows of `from`,): become the copies' order
 *   to         shape (n_shards,): appended to
 *   errors     WEIR_ENOMEM
 *   cost       about 2 ns a value kept, and hashing
 */
WEIR_MUST_CHECK weir_status
weiri_scatter_rows(weiri_scatter *self, const weiri_rows_list *from,
    const uint64_t *positions, weiri_rows_list *const *to);

/* Copy rows of a chunk behind those of another, field by field; their times and orders,
 * and how many rows there are then, are the caller's.
 *
 *   to      has the fields of `from`, and may have more behind them
 *   picks   shape (*n,), rows of `from`
 *   n       how many, at most what `to` has room for; then how many its heap had room for
 *   errors  WEIR_EFULL   not one, into an empty chunk; WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_scatter_copy(
    weir_chunk *to, const weir_chunk *from, const uint16_t *picks, uint32_t *n);

#endif
