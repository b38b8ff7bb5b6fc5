/* CURVE for sockets of other people's programs.
 *
 *   source  ZeroMQ RFC 26/CurveZMQ, RFC 27/ZAP
 */
#ifndef WEIR_NET_WIRE_CURVE_H
#define WEIR_NET_WIRE_CURVE_H

#include "guard.h"
#include "keeper.h"
#include "weiri/wire.h"

/* Have a socket speak CURVE, before it is bound or connected: one that listens with the
 * peers of the configuration alone, one that goes somewhere with its only peer alone.
 *
 *   keeper  of one that listens; keeps *out, which is to be removed after the socket's
 * end out     NULL for one that goes somewhere errors  of weiri_keypair_open; WEIR_EIO,
 * WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_wire_set_curve(void *socket, const weiri_wire_config *config, weiri_keeper *keeper,
    weiri_guard **out, weir_error *err);

#endif
