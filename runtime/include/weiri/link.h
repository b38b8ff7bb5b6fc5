/* weiri_link: the two ends of a stream between nodes, from which nothing is lost and of
 * which nothing comes twice. State machines: no sockets, no clocks, no threads.
 *
 * Rows are numbered from 0 in the order in which the sender gives them, whatever frames
 * they travel in, so that a sender that goes on from an earlier checkpoint gives the same
 * rows the same numbers, though it cuts them in other places. An end of the stream has
 * the number after the last row.
 *
 *   sender                          receiver
 *     HELLO  stream, fields, who it has come by, base  ->
 *            <-  WELCOME  the number it wants next, and the bytes it has room for; REFUSE
 *     COLUMNS, GAP, END  from that number on           ->
 *            <-  ACK  received up to, kept up to
 *     PING   sent up to, event time                    ->
 *            <-  ACK
 *
 * and when the stream has ended, each when it is durable where it is said:
 *
 *     PING   settled: it needs the receiver no more    ->
 *            <-  ACK   free: the sender is not waited for any more
 *     PING   parted: it has heard so                   ->
 *
 * What is not acknowledged as kept stays with the sender, and can be sent again from any
 * number. The receiver passes over what it has seen, and asks again for what it misses.
 * All that is said may be lost, delayed, said twice or out of order. A frame's head
 * carries the epoch, a number for the sender's stream as a whole: what belongs to another
 * epoch means nothing. A sender that remembers nothing begins a new one, and the one
 * before is fenced: whoever still sends under it is refused. Epochs of senders that go on
 * with theirs after a crash are odd.
 *
 * Every message is one frame or several (weiri/frame.h). `stream` and `link` in a head
 * are the two halves of a hash of the stream's name, `sequence` the number of the first
 * row, or that which is said.
 */
#ifndef WEIRI_LINK_H
#define WEIRI_LINK_H

#include "weir/chunk.h"
#include "weiri/frame.h"
#include "weiri/limits.h"
#include "weiri/pack.h"

/* What a stream is called in the heads of frames. */
uint64_t
weiri_link_id(const char *stream);

uint64_t
weiri_link_id_of(const weiri_frame *frame);

/* On whatever clock `now_ns` is read from. */
typedef struct weiri_link_timing {
    int64_t retry_ns;   /* until something is said again        */
    int64_t beat_ns;    /* between signs of life                */
    int64_t silence_ns; /* after which nobody is there any more */
    int64_t mark_ns;    /* until event time is told that goes on without rows */
} weiri_link_timing;

/* 1 s, 1 s, 3 s and 5 ms; with a silence of another length they scale along. */
weiri_link_timing
weiri_link_timing_of(int64_t silence_ns);

/* What is worth a line of a log. */
typedef enum weiri_link_news {
    WEIRI_LINK_OPENED,  /* both ends agree, rows flow            */
    WEIRI_LINK_LOST,    /* nothing has been heard for too long   */
    WEIRI_LINK_REFUSED, /* by the receiver, who says why         */
    WEIRI_LINK_NEW,     /* the sender has begun a new stream     */
    WEIRI_LINK_MISSING, /* rows that will not come               */
    WEIRI_LINK_DROPPED, /* rows that the sender has no room for, or that cannot be sent */
    WEIRI_LINK_BAD,     /* the other end said what cannot be     */
} weiri_link_news;

/* How an end reaches the other end, and whoever keeps a log. */
typedef struct weiri_link_port {
    void *context;
    /* Send a message, now or not at all; false: not now. */
    bool (*send)(void *context, const uint8_t *bytes, size_t size);
    /* text: one line, printable, without an end */
    void (*tell)(void *context, weiri_link_news news, const char *text);
} weiri_link_port;

/* ---- parting ---- */

/* How far two ends whose stream has ended are from needing each other no more. A sender
 * cannot end before all is acknowledged, and a receiver not before the sender has that
 * for good: one that was killed would ask again. So each step is durable before the next
 * is said. That the last word is heard nobody can know (Gray, Notes on data base
 * operating systems, 1978, the two generals): a sender that has not heard it waits while
 * the receiver is there, and for some time after. */
