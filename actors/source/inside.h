/* What an intake is made of: for the files of this folder. */
#ifndef WEIRI_SOURCE_INSIDE_H
#define WEIRI_SOURCE_INSIDE_H

#include "source.h"
#include "weiri/bytes.h"
#include "weiri/codec.h"
#include "weiri/limits.h"

typedef struct weiri_refresh weiri_refresh;

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
    bool                is_begun;   /* of a link: the sender has been asked   */
    bool                is_settled; /* of a link: the sender needs nothing any more */
    bool                has_moved;  /* of a link: time has, since the last pump */
    bool                is_live;    /* the tape has been played to its end    */
    bool     is_over; /* all that the extent has was read, and more would come */
    uint32_t n_idle;  /* idle marks at `n_read`                 */
    uint64_t n_read;  /* position of bytes[to]                  */
    bool     is_told; /* a state is kept, and with it what was read is told to be safe */
    int64_t  read_ns; /* when the oldest bytes of the chunk were read, on the clock;
                       * 0: none were                               */
    int64_t     last_read_ns; /* when bytes were read last                     */
    size_t      n_unkept;     /* bytes behind bytes[to] that are not on the tape yet */
    weir_chunk *chunk;        /* being decoded into                         */
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
    weir_error     failure;
    weir_error     first_dead; /* of this run */
    weir_error     notice;     /* the last of counts.n_notices */
    weiri_refresh *refresh;    /* the file is read again and again, and always as a
                                * whole; NULL: once                               */
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

/* ---- refresh.c ---- */

/* errors  WEIR_ENOMEM; WEIR_EINVAL  it is no file */
WEIR_MUST_CHECK weir_status
weiri_refresh_new(weiri_intake *intake, weir_error *err);

void
weiri_refresh_destroy(weiri_refresh **self_p);

/* Look at the file, at the time at which the clock stands. errors  as weiri_intake_pump
 */
WEIR_MUST_CHECK weir_status
weiri_refresh_pump(weiri_intake *intake, weir_error *err);

uint64_t
weiri_refresh_position(const weiri_intake *intake);

void
weiri_refresh_save(const weiri_intake *intake, weiri_pack *out);

/* What is wrong with the bytes is noted in `in`. errors  WEIR_EDATA, WEIR_EFULL,
 * WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_refresh_load(weiri_intake *intake, weiri_unpack *in, uint64_t position);

/* ---- table_rows.c ---- */

/* The rows of a table's file, found by key: of two with one key the later. */
typedef struct weiri_table_rows {
    const weir_schema *schema;
    const uint32_t    *keys; /* shape (n_keys,): fields */
    uint32_t           n_keys;
    weir_chunk       **chunks; /* shape (n_chunks,)                       */
    uint32_t           n_chunks;
    uint64_t           n_rows; /* of all chunks                           */
    uint64_t          *slots;  /* shape (mask + 1,): 1 + the row's number; 0: free */
    uint64_t           mask;
} weiri_table_rows;

void
weiri_table_rows_fini(weiri_table_rows *self);

/* Append a chunk, which is taken on WEIR_OK. Not after weiri_table_rows_index.
 *
 *   errors  WEIR_ENOMEM; WEIR_EFULL: more than WEIRI_JOIN_ROWS rows
 */
WEIR_MUST_CHECK weir_status
weiri_table_rows_add(weiri_table_rows *self, weir_chunk **chunk_p);

/* Make rows findable. errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_table_rows_index(weiri_table_rows *self);

/* The row with the key that row `row` of `chunk` has; false: there is none. */
bool
weiri_table_rows_find(const weiri_table_rows *self, const weir_chunk *chunk, uint32_t row,
    const weir_chunk **in, uint32_t *at);

/* Whether two rows say the same in all fields. */
bool
weiri_table_rows_are_same(
    const weir_chunk *a, uint32_t a_row, const weir_chunk *b, uint32_t b_row);

/* ---- tape.c ---- */

/* All that was read is decoded or on the tape, and a link may ask for what is next. */
void
weiri_intake_go_live(weiri_intake *self);

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

/* The next bytes of what is read again, as far as its extent goes.
 *
 *   errors  WEIR_EOF     that is the input's end
 *           WEIR_EAGAIN  all was read, and more would have come: is_over says so
 *           WEIR_EDATA   the tape or file ends before it */
WEIR_MUST_CHECK weir_status
weiri_intake_read_again(weiri_intake *self, size_t room, size_t *n, weir_error *err);

#endif
