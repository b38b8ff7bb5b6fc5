/* From text to tokens. Comments are kept aside, for a formatter. */
#ifndef WEIRI_LEXER_H
#define WEIRI_LEXER_H

#include "diagnostics.h"
#include "tokens.h"

typedef struct weiri_token {
    uint32_t offset;
    uint32_t size;
    uint32_t nesting;     /* brackets of any kind open before it; a closing one counts
                           * as its opening one does                  */
    uint32_t braces;      /* those of them that are braces            */
    uint8_t  kind;        /* weiri_token_kind                         */
    uint8_t  word;        /* weiri_word, of a NAME                    */
    bool     starts_line; /* nothing but white space stands before it */
} weiri_token;

typedef struct weiri_comment {
    uint32_t offset; /* of the '#'                               */
    uint32_t size;   /* to the line's end                        */
    uint32_t token;  /* index of the token that comes after it   */
    bool     starts_line;
} weiri_comment;

typedef struct weiri_tokens {
    weiri_token   *items; /* the last one is WEIRI_TOKEN_END */
    uint32_t       n_items;
    weiri_comment *comments;
    uint32_t       n_comments;
} weiri_tokens;

/* All tokens of a file; what cannot be read is reported and becomes a BAD token. */
weiri_tokens
weiri_lex(weiri_arena *arena, weiri_diagnostics *diagnostics, uint32_t file);

const char *
weiri_token_text(weiri_token_kind kind);

const char *
weiri_word_text(weiri_word word);

/* The bytes that a STRING token means: in quotes with escapes resolved (they were
 * checked), in backticks as they stand. */
const char *
weiri_string_value(weiri_arena *arena, const char *token, uint32_t size, uint32_t *n);

#endif
