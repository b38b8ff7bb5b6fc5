/* A medium that fails, a power supply that does, a clock that jumps: a library that is
 * put before the system's (LD_PRELOAD) and stands between a program and its regular
 * files.
 *
 *   WEIR_FAULT=WHAT:SEED:N    what happens at the N-th operation that reaches the medium
 *
 *   power   what was written and not synced is kept in an undo log. At the operation a
 *           random subset of unsynced sectors gets its old bytes back, files their old
 *           sizes, folders what they had before the last few changes; and all processes
 *           of the group are killed.
 *   sync    an fsync or fdatasync from there on fails, once, and what it was to sync is
 *           partly lost; the next one succeeds, for the pages count as clean. Sectors
 * that were lost read as they were before, as after an eviction. nospace a few writes end
 * early and then fail with ENOSPC io      a write fails with EIO short   a write writes
 * less than it was given, and nothing is wrong clock   from there on clocks are a year
 * ahead; that of the day in the next moment a year behind
 *
 * All processes that a program forks share log and count. What is written by an
 * O_DSYNC descriptor is synced or, when the power fails, written in part. Folders keep
 * the order of their changes, as a file system with a journal of metadata does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    SECTOR    = 512,
    N_SECTORS = 1 << 17, /* in the log; what is beyond counts as synced */
    N_CHAINS  = 1 << 14,
    N_FILES   = 64,
    N_CHANGES = 64,
    N_PIDS    = 256, /* that forked, the last of them */
    N_FULL    = 6,   /* writes that find no room, at most */
    YEAR_S    = 365 * 86400
};

enum what { NOTHING, POWER, SYNC, NOSPACE, IO, SHORT, CLOCK };

static const char *const NAMES[] = { "", "power", "sync", "nospace", "io", "short",
    "clock" };

struct file {
    dev_t   dev;
    ino_t   ino;
    int64_t synced_size;
    int64_t least_size; /* since it was synced */
    bool    is_dirty;
    char    path[PATH_MAX];
};

struct sector {
    uint32_t file;
    uint32_t next; /* in its chain, + 1 */
    uint64_t number;
    uint8_t  old[SECTOR];
};

/* A change of a folder that is not synced: a new entry, or one that has another name. */
struct change {
    ino_t folder;
    bool  is_rename;
    char  path[PATH_MAX];
    char  from[PATH_MAX];
};

static struct shared {
    pthread_mutex_t lock;
    enum what       what;
    uint64_t        random;
    int64_t         n_left; /* operations until it happens */
    uint32_t        n_full;
    uint32_t        n_sectors;
    uint32_t        n_changes;
    uint32_t        n_files;
    atomic_uint     n_pids;
    pid_t           pids[N_PIDS];
    uint32_t        chains[N_CHAINS];
    struct file     files[N_FILES];
    struct change   changes[N_CHANGES];
    struct sector   sectors[N_SECTORS];
} * all;

/* ---- the common state ---- */

static uint64_t
draw(uint64_t below)
{
    all->random ^= all->random << 13; /* Marsaglia, Xorshift RNGs, 2003 */
    all->random ^= all->random >> 7;
    all->random ^= all->random << 17;
    return all->random % below;
}

static void
take_lock(void)
{
    if (pthread_mutex_lock(&all->lock) == EOWNERDEAD) {
        pthread_mutex_consistent(&all->lock);
    }
}

static void
drop_lock(void)
{
    pthread_mutex_unlock(&all->lock);
}

static void
note_pid(void)
{
    all->pids[atomic_fetch_add(&all->n_pids, 1) % N_PIDS] = getpid();
}

