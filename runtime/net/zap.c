#include "zap.h"

#include <string.h>

/* Parts of a request. */
enum { AT_VERSION, AT_ID, AT_DOMAIN, AT_ADDRESS, AT_IDENTITY, AT_MECHANISM, AT_KEY, N };

static bool
is_text(weiri_zap_part part, const char *text)
{
    return part.size == strlen(text) && memcmp(part.bytes, text, part.size) == 0;
}

bool
weiri_zap_read(const weiri_zap_part *parts, size_t n, weiri_zap_request *out)
{
    if (n != N) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (parts[i].size > WEIRI_ZAP_TEXT) {
            return false;
        }
    }
    if (!is_text(parts[AT_VERSION], "1.0") || !is_text(parts[AT_MECHANISM], "CURVE")
        || parts[AT_ID].size == 0 || parts[AT_KEY].size != WEIRI_KEY_BYTES) {
        return false;
    }
    *out = (weiri_zap_request){
        .id      = parts[AT_ID],
        .domain  = parts[AT_DOMAIN],
        .address = parts[AT_ADDRESS],
        .key     = parts[AT_KEY].bytes,
    };
    return true;
}
