#include "weir_test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weiri/columns.h"
#include "weiri/links.h"
#include "weiri/peers.h"
#include "weiri/worker.h"

/* Two nodes in one process, each with the thread of its links; the test is the engine of
 * the one that sends, and a thread of its own that of the one that receives. */

enum { WAIT_S = 60, PAUSE_NS = 5000000, CHUNKS = 200, ROWS = 64, BYTES = 2 << 20 };

static const weir_field  FIELDS[] = { { .name = "n", .type = WEIR_INT } };
static const weir_schema SCHEMA   = {
      .name = "txn", .fields = FIELDS, .n_fields = 1, .time_field = -1
};
static const weiri_peer_times TIMES = {
    .beat_ms = 10, .silence_ms = 1000, .reconnect_ms = 5, .reconnect_longest_ms = 50
};

struct side {
    weiri_peers *peers;
    weiri_links *links;
};

typedef struct world {
    struct side   core;
    struct side   edge;
    weiri_reader *reader;
    weiri_writer *writer;
    weir_chunk   *chunk;
    int64_t       given; /* rows */
    atomic_llong  taken; /* rows, each the one that had to come */
    atomic_bool   is_ended;
} world;

static int64_t
seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static weiri_peer_config
known(const char *name, const char *address)
{
    return (weiri_peer_config){ .name = name,
        .address                      = address,
        .may_send                     = { .is_any = true },
        .may_read                     = { .is_any = true } };
}

static void
open_side(struct side *self, const char *name, const weiri_peer_config *peer,
    const char *listen)
{
    const weiri_peers_config config = { .name = name,
        .is_insecure                          = true,
        .listen                               = listen,
        .peers                                = peer,
        .n_peers                              = 1,
        .times                                = TIMES };
    assert_ok(weiri_peers_open(&config, &self->peers, NULL));
    const weiri_links_config links = { .self = name,
        .transport                           = weiri_links_by_peers(self->peers) };
    assert_ok(weiri_links_new(&links, &self->links, NULL));
}

static void
close_side(struct side *self)
{
    weiri_links_destroy(&self->links);
    weiri_peers_close(&self->peers);
}

static int
set_up(void **state)
{
    world *self = calloc(1, sizeof *self);
    assert_non_null(self);
    const weiri_peer_config edge = known("edge", NULL);
    open_side(&self->core, "core", &edge, "tcp://127.0.0.1:*");
    const weiri_peer_config core = known("core", weiri_peers_address(self->core.peers));
    open_side(&self->edge, "edge", &core, NULL);
    weiri_link_config link = {
        .peer = "edge", .schema = &SCHEMA, .silence_ns = 300000000
    };
    assert_ok(weiri_reader_link(self->core.links, &link, &self->reader, NULL));
    link.peer = "core";
    assert_ok(weiri_writer_link(self->edge.links, &link, NULL, &self->writer, NULL));
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &self->chunk));
    const weiri_link_place begin = { 0 };
    weiri_reader_begin(self->reader, &begin);
    *state = self;
    return 0;
}

static int
tear_down(void **state)
{
    world *self = *state;
    if (self->reader != NULL) {
        weiri_reader_close(&self->reader);
    }
    assert_ok(weiri_writer_close(&self->writer, NULL));
    close_side(&self->edge);
    close_side(&self->core);
    weir_chunk_drop(&self->chunk);
    free(self);
    return 0;
}

static void
give(world *self)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        self->chunk->time[i]            = self->given;
        self->chunk->columns[0].as.i[i] = self->given++;
    }
    self->chunk->n_rows = ROWS;
    assert_ok(weiri_writer_rows(
        self->writer, (weir_rows){ .chunk = self->chunk, .n = ROWS }, NULL));
    assert_ok(weiri_writer_advance(self->writer, self->given, NULL));
}

/* Take what has come, if anything has. False: not what had to come next. */
static bool
take_some(world *self, weir_chunk *chunk, char *bytes, int64_t wait_ns)
{
    size_t n  = 0;
    bool   is = true;
    if (weiri_reader_read(self->reader, bytes, BYTES, wait_ns, &n, NULL) != WEIR_OK) {
        return true;
    }
    for (size_t at = 0; at < n && is;) {
        weiri_frame    frame;
        const uint8_t *whole = (const uint8_t *)bytes + at;
        is                   = weiri_frame_next(&frame, whole, n - at, NULL) == WEIR_OK;
        weir_chunk_clear(chunk);
        if (is && frame.kind == WEIRI_FRAME_COLUMNS) {
            is = weiri_columns_read(whole + WEIRI_FRAME_HEAD, frame.n_rows, 0, chunk)
                 == WEIR_OK;
            for (uint32_t i = 0; is && i < frame.n_rows; i++) {
                is = chunk->columns[0].as.i[i] == atomic_fetch_add(&self->taken, 1);
            }
        }
        self->is_ended = self->is_ended || frame.kind == WEIRI_FRAME_END;
        at += WEIRI_FRAME_HEAD + (size_t)frame.size;
    }
    weiri_reader_keep(self->reader);
    return is;
}

static void
take_all(void *context)
{
    static char bytes[BYTES];
    world      *self  = context;
    weir_chunk *chunk = NULL;
    bool        is    = weir_chunk_new(&SCHEMA, NULL, &chunk) == WEIR_OK;
    int64_t     until = seconds() + WAIT_S;
    while (is && !self->is_ended && seconds() < until) {
        is = take_some(self, chunk, bytes, PAUSE_NS);
    }
    weir_chunk_drop(&chunk);
}

