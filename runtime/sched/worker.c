#define _POSIX_C_SOURCE 200809L

#include "weiri/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "weiri/assert.h"
#include "weiri/timetext.h"

struct weiri_worker {
    pthread_mutex_t lock;
    pthread_cond_t  bell;
    pthread_t       thread;
    bool            is_started;
    void (*run)(void *context);
    void *context;
};

weir_status
weiri_worker_new(weiri_worker **out, weir_error *err)
{
    weiri_worker      *self = calloc(1, sizeof *self);
    pthread_condattr_t how;
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    int failed = pthread_condattr_init(&how);
    if (failed == 0) {
        failed = pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
        failed = failed == 0 ? pthread_cond_init(&self->bell, &how) : failed;
        pthread_condattr_destroy(&how);
    }
    if (failed == 0) {
        failed = pthread_mutex_init(&self->lock, NULL);
        if (failed != 0) {
            pthread_cond_destroy(&self->bell);
        }
    }
    if (failed != 0) {
        free(self);
        return WEIR_FAIL_OS(err, failed, "no lock can be had");
    }
    *out = self;
    return WEIR_OK;
}

static void *
run(void *context)
{
    weiri_worker *self = context;
    self->run(self->context);
    return NULL;
}

weir_status
weiri_worker_start(
    weiri_worker *self, void (*what)(void *context), void *context, weir_error *err)
{
    sigset_t all;
    sigset_t before;
    self->run     = what;
    self->context = context;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&self->thread, NULL, run, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    self->is_started = failed == 0;
    return failed == 0 ? WEIR_OK : WEIR_FAIL_OS(err, failed, "no thread can be had");
}

void
weiri_worker_destroy(weiri_worker **self_p)
{
    weiri_worker *self = *self_p;
    if (self == NULL) {
        return;
    }
    if (self->is_started) { /* whose thread may look at *self_p until then */
        pthread_join(self->thread, NULL);
    }
    *self_p = NULL;
    pthread_mutex_destroy(&self->lock);
    pthread_cond_destroy(&self->bell);
    free(self);
}

void
weiri_worker_lock(weiri_worker *self)
{
    int failed = pthread_mutex_lock(&self->lock);
    weiri_assert(failed == 0);
}

void
weiri_worker_unlock(weiri_worker *self)
{
    int failed = pthread_mutex_unlock(&self->lock);
    weiri_assert(failed == 0);
}

void
weiri_worker_wait(weiri_worker *self, int64_t wait_ns)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + wait_ns % WEIRI_NS_PER_S;
    until.tv_sec += (time_t)(wait_ns / WEIRI_NS_PER_S + ns / WEIRI_NS_PER_S);
    until.tv_nsec = (long)(ns % WEIRI_NS_PER_S);
    (void)pthread_cond_timedwait(&self->bell, &self->lock, &until);
}

void
weiri_worker_notify(weiri_worker *self)
{
    pthread_cond_broadcast(&self->bell);
}
