#include "journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weiri/fault.h"
#include "weiri/limits.h"
#include "weiri/sections.h"

enum { KEY_BYTES = 17, MARK_BYTES = 21, TRIM_AT_ONCE = 1024, PIECES = 32 };

struct weiri_journal {
    weiri_store *store;
    uint64_t    *ids; /* shape (n_ids,): of the plan's sources, then of those gone */
    uint32_t     n_ids;
    uint32_t     n_used; /* of the plan */
    bool         has_plan;
    bool         is_read_only;
    weiri_tape   tape;
};

/* ---- keys ---- */

static void
write_big(uint8_t *to, uint64_t value, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        to[i] = (uint8_t)(value >> 8 * (n - 1 - i));
    }
}

static uint64_t
read_big(const uint8_t *from, uint32_t n)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < n; i++) {
        value = value << 8 | from[i];
    }
    return value;
}

static void
write_key(uint8_t *key, char kind, uint64_t id, uint64_t position)
{
    key[0] = (uint8_t)kind;
    write_big(key + 1, id, 8);
    write_big(key + 9, position, 8);
}

static void
write_mark(uint8_t *key, uint64_t id, uint64_t position, uint32_t number)
{
    write_key(key, 'i', id, position);
    write_big(key + KEY_BYTES, number, 4);
}

/* ---- recording ---- */

static weir_status
put(weiri_journal *self, const uint8_t *key, size_t key_size, const void *value,
    size_t size, weir_error *err)
{
    weiri_store_txn *txn    = NULL;
    weir_status      status = weiri_store_begin(self->store, true, &txn, err);
    if (status == WEIR_OK) {
        status = weiri_store_put(txn, key, key_size, value, size, err);
    }
    if (status != WEIR_OK) {
        weiri_store_abort(&txn);
        return status;
    }
    weiri_fault_point("journal.commit");
    status = weiri_store_commit(&txn, err);
    weiri_fault_point("journal.committed");
    return status;
}

static weir_status
record(void *context, uint32_t source, uint64_t position, const char *bytes, size_t size,
    weir_error *err)
{
    weiri_journal *self = context;
    uint8_t        key[KEY_BYTES];
    write_key(key, 'b', self->ids[source], position);
    return put(self, key, sizeof key, bytes, size, err);
}

static bool
has(weiri_store_txn *txn, const uint8_t *key, size_t size)
{
    const uint8_t *value = NULL;
    size_t         n     = 0;
    return weiri_store_get(txn, key, size, &value, &n, NULL) != WEIR_ENOENT;
}

/* How many marks stand at a position. */
static weir_status
count_marks(
    weiri_journal *self, uint64_t id, uint64_t position, uint32_t *n, weir_error *err)
{
    uint8_t          key[MARK_BYTES];
    weiri_store_txn *txn    = NULL;
    weir_status      status = weiri_store_begin(self->store, false, &txn, err);
    *n                      = 0;
    if (status != WEIR_OK) {
        return status;
    }
    for (write_mark(key, id, position, *n); has(txn, key, sizeof key);) {
        write_mark(key, id, position, ++*n);
    }
    weiri_store_abort(&txn);
    return WEIR_OK;
}

static weir_status
record_idle(
    void *context, uint32_t source, uint64_t position, int64_t to_ns, weir_error *err)
{
    weiri_journal *self   = context;
    uint32_t       n      = 0;
    weir_status    status = count_marks(self, self->ids[source], position, &n, err);
    if (status != WEIR_OK) {
        return status;
    }
    uint8_t key[MARK_BYTES];
    uint8_t value[8];
    write_mark(key, self->ids[source], position, n);
    write_big(value, (uint64_t)to_ns, sizeof value);
    return put(self, key, sizeof key, value, sizeof value, err);
}

/* ---- playing ---- */

static weir_status
play_mark(weiri_store_txn *txn, uint64_t id, uint64_t position, uint32_t n_idle,
    int64_t *to_ns, weir_error *err)
{
    uint8_t        key[MARK_BYTES];
    const uint8_t *value = NULL;
    size_t         size  = 0;
    write_mark(key, id, position, n_idle);
    weir_status status = weiri_store_get(txn, key, sizeof key, &value, &size, err);
    if (status == WEIR_OK && size != 8) {
        return WEIR_FAIL(err, WEIR_EDATA, "the journal is damaged: it is no time");
    }
    *to_ns = status == WEIR_OK ? (int64_t)read_big(value, 8) : 0;
    return status;
}

