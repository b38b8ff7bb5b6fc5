/* Session windows: the open ones in a list by their last event, which is the order in
 * which they end. */
#include "window/inspect.h"
#include "window/state.h"

/* Then its tallies. */
typedef struct session {
    weiri_entry entry;
    int64_t     start;
    int64_t     last;
    uint64_t    first; /* order of its first event */
    uint32_t older; /* entry + 1 of the session whose last event came before; 0: none */
    uint32_t newer;
    bool     is_open;
} session;

size_t
weiri_session_entry_size(const weiri_windower *self)
{
    return sizeof(session) + self->states_size;
}

static char *
tallies_of(session *self)
{
    return (char *)(self + 1);
}

static session *
at(const weiri_windower *self, uint32_t entry)
{
    return weiri_key_table_at(&self->keys, entry);
}

/* ---- the list; self->oldest and newest are entry + 1 ---- */

static void
unlink_session(weiri_windower *self, session *it)
{
    *(it->older == 0 ? &self->oldest : &at(self, it->older - 1)->newer) = it->newer;
    *(it->newer == 0 ? &self->newest : &at(self, it->newer - 1)->older) = it->older;
    it->older                                                           = 0;
    it->newer                                                           = 0;
}

static void
link_newest(weiri_windower *self, uint32_t entry, session *it)
{
    it->older = self->newest;
    it->newer = 0;
    *(self->newest == 0 ? &self->oldest : &at(self, self->newest - 1)->newer) = entry + 1;
    self->newest                                                              = entry + 1;
}

/* ---- closing ---- */

/* INT64_MAX is "none is open": a session that would outlast time ends just before. */
static int64_t
end_of(const weiri_windower *self, const session *it)
{
    int64_t end = weiri_add_ns(it->last, self->window->width_ns);
    return end < INT64_MAX ? end : INT64_MAX - 1;
}

static int64_t
next_close(const weiri_windower *self)
{
    return self->oldest == 0 ? INT64_MAX : end_of(self, at(self, self->oldest - 1));
}

static weir_status
give(weiri_windower *self, uint32_t entry, int64_t time_ns)
{
    bool             is_emitted = false;
    session         *it         = at(self, entry);
    weiri_evaluation e          = {
                 .keys     = weiri_key_table_cells(&self->keys, entry),
                 .start    = it->start,
                 .end      = end_of(self, it),
                 .time_ns  = time_ns,
                 .states   = tallies_of(it),
                 .emission = &it->entry.emission,
                 .trigger  = it->first,
    };
    return weiri_windower_give(self, &e, &is_emitted);
}

/* A closed session: its entry stays only for what `limit` has counted. */
static weir_status
retire(weiri_windower *self, uint32_t entry, int64_t end)
{
    session *it = at(self, entry);
    weiri_windower_clear(self, tallies_of(it));
    it->entry.emission.was_true = false;
    self->full_ns               = INT64_MIN;
    return weiri_emission_over_from(&it->entry.emission, self->window->limit_ns) <= end
               ? weiri_windower_release(self, entry)
               : WEIR_OK;
}

static weir_status
close_sessions(weiri_windower *self, int64_t end)
{
    weir_status status = WEIR_OK;
    self->n_dues       = 0;
    while (self->oldest != 0 && next_close(self) == end && status == WEIR_OK) {
        uint32_t entry = self->oldest - 1;
        session *it    = at(self, entry);
        status         = weiri_windower_push_due(self, end, it->first, entry);
        unlink_session(self, it);
        it->is_open = false;
    }
    if (status == WEIR_OK && !weiri_windower_sort_dues(self)) {
        status = WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < self->n_dues && status == WEIR_OK; i++) {
        status = give(self, self->dues[i].entry, end);
    }
    if (status == WEIR_OK) {
        status = weiri_windower_flush(self);
    }
    for (uint32_t i = 0; i < self->n_dues && status == WEIR_OK; i++) {
        status = retire(self, self->dues[i].entry, end);
    }
    return status;
}

static weir_status
tick(weiri_windower *self, int64_t time_ns)
{
    weir_status status = WEIR_OK;
    self->n_dues       = 0;
    for (uint32_t i = 0; i < self->n_dirty && status == WEIR_OK; i++) {
        session *it        = at(self, self->dirty[i]);
        bool     is_dirty  = it->entry.is_used && it->entry.is_dirty;
        it->entry.is_dirty = false;
        if (is_dirty && it->is_open) {
            status = weiri_windower_push_due(
                self, end_of(self, it), it->first, self->dirty[i]);
        }
    }
    if (status == WEIR_OK && !weiri_windower_sort_dues(self)) {
        status = WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < self->n_dues && status == WEIR_OK; i++) {
        if (i > 0 && self->dues[i].end != self->dues[i - 1].end) {
            status = weiri_windower_flush(self);
        }
        if (status == WEIR_OK) {
            status = give(self, self->dues[i].entry, time_ns);
        }
    }
    return status == WEIR_OK ? weiri_windower_flush(self) : status;
}

