/* A reader of a socket: messages, made into a stream of bytes that decoders can trust to
 * be whole at the end of each.
 *
 * A message that is cut, garbled or deceitful must not reach into the next one. JSON
 * Lines begin anew after a line feed; MessagePack does not, so its values are gone over
 * here, and what cannot be is wrapped as one byte string: a value that is whole, and no
 * row.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "../bytes/ops.h"
#include "../codec/mp_cursor.h"
#include "weiri/limits.h"
#include "weiri/timetext.h"

enum {
    BIN32       = 0xc6,
    BIN32_HEAD  = 5,
    LONGEST_BIN = WEIRI_RECORD_BYTES - BIN32_HEAD, /* the value may not be longer   */
    PATIENCE_MS = 1000, /* of "for ever", so that the caller can look at other things */
};

struct piece {
    const char *bytes;
    size_t      size;
};

enum { PIECES = 3 };

typedef struct wire_reader {
    weiri_reader base;
    weiri_wire  *wire;
    weiri_format format;
    struct piece pieces[PIECES]; /* of the message, not yet taken */
    bool         is_owing;       /* its reply is not owed yet     */
    bool         is_unkept;      /* something that was read is not kept yet */
    char         head[BIN32_HEAD];
} wire_reader;

static void
close_wire(weiri_reader *base)
{
    wire_reader *self = (wire_reader *)base;
    weiri_wire_close(&self->wire);
    free(self);
}

/* How many bytes at the front of a message are whole values. */
static size_t
whole_values(const char *bytes, size_t size)
{
    size_t          whole  = 0;
    weiri_mp_status status = WEIRI_MP_OK;
    while (whole < size && status == WEIRI_MP_OK) {
        weiri_mp_cursor cursor =
            weiri_mp_cursor_at(bytes + whole, size - whole, WEIRI_RECORD_BYTES);
        status = weiri_mp_skip(&cursor, 0);
        if (status == WEIRI_MP_OK) {
            whole = (size_t)((const char *)cursor.at - bytes);
        }
    }
    return whole;
}

static void
take_msgpack(wire_reader *self, const char *bytes, size_t size)
{
    size_t whole    = whole_values(bytes, size);
    size_t rest     = size - whole;
    self->pieces[0] = (struct piece){ bytes, whole };
    if (rest == 0) {
        return;
    }
    rest          = rest < LONGEST_BIN ? rest : LONGEST_BIN;
    self->head[0] = (char)BIN32;
    for (int i = 0; i < BIN32_HEAD - 1; i++) {
        self->head[i + 1] = (char)(rest >> 8 * (3 - i));
    }
    self->pieces[1] = (struct piece){ self->head, BIN32_HEAD };
    self->pieces[2] = (struct piece){ bytes + whole, rest };
}

static weir_status
take_message(wire_reader *self, int timeout_ms, weir_error *err)
{
    const char *bytes  = NULL;
    size_t      size   = 0;
    weir_status status = weiri_wire_receive(self->wire, timeout_ms, &bytes, &size, err);
    self->is_owing     = status == WEIR_OK;
    if (status != WEIR_OK || size == 0) {
        return status;
    }
    if (self->format == WEIRI_FORMAT_MSGPACK) {
        take_msgpack(self, bytes, size);
    } else {
        self->pieces[0] = (struct piece){ bytes, size };
        self->pieces[1] = (struct piece){ "\n", bytes[size - 1] != '\n' };
    }
    return WEIR_OK;
}

/* Move what fits; false when the message is used up. */
static bool
move(wire_reader *self, char *bytes, size_t size, size_t *n)
{
    for (int i = 0; i < PIECES; i++) {
        struct piece *piece = &self->pieces[i];
        size_t        fits  = piece->size < size - *n ? piece->size : size - *n;
        if (fits > 0) {
            memcpy(bytes + *n, piece->bytes, fits);
            piece->bytes += fits;
        }
        *n += fits;
        piece->size -= fits;
        if (piece->size > 0) {
            return true;
        }
    }
    return false;
}

static int
timeout_ms(int64_t wait_ns)
{
    if (wait_ns < 0) {
        return PATIENCE_MS;
    }
    int64_t ms = wait_ns / WEIRI_NS_PER_MS + (wait_ns % WEIRI_NS_PER_MS > 0);
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

/* All of the message was taken: its reply waits until that is kept, too. */
static void
owe(wire_reader *self)
{
    if (self->is_owing) {
        self->is_owing = false;
        weiri_wire_owe(self->wire);
    }
}

/* As many messages as there are: with a tape, a read is a commit. */
static weir_status
read_wire(weiri_reader *base, char *bytes, size_t size, int64_t wait_ns, size_t *n,
    weir_error *err)
{
    wire_reader *self   = (wire_reader *)base;
    weir_status  status = WEIR_OK;
    while (!move(self, bytes, size, n) && status == WEIR_OK) {
        owe(self);
        if (*n == size || weiri_wire_owed(self->wire) == WEIRI_WIRE_OWED) {
            status = WEIR_EAGAIN;
        } else {
            status = take_message(self, *n > 0 ? 0 : timeout_ms(wait_ns), err);
        }
    }
    self->is_unkept = self->is_unkept || *n > 0;
    if (!self->is_unkept) {
        weiri_wire_reply(self->wire); /* to messages in which there was nothing */
    }
    return *n > 0 ? WEIR_OK : status;
}

static void
keep_wire(weiri_reader *base)
{
    wire_reader *self = (wire_reader *)base;
    self->is_unkept   = false;
    weiri_wire_reply(self->wire);
}

static const weiri_reader_ops OPS = {
    .close = close_wire, .read = read_wire, .keep = keep_wire
};

weir_status
weiri_reader_connect(weiri_wires *wires, const weiri_wire_config *config,
    weiri_format format, weiri_reader **out, weir_error *err)
{
    wire_reader *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "'%s'", config->address);
    }
    self->base.ops     = &OPS;
    self->format       = format;
    weir_status status = weiri_wire_open(wires, config, &self->wire, err);
    if (status != WEIR_OK) {
        close_wire(&self->base);
        return status;
    }
    *out = &self->base;
    return WEIR_OK;
}
