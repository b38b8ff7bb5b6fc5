/* What sources, sinks and codecs of plugins share: a call that takes events or bytes. */
#ifndef WEIRI_PLUG_H
#define WEIRI_PLUG_H

#include "weiri/pack.h"
#include "weiri/plan.h"
#include "weiri/plugin.h"

enum { WEIRI_PLUG_POSITION = 4096 /* bytes of a position */ };

typedef struct weiri_plug_call {
    weiri_plugin_call base;
    /* NULL: no event is taken. False after weiri_plugin_fail. */
    bool (*emit)(struct weiri_plug_call *call, const weir_value *values, uint32_t n);
    void       *context;
    weiri_pack *out;  /* what host->write writes; NULL: nothing is taken */
    size_t      most; /* bytes of it */
} weiri_plug_call;

/* n_logged: lines so far. */
void
weiri_plug_call_init(weiri_plug_call *self, const weiri_plug *part,
    weiri_metrics *metrics, uint32_t *n_logged);

/* Check values against fields, as they are declared. False after weiri_plugin_fail. */
bool
weiri_plug_check(weiri_plug_call *call, const weir_schema *schema,
    const weir_value *values, uint32_t n);

/* Fields of a plugin as a schema, and the other way; NULL: out of memory. To be freed. */
weir_field *
weiri_plug_fields(const weir_plugin_field *fields, uint32_t n);
weir_plugin_field *
weiri_plug_inputs(const weir_schema *schema);

/* Rows of a chunk as values, to be freed; NULL: out of memory. shape (n, n_fields) */
weir_value *
weiri_plug_values(weir_rows rows);

/* The status of a call that failed, with its reason. */
weir_status
weiri_plug_failed(
    const weiri_plug_call *call, const char *kind, const char *name, weir_error *err);

#endif
