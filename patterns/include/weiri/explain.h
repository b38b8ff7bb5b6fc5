/* What a rule does, how it is run and what it keeps: facts for explanations.
 *
 * Nothing here is worked out beside the program: the planner is asked, and executors and
 * windows are made and looked at. All that is returned is in the caller's arena.
 */
#ifndef WEIRI_EXPLAIN_H
#define WEIRI_EXPLAIN_H

#include "weiri/edit.h"
#include "weiri/window.h"

/* An executor that is cheaper and does not take the rule. */
typedef struct weiri_refusal {
    const char       *executor;
    const weiri_edit *because; /* shape (n,): without these parts it would; none of them
                                * can be spared. Empty: no such part was found */
    uint32_t n;
} weiri_refusal;

/* How much a key's state can grow. */
typedef enum weiri_growth {
    WEIRI_GROWTH_CONSTANT, /* the same for every key, whatever comes                    */
    WEIRI_GROWTH_NEXT,   /* each event lets go of what the one before left             */
    WEIRI_GROWTH_WITHIN, /* with the events of a key in `span_ns`                      */
    WEIRI_GROWTH_ROWS,   /* with the events of a key, to `rows`                        */
    WEIRI_GROWTH_ENDLESS /* with the events of a key, without end but for max_runs     */
} weiri_growth;

typedef struct weiri_state_size {
    uint32_t     key_bytes;   /* of a key that holds nothing else                 */
    uint32_t     unit_bytes;  /* of each `unit`                                   */
    uint32_t     taken_bytes; /* besides, for each event it has taken             */
    const char  *unit;        /* "partial matches"; NULL: there are none          */
    weiri_growth growth;
    int64_t      span_ns;
    uint32_t     rows;    /* of GROWTH_ROWS, and the bound of the others           */
    const char  *waits;   /* ENDLESS: what is waited for                           */
    const char  *besides; /* what else is kept, a sentence; NULL: nothing          */
} weiri_state_size;

/* How a condition is evaluated. */
typedef enum weiri_evaluation_kind {
    WEIRI_BY_COLUMN, /* a chunk at a time, before any partial match is looked at */
    WEIRI_BY_LOOKUP, /* a value of the event finds the partial matches that wait for it */
    WEIRI_BY_ROW     /* for each partial match that an event could extend        */
} weiri_evaluation_kind;

typedef struct weiri_condition_fact {
    const char           *step;
    const char           *text;
    weiri_evaluation_kind kind;
} weiri_condition_fact;

typedef struct weiri_match_facts {
    const char           *executor;
    const char           *because;  /* it was chosen: a sentence           */
    const weiri_refusal  *refusals; /* shape (n_refusals,): those asked before it */
    uint32_t              n_refusals;
    weiri_state_size      state;
    weiri_condition_fact *conditions; /* a part of a step's condition each */
    uint32_t              n_conditions;
} weiri_match_facts;

/* errors  WEIR_ENOMEM; WEIR_EINVAL  no automaton can be made of the pattern */
WEIR_MUST_CHECK weir_status
weiri_explain_match(
    weiri_arena *arena, const weiri_match *plan, weiri_match_facts *out, weir_error *err);

/* The first element that may be waited for without end, or repeats without end; NULL:
 * none. `within` of the rule aside. */
const weiri_pattern *
weiri_pattern_endless(const weiri_match *plan);

typedef struct weiri_aggregate_fact {
    const char *text; /* "count(outcome != "paid")" */
    const char *way;  /* how it is kept up to date  */
} weiri_aggregate_fact;

typedef struct weiri_window_facts {
    const char *way;     /* "tumbling", "panes", "session", "rows", "queue", "running" */
    const char *because; /* a sentence: what that is, and why it was chosen */
    weiri_aggregate_fact *aggregates;
    uint32_t              n_aggregates;
    weiri_state_size      state;
} weiri_window_facts;

/* Of a query with a window.
 *
 *   errors  WEIR_ENOMEM; WEIR_EINVAL  as weiri_windower_new
 */
WEIR_MUST_CHECK weir_status
weiri_explain_window(weiri_arena *arena, const weiri_query *plan, weiri_window_facts *out,
    weir_error *err);

/* How each register of a query's window is written: "count()", "sum(cents)". */
const char *const *
weiri_aggregate_texts(weiri_arena *arena, const weiri_query *plan);

/* ---- the pattern as states and arcs ---- */

typedef struct weiri_drawn_state {
    const char *label; /* "waits for hit" */
    bool        is_begin;
    bool        is_match;   /* the match is complete       */
    bool        is_pending; /* … when the time is up       */
    uint32_t    number;     /* for people, from 0          */
} weiri_drawn_state;

typedef struct weiri_drawn_arc {
    uint32_t    from;
    uint32_t    to;
    const char *label;
    bool        is_pass; /* no event is taken: it is passed over */
} weiri_drawn_arc;

typedef struct weiri_drawing {
    weiri_drawn_state *states; /* in layers: an arc forward leads to a later one  */
    uint32_t           n_states;
    weiri_drawn_arc   *arcs; /* by `from`, then `to`                            */
    uint32_t           n_arcs;
    uint32_t          *layers; /* shape (n_states,): steps from the beginning     */
} weiri_drawing;

/* The automaton that all executors go by. Long rows of states that differ only in how
 * often a step was taken are drawn as one.
 *
 *   errors  WEIR_ENOMEM; WEIR_EINVAL  no automaton can be made of the pattern
 *           WEIR_EFULL  it has more than 1,000 states
 */
WEIR_MUST_CHECK weir_status
weiri_explain_drawing(
    weiri_arena *arena, const weiri_match *plan, weiri_drawing *out, weir_error *err);

#endif
