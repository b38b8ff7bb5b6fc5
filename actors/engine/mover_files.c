/* What a node has promised of key groups that move, in files of its state's folder. */
#define _GNU_SOURCE
#include "mover_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weiri/folder.h"

enum { FILE_MODE = 0640 };

static const weiri_seal SEAL = {
    .magic = "weirM", .not_ours = "it does not say what moves", .version = 1
};

/* FOLDER/NAME[.NUMBER]; to be freed, NULL: no memory. */
static char *
path_of(const weiri_engine *self, const char *name, uint64_t number)
{
    size_t size = strlen(self->options.folder) + strlen(name) + 32;
    char  *out  = malloc(size);
    if (out != NULL && number == 0) {
        snprintf(out, size, "%s/%s", self->options.folder, name);
    } else if (out != NULL) {
        snprintf(out, size, "%s/%s.%llu", self->options.folder, name,
            (unsigned long long)number);
    }
    return out;
}

static weir_status
write_all(int fd, const weiri_pack *pack)
{
    for (size_t at = 0; at < pack->size;) {
        ssize_t n = write(fd, pack->bytes + at, pack->size - at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return WEIR_EIO;
        }
        at += (size_t)n;
    }
    return fsync(fd) == 0 ? WEIR_OK : WEIR_EIO;
}

/* The file has all of it, on the medium, or is as it was. */
static weir_status
put_file(const char *path, const weiri_pack *pack, weir_error *err)
{
    size_t size = strlen(path) + sizeof ".new";
    char  *next = malloc(size);
    if (next == NULL || pack->is_out_of_memory) {
        free(next);
        return weiri_mover_no_memory(err);
    }
    snprintf(next, size, "%s.new", path);
    int         fd     = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    weir_status status = fd >= 0 ? write_all(fd, pack) : WEIR_EIO;
    int         code   = errno;
    if (fd >= 0 && close(fd) != 0 && status == WEIR_OK) {
        status = WEIR_EIO;
        code   = errno;
    }
    if (status == WEIR_OK && rename(next, path) != 0) {
        status = WEIR_EIO;
        code   = errno;
    }
    free(next);
    return status == WEIR_OK ? weiri_sync_folder_of(path, err)
                             : WEIR_FAIL_OS(err, code, "cannot write '%s'", path);
}

/* errors  WEIR_ENOENT  it is not there */
static weir_status
get_file(const char *path, weiri_pack *out, weir_error *err)
{
    struct stat about;
    int         fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        return WEIR_FAIL(err, WEIR_ENOENT, "'%s' is missing", path);
    }
    bool  is    = fd >= 0 && fstat(fd, &about) == 0;
    char *bytes = is ? malloc((size_t)about.st_size + 1) : NULL;
    for (off_t at = 0; bytes != NULL && is && at < about.st_size;) {
        ssize_t n = read(fd, bytes + at, (size_t)(about.st_size - at));
        is        = n > 0 || (n < 0 && errno == EINTR);
        at += n > 0 ? n : 0;
    }
    int code = errno;
    if (bytes != NULL && is) {
        weiri_pack_bytes(out, bytes, (size_t)about.st_size);
    }
    free(bytes);
    if (fd >= 0) {
        close(fd);
    }
    return is ? WEIR_OK : WEIR_FAIL_OS(err, code, "cannot read '%s'", path);
}

/* What was promised is on the medium, before anybody goes by it. */
weir_status
weiri_mover_keep(weiri_engine *self, weir_error *err)
{
    weiri_mover *mover = self->mover;
    weiri_pack   now   = { 0 };
    if (self->options.folder == NULL) {
        return WEIR_OK;
    }
    weiri_pack_open(&now, &SEAL);
    weiri_pack_number(&now, mover->moves.n_members);
    weiri_moves_pack(&mover->moves, &now);
    if (!weiri_pack_close(&now, 0, true)) {
        weiri_pack_fini(&now);
        return weiri_mover_no_memory(err);
    }
    if (now.size == mover->file.size
        && memcmp(now.bytes, mover->file.bytes, now.size) == 0) {
        weiri_pack_fini(&now);
        return WEIR_OK;
    }
    char       *path = path_of(self, "moves", 0);
    weir_status status =
        path != NULL ? put_file(path, &now, err) : weiri_mover_no_memory(err);
    free(path);
    weiri_pack_fini(&mover->file);
    mover->file = now;
    return status;
}

weir_status
weiri_mover_recall(weiri_engine *self, weir_error *err)
{
    weiri_mover *mover = self->mover;
    if (self->options.folder == NULL) {
        return WEIR_OK;
    }
    char *path = path_of(self, "moves", 0);
    if (path == NULL) {
        return weiri_mover_no_memory(err);
    }
    weir_status status = get_file(path, &mover->file, err);
    if (status == WEIR_ENOENT) {
        free(path);
        return WEIR_OK;
    }
    weiri_unpack in = { .at = mover->file.bytes,
        .end                = mover->file.bytes + mover->file.size };
    if (status == WEIR_OK) {
        const char *wrong = weiri_unpack_open(&in, &SEAL);
        if (wrong == NULL && weiri_unpack_number(&in) != mover->moves.n_members) {
            wrong = "it is of another cluster";
        }
        if (wrong == NULL) {
            weiri_moves_unpack(&mover->moves, &in);
            wrong = in.wrong;
        }
        status =
            wrong == NULL ? WEIR_OK : WEIR_FAIL(err, WEIR_EDATA, "'%s': %s", path, wrong);
    }
    free(path);
    return status;
}

weir_status
weiri_mover_put_state(
    weiri_engine *self, uint64_t number, const weiri_pack *bytes, weir_error *err)
{
    char       *path = path_of(self, "moved", number);
    weir_status status =
        path != NULL ? put_file(path, bytes, err) : weiri_mover_no_memory(err);
    free(path);
    return status;
}

weir_status
weiri_mover_get_state(
    weiri_engine *self, uint64_t number, weiri_pack *out, weir_error *err)
{
    char       *path = path_of(self, "moved", number);
    weir_status status =
        path != NULL ? get_file(path, out, err) : weiri_mover_no_memory(err);
    free(path);
    return status == WEIR_OK && out->is_out_of_memory ? weiri_mover_no_memory(err)
                                                      : status;
}

void
weiri_mover_drop_state(const weiri_engine *self, uint64_t number)
{
    char *path = path_of(self, "moved", number);
    if (path != NULL) {
        (void)unlink(path); /* one that is left is written anew, or never looked at */
    }
    free(path);
}
