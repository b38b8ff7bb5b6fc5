/* weiri_rules: rules of a plan that run in one place, and which of them a pass has to
 * run.
 *
 * A pass: begin; for each stream that they read its rows are scanned, once those rules
 * have run that emit it; rules that are due are run, in the order of the plan; forget.
 */
#ifndef WEIRI_RULES_H
#define WEIRI_RULES_H

#include "../rule/rule.h"
#include "weiri/graph.h"
#include "weiri/inspect.h"

typedef struct weiri_rules weiri_rules;

typedef struct weiri_rules_config {
    const weiri_plan *plan;
    const bool       *is_mine;    /* shape (plan->n_rules,); NULL: all       */
    bool              is_ungated; /* run every rule over every event         */
    weiri_merge     **streams;    /* where events go, shape (plan->n_streams,); NULL:
                                   * to weiri_rules_emitted                        */
    bool is_part;                 /* of rules split by key, see weiri_rule_config  */
} weiri_rules_config;

/* What `config` points to outlives them, but `is_mine`.
 *
 *   errors  WEIR_ENOMEM; WEIR_EINVAL  a rule cannot be run, `err` says which
 */
WEIR_MUST_CHECK weir_status
weiri_rules_new(const weiri_rules_config *config, weiri_rules **out, weir_error *err);

void
weiri_rules_destroy(weiri_rules **self_p);

/* Begin a pass: deadlines before `deadline_ns` fire; at the end rules give, or count
 * and drop, what they hold back. */
void
weiri_rules_begin(weiri_rules *self, int64_t deadline_ns, bool is_end);

/* The rows that a stream gives in this pass, kept until forget. errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_rules_scan(weiri_rules *self, uint32_t stream, const weiri_rows_list *rows);

/* At the end time stops where `deadline_ns` says, or at the last of these rows if that is
 * later: what others hold back is given with times that are still to come. */
int64_t
weiri_rules_end(int64_t deadline_ns, const weiri_rows_list *rows);

/* Run the rules first … end - 1 that are due.
 *
 *   rows    shape (plan->n_streams,): what each stream gives in this pass
 *   errors  WEIR_ENOMEM, WEIR_EFULL: to be destroyed
 */
WEIR_MUST_CHECK weir_status
weiri_rules_run(weiri_rules *self, uint32_t first, uint32_t end,
    const weiri_rows_list *rows, weir_error *err);

/* The rules that were run in this pass, in order. shape (n,) */
const uint32_t *
weiri_rules_ran(const weiri_rules *self, uint32_t *n);

/* Without `streams`: what a rule has emitted and nobody took yet, and where its timeouts
 * have a stream of their own, those. shape (2,) */
weiri_chunks *
weiri_rules_emitted(weiri_rules *self, uint32_t rule);

/* End a pass. */
void
weiri_rules_forget(weiri_rules *self);

/* The i-th stream in the order of their first readers, see weiri_dispatch_stream. */
uint32_t
weiri_rules_stream(const weiri_rules *self, uint32_t i, uint32_t *reader);

/* Whether a rule sees only events that may matter to it. */
bool
weiri_rules_is_gated(const weiri_rules *self, uint32_t rule);

/* How many matches or results a rule has given. */
uint64_t
weiri_rules_matches(const weiri_rules *self, uint32_t rule);

/* As weiri_graph_rule. */
weiri_rule_sight
weiri_rules_sight(const weiri_rules *self, uint32_t rule);

/* Add the state of a rule, nothing for one that nothing may have mattered to.
 * errors  as weiri_rule_actor_save */
WEIR_MUST_CHECK weir_status
weiri_rules_save(
    const weiri_rules *self, uint32_t rule, weiri_keyed *out, weir_error *err);

/* Have a rule go on where saved ones were, whatever it was before, between two passes.
 * errors  as weiri_rule_actor_load */
WEIR_MUST_CHECK weir_status
weiri_rules_load(
    weiri_rules *self, uint32_t rule, const weiri_keyed_load *from, weir_error *err);

/* What a rule has counted. */
weiri_rule_counts
weiri_rules_counts_of(const weiri_rules *self, uint32_t rule);

void
weiri_rules_count(const weiri_rules *self, weiri_graph_counts *counts);

/* Tell what a rule holds; one that has not been run holds nothing. */
WEIR_MUST_CHECK weir_status
weiri_rules_inspect(const weiri_rules *self, uint32_t rule,
    const weiri_inspector *inspector, bool *is_whole, weir_error *err);

#endif
