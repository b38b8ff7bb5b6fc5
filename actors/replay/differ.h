/* weiri_differ: what a replay gives for one file, against what the file holds.
 *
 * Both are in the order of events, so that what they have in common is found by walking
 * along both. Where they differ, rows of both are gathered, aligned, and told up to the
 * last that both have. As long as they agree nothing is kept.
 */
#ifndef WEIRI_DIFFER_H
#define WEIRI_DIFFER_H

#include "weiri/replay.h"

typedef struct weiri_differ weiri_differ;

/* A stream that goes to the file. */
typedef struct weiri_differ_stream {
    const weiri_stream *stream;
    const char         *rules; /* "a or b" */
} weiri_differ_stream;

typedef struct weiri_differ_config {
    const char                 *path; /* as the differences are to name it         */
    weiri_format                format;
    bool                        is_there; /* false: no run has written it          */
    uint64_t                    begin;    /* bytes of the file are compared         */
    uint64_t                    end;      /* UINT64_MAX: up to its end              */
    const weiri_differ_stream  *streams;  /* shape (n_streams,), outlive the differ */
    uint32_t                    n_streams;
    const weiri_replay_options *options; /* whom to tell, and which times          */
    weiri_replay_counts        *counts;
} weiri_differ_config;

/* errors  of weiri_records_open */
WEIR_MUST_CHECK weir_status
weiri_differ_new(const weiri_differ_config *config, weiri_differ **out, weir_error *err);

void
weiri_differ_destroy(weiri_differ **self_p);

/* The next row of the replay.
 *
 *   stream  of the config
 *   bytes   as they would be written, a line without its end
 *   errors  WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_differ_add(weiri_differ *self, uint32_t stream, int64_t time_ns, const char *bytes,
    size_t size, weir_error *err);

/* No row comes any more: tell what is left. errors likewise */
WEIR_MUST_CHECK weir_status
weiri_differ_end(weiri_differ *self, weir_error *err);

#endif
