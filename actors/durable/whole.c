#define _GNU_SOURCE
#include "whole.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "weiri/folder.h"

enum { FILE_MODE = 0640, READ_BYTES = 1 << 20 };

/* Under another name first, so that a file of that name is always whole. */
static weir_status
write_file(const char *file, const weiri_pack *pack, weir_error *err)
{
    char half[WEIRI_WHOLE_PATH];
    if (snprintf(half, sizeof half, "%s.new", file) >= (int)sizeof half) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the name '%s' is too long", file);
    }
    int fd = open(half, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    if (fd < 0) {
        return WEIR_FAIL_OS(err, errno, "cannot write '%s'", half);
    }
    weir_status status = weiri_write_all(fd, pack->bytes, pack->size, file, err);
    if (status == WEIR_OK && (fsync(fd) != 0 || rename(half, file) != 0)) {
        status = WEIR_FAIL_OS(err, errno, "cannot write '%s'", file);
    }
    close(fd);
    if (status != WEIR_OK) {
        unlink(half);
        return status;
    }
    return weiri_sync_folder_of(file, err);
}

weir_status
weiri_whole_write(const char *file, const weiri_sections *sections, weir_error *err)
{
    weiri_pack pack = { 0 };
    weiri_sections_pack(sections, &pack);
    weir_status status = pack.is_out_of_memory || weiri_sections_failed(sections)
                             ? WEIR_FAIL(err, WEIR_ENOMEM, "no memory for '%s'", file)
                             : write_file(file, &pack, err);
    weiri_pack_fini(&pack);
    return status;
}

static weir_status
read_file(const char *file, weiri_pack *out, weir_error *err)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT
                   ? WEIR_FAIL(err, WEIR_ENOENT, "cannot open '%s': no such file", file)
                   : WEIR_FAIL_OS(err, errno, "cannot open '%s'", file);
    }
    uint8_t    *buffer = malloc(READ_BYTES);
    weir_status status = buffer != NULL ? WEIR_OK : WEIR_ENOMEM;
    ssize_t     n      = 1;
    while (status == WEIR_OK && n != 0) {
        n = read(fd, buffer, READ_BYTES);
        if (n > 0) {
            weiri_pack_bytes(out, buffer, (size_t)n);
        } else if (n < 0 && errno != EINTR) {
            status = WEIR_FAIL_OS(err, errno, "cannot read '%s'", file);
        }
    }
    free(buffer);
    close(fd);
    return status == WEIR_OK && out->is_out_of_memory ? WEIR_ENOMEM : status;
}

weir_status
weiri_whole_read(const char *file, weiri_sections *out, weir_error *err)
{
    weiri_pack  pack   = { 0 };
    weir_status status = read_file(file, &pack, err);
    *out               = (weiri_sections){ 0 };
    if (status == WEIR_OK) {
        status = weiri_sections_unpack(out, pack.bytes, pack.size, err);
        status = status == WEIR_OK ? status : WEIR_CONTEXT(err, status, "'%s'", file);
    }
    weiri_pack_fini(&pack);
    return status;
}
