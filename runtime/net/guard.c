#define _POSIX_C_SOURCE 200809L
#include "guard.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "context.h"
#include "weiri/limits.h"
#include "weiri/lock.h"

enum {
    REFUSALS   = 16, /* that wait to be told, and within a second are told at most */
    REFUSAL_MS = 1000,
    KEYS       = 2 * WEIRI_PEERS, /* those of the revoked included */
};

struct key {
    uint8_t  bytes[WEIRI_KEY_BYTES];
    uint32_t peer;
    uint32_t generation;
    bool     is_revoked;
};

typedef enum connection_state {
    STRANGER, /* nobody knows yet whose it is                       */
    KNOWN,    /* a peer's                                           */
    CLOSING,  /* shut down, and not yet ended                       */
    GONE,     /* a peer's that ended, and its owner was not told    */
} connection_state;

struct connection {
    struct sockaddr_storage other; /* side, when it came */
    int64_t                 since_ms;
    int                     fd;
    uint32_t                peer;
    connection_state        state;
};

struct refusal {
    char     reason[WEIRI_GUARD_REASON];
    int64_t  at_ms;
    uint32_t peer;
    bool     is_told;
};

struct weiri_guard {
    weiri_lock        *lock;
    struct key        *keys; /* shape (n_keys,), capacity cap_keys */
    uint32_t           n_keys;
    uint32_t           cap_keys;
    struct connection *connections; /* shape (n_connections,), the oldest first */
    uint32_t           n_connections;
    uint32_t           cap_connections;
    uint32_t           max_connections;
    uint32_t           max_strangers;
    uint32_t           silent_ms;
    int                wake;           /* an eventfd */
    struct refusal refusals[REFUSALS]; /* a ring, at[n_refusals % REFUSALS] the oldest */
    uint64_t       n_refusals;
    weiri_peers_counts counts;
    char               domain[WEIRI_GUARD_DOMAIN];
};

static int64_t
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

