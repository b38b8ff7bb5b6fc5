#include "weir_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test_place.h"
#include "weiri/store.h"

static const char *path;

static int
set_up(void **state)
{
    make_place(state);
    path = ((struct place *)*state)->path;
    return 0;
}

static weiri_store *
open_store(uint64_t max_bytes)
{
    const weiri_store_options options = { .max_bytes = max_bytes };
    weiri_store              *store   = NULL;
    weir_error                err     = { .status = WEIR_OK };
    assert_ok(weiri_store_open(path, &options, &store, &err));
    return store;
}

static void
put(weiri_store *store, const char *key, const char *value)
{
    weiri_store_txn *txn = NULL;
    weir_error       err = { .status = WEIR_OK };
    assert_ok(weiri_store_begin(store, true, &txn, &err));
    assert_ok(weiri_store_put(txn, key, strlen(key), value, strlen(value), &err));
    assert_ok(weiri_store_commit(&txn, &err));
    assert_null(txn);
}

static void
expect(weiri_store *store, const char *key, const char *wanted)
{
    weiri_store_txn *txn   = NULL;
    weir_error       err   = { .status = WEIR_OK };
    const uint8_t   *value = NULL;
    size_t           size  = 0;
    assert_ok(weiri_store_begin(store, false, &txn, &err));
    weir_status status = weiri_store_get(txn, key, strlen(key), &value, &size, &err);
    if (wanted == NULL) {
        assert_int_equal(status, WEIR_ENOENT);
    } else {
        assert_ok(status);
        assert_int_equal(size, strlen(wanted));
        assert_memory_equal(value, wanted, size);
    }
    weiri_store_abort(&txn);
}

static void
what_is_committed_is_there_after_opening_again(void **state)
{
    (void)state;
    weiri_store *store = open_store(0);
    put(store, "a", "one");
    put(store, "b", "");
    put(store, "a", "two");
    weiri_store_close(&store);
    assert_null(store);
    store = open_store(0);
    expect(store, "a", "two");
    expect(store, "b", "");
    expect(store, "c", NULL);
    weiri_store_close(&store);
}

static void
what_is_aborted_is_not_there(void **state)
{
    (void)state;
    weiri_store     *store = open_store(0);
    weiri_store_txn *txn   = NULL;
    weir_error       err   = { .status = WEIR_OK };
    put(store, "a", "one");
    assert_ok(weiri_store_begin(store, true, &txn, &err));
    assert_ok(weiri_store_put(txn, "a", 1, "two", 3, &err));
    weiri_store_abort(&txn);
    expect(store, "a", "one");
    weiri_store_close(&store);
}

static void
seek(weiri_store *store, const char *key, bool is_before, const char *wanted)
{
    weiri_store_txn  *txn   = NULL;
    weir_error        err   = { .status = WEIR_OK };
    weiri_store_entry entry = { 0 };
    assert_ok(weiri_store_begin(store, false, &txn, &err));
    weir_status status = weiri_store_seek(txn, key, strlen(key), is_before, &entry, &err);
    if (wanted == NULL) {
        assert_int_equal(status, WEIR_ENOENT);
    } else {
        assert_ok(status);
        assert_int_equal(entry.key_size, strlen(wanted));
        assert_memory_equal(entry.key, wanted, entry.key_size);
    }
    weiri_store_abort(&txn);
}

static void
a_seek_finds_the_neighbour_on_either_side(void **state)
{
    (void)state;
    weiri_store *store = open_store(0);
    seek(store, "x", false, NULL);
    seek(store, "x", true, NULL);
    put(store, "b", "1");
    put(store, "d", "2");
    seek(store, "a", false, "b");
    seek(store, "b", false, "b");
    seek(store, "c", false, "d");
    seek(store, "e", false, NULL);
    seek(store, "a", true, NULL);
    seek(store, "b", true, "b");
    seek(store, "c", true, "b");
    seek(store, "e", true, "d");
    weiri_store_close(&store);
}

static void
a_range_is_removed_and_its_end_is_not(void **state)
{
    (void)state;
    weiri_store     *store  = open_store(0);
    weiri_store_txn *txn    = NULL;
    weir_error       err    = { .status = WEIR_OK };
    size_t           n      = 0;
    const char      *KEYS[] = { "a", "b", "bb", "c", "d" };
    for (size_t i = 0; i < 5; i++) {
        put(store, KEYS[i], KEYS[i]);
    }
    assert_ok(weiri_store_begin(store, true, &txn, &err));
    assert_ok(weiri_store_remove(txn, "b", 1, "d", 1, 2, &n, &err));
    assert_int_equal(n, 2);
    assert_ok(weiri_store_remove(txn, "b", 1, "d", 1, 99, &n, &err));
    assert_int_equal(n, 1);
    assert_ok(weiri_store_commit(&txn, &err));
    expect(store, "a", "a");
    expect(store, "b", NULL);
    expect(store, "bb", NULL);
    expect(store, "c", NULL);
    expect(store, "d", "d");
    assert_ok(weiri_store_begin(store, true, &txn, &err));
    assert_ok(weiri_store_remove(txn, "", 1, "z", 1, 99, &n, &err));
    assert_int_equal(n, 2); /* the last entry too */
    assert_ok(weiri_store_commit(&txn, &err));
    expect(store, "d", NULL);
    weiri_store_close(&store);
}

