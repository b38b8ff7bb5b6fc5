#include "feed.h"

#include <stdlib.h>

#include "../engine/place.h"
#include "../source/source.h"

/* The stream of a source's undecodable records, if rules of the file speak of it. */
static const weiri_stream *
dead_stream(const weiri_plan *plan, const weiri_source *source)
{
    uint32_t dead = plan->streams[source->stream].dead;
    return dead != WEIRI_NONE ? &plan->streams[dead] : NULL;
}

static weir_status
pump_all(weiri_intake *intake, const char *path, weir_error *err)
{
    weir_status status = WEIR_OK;
    if (!weiri_intake_is_regular(intake)) {
        return WEIR_FAIL(err, WEIR_EINVAL, "'%s' is not a regular file", path);
    }
    while (status == WEIR_OK || status == WEIR_EAGAIN) {
        status = weiri_intake_pump(intake, -1, err);
    }
    return status == WEIR_EOF ? WEIR_OK : status;
}

static weir_status
feed(weiri_graph *graph, const weiri_plan *plan, const weiri_source *source,
    const char *path, uint32_t place, int64_t *newest_ns, weir_error *err)
{
    const weiri_stream *dead    = dead_stream(plan, source);
    weiri_source        patient = *source;
    patient.lateness_ns         = INT64_MAX;
    patient.on_error           = dead != NULL ? WEIRI_ON_ERROR_SKIP : WEIRI_ON_ERROR_STOP;
    weiri_intake_config config = {
        .source    = &patient,
        .place     = place,
        .path      = path,
        .format    = source->format == WEIRI_FORMAT_AUTO ? weiri_place_format(path)
                                                         : source->format,
        .delimiter = source->delimiter,
        .used      = weiri_graph_used(graph, source->stream),
        .stream    = &plan->streams[source->stream],
        .dead      = dead,
        .to        = weiri_graph_merge(graph, source->stream),
        .dead_to   = dead != NULL
                         ? weiri_graph_merge(graph, plan->streams[source->stream].dead)
                         : NULL,
        .metrics   = plan->metrics,
    };
    if (source->delimiter == ',' && weiri_place_is_tsv(path)) {
        config.delimiter = '\t';
    }
    weiri_intake *intake = NULL;
    weir_status   status = weiri_place_check_format(path, config.format, err);
    if (status == WEIR_OK) {
        status = weiri_intake_new(&config, &intake, err);
    }
    if (status == WEIR_OK) {
        status = pump_all(intake, path, err);
        *newest_ns =
            source->is_timeless ? INT64_MIN : weiri_intake_clock(intake)->newest_ns;
    }
    weiri_intake_destroy(&intake);
    return status;
}

weir_status
weiri_feed_file(weiri_graph *graph, const weiri_plan *plan, const weiri_source *source,
    uint32_t place, int64_t *newest_ns, weir_error *err)
{
    char *path = weiri_place_resolve(source->place.file, source->path);
    if (path == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "out of memory");
    }
    weir_status status = feed(graph, plan, source, path, place, newest_ns, err);
    free(path);
    return status;
}
