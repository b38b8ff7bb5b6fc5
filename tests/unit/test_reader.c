#define _DEFAULT_SOURCE /* mkdtemp, setitimer */

#include "weir_test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "test_place.h"
#include "weiri/bytes.h"

enum { ROOM = 1 << 20 };

struct text {
    char  *bytes;
    size_t size;
};

static void
store(const struct place *place, const void *bytes, size_t size)
{
    FILE *file = fopen(place->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Lines that compress, and are longer than any buffer inside. */
static struct text
some_lines(size_t n_lines)
{
    struct text text = { .bytes = malloc(n_lines * 40 + 1) };
    assert_non_null(text.bytes);
    for (size_t i = 0; i < n_lines; i++) {
        text.size += (size_t)sprintf(
            text.bytes + text.size, "%zu,10.0.%zu.%zu,failed\n", i, i % 256, i * i % 251);
    }
    return text;
}

static size_t
pack_gzip(const char *bytes, size_t size, char *out, size_t cap)
{
    z_stream z = { 0 };
    assert_int_equal(
        deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in   = (z_const Bytef *)bytes;
    z.avail_in  = (uInt)size;
    z.next_out  = (Bytef *)out;
    z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = cap - z.avail_out;
    deflateEnd(&z);
    return n;
}

static size_t
pack_zstd(const char *bytes, size_t size, char *out, size_t cap)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)));
    size_t n = ZSTD_compress2(context, out, cap, bytes, size);
    assert_false(ZSTD_isError(n));
    ZSTD_freeCCtx(context);
    return n;
}

typedef size_t
pack_fn(const char *bytes, size_t size, char *out, size_t cap);

/* Read to the end by `step` bytes at most a call; the status that ended it. */
static weir_status
read_all(const struct place *place, size_t step, struct text *got, weir_error *err)
{
    weiri_reader *reader = NULL;
    assert_ok(weiri_reader_open(place->path, &reader, err));
    weir_status status = WEIR_OK;
    while (status == WEIR_OK) {
        size_t n = 0;
        assert_true(got->size + step <= ROOM);
        status = weiri_reader_read(reader, got->bytes + got->size, step, -1, &n, err);
        assert_true((status == WEIR_OK) == (n > 0));
        got->size += n;
    }
    size_t n = 0; /* an end stays an end, an error an error */
    assert_int_equal(weiri_reader_read(reader, got->bytes, 1, -1, &n, err), status);
    weiri_reader_close(&reader);
    assert_null(reader);
    return status;
}

static void
assert_reads_as(const struct place *place, const struct text *expected, size_t step)
{
    struct text got = { .bytes = malloc(ROOM) };
    weir_error  err = { 0 };
    assert_int_equal(read_all(place, step, &got, &err), WEIR_EOF);
    assert_int_equal(got.size, expected->size);
    assert_memory_equal(got.bytes, expected->bytes, got.size);
    free(got.bytes);
}

static void
plain_file_reads_back(void **state)
{
    struct text text = some_lines(10000);
    store(*state, text.bytes, text.size);
    assert_reads_as(*state, &text, 65536);
    assert_reads_as(*state, &text, 7);
    free(text.bytes);
}

static void
short_files_that_begin_like_packed_ones_are_plain(void **state)
{
    static const char *const SHORT[] = { "", "\x1f", "(", "(\xb5", "(\xb5/", "P", "P*M",
        "(x", "\x1fx", "PLAIN" };
    for (size_t i = 0; i < sizeof SHORT / sizeof SHORT[0]; i++) {
        char        copy[8];
        struct text text = { .bytes = copy, .size = strlen(SHORT[i]) };
        memcpy(copy, SHORT[i], text.size);
        store(*state, text.bytes, text.size);
        assert_reads_as(*state, &text, 64);
        assert_reads_as(*state, &text, 1);
    }
}

static void
missing_file_and_directory_are_told_apart(void **state)
{
    struct place *place  = *state;
    weiri_reader *reader = NULL;
    weir_error    err    = { 0 };
    assert_int_equal(weiri_reader_open(place->path, &reader, &err), WEIR_ENOENT);
    assert_non_null(strstr(err.text, place->path));
    assert_null(reader);
    assert_int_equal(weiri_reader_open(place->dir, &reader, &err), WEIR_EIO);
    assert_non_null(strstr(err.text, "directory"));
    assert_null(reader);
}

