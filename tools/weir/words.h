/* Rules in plain English. All texts are in the arena. */
#ifndef WEIR_WORDS_H
#define WEIR_WORDS_H

#include "weiri/explain.h"
#include "weiri/plan.h"

/* What a rule means, in one paragraph. */
const char *
words_of_rule(weiri_arena *arena, const weiri_plan *plan, const weiri_rule *rule);

/* When it fires: what the watermark and `lateness` have to do with it. */
const char *
words_of_time(weiri_arena *arena, const weiri_plan *plan, const weiri_rule *rule);

/* How what is kept of a key grows, in a sentence. */
const char *
words_of_growth(weiri_arena *arena, const weiri_state_size *state);

/* How a condition is evaluated: "over columns, …". */
const char *
words_of_evaluation(weiri_evaluation_kind kind);

/* What keeps an executor from taking a rule. */
const char *
words_of_refusal(
    weiri_arena *arena, const weiri_match *plan, const weiri_refusal *refusal);

/* How the sources behind a rule's streams are read: streams and their lateness.
 *
 *   out      shape (returned number,): indexes of plan->sources, in order
 */
uint32_t
sources_of(
    weiri_arena *arena, const weiri_plan *plan, const weiri_rule *rule, uint32_t **out);

const char *
words_of_duration(weiri_arena *arena, int64_t ns);

/* ---- words_join.c ---- */

/* The joins and lookups that are made for a rule, each after those that it needs.
 *
 *   out      shape (returned number,)
 */
uint32_t
joins_of(weiri_arena *arena, const weiri_plan *plan, const weiri_rule *rule,
    const weiri_join ***out);

/* The rule made of `fill` that gives a stream; NULL: none. */
const weiri_query *
fill_of(const weiri_plan *plan, uint32_t stream);

/* The one that is made for a rule; NULL: none. */
const weiri_query *
fill_before(const weiri_plan *plan, const weiri_rule *rule);

/* What is filled, and what is kept for that. */
const char *
words_of_fill(weiri_arena *arena, const weiri_plan *plan, const weiri_query *fill);
const char *
words_of_fill_state(weiri_arena *arena, const weiri_query *fill);

/* A stream as people know it, in quotes; the result of joins: "joined". */
const char *
words_of_stream(weiri_arena *arena, const weiri_plan *plan, uint32_t stream);

/* Whether the join's right is a table. */
bool
words_join_is_lookup(const weiri_plan *plan, const weiri_join *join);

/* What belongs together, in a sentence. */
const char *
words_of_join(weiri_arena *arena, const weiri_plan *plan, const weiri_join *join);

/* What is kept for it, and how that grows. */
const char *
words_of_join_state(weiri_arena *arena, const weiri_plan *plan, const weiri_join *join);

#endif
