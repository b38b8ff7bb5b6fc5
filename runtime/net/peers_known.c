/* Whom a node knows: names, keys, addresses and what they may. */
#define _DEFAULT_SOURCE
#include <stdlib.h>
#include <string.h>

#include "peers_inside.h"
#include "weiri/assert.h"
#include "weiri/limits.h"

static void
free_permit(struct permit *permit)
{
    for (uint32_t i = 0; i < permit->n; i++) {
        free(permit->streams[i]);
    }
    free(permit->streams);
    *permit = (struct permit){ 0 };
}

static weir_status
copy_permit(const weiri_permit *from, struct permit *out)
{
    *out = (struct permit){ .is_any = from->is_any };
    if (from->n_streams == 0) {
        return WEIR_OK;
    }
    out->streams = calloc(from->n_streams, sizeof *out->streams);
    for (size_t i = 0; out->streams != NULL && i < from->n_streams; i++) {
        out->streams[i] = strdup(from->streams[i]);
        if (out->streams[i] == NULL) {
            free_permit(out);
            return WEIR_ENOMEM;
        }
        out->n++;
    }
    return out->streams != NULL ? WEIR_OK : WEIR_ENOMEM;
}

static bool
is_permitted(const struct permit *permit, const char *stream)
{
    for (uint32_t i = 0; !permit->is_any && i < permit->n; i++) {
        if (strcmp(permit->streams[i], stream) == 0) {
            return true;
        }
    }
    return permit->is_any;
}

/* Not inproc: between threads there is neither a descriptor to shut nor a key to judge.
 */
bool
weiri_is_address(const char *text)
{
    return strncmp(text, "tcp://", 6) == 0 || strncmp(text, "ipc://", 6) == 0;
}

weir_status
weiri_known_check(
    const weiri_peers *self, const weiri_peer_config *config, weir_error *err)
{
    if (config->name == NULL || !weiri_head_is_name(config->name, strlen(config->name))) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "a peer's name is 1 to %d of a-z A-Z 0-9 _ - .", WEIRI_PEER_NAME);
    }
    if (strcmp(config->name, self->name) == 0) {
        return WEIR_FAIL(
            err, WEIR_EINVAL, "the peer '%s' has the node's own name", config->name);
    }
    if (config->address != NULL && !weiri_is_address(config->address)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "the address '%s' of '%s' is none: write tcp://host:port or ipc://path",
            config->address, config->name);
    }
    bool is_wanted = !self->config.is_insecure;
    if (config->key != NULL ? !weiri_key_is_valid(config->key) : is_wanted) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "the key of '%s' is none: %d characters of Z85", config->name,
            WEIRI_KEY_TEXT);
    }
    return WEIR_OK;
}

/* One array more, if there is room for it: what points into the old one is gone. */
static bool
grow(void **array, size_t n, size_t size)
{
    void *larger = realloc(*array, (n > 0 ? n : 1) * size);
    *array       = larger != NULL ? larger : *array;
    return larger != NULL;
}

weir_status
weiri_known_make_room(weiri_peers *self, uint32_t n_peers)
{
    uint32_t cap = 1 + 2 * n_peers;
    weiri_assert(cap > n_peers);
    if (!grow((void **)&self->peers, n_peers, sizeof *self->peers)
        || !grow((void **)&self->changed, n_peers, sizeof *self->changed)
        || !grow((void **)&self->is_spot, cap, sizeof *self->is_spot)) {
        return WEIR_ENOMEM;
    }
    uint32_t *spots = calloc(cap, sizeof *spots);
    if (spots == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < self->n_spots; i++) {
        spots[i] = self->spots[(self->first_spot + i) % self->cap_spots];
    }
    memset(self->is_spot + self->cap_spots, 0,
        (cap - self->cap_spots) * sizeof *self->is_spot);
    free(self->spots);
    self->spots      = spots;
    self->first_spot = 0;
    self->cap_spots  = cap;
    return WEIR_OK;
}

void
weiri_known_free(struct peer *peer)
{
    free(peer->name);
    free(peer->address);
    free_permit(&peer->may_send);
    free_permit(&peer->may_read);
}

