#include "parser.h"

#include <string.h>

#include "foreign_words.h"

const weiri_token *
weiri_parser_peek(const weiri_parser *self, uint32_t ahead)
{
    uint32_t last = self->tokens.n_items - 1;
    return &self->tokens.items[ahead < last - self->at ? self->at + ahead : last];
}

weiri_token_kind
weiri_parser_kind(const weiri_parser *self)
{
    return self->is_lost ? WEIRI_TOKEN_END
                         : (weiri_token_kind)weiri_parser_peek(self, 0)->kind;
}

weiri_word
weiri_parser_word_at(const weiri_parser *self, uint32_t ahead)
{
    return self->is_lost ? WEIRI_WORD_OTHER
                         : (weiri_word)weiri_parser_peek(self, ahead)->word;
}

weiri_word
weiri_parser_word(const weiri_parser *self)
{
    return weiri_parser_word_at(self, 0);
}

static weiri_span
span_of(const weiri_parser *self, const weiri_token *token)
{
    return (weiri_span){ self->file, token->offset, token->size };
}

weiri_span
weiri_parser_span(const weiri_parser *self)
{
    return span_of(self, weiri_parser_peek(self, 0));
}

weiri_span
weiri_parser_span_from(const weiri_parser *self, uint32_t first)
{
    uint32_t last = self->at > first ? self->at - 1 : first;
    return weiri_span_join(span_of(self, &self->tokens.items[first]),
        span_of(self, &self->tokens.items[last]));
}

bool
weiri_parser_take(weiri_parser *self, weiri_token_kind kind)
{
    if (self->is_lost || weiri_parser_peek(self, 0)->kind != kind) {
        return false;
    }
    self->at++;
    return true;
}

bool
weiri_parser_take_word(weiri_parser *self, weiri_word word)
{
    if (weiri_parser_word(self) != word) {
        return false;
    }
    self->at++;
    return true;
}

/* Where something is missing at a line's end, the place is there and not on the
 * next line. */
static weiri_span
missing_at(const weiri_parser *self)
{
    const weiri_token *token = weiri_parser_peek(self, 0);
    if (self->at > 0 && (token->starts_line || token->kind == WEIRI_TOKEN_END)) {
        const weiri_token *before = &self->tokens.items[self->at - 1];
        return (weiri_span){ self->file, before->offset + before->size, 0 };
    }
    return span_of(self, token);
}

void
weiri_parser_fail(weiri_parser *self, const char *what)
{
    const weiri_token *token = weiri_parser_peek(self, 0);
    if (self->is_lost) {
        return;
    }
    self->is_lost = true;
    if (token->kind == WEIRI_TOKEN_BAD) {
        return; /* the lexer has reported it */
    }
    if (token->kind == WEIRI_TOKEN_END) {
        weiri_report(self->diagnostics, WEIRI_E_EXPECTED, missing_at(self),
            "expected %s before the end of the file", what);
        return;
    }
    weiri_report(self->diagnostics, WEIRI_E_EXPECTED, missing_at(self),
        "expected %s, found '%.*s'%s", what, (int)(token->size < 40 ? token->size : 40),
        self->text + token->offset, token->starts_line ? " on the next line" : "");
    weiri_hint_instead(
        self->diagnostics, what, token->kind, self->text + token->offset, token->size);
}

void
weiri_parser_fail_as(weiri_parser *self, weiri_code code, const char *text)
{
    if (!self->is_lost && weiri_parser_peek(self, 0)->kind != WEIRI_TOKEN_BAD) {
        weiri_report(self->diagnostics, code, weiri_parser_span(self), "%s", text);
    }
    self->is_lost = true;
}

bool
weiri_parser_expect(weiri_parser *self, weiri_token_kind kind, const char *what)
{
    if (weiri_parser_take(self, kind)) {
        return true;
    }
    weiri_parser_fail(self, what != NULL ? what : weiri_token_text(kind));
    return false;
}

bool
weiri_parser_expect_word(weiri_parser *self, weiri_word word)
{
    if (weiri_parser_take_word(self, word)) {
        return true;
    }
    weiri_parser_fail(
        self, weiri_arena_format(self->arena, "'%s'", weiri_word_text(word)));
    return false;
}

/* ---- where something begins ---- */

static bool
is_statement_word(uint8_t word)
{
    return word >= WEIRI_WORD_STREAM && word <= WEIRI_WORD_TEST;
}

static bool
is_clause_word(uint8_t word)
{
    return word >= WEIRI_WORD_MATCH && word <= WEIRI_WORD_ORDER;
}

/* A word followed by ':' or '.' or a sign of calculation is somebody's name. */
static bool
begins_something(const weiri_token *token)
{
    const weiri_token *next = token + 1; /* there is an END at least */
    switch (next->kind) {
    case WEIRI_TOKEN_NAME: return true;
    case WEIRI_TOKEN_STRING: return is_statement_word(token->word);
    case WEIRI_TOKEN_LEFT_PAREN:
    case WEIRI_TOKEN_INT:
    case WEIRI_TOKEN_DURATION: return is_clause_word(token->word);
    default: return false;
    }
}