/* Bytes that were kept in one piece may be wanted from their middle on. */
static weir_status
play_bytes(weiri_store_txn *txn, uint64_t id, uint64_t position, char *bytes, size_t size,
    size_t *n, weir_error *err)
{
    uint8_t           key[KEY_BYTES];
    weiri_store_entry entry = { 0 };
    write_key(key, 'b', id, position);
    weir_status status = weiri_store_seek(txn, key, sizeof key, true, &entry, err);
    if (status == WEIR_ENOENT
        || (status == WEIR_OK
            && (entry.key_size != KEY_BYTES || memcmp(entry.key, key, 9) != 0))) {
        return WEIR_EOF;
    }
    if (status != WEIR_OK) {
        return status;
    }
    uint64_t from = position - read_big(entry.key + 9, 8);
    if (from >= entry.size) {
        return WEIR_EOF;
    }
    *n = entry.size - (size_t)from < size ? entry.size - (size_t)from : size;
    memcpy(bytes, entry.value + from, *n);
    return WEIR_OK;
}

/* The first entry of a source at or behind a position: *has is false if there is none. */
static weir_status
seek_behind(weiri_store_txn *txn, uint64_t id, uint64_t position, uint64_t *at, bool *has,
    weir_error *err)
{
    uint8_t           key[KEY_BYTES];
    weiri_store_entry entry = { 0 };
    write_key(key, 'b', id, position);
    weir_status status = weiri_store_seek(txn, key, sizeof key, false, &entry, err);
    *has               = status == WEIR_OK && entry.key_size == KEY_BYTES
           && memcmp(entry.key, key, 9) == 0;
    *at = *has ? read_big(entry.key + 9, 8) : 0;
    return status == WEIR_ENOENT ? WEIR_OK : status;
}

/* Nothing stands at `position`: that is the end, unless something stands behind it. */
static weir_status
check_gap(weiri_store_txn *txn, uint64_t id, uint64_t position, weir_error *err)
{
    uint64_t    at     = 0;
    bool        has    = false;
    weir_status status = seek_behind(txn, id, position, &at, &has, err);
    if (status == WEIR_OK && has) {
        return WEIR_FAIL(err, WEIR_EDATA,
            "the journal lacks bytes %llu to %llu of a source: they have been trimmed, "
            "or "
            "it is damaged",
            (unsigned long long)position, (unsigned long long)at);
    }
    return status == WEIR_OK ? WEIR_EOF : status;
}

/* NOLINTBEGIN(readability-function-size): the parameters of a tape */
static weir_status
play(void *context, uint32_t source, uint64_t position, uint32_t n_idle, char *bytes,
    size_t size, size_t *n, int64_t *to_ns, weir_error *err)
{
    weiri_journal   *self   = context;
    weiri_store_txn *txn    = NULL;
    uint64_t         id     = self->ids[source];
    weir_status      status = weiri_store_begin(self->store, false, &txn, err);
    *n                      = 0;
    if (status != WEIR_OK) {
        return status;
    }
    status = play_mark(txn, id, position, n_idle, to_ns, err);
    if (status == WEIR_OK) {
        status = WEIR_EAGAIN;
    } else if (status == WEIR_ENOENT) {
        status = play_bytes(txn, id, position, bytes, size, n, err);
    }
    if (status == WEIR_EOF && self->is_read_only) {
        status = check_gap(txn, id, position, err);
    }
    weiri_store_abort(&txn);
    return status;
}
/* NOLINTEND(readability-function-size) */

/* ---- trimming ---- */

static weir_status
remove_range(weiri_journal *self, const uint8_t *first, const uint8_t *end, size_t size,
    weir_error *err)
{
    size_t n = TRIM_AT_ONCE;
    while (n == TRIM_AT_ONCE) {
        weiri_store_txn *txn    = NULL;
        weir_status      status = weiri_store_begin(self->store, true, &txn, err);
        if (status == WEIR_OK) {
            status =
                weiri_store_remove(txn, first, size, end, size, TRIM_AT_ONCE, &n, err);
        }
        if (status != WEIR_OK || n == 0) {
            weiri_store_abort(&txn);
            return status;
        }
        status = weiri_store_commit(&txn, err);
        if (status != WEIR_OK) {
            return status;
        }
        weiri_fault_point("journal.trimmed");
    }
    return WEIR_OK;
}