/* What is known of a peer, into one that is fresh or was cleared. */
static weir_status
copy_config(const weiri_peer_config *config, struct peer *out)
{
    weir_status status = copy_permit(&config->may_send, &out->may_send);
    status = status == WEIR_OK ? copy_permit(&config->may_read, &out->may_read) : status;
    out->address = config->address != NULL ? strdup(config->address) : NULL;
    out->name    = strdup(config->name);
    if (config->key != NULL) {
        memcpy(out->key, config->key, WEIRI_KEY_TEXT);
    }
    bool is_whole = status == WEIR_OK && out->name != NULL
                    && (config->address == NULL || out->address != NULL);
    if (!is_whole) {
        weiri_known_free(out);
        return WEIR_ENOMEM;
    }
    return WEIR_OK;
}

static weir_status
let_in(weiri_peers *self, const char *key, uint32_t peer, uint32_t generation,
    const char *name, weir_error *err)
{
    weir_status status = self->config.is_insecure
                             ? WEIR_OK
                             : weiri_guard_allow(self->guard, key, peer, generation);
    if (status == WEIR_EINVAL) {
        return WEIR_FAIL(err, status, "the key of '%s' is another peer's as well", name);
    }
    return status == WEIR_OK ? WEIR_OK
                             : WEIR_FAIL(err, status, "%s", weir_status_text(status));
}

static weir_status
begin_to_dial(weiri_peers *self, uint32_t peer, weir_error *err)
{
    if (self->peers[peer].address == NULL) {
        return WEIR_OK;
    }
    weir_status status = weiri_dial_begin(self, peer, err);
    /* Only an address that is none is for the user to mend; the rest may pass. */
    return status == WEIR_EINVAL ? status : WEIR_OK;
}

weir_status
weiri_known_add(weiri_peers *self, const weiri_peer_config *config, weir_error *err)
{
    uint32_t    peer  = self->n_peers;
    struct peer fresh = { .is_known = true, .generation = 1, .fd = -1 };
    if (self->n_peers == WEIRI_PEERS) {
        return WEIR_FAIL(err, WEIR_EFULL, "more than %d peers", WEIRI_PEERS);
    }
    if (weiri_known_make_room(self, self->n_peers + 1) != WEIR_OK
        || copy_config(config, &fresh) != WEIR_OK) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    weir_status status = let_in(self, fresh.key, peer, 1, fresh.name, err);
    if (config->is_revoked) { /* by now its key may be another's, which stays so */
        fresh.is_known = false;
        status         = WEIR_OK;
        weiri_guard_revoke(self->guard, peer);
    }
    if (status != WEIR_OK) {
        weiri_known_free(&fresh);
        return status;
    }
    fresh.dialer      = (struct dialer){ .state = DIAL_NEVER, .due_ms = INT64_MAX };
    self->peers[peer] = fresh;
    self->n_peers++;
    return config->is_revoked ? WEIR_OK : begin_to_dial(self, peer, err);
}

uint32_t
weiri_peers_find_any(const weiri_peers *self, const char *name)
{
    for (uint32_t i = 0; i < self->n_peers; i++) {
        if (strcmp(self->peers[i].name, name) == 0) {
            return i;
        }
    }
    return WEIRI_PEER_NOBODY;
}

uint32_t
weiri_peers_find(const weiri_peers *self, const char *name)
{
    uint32_t peer = weiri_peers_find_any(self, name);
    return peer != WEIRI_PEER_NOBODY && self->peers[peer].is_known ? peer
                                                                   : WEIRI_PEER_NOBODY;
}

const char *
weiri_peers_state(const weiri_peers *self, uint32_t peer)
{
    weiri_assert(peer < self->n_peers);
    if (!self->peers[peer].is_known) {
        return "revoked";
    }
    return weiri_peers_is_connected(self, peer) ? "connected" : "away";
}

bool
weiri_peers_may_send(const weiri_peers *self, uint32_t peer, const char *stream)
{
    weiri_assert(peer < self->n_peers);
    return self->peers[peer].is_known
           && is_permitted(&self->peers[peer].may_send, stream);
}

