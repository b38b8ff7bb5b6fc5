#include "window/state.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/cell_pack.h"
#include "inspect/listing.h"
#include "weiri/inspect.h"
#include "window/fingerprint.h"

#define MAX_EVENTS (UINT64_C(1) << 56)

/* Counters in the order in which they are written. */
#define COUNTER_LIST(X)                                                                  \
    X(emitted)                                                                           \
    X(null_keys)                                                                         \
    X(dropped_keys)                                                                      \
    X(dropped_rows)                                                                      \
    X(dropped_fills)                                                                     \
    X(limited)                                                                           \
    X(faults)

/* ---- parts of keys ---- */

enum { WAS_TRUE = 1, IS_DIRTY = 2, N_FLAGS = 4 };

void
weiri_entry_save(const weiri_entry *self, weiri_pack *out)
{
    weiri_pack_number(out,
        (self->emission.was_true ? WAS_TRUE : 0U) | (self->is_dirty ? IS_DIRTY : 0U));
    weiri_emission_save(&self->emission, out);
}

bool
weiri_dirty_load(weiri_windower *self, uint32_t index, weiri_unpack *in)
{
    if (self->window->early_ns <= 0) {
        weiri_unpack_fail(in, "a window shows nothing early");
        return false;
    }
    if (!weiri_need_room((void **)&self->dirty, self->n_dirty, &self->dirty_room,
            sizeof *self->dirty)) {
        return false;
    }
    self->dirty[self->n_dirty++] = index;
    return true;
}

bool
weiri_entry_load(weiri_windower *self, uint32_t index, weiri_unpack *in)
{
    weiri_entry *entry       = weiri_key_table_at(&self->keys, index);
    uint32_t     limit       = self->window->limit_ns >= 0 ? self->window->limit : 0;
    uint64_t     flags       = weiri_unpack_below(in, N_FLAGS, "a key has unknown flags");
    entry->is_used           = true;
    entry->is_dirty          = (flags & IS_DIRTY) != 0;
    entry->emission.was_true = (flags & WAS_TRUE) != 0;
    return weiri_emission_load(&entry->emission, limit, in)
           && (!entry->is_dirty || weiri_dirty_load(self, index, in));
}

bool
weiri_states_save(const weiri_windower *self, const char *states, weiri_pack *out)
{
    bool ok = true;
    for (uint32_t j = 0; j < self->n_active && ok; j++) {
        uint32_t a = self->active[j];
        ok =
            weiri_tally_save(&self->window->aggregates[a], states + self->offset[a], out);
    }
    return ok;
}

bool
weiri_states_load(weiri_windower *self, char *states, weiri_unpack *in)
{
    bool ok = true;
    for (uint32_t j = 0; j < self->n_active && ok; j++) {
        uint32_t a = self->active[j];
        ok = weiri_tally_load(&self->window->aggregates[a], states + self->offset[a], in);
    }
    return ok;
}

/* ---- rows ---- */

static uint64_t
active_bits(const weiri_windower *self)
{
    uint64_t bits = 0;
    for (uint32_t j = 0; j < self->n_active; j++) {
        bits |= UINT64_C(1) << self->active[j];
    }
    return bits;
}

/* The aggregates that read an argument of the rows. */
static uint64_t
readers_of(const weiri_windower *self, uint32_t cell)
{
    uint64_t bits = 0;
    for (uint32_t j = 0; j < self->n_active; j++) {
        uint32_t                a    = self->active[j];
        const weiri_slide_spec *spec = &self->slides[a];
        if (spec->x == WEIRI_ROW_CELLS + cell || spec->y == WEIRI_ROW_CELLS + cell) {
            bits |= UINT64_C(1) << a;
        }
    }
    return bits;
}

void
weiri_row_save(
    const weiri_windower *self, const uint64_t *row, int64_t before_ns, weiri_pack *out)
{
    weiri_pack_time(out, weiri_minus_ns((int64_t)row[WEIRI_ROW_TIME], before_ns));
    weiri_pack_number(out, ~row[WEIRI_ROW_MASK] & active_bits(self));
    for (uint32_t i = 0; i < self->n_cells; i++) {
        if ((row[WEIRI_ROW_MASK] & readers_of(self, i)) != 0) {
            weiri_cell_save(self->vectors[self->cell_root[i]].type,
                (weiri_cell){ .bits = row[WEIRI_ROW_CELLS + i] }, out);
        }
    }
}

int64_t
weiri_seen_time_load(const weiri_windower *self, int64_t before_ns, weiri_unpack *in)
{
    int64_t time_ns = (int64_t)((uint64_t)before_ns + (uint64_t)weiri_unpack_time(in));
    if (time_ns > self->last_ns) {
        weiri_unpack_fail(in, "an event is later than the latest");
    }
    return time_ns;
}

