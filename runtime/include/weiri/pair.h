/* weiri_pair: one ZeroMQ socket between this process and one other, for messages of
 * bytes both ways; with a context of its own, so that what is left in it goes with it. */
#ifndef WEIRI_PAIR_H
#define WEIRI_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

typedef struct weiri_pair weiri_pair;

enum { WEIRI_PAIR_BYTES = 64 << 20 /* of a message */ };

/* Listen at an address, or go there.
 *
 *   errors  WEIR_EINVAL  this is no address
 *           WEIR_EIO     e.g. it is taken; WEIR_ENOMEM
 *   thread  used by one at a time; what hands it to another is a barrier
 */
WEIR_MUST_CHECK weir_status
weiri_pair_open(const char *address, bool is_bound, weiri_pair **out, weir_error *err);

/* What was sent and has not left is dropped. NULL is fine. */
void
weiri_pair_close(weiri_pair **self_p);

/* Send one message of two pieces that stand together.
 *
 *   errors  WEIR_EAGAIN  nobody took it in that time; WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_pair_send(weiri_pair *self, const void *head, size_t head_size, const void *bytes,
    size_t size, int timeout_ms, weir_error *err);

/* The next message.
 *
 *   bytes   borrowed until the next call
 *   errors  WEIR_EAGAIN  none came in that time, or a signal did; WEIR_EIO
 */
WEIR_MUST_CHECK weir_status
weiri_pair_receive(weiri_pair *self, int timeout_ms, const uint8_t **bytes, size_t *size,
    weir_error *err);

#endif
