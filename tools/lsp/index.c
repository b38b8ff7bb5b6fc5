#include "index.h"

#include <stdlib.h>
#include <string.h>

#include "diagnostics.h"
#include "std.h"
#include "words.h"

/* Where in a rule, or outside of all, an expression stands. */
struct walk {
    lsp_index                 *index;
    const weiri_ast_statement *statement;
    const weiri_ast_rule      *rule; /* NULL: none */
    lsp_speakers               speakers;
    const char                *own;     /* stream of the step under test; NULL: none */
    bool                       of_emit; /* names that emit gives mean something      */
    bool                       is_std;  /* the file is of the standard library       */
};

const char *
lsp_symbol_text(lsp_symbol_kind kind)
{
    static const char *const TEXTS[] = {
#define X(name, text) text,
        LSP_SYMBOL_LIST(X)
#undef X
    };
    return TEXTS[kind];
}

const weir_schema *
lsp_index_schema(const lsp_index *self, const char *stream)
{
    uint32_t i = stream == NULL ? UINT32_MAX : weiri_names_find(&self->streams, stream);
    return i == UINT32_MAX ? NULL : &self->plan->streams[i].schema;
}

const lsp_symbol *
lsp_index_symbol(const lsp_index *self, const char *key)
{
    uint32_t i = weiri_names_find(&self->keys, key);
    return i == UINT32_MAX ? NULL : &self->symbols[i];
}

/* ---- symbols and occurrences ---- */

static uint32_t
need_symbol(lsp_index *self, lsp_symbol_kind kind, const char *where, const char *name)
{
    const char *key = weiri_arena_format(self->arena, "%d %s %s", (int)kind, where, name);
    uint32_t    found = weiri_names_find(&self->keys, key);
    if (found != UINT32_MAX) {
        return found;
    }
    lsp_symbol symbol = { .kind = kind, .name = name, .key = key };
    WEIRI_ARENA_PUSH(self->arena, self->symbols, self->n_symbols, symbol);
    weiri_names_add(&self->keys, self->arena, key, self->n_symbols - 1);
    return self->n_symbols - 1;
}

static lsp_occurrence *
add(lsp_index *self, uint32_t symbol, weiri_span at)
{
    lsp_occurrence occurrence = { .at = at, .symbol = symbol };
    WEIRI_ARENA_PUSH(self->arena, self->occurrences, self->n_occurrences, occurrence);
    return &self->occurrences[self->n_occurrences - 1];
}

static void
define(struct walk *self, uint32_t symbol, weiri_span at)
{
    lsp_symbol *defined  = &self->index->symbols[symbol];
    bool        is_first = defined->at.size == 0;
    if (is_first) {
        defined->at        = at;
        defined->statement = self->statement;
    }
    add(self->index, symbol, at)->is_definition = is_first;
}

/* `late.auth` is about auth. */
static const char *
base_of(const char *stream)
{
    bool is_special =
        strncmp(stream, "late.", 5) == 0 || strncmp(stream, "dead.", 5) == 0;
    return is_special ? stream + 5 : stream;
}

static uint32_t
stream_symbol(struct walk *self, const char *stream)
{
    return need_symbol(self->index, LSP_STREAM, "", base_of(stream));
}

static void
name_stream(struct walk *self, weiri_ast_name name)
{
    if (name.text == NULL) {
        return;
    }
    uint32_t size = (uint32_t)strlen(base_of(name.text));
    if (name.at.size >= size) {
        name.at.offset += name.at.size - size;
        name.at.size = size;
        add(self->index, stream_symbol(self, name.text), name.at);
    }
}

/* A field's symbol: of the stream it came from, where it is one of late events. */
static uint32_t
field_symbol(struct walk *self, const char *stream, const char *name)
{
    const weir_schema *base    = lsp_index_schema(self->index, base_of(stream));
    bool               is_late = strncmp(stream, "late.", 5) == 0 && base != NULL
                   && weir_schema_find(base, name) >= 0;
    stream          = is_late ? base_of(stream) : stream;
    uint32_t symbol = need_symbol(self->index, LSP_FIELD, stream, name);
    self->index->symbols[symbol].stream = stream;
    return symbol;
}

static bool
has_field(const struct walk *self, const char *stream, const char *name)
{
    const weir_schema *schema = lsp_index_schema(self->index, stream);
    return schema != NULL && name != NULL && weir_schema_find(schema, name) >= 0;
}

