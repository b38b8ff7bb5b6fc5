/* weiri_lock: what two threads that share an object take in turn.
 *
 * For the few objects of the transport that a thread of the library looks at as well
 * (decision 20). Events never pass one.
 */
#ifndef WEIRI_LOCK_H
#define WEIRI_LOCK_H

#include "weir/error.h"

typedef struct weiri_lock weiri_lock;

/* errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_lock_new(weiri_lock **out);

void
weiri_lock_destroy(weiri_lock **self_p);

/* Waits while another thread has it; not to be taken twice. */
void
weiri_lock_take(weiri_lock *self);

void
weiri_lock_give(weiri_lock *self);

/* The lock of the process, for what all engines in it have together. */
weiri_lock *
weiri_lock_of_process(void);

#endif
