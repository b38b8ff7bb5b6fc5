#include "wire_curve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "context.h"
#include "socket.h"
#include "weiri/keypair.h"

enum { UNUSED = 1 }; /* bounds of a guard that follows no connections */

static bool
set_key(void *socket, int option, const char *key)
{
    return zmq_setsockopt(socket, option, key, WEIRI_KEY_TEXT + 1) == 0;
}

static weir_status
cannot(const weiri_wire_config *config, weir_error *err)
{
    return WEIR_FAIL(err, WEIR_EIO, "'%s' cannot be secured: %s", config->address,
        zmq_strerror(errno));
}

static weir_status
admit(const weiri_wire_config *config, weiri_keeper *keeper, weiri_guard **out,
    weir_error *err)
{
    weiri_guard *guard  = NULL;
    weir_status  status = weiri_guard_new(UNUSED, UNUSED, &guard, err);
    for (uint32_t i = 0; i < config->n_peers && status == WEIR_OK; i++) {
        status = weiri_guard_allow(guard, config->peers[i], 0, 0);
        if (status != WEIR_OK) {
            status = WEIR_FAIL(err, status, "'%s' is no key", config->peers[i]);
        }
    }
    if (status == WEIR_OK) {
        status = weiri_keeper_add(keeper, guard, NULL, err);
    }
    if (status != WEIR_OK) {
        weiri_guard_destroy(&guard);
        return status;
    }
    *out = guard;
    return WEIR_OK;
}

/* ZeroMQ lets any key in while nobody answers ZAP: so it is answered first. */
static weir_status
listen_as(void *socket, const weiri_keypair *pair, const weiri_wire_config *config,
    weiri_keeper *keeper, weiri_guard **out, weir_error *err)
{
    int         one    = 1;
    weir_status status = admit(config, keeper, out, err);
    if (status != WEIR_OK) {
        return status;
    }
    const char *domain = weiri_guard_domain(*out);
    return zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &one, sizeof one) == 0
                   && zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) == 0
                   && set_key(socket, ZMQ_CURVE_SECRETKEY, pair->secret_key)
               ? WEIR_OK
               : cannot(config, err);
}

static weir_status
go_as(void *socket, const weiri_keypair *pair, const weiri_wire_config *config,
    weir_error *err)
{
    return set_key(socket, ZMQ_CURVE_SERVERKEY, config->peers[0])
                   && set_key(socket, ZMQ_CURVE_PUBLICKEY, pair->public_key)
                   && set_key(socket, ZMQ_CURVE_SECRETKEY, pair->secret_key)
               ? WEIR_OK
               : cannot(config, err);
}

weir_status
weiri_wire_set_curve(void *socket, const weiri_wire_config *config, weiri_keeper *keeper,
    weiri_guard **out, weir_error *err)
{
    weiri_keypair pair = { .public_key = "" };
    weir_status status = config->key != NULL ? weiri_keypair_open(config->key, &pair, err)
                                             : weiri_keypair_make(&pair, err);
    if (status == WEIR_OK) {
        status = config->is_bound ? listen_as(socket, &pair, config, keeper, out, err)
                                  : go_as(socket, &pair, config, err);
    }
    weiri_keypair_forget(&pair);
    return status;
}

void *
weiri_wire_watch(void *context, void *socket)
{
    char name[64];
    int  linger = 0;
    snprintf(name, sizeof name, "inproc://weir.wire.%" PRIu64, weiri_context_number());
    if (!weiri_socket_monitor(socket, name, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)) {
        return NULL;
    }
    void *watch = zmq_socket(context, ZMQ_PAIR);
    if (watch == NULL) {
        return NULL;
    }
    zmq_setsockopt(watch, ZMQ_LINGER, &linger, sizeof linger);
    if (!weiri_socket_connect(watch, name)) {
        int code = errno;
        zmq_close(watch);
        errno = code;
        return NULL;
    }
    return watch;
}
