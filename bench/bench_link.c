/* Events a second over an acknowledged link, and how late they are: both ends and their
 * transport in one process on the loopback, with nothing else; beside it the same bytes
 * by a bare pair of ZeroMQ sockets. "kept" syncs each batch that was taken to a file
 * before it is acknowledged; all of it plainly and with CURVE. One JSON object.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "weiri/columns.h"
#include "weiri/keypair.h"
#include "weiri/links.h"
#include "weiri/peers.h"
#include "weiri/worker.h"

enum { CHUNKS = 3000, BATCH = 1024, TEXT = 76, LATE_CHUNKS = 1000, LATE_ROWS = 100 };

static const weir_field  FIELDS[] = { { .name = "n", .type = WEIR_INT },
     { .name = "s", .type = WEIR_STRING } };
static const weir_schema SCHEMA   = {
      .name = "txn", .fields = FIELDS, .n_fields = 2, .time_field = -1
};

struct side {
    weiri_peers *peers;
    weiri_links *links;
};

struct taking {
    weiri_reader *reader;
    uint64_t      rows;
    int           fd;      /* -1: nothing is synced */
    int64_t      *late_ns; /* shape (n_frames,) */
    uint32_t      n_late;
};

static int64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void
need(bool is, const char *what)
{
    if (!is) {
        fprintf(stderr, "bench_link: %s\n", what);
        exit(1);
    }
}

/* keys: its own and the other's; NULL: neither keys nor secrecy */
static void
open_side(struct side *self, const char *name, const char *peer,
    const weiri_keypair *const keys[2], const char *listen, const char *address)
{
    const weiri_peer_config  other  = { .name = peer,
          .address                            = address,
          .key                                = keys != NULL ? keys[1]->public_key : NULL,
          .may_send                           = { .is_any = true },
          .may_read                           = { .is_any = true } };
    const weiri_peers_config config = { .name = name,
        .keys                                 = keys != NULL ? keys[0] : NULL,
        .is_insecure                          = keys == NULL,
        .listen                               = listen,
        .peers                                = &other,
        .n_peers                              = 1 };
    weir_error               err    = { .status = WEIR_OK };
    need(weiri_peers_open(&config, &self->peers, &err) == WEIR_OK, err.text);
    const weiri_links_config links = { .self = name,
        .transport                           = weiri_links_by_peers(self->peers) };
    need(weiri_links_new(&links, &self->links, &err) == WEIR_OK, err.text);
}

/* What an intake does with frames, but for the rules. */
static void
take(void *context)
{
    static char    bytes[2 << 20];
    struct taking *self     = context;
    weir_chunk    *chunk    = NULL;
    bool           is_ended = false;
    need(weir_chunk_new(&SCHEMA, NULL, &chunk) == WEIR_OK, "memory");
    while (!is_ended) {
        size_t      n   = 0;
        weir_error  err = { .status = WEIR_OK };
        weir_status status =
            weiri_reader_read(self->reader, bytes, sizeof bytes, -1, &n, &err);
        if (status != WEIR_OK) {
            continue;
        }
        if (self->fd >= 0) {
            need(pwrite(self->fd, bytes, n, 0) == (ssize_t)n && fdatasync(self->fd) == 0,
                "sync");
        }
        weiri_reader_keep(self->reader);
        for (size_t at = 0; at < n;) {
            weiri_frame    frame;
            const uint8_t *whole = (const uint8_t *)bytes + at;
            need(weiri_frame_next(&frame, whole, n - at, NULL) == WEIR_OK, "frame");
            if (frame.kind == WEIRI_FRAME_COLUMNS) {
                weir_chunk_clear(chunk);
                need(weiri_columns_read(whole + WEIRI_FRAME_HEAD, frame.n_rows, 0, chunk)
                         == WEIR_OK,
                    "columns");
                self->rows += frame.n_rows;
                if (self->late_ns != NULL) {
                    self->late_ns[self->n_late++] = now_ns() - chunk->columns[0].as.i[0];
                }
            }
            is_ended = is_ended || frame.kind == WEIRI_FRAME_END;
            at += WEIRI_FRAME_HEAD + (size_t)frame.size;
        }
    }
    weir_chunk_drop(&chunk);
}