static bool
name_field(struct walk *self, const char *stream, weiri_ast_name name)
{
    if (!has_field(self, stream, name.text)) {
        return false;
    }
    add(self->index, field_symbol(self, stream, name.text), name.at);
    return true;
}

/* The key of a step is also its place, since two rules may share a name by mistake. */
static uint32_t
step_symbol(struct walk *self, const lsp_speaker *speaker)
{
    const weiri_span at                 = self->statement->at;
    uint32_t         symbol             = need_symbol(self->index, LSP_STEP,
                            weiri_arena_format(
                                self->index->arena, "%u:%u", (unsigned)at.file, (unsigned)at.offset),
                            speaker->name);
    self->index->symbols[symbol].stream = speaker->stream;
    self->index->symbols[symbol].step   = speaker->step;
    return symbol;
}

static const lsp_speaker *
find_speaker(const struct walk *self, const char *name, bool is_named)
{
    for (uint32_t i = 0; i < self->speakers.n && name != NULL; i++) {
        const lsp_speaker *speaker = &self->speakers.items[i];
        const char        *called  = is_named ? speaker->name : speaker->stream;
        if (called != NULL && strcmp(called, name) == 0) {
            return speaker;
        }
    }
    return NULL;
}

/* ---- expressions ---- */

static void
walk_expr(struct walk *self, const weiri_ast_expr *expr);

static bool
name_param(struct walk *self, weiri_ast_name name)
{
    const char *key =
        weiri_arena_format(self->index->arena, "%d  %s", (int)LSP_PARAM, name.text);
    uint32_t found = weiri_names_find(&self->index->keys, key);
    if (found == UINT32_MAX) {
        return false;
    }
    add(self->index, found, name.at);
    return true;
}

/* A part of a plugin, by the word that declares it. */
static void
name_plugin(struct walk *self, weiri_word kind, weiri_ast_name name)
{
    if (name.text == NULL) {
        return;
    }
    const char *key = weiri_arena_format(self->index->arena, "%d %s %s", (int)LSP_PLUGIN,
        weiri_word_text(kind), name.text);
    uint32_t    found = weiri_names_find(&self->index->keys, key);
    if (found != UINT32_MAX) {
        add(self->index, found, name.at);
    }
}

/* A step by its name, or a stream that stands for its one step. */
static const lsp_speaker *
name_speaker(struct walk *self, weiri_ast_name name)
{
    const lsp_speaker *speaker = find_speaker(self, name.text, true);
    if (speaker != NULL) {
        add(self->index, step_symbol(self, speaker), name.at);
        return speaker;
    }
    speaker = find_speaker(self, name.text, false);
    if (speaker != NULL) {
        name_stream(self, name);
    }
    return speaker;
}

static bool
gives(const weiri_ast_rule *rule, const char *name)
{
    for (uint32_t i = 0; i < rule->emit.fields.n_items; i++) {
        const weiri_ast_option *option = &rule->emit.fields.items[i];
        if (option->value != NULL && option->name.text != NULL
            && strcmp(option->name.text, name) == 0) {
            return true;
        }
    }
    return false;
}

static void
walk_name(struct walk *self, weiri_ast_name name)
{
    if (name.text == NULL || name_field(self, self->own, name)) {
        return;
    }
    if (self->of_emit && gives(self->rule, name.text)
        && name_field(self, self->rule->emit.stream.text, name)) {
        return;
    }
    if (find_speaker(self, name.text, true) != NULL) {
        name_speaker(self, name);
        return;
    }
    if (self->own != NULL && name_param(self, name)) {
        return;
    }
    bool is_field = false;
    for (uint32_t i = 0; i < self->speakers.n; i++) {
        const char *stream  = self->speakers.items[i].stream;
        bool        is_seen = false;
        for (uint32_t k = 0; k < i && stream != NULL; k++) {
            const char *other = self->speakers.items[k].stream;
            is_seen           = is_seen || (other != NULL && strcmp(other, stream) == 0);
        }
        is_field = (!is_seen && name_field(self, stream, name)) || is_field;
    }
    if (!is_field && !name_param(self, name)) {
        name_speaker(self, name);
    }
}

/* What is in the brackets of an index, or is the key of a lookup. */
static void
walk_index(struct walk *self, const weiri_ast_expr *index)
{
    for (uint32_t i = 1; i < index->n_items; i++) {
        walk_expr(self, index->items[i]);
    }
}

