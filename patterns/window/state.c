#include "window/state.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/cell_pack.h"
#include "window/fingerprint.h"

static const weiri_seal SEAL = { .magic = "weirW",
    .not_ours                           = "it is no window's state",
    .version                            = WEIRI_WINDOW_STATE_VERSION };

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
    weiri_pack_open(out, &SEAL);
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

/* A key that is to be written; its bytes are where the others' are, too. */
typedef struct listed {
    const uint8_t *bytes;
    size_t         first;
    size_t         size;
    uint32_t       entry;
} listed;

typedef struct listing {
    listed    *keys; /* shape (n,) */
    uint32_t   n;
    weiri_pack bytes;
} listing;

static void
list_key(const weiri_windower *self, uint32_t entry, listing *to)
{
    const weiri_cell *cells = weiri_key_table_cells(&self->keys, entry);
    size_t            first = to->bytes.size;
    for (uint32_t k = 0; k < self->window->n_keys; k++) {
        weiri_cell_save(self->key_types[k], cells[k], &to->bytes);
    }
    to->keys[to->n++] =
        (listed){ .first = first, .size = to->bytes.size - first, .entry = entry };
}

static int
compare_listed(const void *a, const void *b)
{
    const listed *x     = a;
    const listed *y     = b;
    size_t        size  = x->size < y->size ? x->size : y->size;
    int           order = size > 0 ? memcmp(x->bytes, y->bytes, size) : 0;
    return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

/* Of the keys that matter to no event any more it depends on the cut of the input which
 * are there still: they are left out. */
static bool
is_wanted(const weiri_windower *self, uint32_t index)
{
    const weiri_entry *entry = weiri_key_table_at(&self->keys, index);
    return entry->is_used && weiri_entry_stale_from(self, entry) > self->last_ns;
}

static bool
list_keys(const weiri_windower *self, listing *to)
{
    to->keys = malloc((self->keys.n_live + (size_t)1) * sizeof *to->keys);
    if (to->keys == NULL) {
        return false;
    }
    if (self->ops->keeps_order) {
        const uint32_t *live = self->ops == &weiri_hopping_ops ? self->live : NULL;
        for (uint32_t i = 0; i < self->keys.n_live; i++) {
            list_key(self, live != NULL ? live[i] : i, to);
        }
    } else {
        for (uint32_t i = 0; i < self->keys.n_used; i++) {
            if (is_wanted(self, i)) {
                list_key(self, i, to);
            }
        }
    }
    for (uint32_t i = 0; i < to->n; i++) {
        to->keys[i].bytes =
            to->keys[i].size > 0 ? to->bytes.bytes + to->keys[i].first : NULL;
    }
    if (!self->ops->keeps_order) {
        qsort(to->keys, to->n, sizeof *to->keys, compare_listed);
    }
    return !to->bytes.is_out_of_memory;
}

static bool
save_keys(const weiri_windower *self, weiri_pack *out)
{
    listing   keys = { .n = 0 };
    bool      ok   = list_keys(self, &keys);
    uint64_t *rows = NULL;
    if (ok && self->ops == &weiri_flowing_ops) {
        rows = weiri_flowing_index(self);
        ok   = rows != NULL;
    }
    weiri_pack_number(out, keys.n);
    for (uint32_t i = 0; ok && i < keys.n; i++) {
        weiri_pack_bytes(out, keys.keys[i].bytes, keys.keys[i].size);
        ok = self->ops->save_entry(self, keys.keys[i].entry, rows, out);
    }
    weiri_pack_fini(&keys.bytes);
    free(keys.keys);
    free(rows);
    return ok;
}

weir_status
weiri_windower_save(const weiri_windower *self, weiri_pack *out, weir_error *err)
{
    size_t begin = out->size;
    if (self->is_finishing) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the input has ended");
    }
    save_head(self, out);
    if (!weiri_pack_close(out, begin, save_keys(self, out))) {
        if (out->wrong != NULL) {
            return WEIR_FAIL(err, WEIR_EINVAL, "%s", out->wrong);
        }
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    return WEIR_OK;
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

/* The next end and the next early results are yet to come; a forged clock would let
 * windows close for ever. */
static void
load_clocks(weiri_windower *self, weiri_unpack *in)
{
    self->n_seen   = weiri_unpack_below(in, MAX_EVENTS, "it is of too many events");
    self->last_ns  = weiri_unpack_time(in);
    self->close_ns = weiri_unpack_time(in);
    self->tick     = weiri_unpack_time(in);
    self->n_fills  = weiri_unpack_number(in);
    if (self->close_ns <= self->last_ns || self->tick <= self->last_ns) {
        weiri_unpack_fail(in, "a window should have closed");
    }
    if (self->tick != INT64_MAX && self->window->early_ns <= 0) {
        weiri_unpack_fail(in, "a window shows nothing early");
    }
}

static void
load_counts(weiri_windower *self, weiri_unpack *in)
{
#define X(name) self->counts.name = weiri_unpack_number(in);
    COUNTER_LIST(X)
#undef X
    self->n_emitted     = self->counts.emitted;
    self->values.faults = self->counts.faults;
}

/* False: something is wrong, or memory is out. */
static bool
load_key(weiri_windower *self, weiri_cell *cells, weiri_unpack *in)
{
    uint32_t n_keys = self->window->n_keys;
    uint32_t n      = 0;
    while (n < n_keys && weiri_cell_load(self->key_types[n], &cells[n], in)) {
        cells[n] = weiri_cell_plain(self->key_types[n], cells[n]);
        n++;
    }
    uint32_t    index  = WEIRI_NO_ENTRY;
    bool        is_new = false;
    weir_status status = WEIR_ENOMEM;
    if (n == n_keys) {
        status = weiri_key_table_need(&self->keys,
            weiri_key_hash(self->key_types, cells, n_keys), cells, &index, &is_new);
    }
    while (n-- > 0) {
        weiri_cell_free(self->key_types[n], cells[n]);
    }
    if (status == WEIR_EFULL || (status == WEIR_OK && !is_new)) {
        weiri_unpack_fail(in, "a key comes twice, or there are too many");
        return false;
    }
    return status == WEIR_OK && self->ops->load_entry(self, index, in);
}

static bool
load_keys(weiri_windower *self, weiri_unpack *in)
{
    weiri_cell *cells = calloc(self->window->n_keys + (size_t)1, sizeof *cells);
    uint64_t    n     = weiri_unpack_number(in);
    bool        ok    = cells != NULL && in->wrong == NULL;
    for (; n > 0 && ok; n--) {
        ok = load_key(self, cells, in);
    }
    free(cells);
    if (ok && in->at != in->end) {
        weiri_unpack_fail(in, "something follows its end");
    }
    return ok && in->wrong == NULL
           && (self->ops->loaded == NULL || self->ops->loaded(self));
}

weir_status
weiri_windower_load(
    weiri_windower *self, const uint8_t *bytes, size_t size, weir_error *err)
{
    if (self->n_seen > 0 || self->keys.n_live > 0 || self->is_finishing) {
        return WEIR_FAIL(err, WEIR_EINVAL, "state is loaded into a window in use");
    }
    weiri_unpack in    = { .at = bytes, .end = bytes + size };
    const char  *wrong = weiri_unpack_open(&in, &SEAL);
    if (wrong == NULL) {
        wrong = check_owner(self, &in);
    }
    if (wrong != NULL) {
        return WEIR_FAIL(err, WEIR_EDATA, "the state cannot be loaded: %s", wrong);
    }
    load_clocks(self, &in);
    load_counts(self, &in);
    bool ok = load_keys(self, &in);
    if (in.wrong != NULL) {
        return WEIR_FAIL(err, WEIR_EDATA, "the state cannot be loaded: %s", in.wrong);
    }
    if (!ok) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    int64_t end = self->ops->next_close(self);
    self->due   = end < self->tick ? end : self->tick;
    return WEIR_OK;
}
