/* A run with a state directory: what it says to the person who started it, and when it
 * writes and waits. */
#ifndef WEIR_STATEFUL_H
#define WEIR_STATEFUL_H

#include <stdio.h>

#include "weiri/durable.h"

/* Says something of a run; `event` is one word for machines, `text` a sentence. */
typedef struct run_voice {
    void (*say)(void *context, const char *event, const char *text);
    void *context;
} run_voice;

/* What the command line says of state. `{0}`: nothing. */
typedef struct state_request {
    const char  *path; /* NULL: the run is ephemeral */
    int64_t      interval_ns;
    uint64_t     max_bytes; /* 0: as many as there is room for */
    const char **discard;   /* shape (n_discard,): names of rules */
    size_t       n_discard;
    int64_t      keep_ns;    /* --keep-journal as a duration, else 0 */
    uint64_t     keep_bytes; /* as a size, else 0                     */
    bool         is_quiet;   /* nothing is said of what becomes of parts of the state */
    run_voice    voice;      /* NULL: to standard error, for a person */
} state_request;

bool
state_request_discard(state_request *self, const char *rule);

void
state_request_fini(state_request *self);

/* What becomes of a part of a state, for people: "goes on"; of one that cannot be used,
 * with what to do about it. And in one word, for machines: "kept".
 *
 *   what, name  of the part
 */
void
kept_print(FILE *stream, const char *what, const char *name, weiri_kept kept);
const char *
kept_word(weiri_kept kept);

typedef struct stateful_run stateful_run;

/* `request` outlives the run.
 *
 *   plan    NULL: stateful_use says it later, before stateful_lend
 *   errors  of weiri_durable_open; WEIR_EINVAL for a rule to discard that these
 *           rules do not have
 */
WEIR_MUST_CHECK weir_status
stateful_open(const state_request *request, const weiri_plan *plan, stateful_run **out,
    weir_error *err);

/* The sections of the last checkpoint; NULL: there is none, or it was loaded. */
const weiri_sections *
stateful_sections(const stateful_run *self);

/* Keep the state of this plan from now on. errors  as of weiri_durable_use */
WEIR_MUST_CHECK weir_status
stateful_use(stateful_run *self, const weiri_plan *plan, weir_error *err);

/* Counts of the checkpoints so far. */
weiri_durable_counts
stateful_counts(const stateful_run *self);

void
stateful_close(stateful_run **self_p);

/* What an engine needs to know to go on from the state, and to keep it. */
void
stateful_lend(stateful_run *self, weiri_engine_options *options);

/* Before the first turn: from now on there is a checkpoint to go on from. */
WEIR_MUST_CHECK weir_status
stateful_begin(stateful_run *self, weiri_engine *engine, weir_error *err);

/* See to checkpoints; wait where there is no room until there is. An engine on several
 * shards asks for it by itself.
 *
 *   turn    what the turn gave: WEIR_OK or WEIR_ENOSPC
 *   errors  WEIR_EOF  the run is to stop */
WEIR_MUST_CHECK weir_status
stateful_after_turn(
    stateful_run *self, weiri_engine *engine, weir_status turn, weir_error *err);

/* Whether the state cannot be written any more, so that the run has to end. */
bool
stateful_is_broken(const stateful_run *self);

/* Say to standard error how many checkpoints were written and how long they took. */
void
stateful_tell(const stateful_run *self);

/* The last checkpoint, of a run that stopped or ended. */
WEIR_MUST_CHECK weir_status
stateful_at_end(stateful_run *self, weiri_engine *engine, weir_error *err);

#endif
