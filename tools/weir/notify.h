/* Telling the service manager how a node is: the datagrams of sd_notify(3), to the socket
 * that $NOTIFY_SOCKET names. Nothing happens where there is none. */
#ifndef WEIR_NOTIFY_H
#define WEIR_NOTIFY_H

#include <stdint.h>

typedef struct notify {
    const char *path;        /* NULL: nobody wants to know          */
    int64_t     watchdog_ns; /* between two signs of life; 0: none are wanted */
    int64_t     told_ns;     /* when the last was given             */
} notify;

void
notify_init(notify *self);

/* "READY=1", "STOPPING=1"; lines of NAME=VALUE. */
void
notify_say(const notify *self, const char *text);

/* A sign of life if it is time for one.
 *
 *   now_ns  on the monotonic clock
 */
void
notify_alive(notify *self, int64_t now_ns);

#endif