/* Fill it until it says that it is full; then what was there is there. */
static void
a_full_map_is_an_error_and_not_the_end(void **state)
{
    (void)state;
    enum { MAP = 1 << 20, VALUE = 50000 };
    static char  value[VALUE];
    weiri_store *store  = open_store(MAP);
    weir_status  status = WEIR_OK;
    uint32_t     n      = 0;
    put(store, "zz", "before");
    while (status == WEIR_OK) {
        weiri_store_txn *txn = NULL;
        weir_error       err = { .status = WEIR_OK };
        assert_ok(weiri_store_begin(store, true, &txn, &err));
        status = weiri_store_put(txn, &n, sizeof n, value, sizeof value, &err);
        if (status == WEIR_OK) {
            status = weiri_store_commit(&txn, &err);
            n++;
        }
        weiri_store_abort(&txn);
    }
    assert_int_equal(status, WEIR_ENOSPC);
    assert_true(n > 5 && n < MAP / VALUE);
    expect(store, "zz", "before");
    weiri_store_txn *txn       = NULL;
    weir_error       err       = { .status = WEIR_OK };
    size_t           n_removed = 0;
    uint32_t         first     = 0;
    assert_ok(weiri_store_begin(store, true, &txn, &err));
    assert_ok(weiri_store_remove(txn, &first, sizeof first, "y", 1, 4, &n_removed, &err));
    assert_ok(weiri_store_commit(&txn, &err));
    put(store, "zz", "after");
    expect(store, "zz", "after");
    weiri_store_close(&store);
}

static void
damage(off_t at, const char *bytes, size_t size)
{
    char file[128];
    snprintf(file, sizeof file, "%s/data.mdb", path);
    int fd = open(file, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, at), (ssize_t)size);
    close(fd);
}

static off_t
place_of(const char *text)
{
    char file[128];
    char bytes[1 << 16];
    snprintf(file, sizeof file, "%s/data.mdb", path);
    int fd = open(file, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, bytes, sizeof bytes);
    close(fd);
    for (ssize_t i = 0; i + (ssize_t)strlen(text) <= n; i++) {
        if (memcmp(bytes + i, text, strlen(text)) == 0) {
            return i;
        }
    }
    return -1;
}

static void
a_value_that_the_medium_changed_is_found(void **state)
{
    (void)state;
    weir_error   err   = { .status = WEIR_OK };
    weiri_store *store = open_store(0);
    put(store, "key", "a value to be changed");
    weiri_store_close(&store);
    assert_ok(weiri_store_verify(path, &err));
    off_t at = place_of("a value to be changed");
    assert_true(at > 0);
    damage(at, "b", 1);
    assert_int_equal(weiri_store_verify(path, &err), WEIR_EDATA);
    assert_non_null(strstr(err.text, "damaged"));
}

static void
a_file_that_is_cut_short_is_found(void **state)
{
    (void)state;
    weir_error       err = { .status = WEIR_OK };
    char             file[128];
    static char      value[100000];
    weiri_store     *store = open_store(0);
    weiri_store_txn *txn   = NULL;
    assert_ok(weiri_store_begin(store, true, &txn, &err));
    assert_ok(weiri_store_put(txn, "k", 1, value, sizeof value, &err));
    assert_ok(weiri_store_commit(&txn, &err));
    weiri_store_close(&store);
    snprintf(file, sizeof file, "%s/data.mdb", path);
    assert_int_equal(truncate(file, 20000), 0);
    assert_int_equal(weiri_store_verify(path, &err), WEIR_EDATA);
    const weiri_store_options options = { .max_bytes = 0 };
    assert_int_equal(truncate(file, 10), 0);
    assert_int_equal(weiri_store_open(path, &options, &store, &err), WEIR_EDATA);
}

static void
what_is_not_there_is_said(void **state)
{
    (void)state;
    const weiri_store_options options = { .is_read_only = true };
    weir_error                err     = { .status = WEIR_OK };
    weiri_store              *store   = NULL;
    assert_int_equal(weiri_store_verify(path, &err), WEIR_ENOENT);
    assert_int_equal(weiri_store_open(path, &options, &store, &err), WEIR_ENOENT);
    assert_null(store);
}

static void
a_key_has_a_length(void **state)
{
    (void)state;
    static char      key[WEIRI_STORE_KEY + 1];
    weir_error       err   = { .status = WEIR_OK };
    weiri_store_txn *txn   = NULL;
    weiri_store     *store = open_store(0);
    assert_ok(weiri_store_begin(store, true, &txn, &err));
    assert_int_equal(weiri_store_put(txn, key, 0, "", 0, &err), WEIR_EINVAL);
    assert_int_equal(weiri_store_put(txn, key, sizeof key, "", 0, &err), WEIR_EINVAL);
    assert_ok(weiri_store_put(txn, key, WEIRI_STORE_KEY, "", 0, &err));
    assert_ok(weiri_store_commit(&txn, &err));
    weiri_store_close(&store);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, remove_place)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_committed_is_there_after_opening_again),
        CASE(what_is_aborted_is_not_there),
        CASE(a_seek_finds_the_neighbour_on_either_side),
        CASE(a_range_is_removed_and_its_end_is_not),
        CASE(a_full_map_is_an_error_and_not_the_end),
        CASE(a_value_that_the_medium_changed_is_found),
        CASE(a_file_that_is_cut_short_is_found),
        CASE(what_is_not_there_is_said),
        CASE(a_key_has_a_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
