/* weiri_strings: counted strings, in blocks by size. */
#ifndef WEIRI_STRINGS_H
#define WEIRI_STRINGS_H

#include "match/pool.h"

typedef struct weiri_string {
    uint32_t n_refs;
    uint32_t size;
    char     bytes[];
} weiri_string;

enum { WEIRI_STRING_SIZES = 8 }; /* 32 … 4096 bytes with the head; more: from the heap */

typedef struct weiri_strings {
    void                      *free[WEIRI_STRING_SIZES];
    void                      *blocks; /* each begins with a link to the next */
    char                      *fresh;
    size_t                     n_fresh;
    struct weiri_large_string *large; /* those from the heap */
} weiri_strings;

void
weiri_strings_fini(weiri_strings *self);

/* A copy with one reference; NULL when memory is out. */
weiri_string *
weiri_strings_make(weiri_strings *self, const char *bytes, uint32_t size);

static inline weiri_string *
weiri_string_ref(weiri_string *text)
{
    text->n_refs++;
    return text;
}

void
weiri_strings_unref(weiri_strings *self, weiri_string *text);

#endif
