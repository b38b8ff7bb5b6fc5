/* weiri_intake: one source at work. Reads bytes, decodes them, decides what is late, and
 * hands sorted chunks to the streams.
 */
#ifndef WEIRI_SOURCE_H
#define WEIRI_SOURCE_H

#include "weiri/clock.h"
#include "weiri/links.h"
#include "weiri/merge.h"
#include "weiri/pack.h"
#include "weiri/plan.h"
#include "weiri/tape.h"
#include "weiri/wire.h"

typedef struct weiri_intake weiri_intake;

typedef struct weiri_intake_config {
    const weiri_source *source;
    uint32_t            index;  /* of the source in the plan                         */
    uint32_t            place;  /* among the sources of its stream: breaks ties of time */
    const char         *path;   /* "-" for standard input                            */
    weiri_format        format; /* not AUTO                                          */
    char                delimiter;
    const bool         *used;         /* fields to fill                                */
    const weiri_stream *stream;       /* of the source                                 */
    const weir_schema  *to_schema;    /* of what is handed on: without the order that the
                                       * stream of a numbered source has behind its fields */
    const weiri_stream *late;         /* NULL: nobody reads late events                */
    const weiri_stream *dead;         /* likewise                                      */
    weiri_merge        *to;           /* where events go                               */
    weiri_merge        *given_to;     /* where they also go, for other nodes; NULL: no */
    weiri_merge        *late_to;      /* with `late`                                   */
    weiri_merge        *dead_to;      /* with `dead`                                   */
    weiri_merge        *gone_to;      /* of a table's file that is read again: its rows
                                       * that are gone                                 */
    const weiri_wire_config *wire;    /* NULL: the path is that of a file              */
    weiri_wires             *wires;   /* with `wire`                                   */
    const weiri_link_config *link;    /* of a link, whose frames are read; else NULL   */
    weiri_links             *links;   /* with `link`                                   */
    struct weiri_metrics    *metrics; /* of plugins; NULL: none */
    bool                     is_redirected; /* the source's own place is not read */
    const weiri_tape        *tape; /* of an input that cannot be read again; NULL: none */
    weiri_intake *from; /* whose open input this one is to take over; NULL: open it */
    const weiri_extent *extent; /* how much of it is read again; NULL: it is not, but read
                                 * as it comes */
} weiri_intake_config;

typedef struct weiri_intake_counts {
    uint64_t    n_events; /* decoded, late ones included */
    uint64_t    n_late;
    uint64_t    n_dead;
    uint64_t    n_bytes;    /* after decompression */
    const char *first_dead; /* of this run: where and why; NULL: none */
    uint64_t    n_notices;  /* of this run: what somebody may have to act upon */
    const char *notice;     /* the last of them; NULL: none                    */
} weiri_intake_counts;

/* Open the input. `config` is copied; what it points to outlives the intake.
 *
 *   errors  WEIR_ENOENT, WEIR_EIO, WEIR_EINVAL, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_intake_new(const weiri_intake_config *config, weiri_intake **out, weir_error *err);

void
weiri_intake_destroy(weiri_intake **self_p);

/* Take over the open input of the intake that the configuration names, and what was read
 * of it and not decoded yet; after a load of where that one stood, and before a pump. Up
 * to here the other is as it was; from here on it can only be destroyed. */
void
weiri_intake_inherit(weiri_intake *self);

/* Take in up to one chunk of events.
 *
 *   wait_ns  how long to wait for a silent input; -1 for ever
 *   errors   WEIR_EAGAIN  nothing came in that time, or a signal did
 *            WEIR_EOF     the input has ended; its clock is closed
 *            WEIR_EDATA   the input cannot be read on, or a record is dead and the source
 * says `on error stop` WEIR_EFULL   too many events wait for the watermark WEIR_EIO,
 * WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_intake_pump(weiri_intake *self, int64_t wait_ns, weir_error *err);

/* The source's clock; the caller may advance it (idle). */
weiri_clock *
weiri_intake_clock(weiri_intake *self);

/* When what the last pump gave was read, the oldest of it, on the monotonic clock; 0:
 * nothing was. */
