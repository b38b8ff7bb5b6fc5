/* The ZeroMQ of this process: one context, however many engines and nodes are in it.
 *
 * ZAP's endpoint is one a context, and libzmq 4.3.4 can crash when one of several
 * contexts with CURVE ends (decision 20).
 */
#ifndef WEIR_NET_CONTEXT_H
#define WEIR_NET_CONTEXT_H

#include <stdint.h>

#include "keeper.h"
#include "weir/error.h"

/* The context, made for the first who takes it. Give it back as often as it was taken;
 * the last ends it, when all sockets are closed, and waits while they linger.
 *
 *   returns  NULL: WEIR_EIO, in err
 *   thread   any
 */
void *
weiri_context_take(weir_error *err);

void
weiri_context_give(void);

/* The thread that judges keys, begun for the first who takes it. Its taker has taken the
 * context as well, and gives this back first. NULL: no thread can be had. */
weiri_keeper *
weiri_context_take_keeper(weir_error *err);

void
weiri_context_give_keeper(void);

/* A number that nobody else in this process was given: for names of endpoints. */
uint64_t
weiri_context_number(void);

#endif
