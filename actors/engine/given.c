/* What a node of a cluster gives the others: the events of its sources as soon as their
 * own clocks let them go, and on the hub those of rules, turn by turn.
 *
 *   given/STREAM     up to when it was given, and events that wait for the clock
 *   cluster/members  who they were: key groups and orders follow from that
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "given.h"
#include "inside.h"
#include "mover.h"
#include "weiri/cluster.h"

static weir_status
no_memory(weir_error *err)
{
    return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
}

static const char *
name_of(const weiri_engine *self, const weiri_giver *giver)
{
    return self->plan->streams[giver->given->stream].schema.name;
}

/* ---- making ---- */

weir_status
weiri_engine_make_givers(weiri_engine *self, weir_error *err)
{
    const weiri_cluster_plan *cluster = self->plan->cluster;
    weir_status               status  = WEIR_OK;
    if (cluster == NULL) {
        return WEIR_OK;
    }
    self->givers = calloc(cluster->n_given + (size_t)1, sizeof *self->givers);
    self->own    = calloc(self->plan->n_streams + (size_t)1, sizeof *self->own);
    if (self->givers == NULL || self->own == NULL) {
        return no_memory(err);
    }
    for (uint32_t i = 0; i < cluster->n_given && status == WEIR_OK; i++) {
        weiri_giver *giver  = &self->givers[self->n_givers++];
        giver->given        = &cluster->given[i];
        giver->watermark_ns = INT64_MIN;
        giver->outlets      = calloc(cluster->n_members, sizeof(void *));
        giver->to           = calloc(cluster->n_members, sizeof *giver->to);
        status              = giver->outlets != NULL && giver->to != NULL
                                  ? weiri_parts_new(self->plan, giver->given, &giver->parts)
                                  : WEIR_ENOMEM;
        if (status == WEIR_OK && !giver->given->is_derived && !giver->given->is_moves) {
            status = weiri_merge_new(WEIRI_REORDER_ROWS, &giver->merge);
        }
    }
    return status == WEIR_OK ? status : no_memory(err);
}

static weir_status
open_outlet(weiri_engine *self, const weiri_giver *giver, const char *peer,
    weiri_outlet **out, weir_error *err)
{
    const weiri_stream     *numbered = giver->given->numbered;
    const weiri_restore    *restore  = self->options.restore;
    const weiri_link_config link     = {
            .peer          = peer,
            .schema        = &numbered->schema,
            .is_inside     = true,
            .terms         = self->plan->cluster->terms,
            .n_terms       = self->plan->cluster->n_terms,
            .backlog_bytes = self->options.backlog_bytes,
            .is_lasting    = self->options.tape != NULL,
    };
    char                path[2 * WEIRI_SECTION_NAME];
    weiri_unpack        in     = { 0 };
    weiri_outlet_config config = {
        .path = path, .link = &link, .links = self->options.links
    };
    snprintf(path, sizeof path, "node(%s)/%s", peer, numbered->schema.name);
    weir_status status =
        restore != NULL && weiri_sections_find(restore->sections, "sink", path, &in)
            ? weiri_outlet_resume(&config, &in, out, err)
            : weiri_outlet_new(&config, out, err);
    return status == WEIR_OK ? weiri_outlet_add_stream(
               *out, numbered, 0, WEIRI_FORMAT_FRAMES, NULL, err)
                             : status;
}

/* Of one that goes on: who has been killed, too, may not have kept how far time is. */
static weir_status
open_outlets(weiri_engine *self, const weiri_giver *giver, weir_error *err)
{
    const weiri_cluster_plan *cluster = self->plan->cluster;
    weir_status               status  = WEIR_OK;
    for (uint32_t m = 0; m < cluster->n_members && status == WEIR_OK; m++) {
        if (m == cluster->self) {
            continue;
        }
        status = open_outlet(self, giver, cluster->members[m], &giver->outlets[m], err);
        if (status == WEIR_OK && giver->watermark_ns != INT64_MIN && !giver->is_ended) {
            status = weiri_outlet_advance(giver->outlets[m], giver->watermark_ns, err);
        }
    }
    return status;
}