static void
walk_member(struct walk *self, const weiri_ast_expr *expr)
{
    const weiri_ast_expr *base     = expr->items[0];
    bool                  is_index = base->kind == WEIRI_AST_INDEX;
    if (is_index) {
        walk_index(self, base);
        base = base->items[0];
    }
    if (base->kind != WEIRI_AST_NAME || base->name.text == NULL) {
        walk_expr(self, base);
        return;
    }
    const lsp_speaker *speaker = name_speaker(self, base->name);
    if (speaker != NULL) {
        name_field(self, speaker->stream, expr->name);
    } else if (is_index && lsp_index_schema(self->index, base->name.text) != NULL) {
        name_stream(self, base->name); /* a table */
        name_field(self, base->name.text, expr->name);
    } else if (strcmp(base->name.text, "prev") == 0) {
        walk_name(self, expr->name); /* whichever step it was */
    }
}

static void
walk_expr(struct walk *self, const weiri_ast_expr *expr)
{
    if (expr == NULL) {
        return;
    }
    if (expr->kind == WEIRI_AST_NAME) {
        walk_name(self, expr->name);
        return;
    }
    if (expr->kind == WEIRI_AST_MEMBER) {
        walk_member(self, expr);
        return;
    }
    if (expr->kind == WEIRI_AST_CALL) {
        name_plugin(self, WEIRI_WORD_AGGREGATE, expr->name);
        name_plugin(self, WEIRI_WORD_FUNCTION, expr->name);
    }
    if (expr->kind == WEIRI_AST_CALL && lsp_function_is_known(expr->name.text)) {
        add(self->index, need_symbol(self->index, LSP_FUNCTION, "", expr->name.text),
            expr->name.at);
    }
    for (uint32_t i = 0; i < expr->n_items; i++) {
        walk_expr(self, expr->items[i]);
    }
    walk_expr(self, expr->filter);
}

static void
walk_values(struct walk *self, const weiri_ast_options *options)
{
    for (uint32_t i = 0; i < options->n_items; i++) {
        walk_expr(self, options->items[i].value);
    }
}

/* ---- rules ---- */

static void
collect_speakers(weiri_arena *arena, lsp_speakers *self, const weiri_ast_pattern *pattern)
{
    if (pattern->kind == WEIRI_AST_STEP && pattern->stream.text != NULL) {
        lsp_speaker speaker = { .name = pattern->name.text,
            .at                       = pattern->name.at,
            .stream                   = pattern->stream.text,
            .step                     = pattern };
        WEIRI_ARENA_PUSH(arena, self->items, self->n, speaker);
    }
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        collect_speakers(arena, self, pattern->items[i]);
    }
}

static void
add_speaker(
    weiri_arena *arena, lsp_speakers *self, weiri_ast_name alias, weiri_ast_name stream)
{
    lsp_speaker speaker = { .name = alias.text, .at = alias.at, .stream = stream.text };
    if (stream.text != NULL) {
        WEIRI_ARENA_PUSH(arena, self->items, self->n, speaker);
    }
}

lsp_speakers
lsp_speakers_of(weiri_arena *arena, const weiri_ast_rule *rule)
{
    lsp_speakers self = { .n = 0 };
    if (rule->pattern != NULL) {
        collect_speakers(arena, &self, rule->pattern);
    }
    add_speaker(arena, &self, rule->from.alias, rule->from.stream);
    for (uint32_t i = 0; i < rule->from.n_joins; i++) {
        add_speaker(arena, &self, rule->from.joins[i].alias, rule->from.joins[i].stream);
    }
    return self;
}

static void
walk_step(struct walk *self, const weiri_ast_pattern *step)
{
    name_stream(self, step->stream);
    self->own = step->stream.text;
    walk_expr(self, step->where);
    walk_expr(self, step->quantifier.until);
    self->own = NULL;
    walk_expr(self, step->gap);
}

static void
walk_pattern(struct walk *self, const weiri_ast_pattern *pattern)
{
    if (pattern == NULL) {
        return;
    }
    if (pattern->kind == WEIRI_AST_STEP) {
        walk_step(self, pattern);
    }
    walk_expr(self, pattern->quantifier.min);
    if (pattern->quantifier.max != pattern->quantifier.min) {
        walk_expr(self, pattern->quantifier.max);
    }
    if (pattern->kind != WEIRI_AST_STEP) {
        walk_expr(self, pattern->quantifier.until);
    }
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        walk_pattern(self, pattern->items[i]);
    }
}

/* A derived stream is defined where a rule emits it first, and so are its fields; a
 * declared one is known by now. */
