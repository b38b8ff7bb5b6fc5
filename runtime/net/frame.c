#include "weiri/frame.h"

#include <stdbool.h>
#include <string.h>

#include "weiri/pack.h"

/* Offsets in the head. */
enum {
    AT_MAGIC     = 0,
    AT_VERSION   = 4,
    AT_KIND      = 5,
    AT_STREAM    = 8,
    AT_LINK      = 12,
    AT_SEQUENCE  = 16,
    AT_WATERMARK = 24,
    AT_ROWS      = 32,
    AT_PARTS     = 36,
    AT_SIZE      = 40,
    AT_CHECKSUM  = 48,
    AT_EPOCH     = 56,
};

static const uint8_t magic[4] = { 'W', 'E', 'I', 'R' };

static void
put(uint8_t *at, uint64_t value, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static uint64_t
get(const uint8_t *at, uint32_t size)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < size; i++) {
        value |= (uint64_t)at[i] << 8 * i;
    }
    return value;
}

void
weiri_frame_write(const weiri_frame *self, uint8_t head[WEIRI_FRAME_HEAD])
{
    memset(head, 0, WEIRI_FRAME_HEAD);
    memcpy(head + AT_MAGIC, magic, sizeof magic);
    head[AT_VERSION] = WEIRI_FRAME_VERSION;
    head[AT_KIND]    = self->kind;
    put(head + AT_STREAM, self->stream, 4);
    put(head + AT_LINK, self->link, 4);
    put(head + AT_SEQUENCE, self->sequence, 8);
    put(head + AT_WATERMARK, (uint64_t)self->watermark_ns, 8);
    put(head + AT_ROWS, self->n_rows, 4);
    put(head + AT_PARTS, self->n_parts, 4);
    put(head + AT_SIZE, self->size, 8);
    put(head + AT_CHECKSUM, self->checksum, 8);
    put(head + AT_EPOCH, self->epoch, 8);
}

static weir_status
check_payload(const weiri_frame *self, const uint8_t *payload, weir_error *err)
{
    return self->kind == WEIRI_FRAME_ADDRESSES || self->kind == WEIRI_FRAME_ACTOR
                   || self->checksum
                          == weiri_checksum(WEIRI_HASH_BEGIN, payload, (size_t)self->size)
               ? WEIR_OK
               : WEIR_FAIL(
                   err, WEIR_EDATA, "a frame that was damaged: its checksum is wrong");
}

static weir_status
read_head(weiri_frame *self, const uint8_t *bytes, size_t size, weir_error *err)
{
    if (size < WEIRI_FRAME_HEAD || memcmp(bytes + AT_MAGIC, magic, sizeof magic) != 0) {
        return WEIR_FAIL(err, WEIR_EDATA, "no frame: it does not begin with \"WEIR\"");
    }
    if (bytes[AT_VERSION] != WEIRI_FRAME_VERSION) {
        return WEIR_FAIL(err, WEIR_EDATA, "a frame of version %u, this is version %u",
            bytes[AT_VERSION], WEIRI_FRAME_VERSION);
    }
    *self = (weiri_frame){
        .kind         = bytes[AT_KIND],
        .stream       = (uint32_t)get(bytes + AT_STREAM, 4),
        .link         = (uint32_t)get(bytes + AT_LINK, 4),
        .sequence     = get(bytes + AT_SEQUENCE, 8),
        .watermark_ns = (int64_t)get(bytes + AT_WATERMARK, 8),
        .n_rows       = (uint32_t)get(bytes + AT_ROWS, 4),
        .n_parts      = (uint32_t)get(bytes + AT_PARTS, 4),
        .size         = get(bytes + AT_SIZE, 8),
        .checksum     = get(bytes + AT_CHECKSUM, 8),
        .epoch        = get(bytes + AT_EPOCH, 8),
    };
    bool is_known =
        (self->kind >= WEIRI_FRAME_ADDRESSES && self->kind <= WEIRI_FRAME_MARK)
        || self->kind == WEIRI_FRAME_ACTOR;
    return is_known
               ? WEIR_OK
               : WEIR_FAIL(err, WEIR_EDATA, "a frame of unknown kind %u", self->kind);
}

weir_status
weiri_frame_read(weiri_frame *self, const uint8_t *bytes, size_t size, weir_error *err)
{
    weir_status status = read_head(self, bytes, size, err);
    if (status == WEIR_OK && self->size != size - WEIRI_FRAME_HEAD) {
        return WEIR_FAIL(err, WEIR_EDATA,
            "a frame that says it has %llu bytes and has %zu",
            (unsigned long long)self->size, size - WEIRI_FRAME_HEAD);
    }
    return status == WEIR_OK ? check_payload(self, bytes + WEIRI_FRAME_HEAD, err)
                             : status;
}

weir_status
weiri_frame_next(weiri_frame *self, const uint8_t *bytes, size_t size, weir_error *err)
{
    if (size < WEIRI_FRAME_HEAD) {
        return WEIR_EAGAIN;
    }
    weir_status status = read_head(self, bytes, size, err);
    if (status == WEIR_OK && self->kind == WEIRI_FRAME_ACTOR) {
        status = WEIR_FAIL(err, WEIR_EDATA, "a frame of an actor, and this is none");
    }
    if (status != WEIR_OK) {
        return status;
    }
    return self->size <= size - WEIRI_FRAME_HEAD
               ? check_payload(self, bytes + WEIRI_FRAME_HEAD, err)
               : WEIR_EAGAIN;
}
