/* A node on threads, and the same node simulated: what comes out is the same. */
#define _DEFAULT_SOURCE /* setitimer */

#include "actor_probe.h"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

/* source and sink on shard 0, stages on the shards in turn. */
static void
build_chain(weiri_node *node, const rig_source *source, rig_sink *sink,
    rig_stage stages[], uint32_t n_stages, uint32_t n_shards)
{
    static const char *const names[] = { "1", "2", "3", "4", "5", "6", "7", "8" };
    for (uint32_t i = 0; i < n_stages; i++) {
        stages[i] = (rig_stage){ .to = { i + 1 < n_stages ? names[i + 1] : "sink" } };
        rig_spawn(node, names[i], &rig_stage_behaviour, &stages[i], i % n_shards, i + 1);
    }
    rig_spawn(node, "sink", &rig_sink_behaviour, sink, 0, n_stages + 1);
    rig_spawn(node, "source", &rig_source_behaviour, source, 0, 0);
}

static void
run_chain(uint32_t n_shards, uint64_t n, uint32_t credit, uint64_t seed)
{
    const rig_source source = { .to = "1", .n = n, .burst = 3, .ends = true };
    rig_sink         sink   = { 0 };
    rig_stage        stages[5];
    weiri_node      *node = rig_node(n_shards, 7, credit);
    build_chain(node, &source, &sink, stages, 5, n_shards);
    rig_run(node, seed);
    rig_assert(seed, sink.n == n);
    rig_assert(seed, sink.sum == n * (n - 1) / 2);
    rig_assert(seed, sink.n_out_of_order == 0);
    weiri_node_destroy(&node);
}

static void
a_chain_on_one_shard_delivers_everything_in_order(void **state)
{
    (void)state;
    run_chain(1, 10000, 0, 0);
}

static void
a_chain_across_threads_delivers_everything_in_order(void **state)
{
    (void)state;
    run_chain(2, 20000, 0, 0);
    run_chain(3, 20000, 64, 0);
}

static void
a_chain_delivers_everything_in_order_however_it_is_scheduled(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) {
        run_chain(1 + (uint32_t)(seed % 4), 300, 1 + (uint32_t)(seed % 50), seed);
    }
}

/* ---- chunks ---- */

static const weir_field  number_field[] = { { .name = "number", .type = WEIR_INT } };
static const weir_schema numbers        = {
           .name = "numbers", .fields = number_field, .n_fields = 1
};

enum { N_CHUNKS = 300, N_ROWS = 64 };

/* Makes chunks and gives each to two readers on other threads, and keeps one reference
 * for a while. */
static weir_status
give_chunks(weiri_actor *actor, probe *self, weiri_message *message)
{
    weir_chunk *made = NULL;
    (void)message;
    assert_ok(weir_chunk_new(&numbers, NULL, &made));
    for (uint32_t row = 0; row < N_ROWS; row++) {
        made->columns[0].as.i[row] = (int64_t)(self->n * N_ROWS + row);
    }
    made->n_rows            = N_ROWS;
    const weir_chunk *other = weir_chunk_ref(made);
    const weir_chunk *chunk = made;
    weiri_message     one =
        weiri_message_of_chunk(weiri_actor_resolve(actor, "one"), KIND_NUMBER, &chunk);
    weiri_message two =
        weiri_message_of_chunk(weiri_actor_resolve(actor, "two"), KIND_NUMBER, &other);
    assert_ok(weiri_actor_send(actor, &one));
    assert_ok(weiri_actor_send(actor, &two));
    if (self->n < N_CHUNKS) {
        weiri_actor_wake(actor);
    } else {
        weiri_actor_end_node(actor);
    }
    return WEIR_OK;
}

static weir_status
wake(weiri_actor *actor, probe *self)
{
    (void)self;
    weiri_actor_wake(actor);
    return WEIR_OK;
}

static void
add_chunk(rig_sink *totals, const weir_chunk *chunk)
{
    for (uint32_t row = 0; row < chunk->n_rows; row++) {
        totals->sum += (uint64_t)chunk->columns[0].as.i[row];
        totals->n++;
    }
}

/* Every other chunk is kept beyond the call. */
static weir_status
read_chunk(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    rig_sink **totals = state;
    (void)actor;
    (void)err;
    if ((*totals)->n % (2 * N_ROWS) == 0) {
        const weir_chunk *chunk = weiri_message_take_chunk(message);
        add_chunk(*totals, chunk);
        weir_chunk_unref(&chunk);
    } else {
        add_chunk(*totals, message->as.chunk.chunk);
    }
    return WEIR_OK;
}

