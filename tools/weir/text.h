/* Whole files as text, and how two of them differ. */
#ifndef WEIR_TEXT_H
#define WEIR_TEXT_H

#include <stddef.h>
#include <stdio.h>

#include "weir/error.h"

/* All of a file, with a zero byte after it; "-" is standard input. To be freed.
 *
 *   errors  WEIR_ENOENT, WEIR_EIO, WEIR_ENOMEM: *text is untouched
 *           WEIR_EDATA  it has more than `bound` bytes
 */
WEIR_MUST_CHECK weir_status
text_read(const char *path, size_t bound, char **text, size_t *size, weir_error *err);

/* Put new text in the place of a file: at no time is there half of it. The file's mode is
 * kept; a symbolic link stays one.
 *
 *   errors  WEIR_EIO, WEIR_ENOMEM: the file is as it was
 */
WEIR_MUST_CHECK weir_status
text_replace(const char *path, const char *text, size_t size, weir_error *err);

/* Print what leads from `old` to `new` as a unified diff with three lines of context;
 * nothing if they are the same. (Longest common subsequence by Myers, Algorithmica 1,
 * 1986; beyond 2,000 edits the middle is given as one change.) */
WEIR_MUST_CHECK weir_status
text_print_diff(FILE *stream, const char *name, const char *old, const char *new);

#endif
