/* Conditions of the corpora's cases, as expressions. */
#ifndef WEIR_TEST_CASE_EXPR_H
#define WEIR_TEST_CASE_EXPR_H

#include "weiri/pattern.h"

/* What the conditions of a case are compiled against. Registers are added as needed. */
typedef struct case_scope {
    weiri_arena       *arena;
    const weir_schema *schema;
    const weiri_step  *steps;
    uint32_t           n_steps;
    weiri_register    *registers;
    uint32_t           n_registers;
    const char        *failure; /* NULL: none */
} case_scope;

/* See README of the corpora, 1.2. NULL with scope->failure set where it cannot be read.
 */
weiri_expr *
case_expr_parse(case_scope *scope, const char *text);

#endif
