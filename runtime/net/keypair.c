#define _POSIX_C_SOURCE 200809L
#include "weiri/keypair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "weiri/folder.h"

enum { MAX_PATH = 4096 };

static const char Z85[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          ".-:+=^!/*?&<>()[]{}@%$#";

weir_status
weiri_keypair_make(weiri_keypair *out, weir_error *err)
{
    return zmq_curve_keypair(out->public_key, out->secret_key) == 0
               ? WEIR_OK
               : WEIR_FAIL(err, WEIR_EIO, "no key can be made: %s", zmq_strerror(errno));
}

void
weiri_keypair_forget(weiri_keypair *self)
{
    volatile char *at = (volatile char *)self;
    for (size_t i = 0; i < sizeof *self; i++) {
        at[i] = 0;
    }
}

/* Five characters stand for a number of 32 bits, and some of them for more. */
bool
weiri_key_is_valid(const char *text)
{
    uint64_t value = 0;
    for (size_t i = 0; i < WEIRI_KEY_TEXT; i++) {
        const char *at = text[i] != 0 ? strchr(Z85, text[i]) : NULL;
        if (at == NULL) {
            return false;
        }
        value = (i % 5 == 0 ? 0 : value * 85) + (uint64_t)(at - Z85);
        if (value > UINT32_MAX) {
            return false;
        }
    }
    return text[WEIRI_KEY_TEXT] == 0;
}

/* ---- files ---- */

static weir_status
write_key(const char *path, mode_t mode, const char *key, weir_error *err)
{
    char line[WEIRI_KEY_TEXT + 2];
    int  size = snprintf(line, sizeof line, "%s\n", key);
    int  fd   = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) {
        return errno == EEXIST ? WEIR_FAIL(err, WEIR_EINVAL,
                   "'%s' is there already, and a key is never overwritten", path)
                               : WEIR_FAIL_OS(err, errno, "cannot make '%s'", path);
    }
    bool is_written =
        fchmod(fd, mode) == 0 && write(fd, line, (size_t)size) == size && fsync(fd) == 0;
    int code = errno;
    close(fd);
    if (!is_written) {
        unlink(path);
    }
    return is_written ? WEIR_OK : WEIR_FAIL_OS(err, code, "cannot write '%s'", path);
}

weir_status
weiri_keypair_store(const weiri_keypair *self, const char *stem, weir_error *err)
{
    char secret_path[MAX_PATH];
    char public_path[MAX_PATH];
    int  n = snprintf(secret_path, sizeof secret_path, "%s.key", stem);
    if (n < 0 || (size_t)n >= sizeof secret_path) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the name is too long");
    }
    snprintf(public_path, sizeof public_path, "%.*s.pub", n - 4, secret_path);
    weir_status status = write_key(secret_path, 0600, self->secret_key, err);
    if (status != WEIR_OK) {
        return status;
    }
    status = write_key(public_path, 0644, self->public_key, err);
    status = status == WEIR_OK ? weiri_sync_folder_of(public_path, err) : status;
    if (status != WEIR_OK) {
        unlink(secret_path);
    }
    return status;
}

/* The one word of a file. It was opened: what is read is what was looked at. */
static weir_status
read_word(int fd, const char *path, char *out, weir_error *err)
{
    char    text[WEIRI_KEY_TEXT + 16];
    ssize_t n = read(fd, text, sizeof text);
    if (n < 0) {
        return WEIR_FAIL_OS(err, errno, "cannot read '%s'", path);
    }
    size_t size = (size_t)n;
    while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL) {
        size--;
    }
    bool is_key = size == WEIRI_KEY_TEXT;
    if (is_key) {
        memcpy(out, text, WEIRI_KEY_TEXT);
        out[WEIRI_KEY_TEXT] = 0;
        is_key              = weiri_key_is_valid(out);
    }
    memset(text, 0, sizeof text);
    return is_key ? WEIR_OK
                  : WEIR_FAIL(err, WEIR_EDATA,
                      "'%s' has no key in it: a line of %d characters, as weir keygen "
                      "writes it",
                      path, WEIRI_KEY_TEXT);
}

static weir_status
open_key(const char *path, int *fd, struct stat *about, weir_error *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) {
        return errno == ENOENT ? WEIR_FAIL(
                   err, WEIR_ENOENT, "there is no key '%s': weir keygen makes one", path)
                               : WEIR_FAIL_OS(err, errno, "cannot open '%s'", path);
    }
    if (fstat(*fd, about) != 0 || !S_ISREG(about->st_mode)) {
        close(*fd);
        return WEIR_FAIL(err, WEIR_EINVAL, "'%s' is no plain file", path);
    }
    return WEIR_OK;
}

weir_status
weiri_keypair_open(const char *path, weiri_keypair *out, weir_error *err)
{
    int         fd = -1;
    struct stat about;
    weir_status status = open_key(path, &fd, &about, err);
    if (status != WEIR_OK) {
        return status;
    }
    if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        status = WEIR_FAIL(err, WEIR_EINVAL,
            "others may use the secret key '%s' (mode %03o): chmod 600 %s", path,
            (unsigned)(about.st_mode & 0777), path);
    } else {
        status = read_word(fd, path, out->secret_key, err);
    }
    close(fd);
    if (status == WEIR_OK && zmq_curve_public(out->public_key, out->secret_key) != 0) {
        status = WEIR_FAIL(err, WEIR_EDATA, "'%s' has no key in it", path);
    }
    if (status != WEIR_OK) {
        weiri_keypair_forget(out);
    }
    return status;
}

weir_status
weiri_keypair_open_public(const char *path, char *out, weir_error *err)
{
    int         fd = -1;
    struct stat about;
    weir_status status = open_key(path, &fd, &about, err);
    if (status == WEIR_OK) {
        status = read_word(fd, path, out, err);
        close(fd);
    }
    return status;
}
