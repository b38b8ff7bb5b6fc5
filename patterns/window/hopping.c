/* Hopping windows, and tumbling ones whose keys outlive a window: a ring of panes a key.
 *
 * A pane is as long as the greatest common divisor of width and every. The panes of a
 * window are merged by two stacks: the older ones hold the total from themselves to the
 * last of them, one total is kept of the newer ones. So a window costs a constant number
 * of merges, however many panes it has.
 */
#include "window/inspect.h"
#include "window/state.h"

/* A pane is this and its tallies. */
typedef struct pane {
    int64_t  start;
    uint64_t first; /* order of its first event */
} pane;

/* Then the tallies of the newer panes that are merged. */
typedef struct hopping_entry {
    weiri_entry entry;
    uint64_t    born;  /* order of the key's first event */
    char       *panes; /* a ring, shape (room,) */
    uint32_t    head;
    uint32_t    n;
    uint32_t    n_old;    /* of them the first, each the total from itself to the last */
    uint32_t    n_merged; /* those after the old ones that are in the total            */
    uint32_t    room;     /* power of two, or 0 */
} hopping_entry;

size_t
weiri_hopping_entry_size(const weiri_windower *self)
{
    return sizeof(hopping_entry) + self->states_size;
}

static char *
total_of(hopping_entry *self)
{
    return (char *)(self + 1);
}

static size_t
pane_size(const weiri_windower *self)
{
    return sizeof(pane) + self->states_size;
}

static pane *
pane_at(const weiri_windower *self, const hopping_entry *entry, uint32_t i)
{
    uint32_t slot = (entry->head + i) & (entry->room - 1);
    return (pane *)(void *)(entry->panes + slot * pane_size(self));
}

static char *
tallies_of(pane *self)
{
    return (char *)(self + 1);
}

/* ---- panes ---- */

static bool
grow_panes(weiri_windower *self, hopping_entry *entry)
{
    size_t   size  = pane_size(self);
    uint32_t room  = entry->room == 0 ? 1 : 2 * entry->room;
    char    *panes = malloc(room * size);
    if (panes == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < entry->n; i++) {
        memcpy(panes + i * size, pane_at(self, entry, i), size);
    }
    free(entry->panes);
    entry->panes = panes;
    entry->room  = room;
    entry->head  = 0;
    return true;
}

/* The pane that starts at `start`, the newest, made if need be. NULL: out of memory. */
static pane *
need_pane(weiri_windower *self, hopping_entry *entry, int64_t start, uint64_t order)
{
    if (entry->n > 0) {
        pane *newest = pane_at(self, entry, entry->n - 1);
        if (newest->start == start) {
            return newest;
        }
    }
    if (entry->n == entry->room && !grow_panes(self, entry)) {
        return NULL;
    }
    pane *added = pane_at(self, entry, entry->n++);
    memset(added, 0, pane_size(self));
    *added = (pane){ start, order };
    return added;
}

/* Make old ones of all panes. */
static weir_status
flip(weiri_windower *self, hopping_entry *entry)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = entry->n - 1; i-- > 0 && status == WEIR_OK;) {
        status = weiri_windower_merge(self, tallies_of(pane_at(self, entry, i)),
            tallies_of(pane_at(self, entry, i + 1)));
    }
    weiri_windower_clear(self, total_of(entry));
    entry->n_old    = entry->n;
    entry->n_merged = 0;
    return status;
}

/* Drop the panes before `start`. All panes are complete. */
static weir_status
evict(weiri_windower *self, hopping_entry *entry, int64_t start)
{
    while (entry->n > 0 && pane_at(self, entry, 0)->start < start) {
        if (pane_at(self, entry, entry->n - 1)->start < start) {
            for (uint32_t i = 0; i < entry->n; i++) {
                weiri_windower_clear(self, tallies_of(pane_at(self, entry, i)));
            }
            weiri_windower_clear(self, total_of(entry));
            entry->n        = 0;
            entry->n_old    = 0;
            entry->n_merged = 0;
            return WEIR_OK;
        }
        if (entry->n_old == 0) {
            weir_status status = flip(self, entry);
            if (status != WEIR_OK) {
                return status;
            }
        }
        weiri_windower_clear(self, tallies_of(pane_at(self, entry, 0)));
        entry->head = (entry->head + 1) & (entry->room - 1);
        entry->n--;
        entry->n_old--;
    }
    return WEIR_OK;
}

