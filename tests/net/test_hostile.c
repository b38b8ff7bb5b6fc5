/* Whoever can reach a node's port, and what they can do there: nothing. */
#define _DEFAULT_SOURCE
#include "weir_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peers_rig.h"

enum { CORE, EDGE_1, N_FLOOD = 300, N_GARBLED = 200, GREETING = 64 };
enum { MOST_MORE_BYTES = 96 << 20 };

struct hall {
    rig      rig;
    uint16_t port;
    unsigned n_sent;
    unsigned n_came;
};

static int
set_up(void **state)
{
    struct hall *self = calloc(1, sizeof *self);
    rig_open(&self->rig);
    weiri_peer_config  edge   = rig_peer(&self->rig, EDGE_1, NULL);
    weiri_peers_config config = rig_listening(&self->rig, CORE);
    config.peers              = &edge;
    config.n_peers            = 1;
    config.times.handshake_ms = 500;
    config.max_connections    = 64;
    assert_ok(weiri_peers_open(&config, &self->rig.nodes[CORE], NULL));
    const char *address    = weiri_peers_address(self->rig.nodes[CORE]);
    self->port             = (uint16_t)atoi(strrchr(address, ':') + 1);
    weiri_peer_config core = rig_peer(&self->rig, CORE, address);
    config                 = rig_silent(&self->rig, EDGE_1);
    config.peers           = &core;
    config.n_peers         = 1;
    assert_ok(weiri_peers_open(&config, &self->rig.nodes[EDGE_1], NULL));
    rig_await_connected(&self->rig, CORE, EDGE_1);
    *state = self;
    return 0;
}

static int
tear_down(void **state)
{
    struct hall *self = *state;
    rig_close(&self->rig);
    free(self);
    return 0;
}

/* The good peer goes on: each message is counted up. */
static void
go_on(struct hall *self)
{
    weiri_peer_event event;
    char             text[16];
    int              size = snprintf(text, sizeof text, "%u", self->n_sent);
    if (weiri_peers_send(self->rig.nodes[EDGE_1], 0, text, (size_t)size + 1) == WEIR_OK) {
        self->n_sent++;
    }
    while (weiri_peers_receive(self->rig.nodes[EDGE_1], 0, &event, NULL) == WEIR_OK) {
        assert_int_not_equal(event.kind, WEIRI_PEER_DISCONNECTED);
    }
    while (weiri_peers_receive(self->rig.nodes[CORE], 1, &event, NULL) == WEIR_OK) {
        assert_int_not_equal(event.kind, WEIRI_PEER_DISCONNECTED);
        if (event.kind == WEIRI_PEER_MESSAGE) {
            assert_int_equal(atoi((const char *)event.bytes), self->n_came);
            self->n_came++;
        }
    }
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

static int
come(const struct hall *self)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(self->port) };
    to.sin_addr.s_addr    = htonl(INADDR_LOOPBACK);
    int fd                = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void
say(int fd, const void *bytes, size_t size)
{
    (void)!send(fd, bytes, size, MSG_NOSIGNAL);
}

/* Wait until the node has hung up. */
static void
is_hung_up(struct hall *self, int fd)
{
    char bytes[256];
    for (int i = 0; i < RIG_WAIT_MS; i++) {
        ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            close(fd);
            return;
        }
        go_on(self);
    }
    fail_msg("the node did not hang up");
}

static void
write_greeting(uint8_t bytes[GREETING], const char *mechanism)
{
    memset(bytes, 0, GREETING);
    bytes[0]  = 0xff;
    bytes[9]  = 0x7f;
    bytes[10] = 3;
    memcpy(bytes + 12, mechanism, strlen(mechanism));
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

static weiri_peers_counts
counts_of(struct hall *self)
{
    weiri_peers_counts counts;
    weiri_peers_counts_read(self->rig.nodes[CORE], &counts);
    return counts;
}

/* What the keeper counts it counts a little later than the others see it. */
static bool
is_counted(struct hall *self, bool (*is)(const weiri_peers_counts *counts))
{
    for (int i = 0; i < RIG_WAIT_MS; i++) {
        weiri_peers_counts counts = counts_of(self);
        if (is(&counts)) {
            return true;
        }
        go_on(self);
    }
    return false;
}

static bool
is_one_handshake_failed(const weiri_peers_counts *counts)
{
    return counts->n_handshake >= 1;
}

static bool
is_flood_over(const weiri_peers_counts *counts)
{
    return counts->n_accepted >= N_FLOOD && counts->n_crowded_out > 0
           && counts->n_open <= 64;
}

static void
who_has_no_key_is_hung_up_on(void **state)
{
    struct hall *self = *state;
    uint8_t      greeting[GREETING];
    int          fd = come(self);
    write_greeting(greeting, "NULL");
    say(fd, greeting, sizeof greeting);
    is_hung_up(self, fd);
    all_came(self);
    assert_true(is_counted(self, is_one_handshake_failed));
}

static void
a_length_that_is_declared_reserves_nothing(void **state)
{
    static const uint8_t HUGE_FRAME[] = { 0x06, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff };
    struct hall         *self         = *state;
    size_t               before       = resident_bytes();
    for (int i = 0; i < 50; i++) {
        uint8_t greeting[GREETING];
        int     fd = come(self);
        write_greeting(greeting, "CURVE");
        say(fd, greeting, sizeof greeting);
        say(fd, HUGE_FRAME, sizeof HUGE_FRAME);
        is_hung_up(self, fd);
    }
    all_came(self);
    assert_true(resident_bytes() < before + MOST_MORE_BYTES);
}

static void
garbled_and_cut_handshakes_are_survived(void **state)
{
    struct hall *self = *state;
    uint64_t     seed = 1;
    for (unsigned i = 0; i < N_GARBLED; i++) {
        uint8_t bytes[GREETING + 240];
        for (size_t k = 0; k < sizeof bytes; k++) {
            seed     = seed * 6364136223846793005U + 1442695040888963407U;
            bytes[k] = (uint8_t)(seed >> 56);
        }
        if (i % 2 == 0) {
            write_greeting(bytes, "CURVE");
            bytes[GREETING]     = 0x04;
            bytes[GREETING + 1] = (uint8_t)(i % 4 == 0 ? 200 : i);
            memcpy(bytes + GREETING + 2, "\x05HELLO\x01", 8);
        }
        int fd = come(self);
        say(fd, bytes, seed % sizeof bytes);
        close(fd);
        go_on(self);
    }
    all_came(self);
}

static void
a_flood_of_silent_connections_is_bounded(void **state)
{
    struct hall *self   = *state;
    size_t       before = resident_bytes();
    int          fds[N_FLOOD];
    for (int i = 0; i < N_FLOOD; i++) {
        fds[i] = come(self);
        go_on(self);
    }
    for (int i = 0; i < N_FLOOD; i++) {
        is_hung_up(self, fds[i]);
    }
    all_came(self);
    assert_true(is_counted(self, is_flood_over));
    assert_true(resident_bytes() < before + MOST_MORE_BYTES);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(who_has_no_key_is_hung_up_on),
        T(a_length_that_is_declared_reserves_nothing),
        T(garbled_and_cut_handshakes_are_survived),
        T(a_flood_of_silent_connections_is_bounded),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
