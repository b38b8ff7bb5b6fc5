#define _POSIX_C_SOURCE 200809L
#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "match/state.h"
#include "state_rig.h"

enum { EVENTS = 160, SEEDS = 6 };

static void
setup_rig(state_rig *rig, uint32_t rule, uint64_t seed)
{
    if (!state_rig_init(rig, rule, seed)) {
        fail_msg("rule %u does not compile", rule);
    }
}

static void
assert_same_log(const state_rig *want, const state_rig *got, uint32_t rule)
{
    if (want->log.size != got->log.size
        || (want->log.size > 0
            && memcmp(want->log.bytes, got->log.bytes, want->log.size) != 0)) {
        fail_msg("rule %u gives something else after a reload", rule);
    }
}

static void
assert_same_counts(const state_rig *want, const state_rig *got)
{
    assert_true(state_rig_counts_agree(want, got));
}

static weiri_pack
save(const state_rig *rig)
{
    weiri_pack out = { .size = 0 };
    weir_error err = { .status = WEIR_OK };
    assert_ok(state_rig_save(rig, &out, &err));
    return out;
}

static void
load(state_rig *rig, const weiri_pack *saved)
{
    weir_error err = { .status = WEIR_OK };
    if (state_rig_load(rig, saved->bytes, saved->size, &err) != WEIR_OK) {
        fail_msg("%s", err.text);
    }
}

static void
reload(state_rig *rig)
{
    weiri_pack saved = save(rig);
    load(rig, &saved);
    weiri_pack again = save(rig);
    assert_int_equal(saved.size, again.size);
    assert_memory_equal(saved.bytes, again.bytes, saved.size);
    weiri_pack_fini(&saved);
    weiri_pack_fini(&again);
}

/* ---- what follows is the same ---- */

/* How much the rule gave. */
static size_t
compare_with_reloads(uint32_t rule, uint64_t seed)
{
    state_rig plain;
    state_rig other;
    setup_rig(&plain, rule, seed);
    setup_rig(&other, rule, seed);
    for (uint32_t i = 0; i < EVENTS; i++) {
        assert_ok(state_rig_feed(&plain, 1));
        assert_ok(state_rig_feed(&other, 1));
        reload(&other);
        assert_same_counts(&plain, &other);
    }
    assert_ok(state_rig_end(&plain));
    assert_ok(state_rig_end(&other));
    assert_same_log(&plain, &other, rule);
    assert_same_counts(&plain, &other);
    size_t n_given = plain.log.size;
    state_rig_fini(&plain);
    state_rig_fini(&other);
    return n_given;
}

static void
a_reload_at_every_event_changes_nothing(void **state)
{
    (void)state;
    for (uint32_t rule = 0; rule < state_rig_rules(); rule++) {
        size_t n_given = 0;
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            n_given += compare_with_reloads(rule, seed);
        }
        assert_true(n_given > 0);
    }
}

static void
the_same_state_is_the_same_bytes(void **state)
{
    (void)state;
    for (uint32_t rule = 0; rule < state_rig_rules(); rule++) {
        state_rig a;
        state_rig b;
        setup_rig(&a, rule, 1);
        setup_rig(&b, rule, 1);
        assert_ok(state_rig_feed(&a, EVENTS));
        assert_ok(state_rig_feed(&b, EVENTS / 2));
        reload(&b);
        assert_ok(state_rig_feed(&b, EVENTS - EVENTS / 2));
        weiri_pack x = save(&a);
        weiri_pack y = save(&b);
        assert_int_equal(x.size, y.size);
        assert_memory_equal(x.bytes, y.bytes, x.size);
        weiri_pack_fini(&x);
        weiri_pack_fini(&y);
        state_rig_fini(&a);
        state_rig_fini(&b);
    }
}

/* Combinations that fork share what they hold: as text it would double with each event.
 */
