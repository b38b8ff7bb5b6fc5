/* The way of links by ZeroMQ: a transport made of weiri_peers. */
#include "weiri/peers.h"
#include "weiri/links.h"

static uint32_t
find(void *context, const char *name)
{
    return weiri_peers_find_any(context, name);
}

static const char *
name_of(void *context, uint32_t peer)
{
    return weiri_peers_name(context, peer);
}

static bool
may_send(void *context, uint32_t peer, const char *stream)
{
    return weiri_peers_may_send(context, peer, stream);
}

static bool
may_read(void *context, uint32_t peer, const char *stream)
{
    return weiri_peers_may_read(context, peer, stream);
}

static bool
send_message(void *context, uint32_t peer, const uint8_t *bytes, size_t size)
{
    return weiri_peers_send(context, peer, bytes, size) == WEIR_OK;
}

static weir_status
receive(void *context, weiri_links_event *out, weir_error *err)
{
    for (;;) {
        weiri_peer_event event  = { .kind = WEIRI_PEER_MESSAGE };
        weir_status      status = weiri_peers_receive(context, 0, &event, err);
        if (status != WEIR_OK) {
            return status;
        }
        *out = (weiri_links_event){ .kind = WEIRI_LINKS_MESSAGE,
            .peer                         = event.peer,
            .bytes                        = event.bytes,
            .size                         = event.size,
            .reason                       = event.reason };
        switch (event.kind) {
        case WEIRI_PEER_MESSAGE: return WEIR_OK;
        case WEIRI_PEER_CONNECTED: out->kind = WEIRI_LINKS_CONNECTED; return WEIR_OK;
        case WEIRI_PEER_DISCONNECTED:
            out->kind = WEIRI_LINKS_DISCONNECTED;
            return WEIR_OK;
        case WEIRI_PEER_REFUSED: out->kind = WEIRI_LINKS_REFUSED; return WEIR_OK;
        }
    }
}

static int
descriptor(void *context)
{
    return weiri_peers_descriptor(context);
}

weiri_links_transport
weiri_links_by_peers(struct weiri_peers *peers)
{
    return (weiri_links_transport){ .context = peers,
        .find                                = find,
        .name                                = name_of,
        .may_send                            = may_send,
        .may_read                            = may_read,
        .send                                = send_message,
        .receive                             = receive,
        .descriptor                          = descriptor };
}
