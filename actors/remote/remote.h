/* The inside of weiri_remote.
 *
 *   link.c   the process: started, asked, ended
 *   state.c  what it remembers, as state of its rule and back
 */
#ifndef WEIRI_REMOTE_REMOTE_H
#define WEIRI_REMOTE_REMOTE_H

#include "link.h"
#include "weiri/child.h"
#include "weiri/pair.h"

enum {
    WEIRI_REMOTE_LOG   = 64, /* requests since the state was asked for */
    WEIRI_REMOTE_BYTES = 4 << 20,
    WEIRI_REMOTE_STATE = 60 << 20
};

/* What a process does about its state. */
typedef enum weiri_remote_stand {
    WEIRI_REMOTE_STATELESS,
    WEIRI_REMOTE_SAVED,
    WEIRI_REMOTE_LOST /* it has some, and cannot give it */
} weiri_remote_stand;

struct weiri_remote {
    const weiri_actor_plan *plan;
    const char             *name;
    weiri_metrics          *metrics;
    bool                    is_keyed;
    uint32_t                n_logged; /* lines */
    weiri_pair             *pair;
    char                   *folder; /* of its socket */
    uint32_t                n_started;
    weiri_child            *child;    /* NULL: none of ours */
    bool                    is_ready; /* it has said hello, and has its state */
    weiri_remote_stand      stand;
    uint64_t                sequence; /* of the last request */
    uint64_t                answered; /* of the last answer  */
    bool                    has_state;
    weiri_pack              state; /* as it was saved last; of an actor with keys the
                                    * array of them, as it came */
    int64_t     version;
    weiri_pack *log; /* shape (n_log,): requests since */
    uint32_t    n_log;
    uint32_t    log_room;
    size_t      log_bytes;
    uint32_t    n_restarts; /* since an answer came */
};

/* Append a request to the log. False: no memory. */
WEIR_MUST_CHECK bool
weiri_remote_log(weiri_remote *self, const void *bytes, size_t size);

/* Read [[key, bytes], …], each key once and in the order of their bytes. What is wrong is
 * noted in `in`. */
void
weiri_remote_check_keys(const weiri_remote *self, weiri_message *in);

#endif
