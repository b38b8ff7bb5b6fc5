#include "lexer.h"

#include <string.h>

struct lexer {
    weiri_arena       *arena;
    weiri_diagnostics *diagnostics;
    uint32_t           file;
    const char        *text;
    uint32_t           size;
    uint32_t           at;
    bool               is_line_start;
    weiri_tokens       tokens;
};

const char *
weiri_token_text(weiri_token_kind kind)
{
    static const char *const TEXTS[] = {
#define X(name, text) text,
        WEIRI_TOKEN_LIST(X)
#undef X
    };
    return TEXTS[kind];
}

static const char *const WORDS[] = { "",
#define X(name, text) text,
    WEIRI_STATEMENT_LIST(X) WEIRI_CLAUSE_LIST(X) WEIRI_WORD_LIST(X)
#undef X
};

const char *
weiri_word_text(weiri_word word)
{
    return WORDS[word];
}

static weiri_word
find_word(const char *text, uint32_t size)
{
    for (uint32_t i = 1; i < WEIRI_WORDS; i++) {
        if (WORDS[i][0] == text[0] && strlen(WORDS[i]) == size
            && memcmp(WORDS[i], text, size) == 0) {
            return (weiri_word)i;
        }
    }
    return WEIRI_WORD_OTHER;
}

static weiri_span
span(const struct lexer *self, uint32_t offset, uint32_t size)
{
    return (weiri_span){ .file = self->file, .offset = offset, .size = size };
}

