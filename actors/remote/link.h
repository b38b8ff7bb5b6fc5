/* weiri_remote: an actor in a process of its own, seen from here: started, asked, ended,
 * and started again with what it had.
 *
 * A state is what the actor gave last when it was asked to save, and the requests that it
 * has answered since, which are given to a new process before anything else: so it comes
 * to where the old one stood, whenever that ended. When these become many it is asked to
 * save again.
 */
#ifndef WEIRI_REMOTE_LINK_H
#define WEIRI_REMOTE_LINK_H

#include "message.h"
#include "weiri/keyed.h"
#include "weiri/plan.h"
#include "weiri/plugin.h"

typedef struct weiri_remote weiri_remote;

enum {
    WEIRI_REMOTE_RESTARTS = 5,  /* in a row, then it is over             */
    WEIRI_REMOTE_WINDOW   = 4,  /* requests on their way                 */
    WEIRI_REMOTE_ROWS     = 256 /* events of a request                  */
};

/* Nothing is started before the first request. `plan` and `metrics` outlive it.
 *
 *   name  as people are told it
 */
weiri_remote *
weiri_remote_new(const weiri_actor_plan *plan, const char *name, weiri_metrics *metrics,
    bool is_keyed);

/* Say goodbye, and end the process. */
void
weiri_remote_destroy(weiri_remote **self_p);

/* Send a request: the process is started if there is none.
 *
 *   errors  WEIR_EDATA   the process failed, ended or is silent: `err` says how.
 *                        weiri_remote_restart, and all requests without an answer again
 *           WEIR_EIO, WEIR_ENOMEM, WEIR_EINVAL  it is no use to try again
 */
WEIR_MUST_CHECK weir_status
weiri_remote_send(
    weiri_remote *self, const weiri_pack *request, uint32_t n_rows, weir_error *err);

/* The answer to the oldest request without one, which has to begin with this word.
 *
 *   out     borrowed until the next call
 *   errors  as above
 */
WEIR_MUST_CHECK weir_status
weiri_remote_receive(weiri_remote *self, const char *word, weiri_message *out,
    uint32_t *n_left, weir_error *err);

/* The request whose answer was received last is part of the state. errors  as above */
WEIR_MUST_CHECK weir_status
weiri_remote_keep(weiri_remote *self, const weiri_pack *request, weir_error *err);

/* Whether it wants to be asked for its state: let all requests be answered first, so that
 * weiri_remote_keep can. */
bool
weiri_remote_is_due(const weiri_remote *self);

/* Ask a process that is there for its state, which it then begins with when it is started
 * again. Nothing is on its way. errors  as above, and what it has remembered is as it was
 */
WEIR_MUST_CHECK weir_status
weiri_remote_settle(weiri_remote *self, weir_error *err);

/* End the process; the next request starts another, which is given the state first. Waits
 * a while, the longer the more often it is called before an answer comes. */
void
weiri_remote_restart(weiri_remote *self);

/* Append the state to the head that is being written, end that, and add the keys. errors
 * WEIR_EINVAL, WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_remote_save(const weiri_remote *self, weiri_keyed *out, weir_error *err);

/* Before the first request: go on from saved ones. First every head, where what else it
 * has was read; then the keys. NULL: no memory. */
typedef struct weiri_remote_load weiri_remote_load;

weiri_remote_load *
weiri_remote_load_begin(weiri_remote *self, const weiri_keyed_load *how);

/* What is wrong is noted in `in`, or in `from`. errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_remote_load_head(weiri_remote_load *self, weiri_unpack *in);
WEIR_MUST_CHECK weir_status
weiri_remote_load_keys(weiri_remote_load *self, weiri_keyed_reader *from);

void
weiri_remote_load_end(weiri_remote_load **self_p);

#endif
