/* Looking at what a rule holds: its keys, and the partial matches of each. */
#ifndef WEIRI_INSPECT_H
#define WEIRI_INSPECT_H

#include "weiri/join.h"
#include "weiri/matcher.h"
#include "weiri/window.h"

/* A partial match; or, of an executor that does not keep them one by one, an event from
 * which some are made when they are complete. Borrowed for the call. */
typedef struct weiri_held_match {
    bool is_shared;           /* such an event                                       */
    bool is_complete;         /* a match that waits for others, to be given in order */
    const weiri_taken *taken; /* shape (n_taken,), oldest first; `order` is that of the
                               * rule's input                              */
    uint32_t n_taken;
    int64_t  expires_ns;      /* it is gone after that time; INT64_MAX: never */
    bool     is_awaited;      /* or is a match then, unless what a `not` or a silence
                               * forbids has come                             */
    const weir_value *values; /* shape (plan->n_registers,): what is held     */
} weiri_held_match;

/* An event that a `not` at the beginning of a pattern forbids; borrowed for the call. */
typedef struct weiri_held_absence {
    uint32_t step;    /* of the `not`                                              */
    bool     is_last; /* it is the key's last event, and forbidden right before a match */
    int64_t  time_ns; /* of the latest one, unless is_last                         */
    int64_t  until_ns; /* it matters no longer after that time; INT64_MAX: always   */
} weiri_held_absence;

/* What is remembered of the results that were given, for `limit n per D` and `when
 * changes`; borrowed for the call. */
typedef struct weiri_held_given {
    const int64_t *times_ns; /* of results in the last D, shape (n,), oldest first */
    uint64_t       n;        /* of `limit n` all that were given, without times    */
    uint32_t       limit;    /* 0: there is none                                   */
    int64_t        next_ns;  /* none is given before; INT64_MIN: nothing is in the way,
                              * INT64_MAX: never again                             */
    bool has_changes;        /* `when changes`                                  */
    bool was_true;           /* its condition was, at last                      */
} weiri_held_given;

/* A row that is kept to find partners; borrowed for the call. */
typedef struct weiri_held_row {
    bool    is_right;   /* of the side that is joined to the other, or a table's */
    bool    is_matched; /* it has had a partner  */
    bool    is_awaited; /* it is given alone when its time is up, unless it has had one */
    int64_t time_ns;
    int64_t until_ns; /* it is gone after that time; INT64_MAX: others take its place */
    uint32_t n_keys;  /* the first columns are the key's; they have no other name */
    const weir_chunk *chunk;
    uint32_t          row; /* of the chunk */
} weiri_held_row;

/* What a window, or a pane of one that hops, has added up of a key's events; borrowed for
 * the call. */
typedef struct weiri_held_pane {
    int64_t           start_ns;
    int64_t           end_ns;   /* before it are its events; INT64_MAX: not known yet */
    int64_t           until_ns; /* then it is gone; INT64_MAX: not known yet          */
    const weir_value *values;   /* shape (window->n_aggregates,); of the key, start and
                                 * end nulls                                 */
} weiri_held_pane;

/* An event that a window keeps, of it what aggregates read; borrowed for the call. */
typedef struct weiri_held_event {
    int64_t time_ns;
    int64_t until_ns;                   /* it is gone after that time; INT64_MAX: others
                                         * push it out                       */
    const weiri_expr *const *arguments; /* shape (n,) */
    const weir_value        *values;    /* shape (n,); null: no aggregate took it */
    uint32_t                 n;
} weiri_held_event;

typedef struct weiri_inspector {
    /* A key, in the order of their bytes.
     *
     *   values   shape (n,), borrowed for the call
     *   returns  whether it is to be looked into */
    bool (*key)(void *context, const weir_value *values, uint32_t n);
    void (*held)(void *context, const weiri_held_match *held);
    void (*absence)(void *context, const weiri_held_absence *absence);
    /* Of the key at hand, or before the first of all keys together. */
    void (*given)(void *context, const weiri_held_given *given);
    /* How many bytes a window's state of the key takes when it is saved. */
    void (*sized)(void *context, size_t size);
    void (*pane)(void *context, const weiri_held_pane *pane);
    void (*event)(void *context, const weiri_held_event *event);
    /* A row of one side of a join, or of a table, in the order of time. */
    void (*row)(void *context, const weiri_held_row *row);
    bool (*is_enough)(void *context); /* nothing more is to be told */
    void *context;
} weiri_inspector;

/* Between two calls of feed or advance.
 *
 *   is_whole  false: the executor keeps partial matches in a form that is not told key by
 *             key; keys were told alone
 *   errors    WEIR_ENOMEM
 *   cost      O(n log n) for n keys, and what is told
 */
WEIR_MUST_CHECK weir_status
weiri_matcher_inspect(const weiri_matcher *self, const weiri_inspector *inspector,
    bool *is_whole, weir_error *err);

/* The same for a query's window: of each key the size of its state, then its panes in
 * order of time, then the events that it keeps.
 *
 *   errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_windower_inspect(
    const weiri_windower *self, const weiri_inspector *inspector, weir_error *err);

/* The same for a join: the rows of both sides. */
void
weiri_joiner_inspect(const weiri_joiner *self, const weiri_inspector *inspector);

#endif
