#define _DEFAULT_SOURCE
#include "weir_test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "peers_rig.h"

enum { CORE, EDGE_1, EDGE_2, STRANGER };

static int
set_up(void **state)
{
    rig *self = malloc(sizeof *self);
    rig_open(self);
    *state = self;
    return 0;
}

static int
tear_down(void **state)
{
    rig *self = *state;
    rig_close(self);
    free(self);
    return 0;
}

/* core listens and knows edge-1 and edge-2, who go there. */
static void
open_core(rig *self)
{
    weiri_peer_config  known[] = { rig_peer(self, EDGE_1, NULL),
         rig_peer(self, EDGE_2, NULL) };
    weiri_peers_config config  = rig_listening(self, CORE);
    config.peers               = known;
    config.n_peers             = 2;
    assert_ok(weiri_peers_open(&config, &self->nodes[CORE], NULL));
}

static void
open_edge(rig *self, unsigned edge)
{
    weiri_peer_config known =
        rig_peer(self, CORE, weiri_peers_address(self->nodes[CORE]));
    weiri_peers_config config = rig_silent(self, edge);
    config.peers              = &known;
    config.n_peers            = 1;
    assert_ok(weiri_peers_open(&config, &self->nodes[edge], NULL));
}

static void
await_text(rig *self, unsigned node, uint32_t from, const char *text)
{
    weiri_peer_event event;
    rig_await(self, node, WEIRI_PEER_MESSAGE, &event);
    assert_int_equal(event.peer, from);
    assert_int_equal(event.size, strlen(text));
    assert_memory_equal(event.bytes, text, event.size);
}

static void
messages_go_both_ways(void **state)
{
    rig *self = *state;
    open_core(self);
    open_edge(self, EDGE_1);
    rig_await_connected(self, CORE, EDGE_1);
    rig_send(self, EDGE_1, 0, "from the edge", 13);
    await_text(self, CORE, 0, "from the edge");
    rig_send(self, CORE, 0, "from the core", 13);
    await_text(self, EDGE_1, 0, "from the core");
    rig_send(self, EDGE_1, 0, "", 0);
    await_text(self, CORE, 0, "");
}

static void
messages_of_two_peers_come_whole_and_in_order(void **state)
{
    enum { N = 2000, BYTES = 3000 };
    rig *self = *state;
    char text[BYTES];
    int  next[2] = { 0, 0 };
    int  sent[2] = { 0, 0 };
    memset(text, 'x', sizeof text);
    open_core(self);
    open_edge(self, EDGE_1);
    open_edge(self, EDGE_2);
    rig_await_connected(self, CORE, EDGE_1);
    rig_await_connected(self, CORE, EDGE_2);
    while (next[0] < N || next[1] < N) {
        for (unsigned i = 0; i < 2; i++) {
            weiri_peer_event event;
            snprintf(text, sizeof text, "%d", sent[i]);
            if (sent[i] < N
                && weiri_peers_send(
                       self->nodes[EDGE_1 + i], 0, text, 20 + (size_t)sent[i])
                       == WEIR_OK) {
                sent[i]++;
            }
            while (weiri_peers_receive(self->nodes[EDGE_1 + i], 0, &event, NULL)
                   == WEIR_OK) {
                assert_int_not_equal(event.kind, WEIRI_PEER_DISCONNECTED);
            }
            while (weiri_peers_receive(self->nodes[CORE], 0, &event, NULL) == WEIR_OK) {
                assert_int_equal(event.kind, WEIRI_PEER_MESSAGE);
                assert_int_equal(event.size, 20 + next[event.peer]);
                assert_int_equal(atoi((const char *)event.bytes), next[event.peer]);
                next[event.peer]++;
            }
        }
    }
}

