#define _POSIX_C_SOURCE 200809L
#include "context.h"

#include <errno.h>
#include <zmq.h>

#include "weiri/lock.h"

/* Sockets of a context: 64 shards take 4,160, a peer that is gone to 3. */
enum { SOCKETS = 16 << 10 };

/* Guarded by the lock of the process. */
struct process {
    void         *zmq;     /* NULL: nobody needs it */
    weiri_keeper *keeper;  /* NULL: nobody needs it */
    uint64_t      number;  /* given last            */
    uint32_t      n_users; /* of zmq                */
    uint32_t      n_kept;  /* users of keeper       */
};

static struct process *
process(void)
{
    static struct process the_only_one;
    return &the_only_one;
}

static void *
begin(weir_error *err)
{
    void *zmq = zmq_ctx_new();
    if (zmq == NULL || zmq_ctx_set(zmq, ZMQ_MAX_SOCKETS, SOCKETS) != 0) {
        weir_error_set(err, WEIR_EIO, 0, __FILE__, __LINE__, "ZeroMQ cannot begin: %s",
            zmq_strerror(errno));
        if (zmq != NULL) {
            zmq_ctx_term(zmq);
        }
        return NULL;
    }
    return zmq;
}

void *
weiri_context_take(weir_error *err)
{
    weiri_lock *lock = weiri_lock_of_process();
    weiri_lock_take(lock);
    struct process *self = process();
    if (self->zmq == NULL) {
        self->zmq = begin(err);
    }
    void *zmq = self->zmq;
    self->n_users += zmq != NULL;
    weiri_lock_give(lock);
    return zmq;
}

/* Ending happens under the lock, so that there are never two contexts. */
void
weiri_context_give(void)
{
    weiri_lock *lock = weiri_lock_of_process();
    weiri_lock_take(lock);
    struct process *self = process();
    self->n_users--;
    if (self->n_users == 0) {
        while (zmq_ctx_term(self->zmq) != 0 && errno == EINTR) {
        }
        self->zmq = NULL;
    }
    weiri_lock_give(lock);
}

weiri_keeper *
weiri_context_take_keeper(weir_error *err)
{
    weiri_lock *lock = weiri_lock_of_process();
    weiri_lock_take(lock);
    struct process *self = process();
    if (self->keeper == NULL
        && weiri_keeper_new(self->zmq, &self->keeper, err) != WEIR_OK) {
        self->keeper = NULL;
    }
    weiri_keeper *keeper = self->keeper;
    self->n_kept += keeper != NULL;
    weiri_lock_give(lock);
    return keeper;
}

void
weiri_context_give_keeper(void)
{
    weiri_lock *lock = weiri_lock_of_process();
    weiri_lock_take(lock);
    struct process *self = process();
    self->n_kept--;
    if (self->n_kept == 0) {
        weiri_keeper_destroy(&self->keeper);
    }
    weiri_lock_give(lock);
}

uint64_t
weiri_context_number(void)
{
    weiri_lock *lock = weiri_lock_of_process();
    weiri_lock_take(lock);
    uint64_t number = ++process()->number;
    weiri_lock_give(lock);
    return number;
}
