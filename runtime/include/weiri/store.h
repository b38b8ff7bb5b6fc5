/* weiri_store: byte strings by key, kept in one LMDB environment.
 *
 * What is committed is durable and whole: each commit syncs, and each value carries a
 * format version and a hash, so that what the medium changed is found when it is read.
 * One process writes an environment; others may read it meanwhile.
 *
 * A damaged LMDB file can end the process that maps it (bus error, abort): a store of
 * doubtful health is looked through by weiri_store_verify first, which does so in a
 * child.
 */
#ifndef WEIRI_STORE_H
#define WEIRI_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

enum { WEIRI_STORE_KEY = 511 /* bytes, the longest key */ };

typedef struct weiri_store weiri_store;

typedef struct weiri_store_options {
    bool     is_read_only;
    uint64_t max_bytes; /* of the file; 0: 64 GiB. Address space, not memory */
} weiri_store_options;

/* Open the environment in folder `path`, making it if it is not there: under a temporary
 * name, synced, and then renamed, so that it is there as a whole or not at all.
 *
 *   errors  WEIR_ENOENT  read only, and it is not there
 *           WEIR_EDATA   it is no environment, or of another version
 *           WEIR_EIO, WEIR_ENOSPC, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_store_open(const char *path, const weiri_store_options *options, weiri_store **out,
    weir_error *err);

void
weiri_store_close(weiri_store **self_p);

/* Look at every page and value of a store, in a child process.
 *
 *   errors  WEIR_ENOENT  it is not there
 *           WEIR_EDATA   it is damaged; `err` says what was found
 *           WEIR_EIO
 */
WEIR_MUST_CHECK weir_status
weiri_store_verify(const char *path, weir_error *err);

/* A transaction. One at a time for writing; none may be left open for long. */
typedef struct weiri_store_txn weiri_store_txn;

WEIR_MUST_CHECK weir_status
weiri_store_begin(
    weiri_store *self, bool is_writing, weiri_store_txn **out, weir_error *err);

/* Put what was written on the medium. *txn_p is NULL afterwards in any case.
 *
 *   errors  WEIR_ENOSPC  no room on the medium or in the map: nothing was written
 *           WEIR_EIO    likewise
 */
WEIR_MUST_CHECK weir_status
weiri_store_commit(weiri_store_txn **txn_p, weir_error *err);

/* Drop what was written, or end reading. NULL is fine. */
void
weiri_store_abort(weiri_store_txn **txn_p);

/* Write a value. One that is there already with the same bytes is left alone.
 *
 *   errors  WEIR_EINVAL  key_size is 0 or above WEIRI_STORE_KEY
 *           WEIR_ENOSPC, WEIR_EIO, WEIR_ENOMEM: abort the transaction
 */
WEIR_MUST_CHECK weir_status
weiri_store_put(weiri_store_txn *txn, const void *key, size_t key_size, const void *value,
    size_t size, weir_error *err);

/* Read a value, borrowed until the transaction's end.
 *
 *   errors  WEIR_ENOENT  there is none
 *           WEIR_EDATA   it is damaged
 */
WEIR_MUST_CHECK weir_status
weiri_store_get(weiri_store_txn *txn, const void *key, size_t key_size,
    const uint8_t **value, size_t *size, weir_error *err);

/* One entry; key and value are borrowed until the transaction's end. */
typedef struct weiri_store_entry {
    const uint8_t *key;
    size_t         key_size;
    const uint8_t *value;
    size_t         size;
} weiri_store_entry;

/* The first entry with a key >= `key` (is_before: the last with a key <= it).
 *
 *   errors  WEIR_ENOENT  there is none; WEIR_EDATA it is damaged
 */
WEIR_MUST_CHECK weir_status
weiri_store_seek(weiri_store_txn *txn, const void *key, size_t key_size, bool is_before,
    weiri_store_entry *out, weir_error *err);

/* Remove all entries with first <= key < end, at most `most` of them.
 *
 *   n_removed  how many
 *   errors     WEIR_ENOSPC, WEIR_EIO, WEIR_ENOMEM: abort the transaction
 */
WEIR_MUST_CHECK weir_status
weiri_store_remove(weiri_store_txn *txn, const void *first, size_t first_size,
    const void *end, size_t end_size, size_t most, size_t *n_removed, weir_error *err);

/* How many entries a transaction sees. errors  WEIR_EIO, WEIR_EDATA */
WEIR_MUST_CHECK weir_status
weiri_store_count(weiri_store_txn *txn, uint64_t *out, weir_error *err);

typedef struct weiri_store_sizes {
    uint64_t n_entries;
    uint64_t used_bytes; /* pages up to the last one used */
    uint64_t max_bytes;
} weiri_store_sizes;

/* errors  WEIR_EIO */
WEIR_MUST_CHECK weir_status
weiri_store_get_sizes(weiri_store *self, weiri_store_sizes *out, weir_error *err);

#endif