static void
clear(weiri_windower *self, void *part)
{
    hopping_entry *entry = part;
    for (uint32_t i = 0; i < entry->n; i++) {
        weiri_windower_clear(self, tallies_of(pane_at(self, entry, i)));
    }
    weiri_windower_clear(self, total_of(entry));
    free(entry->panes);
    weiri_emission_fini(&entry->entry.emission);
    *entry = (hopping_entry){ .entry = entry->entry, .born = entry->born };
}

/* ---- results ---- */

/* The total of all panes, which are complete: into *out, one of the entry's own blocks or
 * self->scratch, which is then to be cleared. */
static weir_status
total_complete(weiri_windower *self, hopping_entry *entry, char **out)
{
    weir_status status = WEIR_OK;
    *out               = self->scratch;
    if (entry->n == 0) {
        return WEIR_OK;
    }
    char *oldest = tallies_of(pane_at(self, entry, 0));
    if (entry->n == 1 || entry->n == entry->n_old) {
        *out = oldest;
        return WEIR_OK;
    }
    for (; entry->n_old + entry->n_merged < entry->n && status == WEIR_OK;
         entry->n_merged++) {
        pane *next = pane_at(self, entry, entry->n_old + entry->n_merged);
        status     = weiri_windower_merge(self, total_of(entry), tallies_of(next));
    }
    if (entry->n_old == 0) {
        *out = total_of(entry);
        return status;
    }
    if (status == WEIR_OK) {
        status = weiri_windower_merge(self, self->scratch, oldest);
    }
    return status == WEIR_OK ? weiri_windower_merge(self, self->scratch, total_of(entry))
                             : status;
}

/* The total of the panes from number `from` on, the last of which may grow, in
 * self->scratch. */
static weir_status
total_so_far(weiri_windower *self, hopping_entry *entry, uint32_t from)
{
    weir_status status = WEIR_OK;
    uint32_t    i      = from;
    if (i < entry->n_old) {
        status = weiri_windower_merge(
            self, self->scratch, tallies_of(pane_at(self, entry, i)));
        i = entry->n_old;
    }
    for (; i < entry->n && status == WEIR_OK; i++) {
        status = weiri_windower_merge(
            self, self->scratch, tallies_of(pane_at(self, entry, i)));
    }
    return status;
}

static weir_status
give(weiri_windower *self, const weiri_due *due, char *states, int64_t time_ns)
{
    bool             is_emitted = false;
    hopping_entry   *entry      = weiri_key_table_at(&self->keys, due->entry);
    weiri_evaluation e          = {
                 .keys     = weiri_key_table_cells(&self->keys, due->entry),
                 .start    = weiri_add_ns(due->end, -self->window->width_ns),
                 .end      = due->end,
                 .time_ns  = time_ns,
                 .states   = states,
                 .emission = &entry->entry.emission,
                 .trigger  = due->first,
    };
    return weiri_windower_give(self, &e, &is_emitted);
}

static weir_status
give_closed(weiri_windower *self, const weiri_due *due)
{
    char       *states = NULL;
    weir_status status =
        total_complete(self, weiri_key_table_at(&self->keys, due->entry), &states);
    if (status == WEIR_OK) {
        status = give(self, due, states, due->end);
    }
    weiri_windower_clear(self, self->scratch);
    return status;
}

static int64_t
every(const weiri_windower *self)
{
    return self->window->kind == WEIRI_WINDOW_HOPPING ? self->window->every_ns
                                                      : self->window->width_ns;
}

/* Whether no window that closes by now holds an event, and `fill` has given all that it
 * may: they are then passed over. */
