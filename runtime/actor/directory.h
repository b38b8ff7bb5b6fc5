/* directory: names, text to address. `{0}` is empty. */
#ifndef ACTOR_DIRECTORY_H
#define ACTOR_DIRECTORY_H

#include "weiri/actor.h"

typedef struct weiri_directory {
    struct name *entries; /* shape (capacity,): open addressing */
    uint32_t     capacity;
    uint32_t     n;
} weiri_directory;

/* In place of what the name meant before. errors: WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_directory_put(weiri_directory *self, const char *text, weiri_address address);

weiri_address
weiri_directory_find(const weiri_directory *self, const char *text);

void
weiri_directory_fini(weiri_directory *self);

#endif
