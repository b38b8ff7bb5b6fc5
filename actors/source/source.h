/* weiri_intake: one source at work. Reads bytes, decodes them, decides what is late, and
 * hands sorted chunks to the streams.
 */
#ifndef WEIRI_SOURCE_H
#define WEIRI_SOURCE_H

#include "weiri/clock.h"
#include "weiri/merge.h"
#include "weiri/pack.h"
#include "weiri/plan.h"
#include "weiri/tape.h"
#include "weiri/wire.h"

typedef struct weiri_intake weiri_intake;

typedef struct weiri_intake_config {
    const weiri_source *source;
    uint32_t            index;  /* of the source in the plan: breaks ties of time    */
    const char         *path;   /* "-" for standard input                            */
    weiri_format        format; /* not AUTO                                          */
    char                delimiter;
    const bool         *used;         /* fields to fill                                */
    const weiri_stream *stream;       /* of the source                                 */
    const weiri_stream *late;         /* NULL: nobody reads late events                */
    const weiri_stream *dead;         /* likewise                                      */
    weiri_merge        *to;           /* where events go                               */
    weiri_merge        *late_to;      /* with `late`                                   */
    weiri_merge        *dead_to;      /* with `dead`                                   */
    const weiri_wire_config *wire;    /* NULL: the path is that of a file              */
    weiri_wires             *wires;   /* with `wire`                                   */
    struct weiri_metrics    *metrics; /* of plugins; NULL: none */
    bool                     is_redirected; /* the source's own place is not read */
    const weiri_tape        *tape; /* of an input that cannot be read again; NULL: none */
} weiri_intake_config;

typedef struct weiri_intake_counts {
    uint64_t    n_events; /* decoded, late ones included */
    uint64_t    n_late;
    uint64_t    n_dead;
    uint64_t    n_bytes;    /* after decompression */
    const char *first_dead; /* of this run: where and why; NULL: none */
} weiri_intake_counts;

/* Open the input. `config` is copied; what it points to outlives the intake.
 *
 *   errors  WEIR_ENOENT, WEIR_EIO, WEIR_EINVAL, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_intake_new(const weiri_intake_config *config, weiri_intake **out, weir_error *err);

void
weiri_intake_destroy(weiri_intake **self_p);

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

bool
weiri_intake_is_regular(const weiri_intake *self);

/* Let the clock go on to `to_ns` because the source is silent; kept on the tape first. */
WEIR_MUST_CHECK weir_status
weiri_intake_idle(weiri_intake *self, int64_t to_ns, weir_error *err);

/* What was decoded before `position` is on the medium. errors  WEIR_EIO */
WEIR_MUST_CHECK weir_status
weiri_intake_acknowledge(weiri_intake *self, uint64_t position, weir_error *err);

/* How many (unpacked) bytes were decoded: what comes before them is not needed again once
 * the state is kept. */
uint64_t
weiri_intake_position(const weiri_intake *self);

/* Where a source stood when its state was kept. */
typedef struct weiri_intake_stand {
    bool                is_regular;
    bool                is_closed; /* it had been read to its end                   */
    uint64_t            position;  /* as of weiri_intake_position                   */
    int64_t             newest_ns; /* time of its newest event, INT64_MIN: none yet */
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
