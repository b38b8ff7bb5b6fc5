/* weiri_unpacker: zlib and libzstd, each driven over concatenated members.
 *
 * A member that ends is followed by the next one or by nothing. After a gzip member zero
 * bytes are let pass, as gzip itself does: archives are padded with them.
 */
#include "unpack.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    GZIP_ONLY = 16, /* zlib: a gzip header is required */
    /* 128 MB, what the zstd tool takes by default: the largest window that a header may
     * ask for, and so the largest allocation. */
    ZSTD_WINDOW_LOG = 27,
};

struct weiri_unpacker {
    weiri_packing packing;
    z_stream      gzip;
    ZSTD_DCtx    *zstd;
    bool          is_inside;
    bool          is_padding;   /* gzip: zeros were seen after a member            */
    bool          has_ended;    /* gzip: a member has ended, reset before the next */
    bool          holds_output; /* the last call filled `out`                      */
};

static bool
is_zstd_magic(const uint8_t *b, size_t size)
{
    static const uint8_t FRAME[]     = { 0x28, 0xb5, 0x2f, 0xfd };
    static const uint8_t SKIPPABLE[] = { 0x2a, 0x4d, 0x18 }; /* after 0x50 … 0x5f */
    return memcmp(b, FRAME, size) == 0
           || ((b[0] & 0xf0) == 0x50 && memcmp(b + 1, SKIPPABLE, size - 1) == 0);
}

weiri_packing
weiri_packing_of(const char *bytes, size_t size, bool is_all)
{
    const uint8_t *b = (const uint8_t *)bytes;
    if (size == 0) {
        return is_all ? WEIRI_PACKING_NONE : WEIRI_PACKING_UNKNOWN;
    }
    if (size >= 2 && b[0] == 0x1f && b[1] == 0x8b) {
        return WEIRI_PACKING_GZIP;
    }
    if (size >= 4 && is_zstd_magic(b, 4)) {
        return WEIRI_PACKING_ZSTD;
    }
    bool may_become_one =
        size < 4 && (is_zstd_magic(b, size) || (size == 1 && b[0] == 0x1f));
    return may_become_one && !is_all ? WEIRI_PACKING_UNKNOWN : WEIRI_PACKING_NONE;
}

static weir_status
open_gzip(weiri_unpacker *self)
{
    return inflateInit2(&self->gzip, GZIP_ONLY + MAX_WBITS) == Z_OK ? WEIR_OK
                                                                    : WEIR_ENOMEM;
}

static weir_status
open_zstd(weiri_unpacker *self)
{
    self->zstd = ZSTD_createDCtx();
    if (self->zstd == NULL) {
        return WEIR_ENOMEM;
    }
    size_t code =
        ZSTD_DCtx_setParameter(self->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    return ZSTD_isError(code) ? WEIR_ENOMEM : WEIR_OK;
}

weir_status
weiri_unpacker_new(weiri_packing packing, weiri_unpacker **out)
{
    weiri_unpacker *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->packing = packing;
    weir_status status =
        packing == WEIRI_PACKING_GZIP ? open_gzip(self) : open_zstd(self);
    if (status != WEIR_OK) {
        weiri_unpacker_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_unpacker_destroy(weiri_unpacker **self_p)
{
    weiri_unpacker *self = *self_p;
    *self_p              = NULL;
    if (self != NULL) {
        if (self->packing == WEIRI_PACKING_GZIP) {
            inflateEnd(&self->gzip); /* does nothing if it was never begun */
        }
        ZSTD_freeDCtx(self->zstd);
        free(self);
    }
}

/* After the end of a member: skip zeros, and begin the next member if bytes are left. */
static weir_status
begin_member(weiri_unpacker *self, weiri_unpack_step *step)
{
    while (step->n_used < step->in_size && step->in[step->n_used] == 0) {
        step->n_used++;
        self->is_padding = true;
    }
    if (step->n_used == step->in_size) {
        return WEIR_OK;
    }
    if (self->is_padding || (uint8_t)step->in[step->n_used] != 0x1f) {
        step->problem = "other bytes follow the end of the gzip data";
        return WEIR_EDATA;
    }
    self->has_ended = false;
    return inflateReset(&self->gzip) == Z_OK ? WEIR_OK : WEIR_ENOMEM;
}

static size_t
at_most_uint(size_t size)
{
    return size < UINT_MAX ? size : UINT_MAX;
}

static weir_status
run_gzip(weiri_unpacker *self, weiri_unpack_step *step)
{
    if (self->has_ended) {
        weir_status status = begin_member(self, step);
        if (status != WEIR_OK || self->has_ended) {
            self->holds_output = false;
            return status;
        }
    }
    z_stream *z  = &self->gzip;
    size_t    in = step->in_size - step->n_used;
    z->next_in   = (z_const Bytef *)(step->in + step->n_used);
    z->avail_in  = (uInt)at_most_uint(in);
    z->next_out  = (Bytef *)step->out;
    z->avail_out = (uInt)at_most_uint(step->out_size);
    int code     = inflate(z, Z_NO_FLUSH);
    step->n_used = (size_t)((const char *)z->next_in - step->in);
    step->n_made = (size_t)((const char *)z->next_out - step->out);

    self->has_ended    = code == Z_STREAM_END;
    self->is_inside    = !self->has_ended;
    self->holds_output = z->avail_out == 0 && !self->has_ended;
    if (code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR) {
        return WEIR_OK;
    }
    step->problem = z->msg != NULL ? z->msg : "damaged";
    return code == Z_MEM_ERROR ? WEIR_ENOMEM : WEIR_EDATA;
}

static weir_status
run_zstd(weiri_unpacker *self, weiri_unpack_step *step)
{
    ZSTD_inBuffer  in   = { step->in, step->in_size, 0 };
    ZSTD_outBuffer out  = { step->out, step->out_size, 0 };
    size_t         code = ZSTD_decompressStream(self->zstd, &out, &in);
    step->n_used        = in.pos;
    step->n_made        = out.pos;
    if (ZSTD_isError(code)) {
        step->problem = ZSTD_getErrorName(code);
        return ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation ? WEIR_ENOMEM
                                                                       : WEIR_EDATA;
    }
    self->is_inside    = code != 0;
    self->holds_output = code != 0 && out.pos == out.size;
    return WEIR_OK;
}

weir_status
weiri_unpacker_run(weiri_unpacker *self, weiri_unpack_step *step)
{
    step->n_used = 0;
    step->n_made = 0;
    return self->packing == WEIRI_PACKING_GZIP ? run_gzip(self, step)
                                               : run_zstd(self, step);
}

bool
weiri_unpacker_holds_output(const weiri_unpacker *self)
{
    return self->holds_output;
}

bool
weiri_unpacker_is_inside(const weiri_unpacker *self)
{
    return self->is_inside;
}
