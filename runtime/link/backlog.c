#include "backlog.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

weiri_blob *
weiri_blob_new(const uint8_t *bytes, size_t size)
{
    weiri_blob *self = malloc(sizeof *self + size);
    if (self != NULL) {
        *self = (weiri_blob){ .n_refs = 1, .size = size };
        memcpy(self->bytes, bytes, size);
    }
    return self;
}

weiri_blob *
weiri_blob_make(weiri_frame frame, const weiri_pack *payload)
{
    size_t      n    = payload != NULL ? payload->size : 0;
    weiri_blob *self = malloc(sizeof *self + WEIRI_FRAME_HEAD + n);
    if (self == NULL || (payload != NULL && payload->is_out_of_memory)) {
        free(self);
        return NULL;
    }
    *self = (weiri_blob){ .n_refs = 1,
        .n_rows                   = frame.n_rows,
        .first                    = frame.sequence,
        .end  = frame.sequence + (frame.n_rows > 0 ? frame.n_rows : 1),
        .size = WEIRI_FRAME_HEAD + n };
    if (n > 0) {
        memcpy(self->bytes + WEIRI_FRAME_HEAD, payload->bytes, n);
    }
    frame.size     = n;
    frame.checksum = weiri_checksum(WEIRI_HASH_BEGIN, self->bytes + WEIRI_FRAME_HEAD, n);
    weiri_frame_write(&frame, self->bytes);
    return self;
}

void
weiri_blob_unref(weiri_blob **self_p)
{
    weiri_blob *self = *self_p;
    *self_p          = NULL;
    if (self != NULL && --self->n_refs == 0) {
        free(self);
    }
}

void
weiri_backlog_fini(weiri_backlog *self)
{
    while (self->n > 0) {
        weiri_blob *blob = weiri_backlog_pop(self);
        weiri_blob_unref(&blob);
    }
    free(self->ring);
    *self = (weiri_backlog){ 0 };
}

static bool
grow(weiri_backlog *self)
{
    uint32_t     capacity = self->capacity > 0 ? self->capacity * 2 : FIRST_CAPACITY;
    weiri_blob **ring     = calloc(capacity, sizeof(weiri_blob *));
    if (ring == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < self->n; i++) {
        ring[i] = weiri_backlog_at(self, i);
    }
    free(self->ring);
    self->ring     = ring;
    self->capacity = capacity;
    self->first    = 0;
    return true;
}

weir_status
weiri_backlog_push(weiri_backlog *self, weiri_blob *blob)
{
    if (self->n == self->capacity && !grow(self)) {
        return WEIR_ENOMEM;
    }
    self->ring[(self->first + self->n++) & (self->capacity - 1)] = blob;
    self->size += blob->size;
    return WEIR_OK;
}

weiri_blob *
weiri_backlog_pop(weiri_backlog *self)
{
    weiri_blob *blob = self->ring[self->first];
    self->first      = (self->first + 1) & (self->capacity - 1);
    self->n--;
    self->size -= blob->size;
    return blob;
}
