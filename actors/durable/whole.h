/* Files that are there as a whole or not at all. */
#ifndef WEIRI_WHOLE_H
#define WEIRI_WHOLE_H

#include "weiri/sections.h"

enum { WEIRI_WHOLE_PATH = 4096 };

/* Sections as a file, under another name first, synced, and then renamed.
 *
 *   errors  WEIR_EIO, WEIR_ENOSPC, WEIR_ENOMEM, WEIR_EINVAL the name is too long: there
 * is no such file, or the one that was there before
 */
WEIR_MUST_CHECK weir_status
weiri_whole_write(const char *file, const weiri_sections *sections, weir_error *err);

/* errors  WEIR_ENOENT; WEIR_EDATA it is damaged; WEIR_EIO, WEIR_ENOMEM: `out` is empty */
WEIR_MUST_CHECK weir_status
weiri_whole_read(const char *file, weiri_sections *out, weir_error *err);

#endif
