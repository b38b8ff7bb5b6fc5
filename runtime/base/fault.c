#define _POSIX_C_SOURCE 200809L
#include "weiri/fault.h"

#ifdef WEIR_FAULT_POINTS

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether the run is to end at this point, and at its which passage. */
static bool
is_at(const char *name, uint64_t *n)
{
    const char *where = getenv("WEIR_CRASH_AT"); /* NOLINT(concurrency-mt-unsafe) */
    size_t      size  = strlen(name);
    if (where == NULL || strncmp(where, name, size) != 0 || where[size] != ':') {
        return false;
    }
    *n = strtoull(where + size + 1, NULL, 10);
    return true;
}

void
weiri_fault_point(const char *name)
{
    static uint64_t n_passed;
    uint64_t        n = 0;
    if (is_at(name, &n) && ++n_passed == n) {
        raise(SIGKILL);
    }
}

void
weiri_fault_point_in_child(const char *name, uint64_t n)
{
    uint64_t wanted = 0;
    if (is_at(name, &wanted) && wanted == n) {
        kill(getppid(), SIGKILL);
        raise(SIGKILL);
    }
}

#else

typedef int weiri_no_fault_points;

#endif
