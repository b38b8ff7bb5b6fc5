#include "streams.h"

#include <stdlib.h>

#include "weiri/limits.h"

/* A source stream has its own fields and those that its late events are read for. */
static weir_status
init_stream(weiri_streams *self, const weiri_plan *plan, uint32_t index)
{
    const weiri_stream *stream = &plan->streams[index];
    const weiri_stream *late   = NULL;
    if (stream->origin == WEIRI_ORIGIN_SOURCE && stream->late != WEIRI_NONE
        && plan->streams[stream->late].is_read) {
        late = &plan->streams[stream->late];
    }
    self->used[index] = calloc(stream->schema.n_fields + (size_t)1, sizeof(bool));
    if (self->used[index] == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < stream->schema.n_fields; i++) {
        self->used[index][i] = stream->used[i] || (late != NULL && late->used[i]);
    }
    if (!stream->is_read && stream->origin != WEIRI_ORIGIN_SOURCE) {
        return WEIR_OK;
    }
    return weiri_merge_new(WEIRI_REORDER_ROWS, &self->merges[index]);
}

weir_status
weiri_streams_init(weiri_streams *self, const weiri_plan *plan)
{
    *self        = (weiri_streams){ .n = plan->n_streams };
    self->used   = calloc(plan->n_streams + (size_t)1, sizeof(void *));
    self->merges = calloc(plan->n_streams + (size_t)1, sizeof(void *));
    if (self->used == NULL || self->merges == NULL) {
        return WEIR_ENOMEM;
    }
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < plan->n_streams && status == WEIR_OK; i++) {
        status = init_stream(self, plan, i);
    }
    return status;
}

void
weiri_streams_fini(weiri_streams *self)
{
    for (uint32_t i = 0; i < self->n; i++) {
        if (self->merges != NULL) {
            weiri_merge_destroy(&self->merges[i]);
        }
        if (self->used != NULL) {
            free(self->used[i]);
        }
    }
    free(self->used);
    free(self->merges);
    *self = (weiri_streams){ 0 };
}
