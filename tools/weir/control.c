#define _GNU_SOURCE /* accept4, pipe2 */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "weiri/timetext.h"

enum {
    LOOK_MS       = 1000,
    LAST_WORD_MS  = 1000, /* at the end, for answers on their way */
    USED_TRIES    = 100,  /* a second */
    USED_PAUSE_NS = 10000000,
    NO_CLIENT     = CONTROL_CLIENTS,
    EXIT_WRONG    = 2, /* as of a command that is used wrongly */
    EXIT_ILL      = 1
};

/* The one place where a request waits. Who may touch the rest is said by its state: the
 * thread of the clients, or the run. */
enum { SLOT_FREE, SLOT_ASKED, SLOT_ANSWERED };

typedef enum client_state { ABSENT, ASKING, WAITING, ASKED, TOLD } client_state;

struct client {
    int          fd;
    client_state state;
    int64_t      since_ns; /* of its state                     */
    char         bytes[CONTROL_REQUEST_BYTES + 1];
    size_t       used;
    char        *answer; /* of one that is TOLD              */
    size_t       size;
    size_t       sent;
};

struct control {
    char              *path;
    const char *const *verbs;
    int                listener;
    int                wake[2]; /* written by the run, read by the thread */
    pthread_t          thread;
    pthread_t          run;
    bool               has_thread;
    struct client      clients[CONTROL_CLIENTS];
    uint32_t           asked; /* client whose request is in the slot    */
    control_request    request;
    int                status;
    char              *body;
    size_t             size;
    /* Released by whoever leaves something in the slot, acquired by whoever looks. */
    atomic_int slot;
    /* Nothing hangs on when these are seen: relaxed. */
    atomic_int       phase;
    _Atomic(int64_t) turned_ns;
    atomic_bool      is_ending;
};

static int64_t
monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * WEIRI_NS_PER_S + now.tv_nsec;
}

/* ---- clients ---- */

static void
drop(struct client *client)
{
    if (client->state != ABSENT) {
        /* A child that writes a checkpoint has the descriptor, too. */
        (void)shutdown(client->fd, SHUT_RDWR);
        close(client->fd);
        free(client->answer);
        *client = (struct client){ .state = ABSENT };
    }
}

static void
send_some(struct client *client)
{
    while (client->sent < client->size) {
        ssize_t n = send(client->fd, client->answer + client->sent,
            client->size - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n <= 0) {
            break;
        }
        client->sent += (size_t)n;
    }
    drop(client);
}

/* The head, and what follows it. */
static void
tell(struct client *client, int status, const char *body, size_t size)
{
    char head[32];
    int  n         = status == 0 ? snprintf(head, sizeof head, "ok\n")
                                 : snprintf(head, sizeof head, "error %d\n", status);
    client->answer = malloc((size_t)n + size + 1);
    if (client->answer == NULL) {
        drop(client);
        return;
    }
    memcpy(client->answer, head, (size_t)n);
    if (size > 0) {
        memcpy(client->answer + n, body, size);
    }
    client->size     = (size_t)n + size;
    client->sent     = 0;
    client->state    = TOLD;
    client->since_ns = monotonic_ns();
    send_some(client);
}

static void
refuse(struct client *client, const char *why)
{
    char body[256];
    int  n = snprintf(body, sizeof body, "%s\n", why);
    tell(client, EXIT_WRONG, body, (size_t)n);
}

static void
tell_health(control *self, struct client *client)
{
    static const char *const PHASES[] = { "starting", "running", "stopping" };
    int     phase     = atomic_load_explicit(&self->phase, memory_order_relaxed);
    int64_t turned_ns = atomic_load_explicit(&self->turned_ns, memory_order_relaxed);
    int64_t age_ms = turned_ns != 0 ? (monotonic_ns() - turned_ns) / WEIRI_NS_PER_MS : 0;
    char    body[256];
    int     n = snprintf(body, sizeof body,
            "{\"phase\":\"%s\",\"ready\":%s,\"turn_age_ms\":%" PRId64 "}\n", PHASES[phase],
        phase == CONTROL_RUNNING ? "true" : "false", age_ms > 0 ? age_ms : 0);
    tell(client, phase == CONTROL_RUNNING ? 0 : EXIT_ILL, body, (size_t)n);
}

