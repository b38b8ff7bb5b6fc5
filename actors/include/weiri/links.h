/* weiri_links: all acknowledged links of a node, and the thread that looks after them
 * while the engine computes or waits.
 *
 * What goes to another node is a writer, what comes from one a reader, like files and
 * sockets. The two ends are state machines (weiri/link.h); this gives them a clock and a
 * way to their peers.
 */
#ifndef WEIRI_LINKS_H
#define WEIRI_LINKS_H

#include "weiri/bytes.h"
#include "weiri/link.h"

typedef enum weiri_links_event_kind {
    WEIRI_LINKS_MESSAGE,      /* bytes, size */
    WEIRI_LINKS_CONNECTED,    /* may be sent to from now on */
    WEIRI_LINKS_DISCONNECTED, /* not any more; reason */
    WEIRI_LINKS_REFUSED       /* somebody was not let in, here or there; reason */
} weiri_links_event_kind;

typedef struct weiri_links_event {
    weiri_links_event_kind kind;
    uint32_t               peer;  /* its number */
    const uint8_t         *bytes; /* shape (size,), borrowed until the next call */
    size_t                 size;
    const char            *reason; /* borrowed likewise; NULL: none */
} weiri_links_event;

/* The way to the peers. All of it is called on the thread of the links alone. */
typedef struct weiri_links_transport {
    void *context;
    /* The number of a peer; UINT32_MAX: there is none of that name. */
    uint32_t (*find)(void *context, const char *name);
    /* The name of a peer, borrowed. */
    const char *(*name)(void *context, uint32_t peer);
    /* Whether it may send us a stream, or read one from us. */
    bool (*may_send)(void *context, uint32_t peer, const char *stream);
    bool (*may_read)(void *context, uint32_t peer, const char *stream);
    /* Send a message, now or not at all; false: not now. */
    bool (*send)(void *context, uint32_t peer, const uint8_t *bytes, size_t size);
    /* The next thing that has happened. errors  WEIR_EAGAIN: nothing; others: it is
     * broken, and nothing will happen any more */
    weir_status (*receive)(void *context, weiri_links_event *event, weir_error *err);
    /* Readable when receive may have something. */
    int (*descriptor)(void *context);
} weiri_links_transport;

struct weiri_peers; /* weiri/peers.h */

/* A transport made of peers, which outlive the links. From then on they are used with
 * the links held (weiri_links_hold) or not at all. */
weiri_links_transport
weiri_links_by_peers(struct weiri_peers *peers);

typedef struct weiri_links weiri_links;

typedef struct weiri_links_config {
    const char           *self; /* name of this node; copied */
    weiri_links_transport transport;
    /* Lines for the log, on the thread of the links, or on that of a writer; NULL: nobody
     * keeps one. */
    void (*tell)(void *context, weiri_link_news news, const char *text);
    /* Somebody came, went or was refused; on the thread of the links. NULL: nobody asks.
     */
    void (*on_peer)(void *context, const weiri_links_event *event);
    void *context;
    /* NULL: a thread looks after the links, by the clock. Else weiri_links_step does, on
     * the caller's, by this one: of a simulation, in which nobody waits. */
    int64_t (*now)(void *context);
    bool is_opening; /* readers are still to be made: who comes for one that is not there
                      * is answered at weiri_links_attend                       */
} weiri_links_config;

/* errors  WEIR_EIO  no thread or descriptor can be had; WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_links_new(const weiri_links_config *config, weiri_links **out, weir_error *err);

/* All readers are made: whoever came for one of them is asked to come again, at once, and
 * who came for another is refused. */
void
weiri_links_attend(weiri_links *self);

/* Take what has come and send what is due; with `now` alone. */
void
weiri_links_step(weiri_links *self);

/* When all readers and writers are closed. */
void
weiri_links_destroy(weiri_links **self_p);

typedef struct weiri_link_config {
    const char        *peer;
    const weir_schema *schema;        /* copied                                 */
    int64_t            silence_ns;    /* 0: 3 s                                 */
    size_t             backlog_bytes; /* of a writer; 0: the default            */
    bool               is_dropping;   /* of a writer: beyond that the oldest go */
    const weiri_link_term
            *terms; /* shape (n_terms,): see weiri/link.h; outlive the link */
    uint32_t n_terms;
    bool is_lasting; /* the node keeps a state: what is said at the end has to be durable
                      */
    bool is_inside;  /* between nodes of a cluster, which goes round in no loop: of a
                      * writer, no origins are told                                   */
} weiri_link_config;

/* Read the events of a stream that another node sends: whole frames, for
 * WEIRI_FORMAT_FRAMES. Nothing is asked for before weiri_reader_begin.
 *
 *   errors  WEIR_EINVAL  there is no such peer; WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_reader_link(weiri_links *links, const weiri_link_config *config, weiri_reader **out,
    weir_error *err);

/* Send the events of a stream to another node.
 *
 *   in      what weiri_writer_save wrote, to go on from; not trusted. NULL: begin
 *   errors  WEIR_EINVAL  there is no such peer, or a field is a list
 *           WEIR_EDATA   `in` is damaged, or of another stream; WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_writer_link(weiri_links *links, const weiri_link_config *config, weiri_unpack *in,
    weiri_writer **out, weir_error *err);

/* Wait until something has been acknowledged, or something else has happened; for one who
 * waits for room. */
void
weiri_links_wait(weiri_links *self, int64_t wait_ns);

/* Keep the thread from using the transport, for one who changes whom it knows; shortly.
 */
void
weiri_links_hold(weiri_links *self);

void
weiri_links_release(weiri_links *self);

/* The i-th link there is, in no order that means anything; false past the end. Texts are
 * copied. */
typedef struct weiri_link_sight {
    char              peer[256];
    char              stream[256];
    char              refusal[256]; /* why it is not open; "": it is not refused */
    bool              is_sender;
    bool              is_connected; /* the peer is there */
    weiri_link_counts counts;
} weiri_link_sight;

bool
weiri_links_sight(weiri_links *self, uint32_t i, weiri_link_sight *out);

#endif
