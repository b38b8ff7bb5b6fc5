/* Functions that rule files define, put in where they are called.
 *
 * A function is an expression with parameters. A call becomes a copy of the expression
 * with what was passed in place of the parameters, before names and types are looked at:
 * so an aggregate in it works over the window or the step of whoever calls, and nobody
 * after this knows of functions. A body reads its parameters and nothing else, so what it
 * means does not depend on where it is called.
 */
#ifndef WEIRI_EXPAND_H
#define WEIRI_EXPAND_H

#include "ast.h"

enum {
    WEIRI_EXPANSION      = 10000,   /* parts that a call becomes            */
    WEIRI_EXPANSIONS     = 1 << 20, /* parts that all calls together become */
    WEIRI_FUNCTION_DEPTH = 32       /* functions that use each other in turn */
};

/* Replace all calls of functions in all files. What is wrong is reported, and a call that
 * cannot be replaced becomes WEIRI_AST_BROKEN. */
void
weiri_expand_functions(
    weiri_arena *arena, weiri_diagnostics *diagnostics, const weiri_ast *ast);

#endif