static bool
pass_over(weiri_windower *self, int64_t end)
{
    uint32_t most =
        self->window->max_fills > 0 ? self->window->max_fills : WEIRI_WINDOW_FILLS;
    if (!self->window->has_fill || self->n_fills < most || self->is_finishing) {
        return false;
    }
    for (uint32_t i = 0; i < self->n_live; i++) {
        const hopping_entry *entry = weiri_key_table_at(&self->keys, self->live[i]);
        if (entry->n > 0) {
            return false;
        }
    }
    uint64_t gap       = (uint64_t)self->until_ns - (uint64_t)end;
    uint64_t n_windows = gap / (uint64_t)every(self) + 1;
    self->counts.dropped_fills += n_windows * self->n_live;
    self->close_ns = gap > (uint64_t)INT64_MAX - (uint64_t)every(self)
                         ? INT64_MAX
                         : weiri_add_ns(end, (int64_t)n_windows * every(self));
    return true;
}

/* What of the entries does not reach into the window that ends at `next` is dropped, and
 * entries that hold nothing then. */
static weir_status
drop_old(weiri_windower *self, int64_t end, int64_t next)
{
    int64_t     start  = weiri_add_ns(next, -self->window->width_ns);
    uint32_t    n_kept = 0;
    weir_status status = WEIR_OK;
    self->close_ns     = INT64_MAX;
    for (uint32_t i = 0; i < self->n_live; i++) {
        uint32_t       index = self->live[i];
        hopping_entry *entry = weiri_key_table_at(&self->keys, index);
        if (entry->n == 0 && !self->window->has_fill) {
            entry->entry.emission.was_true = false;
        }
        if (status == WEIR_OK) {
            status = evict(self, entry, start);
        }
        /* Whether what was true stays so is seen in the next window. */
        bool is_watched = self->window->has_changes && entry->entry.emission.was_true;
        if (entry->n > 0 || self->window->has_fill || is_watched) {
            self->close_ns       = next;
            self->live[n_kept++] = index;
            continue;
        }
        entry->entry.emission.was_true = false;
        if (weiri_emission_over_from(&entry->entry.emission, self->window->limit_ns)
            > end) {
            self->live[n_kept++] = index;
        } else if (status == WEIR_OK) {
            status = weiri_windower_release(self, index);
        }
    }
    self->n_live = n_kept;
    return status;
}

static weir_status
close_window(weiri_windower *self, int64_t end)
{
    enum { AFTER_ALL = 63 };
    int64_t start = weiri_add_ns(end, -self->window->width_ns);
    self->n_dues  = 0;
    if (self->is_finishing && self->window->has_fill && start > self->last_ns) {
        self->close_ns = INT64_MAX;
        return WEIR_OK;
    }
    if (pass_over(self, end)) {
        return WEIR_OK;
    }
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_live && status == WEIR_OK; i++) {
        hopping_entry *entry = weiri_key_table_at(&self->keys, self->live[i]);
        uint64_t       first = (UINT64_C(1) << AFTER_ALL) + i;
        if (entry->n > 0) {
            first = pane_at(self, entry, 0)->first;
        } else if (!self->window->has_fill) {
            continue;
        } else {
            self->n_fills++;
        }
        status = weiri_windower_push_due(self, end, first, self->live[i]);
    }
    if (status == WEIR_OK && !weiri_windower_sort_dues(self)) {
        status = WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < self->n_dues && status == WEIR_OK; i++) {
        status = give_closed(self, &self->dues[i]);
    }
    if (status == WEIR_OK) {
        status = weiri_windower_flush(self);
    }
    return status == WEIR_OK ? drop_old(self, end, weiri_add_ns(end, every(self)))
                             : status;
}

/* The number of the first pane that is not before `start`. */
static uint32_t
first_pane(const weiri_windower *self, const hopping_entry *entry, int64_t start)
{
    uint32_t i = 0;
    while (i < entry->n && pane_at(self, entry, i)->start < start) {
        i++;
    }
    return i;
}

/* All open windows of the changed keys. */
static weir_status
push_open(weiri_windower *self, int64_t time_ns)
{
    int64_t     width  = self->window->width_ns;
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_dirty && status == WEIR_OK; i++) {
        hopping_entry *entry = weiri_key_table_at(&self->keys, self->dirty[i]);
        if (!entry->entry.is_used || !entry->entry.is_dirty) {
            continue; /* the key has gone, or this is the entry of another one */
        }
        entry->entry.is_dirty = false;
        for (int64_t end = self->close_ns; end < INT64_MAX && status == WEIR_OK;
             end         = weiri_add_ns(end, every(self))) {
            uint32_t from = first_pane(self, entry, weiri_add_ns(end, -width));
            if (weiri_add_ns(end, -width) >= time_ns || from == entry->n) {
                break;
            }
            status = weiri_windower_push_due(
                self, end, pane_at(self, entry, from)->first, self->dirty[i]);
        }
    }
    return status;
}

