/* Replies that are owed to who sent messages, until those are kept.
 *
 * A reply has the envelope of its message, all parts but the last, and "ok": so REQ knows
 * its own, a router finds the way back, and whoever numbers messages in a part of their
 * own reads which one is meant.
 */
#ifndef WEIR_NET_WIRE_REPLIES_H
#define WEIR_NET_WIRE_REPLIES_H

#include <stddef.h>
#include <stdint.h>

typedef struct weiri_wire_replies weiri_wire_replies;

/* From malloc; NULL: no memory. */
weiri_wire_replies *
weiri_wire_replies_new(void);

/* A message is about to come: nothing of its envelope is known. */
void
weiri_wire_replies_begin(weiri_wire_replies *self);

/* A part of it that is not the last. bytes  shape (size,), not kept */
void
weiri_wire_replies_part(weiri_wire_replies *self, const void *bytes, size_t size);

/* It is to be answered, if its envelope is within bounds. At most WEIRI_WIRE_OWED are. */
void
weiri_wire_replies_owe(weiri_wire_replies *self);

uint32_t
weiri_wire_replies_owed(const weiri_wire_replies *self);

/* Send all, without waiting; those that cannot leave are dropped. */
void
weiri_wire_replies_send(weiri_wire_replies *self, void *socket);

#endif
