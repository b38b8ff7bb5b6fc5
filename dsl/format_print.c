/* From marks to text.
 *
 * Tokens are printed one by one. A group that begins is flat if it fits on the rest of
 * the line, with what follows it up to where a line may end; else all its SOFT marks are
 * line ends. Widths are summed beforehand, so that this costs the same for every token.
 */
#include "format.h"

#include <string.h>

struct open_group {
    uint32_t last;
    uint32_t indent;
    uint32_t index;
    bool     is_flat;
};

/* A line that ends with a comment. */
struct remark {
    size_t   at; /* in the text: where the code ends */
    uint32_t line;
    uint32_t width; /* columns of the code */
};

struct printer {
    const weiri_layout *layout;
    weiri_arena        *arena;
    uint32_t           *ends;       /* columns of tokens 0 .. i on one line            */
    uint32_t           *tails;      /* columns from token i to where a line may end    */
    uint32_t           *n_comments; /* that belong to tokens 0 .. i                */
    struct open_group  *open;
    uint32_t            n_open;
    uint32_t            next_group;
    uint32_t            comment; /* next one */
    char               *out;
    size_t              size;
    size_t              room;
    uint32_t            column;
    uint32_t            line;
    uint32_t            base;   /* indent of the last HARD mark */
    uint32_t            source; /* offset up to which the source is printed */
    struct remark      *remarks;
    uint32_t            n_remarks;
    bool                is_begun; /* of a block or the file: no blank line yet */
};

/* ---- text ---- */

static void
put(struct printer *self, const char *text, size_t size)
{
    if (size == 0) {
        return;
    }
    if (self->size + size > self->room) {
        size_t room = 2 * (self->size + size);
        self->out   = weiri_arena_grow(self->arena, self->out, self->size, room);
        self->room  = room;
    }
    memcpy(self->out + self->size, text, size);
    self->size += size;
}

static void
put_spaces(struct printer *self, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        put(self, " ", 1);
    }
    self->column += n;
}

static void
put_line(struct printer *self, uint32_t indent)
{
    put(self, "\n", 1);
    self->line++;
    self->column = 0;
    put_spaces(self, indent);
}

/* ---- what was written ---- */

/* Lines that ended between what is printed and `offset`. */
static uint32_t
lines_until(const struct printer *self, uint32_t offset)
{
    uint32_t n = 0;
    for (uint32_t i = self->source; i < offset; i++) {
        n += self->layout->text[i] == '\n';
    }
    return n;
}

static uint32_t
comment_size(const struct printer *self, const weiri_comment *comment)
{
    const char *text = self->layout->text + comment->offset;
    uint32_t    size = comment->size;
    while (size > 1 && strchr(" \t\r", text[size - 1]) != NULL) {
        size--;
    }
    return size;
}

/* ---- comments ---- */

static bool
has_comment(const struct printer *self, uint32_t token)
{
    const weiri_tokens *tokens = &self->layout->tokens;
    return self->comment < tokens->n_comments
           && tokens->comments[self->comment].token <= token
           && self->layout->tokens.items[token].kind != WEIRI_TOKEN_COMMA;
}

static void
put_comment(struct printer *self, const weiri_comment *comment)
{
    uint32_t size = comment_size(self, comment);
    put(self, self->layout->text + comment->offset, size);
    self->source   = comment->offset + comment->size;
    self->is_begun = true;
}

/* At the end of the line that is being printed. */
static void
put_remark(struct printer *self, const weiri_comment *comment)
{
    struct remark remark = {
        .at = self->size, .line = self->line, .width = self->column
    };
    WEIRI_ARENA_PUSH(self->arena, self->remarks, self->n_remarks, remark);
    put_comment(self, comment);
}

/* ---- between two tokens ---- */

static bool
is_closing(const struct printer *self, uint32_t token)
{
    weiri_token_kind kind = weiri_layout_kind(self->layout, token);
    return kind == WEIRI_TOKEN_RIGHT_BRACE;
}

/* Where a new line begins that a mark does not ask for. */
static uint32_t
indent_inside(const struct printer *self)
{
    for (uint32_t i = self->n_open; i > 0; i--) {
        if (!self->open[i - 1].is_flat) {
            return self->open[i - 1].indent;
        }
    }
    return self->base + WEIRI_FORMAT_INDENT;
}

/* The columns of a comment before a token, and of the token on a line of its own. */
static uint32_t
indent_of(const struct printer *self, uint32_t token, bool is_comment)
{
    const weiri_mark *mark = &self->layout->marks[token];
    if (mark->kind == WEIRI_BREAK_HARD) {
        return mark->indent
               + (is_comment && is_closing(self, token) ? WEIRI_FORMAT_INDENT : 0);
    }
    uint32_t indent = indent_inside(self);
    uint32_t hang   = mark->kind == WEIRI_BREAK_SOFT && !is_comment ? mark->hang : 0;
    return indent > hang ? indent - hang : 0;
}

