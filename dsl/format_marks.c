/* Layout of files: what all marks have in common, and statements but rules. */
#include "format.h"

#include <string.h>

/* ---- tokens ---- */

uint32_t
weiri_layout_token(const weiri_layout *self, uint32_t offset)
{
    uint32_t low  = 0;
    uint32_t high = self->tokens.n_items;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (self->tokens.items[middle].offset <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t
weiri_layout_first(const weiri_layout *self, weiri_span at)
{
    return weiri_layout_token(self, at.offset);
}

uint32_t
weiri_layout_last(const weiri_layout *self, weiri_span at)
{
    return weiri_layout_token(self, at.offset + at.size - 1);
}

weiri_token_kind
weiri_layout_kind(const weiri_layout *self, uint32_t token)
{
    return (weiri_token_kind)self->tokens.items[token].kind;
}

uint32_t
weiri_layout_closing(const weiri_layout *self, uint32_t open)
{
    const weiri_token *tokens = self->tokens.items;
    uint32_t           i      = open + 1;
    while (tokens[i].nesting > tokens[open].nesting) {
        i++;
    }
    return i;
}

uint32_t
weiri_layout_columns(const weiri_layout *self, uint32_t token)
{
    const weiri_token *of    = &self->tokens.items[token];
    uint32_t           width = 0;
    for (uint32_t i = 0; i < of->size;) {
        uint32_t length = 0;
        width += weiri_utf8_width(
            weiri_utf8_decode(self->text + of->offset + i, of->size - i, &length));
        i += length > 0 ? length : 1;
    }
    return width;
}

/* The token before, dropped ones left out. */
static uint32_t
before(const weiri_layout *self, uint32_t token)
{
    do {
        token--;
    } while (token > 0 && self->marks[token].is_dropped);
    return token;
}

uint32_t
weiri_layout_space(const weiri_layout *self, uint32_t token)
{
    const weiri_mark *mark = &self->marks[token];
    if (token == 0 || mark->is_tight || mark->is_dropped) {
        return 0;
    }
    switch (weiri_layout_kind(self, token)) {
    case WEIRI_TOKEN_LEFT_BRACKET:
        if (mark->is_list) {
            break;
        }
        return 0;
    case WEIRI_TOKEN_COMMA:
    case WEIRI_TOKEN_RIGHT_PAREN:
    case WEIRI_TOKEN_RIGHT_BRACKET:
    case WEIRI_TOKEN_DOT:
    case WEIRI_TOKEN_COLON:
    case WEIRI_TOKEN_QUESTION: return 0;
    default: break;
    }
    switch (weiri_layout_kind(self, before(self, token))) {
    case WEIRI_TOKEN_LEFT_PAREN:
    case WEIRI_TOKEN_LEFT_BRACKET:
    case WEIRI_TOKEN_DOT: return 0;
    default: break;
    }
    return 1 + (mark->pad_group == UINT32_MAX ? mark->pad : 0);
}

uint32_t
weiri_layout_width(const weiri_layout *self, uint32_t first, uint32_t last)
{
    uint32_t width = 0;
    for (uint32_t i = first; i <= last; i++) {
        if (!self->marks[i].is_dropped) {
            width += i > first ? weiri_layout_space(self, i) : 0;
            width += weiri_layout_columns(self, i);
        }
    }
    return width;
}

bool
weiri_layout_has_comment(const weiri_layout *self, uint32_t first, uint32_t last)
{
    const weiri_comment *comments = self->tokens.comments;
    uint32_t             low      = 0; /* those before it belong to tokens before */
    uint32_t             high     = self->tokens.n_comments;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (comments[middle].token < first) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < self->tokens.n_comments && comments[low].token <= last;
}

/* ---- marks ---- */

void
weiri_layout_hard(weiri_layout *self, uint32_t token, uint32_t indent)
{
    self->marks[token].kind   = WEIRI_BREAK_HARD;
    self->marks[token].indent = indent;
}

uint32_t
weiri_layout_group(weiri_layout *self, weiri_group group)
{
    WEIRI_ARENA_PUSH(self->arena, self->groups, self->n_groups, group);
    return self->n_groups - 1;
}

void
weiri_layout_soft(weiri_layout *self, uint32_t token, uint32_t group, uint32_t hang)
{
    self->marks[token].kind  = WEIRI_BREAK_SOFT;
    self->marks[token].group = group;
    self->marks[token].hang  = hang;
}

void
weiri_column_add(weiri_layout *self, weiri_column *column, uint32_t token, uint32_t width)
{
    WEIRI_ARENA_PUSH(self->arena, column->tokens, column->n_tokens, token);
    WEIRI_ARENA_PUSH(self->arena, column->widths, column->n_widths, width);
}

void
weiri_column_align(weiri_layout *self, weiri_column *column, uint32_t group)
{
    uint32_t widest = 0;
    for (uint32_t i = 0; i < column->n_widths; i++) {
        widest = column->widths[i] > widest ? column->widths[i] : widest;
    }
    for (uint32_t i = 0; i < column->n_tokens; i++) {
        weiri_mark *mark = &self->marks[column->tokens[i]];
        mark->pad        = widest - column->widths[i];
        mark->pad_group  = group;
    }
    *column = (weiri_column){ .n_tokens = 0 };
}

/* ---- streams and tables ---- */

/* A stream stays on one line if it was written so, and fits. */
static bool
is_one_line(const weiri_layout *self, uint32_t first, uint32_t last)
{
    for (uint32_t i = first + 1; i <= last; i++) {
        if (self->tokens.items[i].starts_line) {
            return false;
        }
    }
    return weiri_layout_width(self, first, last) <= WEIRI_FORMAT_COLUMNS
           && !weiri_layout_has_comment(self, first + 1, last);
}

static uint32_t
brace_of(const weiri_layout *self, uint32_t from)
{
    while (weiri_layout_kind(self, from) != WEIRI_TOKEN_LEFT_BRACE) {
        from++;
    }
    return from;
}

static void
drop_if(weiri_layout *self, uint32_t token, weiri_token_kind kind)
{
    if (weiri_layout_kind(self, token) == kind) {
        self->marks[token].is_dropped = true;
    }
}

static void
mark_field_lines(weiri_layout *self, const weiri_ast_stream *stream, uint32_t close)
{
    weiri_column column = { .n_tokens = 0 };
    for (uint32_t i = 0; i < stream->n_fields; i++) {
        uint32_t name = weiri_layout_first(self, stream->fields[i].name.at);
        weiri_layout_hard(self, name, WEIRI_FORMAT_INDENT);
        drop_if(self, name - 1, WEIRI_TOKEN_COMMA);
        weiri_column_add(self, &column,
            weiri_layout_first(self, stream->fields[i].type.at),
            weiri_layout_columns(self, name));
    }
    weiri_column_align(self, &column, UINT32_MAX);
    weiri_layout_hard(self, close, 0);
}

static void
mark_io(weiri_layout *self, const weiri_ast_io *io)
{
    if (io->endpoint.name.text != NULL) {
        weiri_layout_options(self, weiri_layout_last(self, io->endpoint.name.at) + 1,
            &io->endpoint.options);
    }
    uint32_t paren = io->format.text != NULL ? weiri_layout_last(self, io->format.at) + 1
                                             : self->tokens.n_items - 1;
    if (weiri_layout_kind(self, paren) == WEIRI_TOKEN_LEFT_PAREN) {
        weiri_layout_options(self, paren, &io->format_options);
    }
}

static void
mark_stream(weiri_layout *self, const weiri_ast_statement *statement)
{
    const weiri_ast_stream *stream = statement->as.stream;
    uint32_t                first  = weiri_layout_first(self, statement->at);
    uint32_t                open   = brace_of(self, first);
    uint32_t                close  = weiri_layout_closing(self, open);
    self->marks[close].is_tight    = stream->n_fields == 0;
    drop_if(self, close - 1, WEIRI_TOKEN_COMMA);
    for (uint32_t i = 0; i < stream->n_fields; i++) {
        uint32_t name = weiri_layout_first(self, stream->fields[i].name.at);
        drop_if(self, name + 1, WEIRI_TOKEN_COLON);
    }
    mark_io(self, &stream->io);
    if (stream->n_fields > 0 && !is_one_line(self, first, close)) {
        mark_field_lines(self, stream, close);
    }
}

/* The words after the endpoint of a source or sink, where they do not fit. */
static void
mark_io_words(weiri_layout *self, const weiri_ast_statement *statement)
{
    uint32_t first = weiri_layout_first(self, statement->at);
    uint32_t last  = weiri_layout_last(self, statement->at);
    uint32_t group = weiri_layout_group(
        self, (weiri_group){ .first = first, .last = last, .is_block = true });
    uint32_t from = weiri_layout_last(self, statement->as.io->endpoint.name.at) + 1;
    for (uint32_t i = weiri_layout_closing(self, from) + 1; i <= last; i++) {
        switch ((weiri_word)self->tokens.items[i].word) {
        case WEIRI_WORD_FORMAT:
        case WEIRI_WORD_LATENESS:
        case WEIRI_WORD_IDLE:
        case WEIRI_WORD_REFRESH:
        case WEIRI_WORD_ON:
            if (self->tokens.items[i].nesting == 0) {
                weiri_layout_soft(self, i, group, 0);
            }
            break;
        default: break;
        }
    }
    mark_io(self, statement->as.io);
}

/* ---- tests ---- */

static void
mark_test_line(weiri_layout *self, const weiri_ast_test_line *line)
{
    weiri_layout_hard(self, weiri_layout_first(self, line->at), WEIRI_FORMAT_INDENT);
    if (line->has_fields) {
        weiri_layout_record(
            self, weiri_layout_last(self, line->stream.at) + 1, &line->fields);
    }
    if (line->from != NULL) {
        mark_io(self, line->from);
    }
}

/* Whether a line follows the one before it without anything between. */
static bool
is_next_line(const weiri_layout *self, uint32_t token)
{
    const weiri_token *tokens = self->tokens.items;
    uint32_t           from   = tokens[token - 1].offset + tokens[token - 1].size;
    uint32_t           lines  = 0;
    for (uint32_t i = from; i < tokens[token].offset; i++) {
        lines += self->text[i] == '\n';
    }
    return lines <= 1 && !weiri_layout_has_comment(self, token, token);
}

/* Events one after another have their braces below each other. */
static void
align_events(weiri_layout *self, const weiri_ast_test *test)
{
    weiri_column column = { .n_tokens = 0 };
    for (uint32_t i = 0; i < test->n_lines; i++) {
        const weiri_ast_test_line *line = &test->lines[i];
        bool     is_event               = line->stream.text != NULL && !line->is_expect;
        uint32_t first                  = weiri_layout_first(self, line->at);
        if (!is_event || !is_next_line(self, first)) {
            weiri_column_align(self, &column, UINT32_MAX);
        }
        if (is_event) {
            uint32_t brace = weiri_layout_last(self, line->stream.at) + 1;
            weiri_column_add(
                self, &column, brace, weiri_layout_width(self, first, brace - 1));
        }
    }
    weiri_column_align(self, &column, UINT32_MAX);
}

static void
mark_test(weiri_layout *self, const weiri_ast_statement *statement)
{
    const weiri_ast_test *test = statement->as.test;
    for (uint32_t i = 0; i < test->n_lines; i++) {
        mark_test_line(self, &test->lines[i]);
    }
    align_events(self, test);
    weiri_layout_hard(self, weiri_layout_last(self, statement->at), 0);
}

/* ---- statements ---- */

/* { who string, n int }: on the line of its word, or a field a line. */
static void
mark_shape(weiri_layout *self, const weiri_ast_stream *shape, uint32_t open)
{
    uint32_t close              = weiri_layout_closing(self, open);
    self->marks[close].is_tight = shape->n_fields == 0;
    drop_if(self, close - 1, WEIRI_TOKEN_COMMA);
    for (uint32_t i = 0; i < shape->n_fields; i++) {
        uint32_t name = weiri_layout_first(self, shape->fields[i].name.at);
        drop_if(self, name + 1, WEIRI_TOKEN_COLON);
    }
    if (shape->n_fields > 0 && !is_one_line(self, open - 1, close)) {
        mark_field_lines(self, shape, close);
    }
}

/* The words after the path of an actor, where they do not fit. */
static void
mark_actor_words(weiri_layout *self, const weiri_ast_plugin *plugin,
    const weiri_ast_statement *statement)
{
    uint32_t first = weiri_layout_first(self, statement->at);
    uint32_t last  = weiri_layout_last(self, statement->at);
    uint32_t group = weiri_layout_group(
        self, (weiri_group){ .first = first, .last = last, .is_block = true });
    for (uint32_t i = weiri_layout_last(self, plugin->path_at) + 1; i <= last; i++) {
        bool is_open = weiri_layout_kind(self, i) == WEIRI_TOKEN_LEFT_BRACE;
        bool is_word = self->tokens.items[i].nesting == 0;
        switch ((weiri_word)self->tokens.items[i].word) {
        case WEIRI_WORD_TAKES:
        case WEIRI_WORD_GIVES:
        case WEIRI_WORD_ADDS:
        case WEIRI_WORD_IDLE:
        case WEIRI_WORD_BUDGET:
        case WEIRI_WORD_ON:
            if (is_word) {
                weiri_layout_soft(self, i, group, 0);
            }
            break;
        default: break;
        }
        if (is_open) {
            bool is_takes = self->tokens.items[i - 1].word == WEIRI_WORD_TAKES;
            mark_shape(self, is_takes ? plugin->takes : plugin->gives, i);
            i = weiri_layout_closing(self, i);
        }
    }
}

static void
mark_plugin(weiri_layout *self, const weiri_ast_plugin *plugin,
    const weiri_ast_statement *statement)
{
    uint32_t paren = weiri_layout_last(self, plugin->path_at) + 1;
    if (statement->kind == WEIRI_WORD_ACTOR) {
        mark_actor_words(self, plugin, statement);
    }
    if (paren < self->tokens.n_items && plugin->options.n_items > 0) {
        weiri_layout_options(self, paren, &plugin->options);
        self->marks[paren].is_tight = false;
    }
}

static void
mark_function(weiri_layout *self, const weiri_ast_statement *statement)
{
    const weiri_ast_function *function = statement->as.function;
    if (function->plugin != NULL) {
        mark_plugin(self, function->plugin, statement);
        return;
    }
    uint32_t paren              = weiri_layout_last(self, function->name.at) + 1;
    self->marks[paren].is_tight = true;
    weiri_layout_expr(self, function->body);
}

static void
mark_statement(weiri_layout *self, const weiri_ast_statement *statement)
{
    weiri_layout_hard(self, weiri_layout_first(self, statement->at), 0);
    switch (statement->kind) {
    case WEIRI_WORD_STREAM:
    case WEIRI_WORD_TABLE: mark_stream(self, statement); break;
    case WEIRI_WORD_SOURCE:
    case WEIRI_WORD_SINK: mark_io_words(self, statement); break;
    case WEIRI_WORD_RULE: weiri_layout_rule(self, statement); break;
    case WEIRI_WORD_TEST: mark_test(self, statement); break;
    case WEIRI_WORD_PARAM:
        drop_if(self, weiri_layout_last(self, statement->as.param->name.at) + 1,
            WEIRI_TOKEN_COLON);
        weiri_layout_expr(self, statement->as.param->value);
        break;
    case WEIRI_WORD_FUNCTION: mark_function(self, statement); break;
    case WEIRI_WORD_MODEL:
    case WEIRI_WORD_AGGREGATE:
    case WEIRI_WORD_CONNECTOR:
    case WEIRI_WORD_CODEC:
    case WEIRI_WORD_ACTOR: mark_plugin(self, statement->as.plugin, statement); break;
    default: break;
    }
}

/* Whether a break stands inside, which makes it a paragraph of its own. */
static bool
is_tall(const weiri_layout *self, const weiri_ast_statement *statement)
{
    uint32_t last = weiri_layout_last(self, statement->at);
    for (uint32_t i = weiri_layout_first(self, statement->at) + 1; i <= last; i++) {
        if (self->marks[i].kind == WEIRI_BREAK_HARD) {
            return true;
        }
    }
    return false;
}

/* What a one-line statement has after its name, to be put below that of its neighbours.
 */
static uint32_t
aligned_token(const weiri_layout *self, const weiri_ast_statement *statement)
{
    switch (statement->kind) {
    case WEIRI_WORD_STREAM:
        return weiri_layout_last(self, statement->as.stream->name.at) + 1;
    case WEIRI_WORD_SOURCE:
    case WEIRI_WORD_SINK: return weiri_layout_last(self, statement->as.io->stream.at) + 1;
    default: return 0;
    }
}

static void
arrange_statements(weiri_layout *self, const weiri_ast_file *file)
{
    weiri_column column   = { .n_tokens = 0 };
    bool         was_tall = false;
    for (uint32_t i = 0; i < file->n_statements; i++) {
        const weiri_ast_statement *statement = &file->statements[i];
        uint32_t                   first     = weiri_layout_first(self, statement->at);
        uint32_t                   aligned   = aligned_token(self, statement);
        bool                       tall      = is_tall(self, statement);
        self->marks[first].is_apart          = i > 0 && (tall || was_tall);
        if (tall || i == 0 || statement[-1].kind != statement->kind
            || !is_next_line(self, first)) {
            weiri_column_align(self, &column, UINT32_MAX);
        }
        if (!tall && aligned > 0) {
            weiri_column_add(
                self, &column, aligned, weiri_layout_width(self, first, aligned - 1));
        }
        was_tall = tall;
    }
    weiri_column_align(self, &column, UINT32_MAX);
}

weiri_layout
weiri_layout_file(weiri_arena *arena, const weiri_ast_file *file, const char *text)
{
    weiri_layout self = { .arena = arena, .text = text, .tokens = file->tokens };
    self.marks = weiri_arena_alloc(arena, self.tokens.n_items * sizeof *self.marks);
    for (uint32_t i = 0; i < self.tokens.n_items; i++) {
        self.marks[i].pad_group = UINT32_MAX;
    }
    for (uint32_t i = 0; i < file->n_statements; i++) {
        mark_statement(&self, &file->statements[i]);
    }
    weiri_layout_hard(&self, self.tokens.n_items - 1, 0);
    arrange_statements(&self, file);
    return self;
}