typedef enum weiri_link_parting {
    WEIRI_LINK_FLOWING, /* not all is acknowledged; of a receiver: for all that it knows
                         */
    WEIRI_LINK_SETTLED, /* all is, and the sender needs no more                     */
    WEIRI_LINK_PARTED,  /* the sender has heard that it is not waited for any more  */
} weiri_link_parting;

typedef struct weiri_link_farewell {
    weiri_link_parting parting;
    bool is_kept;    /* of a sender: all that was given is acknowledged           */
    bool is_there;   /* the other end: it has been heard of on this connection    */
    bool is_lasting; /* of a receiver: the sender goes on with its stream after a crash */
    bool is_unsaid;  /* of a sender: who is there has not been told that it has parted */
} weiri_link_farewell;

/* Whether an epoch is that of a sender that remembers it. */
bool
weiri_link_is_lasting(uint64_t epoch);

/* ---- where a receiver is ---- */

/* What is known of the frames up to some place, from their heads alone. */
typedef struct weiri_link_place {
    uint64_t epoch; /* 0: none yet                                */
    uint64_t next;  /* number of the row that comes next          */
    bool     is_ended;
    bool     is_settled; /* the sender is, and that is durable here; not saved with it */
    uint64_t fenced[WEIRI_LINK_FENCED]; /* earlier epochs, the last ones */
    uint32_t n_fenced;                  /* all that were, also those forgotten */
} weiri_link_place;

bool
weiri_link_place_is_fenced(const weiri_link_place *self, uint64_t epoch);

/* Begin another epoch at the row numbered `next`; the one before is fenced. */
void
weiri_link_place_begin(weiri_link_place *self, uint64_t epoch, uint64_t next);

/* Go on by a frame that is to come next.
 *
 *   payload  of the frame, shape (frame->size,)
 *   skip     of COLUMNS: how many rows from the front have been seen before
 *   returns  what is wrong, static text, and the place is as it was; NULL: nothing
 */
const char *
weiri_link_place_follow(weiri_link_place *self, const weiri_frame *frame,
    const uint8_t *payload, uint32_t *skip);

void
weiri_link_place_save(const weiri_link_place *self, weiri_pack *out);

/* What is wrong is noted in `in`. */
void
weiri_link_place_load(weiri_link_place *self, weiri_unpack *in);

/* ---- sending ---- */

/* Something that both ends have to have alike: nodes of a cluster their rules. */
typedef struct weiri_link_term {
    const char *name; /* up to 255 bytes; "the …": of all, told if nothing else differs */
    uint64_t    hash;
} weiri_link_term;

typedef struct weiri_sender weiri_sender;

typedef struct weiri_sender_config {
    const weir_schema *schema; /* of the stream, whose name is that of the link */
    const char        *self;   /* name of this node                      */
    const char        *peer;   /* of the one it sends to, for the log    */
    uint64_t           epoch;  /* random, not 0; of a stream that is new */
    const weiri_link_term
            *terms;         /* shape (n_terms,), that the receiver has to have, too */
    uint32_t n_terms;       /* up to WEIRI_LINK_TERMS */
    bool     is_lasting;    /* what it is can be saved: weiri_sender_release is called */
    size_t   backlog_bytes; /* that wait for an acknowledgement; 0: the default */
    bool     is_dropping;   /* beyond that the oldest go; else is_full says so */
    weiri_link_timing timing;
    weiri_link_port   port;
} weiri_sender_config;

