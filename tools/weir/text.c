#define _XOPEN_SOURCE 700 /* realpath, mkstemp */

#include "text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static weir_status
read_all(FILE *file, size_t bound, char **text, size_t *size)
{
    size_t room   = 1 << 14;
    size_t used   = 0;
    char  *buffer = malloc(room);
    while (buffer != NULL && used <= bound) {
        size_t n = fread(buffer + used, 1, room - used - 1, file);
        used += n;
        if (n == 0) {
            buffer[used] = '\0';
            *text        = buffer;
            *size        = used;
            return WEIR_OK;
        }
        if (used + 1 == room) {
            char *larger = realloc(buffer, room * 2);
            if (larger == NULL) {
                free(buffer);
            }
            buffer = larger;
            room *= 2;
        }
    }
    weir_status status = buffer == NULL ? WEIR_ENOMEM : WEIR_EDATA;
    free(buffer);
    return status;
}

weir_status
text_read(const char *path, size_t bound, char **text, size_t *size, weir_error *err)
{
    bool  is_stdin = strcmp(path, "-") == 0;
    FILE *file     = is_stdin ? stdin : fopen(path, "rbe");
    if (file == NULL && errno == ENOENT) {
        return WEIR_FAIL(err, WEIR_ENOENT, "there is no file '%s'", path);
    }
    if (file == NULL) {
        return WEIR_FAIL_OS(err, errno, "cannot open '%s'", path);
    }
    errno              = 0;
    weir_status status = read_all(file, bound, text, size);
    if (status == WEIR_EDATA) {
        status = WEIR_FAIL(err, WEIR_EDATA, "'%s' has more than %zu bytes", path, bound);
    } else if (status == WEIR_OK && ferror(file)) {
        free(*text);
        *text  = NULL;
        status = WEIR_FAIL_OS(err, errno, "cannot read '%s'", path);
    }
    if (!is_stdin) {
        fclose(file);
    }
    return status;
}

/* ---- writing ---- */

static bool
write_all(int file, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = write(file, text, size);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        text += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool
fill(int file, const char *real, const char *text, size_t size)
{
    struct stat info;
    bool is_whole = stat(real, &info) == 0 && fchmod(file, info.st_mode & 07777) == 0
                    && write_all(file, text, size);
    return close(file) == 0 && is_whole;
}

weir_status
text_replace(const char *path, const char *text, size_t size, weir_error *err)
{
    char  *real = realpath(path, NULL);
    size_t room = real == NULL ? 0 : strlen(real) + sizeof ".XXXXXX";
    char  *name = malloc(room + 1);
    if (real == NULL || name == NULL) {
        free(real);
        free(name);
        return WEIR_FAIL_OS(err, errno, "cannot write '%s'", path);
    }
    snprintf(name, room, "%s.XXXXXX", real);
    int  file    = mkstemp(name);
    bool is_done = file >= 0 && fill(file, real, text, size) && rename(name, real) == 0;
    int  failed  = errno;
    if (file >= 0 && !is_done) {
        unlink(name);
    }
    free(real);
    free(name);
    return is_done ? WEIR_OK : WEIR_FAIL_OS(err, failed, "cannot write '%s'", path);
}