static void
a_key_that_nobody_has_is_refused_on_both_sides(void **state)
{
    rig               *self = *state;
    weiri_peer_event   event;
    weiri_peers_counts counts;
    open_core(self);
    open_edge(self, STRANGER);
    rig_await(self, CORE, WEIRI_PEER_REFUSED, &event);
    assert_int_equal(event.peer, WEIRI_PEER_NOBODY);
    assert_non_null(strstr(event.reason, self->keys[STRANGER].public_key));
    assert_non_null(strstr(event.reason, "127.0.0.1"));
    rig_await(self, STRANGER, WEIRI_PEER_REFUSED, &event);
    assert_string_equal(event.reason, "'core' refuses us: it does not let our key in");
    weiri_peers_counts_read(self->nodes[CORE], &counts);
    assert_true(counts.n_unknown_key > 0);
    assert_int_equal(weiri_peers_send(self->nodes[STRANGER], 0, "x", 1), WEIR_EAGAIN);
}

static void
who_is_allowed_later_comes_in_without_a_restart(void **state)
{
    rig              *self = *state;
    weiri_peer_event  event;
    uint32_t          number = 0;
    weiri_peer_config who    = rig_peer(self, STRANGER, NULL);
    open_core(self);
    open_edge(self, STRANGER);
    rig_await(self, CORE, WEIRI_PEER_REFUSED, &event);
    assert_ok(weiri_peers_allow(self->nodes[CORE], &who, &number, NULL));
    assert_int_equal(number, 2);
    rig_await_connected(self, CORE, STRANGER);
    rig_send(self, STRANGER, 0, "hello", 5);
    await_text(self, CORE, 2, "hello");
}

static void
who_is_revoked_is_gone_at_once_and_stays_away(void **state)
{
    rig             *self = *state;
    weiri_peer_event event;
    open_core(self);
    open_edge(self, EDGE_1);
    open_edge(self, EDGE_2);
    rig_await_connected(self, CORE, EDGE_1);
    rig_await_connected(self, CORE, EDGE_2);
    rig_send(self, EDGE_1, 0, "before", 6);
    await_text(self, CORE, 0, "before");
    rig_send(self, EDGE_1, 0, "too late", 8);
    assert_ok(weiri_peers_revoke(self->nodes[CORE], "edge-1", NULL));
    assert_int_equal(weiri_peers_find(self->nodes[CORE], "edge-1"), WEIRI_PEER_NOBODY);
    assert_int_equal(weiri_peers_send(self->nodes[CORE], 0, "x", 1), WEIR_EAGAIN);
    assert_ok(weiri_peers_receive(self->nodes[CORE], 0, &event, NULL));
    assert_int_equal(event.kind, WEIRI_PEER_DISCONNECTED);
    assert_string_equal(event.reason, "its key was revoked");
    rig_await(self, EDGE_1, WEIRI_PEER_DISCONNECTED, &event);
    rig_await(self, CORE, WEIRI_PEER_REFUSED, &event);
    assert_int_equal(event.peer, 0);
    assert_non_null(strstr(event.reason, "was revoked"));
    rig_send(self, EDGE_2, 0, "still here", 10);
    await_text(self, CORE, 1, "still here");
    assert_int_equal(weiri_peers_revoke(self->nodes[CORE], "edge-1", NULL), WEIR_ENOENT);
}

static void
two_who_know_each_others_address_have_one_connection(void **state)
{
    rig               *self = *state;
    weiri_peer_event   event;
    weiri_peer_counts  counts;
    weiri_peers_config core = rig_listening(self, CORE);
    weiri_peers_config edge = rig_listening(self, EDGE_1);
    assert_ok(weiri_peers_open(&core, &self->nodes[CORE], NULL));
    assert_ok(weiri_peers_open(&edge, &self->nodes[EDGE_1], NULL));
    weiri_peer_config to_core =
        rig_peer(self, CORE, weiri_peers_address(self->nodes[CORE]));
    weiri_peer_config to_edge =
        rig_peer(self, EDGE_1, weiri_peers_address(self->nodes[EDGE_1]));
    uint32_t number = 0;
    assert_ok(weiri_peers_allow(self->nodes[CORE], &to_edge, &number, NULL));
    assert_ok(weiri_peers_allow(self->nodes[EDGE_1], &to_core, &number, NULL));
    rig_await_connected(self, CORE, EDGE_1);
    for (int i = 0; i < 100; i++) {
        char text[20];
        int  size = snprintf(text, sizeof text, "%d", i);
        rig_send(self, CORE, 0, text, (size_t)size);
        await_text(self, EDGE_1, 0, text);
        rig_send(self, EDGE_1, 0, text, (size_t)size);
        await_text(self, CORE, 0, text);
    }
    weiri_peers_counts_of(self->nodes[CORE], 0, &counts);
    assert_int_equal(counts.n_connected, 1);
    assert_int_equal(counts.n_strange, 0);
    weiri_peers_close(&self->nodes[EDGE_1]);
    rig_await(self, CORE, WEIRI_PEER_DISCONNECTED, &event);
}

