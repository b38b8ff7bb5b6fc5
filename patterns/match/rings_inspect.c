/* What the executor "rings" holds of a key: first events, and events that moved them on.
 */
#include "match/rings.h"

static void
tell(const weiri_executor *self, entry *at, uint32_t step, weiri_viewer *viewer)
{
    const weiri_inspector *to = viewer->inspector;
    if (!to->is_enough(to->context)) {
        const weiri_taken taken = {
            .step = self->steps[step], .time_ns = at->time_ns, .order = at->order
        };
        weiri_viewer_tell_kept(viewer, taken, weiri_rings_kept(at, step));
    }
}

void
weiri_rings_inspect(
    const weiri_executor *self, const weiri_partition *partition, weiri_viewer *viewer)
{
    const rings_state *state = state_of(partition);
    for (uint32_t i = state->tail; i != state->head; i++) {
        tell(self, weiri_rings_start(self, partition, i), 0, viewer);
    }
    for (uint32_t step = 1; step < self->n_held; step++) {
        const ring *of = &state->moved[step - 1];
        for (uint32_t i = of->tail; i != of->head; i++) {
            tell(self, weiri_rings_moved_at(self, state, step, i), step, viewer);
        }
    }
}