static void
fill(weir_chunk *chunk, uint32_t n)
{
    static const char text[TEXT] = "a card, a terminal, a shop, a street";
    weir_value        value      = { .type = WEIR_STRING, .as.s = text, .size = TEXT };
    for (uint32_t i = 0; i < n; i++) {
        chunk->time[i]            = i;
        chunk->columns[0].as.i[i] = i;
        need(weir_chunk_set(chunk, i, 1, &value) == WEIR_OK, "memory");
    }
    chunk->n_rows = n;
}

static void
give(const struct side *edge, weiri_writer *writer, uint32_t n_chunks, uint32_t n_rows,
    int64_t pace_ns)
{
    weir_chunk *chunk = NULL;
    weir_error  err   = { .status = WEIR_OK };
    need(weir_chunk_new(&SCHEMA, NULL, &chunk) == WEIR_OK, "memory");
    fill(chunk, n_rows);
    const weir_rows rows  = { .chunk = chunk, .n = n_rows };
    int64_t         begun = now_ns();
    for (uint32_t i = 0; i < n_chunks; i++) {
        while (pace_ns > 0 && now_ns() < begun + i * pace_ns) {
            const struct timespec pause = { .tv_nsec = 50000 };
            nanosleep(&pause, NULL);
        }
        while (weiri_writer_is_full(writer)) {
            weiri_links_wait(edge->links, 10000000);
        }
        chunk->columns[0].as.i[0] = now_ns();
        need(weiri_writer_rows(writer, rows, &err) == WEIR_OK
                 && weiri_writer_advance(writer, i, &err) == WEIR_OK,
            err.text);
    }
    need(weiri_writer_end(writer, 0, &err) == WEIR_OK, err.text);
    while (!weiri_writer_farewell(writer).is_kept) {
        weiri_links_wait(edge->links, 10000000);
    }
    weir_chunk_drop(&chunk);
}

static int
compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Seconds for all of it. */
static double
run(bool is_secret, bool is_kept, uint32_t n_chunks, uint32_t n_rows, int64_t pace_ns,
    double late_ms[2])
{
    struct side       core;
    struct side       edge;
    weir_error        err      = { .status = WEIR_OK };
    struct taking     taking   = { .fd = -1 };
    weiri_writer     *writer   = NULL;
    weiri_worker     *worker   = NULL;
    weiri_link_place  place    = { 0 };
    char              file[]   = "bench_link.XXXXXX";
    weiri_link_config link     = { .peer = "edge", .schema = &SCHEMA };
    weiri_keypair     pairs[2] = { 0 };
    need(weiri_keypair_make(&pairs[0], &err) == WEIR_OK
             && weiri_keypair_make(&pairs[1], &err) == WEIR_OK,
        err.text);
    const weiri_keypair *const of_core[] = { &pairs[0], &pairs[1] };
    const weiri_keypair *const of_edge[] = { &pairs[1], &pairs[0] };
    open_side(
        &core, "core", "edge", is_secret ? of_core : NULL, "tcp://127.0.0.1:*", NULL);
    open_side(&edge, "edge", "core", is_secret ? of_edge : NULL, NULL,
        weiri_peers_address(core.peers));
    need(weiri_reader_link(core.links, &link, &taking.reader, &err) == WEIR_OK, err.text);
    link.peer = "core";
    need(weiri_writer_link(edge.links, &link, NULL, &writer, &err) == WEIR_OK, err.text);
    if (is_kept) {
        taking.fd = mkstemp(file);
        need(taking.fd >= 0 && unlink(file) == 0, "a file");
    }
    if (pace_ns > 0) {
        taking.late_ns = calloc(n_chunks, sizeof *taking.late_ns);
    }
    weiri_reader_begin(taking.reader, &place);
    need(weiri_worker_new(&worker, &err) == WEIR_OK
             && weiri_worker_start(worker, take, &taking, &err) == WEIR_OK,
        err.text);
    int64_t begun = now_ns();
    give(&edge, writer, n_chunks, n_rows, pace_ns);
    double seconds = (double)(now_ns() - begun) * 1e-9;
    weiri_worker_destroy(&worker);
    need(taking.rows == (uint64_t)n_chunks * n_rows, "rows are missing");
    if (pace_ns > 0) {
        qsort(taking.late_ns, taking.n_late, sizeof(int64_t), compare);
        late_ms[0] = (double)taking.late_ns[taking.n_late / 2] * 1e-6;
        late_ms[1] = (double)taking.late_ns[taking.n_late * 99 / 100] * 1e-6;
    }
    weiri_reader_close(&taking.reader);
    need(weiri_writer_close(&writer, &err) == WEIR_OK, err.text);
    weiri_links_destroy(&edge.links);
    weiri_links_destroy(&core.links);
    weiri_peers_close(&edge.peers);
    weiri_peers_close(&core.peers);
    if (taking.fd >= 0) {
        close(taking.fd);
    }
    free(taking.late_ns);
    return seconds;
}

