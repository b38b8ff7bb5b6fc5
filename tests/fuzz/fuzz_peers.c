/* What a stranger can make the transport read: a request to judge a key, in parts, and
 * the head of a message. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/head.h"
#include "net/zap.h"
#include "weiri/assert.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weiri_zap_part    parts[WEIRI_ZAP_PARTS] = { 0 };
    weiri_zap_request request;
    weiri_head        head;
    size_t            n  = 0;
    size_t            at = 0;
    /* Each part: a byte that is its size, then itself, in memory of its own. */
    while (n < WEIRI_ZAP_PARTS && at < size) {
        size_t   length = data[at] < size - at - 1 ? data[at] : size - at - 1;
        uint8_t *bytes  = malloc(length + 1);
        memcpy(bytes, data + at + 1, length);
        parts[n++] = (weiri_zap_part){ .bytes = bytes, .size = length };
        at += length + 1;
    }
    if (weiri_zap_read(parts, n, &request)) {
        weiri_assert(n == WEIRI_ZAP_PARTS - 1 && request.id.size > 0);
        weiri_assert(request.key == parts[n - 1].bytes);
    }
    for (size_t i = 0; i < n; i++) {
        free((void *)parts[i].bytes);
    }
    if (weiri_head_read(&head, data, size) == WEIR_OK) {
        uint8_t bytes[WEIRI_HEAD_BYTES];
        weiri_head_write(&head, bytes);
        weiri_assert(memcmp(bytes, data, sizeof bytes) == 0);
    }
    return 0;
}
