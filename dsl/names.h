/* An index of names: text to number, in an arena. Files of rules may hold a hundred
 * thousand of them, so they are not searched one by one. */
#ifndef WEIRI_NAMES_H
#define WEIRI_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "weiri/arena.h"

typedef struct weiri_names {
    struct weiri_names_slot *slots;   /* open addressing */
    uint32_t                 n_slots; /* a power of two  */
    uint32_t                 n_used;
} weiri_names;

/* The number of a name; UINT32_MAX if it is not there. */
uint32_t
weiri_names_find(const weiri_names *self, const char *name);

/* Add a name that is not there; `name` is borrowed. */
void
weiri_names_add(weiri_names *self, weiri_arena *arena, const char *name, uint32_t number);

#endif
