/* Nodes in one process, driven by one thread, over sockets of this machine. */
#ifndef PEERS_RIG_H
#define PEERS_RIG_H

#include <stdbool.h>

#include "weiri/peers.h"

enum {
    RIG_NODES   = 4,
    RIG_WAIT_MS = 60000, /* for what must come: a bound for a test that hangs */
};

typedef struct rig {
    weiri_keypair keys[RIG_NODES];
    weiri_peers  *nodes[RIG_NODES]; /* NULL: is not open */
} rig;

extern const char *const RIG_NAMES[RIG_NODES];

/* Times at which a test does not wait long. */
extern const weiri_peer_times RIG_TIMES;

void
rig_open(rig *self);

void
rig_close(rig *self);

/* A peer as others know it. address NULL: it comes. */
weiri_peer_config
rig_peer(const rig *self, unsigned node, const char *address);

/* A node that listens at a free port, with the keys of the rig. */
weiri_peers_config
rig_listening(const rig *self, unsigned node);

/* One that does not listen. */
weiri_peers_config
rig_silent(const rig *self, unsigned node);

/* Let all nodes do what they have to until `node` has an event of a kind, with events of
 * other kinds passed over; those of other nodes are lost. Fails after RIG_WAIT_MS. */
void
rig_await(rig *self, unsigned node, weiri_peer_event_kind kind, weiri_peer_event *event);

/* Send when that is possible: others go on meanwhile. */
void
rig_send(rig *self, unsigned node, uint32_t peer, const void *bytes, size_t size);

/* Both ends of a link between two nodes are connected. */
void
rig_await_connected(rig *self, unsigned a, unsigned b);

#endif
