/* Node files: how a node of Weir is run, and who its peers are.
 *
 *   node "core" {
 *     rules "fraud.weir"
 *     set threshold = 5
 *     state "var/core" checkpoint every 5s limit 10gb
 *     shards 2
 *     listen "tcp://0.0.0.0:7000"
 *     key "core.key"
 *     control "run/core.sock"
 *     live "run/core.live"
 *     log json level info
 *     cluster "plant.weir"
 *     peer "edge-1" at "tcp://10.0.0.1:7000" key "…" may send txn, may read alarms
 *   }
 *   cluster "plant" {
 *     node a at "tcp://10.0.0.1:7000" key "…"
 *   }
 *
 * Texts are UTF-8 with a zero byte at their end and live as long as the file read.
 */
#ifndef WEIRI_NODEFILE_H
#define WEIRI_NODEFILE_H

#include "weiri/arena.h"
#include "weiri/dsl.h"

enum {
    WEIRI_NODE_NAME    = 63,   /* bytes of a node's name                     */
    WEIRI_NODE_ADDRESS = 255,  /* bytes of an address                        */
    WEIRI_NODE_PEERS   = 1024, /* of a node; members of a cluster            */
    WEIRI_NODE_RULES   = 64    /* files that `rules` names                   */
};

typedef enum weiri_log_format { WEIRI_LOG_TEXT, WEIRI_LOG_JSON } weiri_log_format;

typedef enum weiri_log_level {
    WEIRI_LOG_DEBUG,
    WEIRI_LOG_INFO,
    WEIRI_LOG_WARN,
    WEIRI_LOG_ERROR
} weiri_log_level;

/* Streams that somebody may send or read; none unless it is said. */
typedef struct weiri_node_permit {
    bool         is_any;
    const char **streams; /* shape (n_streams,); not looked up in any rules */
    uint32_t     n_streams;
} weiri_node_permit;

/* Another node: a peer of this one, or a member of a cluster. */
typedef struct weiri_node_peer {
    const char         *name;     /* 1 … WEIRI_NODE_NAME of a-z A-Z 0-9 - _ . */
    const char         *address;  /* "tcp://…", "ipc://…"; NULL: it comes to us    */
    const char         *key;      /* Z85 of 32 bytes; NULL: none                   */
    weiri_node_permit   may_send; /* to this node; of a member: none               */
    weiri_node_permit   may_read; /* from this node; of a member: none             */
    weiri_place_in_text place;
} weiri_node_peer;

/* One node. Paths are resolved: relative ones begin at the folder of the node file. */
typedef struct weiri_node_setup {
    const char    *name;
    const char   **rules; /* shape (n_rules,), at least one; paths          */
    uint32_t       n_rules;
    weiri_setting *settings; /* shape (n_settings,): of parameters of the rules */
    uint32_t       n_settings;
    const char    *state;         /* path of a folder; NULL: none is kept       */
    int64_t        checkpoint_ns; /* 0: not said                                */
    uint64_t       limit_bytes;   /* of each file of the state; 0: not said     */
    uint32_t       n_shards;      /* 0: not said                                */
    const char *listen; /* "tcp://…", any host or port as *; NULL: nobody comes to us   */
    const char         *key;     /* path of the secret key; NULL: none         */
    const char         *control; /* path of the control socket; NULL: none     */
    const char         *live;    /* path of the page of weir top; NULL: none   */
    const char         *cluster; /* path of the file with its cluster; NULL: none  */
    const char         *cluster_name; /* joined, see weiri_nodefile_join; else NULL */
    const char        **members; /* joined: shape (n_members,), ascending, itself too */
    uint32_t            n_members;
    uint32_t            member; /* joined: which of them it is */
    weiri_log_format    log_format;
    weiri_log_level     log_level;
    bool                is_insecure; /* tcp without keys, as was written             */
    weiri_node_peer    *peers;       /* shape (n_peers,), as they stand in the file  */
    uint32_t            n_peers;
    weiri_place_in_text place;
} weiri_node_setup;

typedef struct weiri_cluster {
    const char         *name;
    bool                is_insecure;
    weiri_node_peer    *members; /* shape (n_members,), at least one */
    uint32_t            n_members;
    weiri_place_in_text place;
} weiri_cluster;

typedef struct weiri_nodefile {
    weiri_arena      *arena; /* of all this, itself too */
    weiri_node_setup *nodes; /* shape (n_nodes,), names differ */
    uint32_t          n_nodes;
    weiri_cluster    *clusters; /* shape (n_clusters,), names differ */
    uint32_t          n_clusters;
} weiri_nodefile;

/* Read a node file; the rules it names are not read.
 *
 *   diagnostics  takes what is wrong with it
 *   out          untouched on error; weiri_nodefile_destroy it
 *   errors       WEIR_ESYNTAX  what is wrong is in `diagnostics`
 *                WEIR_ENOENT   there is no such file, see err
 *                WEIR_EIO      it cannot be read, see err; WEIR_ENOMEM
 *   thread       any
 */
WEIR_MUST_CHECK weir_status
weiri_nodefile_read(const char *path, weiri_diagnostics *diagnostics,
    weiri_nodefile **out, weir_error *err);

/* The same for a text; `name` is that of its file, from whose folder its paths begin. */
WEIR_MUST_CHECK weir_status
weiri_nodefile_parse(const char *name, const char *text, size_t size,
    weiri_diagnostics *diagnostics, weiri_nodefile **out, weir_error *err);

void
weiri_nodefile_destroy(weiri_nodefile **self_p);

/* Whether a text is that of a node file and not of rules: it begins with a node or a
 * cluster. */
bool
weiri_nodefile_is(const char *text, size_t size);

/* The node of that name, or with NULL the only one.
 *
 *   errors  WEIR_EINVAL  there is none, or there are several: err names them
 */
WEIR_MUST_CHECK weir_status
weiri_nodefile_node(const weiri_nodefile *self, const char *name,
    const weiri_node_setup **out, weir_error *err);

/* Have a node that names the file of its cluster know the other nodes of it: they become
 * peers that may send and read everything, and its own address there is where it listens
 * if it does not say. Nothing to do for a node without a cluster.
 *
 *   setup   of the file `self`, whose life the cluster's file then shares
 *   errors  WEIR_ESYNTAX  what is wrong with the cluster's file is in `diagnostics`
 *           WEIR_EINVAL   there is no cluster in that file, or several; this node is not
 *                         in it; a peer is named like a node of it; one of the two is
 *                         insecure and the other is not
 *           WEIR_ENOENT, WEIR_EIO, WEIR_ENOMEM; err says which
 */
WEIR_MUST_CHECK weir_status
weiri_nodefile_join(weiri_nodefile *self, const weiri_node_setup *setup,
    weiri_diagnostics *diagnostics, weir_error *err);

/* What is wrong with an address for `listen` or to connect to, or NULL: a sentence for
 * people.
 *
 *   is_listen  the host and the port may be *
 */
const char *
weiri_node_address_wrong(const char *text, bool is_listen);

/* Whether a name is one that nodes can have. */
bool
weiri_node_is_name(const char *text);

#endif
