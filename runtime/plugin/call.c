/* What every call lends a plugin, whatever its kind; and what values it may give. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "weiri/limits.h"
#include "weiri/numtext.h"
#include "weiri/plugin.h"

static weiri_plugin_call *
calling(weir_plugin_call *call)
{
    return (weiri_plugin_call *)(void *)call;
}

static void
note(weiri_plugin_call *self, const char *format, va_list args)
{
    if (self->is_failed) {
        return; /* the first reason is the one */
    }
    int    size   = vsnprintf(self->reason, sizeof self->reason, format, args);
    size_t length = size < 0 ? 0 : strlen(self->reason);
    while (length > 0 && size >= (int)sizeof self->reason
           && !weiri_utf8_is_valid(self->reason, length)) {
        self->reason[--length] = 0; /* it was cut within a character */
        size                   = length + 4 < sizeof self->reason ? 0 : size;
    }
    if (size < 0 || !weiri_utf8_is_valid(self->reason, length)) {
        snprintf(self->reason, sizeof self->reason, "its reason is not UTF-8");
    }
    self->is_failed = true;
}

bool
weiri_plugin_fail(weir_plugin_call *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    note(calling(call), format, args);
    va_end(args);
    return false;
}

const char *
weiri_plugin_reason(const weiri_plugin_call *call)
{
    return call->is_failed ? call->reason : "it gave no reason";
}

void
weiri_plugin_log(weir_plugin_call *call, const char *format, ...)
{
    const weiri_plugin_call *self = calling(call);
    if (self->name == NULL || self->n_logged == NULL
        || *self->n_logged >= WEIRI_PLUGIN_LOG) {
        return;
    }
    char    line[500];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    fprintf(stderr, "weir: %s: %s\n", self->name, line);
    if (++*self->n_logged == WEIRI_PLUGIN_LOG) {
        fprintf(stderr, "weir: %s: says no more than %d lines\n", self->name,
            WEIRI_PLUGIN_LOG);
    }
}

bool
weiri_plugin_no_emit(
    weir_plugin_call *call, uint32_t row, const weir_value *values, uint32_t n_values)
{
    (void)row;
    (void)values;
    (void)n_values;
    return weiri_plugin_fail(call, "it gives an event where it was not given one");
}

bool
weiri_plugin_no_timer(weir_plugin_call *call, int64_t at_ns)
{
    (void)at_ns;
    return weiri_plugin_fail(call, "it sets a timer, and has no on_timer or no state");
}

void
weiri_plugin_nothing(weir_plugin_call *call)
{
    (void)call;
}

void
weiri_plugin_no_write(weir_plugin_call *call, const void *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    weiri_plugin_fail(
        call, "it writes more than 64 MiB of state, or when it was not asked");
}

char *
weiri_plugin_no_text(weir_plugin_call *call, size_t size)
{
    (void)size;
    weiri_plugin_fail(call, "it asks for the room of a function's text, and is none");
    return NULL;
}

void
weiri_plugin_count(weir_plugin_call *call, const char *name, uint64_t n)
{
    const weiri_plugin_call *self = calling(call);
    if (self->metrics != NULL) {
        weiri_metrics_count(self->metrics, self->name, name, n);
    }
}

void
weiri_plugin_gauge(weir_plugin_call *call, const char *name, double value)
{
    const weiri_plugin_call *self = calling(call);
    if (self->metrics != NULL) {
        weiri_metrics_gauge(self->metrics, self->name, name, value);
    }
}

const char *
weiri_plugin_value_fault(const weir_value *value, weir_type type)
{
    if (value->is_null) {
        return NULL;
    }
    if (value->type != type) {
        return "a value of another type";
    }
    if (type == WEIR_FLOAT && !isfinite(value->as.f)) {
        return "a number that is not finite";
    }
    bool is_text = type == WEIR_STRING;
    if (is_text
        && (value->size > WEIRI_RECORD_BYTES || (value->as.s == NULL && value->size > 0)
            || !weiri_utf8_is_valid(value->as.s, value->size))) {
        return "text that is not UTF-8, or more than 1 MiB";
    }
    return NULL;
}
