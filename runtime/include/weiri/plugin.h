/* weiri_plugin: a shared object that was loaded and looked through. */
#ifndef WEIRI_PLUGIN_H
#define WEIRI_PLUGIN_H

#include "weir/error.h"
#include "weir/plugin.h"

typedef struct weiri_plugin weiri_plugin;

/* Load a shared object and check what it declares.
 *
 *   path    of the file; never searched for elsewhere
 *   errors  WEIR_ENOENT  there is no such file
 *           WEIR_EIO     it cannot be loaded: `err` says what the system says
 *           WEIR_EABI    it is no plugin, was built for another ABI, or declares what
 *                        cannot be: `err` says what and how to mend it
 *           WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_plugin_open(const char *path, weiri_plugin **out, weir_error *err);

/* Unload. What was found in it, and all that it made, may not be used any more. NULL is
 * fine. */
void
weiri_plugin_close(weiri_plugin **self_p);

/* Its own name. */
const char *
weiri_plugin_name(const weiri_plugin *self);

/* The i-th part of a kind, in the layout of this Weir; NULL past the end. */
const weir_plugin_actor *
weiri_plugin_actor(const weiri_plugin *self, uint32_t i);
const weir_plugin_function *
weiri_plugin_function(const weiri_plugin *self, uint32_t i);
const weir_plugin_aggregate *
weiri_plugin_aggregate(const weiri_plugin *self, uint32_t i);
const weir_plugin_source *
weiri_plugin_source(const weiri_plugin *self, uint32_t i);
const weir_plugin_sink *
weiri_plugin_sink(const weiri_plugin *self, uint32_t i);
const weir_plugin_codec *
weiri_plugin_codec(const weiri_plugin *self, uint32_t i);

/* What is wrong with a value that a plugin gives, as in "it gives …"; NULL: nothing. A
 * null is right.
 *
 *   type  that it should have
 */
const char *
weiri_plugin_value_fault(const weir_value *value, weir_type type);

/* ---- what plugins may ask for during a call ---- */

typedef struct weiri_metrics weiri_metrics;

enum { WEIRI_PLUGIN_REASON = 200, WEIRI_PLUGIN_LOG = 100 };

/* Begins a call of any kind. */
typedef struct weiri_plugin_call {
    weir_plugin_call base;
    const char      *name;    /* as people are told it; NULL: it writes no log */
    weiri_metrics   *metrics; /* NULL: none are kept */
    uint32_t        *n_logged;
    bool             is_failed;
    char             reason[WEIRI_PLUGIN_REASON];
} weiri_plugin_call;

/* What a host's table is made of where a kind has nothing of its own: what it does not
 * allow fails. Of the reasons of host->fail the first is the one. */
WEIR_PRINTF(2)
bool
weiri_plugin_fail(weir_plugin_call *call, const char *format, ...);
WEIR_PRINTF(2)
void
weiri_plugin_log(weir_plugin_call *call, const char *format, ...);
bool
weiri_plugin_no_emit(
    weir_plugin_call *call, uint32_t row, const weir_value *values, uint32_t n_values);
bool
weiri_plugin_no_timer(weir_plugin_call *call, int64_t at_ns);
void
weiri_plugin_nothing(weir_plugin_call *call);
void
weiri_plugin_no_write(weir_plugin_call *call, const void *bytes, size_t size);
char *
weiri_plugin_no_text(weir_plugin_call *call, size_t size);
void
weiri_plugin_count(weir_plugin_call *call, const char *name, uint64_t n);
void
weiri_plugin_gauge(weir_plugin_call *call, const char *name, double value);

/* Why a call failed: what it said, or that it said nothing. */
const char *
weiri_plugin_reason(const weiri_plugin_call *call);

/* ---- metrics: counters and gauges of plugins, by owner and name ---- */

enum { WEIRI_METRICS = 1024, WEIRI_METRICS_EACH = 32, WEIRI_METRIC_NAME = 64 };

typedef struct weiri_metric {
    char     owner[WEIRI_METRIC_NAME + 1];
    char     name[WEIRI_METRIC_NAME + 1];
    bool     is_gauge;
    uint64_t count;
    double   gauge;
} weiri_metric;

/* NULL: out of memory. */
weiri_metrics *
weiri_metrics_new(void);

void
weiri_metrics_destroy(weiri_metrics **self_p);

/* Any thread. What has no name that can be, is of another kind than before, or is one too
 * many, is passed over. */
void
weiri_metrics_count(weiri_metrics *self, const char *owner, const char *name, uint64_t n);
void
weiri_metrics_gauge(
    weiri_metrics *self, const char *owner, const char *name, double value);

/* The i-th by owner and name; false past the end. Any thread. */
bool
weiri_metrics_at(weiri_metrics *self, uint32_t i, weiri_metric *out);

#endif
