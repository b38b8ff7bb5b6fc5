/* Looking into a joiner: the rows of both sides, in the order of their time. */
#include "weiri/inspect.h"

#include "join/joiner.h"

static void
inspect_side(
    const weiri_join_store *store, bool is_right, const weiri_inspector *inspector)
{
    uint32_t name = weiri_join_store_front_name(store);
    for (uint64_t i = 0; i < store->n_rows && !inspector->is_enough(inspector->context);
         i++, name++) {
        const weiri_kept kept  = weiri_join_store_at(store, name);
        uint8_t          flags = kept.block->flags[kept.row];
        if ((flags & WEIRI_ROW_DEAD) != 0) {
            continue;
        }
        const weiri_held_row row = { .is_right = is_right,
            .is_matched                        = (flags & WEIRI_ROW_MATCHED) != 0,
            .time_ns                           = kept.block->rows->time[kept.row],
            .n_keys                            = store->n_keys,
            .chunk                             = kept.block->rows,
            .row                               = kept.row };
        inspector->row(inspector->context, &row);
    }
}

void
weiri_joiner_inspect(const weiri_joiner *self, const weiri_inspector *inspector)
{
    inspect_side(&self->stores[WEIRI_LEFT], false, inspector);
    inspect_side(&self->stores[WEIRI_RIGHT], true, inspector);
}
