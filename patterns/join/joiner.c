/* weiri_joiner: rows of both sides, one by one in their order, against those kept. */
#include "join/joiner.h"

#include <stdlib.h>
#include <string.h>

enum {
    AHEAD      = 12,  /* rows between asking for a slot and needing it */
    SWEEP_ROWS = 4096 /* dead rows that are not worth sweeping         */
};

static int64_t
later_by(int64_t time_ns, int64_t by_ns)
{
    return time_ns > INT64_MAX - by_ns ? INT64_MAX : time_ns + by_ns;
}

/* ---- rows leave ---- */

static weir_status
give_alone(weiri_joiner *self, weiri_join_row left, int64_t time_ns, uint64_t order)
{
    bool        is_given = false;
    weir_status status   = weiri_join_out_give(
          self, left, (weiri_join_row){ .chunk = NULL }, time_ns, order, &is_given);
    self->counts.joined += is_given;
    self->counts.unmatched += is_given;
    return status;
}

/* Take the row at the front out of the index: it is the first of its key. */
static void
unlink_front(weiri_joiner *self, uint32_t side, weiri_kept front)
{
    uint8_t flags = front.block->flags[front.row];
    if ((flags & WEIRI_ROW_KEYED) == 0 || (flags & WEIRI_ROW_DEAD) != 0) {
        return;
    }
    uint32_t          name  = weiri_join_store_front_name(&self->stores[side]);
    weiri_join_entry *entry = weiri_join_index_of_first(
        &self->index, front.block->words[front.row], side, name);
    weiri_join_index_unlink(&self->index, entry, side, name);
}

/* Whether the row at the front is too old. */
static bool
has_expired(const weiri_join_store *store, int64_t oldest_ns)
{
    weiri_kept front = weiri_join_store_front(store);
    return front.block->rows->time[front.row] < oldest_ns;
}

/* Rows of a side that are older than any that may still find a partner. */
static weir_status
expire_side(weiri_joiner *self, uint32_t side, int64_t oldest_ns)
{
    weiri_join_store *store = &self->stores[side];
    bool is_alone = self->plan->kind == WEIRI_JOIN_INTERVAL && self->plan->is_left
                    && side == WEIRI_LEFT;
    while (store->n_rows > 0 && has_expired(store, oldest_ns)) {
        weiri_kept front = weiri_join_store_front(store);
        if (front.row + AHEAD < front.block->rows->n_rows) {
            weiri_join_index_prefetch(
                &self->index, front.block->words[front.row + AHEAD]);
        }
        if (is_alone && (front.block->flags[front.row] & WEIRI_ROW_MATCHED) == 0) {
            weiri_join_row left = { front.block->rows, front.row, true };
            int64_t        end_ns =
                later_by(front.block->rows->time[front.row], self->plan->within_ns);
            weir_status status = give_alone(self, left, end_ns, self->out.n_given);
            if (status != WEIR_OK) {
                return status;
            }
        }
        unlink_front(self, side, front);
        weiri_join_store_pop(store);
    }
    return WEIR_OK;
}

static weir_status
expire(weiri_joiner *self, int64_t now_ns)
{
    int64_t within = self->plan->within_ns;
    if (within < 0 || now_ns < INT64_MIN + within) {
        return WEIR_OK;
    }
    weir_status status = expire_side(self, WEIRI_LEFT, now_ns - within);
    return status == WEIR_OK ? expire_side(self, WEIRI_RIGHT, now_ns - within) : status;
}

/* Beyond the bound the oldest goes, or nothing goes on. */
static weir_status
make_room(weiri_joiner *self, uint32_t side)
{
    weiri_join_store *store = &self->stores[side];
    while (store->n_live >= self->max_rows) {
        if (self->plan->stops_when_full) {
            self->full_side = &self->plan->sides[side];
            return WEIR_EFULL;
        }
        weiri_kept front = weiri_join_store_front(store);
        self->counts.dropped_rows +=
            (front.block->flags[front.row] & WEIRI_ROW_DEAD) == 0;
        unlink_front(self, side, front);
        weiri_join_store_pop(store);
    }
    return WEIR_OK;
}

/* ---- rows come: interval ---- */

