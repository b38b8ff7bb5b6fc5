#define _XOPEN_SOURCE 700 /* realpath, mkstemp */

#include "text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weiri/folder.h"

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

/* With the rights of the one that it is to replace. */
static weir_status
fill(int file, const char *real, const char *text, size_t size, weir_error *err)
{
    struct stat info;
    weir_status status = WEIR_OK;
    if (stat(real, &info) != 0 || fchmod(file, info.st_mode & 07777) != 0) {
        status = WEIR_FAIL_OS(err, errno, "cannot write '%s'", real);
    }
    if (status == WEIR_OK) {
        status = weiri_write_all(file, text, size, real, err);
    }
    return close(file) == 0 || status != WEIR_OK
               ? status
               : WEIR_FAIL_OS(err, errno, "cannot write '%s'", real);
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
    int         file   = mkstemp(name);
    weir_status status = file >= 0 ? fill(file, real, text, size, err)
                                   : WEIR_FAIL_OS(err, errno, "cannot write '%s'", path);
    if (status == WEIR_OK && rename(name, real) != 0) {
        status = WEIR_FAIL_OS(err, errno, "cannot write '%s'", path);
    }
    if (file >= 0 && status != WEIR_OK) {
        unlink(name);
    }
    free(real);
    free(name);
    return status;
}
