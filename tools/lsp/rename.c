/* New names. Before one is proposed, all documents it touches are read again with it:
 * there must be no error that was not there before, and the name must mean the same in as
 * many places. */
#include <string.h>

#include "server.h"

static bool
is_name(const char *text)
{
    size_t n = 0;
    for (; text[n] != '\0'; n++) {
        bool is_letter = (text[n] >= 'a' && text[n] <= 'z')
                         || (text[n] >= 'A' && text[n] <= 'Z') || text[n] == '_';
        if (!is_letter && (n == 0 || text[n] < '0' || text[n] > '9')) {
            return false;
        }
    }
    return n > 0;
}

/* What can be renamed at a place: it has a definition, and is no field, whose name is
 * part of the data. */
static const lsp_symbol *
renamed_at(const lsp_document *document, uint32_t offset, const lsp_occurrence **where)
{
    const lsp_index *index = &document->analysis.index;
    uint32_t         first = 0;
    uint32_t         n     = lsp_index_at(index, 0, offset, &first);
    for (uint32_t i = first; i < first + n; i++) {
        const lsp_symbol *symbol  = &index->symbols[index->occurrences[i].symbol];
        bool              is_ours = symbol->kind == LSP_STREAM || symbol->kind == LSP_STEP
                       || symbol->kind == LSP_PARAM || symbol->kind == LSP_RULE
                       || symbol->kind == LSP_PLUGIN || symbol->kind == LSP_DEFINED;
        if (is_ours && symbol->at.size > 0) {
            *where = &index->occurrences[i];
            return symbol;
        }
    }
    return NULL;
}

void
lsp_prepare_rename(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    uint32_t              offset   = 0;
    const lsp_occurrence *where    = NULL;
    const lsp_document   *document = lsp_need_place(self, params, &offset);
    if (document == NULL) {
        return;
    }
    const lsp_symbol *symbol = renamed_at(document, offset, &where);
    if (symbol == NULL) {
        fputs("null", out);
        return;
    }
    fputs("{\"range\":", out);
    lsp_put_range(self, &document->analysis, where->at, out);
    fputs(",\"placeholder\":", out);
    lsp_put_string(out, symbol->name);
    fputc('}', out);
}

/* ---- what would come of it ---- */

struct renaming {
    weiri_lsp        *server;
    lsp_document     *document; /* where it is asked for */
    const lsp_symbol *symbol;   /* of its index */
    const char       *name;     /* the new one */
    lsp_place        *places;
    uint32_t          n_places;
};

/* What stands in the place of an occurrence. */
static const char *
replacement(const struct renaming *self, const lsp_place *place)
{
    return place->occurrence->is_short ? weiri_arena_format(
               self->server->arena, "%s: %s", self->symbol->name, self->name)
                                       : self->name;
}

static void
append(weiri_overlay *to, char *room, const char *text, size_t size)
{
    memcpy(room + to->size, text, size);
    to->size += size;
}

/* A file's text with the new name, from the analysis that a place belongs to. */
static weiri_overlay
edited(const struct renaming *self, const char *uri, const weiri_text_file *file)
{
    size_t room = file->size + 1;
    for (uint32_t i = 0; i < self->n_places; i++) {
        room += strlen(replacement(self, &self->places[i]));
    }
    char         *text = weiri_arena_alloc(self->server->arena, room);
    weiri_overlay made = { .text = text };
    uint32_t      from = 0;
    for (uint32_t i = 0; i < self->n_places; i++) {
        weiri_span at = self->places[i].occurrence->at;
        if (strcmp(self->places[i].uri, uri) == 0 && at.offset >= from) {
            const char *name = replacement(self, &self->places[i]);
            append(&made, text, file->text + from, at.offset - from);
            append(&made, text, name, strlen(name));
            from = at.offset + at.size;
        }
    }
    append(&made, text, file->text + from, file->size - from);
    return made;
}

/* All files with places, edited; the open ones without as they are. */
static const weiri_overlay *
edited_overlays(const struct renaming *self, size_t *n)
{
    size_t               n_open = 0;
    const weiri_overlay *open   = lsp_overlays(self->server, &n_open);
    weiri_overlay       *all =
        weiri_arena_alloc(self->server->arena, (n_open + self->n_places) * sizeof *all);
    *n = 0;
    for (uint32_t i = 0; i < self->n_places; i++) {
        const lsp_place *place  = &self->places[i];
        bool             is_new = true;
        for (uint32_t k = 0; k < i; k++) {
            is_new = is_new && strcmp(self->places[k].uri, place->uri) != 0;
        }
        char *path = is_new ? lsp_path_of_uri(place->uri) : NULL;
        if (path == NULL) {
            continue;
        }
        all[*n]          = edited(self, place->uri,
                     weiri_diagnostics_file(
                         place->document->analysis.diagnostics, place->occurrence->at.file));
        all[(*n)++].path = lsp_real_path(self->server, path);
    }
    for (size_t i = 0; i < n_open; i++) {
        all[(*n)++] = open[i]; /* the first of a path counts */
    }
    return all;
}

static uint32_t
count(const lsp_index *index, const lsp_symbol *symbol)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < index->n_occurrences; i++) {
        n += &index->symbols[index->occurrences[i].symbol] == symbol;
    }
    return n;
}

/* The key of the same thing under its new name. */
static const char *
new_key(const struct renaming *self, const lsp_symbol *symbol)
{
    size_t size = strlen(symbol->key) - strlen(symbol->name);
    return weiri_arena_format(
        self->server->arena, "%.*s%s", (int)size, symbol->key, self->name);
}

static const char *
first_error(const lsp_analysis *of)
{
    weiri_diagnostic report;
    for (size_t i = 0; weiri_diagnostics_get(of->diagnostics, i, &report); i++) {
        if (report.is_error) {
            return report.text;
        }
    }
    return "it would be an error";
}