static bool
is_verb(const control *self, const char *verb)
{
    for (size_t i = 0; self->verbs[i] != NULL; i++) {
        if (strcmp(self->verbs[i], verb) == 0) {
            return true;
        }
    }
    return false;
}

static size_t
count_tabs(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        n += *text == '\t';
    }
    return n;
}

/* A line is here: its verb stands for itself, what is between tabs are fields. */
static void
take_line(control *self, struct client *client)
{
    char *end = memchr(client->bytes, '\n', client->used);
    if (memchr(client->bytes, '\0', (size_t)(end - client->bytes)) != NULL) {
        refuse(client, "a request is text");
        return;
    }
    *end = '\0';
    if (count_tabs(client->bytes) > CONTROL_FIELDS) {
        refuse(client, "a request has at most 64 fields");
        return;
    }
    size_t cut         = strcspn(client->bytes, "\t");
    char   was         = client->bytes[cut];
    client->bytes[cut] = '\0';
    if (strcmp(client->bytes, "health") == 0) {
        tell_health(self, client);
    } else if (!is_verb(self, client->bytes)) {
        refuse(client, "there is no such request");
    } else {
        client->bytes[cut] = was;
        client->state      = WAITING;
        client->since_ns   = monotonic_ns();
    }
}

static void
read_some(control *self, struct client *client)
{
    size_t  room = CONTROL_REQUEST_BYTES - client->used;
    ssize_t n    = recv(client->fd, client->bytes + client->used, room, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        drop(client);
        return;
    }
    client->used += (size_t)n;
    if (memchr(client->bytes, '\n', client->used) != NULL) {
        take_line(self, client);
    } else if (client->used == CONTROL_REQUEST_BYTES) {
        refuse(client, "a request is one line of at most 8192 bytes");
    }
}

/* A place for one more: a free one, or that of who has been asking for longest. */
static uint32_t
find_place(const control *self)
{
    uint32_t oldest = NO_CLIENT;
    for (uint32_t i = 0; i < CONTROL_CLIENTS; i++) {
        if (self->clients[i].state == ABSENT) {
            return i;
        }
        if (self->clients[i].state == ASKING
            && (oldest == NO_CLIENT
                || self->clients[i].since_ns < self->clients[oldest].since_ns)) {
            oldest = i;
        }
    }
    return oldest;
}

static void
accept_one(control *self)
{
    uint32_t place = find_place(self);
    int      fd    = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    if (place == NO_CLIENT) {
        close(fd);
        return;
    }
    drop(&self->clients[place]);
    self->clients[place].fd       = fd;
    self->clients[place].state    = ASKING;
    self->clients[place].since_ns = monotonic_ns();
}

/* ---- the slot ---- */

static void
split(struct client *client, control_request *out)
{
    char *at      = client->bytes;
    out->verb     = at;
    out->n_fields = 0;
    for (at = strchr(at, '\t'); at != NULL; at = strchr(at, '\t')) {
        *at++                        = '\0';
        out->fields[out->n_fields++] = at;
    }
}

/* The request that has waited for longest is put before the run. */
static void
hand_over(control *self)
{
    uint32_t oldest = NO_CLIENT;
    if (atomic_load_explicit(&self->slot, memory_order_acquire) != SLOT_FREE) {
        return;
    }
    for (uint32_t i = 0; i < CONTROL_CLIENTS; i++) {
        if (self->clients[i].state == WAITING
            && (oldest == NO_CLIENT
                || self->clients[i].since_ns < self->clients[oldest].since_ns)) {
            oldest = i;
        }
    }
    if (oldest == NO_CLIENT) {
        return;
    }
    self->asked                 = oldest;
    self->clients[oldest].state = ASKED;
    split(&self->clients[oldest], &self->request);
    atomic_store_explicit(&self->slot, SLOT_ASKED, memory_order_release);
    (void)pthread_kill(self->run, SIGUSR1); /* it may wait for input */
}

