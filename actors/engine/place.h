/* Where a source or sink is, and in what format: paths, names, and what they tell. */
#ifndef WEIRI_PLACE_H
#define WEIRI_PLACE_H

#include "weiri/engine.h"

/* `path` as seen from the folder of the rule file `file`; "-" and absolute paths stay.
 * The caller frees it; NULL when memory is out. */
char *
weiri_place_resolve(const char *file, const char *path);

/* The address of a socket, the path of an ipc:// one as seen from there. Likewise. */
char *
weiri_place_resolve_address(const char *file, const char *address);

/* What a file's name says: .jsonl .ndjson .json, .csv .tsv, .msgpack .mp, with .gz or
 * .zst after it; AUTO if it says nothing. */
weiri_format
weiri_place_format(const char *path);

/* Whether a format is one that can be read. errors  WEIR_EINVAL  `err` says how to name
 * it */
WEIR_MUST_CHECK weir_status
weiri_place_check_format(const char *path, weiri_format format, weir_error *err);

/* Whether the name says compressed: it ends with .gz or .zst. */
bool
weiri_place_is_packed(const char *path);

/* Whether two paths lead to one regular file that exists; never so for "-". */
bool
weiri_place_is_same_file(const char *a, const char *b);

/* Whether the name says tab-separated. */
bool
weiri_place_is_tsv(const char *path);

#endif
