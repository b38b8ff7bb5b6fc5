#include "notify.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "weiri/numtext.h"
#include "weiri/timetext.h"

void
notify_init(notify *self)
{
    /* NOLINTBEGIN(concurrency-mt-unsafe): before there is a second thread */
    const char *usec = getenv("WATCHDOG_USEC");
    *self            = (notify){ .path = getenv("NOTIFY_SOCKET") };
    /* NOLINTEND(concurrency-mt-unsafe) */
    int64_t us = 0;
    if (usec != NULL && weiri_int_parse(usec, strlen(usec), &us) && us > 0
        && us < INT64_MAX / WEIRI_NS_PER_US) {
        self->watchdog_ns = us * WEIRI_NS_PER_US / 3; /* a sign that is late is no end */
    }
}

void
notify_say(const notify *self, const char *text)
{
    struct sockaddr_un to   = { .sun_family = AF_UNIX };
    size_t             size = self->path != NULL ? strlen(self->path) : 0;
    if (size == 0 || size >= sizeof to.sun_path) {
        return;
    }
    memcpy(to.sun_path, self->path, size);
    if (to.sun_path[0] == '@') {
        to.sun_path[0] = '\0'; /* an abstract name */
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) {
        socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
        (void)sendto(
            fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&to, n);
        close(fd);
    }
}

void
notify_alive(notify *self, int64_t now_ns)
{
    if (self->watchdog_ns > 0 && now_ns - self->told_ns >= self->watchdog_ns) {
        self->told_ns = now_ns;
        notify_say(self, "WATCHDOG=1");
    }
}
