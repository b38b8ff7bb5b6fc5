/* A reader of a file: a descriptor, and an unpacker if the first bytes ask for one.
 *
 * Plain bytes go from the descriptor straight into the caller's memory; only the few by
 * which the packing is told, and packed input, pass through a buffer of a fixed size.
 *
 * A FIFO is opened without waiting for its writer: poll() does the waiting then, and a
 * signal or the caller's patience can end it.
 */
#define _GNU_SOURCE /* F_SETPIPE_SZ */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../bytes/ops.h"
#include "unpack.h"
#include "weiri/limits.h"
#include "weiri/pack.h"
#include "weiri/timetext.h"

enum { PACKED_BYTES = 128 << 10 };

typedef struct file_reader {
    weiri_reader    base;
    int             fd;
    bool            is_stdin;
    bool            is_at_end; /* of the descriptor */
    weiri_packing   packing;
    weiri_unpacker *unpacker; /* NULL while plain or not known         */
    weir_status     fault;    /* from now on every read gives this     */
    const char     *problem;  /* in words, with the fault              */
    uint64_t        n_read;   /* from the descriptor                   */
    size_t          first;    /* of the bytes in `bytes` not yet taken */
    size_t          end;
    char           *path;
    char           *bytes; /* PACKED_BYTES */
} file_reader;

static weir_status
open_path(const char *path, int *fd, weir_error *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0 && errno == ENOENT) {
        return WEIR_FAIL(err, WEIR_ENOENT, "cannot open '%s': no such file", path);
    }
    if (*fd < 0) {
        return WEIR_FAIL_OS(err, errno, "cannot open '%s'", path);
    }
    return WEIR_OK;
}

static weir_status
look_at(file_reader *self, weir_error *err)
{
    struct stat about;
    if (fstat(self->fd, &about) != 0) {
        return WEIR_FAIL_OS(err, errno, "cannot read '%s'", self->path);
    }
    if (S_ISDIR(about.st_mode)) {
        return WEIR_FAIL(err, WEIR_EIO, "'%s' is a directory", self->path);
    }
    self->base.is_regular = S_ISREG(about.st_mode);
    if (S_ISFIFO(about.st_mode)) { /* its writer need not wait while we sync */
        (void)fcntl(self->fd, F_SETPIPE_SZ, WEIRI_TAPE_BYTES);
    }
    return WEIR_OK;
}

static void
close_file(weiri_reader *base)
{
    file_reader *self = (file_reader *)base;
    if (self->fd >= 0 && !self->is_stdin) {
        close(self->fd);
    }
    weiri_unpacker_destroy(&self->unpacker);
    free(self->path);
    free(self->bytes);
    free(self);
}

/* How long a call may still wait; without end if `is_endless`. */
struct patience {
    int64_t until_ns; /* on the monotonic clock */
    bool    is_endless;
};

static int64_t
monotonic_ns(void)
{
    struct timespec now = { 0 };
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * WEIRI_NS_PER_S + now.tv_nsec;
}

static struct patience
patience_of(int64_t wait_ns)
{
    struct patience patience = { .is_endless = wait_ns < 0 };
    if (wait_ns > 0) {
        int64_t now_ns    = monotonic_ns();
        patience.until_ns = wait_ns < INT64_MAX - now_ns ? now_ns + wait_ns : INT64_MAX;
    }
    return patience;
}

/* A signal that comes just before poll() does not end it: who waits without end looks
 * about now and then. */
enum { LOOK_ABOUT_MS = 200 };