/* ---- events ---- */

static weir_status
feed_row(weiri_windower *self, uint32_t i)
{
    int64_t     time_ns = self->batch.time[i];
    bool        is_new  = false;
    uint32_t    entry   = WEIRI_NO_ENTRY;
    weir_status status =
        time_ns >= self->due ? weiri_windower_catch_up(self, time_ns) : WEIR_OK;
    if (status == WEIR_OK) {
        status = weiri_windower_entry(self, i, &entry, &is_new);
    }
    if (status != WEIR_OK || entry == WEIRI_NO_ENTRY) {
        return status;
    }
    session *it       = at(self, entry);
    it->entry.is_used = true;
    if (it->is_open) {
        unlink_session(self, it);
    } else {
        it->is_open = true;
        it->start   = time_ns;
        it->first   = self->batch.order[i];
    }
    it->last = time_ns;
    link_newest(self, entry, it);
    int64_t end = next_close(self);
    self->due   = end < self->tick ? end : self->tick;
    if (self->window->early_ns > 0 && !it->entry.is_dirty) {
        it->entry.is_dirty = true;
        status             = weiri_windower_touch(self, entry, time_ns);
    }
    return status == WEIR_OK ? weiri_windower_add(self, tallies_of(it), i) : status;
}

static weir_status
feed(weiri_windower *self)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->batch.n && status == WEIR_OK; i++) {
        status = feed_row(self, i);
    }
    return status;
}

static int64_t
stale_from(const weiri_windower *self, const weiri_entry *entry)
{
    (void)self;
    return ((const session *)entry)->is_open ? INT64_MAX : INT64_MIN;
}

static void
clear(weiri_windower *self, void *part)
{
    session *it = part;
    weiri_windower_clear(self, tallies_of(it));
    weiri_emission_fini(&it->entry.emission);
}

/* ---- bytes ---- */

static bool
save_entry(
    const weiri_windower *self, uint32_t entry, const uint64_t *rows, weiri_pack *out)
{
    (void)rows;
    session *it = at(self, entry);
    weiri_entry_save(&it->entry, out);
    weiri_pack_number(out, it->is_open);
    if (!it->is_open) {
        return true;
    }
    weiri_pack_time(out, it->last);
    weiri_pack_time(out, weiri_minus_ns(it->last, it->start));
    weiri_pack_number(out, it->first);
    return weiri_states_save(self, tallies_of(it), out);
}

/* Sessions join the list when all are there. */
static bool
load_entry(weiri_windower *self, uint32_t entry, weiri_unpack *in)
{
    session *it = at(self, entry);
    if (!weiri_entry_load(self, entry, in)) {
        return false;
    }
    it->is_open = weiri_unpack_below(in, 2, "a session is open or not") != 0;
    if (!it->is_open) {
        return in->wrong == NULL;
    }
    it->last  = weiri_seen_time_load(self, 0, in);
    it->start = weiri_minus_ns(it->last, weiri_unpack_time(in));
    it->first = weiri_unpack_below(in, self->n_seen, "an event is unknown");
    if (it->start > it->last || end_of(self, it) <= self->last_ns) {
        weiri_unpack_fail(in, "a session should have ended");
    }
    return in->wrong == NULL && weiri_states_load(self, tallies_of(it), in)
           && weiri_windower_push_due(self, it->last, it->first, entry) == WEIR_OK;
}

static bool
loaded(weiri_windower *self)
{
    if (!weiri_windower_sort_dues(self)) {
        return false;
    }
    for (uint32_t i = 0; i < self->n_dues; i++) {
        link_newest(self, self->dues[i].entry, at(self, self->dues[i].entry));
    }
    self->n_dues = 0;
    return true;
}

/* ---- looking ---- */

static void
inspect(const weiri_windower *self, uint32_t index, weiri_window_viewer *viewer)
{
    session *it = at(self, index);
    if (it->is_open) {
        const weiri_held_pane pane = { .start_ns = it->start,
            .end_ns                              = end_of(self, it),
            .until_ns                            = end_of(self, it) };
        weiri_window_tell(self, pane, tallies_of(it), NULL, viewer);
    }
}

const weiri_window_ops weiri_session_ops = {
    .name       = "session",
    .feed       = feed,
    .next_close = next_close,
    .close      = close_sessions,
    .tick       = tick,
    .stale_from = stale_from,
    .clear      = clear,
    .save_entry = save_entry,
    .load_entry = load_entry,
    .loaded     = loaded,
    .inspect    = inspect,
};
