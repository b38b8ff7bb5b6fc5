/* Inputs that cannot be read again, by way of the tape; and silence, which is on it, too.
 */
#include "inside.h"

weir_status
weiri_intake_play(weiri_intake *self, size_t room, size_t *n, weir_error *err)
{
    const weiri_tape *tape   = self->config.tape;
    int64_t           to_ns  = 0;
    weir_status       status = tape->play(tape->context, self->config.index, self->n_read,
              self->n_idle, self->bytes + self->to, room, n, &to_ns, err);
    if (status != WEIR_EAGAIN) {
        self->n_idle = *n > 0 ? 0 : self->n_idle;
        return status;
    }
    self->n_idle++;
    weiri_intake_admit(self, self->chunk->n_rows); /* they came before the silence */
    weiri_clock_advance(&self->clock, to_ns);
    return WEIR_OK;
}

/* What has come, to bytes[to]; for a tape as much of it as there is room for, since all
 * of it is kept at the price of one piece. */
static weir_status
gather(weiri_intake *self, size_t room, int64_t wait_ns, weir_error *err)
{
    char       *bytes = self->bytes + self->to;
    weir_status status =
        weiri_reader_read(self->reader, bytes, room, wait_ns, &self->n_unkept, err);
    weir_status more = self->config.tape != NULL ? status : WEIR_EOF;
    while (more == WEIR_OK && self->n_unkept < room) {
        weir_error later = { .status = WEIR_OK }; /* it is told again by the next read */
        size_t     n     = 0;
        more             = weiri_reader_read(
                        self->reader, bytes + self->n_unkept, room - self->n_unkept, 0, &n, &later);
        self->n_unkept += n;
    }
    return status;
}

weir_status
weiri_intake_read_live(
    weiri_intake *self, size_t room, int64_t wait_ns, size_t *n, weir_error *err)
{
    const weiri_tape *tape    = self->config.tape;
    weir_status       status  = WEIR_OK;
    bool              is_told = tape == NULL && !self->is_told && self->n_read > 0;
    if (is_told) { /* it has been taken in, and that is all that there is */
        status = weiri_reader_acknowledge(self->reader, self->n_read, err);
    }
    if (status == WEIR_OK && self->n_unkept == 0) {
        status = gather(self, room, wait_ns, err);
    }
    if (status == WEIR_OK && tape != NULL) {
        status = tape->record(tape->context, self->config.index, self->n_read,
            self->bytes + self->to, self->n_unkept, err);
        if (status == WEIR_OK) { /* it is on the medium */
            status = weiri_reader_acknowledge(
                self->reader, self->n_read + self->n_unkept, err);
        }
    }
    if (status == WEIR_OK) {
        weiri_reader_keep(self->reader);
        *n             = self->n_unkept;
        self->n_unkept = 0;
        self->n_idle   = 0;
    }
    return status;
}

void
weiri_intake_go_live(weiri_intake *self)
{
    self->is_live = true;
    if (weiri_reader_is_link(self->reader) && !self->is_begun) {
        self->is_begun         = true;
        weiri_link_place place = *weiri_decoder_place(self->decoder);
        place.is_settled       = self->is_settled;
        weiri_reader_begin(self->reader, &place);
    }
}

weir_status
weiri_intake_begin(weiri_intake *self, weir_error *err)
{
    const weiri_tape *tape   = self->config.tape;
    weir_status       status = WEIR_EOF;
    size_t            n      = 0;
    int64_t           to_ns  = 0;
    if (!weiri_reader_is_link(self->reader) || self->config.from != NULL
        || self->is_begun) {
        return WEIR_OK;
    }
    if (tape != NULL) { /* whether there is something; it is read by the pump */
        status = tape->play(tape->context, self->config.index, self->n_read, self->n_idle,
            self->bytes, 0, &n, &to_ns, err);
    }
    if (status == WEIR_EOF) {
        weiri_intake_go_live(self);
    }
    return status == WEIR_EOF || status == WEIR_EAGAIN ? WEIR_OK : status;
}

weiri_link_farewell
weiri_intake_farewell(const weiri_intake *self)
{
    return self->is_closed ? weiri_reader_farewell(self->reader)
                           : (weiri_link_farewell){ .parting = WEIRI_LINK_FLOWING };
}

static bool
is_settled(const weiri_intake *self)
{
    return self->is_closed && weiri_reader_is_link(self->reader)
           && weiri_reader_farewell(self->reader).parting >= WEIRI_LINK_SETTLED;
}

void
weiri_intake_note(weiri_intake *self)
{
    self->is_settled = self->is_settled || is_settled(self);
}

bool
weiri_intake_has_news(const weiri_intake *self)
{
    return !self->is_settled && is_settled(self);
}

void
weiri_intake_release(weiri_intake *self)
{
    if (self->is_settled) {
        weiri_reader_release(self->reader, WEIRI_LINK_SETTLED);
    }
}

/* All has been read: of silence behind the last byte, too. A part of a record may stand
 * between that byte and the mark of a silence. */
static bool
is_at_extent(const weiri_intake *self)
{
    const weiri_extent *extent = self->config.extent;
    return self->n_read >= extent->end && self->clock.now_ns >= extent->clock_ns;
}

static weir_status
end_extent(weiri_intake *self, weir_error *err)
{
    const weiri_extent *extent = self->config.extent;
    if (self->n_read < extent->end && extent->end != UINT64_MAX) {
        return WEIR_FAIL(err, WEIR_EDATA,
            "%s: there are %llu bytes of it, and %llu were read before",
            self->config.path, (unsigned long long)self->n_read,
            (unsigned long long)extent->end);
    }
    self->is_over = !extent->is_ended;
    return extent->is_ended ? WEIR_EOF : WEIR_EAGAIN;
}

weir_status
weiri_intake_read_again(weiri_intake *self, size_t room, size_t *n, weir_error *err)
{
    const weiri_extent *extent = self->config.extent;
    uint64_t left = self->n_read < extent->end ? extent->end - self->n_read : room;
    self->is_over = false;
    if (is_at_extent(self)) {
        return end_extent(self, err);
    }
    if (room > left) {
        room = (size_t)left;
    }
    weir_status status = extent->is_taped ? weiri_intake_play(self, room, n, err)
                                          : weiri_reader_read(self->reader,
                                              self->bytes + self->to, room, -1, n, err);
    return status == WEIR_EOF ? end_extent(self, err) : status;
}

weir_status
weiri_intake_idle(weiri_intake *self, int64_t to_ns, weir_error *err)
{
    const weiri_tape *tape   = self->config.tape;
    weir_status       status = WEIR_OK;
    if (tape != NULL && to_ns > self->clock.now_ns) {
        status = tape->record_idle(
            tape->context, self->config.index, self->n_read, to_ns, err);
    }
    if (status == WEIR_OK) {
        weiri_clock_advance(&self->clock, to_ns);
    }
    return status;
}