static weiri_join_row
current_row(const weiri_join_reader *reader)
{
    return (weiri_join_row){ reader->rows.chunk, reader->rows.first + reader->at, false };
}

static const weiri_cell *
current_keys(const weiri_joiner *self, const weiri_join_reader *reader)
{
    return reader->cells + (size_t)reader->at * self->plan->n_keys;
}

/* The row that has come, with each of the other side's rows of its key. */
static weir_status
give_pairs(weiri_joiner *self, uint32_t side, uint32_t last, bool *is_matched)
{
    weiri_join_row    own   = current_row(&self->readers[side]);
    int64_t           now   = own.chunk->time[own.row];
    weiri_join_store *store = &self->stores[1 - side];
    uint32_t          name  = last;
    do {
        weiri_kept before       = weiri_join_store_at(store, name);
        name                    = before.block->next[before.row];
        weiri_kept     kept     = weiri_join_store_at(store, name);
        weiri_join_row other    = { kept.block->rows, kept.row, true };
        bool           is_given = false;
        weir_status status = weiri_join_out_give(self, side == WEIRI_LEFT ? own : other,
            side == WEIRI_LEFT ? other : own, now, self->out.n_given, &is_given);
        if (status != WEIR_OK) {
            return status;
        }
        self->counts.joined += is_given;
        if (is_given) {
            kept.block->flags[kept.row] |= WEIRI_ROW_MATCHED;
            *is_matched = true;
        }
    } while (name != last);
    return WEIR_OK;
}

/* Keep the row that has come. `entry` has been made for it; NULL: it has no partners. */
static weir_status
keep_row(weiri_joiner *self, uint32_t side, weiri_join_entry *entry, uint8_t flags)
{
    const weiri_join_reader *reader = &self->readers[side];
    weiri_join_store        *store  = &self->stores[side];
    weiri_join_row           row    = current_row(reader);
    uint32_t                 name   = WEIRI_NO_ROW;
    weir_status              status = weiri_join_store_add(store, row.chunk, row.row,
        entry != NULL ? current_keys(self, reader) : NULL, self->n_fed, &name);
    if (status != WEIR_OK) {
        return status;
    }
    weiri_kept kept             = weiri_join_store_at(store, name);
    kept.block->words[kept.row] = reader->words[reader->at];
    kept.block->flags[kept.row] = flags;
    if (entry != NULL) {
        weiri_join_index_link(&self->index, entry, side, name);
    }
    return WEIR_OK;
}

static weir_status
take_interval(weiri_joiner *self, uint32_t side)
{
    weiri_join_reader *reader = &self->readers[side];
    if (!reader->is_keyed[reader->at]) {
        if (side != WEIRI_LEFT || !self->plan->is_left) {
            return WEIR_OK;
        }
        weir_status room = make_room(self, side);
        return room == WEIR_OK ? keep_row(self, side, NULL, 0) : room;
    }
    weiri_join_entry *entry  = NULL;
    weir_status       status = make_room(self, side);
    if (status == WEIR_OK) {
        status = weiri_join_index_need(
            &self->index, reader->words[reader->at], current_keys(self, reader), &entry);
    }
    bool is_matched = false;
    if (status == WEIR_OK && entry->last[1 - side] != WEIRI_NO_ROW) {
        status = give_pairs(self, side, entry->last[1 - side], &is_matched);
    }
    return status == WEIR_OK ? keep_row(self, side, entry,
               (uint8_t)(WEIRI_ROW_KEYED | (is_matched ? WEIRI_ROW_MATCHED : 0)))
                             : status;
}

/* ---- rows come: as-of ---- */

static void
mark_dead(weiri_join_store *store, weiri_kept kept)
{
    kept.block->flags[kept.row] |= WEIRI_ROW_DEAD;
    store->n_live--;
}

static weir_status
take_asof_left(weiri_joiner *self)
{
    weiri_join_reader *reader   = &self->readers[WEIRI_LEFT];
    weiri_join_row     left     = current_row(reader);
    int64_t            time_ns  = left.chunk->time[left.row];
    uint64_t           order    = left.chunk->order[left.row];
    weiri_join_entry  *entry    = NULL;
    bool               is_given = false;
    if (reader->is_keyed[reader->at]) {
        entry = weiri_join_index_find(
            &self->index, reader->words[reader->at], current_keys(self, reader));
    }
    if (entry == NULL) {
        return self->plan->is_left ? give_alone(self, left, time_ns, order) : WEIR_OK;
    }
    weiri_kept kept =
        weiri_join_store_at(&self->stores[WEIRI_RIGHT], entry->last[WEIRI_RIGHT]);
    weiri_join_row right = { kept.block->rows, kept.row, true };
    self->counts.joined++;
    return weiri_join_out_give(self, left, right, time_ns, order, &is_given);
}

