/* weiri_streams: where the streams of a plan are put in order, and which of their fields
 * are needed. */
#ifndef WEIRI_STREAMS_H
#define WEIRI_STREAMS_H

#include "weiri/graph.h"
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

/* Add a section for each stream in which events wait. errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_streams_save(const weiri_streams *self, const weiri_plan *plan, weiri_sections *out,
    weir_error *err);

/* Have them wait again.
 *
 *   errors  WEIR_EDATA  they are other events, or damaged; WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_streams_load(const weiri_streams *self, const weiri_plan *plan,
    const weiri_restore *restore, weir_error *err);

#endif