/* Two members, for gzip with zeros behind, for zstd with a skippable frame between. */
static size_t
pack_twice(pack_fn *pack, const struct text *text, char *out)
{
    size_t half = text->size / 2;
    size_t n    = pack(text->bytes, half, out, ROOM);
    if (pack == pack_zstd) {
        memcpy(out + n, "\x5a\x2a\x4d\x18\x03\0\0\0abc", 11);
        n += 11;
    }
    n += pack(text->bytes + half, text->size - half, out + n, ROOM - n);
    if (pack == pack_gzip) {
        memset(out + n, 0, 512);
        n += 512;
    }
    return n;
}

static void
packed_files_are_known_by_their_bytes_and_may_have_members(void **state)
{
    struct text text   = some_lines(20000);
    char       *packed = malloc(ROOM);
    pack_fn    *pack[] = { pack_gzip, pack_zstd };
    for (int i = 0; i < 2; i++) {
        store(*state, packed, pack_twice(pack[i], &text, packed));
        assert_reads_as(*state, &text, 65536);
        assert_reads_as(*state, &text, 11);
    }
    /* Skippable frame first, and members that are empty. */
    memcpy(packed, "\x50\x2a\x4d\x18\x01\0\0\0x", 9);
    size_t n = 9 + pack_zstd("", 0, packed + 9, ROOM - 9);
    n += pack_zstd(text.bytes, text.size, packed + n, ROOM - n);
    store(*state, packed, n);
    assert_reads_as(*state, &text, 4096);
    n = pack_gzip("", 0, packed, ROOM);
    n += pack_gzip(text.bytes, text.size, packed + n, ROOM - n);
    store(*state, packed, n);
    assert_reads_as(*state, &text, 4096);
    free(packed);
    free(text.bytes);
}

/* Whatever was cut, what comes out is a prefix, and the cut is told with its place. */
static void
cut_packed_file_gives_its_start_and_an_error(void **state)
{
    struct text text   = some_lines(120);
    char       *packed = malloc(ROOM);
    char       *room   = malloc(ROOM);
    pack_fn    *pack[] = { pack_gzip, pack_zstd };
    for (int i = 0; i < 2; i++) {
        size_t size = pack[i](text.bytes, text.size, packed, ROOM);
        for (size_t cut = 4; cut < size; cut++) {
            struct text got = { .bytes = room };
            weir_error  err = { 0 };
            char        place[64];
            store(*state, packed, cut);
            assert_int_equal(read_all(*state, 4096, &got, &err), WEIR_EIO);
            snprintf(place, sizeof place, "at byte %zu: it is cut off", cut);
            assert_non_null(strstr(err.text, place));
            assert_true(got.size <= text.size);
            assert_memory_equal(got.bytes, text.bytes, got.size);
        }
    }
    free(room);
    free(packed);
    free(text.bytes);
}

/* One flipped bit: the content as it was (a field of the header that says nothing of it),
 * or an error; never other content, unless the magic number itself is gone. */
static void
damaged_packed_file_never_gives_other_content_in_silence(void **state)
{
    struct text text   = some_lines(40);
    char       *packed = malloc(ROOM);
    char       *room   = malloc(ROOM);
    pack_fn    *pack[] = { pack_gzip, pack_zstd };
    for (int i = 0; i < 2; i++) {
        size_t size     = pack[i](text.bytes, text.size, packed, ROOM);
        size_t n_magic  = i == 0 ? 2 : 4;
        size_t n_errors = 0;
        for (size_t bit = 8 * n_magic; bit < 8 * size; bit++) {
            struct text got = { .bytes = room };
            weir_error  err = { 0 };
            packed[bit / 8] ^= (char)(1 << bit % 8);
            store(*state, packed, size);
            packed[bit / 8] ^= (char)(1 << bit % 8);
            if (read_all(*state, 4096, &got, &err) == WEIR_EOF) {
                assert_int_equal(got.size, text.size);
                assert_memory_equal(got.bytes, text.bytes, text.size);
            } else {
                assert_int_equal(err.status, WEIR_EIO);
                assert_non_null(strstr(err.text, "at byte"));
                n_errors++;
            }
        }
        assert_true(n_errors > 8 * (size - 32));
    }
    free(room);
    free(packed);
    free(text.bytes);
}

