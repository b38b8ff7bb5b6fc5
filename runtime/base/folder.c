#define _POSIX_C_SOURCE 200809L
#include "weiri/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_PATH = 4096 };

weir_status
weiri_sync_folder(const char *path, weir_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return WEIR_FAIL_OS(err, errno, "cannot open '%s'", path);
    }
    int result = fsync(fd);
    int code   = errno;
    close(fd);
    return result == 0 ? WEIR_OK : WEIR_FAIL_OS(err, code, "cannot sync '%s'", path);
}

weir_status
weiri_sync_folder_of(const char *path, weir_error *err)
{
    char   folder[MAX_PATH];
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') {
        size--;
    }
    while (size > 0 && path[size - 1] != '/') {
        size--;
    }
    if (size >= sizeof folder) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the name '%s' is too long", path);
    }
    snprintf(folder, sizeof folder, "%.*s", (int)size, size > 0 ? path : "");
    return weiri_sync_folder(size > 0 ? folder : ".", err);
}

weir_status
weiri_write_all(int fd, const void *bytes, size_t size, const char *path, weir_error *err)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno != EINTR) {
            return WEIR_FAIL_OS(err, errno, "cannot write '%s'", path);
        }
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return WEIR_OK;
}
