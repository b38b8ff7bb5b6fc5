/* Queries: a filter and map, or aggregates over windows of a stream.
 *
 * The plan of one `from` rule, and the operator that runs it where it has a window. The
 * operator is pure: no thread, clock or I/O. Same input, same output, however it is cut
 * into batches.
 *
 * Time. Windows see the rows that `where` lets through and whose key has no null. A
 * window with start and end holds start <= time < end, and closes before the first event
 * with time >= end, or when the watermark reaches end. What closes together comes in the
 * order (end, first event of the key in that window). What it emits has its end as time.
 * A batch ends with its last event; one that is open when the input ends has the time of
 * the input's last event. What is filled is given, in the order of its key's events, with
 * the event that has the next value, or when time has passed the last one's by the width.
 *
 * State. A key whose window has run empty is forgotten, one of windows that close when it
 * has no event in the next one either: `when changes` starts anew with its next event.
 * What `limit n per D` has counted is kept as long as it matters.
 */
#ifndef WEIRI_WINDOW_H
#define WEIRI_WINDOW_H

#include "weiri/join.h"
#include "weiri/keyed.h"
#include "weiri/pattern.h"

enum {
    WEIRI_AGGREGATES     = 64,      /* aggregates of one rule                         */
    WEIRI_WINDOW_KEYS    = 1 << 24, /* keys with state, default                       */
    WEIRI_WINDOW_ROWS    = 1 << 24, /* rows in one key's sliding window, default      */
    WEIRI_WINDOW_PANES   = 1 << 16, /* panes of one hopping window                    */
    WEIRI_LIMIT_COUNT    = 4096,    /* n of `limit n per D`                           */
    WEIRI_WINDOW_FILLS   = 1 << 20, /* results of `fill` without any event, default   */
    WEIRI_QUANTILE_EXACT = 1 << 16, /* values up to which a closed window's quantile is
                                     * exact; above: rank error below 1 % of the count */
    WEIRI_DISTINCT_EXACT = 1 << 14, /* likewise distinct; above: 1.6 % standard error  */
    WEIRI_TOP_EXACT      = 1024     /* likewise top; above: a count is too low by less
                                     * than 1/512 of the window's                      */
};

typedef enum weiri_window_kind {
    WEIRI_WINDOW_TUMBLING, /* [k width, (k + 1) width), or months */
    WEIRI_WINDOW_HOPPING,  /* [k every, k every + width)                                */
    WEIRI_WINDOW_SLIDING,  /* for each event: from its time - width, inclusive, to itself
                            */
    WEIRI_WINDOW_LAST,     /* for each event: the last n_rows events, itself included   */
    WEIRI_WINDOW_SESSION,  /* events less than width apart; ends width after its last   */
    WEIRI_WINDOW_ALL,      /* for each event: itself and all before it                  */
    WEIRI_WINDOW_BATCH,    /* n_rows events, then the next n_rows                       */
    WEIRI_WINDOW_LINEAR    /* no window: for each event itself, once nulls between two
                            * values at most width apart lie on the line between them.
                            * Aggregates are LAST, of the one event, or KEY          */
} weiri_window_kind;

/* How each aggregate is written, what it takes, and what it gives.
 *
 * Nulls, and rows where the filter is not true, are left out. Without a value count,
 * sum and distinct are 0, collect and top are empty lists, all others null. A sum is that
 * of the exact values, rounded once; out of range it is null and a fault. */
#define WEIRI_AGGREGATE_LIST(X)                                                          \
    X(KEY, "")        /* value `index` of the key                                  */    \
    X(START, "")      /* start of the window: of sliding, last and all, time of the      \
                       * oldest event in it; of sessions and batches, of the first */    \
    X(END, "")        /* end of the window: of sliding, last and all, the event's time;  \
                       * of a batch, that of its last event                        */    \
    X(COUNT, "count") /* rows; of a bool those where it is true, else where not null */  \
    X(SUM, "sum")     /* of int, float, duration: the same type                    */    \
    X(AVG, "avg")     /* of int, float: float; of duration: duration, toward zero  */    \
    X(MIN, "min")     /* of any type but list: the same type                       */    \
    X(MAX, "max")                                                                        \
    X(STDDEV, "stddev") /* of int, float: float; of the population                  */   \
    X(VARIANCE, "variance")                                                              \
    X(MEDIAN, "median") /* quantile 0.5                                             */   \
    X(QUANTILE, "quantile") /* of int, float: float; of duration, time: the same type,   \
                             * to the nearest ns. `p` in 0 … 1; between the two        \
                             * neighbours by proportion                             */   \
    X(DISTINCT, "distinct") /* of any type but list: how many values                */   \
    X(FIRST, "first")                                                                    \
    X(LAST, "last")                                                                      \
    X(LAG, "lag") /* of any type: the same type. The `k`-th value before the event, of   \
                   * sliding and last windows; null if the window holds fewer        */  \
    X(COLLECT, "collect") /* list, the first WEIRI_LIST_ITEMS of the window         */   \
    X(TOP, "top")     /* list of the `k` most frequent values; of equal ones the least   \
                       * value first                                                  */ \
    X(EWMA, "ewma")   /* of int, float: mean with weights that halve every `width_ns` of \
                       * age                                                          */ \
    X(SLOPE, "slope") /* of int, float: least squares against time, units a second; null \
                       * if all are of one time                                     */   \
    X(CORRELATION, "correlation") /* of int, float with `second`: Pearson's; null if one \
                                   * of them is constant                            */   \
    X(PLUGIN, "") /* what `foreign` gives; null, and a fault, where it fails         */

