/* From a syntax tree to a typed expression. What a name means is the scope's business. */
#ifndef WEIRI_TYPES_H
#define WEIRI_TYPES_H

#include "ast.h"
#include "weiri/expr.h"

/* Functions of plugins. */
typedef struct weiri_functions {
    const char            **names; /* shape (n,) */
    const weiri_operation **items; /* shape (n,) */
    uint32_t                n;
} weiri_functions;

typedef struct weiri_scope {
    weiri_arena       *arena;
    weiri_diagnostics *diagnostics;
    void              *context;
    /* The meaning of a NAME, MEMBER or INDEX, or of a CALL or operator that is special
     * here.
     *
     *   is_handled  true before the call; false: nothing special; a call is a function,
     *               an operator itself, the rest an error
     *   returns     NULL: it has been reported
     */
    weiri_expr *(*resolve)(void *context, const weiri_ast_expr *node, bool *is_handled);
    const weiri_functions *functions; /* NULL: none */
} weiri_scope;

/* Every function below gives NULL after something was reported, and reports nothing for
 * a part that already is broken. */

weiri_expr *
weiri_type_expr(const weiri_scope *scope, const weiri_ast_expr *node);

/* The same, as a value of this type; `what` begins the report: "field 'x'". */
weiri_expr *
weiri_type_as(const weiri_scope *scope, const weiri_ast_expr *node, weir_type type,
    const char *what);

/* The same for a condition. */
weiri_expr *
weiri_type_condition(const weiri_scope *scope, const weiri_ast_expr *node);

/* An operation on arguments that are typed already. */
weiri_expr *
weiri_type_call(const weiri_scope *scope, weiri_span at, const char *name,
    weiri_expr *const *args, uint32_t n_args);

/* Where the standard library has a function of this name, the report made last says so.
 */
void
weiri_hint_std(weiri_diagnostics *diagnostics, const char *name);

/* items joined by "and" or "or", as a balanced tree; n_items > 0 */
weiri_expr *
weiri_type_join(const weiri_scope *scope, weiri_span at, const char *name,
    weiri_expr *const *items, uint32_t n_items);

/* Whether two expressions compute the same from the same. */
bool
weiri_expr_is_same(const weiri_expr *a, const weiri_expr *b);

#endif
