#include "situation.h"

#include <string.h>

struct sight {
    weiri_arena        *arena;
    const lsp_analysis *of;
    const char         *text;
    const weiri_token  *tokens;
    int64_t       before; /* index of the last token before the word being typed; -1 */
    uint32_t      at;     /* offset of that word                                     */
    bool          is_line_start;
    uint32_t      nesting; /* at the place */
    uint32_t      braces;
    int64_t       statement; /* index of its word; -1: none */
    weiri_word    kind;      /* of the statement            */
    lsp_situation found;
};

static const char *const ENDPOINTS_IN[]  = { "file", "stdin", "zmq", "node", NULL };
static const char *const ENDPOINTS_OUT[] = { "file", "stdout", "zmq", "node", NULL };
static const char *const FORMATS_IN[]    = { "json", "csv", "msgpack", NULL };
static const char *const FORMATS_OUT[]   = { "json", "csv", "msgpack", "text", NULL };
static const char *const FROM[]          = { "from", NULL };
static const char *const TO[]            = { "to", NULL };
static const char *const IO_IN[]         = { "format", "lateness", "idle", "on", NULL };
static const char *const IO_OUT[]        = { "format", NULL };
static const char *const ERROR_WORD[]    = { "error", NULL };
static const char *const ON_ERROR[]      = { "skip", "stop", NULL };
static const char *const FIELD_WORDS[]   = { "from", "unit", "form", NULL };
static const char *const FILES[]         = { "file", "stdin", NULL };
static const char *const TABLE_WORDS[]   = { "from", "limit", "keep", "full", NULL };
static const char *const UNITS[]         = { "s", "ms", "us", "ns", NULL };
static const char *const TEST_WORDS[]    = { "expect", "wait", NULL };
static const char *const NO[]            = { "no", NULL };
static const char *const REPEAT[]        = { "repeat", "every", NULL };
static const char *const FILE_ALONE[]    = { "file", NULL };
static const char *const NOT[]           = { "not", NULL };
static const char *const PATTERN_WORDS[] = { "and", "or", "next", "any", "greedy", "lazy",
    "until", "within", "for", NULL };
static const char *const GAP_WORDS[]     = { "of", "previous", NULL };
static const char *const SKIPS[]   = { "overlaps", "used", "none", "to", "past", NULL };
static const char *const SKIP_TO[] = { "next", "first", "last", NULL };
static const char *const LATEST[]  = { "latest", NULL };
static const char *const LAST[]    = { "last", NULL };
static const char *const WINDOWS[] = { "tumbling", "hopping", "sliding", "session",
    "last", "all", NULL };
static const char *const WINDOW_WORDS[] = { "every", "before", "reset", "fill", "early",
    "offset", NULL };
static const char *const LINEAR[]       = { "linear", "within", NULL };
static const char *const TIMEOUT[]      = { "timeout", NULL };
static const char *const EMIT[]         = { "emit", NULL };
static const char *const CHANGES[]      = { "when", "changes", NULL };
static const char *const BY[]           = { "by", NULL };
static const char *const ORDERS[]       = { "asc", "desc", "limit", "each", NULL };
static const char *const PER[]          = { "per", NULL };
static const char *const WHERE[]        = { "where", "join", NULL };
static const char *const SPAN[]         = { "start", "end", NULL };

/* ---- tokens ---- */

static const weiri_token *
token(const struct sight *self, int64_t i)
{
    return i >= 0 ? &self->tokens[i] : NULL;
}

static weiri_token_kind
kind_at(const struct sight *self, int64_t i)
{
    return i >= 0 ? (weiri_token_kind)self->tokens[i].kind : WEIRI_TOKEN_END;
}

static weiri_word
word_at(const struct sight *self, int64_t i)
{
    return kind_at(self, i) == WEIRI_TOKEN_NAME ? (weiri_word)self->tokens[i].word
                                                : WEIRI_WORD_OTHER;
}

static const char *
text_at(const struct sight *self, int64_t i)
{
    const weiri_token *of = token(self, i);
    return of == NULL || of->kind != WEIRI_TOKEN_NAME
               ? ""
               : weiri_arena_text(self->arena, self->text + of->offset, of->size);
}

static bool
is_open(weiri_token_kind kind)
{
    return kind == WEIRI_TOKEN_LEFT_PAREN || kind == WEIRI_TOKEN_LEFT_BRACE
           || kind == WEIRI_TOKEN_LEFT_BRACKET;
}

