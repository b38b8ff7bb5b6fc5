/* What registers.c and registers_save.c know of registers. */
#ifndef WEIRI_REGISTERS_INNER_H
#define WEIRI_REGISTERS_INNER_H

#include "match/registers.h"

/* Cells of a register, by kind:
 *
 *   LAST, MIN, MAX    value, state
 *   FIRST             value, state
 *   NTH               value, state, events so far
 *   NTH_LAST          events so far, then (value, state) of the last index + 1 in a ring
 *   COUNT             n
 *   SUM, AVG          sum, compensation or overflow, n
 *   STDDEV, VARIANCE  n, mean, sum of squared differences
 *   COLLECT           newest link, n
 */
enum { UNSET = 0, IS_NULL = 1, IS_VALUE = 2 };

/* A register's argument at the event at hand. */
typedef struct argument {
    uint64_t      stamp; /* of the event that it was evaluated for */
    weir_value    value;
    weiri_string *string; /* a counted copy, made when first kept    */
} argument;

/* One element of a collected list, linked backwards so that runs that fork share. */
typedef struct link {
    weiri_string *before;
    weiri_cell    value;
    uint64_t      state;
} link;

typedef struct slot {
    uint32_t  cell;
    uint32_t  n_cells;
    bool      is_text;  /* values are counted strings    */
    bool      is_exact; /* sum and avg of int, duration  */
    weir_type of;       /* type of the argument          */
    uint32_t *roots; /* per input: root of the input's program, WEIRI_NONE: a field, the
                      * time, or nothing                                            */
} slot;

struct weiri_registers {
    const weiri_match *plan;
    slot              *slots;
    argument          *arguments;
    uint64_t           stamp;
    uint32_t           n_cells;
    uint32_t          *counted; /* registers whose cells hold counted strings */
    uint32_t           n_counted;
    uint32_t         **by_step;  /* per step: its registers, ended by WEIRI_NONE */
    weiri_program    **programs; /* per input, NULL: none                       */
    bool               has_evaluated;
    weiri_strings      strings;
    char             **lists; /* made for weiri_registers_value */
    uint32_t           n_lists;
    uint32_t           capacity_lists;
    uint64_t           faults;
    bool               is_out_of_memory;
};

/* A (value, state) pair as a value; null unless its state is IS_VALUE. Texts are
 * borrowed. */
weir_value
weiri_registers_pair_value(const weiri_cell *pair, weir_type type);

#endif