static void
walk_emit(struct walk *self, const weiri_ast_emit *emit)
{
    if (emit->stream.text == NULL) {
        return;
    }
    define(self, stream_symbol(self, emit->stream.text), emit->stream.at);
    for (uint32_t i = 0; i < emit->fields.n_items; i++) {
        const weiri_ast_option *option   = &emit->fields.items[i];
        bool                    is_short = option->value == NULL;
        if (is_short) {
            uint32_t first = self->index->n_occurrences;
            walk_name(self, option->name);
            for (uint32_t k = first; k < self->index->n_occurrences; k++) {
                self->index->occurrences[k].is_short = true;
            }
        }
        if (option->name.text != NULL) {
            define(self, field_symbol(self, emit->stream.text, option->name.text),
                option->name.at);
        }
        walk_expr(self, option->value);
    }
}

static void
walk_clauses(struct walk *self, const weiri_ast_rule *rule)
{
    const char *from = rule->from.n_joins == 0 ? rule->from.stream.text : NULL;
    walk_pattern(self, rule->pattern);
    walk_expr(self, rule->silence);
    name_plugin(self, WEIRI_WORD_ACTOR, rule->from.actor);
    name_stream(self, rule->from.stream);
    for (uint32_t i = 0; i < rule->from.n_joins; i++) {
        name_stream(self, rule->from.joins[i].stream);
        walk_expr(self, rule->from.joins[i].on);
        walk_expr(self, rule->from.joins[i].within);
    }
    self->own = from;
    walk_expr(self, rule->where);
    for (uint32_t i = 0; i < rule->n_keys; i++) {
        for (uint32_t k = 0; k < rule->keys[i].n_sides; k++) {
            walk_expr(self, rule->keys[i].sides[k]);
        }
    }
    walk_expr(self, rule->within);
    for (uint32_t i = 0; i < rule->fill.n_fields; i++) {
        walk_expr(self, rule->fill.fields[i]);
    }
    walk_expr(self, rule->fill.within);
    walk_expr(self, rule->window.width);
    walk_expr(self, rule->window.offset);
    walk_expr(self, rule->window.every);
    walk_expr(self, rule->window.early);
    self->of_emit = from != NULL;
    walk_expr(self, rule->having);
    for (uint32_t i = 0; i < rule->n_order; i++) {
        walk_expr(self, rule->order[i].value);
    }
    self->of_emit = false;
    walk_emit(self, &rule->emit);
    walk_emit(self, &rule->on_timeout);
    walk_expr(self, rule->limit);
    walk_expr(self, rule->limit_per);
    walk_expr(self, rule->order_limit);
}

static void
walk_rule(struct walk *self, const weiri_ast_rule *rule)
{
    self->rule     = rule;
    self->speakers = lsp_speakers_of(self->index->arena, rule);
    if (rule->name.text != NULL) {
        define(
            self, need_symbol(self->index, LSP_RULE, "", rule->name.text), rule->name.at);
    }
    for (uint32_t i = 0; i < self->speakers.n; i++) {
        if (self->speakers.items[i].name != NULL) {
            define(self, step_symbol(self, &self->speakers.items[i]),
                self->speakers.items[i].at);
        }
    }
    walk_clauses(self, rule);
    if (rule->skip.step.text != NULL) {
        name_speaker(self, rule->skip.step);
    }
}

/* ---- other statements ---- */

/* The part of a plugin that a statement declares; NULL: none. */
static const weiri_ast_plugin *
plugin_of(const weiri_ast_statement *statement)
{
    switch (statement->kind) {
    case WEIRI_WORD_FUNCTION: return statement->as.function->plugin;
    case WEIRI_WORD_ACTOR:
    case WEIRI_WORD_AGGREGATE:
    case WEIRI_WORD_CONNECTOR:
    case WEIRI_WORD_CODEC: return statement->as.plugin;
    default: return NULL;
    }
}

/* A function that the rules define. Those of the standard library stand in no file. */
static void
define_function(struct walk *self)
{
    const weiri_ast_name name = self->statement->as.function->name;
    if (name.text == NULL) {
        return;
    }
    uint32_t symbol = need_symbol(self->index, LSP_DEFINED, "", name.text);
    if (self->is_std) {
        self->index->symbols[symbol].statement = self->statement;
    } else {
        define(self, symbol, name.at);
    }
}

/* What everything else may speak of: declared streams with their fields, parameters,
 * parts of plugins. */