static void
a_peer_that_comes_again_is_connected_again(void **state)
{
    rig             *self = *state;
    weiri_peer_event event;
    open_core(self);
    for (int i = 0; i < 10; i++) {
        open_edge(self, EDGE_1);
        rig_await_connected(self, CORE, EDGE_1);
        rig_send(self, EDGE_1, 0, "last words", 10);
        weiri_peers_close(&self->nodes[EDGE_1]);
        await_text(self, CORE, 0, "last words");
        rig_await(self, CORE, WEIRI_PEER_DISCONNECTED, &event);
        assert_int_equal(event.peer, 0);
    }
}

static void
a_node_that_is_not_there_yet_is_waited_for(void **state)
{
    rig *self = *state;
    char address[64];
    open_core(self);
    snprintf(address, sizeof address, "%s", weiri_peers_address(self->nodes[CORE]));
    open_edge(self, EDGE_1);
    weiri_peers_close(&self->nodes[CORE]);
    weiri_peer_event event;
    for (int i = 0; i < 50; i++) {
        weir_status status = weiri_peers_receive(self->nodes[EDGE_1], 1, &event, NULL);
        assert_true(status == WEIR_EAGAIN || event.kind != WEIRI_PEER_MESSAGE);
    }
    weiri_peer_config  known  = rig_peer(self, EDGE_1, NULL);
    weiri_peers_config config = rig_listening(self, CORE);
    config.listen             = address;
    config.peers              = &known;
    config.n_peers            = 1;
    assert_ok(weiri_peers_open(&config, &self->nodes[CORE], NULL));
    rig_await_connected(self, CORE, EDGE_1);
}

static void
a_server_with_another_key_is_not_believed(void **state)
{
    rig             *self = *state;
    weiri_peer_event event;
    open_core(self);
    weiri_peer_config known =
        rig_peer(self, CORE, weiri_peers_address(self->nodes[CORE]));
    weiri_peers_config config = rig_silent(self, EDGE_1);
    known.key                 = self->keys[STRANGER].public_key;
    config.peers              = &known;
    config.n_peers            = 1;
    assert_ok(weiri_peers_open(&config, &self->nodes[EDGE_1], NULL));
    rig_await(self, EDGE_1, WEIRI_PEER_REFUSED, &event);
    assert_non_null(strstr(event.reason, "another key"));
    assert_false(weiri_peers_is_connected(self->nodes[EDGE_1], 0));
}

