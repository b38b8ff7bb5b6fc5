/* weiri_keypair: pairs of CURVE keys, as text and in files.
 *
 * A key is 32 bytes, written as 40 characters of Z85. NAME.key holds the secret key and
 * is for its owner alone; NAME.pub holds the public one.
 *
 *   source  Curve25519; Z85: ZeroMQ RFC 32; CurveZMQ: ZeroMQ RFC 26
 */
#ifndef WEIRI_KEYPAIR_H
#define WEIRI_KEYPAIR_H

#include <stdbool.h>

#include "weir/error.h"

enum {
    WEIRI_KEY_BYTES = 32,
    WEIRI_KEY_TEXT  = 40, /* characters of Z85, without the zero at the end */
};

typedef struct weiri_keypair {
    char public_key[WEIRI_KEY_TEXT + 1];
    char secret_key[WEIRI_KEY_TEXT + 1];
} weiri_keypair;

/* A new pair.
 *
 *   errors  WEIR_EIO  this ZeroMQ was built without CURVE
 */
WEIR_MUST_CHECK weir_status
weiri_keypair_make(weiri_keypair *out, weir_error *err);

/* Overwrite a pair that is no longer needed. */
void
weiri_keypair_forget(weiri_keypair *self);

/* Whether a text is 40 characters of Z85 that stand for 32 bytes. */
bool
weiri_key_is_valid(const char *text);

/* Write NAME.key (mode 0600) and NAME.pub, both synced; neither is overwritten.
 *
 *   stem    what both names begin with, a path
 *   errors  WEIR_EINVAL  one of them is there
 *           WEIR_EIO: neither was left behind
 */
WEIR_MUST_CHECK weir_status
weiri_keypair_store(const weiri_keypair *self, const char *stem, weir_error *err);

/* Read a secret key and work out the public one.
 *
 *   errors  WEIR_ENOENT  no such file
 *           WEIR_EINVAL  others than its owner may read or write it, or it is no plain
 * file WEIR_EDATA   there is no key in it
 */
WEIR_MUST_CHECK weir_status
weiri_keypair_open(const char *path, weiri_keypair *out, weir_error *err);

/* Read a public key from a file.
 *
 *   out     shape (WEIRI_KEY_TEXT + 1,)
 *   errors  WEIR_ENOENT, WEIR_EDATA
 */
WEIR_MUST_CHECK weir_status
weiri_keypair_open_public(const char *path, char *out, weir_error *err);

#endif
