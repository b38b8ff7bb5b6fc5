/* weiri_outputs: where the events go that a replay gives. Files in a folder, standard
 * output, or what they are compared with. */
#ifndef WEIRI_OUTPUTS_H
#define WEIRI_OUTPUTS_H

#include "weiri/replay.h"
#include "weiri/sections.h"

typedef struct weiri_outputs weiri_outputs;

/* errors  WEIR_EINVAL  two sinks would go to one file of the folder
 *         as of weiri_outlet_new and weiri_records_open
 *
 *   begin   the state that the replay begins from, which says how far outputs were then;
 *           NULL: the beginning
 *   end     the same for where it ends; NULL: at the end of files as they are
 */
WEIR_MUST_CHECK weir_status
weiri_outputs_new(const weiri_plan *plan, const weiri_replay_options *options,
    const weiri_sections *begin, const weiri_sections *end, weiri_replay_counts *counts,
    weiri_outputs **out, weir_error *err);

/* What streams gave in a pass, in order, as far as its times are asked for.
 *
 *   rows          shape (plan->n_streams,), borrowed for the call
 *   watermark_ns  no event before it will come any more
 *   errors        WEIR_EOF told to stop while it waited for an event's time;
 * WEIR_ECLOSED, WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_outputs_write(weiri_outputs *self, const weiri_rows_list *rows,
    int64_t watermark_ns, weir_error *err);

/* Rows of a pass that come before all that is asked for; of what is written. */
void
weiri_outputs_pass_over(weiri_outputs *self, const weiri_rows_list *rows);

/* What is buffered is written, what was not found is told. *self_p is NULL afterwards.
 *
 *   is_whole  the replay came to its end
 */
WEIR_MUST_CHECK weir_status
weiri_outputs_close(weiri_outputs **self_p, bool is_whole, weir_error *err);

#endif