/* Take what comes until that many rows are there. */
static void
take_until(world *self, int64_t n)
{
    static char bytes[BYTES];
    weir_chunk *chunk = NULL;
    assert_ok(weir_chunk_new(&SCHEMA, NULL, &chunk));
    int64_t until = seconds() + WAIT_S;
    while (self->taken < n && seconds() < until) {
        assert_true(take_some(self, chunk, bytes, PAUSE_NS));
    }
    weir_chunk_drop(&chunk);
    assert_int_equal(self->taken, n);
}

static weiri_link_sight
sight(const struct side *side)
{
    weiri_link_sight out;
    assert_true(weiri_links_sight(side->links, 0, &out));
    assert_false(weiri_links_sight(side->links, 1, &out));
    return out;
}

/* Until the link of a side is refused with this reason, NULL: is open. */
static void
await_refusal(const struct side *side, const char *why)
{
    int64_t until = seconds() + WAIT_S;
    for (;;) {
        weiri_link_sight seen = sight(side);
        if (why == NULL ? seen.counts.is_open : strcmp(seen.refusal, why) == 0) {
            assert_int_equal(seen.counts.is_open, why == NULL);
            return;
        }
        if (seconds() >= until) {
            fail_msg("'%s' is refused with '%s'", seen.stream, seen.refusal);
        }
        weiri_links_wait(side->links, PAUSE_NS);
    }
}

/* Know a peer by other permissions, as the node at work does. */
static void
permit(const struct side *side, weiri_peer_config peer)
{
    uint32_t number = 0;
    weiri_links_hold(side->links);
    assert_ok(weiri_peers_allow(side->peers, &peer, &number, NULL));
    weiri_links_release(side->links);
}

static void
rows_come_once_and_in_order_while_others_look(void **state)
{
    world        *self   = *state;
    weiri_worker *worker = NULL;
    assert_ok(weiri_worker_new(&worker, NULL));
    assert_ok(weiri_worker_start(worker, take_all, self, NULL));
    for (int i = 0; i < CHUNKS; i++) {
        give(self);
        (void)sight(&self->core);
        assert_true(sight(&self->edge).counts.n_rows == (uint64_t)self->given);
        assert_ok(weiri_writer_settle(self->writer, NULL));
    }
    assert_ok(weiri_writer_end(self->writer, 0, NULL));
    int64_t until = seconds() + WAIT_S;
    while (!weiri_writer_farewell(self->writer).is_kept && seconds() < until) {
        weiri_links_wait(self->edge.links, PAUSE_NS);
    }
    weiri_worker_destroy(&worker);
    assert_true(self->is_ended);
    assert_int_equal(self->taken, self->given);
    weiri_link_sight seen = sight(&self->edge);
    assert_string_equal(seen.peer, "core");
    assert_string_equal(seen.stream, "txn");
    assert_true(seen.is_sender && seen.counts.n_bytes == 0);
    while (!(weiri_reader_farewell(self->reader).parting != WEIRI_LINK_FLOWING)
           && seconds() < until) {
        weiri_links_wait(self->core.links, PAUSE_NS);
    }
    assert_true((weiri_reader_farewell(self->reader).parting != WEIRI_LINK_FLOWING));
}

static void
what_may_not_be_sent_any_more_is_not_taken(void **state)
{
    world            *self = *state;
    weiri_peer_config edge = known("edge", NULL);
    give(self);
    take_until(self, self->given);
    edge.may_send = (weiri_permit){ .n_streams = 0 };
    permit(&self->core, edge);
    give(self);
    await_refusal(&self->edge, "'edge' may not send 'txn' to 'core'");
    await_refusal(&self->core, "'edge' may not send 'txn' to 'core'");
    assert_true(sight(&self->core).counts.n_rows == ROWS);
    edge.may_send.is_any = true;
    permit(&self->core, edge);
    take_until(self, self->given);
    await_refusal(&self->edge, NULL);
}

static void
what_may_not_be_read_any_more_is_not_sent(void **state)
{
    world            *self = *state;
    weiri_peer_config core = known("core", weiri_peers_address(self->core.peers));
    give(self);
    take_until(self, self->given);
    core.may_read = (weiri_permit){ .n_streams = 0 };
    permit(&self->edge, core);
    await_refusal(&self->edge, "'core' may not read 'txn' from 'edge'");
    give(self);
    assert_true(sight(&self->edge).counts.n_bytes > 0);
    core.may_read.is_any = true;
    permit(&self->edge, core);
    take_until(self, self->given);
    await_refusal(&self->edge, NULL);
}

static void
a_stream_that_nobody_reads_any_more_is_refused_at_once(void **state)
{
    world *self = *state;
    give(self);
    take_until(self, self->given);
    weiri_reader_close(&self->reader);
    give(self);
    await_refusal(&self->edge, "'core' reads no such stream from 'edge'");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(rows_come_once_and_in_order_while_others_look),
        T(what_may_not_be_sent_any_more_is_not_taken),
        T(what_may_not_be_read_any_more_is_not_sent),
        T(a_stream_that_nobody_reads_any_more_is_refused_at_once),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
