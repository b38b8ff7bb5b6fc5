/* weiri_streams: where the streams of a plan are put in order, and which of their fields
 * are needed. */
#ifndef WEIRI_STREAMS_H
#define WEIRI_STREAMS_H

#include "weiri/merge.h"
#include "weiri/plan.h"

typedef struct weiri_streams {
    uint32_t      n;
    bool        **used;   /* shape (n,), each (n_fields,)                     */
    weiri_merge **merges; /* shape (n,): NULL for what nobody reads and feeds */
} weiri_streams;

/* errors  WEIR_ENOMEM: to be finished */
WEIR_MUST_CHECK weir_status
weiri_streams_init(weiri_streams *self, const weiri_plan *plan);

void
weiri_streams_fini(weiri_streams *self);

#endif
