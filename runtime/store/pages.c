/* The account of a store's pages. LMDB keeps the free ones in a tree of its own: for each
 * transaction that freed some, how many they are and their numbers, the highest first. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_inside.h"

/* Of LMDB's file format. A page begins with its number, two bytes of padding, two of
 * flags and four that say where its entries are or, where it is the first of some that a
 * large value takes, how many those are. */
enum { FREE_DBI = 0, N_META = 2, HEAD = 16, FLAGS_AT = 10, COUNT_AT = 12, OVERFLOW = 4 };

typedef struct account {
    size_t   n_pages; /* of the file that the last transaction knows of */
    uint8_t *is_free; /* shape (n_pages / 8 + 1,), a bit a page */
    size_t   n_free;
} account;

static const char *
take_list(account *self, const MDB_val *list)
{
    size_t n    = 0;
    size_t last = self->n_pages;
    if (list->mv_size < sizeof n || list->mv_size % sizeof n != 0) {
        return "a list of free pages has another size";
    }
    memcpy(&n, list->mv_data, sizeof n);
    if (n > list->mv_size / sizeof n - 1) {
        return "a list of free pages is cut short";
    }
    for (size_t i = 0; i < n; i++) {
        size_t page;
        memcpy(&page, (const char *)list->mv_data + (i + 1) * sizeof page, sizeof page);
        if (page < N_META || page >= last) {
            return "a free page is none, or not in order";
        }
        if ((self->is_free[page / 8] >> (page % 8) & 1U) != 0) {
            return "a page is free twice";
        }
        self->is_free[page / 8] |= (uint8_t)(1U << (page % 8));
        last = page;
    }
    self->n_free += n;
    return NULL;
}

static size_t
in_use(const MDB_stat *about)
{
    return about->ms_branch_pages + about->ms_leaf_pages + about->ms_overflow_pages;
}

static weir_status
take_lists(account *self, weiri_store_txn *txn, weir_error *err)
{
    const char *path   = txn->store->path;
    MDB_cursor *cursor = NULL;
    MDB_val     id     = { 0 };
    MDB_val     list   = { 0 };
    const char *wrong  = NULL;
    int         code   = mdb_cursor_open(txn->txn, FREE_DBI, &cursor);
    while (code == 0 && wrong == NULL) {
        code = mdb_cursor_get(cursor, &id, &list, MDB_NEXT);
        if (code == 0) {
            wrong = take_list(self, &list);
        }
    }
    if (cursor != NULL) {
        mdb_cursor_close(cursor);
    }
    if (wrong != NULL) {
        return WEIR_FAIL(err, WEIR_EDATA, "'%s': %s", path, wrong);
    }
    return code == MDB_NOTFOUND
               ? WEIR_OK
               : WEIR_FAIL(err, WEIR_EDATA, "'%s': the free pages cannot be read: %s",
                   path, mdb_strerror(code));
}

/* A page with another's number would be freed, and written to, as that one. */
static weir_status
check_heads(
    const account *self, const weiri_store_txn *txn, size_t page_size, weir_error *err)
{
    const char *path = txn->store->path;
    int         fd   = -1;
    size_t      n    = 1;
    if (mdb_env_get_fd(txn->store->env, &fd) != 0) {
        return WEIR_FAIL(err, WEIR_EIO, "'%s': cannot read", path);
    }
    for (size_t page = N_META; page < self->n_pages; page += n) {
        uint8_t  head[HEAD];
        size_t   number;
        uint16_t flags;
        uint32_t count;
        n = 1;
        if ((self->is_free[page / 8] >> (page % 8) & 1U) != 0) {
            continue;
        }
        if (pread(fd, head, sizeof head, (off_t)(page * page_size)) != HEAD) {
            return WEIR_FAIL(err, WEIR_EDATA, "'%s' is cut short", path);
        }
        memcpy(&number, head, sizeof number);
        memcpy(&flags, head + FLAGS_AT, sizeof flags);
        memcpy(&count, head + COUNT_AT, sizeof count);
        n = (flags & OVERFLOW) != 0 ? count : 1;
        if (number != page || n == 0 || n > self->n_pages - page) {
            return WEIR_FAIL(err, WEIR_EDATA, "'%s': page %zu is another", path, page);
        }
    }
    return WEIR_OK;
}

weir_status
weiri_store_check_pages(weiri_store_txn *txn, weir_error *err)
{
    MDB_envinfo info     = { 0 };
    MDB_stat    of_rows  = { 0 };
    MDB_stat    of_lists = { 0 };
    account     self     = { .n_pages = 0 };
    int         code     = mdb_env_info(txn->store->env, &info);
    if (code == 0) {
        code = mdb_stat(txn->txn, txn->store->dbi, &of_rows);
    }
    if (code == 0) {
        code = mdb_stat(txn->txn, FREE_DBI, &of_lists);
    }
    if (code != 0) {
        return WEIR_FAIL(
            err, WEIR_EIO, "'%s': cannot read: %s", txn->store->path, mdb_strerror(code));
    }
    if (info.me_last_txnid != mdb_txn_id(txn->txn)) {
        return WEIR_OK;
    }
    if (info.me_last_pgno >= info.me_mapsize / of_rows.ms_psize) {
        return WEIR_FAIL(err, WEIR_EDATA, "'%s' says that it is larger than it may be",
            txn->store->path);
    }
    self.n_pages = info.me_last_pgno + 1;
    self.is_free = calloc(self.n_pages / 8 + 1, 1);
    if (self.is_free == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "cannot look through '%s'", txn->store->path);
    }
    weir_status status = take_lists(&self, txn, err);
    if (status == WEIR_OK) {
        status = check_heads(&self, txn, of_rows.ms_psize, err);
    }
    free(self.is_free);
    size_t n_known = N_META + self.n_free + in_use(&of_rows) + in_use(&of_lists);
    if (status == WEIR_OK && n_known != self.n_pages) {
        status = WEIR_FAIL(err, WEIR_EDATA, "'%s' has %zu pages, of which it knows %zu",
            txn->store->path, self.n_pages, n_known);
    }
    return status;
}
