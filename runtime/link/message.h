/* What the two ends of a link say to each other, as bytes. */
#ifndef LINK_MESSAGE_H
#define LINK_MESSAGE_H

#include "weiri/link.h"

enum {
    WEIRI_LINK_VERSION = 1,
    WEIRI_LINK_NAME    = 255, /* bytes of a name or a field                    */
    WEIRI_LINK_WHY     = 200, /* bytes of a reason                             */
    WEIRI_LINK_TEXT    = 900, /* bytes of a line for the log                   */
};

/* In n_parts of what has no parts. */
enum {
    WEIRI_LINK_MISSES    = 1, /* of ACK: what comes next was lost                    */
    WEIRI_LINK_IS_FREE   = 2, /* the sender is not waited for any more               */
    WEIRI_LINK_HAS_ALL   = 1, /* of PING: all is acknowledged, and that lasts        */
    WEIRI_LINK_HAS_HEARD = 2, /* that it is free, too                                */
};

/* A frame of one link: head and payload, appended to `out`.
 *
 *   frame  size and checksum are set here
 */
void
weiri_link_message(weiri_frame frame, const weiri_pack *payload, weiri_pack *out);

/* HELLO's payload, read. Texts are borrowed from the message. */
typedef struct weiri_link_hello {
    const char *stream;
    uint32_t    stream_size;
    char fields[WEIRI_LINK_TEXT / 2]; /* "at time, ip string?", cut if it is long */
    const char    *wrong; /* why its fields are none for the receiver; NULL: they are */
    const char    *origins[WEIRI_LINK_ORIGINS]; /* not ended by a zero */
    uint32_t       origin_sizes[WEIRI_LINK_ORIGINS];
    uint32_t       n_origins;
    const uint8_t *terms; /* what is behind; read by weiri_link_differ */
    const uint8_t *end;
} weiri_link_hello;

/* origins: shape (n,), the sender's own name first */
void
weiri_link_hello_write(const weir_schema *schema, const char *const *origins, uint32_t n,
    const weiri_link_term *terms, uint32_t n_terms, weiri_pack *out);

/* What two ends do not have alike: "rule hot differs, rule spot is at 'a' alone".
 *
 *   self     what the sender, `peer`, has said
 *   terms    shape (n,), of the receiver, which is called `name`
 *   out      shape (cap,): empty if all is alike
 *   returns  false: it cannot be read
 */
bool
weiri_link_differ(const weiri_link_hello *self, const char *peer,
    const weiri_link_term *terms, uint32_t n, const char *name, char *out, size_t cap);

/* Read it against the receiver's schema; what is wrong is noted in `in`. */
void
weiri_link_hello_read(
    weiri_link_hello *self, const weir_schema *schema, weiri_unpack *in);

/* "at time, ip string?" */
void
weiri_link_fields_text(const weir_schema *schema, char *out, size_t cap);

/* Copy text that came from outside: what is not printable ASCII becomes '?'. */
void
weiri_link_show(const char *text, size_t size, char *out, size_t cap);

/* Format a line and tell it. */
void
weiri_link_tell(const weiri_link_port *port, weiri_link_news news, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

#endif
