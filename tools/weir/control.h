/* The control socket of a node: a unix domain socket on which it answers who runs it.
 *
 *   request  VERB[<tab>FIELD]…<newline>          at most CONTROL_REQUEST_BYTES
 *   answer   ok<newline>… or error STATUS<newline>…, then the connection is closed.
 *            STATUS is the exit status for the program that asked
 *
 * A thread of its own talks to clients. It knows nothing of engines: whether the node is
 * well it says from two numbers that the run leaves for it; each other request waits in
 * one place until the run comes by between two turns, takes it, and leaves the answer.
 */
#ifndef WEIR_CONTROL_H
#define WEIR_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

enum {
    CONTROL_REQUEST_BYTES = 8192,
    CONTROL_FIELDS        = 64,
    CONTROL_CLIENTS       = 16,   /* at once; who says nothing longest goes first    */
    CONTROL_PATIENCE_MS   = 10000 /* that a client may take to ask, or to be read to */
};

typedef enum control_phase {
    CONTROL_STARTING, /* reads its state                           */
    CONTROL_RUNNING,  /* sources and sinks are open, turns are made */
    CONTROL_STOPPING
} control_phase;

typedef struct control control;

/* A request, taken apart; borrowed until it is answered. */
typedef struct control_request {
    const char *verb;
    const char *fields[CONTROL_FIELDS]; /* "dry-run", "file=…" */
    size_t      n_fields;
} control_request;

/* The value of "name=value" among the fields, or of a bare name ""; NULL: there is none.
 *
 *   from  the first field that is looked at; NULL: 0. Set behind the one that was found
 */
const char *
control_field(const control_request *request, const char *name, size_t *from);

/* All values of a name, in their order.
 *
 *   returns  how many there are
 */
size_t
control_fields(
    const control_request *request, const char *name, const char *out[CONTROL_FIELDS]);

/* Listen at `path`, which only this user may open.
 *
 *   verbs   NULL at its end: what the run answers; beside them there is `health`
 *   errors  WEIR_EINVAL  a process listens there, or there is something else
 *           WEIR_EIO, WEIR_ENOMEM
 *   thread  the run's: it gets SIGUSR1 when somebody asks
 */
WEIR_MUST_CHECK weir_status
control_new(const char *path, const char *const *verbs, control **out, weir_error *err);

/* What was answered is sent first, as far as that goes within a second. */
void
control_destroy(control **self_p);

/* ---- the run's side ---- */

void
control_set_phase(control *self, control_phase phase);

/* A turn is done. now_ns: on the monotonic clock */
void
control_turn(control *self, int64_t now_ns);

/* The request that waits; NULL: none. The same one until it is answered. */
const control_request *
control_peek(control *self);

/* Answer it.
 *
 *   status  0: ok
 *   body    shape (size,), from malloc; taken
 */
void
control_answer(control *self, int status, char *body, size_t size);

/* ---- the other side ---- */

/* Ask, and wait for the answer.
 *
 *   body    from malloc, with a zero byte after it
 *   errors  WEIR_ENOENT  nobody listens at this path
 *           WEIR_EDATA   the node went without an answer
 *           WEIR_EINVAL  the request is too long; WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
control_ask(const char *path, const char *request, int *status, char **body, size_t *size,
    weir_error *err);

#endif