/* Rows of which a later one took the place are swept out when they are the most: the
 * others go round, from the front to the end. */
static weir_status
sweep(weiri_joiner *self)
{
    weiri_join_store *store = &self->stores[WEIRI_RIGHT];
    if (store->n_rows < 3 * store->n_live + SWEEP_ROWS) {
        return WEIR_OK;
    }
    for (uint64_t n = store->n_rows; n > 0; n--) {
        weiri_kept front = weiri_join_store_front(store);
        if ((front.block->flags[front.row] & WEIRI_ROW_DEAD) == 0) {
            uint32_t    old    = weiri_join_store_front_name(store);
            uint32_t    name   = WEIRI_NO_ROW;
            weir_status status = weiri_join_store_move(store, front, &name);
            if (status != WEIR_OK) {
                return status;
            }
            weiri_join_entry *entry = weiri_join_index_of_first(
                &self->index, front.block->words[front.row], WEIRI_RIGHT, old);
            entry->last[WEIRI_RIGHT] = WEIRI_NO_ROW;
            weiri_join_index_link(&self->index, entry, WEIRI_RIGHT, name);
            mark_dead(store, front);
        }
        weiri_join_store_pop(store);
    }
    return WEIR_OK;
}

/* The row that a key has is not to be found any more; the key stays if another follows.
 */
static void
remove_row(weiri_joiner *self, weiri_join_entry *entry, bool is_replaced)
{
    weiri_join_store *store = &self->stores[WEIRI_RIGHT];
    uint32_t          name  = entry->last[WEIRI_RIGHT];
    mark_dead(store, weiri_join_store_at(store, name));
    if (is_replaced) {
        entry->last[WEIRI_RIGHT] = WEIRI_NO_ROW;
    } else {
        weiri_join_index_unlink(&self->index, entry, WEIRI_RIGHT, name);
    }
}

static void
clear_rows(weiri_joiner *self)
{
    weiri_join_store *store = &self->stores[WEIRI_RIGHT];
    weiri_join_index_clear(&self->index);
    while (store->n_rows > 0) {
        weiri_join_store_pop(store);
    }
}

static weiri_join_change
change_of(const weiri_join_reader *reader)
{
    if (reader->change == NULL) {
        return WEIRI_JOIN_PUT;
    }
    weiri_join_row row = current_row(reader);
    weir_value value   = weiri_program_eval(reader->change, 0, row.chunk, row.row, NULL);
    return value.is_null ? WEIRI_JOIN_PUT : (weiri_join_change)value.as.i;
}

static weir_status
put_row(weiri_joiner *self)
{
    weiri_join_reader *reader = &self->readers[WEIRI_RIGHT];
    uint64_t           word   = reader->words[reader->at];
    weiri_join_entry  *entry =
        weiri_join_index_find(&self->index, word, current_keys(self, reader));
    if (entry != NULL) {
        remove_row(self, entry, true);
    } else {
        weir_status status = make_room(self, WEIRI_RIGHT);
        if (status == WEIR_OK) {
            status = weiri_join_index_need(
                &self->index, word, current_keys(self, reader), &entry);
        }
        if (status != WEIR_OK) {
            return status;
        }
    }
    weir_status status = keep_row(self, WEIRI_RIGHT, entry, WEIRI_ROW_KEYED);
    return status == WEIR_OK ? sweep(self) : status;
}

static weir_status
take_asof_right(weiri_joiner *self)
{
    weiri_join_reader *reader = &self->readers[WEIRI_RIGHT];
    weiri_join_change  change = change_of(reader);
    if (change == WEIRI_JOIN_CLEAR) {
        clear_rows(self);
        return WEIR_OK;
    }
    if (!reader->is_keyed[reader->at]) {
        return WEIR_OK;
    }
    if (change == WEIRI_JOIN_PUT) {
        return put_row(self);
    }
    weiri_join_entry *entry = weiri_join_index_find(
        &self->index, reader->words[reader->at], current_keys(self, reader));
    if (entry != NULL) {
        remove_row(self, entry, false);
    }
    return WEIR_OK;
}

