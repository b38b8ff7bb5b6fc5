/* What the files of this folder share: the ends of all links, and the thread. */
#ifndef LINK_HUB_H
#define LINK_HUB_H

#include "weiri/links.h"
#include "weiri/worker.h"

/* One end of a link: a reader or a writer has it. */
typedef struct weiri_end {
    weiri_links    *links;
    uint32_t        peer;
    uint64_t        id;     /* of the stream                        */
    weiri_sender   *sender; /* one of the two                       */
    weiri_receiver *receiver;
    int64_t         due_ns;         /* when it is to be looked after again  */
    bool            is_barred;      /* the peer may not read it              */
    uint32_t        n_origins_told; /* of a receiver: names that senders know */
    bool            is_inside;      /* between nodes of a cluster             */
} weiri_end;

/* Somebody who came for a stream that nobody reads yet. */
typedef struct weiri_caller {
    uint32_t    peer;
    weiri_frame hello;
} weiri_caller;

struct weiri_links {
    weiri_links_config config;
    char              *self;
    weiri_worker      *worker;
    int                wake_fd; /* written to when the thread is to look      */
    weiri_end        **ends;    /* shape (n_ends,)                            */
    uint32_t           n_ends;
    bool              *is_connected; /* shape (n_peers,): of those seen so far */
    uint32_t           n_peers;
    bool               is_stopping;
    bool               is_awake; /* the thread will look before it sleeps      */
    bool               is_opening;
    weiri_caller      *callers; /* while it is opening, shape (n_callers,)     */
    uint32_t           n_callers;
    bool               is_broken;
};

/* Clock of the links, ns. */
int64_t
weiri_links_now(const weiri_links *self);

/* Wait for the thread, with the lock; not at all if the links are driven. */
void
weiri_links_pause(weiri_links *self, int64_t wait_ns);

/* Have the thread look after the ends; with the lock. */
void
weiri_links_wake(weiri_links *self);

/* Make an end and list it; its sender or receiver is made by `make`, with the lock held.
 *
 *   errors  WEIR_EINVAL  no such peer, or this link is there already
 */
WEIR_MUST_CHECK weir_status
weiri_end_new(weiri_links *links, const weiri_link_config *config, bool is_sender,
    weiri_end **out, weir_error *err);

/* Take it off the list and destroy it; NULL is fine. */
void
weiri_end_destroy(weiri_end **self_p);

/* Tell all senders by whom events come to this node, which they tell their receivers. */
void
weiri_links_spread_origins(weiri_links *self);

/* A port for the end's machine. */
weiri_link_port
weiri_end_port(weiri_end *self);

/* A schema that lives as long as its end; NULL: no memory. */
weir_schema *
weiri_schema_copy(const weir_schema *schema);

void
weiri_schema_free(weir_schema **self_p);

#endif