/* Whether a comment, a text or what cannot be read holds the place. */
static bool
is_inside(const struct sight *self, const weiri_tokens *tokens, uint32_t offset)
{
    for (uint32_t i = 0; i < tokens->n_comments; i++) {
        const weiri_comment *comment = &tokens->comments[i];
        if (comment->offset < offset && offset <= comment->offset + comment->size) {
            return true;
        }
    }
    for (uint32_t i = 0; i < tokens->n_items; i++) {
        const weiri_token *of = &self->tokens[i];
        bool is_text = of->kind == WEIRI_TOKEN_STRING || of->kind == WEIRI_TOKEN_BAD;
        if (is_text && of->offset < offset && offset < of->offset + of->size) {
            return true;
        }
    }
    return false;
}

static bool
has_newline(const struct sight *self, uint32_t from, uint32_t to)
{
    return from < to && memchr(self->text + from, '\n', to - from) != NULL;
}

/* Find the tokens around the place, and how deep it is. */
static void
look(struct sight *self, const weiri_tokens *tokens, uint32_t offset)
{
    uint32_t next = 0;
    while (next + 1 < tokens->n_items
           && self->tokens[next].offset + self->tokens[next].size < offset) {
        next++;
    }
    const weiri_token *of = &self->tokens[next];
    if (of->kind != WEIRI_TOKEN_NAME && of->kind != WEIRI_TOKEN_END
        && of->offset + of->size == offset && of->offset < offset) {
        next++; /* it ends here and is no word being typed */
        of = &self->tokens[next];
    }
    bool is_typed             = of->kind == WEIRI_TOKEN_NAME && of->offset < offset;
    self->before              = (int64_t)next - 1;
    self->at                  = is_typed ? of->offset : offset;
    const weiri_token *before = token(self, self->before);
    if (before == NULL) {
        self->is_line_start = true;
        return;
    }
    bool is_opening     = is_open((weiri_token_kind)before->kind);
    self->is_line_start = has_newline(self, before->offset + before->size, self->at);
    self->nesting       = before->nesting + is_opening;
    self->braces        = before->braces + (before->kind == WEIRI_TOKEN_LEFT_BRACE);
}

static bool
is_statement(const struct sight *self, int64_t i)
{
    weiri_word word = word_at(self, i);
    return word >= WEIRI_WORD_STREAM && word <= WEIRI_WORD_TEST
           && self->tokens[i].starts_line && self->tokens[i].nesting == 0;
}

static int64_t
find_statement(const struct sight *self)
{
    int64_t i = self->before;
    while (i >= 0 && !is_statement(self, i)) {
        i--;
    }
    return i;
}

static bool
is_clause(const struct sight *self, int64_t i)
{
    weiri_word       word   = word_at(self, i);
    weiri_token_kind before = kind_at(self, i - 1);
    return word >= WEIRI_WORD_MATCH && word <= WEIRI_WORD_ORDER
           && self->tokens[i].nesting == 1 && before != WEIRI_TOKEN_DOT
           && (self->tokens[i].starts_line || before == WEIRI_TOKEN_LEFT_BRACE);
}

/* The word of the clause that holds the place; where all stands on one line, the last
 * word that could begin one. */
static int64_t
find_clause(const struct sight *self)
{
    int64_t loose = -1;
    for (int64_t i = self->before; i > self->statement; i--) {
        if (is_clause(self, i)) {
            return loose >= 0 && !self->tokens[i].starts_line ? loose : i;
        }
        weiri_word word = word_at(self, i);
        if (loose < 0 && word >= WEIRI_WORD_MATCH && word <= WEIRI_WORD_ORDER
            && self->tokens[i].nesting == 1) {
            loose = i;
        }
    }
    return -1;
}

/* Index of the token that opens the innermost bracket around token i's end; -1: none. */
static int64_t
find_opening(const struct sight *self, int64_t i, uint32_t nesting)
{
    while (i >= 0 && nesting > 0
           && !(is_open(kind_at(self, i)) && self->tokens[i].nesting == nesting - 1)) {
        i--;
    }
    return nesting > 0 ? i : -1;
}

/* ---- what is wanted ---- */

static void
want(struct sight *self, unsigned wants, const char *const *words)
{
    self->found.wants |= wants;
    self->found.words = words;
}