/* ---- reading ---- */

/* Cells and words of the keys; a row whose key has a null has none. */
static void
read_keys(weiri_joiner *self, weiri_join_reader *reader)
{
    uint32_t n_keys  = self->plan->n_keys;
    bool     is_lost = !self->plan->is_left || reader == &self->readers[WEIRI_RIGHT];
    if (n_keys > 0) {
        weiri_program_run(reader->keys, reader->rows, reader->vectors);
    }
    for (uint32_t k = 0; k < n_keys; k++) {
        const weiri_vector *vector = &reader->vectors[k];
        for (uint32_t i = 0; i < reader->rows.n; i++) {
            if (weiri_vector_is_null(vector, i)) {
                self->counts.null_keys += is_lost && reader->is_keyed[i];
                reader->is_keyed[i] = 0;
                continue;
            }
            reader->cells[(size_t)i * n_keys + k] =
                weiri_cell_plain(vector->type, weiri_vector_cell(vector, i));
        }
    }
    for (uint32_t i = 0; i < reader->rows.n; i++) {
        reader->words[i] = 0;
        if (reader->is_keyed[i]) {
            reader->words[i] =
                weiri_join_word(&self->index, reader->cells + (size_t)i * n_keys);
        }
    }
}

/* Make the range at which the reader stands ready. */
static void
open_range(weiri_joiner *self, weiri_join_reader *reader)
{
    if (reader->range == reader->list->n) {
        return;
    }
    reader->rows = reader->list->items[reader->range];
    reader->at   = 0;
    if (reader->where != NULL) {
        weiri_program_filter(reader->where, reader->rows, reader->is_keyed);
    } else {
        memset(reader->is_keyed, 1, reader->rows.n);
    }
    read_keys(self, reader);
    for (uint32_t i = 0; i < 2 * AHEAD && i < reader->rows.n; i++) {
        weiri_join_index_prefetch(&self->index, reader->words[i]);
    }
}

static void
begin(weiri_joiner *self, uint32_t side, const weiri_rows_list *list)
{
    weiri_join_reader *reader = &self->readers[side];
    reader->list              = list;
    reader->range             = 0;
    open_range(self, reader);
}

static bool
is_at_end(const weiri_join_reader *reader)
{
    return reader->range == reader->list->n;
}

/* Whether the right's row comes before the left's. */
static bool
is_right_next(const weiri_joiner *self)
{
    const weiri_join_reader *l = &self->readers[WEIRI_LEFT];
    const weiri_join_reader *r = &self->readers[WEIRI_RIGHT];
    if (is_at_end(l) || is_at_end(r)) {
        return is_at_end(l);
    }
    uint32_t l_row  = l->rows.first + l->at;
    uint32_t r_row  = r->rows.first + r->at;
    int64_t  l_time = l->rows.chunk->time[l_row];
    int64_t  r_time = r->rows.chunk->time[r_row];
    if (l_time != r_time || self->plan->is_right_first) {
        return r_time <= l_time;
    }
    if (l->plan->rank != r->plan->rank) {
        return r->plan->rank < l->plan->rank;
    }
    uint64_t l_order = l->rows.chunk->order[l_row];
    uint64_t r_order = r->rows.chunk->order[r_row];
    return l_order != r_order ? r_order < l_order : r->plan->stream < l->plan->stream;
}

/* Ask for what the rows to come will need: their slots, and then the rows found there. */
static void
look_ahead(weiri_joiner *self, const weiri_join_reader *reader)
{
    uint32_t slot = reader->at + 2 * AHEAD;
    uint32_t row  = reader->at + AHEAD;
    if (slot < reader->rows.n) {
        weiri_join_index_prefetch(&self->index, reader->words[slot]);
    }
    if (self->plan->kind == WEIRI_JOIN_ASOF && row < reader->rows.n) {
        uint32_t name = weiri_join_index_likely(&self->index, reader->words[row]);
        if (name != WEIRI_NO_ROW) {
            weiri_join_store_prefetch(
                &self->stores[WEIRI_RIGHT], name, reader == &self->readers[WEIRI_LEFT]);
        }
    }
}