static void
define_statement(struct walk *self)
{
    const weiri_ast_statement *statement = self->statement;
    if (statement->kind == WEIRI_WORD_STREAM || statement->kind == WEIRI_WORD_TABLE) {
        const weiri_ast_stream *stream = statement->as.stream;
        if (stream->name.text == NULL) {
            return;
        }
        define(self, stream_symbol(self, stream->name.text), stream->name.at);
        for (uint32_t i = 0; i < stream->n_fields; i++) {
            define(self,
                field_symbol(self, stream->name.text, stream->fields[i].name.text),
                stream->fields[i].name.at);
        }
    } else if (statement->kind == WEIRI_WORD_PARAM
               && statement->as.param->name.text != NULL) {
        define(self,
            need_symbol(self->index, LSP_PARAM, "", statement->as.param->name.text),
            statement->as.param->name.at);
    } else if (statement->kind == WEIRI_WORD_FUNCTION
               && statement->as.function->plugin == NULL) {
        define_function(self);
    } else if (plugin_of(statement) != NULL && plugin_of(statement)->name.text != NULL) {
        const weiri_ast_plugin *plugin = plugin_of(statement);
        define(self,
            need_symbol(self->index, LSP_PLUGIN, weiri_word_text(statement->kind),
                plugin->name.text),
            plugin->name.at);
    }
}

/* Where events come from or go to, without the stream. */
static void
walk_feed(struct walk *self, const weiri_ast_io *io)
{
    name_plugin(self, WEIRI_WORD_CONNECTOR, io->endpoint.name);
    name_plugin(self, WEIRI_WORD_CODEC, io->format);
    walk_values(self, &io->endpoint.options);
    walk_values(self, &io->format_options);
    walk_expr(self, io->lateness);
    walk_expr(self, io->idle);
    walk_expr(self, io->refresh);
}

static void
walk_io(struct walk *self, const weiri_ast_io *io)
{
    name_stream(self, io->stream);
    walk_feed(self, io);
}

static void
walk_table(struct walk *self, const weiri_ast_stream *table)
{
    for (uint32_t i = 0; i < table->n_keys && table->name.text != NULL; i++) {
        name_field(self, table->name.text, table->keys[i]);
    }
    if (table->since.text != NULL && table->name.text != NULL) {
        name_field(self, table->name.text, table->since);
    }
    walk_expr(self, table->limit);
    walk_expr(self, table->keep);
    walk_io(self, &table->io);
}

static void
walk_test(struct walk *self, const weiri_ast_test *test)
{
    for (uint32_t i = 0; i < test->n_lines; i++) {
        const weiri_ast_test_line *line = &test->lines[i];
        name_stream(self, line->stream);
        for (uint32_t k = 0; k < line->fields.n_items; k++) {
            if (line->stream.text != NULL) {
                name_field(self, line->stream.text, line->fields.items[k].name);
            }
        }
        walk_values(self, &line->fields);
        if (line->from != NULL) {
            walk_feed(self, line->from);
        }
        walk_expr(self, line->count);
        walk_expr(self, line->wait);
        walk_expr(self, line->repeat);
        walk_expr(self, line->every);
    }
}

static void
walk_statement(struct walk *self)
{
    const weiri_ast_statement *statement = self->statement;
    switch (statement->kind) {
    case WEIRI_WORD_RULE: walk_rule(self, statement->as.rule); break;
    case WEIRI_WORD_SOURCE:
    case WEIRI_WORD_SINK: walk_io(self, statement->as.io); break;
    case WEIRI_WORD_PARAM: walk_expr(self, statement->as.param->value); break;
    case WEIRI_WORD_TEST: walk_test(self, statement->as.test); break;
    case WEIRI_WORD_TABLE: walk_table(self, statement->as.stream); break;
    case WEIRI_WORD_INCLUDE:
        if (statement->as.include->path != NULL) {
            add(self->index,
                need_symbol(self->index, LSP_FILE, "", statement->as.include->path),
                statement->as.include->at);
        }
        break;
    default: break;
    }
}

static void
for_all(lsp_index *self, const weiri_diagnostics *texts, void (*visit)(struct walk *))
{
    for (uint32_t i = 0; i < self->ast->n_files; i++) {
        const char *path = weiri_diagnostics_file(texts, self->ast->files[i].file)->name;
        bool        is_std = weiri_std_is_path(path);
        for (uint32_t k = 0; k < self->ast->files[i].n_statements; k++) {
            struct walk walk = { .index = self,
                .statement              = &self->ast->files[i].statements[k],
                .is_std                 = is_std };
            visit(&walk);
        }
    }
}

