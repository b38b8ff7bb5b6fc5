/* A condition by itself, on the events of one stream: what somebody types who looks. */
#ifndef WEIRI_CONDITION_H
#define WEIRI_CONDITION_H

#include "weiri/expr.h"

/* Read "amount > 100 and country != home". Functions are those of the language, without
 * the standard library's, plugins', aggregates and parameters.
 *
 *   text    ends with a zero byte; not trusted
 *   out     of bool, over `schema`; in the arena
 *   errors  WEIR_ESYNTAX  `err` says what is wrong, and how to mend it
 *           WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_condition_of_text(weiri_arena *arena, const weir_schema *schema, const char *text,
    const weiri_expr **out, weir_error *err);

#endif