weir_status
weiri_engine_open_givers(weiri_engine *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_givers && status == WEIR_OK; i++) {
        status = open_outlets(self, &self->givers[i], err);
    }
    return status;
}

weiri_merge *
weiri_engine_giver_of(const weiri_engine *self, const weiri_source *source)
{
    for (uint32_t i = 0; source->numbered == NULL && i < self->n_givers; i++) {
        if (self->givers[i].given->stream == source->stream) {
            return self->givers[i].merge;
        }
    }
    return NULL;
}

/* ---- giving ---- */

static weir_status
give_to(weiri_giver *self, uint32_t member, int64_t watermark_ns, bool is_end,
    int64_t newest_ns, weir_error *err)
{
    weiri_outlet *outlet = self->outlets[member];
    weir_status   status = weiri_outlet_write(outlet, &self->to[member], err);
    if (status == WEIR_OK) {
        status = weiri_outlet_advance(outlet, watermark_ns, err);
    }
    return status == WEIR_OK && is_end ? weiri_outlet_end(outlet, newest_ns, err)
                                       : status;
}

static weir_status
give(weiri_engine *self, weiri_giver *giver, const weiri_rows_list *rows,
    int64_t watermark_ns, bool is_end, int64_t newest_ns, weir_error *err)
{
    uint32_t    n      = self->plan->cluster->n_members;
    weir_status status = weiri_parts_split(
        giver->parts, rows, is_end, weiri_engine_moves(self), giver->to);
    if (status != WEIR_OK) {
        (void)no_memory(err);
    }
    for (uint32_t m = 0; m < n; m++) {
        if (status == WEIR_OK && giver->outlets[m] != NULL) {
            status = give_to(giver, m, watermark_ns, is_end, newest_ns, err);
        }
        weiri_rows_list_clear(&giver->to[m]);
    }
    giver->watermark_ns = watermark_ns;
    giver->is_ended     = is_end;
    return status;
}

/* Of the sources of this node that deliver a stream: the least clock, the newest event.
 */
static int64_t
clock_of(const weiri_engine *self, uint32_t stream, int64_t *newest_ns)
{
    int64_t clock_ns = INT64_MAX;
    *newest_ns       = INT64_MIN;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        const weiri_source *source = &self->plan->sources[i];
        if (source->stream != stream || source->numbered != NULL) {
            continue;
        }
        const weiri_clock *clock = weiri_intake_clock(self->intakes[i]);
        clock_ns                 = clock->now_ns < clock_ns ? clock->now_ns : clock_ns;
        *newest_ns = clock->newest_ns > *newest_ns ? clock->newest_ns : *newest_ns;
    }
    return clock_ns;
}

weir_status
weiri_engine_give(weiri_engine *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_givers && status == WEIR_OK; i++) {
        weiri_giver *giver     = &self->givers[i];
        int64_t      newest_ns = INT64_MIN;
        if (giver->given->is_moves) {
            status = weiri_engine_give_words(self, giver, err);
            continue;
        }
        int64_t clock_ns = clock_of(self, giver->given->stream, &newest_ns);
        if (giver->merge == NULL || giver->is_ended || clock_ns <= giver->watermark_ns) {
            continue;
        }
        status = weiri_merge_release(giver->merge, clock_ns, &giver->rows);
        status = status == WEIR_OK ? give(self, giver, &giver->rows, clock_ns,
                     clock_ns == INT64_MAX, newest_ns, err)
                                   : no_memory(err);
        weiri_rows_list_clear(&giver->rows);
    }
    return status;
}

weir_status
weiri_engine_give_derived(weiri_engine *self, const weiri_turn *turn,
    const weiri_rows_list *rows, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_givers && status == WEIR_OK; i++) {
        weiri_giver *giver = &self->givers[i];
        if (giver->given->is_derived && !giver->is_ended) {
            status = give(self, giver, &rows[giver->given->stream], turn->watermark_ns,
                turn->is_end && self->ends_links, turn->deadline_ns, err);
        }
    }
    return status;
}

