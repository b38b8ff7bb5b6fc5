/* A plan that several nodes run together, each a part of it.
 *
 * All have the same rules. Sources are each node's own; what they deliver goes to the
 * nodes that need it, numbered, so that each node has its events in the total order that
 * one node with all sources would have given them. From there on nodes need no
 * agreement: what a node gives is what the one node would have given of its part.
 *
 *   a rule split by key that no rule reads   each key group on its node
 *   a query that remembers nothing,
 *   of what sources deliver                  each event on the node that it came to
 *   any other rule                           whole, on one node
 *
 * Rules that read each other's events are one unit, on one node; if the last of them are
 * split by key, the rest of the unit is on the hub, which sends the others what those
 * read. Events go from sources to the hub and from there on, never back, so that nobody
 * waits for himself.
 */
#ifndef WEIRI_CLUSTER_H
#define WEIRI_CLUSTER_H

#include "weiri/limits.h"
#include "weiri/link.h"
#include "weiri/merge.h"
#include "weiri/plan.h"

enum { WEIRI_CLUSTER_MEMBERS = 64 };

/* What of a stream is written here, by sinks: what another node delivers, it writes. */
typedef enum weiri_own {
    WEIRI_OWN_ALL,
    WEIRI_OWN_PLACES, /* what the sources of this node delivered */
    WEIRI_OWN_NONE
} weiri_own;

/* A stream of which this node sends the others their parts. */
typedef struct weiri_given {
    uint32_t            stream;
    const weiri_stream *numbered;   /* its fields, then the order                   */
    bool                is_derived; /* rules give it, else sources                  */
    bool                is_moves;   /* the node itself does: what it says of moves  */
    uint64_t            all;        /* bit m: member m gets every event             */
    const weiri_rule  **routes; /* shape (n_routes,): split by key, whose member gets an
                                 * event */
    uint32_t n_routes;
} weiri_given;

typedef struct weiri_cluster_plan {
    const char        *name;
    const char *const *members; /* shape (n_members,), ascending      */
    uint32_t           n_members;
    uint32_t           self;
    uint32_t           hub;
    uint16_t           owners[WEIRI_KEY_GROUPS]; /* the member of each key group before
                                                  * any was moved (weiri/moves.h)  */
    uint32_t         moves; /* the stream of what nodes say of moves */
    weiri_given     *given; /* shape (n_given,)             */
    uint32_t         n_given;
    weiri_own       *own;   /* shape (plan->n_streams,)           */
    weiri_link_term *terms; /* shape (n_terms,): what all have to have alike */
    uint32_t         n_terms;
} weiri_cluster_plan;

/* The member with the highest weight for something, where each draws its weight from a
 * hash of its name and the thing: when members come or go, only what is theirs moves.
 *
 *   members  shape (n,), n > 0
 *   thing    a hash
 *   source   Thaler, Ravishankar: Using name-based mappings to increase hit rates, 1998
 */
uint32_t
weiri_rendezvous(const char *const *members, uint32_t n, uint64_t thing);

/* Have a plan be that of one node of a cluster: its rules are marked with where they run,
 * and it gets sources for what the others have.
 *
 *   plan     as it was compiled; what is added lives in its arena
 *   members  shape (n,), ascending, 1 … WEIRI_CLUSTER_MEMBERS; outlive the plan
 *   errors   WEIR_EINVAL  these rules cannot be run so: `err` says which, and why; the
 *                         plan is as it was
 */
WEIR_MUST_CHECK weir_status
weiri_cluster_spread(weiri_plan *plan, const char *name, const char *const *members,
    uint32_t n, uint32_t self, weir_error *err);

/* The place of the first source of this node among those of a stream in the cluster, and
 * behind the last. */
void
weiri_cluster_places(
    const weiri_plan *plan, uint32_t stream, uint32_t *first, uint32_t *end);

/* Append those rows of a range that sources of this node delivered. errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_cluster_own_rows(
    const weiri_plan *plan, uint32_t stream, weir_rows rows, weiri_rows_list *to);

#endif
