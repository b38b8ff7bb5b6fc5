/* Writing JSON a value at a time, two spaces a level: for what people and tools read. */
#ifndef WEIR_JSONTEXT_H
#define WEIR_JSONTEXT_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

typedef struct json_writer {
    FILE *file;
    int   depth;
    bool  has_items; /* of the object or array that is open */
} json_writer;

/* A text in quotes, by itself. */
void
json_print_text(FILE *file, const char *text);

/* `name` is NULL for an element of an array, and for the outermost value. */
void
json_open(json_writer *self, const char *name, char bracket);

/* bracket: '}' or ']' */
void
json_close(json_writer *self, char bracket);

/* A NULL text is null. */
void
json_text(json_writer *self, const char *name, const char *text);

void
json_int(json_writer *self, const char *name, int64_t value);

void
json_bool(json_writer *self, const char *name, bool value);

/* A value that is JSON already; NULL is null. */
void
json_raw(json_writer *self, const char *name, const char *json);

#endif