bool
weiri_peers_may_read(const weiri_peers *self, uint32_t peer, const char *stream)
{
    weiri_assert(peer < self->n_peers);
    return self->peers[peer].is_known
           && is_permitted(&self->peers[peer].may_read, stream);
}

/* Its connections end, and its keys are nobody's. */
static void
disown(weiri_peers *self, uint32_t peer, const char *reason)
{
    struct peer *who = &self->peers[peer];
    weiri_guard_revoke(self->guard, peer);
    if (who->session != 0) {
        weiri_peers_end(self, peer, reason);
    }
    weiri_dial_stop(self, peer, 0);
    who->is_known = false;
    who->generation++;
}

/* Know a peer by something else than before. */
static weir_status
replace(
    weiri_peers *self, uint32_t peer, const weiri_peer_config *config, weir_error *err)
{
    struct peer *who   = &self->peers[peer];
    struct peer  fresh = { 0 };
    if (copy_config(config, &fresh) != WEIR_OK) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    bool is_same = who->is_known && strcmp(who->key, fresh.key) == 0
                   && ((who->address == NULL && fresh.address == NULL)
                       || (who->address != NULL && fresh.address != NULL
                           && strcmp(who->address, fresh.address) == 0));
    weir_status status = WEIR_OK;
    if (!is_same) {
        status = let_in(self, fresh.key, peer, who->generation + 1, fresh.name, err);
    }
    if (status != WEIR_OK) {
        weiri_known_free(&fresh);
        return status;
    }
    if (!is_same) {
        disown(self, peer, "it is known by something else now");
        status        = let_in(self, fresh.key, peer, who->generation, fresh.name, err);
        who->is_known = status == WEIR_OK;
    }
    free(who->address);
    free_permit(&who->may_send);
    free_permit(&who->may_read);
    who->address  = fresh.address;
    who->may_send = fresh.may_send;
    who->may_read = fresh.may_read;
    memcpy(who->key, fresh.key, sizeof who->key);
    free(fresh.name);
    return is_same || status != WEIR_OK ? status : begin_to_dial(self, peer, err);
}

weir_status
weiri_peers_check(
    const weiri_peers *self, const weiri_peer_config *config, weir_error *err)
{
    weir_status status = weiri_known_check(self, config, err);
    for (uint32_t i = 0; status == WEIR_OK && i < self->n_peers; i++) {
        const struct peer *other = &self->peers[i];
        if (!self->config.is_insecure && other->is_known
            && strcmp(other->key, config->key) == 0
            && strcmp(other->name, config->name) != 0) {
            status = WEIR_FAIL(err, WEIR_EINVAL,
                "the key of '%s' is another peer's as well", config->name);
        }
    }
    if (status == WEIR_OK && self->n_peers == WEIRI_PEERS
        && weiri_peers_find_any(self, config->name) == WEIRI_PEER_NOBODY) {
        status = WEIR_FAIL(err, WEIR_EFULL, "more than %d peers", WEIRI_PEERS);
    }
    return status;
}

weir_status
weiri_peers_allow(
    weiri_peers *self, const weiri_peer_config *config, uint32_t *number, weir_error *err)
{
    weir_status status = weiri_peers_check(self, config, err);
    if (status != WEIR_OK) {
        return status;
    }
    uint32_t peer   = weiri_peers_find_any(self, config->name);
    bool     is_new = peer == WEIRI_PEER_NOBODY;
    status =
        is_new ? weiri_known_add(self, config, err) : replace(self, peer, config, err);
    *number = is_new ? self->n_peers - 1 : peer;
    return status;
}

weir_status
weiri_peers_revoke(weiri_peers *self, const char *name, weir_error *err)
{
    uint32_t peer = weiri_peers_find(self, name);
    if (peer == WEIRI_PEER_NOBODY) {
        return WEIR_FAIL(err, WEIR_ENOENT, "no peer is named '%s'", name);
    }
    disown(self, peer, "its key was revoked");
    return WEIR_OK;
}
