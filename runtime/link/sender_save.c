/* A sender as bytes, and back. */
#include <string.h>

#include "sender.h"
#include "weiri/columns.h"

void
weiri_sender_forget_settled(weiri_sender *self)
{
    while (self->settled.n > 0) {
        weiri_blob *blob = weiri_backlog_pop(&self->settled);
        weiri_blob_unref(&blob);
    }
    weiri_backlog_fini(&self->settled);
}

weir_status
weiri_sender_settle(weiri_sender *self)
{
    weiri_sender_forget_settled(self);
    self->settled_next    = self->next;
    self->settled_kept    = self->kept;
    self->settled_end     = self->is_ended;
    self->settled_free    = self->is_free;
    self->settled_mark_ns = self->watermark_ns;
    for (uint32_t i = 0; i < self->backlog.n; i++) {
        weiri_blob *blob   = weiri_backlog_at(&self->backlog, i);
        weir_status status = weiri_backlog_push(&self->settled, blob);
        if (status != WEIR_OK) {
            return status;
        }
        blob->n_refs++;
    }
    return WEIR_OK;
}

void
weiri_sender_save(const weiri_sender *self, weiri_pack *out)
{
    weiri_pack_fixed(out, self->config.epoch);
    weiri_pack_number(out, self->settled_next);
    weiri_pack_number(out, self->settled_kept);
    weiri_pack_number(out, (uint64_t)self->settled_end + self->settled_free);
    weiri_pack_time(out, self->settled_mark_ns);
    weiri_pack_number(out, self->settled.n);
    for (uint32_t i = 0; i < self->settled.n; i++) {
        const weiri_blob *blob = weiri_backlog_at(&self->settled, i);
        weiri_pack_text(out, blob->bytes, blob->size);
    }
}

/* What is wrong with a frame of a backlog, or NULL. */
static const char *
check_frame(const weiri_sender *self, const weiri_frame *frame, const uint8_t *payload)
{
    if (weiri_link_id_of(frame) != self->id || frame->epoch != self->config.epoch
        || frame->sequence > UINT64_MAX / 2) {
        return "a frame of another link";
    }
    if (frame->kind == WEIRI_FRAME_END) {
        return frame->size == 0 ? NULL : "an end that holds something";
    }
    return frame->kind == WEIRI_FRAME_COLUMNS ? weiri_columns_check(
               payload, (size_t)frame->size, self->config.schema, frame->n_rows)
                                              : "a frame of no kind for this";
}

static weir_status
load_frame(weiri_sender *self, weiri_unpack *in, uint64_t *end)
{
    uint32_t       size  = 0;
    weiri_frame    frame = { 0 };
    const uint8_t *bytes = (const uint8_t *)weiri_unpack_text(in, &size);
    if (in->wrong != NULL || weiri_frame_read(&frame, bytes, size, NULL) != WEIR_OK) {
        weiri_unpack_fail(in, "what waits to be sent is damaged");
        return WEIR_EDATA;
    }
    const char *wrong = check_frame(self, &frame, bytes + WEIRI_FRAME_HEAD);
    if (wrong != NULL || frame.sequence < *end) {
        weiri_unpack_fail(in, wrong != NULL ? wrong : "frames out of order");
        return WEIR_EDATA;
    }
    weiri_blob *blob = weiri_blob_new(bytes, size);
    if (blob == NULL) {
        return WEIR_ENOMEM;
    }
    blob->n_rows = frame.n_rows;
    blob->first  = frame.sequence;
    blob->end = *end   = frame.sequence + (frame.n_rows > 0 ? frame.n_rows : 1);
    weir_status status = weiri_backlog_push(&self->backlog, blob);
    if (status != WEIR_OK) {
        weiri_blob_unref(&blob);
    }
    return status;
}

weir_status
weiri_sender_load(weiri_sender *self, weiri_unpack *in, weir_error *err)
{
    weir_status status = WEIR_OK;
    uint64_t    end    = 0;
    uint64_t    epoch  = weiri_unpack_fixed(in);
    self->next         = weiri_unpack_number(in);
    self->kept         = weiri_unpack_number(in);
    uint64_t is_ended  = weiri_unpack_below(in, 3, "it is no end");
    self->is_ended     = is_ended > 0;
    self->is_free      = is_ended > 1;
    self->watermark_ns = weiri_unpack_time(in); /* it may not have been heard */
    uint64_t n         = weiri_unpack_below(in, UINT32_MAX, "it has too many frames");
    if (epoch == 0 || self->next > UINT64_MAX / 2) {
        weiri_unpack_fail(in, "it is no place of a stream");
    }
    self->config.epoch = epoch;
    for (uint64_t i = 0; i < n && status == WEIR_OK; i++) {
        status = load_frame(self, in, &end);
    }
    if (status == WEIR_OK && end > self->next) {
        weiri_unpack_fail(in, "frames behind the end");
    }
    self->sent          = self->kept;
    self->released      = weiri_sender_farewell(self).parting; /* it was kept */
    self->counts.n_rows = self->next - self->is_ended;
    status              = in->wrong != NULL ? WEIR_EDATA : status;
    return status == WEIR_OK
               ? status
               : WEIR_FAIL(err, status, "%s to %s: %s", self->config.schema->name,
                   self->config.peer,
                   in->wrong != NULL ? in->wrong : weir_status_text(status));
}
