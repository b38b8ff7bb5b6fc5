#define _POSIX_C_SOURCE 200809L
#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weiri/allow.h"

#define KEY   "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define OTHER "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"

struct list {
    char         folder[64];
    char         path[128];
    weiri_allow *allow;
};

static int
set_up(void **state)
{
    struct list *self = calloc(1, sizeof *self);
    snprintf(self->folder, sizeof self->folder, "/tmp/weir-allow-XXXXXX");
    assert_non_null(mkdtemp(self->folder));
    snprintf(self->path, sizeof self->path, "%s/core.allow", self->folder);
    assert_ok(weiri_allow_read(self->path, &self->allow, NULL));
    *state = self;
    return 0;
}

static int
tear_down(void **state)
{
    struct list *self = *state;
    weiri_allow_destroy(&self->allow);
    chmod(self->folder, 0700);
    unlink(self->path);
    assert_int_equal(rmdir(self->folder), 0); /* no half of a list was left behind */
    free(self);
    return 0;
}

static void
read_again(struct list *self)
{
    weiri_allow_destroy(&self->allow);
    assert_ok(weiri_allow_read(self->path, &self->allow, NULL));
}

static weiri_peer_config
edge(const char *name, const char *key)
{
    static const char *const STREAMS[] = { "txn", "cards" };
    return (weiri_peer_config){ .name = name,
        .key                          = key,
        .may_send                     = { .streams = STREAMS, .n_streams = 2 },
        .may_read                     = { .is_any = true } };
}

static void
write_list(const struct list *self, const char *text, size_t size)
{
    FILE *file = fopen(self->path, "w");
    assert_non_null(file);
    fwrite(text, 1, size, file);
    fclose(file);
}

static void
who_was_allowed_is_there_when_it_is_read_again(void **state)
{
    struct list       *self = *state;
    weiri_peer_config  peer = edge("edge-1", KEY);
    weiri_peer_config *all  = NULL;
    size_t             n    = 0;
    struct stat        about;
    assert_ok(weiri_allow_add(self->allow, &peer, NULL));
    assert_int_equal(stat(self->path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    read_again(self);
    assert_ok(weiri_allow_apply(self->allow, NULL, 0, &all, &n));
    assert_int_equal(n, 1);
    assert_string_equal(all[0].name, "edge-1");
    assert_string_equal(all[0].key, KEY);
    assert_null(all[0].address);
    assert_int_equal(all[0].may_send.n_streams, 2);
    assert_string_equal(all[0].may_send.streams[1], "cards");
    assert_true(all[0].may_read.is_any);
    free(all);
}

static void
the_list_goes_before_the_file(void **state)
{
    struct list       *self   = *state;
    weiri_peer_config  file[] = { edge("edge-1", KEY), edge("edge-2", OTHER),
         edge("edge-3", "0123456789012345678901234567890123456789") };
    weiri_peer_config  fresh = edge("edge-1", "9876543210987654321098765432109876543210");
    weiri_peer_config *all   = NULL;
    size_t             n     = 0;
    file[0].address          = "tcp://10.0.0.1:7000";
    assert_ok(weiri_allow_add(self->allow, &fresh, NULL));
    assert_ok(weiri_allow_revoke(self->allow, "edge-2", NULL));
    read_again(self);
    assert_ok(weiri_allow_apply(self->allow, file, 3, &all, &n));
    assert_int_equal(n, 3);
    assert_string_equal(all[0].key, fresh.key);
    assert_string_equal(all[0].address, file[0].address);
    assert_true(all[1].is_revoked); /* known by its name, for rules that read from it */
    assert_false(all[2].is_revoked);
    assert_true(weiri_allow_is_revoked(self->allow, "edge-2"));
    assert_false(weiri_allow_is_revoked(self->allow, "edge-3"));
    free(all);
}

static void
of_a_name_the_last_word_holds(void **state)
{
    struct list      *self = *state;
    weiri_peer_config peer = edge("edge-1", KEY);
    assert_ok(weiri_allow_add(self->allow, &peer, NULL));
    assert_ok(weiri_allow_revoke(self->allow, "edge-1", NULL));
    read_again(self);
    assert_true(weiri_allow_is_revoked(self->allow, "edge-1"));
    assert_ok(weiri_allow_add(self->allow, &peer, NULL));
    read_again(self);
    assert_false(weiri_allow_is_revoked(self->allow, "edge-1"));
}

static void
what_is_no_name_key_or_stream_is_not_put_on_the_list(void **state)
{
    static const char *const LONG[] = { "a b" };
    struct list             *self   = *state;
    weiri_peer_config        bad[]  = { edge("a b", KEY), edge("", KEY),
                edge("edge\nallow x", KEY), edge("edge", "no key"), edge("edge", NULL),
                edge("edge", KEY) };
    bad[5].may_send                 = (weiri_permit){ .streams = LONG, .n_streams = 1 };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(weiri_allow_add(self->allow, &bad[i], NULL), WEIR_EINVAL);
    }
    assert_int_equal(weiri_allow_revoke(self->allow, "a b", NULL), WEIR_EINVAL);
    assert_int_not_equal(access(self->path, F_OK), 0);
}

static void
a_line_that_is_wrong_is_named(void **state)
{
    static const char *const BAD[] = { "allow\n", "allow edge\n", "allow edge no-key\n",
        "allow a!b " KEY "\n", "allow edge " KEY " send\n", "allow edge " KEY " take x\n",
        "allow edge " KEY " send a;b\n", "revoke\n", "revoke a!b\n", "revoke edge x\n",
        "permit edge " KEY "\n", "revoke edge" /* cut */, "\x01\x02\xff\n" };
    struct list             *self  = *state;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        char         text[256];
        weir_error   err;
        weiri_allow *list = NULL;
        int          n    = snprintf(text, sizeof text, "# list\nrevoke a\n%s", BAD[i]);
        write_list(self, text, (size_t)n);
        assert_int_equal(weiri_allow_read(self->path, &list, &err), WEIR_EDATA);
        assert_non_null(strstr(err.text, "line 3"));
        assert_null(list);
    }
}