static void
pull(void *context)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    for (int i = 0; i < CHUNKS; i++) {
        need(zmq_msg_recv(&message, context, 0) > 0, "zmq");
    }
    zmq_msg_close(&message);
}

/* As many bytes in as many messages, not looked at and not acknowledged. */
static double
run_bare(void)
{
    static char   bytes[BATCH * (TEXT + 20)];
    char          address[200];
    size_t        size         = sizeof address;
    weir_error    err          = { .status = WEIR_OK };
    weiri_worker *worker       = NULL;
    void         *pair_context = zmq_ctx_new();
    void         *to           = zmq_socket(pair_context, ZMQ_PULL);
    void         *from         = zmq_socket(pair_context, ZMQ_PUSH);
    need(zmq_bind(to, "tcp://127.0.0.1:*") == 0
             && zmq_getsockopt(to, ZMQ_LAST_ENDPOINT, address, &size) == 0
             && zmq_connect(from, address) == 0,
        "zmq");
    need(weiri_worker_new(&worker, &err) == WEIR_OK
             && weiri_worker_start(worker, pull, to, &err) == WEIR_OK,
        err.text);
    int64_t begun = now_ns();
    for (int i = 0; i < CHUNKS; i++) {
        need(zmq_send(from, bytes, sizeof bytes, 0) > 0, "zmq");
    }
    weiri_worker_destroy(&worker);
    double seconds = (double)(now_ns() - begun) * 1e-9;
    zmq_close(from);
    zmq_close(to);
    zmq_ctx_term(pair_context);
    return seconds;
}

int
main(void)
{
    double events     = (double)CHUNKS * BATCH;
    double late_ms[2] = { 0, 0 };
    double bare       = events / run_bare();
    printf("{\"bytes_per_event\": %d, \"bare_zmq_per_second\": %.0f", TEXT + 24, bare);
    for (int is_secret = 0; is_secret < 2; is_secret++) {
        double taken = events / run(is_secret, false, CHUNKS, BATCH, 0, NULL);
        double kept  = events / run(is_secret, true, CHUNKS, BATCH, 0, NULL);
        (void)run(
            is_secret, false, LATE_CHUNKS, LATE_ROWS, 1000000, late_ms); /* 100 k/s */
        printf(", \"%s\": {\"taken_per_second\": %.0f, \"kept_per_second\": %.0f, "
               "\"at_100k_median_ms\": %.3f, \"at_100k_p99_ms\": %.3f}",
            is_secret ? "curve" : "plain", taken, kept, late_ms[0], late_ms[1]);
    }
    printf("}\n");
    return 0;
}
