/* A joiner's state by key, see weiri/keyed.h.
 *
 *   head         fingerprint of the join, counters; rows of the left side without a key
 *   part 0, 1    rows of the key on the left and on the right side
 *
 * A row is its number, from which follows in what order rows came, its time, both as
 * differences to the one before, what is known of it, and its values, but for those that
 * are the key's. Numbers count the rows that came, not those that are kept: what is
 * written of a key changes with its rows alone, and is the same after a reload. The index
 * is not written: it follows from the rows.
 */
#include <stdlib.h>
#include <string.h>

#include "expr/fingerprint.h"
#include "join/copy.h"
#include "join/joiner.h"

enum { MASK_BITS = 56 };

#define MAX_COUNT (UINT64_C(1) << 56)

/* Counters in the order in which they are written. */
#define COUNTER_LIST(X)                                                                  \
    X(joined)                                                                            \
    X(unmatched)                                                                         \
    X(null_keys)                                                                         \
    X(dropped_rows)                                                                      \
    X(dropped_at_end)

/* ---- fingerprint ---- */

static uint64_t
add_side(uint64_t hash, const weiri_joiner *self, uint32_t side)
{
    const weiri_join_side *plan   = &self->plan->sides[side];
    const weir_schema     *schema = plan->schema;
    const weir_schema     *kept   = &self->stores[side].schema;
    for (uint32_t i = 0; i < self->plan->n_keys; i++) {
        hash = weiri_hash_expr(hash, plan->keys[i], schema);
    }
    hash = weiri_hash_number(weiri_hash_expr(hash, plan->where, schema), kept->n_fields);
    for (uint32_t i = 0; i < kept->n_fields; i++) {
        const char *name = kept->fields[i].name;
        hash             = weiri_hash_number(
                        weiri_hash_number(hash, kept->fields[i].type), kept->fields[i].element);
        hash = weiri_hash_text(hash, name);
    }
    return hash;
}

static uint64_t
fingerprint(const weiri_joiner *self)
{
    const weiri_join *plan = self->plan;
    uint64_t          hash =
        weiri_hash_number(weiri_hash_number(WEIRI_HASH_BEGIN, plan->kind), plan->is_left);
    hash = weiri_hash_number(weiri_hash_number(hash, plan->is_right_first), plan->n_keys);
    hash = weiri_hash_number(
        weiri_hash_number(hash, (uint64_t)plan->within_ns), self->max_rows);
    hash = weiri_hash_expr(hash, plan->where, plan->schema);
    hash = weiri_hash_expr(hash, plan->change, plan->sides[WEIRI_RIGHT].schema);
    return add_side(add_side(hash, self, WEIRI_LEFT), self, WEIRI_RIGHT);
}

/* ---- saving ---- */

static void
save_value(const weir_chunk *rows, uint32_t row, uint32_t field, weiri_pack *out)
{
    const weir_column *column = &rows->columns[field];
    weir_text          text   = { .size = 0 };
    switch ((weir_type)column->type) {
    case WEIR_BOOL: weiri_pack_number(out, column->as.b[row]); break;
    case WEIR_FLOAT: weiri_pack_float(out, column->as.f[row]); break;
    case WEIR_STRING:
    case WEIR_LIST:
        text = column->as.s[row];
        weiri_pack_text(out, text.size > 0 ? rows->heap + text.offset : "", text.size);
        break;
    case WEIR_TIME:
    case WEIR_DURATION: weiri_pack_time(out, column->as.i[row]); break;
    case WEIR_NULL:
    case WEIR_INT: weiri_pack_signed(out, column->as.i[row]); break;
    }
}

static uint64_t
null_mask(const weir_chunk *rows, uint32_t row, uint32_t first, uint32_t n)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; i < n; i++) {
        mask |= (uint64_t)(rows->columns[first + i].nulls[row] != 0) << i;
    }
    return mask;
}

/* Whether a column is that of a value of the key. Zero has a sign in rows, but not in
 * keys. */
static bool
is_of_key(const weiri_join_store *store, uint32_t field)
{
    return field < store->n_keys && store->schema.fields[field].type != WEIR_FLOAT;
}