static void
what_runs_share_is_written_once(void **state)
{
    (void)state;
    enum { FORKS = 3 };
    state_rig rig;
    setup_rig(&rig, FORKS, 4);
    size_t   largest = 0;
    uint64_t n_runs  = 0;
    for (uint32_t i = 0; i < EVENTS; i++) {
        assert_ok(state_rig_feed(&rig, 1));
        weiri_pack saved = save(&rig);
        if (weiri_matcher_counts(rig.matcher).live_runs > n_runs) {
            n_runs  = weiri_matcher_counts(rig.matcher).live_runs;
            largest = saved.size;
        }
        weiri_pack_fini(&saved);
    }
    assert_true(n_runs > 40);
    assert_true(largest < n_runs * 64 + (size_t)10 * 9000);
    state_rig_fini(&rig);
}

/* ---- another process ---- */

static bool
write_file(const char *path, const weiri_pack *bytes)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return false;
    }
    bool ok =
        bytes->size == 0 || fwrite(bytes->bytes, 1, bytes->size, file) == bytes->size;
    return fclose(file) == 0 && ok;
}

static size_t
read_file(const char *path, uint8_t *bytes, size_t capacity)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return 0;
    }
    size_t size = fread(bytes, 1, capacity, file);
    (void)fclose(file);
    return size;
}

enum { MAX_FILE = 4 << 20 };

/* The other process: load what is in the file, go on, and write what is given to it. */
static int
go_on(const char *path, const char *rule)
{
    uint8_t   *bytes = malloc(MAX_FILE);
    weir_error err   = { .status = WEIR_OK };
    state_rig  rig;
    if (bytes == NULL || !state_rig_init(&rig, (uint32_t)strtoul(rule, NULL, 10), 7)) {
        free(bytes);
        return 2;
    }
    size_t size = read_file(path, bytes, MAX_FILE);
    state_rig_pass(&rig, EVENTS / 2);
    int exit_code = 3;
    if (state_rig_load(&rig, bytes, size, &err) == WEIR_OK
        && state_rig_feed(&rig, EVENTS / 2) == WEIR_OK
        && state_rig_end(&rig) == WEIR_OK) {
        exit_code = write_file(path, &rig.log) ? 0 : 4;
    } else {
        fprintf(stderr, "%s\n", err.text);
    }
    state_rig_fini(&rig);
    free(bytes);
    return exit_code;
}

static void
run_other_process(const char *path, uint32_t rule)
{
    char number[16];
    (void)snprintf(number, sizeof number, "%u", rule);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "test_state", "--go-on", path, number, (char *)NULL);
        _exit(5);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void
another_process_goes_on_from_the_bytes(void **state)
{
    (void)state;
    char path[] = "/tmp/weir_state_XXXXXX";
    int  fd     = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    uint8_t *bytes = malloc(MAX_FILE);
    assert_non_null(bytes);
    for (uint32_t rule = 0; rule < state_rig_rules(); rule++) {
        state_rig rig;
        setup_rig(&rig, rule, 7);
        assert_ok(state_rig_feed(&rig, EVENTS / 2));
        weiri_pack saved = save(&rig);
        assert_true(write_file(path, &saved));
        run_other_process(path, rule);
        size_t before = rig.log.size;
        assert_ok(state_rig_feed(&rig, EVENTS / 2));
        assert_ok(state_rig_end(&rig));
        size_t size = read_file(path, bytes, MAX_FILE);
        assert_int_equal(size, rig.log.size - before);
        if (size > 0) {
            assert_memory_equal(bytes, rig.log.bytes + before, size);
        }
        weiri_pack_fini(&saved);
        state_rig_fini(&rig);
    }
    free(bytes);
    unlink(path);
}

/* ---- what is refused ---- */

static void
state_of_another_rule_is_refused(void **state)
{
    (void)state;
    for (uint32_t rule = 0; rule < state_rig_rules(); rule++) {
        state_rig rig;
        state_rig other;
        setup_rig(&rig, rule, 1);
        setup_rig(&other, (rule + 1) % state_rig_rules(), 1);
        assert_ok(state_rig_feed(&rig, 20));
        weiri_pack saved = save(&rig);
        weir_error err   = { .status = WEIR_OK };
        assert_int_equal(
            state_rig_load(&other, saved.bytes, saved.size, &err), WEIR_EDATA);
        assert_non_null(strstr(err.text, "the state cannot be loaded: it"));
        weiri_pack_fini(&saved);
        state_rig_fini(&rig);
        state_rig_fini(&other);
    }
}

