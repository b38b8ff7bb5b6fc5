/* What a node or a cluster needs as a whole: rules, somebody to reach, keys. */
#include "nodefile.h"

#include <string.h>

static bool
is_tcp(const char *address)
{
    return address != NULL && strncmp(address, "tcp://", 6) == 0;
}

/* Two names with one address or key: a slip of copying, and a key is who one is. */
static void
check_twins(weiri_diagnostics *diagnostics, const weiri_node_peer *peers, uint32_t n,
    const weiri_span *names)
{
    for (uint32_t i = 1; i < n; i++) {
        for (uint32_t k = 0; k < i; k++) {
            const weiri_node_peer *a = &peers[k];
            const weiri_node_peer *b = &peers[i];
            if (a->key != NULL && b->key != NULL && strcmp(a->key, b->key) == 0) {
                weiri_report(diagnostics, WEIRI_E_NODE_TWINS, names[i],
                    "'%s' has the key of '%s'", b->name, a->name);
                weiri_report_hint(diagnostics,
                    "a key is how a node is known: each has its own, of `weir keygen`");
            } else if (a->address != NULL && b->address != NULL
                       && strcmp(a->address, b->address) == 0) {
                weiri_report(diagnostics, WEIRI_E_NODE_TWINS, names[i],
                    "'%s' has the address of '%s'", b->name, a->name);
            }
        }
    }
}

/* Whether messages of this peer go over tcp. */
static bool
is_peer_of_tcp(const weiri_node_setup *node, const weiri_node_peer *peer)
{
    return is_tcp(peer->address != NULL ? peer->address : node->listen);
}

static void
check_peer(weiri_diagnostics *diagnostics, const weiri_node_setup *node,
    const weiri_node_peer *peer, weiri_span at)
{
    if (strcmp(peer->name, node->name) == 0) {
        weiri_report(diagnostics, WEIRI_E_NAME_TAKEN, at,
            "'%s' is the node itself: a peer is another one", peer->name);
    }
    if (peer->address == NULL && node->listen == NULL) {
        weiri_report(diagnostics, WEIRI_E_NODE_NEEDS, at,
            "'%s' has no address, and this node listens nowhere", peer->name);
        weiri_report_hint(diagnostics,
            "say where it is: at \"tcp://HOST:PORT\", or let it come: listen");
    }
    if (!node->is_insecure && peer->key == NULL && is_peer_of_tcp(node, peer)) {
        weiri_report(diagnostics, WEIRI_E_NODE_KEYS, at, "'%s' has no key", peer->name);
        weiri_report_hint(diagnostics,
            "add key \"…\", its public key; to do without keys add a line `insecure`");
    }
    if (node->is_insecure && peer->key != NULL) {
        weiri_report(diagnostics, WEIRI_E_NODE_KEYS, at,
            "'%s' has a key, which an insecure node does not look at", peer->name);
        weiri_report_hint(diagnostics, "drop the key, or the line `insecure`");
    }
}

void
weiri_nodefile_check_node(weiri_diagnostics *diagnostics, const weiri_node_setup *node,
    weiri_span at, const weiri_span *names)
{
    if (node->name == NULL || weiri_diagnostics_count(diagnostics, true) > 0) {
        return; /* what is missing may be what could not be read */
    }
    if (node->n_rules == 0) {
        weiri_report(
            diagnostics, WEIRI_E_NODE_NEEDS, at, "node '%s' has no rules", node->name);
        weiri_report_hint(diagnostics, "add a line: rules \"FILE.weir\"");
    }
    bool is_on_tcp = is_tcp(node->listen);
    for (uint32_t i = 0; i < node->n_peers; i++) {
        is_on_tcp = is_on_tcp || is_peer_of_tcp(node, &node->peers[i]);
    }
    if (is_on_tcp && node->key == NULL && !node->is_insecure) {
        weiri_report(diagnostics, WEIRI_E_NODE_KEYS, at,
            "node '%s' speaks tcp and has no key", node->name);
        weiri_report_hint(diagnostics,
            "add key \"FILE\", made by `weir keygen`; to do without keys add a line "
            "`insecure`");
    }
    if (node->is_insecure && node->key != NULL) {
        weiri_report(diagnostics, WEIRI_E_NODE_KEYS, at,
            "node '%s' has a key and is insecure", node->name);
        weiri_report_hint(diagnostics, "drop the key, or the line `insecure`");
    }
    for (uint32_t i = 0; i < node->n_peers; i++) {
        check_peer(diagnostics, node, &node->peers[i], names[i]);
    }
    check_twins(diagnostics, node->peers, node->n_peers, names);
}

void
weiri_nodefile_check_cluster(weiri_diagnostics *diagnostics, const weiri_cluster *cluster,
    weiri_span at, const weiri_span *names)
{
    if (cluster->name == NULL || weiri_diagnostics_count(diagnostics, true) > 0) {
        return;
    }
    if (cluster->n_members == 0) {
        weiri_report(diagnostics, WEIRI_E_NODE_NEEDS, at, "cluster '%s' has no node",
            cluster->name);
        weiri_report_hint(
            diagnostics, "add lines: node NAME at \"tcp://HOST:PORT\" key \"KEY\"");
    }
    for (uint32_t i = 0; i < cluster->n_members; i++) {
        const weiri_node_peer *member = &cluster->members[i];
        if (member->address == NULL) {
            weiri_report(diagnostics, WEIRI_E_NODE_NEEDS, names[i],
                "node '%s' of a cluster has no address", member->name);
            weiri_report_hint(diagnostics, "say where it is: at \"tcp://HOST:PORT\"");
        }
        if (cluster->is_insecure && member->key != NULL) {
            weiri_report(diagnostics, WEIRI_E_NODE_KEYS, names[i],
                "'%s' has a key, which an insecure cluster does not look at",
                member->name);
            weiri_report_hint(diagnostics, "drop the key, or the line `insecure`");
        }
        if (!cluster->is_insecure && member->key == NULL && is_tcp(member->address)) {
            weiri_report(diagnostics, WEIRI_E_NODE_KEYS, names[i], "'%s' has no key",
                member->name);
            weiri_report_hint(diagnostics,
                "add key \"…\", its public key; to do without keys add a line "
                "`insecure`");
        }
    }
    check_twins(diagnostics, cluster->members, cluster->n_members, names);
}