/* Milliseconds as poll() takes them, rounded up. */
static int
poll_ms(const struct patience *patience)
{
    if (patience->is_endless) {
        return LOOK_ABOUT_MS;
    }
    int64_t left_ns = patience->until_ns > 0 ? patience->until_ns - monotonic_ns() : 0;
    if (left_ns <= 0) {
        return 0;
    }
    int64_t ms = left_ns / WEIRI_NS_PER_MS + (left_ns % WEIRI_NS_PER_MS > 0);
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

static weir_status
wait_for_bytes(file_reader *self, const struct patience *patience, weir_error *err)
{
    struct pollfd ready = { .fd = self->fd, .events = POLLIN };
    int           n     = poll(&ready, 1, poll_ms(patience));
    if (n == 0 || (n < 0 && errno == EINTR)) {
        return WEIR_EAGAIN;
    }
    if (n < 0) {
        return WEIR_FAIL_OS(err, errno, "cannot wait for '%s'", self->path);
    }
    return WEIR_OK;
}

/* Bytes from the descriptor; *n is 0 at its end. */
static weir_status
read_descriptor(file_reader *self, char *bytes, size_t size,
    const struct patience *patience, size_t *n, weir_error *err)
{
    *n = 0;
    if (self->is_at_end) {
        return WEIR_OK;
    }
    if (!self->base.is_regular) {
        weir_status status = wait_for_bytes(self, patience, err);
        if (status != WEIR_OK) {
            return status;
        }
    }
    ssize_t got = read(self->fd, bytes, size);
    if (got < 0) {
        bool is_passing = errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK;
        return is_passing ? WEIR_EAGAIN
                          : WEIR_FAIL_OS(err, errno, "cannot read '%s' at byte %" PRIu64,
                              self->path, self->n_read);
    }
    self->is_at_end = got == 0;
    self->n_read += (uint64_t)got;
    *n = (size_t)got;
    return WEIR_OK;
}

/* Read into the buffer, which has been used up or holds the start of a magic number. */
static weir_status
fill(file_reader *self, const struct patience *patience, weir_error *err)
{
    if (self->first == self->end) {
        self->first = 0;
        self->end   = 0;
    }
    size_t      n      = 0;
    weir_status status = read_descriptor(
        self, self->bytes + self->end, PACKED_BYTES - self->end, patience, &n, err);
    self->end += n;
    return status;
}

static weir_status
find_packing(file_reader *self, const struct patience *patience, weir_error *err)
{
    while (self->packing == WEIRI_PACKING_UNKNOWN) {
        if (self->end > 0 || self->is_at_end) {
            self->packing = weiri_packing_of(self->bytes, self->end, self->is_at_end);
        }
        if (self->packing == WEIRI_PACKING_UNKNOWN) {
            weir_status status = fill(self, patience, err);
            if (status != WEIR_OK) {
                return status;
            }
        }
    }
    if (self->packing != WEIRI_PACKING_NONE && self->unpacker == NULL
        && weiri_unpacker_new(self->packing, &self->unpacker) != WEIR_OK) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "cannot unpack '%s'", self->path);
    }
    return WEIR_OK;
}

static weir_status
read_plain(file_reader *self, char *bytes, size_t size, const struct patience *patience,
    size_t *n, weir_error *err)
{
    size_t left = self->end - self->first;
    if (left > 0) { /* what was read to tell the packing */
        *n = left < size ? left : size;
        memcpy(bytes, self->bytes + self->first, *n);
        self->first += *n;
        return WEIR_OK;
    }
    weir_status status = read_descriptor(self, bytes, size, patience, n, err);
    return status == WEIR_OK && *n == 0 ? WEIR_EOF : status;
}

static weir_status
fail_packed(file_reader *self, weir_error *err)
{
    uint64_t at = self->n_read - (self->end - self->first);
    if (self->fault == WEIR_ENOMEM) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "cannot unpack '%s'", self->path);
    }
    return WEIR_FAIL(err, WEIR_EIO,
        "'%s': %s data cannot be unpacked at byte %" PRIu64 ": %s", self->path,
        self->packing == WEIRI_PACKING_GZIP ? "gzip" : "zstd", at, self->problem);
}

/* Unpack what is in the buffer; a fault is kept until the bytes before it are taken. */
static size_t
unpack_some(file_reader *self, char *bytes, size_t size)
{
    weiri_unpack_step step = {
        .in       = self->bytes + self->first,
        .in_size  = self->end - self->first,
        .out      = bytes,
        .out_size = size,
    };
    self->fault = weiri_unpacker_run(self->unpacker, &step);
    self->first += step.n_used;
    if (self->fault != WEIR_OK) {
        self->problem = step.problem;
    }
    return step.n_made;
}

static weir_status
read_packed(file_reader *self, char *bytes, size_t size, const struct patience *patience,
    size_t *n, weir_error *err)
{
    while (self->fault == WEIR_OK) {
        if (self->first < self->end || weiri_unpacker_holds_output(self->unpacker)) {
            *n = unpack_some(self, bytes, size);
            if (*n > 0) {
                return WEIR_OK;
            }
        } else if (!self->is_at_end) {
            weir_status status = fill(self, patience, err);
            if (status != WEIR_OK) {
                return status;
            }
        } else if (weiri_unpacker_is_inside(self->unpacker)) {
            self->fault   = WEIR_EDATA;
            self->problem = "it is cut off";
        } else {
            return WEIR_EOF;
        }
    }
    return fail_packed(self, err);
}