static void
take_answer(control *self)
{
    if (atomic_load_explicit(&self->slot, memory_order_acquire) != SLOT_ANSWERED) {
        return;
    }
    struct client *client = &self->clients[self->asked];
    tell(client, self->status, self->body, self->size);
    free(self->body);
    self->body = NULL;
    atomic_store_explicit(&self->slot, SLOT_FREE, memory_order_release);
}

/* ---- the thread ---- */

static void
drop_slow(control *self)
{
    int64_t latest = monotonic_ns() - CONTROL_PATIENCE_MS * WEIRI_NS_PER_MS;
    for (uint32_t i = 0; i < CONTROL_CLIENTS; i++) {
        struct client *client = &self->clients[i];
        if ((client->state == ASKING || client->state == TOLD)
            && client->since_ns < latest) {
            drop(client);
        }
    }
}

static void
wait_for_some(control *self, struct pollfd fds[CONTROL_CLIENTS + 2], int timeout_ms)
{
    fds[0] = (struct pollfd){ .fd = self->wake[0], .events = POLLIN };
    fds[1] = (struct pollfd){ .fd = find_place(self) != NO_CLIENT ? self->listener : -1,
        .events                   = POLLIN };
    for (uint32_t i = 0; i < CONTROL_CLIENTS; i++) {
        const struct client *client = &self->clients[i];
        fds[i + 2]                  = (struct pollfd){ .fd = -1 };
        if (client->state == ASKING) {
            fds[i + 2] = (struct pollfd){ .fd = client->fd, .events = POLLIN };
        } else if (client->state == TOLD) {
            fds[i + 2] = (struct pollfd){ .fd = client->fd, .events = POLLOUT };
        }
    }
    if (poll(fds, CONTROL_CLIENTS + 2, timeout_ms) <= 0) {
        for (uint32_t i = 0; i < CONTROL_CLIENTS + 2; i++) {
            fds[i].revents = 0;
        }
    }
}

static void
serve(control *self, int timeout_ms)
{
    struct pollfd fds[CONTROL_CLIENTS + 2];
    char          ignored[64];
    wait_for_some(self, fds, timeout_ms);
    if (fds[0].revents != 0 && read(self->wake[0], ignored, sizeof ignored) < 0) {
        /* somebody else's signal: the slot is looked at in any case */
    }
    for (uint32_t i = 0; i < CONTROL_CLIENTS; i++) {
        struct client *client = &self->clients[i];
        if (fds[i + 2].revents != 0 && client->state == ASKING) {
            read_some(self, client);
        } else if (fds[i + 2].revents != 0 && client->state == TOLD) {
            send_some(client);
        }
    }
    if (fds[1].revents != 0) {
        accept_one(self);
    }
    take_answer(self);
    hand_over(self);
    drop_slow(self);
}

static bool
has_told(const control *self)
{
    for (uint32_t i = 0; i < CONTROL_CLIENTS; i++) {
        if (self->clients[i].state == TOLD) {
            return true;
        }
    }
    return false;
}

static void *
run_thread(void *context)
{
    control *self = context;
    while (!atomic_load_explicit(&self->is_ending, memory_order_acquire)) {
        serve(self, LOOK_MS);
    }
    take_answer(self);
    int64_t until_ns = monotonic_ns() + LAST_WORD_MS * WEIRI_NS_PER_MS;
    while (has_told(self) && monotonic_ns() < until_ns) {
        serve(self, LAST_WORD_MS);
    }
    return NULL;
}

/* ---- making and ending ---- */

static weir_status
make_address(const char *path, struct sockaddr_un *out, weir_error *err)
{
    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof out->sun_path) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "the path of a control socket has at most %zu bytes, '%s' has more",
            sizeof out->sun_path - 1, path);
    }
    memcpy(out->sun_path, path, strlen(path) + 1);
    return WEIR_OK;
}

static bool
is_in_use(const struct sockaddr_un *address)
{
    int  fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is = fd >= 0
              && (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0
                  || errno == EAGAIN);
    if (fd >= 0) {
        close(fd);
    }
    return is;
}

