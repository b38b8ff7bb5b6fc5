/* The nodes of a cluster over a network that loses, delays, doubles and reorders what is
 * said and is cut now and then; nodes are killed and go on from what they kept. All
 * choices come from a seed, on one thread: WEIR_SEEDS says how many are tried. What they
 * write together is what one node writes. */
#include "weir_test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cluster_text.h"
#include "random.h"
#include "sim_net.h"
#include "test_place.h"
#include "weiri/cluster.h"
#include "weiri/dsl.h"
#include "weiri/engine.h"
#include "weiri/timetext.h"

enum {
    NODES   = 3,
    FEEDER  = NODES, /* the peer that all nodes read from: it is never killed */
    FEEDS   = 2,     /* streams that it sends: txn, login                     */
    STEPS   = 60000,
    KILLS   = 4,  /* a seed: beginning again is what takes time */
    MOST    = 12, /* events given at once         */
    TURNS   = 4,  /* in a run of a node, at most */
    MARKS   = 4096,
    SOURCES = 32,
    PATH    = 128
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS = 12 };
#else
enum { SEEDS = 100 };
#endif

static const char *const NAMES[NODES + 1] = { "a", "b", "c", "feed" };
static const char *const STREAM_OF[FEEDS] = { "txn", "login" };

/* What a node has kept of one source. */
typedef struct recording {
    weiri_pack bytes;
    struct {
        uint64_t position;
        int64_t  to_ns;
    } marks[MARKS];
    uint32_t n_marks;
} recording;

typedef struct world world;

typedef struct member {
    world               *world;
    uint32_t             index;
    char                *text;
    char                 folder[PATH];
    weiri_plan          *plan;
    weiri_links         *links;
    weiri_engine        *engine; /* NULL: it is not running  */
    weiri_engine_options options;
    weiri_engine_keeper  keeper;
    weiri_restore        restore;
    weiri_tape           tape;
    recording           *recordings; /* shape (SOURCES,) */
    weiri_sections       kept;
    bool                 has_kept;
    bool                 is_ending;
    bool                 has_left;
    int64_t              starts_at;
    uint32_t             n_turns; /* that it may still open in this run */
    uint64_t             flow_seed;
    weiri_patience       times;
    uint8_t             *current; /* the message that was received last */
} member;

typedef struct feed {
    world               *world;
    uint32_t             node;
    weiri_sender        *sender;
    const weir_schema   *schema;
    const cluster_event *events;
    uint32_t             n_events;
    uint32_t             n_given;
    bool                 is_login;
} feed;

struct world {
    sim_net      net;
    uint64_t     first_seed;
    const char  *dir;
    cluster_text text;
    member       members[NODES];
    feed         feeds[NODES][FEEDS];
    size_t       backlog_bytes;
    bool         is_peace;
    uint32_t     n_held; /* turns of nodes with a backlog that was full */
    uint32_t     n_kills;
};

static uint64_t
roll(world *self, uint64_t below)
{
    return next_random(&self->net.seed) % below;
}

static void
must(const world *self, weir_status status, const weir_error *err)
{
    if (status != WEIR_OK) {
        fail_msg("seed %" PRIu64 ": %s", self->first_seed, err->text);
    }
}

/* ---- the transport of a node ---- */