int64_t
weiri_intake_read_ns(const weiri_intake *self);

/* Whether it has a position of its own, from which it can be read again. */
bool
weiri_intake_is_kept(const weiri_intake *self);

bool
weiri_intake_is_regular(const weiri_intake *self);

/* Ask the sender of a link for what comes next, if there is nothing to play before; once,
 * when the state has been loaded. Nothing to do for other inputs. */
WEIR_MUST_CHECK weir_status
weiri_intake_begin(weiri_intake *self, weir_error *err);

/* How far a link that has come to its end is from needing its other end no more; as of a
 * reader. */
weiri_link_farewell
weiri_intake_farewell(const weiri_intake *self);

/* Note how far that is, for the next state; and whether it has gone on since. */
void
weiri_intake_note(weiri_intake *self);

bool
weiri_intake_has_news(const weiri_intake *self);

/* What was noted is durable: the other end can be told. */
void
weiri_intake_release(weiri_intake *self);

/* Whether all has been read that its extent has, and more would have come. */
bool
weiri_intake_is_over(const weiri_intake *self);

/* Let the clock go on to `to_ns` because the source is silent; kept on the tape first. */
WEIR_MUST_CHECK weir_status
weiri_intake_idle(weiri_intake *self, int64_t to_ns, weir_error *err);

/* How many events of its stream wait for the watermark, of all sources together. */
uint64_t
weiri_intake_waiting(const weiri_intake *self);

/* What was decoded before `position` is on the medium. errors  WEIR_EIO */
WEIR_MUST_CHECK weir_status
weiri_intake_acknowledge(weiri_intake *self, uint64_t position, weir_error *err);
/* Whether the source's file is read again and again: its clock is no bound of the others'
 * and is set by weiri_intake_await. */
bool
weiri_intake_is_refreshed(const weiri_intake *self);

/* Whether what is kept of the source is being read again: what a run that was killed has
 * seen of it comes before anything that is new. */
bool
weiri_intake_is_playing(const weiri_intake *self);

/* Of a source that is refreshed: set its clock to when it is to be looked at next. Before
 * each choice of the source to pump.
 *
 *   others_ns  the least clock of the sources that are not refreshed
 *   newest_ns  time of their newest event
 *   is_playing one of them is: only what is kept is looked at, as it was then
 *   errors     as weiri_intake_pump
 */
WEIR_MUST_CHECK weir_status
weiri_intake_await(weiri_intake *intake, int64_t others_ns, int64_t newest_ns,
    bool is_playing, weir_error *err);

/* How many (unpacked) bytes were decoded: what comes before them is not needed again once
 * the state is kept. */
uint64_t
weiri_intake_position(const weiri_intake *self);

/* Where a source stood when its state was kept. */
typedef struct weiri_intake_stand {
    bool                is_regular;
    bool                is_closed;  /* it had been read to its end                   */
    bool                is_settled; /* and its sender knows so for good             */
    uint64_t            position;   /* as of weiri_intake_position                   */
    int64_t             newest_ns;  /* time of its newest event, INT64_MIN: none yet */
    int64_t             clock_ns;   /* up to which it is known that no event will come */
    weiri_intake_counts counts;
} weiri_intake_stand;

/* Read that from what weiri_intake_save wrote; what is wrong is noted in `in`. */
void
weiri_intake_peek(weiri_unpack *in, weiri_intake_stand *out);

/* Append where it stands to `out`. Between two pumps.
 *
 *   errors  WEIR_EIO; WEIR_ENOMEM is noted in `out`
 */
WEIR_MUST_CHECK weir_status
weiri_intake_save(const weiri_intake *self, weiri_pack *out, weir_error *err);

/* Have a new intake go on where a saved one stood. `in` is not trusted.
 *
 *   errors  WEIR_EDATA  the bytes are damaged or of another source, or the file is
 * another WEIR_EIO, WEIR_ENOMEM: the intake is to be destroyed
 */
WEIR_MUST_CHECK weir_status
weiri_intake_load(weiri_intake *self, weiri_unpack *in, weir_error *err);

weiri_intake_counts
weiri_intake_get_counts(const weiri_intake *self);

#endif