/* Where the piece begins that holds `position`: what is before it can go. */
static weir_status
piece_begin(
    weiri_journal *self, uint64_t id, uint64_t position, uint64_t *begin, weir_error *err)
{
    uint8_t           key[KEY_BYTES];
    weiri_store_entry entry = { 0 };
    weiri_store_txn  *txn   = NULL;
    *begin                  = position;
    write_key(key, 'b', id, position);
    weir_status status = weiri_store_begin(self->store, false, &txn, err);
    if (status == WEIR_OK) {
        status = weiri_store_seek(txn, key, sizeof key, true, &entry, err);
    }
    if (status == WEIR_OK && entry.key_size == KEY_BYTES
        && memcmp(entry.key, key, 9) == 0) {
        *begin = read_big(entry.key + 9, 8);
    }
    weiri_store_abort(&txn);
    return status == WEIR_ENOENT ? WEIR_OK : status;
}

weir_status
weiri_journal_trim(
    weiri_journal *self, uint32_t source, uint64_t position, weir_error *err)
{
    uint8_t     first[KEY_BYTES];
    uint8_t     end[KEY_BYTES];
    uint64_t    begin  = 0;
    uint64_t    id     = self->ids[source];
    weir_status status = piece_begin(self, id, position, &begin, err);
    if (status != WEIR_OK) {
        return status;
    }
    write_key(first, 'b', id, 0);
    write_key(end, 'b', id, begin);
    status = remove_range(self, first, end, sizeof first, err);
    if (status != WEIR_OK) {
        return status;
    }
    write_key(first, 'i', id, 0);
    write_key(end, 'i', id, begin);
    return remove_range(self, first, end, sizeof first, err);
}

/* ---- making and ending ---- */

static uint64_t
id_of(const char *stream, uint32_t place)
{
    uint8_t  bytes[4];
    uint64_t hash = weiri_hash_bytes(WEIRI_HASH_BEGIN, stream, strlen(stream) + 1);
    write_big(bytes, place, sizeof bytes);
    return weiri_hash_bytes(hash, bytes, sizeof bytes);
}

static uint64_t
id_of_source(const weiri_plan *plan, uint32_t source)
{
    uint32_t stream = plan->sources[source].stream;
    uint32_t place  = 0;
    if (plan->sources[source].endpoint == WEIRI_ENDPOINT_NODE) {
        char name[WEIRI_SECTION_NAME];
        snprintf(name, sizeof name, "%s@%s", plan->streams[stream].schema.name,
            plan->sources[source].path);
        return id_of(name, 0);
    }
    for (uint32_t i = 0; i < source; i++) {
        place += plan->sources[i].stream == stream;
    }
    return id_of(plan->streams[stream].schema.name, place);
}