__attribute__((constructor)) static void
begin(void)
{
    const char         *text = getenv("WEIR_FAULT"); /* NOLINT(concurrency-mt-unsafe) */
    char                name[16];
    unsigned long long  seed = 0;
    long long           n    = 0;
    pthread_mutexattr_t attributes;
    if (text == NULL || sscanf(text, "%15[a-z]:%llu:%lld", name, &seed, &n) != 3) {
        return;
    }
    struct shared *made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED) {
        abort();
    }
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&made->lock, &attributes);
    for (size_t i = 1; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (strcmp(NAMES[i], name) == 0) {
            made->what = (enum what)i;
        }
    }
    made->random = seed * UINT64_C(0x9E3779B97F4A7C15) | 1;
    made->n_left = n;
    if (made->what == NOTHING) {
        abort();
    }
    all = made;
    for (int i = 0; i < 8; i++) {
        (void)draw(2);
    }
    note_pid();
    pthread_atfork(NULL, NULL, note_pid);
}

/* ---- the undo log ---- */

static struct file *
find_file(int fd, uint32_t *index)
{
    struct stat about;
    char        link[64];
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        return NULL;
    }
    for (*index = 0; *index < all->n_files; ++*index) {
        struct file *file = &all->files[*index];
        if (file->ino == about.st_ino && file->dev == about.st_dev) {
            break;
        }
    }
    if (*index == N_FILES) {
        abort();
    }
    struct file *file = &all->files[*index];
    if (*index == all->n_files) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, file->path, sizeof file->path - 1);
        if (n < 0) {
            return NULL;
        }
        file->path[n] = '\0';
        file->dev     = about.st_dev;
        file->ino     = about.st_ino;
        all->n_files++;
    }
    if (!file->is_dirty) {
        file->synced_size = about.st_size;
        file->least_size  = about.st_size;
        file->is_dirty    = true;
    }
    return file;
}

static uint32_t *
chain_of(uint32_t file, uint64_t number)
{
    return &all->chains[(number * 31 + file * UINT64_C(7919)) % N_CHAINS];
}

static void
keep_sector(int fd, uint32_t file, uint64_t number)
{
    uint32_t *chain = chain_of(file, number);
    for (uint32_t i = *chain; i != 0; i = all->sectors[i - 1].next) {
        if (all->sectors[i - 1].file == file && all->sectors[i - 1].number == number) {
            return;
        }
    }
    if (all->n_sectors == N_SECTORS) {
        return;
    }
    struct sector *sector = &all->sectors[all->n_sectors];
    char           link[64];
    memset(sector->old, 0, sizeof sector->old);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int     again = open(link, O_RDONLY | O_CLOEXEC); /* fd may be for writing alone */
    ssize_t n =
        again < 0 ? -1 : pread(again, sector->old, SECTOR, (off_t)(number * SECTOR));
    close(again);
    if (n < 0) {
        abort();
    }
    sector->file   = file;
    sector->number = number;
    sector->next   = *chain;
    *chain         = ++all->n_sectors;
}

/* Before bytes [from, to) are written or cut off. */
static void
keep(int fd, int64_t from, int64_t to)
{
    uint32_t index = 0;
    if (to > from && find_file(fd, &index) != NULL) {
        for (int64_t i = from / SECTOR; i <= (to - 1) / SECTOR; i++) {
            keep_sector(fd, index, (uint64_t)i);
        }
    }
}

/* Sectors [first, end) of a file are on the medium. */
static void
forget(uint32_t file, uint64_t first, uint64_t end)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < all->n_sectors; i++) {
        const struct sector *sector = &all->sectors[i];
        if (sector->file != file || sector->number < first || sector->number >= end) {
            all->sectors[n++] = *sector;
        }
    }
    all->n_sectors = n;
    memset(all->chains, 0, sizeof all->chains);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t *chain      = chain_of(all->sectors[i].file, all->sectors[i].number);
        all->sectors[i].next = *chain;
        *chain               = i + 1;
    }
}

/* ---- what happens ---- */

static void
put_back(const struct file *file, uint32_t index, bool with_size)
{
    struct stat about;
    int         fd = open(file->path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) != 0 || about.st_ino != file->ino) {
        close(fd); /* it was removed */
        return;
    }
    int64_t size   = about.st_size;
    bool    is_old = with_size && draw(2) == 0;
    for (uint32_t i = 0; i < all->n_sectors; i++) {
        const struct sector *sector = &all->sectors[i];
        if (sector->file != index) {
            continue;
        }
        bool was_cut =
            is_old && (int64_t)(sector->number + 1) * SECTOR > file->least_size;
        if (was_cut || draw(2) == 0) {
            (void)syscall(SYS_pwrite64, fd, sector->old, (size_t)SECTOR,
                (off_t)(sector->number * SECTOR));
        }
    }
    (void)syscall(SYS_ftruncate, fd, is_old ? file->synced_size : size);
    close(fd);
}

