/* Where things are: definitions, references, the outline of a file. */
#define _POSIX_C_SOURCE 200809L /* access */

#include <string.h>
#include <unistd.h>

#include "server.h"

/* ---- definitions ---- */

static const char *
string_of_include(const lsp_analysis *of, uint32_t offset)
{
    const weiri_ast_statement *statement = lsp_statement_at(of, offset);
    bool is_include = statement != NULL && statement->kind == WEIRI_WORD_INCLUDE;
    return is_include ? statement->as.include->path : NULL;
}

static void
put_file(weiri_lsp *self, const lsp_document *document, const char *path, FILE *out)
{
    const char *full = lsp_path_from(self, document, path);
    if (self->options.no_files || access(full, R_OK) != 0) {
        return;
    }
    fputs("{\"uri\":", out);
    lsp_put_string(out, lsp_uri_of_path(self, full));
    fputs(",\"range\":{\"start\":{\"line\":0,\"character\":0},\"end\":{\"line\":0,"
          "\"character\":0}}}",
        out);
}

void
lsp_definition(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    uint32_t      offset   = 0;
    uint32_t      first    = 0;
    lsp_document *document = lsp_need_place(self, params, &offset);
    if (document == NULL) {
        return;
    }
    const lsp_index *index    = &document->analysis.index;
    uint32_t         n        = lsp_index_at(index, 0, offset, &first);
    bool             is_first = true;
    fputc('[', out);
    for (uint32_t i = first; i < first + n; i++) {
        const lsp_symbol *symbol = &index->symbols[index->occurrences[i].symbol];
        if (symbol->kind == LSP_FILE) {
            put_file(self, document, string_of_include(&document->analysis, offset), out);
        } else if (symbol->at.size > 0) {
            fputs(is_first ? "" : ",", out);
            lsp_put_location(self, document, symbol->at, out);
            is_first = false;
        }
    }
    fputc(']', out);
}

/* ---- references ---- */

const lsp_symbol *
lsp_same_symbol(const weiri_lsp *self, const lsp_document *document,
    const lsp_symbol *symbol, const lsp_document *other)
{
    if (other == document) {
        return symbol;
    }
    const lsp_symbol *found   = lsp_index_symbol(&other->analysis.index, symbol->key);
    bool              is_same = found != NULL && symbol->at.size > 0 && found->at.size > 0
                   && found->at.offset == symbol->at.offset
                   && strcmp(lsp_uri_of(self, document, symbol->at.file),
                          lsp_uri_of(self, other, found->at.file))
                          == 0;
    return is_same ? found : NULL;
}

static bool
is_listed(const lsp_place *places, uint32_t n, const lsp_place *place)
{
    for (uint32_t i = 0; i < n; i++) {
        if (places[i].occurrence->at.offset == place->occurrence->at.offset
            && strcmp(places[i].uri, place->uri) == 0) {
            return true;
        }
    }
    return false;
}

static void
add_places(weiri_lsp *self, lsp_document *document, const lsp_symbol *symbol,
    lsp_place **places, uint32_t *n)
{
    const lsp_index *index = &document->analysis.index;
    uint32_t         begun = *n; /* places of one document are different already */
    for (uint32_t i = 0; i < index->n_occurrences; i++) {
        const lsp_occurrence *occurrence = &index->occurrences[i];
        if (&index->symbols[occurrence->symbol] != symbol) {
            continue;
        }
        lsp_place place = { .document = document,
            .occurrence               = occurrence,
            .uri                      = lsp_uri_of(self, document, occurrence->at.file) };
        if (!is_listed(*places, begun, &place)) {
            WEIRI_ARENA_PUSH(self->arena, *places, *n, place);
        }
    }
}

lsp_place *
lsp_places_of(
    weiri_lsp *self, lsp_document *document, const lsp_symbol *symbol, uint32_t *n_places)
{
    lsp_place *places = NULL;
    *n_places         = 0;
    add_places(self, document, symbol, &places, n_places);
    for (uint32_t i = 0; i < self->n_documents; i++) {
        lsp_document     *other = self->documents[i];
        const lsp_symbol *same =
            other == document ? NULL : lsp_same_symbol(self, document, symbol, other);
        if (same != NULL) {
            add_places(self, other, same, &places, n_places);
        }
    }
    return places;
}

static bool
wants_definition(const lsp_json *params)
{
    const lsp_json *value = lsp_json_at(params, "context.includeDeclaration");
    return value == NULL || value->truth;
}

void
lsp_references(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    uint32_t      offset   = 0;
    uint32_t      first    = 0;
    lsp_document *document = lsp_need_place(self, params, &offset);
    if (document == NULL) {
        return;
    }
    const lsp_index *index    = &document->analysis.index;
    uint32_t         n        = lsp_index_at(index, 0, offset, &first);
    bool             is_first = true;
    fputc('[', out);
    for (uint32_t i = first; i < first + n; i++) {
        uint32_t         n_places = 0;
        const lsp_place *places   = lsp_places_of(
              self, document, &index->symbols[index->occurrences[i].symbol], &n_places);
        for (uint32_t k = 0; k < n_places; k++) {
            if (places[k].occurrence->is_definition && !wants_definition(params)) {
                continue;
            }
            fputs(is_first ? "" : ",", out);
            lsp_put_location(self, places[k].document, places[k].occurrence->at, out);
            is_first = false;
        }
    }
    fputc(']', out);
}