static uint32_t
find_peer(void *context, const char *name)
{
    (void)context;
    for (uint32_t i = 0; i <= NODES; i++) {
        if (strcmp(NAMES[i], name) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
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
send_to(void *context, uint32_t peer, const uint8_t *bytes, size_t size)
{
    const member *self = context;
    return sim_net_send(&self->world->net, self->index, peer, bytes, size);
}

static weir_status
receive(void *context, weiri_links_event *event, weir_error *err)
{
    member    *self = context;
    sim_letter what;
    (void)err;
    free(self->current);
    self->current = NULL;
    if (!sim_net_next(&self->world->net, self->index, &what)) {
        return WEIR_EAGAIN;
    }
    self->current = what.bytes;
    *event        = (weiri_links_event){
               .kind = what.kind, .peer = what.from, .bytes = what.bytes, .size = what.size
    };
    return WEIR_OK;
}

static int64_t
now_of(void *context)
{
    return ((const member *)context)->world->net.now;
}

static void
tell(void *context, weiri_link_news news, const char *text)
{
    const member *self = context;
    if (news == WEIRI_LINK_BAD || news == WEIRI_LINK_REFUSED || news == WEIRI_LINK_MISSING
        || news == WEIRI_LINK_NEW) {
        fail_msg("seed %" PRIu64 ": node %s: %s", self->world->first_seed,
            NAMES[self->index], text);
    }
}

/* ---- backlogs ---- */

/* Whether that of a stream to another node is full; of NULL: of any. */
static bool
is_full(const member *self, const char *stream)
{
    const world     *all = self->world;
    weiri_link_sight sight;
    for (uint32_t k = 0;
         all->backlog_bytes > 0 && weiri_links_sight(self->links, k, &sight); k++) {
        if (sight.is_sender && sight.counts.n_bytes >= all->backlog_bytes
            && (stream == NULL || strcmp(sight.stream, stream) == 0)) {
            return true;
        }
    }
    return false;
}

/* ---- what a node keeps: all that it is told to, at once ---- */

static weir_status
record(void *context, uint32_t source, uint64_t position, const char *bytes, size_t size,
    weir_error *err)
{
    const member       *self = context;
    const weiri_source *from = &self->plan->sources[source];
    recording          *of   = &self->recordings[source];
    (void)err;
    if (from->numbered == NULL
        && is_full(self, self->plan->streams[from->stream].schema.name)) {
        fail_msg("seed %" PRIu64 ": node %s reads on although a backlog is full",
            self->world->first_seed, NAMES[self->index]);
    }
    assert_int_equal(position, of->bytes.size);
    weiri_pack_bytes(&of->bytes, bytes, size);
    return WEIR_OK;
}

static weir_status
record_idle(
    void *context, uint32_t source, uint64_t position, int64_t to_ns, weir_error *err)
{
    recording *of = &((member *)context)->recordings[source];
    (void)err;
    assert_true(of->n_marks < MARKS);
    of->marks[of->n_marks].position = position;
    of->marks[of->n_marks++].to_ns  = to_ns;
    return WEIR_OK;
}

static weir_status
play(void *context, uint32_t source, uint64_t position, uint32_t n_idle, char *bytes,
    size_t size, size_t *n, int64_t *to_ns, weir_error *err)
{
    const recording *of   = &((member *)context)->recordings[source];
    uint64_t         end  = of->bytes.size;
    uint32_t         seen = 0;
    (void)err;
    *n = 0;
    for (uint32_t i = 0; i < of->n_marks; i++) {
        if (of->marks[i].position == position && seen++ == n_idle) {
            *to_ns = of->marks[i].to_ns;
            return WEIR_EAGAIN;
        }
        if (of->marks[i].position > position && of->marks[i].position < end) {
            end = of->marks[i].position;
        }
    }
    if (position >= end) {
        return WEIR_EOF;
    }
    *n = end - position < size ? (size_t)(end - position) : size;
    memcpy(bytes, of->bytes.bytes + position, *n);
    return WEIR_OK;
}

/* ---- a node ---- */

static bool
wants_rest(void *context)
{
    return ((const member *)context)->n_turns == 0;
}

static weir_status
between(void *context, weiri_engine *engine, bool is_at_rest, weir_status last,
    weir_error *err)
{
    member *self = context;
    (void)engine;
    (void)is_at_rest;
    (void)err;
    assert_int_equal(last, WEIR_OK);
    self->world->n_held += is_full(self, NULL);
    return self->n_turns-- == 0 ? WEIR_EOF : WEIR_OK;
}

static weiri_plan *
compile(const world *self, const char *text)
{
    const weiri_compile_options options     = { .with_tests = false };
    weiri_diagnostics          *diagnostics = NULL;
    weiri_plan                 *plan        = NULL;
    weir_error                  err         = { 0 };
    assert_ok(weiri_diagnostics_new(&diagnostics));
    weir_status status = weiri_compile_text(
        "rules", text, strlen(text), &options, diagnostics, &plan, &err);
    if (status != WEIR_OK) {
        weiri_diagnostics_print(diagnostics, stderr, false);
        fail_msg("seed %" PRIu64 ": %s", self->first_seed, text);
    }
    weiri_diagnostics_destroy(&diagnostics);
    return plan;
}

static void
start(member *self)
{
    world                   *all    = self->world;
    weir_error               err    = { 0 };
    const weiri_links_config config = { .self = NAMES[self->index],
        .transport                            = { .context = self,
                                       .find               = find_peer,
                                       .name               = name_peer,
                                       .may_send           = may_always,
                                       .may_read           = may_always,
                                       .send               = send_to,
                                       .receive            = receive },
        .tell                                 = tell,
        .context                              = self,
        .now                                  = now_of,
        .is_opening                           = true };
    must(all, weiri_links_new(&config, &self->links, &err), &err);
    self->keeper = (weiri_engine_keeper){
        .wants_rest = wants_rest, .between = between, .context = self
    };
    self->tape    = (weiri_tape){ .context = self,
           .most                           = WEIRI_RECORD_BYTES,
           .record                         = record,
           .record_idle                    = record_idle,
           .play                           = play };
    self->restore = (weiri_restore){ .sections = &self->kept };
    self->options = (weiri_engine_options){ .n_shards = 2,
        .links                                        = self->links,
        .keeper                                       = &self->keeper,
        .tape                                         = &self->tape,
        .seed                                         = &self->flow_seed,
        .folder                                       = self->folder,
        .backlog_bytes                                = all->backlog_bytes,
        .restore = self->has_kept ? &self->restore : NULL };
    must(all, weiri_engine_new(self->plan, &self->options, &self->engine, &err), &err);
    self->is_ending = false;
    sim_net_join(&all->net, self->index);
}

/* Whether it has left, or was killed. */
static void
stop(member *self)
{
    world *all = self->world;
    weiri_engine_destroy(&self->engine);
    weiri_links_destroy(&self->links);
    sim_net_leave(&all->net, self->index);
}

static bool
may_die(const member *self)
{
    const world *all = self->world;
    return !all->is_peace && self->engine != NULL && self->has_kept
           && all->n_kills < KILLS;
}

static void
kill_member(member *self)
{
    world *all = self->world;
    stop(self);
    all->n_kills++;
    int64_t away_ms = roll(all, 2) == 0 ? 0 : (int64_t)roll(all, 6000);
    self->starts_at = all->net.now + away_ms * WEIRI_NS_PER_MS;
}

/* A checkpoint, in the midst of which it may be killed. */
static void
keep(member *self)
{
    world         *all  = self->world;
    weir_error     err  = { 0 };
    weiri_sections next = { 0 };
    weiri_engine_note(self->engine);
    must(all, weiri_engine_flush(self->engine, &err), &err);
    must(all, weiri_engine_save(self->engine, &next, &err), &err);
    if (may_die(self) && roll(all, 40) == 0) {
        weiri_sections_fini(&next);
        kill_member(self);
        return;
    }
    weiri_sections_fini(&self->kept);
    self->kept     = next;
    self->has_kept = true;
    if (may_die(self) && roll(all, 40) == 0) {
        kill_member(self);
        return;
    }
    weiri_engine_release(self->engine);
}

static void
run_turns(member *self)
{
    world     *all  = self->world;
    weir_error err  = { 0 };
    self->n_turns   = 1 + (uint32_t)roll(all, TURNS);
    self->flow_seed = next_random(&all->net.seed);
    must(all, weiri_engine_run(self->engine, &err), &err);
    if (weiri_engine_is_at_end(self->engine)) {
        self->is_ending = true;
        self->times =
            (weiri_patience){ .there_ns = all->net.now, .bound_ns = all->net.now };
        keep(self);
    } else if (roll(all, 8) == 0) {
        keep(self);
    }
}

static void
see_to_end(member *self)
{
    weiri_farewell all = weiri_engine_farewell(self->engine);
    if (all.has_news) {
        keep(self);
    } else if (!weiri_farewell_waits(&all, &self->times, self->world->net.now)) {
        weir_error err = { 0 };
        must(self->world, weiri_engine_close(self->engine, &err), &err);
        stop(self);
        self->has_left = true;
    }
}

static void
work_member(member *self)
{
    world *all = self->world;
    if (self->has_left) {
        return;
    }
    if (self->engine == NULL) {
        if (all->net.now >= self->starts_at) {
            start(self);
        }
        return;
    }
    weiri_links_step(self->links);
    if (roll(all, self->is_ending ? 3 : 8) != 0) {
        return;
    }
    if (self->is_ending) {
        see_to_end(self);
    } else {
        run_turns(self);
    }
}

/* ---- the feeder ---- */

static bool
send_feed(void *context, const uint8_t *bytes, size_t size)
{
    const feed *self = context;
    return sim_net_send(&self->world->net, FEEDER, self->node, bytes, size);
}

static void
tell_feed(void *context, weiri_link_news news, const char *text)
{
    const feed *self = context;
    if (news == WEIRI_LINK_REFUSED || news == WEIRI_LINK_BAD) {
        fail_msg("seed %" PRIu64 ": feeder: %s", self->world->first_seed, text);
    }
}

static void
make_feed(world *self, uint32_t node, uint32_t s)
{
    feed             *of   = &self->feeds[node][s];
    const weiri_plan *plan = self->members[node].plan;
    *of                    = (feed){ .world = self,
                           .node            = node,
                           .events          = self->text.events[node][s],
                           .n_events        = self->text.n_events[s],
                           .is_login        = s == 1 };
    for (uint32_t i = 0; i < plan->n_streams; i++) {
        if (strcmp(plan->streams[i].schema.name, STREAM_OF[s]) == 0) {
            of->schema = &plan->streams[i].schema;
        }
    }
    weir_error                err    = { 0 };
    const weiri_sender_config config = { .schema = of->schema,
        .self                                    = NAMES[FEEDER],
        .peer                                    = NAMES[node],
        .epoch                                   = 2 * (1 + roll(self, 1000000)),
        .timing = weiri_link_timing_of(3 * WEIRI_NS_PER_S),
        .port   = { .context = of, .send = send_feed, .tell = tell_feed } };
    must(self, weiri_sender_new(&config, &of->sender, &err), &err);
}

static void
give_rows(feed *self)
{
    uint32_t n = 1 + (uint32_t)roll(self->world, MOST);
    if (self->n_given == self->n_events) {
        return;
    }
    weir_chunk *chunk = NULL;
    assert_ok(weir_chunk_new(self->schema, NULL, &chunk));
    for (; n > 0 && self->n_given < self->n_events; n--) {
        cluster_event_set(&self->events[self->n_given++], self->is_login, chunk);
    }
    int64_t         newest = chunk->time[chunk->n_rows - 1];
    const weir_rows rows   = { .chunk = chunk, .n = chunk->n_rows };
    assert_ok(weiri_sender_stage(self->sender, rows));
    assert_ok(weiri_sender_commit(self->sender, newest));
    if (self->n_given == self->n_events) {
        assert_ok(weiri_sender_end(self->sender, newest));
    }
    weir_chunk_drop(&chunk);
}

static void
hear_feeds(world *self)
{
    sim_letter what;
    while (sim_net_next(&self->net, FEEDER, &what)) {
        size_t at = 0;
        for (uint32_t s = 0; s < FEEDS && what.kind != WEIRI_LINKS_MESSAGE; s++) {
            weiri_sender_on_connection(self->feeds[what.from][s].sender,
                what.kind == WEIRI_LINKS_CONNECTED, self->net.now);
        }
        while (what.kind == WEIRI_LINKS_MESSAGE && at < what.size) {
            weiri_frame frame;
            assert_ok(weiri_frame_next(&frame, what.bytes + at, what.size - at, NULL));
            for (uint32_t s = 0; s < FEEDS; s++) {
                const feed *of = &self->feeds[what.from][s];
                if (weiri_link_id_of(&frame) == weiri_link_id(STREAM_OF[s])) {
                    weiri_sender_on_frame(of->sender, &frame,
                        what.bytes + at + WEIRI_FRAME_HEAD, self->net.now);
                }
            }
            at += WEIRI_FRAME_HEAD + (size_t)frame.size;
        }
        free(what.bytes);
    }
}

static void
work_feeder(world *self)
{
    hear_feeds(self);
    for (uint32_t node = 0; node < NODES; node++) {
        for (uint32_t s = 0; s < FEEDS; s++) {
            if (roll(self, 6) == 0) {
                give_rows(&self->feeds[node][s]);
            }
            (void)weiri_sender_work(self->feeds[node][s].sender, self->net.now);
        }
    }
}

/* ---- accidents ---- */

static void
have_accidents(world *self)
{
    member  *one = &self->members[roll(self, NODES)];
    uint32_t a   = (uint32_t)roll(self, NODES + 1);
    uint32_t b   = (uint32_t)roll(self, NODES + 1);
    if (roll(self, 150) == 0 && may_die(one)) {
        kill_member(one);
    }
    if (a != b && roll(self, 120) == 0 && self->net.is_up[a][b]) {
        sim_net_part(&self->net, a, b);
    }
    if (a != b && roll(self, 20) == 0) { /* perhaps beside the connection there is */
        sim_net_connect(&self->net, a, b);
    }
}

static bool
are_all(const world *self, bool (*is)(const member *one))
{
    for (uint32_t i = 0; i < NODES; i++) {
        if (!is(&self->members[i])) {
            return false;
        }
    }
    return true;
}

static bool
has_left(const member *one)
{
    return one->has_left;
}

static bool
has_ended(const member *one)
{
    return one->has_left || (one->engine != NULL && one->is_ending);
}

static void
step(world *self, uint32_t i)
{
    bool is_over = are_all(self, has_ended); /* then only words are waited for */
    self->net.now += (is_over ? 20 : 1) * (1 + (int64_t)roll(self, 10)) * WEIRI_NS_PER_MS;
    if (i > STEPS / 2 && !self->is_peace) {
        self->is_peace = true;
        self->net.loss = 0;
    }
    if (!self->is_peace) {
        have_accidents(self);
    } else if (i % 1000 == 0) {
        for (uint32_t a = 0; a < NODES; a++) {
            for (uint32_t b = a + 1; b <= NODES; b++) {
                sim_net_connect(&self->net, a, b);
            }
        }
    }
    work_feeder(self);
    for (uint32_t k = 0; k < NODES; k++) {
        work_member(&self->members[k]);
    }
}

/* ---- runs ---- */

static void
run_one(const world *self, const char *text)
{
    weir_error           err     = { 0 };
    weiri_engine        *engine  = NULL;
    weiri_engine_options options = { .n_shards = 1 };
    weiri_plan          *plan    = compile(self, text);
    must(self, weiri_engine_new(plan, &options, &engine, &err), &err);
    weir_status status = WEIR_OK;
    while (status == WEIR_OK) {
        status = weiri_engine_turn(engine, &err);
    }
    assert_int_equal(status, WEIR_EOF);
    must(self, weiri_engine_end(engine, &err), &err);
    must(self, weiri_engine_close(engine, &err), &err);
    weiri_engine_destroy(&engine);
    weiri_plan_destroy(&plan);
}

/* One of its own for each seed. */
static void
make_folder(member *self)
{
    (void)snprintf(self->folder, sizeof self->folder, "%s/%s.%" PRIu64, self->world->dir,
        NAMES[self->index], self->world->first_seed);
    assert_int_equal(mkdir(self->folder, 0700), 0);
}

static void
begin(world *self, uint64_t seed, const char *dir, size_t backlog_bytes)
{
    *self = (world){ .first_seed = seed, .dir = dir, .backlog_bytes = backlog_bytes };
    sim_net_init(&self->net, seed, NODES + 1);
    sim_net_join(&self->net, FEEDER);
    cluster_text_draw(&self->text, next_random(&self->net.seed), NODES);
    char *one = cluster_text_of_one(&self->text, dir, NAMES);
    run_one(self, one);
    free(one);
    for (uint32_t i = 0; i < NODES; i++) {
        member    *of  = &self->members[i];
        weir_error err = { 0 };
        of->world      = self;
        of->index      = i;
        make_folder(of);
        of->text       = cluster_text_of_node(&self->text, dir, NAMES[i]);
        of->plan       = compile(self, of->text);
        of->recordings = calloc(SOURCES, sizeof *of->recordings);
        assert_non_null(of->recordings);
        must(self, weiri_cluster_spread(of->plan, "plant", NAMES, NODES, i, &err), &err);
        assert_true(of->plan->n_sources <= SOURCES);
        for (uint32_t s = 0; s < FEEDS; s++) {
            make_feed(self, i, s);
        }
    }
    for (uint32_t i = 0; i < NODES; i++) {
        start(&self->members[i]);
        keep(&self->members[i]); /* a run with state begins with one */
    }
}

static void
finish(world *self)
{
    for (uint32_t i = 0; i < NODES; i++) {
        member *of = &self->members[i];
        weiri_engine_destroy(&of->engine);
        weiri_links_destroy(&of->links);
        weiri_plan_destroy(&of->plan);
        weiri_sections_fini(&of->kept);
        for (uint32_t s = 0; s < SOURCES; s++) {
            weiri_pack_fini(&of->recordings[s].bytes);
        }
        free(of->recordings);
        free(of->text);
        free(of->current);
        for (uint32_t s = 0; s < FEEDS; s++) {
            weiri_sender_destroy(&self->feeds[i][s].sender);
        }
    }
    sim_net_fini(&self->net);
}

static void
tell_state(const world *self)
{
    for (uint32_t i = 0; i < NODES; i++) {
        const member    *of = &self->members[i];
        weiri_link_sight sight;
        print_error("%s: %s\n", NAMES[i],
            of->has_left         ? "has left"
            : of->engine == NULL ? "is away"
            : !of->is_ending     ? "is running"
                                 : "is ending");
        for (uint32_t k = 0;
             of->engine != NULL && weiri_links_sight(of->links, k, &sight); k++) {
            print_error("  %s %s %s: %s, %d rows, %d kept, %d bytes\n", sight.stream,
                sight.is_sender ? "to" : "from", sight.peer,
                sight.counts.is_open ? "open" : "closed", (int)sight.counts.n_rows,
                (int)sight.counts.n_kept, (int)sight.counts.n_bytes);
        }
    }
    for (uint32_t i = 0; i < NODES; i++) {
        for (uint32_t s = 0; s < FEEDS; s++) {
            const feed *of = &self->feeds[i][s];
            print_error("%s fed %u of %u of %s, %s\n", NAMES[i], of->n_given,
                of->n_events, STREAM_OF[s],
                weiri_sender_get_counts(of->sender).is_open ? "open" : "closed");
        }
    }
}

/* Returns in how many turns a backlog was full. */
static uint32_t
play_seed(uint64_t seed, const char *dir, size_t backlog_bytes)
{
    world *self = calloc(1, sizeof *self);
    assert_non_null(self);
    begin(self, seed, dir, backlog_bytes);
    for (uint32_t i = 0; i < STEPS && !are_all(self, has_left); i++) {
        step(self, i);
    }
    if (!are_all(self, has_left)) {
        tell_state(self);
        fail_msg("seed %" PRIu64 ": not at their ends", seed);
    }
    if (!cluster_text_is_same(&self->text, dir, NAMES, NODES)) {
        fail_msg("seed %" PRIu64 ": the output is another", seed);
    }
    uint32_t n_held = self->n_held;
    finish(self);
    free(self);
    return n_held;
}

static uint64_t
setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void
nodes_write_what_one_writes_whatever_happens(void **state)
{
    const struct place *place = *state;
    for (uint64_t i = 0; i < setting("WEIR_SEEDS", SEEDS); i++) {
        (void)play_seed(setting("WEIR_SEED", 1) + i, place->dir, 0);
    }
}

/* Also where one chunk, or one event, is more than the whole backlog. */
static void
a_node_whose_backlog_is_full_waits_and_loses_nothing(void **state)
{
    static const size_t SIZES[] = { 1, 200, 1600 };
    const struct place *place   = *state;
    for (uint64_t i = 0; i < setting("WEIR_SEEDS", SEEDS) / 8 + 1; i++) {
        uint64_t seed = setting("WEIR_SEED", 1) + i;
        assert_true(play_seed(seed, place->dir, SIZES[seed % 3]) > 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            nodes_write_what_one_writes_whatever_happens, make_place, remove_place),
        cmocka_unit_test_setup_teardown(
            a_node_whose_backlog_is_full_waits_and_loses_nothing, make_place,
            remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
