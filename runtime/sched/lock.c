#include "weiri/lock.h"

#include <pthread.h>
#include <stdlib.h>

#include "weiri/assert.h"

struct weiri_lock {
    pthread_mutex_t mutex;
};

weir_status
weiri_lock_new(weiri_lock **out)
{
    weiri_lock *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    if (pthread_mutex_init(&self->mutex, NULL) != 0) {
        free(self);
        return WEIR_ENOMEM;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_lock_destroy(weiri_lock **self_p)
{
    weiri_lock *self = *self_p;
    *self_p          = NULL;
    if (self != NULL) {
        pthread_mutex_destroy(&self->mutex);
        free(self);
    }
}

void
weiri_lock_take(weiri_lock *self)
{
    weiri_assert(pthread_mutex_lock(&self->mutex) == 0);
}

void
weiri_lock_give(weiri_lock *self)
{
    weiri_assert(pthread_mutex_unlock(&self->mutex) == 0);
}

weiri_lock *
weiri_lock_of_process(void)
{
    static weiri_lock lock = { .mutex = PTHREAD_MUTEX_INITIALIZER };
    return &lock;
}
