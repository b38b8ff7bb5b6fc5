/* Semantic tokens: what words and names are, as the rules mean them. */
#include <string.h>

#include "server.h"

#define COLOUR_LIST(X)                                                                   \
    X(COMMENT, "comment")                                                                \
    X(KEYWORD, "keyword")                                                                \
    X(STRING, "string")                                                                  \
    X(NUMBER, "number")                                                                  \
    X(OPERATOR, "operator")                                                              \
    X(TYPE, "type")                                                                      \
    X(STREAM, "class")                                                                   \
    X(FIELD, "property")                                                                 \
    X(STEP, "variable")                                                                  \
    X(PARAM, "parameter")                                                                \
    X(RULE, "namespace")                                                                 \
    X(FUNCTION, "function")                                                              \
    X(NONE, NULL)

enum colour {
#define X(name, text) COLOUR_##name,
    COLOUR_LIST(X)
#undef X
};

void
lsp_put_colour_names(FILE *out)
{
    static const char *const NAMES[] = {
#define X(name, text) text,
        COLOUR_LIST(X)
#undef X
    };
    for (size_t i = 0; NAMES[i] != NULL; i++) {
        fprintf(out, "%s\"%s\"", i == 0 ? "[" : ",", NAMES[i]);
    }
    fputc(']', out);
}

static enum colour
colour_of_symbol(lsp_symbol_kind kind)
{
    switch (kind) {
    case LSP_STREAM: return COLOUR_STREAM;
    case LSP_FIELD: return COLOUR_FIELD;
    case LSP_STEP: return COLOUR_STEP;
    case LSP_PARAM: return COLOUR_PARAM;
    case LSP_RULE: return COLOUR_RULE;
    case LSP_PLUGIN:
    case LSP_DEFINED:
    case LSP_FUNCTION: return COLOUR_FUNCTION;
    case LSP_FILE: break;
    }
    return COLOUR_STRING;
}

static bool
is_type(const char *text, uint32_t size)
{
    for (int type = WEIR_BOOL; type <= WEIR_DURATION; type++) {
        const char *name = weir_type_text((weir_type)type);
        if (strlen(name) == size && memcmp(text, name, size) == 0) {
            return true;
        }
    }
    return false;
}

static enum colour
colour_of_token(const weiri_token *token, const char *text)
{
    switch ((weiri_token_kind)token->kind) {
    case WEIRI_TOKEN_NAME:
        if (token->word != WEIRI_WORD_OTHER) {
            return COLOUR_KEYWORD;
        }
        return is_type(text + token->offset, token->size) ? COLOUR_TYPE : COLOUR_NONE;
    case WEIRI_TOKEN_STRING: return COLOUR_STRING;
    case WEIRI_TOKEN_INT:
    case WEIRI_TOKEN_FLOAT:
    case WEIRI_TOKEN_DURATION: return COLOUR_NUMBER;
    case WEIRI_TOKEN_FOLLOWED:
    case WEIRI_TOKEN_NEXT:
    case WEIRI_TOKEN_FOLLOWED_ANY: return COLOUR_OPERATOR;
    default: return COLOUR_NONE;
    }
}

struct painter {
    const weiri_lsp       *server;
    const weiri_text_file *file;
    const lsp_index       *index;
    uint32_t               occurrence; /* the next of the file */
    lsp_position           at;         /* of what was written last */
    uint32_t               offset;
    bool                   is_first;
    FILE                  *out;
};

/* Places are told as differences: lines, characters, length. */
static void
put(struct painter *self, uint32_t offset, uint32_t size, enum colour colour)
{
    lsp_position start = lsp_position_of(self->file->text, self->file->size, offset,
        self->server->unit, self->at, self->offset);
    lsp_position end = lsp_position_of(self->file->text, self->file->size, offset + size,
        self->server->unit, start, offset);
    uint32_t     lines = start.line - self->at.line;
    if (end.line != start.line) {
        return; /* clients take no token of several lines */
    }
    fprintf(self->out, "%s%u,%u,%u,%u,0", self->is_first ? "" : ",", (unsigned)lines,
        (unsigned)(lines > 0 ? start.character : start.character - self->at.character),
        (unsigned)(end.character - start.character), (unsigned)colour);
    self->is_first = false;
    self->at       = start;
    self->offset   = offset;
}

/* A name means what stands there in the index, if anything does; of several the last,
 * which is what it gives a name to. */
static enum colour
look_up(struct painter *self, const weiri_token *token, enum colour otherwise)
{
    const lsp_index *index = self->index;
    for (; self->occurrence < index->n_occurrences; self->occurrence++) {
        const lsp_occurrence *occurrence = &index->occurrences[self->occurrence];
        if (occurrence->at.file > 0 || occurrence->at.offset > token->offset) {
            break;
        }
        if (occurrence->at.offset == token->offset) {
            otherwise = colour_of_symbol(index->symbols[occurrence->symbol].kind);
        }
    }
    return otherwise;
}

/* Whether a token is the name of a member, or of an option, even if it is a word too. */
static bool
is_named(const weiri_tokens *tokens, uint32_t i)
{
    const weiri_token *token = &tokens->items[i];
    return token->kind == WEIRI_TOKEN_NAME
           && ((i > 0 && token[-1].kind == WEIRI_TOKEN_DOT)
               || (i + 1 < tokens->n_items && token[1].kind == WEIRI_TOKEN_COLON));
}

static void
paint(struct painter *self, const weiri_tokens *tokens)
{
    uint32_t comment = 0;
    for (uint32_t i = 0; i < tokens->n_items; i++) {
        const weiri_token *token = &tokens->items[i];
        for (; comment < tokens->n_comments && tokens->comments[comment].token <= i;
             comment++) {
            put(self, tokens->comments[comment].offset, tokens->comments[comment].size,
                COLOUR_COMMENT);
        }
        enum colour colour = look_up(self, token,
            is_named(tokens, i) ? COLOUR_FIELD
                                : colour_of_token(token, self->file->text));
        if (colour != COLOUR_NONE && token->size > 0) {
            put(self, token->offset, token->size, colour);
        }
    }
}

void
lsp_colours(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    const lsp_document *document = lsp_need_document(self, params);
    if (document == NULL) {
        return;
    }
    struct painter painter = { .server = self,
        .file     = weiri_diagnostics_file(document->analysis.diagnostics, 0),
        .index    = &document->analysis.index,
        .is_first = true,
        .out      = out };
    fputs("{\"data\":[", out);
    if (document->analysis.root != NULL) {
        paint(&painter, &document->analysis.root->tokens);
    }
    fputs("]}", out);
}
