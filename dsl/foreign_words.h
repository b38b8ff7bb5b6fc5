/* What people write who come from SQL, from Java or from another engine, and how it is
 * said here. */
#ifndef WEIRI_DSL_FOREIGN_WORDS_H
#define WEIRI_DSL_FOREIGN_WORDS_H

#include "diagnostics.h"
#include "tokens.h"

typedef enum weiri_foreign_place {
    WEIRI_FOREIGN_STATEMENT, /* where a statement begins      */
    WEIRI_FOREIGN_CLAUSE,    /* where a clause of a rule does */
    WEIRI_FOREIGN_FUNCTION   /* where something is called     */
} weiri_foreign_place;

/* Hint at what is written here instead of `word`, below the last report. False: nothing
 * is known of it. */
bool
weiri_hint_foreign(weiri_diagnostics *self, weiri_foreign_place where, const char *word);

/* The same for a token that stands where something else was expected.
 *
 *   expected  as the report says it
 *   word      the token's text, `size` bytes
 */
void
weiri_hint_instead(weiri_diagnostics *self, const char *expected, weiri_token_kind found,
    const char *word, size_t size);

#endif
