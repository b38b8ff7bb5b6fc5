/* The peers of a node at work: who the node file and the list beside it name, connected,
 * and let in or sent away while the node runs. Once there are links (linking.h)
 * their thread has the transport: the run's thread uses it while it holds them. */
#ifndef WEIR_PEERING_H
#define WEIR_PEERING_H

#include <stdio.h>

#include "control.h"
#include "log.h"
#include "weiri/nodefile.h"
#include "weiri/peers.h"

typedef struct peering peering;

/* The list of who was allowed and revoked: NAME.allow beside the node file. From malloc;
 * NULL: out of memory. */
char *
peering_list_path(const weiri_node_setup *setup, const char *path);

/*   path    of the node file
 *   log     outlives it
 *   errors  of weiri_keypair_open, weiri_allow_read, weiri_peers_open
 */
WEIR_MUST_CHECK weir_status
peering_open(const weiri_node_setup *setup, const char *path, const run_log *log,
    peering **out, weir_error *err);

void
peering_close(peering **self_p);

/* The transport; NULL: the node speaks with nobody. */
weiri_peers *
peering_peers(const peering *self);

/* Log that somebody came, went or was refused. On any thread that has the transport. */
void
peering_note(const peering *self, const weiri_peer_event *event);

/* Obey `allow` or `revoke`: durable first, then in force. The links are held. Returns an
 * exit status; what there is to say goes to `stream`. */
int
peering_obey(peering *self, const control_request *request, FILE *stream);

/* What a request says of a peer; its arrays are the caller's.
 *
 *   send, read  shape (CONTROL_FIELDS,)
 */
weiri_peer_config
peering_read_request(
    const control_request *request, const char **send, const char **read);

#endif
