/* Looking into a windower: keys in the order of their bytes, and what each holds. */
#include "window/inspect.h"

#include <stdlib.h>

#include "inspect/listing.h"
#include "window/state.h"

/* ---- what is told ---- */

static bool
read_value(const weiri_windower *self, uint32_t index, char *states,
    const weiri_ring *ring, weiri_window_viewer *viewer)
{
    const weiri_aggregate *plan = &self->window->aggregates[index];
    char                  *at   = states + self->offset[index];
    weir_value            *out  = &viewer->values[index];
    return ring != NULL
               ? weiri_slide_value(&self->slides[index], at, ring, &viewer->results, out)
               : weiri_tally_value(plan, index, at, &viewer->results, out);
}

void
weiri_window_tell(const weiri_windower *self, weiri_held_pane pane, char *states,
    const weiri_ring *ring, weiri_window_viewer *viewer)
{
    const weiri_inspector *to = viewer->inspector;
    if (to->is_enough(to->context)) {
        return;
    }
    for (uint32_t j = 0; j < self->n_active; j++) {
        if (!read_value(self, self->active[j], states, ring, viewer)) {
            viewer->is_out_of_memory = true;
            return;
        }
    }
    pane.values = viewer->values;
    to->pane(to->context, &pane);
}

void
weiri_window_tell_row(
    const weiri_windower *self, const uint64_t *row, weiri_window_viewer *viewer)
{
    const weiri_inspector *to = viewer->inspector;
    if (to->is_enough(to->context)) {
        return;
    }
    for (uint32_t i = 0; i < self->n_cells; i++) {
        weir_type type   = self->vectors[self->cell_root[i]].type;
        bool      is_had = (row[WEIRI_ROW_MASK] & weiri_row_readers(self, i)) != 0;
        viewer->cells[i] =
            is_had
                ? weiri_cell_value(type, (weiri_cell){ .bits = row[WEIRI_ROW_CELLS + i] })
                : (weir_value){ .type = (uint8_t)type, .is_null = true };
    }
    const int64_t          time_ns  = (int64_t)row[WEIRI_ROW_TIME];
    const bool             is_timed = self->window->kind == WEIRI_WINDOW_SLIDING;
    const weiri_held_event event    = { .time_ns = time_ns,
           .until_ns  = is_timed ? weiri_add_ns(time_ns, self->window->width_ns) : INT64_MAX,
           .arguments = viewer->arguments,
           .values    = viewer->cells,
           .n         = self->n_cells };
    to->event(to->context, &event);
}

/* What each cell of a row is. */
static void
name_cells(const weiri_windower *self, weiri_window_viewer *viewer)
{
    const weiri_window *window = self->window;
    for (uint32_t i = 0; i < self->n_cells; i++) {
        for (uint32_t a = 0; a < window->n_aggregates; a++) {
            if (self->x_root[a] == self->cell_root[i]) {
                viewer->arguments[i] = window->aggregates[a].argument;
            } else if (self->y_root[a] == self->cell_root[i]) {
                viewer->arguments[i] = window->aggregates[a].second;
            }
        }
    }
}

/* ---- keys ---- */

static void
read_key(const weiri_windower *self, uint32_t entry, weir_value *out)
{
    const weiri_cell *cells = weiri_key_table_cells(&self->keys, entry);
    for (uint32_t k = 0; k < self->window->n_keys; k++) {
        out[k] = weiri_cell_value(self->key_types[k], cells[k]);
    }
}

static bool
list_keys(const weiri_windower *self, weir_value *key, weiri_listing *out)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < self->keys.n_used; i++) {
        if (weiri_entry_is_wanted(self, i)) {
            read_key(self, i, key);
            ok = weiri_listing_add(out, i, key, self->window->n_keys);
        }
    }
    return ok && weiri_listing_sort(out);
}

/* What outlives a window. False: out of memory. */
static bool
tell_given(const weiri_windower *self, uint32_t entry, const weiri_inspector *to)
{
    const weiri_window *window = self->window;
    const weiri_entry  *it     = weiri_key_table_at(&self->keys, entry);
    return self->ops == &weiri_tumbling_ops || to->is_enough(to->context)
           || weiri_emission_tell(
               &it->emission, window->limit, window->limit_ns, window->has_changes, to);
}

/* Of `limit n`. */
static void
tell_all_given(const weiri_windower *self, const weiri_inspector *to)
{
    const weiri_window    *window = self->window;
    const weiri_held_given given  = { .n = self->n_emitted,
         .limit                          = window->limit,
         .next_ns = self->n_emitted < window->limit ? INT64_MIN : INT64_MAX };
    if (window->limit > 0 && window->limit_ns < 0 && !to->is_enough(to->context)) {
        to->given(to->context, &given);
    }
}

/* `size`: scratch. False: out of memory. */
static bool
inspect_entry(const weiri_windower *self, uint32_t entry, weiri_window_viewer *viewer,
    weiri_pack *size)
{
    size->size = 0;
    if (!self->ops->save_entry(self, entry, viewer->rows, size)
        || size->is_out_of_memory) {
        return false;
    }
    viewer->inspector->sized(viewer->inspector->context, size->size);
    self->ops->inspect(self, entry, viewer);
    return tell_given(self, entry, viewer->inspector) && !viewer->is_out_of_memory;
}

static bool
inspect_keys(const weiri_windower *self, weiri_window_viewer *viewer)
{
    const weiri_inspector *to   = viewer->inspector;
    weiri_listing          keys = { .n = 0 };
    weiri_pack             size = { 0 };
    weir_value            *key  = calloc(self->window->n_keys + (size_t)1, sizeof *key);
    bool                   ok   = key != NULL && list_keys(self, key, &keys);
    for (uint32_t i = 0; ok && i < keys.n && !to->is_enough(to->context); i++) {
        uint32_t entry = keys.items[i].number;
        read_key(self, entry, key);
        ok = !to->key(to->context, key, self->window->n_keys)
             || inspect_entry(self, entry, viewer, &size);
    }
    weiri_listing_fini(&keys);
    weiri_pack_fini(&size);
    free(key);
    return ok;
}

weir_status
weiri_windower_inspect(
    const weiri_windower *self, const weiri_inspector *inspector, weir_error *err)
{
    weiri_window_viewer *viewer = calloc(1, sizeof *viewer);
    uint64_t            *rows   = NULL;
    bool                 ok     = viewer != NULL;
    if (ok && self->ops == &weiri_flowing_ops) {
        rows = weiri_flowing_index(self);
        ok   = rows != NULL;
    }
    if (ok) {
        viewer->inspector = inspector;
        viewer->rows      = rows;
        name_cells(self, viewer);
        tell_all_given(self, inspector);
        ok = inspect_keys(self, viewer);
        for (uint32_t a = 0; a < WEIRI_AGGREGATES; a++) {
            weiri_list_fini(&viewer->results.lists[a]);
        }
    }
    free(viewer);
    free(rows);
    return ok ? WEIR_OK : WEIR_FAIL(err, WEIR_ENOMEM, "no memory to look at a rule");
}