static void
nothing_is_sent_beyond_the_bounds(void **state)
{
    rig              *self = *state;
    weiri_peer_event  event;
    weiri_peer_counts counts;
    char             *text = calloc(1, 20 << 20);
    open_core(self);
    open_edge(self, EDGE_1);
    assert_int_equal(weiri_peers_send(self->nodes[EDGE_1], 0, "x", 1), WEIR_EAGAIN);
    rig_await_connected(self, CORE, EDGE_1);
    assert_int_equal(
        weiri_peers_send(self->nodes[EDGE_1], 0, text, 16 * 1024 * 1024 + 1), WEIR_EFULL);
    rig_send(self, EDGE_1, 0, text, 16 << 20);
    rig_await(self, CORE, WEIRI_PEER_MESSAGE, &event);
    assert_int_equal(event.size, 16 << 20);
    int n = 0;
    while (weiri_peers_send(self->nodes[EDGE_1], 0, text, 1 << 20) == WEIR_OK) {
        n++;
        assert_true(n < 1000);
    }
    weiri_peers_counts_of(self->nodes[EDGE_1], 0, &counts);
    assert_int_equal(counts.n_refused_send, 1);
    for (; n > 0; n--) {
        rig_await(self, CORE, WEIRI_PEER_MESSAGE, &event);
    }
    rig_send(self, EDGE_1, 0, "goes on", 7);
    await_text(self, CORE, 0, "goes on");
    free(text);
}

static void
streams_are_permitted_by_name(void **state)
{
    rig               *self      = *state;
    const char        *streams[] = { "txn", "cards" };
    weiri_peer_config  known[]   = { rig_peer(self, EDGE_1, NULL),
           rig_peer(self, EDGE_2, NULL) };
    weiri_peers_config config    = rig_listening(self, CORE);
    known[0].may_send            = (weiri_permit){ .streams = streams, .n_streams = 2 };
    known[0].may_read            = (weiri_permit){ .is_any = false };
    config.peers                 = known;
    config.n_peers               = 2;
    assert_ok(weiri_peers_open(&config, &self->nodes[CORE], NULL));
    assert_true(weiri_peers_may_send(self->nodes[CORE], 0, "txn"));
    assert_true(weiri_peers_may_send(self->nodes[CORE], 0, "cards"));
    assert_false(weiri_peers_may_send(self->nodes[CORE], 0, "alarms"));
    assert_false(weiri_peers_may_read(self->nodes[CORE], 0, "txn"));
    assert_true(weiri_peers_may_send(self->nodes[CORE], 1, "alarms"));
    assert_ok(weiri_peers_revoke(self->nodes[CORE], "edge-2", NULL));
    assert_false(weiri_peers_may_send(self->nodes[CORE], 1, "alarms"));
}

static void
what_is_wrong_with_a_configuration_is_said(void **state)
{
    rig               *self   = *state;
    weir_error         err    = { 0 };
    weiri_peer_config  two[2] = { rig_peer(self, EDGE_1, NULL),
         rig_peer(self, EDGE_2, NULL) };
    weiri_peers_config config = rig_listening(self, CORE);
    config.peers              = two;
    config.n_peers            = 2;
    two[1].key                = two[0].key;
    assert_int_equal(weiri_peers_open(&config, &self->nodes[CORE], &err), WEIR_EINVAL);
    assert_string_equal(err.text, "the key of 'edge-2' is another peer's as well");
    two[1]      = rig_peer(self, EDGE_2, NULL);
    two[1].name = "edge-1";
    assert_int_equal(weiri_peers_open(&config, &self->nodes[CORE], &err), WEIR_EINVAL);
    assert_string_equal(err.text, "there are two peers named 'edge-1'");
    two[1].name = "edge 2";
    assert_int_equal(weiri_peers_open(&config, &self->nodes[CORE], &err), WEIR_EINVAL);
    two[1]     = rig_peer(self, EDGE_2, NULL);
    two[1].key = "too short";
    assert_int_equal(weiri_peers_open(&config, &self->nodes[CORE], &err), WEIR_EINVAL);
    assert_string_equal(err.text, "the key of 'edge-2' is none: 40 characters of Z85");
    two[1] = rig_peer(self, EDGE_2, "tcp://nowhere");
    assert_int_equal(weiri_peers_open(&config, &self->nodes[CORE], &err), WEIR_EINVAL);
    two[1]      = rig_peer(self, EDGE_2, NULL);
    config.keys = NULL;
    assert_int_equal(weiri_peers_open(&config, &self->nodes[CORE], &err), WEIR_EINVAL);
    assert_string_equal(err.text, "the node 'core' has no key");
}

