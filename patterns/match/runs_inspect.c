/* What the executor "runs" holds of a key: its partial matches, and matches that wait. */
#include "match/runs.h"

static void
inspect_run(const weiri_executor *self, const weiri_run *run, weiri_viewer *viewer)
{
    uint32_t n = 0;
    for (uint32_t link = run->links; link != 0;) {
        link = weiri_link_at(self, link)->before;
        n++;
    }
    if (!weiri_viewer_reserve(viewer, n)) {
        return;
    }
    uint32_t at = n;
    for (uint32_t link = run->links; link != 0;) {
        const weiri_link *taken = weiri_link_at(self, link);
        viewer->taken[--at]     = (weiri_taken){ .step = taken->tag & WEIRI_LINK_STEP,
                .time_ns                               = taken->time_ns,
                .order                                 = taken->tag >> 8 };
        link                    = taken->before;
    }
    bool             is_complete = run->state == WEIRI_RUN_COMPLETE;
    weiri_held_match held        = { .is_complete = is_complete,
               .is_awaited =
                   !is_complete && self->core->automaton->states[run->state].is_pending,
               .expires_ns = is_complete ? INT64_MAX : weiri_runs_gap_deadline(self, run),
               .taken      = viewer->taken,
               .n_taken    = n };
    weiri_viewer_tell(viewer, &held, run->cells);
}

static void
inspect_list(const weiri_executor *self, uint32_t first, weiri_viewer *viewer)
{
    const weiri_inspector *to = viewer->inspector;
    for (uint32_t run = first; run != 0 && !to->is_enough(to->context);) {
        const weiri_run *at = weiri_run_at(self, run);
        inspect_run(self, at, viewer);
        run = at->next;
    }
}

/* What a leading `not` asks for. */
static void
inspect_before(
    const weiri_executor *self, const weiri_runs_state *state, weiri_viewer *viewer)
{
    const weiri_inspector *to = viewer->inspector;
    const weiri_before    *before =
        state->before != 0 ? weiri_pool_at(&self->befores, state->before) : NULL;
    for (uint32_t i = 0; before != NULL && i < self->n_leading; i++) {
        bool is_last = (before->just >> i & 1) != 0;
        if ((is_last || (before->ever >> i & 1) != 0) && !to->is_enough(to->context)) {
            const weiri_held_absence absence = {
                .step    = self->core->automaton->atoms[self->leading[i]].of,
                .is_last = is_last,
                .time_ns = before->last_ns[i],
                .until_ns =
                    is_last ? INT64_MAX : weiri_viewer_expiry(viewer, before->last_ns[i]),
            };
            to->absence(to->context, &absence);
        }
    }
}

void
weiri_runs_inspect(
    const weiri_executor *self, const weiri_partition *partition, weiri_viewer *viewer)
{
    const weiri_runs_state *state = weiri_runs_state_of(partition);
    inspect_list(self, state->first, viewer);
    inspect_list(self, state->held, viewer);
    inspect_before(self, state, viewer);
}
