/* A writer to a socket: rows are gathered until they are flushed or many, and leave as
 * one message. */
#include <stdlib.h>
#include <string.h>

#include "../bytes/ops.h"
#include "weiri/codec.h"

enum { MESSAGE_BYTES = 64 << 10 }; /* of rows, when there are more to come */

typedef struct wire_writer {
    weiri_writer base;
    weiri_wire  *wire;
    weiri_buffer rows; /* not sent yet */
    weir_status  fault;
    weir_error   why; /* with the fault */
} wire_writer;

static weir_status
flush_wire(weiri_writer *base, weir_error *err)
{
    wire_writer *self = (wire_writer *)base;
    if (self->fault == WEIR_OK && self->rows.used > 0) {
        self->fault =
            weiri_wire_send(self->wire, self->rows.bytes, self->rows.used, &self->why);
        self->base.n_written += self->fault == WEIR_OK ? self->rows.used : 0;
        self->rows.used = 0;
    }
    if (self->fault != WEIR_OK && err != NULL) {
        *err = self->why;
    }
    return self->fault;
}

static weir_status
write_wire(weiri_writer *base, const char *bytes, size_t size, weir_error *err)
{
    wire_writer *self   = (wire_writer *)base;
    weir_status  status = WEIR_OK;
    if (self->fault != WEIR_OK || self->rows.used + size > MESSAGE_BYTES) {
        status = flush_wire(base, err);
    }
    if (status == WEIR_OK && weiri_buffer_reserve(&self->rows, size) != WEIR_OK) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    if (status == WEIR_OK && size > 0) {
        memcpy(self->rows.bytes + self->rows.used, bytes, size);
        self->rows.used += size;
    }
    return status;
}

static weir_status
close_wire(weiri_writer *base, weir_error *err)
{
    wire_writer *self   = (wire_writer *)base;
    weir_status  status = flush_wire(base, err);
    weiri_wire_close(&self->wire);
    weiri_buffer_fini(&self->rows);
    free(self);
    return status;
}

static const weiri_writer_ops OPS = {
    .close = close_wire,
    .write = write_wire,
    .flush = flush_wire,
};

weir_status
weiri_writer_connect(weiri_wires *wires, const weiri_wire_config *config, uint64_t size,
    weiri_writer **out, weir_error *err)
{
    wire_writer *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "'%s'", config->address);
    }
    self->base.ops        = &OPS;
    self->base.takes_rows = true;
    self->base.n_written  = size;
    weir_status status    = weiri_wire_open(wires, config, &self->wire, err);
    if (status != WEIR_OK) {
        (void)close_wire(&self->base, NULL);
        return status;
    }
    *out = &self->base;
    return WEIR_OK;
}
