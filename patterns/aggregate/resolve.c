/* Names and types of aggregates. */
#include <string.h>

#include "weiri/window.h"

static const char *const NAMES[] = {
#define X(name, text) [WEIRI_AGGREGATE_##name] = text,
    WEIRI_AGGREGATE_LIST(X)
#undef X
};

enum { N_KINDS = sizeof NAMES / sizeof NAMES[0] };

bool
weiri_aggregate_find(const char *name, weiri_aggregate_kind *out)
{
    for (int i = 0; i < N_KINDS; i++) {
        if (NAMES[i][0] != '\0' && strcmp(NAMES[i], name) == 0) {
            *out = (weiri_aggregate_kind)i;
            return true;
        }
    }
    return false;
}

static bool
is_number(const weiri_expr *argument)
{
    return argument->type == WEIR_INT || argument->type == WEIR_FLOAT;
}

static weir_status
refuse(const weiri_aggregate *self, const char *takes, weir_error *err)
{
    return WEIR_FAIL(err, WEIR_EINVAL, "'%s' takes %s, not a %s", NAMES[self->kind],
        takes, weir_type_text(self->argument->type));
}

static weir_status
set(weiri_aggregate *self, weir_type type, weir_type element, bool is_nullable)
{
    self->type        = type;
    self->element     = element;
    self->is_nullable = is_nullable;
    return WEIR_OK;
}

static weir_status
resolve_sum(weiri_aggregate *self, weir_error *err)
{
    bool      is_avg = self->kind == WEIRI_AGGREGATE_AVG;
    weir_type type   = self->argument->type;
    if (!is_number(self->argument) && type != WEIR_DURATION) {
        return refuse(self, "an int, a float or a duration", err);
    }
    return set(self, is_avg && type == WEIR_INT ? WEIR_FLOAT : type, WEIR_NULL, true);
}

static weir_status
resolve_quantile(weiri_aggregate *self, weir_error *err)
{
    weir_type type = self->argument->type;
    if (!is_number(self->argument) && type != WEIR_DURATION && type != WEIR_TIME) {
        return refuse(self, "an int, a float, a duration or a time", err);
    }
    if (self->kind == WEIRI_AGGREGATE_QUANTILE && !(self->p >= 0.0 && self->p <= 1.0)) {
        return WEIR_FAIL(err, WEIR_EINVAL, "'quantile' takes a p from 0 to 1");
    }
    return set(self, type == WEIR_INT ? WEIR_FLOAT : type, WEIR_NULL, true);
}

static weir_status
resolve_moments(weiri_aggregate *self, weir_error *err)
{
    if (!is_number(self->argument)) {
        return refuse(self, "an int or a float", err);
    }
    if (self->kind == WEIRI_AGGREGATE_EWMA && self->width_ns <= 0) {
        return WEIR_FAIL(err, WEIR_EINVAL, "'ewma' takes a duration above zero");
    }
    if (self->kind == WEIRI_AGGREGATE_CORRELATION
        && (self->second == NULL || !is_number(self->second))) {
        return WEIR_FAIL(err, WEIR_EINVAL, "'correlation' takes two numbers");
    }
    return set(self, WEIR_FLOAT, WEIR_NULL, true);
}

static weir_status
resolve_argument(weiri_aggregate *self, weir_error *err)
{
    weir_type type = self->argument->type;
    switch (self->kind) {
    case WEIRI_AGGREGATE_PLUGIN:
        return set(self, (weir_type)self->foreign->table->result, WEIR_NULL, true);
    case WEIRI_AGGREGATE_SUM:
    case WEIRI_AGGREGATE_AVG: return resolve_sum(self, err);
    case WEIRI_AGGREGATE_MEDIAN:
    case WEIRI_AGGREGATE_QUANTILE: return resolve_quantile(self, err);
    case WEIRI_AGGREGATE_COUNT: return set(self, WEIR_INT, WEIR_NULL, false);
    case WEIRI_AGGREGATE_FIRST:
    case WEIRI_AGGREGATE_LAST:
    case WEIRI_AGGREGATE_LAG: return set(self, type, self->argument->element, true);
    case WEIRI_AGGREGATE_MIN:
    case WEIRI_AGGREGATE_MAX:
        return type == WEIR_LIST ? refuse(self, "anything but a list", err)
                                 : set(self, type, WEIR_NULL, true);
    case WEIRI_AGGREGATE_DISTINCT:
        return type == WEIR_LIST ? refuse(self, "anything but a list", err)
                                 : set(self, WEIR_INT, WEIR_NULL, false);
    case WEIRI_AGGREGATE_COLLECT:
    case WEIRI_AGGREGATE_TOP:
        if (type == WEIR_LIST) {
            return refuse(self, "anything but a list", err);
        }
        if (self->kind == WEIRI_AGGREGATE_TOP
            && (self->k < 1 || self->k > WEIRI_TOP_EXACT)) {
            return WEIR_FAIL(
                err, WEIR_EINVAL, "'top' takes a number from 1 to %d", WEIRI_TOP_EXACT);
        }
        return set(self, WEIR_LIST, type, false);
    default: return resolve_moments(self, err);
    }
}

weir_status
weiri_aggregate_resolve(weiri_aggregate *self, weir_error *err)
{
    if (self->filter != NULL && self->filter->type != WEIR_BOOL) {
        return WEIR_FAIL(err, WEIR_EINVAL, "'where' takes a bool, not a %s",
            weir_type_text(self->filter->type));
    }
    switch (self->kind) {
    case WEIRI_AGGREGATE_KEY: return WEIR_OK;
    case WEIRI_AGGREGATE_START:
    case WEIRI_AGGREGATE_END: return set(self, WEIR_TIME, WEIR_NULL, false);
    case WEIRI_AGGREGATE_COUNT:
        if (self->argument == NULL) {
            return set(self, WEIR_INT, WEIR_NULL, false);
        }
        break;
    default: break;
    }
    if (self->argument == NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL, "'%s' takes an argument", NAMES[self->kind]);
    }
    if (self->argument->type == WEIR_NULL) {
        return WEIR_FAIL(
            err, WEIR_EINVAL, "'%s' of null says nothing", NAMES[self->kind]);
    }
    return resolve_argument(self, err);
}