/* Remove a file, or a folder of files. */
static void
remove_all(const char *path)
{
    char command[PATH_MAX + 16];
    if (unlink(path) != 0) {
        snprintf(command, sizeof command, "rm -rf '%s'", path);
        unsetenv("LD_PRELOAD");     /* NOLINT(concurrency-mt-unsafe) */
        if (system(command) != 0) { /* NOLINT(cert-env33-c,concurrency-mt-unsafe): in a
                                       test, of a path of ours */
            abort();
        }
    }
}

/* Whether a process runs: neither stopped, nor dead, nor gone. */
static bool
is_running(pid_t pid)
{
    char  name[32];
    char  text[256];
    char *state = NULL;
    snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
    int     fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t n  = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    state               = strrchr(text, ')');
    return state != NULL && strchr("TtZX", state[2]) == NULL;
}

/* Nobody is to see what the files are made to hold while they are changed. */
static void
stop_others(void)
{
    uint32_t n = atomic_load(&all->n_pids);
    for (uint32_t i = 0; i < n && i < N_PIDS; i++) {
        pid_t pid = all->pids[i];
        if (pid != getpid() && getsid(pid) == getsid(0) && kill(pid, SIGSTOP) == 0) {
            while (is_running(pid)) {
                sched_yield();
            }
        }
    }
}

static void
cut_power(void)
{
    stop_others();
    for (uint32_t i = 0; i < all->n_files; i++) {
        if (all->files[i].is_dirty) {
            put_back(&all->files[i], i, true);
        }
    }
    uint32_t n = (uint32_t)draw(all->n_changes + UINT64_C(1));
    for (uint32_t i = all->n_changes; i > n; i--) {
        const struct change *change = &all->changes[i - 1];
        if (change->is_rename) {
            (void)syscall(SYS_rename, change->path, change->from);
        } else {
            remove_all(change->path);
        }
    }
    kill(0, SIGKILL);
}

/* Whether it happens at this operation; `when` is what can happen there. */
static bool
is_now(enum what what)
{
    return all->what == what && --all->n_left <= 0;
}

/* An operation of any kind, about to be done. */
static void
pass(void)
{
    if (is_now(POWER)) {
        cut_power();
    }
}

/* ---- files ---- */

/* The system names its parameters in ways that are its own.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
#pragma GCC visibility push(default) /* what stands before the system's */

static ssize_t
put_vector(int fd, const struct iovec *parts, int n, off_t at)
{
    return at < 0 ? syscall(SYS_writev, fd, parts, n)
                  : syscall(SYS_pwritev, fd, parts, n, at, 0);
}

static ssize_t
put_less(int fd, const struct iovec *parts, off_t at)
{
    struct iovec less = parts[0];
    less.iov_len      = less.iov_len > 1 ? 1 + draw(less.iov_len - 1) : less.iov_len;
    return put_vector(fd, &less, 1, at);
}

static ssize_t
fail(int code)
{
    errno = code;
    return -1;
}

/* A descriptor that syncs each write: all of it, or some of it and the power is gone. */
static ssize_t
put_synced(int fd, const struct iovec *parts, int n, int64_t from, int64_t size, off_t at)
{
    uint32_t     index = 0;
    bool         is_at = is_now(POWER);
    ssize_t      done  = put_vector(fd, parts, n, at);
    struct file *file  = find_file(fd, &index);
    if (is_at) {
        cut_power();
    }
    if (file != NULL && done > 0) {
        forget(
            index, (uint64_t)(from / SECTOR), (uint64_t)((from + size - 1) / SECTOR) + 1);
        file->synced_size =
            from + done > file->synced_size ? from + done : file->synced_size;
    }
    return done;
}

