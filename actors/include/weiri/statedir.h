/* Looking into a state directory, also of a running node, and copying it. */
#ifndef WEIRI_STATEDIR_H
#define WEIRI_STATEDIR_H

#include "weiri/sections.h"

/* One source as a state directory has it. */
typedef struct weiri_statedir_source {
    const char
            *name; /* "txn#0": of its stream, and its place among the stream's sources */
    bool     is_regular;
    bool     is_closed;
    uint64_t position;  /* bytes that the checkpoint has decoded            */
    uint64_t committed; /* bytes that need not be sent again                */
    int64_t  newest_ns; /* time of its newest event, INT64_MIN: none yet    */
    int64_t  clock_ns;  /* up to which no event comes any more           */
    uint64_t n_events;
    uint64_t n_late;
    uint64_t n_dead;
} weiri_statedir_source;

/* One output as a state directory has it. */
typedef struct weiri_statedir_sink {
    const char *path;
    uint64_t    n_written; /* bytes */
    uint64_t    n_rows;
} weiri_statedir_sink;

/* Everything in a directory as of its last checkpoint. */
typedef struct weiri_statedir {
    weiri_sections         sections;
    weiri_statedir_source *sources; /* shape (n_sources,) */
    uint32_t               n_sources;
    weiri_statedir_sink   *sinks; /* shape (n_sinks,) */
    uint32_t               n_sinks;
    int64_t                watermark_ns; /* INT64_MIN: no event yet   */
    bool                   is_ended;     /* all inputs were read to their ends */
    uint32_t               n_shards;     /* that kept it */
    uint64_t               state_bytes;  /* of the files              */
    uint64_t               journal_bytes;
} weiri_statedir;

/* errors  WEIR_ENOENT  there is no such directory, or no checkpoint in it yet
 *         WEIR_EDATA   damaged; WEIR_EIO, WEIR_ENOMEM
 *         `out` is empty after any of them
 */
WEIR_MUST_CHECK weir_status
weiri_statedir_read(const char *path, weiri_statedir *out, weir_error *err);

void
weiri_statedir_fini(weiri_statedir *self);

/* Copy a directory into one file, which is portable; the node may run meanwhile.
 *
 *   errors  as above; WEIR_EIO for the file, which is then not there
 */
WEIR_MUST_CHECK weir_status
weiri_statedir_snapshot(const char *path, const char *file, weir_error *err);

/* Make a directory from such a file.
 *
 *   errors  WEIR_EINVAL  there is such a directory already
 *           WEIR_ENOENT  no such file; WEIR_EDATA it is damaged, or no snapshot
 *           WEIR_EIO, WEIR_ENOSPC, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_statedir_restore(const char *file, const char *path, weir_error *err);

#endif
