#define _DEFAULT_SOURCE /* mkdtemp */

#include "weir_test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_place.h"
#include "weiri/bytes.h"

static void
assert_stored(const struct place *place, const char *expected, size_t size)
{
    char *got  = malloc(size + 1);
    FILE *file = fopen(place->path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(got, 1, size + 1, file), size);
    assert_memory_equal(got, expected, size);
    fclose(file);
    free(got);
}

static void
pieces_of_any_size_come_out_in_order(void **state)
{
    enum { TOTAL = 3000000 };
    struct place *place  = *state;
    weiri_writer *writer = NULL;
    char         *bytes  = malloc(TOTAL);
    for (size_t i = 0; i < TOTAL; i++) {
        bytes[i] = (char)(i * 31 + i / 997);
    }
    assert_ok(weiri_writer_open(place->path, &writer, NULL));
    size_t sizes[] = { 0, 1, 100, 131071, 131072, 131073, 300000, 7 };
    size_t done    = 0;
    for (size_t i = 0; done < TOTAL; i++) {
        size_t size = sizes[i % 8] < TOTAL - done ? sizes[i % 8] : TOTAL - done;
        assert_ok(weiri_writer_write(writer, bytes + done, size, NULL));
        done += size;
    }
    assert_ok(weiri_writer_close(&writer, NULL));
    assert_null(writer);
    assert_stored(place, bytes, TOTAL);
    free(bytes);
}

static void
bytes_wait_in_the_buffer_until_the_flush(void **state)
{
    struct place *place  = *state;
    weiri_writer *writer = NULL;
    assert_ok(weiri_writer_open(place->path, &writer, NULL));
    assert_ok(weiri_writer_write(writer, "hello", 5, NULL));
    assert_stored(place, "", 0);
    assert_ok(weiri_writer_flush(writer, NULL));
    assert_stored(place, "hello", 5);
    assert_ok(weiri_writer_close(&writer, NULL));
}

static void
file_is_cut_to_nothing_when_opened(void **state)
{
    struct place *place  = *state;
    weiri_writer *writer = NULL;
    for (int i = 0; i < 2; i++) {
        assert_ok(weiri_writer_open(place->path, &writer, NULL));
        assert_ok(
            weiri_writer_write(writer, i == 0 ? "longer" : "cut", i == 0 ? 6 : 3, NULL));
        assert_ok(weiri_writer_close(&writer, NULL));
    }
    assert_stored(place, "cut", 3);
}

static void
path_that_cannot_be_written_is_an_error(void **state)
{
    struct place *place  = *state;
    weiri_writer *writer = NULL;
    weir_error    err    = { 0 };
    assert_int_equal(weiri_writer_open(place->dir, &writer, &err), WEIR_EIO);
    assert_null(writer);
    assert_non_null(strstr(err.text, place->dir));
}

static void
full_disk_is_told_with_what_was_written_and_stays_an_error(void **state)
{
    (void)state;
    weiri_writer *writer = NULL;
    weir_error    err    = { 0 };
    assert_ok(weiri_writer_open("/dev/full", &writer, &err));
    assert_ok(weiri_writer_write(writer, "lost", 4, &err));
    assert_int_equal(weiri_writer_flush(writer, &err), WEIR_EIO);
    assert_non_null(strstr(err.text, "'/dev/full' after 0 bytes"));
    assert_non_null(strstr(err.text, "No space left"));
    assert_int_equal(weiri_writer_write(writer, "x", 1, &err), WEIR_EIO);
    assert_int_equal(weiri_writer_close(&writer, &err), WEIR_EIO);
    assert_null(writer);

    assert_ok(weiri_writer_open("/dev/full", &writer, &err));
    assert_ok(weiri_writer_write(writer, "lost", 4, &err));
    assert_int_equal(weiri_writer_close(&writer, &err), WEIR_EIO);
}