static void
save_row(const weiri_join_store *store, const weir_chunk *rows, uint32_t row,
    bool is_keyed, weiri_pack *out)
{
    uint32_t n_fields = rows->schema->n_fields;
    for (uint32_t first = 0; first < n_fields; first += MASK_BITS) {
        uint32_t n    = n_fields - first < MASK_BITS ? n_fields - first : MASK_BITS;
        uint64_t mask = null_mask(rows, row, first, n);
        weiri_pack_number(out, mask);
        for (uint32_t i = 0; i < n; i++) {
            if ((mask >> i & 1) == 0 && !(is_keyed && is_of_key(store, first + i))) {
                save_value(rows, row, first + i, out);
            }
        }
    }
}

/* What rows are written as differences to. */
typedef struct moment {
    uint64_t number;
    uint64_t time;
} moment;

static moment
save_kept(const weiri_join_store *store, uint32_t name, moment before,
    weiri_pack *scratch, weiri_pack *out)
{
    weiri_kept    kept  = weiri_join_store_at(store, name);
    const moment  at    = { .number = kept.block->rows->order[kept.row],
            .time                   = (uint64_t)kept.block->rows->time[kept.row] };
    const uint8_t flags = kept.block->flags[kept.row];
    scratch->size       = 0;
    weiri_pack_number(scratch, flags);
    save_row(store, kept.block->rows, kept.row, (flags & WEIRI_ROW_KEYED) != 0, scratch);
    weiri_pack_number(out, at.number - before.number);
    weiri_pack_time(out, (int64_t)(at.time - before.time));
    weiri_pack_text(out, scratch->bytes, scratch->size);
    out->is_out_of_memory = out->is_out_of_memory || scratch->is_out_of_memory;
    return at;
}

/* The rows of one key: a ring, after the last comes the first. */
static bool
save_ring(const weiri_join_store *store, uint32_t side, uint32_t last,
    weiri_pack *scratch, weiri_keyed *out)
{
    weir_value key[WEIRI_JOIN_KEYS];
    weiri_kept kept   = weiri_join_store_at(store, last);
    moment     before = { .number = 0 };
    for (uint32_t i = 0; i < store->n_keys; i++) {
        key[i] = weir_chunk_get(kept.block->rows, kept.row, i);
    }
    weiri_pack *pack = weiri_keyed_begin(out, key, store->n_keys, side);
    if (pack == NULL) {
        return !out->is_out_of_memory;
    }
    uint32_t name = last;
    do {
        kept   = weiri_join_store_at(store, name);
        name   = kept.block->next[kept.row];
        before = save_kept(store, name, before, scratch, pack);
    } while (name != last);
    weiri_keyed_end(out);
    return true;
}

/* Rows that wait for the end of their time alone. */
static void
save_unkeyed(const weiri_join_store *store, weiri_pack *scratch, weiri_pack *out)
{
    moment     before = { .number = 0 };
    weiri_pack rows   = { 0 };
    uint64_t   n      = 0;
    for (uint32_t b = 0; b < store->n_blocks; b++) {
        const weiri_row_block *block = store->blocks[(store->head + b) & store->mask];
        uint32_t               base  = store->base + b * (uint32_t)WEIRI_CHUNK_ROWS;
        for (uint32_t row = b == 0 ? store->first : 0; row < block->rows->n_rows; row++) {
            if ((block->flags[row] & (WEIRI_ROW_DEAD | WEIRI_ROW_KEYED)) == 0) {
                before = save_kept(store, base + row, before, scratch, &rows);
                n++;
            }
        }
    }
    weiri_pack_number(out, n);
    weiri_pack_bytes(out, rows.bytes, rows.size);
    out->is_out_of_memory = out->is_out_of_memory || rows.is_out_of_memory;
    weiri_pack_fini(&rows);
}

static void
save_head(const weiri_joiner *self, weiri_pack *scratch, weiri_pack *out)
{
    weiri_pack_fixed(out, fingerprint(self));
    weiri_pack_number(out, self->n_fed);
    weiri_pack_number(out, self->out.n_given);
    weiri_pack_number(out, weiri_joiner_counts(self).faults);
#define X(name) weiri_pack_number(out, self->counts.name);
    COUNTER_LIST(X)
#undef X
    save_unkeyed(&self->stores[WEIRI_LEFT], scratch, out);
}