static weir_status
remember(weiri_actor *actor, void *state, const void *config, weir_error *err)
{
    (void)actor;
    (void)err;
    memcpy(state, &config, sizeof config);
    return WEIR_OK;
}

static const weiri_behaviour reader = { .size = sizeof(weiri_behaviour),
    .name                                     = "reader",
    .state_size                               = sizeof(void *),
    .init                                     = remember,
    .on_message                               = read_chunk };

static void
one_chunk_is_read_on_several_threads_without_a_copy(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        rig_sink    one  = { 0 };
        rig_sink    two  = { 0 };
        probe       a    = { .name = "a", .on_init = wake, .on_message = give_chunks };
        weiri_node *node = rig_node(3, 2, 8 * N_ROWS);
        rig_spawn(node, "one", &reader, &one, 1, 1);
        rig_spawn(node, "two", &reader, &two, 2, 1);
        rig_spawn(node, "a", &probe_behaviour, &a, 0, 0);
        rig_run(node, seed);
        const uint64_t n = (uint64_t)N_CHUNKS * N_ROWS;
        rig_assert(seed, one.n == n && two.n == n);
        rig_assert(seed, one.sum == two.sum);
        weiri_node_destroy(&node);
    }
}

/* ---- the end ---- */

static weir_status
fail_at_50(weiri_actor *actor, probe *self, weiri_message *message)
{
    (void)actor;
    (void)message;
    return self->n == 50 ? WEIR_EDATA : WEIR_OK;
}

static void
a_failure_on_any_thread_ends_the_node_and_what_is_under_way_is_freed(void **state)
{
    (void)state;
    for (uint32_t shard = 0; shard < 3; shard++) {
        probe       a    = { .name = "a", .on_init = wake, .on_message = give_chunks };
        probe       bad  = { .name = "bad", .on_message = fail_at_50 };
        rig_sink    two  = { 0 };
        weir_error  err  = { 0 };
        weiri_node *node = rig_node(3, 2, 8 * N_ROWS);
        rig_spawn(node, "one", &probe_behaviour, &bad, shard, 1);
        rig_spawn(node, "two", &reader, &two, 2, 1);
        rig_spawn(node, "a", &probe_behaviour, &a, 0, 0);
        assert_int_equal(weiri_node_run(node, &err), WEIR_EDATA);
        assert_string_equal(err.text, "actor 'one': input cannot be decoded");
        weiri_node_destroy(&node);
    }
}

static bool
is_asked(void *context)
{
    uint32_t *n = context;
    return ++*n > 3;
}

static void
a_node_ends_when_it_is_asked_to(void **state)
{
    uint32_t                n      = 0;
    const weiri_node_config config = {
        .n_shards = 2, .n_levels = 3, .should_end = is_asked, .context = &n
    };
    const rig_source source = { .to = "sink", .n = UINT64_MAX };
    rig_sink         sink   = { 0 };
    weir_error       err    = { 0 };
    weiri_node      *node   = NULL;
    (void)state;
    assert_ok(weiri_node_new(&config, &node, &err));
    rig_spawn(node, "sink", &rig_sink_behaviour, &sink, 1, 2);
    rig_spawn(node, "source", &rig_source_behaviour, &source, 0, 0);
    assert_ok(weiri_node_run(node, &err));
    assert_int_equal(sink.n_out_of_order, 0);
    weiri_node_destroy(&node);
}

static void
a_node_runs_once(void **state)
{
    const rig_source source = { .to = "sink", .n = 1, .ends = true };
    rig_sink         sink   = { 0 };
    weir_error       err    = { 0 };
    (void)state;
    weiri_node *node = rig_node(1, 2, 0);
    rig_spawn(node, "sink", &rig_sink_behaviour, &sink, 0, 1);
    rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
    assert_ok(weiri_node_run(node, &err));
    assert_int_equal(weiri_node_run(node, &err), WEIR_EINVAL);
    assert_string_equal(err.text, "a node runs once");
    weiri_node_destroy(&node);
}

/* ---- files ---- */

static weir_status
wait_for_file(weiri_actor *actor, probe *self)
{
    return weiri_actor_wake_when_readable(actor, (int)self->n);
}

static weir_status
read_file(weiri_actor *actor, probe *self, weiri_message *message)
{
    char    text[16] = "";
    int     fd       = (int)(uintptr_t)self->to;
    ssize_t n        = read(fd, text, sizeof text - 1);
    assert_int_equal(message->kind, WEIRI_KIND_WAKE);
    probe_note(self, "%zd %s", n, text);
    if (n == 0) {
        weiri_actor_end_node(actor);
        return WEIR_OK;
    }
    return weiri_actor_wake_when_readable(actor, fd);
}

