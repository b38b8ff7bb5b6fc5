/* The reference matcher: docs/semantics.md as directly as C allows, and slow.
 *
 * It takes the plan that the matcher takes and is the referee where they differ. Every
 * partial match is kept by itself with all events it has taken; registers are computed
 * anew from them whenever a condition asks.
 */
#ifndef WEIR_REFERENCE_H
#define WEIR_REFERENCE_H

#include "weiri/arena.h"
#include "weiri/matcher.h"

typedef struct weir_reference weir_reference;

typedef struct weir_reference_output {
    bool         is_timeout;
    int64_t      time_ns;
    int64_t      end_ns; /* the deadline of a timeout found late, else time_ns */
    weiri_taken *taken;  /* in the order taken */
    uint32_t     n_taken;
    weir_value  *values; /* shape (emit->schema->n_fields,); NULL without an emit */
    uint32_t     n_values;
} weir_reference_output;

/* Deviations that tests of other corpora ask for. */
typedef struct weir_reference_limits {
    uint32_t max_runs;  /* partial matches of one partition; more: is_too_costly */
    uint64_t max_steps; /* work in all, counted in visited states                */
} weir_reference_limits;

/* `plan` and every chunk that is fed outlive the reference; all it makes is in `arena`.
 *
 *   errors  WEIR_EINVAL  no automaton can be made of the pattern
 */
WEIR_MUST_CHECK weir_status
weir_reference_new(weiri_arena *arena, const weiri_match *plan,
    weir_reference_limits limits, weir_reference **out);

/* The next event in total order. */
void
weir_reference_feed(
    weir_reference *self, uint32_t input, const weir_chunk *chunk, uint32_t row);

/* Fire deadlines < watermark_ns. */
void
weir_reference_advance(weir_reference *self, int64_t watermark_ns);

/* End of input: deadlines before the last event's time fire, the rest is dropped. */
void
weir_reference_finish(weir_reference *self);

/* What came out so far, in order. */
const weir_reference_output *
weir_reference_outputs(const weir_reference *self, size_t *n);

/* True once a limit was passed: the outputs are not to be relied on. */
bool
weir_reference_is_too_costly(const weir_reference *self);

/* Partial matches and held matches alive, for tests of bounds. */
size_t
weir_reference_live(const weir_reference *self);

/* What it counted: matches, timeouts, what was dropped by a bound or at the end, events
 * of no partition. The rest is 0. */
weiri_match_counts
weir_reference_counts(const weir_reference *self);

/* Order in which outputs of one moment come: negative if `a` comes before `b`. */
int
weir_reference_compare(
    const weiri_taken *a, uint32_t n_a, const weiri_taken *b, uint32_t n_b);

/* The value of an expression, by walking its tree.
 *
 *   chunk      the event under test; NULL if no field is read
 *   registers  NULL if none is read
 *   returns    strings borrowed from the chunk or the registers
 */
weir_value
weir_reference_eval(const weiri_expr *expr, const weir_chunk *chunk, uint32_t row,
    const weir_value *registers);

#endif
