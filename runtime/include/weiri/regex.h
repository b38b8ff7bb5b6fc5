/* Regular expressions with named groups, searched in time that is bounded by the
 * pattern's size times the text's.
 *
 * Syntax: what RE2, Perl and Java have in common, of the first match as these find it:
 * . [a-z] [^a-z] \d \w \s \D \W \S \b \B ^ $ | ( ) (?: ) (?<name> ) (?P<name> )
 * * + ? {n} {n,} {n,m}, each with ? for as little as possible, and (?i) at the beginning:
 * letters of ASCII in either case. \d, \w, \s and \b know ASCII; what else takes one
 * character takes one of UTF-8. No references back and no looking around.
 */
#ifndef WEIRI_REGEX_H
#define WEIRI_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

enum {
    WEIRI_REGEX_TEXT   = 4096,   /* bytes of a pattern                                */
    WEIRI_REGEX_CODE   = 16384,  /* instructions, repetitions counted out             */
    WEIRI_REGEX_GROUPS = 64,     /* the whole match included                          */
    WEIRI_REGEX_DEPTH  = 100,    /* parentheses within each other                     */
    WEIRI_REGEX_MARKS  = 1 << 26 /* choices of the pattern times bytes of the text    */
};

typedef struct weiri_regex weiri_regex;

/* The text of a group; NULL: it took no part in the match. */
typedef struct weiri_regex_part {
    const char *text;
    size_t      size;
} weiri_regex_part;

/* What a search needs to remember; one a thread. {0} is an empty one. */
typedef struct weiri_regex_scratch {
    uint64_t *marks;
    size_t    n_words;
    void     *jobs;
    size_t    n_jobs;
} weiri_regex_scratch;

/* Compile.
 *
 *   text    UTF-8, `size` bytes, at most WEIRI_REGEX_TEXT; not kept
 *   errors  WEIR_EINVAL  it is no pattern; `err` says what is wrong, and at which
 * character WEIR_ENOMEM thread  any; what is made may be searched with by several threads
 */
WEIR_MUST_CHECK weir_status
weiri_regex_new(const char *text, size_t size, weiri_regex **out, weir_error *err);

void
weiri_regex_destroy(weiri_regex **self_p);

/* How many groups: the whole match, which is group 0, and those of the pattern from left
 * to right. Groups of one name are one group, which holds what the last of them took. */
uint32_t
weiri_regex_n_groups(const weiri_regex *self);

/* NULL: the group has no name. Borrowed. */
const char *
weiri_regex_group_name(const weiri_regex *self, uint32_t group);

/* The leftmost match; of those that begin there the one that the pattern prefers.
 *
 *   text    valid UTF-8, `size` bytes
 *   parts   shape (n_groups,), into `text`; unspecified unless *found
 *   errors  WEIR_EFULL   the text is too long for the pattern (WEIRI_REGEX_MARKS)
 *           WEIR_ENOMEM
 *   cost    O(size of the pattern times size of the text)
 *   source  backtracking that goes no way twice, as RE2's bitstate.cc
 */
WEIR_MUST_CHECK weir_status
weiri_regex_search(const weiri_regex *self, weiri_regex_scratch *scratch,
    const char *text, size_t size, weiri_regex_part *parts, bool *found);

void
weiri_regex_scratch_fini(weiri_regex_scratch *self);

#endif
