/* A joiner's state as bytes.
 *
 *   "weirJ" and the format's version
 *   fingerprint of the join
 *   counters
 *   of each side: how many rows, then each, oldest first: what is known of it, its time
 *   as the difference to the one before, its values
 *   a hash of all this
 *
 * The index is not written: it follows from the rows.
 */
#include <stdlib.h>
#include <string.h>

#include "expr/fingerprint.h"
#include "join/copy.h"
#include "join/joiner.h"

static const weiri_seal SEAL = {
    .magic = "weirJ", .not_ours = "it is no join's state", .version = 1
};

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

static void
save_row(const weir_chunk *rows, uint32_t row, weiri_pack *out)
{
    uint32_t n_fields = rows->schema->n_fields;
    for (uint32_t first = 0; first < n_fields; first += MASK_BITS) {
        uint32_t n    = n_fields - first < MASK_BITS ? n_fields - first : MASK_BITS;
        uint64_t mask = null_mask(rows, row, first, n);
        weiri_pack_number(out, mask);
        for (uint32_t i = 0; i < n; i++) {
            if ((mask >> i & 1) == 0) {
                save_value(rows, row, first + i, out);
            }
        }
    }
}

static void
save_side(const weiri_join_store *store, weiri_pack *out)
{
    uint64_t before = 0;
    weiri_pack_number(out, store->n_live);
    for (uint32_t b = 0; b < store->n_blocks; b++) {
        const weiri_row_block *block = store->blocks[(store->head + b) & store->mask];
        for (uint32_t row = b == 0 ? store->first : 0; row < block->rows->n_rows; row++) {
            if ((block->flags[row] & WEIRI_ROW_DEAD) != 0) {
                continue;
            }
            uint64_t time = (uint64_t)block->rows->time[row];
            weiri_pack_number(out, block->flags[row]);
            weiri_pack_time(out, (int64_t)(time - before));
            save_row(block->rows, row, out);
            before = time;
        }
    }
}

weir_status
weiri_joiner_save(const weiri_joiner *self, weiri_pack *out, weir_error *err)
{
    size_t begin = out->size;
    if (self->status != WEIR_OK) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the join has stopped");
    }
    weiri_pack_open(out, &SEAL);
    weiri_pack_fixed(out, fingerprint(self));
    weiri_pack_number(out, self->n_fed);
    weiri_pack_number(out, self->out.n_given);
    weiri_pack_number(out, weiri_joiner_counts(self).faults);
#define X(name) weiri_pack_number(out, self->counts.name);
    COUNTER_LIST(X)
#undef X
    save_side(&self->stores[WEIRI_LEFT], out);
    save_side(&self->stores[WEIRI_RIGHT], out);
    if (!weiri_pack_close(out, begin, true)) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    return WEIR_OK;
}

/* ---- loading ---- */

