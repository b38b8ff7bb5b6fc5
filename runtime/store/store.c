/* LMDB in its default mode: copy on write, data synced before the page that points to it.
 * Not used: MDB_NOSYNC and MDB_WRITEMAP, which can lose or tear what was committed, and
 * MDB_DUPSORT, whose cursors have known faults in the version of Debian 12. */
#define _GNU_SOURCE
#include "weiri/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_inside.h"
#include "weiri/folder.h"
#include "weiri/pack.h"

enum {
    FORMAT     = 2,
    HEAD_BYTES = 9, /* of a value: its format, and a hash of key and bytes */
    FILE_MODE  = 0640,
    DIR_MODE   = 0750,
    MAX_PATH   = 4096,
    N_READERS  = 64
};

#define DEFAULT_BYTES (UINT64_C(64) << 30)

/* A commit on a full disk is told as EIO by LMDB; what the medium says is kept. */
static weir_status
fail(int code, weir_error *err, const char *path, const char *what)
{
    weir_status status = WEIR_EIO;
    switch (code) {
    case MDB_NOTFOUND: return WEIR_ENOENT;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case ENOSPC:
    case EDQUOT: status = WEIR_ENOSPC; break;
    case ENOMEM: status = WEIR_ENOMEM; break;
    case ENOENT: status = WEIR_ENOENT; break;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH: status = WEIR_EDATA; break;
    default: break;
    }
    return WEIR_FAIL(err, status, "'%s': cannot %s: %s", path, what, mdb_strerror(code));
}

/* ---- opening ---- */

static weir_status
make_env(
    const char *path, const weiri_store_options *options, MDB_env **out, weir_error *err)
{
    unsigned flags = MDB_NORDAHEAD | MDB_NOTLS;
    int      code  = mdb_env_create(out);
    if (code == 0) {
        code = mdb_env_set_mapsize(
            *out, options->max_bytes > 0 ? options->max_bytes : DEFAULT_BYTES);
    }
    if (code == 0) {
        code = mdb_env_set_maxreaders(*out, N_READERS);
    }
    if (code == 0) {
        code = mdb_env_open(
            *out, path, flags | (options->is_read_only ? MDB_RDONLY : 0U), FILE_MODE);
    }
    return code == 0 ? WEIR_OK : fail(code, err, path, "open the store");
}

static weir_status
fill_new(const char *path, const weiri_store_options *options, weir_error *err)
{
    MDB_env    *env    = NULL;
    weir_status status = make_env(path, options, &env, err);
    if (status == WEIR_OK) {
        int code = mdb_env_sync(env, 1);
        status   = code == 0 ? WEIR_OK : fail(code, err, path, "sync the store");
    }
    if (env != NULL) {
        mdb_env_close(env);
    }
    return status == WEIR_OK ? weiri_sync_folder(path, err) : status;
}

static void
remove_folder(const char *path)
{
    static const char *const NAMES[] = { "data.mdb", "lock.mdb" };
    char                     file[MAX_PATH + 16];
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        snprintf(file, sizeof file, "%s/%s", path, NAMES[i]);
        unlink(file);
    }
    rmdir(path);
}

static weir_status
make_folder(const char *path, const weiri_store_options *options, weir_error *err)
{
    char half[MAX_PATH];
    if (snprintf(half, sizeof half, "%s.new", path) >= (int)sizeof half) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the name '%s' is too long", path);
    }
    remove_folder(half); /* left by a run that ended while it was made */
    if (mkdir(half, DIR_MODE) != 0) {
        return WEIR_FAIL_OS(err, errno, "cannot make '%s'", half);
    }
    weir_status status = fill_new(half, options, err);
    if (status != WEIR_OK) {
        remove_folder(half);
        return status;
    }
    if (rename(half, path) != 0) {
        return WEIR_FAIL_OS(err, errno, "cannot rename '%s'", half);
    }
    return weiri_sync_folder_of(path, err);
}

