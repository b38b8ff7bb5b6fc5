/* The runtime of actors: messages through chains of actors, on one shard and across two,
 * beside ZeroMQ alone and a plain queue; a million keyed actors.
 */
#include <pthread.h>
#include <string.h>
#include <zmq.h>

#include "bench.h"
#include "weiri/assert.h"
#include "weiri/node.h"

enum {
    KIND_EVENT = WEIRI_KIND_USER,
    KIND_PING,
    CHAIN      = 5,
    ROWS       = 1024,
    ONE_BY_ONE = 4000000,
    CHUNKS     = 200000,
    TRIPS      = 20000,
    KEYS       = 1000000,
};

/* Processor time of all threads: what others do on the machine matters less to it. */
static double
cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The shortest of several runs. */
struct taken {
    double wall_s;
    double cpu_s;
};

static struct taken
taken_since(struct taken start)
{
    return (struct taken){ bench_now() - start.wall_s, cpu_now() - start.cpu_s };
}

static struct taken
taken_now(void)
{
    return (struct taken){ bench_now(), cpu_now() };
}

static void
take_shorter(struct taken *best, struct taken other)
{
    best->wall_s = other.wall_s < best->wall_s ? other.wall_s : best->wall_s;
    best->cpu_s  = other.cpu_s < best->cpu_s ? other.cpu_s : best->cpu_s;
}

static void
check(weir_status status, const weir_error *err)
{
    if (status != WEIR_OK) {
        fprintf(stderr, "bench_actor: %s\n", err->text);
        exit(1);
    }
}

/* ---- a chain ---- */

typedef struct source_config {
    const char *to;
    uint64_t    n;      /* messages */
    uint32_t    n_rows; /* in each: a chunk, where more than one */
    uint32_t    burst;
    uint64_t    n_keys;
    weir_chunk *chunk;
} source_config;

struct source {
    const source_config *config;
    weiri_address        to;
    uint64_t             next;
    uint64_t             seed;
};

static weir_status
source_init(weiri_actor *actor, void *state, const void *config, weir_error *err)
{
    struct source *self = state;
    (void)err;
    self->config = config;
    self->seed   = 88172645463325252U;
    self->to     = weiri_actor_resolve(actor, self->config->to);
    weiri_actor_wake(actor);
    return WEIR_OK;
}

static weir_status
source_message(weiri_actor *actor, void *state, weiri_message *unused, weir_error *err)
{
    struct source       *self   = state;
    const source_config *config = self->config;
    weir_status          status = WEIR_OK;
    (void)unused;
    (void)err;
    for (uint32_t i = 0; i < config->burst && self->next < config->n; i++) {
        weiri_message message = { .to = self->to,
            .kind                     = KIND_EVENT,
            .n_rows                   = config->n_rows,
            .size                     = 8,
            .as.words                 = { self->next } };
        if (config->chunk != NULL) {
            const weir_chunk *chunk = weir_chunk_ref(config->chunk);
            message        = weiri_message_of_chunk(self->to, KIND_EVENT, &chunk);
            message.n_rows = config->n_rows;
        }
        self->next++;
        if (config->n_keys > 0) {
            uint64_t key =
                config->n_keys > 1 ? bench_random(&self->seed) % config->n_keys : 0;
            status = weiri_actor_send_keyed(actor, &message, &key, sizeof key);
        } else {
            status = weiri_actor_send(actor, &message);
        }
        if (status != WEIR_OK) {
            return status;
        }
    }
    if (self->next < config->n) {
        weiri_actor_wake(actor);
    } else {
        weiri_actor_end_node(actor);
    }
    return WEIR_OK;
}

static const weiri_behaviour source_behaviour = { .size = sizeof(weiri_behaviour),
    .name                                               = "source",
    .state_size                                         = sizeof(struct source),
    .init                                               = source_init,
    .on_message                                         = source_message };

struct stage {
    weiri_address to;
    uint64_t      sum;
};

static weir_status
stage_init(weiri_actor *actor, void *state, const void *config, weir_error *err)
{
    struct stage *self = state;
    (void)err;
    self->to = config != NULL ? weiri_actor_resolve(actor, config) : WEIRI_NOBODY;
    return WEIR_OK;
}

static weir_status
stage_message(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    struct stage *self = state;
    (void)err;
    self->sum += message->as.words[0];
    if (self->to == WEIRI_NOBODY) {
        return WEIR_OK;
    }
    message->to = self->to;
    return weiri_actor_send(actor, message);
}

static const weiri_behaviour stage_behaviour = { .size = sizeof(weiri_behaviour),
    .name                                              = "stage",
    .state_size                                        = sizeof(struct stage),
    .init                                              = stage_init,
    .on_message                                        = stage_message };

