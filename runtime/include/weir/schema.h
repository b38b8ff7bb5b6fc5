/* The shape of a stream's events. */
#ifndef WEIR_SCHEMA_H
#define WEIR_SCHEMA_H

#include "weir/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a time is written in the input. */
typedef enum weir_time_form {
    WEIR_TIME_AUTO,   /* RFC 3339, or YYYY-MM-DD[ HH:MM[:SS[.fff]]], UTC  */
    WEIR_TIME_S,      /* number of seconds since the epoch, may be fractional */
    WEIR_TIME_MS,     /* … milliseconds */
    WEIR_TIME_US,     /* … microseconds */
    WEIR_TIME_NS,     /* … nanoseconds  */
    WEIR_TIME_PATTERN /* a strptime-like pattern, see weir_field.pattern */
} weir_time_form;

typedef struct weir_field {
    const char    *name;
    const char    *from;    /* JSON pointer or column name; NULL: the name itself */
    const char    *pattern; /* of WEIR_TIME_PATTERN                               */
    weir_type      type;
    weir_type      element; /* of a list, else WEIR_NULL                          */
    weir_time_form form;    /* of a time                                          */
    bool           is_nullable;
} weir_field;

/* Immutable; owned by the plan (or test) that made it and outlives every chunk. */
typedef struct weir_schema {
    const char       *name;   /* of the stream */
    const weir_field *fields; /* shape (n_fields,) */
    uint32_t          n_fields;
    int32_t           time_field; /* the event's time; -1 for a derived stream */
} weir_schema;

/* Index of the field called `name`, or -1. */
WEIR_API int32_t
weir_schema_find(const weir_schema *schema, const char *name);

#ifdef __cplusplus
}
#endif

#endif
