/* A peer that was let in and means harm, or was let in once: the node and its good peer
 * go on. It is a socket of ZeroMQ with a key, and speaks as it likes. */
#define _DEFAULT_SOURCE
#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "net/head.h"
#include "peers_rig.h"
#include "weiri/limits.h"

enum { CORE, GOOD, BAD };
enum { N_GARBAGE = 2000, GARBAGE_BYTES = 8192, N_RETURNS = 40 };
enum { IN_THE_SYSTEM = 1024 }; /* messages that its buffers hold, at most */
enum { MOST_MORE_BYTES = 96 << 20, SESSION = 7 };

struct hall {
    rig      rig;
    void    *zmq; /* of those who mean harm */
    void    *bad;
    unsigned n_sent;
    unsigned n_came;
    bool     is_bad_given_up; /* it was connected, and is not any more */
    bool     is_bad_refused;
    unsigned n_of_bad; /* messages */
};

static int
set_up(void **state)
{
    struct hall *self = calloc(1, sizeof *self);
    rig_open(&self->rig);
    weiri_peer_config  known[] = { rig_peer(&self->rig, GOOD, NULL),
         rig_peer(&self->rig, BAD, NULL) };
    weiri_peers_config config  = rig_listening(&self->rig, CORE);
    config.peers               = known;
    config.n_peers             = 2;
    config.times.silence_ms    = 2000; /* one of them is to be given up */
    assert_ok(weiri_peers_open(&config, &self->rig.nodes[CORE], NULL));
    weiri_peer_config core =
        rig_peer(&self->rig, CORE, weiri_peers_address(self->rig.nodes[CORE]));
    config         = rig_silent(&self->rig, GOOD);
    config.peers   = &core;
    config.n_peers = 1;
    assert_ok(weiri_peers_open(&config, &self->rig.nodes[GOOD], NULL));
    rig_await_connected(&self->rig, CORE, GOOD);
    self->zmq = zmq_ctx_new();
    assert_non_null(self->zmq);
    *state = self;
    return 0;
}

static int
tear_down(void **state)
{
    struct hall *self = *state;
    if (self->bad != NULL) {
        zmq_close(self->bad);
    }
    zmq_ctx_term(self->zmq);
    rig_close(&self->rig);
    free(self);
    return 0;
}

/* Come with BAD's key, as whom one likes to be called. */
static void
come(struct hall *self)
{
    const weiri_keypair *keys   = &self->rig.keys[BAD];
    int                  linger = 0;
    int                  few    = 1; /* what it does not read waits in the node */
    if (self->bad != NULL) {
        zmq_close(self->bad);
    }
    self->bad = zmq_socket(self->zmq, ZMQ_DEALER);
    assert_non_null(self->bad);
    zmq_setsockopt(self->bad, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(self->bad, ZMQ_RCVHWM, &few, sizeof few);
    zmq_setsockopt(self->bad, ZMQ_CURVE_SERVERKEY, self->rig.keys[CORE].public_key,
        WEIRI_KEY_TEXT + 1);
    zmq_setsockopt(self->bad, ZMQ_CURVE_PUBLICKEY, keys->public_key, WEIRI_KEY_TEXT + 1);
    zmq_setsockopt(self->bad, ZMQ_CURVE_SECRETKEY, keys->secret_key, WEIRI_KEY_TEXT + 1);
    assert_int_equal(
        zmq_connect(self->bad, weiri_peers_address(self->rig.nodes[CORE])), 0);
}

static void
say(struct hall *self, weiri_head_kind kind, uint64_t session, const char *text)
{
    uint8_t          bytes[WEIRI_HEAD_BYTES + 64];
    const weiri_head head = { .kind = kind, .session = session };
    weiri_head_write(&head, bytes);
    memcpy(bytes + WEIRI_HEAD_BYTES, text, strlen(text));
    zmq_send(self->bad, bytes, WEIRI_HEAD_BYTES + strlen(text), ZMQ_DONTWAIT);
}

static void
note(struct hall *self, const weiri_peer_event *event)
{
    if (event->kind == WEIRI_PEER_MESSAGE && event->peer == 0) {
        assert_int_equal(atoi((const char *)event->bytes), self->n_came);
        self->n_came++;
    } else if (event->kind == WEIRI_PEER_DISCONNECTED) {
        assert_int_equal(event->peer, 1);
        self->is_bad_given_up = true;
    } else if (event->kind == WEIRI_PEER_REFUSED) {
        self->is_bad_refused = true;
    }
    self->n_of_bad += event->kind == WEIRI_PEER_MESSAGE && event->peer == 1;
}

/* The good peer goes on: each message is counted up. */
static void
go_on(struct hall *self)
{
    weiri_peer_event event;
    char             text[16];
    int              size = snprintf(text, sizeof text, "%u", self->n_sent);
    if (weiri_peers_send(self->rig.nodes[GOOD], 0, text, (size_t)size + 1) == WEIR_OK) {
        self->n_sent++;
    }
    while (weiri_peers_receive(self->rig.nodes[GOOD], 0, &event, NULL) == WEIR_OK) {
        assert_int_not_equal(event.kind, WEIRI_PEER_DISCONNECTED);
    }
    while (weiri_peers_receive(self->rig.nodes[CORE], 1, &event, NULL) == WEIR_OK) {
        note(self, &event);
    }
}

static void
go_on_until(struct hall *self, const bool *is_so)
{
    for (int i = 0; i < RIG_WAIT_MS && !*is_so; i++) {
        go_on(self);
    }
    assert_true(*is_so);
}

static void
all_came(struct hall *self)
{
    for (int i = 0; i < RIG_WAIT_MS && self->n_came < self->n_sent; i++) {
        go_on(self);
    }
    assert_true(self->n_came > 0);
    assert_in_range(self->n_came, self->n_sent - 1, self->n_sent);
}

static size_t
resident_bytes(void)
{
    unsigned long all  = 0;
    unsigned long here = 0;
    FILE         *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &all, &here), 2);
    fclose(file);
    return here * (size_t)sysconf(_SC_PAGESIZE);
}