weir_status
weiri_guard_new(
    uint32_t max_connections, uint32_t handshake_ms, weiri_guard **out, weir_error *err)
{
    weiri_guard *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->max_connections = max_connections;
    self->max_strangers   = max_connections / 4 > 8 ? max_connections / 4 : 8;
    self->silent_ms       = 2 * handshake_ms;
    self->cap_connections = 2 * max_connections;
    self->connections     = calloc(self->cap_connections, sizeof *self->connections);
    self->wake            = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    snprintf(self->domain, sizeof self->domain, "weir.%" PRIu64, weiri_context_number());
    if (self->connections == NULL || weiri_lock_new(&self->lock) != WEIR_OK
        || self->wake < 0) {
        weiri_guard_destroy(&self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_guard_destroy(weiri_guard **self_p)
{
    weiri_guard *self = *self_p;
    *self_p           = NULL;
    if (self != NULL) {
        weiri_lock_destroy(&self->lock);
        if (self->wake >= 0) {
            close(self->wake);
        }
        free(self->keys);
        free(self->connections);
        free(self);
    }
}

const char *
weiri_guard_domain(const weiri_guard *self)
{
    return self->domain;
}

int
weiri_guard_descriptor(const weiri_guard *self)
{
    return self->wake;
}

void
weiri_guard_wake(weiri_guard *self)
{
    uint64_t one = 1;
    /* It can only fail where it is readable for long. */
    ssize_t n = write(self->wake, &one, sizeof one);
    (void)n;
}

void
weiri_guard_calm(weiri_guard *self)
{
    uint64_t count = 0;
    ssize_t  n     = read(self->wake, &count, sizeof count);
    (void)n;
}

/* ---- refusals ---- */

static bool
is_refusal_recent(const weiri_guard *self, const char *reason, int64_t now)
{
    uint64_t n = self->n_refusals < REFUSALS ? self->n_refusals : REFUSALS;
    for (uint64_t i = 0; i < n; i++) {
        const struct refusal *refusal = &self->refusals[i];
        if (now - refusal->at_ms < REFUSAL_MS && strcmp(refusal->reason, reason) == 0) {
            return true;
        }
    }
    const struct refusal *oldest = &self->refusals[self->n_refusals % REFUSALS];
    return n == REFUSALS && (now - oldest->at_ms < REFUSAL_MS || !oldest->is_told);
}

static void
put_refusal(weiri_guard *self, uint32_t peer, const char *reason)
{
    int64_t now = now_ms();
    if (!is_refusal_recent(self, reason, now)) {
        struct refusal *refusal = &self->refusals[self->n_refusals++ % REFUSALS];
        *refusal                = (struct refusal){ .at_ms = now, .peer = peer };
        snprintf(refusal->reason, sizeof refusal->reason, "%s", reason);
        weiri_guard_wake(self);
    }
}

void
weiri_guard_refuse(weiri_guard *self, uint32_t peer, const char *reason)
{
    weiri_lock_take(self->lock);
    put_refusal(self, peer, reason);
    weiri_lock_give(self->lock);
}

bool
weiri_guard_next_refusal(weiri_guard *self, uint32_t *peer, char *reason)
{
    bool any = false;
    weiri_lock_take(self->lock);
    uint64_t n = self->n_refusals < REFUSALS ? self->n_refusals : REFUSALS;
    for (uint64_t i = self->n_refusals - n; !any && i < self->n_refusals; i++) {
        struct refusal *refusal = &self->refusals[i % REFUSALS];
        any                     = !refusal->is_told;
        if (any) {
            refusal->is_told = true;
            *peer            = refusal->peer;
            memcpy(reason, refusal->reason, WEIRI_GUARD_REASON);
        }
    }
    weiri_lock_give(self->lock);
    return any;
}

/* ---- keys ---- */

static struct key *
find_key(weiri_guard *self, const uint8_t *bytes)
{
    for (uint32_t i = 0; i < self->n_keys; i++) {
        if (memcmp(self->keys[i].bytes, bytes, WEIRI_KEY_BYTES) == 0) {
            return &self->keys[i];
        }
    }
    return NULL;
}

/* Where a new key goes; the one that was revoked first gives way when there are too many.
 */
static struct key *
add_key(weiri_guard *self)
{
    if (self->n_keys == KEYS) {
        uint32_t i = 0;
        while (i < KEYS && !self->keys[i].is_revoked) {
            i++;
        }
        if (i == KEYS) {
            return NULL;
        }
        memmove(&self->keys[i], &self->keys[i + 1], (KEYS - i - 1) * sizeof *self->keys);
        self->n_keys--;
    }
    if (self->n_keys == self->cap_keys) {
        uint32_t    cap  = self->cap_keys > 0 ? 2 * self->cap_keys : 8;
        struct key *keys = realloc(self->keys, cap * sizeof *keys);
        if (keys == NULL) {
            return NULL;
        }
        self->keys     = keys;
        self->cap_keys = cap;
    }
    return &self->keys[self->n_keys++];
}

static weir_status
allow(weiri_guard *self, const uint8_t *bytes, uint32_t peer, uint32_t generation)
{
    struct key *key = find_key(self, bytes);
    if (key != NULL && !key->is_revoked && key->peer != peer) {
        return WEIR_EINVAL;
    }
    key = key != NULL ? key : add_key(self);
    if (key == NULL) {
        return self->n_keys == KEYS ? WEIR_EFULL : WEIR_ENOMEM;
    }
    *key = (struct key){ .peer = peer, .generation = generation };
    memcpy(key->bytes, bytes, WEIRI_KEY_BYTES);
    return WEIR_OK;
}

weir_status
weiri_guard_allow(weiri_guard *self, const char *key, uint32_t peer, uint32_t generation)
{
    uint8_t bytes[WEIRI_KEY_BYTES];
    if (zmq_z85_decode(bytes, key) == NULL) {
        return WEIR_EINVAL;
    }
    weiri_lock_take(self->lock);
    weir_status status = allow(self, bytes, peer, generation);
    weiri_lock_give(self->lock);
    return status;
}

static bool
is_plain(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] <= ' ' || bytes[i] > '~') {
            return false;
        }
    }
    return true;
}

