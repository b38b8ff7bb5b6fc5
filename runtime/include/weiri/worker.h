/* weiri_worker: one thread beside the caller's, and a lock between the two, for what has
 * to be answered while the caller computes or waits. */
#ifndef WEIRI_WORKER_H
#define WEIRI_WORKER_H

#include <stdint.h>

#include "weir/error.h"

typedef struct weiri_worker weiri_worker;

/* A lock without a thread yet. errors  WEIR_ENOMEM, WEIR_EIO */
WEIR_MUST_CHECK weir_status
weiri_worker_new(weiri_worker **out, weir_error *err);

/* Begin the thread, which has all signals blocked; once. errors  WEIR_EIO */
WEIR_MUST_CHECK weir_status
weiri_worker_start(
    weiri_worker *self, void (*run)(void *context), void *context, weir_error *err);

/* Waits until `run` has returned, if it was started. */
void
weiri_worker_destroy(weiri_worker **self_p);

void
weiri_worker_lock(weiri_worker *self);

void
weiri_worker_unlock(weiri_worker *self);

/* With the lock, which is given back meanwhile: wait for weiri_worker_notify. It may
 * return without. wait_ns: at most so long */
void
weiri_worker_wait(weiri_worker *self, int64_t wait_ns);

/* Wake all who wait; with the lock. */
void
weiri_worker_notify(weiri_worker *self);

#endif
