/* weiri_dispatch: which rules a pass has to run, and over which rows.
 *
 * A rule is due when one of its events came that may matter to it, when a deadline of it
 * has passed, and always if every event may matter to it.
 */
#ifndef WEIRI_DISPATCH_H
#define WEIRI_DISPATCH_H

#include "weiri/merge.h"
#include "weiri/plan.h"

typedef struct weiri_dispatch weiri_dispatch;

/* `plan` outlives it.
 *
 *   is_mine     shape (plan->n_rules,): others are never due; NULL: all are
 *   is_ungated  every event may matter to every rule
 *   errors      WEIR_ENOMEM; WEIR_EINVAL  a rule cannot be run, `err` says which
 */
WEIR_MUST_CHECK weir_status
weiri_dispatch_new(const weiri_plan *plan, const bool *is_mine, bool is_ungated,
    weiri_dispatch **out, weir_error *err);

void
weiri_dispatch_destroy(weiri_dispatch **self_p);

uint32_t
weiri_rule_n_inputs(const weiri_rule *rule);

/* The stream that is input `i` of a rule. */
uint32_t
weiri_rule_input(const weiri_rule *rule, uint32_t i);

/* Whether a rule sees only events that may matter to it. */
bool
weiri_dispatch_is_gated(const weiri_dispatch *self, uint32_t rule);

/* The i-th stream in the order of their first readers.
 *
 *   reader  the first rule that reads it; plan->n_rules if there is none
 */
uint32_t
weiri_dispatch_stream(const weiri_dispatch *self, uint32_t i, uint32_t *reader);

/* Begin a pass: rules with deadlines before `deadline_ns` are due, at the end
 * all that were ever run. */
void
weiri_dispatch_begin(weiri_dispatch *self, int64_t deadline_ns, bool is_end);

/* The rows that a stream gives in this pass; rules that they may matter to are due.
 *
 *   rows    kept until weiri_dispatch_forget
 *   errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_dispatch_scan(weiri_dispatch *self, uint32_t stream, const weiri_rows_list *rows);

/* The first rule of first … end - 1 that is due; `end` if none is. */
uint32_t
weiri_dispatch_next(const weiri_dispatch *self, uint32_t first, uint32_t end);

/* The rows of this pass that may matter to a gated rule, borrowed until the next call. */
WEIR_MUST_CHECK weir_status
weiri_dispatch_rows(weiri_dispatch *self, uint32_t rule, const weiri_rows_list **out);

/* A rule was run, and its next deadline is this. */
void
weiri_dispatch_ran(weiri_dispatch *self, uint32_t rule, int64_t deadline_ns);

/* End a pass. */
void
weiri_dispatch_forget(weiri_dispatch *self);

#endif
