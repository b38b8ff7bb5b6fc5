/* weiri_lones: events of the left of a join that found no counterpart, and what of the
 * right came nearest to being one. For explanations: sources are read again, twice. */
#ifndef WEIRI_LONES_H
#define WEIRI_LONES_H

#include "weiri/reading.h"

enum { WEIRI_LONES = 3, WEIRI_LONE_NEAR = 3 };

/* An event of the right whose key is equal, and it with the left in one row, the joined
 * one. */
typedef struct weiri_near {
    weiri_trace_event right;
    weiri_trace_event both;
} weiri_near;

typedef struct weiri_lone {
    weiri_trace_event left; /* a joined row without its right; the time is its own */
    weiri_near        near[WEIRI_LONE_NEAR]; /* nearest in time first */
    uint32_t          n_near;
    uint64_t          n_equal; /* events of the right with this key, in all */
} weiri_lone;

typedef struct weiri_lones weiri_lones;

/* Read the sources.
 *
 *   request  says the rule and where to read
 *   key      of the rule; "" where it has none
 *   join     that is made for the rule, of two streams; where the rule's key reads more
 *            than it gives there is nothing to find
 *   errors   as weiri_reading_new; WEIR_EINVAL: a source cannot be read again
 */
WEIR_MUST_CHECK weir_status
weiri_lones_new(const weiri_plan *plan, const weiri_reading_request *request,
    const char *key, const weiri_join *join, weiri_lones **out, weir_error *err);

void
weiri_lones_destroy(weiri_lones **self_p);

/* The last ones of the key, in order. shape (n,), n <= WEIRI_LONES */
const weiri_lone *
weiri_lones_all(const weiri_lones *self, uint32_t *n);

#endif
