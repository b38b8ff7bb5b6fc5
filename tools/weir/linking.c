#include "linking.h"

#include <stdlib.h>

struct linking {
    const run_log *log;
    const peering *peering;
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

static void
on_peer(void *context, const weiri_links_event *event)
{
    const linking   *self = context;
    weiri_peer_event what = {
        .kind = WEIRI_PEER_REFUSED, .peer = event->peer, .reason = event->reason
    };
    if (event->kind != WEIRI_LINKS_REFUSED) {
        what.kind = event->kind == WEIRI_LINKS_CONNECTED ? WEIRI_PEER_CONNECTED
                                                         : WEIRI_PEER_DISCONNECTED;
    }
    peering_note(self->peering, &what);
}

weir_status
linking_open(const weiri_node_setup *setup, const run_log *log, const peering *peers,
    linking **out, weir_error *err)
{
    *out = NULL;
    if (peering_peers(peers) == NULL) {
        return WEIR_OK;
    }
    linking *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->log                       = log;
    self->peering                   = peers;
    const weiri_links_config config = { .self = setup->name,
        .transport  = weiri_links_by_peers(peering_peers(peers)),
        .tell       = tell,
        .on_peer    = on_peer,
        .context    = self,
        .is_opening = true };
    weir_status              status = weiri_links_new(&config, &self->links, err);
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
        free(self);
    }
}

weiri_links *
linking_links(const linking *self)
{
    return self != NULL ? self->links : NULL;
}

void
linking_hold(const linking *self)
{
    if (self != NULL) {
        weiri_links_hold(self->links);
    }
}

void
linking_release(const linking *self)
{
    if (self != NULL) {
        weiri_links_release(self->links);
    }
}