static weir_status
tick(weiri_windower *self, int64_t time_ns)
{
    self->n_dues       = 0;
    weir_status status = push_open(self, time_ns);
    if (status == WEIR_OK && !weiri_windower_sort_dues(self)) {
        status = WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < self->n_dues && status == WEIR_OK; i++) {
        weiri_due      due   = self->dues[i];
        hopping_entry *entry = weiri_key_table_at(&self->keys, due.entry);
        if (i > 0 && due.end != self->dues[i - 1].end) {
            status = weiri_windower_flush(self);
        }
        uint32_t from =
            first_pane(self, entry, weiri_add_ns(due.end, -self->window->width_ns));
        if (status == WEIR_OK) {
            status = total_so_far(self, entry, from);
        }
        if (status == WEIR_OK) {
            status = give(self, &due, self->scratch, time_ns);
        }
        weiri_windower_clear(self, self->scratch);
    }
    return status == WEIR_OK ? weiri_windower_flush(self) : status;
}

/* ---- events ---- */

static int64_t
next_close(const weiri_windower *self)
{
    return self->close_ns;
}

/* The end of the earliest window that holds a time; INT64_MIN: none does. */
static int64_t
first_end(const weiri_windower *self, int64_t time_ns)
{
    int64_t width = self->window->width_ns;
    int64_t start = weiri_window_floor(self->window, time_ns, every(self));
    if (weiri_add_ns(start, width) <= time_ns) {
        return INT64_MIN;
    }
    int64_t last_out = weiri_add_ns(time_ns, -width); /* starts by then: closed */
    return weiri_add_ns(
        weiri_add_ns(
            weiri_window_floor(self->window, last_out, every(self)), every(self)),
        width);
}

static weir_status
note_live(weiri_windower *self, uint32_t index)
{
    if (!weiri_need_room(
            (void **)&self->live, self->n_live, &self->live_room, sizeof *self->live)) {
        return WEIR_ENOMEM;
    }
    self->live[self->n_live++] = index;
    return WEIR_OK;
}

