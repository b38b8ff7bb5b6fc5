/* weiri_trace: what became of every partial match of one partition.
 *
 * A matcher that follows the same automaton as the executors and keeps whole events and
 * every partial match there ever was, so that it can be told which event took which step,
 * what ended a partial match, and how near one came. It is slow and for people. What it
 * gives is what the executors give, which random rules are held against.
 */
#ifndef WEIRI_TRACE_H
#define WEIRI_TRACE_H

#include "weiri/edit.h"
#include "weiri/matcher.h"

/* An event of the partition. Its chunk outlives the trace. */
typedef struct weiri_trace_event {
    uint32_t          input; /* of the rule */
    const weir_chunk *chunk;
    uint32_t          row;
    int64_t           time_ns;
} weiri_trace_event;

/* A partial match: what it took last, and the one that it was before. Node 0 has taken
 * nothing. */
typedef struct weiri_trace_node {
    uint32_t before;
    uint32_t step;
    uint32_t event; /* index in the trace's events */
    uint32_t first; /* its first event             */
    uint32_t n_taken;
} weiri_trace_node;

/* Why a partial match, or a complete one, came to nothing. */
#define WEIRI_TRACE_CAUSE_LIST(X)                                                        \
    X(EVENT)       /* no way on at `event`                                       */      \
    X(WITHIN)      /* the time of the rule was up at `time_ns`                    */     \
    X(GAP)         /* the time after its last event was up at `time_ns`           */     \
    X(SKIPPED)     /* a match was given that `skip` says takes it away            */     \
    X(MAX_RUNS)    /* too many partial matches                                    */     \
    X(MAX_MATCHES) /* too many matches at one event                               */     \
    X(END)         /* the input ended                                             */

typedef enum weiri_trace_cause {
#define X(name) WEIRI_TRACE_##name,
    WEIRI_TRACE_CAUSE_LIST(X)
#undef X
} weiri_trace_cause;

typedef struct weiri_trace_end {
    weiri_trace_cause cause;
    bool              is_complete; /* it was a match, and was not given */
    uint32_t          node;
    uint32_t          state;
    uint32_t          event; /* at work when it ended; WEIRI_NONE: a deadline, the end */
    int64_t           time_ns; /* of that event or deadline; END: of the last event     */
    uint32_t          output;  /* SKIPPED: by this one                                  */
} weiri_trace_end;

typedef struct weiri_trace_output {
    bool     is_timeout;
    int64_t  time_ns;
    uint32_t node;
} weiri_trace_output;

typedef struct weiri_trace weiri_trace;

/* Run the rule over all events of one partition.
 *
 *   plan    outlives the trace
 *   events  shape (n,), in order; outlive the trace
 *   end_ns  deadlines before it fire; time stops there
 *   errors  WEIR_ENOMEM; WEIR_EINVAL  no automaton can be made of the pattern
 *           WEIR_EFULL  more partial matches than can be told of
 */
WEIR_MUST_CHECK weir_status
weiri_trace_new(const weiri_match *plan, const weiri_trace_event *events, uint32_t n,
    int64_t end_ns, weiri_trace **out, weir_error *err);

/* The same, of a partition that goes on: without events yet.
 *
 *   max_events  as many can be pushed; WEIR_EFULL beyond, and where there are more
 *               partial matches than can be told of: the trace may be read and destroyed
 */
WEIR_MUST_CHECK weir_status
weiri_trace_open(
    const weiri_match *plan, uint32_t max_events, weiri_trace **out, weir_error *err);

/* The next event, in order. errors  WEIR_ENOMEM, WEIR_EFULL */
WEIR_MUST_CHECK weir_status
weiri_trace_push(weiri_trace *self, const weiri_trace_event *event, weir_error *err);

/* Every event before it has been pushed: deadlines before it fire. */
void
weiri_trace_advance(weiri_trace *self, int64_t watermark_ns);

/* How many partial matches are under way. */
uint32_t
weiri_trace_n_alive(const weiri_trace *self);

/* How many there ever were, that of nothing included: nodes are numbered from 0. */
uint32_t
weiri_trace_n_nodes(const weiri_trace *self);

void
weiri_trace_destroy(weiri_trace **self_p);

uint32_t
weiri_trace_n_events(const weiri_trace *self);

/* What was given, in order. */
const weiri_trace_output *
weiri_trace_outputs(const weiri_trace *self, uint32_t *n);

/* What ended without being given, in order of time. */
const weiri_trace_end *
weiri_trace_ends(const weiri_trace *self, uint32_t *n);

const weiri_trace_node *
weiri_trace_node_at(const weiri_trace *self, uint32_t node);

/* Add how often what a step asks of earlier events was false, and true, of an event that
 * is of its stream and has what it asks of one event by itself. */
void
weiri_trace_judged(const weiri_trace *self, uint32_t step, uint64_t counts[2]);

/* The nodes on the way to one, oldest first.
 *
 *   out  shape (n_taken of the node,), in the arena
 */
uint32_t
weiri_trace_path(
    const weiri_trace *self, weiri_arena *arena, uint32_t node, uint32_t **out);

/* ---- how near it came ---- */

/* A way on that was closed to a partial match, and what would have opened it. */
typedef struct weiri_obstacle {
    uint32_t    event; /* that did not fit, or did; WEIRI_NONE: none came */
    uint32_t    step;  /* that was waited for, or of the `not`; WEIRI_NONE: none */
    weiri_edit  edit;  /* the part of the rule                            */
    bool        has_edit;
    const char *text; /* "outcome == "accepted" is false: outcome is "failed"" */
} weiri_obstacle;

/* Ended partial matches, the nearest to a match first: those that took more steps, of
 * these the latest.
 *
 *   out  shape (returned number,): indexes of weiri_trace_ends, in the arena
 */
uint32_t
weiri_trace_nearest(const weiri_trace *self, weiri_arena *arena, uint32_t **out);

/* How many events at least were wanting for a match. */
uint32_t
weiri_trace_wanting(const weiri_trace *self, const weiri_trace_end *end);

/* What stood in the way of an ended partial match, the most telling first.
 *
 *   out  shape (returned number,), in the arena
 */
uint32_t
weiri_trace_obstacles(weiri_trace *self, weiri_arena *arena, const weiri_trace_end *end,
    weiri_obstacle **out);

/* What kept the event from beginning a match. */
uint32_t
weiri_trace_beginnings(
    weiri_trace *self, weiri_arena *arena, uint32_t event, weiri_obstacle **out);

/* The match that was expected. */
typedef struct weiri_goal {
    bool    has_time;
    int64_t time_ns; /* of the match; without: any that the rule as it is does not give */
} weiri_goal;

/* Whether every match wants an event of a stream of which the partition has none: there
 * is nothing that a step other than a `not` could take, whatever its conditions were; of
 * a silence, whether no time has passed that could be one. No change of the rule's parts
 * makes a match then. */
bool
weiri_trace_has_nothing(const weiri_trace *self);

/* The parts of the rule without which the expected match is given: one, if there is such
 * a one, those named by the obstacles of the nearest partial matches first; else as few
 * as can be found, none of which can be spared. It is found by running the rule without
 * them.
 *
 *   out     in the arena, shape (n,)
 *   n       0: nothing was found, or the match is given as it is
 *   errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_trace_blame(weiri_trace *self, weiri_arena *arena, const weiri_goal *goal,
    weiri_edit **out, uint32_t *n, weir_error *err);

#endif
