/* The head of a message between peers: 16 bytes before what is sent.
 *
 *   0  'W' 'N'    2  version    3  kind    4  reason    5  zero    8  session
 *
 * A connection is begun by who went there: HELLO with a session, a number drawn for this
 * connection, and its name. The other answers WELCOME, and then messages of that session
 * go both ways; or STANDBY, when another connection is in use or about to be; or REFUSE,
 * and the connection ends. Little-endian.
 */
#ifndef WEIR_NET_HEAD_H
#define WEIR_NET_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

enum {
    WEIRI_HEAD_BYTES   = 16,
    WEIRI_HEAD_VERSION = 1,
};

typedef enum weiri_head_kind {
    WEIRI_HEAD_HELLO = 1, /* followed by a name */
    WEIRI_HEAD_WELCOME,
    WEIRI_HEAD_STANDBY,
    WEIRI_HEAD_REFUSE, /* with a reason */
    WEIRI_HEAD_MESSAGE,
    WEIRI_HEAD_BEAT, /* a sign of life, of who has sent nothing for a while */
} weiri_head_kind;

/* Why somebody is refused who has a key that is let in. Appended to, never renumbered. */
#define WEIRI_REFUSE_LIST(X)                                                             \
    X(WEIRI_REFUSE_VERSION, 1, "it speaks another version of the protocol")              \
    X(WEIRI_REFUSE_NAME, 2, "nobody here has that name")                                 \
    X(WEIRI_REFUSE_REVOKED, 3, "its key was revoked")                                    \
    X(WEIRI_REFUSE_ANOTHER, 4, "another connection with the same key took its place")    \
    X(WEIRI_REFUSE_GARBLED, 5, "it sent what is no message of a node")

typedef enum weiri_refuse {
#define X(name, number, text) name = number,
    WEIRI_REFUSE_LIST(X)
#undef X
} weiri_refuse;

/* Never NULL. */
const char *
weiri_refuse_text(unsigned reason);

typedef struct weiri_head {
    weiri_head_kind kind;
    uint8_t  reason;  /* weiri_refuse, of REFUSE; one of a later version is unknown */
    uint64_t session; /* not 0 */
} weiri_head;

void
weiri_head_write(const weiri_head *self, uint8_t bytes[WEIRI_HEAD_BYTES]);

/* Read and check a message.
 *
 *   bytes    shape (size,): head and what follows
 *   returns  WEIR_OK
 *            WEIR_EABI   of another version
 *            WEIR_EDATA  no message: *self undefined
 */
WEIR_MUST_CHECK weir_status
weiri_head_read(weiri_head *self, const uint8_t *bytes, size_t size);

/* Whether bytes are a name that nodes can have.
 *
 *   bytes  shape (size,)
 */
bool
weiri_head_is_name(const char *bytes, size_t size);

#endif