static void
without_keys_a_name_is_believed(void **state)
{
    rig               *self   = *state;
    weiri_peer_config  edge   = { .name = "edge-1" };
    weiri_peers_config config = { .name = "core",
        .listen                         = "tcp://127.0.0.1:*",
        .is_insecure                    = true,
        .times                          = RIG_TIMES };
    config.peers              = &edge;
    config.n_peers            = 1;
    assert_ok(weiri_peers_open(&config, &self->nodes[CORE], NULL));
    weiri_peer_config  core  = { .name = "core",
          .address                     = weiri_peers_address(self->nodes[CORE]) };
    weiri_peers_config other = { .name = "edge-1",
        .is_insecure                   = true,
        .peers                         = &core,
        .n_peers                       = 1,
        .times                         = RIG_TIMES };
    assert_ok(weiri_peers_open(&other, &self->nodes[EDGE_1], NULL));
    rig_await_connected(self, CORE, EDGE_1);
    rig_send(self, EDGE_1, 0, "in the clear", 12);
    await_text(self, CORE, 0, "in the clear");
    other.name = "somebody-else";
    weiri_peer_event event;
    assert_ok(weiri_peers_open(&other, &self->nodes[STRANGER], NULL));
    rig_await(self, STRANGER, WEIRI_PEER_REFUSED, &event);
    assert_string_equal(event.reason, "'core' refuses us: nobody here has that name");
}