static void
a_peer_that_floods_with_garbage_is_hung_up_on(void **state)
{
    struct hall *self   = *state;
    size_t       before = resident_bytes();
    uint64_t     seed   = 1;
    come(self);
    for (unsigned i = 0; i < N_GARBAGE; i++) {
        uint8_t bytes[GARBAGE_BYTES];
        for (size_t k = 0; k < sizeof bytes; k++) {
            seed     = seed * 6364136223846793005U + 1442695040888963407U;
            bytes[k] = (uint8_t)(seed >> 56);
        }
        if (i % 3 == 0) {
            const weiri_head head = { .kind = 1 + i % 6, .session = SESSION + i % 2 };
            weiri_head_write(&head, bytes);
        }
        zmq_send(self->bad, bytes, seed % sizeof bytes,
            ZMQ_DONTWAIT | (i % 5 == 0 ? ZMQ_SNDMORE : 0));
        go_on(self);
    }
    zmq_send(self->bad, "", 0, ZMQ_DONTWAIT);
    go_on_until(self, &self->is_bad_refused);
    all_came(self);
    weiri_peer_counts counts;
    weiri_peers_counts_of(self->rig.nodes[CORE], 1, &counts);
    assert_true(counts.n_strange > 0);
    assert_true(resident_bytes() < before + MOST_MORE_BYTES);
}

static void
a_peer_that_never_reads_is_bounded_and_given_up(void **state)
{
    static char  bytes[16 << 10];
    struct hall *self   = *state;
    size_t       before = resident_bytes();
    bool         is_in  = false;
    unsigned     n      = 0;
    come(self);
    say(self, WEIRI_HEAD_HELLO, SESSION, "edge-2");
    while (!is_in) {
        go_on(self);
        is_in = weiri_peers_is_connected(self->rig.nodes[CORE], 1);
    }
    while (!self->is_bad_given_up) { /* it says nothing either, and reads nothing */
        n += weiri_peers_send(self->rig.nodes[CORE], 1, bytes, sizeof bytes) == WEIR_OK;
        go_on(self);
    }
    assert_int_equal(
        weiri_peers_send(self->rig.nodes[CORE], 1, bytes, sizeof bytes), WEIR_EAGAIN);
    all_came(self);
    weiri_peer_counts counts;
    weiri_peers_counts_of(self->rig.nodes[CORE], 1, &counts);
    assert_true(counts.n_refused_send > 0);
    assert_in_range(n, 1, WEIRI_PEER_MESSAGES + IN_THE_SYSTEM);
    assert_true(resident_bytes() < before + MOST_MORE_BYTES);
}

static void
a_revoked_key_that_comes_back_is_refused_each_time(void **state)
{
    struct hall       *self = *state;
    weiri_peers_counts counts;
    assert_ok(weiri_peers_revoke(self->rig.nodes[CORE], "edge-2", NULL));
    for (unsigned i = 1; i <= N_RETURNS; i++) {
        come(self);
        say(self, WEIRI_HEAD_HELLO, SESSION, "edge-2");
        do {
            go_on(self);
            weiri_peers_counts_read(self->rig.nodes[CORE], &counts);
        } while (counts.n_revoked_key < i);
        say(self, WEIRI_HEAD_MESSAGE, SESSION, "let me in");
    }
    all_came(self);
    assert_int_equal(self->n_of_bad, 0);
    assert_false(weiri_peers_is_connected(self->rig.nodes[CORE], 1));
}

static void
a_name_that_is_claimed_is_not_believed(void **state)
{
    struct hall *self  = *state;
    bool         is_in = false;
    come(self);
    say(self, WEIRI_HEAD_HELLO, SESSION, "edge-1"); /* which is the good one's name */
    while (!is_in) {
        go_on(self);
        is_in = weiri_peers_is_connected(self->rig.nodes[CORE], 1);
    }
    say(self, WEIRI_HEAD_MESSAGE, SESSION, "1000000");
    while (self->n_of_bad == 0) { /* note() would fail were it taken for the good one's */
        go_on(self);
    }
    assert_true(weiri_peers_is_connected(self->rig.nodes[CORE], 0));
    all_came(self);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(a_peer_that_floods_with_garbage_is_hung_up_on),
        T(a_peer_that_never_reads_is_bounded_and_given_up),
        T(a_revoked_key_that_comes_back_is_refused_each_time),
        T(a_name_that_is_claimed_is_not_believed),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