struct loading {
    weiri_joiner *joiner;
    weiri_unpack *in;
    weir_status   status; /* of memory and room */
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

static weir_status
load_values(weiri_unpack *in, weiri_kept to)
{
    weir_chunk *rows     = to.block->rows;
    uint32_t    n_fields = rows->schema->n_fields;
    weir_status status   = WEIR_OK;
    for (uint32_t first = 0; first < n_fields; first += MASK_BITS) {
        uint32_t n    = n_fields - first < MASK_BITS ? n_fields - first : MASK_BITS;
        uint64_t mask = weiri_unpack_below(in, UINT64_C(1) << n, "nulls beyond the row");
        for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
            if ((mask >> i & 1) != 0) {
                weiri_copy_null(rows, to.row, first + i);
            } else {
                status = load_value(in, rows, to.row, first + i);
            }
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
load_row(struct loading *self, uint32_t side, uint64_t *before)
{
    weiri_join_store *store       = &self->joiner->stores[side];
    bool              is_interval = self->joiner->plan->kind == WEIRI_JOIN_INTERVAL;
    uint8_t           flags       = (uint8_t)weiri_unpack_below(
                        self->in, WEIRI_ROW_DEAD, "what is known of a row makes no sense");
    uint64_t     time  = *before + (uint64_t)weiri_unpack_time(self->in);
    weiri_unpack begin = *self->in;
    weiri_kept   kept  = { .block = NULL };
    for (int attempt = 0; attempt < 2; attempt++) {
        *self->in    = begin;
        self->status = weiri_join_store_open(store, &kept);
        if (self->status != WEIR_OK) {
            return;
        }
        uint32_t heap_used = kept.block->rows->heap_used;
        self->status       = load_values(self->in, kept);
        if (self->status != WEIR_EFULL || kept.row == 0) {
            break;
        }
        kept.block->rows->heap_used = heap_used;
        weiri_join_store_skip(store);
    }
    if (store->n_rows > 0 && (int64_t)time < (int64_t)*before) {
        weiri_unpack_fail(self->in, "rows are not in order");
    }
    if (self->in->wrong != NULL || self->status != WEIR_OK) {
        return;
    }
    *before                           = time;
    kept.block->rows->time[kept.row]  = (int64_t)time;
    kept.block->rows->order[kept.row] = 0;
    kept.block->flags[kept.row]       = flags;
    kept.block->words[kept.row]       = 0;
    uint32_t name                     = weiri_join_store_close(store);
    if ((flags & WEIRI_ROW_KEYED) != 0) {
        link_row(self, side, kept, name);
    } else if (!is_interval || side != WEIRI_LEFT) {
        weiri_unpack_fail(self->in, "a row has no key");
    }
}

static void
load_side(struct loading *self, uint32_t side)
{
    bool is_kept = self->joiner->plan->kind == WEIRI_JOIN_INTERVAL || side == WEIRI_RIGHT;
    uint64_t most   = is_kept ? self->joiner->max_rows : 0;
    uint64_t n      = weiri_unpack_below(self->in, most + 1, "it has too many rows");
    uint64_t before = 0;
    for (; n > 0 && self->in->wrong == NULL && self->status == WEIR_OK; n--) {
        load_row(self, side, &before);
    }
}

static weir_status
load_body(weiri_joiner *self, weiri_unpack *in)
{
    struct loading loading = { .joiner = self, .in = in };
    self->n_fed            = weiri_unpack_below(in, MAX_COUNT, "it is of too many rows");
    self->out.n_given      = weiri_unpack_below(in, MAX_COUNT, "it is of too many rows");
    self->counts.faults    = weiri_unpack_number(in);
#define X(name) self->counts.name = weiri_unpack_number(in);
    COUNTER_LIST(X)
#undef X
    load_side(&loading, WEIRI_LEFT);
    load_side(&loading, WEIRI_RIGHT);
    if (in->wrong == NULL && loading.status == WEIR_OK && in->at != in->end) {
        weiri_unpack_fail(in, "something follows its end");
    }
    return loading.status;
}

weir_status
weiri_joiner_load(weiri_joiner *self, const uint8_t *bytes, size_t size, weir_error *err)
{
    weiri_unpack in = { .at = bytes, .end = bytes + size };
    if (self->n_fed > 0 || self->status != WEIR_OK) {
        return WEIR_FAIL(err, WEIR_EINVAL, "state is loaded into a join in use");
    }
    const char *wrong = weiri_unpack_open(&in, &SEAL);
    if (wrong == NULL && weiri_unpack_fixed(&in) != fingerprint(self)) {
        wrong = "it belongs to another rule, or the rule has changed since";
    }
    if (wrong != NULL) {
        return WEIR_FAIL(err, WEIR_EDATA, "the state cannot be loaded: %s", wrong);
    }
    weir_status status = load_body(self, &in);
    if (status == WEIR_ENOMEM) {
        self->status = status;
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    if (in.wrong != NULL || status != WEIR_OK) {
        self->status = WEIR_EDATA;
        return WEIR_FAIL(err, WEIR_EDATA, "the state cannot be loaded: %s",
            in.wrong != NULL ? in.wrong : "a row is too large");
    }
    return WEIR_OK;
}
