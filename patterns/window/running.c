/* Windows that no clock ends: `all`, the events so far, and `tumbling n`, batches of n
 * events of a key. One block of tallies a key; nothing ever leaves it but all at once. */
#include "window/inspect.h"
#include "window/state.h"

/* Then the tallies. */
typedef struct running_entry {
    weiri_entry entry;
    uint64_t    n;     /* events that the tallies hold */
    uint64_t    first; /* order of the earliest */
    int64_t     start; /* its time              */
    int64_t     last;  /* time of the latest    */
} running_entry;

size_t
weiri_running_entry_size(const weiri_windower *self)
{
    return sizeof(running_entry) + self->states_size;
}

static char *
tallies_of(running_entry *self)
{
    return (char *)(self + 1);
}

static bool
is_batch(const weiri_windower *self)
{
    return self->window->kind == WEIRI_WINDOW_BATCH;
}

/* `i`: the event, of windows that have one. */
static weir_status
give(weiri_windower *self, uint32_t index, int64_t time_ns, uint32_t i, bool *is_emitted)
{
    running_entry   *it = weiri_key_table_at(&self->keys, index);
    weiri_evaluation e  = {
         .keys     = weiri_key_table_cells(&self->keys, index),
         .start    = it->n > 0 ? it->start : time_ns,
         .end      = is_batch(self) ? it->last : time_ns,
         .time_ns  = time_ns,
         .states   = tallies_of(it),
         .emission = &it->entry.emission,
    };
    if (!is_batch(self)) {
        e.chunk   = self->batch.rows.chunk;
        e.row     = self->batch.rows.first + self->batch.row[i];
        e.trigger = self->batch.order[i];
    }
    return weiri_windower_give(self, &e, is_emitted);
}

/* Begin anew. What `limit` has noted stays; of batches, which follow each other, also
 * what was true. */
static void
empty(weiri_windower *self, running_entry *it)
{
    weiri_windower_clear(self, tallies_of(it));
    it->n         = 0;
    self->full_ns = INT64_MIN;
    if (!is_batch(self)) {
        it->entry.emission.was_true = false;
    }
}

static weir_status
add(weiri_windower *self, running_entry *it, uint32_t i)
{
    it->last = self->batch.time[i];
    if (it->n++ == 0) {
        it->first = self->batch.order[i];
        it->start = it->last;
    }
    return weiri_windower_add(self, tallies_of(it), i);
}

static weir_status
feed_row(weiri_windower *self, uint32_t i)
{
    bool        is_new     = false;
    bool        is_emitted = false;
    uint32_t    index      = WEIRI_NO_ENTRY;
    int64_t     time_ns    = self->batch.time[i];
    weir_status status     = weiri_windower_entry(self, i, &index, &is_new);
    if (status != WEIR_OK || index == WEIRI_NO_ENTRY) {
        return status;
    }
    running_entry *it = weiri_key_table_at(&self->keys, index);
    it->entry.is_used = true;
    if (self->window->is_before) {
        status = give(self, index, time_ns, i, &is_emitted);
    }
    if (status == WEIR_OK) {
        status = add(self, it, i);
    }
    bool is_full = is_batch(self) && it->n == self->window->n_rows;
    bool is_due  = is_batch(self) ? is_full : !self->window->is_before;
    if (status == WEIR_OK && is_due) {
        status = give(self, index, time_ns, i, &is_emitted);
    }
    if (is_full || (is_emitted && self->window->is_reset)) {
        empty(self, it);
    }
    return status;
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

/* Batches that have begun end with the input, all at the time of its last event. */
static int64_t
next_close(const weiri_windower *self)
{
    bool ends = is_batch(self) && self->is_finishing && !self->has_ended;
    return ends && self->n_seen > 0 ? self->last_ns : INT64_MAX;
}

static weir_status
close_batches(weiri_windower *self, int64_t end)
{
    weir_status status     = WEIR_OK;
    bool        is_emitted = false;
    self->has_ended        = true;
    self->n_dues           = 0;
    for (uint32_t i = 0; i < self->keys.n_used && status == WEIR_OK; i++) {
        const running_entry *it = weiri_key_table_at(&self->keys, i);
        if (it->entry.is_used && it->n > 0) {
            status = weiri_windower_push_due(self, end, it->first, i);
        }
    }
    if (status == WEIR_OK && !weiri_windower_sort_dues(self)) {
        status = WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < self->n_dues && status == WEIR_OK; i++) {
        status = give(self, self->dues[i].entry, end, 0, &is_emitted);
    }
    return status;
}

static weir_status
tick(weiri_windower *self, int64_t time_ns)
{
    (void)self;
    (void)time_ns;
    return WEIR_OK;
}

static int64_t
stale_from(const weiri_windower *self, const weiri_entry *entry)
{
    bool is_watched = self->window->has_changes && entry->emission.was_true;
    return ((const running_entry *)entry)->n == 0 && !is_watched ? INT64_MIN : INT64_MAX;
}

static void
clear(weiri_windower *self, void *part)
{
    running_entry *it = part;
    weiri_windower_clear(self, tallies_of(it));
    weiri_emission_fini(&it->entry.emission);
}

/* ---- bytes ---- */

static bool
save_entry(
    const weiri_windower *self, uint32_t index, const uint64_t *rows, weiri_pack *out)
{
    (void)rows;
    running_entry *it = weiri_key_table_at(&self->keys, index);
    weiri_entry_save(&it->entry, out);
    weiri_pack_number(out, it->n);
    if (it->n == 0) {
        return true;
    }
    weiri_pack_number(out, it->first);
    weiri_pack_time(out, it->last);
    weiri_pack_time(out, weiri_minus_ns(it->last, it->start));
    return weiri_states_save(self, tallies_of(it), out);
}

static bool
load_entry(weiri_windower *self, uint32_t index, weiri_unpack *in)
{
    running_entry *it   = weiri_key_table_at(&self->keys, index);
    uint64_t       most = is_batch(self) ? self->window->n_rows : self->n_seen + 1;
    if (!weiri_entry_load(self, index, in)) {
        return false;
    }
    it->n = weiri_unpack_below(in, most, "a window has too many events");
    if (it->n == 0) {
        return in->wrong == NULL;
    }
    it->first = weiri_unpack_below(in, self->n_seen, "an event is unknown");
    it->last  = weiri_seen_time_load(self, 0, in);
    it->start = weiri_minus_ns(it->last, weiri_unpack_time(in));
    if (it->start > it->last) {
        weiri_unpack_fail(in, "a window ends before it begins");
    }
    return in->wrong == NULL && weiri_states_load(self, tallies_of(it), in);
}

/* ---- looking ---- */

static void
inspect(const weiri_windower *self, uint32_t index, weiri_window_viewer *viewer)
{
    running_entry *it = weiri_key_table_at(&self->keys, index);
    if (it->n > 0) {
        const weiri_held_pane pane = {
            .start_ns = it->start, .end_ns = INT64_MAX, .until_ns = INT64_MAX
        };
        weiri_window_tell(self, pane, tallies_of(it), NULL, viewer);
    }
}

const weiri_window_ops weiri_running_ops = {
    .name       = "running",
    .feed       = feed,
    .next_close = next_close,
    .close      = close_batches,
    .tick       = tick,
    .stale_from = stale_from,
    .clear      = clear,
    .save_entry = save_entry,
    .load_entry = load_entry,
    .inspect    = inspect,
};
