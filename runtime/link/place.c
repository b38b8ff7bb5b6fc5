/* Where a receiver is: followed alike by the receiver, for what it is sent, and by the
 * decoder, for what it has taken in. */
#include <string.h>

#include "weiri/link.h"

static uint32_t
n_known(const weiri_link_place *self)
{
    return self->n_fenced < WEIRI_LINK_FENCED ? self->n_fenced : WEIRI_LINK_FENCED;
}

bool
weiri_link_is_lasting(uint64_t epoch)
{
    return epoch % 2 != 0;
}

bool
weiri_link_place_is_fenced(const weiri_link_place *self, uint64_t epoch)
{
    for (uint32_t i = 0; i < n_known(self); i++) {
        if (self->fenced[i] == epoch) {
            return true;
        }
    }
    return false;
}

void
weiri_link_place_begin(weiri_link_place *self, uint64_t epoch, uint64_t next)
{
    if (self->epoch != 0) {
        self->fenced[self->n_fenced++ % WEIRI_LINK_FENCED] = self->epoch;
    }
    self->epoch = epoch;
    self->next  = next;
}

static const char *
follow_gap(weiri_link_place *self, const weiri_frame *frame, const uint8_t *payload)
{
    weiri_unpack in = { .at = payload, .end = payload + frame->size };
    uint64_t     to = weiri_unpack_fixed(&in);
    if (in.wrong != NULL || in.at != in.end || to <= frame->sequence
        || to > UINT64_MAX / 2) {
        return "a gap that is none";
    }
    self->next = to > self->next ? to : self->next;
    return NULL;
}

static const char *
follow(weiri_link_place *self, const weiri_frame *frame, const uint8_t *payload,
    uint32_t *skip)
{
    if (frame->epoch == 0 || weiri_link_place_is_fenced(self, frame->epoch)) {
        return "a frame of an earlier stream";
    }
    if (frame->kind == WEIRI_FRAME_MARK) {
        return NULL;
    }
    if (self->is_ended) {
        return "a frame behind the end";
    }
    if (frame->epoch != self->epoch) {
        weiri_link_place_begin(self, frame->epoch, frame->sequence);
    }
    if (frame->sequence > self->next) {
        return "a frame that does not come next";
    }
    if (frame->kind == WEIRI_FRAME_GAP) {
        return follow_gap(self, frame, payload);
    }
    if (frame->kind == WEIRI_FRAME_END) {
        self->is_ended = frame->sequence == self->next;
        self->next += self->is_ended;
        return self->is_ended ? NULL : "an end before what has come";
    }
    if (frame->kind != WEIRI_FRAME_COLUMNS || frame->sequence > UINT64_MAX / 2) {
        return "a frame of no kind for this";
    }
    uint64_t seen = self->next - frame->sequence;
    *skip         = seen < frame->n_rows ? (uint32_t)seen : frame->n_rows;
    self->next += frame->n_rows - *skip;
    return NULL;
}

const char *
weiri_link_place_follow(weiri_link_place *self, const weiri_frame *frame,
    const uint8_t *payload, uint32_t *skip)
{
    weiri_link_place after = *self;
    *skip                  = 0;
    const char *wrong      = follow(&after, frame, payload, skip);
    if (wrong == NULL) {
        *self = after;
    }
    return wrong;
}

void
weiri_link_place_save(const weiri_link_place *self, weiri_pack *out)
{
    weiri_pack_fixed(out, self->epoch);
    weiri_pack_number(out, self->next);
    weiri_pack_number(out, self->is_ended);
    weiri_pack_number(out, self->n_fenced);
    for (uint32_t i = 0; i < n_known(self); i++) {
        weiri_pack_fixed(out, self->fenced[i]);
    }
}

void
weiri_link_place_load(weiri_link_place *self, weiri_unpack *in)
{
    memset(self, 0, sizeof *self);
    self->epoch    = weiri_unpack_fixed(in);
    self->next     = weiri_unpack_number(in);
    self->is_ended = weiri_unpack_below(in, 2, "it is no flag") != 0;
    self->n_fenced =
        (uint32_t)weiri_unpack_below(in, UINT32_MAX, "it has too many streams");
    for (uint32_t i = 0; i < n_known(self); i++) {
        self->fenced[i] = weiri_unpack_fixed(in);
    }
}
