/* A run from its first turn to its last: what `weir run` and `weir node` have in common.
 */
#ifndef WEIR_RUNNING_H
#define WEIR_RUNNING_H

#include "stateful.h"
#include "weiri/live.h"

typedef struct running running;

/* Whoever a run belongs to and who may want something of it while it runs. All is called
 * on the run's thread, if it does not say otherwise. */
typedef struct run_host {
    /* Whether the run is to come to rest, so that `attend` can be called. */
    bool (*wants_rest)(void *context);
    /* Whether that is so that it ends. On any thread */
    bool (*wants_end)(void *context);
    /* At rest between two turns. errors  WEIR_EOF: stop; others end the run */
    weir_status (*attend)(void *context, running *run, weir_error *err);
    /* After each turn, and now and then while nothing comes. */
    void (*on_turn)(void *context, const weiri_engine *engine);
    /* A source has something to say that somebody may have to act upon. */
    void (*on_notice)(void *context, const char *text);
    /* All sources and sinks are open, and the state is loaded. */
    void (*on_ready)(void *context, const weiri_engine *engine);
    void *context;
} run_host;

typedef struct run_request {
    const weiri_redirect *redirects;
    size_t                n_redirects;
    weiri_format          format; /* of standard output */
    uint32_t              n_shards;
    const char           *live;    /* path of the page; NULL: none          */
    bool                  is_told; /* progress and summary to standard error */
    weiri_links          *links;   /* to other nodes; NULL: none            */
    const weiri_pack     *rules;   /* as of weiri_engine_options; NULL: nothing */
    const run_host       *host;    /* NULL: nobody */
} run_request;

/* Have SIGINT and SIGTERM stop the run, the second of a kind the process; SIGPIPE is
 * ignored.
 *
 *   is_node  SIGHUP asks for running_take_hangup, SIGUSR1 only wakes who waits for input
 */
void
running_catch_signals(bool is_node);

/* Whether SIGINT or SIGTERM came. */
bool
running_is_stopped(void);

/* Whether SIGHUP came since this was asked last. */
bool
running_take_hangup(void);

/* Whether it would say so, without taking it. */
bool
running_has_hangup(void);

/* Run until the inputs end, or somebody stops it.
 *
 *   stateful  NULL: nothing is kept
 *   errors    of weiri_engine_turn
 */
WEIR_MUST_CHECK weir_status
running_run(const run_request *request, const weiri_plan *plan, stateful_run *stateful,
    weir_error *err);

/* ---- for the host; at rest ---- */

weiri_engine *
running_engine(running *self);

/* Put another plan in the place of the one that runs. With state a checkpoint is to
 * follow before the next turn: what the new rules write may then rely on it.
 *
 *   plan     outlives the run, or the next replacement
 *   rules    what the state says of it, likewise; NULL: nothing
 *   restore  whom to tell, and what to discard; its sections are not looked at
 *   errors   as of weiri_engine_replace, and the run goes on as it was
 */
WEIR_MUST_CHECK weir_status
running_replace(running *self, const weiri_plan *plan, const weiri_pack *rules,
    const weiri_restore *restore, weir_error *err);

/* Write a checkpoint and wait until it is durable.
 *
 *   errors  WEIR_EINVAL  there is no state directory; of weiri_durable_checkpoint
 */
WEIR_MUST_CHECK weir_status
running_checkpoint(running *self, weir_error *err);

bool
running_has_state(const running *self);

#endif
