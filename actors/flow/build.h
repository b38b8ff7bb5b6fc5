/* From a plan to the nodes of a flow. */
#ifndef WEIRI_FLOW_BUILD_H
#define WEIRI_FLOW_BUILD_H

#include "node.h"

/* Make all nodes of a flow that has its plan, shards and streams.
 *
 *   errors  WEIR_ENOMEM, WEIR_EINVAL: what was made is the flow's
 */
WEIR_MUST_CHECK weir_status
weiri_flow_build(weiri_flow *self, const weiri_flow_outlet *outlets, uint32_t n_outlets,
    weir_error *err);

#endif