/* What a node that was killed has left behind is removed; what one uses is not, nor what
 * is no socket. A child of one that was killed uses it, too, until it is gone itself. */
static weir_status
clear_path(const char *path, const struct sockaddr_un *address, weir_error *err)
{
    struct stat about;
    if (lstat(path, &about) != 0) {
        return WEIR_OK;
    }
    if (!S_ISSOCK(about.st_mode)) {
        return WEIR_FAIL(err, WEIR_EINVAL, "'%s' is there and is no socket", path);
    }
    bool used = is_in_use(address);
    for (int i = 0; used && i < USED_TRIES; i++) {
        const struct timespec pause = { .tv_nsec = USED_PAUSE_NS };
        nanosleep(&pause, NULL);
        used = is_in_use(address);
    }
    if (used) {
        return WEIR_FAIL(err, WEIR_EINVAL, "'%s' is in use by another node", path);
    }
    (void)unlink(path);
    return WEIR_OK;
}

static weir_status
listen_at(control *self, weir_error *err)
{
    struct sockaddr_un address;
    weir_status        status = make_address(self->path, &address, err);
    if (status == WEIR_OK) {
        status = clear_path(self->path, &address, err);
    }
    if (status != WEIR_OK) {
        return status;
    }
    self->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Before there is a second thread: nobody else makes a file meanwhile. */
    mode_t mask = umask(0177);
    bool   is_on =
        self->listener >= 0
        && bind(self->listener, (const struct sockaddr *)&address, sizeof address) == 0;
    int code = errno;
    (void)umask(mask);
    if (is_on && listen(self->listener, CONTROL_CLIENTS) != 0) {
        code  = errno;
        is_on = false;
    }
    return is_on ? WEIR_OK : WEIR_FAIL_OS(err, code, "cannot listen at '%s'", self->path);
}

static weir_status
start_thread(control *self, weir_error *err)
{
    sigset_t all;
    sigset_t old;
    if (pipe2(self->wake, O_CLOEXEC | O_NONBLOCK) != 0) {
        return WEIR_FAIL_OS(err, errno, "no pipe for the control socket");
    }
    sigfillset(&all); /* signals are the run's */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int code         = pthread_create(&self->thread, NULL, run_thread, self);
    self->has_thread = code == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return code == 0 ? WEIR_OK
                     : WEIR_FAIL_OS(err, code, "no thread for the control socket");
}

