/* A small reader of trusted JSON: the corpora of cases. */
#ifndef WEIR_TEST_JSON_H
#define WEIR_TEST_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weiri/arena.h"

typedef enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
} json_kind;

typedef struct json {
    json_kind    kind;
    double       number;
    const char  *text;  /* of a string */
    struct json *items; /* of an array or object */
    const char **names; /* of an object's items  */
    uint32_t     n_items;
} json;

/* NULL where the text is not JSON. */
const json *
json_parse(weiri_arena *arena, const char *text);

/* The member called `name`; NULL if it is missing or null, or `object` is NULL. */
const json *
json_get(const json *object, const char *name);

/* The same with a value for a missing one. */
double
json_number(const json *object, const char *name, double otherwise);
bool
json_true(const json *object, const char *name);
const char *
json_text(const json *object, const char *name, const char *otherwise);

#endif
