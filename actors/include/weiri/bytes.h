/* Reading and writing bytes: files, compressed files, standard streams. */
#ifndef WEIRI_BYTES_H
#define WEIRI_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

typedef struct weiri_reader weiri_reader;

/* Open a file, or standard input for path "-". gzip and zstd are recognised by their
 * first bytes, whatever the name, concatenated members included. A FIFO is opened at
 * once; its writer is waited for when it is read.
 *
 *   errors  WEIR_ENOENT, WEIR_EIO (a directory, no permission), WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_reader_open(const char *path, weiri_reader **out, weir_error *err);

void
weiri_reader_close(weiri_reader **self_p);

/* Read what there is, at least one byte.
 *
 *   wait_ns  how long to wait on a pipe or terminal; -1 for ever. Files never wait.
 *   errors   WEIR_EOF     no byte, none will come
 *            WEIR_EAGAIN  none within wait_ns, or a signal came
 *            WEIR_EIO     also for damaged or cut compressed data, with the place, after
 *                         all that could be unpacked before it; and again when called
 *                         again
 */
WEIR_MUST_CHECK weir_status
weiri_reader_read(weiri_reader *self, char *bytes, size_t size, int64_t wait_ns,
    size_t *n, weir_error *err);

/* Whether it is a regular file: it never waits, and can be read again. */
bool
weiri_reader_is_regular(const weiri_reader *self);

typedef struct weiri_writer weiri_writer;

/* Create or truncate a file, or take standard output for path "-". Buffered.
 *
 *   errors  WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_writer_open(const char *path, weiri_writer **out, weir_error *err);

/* errors  WEIR_ECLOSED  the reader of the pipe has gone
 *         WEIR_EIO      e.g. the disk is full; the text says after how many bytes
 *         After either the writer stays failed: every call gives the error again. */
WEIR_MUST_CHECK weir_status
weiri_writer_write(weiri_writer *self, const char *bytes, size_t size, weir_error *err);

WEIR_MUST_CHECK weir_status
weiri_writer_flush(weiri_writer *self, weir_error *err);

/* Flush and close; the error of either. *self_p is NULL afterwards in any case. */
weir_status
weiri_writer_close(weiri_writer **self_p, weir_error *err);

#endif
