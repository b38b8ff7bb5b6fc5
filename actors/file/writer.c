/* A writer of a file: a buffer before a descriptor.
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

#include "../bytes/ops.h"
#include "weiri/folder.h"

enum { BUFFER_BYTES = 128 << 10, FILE_MODE = 0666 };

typedef struct file_writer {
    weiri_writer base;
    int          fd;
    bool         is_stdout;
    weir_status  fault;       /* WEIR_OK until a write fails             */
    int          fault_errno; /* why, to be told again                   */
    size_t       used;        /* of `buffer`                             */
    char        *path;
    char        *buffer; /* BUFFER_BYTES */
} file_writer;

static void
free_writer(file_writer *self)
{
    free(self->path);
    free(self->buffer);
    free(self);
}

/* Keep the first `size` bytes of what is there. */
static weir_status
cut_back(file_writer *self, uint64_t size, weir_error *err)
{
    struct stat about = { 0 };
    if (fstat(self->fd, &about) != 0) {
        return WEIR_FAIL_OS(err, errno, "cannot write '%s'", self->path);
    }
    self->base.is_regular = S_ISREG(about.st_mode);
    if (!self->base.is_regular) {
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
fail_write(file_writer *self, int os_errno, weir_error *err)
{
    self->fault_errno = os_errno;
    self->fault       = os_errno == EPIPE ? WEIR_ECLOSED : WEIR_EIO;
    if (self->fault == WEIR_ECLOSED) {
        return WEIR_FAIL(err, WEIR_ECLOSED,
            "'%s': its reader has gone after %" PRIu64 " bytes", self->path,
            self->base.n_written);
    }
    return WEIR_FAIL_OS(err, os_errno, "cannot write '%s' after %" PRIu64 " bytes",
        self->path, self->base.n_written);
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
write_all(file_writer *self, const char *bytes, size_t size, weir_error *err)
{
    size_t n_done = 0;
    while (n_done < size) {
        ssize_t n = write(self->fd, bytes + n_done, size - n_done);
        if (n >= 0) {
            n_done += (size_t)n;
            self->base.n_written += (uint64_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            wait_for_room(self->fd);
        } else if (errno != EINTR) {
            return fail_write(self, errno, err);
        }
    }
    return WEIR_OK;
}

static weir_status
flush_file(weiri_writer *base, weir_error *err)
{
    file_writer *self = (file_writer *)base;
    if (self->fault != WEIR_OK) {
        return fail_write(self, self->fault_errno, err);
    }
    weir_status status = write_all(self, self->buffer, self->used, err);
    self->used         = 0;
    return status;
}

static weir_status
write_file(weiri_writer *base, const char *bytes, size_t size, weir_error *err)
{
    file_writer *self = (file_writer *)base;
    if (self->fault != WEIR_OK || size > BUFFER_BYTES - self->used) {
        weir_status status = flush_file(&self->base, err);
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

static weir_status
close_file(weiri_writer *base, weir_error *err)
{
    file_writer *self   = (file_writer *)base;
    weir_status  status = flush_file(&self->base, err);
    if (!self->is_stdout && close(self->fd) != 0 && errno != EINTR && status == WEIR_OK) {
        status = fail_write(self, errno, err);
    }
    free_writer(self);
    return status;
}

static weir_status
sync_file(const weiri_writer *base, weir_error *err)
{
    const file_writer *self = (const file_writer *)base;
    if (fdatasync(self->fd) != 0) {
        return WEIR_FAIL_OS(err, errno, "cannot sync '%s'", self->path);
    }
    return weiri_sync_folder_of(self->path, err); /* it may be new there */
}

static const weiri_writer_ops OPS = {
    .close = close_file,
    .write = write_file,
    .flush = flush_file,
    .sync  = sync_file,
};

static weir_status
open_writer(const char *path, uint64_t size, weiri_writer **out, weir_error *err)
{
    file_writer *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "cannot write '%s'", path);
    }
    self->base.ops     = &OPS;
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
    self->base.n_written = size;
    *out                 = &self->base;
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
