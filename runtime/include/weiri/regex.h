/* Regular expressions with named groups: those of Perl, as PCRE2 has them.
 *
 * A text is one line of UTF-8: . takes any character, ^ and $ are the text's ends, \d,
 * \w, \s and \b know ASCII. Settings at the beginning of a pattern, as (?i), may change
 * that.
 *
 * A search goes back and tries again, so that a pattern can make it long. What it may
 * take is bounded by numbers that depend on pattern and text alone, not on time or
 * machine.
 */
#ifndef WEIRI_REGEX_H
#define WEIRI_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

enum {
    WEIRI_REGEX_TEXT   = 4096,    /* bytes of a pattern                       */
    WEIRI_REGEX_GROUPS = 64,      /* the whole match included                 */
    WEIRI_REGEX_NESTED = 100,     /* parentheses within each other            */
    WEIRI_REGEX_DEPTH  = 1 << 16, /* choices that a search may come back to   */
    WEIRI_REGEX_SHORT  = 1024     /* bytes: a shorter text counts as this one */
};

/* What a search may read, in bytes; each choice counts as one reading of the text. */
#define WEIRI_REGEX_BYTES (UINT64_C(1) << 34)

typedef struct weiri_regex weiri_regex;

/* The text of a group; NULL: it took no part in the match. */
typedef struct weiri_regex_part {
    const char *text;
    size_t      size;
} weiri_regex_part;

/* What a search needs to remember; one a thread, for any pattern. {0} is an empty one. */
typedef struct weiri_regex_scratch {
    struct weiri_regex_memory *memory;
} weiri_regex_scratch;

/* Compile.
 *
 *   text    UTF-8, `size` bytes, at most WEIRI_REGEX_TEXT; not kept
 *   errors  WEIR_EINVAL  it is no pattern; `err` says what is wrong, and before which
 *                        character that was seen; *out is as it was
 *           WEIR_ENOMEM
 *   thread  any; what is made may be searched with by several threads
 */
WEIR_MUST_CHECK weir_status
weiri_regex_new(const char *text, size_t size, weiri_regex **out, weir_error *err);

void
weiri_regex_destroy(weiri_regex **self_p);

/* How many groups: the whole match, which is group 0, and those of the pattern from left
 * to right. Groups of one name are one group, which holds what the last of them in the
 * pattern took that took part. */
uint32_t
weiri_regex_n_groups(const weiri_regex *self);

/* NULL: the group has no name. Borrowed. */
const char *
weiri_regex_group_name(const weiri_regex *self, uint32_t group);

/* The leftmost match; of those that begin there the one that the pattern prefers.
 *
 *   text    any `size` bytes
 *   parts   shape (n_groups,), into `text`; unspecified unless *found
 *   errors  WEIR_EINVAL  the text is not UTF-8
 *           WEIR_EFULL   the search takes more than WEIRI_REGEX_BYTES or
 * WEIRI_REGEX_DEPTH WEIR_ENOMEM *found is false, and the next search works thread  one a
 * scratch
 */
WEIR_MUST_CHECK weir_status
weiri_regex_search(const weiri_regex *self, weiri_regex_scratch *scratch,
    const char *text, size_t size, weiri_regex_part *parts, bool *found);

void
weiri_regex_scratch_fini(weiri_regex_scratch *self);

#endif