static weir_status
feed_row(weiri_windower *self, uint32_t i)
{
    int64_t     time_ns = self->batch.time[i];
    weir_status status =
        time_ns >= self->due ? weiri_windower_catch_up(self, time_ns) : WEIR_OK;
    int64_t end = first_end(self, time_ns);
    if (status != WEIR_OK || end == INT64_MIN) {
        return status;
    }
    bool     is_new = false;
    uint32_t index  = WEIRI_NO_ENTRY;
    status          = weiri_windower_entry(self, i, &index, &is_new);
    if (status != WEIR_OK || index == WEIRI_NO_ENTRY) {
        return status;
    }
    hopping_entry *entry = weiri_key_table_at(&self->keys, index);
    if (is_new) {
        entry->born = self->batch.order[i];
        status      = note_live(self, index);
    }
    entry->entry.is_used = true;
    self->n_fills        = 0;
    if (end < self->close_ns) {
        self->close_ns = end;
        self->due      = end < self->due ? end : self->due;
    }
    pane *newest = need_pane(self, entry,
        weiri_window_floor(self->window, time_ns, self->pane_ns), self->batch.order[i]);
    if (newest == NULL || status != WEIR_OK) {
        return WEIR_ENOMEM;
    }
    if (self->window->early_ns > 0 && !entry->entry.is_dirty) {
        entry->entry.is_dirty = true;
        status                = weiri_windower_touch(self, index, time_ns);
    }
    return status == WEIR_OK ? weiri_windower_add(self, tallies_of(newest), i) : status;
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

/* ---- bytes ---- */

/* The panes; the total of the newer ones is made anew. */
static bool
save_entry(
    const weiri_windower *self, uint32_t index, const uint64_t *rows, weiri_pack *out)
{
    (void)rows;
    const hopping_entry *entry = weiri_key_table_at(&self->keys, index);
    int64_t              start = 0;
    uint64_t             first = 0;
    bool                 ok    = true;
    weiri_pack_number(out, entry->born);
    weiri_entry_save(&entry->entry, out);
    weiri_pack_number(out, entry->n);
    weiri_pack_number(out, entry->n_old);
    weiri_pack_number(out, entry->n_merged);
    for (uint32_t i = 0; i < entry->n && ok; i++) {
        pane *it = pane_at(self, entry, i);
        weiri_pack_time(out, weiri_minus_ns(it->start, start));
        weiri_pack_number(out, it->first - first);
        ok    = weiri_states_save(self, tallies_of(it), out);
        start = it->start;
        first = it->first;
    }
    return ok;
}

/* Panes follow each other and reach into the window that closes next: what closes then
 * has an end. */
static bool
load_pane(weiri_windower *self, hopping_entry *entry, weiri_unpack *in)
{
    const pane *before  = entry->n > 0 ? pane_at(self, entry, entry->n - 1) : NULL;
    int64_t     least   = weiri_add_ns(self->close_ns, -self->window->width_ns);
    int64_t     from_ns = before != NULL ? before->start : 0;
    int64_t     start   = weiri_seen_time_load(self, from_ns, in);
    uint64_t    first   = weiri_unpack_below(in, self->n_seen, "an event is unknown");
    if (before != NULL) {
        first += before->first;
        least = before->start + 1;
    }
    if (start < least || first >= self->n_seen) {
        weiri_unpack_fail(in, "a part of a window is out of order");
    }
    if (in->wrong != NULL) {
        return false;
    }
    pane *it = need_pane(self, entry, start, first);
    return it != NULL && weiri_states_load(self, tallies_of(it), in);
}

static bool
load_entry(weiri_windower *self, uint32_t index, weiri_unpack *in)
{
    hopping_entry *entry = weiri_key_table_at(&self->keys, index);
    entry->born          = weiri_unpack_below(in, self->n_seen, "an event is unknown");
    bool     ok = weiri_entry_load(self, index, in) && note_live(self, index) == WEIR_OK;
    uint64_t most = (uint64_t)(self->window->width_ns / self->pane_ns) + 1;
    uint64_t n    = weiri_unpack_below(in, most + 1, "a window has too many parts");
    uint64_t old  = weiri_unpack_below(in, n + 1, "a window has too many parts");
    uint64_t more = weiri_unpack_below(in, n - old + 1, "a window has too many parts");
    for (uint64_t i = 0; i < n && ok; i++) {
        ok = load_pane(self, entry, in);
    }
    for (uint64_t i = 0; i < more && ok; i++) {
        pane *it = pane_at(self, entry, (uint32_t)(old + i));
        ok       = weiri_windower_merge(self, total_of(entry), tallies_of(it)) == WEIR_OK;
    }
    entry->n_old    = (uint32_t)old;
    entry->n_merged = (uint32_t)more;
    return ok && in->wrong == NULL;
}

/* ---- looking ---- */

/* A pane is in all windows that begin before it ends; of the old ones each has the total
 * of itself and those after it. */
static void
inspect(const weiri_windower *self, uint32_t index, weiri_window_viewer *viewer)
{
    const hopping_entry *entry  = weiri_key_table_at(&self->keys, index);
    const weiri_window  *window = self->window;
    for (uint32_t i = 0; i < entry->n; i++) {
        pane   *it = pane_at(self, entry, i);
        int64_t last =
            i < entry->n_old ? pane_at(self, entry, entry->n_old - 1)->start : it->start;
        int64_t               begin = weiri_window_floor(window, it->start, every(self));
        const weiri_held_pane held  = { .start_ns = it->start,
             .end_ns                              = weiri_add_ns(last, self->pane_ns),
             .until_ns = weiri_add_ns(begin, window->width_ns) };
        weiri_window_tell(self, held, tallies_of(it), NULL, viewer);
    }
}

const weiri_window_ops weiri_hopping_ops = {
    .name        = "hopping",
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