void
lsp_highlight(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    uint32_t      offset   = 0;
    uint32_t      first    = 0;
    lsp_document *document = lsp_need_place(self, params, &offset);
    if (document == NULL) {
        return;
    }
    const lsp_index *index = &document->analysis.index;
    uint32_t         n     = lsp_index_at(index, 0, offset, &first);
    const char      *comma = "";
    fputc('[', out);
    for (uint32_t i = 0; i < index->n_occurrences && n > 0; i++) {
        const lsp_occurrence *occurrence = &index->occurrences[i];
        if (occurrence->symbol == index->occurrences[first].symbol
            && occurrence->at.file == 0) {
            enum { READ = 2, WRITE };
            fprintf(out, "%s{\"kind\":%d,\"range\":", comma,
                occurrence->is_definition ? WRITE : READ);
            lsp_put_range(self, &document->analysis, occurrence->at, out);
            fputc('}', out);
            comma = ",";
        }
    }
    fputc(']', out);
}

/* ---- outline ---- */

/* Kinds as the protocol numbers them. */
enum {
    FILE_KIND = 1,
    METHOD    = 6,
    FIELD     = 8,
    INTERFACE = 11,
    FUNCTION  = 12,
    CONSTANT  = 14,
    STRUCT    = 23,
    EVENT     = 24
};

struct entry {
    const char *name;
    const char *detail;
    unsigned    kind;
    weiri_span  name_at;
    weiri_span  at;
};

/* All but the end of the object, which has children or has not. */
static void
put_entry(const weiri_lsp *self, const lsp_document *document, const struct entry *entry,
    FILE *out)
{
    fprintf(out, "{\"kind\":%u,\"name\":", entry->kind);
    lsp_put_string(out, entry->name[0] != '\0' ? entry->name : "?");
    if (entry->detail != NULL) {
        fputs(",\"detail\":", out);
        lsp_put_string(out, entry->detail);
    }
    fputs(",\"range\":", out);
    lsp_put_range(self, &document->analysis, entry->at, out);
    fputs(",\"selectionRange\":", out);
    lsp_put_range(self, &document->analysis, entry->name_at, out);
}

static void
put_fields(weiri_lsp *self, const lsp_document *document, const weiri_ast_stream *stream,
    FILE *out)
{
    for (uint32_t i = 0; i < stream->n_fields; i++) {
        const weiri_ast_field *field = &stream->fields[i];
        struct entry           entry = { .name = field->name.text,
                      .detail                  = weir_type_text(field->type.type),
                      .kind                    = FIELD,
                      .name_at                 = field->name.at,
                      .at = weiri_span_join(field->name.at, field->type.at) };
        fputs(i > 0 ? "," : "", out);
        put_entry(self, document, &entry, out);
        fputc('}', out);
    }
}

static void
put_steps(
    weiri_lsp *self, const lsp_document *document, const weiri_ast_rule *rule, FILE *out)
{
    const lsp_speakers speakers = lsp_speakers_of(self->arena, rule);
    const char        *comma    = "";
    for (uint32_t i = 0; i < speakers.n; i++) {
        const lsp_speaker *speaker = &speakers.items[i];
        if (speaker->name == NULL) {
            continue;
        }
        struct entry entry = { .name = speaker->name,
            .detail                  = speaker->stream,
            .kind                    = EVENT,
            .name_at                 = speaker->at,
            .at = speaker->step != NULL ? speaker->step->at : speaker->at };
        fputs(comma, out);
        put_entry(self, document, &entry, out);
        fputc('}', out);
        comma = ",";
    }
}

/* What a statement is called, and of what kind it is. */
static bool
entry_of(const weiri_ast_statement *statement, struct entry *entry)
{
    weiri_ast_name name = { .text = NULL };
    switch (statement->kind) {
    case WEIRI_WORD_STREAM:
    case WEIRI_WORD_TABLE:
        name        = statement->as.stream->name;
        entry->kind = STRUCT;
        break;
    case WEIRI_WORD_RULE:
        name          = statement->as.rule->name;
        entry->detail = statement->as.rule->title;
        entry->kind   = FUNCTION;
        break;
    case WEIRI_WORD_PARAM:
        name        = statement->as.param->name;
        entry->kind = CONSTANT;
        break;
    case WEIRI_WORD_SOURCE:
    case WEIRI_WORD_SINK:
        name          = statement->as.io->stream;
        entry->detail = weiri_word_text(statement->kind);
        entry->kind   = INTERFACE;
        break;
    case WEIRI_WORD_INCLUDE:
        name = (weiri_ast_name){ statement->as.include->path, statement->as.include->at };
        entry->kind = FILE_KIND;
        break;
    case WEIRI_WORD_TEST:
        name        = (weiri_ast_name){ statement->as.test->title, statement->at };
        entry->kind = METHOD;
        break;
    default: break;
    }
    entry->name    = name.text;
    entry->name_at = name.at;
    entry->at      = statement->at;
    return name.text != NULL;
}

static void
put_statement(weiri_lsp *self, const lsp_document *document,
    const weiri_ast_statement *statement, const struct entry *entry, FILE *out)
{
    put_entry(self, document, entry, out);
    fputs(",\"children\":[", out);
    if (entry->kind == STRUCT) {
        put_fields(self, document, statement->as.stream, out);
    } else if (entry->kind == FUNCTION) {
        put_steps(self, document, statement->as.rule, out);
    }
    fputs("]}", out);
}

void
lsp_outline(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    const lsp_document *document = lsp_need_document(self, params);
    const char         *comma    = "";
    if (document == NULL) {
        return;
    }
    const weiri_ast_file *root = document->analysis.root;
    fputc('[', out);
    for (uint32_t i = 0; root != NULL && i < root->n_statements; i++) {
        struct entry entry = { .detail = NULL };
        if (entry_of(&root->statements[i], &entry)) {
            fputs(comma, out);
            put_statement(self, document, &root->statements[i], &entry, out);
            comma = ",";
        }
    }
    fputc(']', out);
}