static void
spawn(weiri_node *node, const char *name, const weiri_behaviour *behaviour,
    const void *config, uint32_t shard, uint32_t level)
{
    weir_error             err     = { 0 };
    weiri_address          address = WEIRI_NOBODY;
    const weiri_actor_spec spec = { name, behaviour, config, shard, level, WEIRI_NOBODY };
    check(weiri_node_spawn(node, &spec, &address, &err), &err);
}

static weiri_node *
node_new(uint32_t n_shards)
{
    const weiri_node_config config = { .n_shards = n_shards, .n_levels = CHAIN + 1 };
    weir_error              err    = { 0 };
    weiri_node             *node   = NULL;
    check(weiri_node_new(&config, &node, &err), &err);
    return node;
}

/* Seconds for source, CHAIN stages; the first `n_near` of them on the source's shard. */
static struct taken
run_chain(const source_config *source, uint32_t n_shards, uint32_t n_near)
{
    static const char *const names[CHAIN] = { "1", "2", "3", "4", "5" };
    weir_error               err          = { 0 };
    weiri_node              *node         = node_new(n_shards);
    for (uint32_t i = 0; i < CHAIN; i++) {
        spawn(node, names[i], &stage_behaviour, i + 1 < CHAIN ? names[i + 1] : NULL,
            i < n_near ? 0 : n_shards - 1, i + 1);
    }
    spawn(node, "source", &source_behaviour, source, 0, 0);
    struct taken start = taken_now();
    check(weiri_node_run(node, &err), &err);
    struct taken taken = taken_since(start);
    weiri_node_destroy(&node);
    return taken;
}

static struct taken
best_chain(int runs, const source_config *source, uint32_t n_shards, uint32_t n_near)
{
    struct taken best = { 1e300, 1e300 };
    for (int i = 0; i < runs; i++) {
        take_shorter(&best, run_chain(source, n_shards, n_near));
    }
    return best;
}

static void
report(bench_json *json, const char *name, struct taken taken, uint64_t n_messages,
    uint64_t n_rows)
{
    bench_json_open(json, name);
    bench_json_number(json, "events_per_s", (double)(n_messages * n_rows) / taken.wall_s);
    bench_json_number(json, "messages_per_s", (double)n_messages / taken.wall_s);
    bench_json_number(json, "ns_per_message", taken.wall_s * 1e9 / (double)n_messages);
    bench_json_number(json, "cpu_ns_per_message", taken.cpu_s * 1e9 / (double)n_messages);
    bench_json_close(json);
}

static void
measure_single(bench_json *json, int runs)
{
    source_config source = { .to = "1", .n = ONE_BY_ONE, .n_rows = 1, .burst = 64 };
    report(json, "one_shard_chain_of_5_single", best_chain(runs, &source, 1, CHAIN),
        source.n, 1);
    report(json, "two_shards_single", best_chain(runs, &source, 2, 0), source.n, 1);
}

static void
measure_chunks(bench_json *json, int runs)
{
    const weir_schema schema = { .name = "none" };
    source_config     source = { .to = "1", .n = CHUNKS, .burst = 1 };
    weir_error        err    = { 0 };
    check(weir_chunk_new(&schema, NULL, &source.chunk), &err);
    for (uint32_t rows = 256; rows <= ROWS; rows *= 4) {
        char name[64];
        source.n_rows = rows;
        snprintf(name, sizeof name, "one_shard_chain_of_5_chunks_%u", rows);
        report(json, name, best_chain(runs, &source, 1, CHAIN), source.n, rows);
        snprintf(name, sizeof name, "two_shards_chunks_%u", rows);
        report(json, name, best_chain(runs, &source, 2, 0), source.n, rows);
    }
    weir_chunk_drop(&source.chunk);
}

/* ---- round trips ---- */

struct pinger {
    weiri_address to;
    uint32_t      n;
    double        sent;
    double       *trips; /* shape (TRIPS,) */
};

static weir_status
ping(weiri_actor *actor, struct pinger *self)
{
    weiri_message message = { .to = self->to, .kind = KIND_PING };
    uint32_t      id      = 0;
    self->sent            = bench_now();
    return weiri_actor_ask(actor, &message, INT64_C(1000000000), &id);
}

static weir_status
pinger_init(weiri_actor *actor, void *state, const void *config, weir_error *err)
{
    struct pinger *self = state;
    (void)err;
    memcpy(&self->trips, &config, sizeof config);
    self->to = weiri_actor_resolve(actor, "ponger");
    return ping(actor, self);
}

