/* weiri_tape: keeps what cannot be read again. */
#ifndef WEIRI_TAPE_H
#define WEIRI_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

/* A tape keeps what a source that cannot be read again gave: it is recorded before it is
 * used, and played back before the source is read on. Positions are in bytes (unpacked)
 * from the source's start. */
typedef struct weiri_tape {
    void  *context;
    size_t most; /* bytes to record at once: each record waits for the medium */
    /* Keep bytes that stand at `position`; when it returns they are durable.
     * errors  WEIR_ENOSPC  there is no room; nothing was kept; WEIR_EIO */
    weir_status (*record)(void *context, uint32_t source, uint64_t position,
        const char *bytes, size_t size, weir_error *err);
    /* Keep that at `position` the source's clock was set to `to_ns`. */
    weir_status (*record_idle)(void *context, uint32_t source, uint64_t position,
        int64_t to_ns, weir_error *err);
    /* Up to `size` bytes that were kept at `position`, or an idle mark, which stands
     * before the bytes at its position and has a number, from 0.
     *
     *   n_idle  of the marks at this position, how many were seen
     *   errors  WEIR_EOF     nothing is kept there
     *           WEIR_EAGAIN  an idle mark: *to_ns
     *           WEIR_EDATA, WEIR_EIO */
    weir_status (*play)(void *context, uint32_t source, uint64_t position,
        uint32_t n_idle, char *bytes, size_t size, size_t *n, int64_t *to_ns,
        weir_error *err);
} weiri_tape;

/* What a source gave up to some moment, when it is read again. May change between two
 * turns, the end forward only. */
typedef struct weiri_extent {
    bool is_taped; /* the tape has it: the input itself is not opened */
    bool is_ended; /* the input's end is an end; else more would have come, which the run
                    * that is repeated did not see                               */
    uint64_t end;  /* nothing that stands behind it is read; UINT64_MAX: all   */
    int64_t  clock_ns; /* at `end`: silence moved the source's clock up to there   */
} weiri_extent;

#endif