/* A file that is cut short ends the process when what it lacks is read, which is found by
 * weiri_store_verify; pages at its end that were never written are no lack. */
static weir_status
check_length(const char *path, weir_error *err)
{
    char        file[MAX_PATH];
    struct stat about = { 0 };
    if (snprintf(file, sizeof file, "%s/data.mdb", path) >= (int)sizeof file
        || stat(file, &about) != 0) {
        return WEIR_FAIL_OS(err, errno, "cannot read '%s'", file);
    }
    if (about.st_size < 2 * (off_t)sysconf(_SC_PAGESIZE)) {
        return WEIR_FAIL(err, WEIR_EDATA, "'%s' is cut short", file);
    }
    return WEIR_OK;
}

static weir_status
open_database(weiri_store *self, bool is_read_only, weir_error *err)
{
    MDB_txn *txn  = NULL;
    int      code = mdb_txn_begin(self->env, NULL, is_read_only ? MDB_RDONLY : 0U, &txn);
    if (code != 0) {
        return fail(code, err, self->path, "begin");
    }
    code = mdb_dbi_open(txn, NULL, 0, &self->dbi);
    if (code != 0) {
        mdb_txn_abort(txn);
        return fail(code, err, self->path, "open the database");
    }
    code = mdb_txn_commit(txn);
    return code == 0 ? WEIR_OK : fail(code, err, self->path, "commit");
}

weir_status
weiri_store_open(const char *path, const weiri_store_options *options, weiri_store **out,
    weir_error *err)
{
    struct stat about = { 0 };
    *out              = NULL;
    bool is_there     = stat(path, &about) == 0;
    if (!is_there && options->is_read_only) {
        return WEIR_FAIL(err, WEIR_ENOENT, "'%s' is not there", path);
    }
    weir_status status =
        is_there ? check_length(path, err) : make_folder(path, options, err);
    if (status != WEIR_OK) {
        return status;
    }
    weiri_store *self = calloc(1, sizeof *self);
    if (self == NULL || (self->path = strdup(path)) == NULL) {
        free(self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "cannot open '%s'", path);
    }
    status = make_env(path, options, &self->env, err);
    if (status == WEIR_OK) {
        status = open_database(self, options->is_read_only, err);
    }
    if (status != WEIR_OK) {
        weiri_store_close(&self);
        return status;
    }
    int n_dead = 0;
    (void)mdb_reader_check(self->env, &n_dead); /* readers that were killed */
    *out = self;
    return WEIR_OK;
}

void
weiri_store_close(weiri_store **self_p)
{
    weiri_store *self = *self_p;
    *self_p           = NULL;
    if (self != NULL) {
        if (self->env != NULL) {
            mdb_env_close(self->env);
        }
        free(self->path);
        free(self);
    }
}

/* ---- transactions ---- */

weir_status
weiri_store_begin(
    weiri_store *self, bool is_writing, weiri_store_txn **out, weir_error *err)
{
    weiri_store_txn *txn = calloc(1, sizeof *txn);
    if (txn == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "'%s': cannot begin", self->path);
    }
    txn->store = self;
    int code   = mdb_txn_begin(self->env, NULL, is_writing ? 0U : MDB_RDONLY, &txn->txn);
    if (code != 0) {
        free(txn);
        return fail(code, err, self->path, "begin");
    }
    *out = txn;
    return WEIR_OK;
}

static void
close_cursor(weiri_store_txn *txn)
{
    if (txn->cursor != NULL) {
        mdb_cursor_close(txn->cursor);
        txn->cursor = NULL;
    }
}

static void
free_txn(weiri_store_txn **txn_p)
{
    free((*txn_p)->bytes);
    free(*txn_p);
    *txn_p = NULL;
}

weir_status
weiri_store_commit(weiri_store_txn **txn_p, weir_error *err)
{
    weiri_store_txn *txn = *txn_p;
    close_cursor(txn);
    int         code = mdb_txn_commit(txn->txn);
    weir_status status =
        code == 0 ? WEIR_OK : fail(code, err, txn->store->path, "commit");
    free_txn(txn_p);
    return status;
}

