/* Typed expressions: built once by the rule compiler, evaluated for columns or rows.
 *
 * One mechanism for operators and functions: an operation has a name ("+", "and",
 * "lower"), a signature and two kernels, one over a column and one over a single value.
 * The rule compiler asks for an operation by name and argument expressions and gets
 * a typed node back, int arguments widened to float where the signature wants it.
 *
 * Null: an operation on null gives null, but for and/or (three-valued), ??, is null,
 * if. Overflow of int, time and duration, division by zero and a float result
 * that is not finite give null as well and count as a fault of the program, as does a
 * string of more than 1 MiB made of others. What `and`, `or`, `if` and `??` do not need
 * is not evaluated and does not count: arguments go from left to right.
 */
#ifndef WEIRI_EXPR_H
#define WEIRI_EXPR_H

#include <stddef.h>

#include "weir/chunk.h"
#include "weir/plugin.h"
#include "weiri/arena.h"

typedef enum weiri_expr_kind {
    WEIRI_EXPR_CONSTANT,
    WEIRI_EXPR_FIELD,    /* a field of the event under test        */
    WEIRI_EXPR_TIME,     /* the event time of the event under test */
    WEIRI_EXPR_REGISTER, /* a value the caller hands in by index   */
    WEIRI_EXPR_CALL
} weiri_expr_kind;

typedef struct weiri_operation weiri_operation; /* a row of the table in operations.h */

typedef struct weiri_expr {
    weiri_expr_kind kind;
    weir_type       type;
    weir_type       element;     /* of a list, else WEIR_NULL                 */
    bool            is_nullable; /* false: never null, whatever the event     */
    union {
        weir_value constant;
        uint32_t   field; /* index in the schema of the event's stream */
        uint32_t   reg;
        struct {
            const weiri_operation *operation;
            struct weiri_expr    **args;
            uint32_t               n_args;
        } call;
    } as;
} weiri_expr;

weiri_expr *
weiri_expr_constant(weiri_arena *arena, const weir_value *value);

weiri_expr *
weiri_expr_field(weiri_arena *arena, const weir_schema *schema, uint32_t field);

/* The event's time itself, for streams whose schema has no time field. */
weiri_expr *
weiri_expr_time(weiri_arena *arena);

weiri_expr *
weiri_expr_register(weiri_arena *arena, uint32_t reg, weir_type type, weir_type element,
    bool is_nullable);

/* An operation on arguments; constant arguments are folded.
 *
 *   name    as the language writes it: "+", "==", "like", "in", "if", "??", "is null", …
 *   out     of the operation's result type; folded to a constant where all args are,
 *           unless it faults: 1 / 0 is counted for each row that needs it
 *   errors  WEIR_ENOENT   no operation has this name; `err` names the nearest one
 *           WEIR_EINVAL   it does not take these types; `err` lists what it takes:
 *                         "'+' takes (int, int), (float, float), … not (int, string)"
 */
WEIR_MUST_CHECK weir_status
weiri_expr_call(weiri_arena *arena, const char *name, weiri_expr *const *args,
    uint32_t n_args, weiri_expr **out, weir_error *err);

/* An aggregate of a plugin, as the rules declare it. */
typedef struct weiri_foreign {
    const char                  *name;
    const weir_plugin_aggregate *table;   /* outlives the plan */
    const weir_value            *params;  /* shape (table->n_params,) */
    struct weiri_metrics        *metrics; /* NULL: none are kept */
} weiri_foreign;

/* The same as an operation on lists: one for each input, and one of times, all as long. A
 * null in any of the inputs is left out. */
weiri_operation *
weiri_operation_of_aggregate(weiri_arena *arena, const weiri_foreign *foreign);

/* A call of it. args: shape (inputs + 1,), lists of the types that it takes. */
weiri_expr *
weiri_expr_call_aggregate(weiri_arena *arena, const weiri_operation *operation,
    weiri_expr *const *args, uint32_t n_args);

/* A function of a plugin, which outlives the arena, as an operation called `name`. */
weiri_operation *
weiri_operation_of_plugin(
    weiri_arena *arena, const char *name, const weir_plugin_function *function);