typedef enum weiri_aggregate_kind {
#define X(name, text) WEIRI_AGGREGATE_##name,
    WEIRI_AGGREGATE_LIST(X)
#undef X
} weiri_aggregate_kind;

/* Register i of the rule holds aggregate i. Arguments read the event only. */
typedef struct weiri_aggregate {
    weiri_aggregate_kind kind;
    const weiri_expr    *argument; /* NULL for KEY, START, END, bare COUNT   */
    const weiri_expr    *second;   /* of CORRELATION                         */
    const weiri_expr    *filter;   /* `sum(x) where c`: bool; NULL: all rows */
    uint32_t             index;    /* of KEY; of LAG: 1 if the window holds the event */
    uint32_t             k;        /* of TOP: 1 … WEIRI_TOP_EXACT; of LAG: > 0        */
    double               p;        /* of QUANTILE                            */
    int64_t              width_ns; /* of EWMA: > 0                           */
    const weiri_foreign *foreign;  /* of PLUGIN: argument and second are of its inputs'
                                    * types                                  */
    weir_type type;                /* of the result                          */
    weir_type element;
    bool      is_nullable;
} weiri_aggregate;

/* One key of `order by`, or of its `each`. Nulls come last. */
typedef struct weiri_order {
    const weiri_expr *value; /* over registers */
    bool              is_descending;
} weiri_order;

typedef struct weiri_window {
    int64_t width_ns;  /* D; > 0; of LAST unused               */
    int64_t every_ns;  /* E of HOPPING; > 0                    */
    int64_t offset_ns; /* tumbling, hopping: all begin so much later; less than
                        * width either way                    */
    weiri_window_kind kind;
    uint32_t months;    /* tumbling: 1, 3 or 12 months of the calendar, in UTC but for
                         * the offset; 0: width                  */
    uint32_t n_rows;    /* n of LAST and BATCH; > 0             */
    bool     is_before; /* sliding, last, all: the event itself is left out     */
    bool     is_reset;  /* sliding, last, all: emptied, the event too, when it
                         * emits                                        */
    bool has_fill;      /* tumbling, hopping: windows without events close too:
                         * without keys from the first window to the last; with
                         * keys each key from its first window on, those
                         * without events after the others, in order of their
                         * first event in any window                    */
    bool has_changes;   /* `when changes`: emit only where having is true and was
                         * not at the evaluation of the key before               */
    uint64_t linear;    /* of LINEAR: bit a: the nulls of aggregate a are filled; of
                         * a float field                                 */
    int64_t early_ns;   /* <= 0: no. Tumbling, hopping, session: at each multiple T
                         * of it the open windows with events since the last
                         * time emit what they hold, at time T, before the
                         * events at T; after what closes at T           */
    const weiri_expr **keys;       /* shape (n_keys,) */
    uint32_t           n_keys;     /* 0: one partition */
    weiri_aggregate   *aggregates; /* shape (n_aggregates,) */
    uint32_t           n_aggregates;
    const weiri_expr  *having;  /* bool, over registers; of sliding and last over the
                                 * event's fields too; NULL: true                */
    const weiri_order *order;   /* `order by`: among what closes with one end    */
    uint32_t           n_order; /* with those of `each`                          */
    uint32_t           n_each;  /* so many of `order`, the last, do not order: of
                                 * results in which they are equal order_limit
                                 * are given                                     */
    uint32_t order_limit;       /* `order by … limit k`; 0: all                  */
    uint32_t limit;             /* `limit n`; 0: none                            */
    int64_t  limit_ns;          /* `per D`: of a key, at most n in any span of time
                                 * shorter than D; -1: once for all              */
    uint32_t max_keys;          /* 0: WEIRI_WINDOW_KEYS, evenly among the key
                                 * groups. Events of further keys are
                                 * dropped and counted                           */
    uint32_t max_rows;          /* 0: WEIRI_WINDOW_ROWS. The oldest row of a sliding
                                 * window is dropped and counted; the oldest that
                                 * waits to be filled is given as it is, likewise */
    uint32_t max_fills;         /* 0: WEIRI_WINDOW_FILLS. After so many results of
                                 * windows without events, and no event, further ones
                                 * are passed over and counted until an event comes */
} weiri_window;

/* `from s where c … emit …`. Without a window filter and map. With one, emit's values and
 * having read registers, and of sliding and last the event's fields too. */
typedef struct weiri_query {
    uint32_t           stream;
    const weir_schema *schema;
    const weiri_expr  *where; /* NULL: all; before the window */
    weiri_emit        *emit;
    weiri_window      *window; /* NULL: none */
    const weiri_join  *fold;   /* the table that the query reads and writes, row by row:
                                * `schema` is that of the joined row; NULL: none */
    struct weiri_actor_plan *actor; /* NULL: none; else all there is but stream, schema
                                     * and emit, whose values are not used             */
} weiri_query;

