/* Windowed queries computed from their definition: each window's events are gathered anew
 * and each aggregate is computed from all of them. For tests: slow, small, plain. */
#ifndef WINDOW_NAIVE_H
#define WINDOW_NAIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "weiri/window.h"

enum { NAIVE_EVENTS = 512, NAIVE_TEXT = 8 };

typedef struct naive_event {
    int64_t     t;
    const char *key; /* NULL: null */
    double      x;
    bool        x_null;
    int64_t     y;
    bool        y_null;
    const char *s;
    bool        b;
    bool        b_null;
} naive_event;

/* The fields of the test stream, in order. */
enum { FIELD_KEY, FIELD_X, FIELD_Y, FIELD_S, FIELD_B, N_FIELDS };

/* A list of events by index, of one key and window. */
typedef struct naive_set {
    const naive_event *events;
    uint32_t           at[NAIVE_EVENTS];
    uint32_t           n;
    int64_t            start;
    int64_t            end;
} naive_set;

/* A result of the query: a value each aggregate. Floats of sums are exact. */
typedef struct naive_result {
    int64_t    time_ns;
    int64_t    end;
    bool       is_early;
    uint64_t   first;
    uint32_t   key; /* of the event list: index of the key's first event ever */
    naive_set *set;
    bool       is_dropped;
    int64_t    event; /* of per-event windows: index, else -1 */
} naive_result;

typedef struct naive_run {
    const weiri_window *plan;
    const naive_event  *events;
    uint32_t            n;
    int64_t             final_ns; /* the last watermark before the end */
    int64_t             having;   /* count() >= this; 0: none */
    uint32_t            order;    /* aggregate of `order by` */
    uint32_t            entered;  /* index of the key's first event that is in a window */
    naive_result       *results;
    uint32_t            n_results;
    uint32_t            room;
} naive_run;

/* Whether a window gives a result for each event. */
bool
naive_is_per_event(const weiri_window *plan);

/* Fill results with what is to be emitted, in order; free with naive_fini. */
void
naive_compute(naive_run *self);
void
naive_fini(naive_run *self);

/* The value of one aggregate over a set. Texts and lists are copied into `text`. */
weir_value
naive_value(const weiri_aggregate *plan, const naive_set *set, char *text);

/* Whether two values agree: floats of the kind within its tolerance. */
bool
naive_agrees(const weiri_aggregate *plan, const naive_set *set,
    const weir_value *expected, const weir_value *got);

#endif
