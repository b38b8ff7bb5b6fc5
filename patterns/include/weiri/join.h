/* Joins: rows of two streams that belong together, as rows of a third.
 *
 * The plan of one join, and the operator that runs it. The operator is pure: no thread,
 * clock or I/O. Same input, same output, however it is cut into pieces. What a joined row
 * is used for (conditions, windows, emit) is the business of a query over its stream.
 *
 * Interval. A pair is a left and a right row with equal keys, at most `within_ns` apart,
 * for which `where` holds. It is given when the second of the two comes, in the order of
 * the total order of the second and then of the first, with the second's time.
 *
 * As-of. For each left row the latest right row with an equal key that comes before it
 * and is at most `within_ns` older; given at once, with the time and order of the left
 * row. This is what a lookup in a table is, too, where the table is the stream of its
 * changes.
 *
 * Left. A left row without partner is given with nulls: of an interval when time has
 * passed its own by more than `within_ns` (a deadline, which fires as those of patterns
 * do), of as-of at once. At the end of the input rows whose time is not up are dropped
 * and counted.
 *
 * A key with a null equals nothing. Zero has no sign.
 *
 * State. Rows lie in blocks of columns in the order of their time, those of a key are
 * linked, and an index has the first and last of each key: rows expire from the front,
 * so that an event costs the same however long the interval is. Beyond `max_rows` the
 * oldest row is dropped and counted.
 */
#ifndef WEIRI_JOIN_H
#define WEIRI_JOIN_H

#include "weiri/expr.h"
#include "weiri/keyed.h"
#include "weiri/merge.h"

enum {
    WEIRI_JOIN_KEYS = 16,      /* equalities of one join                        */
    WEIRI_JOIN_ROWS = 1 << 24, /* rows kept of one side, default                */
};

typedef enum weiri_join_kind { WEIRI_JOIN_INTERVAL, WEIRI_JOIN_ASOF } weiri_join_kind;

/* What a right row of an as-of join does to the one of its key that was kept. */
typedef enum weiri_join_change {
    WEIRI_JOIN_PUT,    /* takes its place                          */
    WEIRI_JOIN_REMOVE, /* removes it, and is not kept              */
    WEIRI_JOIN_CLEAR   /* removes those of all keys; likewise      */
} weiri_join_change;

typedef struct weiri_join_side {
    uint32_t           stream; /* index of weiri_plan.streams              */
    uint32_t           rank;   /* of the stream: decides ties of time      */
    const weir_schema *schema;
    const weiri_expr **keys; /* shape (n_keys,): over the side's row; the same types
                              * on both sides                              */
    const weiri_expr *where; /* bool, over the side's row: where it is not true the row
                              * has no partner; NULL: true                 */
} weiri_join_side;

typedef struct weiri_join {
    weiri_join_kind kind;
    bool            is_left;
    bool            is_right_first; /* of two rows of one time the right one comes
                                     * before; else the total order decides     */
    weiri_join_side   sides[2];     /* left, right */
    uint32_t          n_keys;       /* 0: every row has the same          */
    int64_t           within_ns;    /* >= 0; -1: no bound, as-of only     */
    const weiri_expr *where;   /* bool, over the joined row; NULL: true; interval only */
    const weiri_expr *change;  /* int, over the right row: a weiri_join_change; NULL: put;
                                * as-of only                                 */
    const weir_schema *schema; /* of the joined row: fields of the left, then the right */
    const bool *used;  /* shape (schema->n_fields,): fields that somebody reads, those of
                        * `where` among them                                */
    uint32_t stream;   /* the joined one: index of weiri_plan.streams       */
    uint32_t max_rows; /* 0: WEIRI_JOIN_ROWS                              */
    bool stops_when_full; /* a row beyond the bound is an error; else the oldest goes */
} weiri_join;

/* How many bytes a row of a side takes where it is kept, its key, links and place in the
 * index among them; of text the bytes of its place alone. 0: it is not kept. */
uint32_t
weiri_join_row_bytes(const weiri_join *plan, uint32_t side);

typedef struct weiri_joiner weiri_joiner;

/* What a join gives: chunks of joined rows, in order.
 *
 *   chunk_p  taken on WEIR_OK and set to NULL
 *   errors   any status but WEIR_OK stops the joiner and is returned by what called it
 */
typedef struct weiri_join_sink {
    void *context;
    weir_status (*joined)(void *context, weir_chunk **chunk_p);
} weiri_join_sink;

typedef struct weiri_join_counts {
    uint64_t joined;         /* rows given, those without partner too      */
    uint64_t unmatched;      /* of these, left rows without partner        */
    uint64_t null_keys;      /* rows that a null in their key leaves out   */
    uint64_t dropped_rows;   /* by max_rows                                */
    uint64_t dropped_at_end; /* left rows without partner, time not up     */
    uint64_t faults;         /* arithmetic that gave null                  */
    uint64_t live_rows;      /* kept of both sides                         */
    uint64_t live_keys;
} weiri_join_counts;

/* `plan` outlives the joiner.
 *
 *   errors  WEIR_ENOMEM
 *           WEIR_EINVAL  parts of the plan that do not go together
 */
WEIR_MUST_CHECK weir_status
weiri_joiner_new(const weiri_join *plan, const weiri_join_sink *sink, weiri_joiner **out,
    weir_error *err);

void
weiri_joiner_destroy(weiri_joiner **self_p);

/* Process rows of both sides, each in order, none earlier than what was fed before of
 * either side.
 *
 *   errors  WEIR_ENOMEM, WEIR_EFULL (a joined row is larger than a chunk, or a side has
 *           as many rows as may be and stops_when_full: `err` says which), or what the
 *           sink gave: the joiner is to be destroyed
 *   cost    constant a row, amortised, and what is given
 */
WEIR_MUST_CHECK weir_status
weiri_joiner_feed(weiri_joiner *self, const weiri_rows_list *left,
    const weiri_rows_list *right, weir_error *err);

/* Every row with time < watermark_ns has been fed: fire deadlines before it, and give
 * what is complete. */
WEIR_MUST_CHECK weir_status
weiri_joiner_advance(weiri_joiner *self, int64_t watermark_ns, weir_error *err);

/* The first deadline that is pending, INT64_MAX: none. It may be about nothing. */
int64_t
weiri_joiner_next_deadline(const weiri_joiner *self);

/* End of input: left rows whose time is not up are counted and dropped. */
WEIR_MUST_CHECK weir_status
weiri_joiner_finish(weiri_joiner *self, weir_error *err);

weiri_join_counts
weiri_joiner_counts(const weiri_joiner *self);

/* Add the state to `out`: all that what is given later depends on. The bytes are the
 * same on every machine. Errors as of weiri_matcher_save. */
WEIR_MUST_CHECK weir_status
weiri_joiner_save(const weiri_joiner *self, weiri_keyed *out, weir_error *err);

/* Have a new joiner go on where a saved one was; the rows of several are never put
 * together. Errors as of weiri_matcher_load.
 *
 *   from  not trusted
 */
WEIR_MUST_CHECK weir_status
weiri_joiner_load(weiri_joiner *self, const weiri_keyed_load *from, weir_error *err);

#endif
