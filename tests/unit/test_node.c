/* A node on threads, and the same node simulated: what comes out is the same. */
#include "actor_rig.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_on_one_shard_delivers_everything_in_order),
        cmocka_unit_test(a_chain_across_threads_delivers_everything_in_order),
        cmocka_unit_test(a_chain_delivers_everything_in_order_however_it_is_scheduled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