/* A pipe as standard output, the reading end in *drain. */
static weiri_writer *
open_stdout_pipe(int *drain, int *old_stdout)
{
    int ends[2];
    fflush(stdout);
    assert_int_equal(pipe(ends), 0);
    *old_stdout = dup(STDOUT_FILENO);
    assert_int_equal(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
    close(ends[1]);
    *drain               = ends[0];
    weiri_writer *writer = NULL;
    assert_ok(weiri_writer_open("-", &writer, NULL));
    return writer;
}

static void
restore_stdout(int old_stdout)
{
    dup2(old_stdout, STDOUT_FILENO);
    close(old_stdout);
}

static void
reader_that_has_gone_is_told_apart(void **state)
{
    (void)state;
    int           drain = -1, old_stdout = -1;
    weir_error    err    = { 0 };
    weiri_writer *writer = open_stdout_pipe(&drain, &old_stdout);
    void (*old)(int)     = signal(SIGPIPE, SIG_IGN);
    weir_status first    = weiri_writer_write(writer, "x", 1, &err);
    weir_status taken    = weiri_writer_flush(writer, &err);
    close(drain);
    weir_status gone   = weiri_writer_write(writer, "yy", 2, &err);
    weir_status failed = weiri_writer_flush(writer, &err);
    weir_status again  = weiri_writer_flush(writer, &err);
    weir_status closed = weiri_writer_close(&writer, &err);
    signal(SIGPIPE, old);
    restore_stdout(old_stdout);
    assert_int_equal(first, WEIR_OK);
    assert_int_equal(taken, WEIR_OK);
    assert_int_equal(gone, WEIR_OK); /* in the buffer */
    assert_int_equal(failed, WEIR_ECLOSED);
    assert_int_equal(again, WEIR_ECLOSED);
    assert_int_equal(closed, WEIR_ECLOSED);
    assert_non_null(strstr(err.text, "after 1 bytes"));
}

/* A pipe that does not block takes what it has room for: the rest must follow. A second
 * process drains it. */
static void
short_writes_lose_nothing(void **state)
{
    (void)state;
    enum { TOTAL = 1000000 };
    int           drain = -1, old_stdout = -1;
    char         *bytes  = malloc(TOTAL);
    weiri_writer *writer = open_stdout_pipe(&drain, &old_stdout);
    for (size_t i = 0; i < TOTAL; i++) {
        bytes[i] = (char)(i * 7 + i / 4099);
    }
    fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
    pid_t child = fork();
    if (child == 0) {
        close(STDOUT_FILENO);
        char  *got  = malloc(TOTAL);
        size_t size = 0;
        for (ssize_t n = 1; n > 0; size += (size_t)n) {
            n = read(drain, got + size, TOTAL - size < 5000 ? TOTAL - size : 5000);
            if (n < 0) {
                _exit(2);
            }
        }
        _exit(size == TOTAL && memcmp(got, bytes, TOTAL) == 0 ? 0 : 1);
    }
    weir_status written = weiri_writer_write(writer, bytes, TOTAL, NULL);
    weir_status closed  = weiri_writer_close(&writer, NULL);
    restore_stdout(old_stdout);
    close(drain);
    int outcome = -1;
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_int_equal(written, WEIR_OK);
    assert_int_equal(closed, WEIR_OK);
    assert_int_equal(outcome, 0);
    free(bytes);
}

#define in_a_place(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        in_a_place(pieces_of_any_size_come_out_in_order),
        in_a_place(bytes_wait_in_the_buffer_until_the_flush),
        in_a_place(file_is_cut_to_nothing_when_opened),
        in_a_place(path_that_cannot_be_written_is_an_error),
        cmocka_unit_test(full_disk_is_told_with_what_was_written_and_stays_an_error),
        cmocka_unit_test(reader_that_has_gone_is_told_apart),
        cmocka_unit_test(short_writes_lose_nothing),
    };
    return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
