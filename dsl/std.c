#include "std.h"

#include <stddef.h>
#include <string.h>

/* Texts as lists of bytes with a zero after them, made from std/ when this is built. */
#include "std_files.inc"

static const weiri_std_file FILES[] = {
#define X(name, bytes) { "std/" name, (const char *)(bytes) },
    WEIRI_STD_FILES(X)
#undef X
};

enum { N_FILES = sizeof FILES / sizeof FILES[0] };

bool
weiri_std_is_path(const char *path)
{
    return strncmp(path, "std/", strlen("std/")) == 0;
}

const weiri_std_file *
weiri_std_find(const char *path)
{
    for (size_t i = 0; i < N_FILES; i++) {
        size_t size = strlen(FILES[i].name);
        if (strncmp(path, FILES[i].name, size) == 0
            && (path[size] == '\0' || strcmp(path + size, ".weir") == 0)) {
            return &FILES[i];
        }
    }
    return NULL;
}

const weiri_std_file *
weiri_std_with_function(const char *name)
{
    static const char WORD[] = "\nfunction ";
    size_t            size   = strlen(name);
    for (size_t i = 0; i < N_FILES; i++) {
        const char *at = FILES[i].text;
        while ((at = strstr(at, WORD)) != NULL) {
            at += strlen(WORD);
            if (strncmp(at, name, size) == 0 && at[size] == '(') {
                return &FILES[i];
            }
        }
    }
    return NULL;
}
