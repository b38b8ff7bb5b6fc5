/* Looking into a joiner: the rows of both sides, in the order of their time. */
#include "weiri/inspect.h"

#include "join/joiner.h"

static int64_t
until(const weiri_join *plan, int64_t time_ns)
{
    bool is_never = plan->within_ns < 0 || time_ns > INT64_MAX - plan->within_ns;
    return is_never ? INT64_MAX : time_ns + plan->within_ns;
}

static void
inspect_side(const weiri_joiner *self, bool is_right, const weiri_inspector *inspector)
{
    const weiri_join       *plan  = self->plan;
    const weiri_join_store *store = &self->stores[is_right ? WEIRI_RIGHT : WEIRI_LEFT];
    bool     is_alone = plan->kind == WEIRI_JOIN_INTERVAL && plan->is_left && !is_right;
    uint32_t name     = weiri_join_store_front_name(store);
    for (uint64_t i = 0; i < store->n_rows && !inspector->is_enough(inspector->context);
         i++, name++) {
        const weiri_kept kept  = weiri_join_store_at(store, name);
        uint8_t          flags = kept.block->flags[kept.row];
        if ((flags & WEIRI_ROW_DEAD) != 0) {
            continue;
        }
        const weiri_held_row row = { .is_right = is_right,
            .is_matched                        = (flags & WEIRI_ROW_MATCHED) != 0,
            .is_awaited = is_alone && (flags & WEIRI_ROW_MATCHED) == 0,
            .time_ns    = kept.block->rows->time[kept.row],
            .until_ns   = until(plan, kept.block->rows->time[kept.row]),
            .n_keys     = store->n_keys,
            .chunk      = kept.block->rows,
            .row        = kept.row };
        inspector->row(inspector->context, &row);
    }
}

void
weiri_joiner_inspect(const weiri_joiner *self, const weiri_inspector *inspector)
{
    inspect_side(self, false, inspector);
    inspect_side(self, true, inspector);
}