static ssize_t
put_regular(int fd, const struct iovec *parts, int n, off_t at)
{
    int64_t from = at < 0 ? (int64_t)lseek(fd, 0, SEEK_CUR) : (int64_t)at;
    int64_t size = 0;
    for (int i = 0; i < n; i++) {
        size += (int64_t)parts[i].iov_len;
    }
    keep(fd, from, from + size);
    if (all->n_full > 0 || is_now(NOSPACE)) {
        bool is_first = all->n_full == 0;
        all->n_full   = is_first ? 1 + (uint32_t)draw(N_FULL) : all->n_full - 1;
        if (all->n_full == 0) {
            all->what = NOTHING;
        }
        return is_first && draw(2) == 0 ? put_less(fd, parts, at) : fail(ENOSPC);
    }
    if (is_now(IO)) {
        all->what = NOTHING;
        return fail(EIO);
    }
    if (is_now(SHORT)) {
        all->n_left = 1 + (int64_t)draw(200);
        return put_less(fd, parts, at);
    }
    if ((fcntl(fd, F_GETFL) & O_DSYNC) != 0) {
        return put_synced(fd, parts, n, from, size, at);
    }
    pass();
    return put_vector(fd, parts, n, at);
}

static bool
is_regular(int fd)
{
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

static ssize_t
put(int fd, const struct iovec *parts, int n, off_t at)
{
    if (all == NULL || !is_regular(fd)) {
        return put_vector(fd, parts, n, at);
    }
    take_lock();
    ssize_t done = put_regular(fd, parts, n, at);
    int     code = errno;
    drop_lock();
    errno = code;
    return done;
}

ssize_t
write(int fd, const void *bytes, size_t size)
{
    const struct iovec part = { .iov_base = (void *)bytes, .iov_len = size };
    return put(fd, &part, 1, -1);
}

ssize_t
pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    const struct iovec part = { .iov_base = (void *)bytes, .iov_len = size };
    return put(fd, &part, 1, at);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t size, off_t at)
{
    return pwrite(fd, bytes, size, at);
}

ssize_t
writev(int fd, const struct iovec *parts, int n)
{
    return put(fd, parts, n, -1);
}

ssize_t
pwritev(int fd, const struct iovec *parts, int n, off_t at)
{
    return put(fd, parts, n, at);
}

ssize_t
pwritev64(int fd, const struct iovec *parts, int n, off_t at)
{
    return put(fd, parts, n, at);
}

int
ftruncate(int fd, off_t size)
{
    if (all == NULL || !is_regular(fd)) {
        return (int)syscall(SYS_ftruncate, fd, size);
    }
    struct stat about;
    uint32_t    index = 0;
    take_lock();
    pass();
    struct file *file = find_file(fd, &index);
    if (file != NULL && fstat(fd, &about) == 0) {
        keep(fd, size, about.st_size);
        file->least_size = size < file->least_size ? size : file->least_size;
    }
    int done = (int)syscall(SYS_ftruncate, fd, size);
    drop_lock();
    return done;
}

int
ftruncate64(int fd, off_t size)
{
    return ftruncate(fd, size);
}

static void
sync_folder(const struct stat *about)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < all->n_changes; i++) {
        if (all->changes[i].folder != about->st_ino) {
            all->changes[n++] = all->changes[i];
        }
    }
    all->n_changes = n;
}

static int
sync_it(int fd, long call)
{
    struct stat about;
    uint32_t    index = 0;
    if (all == NULL || fstat(fd, &about) != 0) {
        return (int)syscall(call, fd);
    }
    take_lock();
    pass();
    struct file *file  = find_file(fd, &index);
    bool         fails = file != NULL && is_now(SYNC);
    if (fails) {
        all->what = NOTHING;
        put_back(file, index, false);
    }
    if (file != NULL) {
        forget(index, 0, UINT64_MAX);
        file->is_dirty = false;
    } else if (S_ISDIR(about.st_mode)) {
        sync_folder(&about);
    }
    drop_lock();
    return fails ? (int)fail(EIO) : 0;
}

int
fsync(int fd)
{
    return sync_it(fd, SYS_fsync);
}

