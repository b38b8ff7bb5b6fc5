/* What a source takes in where the tape has no room for more of it. */
#define _POSIX_C_SOURCE 200809L

#include "weir_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test_place.h"
#include "weiri/dsl.h"
#include "weiri/engine.h"

enum { BYTES = 1024, MOST = 70 /* bytes a read: two events and the beginning of one */ };

static const char EVENTS[] = "{\"at\":1000,\"n\":1}\n"
                             "{\"at\":9000,\"n\":2}\n"
                             "{\"at\":8500,\"n\":3}\n"
                             "{\"at\":2000,\"n\":4}\n"
                             "none\n"
                             "{\"at\":12000,\"n\":5}\n"
                             "{\"at\":11500,\"n\":6}\n"
                             "{\"at\":4000,\"n\":7}\n"
                             "{\"at\":20000,\"n\":8}\n";

/* A tape of one source, and the room that it has. */
typedef struct reel {
    char   bytes[BYTES];
    size_t size;
    size_t room;
} reel;

static weir_status
record(void *context, uint32_t source, uint64_t position, const char *bytes, size_t size,
    weir_error *err)
{
    reel *self = context;
    (void)source;
    assert_int_equal(position, self->size);
    if (self->size + size > self->room) {
        return WEIR_FAIL(err, WEIR_ENOSPC, "no room");
    }
    memcpy(self->bytes + self->size, bytes, size);
    self->size += size;
    return WEIR_OK;
}

static weir_status
play(void *context, uint32_t source, uint64_t position, uint32_t n_idle, char *bytes,
    size_t size, size_t *n, int64_t *to_ns, weir_error *err)
{
    const reel *self = context;
    (void)source;
    (void)n_idle;
    (void)to_ns;
    (void)err;
    if (position >= self->size) {
        return WEIR_EOF;
    }
    *n = self->size - position < size ? self->size - (size_t)position : size;
    memcpy(bytes, self->bytes + position, *n);
    return WEIR_OK;
}

static weiri_plan *
compile(const struct place *place)
{
    const weiri_compile_options options     = { .with_tests = false };
    weiri_diagnostics          *diagnostics = NULL;
    weiri_plan                 *plan        = NULL;
    weir_error                  err         = { 0 };
    char                        text[BYTES];
    int                         size = snprintf(text, sizeof text,
                                "stream r { at time unit ms, n int }\n"
                                                        "source r from stdin() format json lateness 1s\n"
                                                        "rule in_time { from r emit taken { n } }\n"
                                                        "rule later { from late.r emit late { n } }\n"
                                                        "rule lost { from dead.r emit dead { line } }\n"
                                                        "sink taken to file(\"%s/taken\") format json\n"
                                                        "sink late to file(\"%s/late\") format json\n"
                                                        "sink dead to file(\"%s/dead\") format json\n",
                                place->dir, place->dir, place->dir);
    assert_ok(weiri_diagnostics_new(&diagnostics));
    if (weiri_compile_text(
            "rules", text, (size_t)size, &options, diagnostics, &plan, &err)
        != WEIR_OK) {
        weiri_diagnostics_print(diagnostics, stderr, false);
        fail();
    }
    weiri_diagnostics_destroy(&diagnostics);
    return plan;
}

/* A run that is fed what its tape does not have. Returns what its last turn gave. */
static weir_status
run(const weiri_plan *plan, reel *kept, weiri_sections *state)
{
    char                 path[32];
    int                  ends[2];
    const weiri_redirect from    = { .path = path };
    const weiri_restore  restore = { .sections = state };
    const weiri_tape     tape    = {
               .context = kept, .most = MOST, .record = record, .play = play
    };
    const weiri_engine_options options = { .redirects = &from,
        .n_redirects                                  = 1,
        .tape                                         = &tape,
        .restore                                      = state->n > 0 ? &restore : NULL };
    weiri_engine              *engine  = NULL;
    weir_error                 err     = { 0 };
    weir_status                status  = WEIR_OK;
    size_t                     n       = sizeof EVENTS - 1 - kept->size;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], EVENTS + kept->size, n), n);
    close(ends[1]);
    (void)snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_ok(weiri_engine_new(plan, &options, &engine, &err));
    while (status == WEIR_OK) {
        status = weiri_engine_turn(engine, &err);
    }
    weiri_sections_fini(state);
    if (status == WEIR_EOF) {
        assert_ok(weiri_engine_end(engine, &err));
        assert_ok(weiri_engine_close(engine, &err));
    } else {
        assert_ok(weiri_engine_flush(engine, &err));
        assert_ok(weiri_engine_save(engine, state, &err));
    }
    weiri_engine_destroy(&engine);
    close(ends[0]);
    return status;
}

static void
assert_written(const struct place *place, const char *name, const char *want)
{
    char path[128];
    char got[BYTES] = { 0 };
    (void)snprintf(path, sizeof path, "%s/%s", place->dir, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_true(fread(got, 1, sizeof got - 1, file) < sizeof got - 1);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(got, want);
}

static void
a_run_that_is_saved_where_the_tape_has_no_room_goes_on_as_one_that_never_stopped(
    void **state)
{
    const struct place *place   = *state;
    weiri_plan         *plan    = compile(place);
    uint32_t            n_stops = 0;
    for (size_t room = 0; room <= sizeof EVENTS - 1; room++) {
        reel           kept   = { .room = room };
        weiri_sections saved  = { 0 };
        weir_status    status = run(plan, &kept, &saved);
        n_stops += status == WEIR_ENOSPC;
        kept.room = sizeof kept.bytes;
        if (status == WEIR_ENOSPC) {
            status = run(plan, &kept, &saved);
        }
        assert_int_equal(status, WEIR_EOF);
        assert_written(place, "taken",
            "{\"n\":1}\n{\"n\":3}\n{\"n\":2}\n{\"n\":6}\n{\"n\":5}\n{\"n\":8}\n");
        assert_written(place, "late", "{\"n\":4}\n{\"n\":7}\n");
        assert_written(place, "dead", "{\"line\":5}\n");
    }
    assert_int_equal(n_stops, sizeof EVENTS - 1);
    weiri_plan_destroy(&plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_run_that_is_saved_where_the_tape_has_no_room_goes_on_as_one_that_never_stopped,
            make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
