/* weiri_writer: a buffer before a descriptor.
 *
 * After a failure the writer stays failed: what was lost in between would be a hole in
 * the output that nobody sees.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weiri/bytes.h"
#include "weiri/folder.h"

enum { BUFFER_BYTES = 128 << 10, FILE_MODE = 0666 };

struct weiri_writer {
    int         fd;
    bool        is_stdout;
    bool        is_regular;
    weir_status fault;       /* WEIR_OK until a write fails             */
    int         fault_errno; /* why, to be told again                   */
    uint64_t    n_written;   /* bytes that the system has taken         */
    size_t      used;        /* of `buffer`                             */
    char       *path;
    char       *buffer; /* BUFFER_BYTES */
};

static void
free_writer(weiri_writer *self)
{
    free(self->path);
    free(self->buffer);
    free(self);
}

/* Keep the first `size` bytes of what is there. */
static weir_status
cut_back(weiri_writer *self, uint64_t size, weir_error *err)
{
    struct stat about = { 0 };
    if (fstat(self->fd, &about) != 0) {
        return WEIR_FAIL_OS(err, errno, "cannot write '%s'", self->path);
    }
    self->is_regular = S_ISREG(about.st_mode);
    if (!self->is_regular) {
        return WEIR_OK; /* what was written cannot be taken back */
    }
    if ((uint64_t)about.st_size < size) {
        return WEIR_FAIL(err, WEIR_EDATA,
            "'%s' has %" PRIu64 " bytes, fewer than the %" PRIu64 " that were written",
            self->path, (uint64_t)about.st_size, size);
    }
    if (ftruncate(self->fd, (off_t)size) != 0
        || lseek(self->fd, (off_t)size, SEEK_SET) < 0) {
        return WEIR_FAIL_OS(err, errno, "cannot cut '%s' back", self->path);
    }
    return WEIR_OK;
}

static weir_status
open_writer(const char *path, uint64_t size, weiri_writer **out, weir_error *err)
{
    weiri_writer *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "cannot write '%s'", path);
    }
    self->is_stdout    = strcmp(path, "-") == 0;
    self->path         = strdup(self->is_stdout ? "standard output" : path);
    self->buffer       = malloc(BUFFER_BYTES);
    weir_status status = WEIR_OK;
    if (self->path == NULL || self->buffer == NULL) {
        status = WEIR_FAIL(err, WEIR_ENOMEM, "cannot write '%s'", path);
        goto fail;
    }
    self->fd = self->is_stdout ? STDOUT_FILENO
                               : open(path, O_WRONLY | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (self->fd < 0) {
        status = WEIR_FAIL_OS(err, errno, "cannot write '%s'", path);
        goto fail;
    }
    status = self->is_stdout ? WEIR_OK : cut_back(self, size, err);
    if (status != WEIR_OK) {
        close(self->fd);
        goto fail;
    }
    self->n_written = size;
    *out            = self;
    return WEIR_OK;
fail:
    free_writer(self);
    return status;
}

weir_status
weiri_writer_open(const char *path, weiri_writer **out, weir_error *err)
{
    return open_writer(path, 0, out, err);
}

weir_status
weiri_writer_resume(const char *path, uint64_t size, weiri_writer **out, weir_error *err)
{
    return open_writer(path, size, out, err);
}

bool
weiri_writer_is_regular(const weiri_writer *self)
{
    return self->is_regular;
}

uint64_t
weiri_writer_size(const weiri_writer *self)
{
    return self->n_written;
}

weir_status
weiri_writer_sync(const weiri_writer *self, weir_error *err)
{
    if (!self->is_regular) {
        return WEIR_OK;
    }
    if (fdatasync(self->fd) != 0) {
        return WEIR_FAIL_OS(err, errno, "cannot sync '%s'", self->path);
    }
    return weiri_sync_folder_of(self->path, err); /* it may be new there */
}

static weir_status
fail_write(weiri_writer *self, int os_errno, weir_error *err)
{
    self->fault_errno = os_errno;
    self->fault       = os_errno == EPIPE ? WEIR_ECLOSED : WEIR_EIO;
    if (self->fault == WEIR_ECLOSED) {
        return WEIR_FAIL(err, WEIR_ECLOSED,
            "'%s': its reader has gone after %" PRIu64 " bytes", self->path,
            self->n_written);
    }
    return WEIR_FAIL_OS(err, os_errno, "cannot write '%s' after %" PRIu64 " bytes",
        self->path, self->n_written);
}

/* A descriptor that somebody made non-blocking: wait until it takes more. */
static void
wait_for_room(int fd)
{
    struct pollfd ready = { .fd = fd, .events = POLLOUT };
    (void)poll(&ready, 1, -1); /* a failure shows in the next write */
}

/* Write everything; what a short write left is tried again. */
static weir_status
write_all(weiri_writer *self, const char *bytes, size_t size, weir_error *err)
{
    size_t n_done = 0;
    while (n_done < size) {
        ssize_t n = write(self->fd, bytes + n_done, size - n_done);
        if (n >= 0) {
            n_done += (size_t)n;
            self->n_written += (uint64_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            wait_for_room(self->fd);
        } else if (errno != EINTR) {
            return fail_write(self, errno, err);
        }
    }
    return WEIR_OK;
}

weir_status
weiri_writer_flush(weiri_writer *self, weir_error *err)
{
    if (self->fault != WEIR_OK) {
        return fail_write(self, self->fault_errno, err);
    }
    weir_status status = write_all(self, self->buffer, self->used, err);
    self->used         = 0;
    return status;
}

weir_status
weiri_writer_write(weiri_writer *self, const char *bytes, size_t size, weir_error *err)
{
    if (self->fault != WEIR_OK || size > BUFFER_BYTES - self->used) {
        weir_status status = weiri_writer_flush(self, err);
        if (status != WEIR_OK) {
            return status;
        }
    }
    if (size >= BUFFER_BYTES) { /* the buffer is empty, and would not save a call */
        return write_all(self, bytes, size, err);
    }
    if (size > 0) {
        memcpy(self->buffer + self->used, bytes, size);
        self->used += size;
    }
    return WEIR_OK;
}

weir_status
weiri_writer_close(weiri_writer **self_p, weir_error *err)
{
    weiri_writer *self = *self_p;
    *self_p            = NULL;
    if (self == NULL) {
        return WEIR_OK;
    }
    weir_status status = weiri_writer_flush(self, err);
    if (!self->is_stdout && close(self->fd) != 0 && errno != EINTR && status == WEIR_OK) {
        status = fail_write(self, errno, err);
    }
    free_writer(self);
    return status;
}
