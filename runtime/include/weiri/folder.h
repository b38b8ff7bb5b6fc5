/* Folders on the medium: a file that is new, or has a new name, outlives a power failure
 * only when the folder that it stands in was synced, too. */
#ifndef WEIRI_FOLDER_H
#define WEIRI_FOLDER_H

#include <stddef.h>

#include "weir/error.h"

/* Put what stands in the folder `path` on the medium. errors  WEIR_EIO */
WEIR_MUST_CHECK weir_status
weiri_sync_folder(const char *path, weir_error *err);

/* The same for the folder that holds `path`. errors  WEIR_EIO, WEIR_EINVAL */
WEIR_MUST_CHECK weir_status
weiri_sync_folder_of(const char *path, weir_error *err);

/* Write all of some bytes, whatever short writes and signals make of it.
 *
 *   bytes   shape (size,)
 *   path    as people know the file
 *   errors  WEIR_EIO  some of them may be written
 */
WEIR_MUST_CHECK weir_status
weiri_write_all(
    int fd, const void *bytes, size_t size, const char *path, weir_error *err);

#endif
