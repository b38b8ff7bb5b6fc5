/* The standard library of the language: files of rules that are part of the program,
 * which `include "std/NAME"` reads. They stand in std/ beside this file. */
#ifndef WEIRI_STD_H
#define WEIRI_STD_H

#include <stdbool.h>

typedef struct weiri_std_file {
    const char *name; /* "std/features" */
    const char *text;
} weiri_std_file;

/* Whether an include means the standard library. */
bool
weiri_std_is_path(const char *path);

/* The file of this path, with or without ".weir" at its end; NULL: there is none. */
const weiri_std_file *
weiri_std_find(const char *path);

/* The file that defines a function of this name, or NULL. */
const weiri_std_file *
weiri_std_with_function(const char *name);

#endif
