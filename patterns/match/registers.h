/* weiri_registers: what a run remembers of the events that it has taken.
 *
 * A run owns a row of cells; which cells a register has and what is in them is laid out
 * once. Strings and collected lists are counted and shared by runs that fork.
 */
#ifndef WEIRI_REGISTERS_H
#define WEIRI_REGISTERS_H

#include "match/shared.h"
#include "match/strings.h"
#include "weiri/pack.h"
#include "weiri/pattern.h"

typedef union weiri_cell {
    int64_t       i;
    double        f;
    uint64_t      u;
    weiri_string *text; /* of strings and lists */
} weiri_cell;

/* The event at hand, and its registers' arguments, evaluated when first asked for. */
typedef struct weiri_event {
    const weir_chunk *chunk;
    uint32_t          row;
    uint32_t          input;
    uint32_t class;
    int64_t  time_ns;
    uint64_t order; /* in the rule's input */
} weiri_event;

/* What stands outside a run's cells. */
typedef struct weiri_moment {
    const weir_value *key; /* shape (n_keys,) */
    int64_t           start_ns;
    int64_t           end_ns;
} weiri_moment;

typedef struct weiri_registers weiri_registers;

/* The plan outlives it. */
WEIR_MUST_CHECK weir_status
weiri_registers_new(const weiri_match *plan, weiri_registers **out);

void
weiri_registers_destroy(weiri_registers **self_p);

/* Cells of a run. */
uint32_t
weiri_registers_cells(const weiri_registers *self);

/* Forget what was evaluated for the event before. */
void
weiri_registers_begin_event(weiri_registers *self);

/* The cells of a run that has taken nothing. */
void
weiri_registers_clear(const weiri_registers *self, weiri_cell *cells);

/* `to` gets what `from` has. */
void
weiri_registers_copy(weiri_registers *self, weiri_cell *to, const weiri_cell *from);

/* Give back what the cells hold. */
void
weiri_registers_release(weiri_registers *self, weiri_cell *cells);

/* `step` takes the event. */
void
weiri_registers_take(
    weiri_registers *self, weiri_cell *cells, uint32_t step, const weiri_event *event);

/* How many cells keep what `step` would take of an event. */
uint32_t
weiri_registers_kept_cells(const weiri_registers *self, uint32_t step);

/* Keep what `step` would take of the event, for a run that may come to be. */
void
weiri_registers_keep(
    weiri_registers *self, weiri_cell *kept, uint32_t step, const weiri_event *event);

/* `step` takes an event that was kept. */
void
weiri_registers_take_kept(
    weiri_registers *self, weiri_cell *cells, uint32_t step, const weiri_cell *kept);

/* What the cells have of `step` goes, and it takes an event that was kept. Right where no
 * register is of several steps (weiri_registers_are_of_one_step). */
void
weiri_registers_retake(
    weiri_registers *self, weiri_cell *cells, uint32_t step, const weiri_cell *kept);

/* Whether each register holds events of a single step. */
bool
weiri_registers_are_of_one_step(const weiri_registers *self);

/* Give back what was kept. */
void
weiri_registers_release_kept(weiri_registers *self, uint32_t step, weiri_cell *kept);

/* The value of register `r`, borrowed from the cells or, for lists, until the next call
 * of weiri_registers_begin_values. */
weir_value
weiri_registers_value(weiri_registers *self, const weiri_cell *cells, uint32_t r,
    const weiri_moment *moment);

void
weiri_registers_begin_values(weiri_registers *self);

/* Write a run's cells, and read them into cleared ones: after a failure, which `in` or
 * weiri_registers_is_out_of_memory tells of, they are still to be released. */
void
weiri_registers_save(const weiri_registers *self, const weiri_cell *cells,
    weiri_pack *out, weiri_seen *seen);

void
weiri_registers_load(
    weiri_registers *self, weiri_cell *cells, weiri_unpack *in, weiri_shared *shared);

/* The same for what was kept of an event for `step`. */
void
weiri_registers_save_kept(const weiri_registers *self, uint32_t step,
    const weiri_cell *kept, weiri_pack *out, weiri_seen *seen);

void
weiri_registers_load_kept(weiri_registers *self, uint32_t step, weiri_cell *kept,
    weiri_unpack *in, weiri_shared *shared);

bool
weiri_registers_is_out_of_memory(const weiri_registers *self);

uint64_t
weiri_registers_faults(const weiri_registers *self);

/* Where strings live. */
weiri_strings *
weiri_registers_strings(weiri_registers *self);

#endif