/* Statements move when what is before them grows, so a step is found by its new place:
 * the symbol with as many occurrences, its definition's statement being the same one. */
static const lsp_symbol *
find_renamed(const struct renaming *self, const lsp_analysis *before,
    const lsp_symbol *symbol, const lsp_analysis *after)
{
    if (symbol->kind != LSP_STEP) {
        return lsp_index_symbol(&after->index, new_key(self, symbol));
    }
    if (before->ast.n_files != after->ast.n_files) {
        return NULL;
    }
    for (uint32_t i = 0; i < before->ast.n_files; i++) {
        const weiri_ast_file *file = &before->ast.files[i];
        for (uint32_t k = 0; k < file->n_statements; k++) {
            if (&file->statements[k] == symbol->statement
                && k < after->ast.files[i].n_statements) {
                weiri_span at = after->ast.files[i].statements[k].at;
                return lsp_index_symbol(&after->index,
                    weiri_arena_format(self->server->arena, "%d %u:%u %s", (int)LSP_STEP,
                        (unsigned)at.file, (unsigned)at.offset, self->name));
            }
        }
    }
    return NULL;
}

/* Whether a document still means the same. Says why not. */
static bool
holds(const struct renaming *self, const lsp_document *document,
    const weiri_overlay *overlays, size_t n_overlays)
{
    const lsp_analysis *before = &document->analysis;
    const lsp_symbol   *symbol =
        lsp_same_symbol(self->server, self->document, self->symbol, document);
    lsp_document copy = *document;
    if (symbol == NULL) {
        return true;
    }
    weiri_overlay text =
        edited(self, document->uri, weiri_diagnostics_file(before->diagnostics, 0));
    copy.text = (char *)(uintptr_t)text.text; /* only read */
    copy.size = text.size;
    if (lsp_analysis_init(&copy.analysis, self->server, &copy, overlays, n_overlays)
        != WEIR_OK) {
        return false;
    }
    const lsp_analysis *after    = &copy.analysis;
    const lsp_symbol   *found    = find_renamed(self, before, symbol, after);
    size_t              n_errors = weiri_diagnostics_count(after->diagnostics, true);
    bool is_wrong = n_errors > weiri_diagnostics_count(before->diagnostics, true);
    bool is_same =
        found != NULL && count(&after->index, found) == count(&before->index, symbol);
    if (is_wrong || !is_same) {
        lsp_fail(self->server, LSP_REQUEST_FAILED,
            "'%.60s' cannot be called '%.60s': %.300s", symbol->name, self->name,
            is_wrong ? first_error(after) : "the name means something else here");
    }
    lsp_analysis_fini(&copy.analysis);
    return !is_wrong && is_same;
}

static bool
is_valid(const struct renaming *self)
{
    size_t               n_overlays = 0;
    const weiri_overlay *overlays   = edited_overlays(self, &n_overlays);
    for (uint32_t i = 0; i < self->server->n_documents; i++) {
        if (!holds(self, self->server->documents[i], overlays, n_overlays)) {
            return false;
        }
    }
    return true;
}

/* ---- the edit ---- */

static void
put_edits(const struct renaming *self, const char *uri, FILE *out)
{
    const char *comma = "";
    fputc('[', out);
    for (uint32_t i = 0; i < self->n_places; i++) {
        const lsp_place *place = &self->places[i];
        if (strcmp(place->uri, uri) == 0) {
            fprintf(out, "%s{\"range\":", comma);
            lsp_put_range(
                self->server, &place->document->analysis, place->occurrence->at, out);
            fputs(",\"newText\":", out);
            lsp_put_string(out, replacement(self, place));
            fputc('}', out);
            comma = ",";
        }
    }
    fputc(']', out);
}

static void
put_change(const struct renaming *self, FILE *out)
{
    const char *comma = "";
    fputs("{\"changes\":{", out);
    for (uint32_t i = 0; i < self->n_places; i++) {
        bool is_new = true;
        for (uint32_t k = 0; k < i; k++) {
            is_new = is_new && strcmp(self->places[k].uri, self->places[i].uri) != 0;
        }
        if (is_new) {
            fputs(comma, out);
            lsp_put_string(out, self->places[i].uri);
            fputc(':', out);
            put_edits(self, self->places[i].uri, out);
            comma = ",";
        }
    }
    fputs("}}", out);
}

void
lsp_rename(weiri_lsp *self, const lsp_json *params, FILE *out)
{
    uint32_t              offset   = 0;
    const lsp_occurrence *where    = NULL;
    lsp_document         *document = lsp_need_place(self, params, &offset);
    if (document == NULL) {
        return;
    }
    struct renaming renaming = { .server = self,
        .document                        = document,
        .symbol                          = renamed_at(document, offset, &where),
        .name                            = lsp_json_text(params, "newName") };
    if (renaming.symbol == NULL) {
        lsp_fail(self, LSP_REQUEST_FAILED,
            "streams, tables, steps, parameters, rules, functions of the rules and parts "
            "of plugins can be renamed, not this");
        return;
    }
    if (renaming.name == NULL || !is_name(renaming.name)) {
        lsp_fail(self, LSP_INVALID_PARAMS,
            "a name is made of a-z, A-Z, 0-9 and '_', and does not begin with a digit");
        return;
    }
    if (strcmp(renaming.name, renaming.symbol->name) == 0) {
        fputs("null", out);
        return;
    }
    renaming.places = lsp_places_of(self, document, renaming.symbol, &renaming.n_places);
    if (is_valid(&renaming)) {
        put_change(&renaming, out);
    } else if (self->failure == 0) {
        lsp_fail(self, LSP_REQUEST_FAILED, "out of memory");
    }
}
