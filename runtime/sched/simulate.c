/* weiri_node_simulate: all shards on one thread, every choice made by a seed.
 *
 * Frames take as long as the generator says; what one shard sends another keeps its
 * order, as ZeroMQ keeps it. Source: the idea of FoundationDB's simulation
 * ("FoundationDB: A Distributed Unbundled Transactional Key Value Store", SIGMOD 2021,
 * section 4) and of Pony's systematic testing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../actor/node.h"
#include "weiri/assert.h"
#include "weiri/timetext.h"

struct flight {
    struct flight *next;
    size_t         size;
    _Alignas(8) uint8_t bytes[];
};

struct flights {
    struct flight *first;
    struct flight *last;
};

struct simulation {
    weiri_node             *node;
    const weiri_simulation *how;
    uint64_t                seed;
    uint32_t                n;       /* shards                                   */
    struct flights         *ways;    /* shape (n * n,): under way, by from and to */
    struct flights         *arrived; /* shape (n,)                               */
    struct flight         **read;    /* shape (n,): the frame that is being read */
    int64_t                 now_ns;
    size_t                  next_tick;
};

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators",
 * 2016). */
static uint64_t
draw(struct simulation *self, uint64_t below)
{
    weiri_assert(below > 0);
    self->seed ^= self->seed >> 12;
    self->seed ^= self->seed << 25;
    self->seed ^= self->seed >> 27;
    return (self->seed * UINT64_C(2685821657736338717) >> 11) % below;
}

/* ---- frames ---- */

static void
put_flight(struct flights *self, struct flight *flight)
{
    flight->next = NULL;
    if (self->first == NULL) {
        self->first = flight;
    } else {
        self->last->next = flight;
    }
    self->last = flight;
}

static struct flight *
take_flight(struct flights *self)
{
    struct flight *flight = self->first;
    if (flight != NULL) {
        self->first = flight->next;
    }
    return flight;
}

static weir_status
send_frame(void *context, uint32_t from, uint32_t to, const void *frame, size_t size)
{
    struct simulation *self   = context;
    struct flight     *flight = malloc(sizeof *flight + size);
    if (flight == NULL) {
        return WEIR_ENOMEM;
    }
    flight->size = size;
    memcpy(flight->bytes, frame, size);
    put_flight(&self->ways[from * self->n + to], flight);
    return WEIR_OK;
}

static const uint8_t *
receive_frame(void *context, uint32_t shard, size_t *size)
{
    struct simulation *self = context;
    free(self->read[shard]);
    self->read[shard] = take_flight(&self->arrived[shard]);
    if (self->read[shard] == NULL) {
        return NULL;
    }
    *size = self->read[shard]->size;
    return self->read[shard]->bytes;
}

static bool
arrive(struct simulation *self, uint32_t way)
{
    struct flight *flight = take_flight(&self->ways[way]);
    if (flight != NULL) {
        put_flight(&self->arrived[way % self->n], flight);
    }
    return flight != NULL;
}

/* ---- time and faults ---- */

static int64_t
read_clock(void *context, uint32_t shard, uint64_t n_done, bool is_asked)
{
    struct simulation      *self = context;
    const weiri_simulation *how  = self->how;
    if (how->ticks == NULL) {
        return self->now_ns;
    }
    if (shard != 0 || self->next_tick == how->n_ticks
        || how->ticks[self->next_tick].n_done != n_done
        || how->ticks[self->next_tick].is_asked != is_asked) {
        return INT64_MIN;
    }
    return how->ticks[self->next_tick++].now_ns;
}

static bool
should_fail(void *context)
{
    struct simulation *self = context;
    return self->how->fail_ppm > 0 && draw(self, 1000000) < self->how->fail_ppm;
}

/* The clock goes on to the next deadline; false: there is none. What is due and did not
 * fire waits for something else than time. */
static bool
jump(struct simulation *self)
{
    int64_t next = INT64_MAX;
    for (uint32_t i = 0; i < self->n; i++) {
        int64_t of =
            weiri_timer_wheel_next(self->node->shards[i]->wheels[WEIRI_CLOCK_TIME]);
        next = of > self->now_ns && of < next ? of : next;
    }
    if (next == INT64_MAX || self->how->ticks != NULL) {
        return false;
    }
    self->now_ns = next;
    return true;
}

static bool
wake_file(struct simulation *self)
{
    for (uint32_t i = 0; i < self->n; i++) {
        weiri_shard *shard = self->node->shards[i];
        if (shard->n_files > 0) {
            weiri_shard_wake_file(shard, (uint32_t)draw(self, shard->n_files));
            return true;
        }
    }
    return false;
}

/* ---- choices ---- */

static bool
run_some(struct simulation *self, uint32_t index)
{
    weiri_shard *shard  = self->node->shards[index];
    uint32_t     budget = self->how->ticks != NULL ? 1 : 1U << draw(self, 10);
    return !shard->has_ended && weiri_shard_turn(shard, budget);
}

