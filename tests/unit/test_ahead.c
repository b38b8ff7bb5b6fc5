/* How far a node of a cluster reads its own sources while another holds time back. */
#include "weir_test.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_place.h"
#include "weiri/cluster.h"
#include "weiri/dsl.h"
#include "weiri/engine.h"
#include "weiri/limits.h"
#include "weiri/links.h"

enum { EVENTS = 2 * WEIRI_AHEAD_ROWS, TURNS = EVENTS / WEIRI_CHUNK_ROWS };

static const char *const NAMES[] = { "here", "away" };

/* ---- links whose other end is never there ---- */

static uint32_t
find_peer(void *context, const char *name)
{
    (void)context;
    return strcmp(name, NAMES[0]) == 0 ? 0 : 1;
}

static const char *
name_peer(void *context, uint32_t peer)
{
    (void)context;
    return NAMES[peer];
}

static bool
may_always(void *context, uint32_t peer, const char *stream)
{
    (void)context;
    (void)peer;
    (void)stream;
    return true;
}

static bool
send_nothing(void *context, uint32_t peer, const uint8_t *bytes, size_t size)
{
    (void)context;
    (void)peer;
    (void)bytes;
    (void)size;
    return false;
}

static weir_status
receive_nothing(void *context, weiri_links_event *event, weir_error *err)
{
    (void)context;
    (void)event;
    (void)err;
    return WEIR_EAGAIN;
}

static int64_t
standing_clock(void *context)
{
    (void)context;
    return 0;
}

/* ---- a run of some turns ---- */

static bool
wants_rest(void *context)
{
    return *(uint32_t *)context == 0;
}

static weir_status
between(void *context, weiri_engine *engine, bool is_at_rest, weir_status last,
    weir_error *err)
{
    uint32_t *left = context;
    (void)engine;
    (void)is_at_rest;
    (void)err;
    assert_ok(last);
    return *left > 0 && (*left)-- > 0 ? WEIR_OK : WEIR_EOF;
}

static void
write_events(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int64_t i = 0; i < EVENTS; i++) {
        fprintf(
            file, "{\"at\":%" PRId64 ",\"k\":%" PRId64 "}\n", 1767225600000 + i, i % 50);
    }
    assert_int_equal(fclose(file), 0);
}

static weiri_plan *
compile(const char *path)
{
    const weiri_compile_options options     = { .with_tests = false };
    weiri_diagnostics          *diagnostics = NULL;
    weiri_plan                 *plan        = NULL;
    weir_error                  err         = { 0 };
    char                        text[512];
    int                         size = snprintf(text, sizeof text,
                                "stream txn { at time unit ms, k int }\n"
                                                        "source txn from file(\"%s\") format json\n"
                                                        "rule n {\n  from txn\n  by k\n  window tumbling 1s\n  emit n { k, n: count() "
                                                        "}\n}\n",
                                path);
    assert_ok(weiri_diagnostics_new(&diagnostics));
    assert_ok(weiri_compile_text(
        "rules", text, (size_t)size, &options, diagnostics, &plan, &err));
    weiri_diagnostics_destroy(&diagnostics);
    assert_ok(weiri_cluster_spread(plan, "pair", NAMES, 2, 0, &err));
    return plan;
}

/* How many events it takes in, in as many turns as would be enough for all of them. */
static uint64_t
take_in(const struct place *place, uint64_t backlog_bytes)
{
    weir_error err = { 0 };
    write_events(place->path);
    weiri_plan               *plan   = compile(place->path);
    weiri_links              *links  = NULL;
    weiri_engine             *engine = NULL;
    uint32_t                  left   = 2 * TURNS;
    uint64_t                  seed   = 1;
    const weiri_links_config  config = { .self = NAMES[0],
         .transport                            = { .find = find_peer,
                                        .name            = name_peer,
                                        .may_send        = may_always,
                                        .may_read        = may_always,
                                        .send            = send_nothing,
                                        .receive         = receive_nothing },
         .now                                  = standing_clock };
    const weiri_engine_keeper keeper = {
        .wants_rest = wants_rest, .between = between, .context = &left
    };
    assert_ok(weiri_links_new(&config, &links, &err));
    const weiri_engine_options options = { .n_shards = 2,
        .links                                       = links,
        .keeper                                      = &keeper,
        .seed                                        = &seed,
        .folder                                      = place->dir,
        .backlog_bytes                               = backlog_bytes };
    assert_ok(weiri_engine_new(plan, &options, &engine, &err));
    assert_ok(weiri_engine_run(engine, &err));
    uint64_t n = weiri_engine_get_counts(engine).n_events;
    weiri_engine_destroy(&engine);
    weiri_links_destroy(&links);
    weiri_plan_destroy(&plan);
    return n;
}

static void
a_node_reads_on_while_another_is_away_up_to_a_bound(void **state)
{
    assert_int_equal(take_in(*state, 0), WEIRI_AHEAD_ROWS);
}

static void
what_the_other_has_no_room_for_is_not_read(void **state)
{
    enum { BACKLOG = 64 << 10 };
    uint64_t n = take_in(*state, BACKLOG);
    assert_true(n > WEIRI_CHUNK_ROWS);
    assert_true(n < WEIRI_AHEAD_ROWS / 8);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_node_reads_on_while_another_is_away_up_to_a_bound, make_place,
            remove_place),
        cmocka_unit_test_setup_teardown(
            what_the_other_has_no_room_for_is_not_read, make_place, remove_place),
    };
    return cmocka_run_group_tests_name("ahead", tests, NULL, NULL);
}
