/* Reading and writing bytes: files, compressed files, standard streams, sockets. */
#ifndef WEIRI_BYTES_H
#define WEIRI_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/chunk.h"
#include "weir/error.h"
#include "weiri/link.h"
#include "weiri/pack.h"
#include "weiri/plan.h"
#include "weiri/wire.h"

typedef struct weiri_reader weiri_reader;

/* Open a file, or standard input for path "-". gzip and zstd are recognised by their
 * first bytes, whatever the name, concatenated members included. A FIFO is opened at
 * once; its writer is waited for when it is read.
 *
 *   errors  WEIR_ENOENT, WEIR_EIO (a directory, no permission), WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_reader_open(const char *path, weiri_reader **out, weir_error *err);

/* Read the messages of other programs from a socket, one after the other. What a message
 * holds ends with it: JSON gets a line feed where none is, and what is no whole
 * MessagePack value becomes a byte string, which no row is.
 *
 *   config   not kept, nor what it points to
 *   format   WEIRI_FORMAT_JSON or WEIRI_FORMAT_MSGPACK
 *   errors   as of weiri_wire_open
 */
WEIR_MUST_CHECK weir_status
weiri_reader_connect(weiri_wires *wires, const weiri_wire_config *config,
    weiri_format format, weiri_reader **out, weir_error *err);

/* Read a source of a plugin: bytes, or MessagePack where it gives events.
 *
 *   part     outlives the reader
 *   metrics  of the plan; NULL: none
 *   errors   WEIR_EIO  the plugin failed: `err` has its reason; WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_reader_plug(const weiri_plug *part, struct weiri_metrics *metrics,
    weiri_reader **out, weir_error *err);

void
weiri_reader_close(weiri_reader **self_p);

/* Read what there is, at least one byte.
 *
 *   wait_ns  how long to wait on a pipe, terminal or socket; -1 without end. Files never
 *            wait.
 *   errors   WEIR_EOF     no byte, none will come
 *            WEIR_EAGAIN  none within wait_ns, or a signal came; with wait_ns -1 also now
 *                         and then, so that the caller can look about
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

/* Whether it has a position of its own, from which it can be read again. */
bool
weiri_reader_is_kept(const weiri_reader *self);

/* Append by what it finds `position` again, in bytes from the start, not more than were
 * read; and go on there, before the first read. Of what is kept alone.
 *
 *   in      not trusted
 *   errors  WEIR_EDATA, WEIR_EIO, WEIR_ENOMEM
 */
void
weiri_reader_save(const weiri_reader *self, uint64_t position, weiri_pack *out);
WEIR_MUST_CHECK weir_status
weiri_reader_load(
    weiri_reader *self, uint64_t position, weiri_unpack *in, weir_error *err);

/* What was read before `position` is safe. errors  WEIR_EIO */
WEIR_MUST_CHECK weir_status
weiri_reader_acknowledge(weiri_reader *self, uint64_t position, weir_error *err);

/* Go on at `position`, in (unpacked) bytes from the start; before the first read, of a
 * regular file.
 *
 *   errors  WEIR_EDATA  the file ends before it
 *           WEIR_EIO, WEIR_ENOMEM
 *   cost    a packed file is unpacked up to there
 */
WEIR_MUST_CHECK weir_status
weiri_reader_skip(weiri_reader *self, uint64_t position, weir_error *err);

/* By what a regular file is known again: a hash of up to 4096 bytes at its start, and as
 * many that end at the place up to which the descriptor was read, and that place.
 *
 *   errors  WEIR_EIO
 */
typedef struct weiri_file_mark {
    uint64_t n_read; /* from the descriptor */
    uint64_t hash;
} weiri_file_mark;

WEIR_MUST_CHECK weir_status
weiri_reader_mark(const weiri_reader *self, weiri_file_mark *out, weir_error *err);

/* Whether a file is one that a mark was taken of, whatever was appended since.
 *
 *   errors  WEIR_EDATA  it is another: `err` says so
 *           WEIR_EIO
 */
WEIR_MUST_CHECK weir_status
weiri_reader_check_mark(
    const weiri_reader *self, const weiri_file_mark *mark, weir_error *err);

/* ---- readers of links (weiri/links.h) ---- */

/* Whether it reads the events of another node, in whole frames: a read is to have room
 * for WEIRI_RECORD_BYTES. NULL does not. */
bool
weiri_reader_is_link(const weiri_reader *self);

/* Ask for what comes behind a place; once. */
void
weiri_reader_begin(weiri_reader *self, const weiri_link_place *place);

/* All that was read is kept: the sender may forget it, and is told so where it waits for
 * a reply. Nothing to do for what is neither a link nor a socket. */
