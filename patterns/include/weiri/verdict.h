/* weiri_verdicts: what became of every result that a query's window could have given.
 *
 * The window is run twice over the same rows: as it is, and without `having`, `when
 * changes` and limits, giving the values of its aggregates and whether each term of
 * `having` holds. What the second gives and the first does not was held back. So nothing
 * is told of a window but what the window itself has worked out. It is slow and for
 * people.
 */
#ifndef WEIRI_VERDICT_H
#define WEIRI_VERDICT_H

#include "weiri/window.h"

typedef enum weiri_held {
    WEIRI_HELD_NOT,     /* it was given                                      */
    WEIRI_HELD_HAVING,  /* a term of `having` is false or null               */
    WEIRI_HELD_CHANGES, /* by `when changes`: it was true the time before    */
    WEIRI_HELD_LIMIT    /* by `limit`, or the `limit` of an `order by`       */
} weiri_held;

/* One evaluation of the window of the key that is asked about. */
typedef struct weiri_verdict {
    int64_t     time_ns;
    int64_t     start_ns; /* of the window, as `start` and `end` say */
    int64_t     end_ns;
    uint64_t    n_rows; /* in the window                                          */
    uint64_t    n_fed;  /* rows of the key that `where` had let in by then        */
    weir_value *values; /* shape (n_aggregates of the plan,)                      */
    weir_value *terms;  /* shape (weiri_verdicts_terms,): of bool                 */
    weir_value *made;   /* shape (n_fields of the emit,): what it gives, or would */
    weiri_held  held;
    uint64_t    number; /* among all results of the rule, from 1; 0: not given, or
                         * not all rows were fed */
} weiri_verdict;

typedef struct weiri_verdicts weiri_verdicts;

/* `plan` (with a window, without a table to write) outlives them.
 *
 *   key      values as weiri_key_text; NULL: none, only `given` is of interest
 *   errors   WEIR_ENOMEM
 *            WEIR_EINVAL  as of weiri_windower_new; too many aggregates to add one
 */
WEIR_MUST_CHECK weir_status
weiri_verdicts_new(
    const weiri_query *plan, const char *key, weiri_verdicts **out, weir_error *err);

void
weiri_verdicts_destroy(weiri_verdicts **self_p);

/* Whether rows of other keys can bear on what the key gives, so that they are to be fed
 * as well. */
bool
weiri_verdicts_want_all(const weiri_verdicts *self);

/* A row, in order.
 *
 *   is_of_key  it is of the key that is asked about
 *   errors     WEIR_ENOMEM; WEIR_EFULL  more results than can be told of
 */
WEIR_MUST_CHECK weir_status
weiri_verdicts_feed(weiri_verdicts *self, const weir_chunk *chunk, uint32_t row,
    bool is_of_key, weir_error *err);

WEIR_MUST_CHECK weir_status
weiri_verdicts_advance(weiri_verdicts *self, int64_t watermark_ns, weir_error *err);

/* No more is fed; only then are they complete.
 *
 *   is_end  the input has ended: windows still open are told of, too */
WEIR_MUST_CHECK weir_status
weiri_verdicts_finish(weiri_verdicts *self, bool is_end, weir_error *err);

/* In the order in which they came. shape (n,) */
const weiri_verdict *
weiri_verdicts_all(const weiri_verdicts *self, uint32_t *n);

/* The terms of `having`; 0 without it. Over registers. */
uint32_t
weiri_verdicts_terms(const weiri_verdicts *self, const weiri_expr *const **out);

/* Called for each result that the rule gives, of any key; borrowed for the call.
 *
 *   number  from 1
 *   key     as weiri_key_text
 *   made    shape (n_fields of the emit,)
 */
typedef weir_status
weiri_verdicts_given(void *context, uint64_t number, const char *key, int64_t time_ns,
    const weir_value *made);

void
weiri_verdicts_listen(
    weiri_verdicts *self, weiri_verdicts_given *listener, void *context);

#endif