/* A blank line where one was, or where a paragraph begins; not where a block does. */
static void
put_blank(struct printer *self, uint32_t token, uint32_t offset, bool *is_apart)
{
    bool was_blank = lines_until(self, offset) > 1;
    if (self->layout->marks[token].kind == WEIRI_BREAK_HARD && self->is_begun
        && (was_blank || *is_apart)) {
        put(self, "\n", 1);
        self->line++;
        *is_apart = false;
    }
}

/* Whether a blank line stands anywhere before the token. */
static bool
is_apart_already(const struct printer *self, uint32_t token)
{
    const weiri_tokens *tokens = &self->layout->tokens;
    uint32_t            from   = self->source;
    for (uint32_t i = self->comment;; i++) {
        bool     is_last = i >= tokens->n_comments || tokens->comments[i].token > token;
        uint32_t to = is_last ? tokens->items[token].offset : tokens->comments[i].offset;
        uint32_t n  = 0;
        for (uint32_t k = from; k < to; k++) {
            n += self->layout->text[k] == '\n';
        }
        if (n > 1 || is_last) {
            return n > 1;
        }
        from = tokens->comments[i].offset + tokens->comments[i].size;
    }
}

/* The comments before a token; true if it has to begin a line after them. */
static bool
put_comments(struct printer *self, uint32_t token, bool *is_apart)
{
    const weiri_tokens *tokens = &self->layout->tokens;
    bool                any    = false;
    while (has_comment(self, token)) {
        const weiri_comment *comment = &tokens->comments[self->comment++];
        if (!comment->starts_line && !any && self->size > 0) {
            put_remark(self, comment);
        } else {
            if (self->size > 0) {
                put_blank(self, token, comment->offset, is_apart);
                put_line(self, indent_of(self, token, true));
            }
            put_comment(self, comment);
        }
        any = true;
    }
    return any;
}

/* Columns from a SOFT mark to the next of its group, or to the group's end. */
static uint32_t
segment_width(const struct printer *self, uint32_t token, const weiri_group *group)
{
    const weiri_layout *layout = self->layout;
    uint32_t            last   = token;
    while (last < group->last
           && (layout->marks[last + 1].kind != WEIRI_BREAK_SOFT
               || layout->marks[last + 1].group != layout->marks[token].group)) {
        last++;
    }
    uint32_t width = self->ends[last] - (token > 0 ? self->ends[token - 1] : 0);
    return width + (last == group->last ? self->tails[last + 1] : 0);
}

static const struct open_group *
find_open(const struct printer *self, uint32_t group)
{
    for (uint32_t i = self->n_open; i > 0; i--) {
        if (self->open[i - 1].index == group) {
            return &self->open[i - 1];
        }
    }
    return NULL;
}

static bool
is_line_end(const struct printer *self, uint32_t token)
{
    const weiri_mark *mark = &self->layout->marks[token];
    if (mark->kind != WEIRI_BREAK_SOFT) {
        return mark->kind == WEIRI_BREAK_HARD;
    }
    const struct open_group *open  = find_open(self, mark->group);
    const weiri_group       *group = &self->layout->groups[mark->group];
    if (open == NULL || open->is_flat) {
        return false;
    }
    return !group->is_fill
           || self->column + segment_width(self, token, group) > WEIRI_FORMAT_COLUMNS;
}

static bool
pads(const struct printer *self, const weiri_mark *mark)
{
    const struct open_group *open = find_open(self, mark->pad_group);
    return open != NULL && !open->is_flat;
}

static void
put_gap(struct printer *self, uint32_t token)
{
    const weiri_mark *mark     = &self->layout->marks[token];
    bool              is_apart = mark->is_apart && !is_apart_already(self, token);
    bool              is_end = weiri_layout_kind(self->layout, token) == WEIRI_TOKEN_END;
    bool              is_new = put_comments(self, token, &is_apart);
    if (self->size == 0 || is_end) {
        return;
    }
    if (is_new || is_line_end(self, token)) {
        if (!is_closing(self, token)) {
            put_blank(self, token, self->layout->tokens.items[token].offset, &is_apart);
        }
        put_line(self, indent_of(self, token, false));
        self->base = mark->kind == WEIRI_BREAK_HARD ? mark->indent : self->base;
        return;
    }
    put_spaces(self, weiri_layout_space(self->layout, token));
    if (mark->pad_group != UINT32_MAX && pads(self, mark)) {
        put_spaces(self, mark->pad);
    }
}

/* ---- groups ---- */

static bool
has_hard(const struct printer *self, const weiri_group *group)
{
    for (uint32_t i = group->first + 1; i <= group->last; i++) {
        if (self->layout->marks[i].kind == WEIRI_BREAK_HARD) {
            return true;
        }
    }
    return false;
}

