/* A network between a few nodes that loses, delays, doubles and reorders what they say,
 * and is cut; whoever is cut off may hear so, or only hear nothing any more. All choices
 * come from its seed. */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "weiri/links.h"

enum { SIM_NODES = 8 };

typedef struct sim_letter {
    weiri_links_event_kind kind;
    uint32_t               from;
    uint32_t               to;
    uint8_t               *bytes; /* of a message, shape (size,) */
    size_t                 size;
    int64_t                due_ns;
    uint64_t               number;
} sim_letter;

typedef struct sim_net {
    uint64_t    seed;
    int64_t     now; /* ns; the caller moves it on */
    uint32_t    n_nodes;
    uint32_t    loss; /* in a thousand; drawn */
    bool        is_there[SIM_NODES];
    bool        is_up[SIM_NODES][SIM_NODES];
    bool        knows[SIM_NODES][SIM_NODES]; /* from, to: has heard that it is up */
    sim_letter *letters;                     /* shape (n_letters,): on their way  */
    uint32_t    n_letters;
    uint32_t    capacity;
    uint64_t    n_posted;
} sim_net;

void
sim_net_init(sim_net *self, uint64_t seed, uint32_t n_nodes);

void
sim_net_fini(sim_net *self);

/* A node begins, and is connected with all that are there; or it is gone. */
void
sim_net_join(sim_net *self, uint32_t node);

void
sim_net_leave(sim_net *self, uint32_t node);

/* Connect two that are there, perhaps a second time; or cut them off from each other. */
void
sim_net_connect(sim_net *self, uint32_t a, uint32_t b);

void
sim_net_part(sim_net *self, uint32_t a, uint32_t b);

/* Send a message, perhaps in vain; false: not now. */
bool
sim_net_send(
    sim_net *self, uint32_t from, uint32_t to, const uint8_t *bytes, size_t size);

/* The next event of a node; false: nothing is due. Its bytes are the caller's. */
bool
sim_net_next(sim_net *self, uint32_t to, sim_letter *out);

#endif
