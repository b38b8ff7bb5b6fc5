#include "weir_test.h"

#include "peers_rig.h"

#include <string.h>

const char *const RIG_NAMES[RIG_NODES] = { "core", "edge-1", "edge-2", "edge-3" };

const weiri_peer_times RIG_TIMES = {
    .handshake_ms         = 10000,
    .beat_ms              = 100,
    .silence_ms           = 60000,
    .reconnect_ms         = 10,
    .reconnect_longest_ms = 100,
    .linger_ms            = 1000,
};

void
rig_open(rig *self)
{
    memset(self, 0, sizeof *self);
    for (unsigned i = 0; i < RIG_NODES; i++) {
        assert_ok(weiri_keypair_make(&self->keys[i], NULL));
    }
}

void
rig_close(rig *self)
{
    for (unsigned i = 0; i < RIG_NODES; i++) {
        weiri_peers_close(&self->nodes[i]);
    }
}

weiri_peer_config
rig_peer(const rig *self, unsigned node, const char *address)
{
    return (weiri_peer_config){ .name = RIG_NAMES[node],
        .address                      = address,
        .key                          = self->keys[node].public_key,
        .may_send                     = { .is_any = true },
        .may_read                     = { .is_any = true } };
}

weiri_peers_config
rig_silent(const rig *self, unsigned node)
{
    return (weiri_peers_config){
        .name = RIG_NAMES[node], .keys = &self->keys[node], .times = RIG_TIMES
    };
}

weiri_peers_config
rig_listening(const rig *self, unsigned node)
{
    weiri_peers_config config = rig_silent(self, node);
    config.listen             = "tcp://127.0.0.1:*";
    return config;
}

/* An event of a node, or a turn for each of the others. */
static bool
turn(rig *self, unsigned node, weiri_peer_event *event)
{
    weiri_peer_event other;
    for (unsigned i = 0; i < RIG_NODES; i++) {
        if (i != node && self->nodes[i] != NULL) {
            weir_status status = weiri_peers_receive(self->nodes[i], 0, &other, NULL);
            assert_true(status == WEIR_OK || status == WEIR_EAGAIN);
        }
    }
    weir_status status = weiri_peers_receive(self->nodes[node], 1, event, NULL);
    assert_true(status == WEIR_OK || status == WEIR_EAGAIN);
    return status == WEIR_OK;
}

void
rig_await(rig *self, unsigned node, weiri_peer_event_kind kind, weiri_peer_event *event)
{
    for (int i = 0; i < RIG_WAIT_MS; i++) {
        if (turn(self, node, event) && event->kind == kind) {
            return;
        }
    }
    fail_msg("no event of kind %d came to %s", (int)kind, RIG_NAMES[node]);
}

void
rig_send(rig *self, unsigned node, uint32_t peer, const void *bytes, size_t size)
{
    weiri_peer_event event;
    for (int i = 0; i < RIG_WAIT_MS; i++) {
        weir_status status = weiri_peers_send(self->nodes[node], peer, bytes, size);
        if (status == WEIR_OK) {
            return;
        }
        assert_int_equal(status, WEIR_EAGAIN);
        (void)turn(self, node, &event);
    }
    fail_msg("%s could not send", RIG_NAMES[node]);
}

void
rig_await_connected(rig *self, unsigned a, unsigned b)
{
    uint32_t         b_at_a = weiri_peers_find(self->nodes[a], RIG_NAMES[b]);
    uint32_t         a_at_b = weiri_peers_find(self->nodes[b], RIG_NAMES[a]);
    weiri_peer_event event;
    for (int i = 0; i < RIG_WAIT_MS; i++) {
        if (weiri_peers_is_connected(self->nodes[a], b_at_a)
            && weiri_peers_is_connected(self->nodes[b], a_at_b)) {
            return;
        }
        (void)turn(self, a, &event);
    }
    fail_msg("%s and %s did not meet", RIG_NAMES[a], RIG_NAMES[b]);
}
