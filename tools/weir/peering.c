#include "peering.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "weiri/allow.h"
#include "weiri/timetext.h"

struct peering {
    const weiri_node_setup *setup;
    const run_log          *log;
    weiri_allow            *list;
    weiri_peers            *peers; /* NULL: speaks with nobody */
};

char *
peering_list_path(const weiri_node_setup *setup, const char *path)
{
    const char *slash  = strrchr(path, '/');
    int         folder = slash != NULL ? (int)(slash - path) + 1 : 0;
    size_t      size   = (size_t)folder + strlen(setup->name) + sizeof ".allow";
    char       *name   = malloc(size);
    if (name != NULL) {
        snprintf(name, size, "%.*s%s.allow", folder, path, setup->name);
    }
    return name;
}

static weiri_permit
as_permit(const weiri_node_permit *permit)
{
    return (weiri_permit){ .is_any = permit->is_any,
        .streams                   = (const char *const *)permit->streams,
        .n_streams                 = permit->n_streams };
}

/* Those of the node file. */
static weiri_peer_config *
peers_of_file(const weiri_node_setup *setup)
{
    weiri_peer_config *peers = calloc(setup->n_peers + 1, sizeof *peers);
    for (uint32_t i = 0; peers != NULL && i < setup->n_peers; i++) {
        const weiri_node_peer *peer = &setup->peers[i];
        peers[i]                    = (weiri_peer_config){ .name = peer->name,
                               .address                          = peer->address,
                               .key                              = peer->key,
                               .may_send                         = as_permit(&peer->may_send),
                               .may_read                         = as_permit(&peer->may_read) };
    }
    return peers;
}

/* All in proportion to the silence after which a peer is given up; but a handshake has
 * time enough for a busy machine. */
static weiri_peer_times
times_of(int64_t silence_ns)
{
    enum { BEATS = 10, LEAST_RECONNECT_MS = 5, LEAST_HANDSHAKE_MS = 500 };
    uint32_t silence_ms   = (uint32_t)(silence_ns / WEIRI_NS_PER_MS);
    uint32_t reconnect_ms = silence_ms / (BEATS * BEATS);
    uint32_t handshake_ms = silence_ms / 2;
    if (silence_ms == 0) {
        return (weiri_peer_times){ .silence_ms = 0 }; /* the transport's own */
    }
    return (weiri_peer_times){ .silence_ms = silence_ms,
        .beat_ms                           = silence_ms / BEATS,
        .handshake_ms =
            handshake_ms > LEAST_HANDSHAKE_MS ? handshake_ms : LEAST_HANDSHAKE_MS,
        .reconnect_ms =
            reconnect_ms > LEAST_RECONNECT_MS ? reconnect_ms : LEAST_RECONNECT_MS,
        .reconnect_longest_ms = silence_ms / 2 };
}

static weir_status
open_peers(peering *self, weir_error *err)
{
    const weiri_node_setup *setup  = self->setup;
    weiri_keypair           keys   = { .public_key = "" };
    weiri_peer_config      *of     = peers_of_file(setup);
    weiri_peer_config      *all    = NULL;
    weiri_peers_config      config = { .name = setup->name,
             .is_insecure                    = setup->is_insecure || setup->key == NULL,
             .listen                         = setup->listen,
             .keys                           = &keys,
             .times                          = times_of(setup->silence_ns) };
    weir_status             status = of != NULL ? WEIR_OK : WEIR_ENOMEM;
    if (status == WEIR_OK) {
        status = weiri_allow_apply(self->list, of, setup->n_peers, &all, &config.n_peers);
    }
    if (status == WEIR_OK && !config.is_insecure) {
        status = weiri_keypair_open(setup->key, &keys, err);
    }
    if (status == WEIR_OK) {
        config.peers = all;
        status       = weiri_peers_open(&config, &self->peers, err);
    }
    weiri_keypair_forget(&keys);
    free(all);
    free(of);
    return status;
}

