#define _GNU_SOURCE
#include "weiri/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "checkpoint.h"
#include "journal.h"
#include "kept.h"
#include "weiri/fault.h"
#include "weiri/folder.h"
#include "weiri/timetext.h"

enum {
    DIR_MODE           = 0750,
    FILE_MODE          = 0640,
    DEFAULT_INTERVAL_S = 5,
    CHILD_FAILED       = 1,
    N_MOMENTS          = 8,   /* in what is kept */
    LOCK_TRIES         = 100, /* a second */
    LOCK_PAUSE_NS      = 10000000
};

#define DEFAULT_BYTES (UINT64_C(64) << 30)

struct weiri_durable {
    const weiri_plan *plan;
    char             *path;
    char             *state_path;
    uint64_t          max_bytes;
    int               lock_fd; /* -1: not held */
    weiri_journal    *journal;
    weiri_sections    sections; /* of the last checkpoint, until they are loaded */
    bool              has_sections;
    int64_t           interval_ns;
    int64_t           next_ns;   /* when a checkpoint is due, on the clock       */
    pid_t             child;     /* writes one; 0: none does                     */
    int               child_end; /* what it has to say is read here              */
    uint64_t *positions; /* shape (plan->n_sources,): of the checkpoint under way */
    uint64_t  n_begun;
    bool      is_broken; /* writing or syncing has failed */
    /* what is kept beside the last checkpoint */
    int64_t              keep_ns;
    uint64_t             keep_bytes; /* 0: nothing is kept */
    weiri_kept_moments   kept;
    uint64_t             next_kept;    /* the number of the next moment           */
    bool                 is_kept;      /* the checkpoint under way is a moment    */
    int64_t              watermark_ns; /* of the checkpoint under way             */
    uint64_t             n_bytes;      /* of it: taken in that only the journal has */
    weiri_durable_counts counts;
};

static int64_t
monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * WEIRI_NS_PER_S + now.tv_nsec;
}

/* ---- opening ---- */

static char *
join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char  *out  = malloc(size);
    if (out != NULL) {
        snprintf(out, size, "%s/%s", folder, name);
    }
    return out;
}

static weir_status
take_lock(weiri_durable *self, weir_error *err)
{
    char *name = join(self->path, "lock");
    if (name == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "'%s'", self->path);
    }
    self->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    free(name);
    if (self->lock_fd < 0) {
        return WEIR_FAIL_OS(err, errno, "cannot use '%s' for state", self->path);
    }
    /* The child of a run that was killed has the lock, too, until it is gone itself. */
    for (int i = 0; i < LOCK_TRIES; i++) {
        const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
        if (flock(self->lock_fd, LOCK_EX | LOCK_NB) == 0) {
            return WEIR_OK;
        }
        nanosleep(&pause, NULL);
    }
    return WEIR_FAIL(err, WEIR_EINVAL, "'%s' is in use by another process", self->path);
}

static weir_status
make_folder(const weiri_durable *self, weir_error *err)
{
    if (mkdir(self->path, DIR_MODE) == 0) {
        return weiri_sync_folder_of(self->path, err);
    }
    return errno == EEXIST
               ? WEIR_OK
               : WEIR_FAIL_OS(err, errno, "cannot make the folder '%s'", self->path);
}

/* What a damaged file does to a process that reads it is done to a child first. */
static weir_status
verify(const char *path, weir_error *err)
{
    weir_status status = weiri_store_verify(path, err);
    return status == WEIR_ENOENT ? WEIR_OK : status;
}

static weir_status
read_state(weiri_durable *self, weir_error *err)
{
    const weiri_store_options options = { .is_read_only = true,
        .max_bytes                                      = self->max_bytes };
    weiri_store              *store   = NULL;
    weir_status               status  = verify(self->state_path, err);
    if (status == WEIR_OK) {
        status = weiri_store_open(self->state_path, &options, &store, err);
    }
    if (status == WEIR_ENOENT) {
        return WEIR_OK;
    }
    if (status == WEIR_OK) {
        status = weiri_checkpoint_read(store, &self->sections, err);
        weiri_store_close(&store);
        self->has_sections = status == WEIR_OK;
    }
    return status == WEIR_ENOENT ? WEIR_OK : status;
}

static weir_status
open_journal(weiri_durable *self, weir_error *err)
{
    char *path = join(self->path, "journal");
    if (path == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "'%s'", self->path);
    }
    weir_status status = verify(path, err);
    if (status == WEIR_OK) {
        status = weiri_journal_open(path, self->max_bytes, &self->journal, err);
    }
    free(path);
    return status;
}

