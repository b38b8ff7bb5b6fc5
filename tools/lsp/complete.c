/* What could stand at a place. */
#include <string.h>

#include "situation.h"
#include "words.h"

/* Kinds as the protocol numbers them. */
enum {
    FUNCTION = 3,
    FIELD    = 5,
    VARIABLE = 6,
    CLASS    = 7,
    KEYWORD  = 14,
    CONSTANT = 21,
    TYPE     = 25
};

struct list {
    weiri_lsp          *server;
    const lsp_analysis *of;
    lsp_situation       at;
    weiri_names         seen;
    const char         *comma;
    FILE               *out;
};

/* `rank` orders the kinds among each other. */
struct item {
    const char *label;
    const char *detail;
    unsigned    kind;
    char        rank;
};

static void
put(struct list *self, const struct item *item)
{
    if (weiri_names_find(&self->seen, item->label) != UINT32_MAX) {
        return;
    }
    weiri_names_add(&self->seen, self->server->arena, item->label, 0);
    fprintf(self->out, "%s{\"label\":", self->comma);
    lsp_put_string(self->out, item->label);
    fprintf(self->out, ",\"kind\":%u,\"sortText\":", item->kind);
    lsp_put_string(self->out,
        weiri_arena_format(self->server->arena, "%c%s", item->rank, item->label));
    if (item->detail != NULL) {
        fputs(",\"detail\":", self->out);
        lsp_put_string(self->out, item->detail);
    }
    fputc('}', self->out);
    self->comma = ",";
}

static void
put_words(struct list *self, const char *const *words)
{
    for (size_t i = 0; words != NULL && words[i] != NULL; i++) {
        struct item item = { words[i], NULL, KEYWORD, '5' };
        put(self, &item);
    }
}

static void
put_statements(struct list *self)
{
    static const char *const STATEMENTS[] = {
#define X(name, text) text,
        WEIRI_STATEMENT_LIST(X)
#undef X
            NULL
    };
    put_words(self, STATEMENTS);
}

/* Clauses that the rule has not got yet. */
static void
put_clauses(struct list *self)
{
    const weiri_ast_rule *rule = self->at.rule;
    const weiri_span      none = { .size = 0 };
    const struct {
        const char *text;
        weiri_span  given;
    } CLAUSES[] = {
        { "match", rule == NULL ? none : rule->match_at },
        { "from", rule == NULL ? none : rule->from.at },
        { "where", rule == NULL ? none : rule->where_at },
        { "by", rule == NULL ? none : rule->by_at },
        { "within", rule == NULL ? none : rule->within_at },
        { "fill", rule == NULL ? none : rule->fill.at },
        { "window", rule == NULL ? none : rule->window.at },
        { "having", rule == NULL ? none : rule->having_at },
        { "skip", rule == NULL ? none : rule->skip.at },
        { "emit", rule == NULL ? none : rule->emit.at },
        { "delete from", rule == NULL ? none : rule->emit.at },
        { "on timeout emit", rule == NULL ? none : rule->on_timeout.at },
        { "limit", rule == NULL ? none : rule->limit_at },
        { "order by", rule == NULL ? none : rule->order_at },
    };
    for (size_t i = 0; i < sizeof CLAUSES / sizeof CLAUSES[0]; i++) {
        struct item item = { CLAUSES[i].text, NULL, KEYWORD, '5' };
        if (CLAUSES[i].given.size == 0) {
            put(self, &item);
        }
    }
}

static void
put_streams(struct list *self)
{
    const weiri_plan *plan = self->of->plan;
    for (uint32_t i = 0; i < plan->n_streams; i++) {
        const weiri_stream *stream  = &plan->streams[i];
        bool                is_ours = stream->origin == WEIRI_ORIGIN_SOURCE
                       || stream->origin == WEIRI_ORIGIN_RULE
                       || stream->origin == WEIRI_ORIGIN_TABLE;
        struct item item = { stream->schema.name,
            stream->origin == WEIRI_ORIGIN_TABLE ? "table" : "stream", CLASS, '2' };
        if (is_ours && strchr(stream->schema.name, ',') == NULL) {
            put(self, &item);
        }
    }
}

static void
put_fields(struct list *self, const char *stream)
{
    const weir_schema *schema = lsp_index_schema(&self->of->index, stream);
    for (uint32_t i = 0; schema != NULL && i < schema->n_fields; i++) {
        const weir_field *field = &schema->fields[i];
        struct item       item  = { field->name,
                   weiri_arena_format(self->server->arena, "%s%s of %s",
                       weir_type_text(field->type), field->is_nullable ? "?" : "", stream),
                   FIELD, '1' };
        put(self, &item);
    }
}

static void
put_speakers(struct list *self)
{
    lsp_speakers speakers = { .n = 0 };
    if (self->at.rule != NULL) {
        speakers = lsp_speakers_of(self->server->arena, self->at.rule);
    }
    for (uint32_t i = 0; i < speakers.n; i++) {
        const lsp_speaker *speaker = &speakers.items[i];
        struct item        item    = { speaker->name, "step", VARIABLE, '2' };
        if (speaker->name != NULL && (self->at.wants & LSP_WANTS_STEPS) != 0) {
            put(self, &item);
        }
        if ((self->at.wants & LSP_WANTS_ALL_FIELDS) != 0) {
            put_fields(self, speaker->stream);
        }
    }
}

