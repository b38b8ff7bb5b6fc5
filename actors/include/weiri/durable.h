/* weiri_durable: a folder that keeps the state of a run, so that it can be killed at any
 * moment and go on as if nothing had happened.
 *
 *   DIR/lock      held while a process uses the folder
 *   DIR/journal   what came from inputs that cannot be read again, before it was used
 *   DIR/state     the last checkpoint: all sections of the engine as of one turn
 *   DIR/kept      earlier ones, if they are to be kept; see actors/durable/kept.h
 *
 * A checkpoint is written by a child process, which has the engine's memory as it was at
 * the fork, while the run goes on: what the run pays is the fork. After a crash the
 * engine is loaded from the last checkpoint, files are read on from their positions, the
 * journal is played, and files that were written are cut back: what follows is what an
 * undisturbed run would have written.
 */
#ifndef WEIRI_DURABLE_H
#define WEIRI_DURABLE_H

#include "weiri/engine.h"

typedef struct weiri_durable weiri_durable;

typedef struct weiri_durable_options {
    const char *path;
    int64_t     interval_ns; /* between checkpoints, on the clock; 0: 5 s      */
    uint64_t    max_bytes;   /* of each of the two stores; 0: 64 GiB            */
    int64_t     keep_ns; /* of event time: the journal keeps what a checkpoint holds for
                          * so long, and moments to begin a replay at; 0: by bytes  */
    uint64_t keep_bytes; /* likewise so many bytes; 0: as far as there is room, or, if
                          * keep_ns is 0 too, nothing */
} weiri_durable_options;

/* Take the folder in use, making it if it is not there, and read the last checkpoint.
 *
 *   plan    NULL: weiri_durable_use says it before an engine is made
 *   errors  WEIR_EINVAL  another process uses it
 *           WEIR_EDATA   it is damaged, or no such folder; `err` says what was found
 *           WEIR_EIO, WEIR_ENOSPC, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_durable_open(const weiri_durable_options *options, const weiri_plan *plan,
    weiri_durable **out, weir_error *err);

/* Keep the state of an engine of this plan from now on. A checkpoint under way is waited
 * for.
 *
 *   errors  as of weiri_durable_tick; WEIR_ENOMEM: the plan is the one before
 */
WEIR_MUST_CHECK weir_status
weiri_durable_use(weiri_durable *self, const weiri_plan *plan, weir_error *err);

/* Ends a checkpoint under way without waiting for what it would have written. */
void
weiri_durable_close(weiri_durable **self_p);

/* The last checkpoint; NULL if there is none. Until weiri_durable_loaded. */
const weiri_sections *
weiri_durable_sections(const weiri_durable *self);

/* The sections are not needed any more. */
void
weiri_durable_loaded(weiri_durable *self);

/* Where sources that cannot be read again are kept; lives as long as `self`. */
const weiri_tape *
weiri_durable_tape(const weiri_durable *self);

/* Whether it is time for a checkpoint and none is under way. */
bool
weiri_durable_is_due(const weiri_durable *self);

/* Have the next checkpoint be due now. */
void
weiri_durable_hasten(weiri_durable *self);

/* Between two turns: begin a checkpoint if it is time for one and none is under way; see
 * whether one has ended, and give room in the journal back.
 *
 *   is_at_rest  the engine can be saved; else none is begun
 *   errors  WEIR_ENOSPC, WEIR_ENOMEM, WEIR_EAGAIN  the last checkpoint could not be
 *                    written: the one before stands, the run can go on, and the next is
 *                    tried in time
 *           WEIR_EIO, WEIR_EDATA  writing or syncing failed. The system may have dropped
 *                    what it had not written, and a later sync would not say so: the run
 *                    has to end, and the next one begins from the checkpoint before
 */
WEIR_MUST_CHECK weir_status
weiri_durable_tick(
    weiri_durable *self, weiri_engine *engine, bool is_at_rest, weir_error *err);

/* Whether writing or syncing has failed, so that the run has to end. */
bool
weiri_durable_is_broken(const weiri_durable *self);

/* Write a checkpoint of this moment and wait until it is durable.
 *
 *   errors  as above
 */
WEIR_MUST_CHECK weir_status
weiri_durable_checkpoint(weiri_durable *self, weiri_engine *engine, weir_error *err);

typedef struct weiri_durable_counts {
    uint64_t n_checkpoints; /* of this process                                */
    int64_t  pause_ns;      /* the longest that a fork held the run up; that
                             * shards come to rest before it is not in it */
} weiri_durable_counts;

weiri_durable_counts
weiri_durable_get_counts(const weiri_durable *self);

#endif
