/* weiri_watches: a look at each partition when what it holds is over.
 *
 * Events see to what expires while they come. A partition that none comes to any more
 * has one watch at a time: when it is due, what is over is dropped, and another is set
 * for what is left. Deadlines are put off to the latest that was set before, so that
 * they stand in a queue.
 */
#ifndef WEIRI_WATCHES_H
#define WEIRI_WATCHES_H

#include "match/timers.h"
#include "weiri/pack.h"

typedef struct weiri_watches {
    weiri_timers timers;
    uint64_t     n_set;   /* ever */
    int64_t      last_ns; /* the latest deadline */
} weiri_watches;

/* A partition's. */
typedef struct weiri_watch {
    uint64_t number; /* of its timer, 0: it has none */
    int64_t  deadline_ns;
} weiri_watch;

void
weiri_watches_init(weiri_watches *self);

void
weiri_watches_fini(weiri_watches *self);

/* In place of the one before. False when memory is out. */
bool
weiri_watches_set(
    weiri_watches *self, weiri_watch *watch, uint32_t partition, int64_t deadline_ns);

/* INT64_MAX: none. */
int64_t
weiri_watches_next(const weiri_watches *self);

/* State as bytes: how many were set and to when deadlines are put off. Of what several
 * have saved, the most counts. */
void
weiri_watches_save(const weiri_watches *self, weiri_pack *out);

void
weiri_watches_load(weiri_watches *self, weiri_unpack *in);

/* Loading is false when memory is out; what is wrong is noted in `in`. */
void
weiri_watch_save(const weiri_watch *watch, weiri_pack *out);

bool
weiri_watch_load(
    weiri_watches *self, weiri_watch *watch, uint32_t partition, weiri_unpack *in);

/* All are there. */
void
weiri_watches_loaded(weiri_watches *self);

#endif