/* `config` is copied; what it points to outlives the sender.
 *
 *   errors  WEIR_EINVAL  a field is a list; WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_sender_new(const weiri_sender_config *config, weiri_sender **out, weir_error *err);

void
weiri_sender_destroy(weiri_sender **self_p);

/* Make frames of rows that come next. They are not sent before weiri_sender_commit; until
 * then nothing else of the sender is touched, so that no lock is needed for this.
 *
 *   errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_sender_stage(weiri_sender *self, weir_rows rows);

/* Let what was staged go, and say how far event time is: every row before it has been
 * staged. INT64_MIN: nothing is known.
 *
 *   errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_sender_commit(weiri_sender *self, int64_t watermark_ns);

/* No row will come any more.
 *
 *   newest_ns  time of the last event that the sender's node has read
 *   errors     WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_sender_end(weiri_sender *self, int64_t newest_ns);

/* The bound of the backlog is reached, and rows are not to be dropped. */
bool
weiri_sender_is_full(const weiri_sender *self);

/* Everything, its end too if there is one, is acknowledged. */
bool
weiri_sender_is_done(const weiri_sender *self);

/* How a sender stands to its receiver. One that goes on from an earlier checkpoint gives
 * again what it had given: until then it is behind. */
typedef enum weiri_link_standing {
    WEIRI_LINK_APART,  /* the receiver has not said what it has */
    WEIRI_LINK_BEHIND, /* it has what was not given again yet    */
    WEIRI_LINK_EVEN
} weiri_link_standing;

weiri_link_standing
weiri_sender_standing(const weiri_sender *self);

weiri_link_farewell
weiri_sender_farewell(const weiri_sender *self);

/* That it has come so far is durable, and the receiver can be told. */
void
weiri_sender_release(weiri_sender *self, weiri_link_parting parting);

/* By whom events have come that this node sends on; said to the receiver when it changes.
 *
 *   names  shape (n,), beside the node's own; copied
 */
WEIR_MUST_CHECK weir_status
weiri_sender_set_origins(weiri_sender *self, const char *const *names, uint32_t n);

/* The way to the peer has opened, or is gone. */
void
weiri_sender_on_connection(weiri_sender *self, bool is_connected, int64_t now_ns);

/* This node does not send the stream to the peer any more; it says why to the log, and
 * lets nothing go until weiri_sender_on_connection. What waits stays.
 *
 *   why  a sentence without its end; copied
 */
void
weiri_sender_bar(weiri_sender *self, const char *why);

/* Why the link is not open: what was said when it was refused, here or there. Borrowed;
 * NULL: it is not refused. */
const char *
weiri_sender_refusal(const weiri_sender *self);

/* WELCOME, REFUSE, ACK or RESET of this link; other kinds are counted and passed over.
 * Nothing of it is trusted. */
void
weiri_sender_on_frame(
    weiri_sender *self, const weiri_frame *frame, const uint8_t *payload, int64_t now_ns);

/* Send what is to be sent.
 *
 *   returns  when to call again at the latest, if nothing else happens
 */
int64_t
weiri_sender_work(weiri_sender *self, int64_t now_ns);

/* Note what weiri_sender_save is to write: that touches nothing else, and may be done by
 * a process that was forked meanwhile. errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_sender_settle(weiri_sender *self);

/* Append how far it is and what is not acknowledged, as of the last settling. */
void
weiri_sender_save(const weiri_sender *self, weiri_pack *out);

/* Have a new sender go on as a saved one. `in` is not trusted.
 *
 *   errors  WEIR_EDATA  the bytes are damaged, or what waits is of other fields
 *           WEIR_ENOMEM: it is to be destroyed
 */
WEIR_MUST_CHECK weir_status
weiri_sender_load(weiri_sender *self, weiri_unpack *in, weir_error *err);

typedef struct weiri_link_counts {
    uint64_t n_rows;    /* given to the sender; received                       */
    uint64_t n_kept;    /* acknowledged as kept, or seen before                */
    uint64_t n_dropped; /* sender: without room; receiver: that will not come  */
    uint64_t n_bad;     /* frames that were refused                            */
    uint64_t n_again;   /* frames sent again; received twice                   */
    size_t   n_bytes;   /* that wait: in the backlog, or to be taken in        */
    size_t   n_credit; /* bytes that the receiver has room for besides those on their way;
                        * of a receiver: besides those that wait                     */
    bool    is_open;
    int64_t watermark_ns;
} weiri_link_counts;