static bool
choose(struct simulation *self)
{
    bool any = false;
    self->now_ns += (int64_t)draw(self, draw(self, 64) == 0 ? WEIRI_NS_PER_MS : 100);
    if (draw(self, 2) == 0) {
        any = arrive(self, (uint32_t)draw(self, (uint64_t)self->n * self->n));
    }
    return run_some(self, (uint32_t)draw(self, self->n)) || any;
}

/* Everything arrives, everybody runs: whether there was anything at all. */
static bool
sweep(struct simulation *self)
{
    bool any = false;
    for (uint32_t way = 0; way < self->n * self->n; way++) {
        while (arrive(self, way)) {
            any = true;
        }
    }
    for (uint32_t i = 0; i < self->n; i++) {
        any = run_some(self, i) || any;
    }
    return any;
}

static bool
is_over(const struct simulation *self)
{
    for (uint32_t i = 0; i < self->n; i++) {
        if (!self->node->shards[i]->has_ended) {
            return false;
        }
    }
    return true;
}

static weir_status
fail_stuck(const struct simulation *self, weir_error *err)
{
    weiri_wait wait;
    if (weiri_node_get_waits(self->node, &wait, 1) == 0) {
        return WEIR_FAIL(err, WEIR_EFULL,
            "the node is stuck while it drains level %d: an actor never took up again",
            self->node->shards[0]->end_level);
    }
    return WEIR_FAIL(err, WEIR_EFULL,
        "the node is stuck: shard %u, level %u waits for shard %u (%llu messages)",
        wait.shard, wait.level, wait.on_shard, (unsigned long long)wait.n_events);
}

/* Nothing happened for a while: look at everything, let time go on, wake who waits for a
 * file; and where all that is nothing, the input has ended. */
static weir_status
go_on(struct simulation *self, weir_error *err)
{
    weiri_shard *first = self->node->shards[0];
    if (sweep(self) || jump(self) || wake_file(self)) {
        return WEIR_OK;
    }
    if (first->end_level >= 0) {
        return fail_stuck(self, err);
    }
    weiri_shard_end(first);
    return WEIR_OK;
}

static weir_status
run(struct simulation *self, weir_error *err)
{
    const weiri_node_config *config  = &self->node->config;
    weir_status              status  = WEIR_OK;
    uint32_t                 n_quiet = 0;
    for (uint64_t step = 1; status == WEIR_OK && !is_over(self); step++) {
        if (config->should_end != NULL && config->should_end(config->context)) {
            weiri_shard_end(self->node->shards[0]);
        }
        n_quiet = choose(self) ? 0 : n_quiet + 1;
        if (n_quiet > 4 * self->n + 8) {
            n_quiet = 0;
            status  = go_on(self, err);
        }
        if (status == WEIR_OK && step == self->how->max_steps) {
            status = WEIR_FAIL(
                err, WEIR_EFULL, "not done after %llu steps", (unsigned long long)step);
        }
    }
    return status;
}

static void
fini(struct simulation *self)
{
    for (uint32_t i = 0; self->read != NULL && i < self->n; i++) {
        free(self->read[i]);
    }
    free(self->ways);
    free(self->arrived);
    free(self->read);
}

weir_status
weiri_node_simulate(weiri_node *self, const weiri_simulation *how, weir_error *err)
{
    uint32_t          n          = self->config.n_shards;
    struct simulation simulation = {
        .node    = self,
        .how     = how,
        .seed    = how->seed * UINT64_C(0x9E3779B97F4A7C15) | 1,
        .n       = n,
        .ways    = calloc((size_t)n * n, sizeof(struct flights)),
        .arrived = calloc(n, sizeof(struct flights)),
        .read    = calloc(n, sizeof(struct flight *)),
        .now_ns  = WEIRI_NS_PER_S,
    };
    weiri_transport face = {
        .context     = &simulation,
        .send        = send_frame,
        .receive     = receive_frame,
        .clock       = read_clock,
        .should_fail = how->fail_ppm > 0 ? should_fail : NULL,
    };
    bool is_made =
        simulation.ways != NULL && simulation.arrived != NULL && simulation.read != NULL;
    weir_status status = is_made ? weiri_node_begin(self, &face, err)
                                 : WEIR_FAIL(err, WEIR_ENOMEM, "a simulation");
    if (status == WEIR_OK) {
        status = run(&simulation, err);
        for (uint32_t way = 0; way < n * n; way++) {
            while (arrive(&simulation, way)) {
            }
        }
        weir_status ended = weiri_node_end(self, status == WEIR_OK ? err : NULL);
        status            = status == WEIR_OK ? ended : status;
    }
    fini(&simulation);
    return status;
}
