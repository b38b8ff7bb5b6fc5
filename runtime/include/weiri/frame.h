/* weiri_frame: the head of everything that goes from one shard or node to another.
 *
 * 64 bytes, little-endian, then the payload. Between the shards of a process the payload
 * is messages with the addresses of their chunks; between processes it is bytes, which
 * the checksum covers. What the other kinds mean is said in weiri/link.h.
 */
#ifndef WEIRI_FRAME_H
#define WEIRI_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

enum {
    WEIRI_FRAME_HEAD    = 64,
    WEIRI_FRAME_VERSION = 1,
};

typedef enum weiri_frame_kind {
    WEIRI_FRAME_ADDRESSES = 1,  /* messages of a shard, valid in this process only */
    WEIRI_FRAME_COLUMNS   = 2,  /* a chunk as bytes                                */
    WEIRI_FRAME_HELLO     = 3,  /* of links: the sender of a stream says what it is */
    WEIRI_FRAME_WELCOME   = 4,  /* the receiver wants it                            */
    WEIRI_FRAME_REFUSE    = 5,  /* the receiver does not want it, and says why      */
    WEIRI_FRAME_ACK       = 6,  /* how far the receiver is                          */
    WEIRI_FRAME_PING      = 7,  /* how far the sender is                            */
    WEIRI_FRAME_RESET     = 8,  /* the receiver knows nothing of this stream        */
    WEIRI_FRAME_GAP       = 9,  /* rows that will not come                          */
    WEIRI_FRAME_END       = 10, /* no row comes any more                           */
    WEIRI_FRAME_MARK      = 11, /* event time has gone on, without a row           */
    WEIRI_FRAME_ACTOR     = 64, /* a message of an actor in a process of its own   */
} weiri_frame_kind;

typedef struct weiri_frame {
    uint8_t  kind;         /* weiri_frame_kind                                 */
    uint32_t stream;       /* 0 where messages of several are in it            */
    uint32_t link;         /* who sends: in a process, the shard               */
    uint64_t sequence;     /* of the frame on its link, from 1                 */
    int64_t  watermark_ns; /* event time of the sender                         */
    uint32_t n_rows;
    uint32_t n_parts;  /* messages, or columns                             */
    uint64_t size;     /* of the payload, bytes                            */
    uint64_t checksum; /* weiri_checksum of the payload where it is bytes, else 0; of
                        * WEIRI_FRAME_ACTOR 0, too: it comes from this machine */
    uint64_t epoch;    /* of links: which stream this is; else 0           */
} weiri_frame;

void
weiri_frame_write(const weiri_frame *self, uint8_t head[WEIRI_FRAME_HEAD]);

/* Read and check a head and what follows it.
 *
 *   bytes   shape (size,): head and payload
 *   errors  WEIR_EDATA  too short, another magic or version, an unknown kind, a size that
 *                       is not that of the payload, a wrong checksum: *self undefined
 */
WEIR_MUST_CHECK weir_status
weiri_frame_read(weiri_frame *self, const uint8_t *bytes, size_t size, weir_error *err);

/* The same for the first of several frames that stand one after another, or for one that
 * may not be whole yet.
 *
 *   errors  WEIR_EAGAIN  it is longer than `size`
 *           WEIR_EDATA   as above
 */
WEIR_MUST_CHECK weir_status
weiri_frame_next(weiri_frame *self, const uint8_t *bytes, size_t size, weir_error *err);

#endif
