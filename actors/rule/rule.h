/* weiri_rule_actor: one rule at work. Takes the rows of its inputs in order, gives the
 * events that the rule emits to the streams they belong to.
 */
#ifndef WEIRI_RULE_H
#define WEIRI_RULE_H

#include "collector.h"
#include "weiri/inspect.h"
#include "weiri/keyed.h"
#include "weiri/matcher.h"
#include "weiri/plan.h"

typedef struct weiri_rule_actor weiri_rule_actor;

typedef struct weiri_rule_config {
    const weiri_plan *plan;
    uint32_t          index; /* of the rule in the plan: breaks ties of time           */
    weiri_merge     **streams; /* shape (plan->n_streams,): NULL where nobody reads one */
    weiri_chunks     *apart;   /* not NULL: events go here instead of to `streams`; shape
                                * (2,): those of a timeout stream of its own are second  */
    bool is_part;              /* fed the events of some keys, each row's order being its
                                * position in the rule's input; with `apart` */
} weiri_rule_config;

typedef struct weiri_rule_counts {
    uint64_t            n_events;   /* taken in                               */
    uint64_t            n_emitted;  /* events given, those of timeouts too    */
    uint64_t            n_failed;   /* times that an actor of a plugin failed */
    uint64_t            n_given[2]; /* of n_emitted, to each of weiri_rule_targets  */
    uint64_t            position;   /* above the orders of all events that it has used */
    weiri_match_counts  match;      /* of a query without a window: matches, faults */
    weiri_window_counts window;     /* all zero for the others                    */
    weiri_join_counts   join;       /* likewise                                   */
} weiri_rule_counts;

typedef struct weiri_rule_target {
    const weir_schema *schema; /* NULL: none */
    uint32_t           stream;
} weiri_rule_target;

/* Where a rule's events go and, if they have a stream of their own, those of its
 * timeouts. shape (2,) */
void
weiri_rule_targets(const weiri_rule *rule, weiri_rule_target *out);

enum { WEIRI_RULE_ORDER_BITS = 48 };

/* The order of the first event that a rule emits into a stream; each next one's is one
 * higher. */
static inline uint64_t
weiri_rule_first_order(uint32_t index)
{
    return (uint64_t)index << WEIRI_RULE_ORDER_BITS;
}

/* errors  WEIR_ENOMEM, WEIR_EINVAL */
WEIR_MUST_CHECK weir_status
weiri_rule_actor_new(
    const weiri_rule_config *config, weiri_rule_actor **out, weir_error *err);

void
weiri_rule_actor_destroy(weiri_rule_actor **self_p);

/* Process rows and then let time go on.
 *
 *   inputs        shape (n_inputs,): rows of each input stream, in order, all before the
 *                 watermark; a query has one input, a join two, a match as many as
 *                 it says
 *   watermark_ns  deadlines before it fire
 *   errors        WEIR_ENOMEM, WEIR_EFULL
 */
WEIR_MUST_CHECK weir_status
weiri_rule_actor_run(weiri_rule_actor *self, const weiri_rows_list *const *inputs,
    int64_t watermark_ns, weir_error *err);

/* When the rule needs to be run next though no row came for it; INT64_MAX: never. */
int64_t
weiri_rule_actor_next_deadline(const weiri_rule_actor *self);

/* No event will come any more. */
WEIR_MUST_CHECK weir_status
weiri_rule_actor_finish(weiri_rule_actor *self, weir_error *err);

weiri_rule_counts
weiri_rule_actor_counts(const weiri_rule_actor *self);

/* Add the state to `out`, between two runs.
 *
 *   errors  WEIR_EINVAL  the rule's state cannot be saved; WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_rule_actor_save(const weiri_rule_actor *self, weiri_keyed *out, weir_error *err);

/* Have a new actor go on where saved ones were, with the keys of some key groups.
 *
 *   from    not trusted
 *   errors  WEIR_EDATA   damaged, or of a rule that was another: the actor is to be
 *                        destroyed
 *           WEIR_ENOMEM  likewise
 */
WEIR_MUST_CHECK weir_status
weiri_rule_actor_load(
    weiri_rule_actor *self, const weiri_keyed_load *from, weir_error *err);

/* Tell what the rule holds. As weiri_matcher_inspect. */
WEIR_MUST_CHECK weir_status
weiri_rule_actor_inspect(const weiri_rule_actor *self, const weiri_inspector *inspector,
    bool *is_whole, weir_error *err);

#endif
