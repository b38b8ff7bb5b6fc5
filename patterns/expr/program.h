/* The inside of a program: a list of steps for one row, and one for ranges of rows.
 *
 * They are compiled from the same trees and call kernels of the same table. What a row
 * counts as faults is decided by the steps for one row alone: the range steps compute
 * everything, also what `and`, `or`, `if` and `??` would have passed over, and where
 * something faults the rows in question are counted again one by one.
 */
#ifndef WEIRI_PROGRAM_H
#define WEIRI_PROGRAM_H

#include "expr/columns.h"
#include "expr/texts.h"
#include "weiri/arena.h"
#include "weiri/limits.h"

/* ---- one row ---- */

/* Codes up to WEIRI_OP_PLUGIN call that operation. */
enum {
    WEIRI_CODE_CONSTANT = WEIRI_OP_PLUGIN + 1,
    WEIRI_CODE_BOOL, /* fields, by the form of their column */
    WEIRI_CODE_INT,
    WEIRI_CODE_FLOAT,
    WEIRI_CODE_TEXT,
    WEIRI_CODE_TIME,
    WEIRI_CODE_REGISTER,
    WEIRI_CODE_UNLESS_FALSE, /* the top of the stack is false: go to `index`, keep it  */
    WEIRI_CODE_UNLESS_TRUE,  /* likewise true                                          */
    WEIRI_CODE_UNLESS_SET,   /* likewise not null; else drop it                        */
    WEIRI_CODE_WHEN,         /* drop the top; if it is not true go to `index`          */
    WEIRI_CODE_SKIP,         /* go to `index`                                          */
    WEIRI_CODE_END
};

/* Where an operation that is done in place finds an argument. */
typedef struct weiri_operand {
    enum { WEIRI_FROM_STACK, WEIRI_FROM_CONSTANTS, WEIRI_FROM_REGISTERS } from;
    uint32_t index; /* from what will be the top of the stack, or the start */
} weiri_operand;

typedef struct weiri_step_code {
    uint16_t               code;
    uint8_t                type; /* of the result                                  */
    uint32_t               n_args;
    uint32_t               index; /* field, register, constant or step to go to   */
    const weiri_operation *operation;
    const void            *prepared; /* of an operation                            */
    weiri_operand          args[2];  /* of an operation done in place              */
    uint32_t               n_popped; /* of its arguments are on the stack          */
} weiri_step_code;

typedef struct weiri_row_code {
    weiri_step_code *steps;
    uint32_t         n_steps;
    weir_value      *constants;
    uint32_t         n_constants;
    uint32_t         depth; /* values on the stack at most */
} weiri_row_code;

/* Steps for one expression; they live in the arena. */
weiri_row_code
weiri_row_compile(weiri_arena *arena, const weiri_expr *root);

/* Where an expression for one row runs. */
typedef struct weiri_row {
    const weir_chunk *chunk;
    uint32_t          row;
    const weir_value *registers;
    weir_value       *stack; /* shape (depth,) */
    weiri_call       *call;
} weiri_row;

weir_value
weiri_row_run(const weiri_row_code *code, const weiri_row *row);

/* ---- a range of rows ---- */

typedef struct weiri_range_code weiri_range_code;

/* Steps for all roots together, none of which reads a register; they live in the arena
 * but for the buffers that weiri_range_fini frees.
 *
 *   errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_range_compile(weiri_arena *arena, const weiri_expr *const *roots, uint32_t n_roots,
    weiri_range_code **out);

void
weiri_range_fini(weiri_range_code *self);

/* Compute all roots.
 *
 *   faulted  shape (WEIRI_CHUNK_ROWS,): set to 1 for each row in which some operation
 *            faulted, whether a root needs it or not; other rows are left alone
 *   returns  whether there is such a row
 */
bool
weiri_range_run(
    weiri_range_code *self, weir_rows rows, weiri_text_pool *texts, uint8_t *faulted);

/* Whether some operation faulted below this root in the last run. */
bool
weiri_range_has_faults(const weiri_range_code *self, uint32_t root);

/* The values of a root after a run over `n` rows. */
weiri_vector
weiri_range_vector(weiri_range_code *self, uint32_t root, uint32_t n);

/* The values of a root as they are kept, for a root of type bool. */
const weiri_lane *
weiri_range_lane(const weiri_range_code *self, uint32_t root);

#endif
