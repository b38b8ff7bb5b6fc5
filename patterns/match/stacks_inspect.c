/* What the executor "stacks" holds of a key: the events at each place of the chain. */
#include "match/stacks.h"

static void
tell(const weiri_executor *self, const weiri_stacks_state *state, uint32_t place,
    uint32_t number, weiri_viewer *viewer)
{
    const weiri_stack_entry *at    = weiri_stacks_at(self, state, place, number);
    const weiri_taken        taken = {
               .step = self->places[place].step, .time_ns = at->time_ns, .order = at->order
    };
    weiri_viewer_tell_kept(viewer, taken, at->kept, at->time_ns, false);
}

void
weiri_stacks_inspect(
    const weiri_executor *self, const weiri_partition *partition, weiri_viewer *viewer)
{
    const weiri_stacks_state *state = weiri_stacks_state_of(partition);
    const weiri_inspector    *to    = viewer->inspector;
    for (uint32_t place = 0; place < self->n_rings; place++) {
        const weiri_stack_ring *ring = &state->rings[place];
        for (uint32_t i = ring->tail; i != ring->head && !to->is_enough(to->context);
             i++) {
            tell(self, state, place, i, viewer);
        }
    }
}
