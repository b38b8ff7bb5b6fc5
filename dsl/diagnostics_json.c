/* Reports for machines: JSON Lines, and SARIF. */
#include "diagnostics.h"

#include <string.h>

/* ---- JSON ---- */

static void
put_code_point(FILE *stream, const char *text, uint32_t length, uint32_t code)
{
    if (code == '"' || code == '\\') {
        fprintf(stream, "\\%c", (int)code);
    } else if (code < ' ' || (code >= 0x7F && code < 0xA0)) {
        fprintf(stream, "\\u%04x", (unsigned)code);
    } else if (length == 0) {
        fputs("\xEF\xBF\xBD", stream);
    } else {
        fwrite(text, 1, length, stream);
    }
}

/* A text as JSON writes it; bytes that are no UTF-8 become U+FFFD. */
static void
put_string(FILE *stream, const char *text)
{
    size_t size = strlen(text);
    fputc('"', stream);
    for (size_t i = 0; i < size;) {
        uint32_t length = 0;
        uint32_t code   = weiri_utf8_decode(text + i, size - i, &length);
        put_code_point(stream, text + i, length, code);
        i += length > 0 ? length : 1;
    }
    fputc('"', stream);
}

static void
put_member(FILE *stream, const char *name, const char *text)
{
    fprintf(stream, "\"%s\":", name);
    if (text == NULL) {
        fputs("null", stream);
    } else {
        put_string(stream, text);
    }
}

/* ---- JSON Lines ---- */

static void
put_line(FILE *stream, const weiri_diagnostic *report)
{
    fputs("{\"type\":\"diagnostic\",", stream);
    put_member(stream, "severity", report->is_error ? "error" : "warning");
    fputc(',', stream);
    put_member(stream, "code", report->code);
    fputc(',', stream);
    put_member(stream, "message", report->text);
    fputc(',', stream);
    put_member(stream, "hint", report->hint);
    fputc(',', stream);
    put_member(stream, "file", report->place.file);
    fprintf(stream,
        ",\"line\":%u,\"column\":%u,\"end_line\":%u,\"end_column\":%u,\"offset\":%u,"
        "\"size\":%u}\n",
        report->place.line, report->place.column, report->end.line, report->end.column,
        report->offset, report->size);
}

void
weiri_diagnostics_print_json(
    const weiri_diagnostics *self, FILE *stream, const char *failure)
{
    weiri_diagnostic report;
    for (size_t i = 0; weiri_diagnostics_get(self, i, &report); i++) {
        put_line(stream, &report);
    }
    if (failure != NULL) {
        fputs("{\"type\":\"failure\",", stream);
        put_member(stream, "message", failure);
        fputs("}\n", stream);
    }
    fprintf(stream, "{\"type\":\"summary\",\"errors\":%zu,\"warnings\":%zu}\n",
        weiri_diagnostics_count(self, true), weiri_diagnostics_count(self, false));
}

/* ---- SARIF ---- */

/* A path as a relative or absolute reference. (RFC 3986, section 4.2) */
static void
put_uri(FILE *stream, const char *path)
{
    static const char PLAIN[] = "-._~/!$&'()*+,;=@";
    fputs(path[0] == '/' ? "\"file://" : "\"", stream);
    for (; *path != '\0'; path++) {
        unsigned char c        = (unsigned char)*path;
        bool          is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                        || (c >= '0' && c <= '9') || strchr(PLAIN, c) != NULL;
        fprintf(stream, is_plain ? "%c" : "%%%02X", c);
    }
    fputc('"', stream);
}

/* Index of the first report with this one's code. */
static size_t
first_with(const weiri_diagnostics *self, const char *code)
{
    weiri_diagnostic report;
    size_t           i = 0;
    while (weiri_diagnostics_get(self, i, &report) && strcmp(report.code, code) != 0) {
        i++;
    }
    return i;
}

static bool
is_first(const weiri_diagnostics *self, size_t i, weiri_diagnostic *report)
{
    return weiri_diagnostics_get(self, i, report) && first_with(self, report->code) == i;
}

/* A rule of SARIF is what a code is to us: each that was reported, in order. */
static void
put_rules(FILE *stream, const weiri_diagnostics *self)
{
    weiri_diagnostic report;
    size_t           n = 0;
    for (size_t i = 0; weiri_diagnostics_get(self, i, &report); i++) {
        if (is_first(self, i, &report)) {
            fputs(n++ > 0 ? ",{" : "{", stream);
            put_member(stream, "id", report.code);
            fputs(",\"shortDescription\":{", stream);
            put_member(stream, "text", report.about);
            fprintf(stream, "},\"defaultConfiguration\":{\"level\":\"%s\"}}",
                report.is_error ? "error" : "warning");
        }
    }
}

static size_t
rule_index(const weiri_diagnostics *self, const char *code)
{
    weiri_diagnostic report;
    size_t           n     = 0;
    size_t           first = first_with(self, code);
    for (size_t i = 0; i < first; i++) {
        n += is_first(self, i, &report);
    }
    return n;
}

static void
put_result(FILE *stream, const weiri_diagnostics *self, const weiri_diagnostic *report)
{
    fputs("{", stream);
    put_member(stream, "ruleId", report->code);
    fprintf(stream, ",\"ruleIndex\":%zu,", rule_index(self, report->code));
    put_member(stream, "level", report->is_error ? "error" : "warning");
    fputs(",\"message\":{", stream);
    if (report->hint == NULL) {
        put_member(stream, "text", report->text);
    } else {
        char text[2200]; /* two texts of 1023 bytes at most */
        snprintf(text, sizeof text, "%s; %s", report->text, report->hint);
        put_member(stream, "text", text);
    }
    fputs(
        "},\"locations\":[{\"physicalLocation\":{\"artifactLocation\":{\"uri\":", stream);
    put_uri(stream, report->place.file);
    fprintf(stream,
        "},\"region\":{\"startLine\":%u,\"startColumn\":%u,\"endLine\":%u,"
        "\"endColumn\":%u,\"byteOffset\":%u,\"byteLength\":%u}}}]}",
        report->place.line, report->character, report->end.line, report->end_character,
        report->offset, report->size);
}

void
weiri_diagnostics_print_sarif(
    const weiri_diagnostics *self, FILE *stream, const char *version, const char *failure)
{
    fputs("{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":"
          "\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{\"name\":\"weir\",",
        stream);
    put_member(stream, "version", version);
    fputs(",\"rules\":[", stream);
    put_rules(stream, self);
    fprintf(stream, "]}},\"invocations\":[{\"executionSuccessful\":%s",
        failure == NULL ? "true" : "false");
    if (failure != NULL) {
        fputs(",\"toolExecutionNotifications\":[{\"level\":\"error\",\"message\":{",
            stream);
        put_member(stream, "text", failure);
        fputs("}}]", stream);
    }
    fputs("}],\"columnKind\":\"unicodeCodePoints\",\"results\":[", stream);
    weiri_diagnostic report;
    for (size_t i = 0; weiri_diagnostics_get(self, i, &report); i++) {
        fputs(i > 0 ? "," : "", stream);
        put_result(stream, self, &report);
    }
    fputs("]}]}\n", stream);
}
