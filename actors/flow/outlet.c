/* Where streams leave a flow. */
#include <stdlib.h>

#include "node.h"

typedef struct outlet {
    weiri_flow_node   node;
    weiri_flow_outlet to;
    weiri_rows_list  *rows; /* by stream, shape (plan->n_streams,): borrowed */
} outlet;

static weir_status
work(weiri_flow_node *node, weiri_parcel *const *parcels, const weiri_flow_port *port,
    weir_error *err)
{
    (void)port;
    outlet *self = (outlet *)node;
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        self->rows[self->to.streams[i]] = parcels[i]->lists[0];
    }
    return self->to.write(self->to.context, &parcels[0]->turn, self->rows, err);
}

static void
destroy(weiri_flow_node *node)
{
    outlet *self = (outlet *)node;
    free(self->rows);
    free(self);
}

static const weiri_flow_ops OPS = { .work = work, .destroy = destroy };

weir_status
weiri_outlet_node_new(
    const weiri_flow *flow, const weiri_flow_outlet *to, weiri_flow_node **out)
{
    outlet *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    *out                = &self->node;
    self->node          = (weiri_flow_node){ .ops = &OPS, .flow = flow };
    self->node.n_inputs = to->n_streams;
    self->node.is_leaf  = true;
    self->to            = *to;
    self->rows          = calloc(flow->plan->n_streams, sizeof *self->rows);
    return self->rows != NULL ? WEIR_OK : WEIR_ENOMEM;
}
