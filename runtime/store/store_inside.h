/* What the files of this folder share. */
#ifndef STORE_INSIDE_H
#define STORE_INSIDE_H

#include <lmdb.h>
#include <stddef.h>
#include <stdint.h>

#include "weiri/store.h"

struct weiri_store {
    MDB_env *env;
    MDB_dbi  dbi;
    char    *path;
};

struct weiri_store_txn {
    weiri_store *store;
    MDB_txn     *txn;
    MDB_cursor  *cursor; /* NULL until something is sought */
    uint8_t     *bytes;  /* scratch for a value with its head */
    size_t       capacity;
};

/* Whether every page is either in use or free, and no page is free twice: a page that is
 * written to though it is in use would destroy what it holds. Nothing is said of a store
 * that is being written meanwhile, whose last page is not that of the transaction.
 *
 *   errors  WEIR_EDATA, WEIR_EIO, WEIR_ENOMEM
 *   cost    reads the list of free pages; a bit a page
 */
WEIR_MUST_CHECK weir_status
weiri_store_check_pages(weiri_store_txn *txn, weir_error *err);

#endif
