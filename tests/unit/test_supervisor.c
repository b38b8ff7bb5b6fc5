/* Failures, and what supervisors make of them. */
#include "actor_probe.h"

static weiri_address
spawn_under(weiri_node *node, probe *config, uint32_t shard, uint32_t level,
    weiri_address supervisor)
{
    weir_error             err     = { 0 };
    weiri_address          address = WEIRI_NOBODY;
    const weiri_actor_spec spec = { config->name, &probe_behaviour, config, shard, level,
        supervisor };
    assert_ok(weiri_node_spawn(node, &spec, &address, &err));
    return address;
}

/* Fails over the number 3, once or always. */
static weir_status
note_but_fail_at_3(weiri_actor *actor, probe *self, weiri_message *message)
{
    (void)actor;
    uint64_t number = message->as.words[0];
    if (number == 3) {
        return WEIR_EDATA;
    }
    probe_note(self, "%llu as message %llu", (unsigned long long)number,
        (unsigned long long)self->n);
    return WEIR_OK;
}

static weir_status
note_start(weiri_actor *actor, probe *self)
{
    (void)actor;
    probe_note(self, "start");
    return WEIR_OK;
}

static void
run_with(const weiri_supervisor_config *config, const char *expected, uint64_t n_dead)
{
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) {
        char             log[PROBE_LOG] = "";
        probe            child          = { .name = "c",
                                .log              = log,
                                .on_init          = note_start,
                                .on_message       = note_but_fail_at_3 };
        const rig_source source         = { .to = "c", .n = 6, .burst = 2 };
        weiri_node      *node           = rig_node(2, 2, 1 + (uint32_t)(seed % 3));
        weiri_address    s =
            rig_spawn(node, "s", &weiri_supervisor_behaviour, config, 1, WEIRI_CONTROL);
        spawn_under(node, &child, 0, 1, s);
        rig_spawn(node, NULL, &rig_source_behaviour, &source, 1, 0);
        rig_run(node, seed);
        weiri_shard_counts counts = weiri_node_get_counts(node, 0);
        rig_assert(seed, counts.n_dead[WEIRI_REASON_FAILED] == 1);
        rig_assert(seed, counts.n_dead[WEIRI_REASON_FAILED]
                                 + counts.n_dead[WEIRI_REASON_NOBODY]
                                 + counts.n_dead[WEIRI_REASON_STOPPED]
                             == n_dead);
        weiri_node_destroy(&node);
        if (strcmp(log, expected) != 0) {
            fail_msg("seed %llu:\n%s", (unsigned long long)seed, log);
        }
    }
}

static void
skip_goes_on_behind_the_message_with_the_state_as_it_was(void **state)
{
    const weiri_supervisor_config skip = { .verdict = WEIRI_SKIP };
    (void)state;
    run_with(&skip,
        "c start\nc 0 as message 1\nc 1 as message 2\nc 2 as message 3\n"
        "c 4 as message 5\nc 5 as message 6\nc fini\n",
        1);
}

static void
restart_begins_from_nothing_where_nothing_was_saved(void **state)
{
    const weiri_supervisor_config restart = { .verdict = WEIRI_RESTART,
        .max_restarts                                  = 1,
        .period_ns                                     = 1000000,
        .back_off_ns                                   = 1000,
        .max_back_off_ns                               = 1000 };
    (void)state;
    run_with(&restart,
        "c start\nc 0 as message 1\nc 1 as message 2\nc 2 as message 3\n"
        "c fini\nc start\nc 4 as message 1\nc 5 as message 2\nc fini\n",
        1);
}

static void
stop_makes_dead_letters_of_the_rest(void **state)
{
    const weiri_supervisor_config stop = { .verdict = WEIRI_STOP };
    (void)state;
    run_with(&stop,
        "c start\nc 0 as message 1\nc 1 as message 2\nc 2 as message 3\nc fini\n", 3);
}

/* ---- saved state ---- */

static weir_status
save_at_2_fail_at_4(weiri_actor *actor, probe *self, weiri_message *message)
{
    uint64_t number = message->as.words[0];
    if (number == 4) {
        return WEIR_EDATA;
    }
    probe_note(self, "%llu as message %llu", (unsigned long long)number,
        (unsigned long long)self->n);
    return number == 2 ? weiri_actor_save(actor) : WEIR_OK;
}