static bool
is_flat(const struct printer *self, const weiri_group *group)
{
    uint32_t before   = group->first > 0 ? self->ends[group->first - 1] : 0;
    uint32_t space    = weiri_layout_space(self->layout, group->first);
    uint32_t width    = self->ends[group->last] - before - space;
    bool has_comments = self->n_comments[group->last] > self->n_comments[group->first];
    return !group->is_open && !has_comments && !has_hard(self, group)
           && self->column + width + self->tails[group->last + 1] <= WEIRI_FORMAT_COLUMNS;
}

static void
open_groups(struct printer *self, uint32_t token)
{
    const weiri_layout *layout = self->layout;
    while (self->next_group < layout->n_groups
           && layout->groups[self->next_group].first == token) {
        const weiri_group *group      = &layout->groups[self->next_group];
        bool               is_outside = self->n_open > 0;
        bool               flat =
            (is_outside && self->open[self->n_open - 1].is_flat) || is_flat(self, group);
        self->open[self->n_open++] = (struct open_group){ .last = group->last,
            .index                                              = self->next_group++,
            .is_flat                                            = flat,
            .indent = group->is_block ? self->base + WEIRI_FORMAT_INDENT : self->column };
    }
}

static void
close_groups(struct printer *self, uint32_t token)
{
    while (self->n_open > 0 && self->open[self->n_open - 1].last <= token) {
        self->n_open--;
    }
}

/* ---- the whole ---- */

static void
sum_widths(struct printer *self)
{
    const weiri_layout *layout = self->layout;
    uint32_t            n      = layout->tokens.n_items;
    uint32_t            c      = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t width =
            layout->marks[i].is_dropped
                ? 0
                : weiri_layout_space(layout, i) + weiri_layout_columns(layout, i);
        while (c < layout->tokens.n_comments && layout->tokens.comments[c].token <= i) {
            c++;
        }
        self->ends[i]       = width + (i > 0 ? self->ends[i - 1] : 0);
        self->n_comments[i] = c;
    }
    for (uint32_t i = n - 1; i > 0; i--) {
        bool may_end = layout->marks[i].kind != WEIRI_BREAK_NONE
                       || self->n_comments[i] > self->n_comments[i - 1];
        uint32_t width = self->ends[i] - self->ends[i - 1];
        self->tails[i] = may_end ? 0 : width + (i + 1 < n ? self->tails[i + 1] : 0);
    }
}

static void
put_token(struct printer *self, uint32_t i)
{
    const weiri_token *token = &self->layout->tokens.items[i];
    put(self, self->layout->text + token->offset, token->size);
    self->column += weiri_layout_columns(self->layout, i);
    self->source   = token->offset + token->size;
    self->is_begun = token->kind != WEIRI_TOKEN_LEFT_BRACE;
}

/* Comments at the ends of lines one after another stand below each other. */
static const char *
align_remarks(struct printer *self, size_t *size)
{
    char    *text = self->out;
    size_t   n    = self->size;
    size_t   from = 0;
    uint32_t i    = 0;
    self->out     = NULL;
    self->size    = 0;
    self->room    = 0;
    while (i < self->n_remarks) {
        uint32_t end   = i;
        uint32_t width = 0;
        do {
            const struct remark *remark = &self->remarks[end++];
            width                       = remark->width > width ? remark->width : width;
        } while (end < self->n_remarks
                 && self->remarks[end].line == self->remarks[end - 1].line + 1);
        for (; i < end; i++) {
            put(self, text + from, self->remarks[i].at - from);
            put_spaces(self, width - self->remarks[i].width + 2);
            from = self->remarks[i].at;
        }
    }
    if (n > 0) {
        put(self, text + from, n - from);
    }
    *size = self->size;
    return self->size > 0 ? self->out : "";
}

const char *
weiri_layout_print(const weiri_layout *layout, size_t *size)
{
    size_t         n     = layout->tokens.n_items;
    weiri_arena   *arena = layout->arena;
    struct printer self  = { .layout = layout,
         .arena                      = arena,
         .ends       = weiri_arena_alloc(arena, (n + 1) * sizeof(uint32_t)),
         .tails      = weiri_arena_alloc(arena, (n + 1) * sizeof(uint32_t)),
         .n_comments = weiri_arena_alloc(arena, (n + 1) * sizeof(uint32_t)),
         .open       = weiri_arena_alloc(
                   arena, (layout->n_groups + 1) * sizeof(struct open_group)) };
    sum_widths(&self);
    for (uint32_t i = 0; i < n; i++) {
        if (layout->marks[i].is_dropped) {
            continue;
        }
        put_gap(&self, i);
        open_groups(&self, i);
        put_token(&self, i);
        close_groups(&self, i);
    }
    if (self.size > 0) {
        put(&self, "\n", 1);
    }
    return align_remarks(&self, size);
}