static weir_status
write_file(weiri_actor *actor, probe *self, uint64_t tag)
{
    (void)actor;
    if (tag == 0) {
        assert_int_equal(write((int)self->n, "hello", 5), 5);
    } else {
        close((int)self->n);
    }
    return WEIR_OK;
}

static weir_status
set_two_timers(weiri_actor *actor, probe *self)
{
    int64_t now = weiri_actor_now(actor, WEIRI_CLOCK_TIME);
    (void)self;
    assert_ok(weiri_actor_set_timer(actor, WEIRI_CLOCK_TIME, now + 1000000, 0, NULL));
    return weiri_actor_set_timer(actor, WEIRI_CLOCK_TIME, now + 3000000, 1, NULL);
}

static void
a_file_wakes_who_waits_for_it(void **state)
{
    char log[PROBE_LOG] = "";
    int  fds[2];
    (void)state;
    assert_int_equal(pipe(fds), 0);
    probe       r    = { .name = "r",
                 .log          = log,
                 .on_init      = wait_for_file,
                 .on_message   = read_file,
                 .to           = (const char *)(uintptr_t)fds[0],
                 .n            = (uint64_t)fds[0] };
    probe       w    = { .name = "w",
                 .on_init      = set_two_timers,
                 .on_timer     = write_file,
                 .n            = (uint64_t)fds[1] };
    weiri_node *node = rig_node(2, 2, 0);
    rig_spawn(node, "r", &probe_behaviour, &r, 0, 0);
    rig_spawn(node, "w", &probe_behaviour, &w, 1, 0);
    rig_run(node, 0);
    assert_string_equal(log, "r 5 hello\nr 0 \n");
    weiri_node_destroy(&node);
    close(fds[0]);
}

/* ---- reports ---- */

static weir_status
inspect(weiri_actor *actor, probe *self)
{
    uint32_t id = 0;
    (void)self;
    assert_int_equal(
        weiri_actor_inspect(actor, 2, INT64_C(60000000000), &id), WEIR_EINVAL);
    return weiri_actor_inspect(actor, 1, INT64_C(60000000000), &id);
}

static weir_status
take_report(weiri_actor *actor, probe *self, weiri_message *message)
{
    const weiri_shard_report *report = message->as.block.bytes;
    assert_int_equal(message->kind, WEIRI_KIND_REPORT);
    assert_int_equal(message->as.block.size, sizeof *report);
    assert_int_equal(report->counts.n_actors, 1);
    probe_note(self, "report");
    weiri_actor_end_node(actor);
    return WEIR_OK;
}

static void
a_shard_that_runs_tells_what_it_did(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        char  log[PROBE_LOG] = "";
        probe a              = {
                         .name = "a", .log = log, .on_init = inspect, .on_message = take_report
        };
        probe       b    = { .name = "b" };
        weiri_node *node = rig_node(2, 1, 0);
        rig_spawn(node, "a", &probe_behaviour, &a, 0, 0);
        rig_spawn(node, "b", &probe_behaviour, &b, 1, 0);
        rig_run(node, seed);
        rig_assert(seed, strcmp(log, "a report\n") == 0);
        weiri_node_destroy(&node);
    }
}

/* ---- signals ---- */

enum { N_NODES = 500 };

static void
do_nothing(int number)
{
    (void)number;
}

/* As where the control socket wakes a node that takes other rules. */
static void
signals_end_no_node(void **state)
{
    const struct itimerval often  = { { 0, 50 }, { 0, 50 } }; /* each 50 us */
    const struct itimerval never  = { { 0, 0 }, { 0, 0 } };
    struct sigaction       action = { .sa_handler = do_nothing };
    (void)state;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (uint32_t i = 0; i < N_NODES; i++) {
        run_chain(2, 30, 0, 0);
    }
    setitimer(ITIMER_REAL, &never, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_on_one_shard_delivers_everything_in_order),
        cmocka_unit_test(a_chain_across_threads_delivers_everything_in_order),
        cmocka_unit_test(a_chain_delivers_everything_in_order_however_it_is_scheduled),
        cmocka_unit_test(one_chunk_is_read_on_several_threads_without_a_copy),
        cmocka_unit_test(
            a_failure_on_any_thread_ends_the_node_and_what_is_under_way_is_freed),
        cmocka_unit_test(a_node_ends_when_it_is_asked_to),
        cmocka_unit_test(a_node_runs_once),
        cmocka_unit_test(a_file_wakes_who_waits_for_it),
        cmocka_unit_test(a_shard_that_runs_tells_what_it_did),
        cmocka_unit_test(signals_end_no_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
