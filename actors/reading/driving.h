/* Sources read through a plan that writes nothing. */
#ifndef WEIRI_DRIVING_H
#define WEIRI_DRIVING_H

#include "weiri/reading.h"

typedef struct weiri_drive {
    const weiri_plan            *plan;
    const weiri_reading_request *request;
    bool *is_told; /* whether it has been said where the journal begins: once is enough */
    /* What the streams gave in one pass; see weiri_engine_options. */
    weir_status (*passed)(
        void *context, const weiri_rows_list *rows, int64_t deadline_ns, weir_error *err);
    void *context;
    bool  is_at_end; /* afterwards: all inputs were read to their ends */
} weiri_drive;

/* Read all there is. Errors as of weiri_engine_new and weiri_engine_turn. */
WEIR_MUST_CHECK weir_status
weiri_drive_all(weiri_drive *self, weir_error *err);

/* Whether an input is gone once it is read. */
bool
weiri_drive_is_fleeting(const weiri_reading_request *request, const weiri_plan *plan);

/* shape (n,), all true, in the arena */
bool *
weiri_all_used(weiri_arena *arena, uint32_t n);

/* Let all fields of what joins put together into a stream be seen, but of tables. The
 * plan has streams and rules of its own. */
void
weiri_see_sides(weiri_arena *arena, weiri_plan *plan, uint32_t stream);

#endif