weir_status
weiri_joiner_save(const weiri_joiner *self, weiri_keyed *out, weir_error *err)
{
    weiri_pack scratch = { 0 };
    bool       ok      = true;
    if (self->status != WEIR_OK) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the join has stopped");
    }
    save_head(self, &scratch, &out->head);
    for (uint32_t i = 0; i < self->plan->n_keys; i++) {
        weiri_keyed_add_type(out, i, self->types[i]);
    }
    weiri_keyed_end_head(out);
    for (uint64_t s = 0; s <= self->index.mask && ok; s++) {
        const weiri_join_entry *entry = &self->index.slots[s];
        for (uint32_t side = 0; side < 2 && ok; side++) {
            ok =
                entry->last[side] == WEIRI_NO_ROW
                || save_ring(&self->stores[side], side, entry->last[side], &scratch, out);
        }
    }
    weiri_pack_fini(&scratch);
    return ok && !out->is_out_of_memory
               ? WEIR_OK
               : WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
}

/* ---- loading ---- */

/* A row that is to be loaded. */
typedef struct found {
    uint64_t     number;
    uint64_t     time;
    bool         is_keyed;
    weiri_unpack key;
    weiri_unpack row;
} found;

struct loading {
    weiri_joiner       *joiner;
    weiri_keyed_reader *from;
    weiri_unpack       *in;
    weir_status         status;  /* of memory and room */
    found              *rows[2]; /* shape (n[side],)   */
    size_t              n[2];
    size_t              room[2];
};

static weir_status
load_value(weiri_unpack *in, weir_chunk *rows, uint32_t row, uint32_t field)
{
    weir_column *column = &rows->columns[field];
    uint32_t     size   = 0;
    const char  *text   = NULL;
    column->nulls[row]  = 0;
    switch ((weir_type)column->type) {
    case WEIR_BOOL:
        column->as.b[row] = weiri_unpack_below(in, 2, "a value is no bool") != 0;
        break;
    case WEIR_FLOAT: column->as.f[row] = weiri_unpack_float(in); break;
    case WEIR_STRING:
    case WEIR_LIST:
        text = weiri_unpack_text(in, &size);
        return weiri_copy_text(rows, row, field, text, size);
    case WEIR_TIME:
    case WEIR_DURATION: column->as.i[row] = weiri_unpack_time(in); break;
    case WEIR_NULL:
    case WEIR_INT: column->as.i[row] = weiri_unpack_signed(in); break;
    }
    return WEIR_OK;
}

/* `key`: where the values of the row's key are; NULL: it has none. */
static weir_status
load_values(
    const weiri_join_store *store, weiri_unpack *key, weiri_unpack *in, weiri_kept to)
{
    weir_chunk *rows     = to.block->rows;
    uint32_t    n_fields = rows->schema->n_fields;
    weir_status status   = WEIR_OK;
    for (uint32_t first = 0; first < n_fields; first += MASK_BITS) {
        uint32_t n    = n_fields - first < MASK_BITS ? n_fields - first : MASK_BITS;
        uint64_t mask = weiri_unpack_below(in, UINT64_C(1) << n, "nulls beyond the row");
        for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
            bool is_of_its_key = key != NULL && is_of_key(store, first + i);
            if ((mask >> i & 1) != 0) {
                weiri_copy_null(rows, to.row, first + i);
                continue;
            }
            if (key != NULL && first + i < store->n_keys && !is_of_its_key) {
                (void)weiri_unpack_float(key); /* the row has it with its sign */
            }
            status = load_value(is_of_its_key ? key : in, rows, to.row, first + i);
        }
    }
    return status;
}

/* The key of a row that is kept. Texts are put into `texts`. */
static bool
keys_of(const weiri_joiner *self, weiri_kept kept, weiri_cell *keys, weir_value *texts)
{
    for (uint32_t i = 0; i < self->plan->n_keys; i++) {
        weir_value value = weir_chunk_get(kept.block->rows, kept.row, i);
        keys[i]          = (weiri_cell){ .i = value.as.i };
        if (value.is_null) {
            return false;
        }
        if (self->types[i] == WEIR_BOOL) {
            keys[i].i = value.as.b;
        } else if (weiri_cell_is_text(self->types[i])) {
            texts[i]  = value;
            keys[i].s = &texts[i];
        }
        keys[i] = weiri_cell_plain(self->types[i], keys[i]);
    }
    return true;
}

