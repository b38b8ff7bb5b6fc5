/* weiri_allow: who was allowed and revoked while a node ran, beside its node file.
 *
 * A text file, a line each, that is written anew as a whole and is durable before
 * anything of it holds; what it says of a name goes before what the node file says.
 *
 *   allow edge-3 KEY send txn,cards read any
 *   revoke edge-1
 */
#ifndef WEIRI_ALLOW_H
#define WEIRI_ALLOW_H

#include "weiri/peers.h"

enum {
    WEIRI_ALLOW_BYTES = 1 << 20, /* of the file */
    WEIRI_ALLOW_LINE  = 4096,    /* of a line   */
};

typedef struct weiri_allow weiri_allow;

/* Read the list at `path`; none there: an empty one.
 *
 *   errors  WEIR_EDATA  a line is wrong: err says which; WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_allow_read(const char *path, weiri_allow **out, weir_error *err);

void
weiri_allow_destroy(weiri_allow **self_p);

/* Let a peer in, and write the list. Its address is not kept.
 *
 *   errors  WEIR_EINVAL  a name, key or stream that is none; WEIR_EFULL
 *           WEIR_EIO, WEIR_ENOMEM: the list is as it was
 */
WEIR_MUST_CHECK weir_status
weiri_allow_add(weiri_allow *self, const weiri_peer_config *peer, weir_error *err);

/* Let a name in no more, and write the list. errors  as weiri_allow_add */
WEIR_MUST_CHECK weir_status
weiri_allow_revoke(weiri_allow *self, const char *name, weir_error *err);

/* Whether a name was revoked, and not allowed again. */
bool
weiri_allow_is_revoked(const weiri_allow *self, const char *name);

/* Those that a node file names, as changed by the list, and those that only the list has.
 * One of the file that was revoked is marked so.
 *
 *   peers    shape (n,)
 *   out      shape (*n_out,), from malloc; its texts are borrowed from both
 *   errors   WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_allow_apply(const weiri_allow *self, const weiri_peer_config *peers, size_t n,
    weiri_peer_config **out, size_t *n_out);

#endif