bool
weiri_row_load(
    const weiri_windower *self, uint64_t *row, int64_t before_ns, weiri_unpack *in)
{
    bool ok = true;
    memset(row, 0, self->stride * sizeof *row);
    row[WEIRI_ROW_TIME] = (uint64_t)weiri_seen_time_load(self, before_ns, in);
    uint64_t missing    = weiri_unpack_number(in);
    if ((missing & ~active_bits(self)) != 0) {
        weiri_unpack_fail(in, "a row is of no known aggregate");
    }
    row[WEIRI_ROW_MASK] = ~missing;
    for (uint32_t i = 0; i < self->n_cells && ok; i++) {
        weiri_cell cell = { .bits = 0 };
        if ((row[WEIRI_ROW_MASK] & readers_of(self, i)) != 0) {
            ok = weiri_cell_load(self->vectors[self->cell_root[i]].type, &cell, in);
        }
        row[WEIRI_ROW_CELLS + i] = cell.bits;
    }
    if (!ok || in->wrong != NULL) {
        weiri_row_free(self, row);
        return false;
    }
    return true;
}

/* ---- saving ---- */

static void
save_head(const weiri_windower *self, weiri_pack *out)
{
    weiri_window_counts counts = weiri_windower_counts(self);
    weiri_pack_text(out, self->ops->name, strlen(self->ops->name));
    weiri_pack_fixed(out, weiri_query_fingerprint(self->plan));
    weiri_pack_number(out, self->n_seen);
    weiri_pack_time(out, self->last_ns);
    weiri_pack_time(out, self->close_ns);
    weiri_pack_time(out, self->tick);
    weiri_pack_number(out, self->n_fills);
#define X(name) weiri_pack_number(out, counts.name);
    COUNTER_LIST(X)
#undef X
}

/* `rows`: of flowing windows, see weiri_window_ops. */
static bool
save_key(const weiri_windower *self, uint32_t entry, weir_value *key,
    const uint64_t *rows, weiri_keyed *out)
{
    uint32_t          n_keys = self->window->n_keys;
    const weiri_cell *cells  = weiri_key_table_cells(&self->keys, entry);
    for (uint32_t k = 0; k < n_keys; k++) {
        key[k] = weiri_cell_value(self->key_types[k], cells[k]);
    }
    weiri_pack *pack = weiri_keyed_begin(out, key, n_keys, 0);
    bool        ok   = pack == NULL || self->ops->save_entry(self, entry, rows, pack);
    if (pack != NULL) {
        weiri_keyed_end(out);
    }
    return ok;
}

/* Of the keys that matter to no event any more it depends on the cut of the input which
 * are there still: they are left out. */
static bool
is_wanted(const weiri_windower *self, uint32_t index)
{
    const weiri_entry *entry = weiri_key_table_at(&self->keys, index);
    return self->ops == &weiri_tumbling_ops
           || (entry->is_used
               && (self->ops->stale_from == NULL
                   || weiri_entry_stale_from(self, entry) > self->last_ns));
}

static bool
save_keys(const weiri_windower *self, weiri_keyed *out)
{
    weir_value *key  = calloc(self->window->n_keys + (size_t)1, sizeof *key);
    uint64_t   *rows = NULL;
    bool        ok   = key != NULL;
    if (ok && self->ops == &weiri_flowing_ops) {
        rows = weiri_flowing_index(self);
        ok   = rows != NULL;
    }
    for (uint32_t i = 0; ok && i < self->keys.n_used; i++) {
        ok = !is_wanted(self, i) || save_key(self, i, key, rows, out);
    }
    free(key);
    free(rows);
    return ok;
}

weir_status
weiri_windower_save(const weiri_windower *self, weiri_keyed *out, weir_error *err)
{
    if (self->is_finishing) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the input has ended");
    }
    save_head(self, &out->head);
    for (uint32_t k = 0; k < self->window->n_keys; k++) {
        weiri_keyed_add_type(out, k, self->key_types[k]);
    }
    weiri_keyed_end_head(out);
    bool is_saved = !out->is_out_of_memory && save_keys(self, out);
    if (!is_saved && out->bytes.wrong != NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL, "%s", out->bytes.wrong);
    }
    if (!is_saved) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    return WEIR_OK;
}

/* ---- looking ---- */

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
        if (is_wanted(self, i)) {
            read_key(self, i, key);
            ok = weiri_listing_add(out, i, key, self->window->n_keys);
        }
    }
    return ok && weiri_listing_sort(out);
}

