/* Requests to judge a key, as ZeroMQ puts them, and what is answered.
 *
 *   source  ZeroMQ RFC 27/ZAP
 */
#ifndef WEIR_NET_ZAP_H
#define WEIR_NET_ZAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weiri/keypair.h"

enum {
    WEIRI_ZAP_PARTS = 8,   /* of a request that is one: seven, and one too many    */
    WEIRI_ZAP_TEXT  = 255, /* bytes of a part                                      */
};

typedef struct weiri_zap_part {
    const uint8_t *bytes;
    size_t         size;
} weiri_zap_part;

/* Borrowed from the parts. */
typedef struct weiri_zap_request {
    weiri_zap_part id;
    weiri_zap_part domain;
    weiri_zap_part address; /* of who comes, without a port                     */
    const uint8_t *key;     /* shape (WEIRI_KEY_BYTES,)                         */
} weiri_zap_request;

/* Read a request about a CURVE key. Anything else is none: another version or mechanism,
 * parts too few, too many or too long.
 *
 *   parts    shape (n,)
 *   returns  false: *out undefined
 */
bool
weiri_zap_read(const weiri_zap_part *parts, size_t n, weiri_zap_request *out);

#endif
