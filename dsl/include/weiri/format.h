/* Rule text in its one canonical form.
 *
 * The form: two columns a level, one statement, clause, field and test line to a line,
 * the words of clauses, the types of fields and the values of a broken record below each
 * other, at most one blank line, and one around each statement of several lines. Lines
 * have at most 100 columns where a break is possible. Two of the author's line breaks are
 * kept, because they say how something is to be read: one after the '{' of a record, and
 * one before the first arrow of a pattern. Comments stay where they stood.
 */
#ifndef WEIRI_FORMAT_H
#define WEIRI_FORMAT_H

#include "weiri/dsl.h"

/* Format the text of one file; what it includes is not read.
 *
 *   name         of the file, for reports
 *   diagnostics  takes what is wrong with the text; names and types are not looked at
 *   out          the text, to be freed; untouched on error
 *   out_size     bytes
 *   errors       WEIR_ESYNTAX  what is wrong is in `diagnostics`
 *                WEIR_ENOMEM
 *   thread       any
 *   source       groups that break together or stay on one line: Oppen, TOPLAS 2(4), 1980
 */
WEIR_MUST_CHECK weir_status
weiri_format_text(const char *name, const char *text, size_t size,
    weiri_diagnostics *diagnostics, char **out, size_t *out_size, weir_error *err);

#endif