/* Behind a dot: fields of a step or stream. */
static void
want_member(struct sight *self)
{
    int64_t i = self->before - 1;
    if (kind_at(self, i) == WEIRI_TOKEN_RIGHT_BRACKET) {
        i = find_opening(self, i - 1, self->tokens[i].nesting + 1) - 1;
    }
    const char        *name     = text_at(self, i);
    const lsp_speakers speakers = self->found.rule == NULL
                                      ? (lsp_speakers){ .n = 0 }
                                      : lsp_speakers_of(self->arena, self->found.rule);
    for (uint32_t k = 0; k < speakers.n; k++) {
        const lsp_speaker *speaker = &speakers.items[k];
        if (strcmp(speaker->name != NULL ? speaker->name : speaker->stream, name) == 0) {
            self->found.stream = speaker->stream;
            want(self, LSP_WANTS_FIELDS, NULL);
            return;
        }
    }
    if (strcmp(name, "late") == 0 || strcmp(name, "dead") == 0) {
        want(self, LSP_WANTS_STREAMS, NULL);
    } else if (strcmp(name, "prev") == 0) {
        want(self, LSP_WANTS_ALL_FIELDS, NULL);
    } else if (strcmp(name, "window") == 0 || strcmp(name, "match") == 0) {
        want(self, 0, SPAN);
    } else if (lsp_index_schema(&self->of->index, name) != NULL) {
        self->found.stream = name;
        want(self, LSP_WANTS_FIELDS, NULL);
    }
}

static void
want_value(struct sight *self)
{
    want(self, LSP_WANTS_VALUES | LSP_WANTS_STEPS | LSP_WANTS_PARAMS, NULL);
    if (self->found.stream != NULL) {
        want(self, LSP_WANTS_FIELDS, NULL);
    } else {
        want(self, LSP_WANTS_ALL_FIELDS, NULL);
    }
}

static bool
is_before_step(const struct sight *self)
{
    switch (kind_at(self, self->before)) {
    case WEIRI_TOKEN_FOLLOWED:
    case WEIRI_TOKEN_NEXT:
    case WEIRI_TOKEN_FOLLOWED_ANY:
    case WEIRI_TOKEN_COLON:
    case WEIRI_TOKEN_LEFT_PAREN: return true;
    default: break;
    }
    weiri_word word = word_at(self, self->before);
    return word == WEIRI_WORD_MATCH || word == WEIRI_WORD_AND || word == WEIRI_WORD_OR
           || word == WEIRI_WORD_NOT;
}

/* In a pattern: inside the parentheses of a step stands its condition. */
static void
want_pattern(struct sight *self)
{
    int64_t opening = find_opening(self, self->before, self->nesting);
    for (uint32_t nesting = self->nesting; opening > self->statement && nesting > 1;
         nesting--) {
        const char *name     = text_at(self, opening - 1);
        bool        is_paren = kind_at(self, opening) == WEIRI_TOKEN_LEFT_PAREN;
        if (is_paren && lsp_index_schema(&self->of->index, name) != NULL) {
            self->found.stream = name;
            want_value(self);
            return;
        }
        if (is_paren && word_at(self, opening - 1) == WEIRI_WORD_UNTIL) {
            want_value(self);
            return;
        }
        opening = find_opening(self, opening - 1, nesting - 1);
    }
    if (kind_at(self, find_opening(self, self->before, self->nesting))
            == WEIRI_TOKEN_LEFT_BRACE
        && self->braces > 1) {
        want(self, LSP_WANTS_PARAMS, NULL);
    } else if (is_before_step(self)) {
        want(self, LSP_WANTS_STREAMS, NOT);
    } else {
        want(self, 0, PATTERN_WORDS);
    }
}

static void
want_emit(struct sight *self, int64_t clause)
{
    weiri_word word = word_at(self, self->before);
    if (self->braces > 1) {
        int64_t     brace    = find_opening(self, self->before, self->nesting);
        const char *stream   = text_at(self, brace - 1);
        bool        is_entry = kind_at(self, self->before) == WEIRI_TOKEN_LEFT_BRACE
                        || self->is_line_start
                        || kind_at(self, self->before) == WEIRI_TOKEN_COMMA;
        want_value(self);
        if (is_entry && self->found.stream == NULL
            && lsp_index_schema(&self->of->index, stream) != NULL) {
            self->found.stream = stream;
            want(self, LSP_WANTS_FIELDS, NULL);
        }
    } else if (self->before == clause || word == WEIRI_WORD_INTO
               || word == WEIRI_WORD_EMIT || word == WEIRI_WORD_FROM) {
        want(self, LSP_WANTS_STREAMS, NULL);
    } else {
        want(self, 0, CHANGES);
    }
}

