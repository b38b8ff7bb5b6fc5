/* weir node allow, weir node revoke, weir keygen. */
#ifndef WEIR_ADMIT_H
#define WEIR_ADMIT_H

#include "nodes.h"

typedef struct admission {
    bool         is_allow; /* or revoke */
    const char  *name;
    const char  *key;  /* of allow: Z85, or a file that weir keygen wrote */
    const char **send; /* shape (n_send,): streams, or "any" */
    const char **read; /* shape (n_read,) */
    size_t       n_send;
    size_t       n_read;
    const char  *config;  /* node file; NULL: only who runs is asked */
    const char  *node;    /* of the file; NULL: the only one */
    const char  *control; /* NULL: as the file says */
} admission;

/* Have the node that runs do it, or, when none runs, change its list. Returns an exit
 * status. */
int
admit(const admission *what);

#endif
