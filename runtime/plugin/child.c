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

enum { NOT_RUN = 127, MS = 1000000, PAUSE_MS = 2 };

/* In the child. */
static void
become(const weiri_child_config *config, pid_t parent, char **environment)
{
    int      nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
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

weir_status
weiri_child_start(const weiri_child_config *config, int *pid, weir_error *err)
{
    pid_t  parent   = getpid();
    size_t n        = 0;
    char  *variable = NULL;
    while (environ[n] != NULL) {
        n++;
    }
    /* After a fork of a process with threads only little may be called: no setenv. */
    char **environment = calloc(n + 2, sizeof(char *));
    if (environment == NULL
        || asprintf(&variable, "%s=%s", config->name, config->value) < 0) {
        free(environment);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    environment[0] = variable;
    for (size_t i = 0; i < n; i++) {
        environment[i + 1] = environ[i];
    }
    pid_t child = fork();
    if (child == 0) {
        become(config, parent, environment);
    }
    free(environment);
    free(variable);
    if (child < 0) {
        return WEIR_FAIL_OS(err, errno, "cannot start a process");
    }
    *pid = child;
    return WEIR_OK;
}

bool
weiri_child_has_ended(int pid, char how[64])
{
    int   result = 0;
    pid_t ended  = waitpid(pid, &result, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) {
        return false;
    }
    kill(-pid, SIGKILL); /* whatever it has started */
    if (ended == pid && WIFSIGNALED(result)) {
        snprintf(how, 64, "it was ended by signal %d", WTERMSIG(result));
    } else if (ended == pid && WEXITSTATUS(result) == NOT_RUN) {
        snprintf(how, 64, "it could not be started");
    } else {
        snprintf(
            how, 64, "it ended with status %d", ended == pid ? WEXITSTATUS(result) : 0);
    }
    return true;
}

void
weiri_child_end(int pid, int patience_ms)
{
    const struct timespec pause = { .tv_nsec = PAUSE_MS * MS };
    char                  how[64];
    for (int waited = 0; waited < patience_ms; waited += PAUSE_MS) {
        if (weiri_child_has_ended(pid, how)) {
            return;
        }
        nanosleep(&pause, NULL);
    }
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
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
