/* What a node is asked about key groups that are to move: weir cluster move, drain. */
#ifndef WEIR_MOVING_H
#define WEIR_MOVING_H

#include <stdio.h>

#include "control.h"
#include "weiri/engine.h"

/* Begin what a request `move` says, at rest; what there is to say goes to `stream`.
 *
 *   request  from=NODE; groups=GROUPS to=NODE, or neither: all that it has, to the others
 *   errors   WEIR_EINVAL  it cannot be: `err` says why
 *            WEIR_EIO, WEIR_ENOMEM: the node cannot go on
 */
WEIR_MUST_CHECK weir_status
moving_obey(weiri_engine *engine, const weiri_plan *plan, const control_request *request,
    FILE *stream, weir_error *err);

#endif
