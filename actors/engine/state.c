/* An engine's state as sections, and back.
 *
 *   engine/run       the watermark, and whether the last pass is done
 *   engine/rules     what whoever runs it says of the rules
 *   source/NAME#I    where the I-th source of a stream stands
 *   source/NAME@PEER where a stream from another node stands
 *   stream/NAME      events that wait for the watermark
 *   rule/NAME        what a rule remembers; on several shards see actors/flow/state.c
 *   sink/PATH        how much was written
 */
#include <stdio.h>
#include <string.h>

#include "inside.h"
#include "mover.h"

uint32_t
weiri_engine_source_place(const weiri_plan *plan, uint32_t source)
{
    uint32_t place = 0;
    for (uint32_t i = 0; i < source; i++) {
        place += plan->sources[i].stream == plan->sources[source].stream;
    }
    return place;
}

void
weiri_engine_source_name(
    const weiri_plan *plan, uint32_t source, char out[WEIRI_SECTION_NAME])
{
    const weiri_source *of   = &plan->sources[source];
    const char         *name = plan->streams[of->stream].schema.name;
    if (of->endpoint == WEIRI_ENDPOINT_NODE) { /* whoever joins or leaves beside it */
        snprintf(out, WEIRI_SECTION_NAME, "%s@%s", name, of->path);
    } else {
        snprintf(out, WEIRI_SECTION_NAME, "%s#%u", name,
            weiri_engine_source_place(plan, source));
    }
}

uint64_t
weiri_engine_position(const weiri_engine *self, uint32_t source)
{
    return weiri_intake_position(self->intakes[source]);
}

bool
weiri_engine_is_regular(const weiri_engine *self, uint32_t source)
{
    return weiri_intake_is_regular(self->intakes[source]);
}

/* ---- saving ---- */

weir_status
weiri_engine_flush(weiri_engine *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_outlets && status == WEIR_OK; i++) {
        status = weiri_outlet_flush(self->outlets[i], err);
        if (status == WEIR_OK) {
            status = weiri_outlet_settle(self->outlets[i], err);
        }
    }
    weiri_engine_note_moves(self);
    return status == WEIR_OK ? weiri_engine_settle_givers(self, err) : status;
}

weir_status
weiri_engine_acknowledge(
    weiri_engine *self, uint32_t source, uint64_t position, weir_error *err)
{
    if (source == 0) {
        weiri_engine_pass_moves(self);
    }
    return self->intakes[source] != NULL
               ? weiri_intake_acknowledge(self->intakes[source], position, err)
               : WEIR_OK;
}

weir_status
weiri_engine_sync(const weiri_engine *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_outlets && status == WEIR_OK; i++) {
        status = weiri_outlet_sync(self->outlets[i], err);
    }
    return status;
}

static weir_status
save_sources(const weiri_engine *self, weiri_sections *out, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->plan->n_sources && status == WEIR_OK; i++) {
        char name[WEIRI_SECTION_NAME];
        weiri_engine_source_name(self->plan, i, name);
        weiri_pack *pack = weiri_sections_begin(out, "source", name);
        status =
            pack != NULL ? weiri_intake_save(self->intakes[i], pack, err) : WEIR_ENOMEM;
    }
    return status;
}

static weir_status
save_sinks(const weiri_engine *self, weiri_sections *out)
{
    for (uint32_t i = 0; i < self->n_outlets; i++) {
        weiri_pack *pack =
            weiri_sections_begin(out, "sink", weiri_outlet_path(self->outlets[i]));
        if (pack == NULL) {
            return WEIR_ENOMEM;
        }
        weiri_outlet_save(self->outlets[i], pack);
    }
    return WEIR_OK;
}

static weir_status
save_run(const weiri_engine *self, weiri_sections *out)
{
    weiri_pack *pack = weiri_sections_begin(out, "engine", "run");
    if (pack == NULL) {
        return WEIR_ENOMEM;
    }
    weiri_pack_time(pack, self->watermark_ns);
    weiri_pack_number(pack, self->is_ended);
    const weiri_pack *rules = self->options.rules;
    if (rules == NULL) {
        return WEIR_OK;
    }
    pack = weiri_sections_begin(out, "engine", "rules");
    if (pack == NULL) {
        return WEIR_ENOMEM;
    }
    weiri_pack_bytes(pack, rules->bytes, rules->size);
    return WEIR_OK;
}

weir_status
weiri_engine_save(const weiri_engine *self, weiri_sections *out, weir_error *err)
{
    weir_status status = save_run(self, out);
    if (status == WEIR_OK) {
        status = save_sources(self, out, err);
    }
    if (status == WEIR_OK && !self->is_ended) { /* else nothing will come any more */
        status = self->flow != NULL ? weiri_flow_save(self->flow, out, err)
                                    : weiri_graph_save(self->graph, out, err);
    }
    if (status == WEIR_OK) {
        status = save_sinks(self, out);
    }
    if (status == WEIR_OK) {
        status = weiri_engine_save_givers(self, out);
    }
    if (status == WEIR_OK) {
        status = weiri_engine_save_mover(self, out);
    }
    if (status == WEIR_ENOMEM || (status == WEIR_OK && weiri_sections_failed(out))) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    return status;
}

/* ---- loading ---- */

static void
tell(const weiri_restore *restore, const char *what, const char *name, weiri_kept kept)
{
    if (restore->told != NULL) {
        restore->told(restore->context, what, name, kept);
    }
}

static weir_status
load_run(weiri_engine *self, weir_error *err)
{
    weiri_unpack in = { 0 };
    if (!weiri_sections_find(self->options.restore->sections, "engine", "run", &in)) {
        return WEIR_FAIL(err, WEIR_EDATA, "the state is that of no run");
    }
    self->watermark_ns = weiri_unpack_time(&in);
    self->is_ended     = weiri_unpack_below(&in, 2, "it is no flag") != 0;
    return in.wrong == NULL ? WEIR_OK : WEIR_FAIL(err, WEIR_EDATA, "%s", in.wrong);
}

static weir_status
load_sources(weiri_engine *self, weir_error *err)
{
    const weiri_restore *restore = self->options.restore;
    weir_status          status  = WEIR_OK;
    for (uint32_t i = 0; i < self->plan->n_sources && status == WEIR_OK; i++) {
        char         name[WEIRI_SECTION_NAME];
        weiri_unpack in = { 0 };
        weiri_engine_source_name(self->plan, i, name);
        if (weiri_sections_find(restore->sections, "source", name, &in)) {
            status = weiri_intake_load(self->intakes[i], &in, err);
            tell(restore, "source", name, WEIRI_KEPT);
        } else {
            if (!self->plan->sources[i].is_timeless) { /* rules do not go back in time */
                weiri_clock_advance(
                    weiri_intake_clock(self->intakes[i]), self->watermark_ns);
            }
            tell(restore, "source", name, WEIRI_KEPT_NONE);
        }
    }
    return status;
}

weir_status
weiri_engine_load(weiri_engine *self, weir_error *err)
{
    const weiri_restore *restore = self->options.restore;
    weir_status          status  = load_run(self, err);
    if (status == WEIR_OK) {
        status = weiri_engine_load_givers(self, err);
    }
    if (status == WEIR_OK) {
        status = load_sources(self, err);
    }
    if (status != WEIR_OK || self->is_ended) {
        return status;
    }
    return self->flow != NULL ? weiri_flow_load(self->flow, restore, err)
                              : weiri_graph_load(self->graph, restore, err);
}