static void
a_list_that_is_too_long_is_not_read_to_its_end(void **state)
{
    struct list *self = *state;
    weiri_allow *list = NULL;
    size_t       size = WEIRI_ALLOW_BYTES + 100;
    char        *text = malloc(size);
    memset(text, '\n', size);
    write_list(self, text, size);
    assert_int_equal(weiri_allow_read(self->path, &list, NULL), WEIR_EDATA);
    memset(text, 'a', size); /* one line */
    write_list(self, text, size);
    assert_int_equal(weiri_allow_read(self->path, &list, NULL), WEIR_EDATA);
    free(text);
}

static void
a_change_that_cannot_be_written_changes_nothing(void **state)
{
    struct list      *self = *state;
    weiri_peer_config peer = edge("edge-1", KEY);
    char              moved[80];
    assert_ok(weiri_allow_add(self->allow, &peer, NULL));
    snprintf(moved, sizeof moved, "%s.moved", self->folder);
    assert_int_equal(rename(self->folder, moved), 0);
    assert_int_not_equal(weiri_allow_revoke(self->allow, "edge-1", NULL), WEIR_OK);
    assert_false(weiri_allow_is_revoked(self->allow, "edge-1"));
    assert_int_equal(rename(moved, self->folder), 0);
    read_again(self);
    assert_false(weiri_allow_is_revoked(self->allow, "edge-1"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(who_was_allowed_is_there_when_it_is_read_again),
        T(the_list_goes_before_the_file),
        T(of_a_name_the_last_word_holds),
        T(what_is_no_name_key_or_stream_is_not_put_on_the_list),
        T(a_line_that_is_wrong_is_named),
        T(a_list_that_is_too_long_is_not_read_to_its_end),
        T(a_change_that_cannot_be_written_changes_nothing),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