static weir_status
pinger_message(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    struct pinger *self = state;
    (void)err;
    weiri_assert((message->flags & WEIRI_FLAG_REPLY) != 0);
    self->trips[self->n++] = bench_now() - self->sent;
    if (self->n == TRIPS) {
        weiri_actor_end_node(actor);
        return WEIR_OK;
    }
    return ping(actor, self);
}

static weir_status
ponger_message(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    weiri_message reply = { .kind = KIND_PING };
    (void)state;
    (void)err;
    return weiri_actor_reply(actor, message, &reply);
}

static const weiri_behaviour pinger_behaviour = { .size = sizeof(weiri_behaviour),
    .name                                               = "pinger",
    .state_size                                         = sizeof(struct pinger),
    .init                                               = pinger_init,
    .on_message                                         = pinger_message };
static const weiri_behaviour ponger_behaviour = {
    .size = sizeof(weiri_behaviour), .name = "ponger", .on_message = ponger_message
};

static int
compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static void
report_trips(bench_json *json, const char *name, double *trips)
{
    qsort(trips, TRIPS, sizeof *trips, compare);
    bench_json_open(json, name);
    bench_json_number(json, "p50_us", trips[TRIPS / 2] * 1e6);
    bench_json_number(json, "p99_us", trips[TRIPS / 100 * 99] * 1e6);
    bench_json_close(json);
}

static void
measure_trips(bench_json *json, double *trips)
{
    for (uint32_t n = 1; n <= 2; n++) {
        weir_error  err  = { 0 };
        weiri_node *node = node_new(n);
        spawn(node, "ponger", &ponger_behaviour, NULL, n - 1, 1);
        spawn(node, "pinger", &pinger_behaviour, trips, 0, 0);
        check(weiri_node_run(node, &err), &err);
        weiri_node_destroy(&node);
        report_trips(
            json, n == 1 ? "round_trip_one_shard" : "round_trip_two_shards", trips);
    }
}

/* ---- keyed actors ---- */

struct card {
    uint64_t n;
    uint64_t sum;
    uint64_t last;
    uint64_t more;
};

static weir_status
card_message(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    struct card *self = state;
    (void)actor;
    (void)err;
    self->n++;
    self->sum += message->as.words[0];
    self->last = message->as.words[0];
    return WEIR_OK;
}

static const weiri_behaviour card_behaviour = { .size = sizeof(weiri_behaviour),
    .name                                             = "card",
    .state_size                                       = sizeof(struct card),
    .on_message                                       = card_message };

static size_t
resident_bytes(void)
{
    size_t pages = 0;
    FILE  *file  = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*s %zu", &pages) != 1) {
        pages = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return pages * 4096;
}

/* Gives each key once, then random ones. */
static weir_status
keys_message(weiri_actor *actor, void *state, weiri_message *unused, weir_error *err)
{
    struct source *self = state;
    (void)unused;
    (void)err;
    for (uint32_t i = 0; i < 64 && self->next < self->config->n; i++) {
        uint64_t key = self->next < KEYS ? self->next : bench_random(&self->seed) % KEYS;
        weiri_message message = {
            .to = self->to, .kind = KIND_EVENT, .size = 8, .as.words = { self->next++ }
        };
        weir_status status = weiri_actor_send_keyed(actor, &message, &key, sizeof key);
        if (status != WEIR_OK) {
            return status;
        }
    }
    if (self->next < self->config->n) {
        weiri_actor_wake(actor);
    } else {
        weiri_actor_end_node(actor);
    }
    return WEIR_OK;
}

static const weiri_behaviour keys_behaviour = { .size = sizeof(weiri_behaviour),
    .name                                             = "keys",
    .state_size                                       = sizeof(struct source),
    .init                                             = source_init,
    .on_message                                       = keys_message };

static double
run_keys(uint64_t n, size_t *bytes)
{
    const source_config    source = { .to = "cards", .n = n };
    const weiri_actor_spec spec   = {
          .name = "cards", .behaviour = &card_behaviour, .level = 1
    };
    weir_error    err     = { 0 };
    weiri_address address = WEIRI_NOBODY;
    size_t        before  = resident_bytes();
    weiri_node   *node    = node_new(1);
    check(weiri_node_add_family(node, &spec, &address, &err), &err);
    spawn(node, "source", &keys_behaviour, &source, 0, 0);
    double start = bench_now();
    check(weiri_node_run(node, &err), &err);
    double taken = bench_now() - start;
    *bytes       = resident_bytes() - before;
    weiri_node_destroy(&node);
    return taken;
}