static void
other_bytes_after_the_last_member_are_an_error(void **state)
{
    struct text text   = some_lines(10);
    char       *packed = malloc(ROOM);
    pack_fn    *pack[] = { pack_gzip, pack_zstd };
    for (int i = 0; i < 2; i++) {
        struct text got  = { .bytes = malloc(ROOM) };
        weir_error  err  = { 0 };
        size_t      size = pack[i](text.bytes, text.size, packed, ROOM);
        memcpy(packed + size, "more", 4);
        store(*state, packed, size + 4);
        assert_int_equal(read_all(*state, 4096, &got, &err), WEIR_EIO);
        assert_int_equal(got.size, text.size);
        free(got.bytes);
    }
    free(packed);
    free(text.bytes);
}

/* A window of 2 GB must not be allocated because two bytes ask for it. */
static void
zstd_window_beyond_the_bound_is_refused(void **state)
{
    static const char HUGE_WINDOW[] = "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00";
    struct text       got           = { .bytes = malloc(ROOM) };
    weir_error        err           = { 0 };
    store(*state, HUGE_WINDOW, sizeof HUGE_WINDOW - 1);
    assert_int_equal(read_all(*state, 4096, &got, &err), WEIR_EIO);
    free(got.bytes);
}

/* A pipe as standard input, the writing end in *feed. */
static weiri_reader *
open_stdin_pipe(int *feed, int *old_stdin)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    *old_stdin = dup(STDIN_FILENO);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    *feed                = ends[1];
    weiri_reader *reader = NULL;
    assert_ok(weiri_reader_open("-", &reader, NULL));
    return reader;
}

static void
close_stdin_pipe(weiri_reader *reader, int old_stdin)
{
    weiri_reader_close(&reader);
    dup2(old_stdin, STDIN_FILENO);
    close(old_stdin);
}

static void
pipe_gives_what_there_is_and_ends_with_its_writer(void **state)
{
    (void)state;
    int           feed = -1, old_stdin = -1;
    char          bytes[16];
    size_t        n      = 0;
    weiri_reader *reader = open_stdin_pipe(&feed, &old_stdin);
    assert_false(weiri_reader_is_regular(reader));
    assert_int_equal(weiri_reader_read(reader, bytes, 16, 0, &n, NULL), WEIR_EAGAIN);
    assert_int_equal(write(feed, "ab", 2), 2);
    assert_ok(weiri_reader_read(reader, bytes, 16, -1, &n, NULL));
    assert_int_equal(n, 2);
    assert_memory_equal(bytes, "ab", 2);
    assert_int_equal(weiri_reader_read(reader, bytes, 16, 1000, &n, NULL), WEIR_EAGAIN);
    assert_int_equal(n, 0);
    close(feed);
    assert_int_equal(weiri_reader_read(reader, bytes, 16, -1, &n, NULL), WEIR_EOF);
    assert_int_equal(weiri_reader_read(reader, bytes, 16, 0, &n, NULL), WEIR_EOF);
    close_stdin_pipe(reader, old_stdin);
}

static void
packed_pipe_is_unpacked_as_its_bytes_come(void **state)
{
    (void)state;
    struct text text   = some_lines(50);
    char       *packed = malloc(ROOM);
    char       *got    = malloc(ROOM);
    pack_fn    *pack[] = { pack_gzip, pack_zstd };
    for (int i = 0; i < 2; i++) {
        int           feed = -1, old_stdin = -1;
        weiri_reader *reader = open_stdin_pipe(&feed, &old_stdin);
        size_t        size   = pack[i](text.bytes, text.size, packed, ROOM);
        size_t        n_got  = 0;
        size_t        n      = 0;
        for (size_t at = 0; at < size; at++) {
            assert_int_equal(write(feed, packed + at, 1), 1);
            weir_status status =
                weiri_reader_read(reader, got + n_got, ROOM - n_got, 0, &n, NULL);
            assert_true(status == WEIR_OK || status == WEIR_EAGAIN);
            n_got += n;
            for (int again = 0; again < 20 && status == WEIR_EAGAIN; again++) {
                assert_int_equal(
                    weiri_reader_read(reader, got, 1, 0, &n, NULL), WEIR_EAGAIN);
            }
        }
        close(feed);
        while (weiri_reader_read(reader, got + n_got, ROOM - n_got, 0, &n, NULL)
               == WEIR_OK) {
            n_got += n;
        }
        assert_int_equal(n_got, text.size);
        assert_memory_equal(got, text.bytes, n_got);
        close_stdin_pipe(reader, old_stdin);
    }
    free(got);
    free(packed);
    free(text.bytes);
}

