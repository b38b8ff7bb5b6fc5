/* Rules of every kind of placement in a cluster, drawn from a seed, events for its nodes,
 * and whether what they wrote together is what one node wrote. */
#ifndef CLUSTER_TEXT_H
#define CLUSTER_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/chunk.h"

enum {
    CLUSTER_MEMBERS = 3,
    CLUSTER_EVENTS  = 120, /* of txn and node; of login a third */
    CLUSTER_STREAMS = 16,
    CLUSTER_BYTES   = 8192
};

typedef struct cluster_event {
    int64_t  at_ms;
    uint32_t card;
    uint32_t ip;
    uint32_t amount; /* in halves; of login: ok, if it is odd */
    int32_t  note;   /* below 0: none                         */
} cluster_event;

typedef struct cluster_text {
    uint64_t      seed;
    uint32_t      n_members;
    char          rules[CLUSTER_BYTES];
    char          streams[CLUSTER_STREAMS][16]; /* that the rules give */
    uint32_t      n_streams;
    cluster_event events[CLUSTER_MEMBERS][2][CLUSTER_EVENTS]; /* txn, login */
    uint32_t      n_events[2];
} cluster_text;

void
cluster_text_draw(cluster_text *self, uint64_t seed, uint32_t n_members);

/* Append an event to a chunk of `txn` or `login`. */
void
cluster_event_set(const cluster_event *self, bool is_login, weir_chunk *chunk);

/* The rules of a node by itself that has the events of all, in files that are written to
 * `dir`. To be freed. */
char *
cluster_text_of_one(const cluster_text *self, const char *dir, const char *const *names);

/* The rules of a node, whose events come from node("feed"). To be freed. */
char *
cluster_text_of_node(const cluster_text *self, const char *dir, const char *name);

/* Whether the lines of all are those of the one, each node's in their order; what differs
 * is printed. */
bool
cluster_text_is_same(
    const cluster_text *self, const char *dir, const char *const *names, uint32_t n);

#endif