static weir_status
read_file(weiri_reader *base, char *bytes, size_t size, int64_t wait_ns, size_t *n,
    weir_error *err)
{
    file_reader *self = (file_reader *)base;
    if (size == 0) {
        return WEIR_FAIL(err, WEIR_EINVAL, "no room to read '%s' into", self->path);
    }
    struct patience patience = patience_of(wait_ns);
    weir_status     status   = find_packing(self, &patience, err);
    if (status != WEIR_OK) {
        return status;
    }
    return self->unpacker == NULL ? read_plain(self, bytes, size, &patience, n, err)
                                  : read_packed(self, bytes, size, &patience, n, err);
}

/* ---- going on where another left off ---- */

static weir_status
skip_file(weiri_reader *base, uint64_t position, weir_error *err)
{
    file_reader *self  = (file_reader *)base;
    char        *waste = malloc(PACKED_BYTES);
    if (waste == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "cannot read '%s'", self->path);
    }
    weir_status status = WEIR_OK;
    while (position > 0 && status == WEIR_OK) {
        bool is_plain = self->packing == WEIRI_PACKING_NONE && self->first == self->end;
        if (is_plain && lseek(self->fd, (off_t)position, SEEK_CUR) >= 0) {
            self->n_read += position;
            break;
        }
        size_t n = 0;
        status   = read_file(base, waste,
            position < PACKED_BYTES ? (size_t)position : PACKED_BYTES, 0, &n, err);
        position -= n;
    }
    free(waste);
    return status == WEIR_EOF ? WEIR_FAIL(err, WEIR_EDATA,
               "'%s' ends before the place up to which it was read", self->path)
                              : status;
}

enum { MARK_BYTES = 4096 };

static weir_status
hash_range(const file_reader *self, uint64_t first, uint64_t end, uint64_t *hash,
    weir_error *err)
{
    char bytes[MARK_BYTES];
    while (first < end) {
        ssize_t n = pread(self->fd, bytes, (size_t)(end - first), (off_t)first);
        if (n < 0 && errno != EINTR) {
            return WEIR_FAIL_OS(err, errno, "cannot read '%s'", self->path);
        }
        if (n == 0) {
            return WEIR_FAIL(err, WEIR_EDATA, "'%s' is shorter than it was", self->path);
        }
        if (n > 0) {
            *hash = weiri_hash_bytes(*hash, bytes, (size_t)n);
            first += (uint64_t)n;
        }
    }
    return WEIR_OK;
}

static weir_status
hash_file(const file_reader *self, uint64_t n_read, uint64_t *hash, weir_error *err)
{
    uint64_t size      = n_read < MARK_BYTES ? n_read : MARK_BYTES;
    *hash              = WEIRI_HASH_BEGIN;
    weir_status status = hash_range(self, 0, size, hash, err);
    return status == WEIR_OK ? hash_range(self, n_read - size, n_read, hash, err)
                             : status;
}

static weir_status
mark_file(const weiri_reader *base, weiri_file_mark *out, weir_error *err)
{
    const file_reader *self = (const file_reader *)base;
    out->n_read             = self->n_read;
    return hash_file(self, out->n_read, &out->hash, err);
}

static weir_status
check_file(const weiri_reader *base, const weiri_file_mark *mark, weir_error *err)
{
    const file_reader *self   = (const file_reader *)base;
    uint64_t           hash   = 0;
    weir_status        status = hash_file(self, mark->n_read, &hash, err);
    if (status == WEIR_OK && hash != mark->hash) {
        return WEIR_FAIL(
            err, WEIR_EDATA, "'%s' is not the file that was read before", self->path);
    }
    return status;
}

static const weiri_reader_ops OPS = {
    .close      = close_file,
    .read       = read_file,
    .skip       = skip_file,
    .mark       = mark_file,
    .check_mark = check_file,
};

weir_status
weiri_reader_open(const char *path, weiri_reader **out, weir_error *err)
{
    file_reader *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "cannot open '%s'", path);
    }
    self->base.ops     = &OPS;
    self->fd           = -1;
    self->is_stdin     = strcmp(path, "-") == 0;
    self->path         = strdup(self->is_stdin ? "standard input" : path);
    self->bytes        = malloc(PACKED_BYTES);
    weir_status status = WEIR_OK;
    if (self->path == NULL || self->bytes == NULL) {
        status = WEIR_FAIL(err, WEIR_ENOMEM, "cannot open '%s'", path);
        goto fail;
    }
    self->fd = STDIN_FILENO;
    if (!self->is_stdin && (status = open_path(path, &self->fd, err)) != WEIR_OK) {
        goto fail;
    }
    status = look_at(self, err);
    if (status != WEIR_OK) {
        goto fail;
    }
    *out = &self->base;
    return WEIR_OK;
fail:
    close_file(&self->base);
    return status;
}
