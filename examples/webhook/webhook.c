/* webhook: a sink that makes an HTTP request with a JSON body of each event, and sends no
 * more than `limit` of them in any span of event time shorter than `per`. What is more
 * waits in a queue of a bounded size; when that is full `full` says what is done.
 *
 * Time is that of the events, so that the same events are the same requests on every run.
 */
#define _POSIX_C_SOURCE 200809L
#include <weir/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_LIMIT = 10000, MAX_QUEUE = 100000, HOST_BYTES = 256 };

typedef enum full_policy { DROP_OLDEST, DROP_NEWEST, FAIL } full_policy;

/* A growing text. */
struct text {
    char  *bytes;
    size_t size;
    size_t room;
};

struct webhook {
    int          fd;
    char         host[HOST_BYTES];
    char        *url;
    char       **names; /* of the fields */
    uint32_t     n_names;
    int64_t     *sent; /* shape (limit,): times of the last requests, a ring */
    uint64_t     n_sent;
    uint32_t     limit;
    int64_t      per_ns;
    struct text *queue; /* shape (room,): requests that wait, a ring */
    uint32_t     head;
    uint32_t     n;
    uint32_t     room;
    full_policy  full;
};

/* ---- text ---- */

static bool
put(struct text *text, const char *bytes, size_t size)
{
    if (text->size + size > text->room) {
        size_t room = 2 * (text->size + size) + 256;
        char  *more = (char *)realloc(text->bytes, room);
        if (more == NULL) {
            return false;
        }
        text->bytes = more;
        text->room  = room;
    }
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    return true;
}

static bool
put_string(struct text *text, const char *bytes, size_t size)
{
    bool ok = put(text, "\"", 1);
    for (size_t i = 0; i < size && ok; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        char          escape[8];
        if (byte < 0x20) {
            snprintf(escape, sizeof escape, "\\u%04x", byte);
            ok = put(text, escape, 6);
        } else {
            ok = (byte != '"' && byte != '\\') || put(text, "\\", 1);
            ok = ok && put(text, &bytes[i], 1);
        }
    }
    return ok && put(text, "\"", 1);
}

static bool
put_value(struct text *text, const weir_value *value)
{
    char number[40];
    int  size = 0;
    if (value->is_null) {
        return put(text, "null", 4);
    }
    switch (value->type) {
    case WEIR_BOOL: return value->as.b ? put(text, "true", 4) : put(text, "false", 5);
    case WEIR_STRING: return put_string(text, value->as.s, value->size);
    case WEIR_FLOAT: size = snprintf(number, sizeof number, "%.17g", value->as.f); break;
    default:
        size = snprintf(number, sizeof number, "%lld", (long long)value->as.i);
        break;
    }
    return put(text, number, (size_t)size);
}

static bool
make_request(const struct webhook *self, const weir_value *row, struct text *out)
{
    struct text body = { NULL, 0, 0 };
    char        head[256];
    bool        ok = put(&body, "{", 1);
    for (uint32_t i = 0; i < self->n_names && ok; i++) {
        ok = (i == 0 || put(&body, ",", 1))
             && put_string(&body, self->names[i], strlen(self->names[i]))
             && put(&body, ":", 1) && put_value(&body, &row[i]);
    }
    ok       = ok && put(&body, "}", 1);
    int size = snprintf(head, sizeof head,
        " HTTP/1.1\r\nHost: %.100s\r\nContent-Type: application/json\r\n"
        "Content-Length: %zu\r\n\r\n",
        self->host, body.size);
    ok       = ok && put(out, "POST ", 5) && put(out, self->url, strlen(self->url))
         && put(out, head, (size_t)size) && put(out, body.bytes, body.size)
         && put(out, "\n", 1);
    free(body.bytes);
    return ok;
}

/* ---- opening ---- */

