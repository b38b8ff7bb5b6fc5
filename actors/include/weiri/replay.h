/* weiri_replay: what a run read, read again.
 *
 * Events come from the journal of a state directory, and from files as they are; other
 * inputs are never opened. The directory is not touched and may be in use. What the rules
 * find goes to a folder or to standard output, never where their sinks say, and can be
 * compared with what was written there by the run.
 */
#ifndef WEIRI_REPLAY_H
#define WEIRI_REPLAY_H

#include "weiri/engine.h"

typedef enum weiri_change {
    WEIRI_CHANGE_ADDED,   /* the replay gives it, and it was not written */
    WEIRI_CHANGE_MISSING, /* the other way                               */
    WEIRI_CHANGE_CHANGED  /* one of both: most of its fields are the same */
} weiri_change;

/* One output that differs; borrowed for the call. */
typedef struct weiri_difference {
    weiri_change change;
    const char  *sink;    /* the path of the file                            */
    const char  *stream;  /* "": nothing in the rules gives such a row       */
    const char  *rules;   /* that give events to the stream: "a", "a or b"   */
    int64_t      time_ns; /* of the event; of one that is missing, of the last before it
                           * that both have, INT64_MIN: none                 */
    const char *row;      /* as text: of MessagePack as JSON                 */
    const char *before;   /* CHANGED: what was written then; else NULL       */
    const char *fields;   /* CHANGED: which differ: "from: 3 -> 4, to: 5 -> 6" */
} weiri_difference;

typedef struct weiri_replay_options {
    const char           *state; /* directory; NULL: files alone */
    const weiri_redirect *redirects;
    size_t                n_redirects;
    int64_t     since_ns;        /* outputs before it are left out; INT64_MIN: none are */
    int64_t     until_ns;        /* from here on likewise; INT64_MAX: none are          */
    const char *position_stream; /* outputs begin when this source, NULL: the only
                                  * one, ...                                     */
    uint64_t     position;       /* ... has been read so far, in bytes; 0: none  */
    double       speed;  /* event time by the clock's time; 0: as fast as can be  */
    const char  *folder; /* where files go; NULL: all to standard output          */
    weiri_format stdout_format; /* AUTO: JSON                                     */
    bool         is_compared;   /* nothing is written, but compared               */
    void (*differs)(void *context, const weiri_difference *difference);
    /* Something that a person wants to know: where it begins, what is not compared. */
    void (*told)(void *context, const char *text);
    bool (*should_stop)(void *context);
    void *context;
} weiri_replay_options;

typedef struct weiri_replay_counts {
    uint64_t n_events;
    uint64_t n_outputs;
    uint64_t n_same; /* compared */
    uint64_t n_added;
    uint64_t n_missing;
    uint64_t n_changed;
} weiri_replay_counts;

/* Replay to the end of what was kept.
 *
 *   errors  WEIR_ENOENT  no such directory, nothing in it, or a file that is compared
 * with is not there WEIR_EINVAL  what is asked for is not kept, or cannot be had with
 * these rules WEIR_EDATA   the journal is damaged or was trimmed meanwhile; an input is
 *                        another
 *           WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_replay(const weiri_plan *plan, const weiri_replay_options *options,
    weiri_replay_counts *out, weir_error *err);

#endif