static void
tell_key(weiri_guard *self, const struct key *key, const uint8_t *bytes,
    const uint8_t *address, size_t size)
{
    char text[WEIRI_KEY_TEXT + 1];
    char from[WEIRI_GUARD_REASON / 3] = "somewhere";
    char reason[WEIRI_GUARD_REASON];
    zmq_z85_encode(text, bytes, WEIRI_KEY_BYTES);
    if (size < sizeof from && is_plain(address, size)) {
        snprintf(from, sizeof from, "%.*s", (int)size, (const char *)address);
    }
    snprintf(reason, sizeof reason,
        key != NULL ? "the key %s, from %s, was revoked"
                    : "nobody has the key %s, from %s",
        text, from);
    put_refusal(self, key != NULL ? key->peer : WEIRI_PEER_NOBODY, reason);
}

bool
weiri_guard_judge(weiri_guard *self, const uint8_t *key, const uint8_t *address,
    size_t size, char *user)
{
    weiri_lock_take(self->lock);
    const struct key *known  = find_key(self, key);
    bool              is_let = known != NULL && !known->is_revoked;
    if (is_let) {
        snprintf(user, WEIRI_GUARD_USER, "%" PRIu32 ".%" PRIu32, known->peer,
            known->generation);
    } else {
        self->counts.n_unknown_key += known == NULL;
        self->counts.n_revoked_key += known != NULL;
        tell_key(self, known, key, address, size);
    }
    weiri_lock_give(self->lock);
    return is_let;
}

/* ---- connections ---- */

/* The other side's address of a descriptor, whatever it is by now. */
static struct sockaddr_storage
other_side(int fd)
{
    struct sockaddr_storage other;
    socklen_t               size = sizeof other;
    memset(&other, 0, sizeof other);
    if (getpeername(fd, (struct sockaddr *)&other, &size) != 0) {
        memset(&other, 0, sizeof other);
    }
    return other;
}

static bool
is_in_use(const struct connection *connection)
{
    return connection->state != GONE;
}

static struct connection *
find_connection(weiri_guard *self, int fd)
{
    for (uint32_t i = 0; i < self->n_connections; i++) {
        struct connection *connection = &self->connections[i];
        if (connection->fd == fd && is_in_use(connection)) {
            return connection;
        }
    }
    return NULL;
}

static void
forget(weiri_guard *self, struct connection *connection)
{
    size_t after = (size_t)(self->connections + self->n_connections - connection - 1);
    memmove(connection, connection + 1, after * sizeof *connection);
    self->n_connections--;
}

static void
shut(struct connection *connection)
{
    struct sockaddr_storage now = other_side(connection->fd);
    if (memcmp(&now, &connection->other, sizeof now) == 0) {
        shutdown(connection->fd, SHUT_RDWR);
    }
    connection->state = CLOSING;
}

/* The oldest stranger, NULL: there is none. One who is honest has said who it is before
 * many others have come after it. */
static struct connection *
oldest_stranger(weiri_guard *self)
{
    for (uint32_t i = 0; i < self->n_connections; i++) {
        if (self->connections[i].state == STRANGER) {
            return &self->connections[i];
        }
    }
    return NULL;
}

static uint32_t
count_state(const weiri_guard *self, connection_state state)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->n_connections; i++) {
        n += self->connections[i].state == state;
    }
    return n;
}

static void
bound_strangers(weiri_guard *self)
{
    uint32_t n_strangers = count_state(self, STRANGER);
    uint32_t n           = n_strangers + count_state(self, KNOWN);
    while (n_strangers > 0
           && (n > self->max_connections || n_strangers > self->max_strangers)) {
        shut(oldest_stranger(self));
        self->counts.n_crowded_out++;
        n_strangers--;
        n--;
    }
}

void
weiri_guard_accepted(weiri_guard *self, int fd)
{
    weiri_lock_take(self->lock);
    self->counts.n_accepted++;
    self->counts.n_open++;
    if (find_connection(self, fd) != NULL) {
        /* Its peer said who it is before we heard that it came. */
    } else if (self->n_connections == self->cap_connections) {
        shutdown(fd, SHUT_RDWR);
        self->counts.n_crowded_out++;
    } else {
        self->connections[self->n_connections++] = (struct connection){
            .other    = other_side(fd),
            .since_ms = now_ms(),
            .fd       = fd,
            .peer     = WEIRI_PEER_NOBODY,
        };
        bound_strangers(self);
    }
    weiri_lock_give(self->lock);
}

