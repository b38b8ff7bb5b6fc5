/* Frames of a link (weiri/link.h): columns of rows, and what stands between them. */
#include <stdlib.h>

#include "decoder_ops.h"
#include "weiri/columns.h"
#include "weiri/link.h"

typedef struct columns {
    weiri_link_place place; /* behind the last frame that was decoded */
} columns;

static weir_status
create(const weiri_decoder_config *config, void **state, weir_error *err)
{
    *state = calloc(1, sizeof(columns));
    return *state != NULL ? WEIR_OK
                          : WEIR_FAIL(err, WEIR_ENOMEM, "%s", config->schema->name);
}

static void
destroy(void *state)
{
    free(state);
}

static weir_status
fail(const weiri_decode *decode, size_t at, const char *wrong, weir_error *err)
{
    return WEIR_FAIL(err, WEIR_EDATA, "byte %llu: %s",
        (unsigned long long)(decode->position + at), wrong);
}

static void
tell_time(const weiri_decode *decode, const weiri_frame *frame)
{
    const weiri_decoder_config *config = &decode->config;
    if (frame->kind == WEIRI_FRAME_END && config->on_end != NULL) {
        config->on_end(config->context, frame->watermark_ns);
    } else if (frame->kind != WEIRI_FRAME_END && frame->watermark_ns != INT64_MIN
               && config->on_mark != NULL) {
        config->on_mark(config->context, frame->watermark_ns);
    }
}

/* A frame as a whole, or not at all: WEIR_EFULL. */
static weir_status
take_frame(columns *self, weiri_decode *decode, const weiri_frame *frame,
    const uint8_t *payload, weir_chunk *chunk, const char **wrong)
{
    weiri_link_place after = self->place;
    uint32_t         skip  = 0;
    if (frame->kind == WEIRI_FRAME_COLUMNS) {
        *wrong = weiri_columns_check(
            payload, (size_t)frame->size, decode->config.schema, frame->n_rows);
    }
    if (*wrong == NULL) {
        *wrong = weiri_link_place_follow(&after, frame, payload, &skip);
    }
    if (*wrong != NULL) {
        return WEIR_EDATA;
    }
    if (frame->kind == WEIRI_FRAME_COLUMNS && skip < frame->n_rows) {
        weir_status status = weiri_columns_read(payload, frame->n_rows, skip, chunk);
        if (status != WEIR_OK) {
            return status;
        }
        decode->line += frame->n_rows - skip;
    }
    self->place = after;
    tell_time(decode, frame);
    return WEIR_OK;
}

/* NOLINTBEGIN(readability-function-size): the parameters of weiri_decoder_decode */
static weir_status
decode_frames(void *state, weiri_decode *decode, const char *bytes, size_t size,
    bool is_last, weir_chunk *chunk, size_t *consumed, weir_error *err)
{
    const uint8_t *at   = (const uint8_t *)bytes;
    columns       *self = state;
    for (;;) {
        weiri_frame frame;
        const char *wrong = NULL;
        weir_status status =
            weiri_frame_next(&frame, at + *consumed, size - *consumed, err);
        if (status == WEIR_EAGAIN) {
            return is_last && *consumed < size
                       ? fail(decode, *consumed, "a frame that is cut", err)
                       : WEIR_OK;
        }
        if (status == WEIR_OK) {
            status = take_frame(
                self, decode, &frame, at + *consumed + WEIRI_FRAME_HEAD, chunk, &wrong);
        }
        if (wrong != NULL) {
            return fail(decode, *consumed, wrong, err);
        }
        if (status != WEIR_OK) {
            return status;
        }
        *consumed += WEIRI_FRAME_HEAD + (size_t)frame.size;
    }
}
/* NOLINTEND(readability-function-size) */

static void
save(const void *state, weiri_pack *out)
{
    weiri_link_place_save(&((const columns *)state)->place, out);
}

static void
load(void *state, weiri_unpack *in)
{
    weiri_link_place_load(&((columns *)state)->place, in);
}

static const weiri_link_place *
place(const void *state)
{
    return &((const columns *)state)->place;
}

const weiri_decoder_ops WEIRI_DECODE_FRAMES = {
    .create  = create,
    .destroy = destroy,
    .decode  = decode_frames,
    .save    = save,
    .load    = load,
    .place   = place,
};
