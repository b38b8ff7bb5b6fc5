/* Pointers with a part `*`, which stands for each item of an array: each item is a row.
 */
#ifndef WEIRI_EACH_H
#define WEIRI_EACH_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The bytes of a field's `from` up to and with its first part `*`; 0: it has none. */
static inline size_t
weiri_path_each(const char *from)
{
    const char *star = from[0] == '/' ? strstr(from, "/*") : NULL;
    while (star != NULL && star[2] != '/' && star[2] != '\0') {
        star = strstr(star + 1, "/*");
    }
    return star == NULL ? 0 : (size_t)(star - from) + 2;
}

static inline bool
weiri_path_is_each(const char *from)
{
    return weiri_path_each(from) > 0;
}

#endif