/* As when strangers have taken all descriptors that the process may have. */
static void
who_has_no_descriptor_left_closes_all_the_same(void **state)
{
    rig          *self = *state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    open_core(self);
    open_edge(self, EDGE_1);
    rig_await_connected(self, CORE, EDGE_1);
    int next = dup(STDERR_FILENO); /* the lowest that is free */
    assert_true(next >= 0);
    close(next);
    const struct rlimit none = { .rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    alarm(RIG_WAIT_MS / 1000); /* it waited for ever */
    weiri_peers_close(&self->nodes[CORE]);
    weiri_peers_close(&self->nodes[EDGE_1]);
    alarm(0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_null(self->nodes[CORE]);
}

/* ---- signals, and moments ---- */

static void
do_nothing(int number)
{
    (void)number;
}

/* As where the control socket wakes a node that is about to begin. */
static void
signals_break_nothing(void **state)
{
    enum { ROUNDS = 60, N = 50 };
    const struct itimerval often  = { { 0, 50 }, { 0, 50 } }; /* each 50 us */
    const struct itimerval never  = { { 0, 0 }, { 0, 0 } };
    struct sigaction       action = { .sa_handler = do_nothing };
    rig                   *self   = *state;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        open_core(self);
        open_edge(self, EDGE_1);
        rig_await_connected(self, CORE, EDGE_1);
        for (int k = 0; k < N; k++) {
            rig_send(self, EDGE_1, 0, "from the edge", 13);
            await_text(self, CORE, 0, "from the edge");
            rig_send(self, CORE, 0, "from the core", 13);
            await_text(self, EDGE_1, 0, "from the core");
        }
        weiri_peers_close(&self->nodes[EDGE_1]);
        weiri_peers_close(&self->nodes[CORE]);
    }
    setitimer(ITIMER_REAL, &never, NULL);
}

enum {
    CROWD  = 80,   /* more than are asked for at once */
    SELDOM = 10000 /* a peer that takes what it is sent says so */
};

typedef struct crowd {
    weiri_peers      *core;
    weiri_peers      *edges[CROWD];
    char              names[CROWD][16];
    weiri_peer_config peers[CROWD];
} crowd;

static void
open_crowd(crowd *self)
{
    weiri_peer_times   times    = RIG_TIMES;
    weiri_peer_config  core     = { .name = "core" };
    weiri_peers_config of_edges = { .listen = "tcp://127.0.0.1:*",
        .max_waiting                        = SELDOM,
        .is_insecure                        = true,
        .times                              = times,
        .peers                              = &core,
        .n_peers                            = 1 };
    for (unsigned i = 0; i < CROWD; i++) {
        snprintf(self->names[i], sizeof self->names[i], "edge-%u", i);
        of_edges.name = self->names[i];
        assert_ok(weiri_peers_open(&of_edges, &self->edges[i], NULL));
        self->peers[i] = (weiri_peer_config){ .name = self->names[i],
            .address                                = weiri_peers_address(self->edges[i]),
            .may_send                               = { .is_any = true } };
    }
    weiri_peers_config of_core = { .name = "core",
        .max_waiting                     = SELDOM,
        .is_insecure                     = true,
        .times                           = times,
        .peers                           = self->peers,
        .n_peers                         = CROWD };
    assert_ok(weiri_peers_open(&of_core, &self->core, NULL));
}

/* One turn of each edge. */
static unsigned
turn_crowd(crowd *self)
{
    unsigned         n = 0;
    weiri_peer_event event;
    for (unsigned i = 0; i < CROWD; i++) {
        weir_status status = weiri_peers_receive(self->edges[i], 0, &event, NULL);
        assert_true(status == WEIR_OK || status == WEIR_EAGAIN);
        n += weiri_peers_is_connected(self->edges[i], 0);
    }
    return n;
}

/* To send is to hear, too: what has come by then has to be looked at, though no
 * descriptor says so any more. */
static void
who_beats_hears_what_came_meanwhile(void **state)
{
    struct rlimit    limit;
    crowd           *self   = calloc(1, sizeof *self);
    unsigned         n      = 0;
    weiri_peer_event event  = { .kind = WEIRI_PEER_CONNECTED };
    struct timespec  beats  = { .tv_nsec = 300000000 };
    struct timespec  moment = { .tv_nsec = 100000000 }; /* for what is on its way */
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    open_crowd(self);
    for (int i = 0; i < RIG_WAIT_MS && (n < CROWD || turn_crowd(self) < CROWD); i++) {
        weir_status status = weiri_peers_receive(self->core, 1, &event, NULL);
        n += status == WEIR_OK && event.kind == WEIRI_PEER_CONNECTED;
        (void)turn_crowd(self);
    }
    assert_int_equal(n, CROWD);
    while (weiri_peers_receive(self->core, 0, &event, NULL) == WEIR_OK) {
    }
    nanosleep(&beats, NULL); /* its own is due before something comes */
    for (unsigned i = 0; i < CROWD; i++) {
        assert_ok(weiri_peers_send(self->edges[i], 0, "x", 1));
    }
    nanosleep(&moment, NULL);
    n = 0;
    for (int i = 0; i < RIG_WAIT_MS / 10 && n < CROWD; i++) {
        weir_status status = weiri_peers_receive(self->core, 1, &event, NULL);
        n += status == WEIR_OK && event.kind == WEIRI_PEER_MESSAGE;
    }
    assert_int_equal(n, CROWD);
    weiri_peers_close(&self->core);
    for (unsigned i = 0; i < CROWD; i++) {
        weiri_peers_close(&self->edges[i]);
    }
    free(self);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(messages_go_both_ways),
        T(messages_of_two_peers_come_whole_and_in_order),
        T(a_key_that_nobody_has_is_refused_on_both_sides),
        T(who_is_allowed_later_comes_in_without_a_restart),
        T(who_is_revoked_is_gone_at_once_and_stays_away),
        T(two_who_know_each_others_address_have_one_connection),
        T(a_peer_that_comes_again_is_connected_again),
        T(a_node_that_is_not_there_yet_is_waited_for),
        T(a_server_with_another_key_is_not_believed),
        T(nothing_is_sent_beyond_the_bounds),
        T(streams_are_permitted_by_name),
        T(what_is_wrong_with_a_configuration_is_said),
        T(without_keys_a_name_is_believed),
        T(who_beats_hears_what_came_meanwhile),
        T(signals_break_nothing),
        T(who_has_no_descriptor_left_closes_all_the_same),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