static int
connect_unix(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int                fd      = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd >= 0
        && connect(fd, (const struct sockaddr *)(const void *)&address, sizeof address)
               != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int
connect_tcp(const char *address)
{
    char             host[HOST_BYTES];
    struct addrinfo *found = NULL;
    struct addrinfo  hints = { .ai_socktype = SOCK_STREAM };
    const char      *colon = strrchr(address, ':');
    int              fd    = -1;
    if (colon == NULL) {
        errno = EINVAL;
        return -1;
    }
    snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    fd = socket(found->ai_family, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

/* "unix:PATH", "tcp:HOST:PORT", or a file or a named pipe. */
static int
open_target(const char *to)
{
    if (strncmp(to, "unix:", 5) == 0) {
        return connect_unix(to + 5);
    }
    if (strncmp(to, "tcp:", 4) == 0) {
        return connect_tcp(to + 4);
    }
    return open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
}

static void
close_webhook(void *state);

static bool
read_policy(const weir_value *value, full_policy *out)
{
    static const char *const NAMES[] = { "drop_oldest", "drop_newest", "fail" };
    for (int i = 0; !value->is_null && i < 3; i++) {
        if (strlen(NAMES[i]) == value->size
            && memcmp(NAMES[i], value->as.s, value->size) == 0) {
            *out = (full_policy)i;
            return true;
        }
    }
    return value->is_null;
}

static bool
set_bounds(weir_plugin_call *call, struct webhook *self, const weir_plugin_setup *setup)
{
    int64_t limit = setup->params[2].is_null ? MAX_LIMIT : setup->params[2].as.i;
    int64_t queue = setup->params[4].is_null ? 1000 : setup->params[4].as.i;
    self->per_ns = setup->params[3].is_null ? INT64_C(1000000000) : setup->params[3].as.i;
    if (limit < 1 || limit > MAX_LIMIT || queue < 0 || queue > MAX_QUEUE
        || self->per_ns < 1) {
        return call->host->fail(call,
            "limit is 1 to %d, queue 0 to %d, and per above zero", MAX_LIMIT, MAX_QUEUE);
    }
    if (!read_policy(&setup->params[5], &self->full)) {
        return call->host->fail(call, "full is drop_oldest, drop_newest or fail");
    }
    self->limit = (uint32_t)limit;
    self->room  = (uint32_t)queue;
    self->sent  = (int64_t *)calloc((size_t)limit, sizeof *self->sent);
    self->queue = (struct text *)calloc((size_t)queue + 1, sizeof *self->queue);
    return (self->sent != NULL && self->queue != NULL)
           || call->host->fail(call, "no memory");
}

/* What the setup has is borrowed: names are copied. */
static bool
copy_names(weir_plugin_call *call, struct webhook *self, const weir_plugin_setup *setup)
{
    const char *url = setup->params[1].is_null ? "/" : setup->params[1].as.s;
    self->url       = strdup(url);
    self->names     = (char **)calloc(setup->n_inputs + (size_t)1, sizeof(char *));
    bool ok         = self->url != NULL && self->names != NULL;
    for (uint32_t i = 0; ok && i < setup->n_inputs; i++) {
        self->names[i] = strdup(setup->inputs[i].name);
        ok             = self->names[i] != NULL;
        self->n_names += ok ? 1 : 0;
    }
    snprintf(self->host, sizeof self->host, "%s",
        setup->params[6].is_null ? "localhost" : setup->params[6].as.s);
    return ok || call->host->fail(call, "no memory");
}

static bool
open_webhook(weir_plugin_call *call, const weir_plugin_setup *setup, void **out)
{
    struct webhook *self = (struct webhook *)calloc(1, sizeof *self);
    if (self == NULL) {
        return call->host->fail(call, "no memory");
    }
    self->fd = -1;
    bool ok  = set_bounds(call, self, setup) && copy_names(call, self, setup);
    if (ok) {
        self->fd = open_target(setup->params[0].as.s);
        ok       = self->fd >= 0
             || call->host->fail(
                 call, "cannot open '%.100s': error %d", setup->params[0].as.s, errno);
    }
    if (!ok) {
        close_webhook(self);
        return false;
    }
    *out = self;
    return true;
}

/* ---- sending ---- */

static bool
send_bytes(int fd, const struct text *text)
{
    size_t done = 0;
    while (done < text->size) {
        ssize_t n = write(fd, text->bytes + done, text->size - done);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Whether one more may be sent at a time. */
static bool
may_send(const struct webhook *self, int64_t now_ns)
{
    return self->n_sent < self->limit
           || now_ns - self->sent[self->n_sent % self->limit] >= self->per_ns;
}

static bool
send_first(weir_plugin_call *call, struct webhook *self, int64_t now_ns)
{
    struct text *first = &self->queue[self->head];
    bool         ok    = send_bytes(self->fd, first);
    free(first->bytes);
    memset(first, 0, sizeof *first);
    self->head = (self->head + 1) % (self->room + 1);
    self->n--;
    self->sent[self->n_sent++ % self->limit] = now_ns;
    call->host->count(call, "sent", 1);
    return ok || call->host->fail(call, "cannot send: error %d", errno);
}

/* What has waited and may go by now. */
static bool
drain(weir_plugin_call *call, struct webhook *self, int64_t now_ns)
{
    bool ok = true;
    while (ok && self->n > 0 && may_send(self, now_ns)) {
        ok = send_first(call, self, now_ns);
    }
    return ok;
}

static void
drop(weir_plugin_call *call, struct webhook *self, uint32_t place)
{
    struct text *text = &self->queue[(self->head + place) % (self->room + 1)];
    free(text->bytes);
    memset(text, 0, sizeof *text);
    self->head = place == 0 ? (self->head + 1) % (self->room + 1) : self->head;
    self->n--;
    call->host->count(call, "dropped", 1);
}

static bool
write_rows(weir_plugin_call *call, void *state, const weir_plugin_rows *rows)
{
    struct webhook *self = (struct webhook *)state;
    bool            ok   = true;
    for (uint32_t i = 0; i < rows->n && ok; i++) {
        int64_t now = rows->times[i];
        ok          = drain(call, self, now); /* leaves a place for one more */
        ok          = ok
             && (make_request(self, weir_plugin_row(rows, i),
                     &self->queue[(self->head + self->n) % (self->room + 1)])
                 || call->host->fail(call, "no memory"));
        self->n += ok ? 1 : 0;
        ok = ok && drain(call, self, now);
        if (ok && self->n > self->room) {
            if (self->full == FAIL) {
                return call->host->fail(call, "more than %u requests wait", self->room);
            }
            drop(call, self, self->full == DROP_OLDEST ? 0 : self->n - 1);
        }
    }
    call->host->gauge(call, "waiting", self->n);
    return ok;
}

/* What still waits goes: no event comes any more, and so no time. */
static void
close_webhook(void *state)
{
    struct webhook *self = (struct webhook *)state;
    for (; self->n > 0 && self->fd >= 0; self->n--) {
        send_bytes(self->fd, &self->queue[self->head]);
        free(self->queue[self->head].bytes);
        self->head = (self->head + 1) % (self->room + 1);
    }
    if (self->fd >= 0) {
        close(self->fd);
    }
    for (uint32_t i = 0; i < self->n_names; i++) {
        free(self->names[i]);
    }
    free(self->names);
    free(self->url);
    free(self->sent);
    free(self->queue);
    free(self);
}

static const weir_plugin_field params[] = {
    { .name = "to", .type = WEIR_STRING, .is_path = false },
    { .name = "url", .type = WEIR_STRING, .is_nullable = true },
    { .name = "limit", .type = WEIR_INT, .is_nullable = true },
    { .name = "per", .type = WEIR_DURATION, .is_nullable = true },
    { .name = "queue", .type = WEIR_INT, .is_nullable = true },
    { .name = "full", .type = WEIR_STRING, .is_nullable = true },
    { .name = "host", .type = WEIR_STRING, .is_nullable = true },
};

static const weir_plugin_sink webhook = {
    .size       = sizeof webhook,
    .name       = "webhook",
    .params     = params,
    .n_params   = 7,
    .open       = open_webhook,
    .close      = close_webhook,
    .write_rows = write_rows,
};
static const weir_plugin_sink *const sinks[] = { &webhook };

static const weir_plugin library = { WEIR_PLUGIN_HEAD("webhook", "1.0.0"), .sinks = sinks,
    .n_sinks = 1 };
WEIR_PLUGIN_EXPORT(library)
