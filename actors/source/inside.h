/* What an intake is made of: for the files of this folder. */
#ifndef WEIRI_SOURCE_INSIDE_H
#define WEIRI_SOURCE_INSIDE_H

#include "source.h"
#include "weiri/bytes.h"
#include "weiri/codec.h"
#include "weiri/limits.h"

struct weiri_intake {
    weiri_intake_config config;
    weiri_clock         clock;
    weiri_intake_counts counts;
    weiri_reader       *reader;
    weiri_decoder      *decoder;
    char               *bytes; /* shape (BUFFER_BYTES,)                       */
    size_t              from;  /* bytes[from .. to) are not decoded yet        */
    size_t              to;
    bool                is_last; /* the reader has ended */
    bool                is_closed;
    bool                is_live; /* the tape has been played to its end    */
    uint32_t            n_idle;  /* idle marks at `n_read`                 */
    uint64_t            n_read;  /* position of bytes[to]                  */
    bool                is_kept; /* a state is, so that what is read is told to be safe */
    size_t      n_unkept;        /* bytes behind bytes[to] that are not on the tape yet */
    weir_chunk *chunk;           /* being decoded into                         */
    uint32_t    n_admitted;
    uint32_t    n_late_here; /* late rows of `chunk`                   */
    bool        is_in_order; /* rows of `chunk` that are not late      */
    int64_t     last_ns;     /* time of the last of those              */
    uint8_t     is_late[WEIRI_CHUNK_ROWS];
    weir_chunk *late;
    uint64_t    late_order;
    weir_chunk *dead;
    uint64_t    dead_order;
    weir_status failed;   /* by a callback, told by the pump          */
    uint32_t    stop_row; /* rows of `chunk` before the dead record at
                           * which the source stops                   */
    weir_error failure;
    weir_error first_dead; /* of this run */
};

/* Note the first failure of a callback; the pump tells it. */
void
weiri_intake_fail(weiri_intake *self, weir_status status, const char *what);

/* The place of the source's first event in the order of the stream. */
uint64_t
weiri_intake_first_order(const weiri_intake *self);

/* Admit the decoded rows up to `n_rows` to the clock. */
void
weiri_intake_admit(weiri_intake *self, uint32_t n_rows);

/* ---- side.c ---- */

/* Copy a late row of the chunk to the stream of late events, if somebody reads that. */
void
weiri_intake_add_late(weiri_intake *self, uint32_t row);

/* The same for a record that could not be decoded. */
void
weiri_intake_add_dead(weiri_intake *self, const weiri_dead_record *record);

/* Dead records that came before the first event get the time of that event. */
void
weiri_intake_stamp_early_dead(weiri_intake *self, int64_t time_ns);

/* ---- tape.c ---- */

/* The next bytes of the tape, to bytes[to]; an idle mark moves the clock.
 *
 *   errors  WEIR_EOF  the tape has been played to its end
 */
WEIR_MUST_CHECK weir_status
weiri_intake_play(weiri_intake *self, size_t room, size_t *n, weir_error *err);

/* Bytes from the input itself, on the tape before anybody sees them. After a failure of
 * the tape they wait, and the next call tries again. errors as of weiri_reader_read */
WEIR_MUST_CHECK weir_status
weiri_intake_read_live(
    weiri_intake *self, size_t room, int64_t wait_ns, size_t *n, weir_error *err);

#endif