weir_status
weiri_windower_inspect(
    const weiri_windower *self, const weiri_inspector *inspector, weir_error *err)
{
    weiri_listing keys  = { .n = 0 };
    weiri_pack    state = { 0 };
    weir_value   *key   = calloc(self->window->n_keys + (size_t)1, sizeof *key);
    uint64_t     *rows  = NULL;
    bool          ok    = key != NULL && list_keys(self, key, &keys);
    if (ok && self->ops == &weiri_flowing_ops) {
        rows = weiri_flowing_index(self);
        ok   = rows != NULL;
    }
    for (uint32_t i = 0; ok && i < keys.n && !inspector->is_enough(inspector->context);
         i++) {
        uint32_t entry = keys.items[i].number;
        read_key(self, entry, key);
        if (inspector->key(inspector->context, key, self->window->n_keys)) {
            state.size = 0;
            ok         = self->ops->save_entry(self, entry, rows, &state)
                 && !state.is_out_of_memory;
            inspector->sized(inspector->context, state.size);
        }
    }
    weiri_listing_fini(&keys);
    weiri_pack_fini(&state);
    free(key);
    free(rows);
    return ok ? WEIR_OK : WEIR_FAIL(err, WEIR_ENOMEM, "no memory to look at a rule");
}

/* ---- loading ---- */