static void
put_params(struct list *self)
{
    const lsp_index *index = &self->of->index;
    for (uint32_t i = 0; i < index->n_symbols; i++) {
        const lsp_symbol *symbol = &index->symbols[i];
        if (symbol->kind == LSP_PARAM && symbol->statement != NULL) {
            const weiri_ast_param *param = symbol->statement->as.param;
            struct item            item  = { symbol->name,
                            weiri_arena_format(
                                self->server->arena, "param %s", weir_type_text(param->type.type)),
                            CONSTANT, '3' };
            put(self, &item);
        }
    }
}

static bool
is_word(const char *name)
{
    return (name[0] >= 'a' && name[0] <= 'z') && strchr(name, ' ') == NULL;
}

/* What plugins bring, by the word that declares it. */
static void
put_plugins(struct list *self, weiri_word kind)
{
    const lsp_index *index = &self->of->index;
    for (uint32_t i = 0; i < index->n_symbols; i++) {
        const lsp_symbol *symbol = &index->symbols[i];
        struct item       item   = { symbol->name, weiri_word_text(kind), FUNCTION, '2' };
        if (symbol->kind == LSP_PLUGIN && symbol->statement != NULL
            && symbol->statement->kind == kind) {
            put(self, &item);
        }
    }
}

static void
put_connectors(struct list *self)
{
    put_plugins(self, WEIRI_WORD_CONNECTOR);
}

static void
put_codecs(struct list *self)
{
    put_plugins(self, WEIRI_WORD_CODEC);
}

static void
put_actors(struct list *self)
{
    put_plugins(self, WEIRI_WORD_ACTOR);
}

/* clip(x, low), as it was defined. */
static const char *
signature_of(const struct list *self, const weiri_ast_function *function)
{
    weiri_arena *arena = self->server->arena;
    const char  *text  = weiri_arena_format(arena, "%s(", function->name.text);
    for (uint32_t i = 0; i < function->n_params; i++) {
        const char *name = function->params[i].text;
        text             = weiri_arena_format(
                        arena, "%s%s%s", text, i > 0 ? ", " : "", name != NULL ? name : "");
    }
    return weiri_arena_format(arena, "%s)", text);
}

/* Functions that the rules define, those of what they include among them. */
static void
put_defined(struct list *self)
{
    const lsp_index *index = &self->of->index;
    for (uint32_t i = 0; i < index->n_symbols; i++) {
        const lsp_symbol *symbol = &index->symbols[i];
        if (symbol->kind == LSP_DEFINED && symbol->statement != NULL) {
            struct item item = { symbol->name,
                signature_of(self, symbol->statement->as.function), FUNCTION, '3' };
            put(self, &item);
        }
    }
}

static void
put_tables(struct list *self)
{
    const lsp_index *index = &self->of->index;
    for (uint32_t i = 0; i < index->n_symbols; i++) {
        const lsp_symbol *symbol = &index->symbols[i];
        struct item       item   = { symbol->name, "table", CLASS, '3' };
        if (symbol->kind == LSP_STREAM && symbol->statement != NULL
            && symbol->statement->kind == WEIRI_WORD_TABLE) {
            put(self, &item);
        }
    }
}

static void
put_values(struct list *self)
{
    static const char *const WORDS[] = { "and", "or", "not", "in", "between", "like",
        "is null", "is not null", "case", "when", "then", "else", "end", "true", "false",
        "null", NULL };
    const lsp_aggregate     *aggregate;
    const lsp_function      *function;
    put_words(self, WORDS);
    put_tables(self);
    put_defined(self);
    put_plugins(self, WEIRI_WORD_FUNCTION);
    put_plugins(self, WEIRI_WORD_AGGREGATE);
    for (size_t i = 0; (aggregate = lsp_aggregate_at(i)) != NULL; i++) {
        struct item item = { aggregate->name, aggregate->signature, FUNCTION, '4' };
        put(self, &item);
    }
    for (size_t i = 0; (function = lsp_function_at(i)) != NULL; i++) {
        struct item item = { function->name, lsp_function_signature(function->name),
            FUNCTION, '4' };
        if (is_word(function->name)) {
            put(self, &item);
        }
    }
}

static void
put_types(struct list *self)
{
    for (int type = WEIR_BOOL; type <= WEIR_DURATION; type++) {
        struct item item = { weir_type_text((weir_type)type), NULL, TYPE, '1' };
        put(self, &item);
    }
}

static void
put_all(struct list *self)
{
    static const struct {
        unsigned wants;
        void (*put)(struct list *);
    } PARTS[] = {
        { LSP_WANTS_STATEMENTS, put_statements },
        { LSP_WANTS_CLAUSES, put_clauses },
        { LSP_WANTS_STREAMS, put_streams },
        { LSP_WANTS_TYPES, put_types },
        { LSP_WANTS_STEPS | LSP_WANTS_ALL_FIELDS, put_speakers },
        { LSP_WANTS_PARAMS, put_params },
        { LSP_WANTS_VALUES, put_values },
        { LSP_WANTS_CONNECTORS, put_connectors },
        { LSP_WANTS_CODECS, put_codecs },
        { LSP_WANTS_ACTORS, put_actors },
    };
    if ((self->at.wants & LSP_WANTS_FIELDS) != 0) {
        put_fields(self, self->at.stream);
    }
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        if ((self->at.wants & PARTS[i].wants) != 0) {
            PARTS[i].put(self);
        }
    }
    put_words(self, self->at.words);
}

void
lsp_complete(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    uint32_t            offset   = 0;
    const lsp_document *document = lsp_need_place(self, params, &offset);
    if (document == NULL) {
        return;
    }
    struct list list = { .server = self,
        .of                      = &document->analysis,
        .at    = lsp_situation_at(self->arena, &document->analysis, offset),
        .comma = "",
        .out   = out };
    fputc('[', out);
    put_all(&list);
    fputc(']', out);
}