static void
want_skip(struct sight *self)
{
    switch (word_at(self, self->before)) {
    case WEIRI_WORD_SKIP: want(self, 0, SKIPS); break;
    case WEIRI_WORD_TO: want(self, 0, SKIP_TO); break;
    case WEIRI_WORD_PAST: want(self, 0, LAST); break;
    case WEIRI_WORD_USED: want(self, 0, LATEST); break;
    case WEIRI_WORD_FIRST:
    case WEIRI_WORD_LAST: want(self, LSP_WANTS_STEPS, NULL); break;
    default: break;
    }
}

static void
want_fill(struct sight *self, bool is_first)
{
    if (word_at(self, self->before) == WEIRI_WORD_WITHIN) {
        want(self, LSP_WANTS_PARAMS, NULL);
    } else {
        want_value(self);
        self->found.words = is_first ? NULL : LINEAR;
    }
}

static void
want_on(struct sight *self, int64_t clause)
{
    if (self->braces > 1 || word_at(self, self->before) == WEIRI_WORD_EMIT) {
        want_emit(self, clause);
    } else {
        want(self, 0, self->before == clause ? TIMEOUT : EMIT);
    }
}

static void
want_in_clause(struct sight *self, int64_t clause)
{
    bool is_first = self->before == clause;
    switch (word_at(self, clause)) {
    case WEIRI_WORD_MATCH: want_pattern(self); break;
    case WEIRI_WORD_FROM:
        want(self,
            is_first || kind_at(self, self->before) == WEIRI_TOKEN_COLON
                ? LSP_WANTS_STREAMS | LSP_WANTS_ACTORS
                : 0,
            is_first ? NULL : WHERE);
        break;
    case WEIRI_WORD_DELETE:
    case WEIRI_WORD_EMIT: want_emit(self, clause); break;
    case WEIRI_WORD_SKIP: want_skip(self); break;
    case WEIRI_WORD_WITHIN:
        want(self, LSP_WANTS_PARAMS, is_first ? NULL : GAP_WORDS);
        if (is_before_step(self)) {
            want_pattern(self);
        }
        break;
    case WEIRI_WORD_FILL: want_fill(self, is_first); break;
    case WEIRI_WORD_WINDOW:
        want(self, is_first ? 0 : LSP_WANTS_PARAMS, is_first ? WINDOWS : WINDOW_WORDS);
        break;
    case WEIRI_WORD_ON: want_on(self, clause); break;
    case WEIRI_WORD_LIMIT: want(self, LSP_WANTS_PARAMS, is_first ? NULL : PER); break;
    case WEIRI_WORD_ORDER:
        want_value(self);
        self->found.words = is_first ? BY : ORDERS;
        break;
    default: want_value(self); break;
    }
}

static void
want_in_rule(struct sight *self)
{
    if (self->braces == 0) {
        return; /* its name and title */
    }
    int64_t clause   = find_clause(self);
    bool    is_begun = clause < 0
                    || (self->is_line_start && self->nesting == 1 && !is_before_step(self)
                        && self->before != clause);
    if (self->found.rule != NULL && self->found.rule->from.at.size > 0
        && self->found.rule->from.n_joins == 0) {
        self->found.stream = self->found.rule->from.stream.text;
    }
    if (is_begun) {
        want(self, LSP_WANTS_CLAUSES, NULL);
    } else {
        want_in_clause(self, clause);
    }
}

static void
want_in_stream(struct sight *self)
{
    weiri_word word = word_at(self, self->before);
    if (self->kind == WEIRI_WORD_TABLE && self->nesting == 0 && self->before >= 0) {
        if (word == WEIRI_WORD_FROM || word == WEIRI_WORD_FORMAT) {
            want(self, 0, word == WEIRI_WORD_FROM ? FILES : FORMATS_IN);
        } else if (kind_at(self, self->before) == WEIRI_TOKEN_RIGHT_BRACE) {
            want(self, 0, TABLE_WORDS);
        }
        return;
    }
    if (self->braces == 0 || self->is_line_start
        || kind_at(self, self->before) == WEIRI_TOKEN_LEFT_BRACE
        || kind_at(self, self->before) == WEIRI_TOKEN_COMMA) {
        return; /* names, which are the author's */
    }
    const weiri_token *before = token(self, self->before);
    weiri_token_kind   kind   = kind_at(self, self->before - 1);
    if (word_at(self, self->before) == WEIRI_WORD_UNIT) {
        want(self, 0, UNITS);
    } else if (before->starts_line || kind == WEIRI_TOKEN_COMMA
               || kind == WEIRI_TOKEN_LEFT_BRACE) {
        want(self, LSP_WANTS_TYPES, NULL);
    } else {
        want(self, 0, FIELD_WORDS);
    }
}