static weir_status
take(weiri_joiner *self, uint32_t side)
{
    weiri_join_reader *reader = &self->readers[side];
    look_ahead(self, reader);
    self->n_fed++;
    weir_status status =
        expire(self, reader->rows.chunk->time[reader->rows.first + reader->at]);
    if (status != WEIR_OK) {
        return status;
    }
    if (self->plan->kind == WEIRI_JOIN_INTERVAL) {
        status = take_interval(self, side);
    } else {
        status = side == WEIRI_LEFT ? take_asof_left(self) : take_asof_right(self);
    }
    if (++reader->at == reader->rows.n) {
        reader->range++;
        open_range(self, reader);
    }
    return status;
}

static weir_status
stop(weiri_joiner *self, weir_status status, weir_error *err)
{
    self->status = status;
    if (status == WEIR_EFULL && self->full_side != NULL) {
        return WEIR_FAIL(err, status,
            "of '%s' %llu rows are kept, and one more is too many ('full stop')",
            self->full_side->schema->name, (unsigned long long)self->max_rows);
    }
    return status == WEIR_OK ? status
                             : WEIR_FAIL(err, status, "%s", weir_status_text(status));
}

weir_status
weiri_joiner_feed(weiri_joiner *self, const weiri_rows_list *left,
    const weiri_rows_list *right, weir_error *err)
{
    weir_status status = self->status;
    begin(self, WEIRI_LEFT, left);
    begin(self, WEIRI_RIGHT, right);
    while (status == WEIR_OK
           && !(is_at_end(&self->readers[WEIRI_LEFT])
                && is_at_end(&self->readers[WEIRI_RIGHT]))) {
        status = take(self, is_right_next(self) ? WEIRI_RIGHT : WEIRI_LEFT);
    }
    if (status == WEIR_OK) {
        status = weiri_join_out_flush(self);
    }
    return stop(self, status, err);
}

weir_status
weiri_joiner_advance(weiri_joiner *self, int64_t watermark_ns, weir_error *err)
{
    weir_status status = self->status;
    if (status == WEIR_OK) {
        status = expire(self, watermark_ns);
    }
    if (status == WEIR_OK) {
        status = weiri_join_out_flush(self);
    }
    return stop(self, status, err);
}

int64_t
weiri_joiner_next_deadline(const weiri_joiner *self)
{
    const weiri_join_store *store = &self->stores[WEIRI_LEFT];
    if (!self->plan->is_left || store->n_rows == 0) {
        return INT64_MAX;
    }
    weiri_kept front = weiri_join_store_front(store);
    return later_by(front.block->rows->time[front.row], self->plan->within_ns);
}

weir_status
weiri_joiner_finish(weiri_joiner *self, weir_error *err)
{
    weiri_join_store *store = &self->stores[WEIRI_LEFT];
    while (self->status == WEIR_OK && store->n_rows > 0) {
        weiri_kept front    = weiri_join_store_front(store);
        bool       is_alone = self->plan->is_left
                        && (front.block->flags[front.row] & WEIRI_ROW_MATCHED) == 0;
        self->counts.dropped_at_end += is_alone;
        unlink_front(self, WEIRI_LEFT, front);
        weiri_join_store_pop(store);
    }
    return stop(self, self->status, err);
}

weiri_join_counts
weiri_joiner_counts(const weiri_joiner *self)
{
    weiri_join_counts counts = self->counts;
    for (uint32_t i = 0; i < 2; i++) {
        const weiri_join_reader *reader = &self->readers[i];
        weiri_program *const programs[] = { reader->keys, reader->where, reader->change };
        for (size_t k = 0; k < sizeof programs / sizeof programs[0]; k++) {
            counts.faults += programs[k] != NULL ? weiri_program_faults(programs[k]) : 0;
        }
        counts.live_rows += self->stores[i].n_live;
    }
    counts.faults += self->out.where != NULL ? weiri_program_faults(self->out.where) : 0;
    counts.live_keys = self->index.n_live;
    return counts;
}

/* ---- making and ending ---- */

