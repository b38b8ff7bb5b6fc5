#include "jsontext.h"

void
json_print_text(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            fprintf(file, "\\%c", c);
        } else if (c < 0x20) {
            fprintf(file, "\\u%04x", c);
        } else {
            fputc(c, file);
        }
    }
    fputc('"', file);
}

/* What stands before a value: the comma, the line, its name. */
static void
begin_value(json_writer *self, const char *name)
{
    if (self->has_items) {
        fputc(',', self->file);
    }
    if (self->depth > 0) {
        fprintf(self->file, "\n%*s", 2 * self->depth, "");
    }
    if (name != NULL) {
        json_print_text(self->file, name);
        fputs(": ", self->file);
    }
    self->has_items = true;
}

void
json_open(json_writer *self, const char *name, char bracket)
{
    begin_value(self, name);
    fputc(bracket, self->file);
    self->depth++;
    self->has_items = false;
}

void
json_close(json_writer *self, char bracket)
{
    self->depth--;
    if (self->has_items) {
        fprintf(self->file, "\n%*s", 2 * self->depth, "");
    }
    fputc(bracket, self->file);
    self->has_items = true;
    if (self->depth == 0) {
        fputc('\n', self->file);
    }
}

void
json_text(json_writer *self, const char *name, const char *text)
{
    begin_value(self, name);
    if (text == NULL) {
        fputs("null", self->file);
    } else {
        json_print_text(self->file, text);
    }
}

void
json_int(json_writer *self, const char *name, int64_t value)
{
    begin_value(self, name);
    fprintf(self->file, "%" PRId64, value);
}

void
json_bool(json_writer *self, const char *name, bool value)
{
    begin_value(self, name);
    fputs(value ? "true" : "false", self->file);
}

void
json_raw(json_writer *self, const char *name, const char *json)
{
    begin_value(self, name);
    fputs(json != NULL ? json : "null", self->file);
}
