#include <stdlib.h>

#include "weiri/codec.h"

void
weiri_buffer_fini(weiri_buffer *self)
{
    free(self->bytes);
    *self = (weiri_buffer){ 0 };
}

weir_status
weiri_buffer_reserve(weiri_buffer *self, size_t size)
{
    size_t needed = self->used + size;
    if (needed <= self->size) {
        return WEIR_OK;
    }
    size_t grown = self->size > 0 ? self->size : 4096;
    while (grown < needed) {
        grown *= 2;
    }
    char *bytes = realloc(self->bytes, grown);
    if (bytes == NULL) {
        return WEIR_ENOMEM;
    }
    self->bytes = bytes;
    self->size  = grown;
    return WEIR_OK;
}