/* The name of its stream, borrowed. */
const char *
weiri_sender_stream(const weiri_sender *self);

weiri_link_counts
weiri_sender_get_counts(const weiri_sender *self);

/* ---- receiving ---- */

typedef struct weiri_receiver weiri_receiver;

typedef struct weiri_receiver_config {
    const weir_schema *schema;    /* of the stream, whose name is that of the link */
    const char        *self;      /* name of this node                           */
    const char        *peer;      /* of the one it is sent by, for the log       */
    size_t window_bytes;          /* that may be on their way or wait; 0: the default */
    const weiri_link_term *terms; /* shape (n_terms,), that the sender has to have, too */
    uint32_t               n_terms;
    bool is_lasting; /* what is kept lasts: weiri_receiver_release is called */
    weiri_link_timing timing;
    weiri_link_port   port;
} weiri_receiver_config;

/* errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_receiver_new(
    const weiri_receiver_config *config, weiri_receiver **out, weir_error *err);

void
weiri_receiver_destroy(weiri_receiver **self_p);

/* Begin at a place: what is before it has been kept. Before this nobody is answered. */
void
weiri_receiver_begin(weiri_receiver *self, const weiri_link_place *place);

/* HELLO, COLUMNS, GAP, END or PING of this link; other kinds are counted and passed over.
 * Nothing of it is trusted.
 *
 *   payload  of the frame, right behind its head in memory
 */
void
weiri_receiver_on_frame(weiri_receiver *self, const weiri_frame *frame,
    const uint8_t *payload, int64_t now_ns);

/* The way to the sender is gone: it says HELLO when it comes again. */
void
weiri_receiver_on_disconnection(weiri_receiver *self);

/* This node does not take the stream from the peer any more: the link is closed, and the
 * frame refused. For any frame of this link while that is so.
 *
 *   why  a sentence without its end; copied
 */
void
weiri_receiver_bar(weiri_receiver *self, const weiri_frame *frame, const char *why);

/* As weiri_sender_refusal. */
const char *
weiri_receiver_refusal(const weiri_receiver *self);

/* As weiri_sender_work: acknowledges what was kept. */
int64_t
weiri_receiver_work(weiri_receiver *self, int64_t now_ns);

/* Whether there are frames to take. */
bool
weiri_receiver_has_frames(const weiri_receiver *self);

/* Move frames that come next, whole ones, to `bytes`; COLUMNS, GAP, END and MARK, whose
 * heads and contents are right.
 *
 *   size     WEIRI_RECORD_BYTES hold any
 *   returns  bytes moved
 */
size_t
weiri_receiver_take(weiri_receiver *self, uint8_t *bytes, size_t size);

/* What was taken is kept, and can be acknowledged. */
void
weiri_receiver_keep(weiri_receiver *self);

weiri_link_farewell
weiri_receiver_farewell(const weiri_receiver *self);

/* That it has come so far is durable, and the sender can be told. */
void
weiri_receiver_release(weiri_receiver *self, weiri_link_parting parting);

/* By whom the sender's events have come, itself among them; borrowed until the next
 * frame. n: 0 before it has said so */
const char *const *
weiri_receiver_origins(const weiri_receiver *self, uint32_t *n);

/* The name of its stream, borrowed. */
const char *
weiri_receiver_stream(const weiri_receiver *self);

weiri_link_counts
weiri_receiver_get_counts(const weiri_receiver *self);

/* An answer for a HELLO of a stream that nobody here reads.
 *
 *   out  a message, REFUSE
 */
void
weiri_link_refuse(const weiri_frame *hello, const char *why, weiri_pack *out);

/* Have the sender say HELLO again, now.
 *
 *   out  a message, RESET
 */
void
weiri_link_reset(const weiri_frame *hello, weiri_pack *out);

#endif
