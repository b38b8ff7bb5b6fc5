#define _GNU_SOURCE
#include "weiri/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "weiri/worker.h"

enum { NOT_RUN = 127, MS = 1000000, PAUSE_MS = 2, LONG_NS = 1000000000 };

struct weiri_child {
    weiri_worker             *worker; /* guards the rest until it is begun */
    const weiri_child_config *config;
    char                    **environment;
    pid_t                     pid;
    int                       code; /* why there is none */
    bool                      is_begun;
};

/* In the child. */
static void
become(const weiri_child_config *config, pid_t parent, char **environment)
{
    int                    nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sigset_t               none;
    const struct sigaction usual = { .sa_handler = SIG_DFL };
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    sigaction(SIGPIPE, &usual, NULL); /* else it would inherit that we ignore it */
    setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || nothing < 0
        || dup2(nothing, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0
        || (config->folder != NULL && chdir(config->folder) != 0)) {
        _exit(NOT_RUN);
    }
    if (config->words != NULL) {
        execvpe(config->words[0], (char *const *)(uintptr_t)config->words, environment);
    } else {
        execle("/bin/sh", "sh", "-c", config->command, (char *)NULL, environment);
    }
    _exit(NOT_RUN);
}

/* On the worker. The kernel ends a child with the thread that began it: so that thread
 * does nothing else, and stays until the child has ended. */
static void
look_after(void *context)
{
    weiri_child *self   = context;
    pid_t        parent = getpid();
    siginfo_t    ignored;
    pid_t        pid = fork();
    if (pid == 0) {
        become(self->config, parent, self->environment);
    }
    weiri_worker_lock(self->worker);
    self->code     = pid < 0 ? errno : 0;
    self->pid      = pid;
    self->is_begun = true;
    weiri_worker_notify(self->worker);
    weiri_worker_unlock(self->worker);
    while (pid > 0 && waitid(P_PID, (id_t)pid, &ignored, WEXITED | WNOWAIT) != 0
           && errno == EINTR) {
    }
}

static weir_status
begin(weiri_child *self, weir_error *err)
{
    weir_status status = weiri_worker_new(&self->worker, err);
    if (status == WEIR_OK) {
        status = weiri_worker_start(self->worker, look_after, self, err);
    }
    if (status != WEIR_OK) {
        return status;
    }
    weiri_worker_lock(self->worker);
    while (!self->is_begun) {
        weiri_worker_wait(self->worker, LONG_NS);
    }
    weiri_worker_unlock(self->worker);
    return self->pid > 0 ? WEIR_OK
                         : WEIR_FAIL_OS(err, self->code, "cannot start a process");
}

/* After a fork of a process with threads only little may be called: no setenv. */
static char **
environment_with(char *variable)
{
    size_t n = 0;
    while (environ[n] != NULL) {
        n++;
    }
    char **environment = calloc(n + 2, sizeof(char *));
    if (environment != NULL) {
        environment[0] = variable;
        memcpy(environment + 1, environ, n * sizeof *environ);
    }
    return environment;
}

weir_status
weiri_child_start(const weiri_child_config *config, weiri_child **out, weir_error *err)
{
    char        *variable = NULL;
    weiri_child *self     = calloc(1, sizeof *self);
    if (self == NULL || asprintf(&variable, "%s=%s", config->name, config->value) < 0
        || (self->environment = environment_with(variable)) == NULL) {
        free(variable);
        free(self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->config       = config;
    weir_status status = begin(self, err);
    free(self->environment);
    free(variable);
    self->environment = NULL;
    self->config      = NULL;
    if (status != WEIR_OK) {
        weiri_worker_destroy(&self->worker);
        free(self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

/* It has ended; its number is its own until it is reaped. */
static int
forget(weiri_child **self_p)
{
    weiri_child *self   = *self_p;
    int          result = 0;
    *self_p             = NULL;
    kill(-self->pid, SIGKILL); /* whatever it has started */
    weiri_worker_destroy(&self->worker);
    while (waitpid(self->pid, &result, 0) < 0 && errno == EINTR) {
    }
    free(self);
    return result;
}

bool
weiri_child_has_ended(weiri_child **self_p, char how[64])
{
    siginfo_t about = { .si_pid = 0 };
    if (*self_p == NULL) {
        return false;
    }
    int failed = waitid(P_PID, (id_t)(*self_p)->pid, &about, WEXITED | WNOWAIT | WNOHANG);
    if (failed != 0 ? errno == EINTR : about.si_pid == 0) {
        return false;
    }
    int result = forget(self_p);
    if (WIFSIGNALED(result)) {
        snprintf(how, 64, "it was ended by signal %d", WTERMSIG(result));
    } else if (WEXITSTATUS(result) == NOT_RUN) {
        snprintf(how, 64, "it could not be started");
    } else {
        snprintf(how, 64, "it ended with status %d", WEXITSTATUS(result));
    }
    return true;
}

void
weiri_child_end(weiri_child **self_p, int patience_ms)
{
    const struct timespec pause = { .tv_nsec = (long)PAUSE_MS * MS };
    char                  how[64];
    for (int waited = 0; *self_p != NULL && waited < patience_ms; waited += PAUSE_MS) {
        if (weiri_child_has_ended(self_p, how)) {
            return;
        }
        nanosleep(&pause, NULL);
    }
    if (*self_p != NULL) {
        kill(-(*self_p)->pid, SIGKILL);
        kill((*self_p)->pid, SIGKILL);
        (void)forget(self_p);
    }
}

char *
weiri_child_folder(void)
{
    const char *place  = getenv("TMPDIR"); /* NOLINT(concurrency-mt-unsafe) */
    char       *folder = NULL;
    if (place == NULL || strlen(place) > 60) { /* the name of a socket is short */
        place = "/tmp";
    }
    if (asprintf(&folder, "%s/weir-XXXXXX", place) < 0) {
        return NULL;
    }
    if (mkdtemp(folder) == NULL) {
        free(folder);
        return NULL;
    }
    return folder;
}

void
weiri_child_no_folder(char **folder_p)
{
    static const char *const NAMES[] = { "0", "1" };
    char                    *folder  = *folder_p;
    *folder_p                        = NULL;
    for (size_t i = 0; folder != NULL && i < sizeof NAMES / sizeof NAMES[0]; i++) {
        char *socket = NULL;
        if (asprintf(&socket, "%s/%s", folder, NAMES[i]) >= 0) {
            unlink(socket);
            free(socket);
        }
    }
    if (folder != NULL) {
        rmdir(folder);
    }
    free(folder);
}
