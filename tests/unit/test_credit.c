/* Mailboxes that are full slow their senders, back to the source, and never block who
 * could empty them. */
#include "actor_rig.h"

#include <stdio.h>
#include <string.h>

static const char *
name_of(uint32_t shard, uint32_t level, char out[16])
{
    snprintf(out, 16, "%u.%u", shard, level);
    return out;
}

enum { SHARDS = 4, LEVELS = 6 };

/* Each stage of a shard passes each number on to all shards in turn, which do the same a
 * level deeper: every shard sends to every other, and to itself, through mailboxes of a
 * few events. */
static void
run_wheel(uint64_t seed, uint32_t credit, uint64_t n)
{
    static char names[SHARDS][LEVELS][16];
    rig_stage   stages[SHARDS][LEVELS];
    rig_sink    sinks[SHARDS]   = { 0 };
    rig_source  sources[SHARDS] = { 0 };
    weiri_node *node            = rig_node(SHARDS, LEVELS, credit);
    for (uint32_t s = 0; s < SHARDS; s++) {
        rig_spawn(node, name_of(s, LEVELS - 1, names[s][LEVELS - 1]), &rig_sink_behaviour,
            &sinks[s], s, LEVELS - 1);
    }
    for (uint32_t level = LEVELS - 2; level > 0; level--) {
        for (uint32_t s = 0; s < SHARDS; s++) {
            stages[s][level] = (rig_stage){ .n_spread = SHARDS };
            for (uint32_t t = 0; t < SHARDS; t++) {
                stages[s][level].to[t] = names[(s + t) % SHARDS][level + 1];
            }
            rig_spawn(node, name_of(s, level, names[s][level]), &rig_stage_behaviour,
                &stages[s][level], s, level);
        }
    }
    for (uint32_t s = 0; s < SHARDS; s++) {
        sources[s] = (rig_source){
            .to = names[(s + 1) % SHARDS][1], .n = n, .burst = 1 + s, .n_rows = s % 3
        };
        rig_spawn(node, NULL, &rig_source_behaviour, &sources[s], s, 0);
    }
    rig_run(node, seed);
    uint64_t sum = 0;
    uint64_t got = 0;
    for (uint32_t s = 0; s < SHARDS; s++) {
        sum += sinks[s].sum;
        got += sinks[s].n;
    }
    rig_assert(seed, got == n * SHARDS);
    rig_assert(seed, sum == SHARDS * (n * (n - 1) / 2));
    weiri_node_destroy(&node);
}

static void
a_wheel_of_actors_that_send_to_each_other_never_locks(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) {
        run_wheel(seed, 1 + (uint32_t)(seed % 7), 60);
    }
}

/* The sink says "not now" to each tenth message and lets time pass. */
static void
run_slow_sink(uint64_t seed, uint32_t sink_shard, uint32_t n_shards)
{
    enum { N = 400, CREDIT = 16 };
    uint64_t         n_given = 0;
    const rig_source source  = { .to = "1", .n = N, .burst = 2, .n_given = &n_given };
    const rig_stage  stage   = { .to = { "sink" } };
    rig_sink         sink = { .n_given = &n_given, .wait_every = 10, .wait_ns = 1000000 };
    weiri_node      *node = rig_node(n_shards, 3, CREDIT);
    rig_spawn(node, "sink", &rig_sink_behaviour, &sink, sink_shard, 2);
    rig_spawn(node, "1", &rig_stage_behaviour, &stage, 0, 1);
    rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
    rig_run(node, seed);
    rig_assert(seed, sink.n == N && sink.sum == (uint64_t)N * (N - 1) / 2);
    rig_assert(seed, sink.n_out_of_order == 0);
    /* What the source has given and the sink has not got: a mailbox, what is on the way,
     * and what one wake gives. */
    rig_assert(seed, sink.max_lead <= 2 * CREDIT + 8);
    weiri_node_destroy(&node);
}

static void
a_slow_sink_slows_the_source_on_its_own_shard(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) {
        run_slow_sink(seed, 0, 1);
    }
}

