/* Actors for the tests of the runtime: what they do is said by their config.
 *
 * A source gives numbers 0, 1, 2 … in messages of KIND_NUMBER, a stage passes them on, a
 * sink adds them up. Totals go to where the config points: each actor writes its own.
 */
#ifndef ACTOR_RIG_H
#define ACTOR_RIG_H

#include "weir_test.h"

#include <stdlib.h>

#include "weiri/assert.h"
#include "weiri/limits.h"
#include "weiri/node.h"

enum { KIND_NUMBER = WEIRI_KIND_USER, KIND_OTHER };

typedef struct rig_source {
    const char *to;      /* name of an actor, or of a family            */
    uint64_t    n;       /* how many                                    */
    uint64_t    n_keys;  /* of a family                                 */
    uint32_t    burst;   /* messages a wake                             */
    uint32_t    n_rows;  /* each stands for                             */
    bool        ends;    /* the node, after the last                    */
    uint64_t   *n_given; /* may be NULL: written                        */
} rig_source;

typedef struct rig_sink {
    uint64_t        n;
    uint64_t        sum;
    uint64_t        n_out_of_order; /* from one sender                       */
    uint64_t        max_lead;       /* of the source: numbers given, not here */
    const uint64_t *n_given;
    uint32_t        wait_every; /* says "not now" to each so many-th; 0: never */
    int64_t         wait_ns;    /* and takes up again after that             */
} rig_sink;

typedef struct rig_stage {
    const char *to[4];    /* passes a number on to each; NULL: no more     */
    uint32_t    n_spread; /* > 0: to one of the first n_spread, by the number */
} rig_stage;

extern const weiri_behaviour rig_source_behaviour;
extern const weiri_behaviour rig_stage_behaviour;
extern const weiri_behaviour rig_sink_behaviour;

static inline weiri_address
rig_spawn(weiri_node *node, const char *name, const weiri_behaviour *behaviour,
    const void *config, uint32_t shard, uint32_t level)
{
    weir_error             err     = { 0 };
    weiri_address          address = WEIRI_NOBODY;
    const weiri_actor_spec spec    = { .name = name,
           .behaviour                        = behaviour,
           .config                           = config,
           .shard                            = shard,
           .level                            = level };
    weir_status            status  = weiri_node_spawn(node, &spec, &address, &err);
    if (status != WEIR_OK) {
        fail_msg("%s", err.text);
    }
    return address;
}

static inline weiri_node *
rig_node(uint32_t n_shards, uint32_t n_levels, uint32_t credit)
{
    const weiri_node_config config = {
        .n_shards = n_shards, .n_levels = n_levels, .credit = credit, .mailbox = credit
    };
    weir_error  err  = { 0 };
    weiri_node *node = NULL;
    assert_int_equal(weiri_node_new(&config, &node, &err), WEIR_OK);
    return node;
}

/* Runs it on threads (seed 0) or simulated, and fails the test with the seed. */
static inline void
rig_run_with(weiri_node *node, uint64_t seed, uint32_t fail_ppm)
{
    weir_error             err = { 0 };
    const weiri_simulation how = { .seed = seed, .fail_ppm = fail_ppm };
    weir_status            status =
        seed == 0 ? weiri_node_run(node, &err) : weiri_node_simulate(node, &how, &err);
    if (status != WEIR_OK) {
        fail_msg("seed %llu: %s", (unsigned long long)seed, err.text);
    }
}

static inline void
rig_run(weiri_node *node, uint64_t seed)
{
    rig_run_with(node, seed, 0);
}

/* How many seeds each property is tried on: 100, or what the environment says. */
static inline uint64_t
rig_n_seeds(void)
{
    const char *text = getenv("WEIR_SEEDS");
    uint64_t    n    = text != NULL ? strtoull(text, NULL, 10) : 100;
    return n > 0 ? n : 1;
}

#define rig_assert(seed, condition)                                                      \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            fail_msg("seed %llu: not so: %s", (unsigned long long)(seed), #condition);   \
        }                                                                                \
    } while (0)

#endif