void
weiri_guard_ended(weiri_guard *self, int fd)
{
    weiri_lock_take(self->lock);
    struct connection *connection = find_connection(self, fd);
    self->counts.n_open -= self->counts.n_open > 0;
    if (connection != NULL && connection->peer != WEIRI_PEER_NOBODY) {
        connection->state = GONE;
        weiri_guard_wake(self);
    } else if (connection != NULL) {
        forget(self, connection);
    }
    weiri_lock_give(self->lock);
}

void
weiri_guard_failed(weiri_guard *self)
{
    weiri_lock_take(self->lock);
    self->counts.n_handshake++;
    put_refusal(
        self, WEIRI_PEER_NOBODY, "a connection ended before it was one of a node");
    weiri_lock_give(self->lock);
}

int
weiri_guard_look_around(weiri_guard *self)
{
    weiri_lock_take(self->lock);
    int64_t            now    = now_ms();
    struct connection *oldest = oldest_stranger(self);
    while (oldest != NULL && now - oldest->since_ms >= self->silent_ms) {
        shut(oldest);
        self->counts.n_silent++;
        oldest = oldest_stranger(self);
    }
    int left = oldest == NULL ? -1 : (int)(oldest->since_ms + self->silent_ms - now);
    weiri_lock_give(self->lock);
    return left;
}

void
weiri_guard_know(weiri_guard *self, int fd, uint32_t peer)
{
    weiri_lock_take(self->lock);
    struct connection *connection = find_connection(self, fd);
    if (connection == NULL && self->n_connections < self->cap_connections) {
        connection  = &self->connections[self->n_connections++];
        *connection = (struct connection){
            .other = other_side(fd), .since_ms = now_ms(), .fd = fd
        };
    }
    if (connection != NULL && connection->state != CLOSING) {
        connection->peer  = peer;
        connection->state = KNOWN;
    }
    weiri_lock_give(self->lock);
}

void
weiri_guard_close(weiri_guard *self, int fd)
{
    weiri_lock_take(self->lock);
    struct connection *connection = find_connection(self, fd);
    if (connection != NULL && connection->state != CLOSING) {
        shut(connection);
    }
    weiri_lock_give(self->lock);
}

void
weiri_guard_revoke(weiri_guard *self, uint32_t peer)
{
    weiri_lock_take(self->lock);
    for (uint32_t i = 0; i < self->n_keys; i++) {
        self->keys[i].is_revoked |= self->keys[i].peer == peer;
    }
    for (uint32_t i = 0; i < self->n_connections; i++) {
        struct connection *connection = &self->connections[i];
        if (connection->state == KNOWN && connection->peer == peer) {
            shut(connection);
        }
    }
    weiri_lock_give(self->lock);
}

bool
weiri_guard_next_gone(weiri_guard *self, uint32_t *peer, int *fd)
{
    bool any = false;
    weiri_lock_take(self->lock);
    for (uint32_t i = 0; !any && i < self->n_connections; i++) {
        struct connection *connection = &self->connections[i];
        any                           = connection->state == GONE;
        if (any) {
            *peer = connection->peer;
            *fd   = connection->fd;
            forget(self, connection);
        }
    }
    weiri_lock_give(self->lock);
    return any;
}

/* ---- counts ---- */

void
weiri_guard_counts(weiri_guard *self, weiri_peers_counts *out)
{
    weiri_lock_take(self->lock);
    *out = self->counts;
    weiri_lock_give(self->lock);
}

void
weiri_guard_malformed(weiri_guard *self)
{
    weiri_lock_take(self->lock);
    self->counts.n_zap_malformed++;
    weiri_lock_give(self->lock);
}

void
weiri_guard_refused_us(weiri_guard *self)
{
    weiri_lock_take(self->lock);
    self->counts.n_refused_us++;
    weiri_lock_give(self->lock);
}