static void
restart_begins_from_the_last_saved_state(void **state)
{
    const weiri_supervisor_config restart = {
        .verdict = WEIRI_RESTART, .max_restarts = 1, .period_ns = 1000000
    };
    char  log[PROBE_LOG] = "";
    probe child          = { .name = "c", .log = log, .on_message = save_at_2_fail_at_4 };
    const rig_source source = { .to = "c", .n = 6 };
    (void)state;
    weiri_node   *node = rig_node(1, 2, 0);
    weiri_address s =
        rig_spawn(node, "s", &weiri_supervisor_behaviour, &restart, 0, WEIRI_CONTROL);
    weiri_address c = spawn_under(node, &child, 0, 1, s);
    rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
    rig_run(node, 1);
    assert_string_equal(log, "c 0 as message 1\nc 1 as message 2\nc 2 as message 3\n"
                             "c 3 as message 4\nc fini\nc 5 as message 4\n");
    weiri_actor_counts counts = weiri_node_get_actor_counts(node, c);
    assert_int_equal(counts.n_failures, 1);
    assert_int_equal(counts.n_restarts, 1);
    assert_int_equal(weiri_node_get_counts(node, 0).n_dead[WEIRI_REASON_FAILED], 1);
    weiri_node_destroy(&node);
}

/* ---- limits ---- */

static weir_status
always_fail(weiri_actor *actor, probe *self, weiri_message *message)
{
    (void)actor;
    (void)self;
    (void)message;
    return WEIR_EDATA;
}

static void
too_many_restarts_fail_the_supervisor_itself(void **state)
{
    const weiri_supervisor_config restart = {
        .verdict = WEIRI_RESTART, .max_restarts = 2, .period_ns = INT64_MAX
    };
    const weiri_simulation how    = { .seed = 1 };
    weir_error             err    = { 0 };
    probe                  child  = { .name = "c", .on_message = always_fail };
    const rig_source       source = { .to = "c", .n = 9 };
    (void)state;
    weiri_node   *node = rig_node(1, 2, 0);
    weiri_address s =
        rig_spawn(node, "s", &weiri_supervisor_behaviour, &restart, 0, WEIRI_CONTROL);
    spawn_under(node, &child, 0, 1, s);
    rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
    assert_int_equal(weiri_node_simulate(node, &how, &err), WEIR_EFULL);
    assert_string_equal(err.text, "actor 's': more than 2 restarts within the period");
    assert_int_equal(weiri_node_get_counts(node, 0).n_restarts, 2);
    weiri_node_destroy(&node);
}

/* The times of restarts, in what the clock said. */
static weir_status
note_time(weiri_actor *actor, probe *self)
{
    int64_t now = weiri_actor_now(actor, WEIRI_CLOCK_TIME);
    probe_note(self, "%s",
        now - (int64_t)self->n >= INT64_C(1000000000) ? "a second or more later"
                                                      : "at once");
    self->n = (uint64_t)now;
    return WEIR_OK;
}

static weir_status
fail_twice(weiri_actor *actor, probe *self, weiri_message *message)
{
    (void)actor;
    (void)self;
    return message->as.words[0] < 2 ? WEIR_EDATA : WEIR_OK;
}

static void
restarts_wait_for_the_back_off(void **state)
{
    const weiri_supervisor_config restart        = { .verdict = WEIRI_RESTART,
               .max_restarts                                  = 9,
               .period_ns                                     = INT64_MAX,
               .back_off_ns                                   = INT64_C(1000000000),
               .max_back_off_ns                               = INT64_MAX };
    char                          log[PROBE_LOG] = "";
    probe                         child          = {
                                         .name = "c", .log = log, .on_init = note_time, .on_message = fail_twice
    };
    const rig_source source = { .to = "c", .n = 5 };
    (void)state;
    weiri_node   *node = rig_node(1, 2, 0);
    weiri_address s =
        rig_spawn(node, "s", &weiri_supervisor_behaviour, &restart, 0, WEIRI_CONTROL);
    spawn_under(node, &child, 0, 1, s);
    rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
    rig_run(node, 1);
    assert_string_equal(log,
        "c a second or more later\nc fini\nc a second or more later\n"
        "c fini\nc a second or more later\n");
    weiri_node_destroy(&node);
}

/* ---- rest for one ---- */