/* A call of it. Never folded: nothing is called before events come.
 *
 *   errors  WEIR_EINVAL  it does not take these: `err` says what it takes
 */
WEIR_MUST_CHECK weir_status
weiri_expr_call_plugin(weiri_arena *arena, const weiri_operation *operation,
    weiri_expr *const *args, uint32_t n_args, weiri_expr **out, weir_error *err);

/* `value` as an expression of `type`: itself, int widened to float, a null given the
 * type, or a constant string read as a time. Else WEIR_EINVAL: "is a string, not an int".
 * Arguments of weiri_expr_call are converted likewise. */
WEIR_MUST_CHECK weir_status
weiri_expr_convert(weiri_arena *arena, weiri_expr *value, weir_type type,
    weiri_expr **out, weir_error *err);

/* Whether any register is read. */
bool
weiri_expr_reads_registers(const weiri_expr *self);

/* Mark the fields that are read: used[field] = true. */
void
weiri_expr_mark_fields(const weiri_expr *self, bool *used);

/* Names for documentation, completion and "did you mean": the i-th operation's name
 * and signature as text, NULL past the end. */
const char *
weiri_operation_name(size_t i);
const char *
weiri_operation_signature(size_t i);

/* ---- programs: expressions made ready to run ---- */

typedef struct weiri_program weiri_program;

/* The values of one expression over a range of rows. Borrowed from the program until
 * it runs again, and from the chunk; like a weir_column, but strings stand on their own,
 * and a null row may hold any value. */
typedef struct weiri_vector {
    weir_type type;
    bool      has_nulls;
    union {
        const uint8_t    *b;
        const int64_t    *i;
        const double     *f;
        const weir_value *v; /* string, list */
    } as;                    /* shape (n,) */
    const uint8_t *nulls;    /* shape (n,), 1 where null; read only if has_nulls */
} weiri_vector;

/* Make expressions runnable together; what they share is evaluated once.
 * The expressions outlive the program.
 *
 *   errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_program_new(const weiri_expr *const *roots, uint32_t n_roots, weiri_program **out);

/* Make expressions runnable row by row: a fraction of the memory. Rows can be filtered
 * and run over only after weiri_program_widen.
 *
 *   errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_program_new_narrow(
    const weiri_expr *const *roots, uint32_t n_roots, weiri_program **out);

/* Make a narrow program what weiri_program_new would have made; others are left alone.
 *
 *   errors  WEIR_ENOMEM: unchanged
 */
WEIR_MUST_CHECK weir_status
weiri_program_widen(weiri_program *self);

void
weiri_program_destroy(weiri_program **self_p);

/* Evaluate all roots over rows of a chunk; no root may read registers.
 *
 *   rows  n <= WEIRI_CHUNK_ROWS
 *   out   shape (n_roots,)
 *   cost  one pass over the columns an operation reads, vectorised for numbers
 */
void
weiri_program_run(weiri_program *self, weir_rows rows, weiri_vector *out);

/* As run for a single bool root: out[i] = 1 where it is true, 0 where false or null. */
void
weiri_program_filter(weiri_program *self, weir_rows rows, uint8_t *out);

/* Evaluate root `root` for one row.
 *
 *   chunk, row  the event under test; chunk may be NULL if no field is read
 *   registers   indexed by WEIRI_EXPR_REGISTER.reg; may be NULL if none is read
 *   returns     strings borrowed from the chunk, the registers, or the program until
 *               the next weiri_program_forget
 */
weir_value
weiri_program_eval(weiri_program *self, uint32_t root, const weir_chunk *chunk,
    uint32_t row, const weir_value *registers);

/* Give back the strings made by weiri_program_eval since the last call. */
void
weiri_program_forget(weiri_program *self);

/* How many operations gave null by overflow, division by zero or a result that is not
 * finite, since the program was made. A run counts what weiri_program_eval of each of its
 * roots for each of its rows would. */
uint64_t
weiri_program_faults(const weiri_program *self);

#endif
