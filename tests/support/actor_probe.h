/* An actor whose callbacks are said by its config, and which writes down what it gets. */
#ifndef ACTOR_PROBE_H
#define ACTOR_PROBE_H

#include "actor_rig.h"

#include <stdio.h>
#include <string.h>

typedef struct probe probe;

struct probe {
    const char *name;
    char       *log; /* of PROBE_LOG bytes, one for all of a shard; NULL: none */
    weir_status (*on_init)(weiri_actor *actor, probe *self);
    weir_status (*on_message)(weiri_actor *actor, probe *self, weiri_message *message);
    weir_status (*on_timer)(weiri_actor *actor, probe *self, uint64_t tag);
    weir_status (*on_drain)(weiri_actor *actor, probe *self);
    const char *to; /* for the callbacks */
    uint64_t    n;  /* theirs            */
};

enum { PROBE_LOG = 4096 };

extern const weiri_behaviour probe_behaviour;

/* Append a line to the log: "name text". */
void
probe_note(const probe *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An event of KIND_NUMBER, or a signal of it. */
weir_status
probe_send(weiri_actor *actor, const char *to, uint64_t number);

weir_status
probe_signal(weiri_actor *actor, weiri_address to, uint64_t number);

#endif