/* Calls of functions that the rules define: in the tree they are no more, so their names
 * are taken from the text. */
static void
name_calls(lsp_index *self, const weiri_diagnostics *texts, const weiri_ast_file *file)
{
    const weiri_tokens *tokens = &file->tokens;
    const char         *text   = weiri_diagnostics_file(texts, file->file)->text;
    for (uint32_t i = 0; i + 1 < tokens->n_items; i++) {
        const weiri_token *token = &tokens->items[i];
        if (token->kind != WEIRI_TOKEN_NAME
            || tokens->items[i + 1].kind != WEIRI_TOKEN_LEFT_PAREN) {
            continue;
        }
        const char *key   = weiri_arena_format(self->arena, "%d  %.*s", (int)LSP_DEFINED,
              (int)token->size, text + token->offset);
        uint32_t    found = weiri_names_find(&self->keys, key);
        if (found != UINT32_MAX && self->symbols[found].at.offset != token->offset) {
            add(self, found,
                (weiri_span){
                    .file = file->file, .offset = token->offset, .size = token->size });
        }
    }
}

static int
compare(const void *a, const void *b)
{
    const lsp_occurrence *x = a;
    const lsp_occurrence *y = b;
    if (x->at.file != y->at.file) {
        return x->at.file < y->at.file ? -1 : 1;
    }
    if (x->at.offset != y->at.offset) {
        return x->at.offset < y->at.offset ? -1 : 1;
    }
    return x->symbol < y->symbol ? -1 : x->symbol > y->symbol;
}

static bool
is_same_place(const lsp_occurrence *a, const lsp_occurrence *b)
{
    return a->at.file == b->at.file && a->at.offset == b->at.offset;
}

/* Whether what looks like a call is a step: `s(x > 1)`, of a stream that is called as a
 * function is. */
static bool
is_step(const lsp_index *self, uint32_t i)
{
    const lsp_occurrence *it    = &self->occurrences[i];
    uint32_t              first = i;
    if (self->symbols[it->symbol].kind != LSP_DEFINED) {
        return false;
    }
    while (first > 0 && is_same_place(&self->occurrences[first - 1], it)) {
        first--;
    }
    for (uint32_t k = first;
         k < self->n_occurrences && is_same_place(&self->occurrences[k], it); k++) {
        if (self->symbols[self->occurrences[k].symbol].kind == LSP_STREAM) {
            return true;
        }
    }
    return false;
}

/* Calls of functions are expanded by now: what was passed may stand in several places of
 * the tree, and what the function added has the place of the call. */
static void
tidy(lsp_index *self)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->n_occurrences; i++) {
        const lsp_occurrence *occurrence = &self->occurrences[i];
        const lsp_symbol     *symbol     = &self->symbols[occurrence->symbol];
        bool is_again = n > 0 && compare(&self->occurrences[n - 1], occurrence) == 0;
        if (!is_again && !is_step(self, i)
            && (symbol->kind == LSP_FILE
                || strlen(symbol->name) == occurrence->at.size)) {
            self->occurrences[n++] = *occurrence;
        }
    }
    self->n_occurrences = n;
}

void
lsp_index_build(lsp_index *self, weiri_arena *arena, const weiri_diagnostics *texts,
    const weiri_ast *ast, const weiri_plan *plan)
{
    *self = (lsp_index){ .arena = arena, .ast = ast, .plan = plan };
    for (uint32_t i = 0; i < plan->n_streams; i++) {
        weiri_names_add(&self->streams, arena, plan->streams[i].schema.name, i);
    }
    for_all(self, texts, define_statement);
    for_all(self, texts, walk_statement);
    for (uint32_t i = 0; i < ast->n_files; i++) {
        name_calls(self, texts, &ast->files[i]);
    }
    if (self->n_occurrences > 0) {
        qsort(self->occurrences, self->n_occurrences, sizeof *self->occurrences, compare);
        tidy(self);
    }
}

uint32_t
lsp_index_at(const lsp_index *self, uint32_t file, uint32_t offset, uint32_t *first)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->n_occurrences; i++) {
        weiri_span at = self->occurrences[i].at;
        if (at.file != file || at.offset > offset || offset > at.offset + at.size) {
            continue;
        }
        /* Of two that touch, the later one: the editor's caret stands before it. */
        if (n == 0 || at.offset > self->occurrences[*first].at.offset) {
            *first = i;
            n      = 0;
        }
        n++;
    }
    return n;
}
