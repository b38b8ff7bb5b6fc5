/* Files of rule text, places in them, and what is said about those places. */
#ifndef WEIRI_DIAGNOSTICS_H
#define WEIRI_DIAGNOSTICS_H

#include "codes.h"
#include "weiri/arena.h"
#include "weiri/dsl.h"

/* Bytes of a file. */
typedef struct weiri_span {
    uint32_t file; /* index, as weiri_diagnostics_add_file gave it */
    uint32_t offset;
    uint32_t size;
} weiri_span;

typedef struct weiri_text_file {
    const char     *name;
    const char     *text; /* a copy, with a zero byte after it */
    uint32_t        size;
    const uint32_t *lines; /* shape (n_lines,): where each begins */
    uint32_t        n_lines;
} weiri_text_file;

enum {
    WEIRI_FILE_BYTES  = 4 << 20, /* size of a file of rules                 */
    WEIRI_FILES       = 256,     /* files of one compilation                */
    WEIRI_DIAGNOSTICS = 500      /* reports kept; further ones are counted  */
};

/* Keep a copy of a file; size <= WEIRI_FILE_BYTES. Returns its index. */
uint32_t
weiri_diagnostics_add_file(
    weiri_diagnostics *self, const char *name, const char *text, size_t size);

const weiri_text_file *
weiri_diagnostics_file(const weiri_diagnostics *self, uint32_t file);

/* Both ends and all between; of the same file. */
weiri_span
weiri_span_join(weiri_span first, weiri_span last);

weiri_place_in_text
weiri_diagnostics_place(const weiri_diagnostics *self, weiri_span at);

/* Say what is wrong at a place. The same code at the same place is kept once. */
void
weiri_report(weiri_diagnostics *self, weiri_code code, weiri_span at, const char *format,
    ...) __attribute__((format(printf, 4, 5)));

/* Whether a nearest name of so many is worth the search: the report made last was kept,
 * and the names are few enough. */
bool
weiri_report_seeks_nearest(const weiri_diagnostics *self, size_t n_names);

/* How the report made last can be mended. */
void
weiri_report_hint(weiri_diagnostics *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What stands at this place was put in for a call: reports about it show the definition
 * as a hint. */
void
weiri_diagnostics_expansion(
    weiri_diagnostics *self, weiri_span call, weiri_span definition);

/* Keep the reports for which `keep` is true. */
void
weiri_report_filter(weiri_diagnostics *self,
    bool (*keep)(void *context, weiri_code code, weiri_span at), void *context);

/* Hint at the nearest of several names, if one is near. */
void
weiri_report_nearest(
    weiri_diagnostics *self, const char *name, const char *const *names, size_t n_names);

/* ---- text ---- */

/* The code point at text[0 .. size), size > 0, and its length in bytes; length 0 and
 * U+FFFD where the bytes are not UTF-8. */
uint32_t
weiri_utf8_decode(const char *text, size_t size, uint32_t *length);

/* How many columns a terminal gives to a code point: 0, 1 or 2. */
uint32_t
weiri_utf8_width(uint32_t code_point);

/* The nearest of `names` by edit distance with transpositions, if it is near enough to
 * be a slip; else NULL. (Damerau, CACM 7(3), 1964, restricted form.) */
const char *
weiri_nearest_name(const char *name, const char *const *names, size_t n_names);

#endif
