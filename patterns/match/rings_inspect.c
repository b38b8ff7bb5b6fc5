/* What the executor "rings" holds of a key: first events, and events that moved them on.
 */
#include "match/rings.h"

static void
tell(const weiri_executor *self, entry *at, uint32_t step, int64_t start_ns,
    weiri_viewer *viewer)
{
    const weiri_inspector *to = viewer->inspector;
    if (!to->is_enough(to->context)) {
        const weiri_taken taken = {
            .step = self->steps[step], .time_ns = at->time_ns, .order = at->order
        };
        bool is_awaited = self->is_absence && step == self->n_steps - 1;
        weiri_viewer_tell_kept(
            viewer, taken, weiri_rings_kept(at, step), start_ns, is_awaited);
    }
}

void
weiri_rings_inspect(
    const weiri_executor *self, const weiri_partition *partition, weiri_viewer *viewer)
{
    const rings_state *state = state_of(partition);
    for (uint32_t i = state->tail; i != state->head; i++) {
        entry *start = weiri_rings_start(self, partition, i);
        tell(self, start, 0, start->time_ns, viewer);
    }
    for (uint32_t step = 1; step < self->n_held; step++) {
        const ring *of = &state->moved[step - 1];
        for (uint32_t i = of->tail; i != of->head; i++) {
            /* The first of those that it has moved: `skip overlaps` gives that alone. */
            entry   *moved = weiri_rings_moved_at(self, state, step, i);
            uint32_t first = i == of->tail
                                 ? state->tail
                                 : (uint32_t)*weiri_rings_until(
                                     weiri_rings_moved_at(self, state, step, i - 1));
            tell(self, moved, step, weiri_rings_start(self, partition, first)->time_ns,
                viewer);
        }
    }
}
