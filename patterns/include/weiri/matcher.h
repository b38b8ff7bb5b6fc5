/* weiri_matcher: finds the matches of one rule in its ordered input.
 *
 * Pure: no thread, clock, or I/O. Same input, same output, however it is cut into
 * batches.
 */
#ifndef WEIRI_MATCHER_H
#define WEIRI_MATCHER_H

#include "weiri/keyed.h"
#include "weiri/pattern.h"

typedef struct weiri_matcher weiri_matcher;

/* Rows of one input. */
typedef struct weiri_part {
    uint32_t  input; /* index of weiri_match.inputs */
    weir_rows rows;
} weiri_part;

/* Where one event of a batch is. */
typedef struct weiri_place {
    uint16_t part;
    uint16_t row; /* in the part's chunk */
} weiri_place;

/* Events in their total order. */
typedef struct weiri_batch {
    const weiri_part  *parts;
    uint32_t           n_parts;
    const weiri_place *order; /* shape (n_events,); NULL: the one part, row by row */
    uint32_t           n_events;
} weiri_batch;

/* An event that a match holds. */
typedef struct weiri_taken {
    uint32_t step;
    int64_t  time_ns;
    uint64_t order; /* position in the rule's input, from 0 */
} weiri_taken;

/* What a matcher gives. `emitted` gets each derived event at once, in order: values of
 * the emit's fields, borrowed for the call. `matched`, if set, gets the events behind it
 * (tests, explanations); it is called just before `emitted`.
 *
 *   is_timeout  from `on timeout emit`
 *   errors      any status but WEIR_OK stops the matcher and is returned by feed/advance
 *
 * With `trigger` the matcher is fed a part of the rule's input, that of some keys: the
 * `order` of each row is the event's position in the whole, and what led to an event is
 * written there before `emitted` gets it. What parts emit, merged by (time, trigger), is
 * what one matcher emits that is fed the whole.
 */
typedef struct weiri_match_sink {
    void *context;
    weir_status (*emitted)(
        void *context, bool is_timeout, int64_t time_ns, const weir_value *values);
    void (*matched)(void *context, bool is_timeout, int64_t time_ns,
        const weiri_taken *taken, uint32_t n_taken);
    uint64_t *trigger; /* NULL: fed the whole input */
} weiri_match_sink;

typedef struct weiri_match_counts {
    uint64_t matches;
    uint64_t timeouts;
    uint64_t dropped_runs;    /* by the bound of a partition              */
    uint64_t dropped_matches; /* by the bound of one event                */
    uint64_t dropped_at_end;  /* held matches and absences still pending  */
    uint64_t null_keys;       /* events of no partition                   */
    uint64_t faults;          /* arithmetic that gave null                */
    uint64_t limited;         /* matches that `limit` held back           */
    uint64_t live_runs;
    uint64_t live_keys;
} weiri_match_counts;

enum { WEIRI_MATCH_CONDITIONS = 128 };

/* Which events a match with one input needs to be fed. */
typedef struct weiri_match_needs {
    bool              is_all; /* every event may matter */
    uint32_t          n; /* else only those for which one of these is true, in order */
    const weiri_expr *conditions[WEIRI_MATCH_CONDITIONS];
} weiri_match_needs;

/* Tell what a match needs; any other event may be left out, and changes neither what is
 * emitted nor a count. The matcher of a plan that passes this fails by memory alone.
 *
 *   errors  WEIR_ENOMEM; WEIR_EINVAL for a plan that no automaton can be made of
 */
WEIR_MUST_CHECK weir_status
weiri_match_get_needs(const weiri_match *plan, weiri_match_needs *out, weir_error *err);

/* `plan` outlives the matcher.
 *
 *   errors  WEIR_ENOMEM; WEIR_EINVAL for a plan that no automaton can be made of
 */
WEIR_MUST_CHECK weir_status
weiri_matcher_new(const weiri_match *plan, const weiri_match_sink *sink,
    weiri_matcher **out, weir_error *err);

void
weiri_matcher_destroy(weiri_matcher **self_p);

/* Process events, in order, none earlier than what was fed before; deadlines before each
 * event's time fire first.
 *
 *   errors  WEIR_ENOMEM, or what the sink gave: the matcher is to be destroyed
 */
WEIR_MUST_CHECK weir_status
weiri_matcher_feed(weiri_matcher *self, const weiri_batch *batch, weir_error *err);

/* Every event with time < watermark_ns has been fed: fire deadlines before it. */
WEIR_MUST_CHECK weir_status
weiri_matcher_advance(weiri_matcher *self, int64_t watermark_ns, weir_error *err);

/* The first deadline that is pending, INT64_MAX: none. Time need not be told to a matcher
 * before it. It may turn out to be about nothing. */
int64_t
weiri_matcher_next_deadline(const weiri_matcher *self);

/* End of input: count what is held or pending, and drop it. */
WEIR_MUST_CHECK weir_status
weiri_matcher_finish(weiri_matcher *self, weir_error *err);

weiri_match_counts
weiri_matcher_counts(const weiri_matcher *self);

/* Bytes that partial matches, their partitions and deadlines take, as those who gave them
 * out count them; texts that they hold are not counted. */
uint64_t
weiri_matcher_state_bytes(const weiri_matcher *self);

/* The orders of all events so far are below this. */
uint64_t
weiri_matcher_position(const weiri_matcher *self);

/* Add the state to `out`: all that what is given later depends on. Between two calls
 * of feed or advance, at any event. The bytes are the same on every machine.
 *
 *   errors  WEIR_EINVAL  its executor cannot, or the matcher has stopped
 *           WEIR_ENOMEM
 *           After either `out` is of no use.
 *   cost    linear in what partitions hold
 */
WEIR_MUST_CHECK weir_status
weiri_matcher_save(const weiri_matcher *self, weiri_keyed *out, weir_error *err);

/* Have a new matcher go on where saved ones were, with the keys of some key groups. Of
 * several, all were at one watermark, and each event had the same order for all.
 *
 *   from    not trusted
 *   errors  WEIR_EDATA   damaged, of another format, or of another rule
 *           WEIR_EINVAL  the matcher has been fed
 *           WEIR_ENOMEM
 *           After any of them the matcher is to be destroyed.
 */
WEIR_MUST_CHECK weir_status
weiri_matcher_load(weiri_matcher *self, const weiri_keyed_load *from, weir_error *err);

/* Static name of the executor that the pattern got ("runs"): for explanations. */
const char *
weiri_matcher_executor_name(const weiri_matcher *self);

#endif