static weir_status
init_reader(weiri_joiner *self, uint32_t side)
{
    const weiri_join      *plan   = self->plan;
    const weiri_join_side *of     = &plan->sides[side];
    weiri_join_reader     *reader = &self->readers[side];
    size_t                 n_keys = plan->n_keys;
    reader->plan                  = of;
    reader->vectors               = calloc(n_keys + 1, sizeof *reader->vectors);
    reader->cells    = calloc((n_keys + 1) * WEIRI_CHUNK_ROWS, sizeof *reader->cells);
    reader->words    = calloc(WEIRI_CHUNK_ROWS, sizeof *reader->words);
    reader->is_keyed = calloc(WEIRI_CHUNK_ROWS, sizeof *reader->is_keyed);
    if (reader->vectors == NULL || reader->cells == NULL || reader->words == NULL
        || reader->is_keyed == NULL) {
        return WEIR_ENOMEM;
    }
    weir_status status = WEIR_OK;
    if (n_keys > 0) {
        status = weiri_program_new(of->keys, plan->n_keys, &reader->keys);
    }
    if (status == WEIR_OK && of->where != NULL) {
        status = weiri_program_new(&of->where, 1, &reader->where);
    }
    if (status == WEIR_OK && plan->change != NULL && side == WEIRI_RIGHT) {
        status = weiri_program_new_narrow(&plan->change, 1, &reader->change);
    }
    return status;
}

static weir_status
init_store(weiri_joiner *self, uint32_t side)
{
    const weiri_join *plan   = self->plan;
    uint32_t          n_left = plan->sides[WEIRI_LEFT].schema->n_fields;
    const bool       *needed = plan->used + (side == WEIRI_LEFT ? 0 : n_left);
    return weiri_join_store_init(
        &self->stores[side], &plan->sides[side], plan->n_keys, needed);
}

static weir_status
init(weiri_joiner *self)
{
    const weiri_join *plan = self->plan;
    self->types            = calloc(plan->n_keys + (size_t)1, sizeof *self->types);
    if (self->types == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < plan->n_keys; i++) {
        self->types[i] = plan->sides[WEIRI_LEFT].keys[i]->type;
    }
    weir_status status =
        weiri_join_index_init(&self->index, self->stores, self->types, plan->n_keys);
    for (uint32_t side = 0; side < 2 && status == WEIR_OK; side++) {
        status = init_reader(self, side);
        if (status == WEIR_OK) {
            status = init_store(self, side);
        }
    }
    return status == WEIR_OK ? weiri_join_out_init(self) : status;
}

static const char *
what_is_wrong(const weiri_join *plan)
{
    if (plan->kind == WEIRI_JOIN_INTERVAL && plan->within_ns < 0) {
        return "an interval join needs an interval";
    }
    if (plan->kind == WEIRI_JOIN_INTERVAL ? plan->change != NULL : plan->where != NULL) {
        return "this kind of join cannot have such a condition";
    }
    if (plan->n_keys > WEIRI_JOIN_KEYS) {
        return "too many equalities";
    }
    return NULL;
}

weir_status
weiri_joiner_new(const weiri_join *plan, const weiri_join_sink *sink, weiri_joiner **out,
    weir_error *err)
{
    const char *wrong = what_is_wrong(plan);
    if (wrong != NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL, "%s", wrong);
    }
    weiri_joiner *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->plan     = plan;
    self->sink     = *sink;
    self->max_rows = plan->max_rows > 0 ? plan->max_rows : WEIRI_JOIN_ROWS;
    if (init(self) != WEIR_OK) {
        weiri_joiner_destroy(&self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_joiner_destroy(weiri_joiner **self_p)
{
    weiri_joiner *self = *self_p;
    *self_p            = NULL;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; i < 2; i++) {
        weiri_join_reader *reader = &self->readers[i];
        weiri_program_destroy(&reader->keys);
        weiri_program_destroy(&reader->where);
        weiri_program_destroy(&reader->change);
        free(reader->vectors);
        free(reader->cells);
        free(reader->words);
        free(reader->is_keyed);
        weiri_join_store_fini(&self->stores[i]);
    }
    weiri_join_index_fini(&self->index);
    weiri_join_out_fini(&self->out);
    free(self->types);
    free(self);
}