static weir_status
open_journal(const char *path, const weiri_store_options *options, weiri_journal **out,
    weir_error *err)
{
    uint64_t       max_bytes = options->max_bytes;
    weiri_journal *self      = calloc(1, sizeof *self);
    *out                     = NULL;
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "'%s'", path);
    }
    self->is_read_only = options->is_read_only;
    /* A journal with little room has it for many pieces none the less. */
    uint64_t most      = max_bytes > 0 ? max_bytes / PIECES : WEIRI_TAPE_BYTES;
    self->tape         = (weiri_tape){ .context = self,
                .most        = most < WEIRI_TAPE_BYTES ? (size_t)most : WEIRI_TAPE_BYTES,
                .record      = record,
                .record_idle = record_idle,
                .play        = play };
    weir_status status = weiri_store_open(path, options, &self->store, err);
    if (status != WEIR_OK) {
        weiri_journal_close(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

static bool
is_among(const uint64_t *ids, uint32_t n, uint64_t id)
{
    for (uint32_t i = 0; i < n; i++) {
        if (ids[i] == id) {
            return true;
        }
    }
    return false;
}

static weir_status
forget(weiri_journal *self, uint64_t id, weir_error *err)
{
    static const char KINDS[] = "bi";
    weir_status       status  = WEIR_OK;
    for (const char *kind = KINDS; *kind != '\0' && status == WEIR_OK; kind++) {
        uint8_t first[KEY_BYTES];
        uint8_t end[KEY_BYTES];
        write_key(first, *kind, id, 0);
        write_key(end, *kind, id, UINT64_MAX);
        status = remove_range(self, first, end, sizeof first, err);
    }
    return status;
}

weir_status
weiri_journal_use(weiri_journal *self, const weiri_plan *plan, weir_error *err)
{
    uint32_t  n   = plan->n_sources;
    uint64_t *ids = calloc(n + self->n_ids + (size_t)1, sizeof *ids);
    if (ids == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < n; i++) {
        ids[i] = id_of_source(plan, i);
        if (self->has_plan && !is_among(self->ids, self->n_used, ids[i])
            && status == WEIR_OK) {
            status = forget(self, ids[i], err);
        }
    }
    uint32_t n_all = n;
    for (uint32_t i = 0; i < self->n_ids; i++) {
        if (!is_among(ids, n_all, self->ids[i])) {
            ids[n_all++] = self->ids[i];
        }
    }
    free(self->ids);
    self->ids      = ids;
    self->n_ids    = n_all;
    self->n_used   = n;
    self->has_plan = true;
    return status;
}

weir_status
weiri_journal_forget_gone(weiri_journal *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    while (self->n_ids > self->n_used && status == WEIR_OK) {
        status = forget(self, self->ids[self->n_ids - 1], err);
        self->n_ids -= status == WEIR_OK;
    }
    return status;
}

weir_status
weiri_journal_open(
    const char *path, uint64_t max_bytes, weiri_journal **out, weir_error *err)
{
    const weiri_store_options options = { .max_bytes = max_bytes };
    return open_journal(path, &options, out, err);
}

weir_status
weiri_journal_open_to_read(
    const char *path, const weiri_plan *plan, weiri_journal **out, weir_error *err)
{
    const weiri_store_options options = { .is_read_only = true };
    weir_status               status  = open_journal(path, &options, out, err);
    if (status == WEIR_OK) {
        status = weiri_journal_use(*out, plan, err);
    }
    if (status != WEIR_OK) {
        weiri_journal_close(out);
    }
    return status;
}

weir_status
weiri_journal_begin(
    weiri_journal *self, uint32_t source, uint64_t *begin, bool *has, weir_error *err)
{
    weiri_store_txn *txn    = NULL;
    weir_status      status = weiri_store_begin(self->store, false, &txn, err);
    *begin                  = 0;
    *has                    = false;
    if (status == WEIR_OK) {
        status = seek_behind(txn, self->ids[source], 0, begin, has, err);
        weiri_store_abort(&txn);
    }
    return status;
}

void
weiri_journal_close(weiri_journal **self_p)
{
    weiri_journal *self = *self_p;
    *self_p             = NULL;
    if (self != NULL) {
        weiri_store_close(&self->store);
        free(self->ids);
        free(self);
    }
}

const weiri_tape *
weiri_journal_tape(const weiri_journal *self)
{
    return &self->tape;
}

/* ---- looking in from outside ---- */

weir_status
weiri_journal_end(weiri_store *store, const char *stream, uint32_t place, uint64_t *end,
    weir_error *err)
{
    uint8_t           key[KEY_BYTES];
    weiri_store_entry entry = { 0 };
    weiri_store_txn  *txn   = NULL;
    *end                    = 0;
    write_key(key, 'b', id_of(stream, place), UINT64_MAX);
    weir_status status = weiri_store_begin(store, false, &txn, err);
    if (status == WEIR_OK) {
        status = weiri_store_seek(txn, key, sizeof key, true, &entry, err);
    }
    if (status == WEIR_OK && entry.key_size == KEY_BYTES
        && memcmp(entry.key, key, 9) == 0) {
        *end = read_big(entry.key + 9, 8) + entry.size;
    }
    weiri_store_abort(&txn);
    return status == WEIR_ENOENT ? WEIR_OK : status;
}