bool
weiri_engine_gives(const weiri_engine *self, uint32_t stream)
{
    for (uint32_t i = 0; i < self->n_givers; i++) {
        if (self->givers[i].given->stream == stream) {
            return true;
        }
    }
    return false;
}

/* What sinks of this node write of what streams give. */
weir_status
weiri_engine_keep_own(
    weiri_engine *self, const weiri_rows_list *rows, const weiri_rows_list **out)
{
    const weiri_plan *plan   = self->plan;
    weir_status       status = WEIR_OK;
    *out                     = rows;
    for (uint32_t s = 0; plan->cluster != NULL && s < plan->n_streams; s++) {
        weiri_own own = plan->cluster->own[s];
        weiri_rows_list_clear(&self->own[s]);
        for (uint32_t k = 0; k < rows[s].n && status == WEIR_OK; k++) {
            const weir_rows range = rows[s].items[k];
            if (own == WEIRI_OWN_ALL) {
                status = weiri_rows_list_add(&self->own[s], range);
            } else if (own == WEIRI_OWN_PLACES) {
                status = weiri_cluster_own_rows(plan, s, range, &self->own[s]);
            }
        }
        *out = self->own;
    }
    return status;
}

/* ---- waiting ---- */

void
weiri_engine_each_outlet(const weiri_engine *self,
    void (*told)(void *context, weiri_outlet *outlet), void *context)
{
    for (uint32_t i = 0; i < self->n_outlets; i++) {
        told(context, self->outlets[i]);
    }
    for (uint32_t i = 0; i < self->n_givers; i++) {
        for (uint32_t m = 0; m < self->plan->cluster->n_members; m++) {
            if (self->givers[i].outlets[m] != NULL) {
                told(context, self->givers[i].outlets[m]);
            }
        }
    }
}

static bool
has_no_room(const weiri_giver *self, uint32_t n_members)
{
    for (uint32_t m = 0; m < n_members; m++) {
        if (self->outlets[m] != NULL && weiri_outlet_is_full(self->outlets[m])) {
            return true;
        }
    }
    return false;
}

/* The other streams of this node's sources are read on: whoever has not taken in what
 * fills the way may wait for one of these. */
bool
weiri_engine_is_overfull(const weiri_engine *self, const weiri_source *source)
{
    for (uint32_t i = 0; i < self->n_givers; i++) {
        const weiri_giver *giver = &self->givers[i];
        bool is_its = source->numbered == NULL && giver->given->stream == source->stream;
        if ((is_its || giver->given->is_derived)
            && has_no_room(giver, self->plan->cluster->n_members)) {
            return true;
        }
    }
    return false;
}

/* ---- state ---- */

weir_status
weiri_engine_settle_givers(weiri_engine *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_givers; i++) {
        for (uint32_t m = 0; m < self->plan->cluster->n_members; m++) {
            if (status == WEIR_OK && self->givers[i].outlets[m] != NULL) {
                status = weiri_outlet_settle(self->givers[i].outlets[m], err);
            }
        }
    }
    return status;
}

static void
pack_members(const weiri_cluster_plan *cluster, weiri_pack *pack)
{
    weiri_pack_number(pack, cluster->n_members);
    weiri_pack_number(pack, cluster->self);
    for (uint32_t m = 0; m < cluster->n_members; m++) {
        weiri_pack_text(pack, cluster->members[m], strlen(cluster->members[m]));
    }
}

static bool
save_giver(const weiri_engine *self, const weiri_giver *giver, weiri_sections *out)
{
    weiri_pack *pack = weiri_sections_begin(out, "given", name_of(self, giver));
    if (pack == NULL) {
        return false;
    }
    weiri_pack_time(pack, giver->watermark_ns);
    weiri_pack_number(pack, giver->is_ended);
    if (giver->merge != NULL) {
        weiri_merge_save(giver->merge, pack);
    }
    for (uint32_t m = 0; m < self->plan->cluster->n_members; m++) {
        const weiri_outlet *outlet = giver->outlets[m];
        pack                       = outlet != NULL
                                         ? weiri_sections_begin(out, "sink", weiri_outlet_path(outlet))
                                         : pack;
        if (pack == NULL) {
            return false;
        }
        if (outlet != NULL) {
            weiri_outlet_save(outlet, pack);
        }
    }
    return true;
}