weir_status
peering_open(const weiri_node_setup *setup, const char *path, const run_log *log,
    peering **out, weir_error *err)
{
    peering *self      = calloc(1, sizeof *self);
    char    *list_path = peering_list_path(setup, path);
    if (self == NULL || list_path == NULL) {
        free(self);
        free(list_path);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->setup        = setup;
    self->log          = log;
    weir_status status = weiri_allow_read(list_path, &self->list, err);
    if (status == WEIR_OK && (setup->listen != NULL || setup->n_peers > 0)) {
        status = open_peers(self, err);
    }
    free(list_path);
    if (status != WEIR_OK) {
        peering_close(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
peering_close(peering **self_p)
{
    peering *self = *self_p;
    *self_p       = NULL;
    if (self != NULL) {
        weiri_peers_close(&self->peers);
        weiri_allow_destroy(&self->list);
        free(self);
    }
}

weiri_peers *
peering_peers(const peering *self)
{
    return self->peers;
}

void
peering_note(const peering *self, const weiri_peer_event *event)
{
    static const char *const NAMES[] = { "peer.message", "peer.connected",
        "peer.disconnected", "peer.refused" };
    log_line                 line;
    log_begin(&line, self->log,
        event->kind == WEIRI_PEER_CONNECTED ? WEIRI_LOG_INFO : WEIRI_LOG_WARN,
        NAMES[event->kind]);
    if (event->peer != WEIRI_PEER_NOBODY) {
        log_text(&line, "peer", weiri_peers_name(self->peers, event->peer));
    }
    if (event->reason != NULL) {
        log_text(&line, "why", event->reason);
    }
    log_end(&line);
}

/* ---- allow, revoke ---- */

static weiri_permit
read_permit(const control_request *request, const char *field, const char **streams)
{
    weiri_permit permit = { .streams = streams };
    permit.n_streams    = control_fields(request, field, streams);
    for (size_t i = 0; i < permit.n_streams; i++) {
        permit.is_any |= strcmp(streams[i], "any") == 0;
    }
    return permit;
}

weiri_peer_config
peering_read_request(const control_request *request, const char **send, const char **read)
{
    const char *name = control_field(request, "name", NULL);
    const char *key  = control_field(request, "key", NULL);
    return (weiri_peer_config){ .name = name != NULL ? name : "",
        .key                          = key != NULL ? key : "",
        .may_send                     = read_permit(request, "send", send),
        .may_read                     = read_permit(request, "read", read) };
}

static const char *
address_in_file(const peering *self, const char *name)
{
    for (uint32_t i = 0; i < self->setup->n_peers; i++) {
        if (strcmp(self->setup->peers[i].name, name) == 0) {
            return self->setup->peers[i].address;
        }
    }
    return NULL;
}

static weir_status
allow(peering *self, const control_request *request, weir_error *err)
{
    const char       *send[CONTROL_FIELDS];
    const char       *read[CONTROL_FIELDS];
    uint32_t          number = 0;
    weiri_peer_config peer   = peering_read_request(request, send, read);
    weir_status       status = WEIR_OK;
    if (self->peers != NULL) { /* what is on the list must be what it can begin with */
        peer.address = address_in_file(self, peer.name);
        status       = weiri_peers_check(self->peers, &peer, err);
    }
    if (status == WEIR_OK) {
        status = weiri_allow_add(self->list, &peer, err);
    }
    if (status == WEIR_OK && self->peers != NULL) {
        status = weiri_peers_allow(self->peers, &peer, &number, err);
    }
    return status;
}

static weir_status
revoke(peering *self, const control_request *request, weir_error *err)
{
    const char *name = control_field(request, "name", NULL);
    if (name == NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL, "whom? a name is missing");
    }
    bool is_known =
        self->peers != NULL && weiri_peers_find(self->peers, name) != WEIRI_PEER_NOBODY;
    weir_status status = weiri_allow_revoke(self->list, name, err);
    return status == WEIR_OK && is_known ? weiri_peers_revoke(self->peers, name, err)
                                         : status;
}

int
peering_obey(peering *self, const control_request *request, FILE *stream)
{
    weir_error  err      = { .status = WEIR_OK };
    bool        is_allow = strcmp(request->verb, "allow") == 0;
    const char *name     = control_field(request, "name", NULL);
    weir_status status =
        is_allow ? allow(self, request, &err) : revoke(self, request, &err);
    log_line line;
    if (status != WEIR_OK) {
        fprintf(stream, "weir: %s\n", err.text);
        log_say(self->log, WEIRI_LOG_ERROR, "peer.unchanged", err.text);
        return status == WEIR_EINVAL ? EXIT_DATA : exit_status(status);
    }
    log_begin(
        &line, self->log, WEIRI_LOG_INFO, is_allow ? "peer.allowed" : "peer.revoked");
    log_text(&line, "peer", name);
    log_end(&line);
    return EXIT_OK;
}