static void
what_was_fed_takes_no_state(void **state)
{
    (void)state;
    for (uint32_t rule = 0; rule < state_rig_rules(); rule++) {
        state_rig rig;
        setup_rig(&rig, rule, 1);
        assert_ok(state_rig_feed(&rig, 20));
        weiri_pack saved = save(&rig);
        weir_error err   = { .status = WEIR_OK };
        assert_int_equal(
            state_rig_load_again(&rig, saved.bytes, saved.size, &err), WEIR_EINVAL);
        weiri_pack_fini(&saved);
        state_rig_fini(&rig);
    }
}

static void
every_cut_and_every_flipped_bit_is_refused(void **state)
{
    (void)state;
    for (uint32_t rule = 2; rule < state_rig_rules(); rule += 3) {
        state_rig rig;
        setup_rig(&rig, rule, 3);
        assert_ok(state_rig_feed(&rig, 30));
        weiri_pack saved = save(&rig);
        weir_error err   = { .status = WEIR_OK };
        size_t     step  = saved.size / 200 + 1;
        for (size_t i = 0; i < saved.size; i += step) {
            uint8_t bit = (uint8_t)(1U << i % 8);
            assert_int_equal(state_rig_load(&rig, saved.bytes, i, &err), WEIR_EDATA);
            saved.bytes[i] ^= bit;
            assert_int_equal(
                state_rig_load(&rig, saved.bytes, saved.size, &err), WEIR_EDATA);
            saved.bytes[i] ^= bit;
        }
        load(&rig, &saved);
        weiri_pack_fini(&saved);
        state_rig_fini(&rig);
    }
}

/* Write the hash that damaged bytes should have. */
static void
seal(weiri_pack *bytes)
{
    bytes->size -= WEIRI_SEAL_HASH;
    weiri_pack_fixed(bytes, weiri_checksum(WEIRI_HASH_BEGIN, bytes->bytes, bytes->size));
}

/* What a forged state makes of the matcher is not said, but that nothing breaks. */
static void
forged_bytes_are_refused_or_harmless(void **state)
{
    (void)state;
    for (uint32_t rule = 0; rule < state_rig_rules(); rule++) {
        state_rig rig;
        setup_rig(&rig, rule, 5);
        assert_ok(state_rig_feed(&rig, 40));
        weiri_pack saved     = save(&rig);
        size_t     n_refused = 0;
        size_t     step      = saved.size / 300 + 1;
        for (size_t i = 0; i + WEIRI_SEAL_HASH < saved.size; i += step) {
            weir_error err  = { .status = WEIR_OK };
            uint8_t    byte = saved.bytes[i];
            saved.bytes[i]  = (uint8_t)(byte + 1 + i % 255);
            seal(&saved);
            weir_status status = state_rig_load(&rig, saved.bytes, saved.size, &err);
            assert_true(status == WEIR_OK || status == WEIR_EDATA);
            n_refused += status != WEIR_OK;
            if (status == WEIR_OK) {
                assert_ok(state_rig_feed(&rig, 12));
                assert_ok(state_rig_end(&rig));
            }
            saved.bytes[i] = byte;
        }
        assert_true(n_refused > 20);
        weiri_pack_fini(&saved);
        state_rig_fini(&rig);
    }
}

int
main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--go-on") == 0) {
        return go_on(argv[2], argv[3]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reload_at_every_event_changes_nothing),
        cmocka_unit_test(the_same_state_is_the_same_bytes),
        cmocka_unit_test(what_runs_share_is_written_once),
        cmocka_unit_test(another_process_goes_on_from_the_bytes),
        cmocka_unit_test(state_of_another_rule_is_refused),
        cmocka_unit_test(what_was_fed_takes_no_state),
        cmocka_unit_test(every_cut_and_every_flipped_bit_is_refused),
        cmocka_unit_test(forged_bytes_are_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
