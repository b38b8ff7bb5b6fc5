#include "head.h"

#include <string.h>

#include "weiri/peers.h"

enum {
    AT_VERSION = 2,
    AT_KIND    = 3,
    AT_REASON  = 4,
    AT_ZERO    = 5,
    AT_SESSION = 8,
};

static const char magic[2] = { 'W', 'N' };

const char *
weiri_refuse_text(unsigned reason)
{
    switch (reason) {
#define X(name, number, text)                                                            \
    case number: return text;
        WEIRI_REFUSE_LIST(X)
#undef X
    default: return "for a reason that this version does not know";
    }
}

void
weiri_head_write(const weiri_head *self, uint8_t bytes[WEIRI_HEAD_BYTES])
{
    memset(bytes, 0, WEIRI_HEAD_BYTES);
    memcpy(bytes, magic, sizeof magic);
    bytes[AT_VERSION] = WEIRI_HEAD_VERSION;
    bytes[AT_KIND]    = (uint8_t)self->kind;
    bytes[AT_REASON]  = self->reason;
    for (unsigned i = 0; i < 8; i++) {
        bytes[AT_SESSION + i] = (uint8_t)(self->session >> 8 * i);
    }
}

bool
weiri_head_is_name(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c          = bytes[i];
        bool is_allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                          || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
        if (!is_allowed) {
            return false;
        }
    }
    return size > 0 && size <= WEIRI_PEER_NAME;
}

static bool
is_whole(const weiri_head *self, const uint8_t *rest, size_t size)
{
    switch (self->kind) {
    case WEIRI_HEAD_HELLO:
        return self->reason == 0 && weiri_head_is_name((const char *)rest, size);
    case WEIRI_HEAD_WELCOME:
    case WEIRI_HEAD_BEAT:
    case WEIRI_HEAD_STANDBY: return self->reason == 0 && size == 0;
    case WEIRI_HEAD_REFUSE: return self->reason != 0 && size == 0;
    case WEIRI_HEAD_MESSAGE: return self->reason == 0;
    default: return false;
    }
}

weir_status
weiri_head_read(weiri_head *self, const uint8_t *bytes, size_t size)
{
    if (size < WEIRI_HEAD_BYTES || memcmp(bytes, magic, sizeof magic) != 0) {
        return WEIR_EDATA;
    }
    if (bytes[AT_VERSION] != WEIRI_HEAD_VERSION) {
        return WEIR_EABI;
    }
    *self = (weiri_head){ .kind = bytes[AT_KIND], .reason = bytes[AT_REASON] };
    for (unsigned i = 0; i < 8; i++) {
        self->session |= (uint64_t)bytes[AT_SESSION + i] << 8 * i;
    }
    bool is_zero =
        bytes[AT_ZERO] == 0 && bytes[AT_ZERO + 1] == 0 && bytes[AT_ZERO + 2] == 0;
    return is_zero && self->session != 0
                   && is_whole(self, bytes + WEIRI_HEAD_BYTES, size - WEIRI_HEAD_BYTES)
               ? WEIR_OK
               : WEIR_EDATA;
}
