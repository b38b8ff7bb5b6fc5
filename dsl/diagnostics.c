#include "diagnostics.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_COLUMNS = 100 }; /* of a source line */

struct report {
    weiri_code  code;
    weiri_span  at;
    const char *text;
    const char *hint; /* NULL: none */
};

struct expansion {
    weiri_span call;
    weiri_span definition;
};

struct weiri_diagnostics {
    weiri_arena      *arena;
    weiri_text_file  *files;
    uint32_t          n_files;
    struct report    *reports; /* in order of file and place */
    uint32_t          n_reports;
    size_t            n_errors; /* those beyond the bound included */
    size_t            n_warnings;
    struct report    *last; /* made last; NULL if it was not kept */
    struct expansion *expansions;
    uint32_t          n_expansions;
};

weir_status
weiri_diagnostics_new(weiri_diagnostics **out)
{
    weiri_diagnostics *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->arena   = weiri_arena_new();
    self->reports = calloc(WEIRI_DIAGNOSTICS, sizeof *self->reports);
    if (self->arena == NULL || self->reports == NULL) {
        weiri_diagnostics_destroy(&self);
        return WEIR_ENOMEM;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_diagnostics_destroy(weiri_diagnostics **self_p)
{
    if (*self_p != NULL) {
        weiri_arena_destroy(&(*self_p)->arena);
        free((*self_p)->reports);
        free(*self_p);
        *self_p = NULL;
    }
}

size_t
weiri_diagnostics_count(const weiri_diagnostics *self, bool is_error)
{
    return is_error ? self->n_errors : self->n_warnings;
}

/* Where each line begins. */
static const uint32_t *
index_lines(weiri_arena *arena, const char *text, uint32_t size, uint32_t *n_lines)
{
    uint32_t n = 1;
    for (uint32_t i = 0; i < size; i++) {
        n += text[i] == '\n';
    }
    uint32_t *lines = weiri_arena_alloc(arena, n * sizeof *lines);
    *n_lines        = 1;
    for (uint32_t i = 0; i < size; i++) {
        if (text[i] == '\n') {
            lines[(*n_lines)++] = i + 1;
        }
    }
    return lines;
}

uint32_t
weiri_diagnostics_add_file(
    weiri_diagnostics *self, const char *name, const char *text, size_t size)
{
    weiri_text_file file = { .name = weiri_arena_text(self->arena, name, strlen(name)),
        .text                      = weiri_arena_text(self->arena, text, size),
        .size                      = (uint32_t)size };
    file.lines           = index_lines(self->arena, file.text, file.size, &file.n_lines);
    WEIRI_ARENA_PUSH(self->arena, self->files, self->n_files, file);
    return self->n_files - 1;
}

const weiri_text_file *
weiri_diagnostics_file(const weiri_diagnostics *self, uint32_t file)
{
    return &self->files[file];
}

bool
weiri_diagnostics_read(const weiri_diagnostics *self, size_t i, weiri_overlay *out)
{
    if (i >= self->n_files) {
        return false;
    }
    const weiri_text_file *file = &self->files[i];
    *out = (weiri_overlay){ .path = file->name, .text = file->text, .size = file->size };
    return true;
}

weiri_span
weiri_span_join(weiri_span first, weiri_span last)
{
    first.size = last.offset + last.size - first.offset;
    return first;
}

/* Index of the line that holds `offset`. */
static uint32_t
line_of(const weiri_text_file *file, uint32_t offset)
{
    uint32_t low  = 0;
    uint32_t high = file->n_lines;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (file->lines[middle] <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

weiri_place_in_text
weiri_diagnostics_place(const weiri_diagnostics *self, weiri_span at)
{
    const weiri_text_file *file = &self->files[at.file];
    uint32_t               line = line_of(file, at.offset);
    return (weiri_place_in_text){
        .file = file->name, .line = line + 1, .column = at.offset - file->lines[line] + 1
    };
}

static const struct {
    const char *text;
    const char *about;
    bool        is_error;
} CODES[] = {
#define X(name, text, about) { text, about, true },
    WEIRI_ERROR_LIST(X)
#undef X
#define X(name, text, about) { text, about, false },
        WEIRI_WARNING_LIST(X)
#undef X
};

static bool
comes_before(const struct report *a, const struct report *b)
{
    return a->at.file != b->at.file ? a->at.file < b->at.file
                                    : a->at.offset < b->at.offset;
}

/* Kept sorted; a report of the same code at the same place adds nothing. */
static void
insert(weiri_diagnostics *self, struct report report)
{
    uint32_t i = self->n_reports;
    while (i > 0 && comes_before(&report, &self->reports[i - 1])) {
        i--;
    }
    for (uint32_t j = i; j > 0 && !comes_before(&self->reports[j - 1], &report); j--) {
        if (self->reports[j - 1].code == report.code) {
            return;
        }
    }
    *(CODES[report.code].is_error ? &self->n_errors : &self->n_warnings) += 1;
    if (self->n_reports < WEIRI_DIAGNOSTICS) {
        memmove(&self->reports[i + 1], &self->reports[i],
            (self->n_reports - i) * sizeof report);
        self->reports[i] = report;
        self->last       = &self->reports[i];
        self->n_reports++;
    }
}

static const char *
format_text(weiri_arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static const char *
format_text(weiri_arena *arena, const char *format, va_list args)
{
    char buffer[1024];
    int  size = vsnprintf(buffer, sizeof buffer, format, args);
    return weiri_arena_text(arena, buffer,
        size < 0                    ? 0
        : size < (int)sizeof buffer ? (size_t)size
                                    : sizeof buffer - 1);
}

static void
add_hint(weiri_diagnostics *self, const char *hint)
{
    const char *before = self->last->hint;
    self->last->hint =
        before == NULL ? hint : weiri_arena_format(self->arena, "%s; %s", before, hint);
}

void
weiri_diagnostics_expansion(
    weiri_diagnostics *self, weiri_span call, weiri_span definition)
{
    struct expansion expansion = { call, definition };
    WEIRI_ARENA_PUSH(self->arena, self->expansions, self->n_expansions, expansion);
}

/* The first line of a definition, cut where it is long. */
static const char *
definition_text(weiri_diagnostics *self, weiri_span definition)
{
    enum { SHOWN_BYTES = 120 };
    const char *text = self->files[definition.file].text + definition.offset;
    uint32_t    size = 0;
    while (size < definition.size && size < SHOWN_BYTES && text[size] != '\n') {
        size++;
    }
    bool is_cut = size < definition.size;
    while (is_cut && ((uint8_t)text[size] & 0xC0) == 0x80) {
        size--; /* not within a code point */
    }
    return weiri_arena_format(self->arena, "%.*s%s", (int)size, text, is_cut ? " …" : "");
}

static void
hint_expansion(weiri_diagnostics *self, weiri_span at)
{
    for (uint32_t i = 0; i < self->n_expansions; i++) {
        const struct expansion *it = &self->expansions[i];
        if (it->call.file == at.file && it->call.offset == at.offset
            && it->call.size == at.size) {
            bool        is_own = it->definition.file == at.file;
            const char *file   = is_own ? "" : self->files[it->definition.file].name;
            add_hint(
                self, weiri_arena_format(self->arena, "%s%s%s", file, is_own ? "" : ": ",
                          definition_text(self, it->definition)));
            return;
        }
    }
}

void
weiri_report(
    weiri_diagnostics *self, weiri_code code, weiri_span at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct report report = {
        .code = code, .at = at, .text = format_text(self->arena, format, args)
    };
    va_end(args);
    self->last = NULL;
    insert(self, report);
    if (self->last != NULL) {
        hint_expansion(self, at);
    }
}

bool
weiri_report_seeks_nearest(const weiri_diagnostics *self, size_t n_names)
{
    enum { NAMES = 2000 };
    return self->last != NULL && n_names <= NAMES;
}

void
weiri_report_hint(weiri_diagnostics *self, const char *format, ...)
{
    if (self->last == NULL) {
        return;
    }
    va_list args;
    va_start(args, format);
    const char *hint = format_text(self->arena, format, args);
    va_end(args);
    add_hint(self, hint);
}

void
weiri_report_filter(weiri_diagnostics *self,
    bool (*keep)(void *context, weiri_code code, weiri_span at), void *context)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->n_reports; i++) {
        const struct report *report = &self->reports[i];
        if (keep(context, report->code, report->at)) {
            self->reports[n++] = *report;
        } else {
            *(CODES[report->code].is_error ? &self->n_errors : &self->n_warnings) -= 1;
        }
    }
    self->n_reports = n;
    self->last      = NULL;
}

void
weiri_report_nearest(
    weiri_diagnostics *self, const char *name, const char *const *names, size_t n_names)
{
    const char *nearest = weiri_nearest_name(name, names, n_names);
    if (nearest != NULL) {
        weiri_report_hint(self, "did you mean '%s'?", nearest);
    }
}

/* A column counted in code points instead of bytes. */
static uint32_t
character_of(const weiri_diagnostics *self, weiri_span at, uint32_t column)
{
    const weiri_text_file *file  = &self->files[at.file];
    uint32_t               count = 1;
    for (uint32_t i = 1; i < column; i++) {
        count += ((uint8_t)file->text[at.offset - i] & 0xC0) != 0x80;
    }
    return count;
}

bool
weiri_diagnostics_get(const weiri_diagnostics *self, size_t i, weiri_diagnostic *out)
{
    if (i >= self->n_reports) {
        return false;
    }
    const struct report *report = &self->reports[i];
    weiri_span           end    = report->at;
    end.offset += end.size;
    *out = (weiri_diagnostic){ .place = weiri_diagnostics_place(self, report->at),
        .end                          = weiri_diagnostics_place(self, end),
        .offset                       = report->at.offset,
        .size                         = report->at.size,
        .about                        = CODES[report->code].about,
        .is_error                     = CODES[report->code].is_error,
        .code                         = CODES[report->code].text,
        .text                         = report->text,
        .hint                         = report->hint };
    out->character     = character_of(self, report->at, out->place.column);
    out->end_character = character_of(self, end, out->end.column);
    return true;
}

const char *
weiri_diagnostics_code(size_t i)
{
    return i < WEIRI_CODES ? CODES[i].text : NULL;
}

/* ---- printing ---- */

struct colours {
    const char *error;
    const char *warning;
    const char *strong;
    const char *faint;
    const char *off;
};

static const struct colours PLAIN   = { "", "", "", "", "" };
static const struct colours COLOURS = { "\x1b[1;31m", "\x1b[1;33m", "\x1b[1m", "\x1b[34m",
    "\x1b[0m" };

/* A source line as a terminal shows it, and which columns of it are meant. */
struct excerpt {
    uint32_t begin; /* bytes of the file that are shown */
    uint32_t end;
    uint32_t from; /* first byte that is underlined */
    uint32_t to;
};

static uint32_t
glyph(const weiri_text_file *file, uint32_t at, uint32_t *length)
{
    uint32_t code = weiri_utf8_decode(file->text + at, file->size - at, length);
    if (*length == 0) {
        *length = 1;
    }
    return code;
}

/* The part of the line around the place, no more than fits on a screen. */
static struct excerpt
excerpt_of(const weiri_text_file *file, weiri_span at)
{
    uint32_t       line = line_of(file, at.offset);
    struct excerpt self = { .begin = file->lines[line], .from = at.offset };
    self.end = line + 1 < file->n_lines ? file->lines[line + 1] - 1 : file->size;
    if (self.end > self.begin && file->text[self.end - 1] == '\r') {
        self.end--;
    }
    self.to = at.offset + at.size < self.end ? at.offset + at.size : self.end;
    if (self.from - self.begin > SHOWN_COLUMNS / 2
        && self.end - self.begin > SHOWN_COLUMNS) {
        self.begin = self.from - SHOWN_COLUMNS / 2;
        while (
            self.begin < self.from && ((uint8_t)file->text[self.begin] & 0xC0) == 0x80) {
            self.begin++;
        }
    }
    if (self.end - self.begin > SHOWN_COLUMNS) {
        self.end = self.begin + SHOWN_COLUMNS;
        while (self.end > self.from && ((uint8_t)file->text[self.end] & 0xC0) == 0x80) {
            self.end--;
        }
        self.to = self.to < self.end ? self.to : self.end;
    }
    return self;
}

/* Control characters and broken bytes are not passed on to the terminal. */
static void
print_source(const weiri_text_file *file, const struct excerpt *part, FILE *stream)
{
    for (uint32_t at = part->begin; at < part->end;) {
        uint32_t length = 0;
        uint32_t code   = glyph(file, at, &length);
        if (code == '\t') {
            fputc('\t', stream);
        } else if (code < ' ' || code == 0x7F || (code >= 0x80 && code < 0xA0)) {
            fputc('?', stream);
        } else if (code == 0xFFFD) {
            fputs("\xEF\xBF\xBD", stream);
        } else {
            fwrite(file->text + at, 1, length, stream);
        }
        at += length;
    }
    fputc('\n', stream);
}

static void
print_underline(const weiri_text_file *file, const struct excerpt *part, FILE *stream)
{
    bool is_begun = false;
    for (uint32_t at = part->begin; at < part->to;) {
        uint32_t length = 0;
        uint32_t code   = glyph(file, at, &length);
        uint32_t width  = weiri_utf8_width(code);
        if (at < part->from) {
            for (uint32_t i = 0; i < width; i++) {
                fputc(code == '\t' ? '\t' : ' ', stream);
            }
        } else {
            for (uint32_t i = 0; i < width; i++) {
                fputc(is_begun ? '~' : '^', stream);
                is_begun = true;
            }
        }
        at += length;
    }
    if (!is_begun) {
        fputc('^', stream);
    }
}

static void
print_one(const weiri_diagnostics *self, const struct report *report,
    const struct colours *colours, FILE *stream)
{
    weiri_place_in_text place    = weiri_diagnostics_place(self, report->at);
    bool                is_error = CODES[report->code].is_error;
    const char         *colour   = is_error ? colours->error : colours->warning;
    fprintf(stream, "%s%s:%u:%u: %s%s[%s]:%s %s%s%s\n", colours->strong, place.file,
        (unsigned)place.line, (unsigned)place.column, colour,
        is_error ? "error" : "warning", CODES[report->code].text, colours->off,
        colours->strong, report->text, colours->off);

    const weiri_text_file *file = &self->files[report->at.file];
    struct excerpt         part = excerpt_of(file, report->at);
    fprintf(stream, "%s%5u |%s ", colours->faint, (unsigned)place.line, colours->off);
    print_source(file, &part, stream);
    fprintf(stream, "%s      |%s ", colours->faint, colours->off);
    fputs(colour, stream);
    print_underline(file, &part, stream);
    fprintf(stream, "%s\n", colours->off);
    if (report->hint != NULL) {
        fprintf(stream, "%s      =%s %s\n", colours->faint, colours->off, report->hint);
    }
}

void
weiri_diagnostics_print(const weiri_diagnostics *self, FILE *stream, bool in_colour)
{
    const struct colours *colours = in_colour ? &COLOURS : &PLAIN;
    for (uint32_t i = 0; i < self->n_reports; i++) {
        print_one(self, &self->reports[i], colours, stream);
    }
    size_t n = self->n_errors + self->n_warnings;
    if (n > self->n_reports) {
        fprintf(stream, "and %zu more\n", n - self->n_reports);
    }
}
