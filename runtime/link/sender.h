/* What a sender is made of: for the files of this folder. */
#ifndef LINK_SENDER_H
#define LINK_SENDER_H

#include "backlog.h"
#include "message.h"

struct weiri_sender {
    weiri_sender_config config;
    uint64_t            id;
    char              **origins; /* shape (n_origins,), the node itself first */
    uint32_t            n_origins;
    weiri_link_counts   counts;

    /* Of whoever gives rows; nobody else touches these. */
    weiri_backlog staged;
    uint64_t      next;     /* number of the row that is given next          */
    bool          is_ended; /* the end has been given                        */
    weiri_pack    columns;  /* being made, kept for its memory               */
    const char   *unfit;    /* why rows could not be sent; NULL: all could   */
    uint64_t      n_unfit;

    weiri_backlog backlog;      /* not acknowledged                               */
    int64_t       watermark_ns; /* of what is in the backlog                      */
    uint64_t      committed;    /* number of the row after the last that may go   */
    uint64_t      kept;         /* acknowledged: what is before it is not needed  */
    uint64_t      sent;         /* number of the row that is sent next            */
    uint32_t      n_sent;       /* of the backlog's frames, those before `sent`   */
    size_t        flying_bytes; /* of these                                       */
    uint64_t      window;       /* bytes that may be on their way                 */
    uint64_t      gap_told;     /* a gap up to this number has been sent          */
    uint64_t      n_episode;    /* rows dropped since that was last told          */

    bool               is_connected;
    bool               is_open;     /* the receiver has said what it wants            */
    bool               is_refused;  /* and that was told                              */
    bool               is_barred;   /* by this node                                   */
    bool               wants_hello; /* now, whenever the last one was                 */
    bool               is_free;     /* the receiver has said so, by WEIRI_LINK_IS_FREE */
    weiri_link_parting released;    /* of how far it is, that which can be said     */
    weiri_link_parting said;        /* and that which was, on this connection       */
    int64_t            heard_ns;    /* last sign of life                              */
    int64_t            said_hello_ns; /* INT64_MIN: not on this connection              */
    int64_t            said_ping_ns;
    int64_t            told_mark_ns; /* event time that was last told                  */
    int64_t            rewound_ns;   /* when rows were last sent again                 */

    char          refusal[WEIRI_LINK_TEXT]; /* why, while is_refused             */
    weiri_pack    message;      /* being made, kept for its memory            */
    weiri_backlog settled;      /* what is to be saved: frames shared with the backlog */
    uint64_t      settled_next; /* and the rest of it                         */
    uint64_t      settled_kept;
    bool          settled_end;
    bool          settled_free;
    int64_t       settled_mark_ns;
};

/* ---- sender_save.c ---- */

void
weiri_sender_forget_settled(weiri_sender *self);

#endif
