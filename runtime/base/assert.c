#include "weiri/assert.h"

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void
weiri_assert_failed(const char *condition, const char *file, int line)
{
    void *frames[64];
    fprintf(stderr, "weir: bug: %s:%d: '%s' does not hold\n", file, line, condition);
    backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
    abort();
}
