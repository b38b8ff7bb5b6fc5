/* What the reference keeps while it runs. */
#ifndef WEIR_REFERENCE_STATE_H
#define WEIR_REFERENCE_STATE_H

#include "automaton.h"
#include "reference.h"

typedef struct ref_event {
    uint32_t          input;
    const weir_chunk *chunk;
    uint32_t          row;
    int64_t           time_ns;
    uint64_t          order;
} ref_event;

/* The events of a partial match; immutable. */
typedef struct ref_bindings {
    uint32_t          n;
    weiri_taken      *taken;
    const ref_event **events;
    weir_value       *registers; /* as of these events; NULL until asked for */
} ref_bindings;

typedef struct ref_run {
    uint32_t  state;
    ref_steps active;      /* negations that have begun and not ended      */
    bool      left_out;    /* an optional element was, since the last of them */
    bool      has_waited;  /* in the state of a choice: it cannot be left out any more;
                            * in that of a group's repetition: it completes nothing   */
    bool          is_late; /* on its way from a TAKE: what it passed could go on      */
    ref_steps     seen;    /* `not` of conjunctions fitted since the first event */
    ref_bindings *bindings;
} ref_run;

typedef struct ref_runs {
    ref_run *items;
    uint32_t n;
} ref_runs;

typedef struct ref_complete {
    ref_bindings *bindings;
    int64_t       time_ns; /* of the match */
    uint64_t      turn;    /* when it completed */
    uint32_t      rank;    /* among those of the same turn */
} ref_complete;

typedef struct ref_completes {
    ref_complete *items;
    uint32_t      n;
} ref_completes;

typedef struct ref_partition {
    weir_value       *keys;
    const ref_event **history; /* all events of the partition so far */
    uint32_t          n_history;
    ref_runs          runs; /* without the one that is always at the start */
    ref_completes     held;
    const ref_event  *spoke; /* silence: the last event that fits, NULL: waits for one */
} ref_partition;

struct weir_reference {
    weiri_arena           *arena;
    const weiri_match     *plan;
    weir_reference_limits  limits;
    ref_automaton          automaton;
    ref_partition        **partitions;
    uint32_t               n_partitions;
    uint64_t               n_events;
    uint64_t               turn;
    int64_t                last_ns; /* time of the last event */
    int64_t                now_ns;  /* of the event or deadline at work */
    uint64_t               cost;
    bool                   is_too_costly;
    weiri_match_counts     counts;
    weir_reference_output *outputs;
    size_t                 n_outputs;
};

/* Values of all registers over the events taken; registers over the end of the match are
 * null where end_ns is NULL. */
weir_value *
ref_registers(weir_reference *self, const ref_partition *partition,
    const ref_bindings *bindings, const int64_t *end_ns);

/* ---- skip.c ---- */

int
ref_compare(const ref_bindings *a, const ref_bindings *b);

/* Position of the first event. */
uint64_t
ref_first_of(const ref_bindings *b);

/* Add a match that has just completed, once. */
void
ref_push_complete(
    weir_reference *self, ref_completes *list, ref_bindings *bindings, int64_t time_ns);

/* For ref_sort: the order of matches that complete together. */
int
ref_by_match(const void *a, const void *b);

void
ref_sort(ref_completes *list, int (*compare)(const void *, const void *));

void
ref_give(weir_reference *self, ref_partition *partition, const ref_bindings *b,
    bool is_timeout, int64_t time_ns);

/* Matches of one partition that complete at the same event or deadline. */
void
ref_settle(
    weir_reference *self, ref_partition *p, ref_completes *completes, bool is_absence);

#endif