static void
link_row(struct loading *self, uint32_t side, weiri_kept kept, uint32_t name)
{
    weiri_joiner     *joiner = self->joiner;
    weiri_cell        keys[WEIRI_JOIN_KEYS];
    weir_value        texts[WEIRI_JOIN_KEYS];
    weiri_join_entry *entry = NULL;
    if (!keys_of(joiner, kept, keys, texts)) {
        weiri_unpack_fail(self->in, "a key is null");
        return;
    }
    uint64_t word               = weiri_join_word(&joiner->index, keys);
    kept.block->words[kept.row] = word;
    self->status = weiri_join_index_need(&joiner->index, word, keys, &entry);
    if (self->status != WEIR_OK) {
        return;
    }
    if (joiner->plan->kind == WEIRI_JOIN_ASOF && entry->last[side] != WEIRI_NO_ROW) {
        weiri_unpack_fail(self->in, "a key comes twice");
        return;
    }
    weiri_join_index_link(&joiner->index, entry, side, name);
}

/* A row whose text does not fit into the block any more is read again into the next. */
static void
load_row(struct loading *self, uint32_t side, const found *row)
{
    weiri_join_store *store       = &self->joiner->stores[side];
    bool              is_interval = self->joiner->plan->kind == WEIRI_JOIN_INTERVAL;
    weiri_unpack      in          = row->row;
    weiri_kept        kept        = { .block = NULL };
    self->in                      = &in;
    uint8_t flags                 = (uint8_t)weiri_unpack_below(
                        &in, WEIRI_ROW_DEAD, "what is known of a row makes no sense");
    weiri_unpack begin = in;
    for (int attempt = 0; attempt < 2; attempt++) {
        weiri_unpack key = row->key;
        in               = begin;
        self->status     = weiri_join_store_open(store, &kept);
        if (self->status != WEIR_OK) {
            return;
        }
        uint32_t heap_used = kept.block->rows->heap_used;
        self->status       = load_values(store, row->is_keyed ? &key : NULL, &in, kept);
        if (self->status != WEIR_EFULL || kept.row == 0) {
            break;
        }
        kept.block->rows->heap_used = heap_used;
        weiri_join_store_skip(store);
    }
    if (in.at != in.end || ((flags & WEIRI_ROW_KEYED) != 0) != row->is_keyed
        || (!row->is_keyed && (!is_interval || side != WEIRI_LEFT))) {
        weiri_unpack_fail(&in, "a row is none of its key");
    }
    if (in.wrong == NULL && self->status == WEIR_OK) {
        kept.block->rows->time[kept.row]  = (int64_t)row->time;
        kept.block->rows->order[kept.row] = row->number;
        kept.block->flags[kept.row]       = flags;
        kept.block->words[kept.row]       = 0;
        uint32_t name                     = weiri_join_store_close(store);
        if (row->is_keyed) {
            link_row(self, side, kept, name);
        }
    }
    if (in.wrong != NULL) {
        weiri_unpack_fail(&self->from->in, in.wrong);
    }
}

/* ---- rows in the order in which they came ---- */

static bool
note_row(struct loading *self, uint32_t side, const found *row)
{
    enum { FIRST = 64 };
    bool is_kept = self->joiner->plan->kind == WEIRI_JOIN_INTERVAL || side == WEIRI_RIGHT;
    if (self->n[side] >= (is_kept ? self->joiner->max_rows : 0)) {
        weiri_unpack_fail(&self->from->in, "it has too many rows");
        return false;
    }
    if (self->n[side] == self->room[side]) {
        size_t room = self->room[side] > 0 ? 2 * self->room[side] : FIRST;
        found *rows = realloc(self->rows[side], room * sizeof *rows);
        if (rows == NULL) {
            self->status = WEIR_ENOMEM;
            return false;
        }
        self->rows[side] = rows;
        self->room[side] = room;
    }
    self->rows[side][self->n[side]++] = *row;
    return true;
}

/* The rows of a key, or, with `key` NULL, those that have none. */
static void
note_rows(struct loading *self, uint32_t side, const weiri_unpack *key, uint64_t n,
    weiri_unpack *in)
{
    found row = { .is_keyed = key != NULL };
    if (key != NULL) {
        row.key = *key;
    }
    for (; n > 0 && in->wrong == NULL && in->at != in->end; n--) {
        uint32_t size = 0;
        row.number += weiri_unpack_below(
            in, self->joiner->n_fed - row.number + 1, "a row came after the last");
        row.time += (uint64_t)weiri_unpack_time(in);
        const uint8_t *bytes = (const uint8_t *)weiri_unpack_text(in, &size);
        if (in->wrong != NULL) {
            return;
        }
        row.row = (weiri_unpack){ .at = bytes, .end = bytes + size };
        if (!note_row(self, side, &row)) {
            return;
        }
    }
    if (key == NULL && n > 0) {
        weiri_unpack_fail(in, "it ends too early");
    }
}