static void
ignore(int number)
{
    (void)number;
}

static void
signal_ends_a_wait(void **state)
{
    (void)state;
    int              feed = -1, old_stdin = -1;
    char             byte   = 0;
    size_t           n      = 0;
    weiri_reader    *reader = open_stdin_pipe(&feed, &old_stdin);
    struct sigaction old;
    struct sigaction action = { .sa_handler = ignore };
    /* Again and again, in case the first comes before the wait has begun. */
    struct itimerval every = { .it_interval.tv_usec = 2000, .it_value.tv_usec = 2000 };
    struct itimerval never = { 0 };
    sigaction(SIGALRM, &action, &old);
    setitimer(ITIMER_REAL, &every, NULL);
    assert_int_equal(weiri_reader_read(reader, &byte, 1, -1, &n, NULL), WEIR_EAGAIN);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &old, NULL);
    close(feed);
    close_stdin_pipe(reader, old_stdin);
}

static void
fifo_is_opened_without_its_writer(void **state)
{
    struct place *place = *state;
    assert_int_equal(mkfifo(place->path, 0600), 0);
    weiri_reader *reader = NULL;
    char          bytes[8];
    size_t        n = 0;
    assert_ok(weiri_reader_open(place->path, &reader, NULL));
    assert_false(weiri_reader_is_regular(reader));
    assert_int_equal(weiri_reader_read(reader, bytes, 8, 0, &n, NULL), WEIR_EAGAIN);
    int feed = open(place->path, O_WRONLY);
    assert_true(feed >= 0);
    assert_int_equal(weiri_reader_read(reader, bytes, 8, 0, &n, NULL), WEIR_EAGAIN);
    assert_int_equal(write(feed, "hello", 5), 5);
    close(feed);
    assert_ok(weiri_reader_read(reader, bytes, 8, 0, &n, NULL));
    assert_int_equal(n, 5);
    assert_int_equal(weiri_reader_read(reader, bytes, 8, 0, &n, NULL), WEIR_EOF);
    weiri_reader_close(&reader);
}

static void
child_programs_do_not_inherit_the_file(void **state)
{
    struct place *place = *state;
    store(place, "x", 1);
    int next = open("/dev/null", O_RDONLY); /* the number that the reader will get */
    close(next);
    weiri_reader *reader = NULL;
    assert_ok(weiri_reader_open(place->path, &reader, NULL));
    assert_true(weiri_reader_is_regular(reader));
    assert_true(fcntl(next, F_GETFD) & FD_CLOEXEC);
    weiri_reader_close(&reader);
    weiri_reader_close(&reader);
}

#define in_a_place(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        in_a_place(plain_file_reads_back),
        in_a_place(short_files_that_begin_like_packed_ones_are_plain),
        in_a_place(missing_file_and_directory_are_told_apart),
        in_a_place(packed_files_are_known_by_their_bytes_and_may_have_members),
        in_a_place(cut_packed_file_gives_its_start_and_an_error),
        in_a_place(damaged_packed_file_never_gives_other_content_in_silence),
        in_a_place(other_bytes_after_the_last_member_are_an_error),
        in_a_place(zstd_window_beyond_the_bound_is_refused),
        cmocka_unit_test(pipe_gives_what_there_is_and_ends_with_its_writer),
        cmocka_unit_test(packed_pipe_is_unpacked_as_its_bytes_come),
        cmocka_unit_test(signal_ends_a_wait),
        in_a_place(fifo_is_opened_without_its_writer),
        in_a_place(child_programs_do_not_inherit_the_file),
    };
    return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