weir_status
weiri_engine_save_givers(const weiri_engine *self, weiri_sections *out)
{
    if (self->plan->cluster == NULL) {
        return WEIR_OK;
    }
    weiri_pack *pack = weiri_sections_begin(out, "cluster", "members");
    if (pack == NULL) {
        return WEIR_ENOMEM;
    }
    pack_members(self->plan->cluster, pack);
    for (uint32_t i = 0; i < self->n_givers; i++) {
        if (!save_giver(self, &self->givers[i], out)) {
            return WEIR_ENOMEM;
        }
    }
    return WEIR_OK;
}

static weir_status
load_giver(weiri_engine *self, weiri_giver *giver, weir_error *err)
{
    const weir_schema *schema = &self->plan->streams[giver->given->stream].schema;
    weiri_unpack       in     = { 0 };
    if (!weiri_sections_find(
            self->options.restore->sections, "given", schema->name, &in)) {
        return WEIR_OK;
    }
    giver->watermark_ns = weiri_unpack_time(&in);
    giver->is_ended     = weiri_unpack_below(&in, 2, "it is no flag") != 0;
    weir_status status  = WEIR_OK;
    if (giver->merge != NULL && in.wrong == NULL) {
        status = weiri_merge_load(giver->merge, &in, schema,
            self->flow != NULL ? weiri_flow_used(self->flow, giver->given->stream)
                               : NULL);
    }
    return status == WEIR_OK && in.wrong == NULL
               ? WEIR_OK
               : WEIR_FAIL(err, WEIR_EDATA, "what is given of '%s': %s", schema->name,
                   in.wrong != NULL ? in.wrong : weir_status_text(status));
}

/* The key groups that a state has, and the numbers of events, are those of its cluster.
 */
static weir_status
check_members(const weiri_engine *self, weir_error *err)
{
    weiri_pack   now = { 0 };
    weiri_unpack in  = { 0 };
    bool         has =
        weiri_sections_find(self->options.restore->sections, "cluster", "members", &in);
    bool is_one = has == (self->plan->cluster != NULL);
    if (has && is_one) {
        pack_members(self->plan->cluster, &now);
        is_one = (size_t)(in.end - in.at) == now.size
                 && memcmp(in.at, now.bytes, now.size) == 0;
    }
    weiri_pack_fini(&now);
    return is_one ? WEIR_OK
                  : WEIR_FAIL(err, WEIR_EDATA,
                      "the state is of %s: a node keeps its place in its cluster as long "
                      "as its state; begin all nodes of the new cluster with new states",
                      has ? "a cluster of other nodes" : "a node by itself");
}

weir_status
weiri_engine_load_givers(weiri_engine *self, weir_error *err)
{
    weir_status status = check_members(self, err);
    for (uint32_t i = 0; i < self->n_givers && status == WEIR_OK; i++) {
        status = load_giver(self, &self->givers[i], err);
    }
    return status;
}

/* ---- ending ---- */

void
weiri_engine_close_givers(weiri_engine *self)
{
    for (uint32_t i = 0; i < self->n_givers; i++) {
        weiri_giver *giver = &self->givers[i];
        for (uint32_t m = 0; m < self->plan->cluster->n_members; m++) {
            if (giver->outlets != NULL) {
                (void)weiri_outlet_close(&giver->outlets[m], NULL);
            }
            if (giver->to != NULL) {
                weiri_rows_list_fini(&giver->to[m]);
            }
        }
        weiri_rows_list_fini(&giver->rows);
        weiri_merge_destroy(&giver->merge);
        weiri_parts_destroy(&giver->parts);
        free(giver->outlets);
        free(giver->to);
    }
    for (uint32_t s = 0; self->own != NULL && s < self->plan->n_streams; s++) {
        weiri_rows_list_fini(&self->own[s]);
    }
    free(self->givers);
    free(self->own);
    self->givers   = NULL;
    self->own      = NULL;
    self->n_givers = 0;
}
