/* weiri_graph: the rules of a plan, joined by their streams. Events in, events out, no
 * I/O.
 *
 * Events are pushed into the merge of their stream. A pass brings everything before a
 * watermark through all rules, each after those whose streams it reads: rules see only
 * rows before the watermark and emit only rows before it, so that one pass is enough.
 */
#ifndef WEIRI_GRAPH_H
#define WEIRI_GRAPH_H

#include "weiri/inspect.h"
#include "weiri/merge.h"
#include "weiri/plan.h"
#include "weiri/sections.h"

typedef struct weiri_graph weiri_graph;

typedef struct weiri_graph_counts {
    uint64_t n_matches;   /* of all rules                             */
    uint64_t n_dropped;   /* partial or complete matches, by a bound  */
    uint64_t n_faults;    /* arithmetic that gave null                */
    uint64_t n_null_keys; /* events that belong to no partition       */
    uint64_t n_failed;    /* times that an actor of a plugin failed   */
} weiri_graph_counts;

typedef struct weiri_graph_options {
    bool is_ungated; /* run every rule over every event; what comes out is the same */
} weiri_graph_options;

/* `plan` outlives the graph. A rule that only some events can matter to takes memory from
 * the first of them on.
 *
 *   options  NULL: none
 *   errors   WEIR_ENOMEM; WEIR_EINVAL  a rule cannot be run, `err` says which
 */
WEIR_MUST_CHECK weir_status
weiri_graph_new_with(const weiri_plan *plan, const weiri_graph_options *options,
    weiri_graph **out, weir_error *err);

/* Without options. */
WEIR_MUST_CHECK weir_status
weiri_graph_new(const weiri_plan *plan, weiri_graph **out, weir_error *err);

void
weiri_graph_destroy(weiri_graph **self_p);

/* Where events of a stream are pushed; NULL for a stream that nobody reads and no
 * source feeds. */
weiri_merge *
weiri_graph_merge(weiri_graph *self, uint32_t stream);

/* Which fields of a stream's events are needed. shape (n_fields,) */
const bool *
weiri_graph_used(const weiri_graph *self, uint32_t stream);

/* Whether a rule is run over nothing but the events that a look-up, shared with other
 * rules of the stream, finds to matter to it. */
bool
weiri_graph_is_gated(const weiri_graph *self, uint32_t rule);

/* Bring everything before the watermark through the graph.
 *
 *   watermark_ns  every event before it has been pushed; INT64_MAX: all events have
 *   deadline_ns   deadlines before it fire: the watermark, or at the end the last event's
 * time is_end        rules give, or count and drop, what they hold back errors
 * WEIR_ENOMEM, WEIR_EFULL: the graph may only be destroyed
 */
WEIR_MUST_CHECK weir_status
weiri_graph_pass(weiri_graph *self, int64_t watermark_ns, int64_t deadline_ns,
    bool is_end, weir_error *err);

/* What each stream gave in the last pass, in order; until weiri_graph_forget.
 * shape (plan->n_streams,) */
const weiri_rows_list *
weiri_graph_rows(const weiri_graph *self);

/* Give the rows of the last pass back. Before each further pass. */
void
weiri_graph_forget(weiri_graph *self);

/* How many matches or results one rule has given. */
uint64_t
weiri_graph_rule_matches(const weiri_graph *self, uint32_t rule);

/* One rule at work, as somebody sees it who looks. */
typedef struct weiri_rule_sight {
    uint64_t n_events;  /* that could matter to it were taken in        */
    uint64_t n_matches; /* or results                                   */
    uint64_t n_keys;    /* with state                                   */
    uint64_t n_held;    /* partial matches, or rows of windows          */
    uint64_t n_dropped; /* by a bound                                   */
    uint64_t n_faults;
} weiri_rule_sight;

weiri_rule_sight
weiri_graph_rule(const weiri_graph *self, uint32_t rule);

/* Tell what one rule holds, between two passes. As weiri_matcher_inspect. */
WEIR_MUST_CHECK weir_status
weiri_graph_inspect(const weiri_graph *self, uint32_t rule,
    const weiri_inspector *inspector, bool *is_whole, weir_error *err);

weiri_graph_counts
weiri_graph_get_counts(const weiri_graph *self);

/* Add a section for each stream in which events wait, and for each rule that was run.
 * Between two passes.
 *
 *   errors  WEIR_EINVAL  a rule's state cannot be saved: `err` says which; WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_graph_save(const weiri_graph *self, weiri_sections *out, weir_error *err);

/* What became of one part of a state that was kept. */
typedef enum weiri_kept {
    WEIRI_KEPT,       /* goes on where it was                          */
    WEIRI_KEPT_NONE,  /* is new: begins empty                          */
    WEIRI_KEPT_GONE,  /* was kept, and is in the rules no longer       */
    WEIRI_KEPT_OTHER, /* was another when it was kept; told in a trial only */
    WEIRI_KEPT_LOST   /* was discarded, as asked for: begins empty     */
} weiri_kept;

/* What to do with state that was kept, and whom to tell. */
typedef struct weiri_restore {
    const weiri_sections *sections;
    const char *const    *discard; /* shape (n_discard,): names of rules to begin anew */
    size_t                n_discard;
    bool is_trial; /* tell what would become of each part, fail at none */
    /* `what`: "rule", "stream"; NULL: nobody is told */
    void (*told)(void *context, const char *what, const char *name, weiri_kept kept);
    void *context;
} weiri_restore;

bool
weiri_restore_discards(const weiri_restore *self, const char *rule);

/* Have a new graph go on where a saved one was. A rule without a section begins empty.
 *
 *   errors  WEIR_EDATA  a rule was another when its state was kept, or the bytes are
 *                       damaged: `err` says which, and how to go on without its state
 *           WEIR_ENOMEM: the graph is to be destroyed
 */
WEIR_MUST_CHECK weir_status
weiri_graph_load(weiri_graph *self, const weiri_restore *restore, weir_error *err);

#endif
