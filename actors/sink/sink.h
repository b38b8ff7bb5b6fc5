/* weiri_outlet: one place that output goes to, with all streams that go there.
 *
 * Streams that share a place are written in the total order (time, rank of the stream,
 * order in the stream), so that their mix does not depend on how the input was cut into
 * rounds.
 */
#ifndef WEIRI_SINK_H
#define WEIRI_SINK_H

#include "weiri/bytes.h"
#include "weiri/codec.h"
#include "weiri/links.h"
#include "weiri/merge.h"
#include "weiri/pack.h"
#include "weiri/plan.h"

typedef struct weiri_outlet weiri_outlet;

typedef struct weiri_outlet_config {
    const char              *path;  /* "-" for standard output; of a socket its address */
    const weiri_wire_config *wire;  /* NULL: it is a file */
    weiri_wires             *wires; /* with `wire`        */
    const weiri_link_config *link;  /* NULL: it is no link */
    weiri_links             *links; /* with `link`        */
    weiri_outlet     *from; /* whose open place this one is to take over; NULL: open it */
    const weiri_plug *connector;   /* NULL: it is no plugin's; it has one stream */
    const weiri_plug *codec;       /* NULL: the format is ours; likewise        */
    const weir_schema    *schema;  /* with `connector`: of that stream          */
    struct weiri_metrics *metrics; /* of plugins; NULL: none                    */
} weiri_outlet_config;

/* errors  WEIR_EIO, WEIR_ENOMEM; WEIR_EINVAL an address that is none */
WEIR_MUST_CHECK weir_status
weiri_outlet_new(const weiri_outlet_config *config, weiri_outlet **out, weir_error *err);

/* Take over the open place of the outlet that the configuration named; all of that one's
 * rows were flushed. Up to here it is as it was; from here on it can only be closed. */
void
weiri_outlet_inherit(weiri_outlet *self);

/* Whether a stream, by its index in the plan, goes there. */
bool
weiri_outlet_has_stream(const weiri_outlet *self, uint32_t stream);

/* The format of its streams; AUTO before there is one. */
weiri_format
weiri_outlet_format(const weiri_outlet *self);

/* An outlet that goes on where a saved one stood: its file is cut back to what it had.
 *
 *   in      what weiri_outlet_save wrote; not trusted
 *   errors  WEIR_EDATA  the bytes are damaged, or the file is shorter than it was
 *           WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_outlet_resume(const weiri_outlet_config *config, weiri_unpack *in,
    weiri_outlet **out, weir_error *err);

/* Append to `out` how much was written, all of which the system has. */
void
weiri_outlet_save(const weiri_outlet *self, weiri_pack *out);

/* What weiri_outlet_save tells. */
typedef struct weiri_outlet_stand {
    bool     is_begun;
    uint64_t n_written; /* bytes                                           */
    uint64_t n_rows;    /* likewise; what was kept by an earlier version: 0 */
} weiri_outlet_stand;

/* Read it; what is wrong is noted in `in`. */
weiri_outlet_stand
weiri_outlet_peek(weiri_unpack *in);

/* Put on the medium what the system has. errors  WEIR_EIO */
WEIR_MUST_CHECK weir_status
weiri_outlet_sync(const weiri_outlet *self, weir_error *err);

/* Write what is buffered and close. The first error of its life, if any; *self_p is NULL.
 */
weir_status
weiri_outlet_close(weiri_outlet **self_p, weir_error *err);

const char *
weiri_outlet_path(const weiri_outlet *self);

/* Whether it goes by a socket of this kind, or, with NULL, to a file. */
bool
weiri_outlet_is_by(const weiri_outlet *self, const weiri_wire_config *wire);

/* Let a stream go to this place too; before the first write.
 *
 *   index     of the stream in the plan
 *   identity  the name of a field with the number of the row among all that go here, of
 *             whichever stream, from 1; outlives the outlet; NULL: none. A row that is
 *             written again after a crash has the number that it had
 *   errors  WEIR_EINVAL  CSV cannot be shared by streams; the format differs
 *           WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_outlet_add_stream(weiri_outlet *self, const weiri_stream *stream, uint32_t index,
    weiri_format format, const char *identity, weir_error *err);

/* Count rows as if they had been written, before those that come. */
void
weiri_outlet_skip(weiri_outlet *self, uint64_t n_rows);

/* Write rows of its streams.
 *
 *   rows    shape (n_streams of the plan,): what each stream released in this round
 *   errors  WEIR_ECLOSED  the reader has gone
 *           WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_outlet_write(weiri_outlet *self, const weiri_rows_list *rows, weir_error *err);

/* Links alone: every event with a time before `watermark_ns` has been written. */
WEIR_MUST_CHECK weir_status
weiri_outlet_advance(weiri_outlet *self, int64_t watermark_ns, weir_error *err);

/* Links alone: no event comes any more; the run has read events up to `newest_ns`. */
WEIR_MUST_CHECK weir_status
weiri_outlet_end(weiri_outlet *self, int64_t newest_ns, weir_error *err);

/* Before weiri_outlet_save, which may be called in a process that was forked then. */
WEIR_MUST_CHECK weir_status
weiri_outlet_settle(weiri_outlet *self, weir_error *err);

/* Whether nothing more is to be written for now: a link waits for acknowledgements. */
bool
weiri_outlet_is_full(const weiri_outlet *self);

/* How a link stands to who reads it. */
weiri_link_standing
weiri_outlet_standing(const weiri_outlet *self);

/* How far a link is from needing its other end no more. */
weiri_link_farewell
weiri_outlet_farewell(const weiri_outlet *self);

/* Note how far that is; before it is settled, since it goes on meanwhile. */
void
weiri_outlet_note(weiri_outlet *self);

/* Whether it has gone on since. */
bool
weiri_outlet_has_news(const weiri_outlet *self);

/* What was noted is durable: the other end can be told. */
void
weiri_outlet_release(weiri_outlet *self);

/* Hand what is buffered to the system. */
WEIR_MUST_CHECK weir_status
weiri_outlet_flush(weiri_outlet *self, weir_error *err);

#endif