static void
measure_keys(bench_json *json)
{
    size_t bytes  = 0;
    double making = run_keys(KEYS, &bytes);
    bench_json_open(json, "million_keyed_actors");
    bench_json_number(json, "bytes_each", (double)bytes / KEYS);
    bench_json_number(json, "made_per_s", KEYS / making);
    double both = run_keys((uint64_t)KEYS * 5, &bytes);
    bench_json_number(json, "random_messages_per_s", KEYS * 4.0 / (both - making));
    bench_json_close(json);
}

/* ---- yardsticks ---- */

/* A ring of 64-byte messages that one thread fills and empties. */
static struct taken
run_queue(void)
{
    enum { SLOTS = 1024 };
    static weiri_message ring[SLOTS];
    uint64_t             sum   = 0;
    struct taken         start = taken_now();
    for (uint64_t i = 0; i < ONE_BY_ONE; i += 64) {
        for (uint64_t k = i; k < i + 64; k++) {
            ring[k % SLOTS] = (weiri_message){ .as.words = { k } };
        }
        for (uint64_t k = i; k < i + 64; k++) {
            weiri_message message = ring[k % SLOTS];
            sum += message.as.words[0];
            __asm__ volatile("" : : "r"(&message) : "memory");
        }
    }
    struct taken taken = taken_since(start);
    weiri_assert(sum == (uint64_t)ONE_BY_ONE * (ONE_BY_ONE - 1) / 2);
    return taken;
}

struct pipe {
    void    *context;
    uint64_t n;
    size_t   size;
};

static void *
push_all(void *context)
{
    struct pipe *self   = context;
    void        *socket = zmq_socket(self->context, ZMQ_PUSH);
    char        *bytes  = calloc(1, self->size);
    zmq_connect(socket, "inproc://raw");
    for (uint64_t i = 0; i < self->n; i++) {
        zmq_send(socket, bytes, self->size, 0);
    }
    zmq_close(socket);
    free(bytes);
    return NULL;
}

/* Seconds for n messages of `size` bytes from one thread to another. */
static struct taken
run_zmq(uint64_t n, size_t size)
{
    struct pipe pipe = { .context = zmq_ctx_new(), .n = n, .size = size };
    void       *pull = zmq_socket(pipe.context, ZMQ_PULL);
    pthread_t   thread;
    zmq_msg_t   message;
    zmq_bind(pull, "inproc://raw");
    zmq_msg_init(&message);
    struct taken start = taken_now();
    if (pthread_create(&thread, NULL, push_all, &pipe) != 0) {
        exit(1);
    }
    for (uint64_t i = 0; i < n; i++) {
        zmq_msg_recv(&message, pull, 0);
    }
    struct taken taken = taken_since(start);
    pthread_join(thread, NULL);
    zmq_msg_close(&message);
    zmq_close(pull);
    zmq_ctx_term(pipe.context);
    return taken;
}

static void
measure_yardsticks(bench_json *json, int runs)
{
    struct taken queue  = { 1e300, 1e300 };
    struct taken single = queue;
    struct taken many   = queue;
    for (int i = 0; i < runs; i++) {
        take_shorter(&queue, run_queue());
        take_shorter(&single, run_zmq(ONE_BY_ONE / 4, 64));
        take_shorter(&many, run_zmq(ONE_BY_ONE / 256, (size_t)64 * 256));
    }
    report(json, "yardstick_plain_queue", queue, ONE_BY_ONE, 1);
    report(json, "yardstick_zmq_push_pull_single", single, ONE_BY_ONE / 4, 1);
    report(json, "yardstick_zmq_push_pull_256", many, ONE_BY_ONE / 256, 256);
}

/* Runs of each measurement, and which: `keys`, `single`, `chunks`, `trips`, `yardsticks`;
 * all without a second argument. */
int
main(int argc, char **argv)
{
    static double trips[TRIPS];
    bench_json    json = { 0 };
    int           runs = bench_runs(argc, argv);
    const char   *only = argc > 2 ? argv[2] : NULL;
    bench_json_open(&json, NULL);
    if (only == NULL || strcmp(only, "keys") == 0) {
        measure_keys(&json);
    }
    if (only == NULL || strcmp(only, "single") == 0) {
        measure_single(&json, runs);
    }
    if (only == NULL || strcmp(only, "chunks") == 0) {
        measure_chunks(&json, runs);
    }
    if (only == NULL || strcmp(only, "trips") == 0) {
        measure_trips(&json, trips);
    }
    if (only == NULL || strcmp(only, "yardsticks") == 0) {
        measure_yardsticks(&json, runs);
    }
    bench_json_close(&json);
    return 0;
}
