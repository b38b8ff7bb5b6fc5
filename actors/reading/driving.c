#include "driving.h"

#include <string.h>

#include "weiri/reread.h"

bool *
weiri_all_used(weiri_arena *arena, uint32_t n)
{
    bool *used = weiri_arena_alloc(arena, n + (size_t)1);
    memset(used, true, n);
    return used;
}

bool
weiri_drive_is_fleeting(const weiri_reading_request *request, const weiri_plan *plan)
{
    if (request->state != NULL) {
        return false; /* what cannot be read again is in the journal */
    }
    for (size_t i = 0; i < request->n_redirects; i++) {
        if (strcmp(request->redirects[i].path, "-") == 0) {
            return true;
        }
    }
    for (uint32_t i = 0; i < plan->n_sources && request->n_redirects == 0; i++) {
        if (plan->sources[i].endpoint != WEIRI_ENDPOINT_FILE) {
            return true;
        }
    }
    return false;
}

/* Of several readings the first says where the journal begins. */
static weir_status
open_journal(weiri_drive *self, weiri_reread **reread, weiri_engine_options *options,
    weir_error *err)
{
    const weiri_reading_request *request = self->request;
    weir_status status = weiri_reread_open(self->plan, request->state, request->redirects,
        request->n_redirects, *self->is_told ? NULL : request->told, request->context,
        reread, err);
    *self->is_told     = true;
    if (status == WEIR_OK) {
        weiri_reread_lend(*reread, options);
    }
    return status;
}

weir_status
weiri_drive_all(weiri_drive *self, weir_error *err)
{
    weiri_engine_options options = {
        .redirects      = self->request->redirects,
        .n_redirects    = self->request->n_redirects,
        .passed         = self->passed,
        .passed_context = self->context,
    };
    weiri_engine *engine = NULL;
    weiri_reread *reread = NULL;
    weir_status   status = WEIR_OK;
    if (self->request->state != NULL) {
        status = open_journal(self, &reread, &options, err);
    }
    if (status == WEIR_OK) {
        status = weiri_engine_new(self->plan, &options, &engine, err);
    }
    while (status == WEIR_OK) {
        status = weiri_engine_turn(engine, err);
    }
    self->is_at_end = status == WEIR_EOF && weiri_engine_is_at_end(engine);
    if (status == WEIR_EOF) { /* a run that goes on has no end yet */
        status = self->is_at_end ? weiri_engine_end(engine, err) : WEIR_OK;
    }
    weiri_engine_destroy(&engine);
    weiri_reread_close(&reread);
    return status;
}

void
weiri_see_sides(weiri_arena *arena, weiri_plan *plan, uint32_t stream)
{
    weiri_stream *joined = &plan->streams[stream];
    for (uint32_t r = 0; r < plan->n_rules; r++) {
        weiri_rule *rule = &plan->rules[r];
        if (rule->join == NULL || rule->join->stream != stream) {
            continue;
        }
        weiri_join *join  = weiri_arena_alloc(arena, sizeof *join);
        uint32_t    first = 0;
        const bool *was   = joined->used;
        *join             = *rule->join;
        joined->used      = weiri_all_used(arena, joined->schema.n_fields);
        for (uint32_t side = 0; side < 2; side++) {
            weiri_stream *of = &plan->streams[join->sides[side].stream];
            uint32_t      n  = join->sides[side].schema->n_fields;
            if (of->origin == WEIRI_ORIGIN_TABLE) {
                memcpy(joined->used + first, was + first, n);
            } else {
                weiri_see_sides(arena, plan, join->sides[side].stream);
                of->used = weiri_all_used(arena, n);
            }
            first += n;
        }
        join->used = joined->used;
        rule->join = join;
    }
}
