#include "streams.h"

#include <stdlib.h>

#include "restore.h"
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

/* ---- state ---- */

static weir_status
save_stream(const weiri_merge *merge, const char *name, weiri_sections *out)
{
    if (merge == NULL || weiri_merge_waiting(merge) == 0) {
        return WEIR_OK;
    }
    weiri_pack *pack = weiri_sections_begin(out, "stream", name);
    if (pack == NULL) {
        return WEIR_ENOMEM;
    }
    weiri_merge_save(merge, pack);
    return pack->is_out_of_memory ? WEIR_ENOMEM : WEIR_OK;
}

weir_status
weiri_streams_save(const weiri_streams *self, const weiri_plan *plan, weiri_sections *out,
    weir_error *err)
{
    for (uint32_t i = 0; i < self->n; i++) {
        if (save_stream(self->merges[i], plan->streams[i].schema.name, out) != WEIR_OK) {
            return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
        }
    }
    return WEIR_OK;
}

static weir_status
load_stream(const weiri_streams *self, uint32_t index, const weir_schema *schema,
    const weiri_restore *restore, weir_error *err)
{
    weiri_unpack in = { 0 };
    if (!weiri_sections_find(restore->sections, "stream", schema->name, &in)) {
        return WEIR_OK;
    }
    if (self->merges[index] == NULL) {
        weiri_restore_tell(restore, "stream", schema->name, WEIRI_KEPT_GONE);
        return WEIR_OK;
    }
    weir_status status =
        weiri_merge_load(self->merges[index], &in, schema, self->used[index]);
    if (status == WEIR_OK) {
        weiri_restore_tell(restore, "stream", schema->name, WEIRI_KEPT);
        return WEIR_OK;
    }
    return WEIR_FAIL(err, status, "stream '%s': events that wait cannot be read: %s",
        schema->name, in.wrong != NULL ? in.wrong : weir_status_text(status));
}

weir_status
weiri_streams_load(const weiri_streams *self, const weiri_plan *plan,
    const weiri_restore *restore, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n && status == WEIR_OK; i++) {
        status = load_stream(self, i, &plan->streams[i].schema, restore, err);
    }
    return status;
}
