/* names: text to address. `{0}` is empty. */
#ifndef ACTOR_NAMES_H
#define ACTOR_NAMES_H

#include "weiri/actor.h"

typedef struct weiri_actor_names {
    struct name *entries; /* shape (capacity,): open addressing */
    uint32_t     capacity;
    uint32_t     n;
} weiri_actor_names;

/* In place of what the name meant before. errors: WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_actor_names_put(weiri_actor_names *self, const char *text, weiri_address address);

weiri_address
weiri_actor_names_find(const weiri_actor_names *self, const char *text);

void
weiri_actor_names_fini(weiri_actor_names *self);

#endif