static const char *
check_owner(const weiri_windower *self, weiri_unpack *in)
{
    uint32_t    size = 0;
    const char *name = weiri_unpack_text(in, &size);
    if (name == NULL || size != strlen(self->ops->name)
        || memcmp(name, self->ops->name, size) != 0) {
        return "it is of a window of another kind";
    }
    if (weiri_unpack_fixed(in) != weiri_query_fingerprint(self->plan)) {
        return "it belongs to another rule, or the rule has changed since";
    }
    return NULL;
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* All parts were at one watermark: what is open closes for all at the earliest end that
 * any has seen. The next end and the next early results are yet to come; a forged clock
 * would let windows close for ever. */
static void
load_clocks(weiri_windower *self, weiri_unpack *in)
{
    uint64_t n_seen  = weiri_unpack_below(in, MAX_EVENTS, "it is of too many events");
    int64_t  last_ns = weiri_unpack_time(in);
    self->last_ns    = n_seen > 0 && (self->n_seen == 0 || last_ns > self->last_ns)
                           ? last_ns
                           : self->last_ns;
    self->n_seen     = n_seen > self->n_seen ? n_seen : self->n_seen;
    self->close_ns   = earlier(self->close_ns, weiri_unpack_time(in));
    self->tick       = earlier(self->tick, weiri_unpack_time(in));
    uint64_t n_fills = weiri_unpack_number(in);
    self->n_fills    = n_fills > self->n_fills ? n_fills : self->n_fills;
    if (self->close_ns <= self->last_ns || self->tick <= self->last_ns) {
        weiri_unpack_fail(in, "a window should have closed");
    }
    if (self->tick != INT64_MAX && self->window->early_ns <= 0) {
        weiri_unpack_fail(in, "a window shows nothing early");
    }
}

static void
load_counts(weiri_windower *self, bool is_ours, weiri_unpack *in)
{
#define X(name)                                                                          \
    {                                                                                    \
        uint64_t more = weiri_unpack_number(in);                                         \
        self->counts.name += is_ours ? more : 0;                                         \
    }
    COUNTER_LIST(X)
#undef X
    self->n_emitted     = self->counts.emitted;
    self->values.faults = self->counts.faults;
}

static void
load_heads(weiri_windower *self, weiri_keyed_reader *from, bool is_first)
{
    weiri_keyed_head head;
    while (weiri_keyed_next_head(from, &head)) {
        const char *wrong = check_owner(self, &head.in);
        if (wrong != NULL) {
            weiri_unpack_fail(&head.in, wrong);
        }
        load_clocks(self, &head.in);
        load_counts(self, is_first && head.counts, &head.in);
        if (head.in.at != head.in.end) {
            weiri_unpack_fail(&head.in, "something follows a head");
        }
        if (head.in.wrong != NULL) {
            weiri_unpack_fail(&from->in, head.in.wrong);
        }
    }
}

/* ---- keys ---- */

/* A key that is to be loaded, and the number that tells where it stands. */
typedef struct found {
    uint64_t     number;
    weiri_unpack key;
    weiri_unpack state;
} found;

typedef struct loading {
    weiri_windower     *self;
    weiri_keyed_reader *from;
    weiri_cell         *cells; /* shape (n_keys,): scratch */
    found              *found; /* shape (n,)               */
    size_t              n;
    size_t              room;
} loading;

/* False: something is wrong, or memory is out. */
static bool
load_key(loading *at, weiri_unpack *key, weiri_unpack *in)
{
    weiri_windower *self   = at->self;
    uint32_t        n_keys = self->window->n_keys;
    uint32_t        n      = 0;
    while (n < n_keys && weiri_cell_load(self->key_types[n], &at->cells[n], key)) {
        at->cells[n] = weiri_cell_plain(self->key_types[n], at->cells[n]);
        n++;
    }
    uint32_t    index  = WEIRI_NO_ENTRY;
    bool        is_new = false;
    weir_status status = WEIR_ENOMEM;
    if (n == n_keys) {
        status = weiri_key_table_need(&self->keys,
            weiri_key_hash(self->key_types, at->cells, n_keys), at->cells, &index,
            &is_new);
    }
    while (n-- > 0) {
        weiri_cell_free(self->key_types[n], at->cells[n]);
    }
    if (status == WEIR_EFULL || (status == WEIR_OK && !is_new)) {
        weiri_unpack_fail(in, "a key comes twice, or there are too many");
    }
    bool ok =
        status == WEIR_OK && in->wrong == NULL && self->ops->load_entry(self, index, in);
    if (ok && in->at != in->end) {
        weiri_unpack_fail(in, "something follows what is kept of a key");
    }
    const char *wrong = key->wrong != NULL ? key->wrong : in->wrong;
    if (wrong != NULL) {
        weiri_unpack_fail(&at->from->in, wrong);
    }
    return ok && wrong == NULL;
}

static bool
put_off(loading *at, const weiri_keyed_entry *entry)
{
    enum { FIRST = 64 };
    weiri_unpack in = entry->state;
    if (at->n == at->room) {
        size_t room  = at->room > 0 ? 2 * at->room : FIRST;
        found *grown = realloc(at->found, room * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        at->found = grown;
        at->room  = room;
    }
    at->found[at->n++] = (found){
        .number = weiri_unpack_number(&in), .key = entry->key, .state = entry->state
    };
    return true;
}

static int
compare_found(const void *a, const void *b)
{
    const found *x = a;
    const found *y = b;
    return x->number != y->number ? (x->number > y->number) - (x->number < y->number)
                                  : (x->key.at > y->key.at) - (x->key.at < y->key.at);
}

static bool
load_put_off(loading *at)
{
    bool ok = true;
    if (at->n > 1) {
        qsort(at->found, at->n, sizeof *at->found, compare_found);
    }
    for (size_t i = 0; i < at->n && ok; i++) {
        ok = load_key(at, &at->found[i].key, &at->found[i].state);
    }
    return ok;
}

static bool
load_keys(weiri_windower *self, weiri_keyed_reader *from, const weiri_groups *groups)
{
    weiri_keyed_entry entry;
    loading           at = { .self = self, .from = from };
    at.cells             = calloc(self->window->n_keys + (size_t)1, sizeof *at.cells);
    bool ok              = at.cells != NULL;
    while (ok && weiri_keyed_next(from, groups, &entry)) {
        ok = self->ops->keeps_order ? put_off(&at, &entry)
                                    : load_key(&at, &entry.key, &entry.state);
    }
    ok = ok && from->in.wrong == NULL && load_put_off(&at);
    free(at.cells);
    free(at.found);
    return ok && (self->ops->loaded == NULL || self->ops->loaded(self));
}

static bool
has_types(const weiri_windower *self, weiri_keyed_reader *from)
{
    bool is_same = weiri_keyed_has_values(from, self->window->n_keys);
    for (uint32_t k = 0; is_same && k < self->window->n_keys; k++) {
        is_same = weiri_keyed_has_type(from, k, self->key_types[k]);
    }
    return is_same;
}

weir_status
weiri_windower_load(weiri_windower *self, const weiri_keyed_load *how, weir_error *err)
{
    if (self->n_seen > 0 || self->keys.n_live > 0 || self->is_finishing) {
        return WEIR_FAIL(err, WEIR_EINVAL, "state is loaded into a window in use");
    }
    weiri_keyed_reader from = how->from;
    load_heads(self, &from, how->is_first);
    bool ok = from.in.wrong == NULL && has_types(self, &from)
              && load_keys(self, &from, how->groups);
    if (from.in.wrong != NULL) {
        return WEIR_FAIL(
            err, WEIR_EDATA, "the state cannot be loaded: %s", from.in.wrong);
    }
    if (!ok) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    int64_t end = self->ops->next_close(self);
    self->due   = end < self->tick ? end : self->tick;
    return WEIR_OK;
}
