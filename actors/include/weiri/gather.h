/* weiri_gather: the events that a rule sees, taken apart by key, and kept.
 *
 * For explanations: events are copied out of the chunks in which they pass, in the order
 * in which the rule sees them.
 */
#ifndef WEIRI_GATHER_H
#define WEIRI_GATHER_H

#include "weiri/merge.h"
#include "weiri/plan.h"
#include "weiri/trace.h"

/* The events of one key, in order. */
typedef struct weiri_gathered {
    const char        *key;    /* its values as text, joined by commas; "" without `by` */
    weiri_trace_event *events; /* shape (n,) */
    uint64_t          *orders; /* shape (n,): position in the rule's input */
    uint32_t           n;
} weiri_gathered;

/* What a rule reads and by which key, as a match has it; of a query, that of its window.
 * What else a match has is not there. In the arena, or the rule's own. */
const weiri_match *
weiri_inputs_of(weiri_arena *arena, const weiri_rule *rule);

/* An event as it passes, of any key. Borrowed for the call.
 *
 *   key  NULL: one of its values is null
 */
typedef weir_status
weiri_gather_event(void *context, uint32_t input, const weir_chunk *chunk, uint32_t row,
    uint64_t order, const char *key, weir_error *err);

typedef struct weiri_gather weiri_gather;

/* For a rule that matches.
 *
 *   key      gather the events of this key alone; NULL: of all keys
 *   errors   WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_gather_new(const weiri_plan *plan, const weiri_rule *rule, const char *key,
    weiri_gather **out, weir_error *err);

void
weiri_gather_destroy(weiri_gather **self_p);

/* Be told of every event; NULL: no more. */
void
weiri_gather_listen(weiri_gather *self, weiri_gather_event *listener, void *context);

/* Take what the streams of the plan gave in one pass.
 *
 *   rows    shape (plan->n_streams,)
 *   errors  WEIR_ENOMEM, WEIR_EFULL: too many events of a key; what the listener gave
 */
WEIR_MUST_CHECK weir_status
weiri_gather_rows(weiri_gather *self, const weiri_rows_list *rows, weir_error *err);

/* Take one event of a stream's late stream, out of order and under its own time.
 *
 *   input   of the rule, whose late stream the chunk is of
 *   errors  as above
 */
WEIR_MUST_CHECK weir_status
weiri_gather_late(weiri_gather *self, uint32_t input, const weir_chunk *chunk,
    uint32_t row, weir_error *err);

/* What was gathered, keys in the order of their first events. shape (n,) */
const weiri_gathered *
weiri_gather_keys(const weiri_gather *self, uint32_t *n);

/* Late events of the key, by time. shape (n,) */
const weiri_trace_event *
weiri_gather_lates(weiri_gather *self, uint32_t *n);

#endif
