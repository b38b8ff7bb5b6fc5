/* What an engine is made of: for the files of this folder. */
#ifndef WEIRI_ENGINE_INSIDE_H
#define WEIRI_ENGINE_INSIDE_H

#include "../sink/sink.h"
#include "../source/source.h"
#include "weiri/engine.h"

struct weiri_engine {
    const weiri_plan    *plan;
    weiri_engine_options options;
    weiri_graph         *graph;
    weiri_intake       **intakes; /* shape (plan->n_sources,)           */
    char               **paths;   /* shape (plan->n_sources,): resolved */
    weiri_outlet       **outlets; /* shape (n_outlets,)                 */
    uint32_t             n_outlets;
    weiri_wires         *wires;        /* NULL: no socket is used            */
    int64_t              watermark_ns; /* of the last turn              */
    bool                 is_live;      /* some source is not a regular file  */
    bool                 is_ended;     /* the last pass is done              */
};

/* The name of a source's section: its stream, and its place among the stream's sources.
 */
void
weiri_engine_source_name(
    const weiri_plan *plan, uint32_t source, char out[WEIRI_SECTION_NAME]);

/* Have sources, streams and rules go on where they were kept; outlets were resumed when
 * they were opened. errors  WEIR_EDATA, WEIR_EIO, WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_engine_load(weiri_engine *self, weir_error *err);

#endif