void
weiri_reader_keep(weiri_reader *self);

/* Of what is no link: nobody is there, and both have parted. */
weiri_link_farewell
weiri_reader_farewell(weiri_reader *self);

/* As weiri_receiver_release; nothing to do for what is no link. */
void
weiri_reader_release(weiri_reader *self, weiri_link_parting parting);

/* By what it is seen from outside that a file is not the one that was read. */
typedef struct weiri_file_stamp {
    uint64_t device;
    uint64_t inode;
    uint64_t size;
    int64_t  modified_ns;
    int64_t  changed_ns;
    bool is_settled; /* it was written so long ago that a later write has another time */
} weiri_file_stamp;

/* errors  WEIR_ENOENT, WEIR_EIO */
WEIR_MUST_CHECK weir_status
weiri_file_look(const char *path, weiri_file_stamp *out, weir_error *err);

/* Whether a file with this stamp surely holds what it held with the one before. */
bool
weiri_file_is_same(const weiri_file_stamp *before, const weiri_file_stamp *now);

typedef struct weiri_writer weiri_writer;

/* Create or truncate a file, or take standard output for path "-". Buffered.
 *
 *   errors  WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_writer_open(const char *path, weiri_writer **out, weir_error *err);

/* As weiri_writer_open, but a regular file is cut back to its first `size` bytes, and
 * written on behind them. What is no regular file is written on as it is.
 *
 *   errors  WEIR_EDATA  the file is shorter than that
 *           WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_writer_resume(const char *path, uint64_t size, weiri_writer **out, weir_error *err);

/* Write to other programs by a socket: a flush is a message, and so are rows before it
 * when they become many. `size` bytes count as written before.
 *
 *   errors  as of weiri_wire_open
 */
WEIR_MUST_CHECK weir_status
weiri_writer_connect(weiri_wires *wires, const weiri_wire_config *config, uint64_t size,
    weiri_writer **out, weir_error *err);

/* Write to a sink of a plugin, of events of this schema. `size` bytes, or events, count
 * as written before.
 *
 *   part    is copied; its parameters outlive the writer
 *   in      what weiri_writer_save wrote: it goes on there; NULL: it begins. Not trusted
 *   errors  WEIR_EIO  the plugin failed: `err` has its reason; WEIR_EDATA, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_writer_plug(const weiri_plug *part, struct weiri_metrics *metrics,
    const weir_schema *schema, uint64_t size, weiri_unpack *in, weiri_writer **out,
    weir_error *err);

/* Whether it takes events as they are, by weiri_writer_rows. */
bool
weiri_writer_takes_events(const weiri_writer *self);

/* Whether each write is to be whole rows, and as few as can be. */
bool
weiri_writer_takes_rows(const weiri_writer *self);

/* Whether what is written can be cut back: it is a regular file. */
bool
weiri_writer_is_regular(const weiri_writer *self);

/* Bytes that the system has taken, those before a resume included. */
uint64_t
weiri_writer_size(const weiri_writer *self);

/* Have the system put on the medium what it has taken; nothing to do for what is no
 * regular file. errors  WEIR_EIO */
WEIR_MUST_CHECK weir_status
weiri_writer_sync(const weiri_writer *self, weir_error *err);

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

/* ---- writers to links (weiri/links.h), which take rows, not bytes; rows, settle and
 * save also of sinks of plugins ---- */

bool
weiri_writer_is_link(const weiri_writer *self);

/* Rows of the stream that come next; they leave with weiri_writer_advance.
 * errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_writer_rows(weiri_writer *self, weir_rows rows, weir_error *err);

/* Every row with a time before `watermark_ns` has been given. errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_writer_advance(weiri_writer *self, int64_t watermark_ns, weir_error *err);

/* No row will come any more. newest_ns: time of the last event that was read */
WEIR_MUST_CHECK weir_status
weiri_writer_end(weiri_writer *self, int64_t newest_ns, weir_error *err);

/* Note what weiri_writer_save is to write, which a forked process may do then. */
WEIR_MUST_CHECK weir_status
weiri_writer_settle(weiri_writer *self, weir_error *err);

/* Append where it is, and what is not acknowledged. */
void
weiri_writer_save(const weiri_writer *self, weiri_pack *out);

/* No more is to be given for now. */
bool
weiri_writer_is_full(weiri_writer *self);

/* How a link stands to who reads it. */
weiri_link_standing
weiri_writer_standing(weiri_writer *self);

/* As of readers. */
weiri_link_farewell
weiri_writer_farewell(weiri_writer *self);

void
weiri_writer_release(weiri_writer *self, weiri_link_parting parting);

#endif
