#include "linking.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/keys.h"
#include "weiri/peers.h"

struct linking {
    const run_log *log;
    weiri_keys     keys;
    weiri_peers   *peers;
    weiri_links   *links;
};

static const char *
event_of(weiri_link_news news, weiri_log_level *level)
{
    *level = WEIRI_LOG_WARN;
    switch (news) {
    case WEIRI_LINK_OPENED: *level = WEIRI_LOG_INFO; return "link.open";
    case WEIRI_LINK_LOST: return "link.lost";
    case WEIRI_LINK_REFUSED: *level = WEIRI_LOG_ERROR; return "link.refused";
    case WEIRI_LINK_NEW: return "link.new";
    case WEIRI_LINK_MISSING: *level = WEIRI_LOG_ERROR; return "link.missing";
    case WEIRI_LINK_DROPPED: *level = WEIRI_LOG_ERROR; return "link.dropped";
    case WEIRI_LINK_BAD: break;
    }
    return "link.bad";
}

/* On any thread: a line is one write. */
static void
tell(void *context, weiri_link_news news, const char *text)
{
    const linking  *self  = context;
    weiri_log_level level = WEIRI_LOG_INFO;
    const char     *event = event_of(news, &level);
    log_say(self->log, level, event, text);
}

static weiri_permit
permit_of(const weiri_node_permit *permit)
{
    return (weiri_permit){ .is_any = permit->is_any,
        .streams                   = permit->streams,
        .n_streams                 = permit->n_streams };
}

static weir_status
open_peers(linking *self, const weiri_node_setup *setup, weir_error *err)
{
    weiri_peer_config *peers = calloc(setup->n_peers + (size_t)1, sizeof *peers);
    if (peers == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    for (uint32_t i = 0; i < setup->n_peers; i++) {
        const weiri_node_peer *peer = &setup->peers[i];
        peers[i]                    = (weiri_peer_config){ .name = peer->name,
                               .address                          = peer->address,
                               .key                              = peer->key,
                               .may_send                         = permit_of(&peer->may_send),
                               .may_read                         = permit_of(&peer->may_read) };
    }
    const weiri_peers_config config = { .name = setup->name,
        .keys                                 = setup->key != NULL ? &self->keys : NULL,
        .is_insecure                          = setup->is_insecure,
        .listen                               = setup->listen,
        .peers                                = peers,
        .n_peers                              = setup->n_peers };
    weir_status              status = weiri_peers_open(&config, &self->peers, err);
    free(peers);
    return status;
}

static weir_status
open_links(linking *self, const weiri_node_setup *setup, weir_error *err)
{
    weir_status status =
        setup->key != NULL ? weiri_keyfile_load(setup->key, &self->keys, err) : WEIR_OK;
    if (status == WEIR_OK) {
        status = open_peers(self, setup, err);
    }
    if (status == WEIR_OK) {
        const weiri_links_config config = { .self = setup->name,
            .transport                            = weiri_links_by_peers(self->peers),
            .tell                                 = tell,
            .context                              = self };
        status                          = weiri_links_new(&config, &self->links, err);
    }
    return status;
}

weir_status
linking_open(
    const weiri_node_setup *setup, const run_log *log, linking **out, weir_error *err)
{
    *out = NULL;
    if (setup->n_peers == 0 && setup->listen == NULL) {
        return WEIR_OK;
    }
    linking *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->log          = log;
    weir_status status = open_links(self, setup, err);
    if (status != WEIR_OK) {
        linking_close(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
linking_close(linking **self_p)
{
    linking *self = *self_p;
    *self_p       = NULL;
    if (self != NULL) {
        weiri_links_destroy(&self->links);
        weiri_peers_close(&self->peers);
        weiri_keys_forget(&self->keys);
        free(self);
    }
}

weiri_links *
linking_links(linking *self)
{
    return self != NULL ? self->links : NULL;
}
