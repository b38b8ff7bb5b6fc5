/* What the files of the tracing matcher share. */
#ifndef WEIRI_TRACE_INSIDE_H
#define WEIRI_TRACE_INSIDE_H

#include "match/automaton.h"
#include "match/registers.h"
#include "weiri/trace.h"

/* A partial match that is alive. */
typedef struct weiri_trace_run {
    uint32_t node;
    uint32_t state;
} weiri_trace_run;

typedef struct weiri_trace_runs {
    weiri_trace_run *items;
    uint32_t         n;
} weiri_trace_runs;

/* A match that is complete and not yet given. */
typedef struct weiri_trace_complete {
    uint32_t node;
    uint32_t turn; /* when it completed                */
    uint32_t rank; /* among those of the same turn     */
    int64_t  time_ns;
} weiri_trace_complete;

typedef struct weiri_trace_completes {
    weiri_trace_complete *items;
    uint32_t              n;
} weiri_trace_completes;

struct weiri_trace {
    weiri_arena             *arena;
    const weiri_match       *plan;
    const weiri_trace_event *events;
    weiri_trace_event       *pushed; /* the same, where they come one by one; else NULL */
    uint32_t                 max_events;
    uint32_t                 n_events;
    int64_t                  end_ns;
    weiri_automaton         *automaton;
    weiri_registers         *registers;
    weir_value              *key; /* of the partition */
    weiri_program           *key_program;
    /* conditions: two roots an atom, unary and correlated, WEIRI_NONE: true */
    weiri_program *program;
    uint32_t      *unary;
    uint32_t      *correlated;
    uint64_t      *n_judged; /* per atom twice: how often `correlated` was false, true */
    bool          *reads;    /* registers that some condition reads */
    weir_value    *values;
    int64_t       *seen_ns; /* per atom: time of the last event that fits it */
    bool          *is_seen;
    bool          *is_just; /* per atom: the last event fits it              */
    /* what there is */
    weiri_trace_node     *nodes;
    weiri_cell          **cells; /* of each node */
    uint32_t              n_nodes;
    uint32_t              n_cells; /* … arrays of them */
    weiri_trace_runs      runs;
    weiri_trace_completes held;
    weiri_trace_end      *ends;
    uint32_t              n_ends;
    weiri_trace_output   *outputs;
    uint32_t              n_outputs;
    /* the turn at work */
    uint32_t event;      /* WEIRI_NONE: a deadline */
    uint32_t first_node; /* made in this turn      */
    uint32_t turn;
    int64_t  now_ns;
    uint32_t max_nodes;
    uint32_t flipped; /* an atom that is taken for the opposite; WEIRI_NONE: none */
    bool     is_full;
};

/* How many nodes there may be in all; runs at a time, and matches of one event, are an
 * eighth of that. A rule with parts taken away may match in very many ways. */
enum { WEIRI_TRACE_NODES = 1 << 17, WEIRI_TRACE_TRIAL_NODES = 1 << 12 };

/* How far a trace goes. */
typedef struct weiri_trace_bound {
    uint32_t max_nodes;
    /* Asked whenever something was given; true: it is not followed further. NULL: never
     */
    bool (*is_enough)(void *context, const weiri_trace *trace);
    void *context;
} weiri_trace_bound;

/* As weiri_trace_new, with a bound of its own. */
WEIR_MUST_CHECK weir_status
weiri_trace_new_within(const weiri_match *plan, const weiri_trace_event *events,
    uint32_t n, int64_t end_ns, const weiri_trace_bound *bound, weiri_trace **out,
    weir_error *err);

/* ---- test.c: conditions ---- */

WEIR_MUST_CHECK weir_status
weiri_trace_test_new(weiri_trace *self);

/* The key of the partition, of its first event. */
WEIR_MUST_CHECK weir_status
weiri_trace_read_key(weiri_trace *self);

/* Whether an atom holds at an event for a partial match. */
bool
weiri_trace_atom(weiri_trace *self, uint32_t atom, uint32_t event, uint32_t node);

bool
weiri_trace_holds(
    weiri_trace *self, weiri_formula formula, uint32_t event, uint32_t node);

/* What a leading `not` will ask for. */
void
weiri_trace_note_before(weiri_trace *self, uint32_t event);

/* Values of the registers that conditions read, as of a node; until the next call. */
const weir_value *
weiri_trace_values(weiri_trace *self, uint32_t node);

/* The value of any expression over the event and the registers as of a node; strings in
 * the arena. Null if memory is out. */
weir_value
weiri_trace_eval(weiri_trace *self, weiri_arena *arena, const weiri_expr *expr,
    uint32_t event, uint32_t node);

/* ---- skip.c: what is given ---- */

void
weiri_trace_push_complete(
    weiri_trace *self, weiri_trace_completes *list, uint32_t node, int64_t time_ns);

void
weiri_trace_sort(weiri_trace *self, weiri_trace_completes *list);

void
weiri_trace_give(weiri_trace *self, uint32_t node, bool is_timeout, int64_t time_ns);

void
weiri_trace_settle(weiri_trace *self, weiri_trace_completes *list, bool is_absence);

/* ---- trace.c ---- */

void
weiri_trace_note_end(weiri_trace *self, weiri_trace_end end);

static inline const weiri_trace_node *
weiri_trace_at(const weiri_trace *self, uint32_t node)
{
    return &self->nodes[node];
}

#endif
