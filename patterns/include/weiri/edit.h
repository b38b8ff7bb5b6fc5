/* weiri_edit: one part of a rule taken away, or made to ask for less. "What if it were
 * not there?" is how explanations are found: of an executor that does not take a rule, of
 * a match that did not come. The answer is asked of the planner or the matcher itself,
 * with the rule changed, and so cannot disagree with them.
 */
#ifndef WEIRI_EDIT_H
#define WEIRI_EDIT_H

#include "weiri/arena.h"
#include "weiri/pattern.h"

/* `step` is of the plan; `element` counts the pattern's tree from its root, 0, parents
 * before children. The first group asks for less, so that more can match; the second
 * makes a rule simpler, whatever it then matches. */
#define WEIRI_EDIT_LIST(X)                                                               \
    X(TERM)       /* one term, joined by `and`, of a step's condition             */     \
    X(WHERE)      /* the whole condition of a step                                */     \
    X(NEGATION)   /* a `not` step, which nothing then fits                        */     \
    X(UNTIL)      /* of an element                                                */     \
    X(GAP)        /* `within D of previous` of a step                             */     \
    X(WITHIN)     /* of the rule                                                  */     \
    X(NEXT)       /* `=>` before an element: `->`                                 */     \
    X(INNER)      /* `next` between repetitions                                   */     \
    X(COUNT)      /* repetitions beyond the first                                 */     \
    X(PREFERENCE) /* `greedy`, `lazy`                                             */     \
    X(ELEMENT)    /* an element, which may then be left out                       */     \
    X(SKIP)       /* what `skip` says: every match is given                       */     \
    X(BOUND)      /* `max_runs`, `max_matches`                                    */     \
    X(CORRELATED) /* what a step's condition asks of earlier events               */     \
    X(REPETITION) /* an element's quantifier: once                                */     \
    X(GROUP)      /* an element of several: its first step                        */     \
    X(ANY)        /* `->>` before an element: `->`                                */     \
    X(OVERLAPS)   /* another `skip` than `skip overlaps`                          */     \
    X(TIMEOUT)    /* `on timeout`                                                 */     \
    X(SILENCE)    /* `for D`                                                      */     \
    X(ABSENCE)    /* a `not`: it and its element go from their sequence           */     \
    X(SHORTER)    /* `for D` of a silence: `to_ns` instead, which is shorter      */

typedef enum weiri_edit_kind {
#define X(name) WEIRI_EDIT_##name,
    WEIRI_EDIT_LIST(X)
#undef X
        WEIRI_N_EDITS
} weiri_edit_kind;

enum { WEIRI_LAST_RELAXING = WEIRI_EDIT_BOUND };

typedef struct weiri_edit {
    weiri_edit_kind kind;
    uint32_t        step;    /* of TERM, WHERE, NEGATION, GAP, CORRELATED */
    uint32_t        term;    /* of TERM: unary terms first                */
    uint32_t        element; /* of the others that have one               */
    int64_t         to_ns;   /* of SHORTER                                */
} weiri_edit;

/* Everything that could be taken away from a rule, in the order of the list and the plan.
 *
 *   out      in the arena, shape (returned number,)
 */
uint32_t
weiri_edits_of(weiri_arena *arena, const weiri_match *plan, weiri_edit **out);

/* The rule without those parts. What stays is shared with `plan`.
 *
 *   returns  in the arena
 */
const weiri_match *
weiri_edit_apply(weiri_arena *arena, const weiri_match *plan, const weiri_edit *edits,
    uint32_t n_edits);

/* The part as a person would name it: "`within 10m`", "`outcome == "failed"` of step
 * 'fail'". In the arena. */
const char *
weiri_edit_text(weiri_arena *arena, const weiri_match *plan, const weiri_edit *edit);

/* The element of the pattern's tree with this number; NULL: there are fewer. */
weiri_pattern *
weiri_pattern_element(const weiri_match *plan, uint32_t element);

/* The elements that take a step and those around them carry its name: "fail", or of a
 * group "(a -> b)". In the arena. */
const char *
weiri_pattern_name(
    weiri_arena *arena, const weiri_match *plan, const weiri_pattern *pattern);

/* The terms of a step's condition, unary ones first; texts and expressions in the arena.
 *
 *   out  shape (returned number,)
 */
uint32_t
weiri_condition_terms(
    weiri_arena *arena, const weiri_condition *condition, const weiri_expr ***out);

#endif
