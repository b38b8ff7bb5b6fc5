#include <stdlib.h>

#include "address.h"
#include "weiri/limits.h"

_Static_assert(sizeof(weiri_message) == 64, "a cache line");
_Static_assert(WEIRI_LEVELS < 1 << LEVEL_BITS, "a level in an address");
_Static_assert((int)WEIRI_SHARDS < (int)FAMILY_SHARD, "a shard in an address");

uint32_t
weiri_address_level(weiri_address address)
{
    return address_level(address);
}

const char *
weiri_reason_text(weiri_reason reason)
{
    static const char *const texts[] = {
#define X(name, text) [name] = (text),
        WEIRI_REASON_LIST(X)
#undef X
    };
    return (uint32_t)reason < WEIRI_N_REASONS ? texts[reason] : "unknown";
}

/* A key of more than 8 bytes that is on its way to another shard has a block. */
static void
drop_key(weiri_message *self)
{
    if (self->key_size > sizeof self->about) {
        free((void *)(uintptr_t)self->about);
        self->about = 0;
    }
    self->key_size = 0;
}

void
weiri_message_drop(weiri_message *self)
{
    if (self->form == WEIRI_FORM_CHUNK) {
        weir_chunk_unref(&self->as.chunk.chunk);
    } else if (self->form == WEIRI_FORM_BYTES && self->as.block.release != NULL) {
        self->as.block.release(self->as.block.bytes);
    }
    if (self->key_size > 0) {
        drop_key(self);
    }
    self->form = WEIRI_FORM_INLINE;
    self->size = 0;
}

const weir_chunk *
weiri_message_take_chunk(weiri_message *self)
{
    const weir_chunk *chunk = self->as.chunk.chunk;
    self->as.chunk.chunk    = NULL;
    self->form              = WEIRI_FORM_INLINE;
    self->size              = 0;
    return chunk;
}

weiri_message
weiri_message_of_chunk(weiri_address to, uint16_t kind, const weir_chunk **chunk_p)
{
    weiri_message self = { .to = to,
        .kind                  = kind,
        .form                  = WEIRI_FORM_CHUNK,
        .n_rows                = (*chunk_p)->n_rows,
        .as.chunk.chunk        = *chunk_p };
    *chunk_p           = NULL;
    return self;
}
