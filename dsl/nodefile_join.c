/* A node and the cluster that it belongs to, which are written in two files. */
#include "nodefile.h"

#include <stdlib.h>
#include <string.h>

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const weiri_node_peer *
find_member(const weiri_cluster *cluster, const char *name)
{
    for (uint32_t i = 0; i < cluster->n_members; i++) {
        if (strcmp(cluster->members[i].name, name) == 0) {
            return &cluster->members[i];
        }
    }
    return NULL;
}

static weir_status
check(const weiri_node_setup *setup, const weiri_cluster *cluster, weir_error *err)
{
    if (find_member(cluster, setup->name) == NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "%s: '%s' is not in cluster '%s': add a line: node %s at \"ADDRESS\"",
            setup->cluster, setup->name, cluster->name, setup->name);
    }
    if (cluster->is_insecure != setup->is_insecure) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "node '%s' %s, and cluster '%s' %s: write `insecure` in both or in neither",
            setup->name, setup->is_insecure ? "is insecure" : "has keys", cluster->name,
            cluster->is_insecure ? "is insecure" : "has keys");
    }
    if (!setup->is_insecure && setup->key == NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "node '%s' has no key: add key \"FILE\", made by `weir keygen`", setup->name);
    }
    for (uint32_t i = 0; i < setup->n_peers; i++) {
        if (find_member(cluster, setup->peers[i].name) != NULL) {
            return WEIR_FAIL(err, WEIR_EINVAL,
                "'%s' is a node of cluster '%s': drop the line with the peer",
                setup->peers[i].name, cluster->name);
        }
    }
    return WEIR_OK;
}

static void
join(weiri_arena *arena, weiri_node_setup *setup, const weiri_cluster *cluster)
{
    setup->cluster_name = cluster->name;
    for (uint32_t i = 0; i < cluster->n_members; i++) {
        weiri_node_peer peer = cluster->members[i];
        WEIRI_ARENA_PUSH(arena, setup->members, setup->n_members, peer.name);
        peer.may_send.is_any = true;
        peer.may_read.is_any = true;
        if (strcmp(peer.name, setup->name) != 0) {
            WEIRI_ARENA_PUSH(arena, setup->peers, setup->n_peers, peer);
        } else if (setup->listen == NULL) {
            setup->listen = peer.address;
        }
    }
    qsort(setup->members, setup->n_members, sizeof *setup->members, compare_names);
    while (strcmp(setup->members[setup->member], setup->name) != 0) {
        setup->member++;
    }
}

static void
destroy(void *file)
{
    weiri_nodefile *self = file;
    weiri_nodefile_destroy(&self);
}

weir_status
weiri_nodefile_join(weiri_nodefile *self, const weiri_node_setup *setup,
    weiri_diagnostics *diagnostics, weir_error *err)
{
    weiri_nodefile *file = NULL;
    if (setup->cluster == NULL || setup->cluster_name != NULL) {
        return WEIR_OK;
    }
    weir_status status = weiri_nodefile_read(setup->cluster, diagnostics, &file, err);
    if (status != WEIR_OK) {
        return status;
    }
    if (file->n_clusters != 1) {
        status = WEIR_FAIL(err, WEIR_EINVAL, "%s: %s", setup->cluster,
            file->n_clusters == 0 ? "there is no cluster in this file"
                                  : "there are several clusters in this file");
    } else {
        status = check(setup, &file->clusters[0], err);
    }
    if (status != WEIR_OK) {
        weiri_nodefile_destroy(&file);
        return status;
    }
    weiri_arena_defer(self->arena, destroy, file);
    join(self->arena, &self->nodes[setup - self->nodes], &file->clusters[0]);
    return WEIR_OK;
}
