/* Looking through a store in a child process, which a damaged file may end. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_inside.h"

enum { SAFE = 0, DAMAGED = 1 };

/* Every entry in order, then the same number of them as the root page says. */
static weir_status
walk(weiri_store *store, weir_error *err)
{
    weiri_store_txn  *txn                      = NULL;
    weiri_store_entry entry                    = { 0 };
    uint8_t           key[WEIRI_STORE_KEY + 1] = { 0 };
    size_t            key_size                 = 1;
    uint64_t          n                        = 0;
    uint64_t          n_said                   = 0; /* as of the same moment */
    weir_status       status = weiri_store_begin(store, false, &txn, err);
    if (status == WEIR_OK) {
        status = weiri_store_count(txn, &n_said, err);
    }
    if (status == WEIR_OK) {
        status = weiri_store_check_pages(txn, err);
    }
    while (status == WEIR_OK && n <= n_said) {
        status = weiri_store_seek(txn, key, key_size, false, &entry, err);
        if (status == WEIR_OK && entry.key_size >= sizeof key) {
            status = WEIR_FAIL(err, WEIR_EDATA, "a key is too long");
        }
        if (status == WEIR_OK) {
            n++; /* the next key: this one, and a zero byte */
            memcpy(key, entry.key, entry.key_size);
            key[entry.key_size] = 0;
            key_size            = entry.key_size + 1;
            key_size            = key_size > WEIRI_STORE_KEY ? WEIRI_STORE_KEY : key_size;
        }
    }
    weiri_store_abort(&txn);
    if (status == WEIR_ENOENT) {
        status = n == n_said
                     ? WEIR_OK
                     : WEIR_FAIL(err, WEIR_EDATA, "it holds %llu entries and says %llu",
                         (unsigned long long)n, (unsigned long long)n_said);
    }
    return status;
}

/* Does not return. What was found is written to `to`. */
static void
look(const char *path, int to)
{
    static const int          SIGNALS[] = { SIGBUS, SIGSEGV, SIGABRT };
    const struct rlimit       NO_CORE   = { 0, 0 };
    const weiri_store_options options   = { .is_read_only = true };
    weiri_store              *store     = NULL;
    weir_error                err       = { .status = WEIR_OK };
    for (size_t i = 0; i < sizeof SIGNALS / sizeof SIGNALS[0]; i++) {
        signal(SIGNALS[i], SIG_DFL); /* end quietly, whoever listens */
    }
    setrlimit(RLIMIT_CORE, &NO_CORE);
    weir_status status = weiri_store_open(path, &options, &store, &err);
    if (status == WEIR_OK) {
        status = walk(store, &err);
    }
    ssize_t n = write(to, err.text, strlen(err.text));
    _exit(status == WEIR_OK || n < 0 ? SAFE + (status != WEIR_OK) : DAMAGED);
}

static weir_status
judge(const char *path, int result, const char *text, weir_error *err)
{
    if (WIFEXITED(result) && WEXITSTATUS(result) == SAFE) {
        return WEIR_OK;
    }
    if (WIFSIGNALED(result)) {
        return WEIR_FAIL(err, WEIR_EDATA,
            "'%s' is damaged: reading it ends a process (%s)", path,
            strsignal(WTERMSIG(result)));
    }
    return WEIR_FAIL(err, WEIR_EDATA, "'%s' is damaged: %s", path,
        text[0] != '\0' ? text : "it cannot be read");
}

static void
read_text(int from, char *text, size_t size)
{
    size_t used = 0;
    while (used + 1 < size) {
        ssize_t n = read(from, text + used, size - used - 1);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            break;
        }
        used += n > 0 ? (size_t)n : 0;
    }
    text[used] = '\0';
}

weir_status
weiri_store_verify(const char *path, weir_error *err)
{
    int  ends[2];
    int  result = 0;
    char text[sizeof err->text];
    if (access(path, F_OK) != 0) {
        return WEIR_FAIL(err, WEIR_ENOENT, "'%s' is not there", path);
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return WEIR_FAIL_OS(err, errno, "cannot look through '%s'", path);
    }
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        look(path, ends[1]);
    }
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return WEIR_FAIL_OS(err, errno, "cannot look through '%s'", path);
    }
    read_text(ends[0], text, sizeof text);
    close(ends[0]);
    while (waitpid(child, &result, 0) < 0 && errno == EINTR) {
    }
    return judge(path, result, text, err);
}
