/* Plans of patterns by hand, for tests and benchmarks of the matcher.
 *
 * One input stream, "e", with the fields below; expressions by their operations' names.
 * Everything lives in the arena; what cannot be built ends the process.
 */
#ifndef WEIR_PATTERN_BUILDER_H
#define WEIR_PATTERN_BUILDER_H

#include "weiri/arena.h"
#include "weiri/matcher.h"

enum { PB_AT, PB_TYPE, PB_ID, PB_K, PB_V, PB_X, PB_S, PB_N_FIELDS };

#define PB_SECOND INT64_C(1000000000)

typedef struct pattern_builder {
    weiri_arena *arena;
    weiri_match *plan;
} pattern_builder;

/* at time, type int, id int?, k int?, v int?, x float?, s string? */
const weir_schema *
pb_schema(void);

/* A plan without steps: no key, no window, skip none, default bounds. */
pattern_builder
pb_new(weiri_arena *arena);

/* ---- expressions ---- */

weiri_expr *
pb_field(pattern_builder *b, uint32_t field);
weiri_expr *
pb_int(pattern_builder *b, int64_t i);
weiri_expr *
pb_call(pattern_builder *b, const char *name, weiri_expr *left, weiri_expr *right);
weiri_expr *
pb_type_is(pattern_builder *b, int64_t type); /* type == … */

/* A register over an argument (NULL: none), as an expression. */
weiri_expr *
pb_register(pattern_builder *b, weiri_register_kind kind, uint32_t step, uint32_t index,
    const weiri_expr *argument, weir_type type);

/* ---- patterns ---- */

/* A step that takes events for which both conditions hold; NULL: always. */
uint32_t
pb_step(pattern_builder *b, const char *name, weiri_expr *unary, weiri_expr *correlated);

/* A step of events of one type. */
uint32_t
pb_typed(pattern_builder *b, const char *name, int64_t type);

weiri_pattern *
pb_take(pattern_builder *b, weiri_contiguity contiguity, uint32_t step);
weiri_pattern *
pb_not(pattern_builder *b, weiri_contiguity contiguity, uint32_t step);

/* Items end with NULL. */
weiri_pattern *
pb_group(pattern_builder *b, weiri_pattern_kind kind, weiri_contiguity contiguity, ...);
weiri_pattern *
pb_repeat(weiri_pattern *p, uint32_t min, uint32_t max);

/* Partition by a field. */
void
pb_by(pattern_builder *b, uint32_t field);

/* Emit the values of expressions over registers; ended by NULL. */
weiri_emit *
pb_emit(pattern_builder *b, ...);

/* ---- events ---- */

/* Append a row; time in seconds. INT64_MIN as a number: null. */
void
pb_event(weir_chunk *chunk, double at_s, int64_t type, int64_t id, int64_t k, int64_t v);

#endif
