/* weiri_node_run: a thread a shard.
 *
 * A shard that has nothing to do looks for frames a little longer before it sleeps:
 * waking a thread costs tens of microseconds, looking costs less than one.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "../actor/node.h"
#include "../net/inproc.h"
#include "weiri/timetext.h"

enum { TURN_EVENTS = 4096, LOOKS = 50, ASK_MS = 500, MOST_MS = 1000000 };

struct threads {
    weiri_inproc *inproc;
    uint32_t      n_looks; /* before a shard sleeps */
};

struct thread {
    struct threads *all;
    weiri_shard    *shard;
    pthread_t       id;
    bool            is_made;
    int            *fds; /* scratch, shape (n_files,) */
    bool           *is_readable;
    uint32_t        n_files;
};

/* ---- sleeping ---- */

/* Until the next deadline. A timer that is due and did not fire waits for credit, not for
 * time. Who asks whether to end is asked again now and then: a signal that came just
 * before the sleep would not end it. */
static long
timeout_ms(const weiri_shard *shard)
{
    const weiri_node_config *config = &shard->node->config;
    const weiri_timer_wheel *wheel  = shard->wheels[WEIRI_CLOCK_TIME];
    long                     most   = config->should_end != NULL ? ASK_MS : -1;
    if (weiri_timer_wheel_size(wheel) == 0 || shard->may_be_due) {
        return most;
    }
    int64_t ns =
        weiri_timer_wheel_next(wheel) - config->clock(config->context, shard->index);
    if (ns <= 0) {
        return 0;
    }
    int64_t ms = ns / WEIRI_NS_PER_MS + 1;
    ms         = ms < MOST_MS ? ms : MOST_MS;
    return most >= 0 && most < ms ? most : (long)ms;
}

static weir_status
make_room(struct thread *self)
{
    uint32_t n        = self->shard->n_files;
    int     *fds      = realloc(self->fds, (n + 1) * sizeof *fds);
    self->fds         = fds != NULL ? fds : self->fds;
    bool *is_readable = realloc(self->is_readable, (n + 1) * sizeof *is_readable);
    self->is_readable = is_readable != NULL ? is_readable : self->is_readable;
    self->n_files     = n;
    return fds != NULL && is_readable != NULL ? WEIR_OK : WEIR_ENOMEM;
}

static void
look_at_files(struct thread *self, long ms)
{
    weiri_shard *shard  = self->shard;
    weir_status  status = make_room(self);
    for (uint32_t i = 0; status == WEIR_OK && i < self->n_files; i++) {
        self->fds[i] = shard->files[i].fd;
    }
    if (status == WEIR_OK) {
        status = weiri_inproc_wait(self->all->inproc, shard->index, self->fds,
            self->is_readable, self->n_files, ms);
    }
    if (status != WEIR_OK) {
        weiri_shard_halt(shard, status, NULL);
        return;
    }
    for (uint32_t i = self->n_files; i > 0; i--) { /* the last takes the place of one */
        if (self->is_readable[i - 1]) {
            weiri_shard_wake_file(shard, i - 1);
        }
    }
}

/* ---- a shard ---- */

static void
ask_to_end(weiri_shard *shard)
{
    const weiri_node_config *config = &shard->node->config;
    if (shard->index == 0 && config->should_end != NULL
        && config->should_end(config->context)) {
        weiri_shard_end(shard);
    }
}

static void *
run_shard(void *context)
{
    struct thread *self    = context;
    weiri_shard   *shard   = self->shard;
    uint32_t       n_looks = 0;
    while (!shard->has_ended) {
        ask_to_end(shard);
        bool any = weiri_shard_turn(shard, TURN_EVENTS);
        n_looks  = any ? 0 : n_looks + 1;
        if (n_looks > self->all->n_looks) {
            look_at_files(self, shard->has_ended ? 0 : timeout_ms(shard));
        } else if (shard->n_files > 0) {
            look_at_files(self, 0);
        }
    }
    weiri_shard_flush(shard, true);
    return NULL;
}

/* Signals are for the caller's thread. */
static weir_status
start_threads(struct thread *threads, uint32_t n)
{
    sigset_t all;
    sigset_t before;
    int      code = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (uint32_t i = 1; i < n && code == 0; i++) {
        code               = pthread_create(&threads[i].id, NULL, run_shard, &threads[i]);
        threads[i].is_made = code == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code == 0 ? WEIR_OK : WEIR_EIO;
}

static void
run_threads(struct thread *threads, uint32_t n)
{
    weiri_shard *first = threads[0].shard;
    if (start_threads(threads, n) != WEIR_OK) {
        weir_error err = { 0 };
        weir_error_set(&err, WEIR_EIO, 0, __FILE__, __LINE__,
            "no thread can be had for each of %u shards", n);
        weiri_shard_halt(first, WEIR_EIO, &err);
    }
    run_shard(&threads[0]);
    for (uint32_t i = 1; i < n; i++) {
        if (threads[i].is_made) {
            pthread_join(threads[i].id, NULL);
        }
    }
}

weir_status
weiri_node_run(weiri_node *self, weir_error *err)
{
    uint32_t       n       = self->config.n_shards;
    struct thread *threads = calloc(n, sizeof *threads);
    struct threads all     = { 0 };
    if (threads == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "threads");
    }
    all.n_looks            = sysconf(_SC_NPROCESSORS_ONLN) >= (long)n ? LOOKS : 0;
    weir_status     status = weiri_inproc_new(n, &all.inproc, err);
    weiri_transport face   = {
          .context = all.inproc,
          .send    = weiri_inproc_send,
          .receive = weiri_inproc_receive,
    };
    if (status == WEIR_OK) {
        status = weiri_node_begin(self, &face, err);
    }
    if (status == WEIR_OK) {
        for (uint32_t i = 0; i < n; i++) {
            threads[i].all   = &all;
            threads[i].shard = self->shards[i];
        }
        run_threads(threads, n);
        status = weiri_node_end(self, err);
    }
    for (uint32_t i = 0; i < n; i++) {
        free(threads[i].fds);
        free(threads[i].is_readable);
    }
    weiri_inproc_destroy(&all.inproc);
    free(threads);
    return status;
}