/* What is kept leaves room in the journal for what no checkpoint holds yet. */
static uint64_t
most_kept(const weiri_durable_options *options)
{
    uint64_t room = (options->max_bytes > 0 ? options->max_bytes : DEFAULT_BYTES) / 4;
    if (options->keep_ns == 0 && options->keep_bytes == 0) {
        return 0;
    }
    return options->keep_bytes > 0 && options->keep_bytes < room ? options->keep_bytes
                                                                 : room;
}

static weir_status
read_kept(weiri_durable *self, weir_error *err)
{
    weir_status status = weiri_kept_list(self->path, &self->kept, err);
    self->next_kept =
        self->kept.n > 0 ? self->kept.items[self->kept.n - 1].number + 1 : 1;
    return status;
}

static weir_status
open_all(weiri_durable *self, weir_error *err)
{
    weir_status status = make_folder(self, err);
    if (status == WEIR_OK) {
        status = take_lock(self, err);
    }
    if (status == WEIR_OK) {
        status = read_state(self, err);
    }
    if (status == WEIR_OK) {
        status = open_journal(self, err);
    }
    return status == WEIR_OK ? read_kept(self, err) : status;
}

weir_status
weiri_durable_open(const weiri_durable_options *options, const weiri_plan *plan,
    weiri_durable **out, weir_error *err)
{
    weiri_durable *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "'%s'", options->path);
    }
    self->lock_fd      = -1;
    self->child_end    = -1;
    self->max_bytes    = options->max_bytes;
    self->interval_ns  = options->interval_ns > 0 ? options->interval_ns
                                                  : DEFAULT_INTERVAL_S * WEIRI_NS_PER_S;
    self->next_ns      = monotonic_ns() + self->interval_ns;
    self->keep_ns      = options->keep_ns;
    self->keep_bytes   = most_kept(options);
    self->path         = strdup(options->path);
    self->state_path   = join(options->path, "state");
    weir_status status = self->path != NULL && self->state_path != NULL
                             ? open_all(self, err)
                             : WEIR_FAIL(err, WEIR_ENOMEM, "'%s'", options->path);
    if (status == WEIR_OK && plan != NULL) {
        status = weiri_durable_use(self, plan, err);
    }
    if (status != WEIR_OK) {
        weiri_durable_close(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_durable_close(weiri_durable **self_p)
{
    weiri_durable *self = *self_p;
    *self_p             = NULL;
    if (self == NULL) {
        return;
    }
    if (self->child > 0) {
        kill(self->child, SIGKILL); /* what it did not commit is not there */
        while (waitpid(self->child, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    if (self->child_end >= 0) {
        close(self->child_end);
    }
    weiri_journal_close(&self->journal);
    weiri_sections_fini(&self->sections);
    weiri_kept_fini(&self->kept);
    if (self->lock_fd >= 0) {
        close(self->lock_fd);
    }
    free(self->positions);
    free(self->state_path);
    free(self->path);
    free(self);
}

const weiri_sections *
weiri_durable_sections(const weiri_durable *self)
{
    return self->has_sections ? &self->sections : NULL;
}

void
weiri_durable_loaded(weiri_durable *self)
{
    weiri_sections_fini(&self->sections);
    self->has_sections = false;
}

const weiri_tape *
weiri_durable_tape(const weiri_durable *self)
{
    return weiri_journal_tape(self->journal);
}

weiri_durable_counts
weiri_durable_get_counts(const weiri_durable *self)
{
    return self->counts;
}

/* ---- checkpoints ---- */

/* In the child: everything from its own memory to the medium. */
static weir_status
write_state(const weiri_durable *self, const weiri_engine *engine, weir_error *err)
{
    const weiri_store_options options  = { .max_bytes = self->max_bytes };
    weiri_sections            sections = { 0 };
    weiri_store              *store    = NULL;
    weir_status               status   = weiri_engine_save(engine, &sections, err);
    weiri_fault_point_in_child("checkpoint.begun", self->n_begun);
    if (status == WEIR_OK) {
        status = weiri_engine_sync(engine, err);
    }
    weiri_fault_point_in_child("checkpoint.synced", self->n_begun);
    if (status == WEIR_OK && self->is_kept) {
        status = weiri_kept_write(self->path, self->next_kept, &sections, err);
        weiri_fault_point_in_child("checkpoint.kept", self->n_begun);
    }
    if (status == WEIR_OK) {
        status = weiri_store_open(self->state_path, &options, &store, err);
    }
    if (status == WEIR_OK) {
        status = weiri_checkpoint_write(store, &sections, self->n_begun, err);
    }
    weiri_fault_point_in_child("checkpoint.committed", self->n_begun);
    return status;
}

/* Does not return. The status and what went wrong are written to `to`. */
static void
run_child(const weiri_durable *self, const weiri_engine *engine, pid_t parent, int to)
{
    weir_error err = { .status = WEIR_OK };
    /* Not a moment longer than the run: the next one would wait for the lock. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
        _exit(CHILD_FAILED);
    }
    weir_status status = write_state(self, engine, &err);
    ssize_t     n      = status == WEIR_OK ? 0 : write(to, &err, sizeof err);
    _exit(status == WEIR_OK && n == 0 ? 0 : CHILD_FAILED);
}

/* No process or descriptor is left for now; what was written is as good as it was. */
static weir_status
fail_to_begin(weir_error *err, int os_errno)
{
    weir_error_set(
        err, WEIR_EAGAIN, os_errno, __FILE__, __LINE__, "cannot begin a checkpoint");
    return WEIR_EAGAIN;
}

static uint64_t
behind(uint64_t newer, uint64_t older)
{
    return newer > older ? newer - older : 0;
}

/* Whether the checkpoint that begins is far enough behind the last moment that was kept.
 */
static bool
is_moment(const weiri_durable *self)
{
    if (self->keep_bytes == 0 || self->watermark_ns == INT64_MIN) {
        return false;
    }
    if (self->kept.n == 0) {
        return true;
    }
    const weiri_moment *last = &self->kept.items[self->kept.n - 1];
    return behind(self->n_bytes, last->n_bytes) > self->keep_bytes / N_MOMENTS
           || (self->keep_ns > 0
               && self->watermark_ns - last->watermark_ns > self->keep_ns / N_MOMENTS);
}

static void
note_positions(weiri_durable *self, const weiri_engine *engine)
{
    self->watermark_ns = weiri_engine_watermark(engine);
    self->n_bytes      = 0;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        self->positions[i] = weiri_engine_position(engine, i);
        self->n_bytes += weiri_engine_is_regular(engine, i) ? 0 : self->positions[i];
    }
    self->is_kept = is_moment(self) && !weiri_engine_is_at_end(engine);
}

static weir_status
begin_checkpoint(weiri_durable *self, weiri_engine *engine, weir_error *err)
{
    int     ends[2];
    int64_t begun_ns = monotonic_ns();
    weiri_engine_note(engine);
    weir_status status = weiri_engine_flush(engine, err);
    if (status != WEIR_OK) {
        return status;
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return fail_to_begin(err, errno);
    }
    self->n_begun++;
    note_positions(self, engine);
    pid_t parent = getpid();
    self->child  = fork();
    if (self->child == 0) {
        close(ends[0]);
        run_child(self, engine, parent, ends[1]);
    }
    close(ends[1]);
    if (self->child < 0) {
        self->child = 0;
        close(ends[0]);
        return fail_to_begin(err, errno);
    }
    self->child_end  = ends[0];
    int64_t pause_ns = monotonic_ns() - begun_ns;
    if (pause_ns > self->counts.pause_ns) {
        self->counts.pause_ns = pause_ns;
    }
    return WEIR_OK;
}

/* What the child said, if it failed. */
static weir_status
judge(weiri_durable *self, int result, weir_error *err)
{
    weir_error said = { .status = WEIR_OK };
    ssize_t    n    = read(self->child_end, &said, sizeof said);
    close(self->child_end);
    self->child_end = -1;
    if (WIFEXITED(result) && WEXITSTATUS(result) == 0) {
        return WEIR_OK;
    }
    if (n == (ssize_t)sizeof said) {
        if (err != NULL) {
            *err = said;
        }
        return WEIR_CONTEXT(err, said.status, "the checkpoint was not written");
    }
    return WEIR_FAIL(err, WEIR_EAGAIN,
        "the checkpoint was not written: the process that wrote it was ended");
}

/* Whether a moment is so old that nothing before it is to be kept. */
static bool
is_past(const weiri_durable *self, const weiri_moment *moment)
{
    return self->keep_ns > 0
           && moment->watermark_ns <= self->watermark_ns - self->keep_ns;
}

/* Drop the moments that are older, or take more of the journal, than is to be kept. */
static void
drop_moments(weiri_durable *self)
{
    weiri_kept_moments *kept = &self->kept;
    while (kept->n > 0
           && (self->keep_bytes == 0
               || behind(self->n_bytes, kept->items[0].n_bytes) > self->keep_bytes
               || (kept->n > 1 && is_past(self, &kept->items[1])))) {
        weiri_kept_drop_oldest(self->path, kept);
    }
}

/* The place up to which the journal is given back for a source: its oldest moment, or
 * nothing while its beginning is still to be kept. */
static uint64_t
end_of_trim(const weiri_durable *self, uint32_t source)
{
    char     name[WEIRI_SECTION_NAME];
    uint64_t position = 0;
    if (self->keep_bytes == 0) {
        return self->positions[source];
    }
    bool is_too_much = self->n_bytes > self->keep_bytes;
    if (self->kept.n == 0) {
        return is_too_much ? self->positions[source] : 0;
    }
    const weiri_moment *oldest = &self->kept.items[0];
    weiri_engine_source_name(self->plan, source, name);
    return (is_too_much || is_past(self, oldest))
                   && weiri_kept_position(&oldest->head, name, &position)
               ? position
               : 0;
}

static weir_status
trim(weiri_durable *self, weiri_engine *engine, weir_error *err)
{
    weir_status status = WEIR_OK;
    drop_moments(self);
    for (uint32_t i = 0; i < self->plan->n_sources && status == WEIR_OK; i++) {
        status = weiri_journal_trim(self->journal, i, end_of_trim(self, i), err);
    }
    if (status == WEIR_OK && self->keep_bytes == 0) { /* else a moment may be of them */
        status = weiri_journal_forget_gone(self->journal, err);
    }
    weiri_fault_point("trimmed");
    /* Without an engine the next checkpoint says it. */
    for (uint32_t i = 0; engine != NULL && i < self->plan->n_sources && status == WEIR_OK;
         i++) {
        status = weiri_engine_acknowledge(engine, i, self->positions[i], err);
    }
    if (engine != NULL) {
        weiri_engine_release(engine);
    }
    return status;
}

/* Look whether the child has ended, or wait until it has. */
static weir_status
end_checkpoint(
    weiri_durable *self, weiri_engine *engine, bool is_waiting, weir_error *err)
{
    int   result = 0;
    pid_t ended  = 0;
    do {
        ended = waitpid(self->child, &result, is_waiting ? 0 : WNOHANG);
    } while (ended < 0 && errno == EINTR);
    if (ended == 0) {
        return WEIR_OK;
    }
    self->child        = 0;
    weir_status status = judge(self, result, err);
    if (status != WEIR_OK) {
        return status;
    }
    self->counts.n_checkpoints++;
    if (self->is_kept) {
        status = weiri_kept_add(self->path, self->next_kept++, &self->kept, err);
    }
    return status == WEIR_OK ? trim(self, engine, err) : status;
}

bool
weiri_durable_is_due(const weiri_durable *self)
{
    return self->child == 0 && monotonic_ns() >= self->next_ns;
}

void
weiri_durable_hasten(weiri_durable *self)
{
    self->next_ns = INT64_MIN;
}

/* A sync that failed is not tried again: the next would succeed, and what the system has
 * dropped would be missing for good. (Rebello et al., Can Applications Recover from fsync
 * Failures?, USENIX ATC 2020.) No room, memory or process is another thing: a store's
 * pages are written anew, beside those that are in use. */
static weir_status
note(weiri_durable *self, weir_status status)
{
    self->is_broken = self->is_broken
                      || !(status == WEIR_OK || status == WEIR_ENOSPC
                           || status == WEIR_ENOMEM || status == WEIR_EAGAIN);
    return status;
}

bool
weiri_durable_is_broken(const weiri_durable *self)
{
    return self->is_broken;
}

weir_status
weiri_durable_tick(
    weiri_durable *self, weiri_engine *engine, bool is_at_rest, weir_error *err)
{
    if (self->child > 0) {
        return note(self, end_checkpoint(self, engine, false, err));
    }
    if (!is_at_rest || !weiri_durable_is_due(self)) {
        return WEIR_OK;
    }
    self->next_ns = monotonic_ns() + self->interval_ns;
    return note(self, begin_checkpoint(self, engine, err));
}

weir_status
weiri_durable_use(weiri_durable *self, const weiri_plan *plan, weir_error *err)
{
    uint64_t *positions = calloc(plan->n_sources + (size_t)1, sizeof *positions);
    if (positions == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    weir_status status = WEIR_OK;
    if (self->child > 0) {
        status = note(self, end_checkpoint(self, NULL, true, err));
    }
    if (!self->is_broken) { /* a checkpoint that found no room is not in the way */
        status = weiri_journal_use(self->journal, plan, err);
    }
    if (status != WEIR_OK) {
        free(positions);
        return status;
    }
    free(self->positions);
    self->positions = positions;
    self->plan      = plan;
    return WEIR_OK;
}

weir_status
weiri_durable_checkpoint(weiri_durable *self, weiri_engine *engine, weir_error *err)
{
    weir_status status = WEIR_OK;
    if (self->child > 0) {
        status = note(self, end_checkpoint(self, engine, true, err));
    }
    if (self->is_broken) {
        return status != WEIR_OK
                   ? status
                   : WEIR_FAIL(err, WEIR_EIO, "an earlier checkpoint was not written");
    }
    status = note(self, begin_checkpoint(self, engine, err)); /* whatever that one said */
    return status == WEIR_OK ? note(self, end_checkpoint(self, engine, true, err))
                             : status;
}