static int
compare_found(const void *a, const void *b)
{
    const found *x = a;
    const found *y = b;
    return x->number != y->number ? (x->number > y->number) - (x->number < y->number)
                                  : (x->row.at > y->row.at) - (x->row.at < y->row.at);
}

static void
load_side(struct loading *self, uint32_t side)
{
    found *rows = self->rows[side];
    if (self->n[side] > 1) {
        qsort(rows, self->n[side], sizeof *rows, compare_found);
    }
    for (size_t i = 0;
         i < self->n[side] && self->from->in.wrong == NULL && self->status == WEIR_OK;
         i++) {
        if (i > 0
            && (rows[i].number == rows[i - 1].number
                || (int64_t)rows[i].time < (int64_t)rows[i - 1].time)) {
            weiri_unpack_fail(&self->from->in, "rows are not in order");
        }
        load_row(self, side, &rows[i]);
    }
}

/* The order of rows is that of one joiner: a join is of one part. */
static void
load_head(struct loading *self, weiri_keyed_head *head, bool is_first)
{
    weiri_joiner *joiner  = self->joiner;
    weiri_unpack *in      = &head->in;
    bool          is_ours = is_first && head->counts;
    if (weiri_unpack_fixed(in) != fingerprint(joiner)) {
        weiri_unpack_fail(
            in, "it belongs to another rule, or the rule has changed since");
    } else if (joiner->n_fed > 0 || self->from->n_heads > 0) {
        weiri_unpack_fail(in, "it is of several joins");
    }
    joiner->n_fed       = weiri_unpack_below(in, MAX_COUNT, "it is of too many rows");
    joiner->out.n_given = weiri_unpack_below(in, MAX_COUNT, "it is of too many rows");
    uint64_t faults     = weiri_unpack_number(in);
    joiner->counts.faults += is_ours ? faults : 0;
#define X(name)                                                                          \
    {                                                                                    \
        uint64_t more = weiri_unpack_number(in);                                         \
        joiner->counts.name += is_ours ? more : 0;                                       \
    }
    COUNTER_LIST(X)
#undef X
    note_rows(self, WEIRI_LEFT, NULL, weiri_unpack_number(in), in);
    if (in->at != in->end) {
        weiri_unpack_fail(in, "something follows a head");
    }
    if (in->wrong != NULL) {
        weiri_unpack_fail(&self->from->in, in->wrong);
    }
}

static void
load_all(struct loading *self, const weiri_keyed_load *how)
{
    weiri_keyed_reader *from    = self->from;
    bool                is_same = true;
    weiri_keyed_head    head;
    weiri_keyed_entry   entry;
    while (weiri_keyed_next_head(from, &head)) {
        load_head(self, &head, how->is_first);
    }
    is_same = from->in.wrong == NULL
              && weiri_keyed_has_values(from, self->joiner->plan->n_keys);
    for (uint32_t i = 0; is_same && i < self->joiner->plan->n_keys; i++) {
        is_same = weiri_keyed_has_type(from, i, self->joiner->types[i]);
    }
    while (self->status == WEIR_OK && weiri_keyed_next(from, how->groups, &entry)) {
        note_rows(self, entry.part, &entry.key, UINT64_MAX, &entry.state);
        if (entry.state.wrong != NULL) {
            weiri_unpack_fail(&from->in, entry.state.wrong);
        }
    }
    load_side(self, WEIRI_LEFT);
    load_side(self, WEIRI_RIGHT);
}

weir_status
weiri_joiner_load(weiri_joiner *self, const weiri_keyed_load *how, weir_error *err)
{
    weiri_keyed_reader from    = how->from;
    struct loading     loading = { .joiner = self, .from = &from };
    if (self->n_fed > 0 || self->status != WEIR_OK) {
        return WEIR_FAIL(err, WEIR_EINVAL, "state is loaded into a join in use");
    }
    load_all(&loading, how);
    free(loading.rows[WEIRI_LEFT]);
    free(loading.rows[WEIRI_RIGHT]);
    if (loading.status == WEIR_ENOMEM) {
        self->status = loading.status;
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    if (from.in.wrong != NULL || loading.status != WEIR_OK) {
        self->status = WEIR_EDATA;
        return WEIR_FAIL(err, WEIR_EDATA, "the state cannot be loaded: %s",
            from.in.wrong != NULL ? from.in.wrong : "a row is too large");
    }
    return WEIR_OK;
}