static void
a_slow_sink_slows_the_source_of_another_shard(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) {
        run_slow_sink(seed, 1, 2);
    }
}

/* Ten million events, in messages of a thousand, pile up nowhere. */
static void
memory_is_flat_behind_a_slow_sink(void **state)
{
    enum { N = 10000, ROWS = 1000, CREDIT = 16 * ROWS };
    uint64_t         n_given = 0;
    const rig_source source  = { .to = "1", .n = N, .n_rows = ROWS, .n_given = &n_given };
    const rig_stage  stage   = { .to = { "sink" } };
    rig_sink sink = { .n_given = &n_given, .wait_every = 100, .wait_ns = 1000000 };
    (void)state;
    weiri_node *node = rig_node(2, 3, CREDIT);
    rig_spawn(node, "sink", &rig_sink_behaviour, &sink, 1, 2);
    rig_spawn(node, "1", &rig_stage_behaviour, &stage, 0, 1);
    rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
    rig_run(node, 1);
    assert_int_equal(sink.n, N);
    assert_true(sink.max_lead <= 2 * CREDIT / ROWS + 8);
    assert_true(weiri_node_get_counts(node, 1).max_waiting <= CREDIT + 2 * ROWS);
    weiri_node_destroy(&node);
}

/* ---- who waits for whom ---- */

/* Takes nothing, ever. */
static weir_status
refuse(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    (void)actor;
    (void)state;
    (void)message;
    (void)err;
    return WEIR_EAGAIN;
}

static const weiri_behaviour refuser = {
    .size = sizeof(weiri_behaviour), .name = "refuser", .on_message = refuse
};

static void
who_waits_for_whom_can_be_asked(void **state)
{
    const rig_source       source = { .to = "refuser", .n = 1000 };
    const weiri_simulation how    = { .seed = 1 };
    weir_error             err    = { 0 };
    weiri_wait             waits[4];
    (void)state;
    weiri_node *node = rig_node(2, 3, 8);
    rig_spawn(node, "refuser", &refuser, NULL, 1, 2);
    rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
    assert_int_equal(weiri_node_simulate(node, &how, &err), WEIR_EFULL);
    assert_string_equal(
        err.text, "the node is stuck: shard 0, level 2 waits for shard 1 (1 messages)");
    assert_int_equal(weiri_node_get_waits(node, waits, 4), 2);
    assert_int_equal(waits[0].shard, 0);
    assert_int_equal(waits[0].on_shard, 1);
    assert_int_equal(waits[1].shard, 1);
    assert_int_equal(waits[1].on_shard, 1);
    assert_int_equal(waits[1].n_events, 8);
    weiri_node_destroy(&node);
}

/* ---- what may not be ---- */

static weir_status
send_back(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    weiri_message back     = { .to = message->from, .kind = KIND_NUMBER };
    weir_status **statuses = state;
    (void)err;
    **statuses = weiri_actor_send(actor, &back);
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

static void
an_event_to_a_shallower_level_is_refused(void **state)
{
    static const weiri_behaviour back   = { .size = sizeof(weiri_behaviour),
          .name                                   = "back",
          .state_size                             = sizeof(void *),
          .init                                   = remember,
          .on_message                             = send_back };
    const rig_source             source = { .to = "back", .n = 1 };
    weir_status                  status = WEIR_OK;
    (void)state;
    weiri_node *node = rig_node(1, 2, 0);
    rig_spawn(node, "back", &back, &status, 0, 1);
    rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
    rig_run(node, 1);
    assert_int_equal(status, WEIR_EINVAL);
    weiri_node_destroy(&node);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wheel_of_actors_that_send_to_each_other_never_locks),
        cmocka_unit_test(a_slow_sink_slows_the_source_on_its_own_shard),
        cmocka_unit_test(a_slow_sink_slows_the_source_of_another_shard),
        cmocka_unit_test(memory_is_flat_behind_a_slow_sink),
        cmocka_unit_test(who_waits_for_whom_can_be_asked),
        cmocka_unit_test(an_event_to_a_shallower_level_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