void
weiri_store_abort(weiri_store_txn **txn_p)
{
    if (*txn_p != NULL) {
        close_cursor(*txn_p);
        mdb_txn_abort((*txn_p)->txn);
        free_txn(txn_p);
    }
}

/* ---- values ---- */

static uint64_t
hash_entry(const void *key, size_t key_size, const void *value, size_t size)
{
    uint64_t hash = weiri_hash_bytes(WEIRI_HASH_BEGIN, key, key_size);
    return size > 0 ? weiri_checksum(hash, value, size) : hash;
}

static void
write_head(uint8_t *head, uint64_t hash)
{
    head[0] = FORMAT;
    for (uint32_t i = 0; i < 8; i++) {
        head[1 + i] = (uint8_t)(hash >> 8 * i);
    }
}

/* Check a stored value and step over its head. */
static weir_status
look_into(const weiri_store *self, const MDB_val *key, const MDB_val *data,
    weiri_store_entry *out, weir_error *err)
{
    const uint8_t *bytes = data->mv_data;
    if (data->mv_size < HEAD_BYTES || bytes[0] != FORMAT) {
        return WEIR_FAIL(
            err, WEIR_EDATA, "'%s': a value is of another format", self->path);
    }
    *out = (weiri_store_entry){ .key = key->mv_data,
        .key_size                    = key->mv_size,
        .value                       = bytes + HEAD_BYTES,
        .size                        = data->mv_size - HEAD_BYTES };
    uint8_t head[HEAD_BYTES];
    write_head(head, hash_entry(out->key, out->key_size, out->value, out->size));
    if (memcmp(head, bytes, HEAD_BYTES) != 0) {
        return WEIR_FAIL(err, WEIR_EDATA,
            "'%s' is damaged: the bytes of a value are not those that were written",
            self->path);
    }
    return WEIR_OK;
}

static bool
reserve(weiri_store_txn *txn, size_t size)
{
    if (size <= txn->capacity) {
        return true;
    }
    uint8_t *bytes = realloc(txn->bytes, size);
    if (bytes == NULL) {
        return false;
    }
    txn->bytes    = bytes;
    txn->capacity = size;
    return true;
}

/* LMDB does not change what it is given. */
static MDB_val
val_of(const void *bytes, size_t size)
{
    return (MDB_val){ .mv_size = size,
        .mv_data               = (void *)bytes }; /* NOLINT(clang-diagnostic-cast-qual) */
}

weir_status
weiri_store_put(weiri_store_txn *txn, const void *key, size_t key_size, const void *value,
    size_t size, weir_error *err)
{
    weiri_store *self = txn->store;
    if (key_size == 0 || key_size > WEIRI_STORE_KEY) {
        return WEIR_FAIL(err, WEIR_EINVAL, "a key of %zu bytes", key_size);
    }
    if (!reserve(txn, size + HEAD_BYTES)) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "'%s': cannot write", self->path);
    }
    write_head(txn->bytes, hash_entry(key, key_size, value, size));
    if (size > 0) {
        memcpy(txn->bytes + HEAD_BYTES, value, size);
    }
    MDB_val at   = val_of(key, key_size);
    MDB_val old  = { 0 };
    MDB_val data = val_of(txn->bytes, size + HEAD_BYTES);
    if (mdb_get(txn->txn, self->dbi, &at, &old) == 0 && old.mv_size == data.mv_size
        && memcmp(old.mv_data, data.mv_data, data.mv_size) == 0) {
        return WEIR_OK;
    }
    int code = mdb_put(txn->txn, self->dbi, &at, &data, 0);
    return code == 0 ? WEIR_OK : fail(code, err, self->path, "write");
}