static void
want_in_io(struct sight *self)
{
    bool       is_sink = self->kind == WEIRI_WORD_SINK;
    int64_t    n       = self->before - self->statement;
    weiri_word word    = word_at(self, self->before);
    if (n == 0) {
        want(self, LSP_WANTS_STREAMS, NULL);
    } else if (n == 1) {
        want(self, 0, is_sink ? TO : FROM);
    } else if (n == 2) {
        want(self, LSP_WANTS_CONNECTORS, is_sink ? ENDPOINTS_OUT : ENDPOINTS_IN);
    } else if (self->nesting > 0 || word == WEIRI_WORD_LATENESS
               || word == WEIRI_WORD_IDLE) {
        want(self, LSP_WANTS_PARAMS, NULL);
    } else if (word == WEIRI_WORD_FORMAT) {
        want(self, LSP_WANTS_CODECS, is_sink ? FORMATS_OUT : FORMATS_IN);
    } else if (word == WEIRI_WORD_ON || word == WEIRI_WORD_ERROR) {
        want(self, 0, word == WEIRI_WORD_ON ? ERROR_WORD : ON_ERROR);
    } else {
        want(self, 0, is_sink ? IO_OUT : IO_IN);
    }
}

static void
want_in_test(struct sight *self)
{
    weiri_word word = word_at(self, self->before);
    if (self->braces > 1) {
        int64_t brace    = find_opening(self, self->before, self->nesting);
        bool    is_entry = kind_at(self, self->before) == WEIRI_TOKEN_LEFT_BRACE
                        || kind_at(self, self->before) == WEIRI_TOKEN_COMMA;
        self->found.stream = is_entry ? text_at(self, brace - 1) : NULL;
        want(self, is_entry ? LSP_WANTS_FIELDS : LSP_WANTS_PARAMS, NULL);
    } else if (self->braces == 1
               && (word == WEIRI_WORD_EXPECT || word == WEIRI_WORD_NO)) {
        want(self, LSP_WANTS_STREAMS, word == WEIRI_WORD_EXPECT ? NO : NULL);
    } else if (self->braces == 1 && self->is_line_start) {
        want(self, LSP_WANTS_STREAMS, TEST_WORDS);
    } else if (word == WEIRI_WORD_FROM) {
        want(self, 0, FILE_ALONE);
    } else if (word == WEIRI_WORD_FORMAT) {
        want(self, 0, FORMATS_IN);
    } else if (kind_at(self, self->before) == WEIRI_TOKEN_RIGHT_BRACE) {
        want(self, 0, REPEAT);
    }
}

static void
want_in_statement(struct sight *self)
{
    switch (self->kind) {
    case WEIRI_WORD_RULE: want_in_rule(self); break;
    case WEIRI_WORD_STREAM:
    case WEIRI_WORD_TABLE: want_in_stream(self); break;
    case WEIRI_WORD_SOURCE:
    case WEIRI_WORD_SINK: want_in_io(self); break;
    case WEIRI_WORD_TEST: want_in_test(self); break;
    case WEIRI_WORD_PARAM:
        want(self, self->before - self->statement == 1 ? LSP_WANTS_TYPES : 0, NULL);
        break;
    default: break;
    }
}

lsp_situation
lsp_situation_at(weiri_arena *arena, const lsp_analysis *of, uint32_t offset)
{
    struct sight self = { .arena = arena,
        .of                      = of,
        .text                    = weiri_diagnostics_file(of->diagnostics, 0)->text,
        .tokens                  = of->root->tokens.items };
    if (is_inside(&self, &of->root->tokens, offset)) {
        return self.found;
    }
    look(&self, &of->root->tokens, offset);
    self.statement                       = find_statement(&self);
    self.kind                            = word_at(&self, self.statement);
    const weiri_ast_statement *statement = lsp_statement_at(of, self.at);
    if (self.kind == WEIRI_WORD_RULE && statement != NULL
        && statement->kind == WEIRI_WORD_RULE) {
        self.found.rule = statement->as.rule;
    }
    if (self.nesting == 0 && self.is_line_start) {
        want(&self, LSP_WANTS_STATEMENTS, NULL);
    } else if (kind_at(&self, self.before) == WEIRI_TOKEN_DOT) {
        want_member(&self);
    } else if (self.statement >= 0) {
        want_in_statement(&self);
    }
    return self.found;
}
