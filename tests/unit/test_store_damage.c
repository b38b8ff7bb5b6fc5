/* A store in which a byte was changed, or whose end was cut off, is either refused, or
 * whole: it reads as the last or the last but one commit left it, and can be written on.
 */
#include "weir_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "random.h"
#include "test_place.h"
#include "weiri/store.h"

enum {
    N_KEYS    = 40,
    N_COMMITS = 30,
    N_ROUNDS  = 200,
    MOST      = 9000, /* bytes of a value: some have pages of their own */
    WHOLE     = 0,    /* how a look at a changed store ended */
    REFUSED   = 10,
    WRONG     = 11
};

static const char *path;
static char        file[128];

static int
set_up(void **state)
{
    make_place(state);
    path = ((struct place *)*state)->path;
    snprintf(file, sizeof file, "%s/data.mdb", path);
    return 0;
}

static bool
value_of(unsigned key, unsigned commit, uint8_t *value, size_t *size)
{
    unsigned changed = commit - (commit + key) % 5; /* when it was last written */
    uint64_t x       = key * UINT64_C(7919) + changed * UINT64_C(104729) + 1;
    if (commit < 5 || (changed + key) % 3 == 0) {
        return false;
    }
    *size = x % MOST;
    for (size_t i = 0; i < *size; i++) {
        value[i] = (uint8_t)(x + i * 31);
    }
    return true;
}

static weir_status
write_commit(weiri_store *store, unsigned commit, weir_error *err)
{
    static uint8_t   value[MOST];
    weiri_store_txn *txn    = NULL;
    weir_status      status = weiri_store_begin(store, true, &txn, err);
    for (unsigned key = 0; key < N_KEYS && status == WEIR_OK; key++) {
        const uint8_t first[1] = { (uint8_t)key };
        const uint8_t end[1]   = { (uint8_t)(key + 1) };
        size_t        size     = 0;
        size_t        n        = 0;
        status                 = value_of(key, commit, value, &size)
                                     ? weiri_store_put(txn, first, 1, value, size, err)
                                     : weiri_store_remove(txn, first, 1, end, 1, 1, &n, err);
    }
    if (status == WEIR_OK) {
        const uint8_t counted[1] = { (uint8_t)commit };
        status                   = weiri_store_put(txn, "\xff", 1, counted, 1, err);
    }
    if (status == WEIR_OK) {
        return weiri_store_commit(&txn, err);
    }
    weiri_store_abort(&txn);
    return status;
}

/* Of which commit it is, when all of it is of that one; else 0. */
static unsigned
read_commit(weiri_store *store)
{
    static uint8_t   wanted[MOST];
    weir_error       err    = { .status = WEIR_OK };
    weiri_store_txn *txn    = NULL;
    const uint8_t   *value  = NULL;
    size_t           size   = 0;
    size_t           n      = 0;
    unsigned         commit = 0;
    if (weiri_store_begin(store, false, &txn, &err) != WEIR_OK) {
        return 0;
    }
    if (weiri_store_get(txn, "\xff", 1, &value, &size, &err) == WEIR_OK && size == 1) {
        commit = value[0];
    }
    for (unsigned key = 0; key < N_KEYS && commit != 0; key++) {
        const uint8_t first[1] = { (uint8_t)key };
        weir_status   status   = weiri_store_get(txn, first, 1, &value, &size, &err);
        bool          is_there = value_of(key, commit, wanted, &n);
        if (is_there ? status != WEIR_OK || size != n || memcmp(value, wanted, n) != 0
                     : status != WEIR_ENOENT) {
            commit = 0;
        }
    }
    weiri_store_abort(&txn);
    return commit;
}

static void
write_commits(void)
{
    const weiri_store_options options = { .max_bytes = 0 };
    weiri_store              *store   = NULL;
    weir_error                err     = { .status = WEIR_OK };
    assert_ok(weiri_store_open(path, &options, &store, &err));
    for (unsigned commit = 1; commit <= N_COMMITS; commit++) {
        assert_ok(write_commit(store, commit, &err));
        assert_int_equal(read_commit(store), commit);
    }
    weiri_store_close(&store);
    assert_ok(weiri_store_verify(path, &err));
}

/* In a process of its own, which does not return. */
static void
use(void)
{
    const weiri_store_options options = { .max_bytes = 0 };
    weiri_store              *store   = NULL;
    weir_error                err     = { .status = WEIR_OK };
    if (weiri_store_verify(path, &err) != WEIR_OK) {
        _exit(err.status == WEIR_EDATA ? REFUSED : WRONG);
    }
    if (weiri_store_open(path, &options, &store, &err) != WEIR_OK) {
        _exit(WRONG);
    }
    unsigned commit   = read_commit(store);
    bool     is_right = commit == N_COMMITS || commit == N_COMMITS - 1;
    for (unsigned i = 1; i <= N_COMMITS && is_right; i++) {
        is_right = write_commit(store, commit + i, &err) == WEIR_OK
                   && read_commit(store) == commit + i;
    }
    weiri_store_close(&store);
    _exit(is_right && weiri_store_verify(path, &err) == WEIR_OK ? WHOLE : WRONG);
}

static int
end_of_use(void)
{
    int   result = 0;
    pid_t child  = fork();
    assert_true(child >= 0);
    if (child == 0) {
        use();
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    return WIFEXITED(result) ? WEXITSTATUS(result) : WRONG;
}

static uint8_t *
read_file(size_t *size)
{
    struct stat about;
    int         fd = open(file, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &about), 0);
    *size          = (size_t)about.st_size;
    uint8_t *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, *size), about.st_size);
    close(fd);
    return bytes;
}

static void
write_file(const uint8_t *bytes, size_t size)
{
    int fd = open(file, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static void
a_changed_byte_is_found_or_does_no_harm(void **state)
{
    (void)state;
    size_t   size     = 0;
    unsigned n_wrong  = 0;
    unsigned n_caught = 0;
    uint64_t random   = 2024;
    write_commits();
    uint8_t *bytes = read_file(&size);
    for (unsigned i = 0; i < N_ROUNDS; i++) {
        size_t  at   = (size_t)(next_random(&random) % size);
        uint8_t kept = bytes[at];
        bytes[at] ^= (uint8_t)(1U << (next_random(&random) % 8));
        write_file(bytes, size);
        bytes[at] = kept;
        int end   = end_of_use();
        if (end == WRONG) {
            print_error("bit of byte %zu of %zu\n", at, size);
        }
        n_wrong += end == WRONG;
        n_caught += end == REFUSED;
    }
    free(bytes);
    assert_int_equal(n_wrong, 0);
    assert_in_range(n_caught, N_ROUNDS / 10, N_ROUNDS);
}

static void
a_cut_is_found_or_takes_what_was_never_written(void **state)
{
    (void)state;
    size_t   size     = 0;
    unsigned n_caught = 0;
    unsigned n_cuts   = 0;
    write_commits();
    uint8_t *bytes = read_file(&size);
    for (size_t cut = 4096; cut < size; cut += 3 * 4096, n_cuts++) {
        write_file(bytes, cut);
        int end = end_of_use();
        assert_int_not_equal(end, WRONG);
        n_caught += end == REFUSED;
    }
    free(bytes);
    assert_in_range(n_caught, n_cuts / 2, n_cuts);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, remove_place)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_changed_byte_is_found_or_does_no_harm),
        CASE(a_cut_is_found_or_takes_what_was_never_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