/* The aggregate that the language calls `name`; false if there is none. */
bool
weiri_aggregate_find(const char *name, weiri_aggregate_kind *out);

/* Check kind, arguments and parameters and set type, element and is_nullable. KEY is
 * given its type by the caller.
 *
 *   errors  WEIR_EINVAL: "'avg' takes an int, a float or a duration, not a string"
 */
WEIR_MUST_CHECK weir_status
weiri_aggregate_resolve(weiri_aggregate *self, weir_error *err);

/* Whether kind, sizes and words of a window go together; what its clause alone can say,
 * so aggregates and expressions need not be there yet.
 *
 *   errors  WEIR_EINVAL: "'fill' goes with 'tumbling' and 'hopping' windows"
 */
WEIR_MUST_CHECK weir_status
weiri_window_check(const weiri_window *self, weir_error *err);

/* ---- the operator ---- */

typedef struct weiri_windower weiri_windower;

/* What a query gives, in order: values of the emit's fields, borrowed for the call.
 *
 *   errors  any status but WEIR_OK stops the operator and is returned by what called it
 *
 * With `trigger`, where weiri_window_is_by_key, the operator is fed a part of the rule's
 * input, as a matcher is by weiri_match_sink.
 */
typedef struct weiri_window_sink {
    void *context;
    weir_status (*emitted)(void *context, int64_t time_ns, const weir_value *values);
    uint64_t *trigger; /* NULL: fed the whole input */
} weiri_window_sink;

typedef struct weiri_window_counts {
    uint64_t emitted;
    uint64_t null_keys;     /* events of no partition             */
    uint64_t dropped_keys;  /* events beyond max_keys             */
    uint64_t dropped_rows;  /* rows beyond max_rows               */
    uint64_t dropped_fills; /* results of windows without events, beyond max_fills */
    uint64_t limited;       /* results that `limit` held back     */
    uint64_t faults;        /* arithmetic that gave null          */
    uint64_t live_keys;     /* with state, some of which may be due to be freed */
    uint64_t live_rows;     /* held by sliding and row windows, likewise */
} weiri_window_counts;

/* Whether what a key gives depends on its own events alone, and its place among what
 * others give at that time on an event: then keys may be split among operators. Not so
 * with an order, a bound or a filling of gaps over all keys, nor with early results of
 * several windows of a key, nor with batches, which end at the last event of all. */
bool
weiri_window_is_by_key(const weiri_window *self);

/* `plan` (with a window) outlives the operator.
 *
 *   errors  WEIR_ENOMEM
 *           WEIR_EINVAL  a combination that has no meaning, or a bound above
 */
WEIR_MUST_CHECK weir_status
weiri_windower_new(const weiri_query *plan, const weiri_window_sink *sink,
    weiri_windower **out, weir_error *err);

void
weiri_windower_destroy(weiri_windower **self_p);

/* Process rows, in order, none earlier than what was fed before.
 *
 *   rows    n <= WEIRI_CHUNK_ROWS
 *   errors  WEIR_ENOMEM, or what the sink gave: the operator is to be destroyed
 *   cost    constant an event, amortised, whatever the window's length; median, quantile
 *           and top of sliding and last windows: logarithmic to linear in its distinct
 *           values; lag: linear in how far back the value stands
 */
WEIR_MUST_CHECK weir_status
weiri_windower_feed(weiri_windower *self, weir_rows rows, weir_error *err);

/* Every event with time < watermark_ns has been fed: close what ends by then. */
WEIR_MUST_CHECK weir_status
weiri_windower_advance(weiri_windower *self, int64_t watermark_ns, weir_error *err);

/* End of input: windows still open are emitted, in order. */
WEIR_MUST_CHECK weir_status
weiri_windower_finish(weiri_windower *self, weir_error *err);

weiri_window_counts
weiri_windower_counts(const weiri_windower *self);

/* The orders of all events so far are below this. */
uint64_t
weiri_windower_position(const weiri_windower *self);

/* Add the state to `out`: all that what is given later depends on. Between two calls
 * of feed or advance. The bytes are the same on every machine.
 *
 *   errors  WEIR_EINVAL  the input has ended
 *           WEIR_ENOMEM
 *           After either `out` is of no use.
 *   cost    linear in what keys hold
 */
WEIR_MUST_CHECK weir_status
weiri_windower_save(const weiri_windower *self, weiri_keyed *out, weir_error *err);

/* Have a new operator go on where saved ones were, with the keys of some key groups. Of
 * several, all were at one watermark, and each event had the same order for all.
 *
 *   from    not trusted
 *   errors  WEIR_EDATA   damaged, of another format, or of another rule
 *           WEIR_EINVAL  the operator has been fed
 *           WEIR_ENOMEM
 *           After any of them the operator is to be destroyed.
 */
WEIR_MUST_CHECK weir_status
weiri_windower_load(weiri_windower *self, const weiri_keyed_load *from, weir_error *err);

#endif