/* `limit between 1 and 5` at a line's beginning is about a field called limit. */
static bool
is_operator_word(uint8_t word)
{
    return word == WEIRI_WORD_AND || word == WEIRI_WORD_OR || word == WEIRI_WORD_NOT
           || word == WEIRI_WORD_IN || word == WEIRI_WORD_IS || word == WEIRI_WORD_LIKE
           || word == WEIRI_WORD_BETWEEN;
}

bool
weiri_parser_is_at_clause(const weiri_parser *self)
{
    const weiri_token *token = weiri_parser_peek(self, 0);
    bool is_word = is_statement_word(token->word) || is_clause_word(token->word);
    return token->starts_line && is_word && token->kind == WEIRI_TOKEN_NAME
           && token[1].kind != WEIRI_TOKEN_LEFT_PAREN && begins_something(token)
           && !is_operator_word(token[1].word);
}

static bool
is_statement(const weiri_parser *self, const weiri_token *token)
{
    const weiri_text_file *file = weiri_diagnostics_file(self->diagnostics, self->file);
    bool is_at_margin = token->offset == 0 || file->text[token->offset - 1] == '\n';
    return token->starts_line && is_at_margin && is_statement_word(token->word)
           && begins_something(token);
}

/* ---- names and texts ---- */

weiri_ast_name
weiri_parser_name(weiri_parser *self, const char *what)
{
    weiri_ast_name     name  = { .at = weiri_parser_span(self) };
    const weiri_token *token = weiri_parser_peek(self, 0);
    if (token->braces == 0 && is_statement(self, token)) {
        weiri_parser_fail(self, what); /* the next statement, not a name in this one */
        return name;
    }
    if (weiri_parser_expect(self, WEIRI_TOKEN_NAME, what)) {
        name.text =
            weiri_arena_text(self->arena, self->text + name.at.offset, name.at.size);
    }
    return name;
}

weiri_ast_name
weiri_parser_stream(weiri_parser *self)
{
    weiri_ast_name name = weiri_parser_name(self, "a stream");
    bool           is_special =
        name.text != NULL
        && (strcmp(name.text, "late") == 0 || strcmp(name.text, "dead") == 0);
    if (is_special && weiri_parser_take(self, WEIRI_TOKEN_DOT)) {
        weiri_ast_name of = weiri_parser_name(self, "a stream");
        name.text         = of.text == NULL
                                ? NULL
                                : weiri_arena_format(self->arena, "%s.%s", name.text, of.text);
        name.at           = weiri_span_join(name.at, of.at);
    }
    return name;
}

const char *
weiri_parser_string(weiri_parser *self, const char *what, weiri_span *at)
{
    weiri_span place = weiri_parser_span(self);
    if (at != NULL) {
        *at = place;
    }
    if (!weiri_parser_expect(self, WEIRI_TOKEN_STRING, what)) {
        return NULL;
    }
    uint32_t    size = 0;
    const char *text =
        weiri_string_value(self->arena, self->text + place.offset, place.size, &size);
    if (strlen(text) != size) {
        self->at--;
        weiri_parser_fail_as(self, WEIRI_E_BAD_ESCAPE, "\\u0000 cannot stand here");
        return NULL;
    }
    return text;
}

bool
weiri_parser_enter(weiri_parser *self)
{
    if (self->depth >= WEIRI_AST_DEPTH) {
        weiri_parser_fail_as(self, WEIRI_E_NESTED_TOO_DEEPLY, "nested too deeply here");
        return false;
    }
    self->depth++;
    return true;
}

void
weiri_parser_leave(weiri_parser *self)
{
    self->depth--;
}

/* ---- recovery ---- */

static bool
is_stop(const weiri_token *token, weiri_sync sync)
{
    bool is_clause =
        token->starts_line && is_clause_word(token->word) && begins_something(token);
    switch (sync) {
    case WEIRI_SYNC_STATEMENT:
        return token->starts_line && is_statement_word(token->word)
               && begins_something(token);
    case WEIRI_SYNC_CLAUSE: return is_clause;
    case WEIRI_SYNC_LINE: return token->starts_line || token->kind == WEIRI_TOKEN_COMMA;
    case WEIRI_SYNC_COMMA: return is_clause || token->kind == WEIRI_TOKEN_COMMA;
    }
    return true;
}

void
weiri_parser_recover(weiri_parser *self, weiri_sync sync, const weiri_token *open)
{
    uint32_t nesting = open != NULL ? open->nesting + 1 : 0;
    uint32_t braces  = open != NULL ? open->braces + 1 : 0;
    self->is_lost    = false;
    for (;; self->at++) {
        const weiri_token *token = weiri_parser_peek(self, 0);
        if (token->kind == WEIRI_TOKEN_END || is_statement(self, token)) {
            return;
        }
        if (token->kind == WEIRI_TOKEN_RIGHT_BRACE && token->braces < braces) {
            return;
        }
        /* A parenthesis that never closes does not hide the next clause. */
        bool is_coarse = sync == WEIRI_SYNC_CLAUSE || sync == WEIRI_SYNC_STATEMENT;
        bool is_here   = is_coarse ? token->braces <= braces : token->nesting <= nesting;
        if (is_here && is_stop(token, sync)) {
            return;
        }
    }
}
