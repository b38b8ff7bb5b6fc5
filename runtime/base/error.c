#define _POSIX_C_SOURCE 200809L

#include "weir/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *
weir_status_text(weir_status status)
{
    switch (status) {
#define X(name, number, text)                                                            \
    case name: return text;
        WEIR_STATUS_LIST(X)
#undef X
    }
    return "unknown status";
}

/* A message cut short is still a message: truncation is not an error here. */
static void
append(char *text, size_t cap, const char *tail)
{
    size_t used = strlen(text);
    int    n    = snprintf(text + used, cap - used, ": %s", tail);
    (void)n;
}

void
weir_error_set(weir_error *err, weir_status status, int os_errno, const char *file,
    int line, const char *format, ...)
{
    if (err == NULL) {
        return;
    }
    *err = (weir_error){
        .status = status, .os_errno = os_errno, .file = file, .line = line
    };

    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);

    if (os_errno != 0) {
        char reason[80];
        if (strerror_r(os_errno, reason, sizeof reason) == 0) {
            append(err->text, sizeof err->text, reason);
        }
    }
}

void
weir_error_prefix(weir_error *err, const char *format, ...)
{
    if (err == NULL) {
        return;
    }
    char inner[sizeof err->text];
    memcpy(inner, err->text, sizeof inner);

    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);

    append(err->text, sizeof err->text, inner);
}