static weir_status
note_number(weiri_actor *actor, probe *self, weiri_message *message)
{
    (void)actor;
    (void)message;
    (void)self;
    return WEIR_OK;
}

static void
rest_for_one_restarts_those_that_came_later_in_order(void **state)
{
    const weiri_supervisor_config restart        = { .verdict = WEIRI_RESTART,
               .strategy                                      = WEIRI_REST_FOR_ONE,
               .max_restarts                                  = 1,
               .period_ns                                     = INT64_MAX };
    char                          log[PROBE_LOG] = "";
    probe                         a = { .name = "a", .log = log, .on_init = note_start };
    probe                         b = { .name = "b", .log = log, .on_init = note_start };
    probe                         c = { .name = "c", .log = log, .on_init = note_start };
    const rig_source              source = { .to = "b", .n = 4 };
    (void)state;
    a.on_message       = note_number;
    b.on_message       = note_but_fail_at_3;
    c.on_message       = note_number;
    weiri_node   *node = rig_node(1, 2, 0);
    weiri_address s =
        rig_spawn(node, "s", &weiri_supervisor_behaviour, &restart, 0, WEIRI_CONTROL);
    spawn_under(node, &a, 0, 1, s);
    spawn_under(node, &b, 0, 1, s);
    spawn_under(node, &c, 0, 1, s);
    rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
    rig_run(node, 1);
    assert_string_equal(log, "a start\nb start\nc start\n"
                             "b 0 as message 1\nb 1 as message 2\nb 2 as message 3\n"
                             "b fini\nb start\nc fini\nc start\n");
    weiri_node_destroy(&node);
}

/* ---- any failure, anywhere ---- */

static weir_status
pass_on(weiri_actor *actor, probe *self, weiri_message *message)
{
    return probe_send(actor, self->to, message->as.words[0]);
}

/* Under faults that a seed chooses, each event is given, or is a dead letter. */
static void
nothing_is_lost_whoever_fails(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) {
        const weiri_supervisor_config how = { .verdict =
                                                  seed % 2 ? WEIRI_RESTART : WEIRI_SKIP,
            .strategy        = seed % 4 < 2 ? WEIRI_ONE_FOR_ONE : WEIRI_REST_FOR_ONE,
            .max_restarts    = 100000,
            .back_off_ns     = 100,
            .period_ns       = INT64_MAX,
            .max_back_off_ns = 10000 };
        enum { N = 300 };
        rig_sink         sink   = { 0 };
        probe            one    = { .name = "one", .on_message = pass_on, .to = "two" };
        probe            two    = { .name = "two", .on_message = pass_on, .to = "sink" };
        const rig_source source = { .to = "one", .n = N, .burst = 3 };
        weiri_node      *node   = rig_node(2, 4, 1 + (uint32_t)(seed % 9));
        weiri_address    s =
            rig_spawn(node, "s", &weiri_supervisor_behaviour, &how, 0, WEIRI_CONTROL);
        rig_spawn(node, "sink", &rig_sink_behaviour, &sink, 0, 3);
        spawn_under(node, &one, 1, 1, s);
        spawn_under(node, &two, 0, 2, s);
        rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
        rig_run_with(node, seed, 50000);
        uint64_t n_dead     = 0;
        uint64_t n_failures = 0;
        for (uint32_t i = 0; i < 2; i++) {
            weiri_shard_counts counts = weiri_node_get_counts(node, i);
            n_dead += counts.n_dead[WEIRI_REASON_FAILED];
            n_failures += counts.n_failures;
        }
        rig_assert(seed, n_failures > 0);
        rig_assert(seed, sink.n + n_dead == N);
        rig_assert(seed, sink.n_out_of_order == 0);
        weiri_node_destroy(&node);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skip_goes_on_behind_the_message_with_the_state_as_it_was),
        cmocka_unit_test(restart_begins_from_nothing_where_nothing_was_saved),
        cmocka_unit_test(stop_makes_dead_letters_of_the_rest),
        cmocka_unit_test(restart_begins_from_the_last_saved_state),
        cmocka_unit_test(too_many_restarts_fail_the_supervisor_itself),
        cmocka_unit_test(restarts_wait_for_the_back_off),
        cmocka_unit_test(rest_for_one_restarts_those_that_came_later_in_order),
        cmocka_unit_test(nothing_is_lost_whoever_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