weir_status
weiri_store_get(weiri_store_txn *txn, const void *key, size_t key_size,
    const uint8_t **value, size_t *size, weir_error *err)
{
    MDB_val           at    = val_of(key, key_size);
    MDB_val           data  = { 0 };
    weiri_store_entry entry = { 0 };
    int               code  = mdb_get(txn->txn, txn->store->dbi, &at, &data);
    if (code != 0) {
        return fail(code, err, txn->store->path, "read");
    }
    weir_status status = look_into(txn->store, &at, &data, &entry, err);
    *value             = entry.value;
    *size              = entry.size;
    return status;
}

static weir_status
open_cursor(weiri_store_txn *txn, weir_error *err)
{
    if (txn->cursor != NULL) {
        return WEIR_OK;
    }
    int code = mdb_cursor_open(txn->txn, txn->store->dbi, &txn->cursor);
    return code == 0 ? WEIR_OK : fail(code, err, txn->store->path, "read");
}

static int
compare_keys(const MDB_val *key, const void *other, size_t size)
{
    size_t least = key->mv_size < size ? key->mv_size : size;
    int    order = memcmp(key->mv_data, other, least);
    return order != 0 ? order : (key->mv_size > size) - (key->mv_size < size);
}

weir_status
weiri_store_seek(weiri_store_txn *txn, const void *key, size_t key_size, bool is_before,
    weiri_store_entry *out, weir_error *err)
{
    weir_status status = open_cursor(txn, err);
    if (status != WEIR_OK) {
        return status;
    }
    MDB_val at   = val_of(key, key_size);
    MDB_val data = { 0 };
    int     code = mdb_cursor_get(txn->cursor, &at, &data, MDB_SET_RANGE);
    if (is_before && (code == MDB_NOTFOUND || compare_keys(&at, key, key_size) != 0)) {
        code = mdb_cursor_get(
            txn->cursor, &at, &data, code == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
    }
    return code == 0 ? look_into(txn->store, &at, &data, out, err)
                     : fail(code, err, txn->store->path, "read");
}

weir_status
weiri_store_remove(weiri_store_txn *txn, const void *first, size_t first_size,
    const void *end, size_t end_size, size_t most, size_t *n_removed, weir_error *err)
{
    weir_status status = open_cursor(txn, err);
    *n_removed         = 0;
    if (status != WEIR_OK) {
        return status;
    }
    MDB_val at   = val_of(first, first_size);
    MDB_val data = { 0 };
    int     code = mdb_cursor_get(txn->cursor, &at, &data, MDB_SET_RANGE);
    while (code == 0 && *n_removed < most && compare_keys(&at, end, end_size) < 0) {
        code = mdb_cursor_del(txn->cursor, 0);
        if (code == 0) {
            ++*n_removed;
            code = mdb_cursor_get(txn->cursor, &at, &data, MDB_GET_CURRENT);
        }
        if (code == EINVAL) { /* the last entry was removed */
            code = MDB_NOTFOUND;
        }
    }
    return code == 0 || code == MDB_NOTFOUND
               ? WEIR_OK
               : fail(code, err, txn->store->path, "remove");
}

weir_status
weiri_store_count(weiri_store_txn *txn, uint64_t *out, weir_error *err)
{
    MDB_stat about = { 0 };
    int      code  = mdb_stat(txn->txn, txn->store->dbi, &about);
    *out           = about.ms_entries;
    return code == 0 ? WEIR_OK : fail(code, err, txn->store->path, "read");
}

weir_status
weiri_store_get_sizes(weiri_store *self, weiri_store_sizes *out, weir_error *err)
{
    MDB_envinfo info;
    MDB_stat    stat_of;
    int         code = mdb_env_info(self->env, &info);
    if (code == 0) {
        code = mdb_env_stat(self->env, &stat_of);
    }
    if (code != 0) {
        return fail(code, err, self->path, "read");
    }
    *out = (weiri_store_sizes){ .n_entries = stat_of.ms_entries,
        .used_bytes = (uint64_t)(info.me_last_pgno + 1) * stat_of.ms_psize,
        .max_bytes  = info.me_mapsize };
    return WEIR_OK;
}