int
fdatasync(int fd)
{
    return sync_it(fd, SYS_fdatasync);
}

/* ---- folders ---- */

static void
make_absolute(const char *path, char out[PATH_MAX])
{
    char folder[PATH_MAX];
    if (path[0] == '/' || getcwd(folder, sizeof folder) == NULL) {
        folder[0] = '\0';
    }
    if (snprintf(out, PATH_MAX, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", path)
        >= PATH_MAX) {
        abort();
    }
}

static void
note_change(const char *path, const char *from)
{
    struct stat about;
    char        folder[PATH_MAX];
    if (all->n_changes == N_CHANGES) {
        return;
    }
    struct change *change = &all->changes[all->n_changes];
    make_absolute(path, change->path);
    change->is_rename = from != NULL;
    if (from != NULL) {
        make_absolute(from, change->from);
    }
    snprintf(folder, sizeof folder, "%s", change->path);
    *strrchr(folder, '/') = '\0';
    if (stat(folder, &about) == 0) {
        change->folder = about.st_ino;
        all->n_changes++;
    }
}

static int
open_it(int folder, const char *path, int flags, unsigned mode)
{
    bool is_new = all != NULL && (flags & O_CREAT) != 0 && access(path, F_OK) != 0;
    if (is_new) {
        take_lock();
        pass();
    }
    int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
    if (is_new) {
        if (fd >= 0) {
            note_change(path, NULL);
        }
        int code = errno;
        drop_lock();
        errno = code;
    }
    return fd;
}

int
open(const char *path, int flags, ...)
{
    va_list  arguments;
    unsigned mode = 0;
    va_start(arguments, flags);
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
        mode = va_arg(arguments, unsigned);
    }
    va_end(arguments);
    return open_it(AT_FDCWD, path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
    va_list  arguments;
    unsigned mode = 0;
    va_start(arguments, flags);
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
        mode = va_arg(arguments, unsigned);
    }
    va_end(arguments);
    return open_it(AT_FDCWD, path, flags, mode);
}

int
mkdir(const char *path, mode_t mode)
{
    if (all == NULL) {
        return (int)syscall(SYS_mkdir, path, mode);
    }
    take_lock();
    pass();
    int done = (int)syscall(SYS_mkdir, path, mode);
    int code = errno;
    if (done == 0) {
        note_change(path, NULL);
    }
    drop_lock();
    errno = code;
    return done;
}

/* What stands under the old name in the log stands under the new one. */
static void
rename_in(char path[PATH_MAX], const char *from, const char *to)
{
    char   was[PATH_MAX];
    size_t size = strlen(from);
    if (strncmp(path, from, size) == 0 && (path[size] == '/' || path[size] == '\0')) {
        memcpy(was, path, PATH_MAX);
        if (snprintf(path, PATH_MAX, "%s%s", to, was + size) >= PATH_MAX) {
            abort();
        }
    }
}

int
rename(const char *from, const char *to)
{
    if (all == NULL) {
        return (int)syscall(SYS_rename, from, to);
    }
    char full_from[PATH_MAX];
    char full_to[PATH_MAX];
    make_absolute(from, full_from);
    make_absolute(to, full_to);
    take_lock();
    pass();
    int done = (int)syscall(SYS_rename, from, to);
    int code = errno;
    for (uint32_t i = 0; done == 0 && i < all->n_files; i++) {
        rename_in(all->files[i].path, full_from, full_to);
    }
    if (done == 0) {
        note_change(to, from);
    }
    drop_lock();
    errno = code;
    return done;
}

/* ---- clocks ---- */

int
clock_gettime(clockid_t clock, struct timespec *now)
{
    int done = (int)syscall(SYS_clock_gettime, clock, now);
    if (all != NULL && all->what == CLOCK && --all->n_left <= 0) {
        bool is_behind = clock == CLOCK_REALTIME && all->n_left % 2 == 0;
        now->tv_sec += is_behind ? -YEAR_S : YEAR_S;
    }
    return done;
}

time_t
time(time_t *out)
{
    struct timespec now = { 0 };
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}

#pragma GCC visibility pop
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
