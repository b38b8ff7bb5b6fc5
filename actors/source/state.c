/* Where a source stands as bytes, and back. */
#include "inside.h"
#include "weiri/rows_pack.h"

uint64_t
weiri_intake_position(const weiri_intake *self)
{
    return self->refresh != NULL ? weiri_refresh_position(self)
                                 : weiri_decoder_position(self->decoder);
}

static void
save_side(const weir_chunk *side, weiri_pack *out)
{
    weiri_pack_number(out, side != NULL);
    if (side != NULL) {
        weiri_rows_pack((weir_rows){ .chunk = side, .n = side->n_rows }, out);
    }
}

weir_status
weiri_intake_save(const weiri_intake *self, weiri_pack *out, weir_error *err)
{
    weiri_file_mark mark   = { 0 };
    weir_status     status = WEIR_OK;
    if (weiri_intake_is_regular(self) && self->refresh == NULL) {
        status = weiri_reader_mark(self->reader, &mark, err);
    }
    weiri_pack_number(out, weiri_intake_is_regular(self));
    weiri_pack_number(out, weiri_intake_position(self));
    weiri_pack_number(out, mark.n_read);
    weiri_pack_fixed(out, mark.hash);
    weiri_pack_number(out, (uint64_t)self->is_closed + self->is_settled);
    weiri_pack_time(out, self->clock.newest_ns);
    weiri_pack_time(out, self->clock.now_ns);
    weiri_pack_number(out, self->counts.n_events);
    weiri_pack_number(out, self->counts.n_late);
    weiri_pack_number(out, self->counts.n_dead);
    weiri_pack_number(out, self->late_order);
    weiri_pack_number(out, self->dead_order);
    weiri_decoder_save(self->decoder, out);
    save_side(self->late, out);
    save_side(self->dead, out);
    if (weiri_intake_is_kept(self)) {
        weiri_reader_save(self->reader, weiri_intake_position(self), out);
    } else if (self->refresh != NULL) {
        weiri_refresh_save(self, out);
    }
    return status;
}

static weir_status
load_side(const weiri_stream *stream, weiri_unpack *in, weir_chunk **out)
{
    if (weiri_unpack_below(in, 2, "it is no flag") == 0 || in->wrong != NULL) {
        return WEIR_OK;
    }
    if (stream == NULL) {
        weiri_unpack_fail(in, "late or dead events wait, and nobody reads them now");
        return WEIR_EDATA;
    }
    return weiri_rows_unpack(in, &stream->schema, stream->used, out);
}

static weir_status
load_input(
    weiri_intake *self, const weiri_file_mark *mark, weiri_unpack *in, weir_error *err)
{
    uint64_t position = weiri_decoder_position(self->decoder);
    self->n_read      = position;
    if (weiri_intake_is_kept(self) && !self->is_closed && self->config.from == NULL) {
        return weiri_reader_load(self->reader, position, in, err);
    }
    if (!weiri_intake_is_regular(self) || self->is_closed || self->config.from != NULL) {
        return WEIR_OK;
    }
    weir_status status = weiri_reader_check_mark(self->reader, mark, err);
    return status == WEIR_OK ? weiri_reader_skip(self->reader, position, err) : status;
}

/* The head of the state, which tells without a decoder. */
static void
load_head(weiri_unpack *in, weiri_intake_stand *out, weiri_file_mark *mark)
{
    out->is_regular      = weiri_unpack_below(in, 2, "it is no flag") != 0;
    out->position        = weiri_unpack_number(in);
    mark->n_read         = weiri_unpack_number(in);
    mark->hash           = weiri_unpack_fixed(in);
    uint64_t is_closed   = weiri_unpack_below(in, 3, "it is no end");
    out->is_closed       = is_closed > 0;
    out->is_settled      = is_closed > 1;
    out->newest_ns       = weiri_unpack_time(in);
    out->clock_ns        = weiri_unpack_time(in);
    out->counts.n_events = weiri_unpack_number(in);
    out->counts.n_late   = weiri_unpack_number(in);
    out->counts.n_dead   = weiri_unpack_number(in);
    out->counts.n_bytes  = out->position;
}

void
weiri_intake_peek(weiri_unpack *in, weiri_intake_stand *out)
{
    weiri_file_mark mark = { 0 };
    load_head(in, out, &mark);
}

weir_status
weiri_intake_load(weiri_intake *self, weiri_unpack *in, weir_error *err)
{
    weiri_file_mark    mark  = { 0 };
    weiri_intake_stand stand = { 0 };
    load_head(in, &stand, &mark);
    if (in->wrong == NULL && stand.is_regular != weiri_intake_is_regular(self)) {
        weiri_unpack_fail(in, "the input was a file and is none now, or the other way");
    }
    self->is_closed       = stand.is_closed;
    self->is_settled      = stand.is_settled;
    self->clock.now_ns    = stand.clock_ns;
    self->clock.newest_ns = stand.newest_ns;
    self->counts          = stand.counts;
    self->late_order      = weiri_unpack_number(in);
    self->dead_order      = weiri_unpack_number(in);
    weiri_decoder_load(self->decoder, in);
    weir_status status = load_side(self->config.late, in, &self->late);
    if (status == WEIR_OK) {
        status = load_side(self->config.dead, in, &self->dead);
    }
    if (status == WEIR_OK && self->refresh != NULL) {
        status = weiri_refresh_load(self, in, stand.position);
    }
    if (in->wrong != NULL) {
        return WEIR_FAIL(err, WEIR_EDATA, "%s: %s", self->config.path, in->wrong);
    }
    if (self->refresh != NULL) {
        return status == WEIR_OK ? status
                                 : WEIR_FAIL(err, status, "%s", self->config.path);
    }
    return status == WEIR_OK ? load_input(self, &mark, in, err)
                             : WEIR_FAIL(err, status, "%s", self->config.path);
}
