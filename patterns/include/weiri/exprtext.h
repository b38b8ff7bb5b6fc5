/* Expressions and values as the language writes them: for explanations. */
#ifndef WEIRI_EXPRTEXT_H
#define WEIRI_EXPRTEXT_H

#include "weiri/expr.h"
#include "weiri/pattern.h"

/* What stands for the parts of an expression that have no name of their own. */
typedef struct weiri_expr_names {
    const weir_schema *schema;    /* of the event under test; NULL: it reads no field */
    const char        *prefix;    /* before a field: "fail."; NULL: nothing           */
    const char *const *registers; /* shape (n_registers,); NULL: it reads none        */
} weiri_expr_names;

/* With no more parentheses than it needs; int widened to float is not told.
 *
 *   returns  in the arena
 */
const char *
weiri_expr_text(
    weiri_arena *arena, const weiri_expr *expr, const weiri_expr_names *names);

/* A literal: strings in quotes, times in RFC 3339, lists in brackets. In the arena. */
const char *
weiri_value_text(weiri_arena *arena, const weir_value *value);

/* The values of a key as people give them: strings as they are, others as literals,
 * joined by commas; "" without any. In the arena.
 *
 *   values  shape (n,), none of them null
 */
const char *
weiri_key_text(weiri_arena *arena, const weir_value *values, uint32_t n);

/* How each register of a rule is written: "first(fail.at)", "prev.temperature".
 *
 *   returns  shape (plan->n_registers,), in the arena
 */
const char *const *
weiri_register_texts(weiri_arena *arena, const weiri_match *plan);

/* The terms of a condition: what `and` joins, from left to right.
 *
 *   expr  NULL has none
 *   out   in the arena, shape (returned number,)
 */
uint32_t
weiri_expr_terms(weiri_arena *arena, const weiri_expr *expr, const weiri_expr ***out);

#endif