weir_status
control_new(const char *path, const char *const *verbs, control **out, weir_error *err)
{
    control *self = calloc(1, sizeof *self);
    if (self == NULL || (self->path = strdup(path)) == NULL) {
        free(self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->verbs        = verbs;
    self->listener     = -1;
    self->wake[0]      = -1;
    self->wake[1]      = -1;
    self->run          = pthread_self();
    weir_status status = listen_at(self, err);
    if (status == WEIR_OK) {
        status = start_thread(self, err);
    }
    if (status != WEIR_OK) {
        control_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

static void
wake_thread(control *self)
{
    ssize_t ignored = write(self->wake[1], "", 1);
    (void)ignored; /* a full pipe wakes as well */
}

void
control_destroy(control **self_p)
{
    control *self = *self_p;
    *self_p       = NULL;
    if (self == NULL) {
        return;
    }
    if (self->has_thread) {
        atomic_store_explicit(&self->is_ending, true, memory_order_release);
        wake_thread(self);
        pthread_join(self->thread, NULL);
        (void)unlink(self->path);
    }
    for (uint32_t i = 0; i < CONTROL_CLIENTS; i++) {
        drop(&self->clients[i]);
    }
    for (int i = 0; i < 2; i++) {
        if (self->wake[i] >= 0) {
            close(self->wake[i]);
        }
    }
    if (self->listener >= 0) {
        close(self->listener);
    }
    free(self->body);
    free(self->path);
    free(self);
}

/* ---- the run's side ---- */

void
control_set_phase(control *self, control_phase phase)
{
    atomic_store_explicit(&self->phase, phase, memory_order_relaxed);
}

void
control_turn(control *self, int64_t now_ns)
{
    atomic_store_explicit(&self->turned_ns, now_ns, memory_order_relaxed);
}

const control_request *
control_peek(control *self)
{
    return atomic_load_explicit(&self->slot, memory_order_acquire) == SLOT_ASKED
               ? &self->request
               : NULL;
}

void
control_answer(control *self, int status, char *body, size_t size)
{
    self->status = status;
    self->body   = body;
    self->size   = size;
    atomic_store_explicit(&self->slot, SLOT_ANSWERED, memory_order_release);
    wake_thread(self);
}

const char *
control_field(const control_request *request, const char *name, size_t *from)
{
    size_t n = strlen(name);
    for (size_t i = from != NULL ? *from : 0; i < request->n_fields; i++) {
        const char *field = request->fields[i];
        if (strncmp(field, name, n) == 0 && (field[n] == '=' || field[n] == '\0')) {
            if (from != NULL) {
                *from = i + 1;
            }
            return field[n] == '=' ? field + n + 1 : "";
        }
    }
    return NULL;
}

size_t
control_fields(
    const control_request *request, const char *name, const char *out[CONTROL_FIELDS])
{
    const char *value = NULL;
    size_t      n     = 0;
    size_t      from  = 0;
    while ((value = control_field(request, name, &from)) != NULL) {
        out[n++] = value;
    }
    return n;
}

/* ---- the other side ---- */

static weir_status
send_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, text, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return WEIR_EIO;
        }
        text += n;
        size -= (size_t)n;
    }
    return WEIR_OK;
}

static weir_status
receive_all(int fd, char **out, size_t *size, weir_error *err)
{
    enum { FIRST = 4096 };
    size_t room = FIRST;
    *size       = 0;
    *out        = malloc(room + 1);
    while (*out != NULL) {
        ssize_t n = recv(fd, *out + *size, room - *size, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            (*out)[*size] = '\0';
            return WEIR_OK;
        }
        *size += (size_t)n;
        if (*size == room) {
            char *grown = realloc(*out, 2 * room + 1);
            room        = grown != NULL ? 2 * room : room;
            if (grown == NULL) {
                break;
            }
            *out = grown;
        }
    }
    free(*out);
    *out = NULL;
    return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
}

/* Take the head off. */
static weir_status
read_head(char *text, size_t *size, int *status, weir_error *err)
{
    char  *end = memchr(text, '\n', *size);
    size_t n   = end != NULL ? (size_t)(end + 1 - text) : 0;
    if (n > 0 && strncmp(text, "ok\n", n) == 0) {
        *status = 0;
    } else if (n > 0 && strncmp(text, "error ", 6) == 0) {
        *status = (int)strtol(text + 6, NULL, 10);
    } else {
        return WEIR_FAIL(err, WEIR_EDATA, "the node went without an answer");
    }
    memmove(text, text + n, *size - n + 1);
    *size -= n;
    return WEIR_OK;
}

weir_status
control_ask(const char *path, const char *request, int *status, char **body, size_t *size,
    weir_error *err)
{
    struct sockaddr_un address;
    *body              = NULL;
    weir_status result = make_address(path, &address, err);
    if (result == WEIR_OK && strlen(request) > CONTROL_REQUEST_BYTES) {
        result = WEIR_FAIL(
            err, WEIR_EINVAL, "a request has at most %d bytes", CONTROL_REQUEST_BYTES);
    }
    if (result != WEIR_OK) {
        return result;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int code = errno;
        if (fd >= 0) {
            close(fd);
        }
        return code == ENOENT || code == ECONNREFUSED
                   ? WEIR_FAIL(err, WEIR_ENOENT, "no node listens at '%s'", path)
                   : WEIR_FAIL_OS(err, code, "cannot reach a node at '%s'", path);
    }
    (void)send_all(fd, request, strlen(request)); /* who refuses it early says why */
    result = receive_all(fd, body, size, err);
    close(fd);
    if (result == WEIR_OK) {
        result = read_head(*body, size, status, err);
    }
    if (result != WEIR_OK) {
        free(*body);
        *body = NULL;
    }
    return result;
}
