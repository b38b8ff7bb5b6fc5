#define _POSIX_C_SOURCE 200809L
#include "weir_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weiri/keypair.h"

struct folder {
    char path[64];
    char stem[96];
    char secret[128];
    char public[128];
};

static int
set_up(void **state)
{
    struct folder *self = calloc(1, sizeof *self);
    snprintf(self->path, sizeof self->path, "/tmp/weir-keypair-XXXXXX");
    assert_non_null(mkdtemp(self->path));
    snprintf(self->stem, sizeof self->stem, "%s/core", self->path);
    snprintf(self->secret, sizeof self->secret, "%s.key", self->stem);
    snprintf(self->public, sizeof self->public, "%s.pub", self->stem);
    *state = self;
    return 0;
}

static int
tear_down(void **state)
{
    struct folder *self = *state;
    unlink(self->secret);
    unlink(self->public);
    assert_int_equal(rmdir(self->path), 0); /* nothing else was left behind */
    free(self);
    return 0;
}

static void
write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static mode_t
mode_of(const char *path)
{
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    return about.st_mode & 0777;
}

static void
a_pair_that_was_stored_is_read_again(void **state)
{
    struct folder *self = *state;
    weiri_keypair  pair;
    weiri_keypair  again;
    char           key[WEIRI_KEY_TEXT + 1];
    assert_ok(weiri_keypair_make(&pair, NULL));
    assert_ok(weiri_keypair_store(&pair, self->stem, NULL));
    assert_ok(weiri_keypair_open(self->secret, &again, NULL));
    assert_string_equal(again.secret_key, pair.secret_key);
    assert_string_equal(again.public_key, pair.public_key);
    assert_ok(weiri_keypair_open_public(self->public, key, NULL));
    assert_string_equal(key, pair.public_key);
}

static void
a_secret_key_is_its_owner_s_alone_whatever_the_umask(void **state)
{
    struct folder *self = *state;
    weiri_keypair  pair;
    mode_t         before = umask(0);
    assert_ok(weiri_keypair_make(&pair, NULL));
    assert_ok(weiri_keypair_store(&pair, self->stem, NULL));
    umask(before);
    assert_int_equal(mode_of(self->secret), 0600);
    assert_int_equal(mode_of(self->public), 0644);
}

static void
neither_file_is_overwritten_and_none_is_left_half(void **state)
{
    struct folder *self = *state;
    weiri_keypair  pair;
    assert_ok(weiri_keypair_make(&pair, NULL));
    write_file(self->public, "mine\n", 0644);
    assert_int_equal(weiri_keypair_store(&pair, self->stem, NULL), WEIR_EINVAL);
    assert_int_not_equal(access(self->secret, F_OK), 0);
    unlink(self->public);
    write_file(self->secret, "mine\n", 0600);
    assert_int_equal(weiri_keypair_store(&pair, self->stem, NULL), WEIR_EINVAL);
    assert_int_not_equal(access(self->public, F_OK), 0);
}

static void
a_link_in_the_place_of_a_key_is_not_followed(void **state)
{
    struct folder *self = *state;
    weiri_keypair  pair;
    char           elsewhere[128];
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", self->path);
    assert_ok(weiri_keypair_make(&pair, NULL));
    assert_int_equal(symlink(elsewhere, self->secret), 0);
    assert_int_not_equal(weiri_keypair_store(&pair, self->stem, NULL), WEIR_OK);
    assert_int_not_equal(access(elsewhere, F_OK), 0);
}

static void
a_secret_key_that_others_may_use_is_refused(void **state)
{
    static const mode_t MODES[] = { 0640, 0620, 0604, 0602, 0610, 0601, 0666 };
    struct folder      *self    = *state;
    weiri_keypair       pair;
    weir_error          err;
    assert_ok(weiri_keypair_make(&pair, NULL));
    assert_ok(weiri_keypair_store(&pair, self->stem, NULL));
    for (size_t i = 0; i < sizeof MODES / sizeof MODES[0]; i++) {
        assert_int_equal(chmod(self->secret, MODES[i]), 0);
        assert_int_equal(weiri_keypair_open(self->secret, &pair, &err), WEIR_EINVAL);
        assert_non_null(strstr(err.text, "chmod 600"));
        assert_int_equal(pair.secret_key[0], 0); /* nothing of it stays in memory */
    }
    assert_int_equal(chmod(self->secret, 0400), 0);
    assert_ok(weiri_keypair_open(self->secret, &pair, NULL));
}

static void
a_file_with_no_key_in_it_is_refused(void **state)
{
    static const char *const BAD[] = { "", "\n", "short\n",
        "0123456789012345678901234567890123456789extra\n",
        "#####0123456789012345678901234567890123\n", /* five that are more than 32 bits */
        "0123456789012345678901234567890123456 89\n",
        "0123456789012345678901234567890123456789\n0123456789012345678901234567890\n",
        "\xff\xfe\xfd" };
    struct folder           *self  = *state;
    weiri_keypair            pair;
    char                     key[WEIRI_KEY_TEXT + 1];
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        write_file(self->secret, BAD[i], 0600);
        assert_int_equal(weiri_keypair_open(self->secret, &pair, NULL), WEIR_EDATA);
        assert_int_equal(weiri_keypair_open_public(self->secret, key, NULL), WEIR_EDATA);
    }
    unlink(self->secret);
    assert_int_equal(weiri_keypair_open(self->secret, &pair, NULL), WEIR_ENOENT);
    assert_int_equal(weiri_keypair_open(self->path, &pair, NULL), WEIR_EINVAL);
}

static void
a_pipe_in_the_place_of_a_key_is_not_waited_for(void **state)
{
    struct folder *self = *state;
    weiri_keypair  pair;
    assert_int_equal(mkfifo(self->secret, 0600), 0);
    assert_int_equal(weiri_keypair_open(self->secret, &pair, NULL), WEIR_EINVAL);
}

static void
forty_characters_of_z85_are_a_key(void **state)
{
    (void)state;
    assert_true(weiri_key_is_valid("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"));
    assert_false(weiri_key_is_valid("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf"));
    assert_false(weiri_key_is_valid("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf78"));
    assert_false(weiri_key_is_valid("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\""));
    assert_false(weiri_key_is_valid("#####>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"));
    assert_false(weiri_key_is_valid(""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(a_pair_that_was_stored_is_read_again),
        T(a_secret_key_is_its_owner_s_alone_whatever_the_umask),
        T(neither_file_is_overwritten_and_none_is_left_half),
        T(a_link_in_the_place_of_a_key_is_not_followed),
        T(a_secret_key_that_others_may_use_is_refused),
        T(a_file_with_no_key_in_it_is_refused),
        T(a_pipe_in_the_place_of_a_key_is_not_waited_for),
        T(forty_characters_of_z85_are_a_key),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