static char
peek(const struct lexer *self, uint32_t ahead)
{
    if (ahead >= self->size - self->at) {
        return '\0';
    }
    return self->text[self->at + ahead];
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void
push(struct lexer *self, weiri_token_kind kind, uint32_t size)
{
    weiri_token token = { .offset = self->at,
        .size                     = size,
        .kind                     = (uint8_t)kind,
        .starts_line              = self->is_line_start };
    if (kind == WEIRI_TOKEN_NAME) {
        token.word = (uint8_t)find_word(self->text + self->at, size);
    }
    WEIRI_ARENA_PUSH(self->arena, self->tokens.items, self->tokens.n_items, token);
    self->at += size;
    self->is_line_start = false;
}

static void
skip_comment(struct lexer *self)
{
    weiri_comment comment = { .offset = self->at,
        .token                        = self->tokens.n_items,
        .starts_line                  = self->is_line_start };
    while (self->at < self->size && self->text[self->at] != '\n') {
        self->at++;
    }
    comment.size = self->at - comment.offset;
    WEIRI_ARENA_PUSH(
        self->arena, self->tokens.comments, self->tokens.n_comments, comment);
}

static void
skip_blank(struct lexer *self)
{
    while (self->at < self->size) {
        char c = self->text[self->at];
        if (c == '#') {
            skip_comment(self);
        } else if (c == '\n') {
            self->is_line_start = true;
            self->at++;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            self->at++;
        } else {
            return;
        }
    }
}

static uint32_t
digits_from(const struct lexer *self, uint32_t from)
{
    while (is_digit(peek(self, from))) {
        from++;
    }
    return from;
}

/* NUMBER, or NUMBER UNIT {NUMBER UNIT}; whether it is a good one is seen when its value
 * is read. */
static void
lex_number(struct lexer *self)
{
    weiri_token_kind kind = WEIRI_TOKEN_INT;
    uint32_t         size = digits_from(self, 0);
    if (peek(self, size) == '.' && is_digit(peek(self, size + 1))) {
        kind = WEIRI_TOKEN_FLOAT;
        size = digits_from(self, size + 1);
    }
    char c = peek(self, size);
    if (c == 'e' || c == 'E') {
        uint32_t sign = peek(self, size + 1) == '-' || peek(self, size + 1) == '+';
        if (is_digit(peek(self, size + 1 + sign))) {
            kind = WEIRI_TOKEN_FLOAT;
            size = digits_from(self, size + 1 + sign);
        }
    }
    if (is_letter(peek(self, size))) {
        kind = WEIRI_TOKEN_DURATION;
        while (is_letter(peek(self, size)) || is_digit(peek(self, size))) {
            size++;
        }
    }
    push(self, kind, size);
}

static bool
is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The size of the escape at `at`, 0 if it is none. */
static uint32_t
escape_size(const struct lexer *self, uint32_t at)
{
    char c = '\0';
    if (at + 1 < self->size) {
        c = self->text[at + 1];
    }
    if (c != '\0' && strchr("\"\\/nrt", c) != NULL) {
        return 2;
    }
    if (c != 'u' || self->size - at < 6) {
        return 0;
    }
    uint32_t code = 0;
    for (uint32_t i = 2; i < 6; i++) {
        char h = self->text[at + i];
        if (!is_hex(h)) {
            return 0;
        }
        code = code * 16 + (uint32_t)(is_digit(h) ? h - '0' : (h | 0x20) - 'a' + 10);
    }
    return code >= 0xD800 && code <= 0xDFFF ? 0 : 6;
}

static void
lex_string(struct lexer *self)
{
    uint32_t at     = self->at + 1;
    bool     is_bad = false;
    while (at < self->size && self->text[at] != '"' && self->text[at] != '\n') {
        uint32_t step = 1;
        if (self->text[at] == '\\') {
            step = escape_size(self, at);
            if (step == 0) {
                uint32_t n = at + 1 < self->size && self->text[at + 1] != '\n' ? 2 : 1;
                weiri_report(self->diagnostics, WEIRI_E_BAD_ESCAPE, span(self, at, n),
                    "unknown escape in a text");
                weiri_report_hint(self->diagnostics,
                    "known are \\\" \\\\ \\/ \\n \\r \\t and \\u with four digits");
                is_bad = true;
                step   = n;
            }
        }
        at += step;
    }
    if (at >= self->size || self->text[at] != '"') {
        weiri_report(self->diagnostics, WEIRI_E_OPEN_STRING, span(self, self->at, 1),
            "this text has no closing '\"' on its line");
        push(self, WEIRI_TOKEN_BAD, at - self->at);
        return;
    }
    push(self, is_bad ? WEIRI_TOKEN_BAD : WEIRI_TOKEN_STRING, at + 1 - self->at);
}

/* Between backticks each character stands for itself. */
static void
lex_raw(struct lexer *self)
{
    uint32_t at = self->at + 1;
    while (at < self->size && self->text[at] != '`' && self->text[at] != '\n') {
        at++;
    }
    if (at >= self->size || self->text[at] != '`') {
        weiri_report(self->diagnostics, WEIRI_E_OPEN_STRING, span(self, self->at, 1),
            "this text has no closing '`' on its line");
        push(self, WEIRI_TOKEN_BAD, at - self->at);
        return;
    }
    push(self, WEIRI_TOKEN_STRING, at + 1 - self->at);
}

struct sign {
    const char      *text;
    weiri_token_kind kind;
};

/* Longer ones first. */
static const struct sign SIGNS[] = {
    { "->>", WEIRI_TOKEN_FOLLOWED_ANY },
    { "->", WEIRI_TOKEN_FOLLOWED },
    { "=>", WEIRI_TOKEN_NEXT },
    { "==", WEIRI_TOKEN_EQUAL },
    { "!=", WEIRI_TOKEN_UNEQUAL },
    { "<=", WEIRI_TOKEN_LESS_EQUAL },
    { ">=", WEIRI_TOKEN_GREATER_EQUAL },
    { "?\?", WEIRI_TOKEN_COALESCE },
    { "(", WEIRI_TOKEN_LEFT_PAREN },
    { ")", WEIRI_TOKEN_RIGHT_PAREN },
    { "{", WEIRI_TOKEN_LEFT_BRACE },
    { "}", WEIRI_TOKEN_RIGHT_BRACE },
    { "[", WEIRI_TOKEN_LEFT_BRACKET },
    { "]", WEIRI_TOKEN_RIGHT_BRACKET },
    { ",", WEIRI_TOKEN_COMMA },
    { ":", WEIRI_TOKEN_COLON },
    { ".", WEIRI_TOKEN_DOT },
    { "=", WEIRI_TOKEN_ASSIGN },
    { "<", WEIRI_TOKEN_LESS },
    { ">", WEIRI_TOKEN_GREATER },
    { "+", WEIRI_TOKEN_PLUS },
    { "-", WEIRI_TOKEN_MINUS },
    { "*", WEIRI_TOKEN_STAR },
    { "/", WEIRI_TOKEN_SLASH },
    { "%", WEIRI_TOKEN_PERCENT },
    { "?", WEIRI_TOKEN_QUESTION },
};

static bool
lex_sign(struct lexer *self)
{
    for (size_t i = 0; i < sizeof SIGNS / sizeof SIGNS[0]; i++) {
        uint32_t size = (uint32_t)strlen(SIGNS[i].text);
        if (size <= self->size - self->at
            && memcmp(SIGNS[i].text, self->text + self->at, size) == 0) {
            push(self, SIGNS[i].kind, size);
            return true;
        }
    }
    return false;
}

static const char *
character_hint(char c)
{
    switch (c) {
    case '\'': return "a text stands in double quotes: \"...\"";
    case ';': return "statements and clauses need no ';'";
    case '&': return "write 'and'";
    case '|': return "write 'or'";
    case '!': return "write 'not'";
    case '~': return "write: like \"ro%\", in which % is any text";
    case '$': return "a parameter stands here by its name, without '$'";
    default: return NULL;
    }
}

/* A run of characters that begin nothing makes one report, so that a slip in the encoding
 * of a file is not told a thousand times. */
static void
lex_bad(struct lexer *self)
{
    uint32_t    from = self->at;
    uint32_t    size = 0;
    const char *hint = character_hint(self->text[from]);
    while (from + size < self->size) {
        uint32_t length = 0;
        char     c      = self->text[from + size];
        weiri_utf8_decode(self->text + from + size, self->size - from - size, &length);
        bool is_ours = is_letter(c) || is_digit(c) || strchr("\"`#", c) != NULL;
        if (length == 0 || (size > 0 && ((uint8_t)c <= ' ' || is_ours || length == 1))) {
            break;
        }
        size += length;
    }
    if (size > 0) {
        bool is_shown = (uint8_t)self->text[from] > ' ' && self->text[from] != 0x7F;
        weiri_report(self->diagnostics, WEIRI_E_BAD_CHARACTER, span(self, from, size),
            is_shown ? "'%.*s' means nothing here" : "a control character stands here",
            (int)(size < 40 ? size : 40), self->text + from);
        if (hint != NULL) {
            weiri_report_hint(self->diagnostics, "%s", hint);
        } else if ((uint8_t)self->text[from] >= 0x80) {
            weiri_report_hint(
                self->diagnostics, "names are made of a-z, A-Z, 0-9 and '_'");
        }
    }
    push(self, WEIRI_TOKEN_BAD, size > 0 ? size : 1);
}

static void
lex_one(struct lexer *self)
{
    char c = self->text[self->at];
    if (is_letter(c)) {
        uint32_t size = 1;
        while (is_letter(peek(self, size)) || is_digit(peek(self, size))) {
            size++;
        }
        push(self, WEIRI_TOKEN_NAME, size);
    } else if (is_digit(c)) {
        lex_number(self);
    } else if (c == '"') {
        lex_string(self);
    } else if (c == '`') {
        lex_raw(self);
    } else if (!lex_sign(self)) {
        lex_bad(self);
    }
}

/* Bytes that are not UTF-8, wherever they stand: comments and texts as well. */
static void
check_utf8(const struct lexer *self)
{
    uint32_t at = 0;
    while (at < self->size) {
        uint32_t length = 1;
        if ((uint8_t)self->text[at] >= 0x80) {
            weiri_utf8_decode(self->text + at, self->size - at, &length);
        }
        if (length == 0) {
            uint32_t end = at;
            while (end < self->size && (uint8_t)self->text[end] >= 0x80) {
                end++;
            }
            weiri_report(self->diagnostics, WEIRI_E_BAD_UTF8, span(self, at, end - at),
                "byte 0x%02X is not UTF-8", (unsigned)(uint8_t)self->text[at]);
            weiri_report_hint(self->diagnostics, "save the file as UTF-8");
            length = end - at;
        }
        at += length;
    }
}

/* A '}' closes what was left open in its braces, so that a forgotten ')' does no harm
 * beyond them. */
struct brackets {
    uint32_t *outside; /* nesting before each open brace */
    uint32_t  n_braces;
    uint32_t  n_room;
    uint32_t  nesting;
};

static void
close_bracket(struct brackets *self, uint8_t kind)
{
    uint32_t floor = self->n_braces > 0 ? self->outside[self->n_braces - 1] + 1 : 0;
    if (kind == WEIRI_TOKEN_RIGHT_BRACE && self->n_braces > 0) {
        self->nesting = self->outside[--self->n_braces];
    }
    if (kind == WEIRI_TOKEN_RIGHT_PAREN || kind == WEIRI_TOKEN_RIGHT_BRACKET) {
        self->nesting -= self->nesting > floor;
    }
}

static void
open_brace(struct brackets *self, weiri_arena *arena)
{
    if (self->n_braces == self->n_room) {
        WEIRI_ARENA_PUSH(arena, self->outside, self->n_room, 0);
    }
    self->outside[self->n_braces++] = self->nesting++;
}

static void
count_brackets(struct lexer *self)
{
    struct brackets brackets = { .n_braces = 0 };
    for (uint32_t i = 0; i < self->tokens.n_items; i++) {
        weiri_token *token = &self->tokens.items[i];
        close_bracket(&brackets, token->kind);
        token->nesting = brackets.nesting;
        token->braces  = brackets.n_braces;
        if (token->kind == WEIRI_TOKEN_LEFT_BRACE) {
            open_brace(&brackets, self->arena);
        }
        brackets.nesting += token->kind == WEIRI_TOKEN_LEFT_PAREN
                            || token->kind == WEIRI_TOKEN_LEFT_BRACKET;
    }
}

weiri_tokens
weiri_lex(weiri_arena *arena, weiri_diagnostics *diagnostics, uint32_t file)
{
    const weiri_text_file *input = weiri_diagnostics_file(diagnostics, file);
    struct lexer           self  = { .arena = arena,
                   .diagnostics             = diagnostics,
                   .file                    = file,
                   .text                    = input->text,
                   .size                    = input->size,
                   .is_line_start           = true };
    check_utf8(&self);
    if (self.size >= 3 && memcmp(self.text, "\xEF\xBB\xBF", 3) == 0) {
        self.at = 3;
    }
    for (skip_blank(&self); self.at < self.size; skip_blank(&self)) {
        lex_one(&self);
    }
    push(&self, WEIRI_TOKEN_END, 0);
    count_brackets(&self);
    return self.tokens;
}

static uint32_t
encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    out[0] = (char)(0xE0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3F));
    out[2] = (char)(0x80 | (code & 0x3F));
    return 3;
}

static uint32_t
unescape(const char *at, char *out, uint32_t *n)
{
    if (*at != 'u') {
        static const char NAMED[] = "nrt";
        static const char MEANT[] = "\n\r\t";
        const char       *named   = strchr(NAMED, *at);
        out[(*n)++]               = *at;
        if (named != NULL) {
            out[*n - 1] = MEANT[named - NAMED];
        }
        return 1;
    }
    uint32_t code = 0;
    for (int i = 1; i <= 4; i++) {
        char c = at[i];
        code   = code * 16 + (uint32_t)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    *n += encode(code, out + *n);
    return 5;
}

const char *
weiri_string_value(weiri_arena *arena, const char *token, uint32_t size, uint32_t *n)
{
    char *out = weiri_arena_alloc(arena, size);
    *n        = 0;
    for (uint32_t i = 1; i + 1 < size; i++) {
        if (token[0] != '`' && token[i] == '\\') {
            i += unescape(token + i + 1, out, n);
        } else {
            out[(*n)++] = token[i];
        }
    }
    return out;
}
