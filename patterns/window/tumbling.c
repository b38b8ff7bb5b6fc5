/* Tumbling windows without memory from one to the next: the table is emptied as a whole,
 * so its entries are the keys in order of their first event. */
#include "window/inspect.h"
#include "window/state.h"

/* An entry is its tallies, with early results a flag after them, and where only some keys
 * are at hand the position of its first event. */
size_t
weiri_tumbling_entry_size(const weiri_windower *self)
{
    return self->states_size + (self->window->early_ns > 0 ? sizeof(uint64_t) : 0)
           + (self->sink.trigger != NULL ? sizeof(uint64_t) : 0);
}

static uint64_t *
flag_of(const weiri_windower *self, uint32_t entry)
{
    char *states = weiri_key_table_at(&self->keys, entry);
    return (uint64_t *)(void *)(states + self->states_size);
}

static uint64_t *
first_of(const weiri_windower *self, uint32_t entry)
{
    return flag_of(self, entry) + (self->window->early_ns > 0 ? 1 : 0);
}

static int64_t
next_close(const weiri_windower *self)
{
    return self->close_ns;
}

static weir_status
give(weiri_windower *self, uint32_t entry, int64_t end, int64_t time_ns)
{
    bool    is_emitted = false;
    int64_t start      = 0;
    int64_t next       = 0;
    weiri_window_span(self->window, end - 1, &start, &next);
    weiri_evaluation e = {
        .keys    = weiri_key_table_cells(&self->keys, entry),
        .start   = start,
        .end     = end,
        .time_ns = time_ns,
        .states  = weiri_key_table_at(&self->keys, entry),
    };
    if (self->sink.trigger != NULL) {
        e.trigger = *first_of(self, entry);
    }
    return weiri_windower_give(self, &e, &is_emitted);
}

static weir_status
close_window(weiri_windower *self, int64_t end)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->keys.n_used && status == WEIR_OK; i++) {
        status = give(self, i, end, end);
    }
    if (status == WEIR_OK) {
        status = weiri_windower_flush(self);
    }
    for (uint32_t i = 0; i < self->keys.n_used; i++) {
        weiri_windower_clear(self, weiri_key_table_at(&self->keys, i));
    }
    weiri_key_table_clear(&self->keys);
    self->close_ns = INT64_MAX;
    self->n_dirty  = 0;
    self->tick     = INT64_MAX;
    return status;
}

static weir_status
tick(weiri_windower *self, int64_t time_ns)
{
    self->n_dues       = 0;
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_dirty && status == WEIR_OK; i++) {
        *flag_of(self, self->dirty[i]) = 0;
        status = weiri_windower_push_due(self, 0, self->dirty[i], self->dirty[i]);
    }
    if (status == WEIR_OK && !weiri_windower_sort_dues(self)) {
        status = WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < self->n_dues && status == WEIR_OK; i++) {
        status = give(self, self->dues[i].entry, self->close_ns, time_ns);
    }
    return status == WEIR_OK ? weiri_windower_flush(self) : status;
}

static weir_status
feed_row(weiri_windower *self, uint32_t i)
{
    int64_t time_ns = self->batch.time[i];
    if (time_ns >= self->due) {
        weir_status status = weiri_windower_catch_up(self, time_ns);
        if (status != WEIR_OK) {
            return status;
        }
    }
    bool        is_new = false;
    uint32_t    entry  = WEIRI_NO_ENTRY;
    weir_status status = weiri_windower_entry(self, i, &entry, &is_new);
    if (status != WEIR_OK || entry == WEIRI_NO_ENTRY) {
        return status;
    }
    if (is_new && self->sink.trigger != NULL) {
        *first_of(self, entry) = self->batch.order[i];
    }
    if (self->close_ns == INT64_MAX) {
        int64_t start = 0;
        weiri_window_span(self->window, time_ns, &start, &self->close_ns);
        self->due = self->close_ns;
    }
    if (self->window->early_ns > 0 && *flag_of(self, entry) == 0) {
        *flag_of(self, entry) = 1;
        status                = weiri_windower_touch(self, entry, time_ns);
        if (status != WEIR_OK) {
            return status;
        }
    }
    return weiri_windower_add(self, weiri_key_table_at(&self->keys, entry), i);
}

static weir_status
feed(weiri_windower *self)
{
    enum { FAR = 24, NEAR = 12 };
    const weiri_window_batch *batch  = &self->batch;
    weir_status               status = WEIR_OK;
    for (uint32_t i = 0; i < batch->n && status == WEIR_OK; i++) {
        if (i + FAR < batch->n) {
            weiri_key_table_prefetch_slot(&self->keys, batch->hash[i + FAR]);
            weiri_key_table_prefetch_entry(&self->keys, batch->hash[i + NEAR]);
        }
        status = feed_row(self, i);
    }
    return status;
}

static void
clear(weiri_windower *self, void *entry)
{
    weiri_windower_clear(self, entry);
}

/* ---- bytes ---- */

/* Where all keys are at hand, an entry's number does for the order of its first event. */
static bool
save_entry(
    const weiri_windower *self, uint32_t entry, const uint64_t *rows, weiri_pack *out)
{
    (void)rows;
    weiri_pack_number(out, self->sink.trigger != NULL ? *first_of(self, entry) : entry);
    if (self->window->early_ns > 0) {
        weiri_pack_number(out, *flag_of(self, entry));
    }
    return weiri_states_save(self, weiri_key_table_at(&self->keys, entry), out);
}

static bool
load_entry(weiri_windower *self, uint32_t entry, weiri_unpack *in)
{
    uint64_t first = weiri_unpack_below(in, self->n_seen, "an event is unknown");
    if (self->sink.trigger != NULL) {
        *first_of(self, entry) = first;
    }
    if (self->window->early_ns > 0) {
        *flag_of(self, entry) = weiri_unpack_below(in, 2, "a key has unknown flags");
        if (*flag_of(self, entry) != 0 && !weiri_dirty_load(self, entry, in)) {
            return false;
        }
    }
    return weiri_states_load(self, weiri_key_table_at(&self->keys, entry), in);
}

/* ---- looking ---- */

static void
inspect(const weiri_windower *self, uint32_t index, weiri_window_viewer *viewer)
{
    const weiri_held_pane pane = { .start_ns = weiri_floor_ns(
                                       self->close_ns - 1, self->window->width_ns),
        .end_ns   = self->close_ns,
        .until_ns = self->close_ns };
    weiri_window_tell(self, pane, weiri_key_table_at(&self->keys, index), NULL, viewer);
}

const weiri_window_ops weiri_tumbling_ops = {
    .name        = "tumbling",
    .keeps_order = true,
    .feed        = feed,
    .next_close  = next_close,
    .close       = close_window,
    .tick        = tick,
    .stale_from  = NULL, /* entries are given back when their windows close */
    .clear       = clear,
    .save_entry  = save_entry,
    .load_entry  = load_entry,
    .inspect     = inspect,
};
