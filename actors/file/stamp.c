#define _GNU_SOURCE /* st_mtim */

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "weiri/bytes.h"
#include "weiri/timetext.h"

/* File systems note times as the kernel's tick says: two writes in one tick are told
 * apart by nothing. A file that is older than this when it is read is not in doubt. */
enum { SETTLED_NS = 100000000 };

static int64_t
in_ns(struct timespec time)
{
    return time.tv_sec * WEIRI_NS_PER_S + time.tv_nsec;
}

weir_status
weiri_file_look(const char *path, weiri_file_stamp *out, weir_error *err)
{
    struct stat     about;
    struct timespec now;
    if (stat(path, &about) != 0) {
        return errno == ENOENT
                   ? WEIR_FAIL(err, WEIR_ENOENT, "cannot open '%s': no such file", path)
                   : WEIR_FAIL_OS(err, errno, "cannot open '%s'", path);
    }
    clock_gettime(CLOCK_REALTIME, &now);
    *out            = (weiri_file_stamp){ .device = (uint64_t)about.st_dev,
                   .inode                         = (uint64_t)about.st_ino,
                   .size                          = (uint64_t)about.st_size,
                   .modified_ns                   = in_ns(about.st_mtim),
                   .changed_ns                    = in_ns(about.st_ctim) };
    out->is_settled = in_ns(now) - out->changed_ns > SETTLED_NS;
    return WEIR_OK;
}

bool
weiri_file_is_same(const weiri_file_stamp *before, const weiri_file_stamp *now)
{
    return before->is_settled && before->device == now->device
           && before->inode == now->inode && before->size == now->size
           && before->modified_ns == now->modified_ns
           && before->changed_ns == now->changed_ns;
}
