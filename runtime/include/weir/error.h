/* Status codes and errors with context. Nothing here allocates.  */
#ifndef WEIR_ERROR_H
#define WEIR_ERROR_H

#include "weir/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One line a code: the name, its stable number, the text a person reads.
 * Numbers are on the wire and in stored state: append, never renumber. */
#define WEIR_STATUS_LIST(X)                                                              \
    X(WEIR_OK, 0, "ok")                                                                  \
    X(WEIR_ENOMEM, 1, "out of memory")                                                   \
    X(WEIR_EINVAL, 2, "invalid argument or configuration")                               \
    X(WEIR_ELATE, 3, "event is older than the allowed lateness")                         \
    X(WEIR_EFULL, 4, "a bound is reached")                                               \
    X(WEIR_ESYNTAX, 5, "rules are wrong")                                                \
    X(WEIR_EABI, 6, "plugin was built for another ABI")                                  \
    X(WEIR_EIO, 7, "input or output failed")                                             \
    X(WEIR_ENOENT, 8, "no such file")                                                    \
    X(WEIR_EDATA, 9, "input cannot be decoded")                                          \
    X(WEIR_EAGAIN, 10, "nothing to read yet")                                            \
    X(WEIR_EOF, 11, "end of input")                                                      \
    X(WEIR_ECLOSED, 12, "the reader of our output has gone")                             \
    X(WEIR_ENOSPC, 13, "no room is left where state is kept")

typedef enum weir_status {
#define X(name, number, text) name = number,
    WEIR_STATUS_LIST(X)
#undef X
} weir_status;

/* What went wrong, in the words of every layer it passed through.
 * Lives on the caller's stack; `{0}` is the empty error. */
typedef struct weir_error {
    weir_status status;
    int         os_errno; /* errno at the origin, 0 when none      */
    const char *file;     /* where it was first reported           */
    int         line;
    char        text[240]; /* outermost context first, ": " between */
} weir_error;

/* Static text for a status; never NULL, unknown numbers included. */
WEIR_API const char *
weir_status_text(weir_status status);

/* Call through the macros, which record the place and yield the status, so that
 * a failure is one `return` statement. `err` may be NULL in all of them. */
WEIR_API void
weir_error_set(weir_error *err, weir_status status, int os_errno, const char *file,
    int line, const char *format, ...) WEIR_PRINTF(6);
WEIR_API void
weir_error_prefix(weir_error *err, const char *format, ...) WEIR_PRINTF(2);

#define WEIR_FAIL(err, status, ...)                                                      \
    (weir_error_set((err), (status), 0, __FILE__, __LINE__, __VA_ARGS__), (status))
#define WEIR_FAIL_OS(err, os_errno, ...)                                                 \
    (weir_error_set((err), WEIR_EIO, (os_errno), __FILE__, __LINE__, __VA_ARGS__),       \
        WEIR_EIO)
/* Add what we were doing to an error that came from below. */
#define WEIR_CONTEXT(err, status, ...) (weir_error_prefix((err), __VA_ARGS__), (status))

#ifdef __cplusplus
}
#endif

#endif
