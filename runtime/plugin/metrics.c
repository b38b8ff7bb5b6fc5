/* Counters and gauges of plugins. Few and short, so that one lock and a search in order
 * do; what a plugin counts it counts at most once a call. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "weiri/plugin.h"

struct weiri_metrics {
    atomic_flag   lock;
    weiri_metric *items; /* shape (n,): by owner, then by name */
    uint32_t      n;
    uint32_t      room;
};

weiri_metrics *
weiri_metrics_new(void)
{
    weiri_metrics *self = calloc(1, sizeof *self);
    if (self != NULL) {
        atomic_flag_clear(&self->lock);
    }
    return self;
}

static void
lock(weiri_metrics *self)
{
    while (atomic_flag_test_and_set_explicit(&self->lock, memory_order_acquire)) {
    }
}

static void
unlock(weiri_metrics *self)
{
    atomic_flag_clear_explicit(&self->lock, memory_order_release);
}

void
weiri_metrics_destroy(weiri_metrics **self_p)
{
    weiri_metrics *self = *self_p;
    *self_p             = NULL;
    if (self != NULL) {
        free(self->items);
        free(self);
    }
}

static bool
is_name(const char *name)
{
    if (name == NULL || name[0] < 'a' || name[0] > 'z') {
        return false;
    }
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return name[size] == 0 && size <= WEIRI_METRIC_NAME;
}

static int
compare(const weiri_metric *metric, const char *owner, const char *name)
{
    int order = strncmp(metric->owner, owner, WEIRI_METRIC_NAME);
    return order != 0 ? order : strcmp(metric->name, name);
}

static bool
has_room(weiri_metrics *self, const char *owner)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->n; i++) {
        n += strncmp(self->items[i].owner, owner, WEIRI_METRIC_NAME) == 0;
    }
    if (n >= WEIRI_METRICS_EACH || self->n >= WEIRI_METRICS) {
        return false;
    }
    if (self->n == self->room) {
        uint32_t room  = self->room == 0 ? 8 : 2 * self->room;
        void    *items = realloc(self->items, room * sizeof *self->items);
        self->items    = items != NULL ? items : self->items;
        self->room     = items != NULL ? room : self->room;
    }
    return self->n < self->room;
}

/* The metric, made if it is new; NULL: it cannot be. */
static weiri_metric *
need(weiri_metrics *self, const char *owner, const char *name, bool is_gauge)
{
    uint32_t i = 0;
    while (i < self->n && compare(&self->items[i], owner, name) < 0) {
        i++;
    }
    if (i < self->n && compare(&self->items[i], owner, name) == 0) {
        return self->items[i].is_gauge == is_gauge ? &self->items[i] : NULL;
    }
    if (!has_room(self, owner)) {
        return NULL;
    }
    weiri_metric *at = &self->items[i];
    memmove(at + 1, at, (self->n - i) * sizeof *at);
    memset(at, 0, sizeof *at);
    strncpy(at->owner, owner, WEIRI_METRIC_NAME);
    strncpy(at->name, name, WEIRI_METRIC_NAME);
    at->is_gauge = is_gauge;
    self->n++;
    return at;
}

void
weiri_metrics_count(weiri_metrics *self, const char *owner, const char *name, uint64_t n)
{
    if (!is_name(name)) {
        return;
    }
    lock(self);
    weiri_metric *metric = need(self, owner, name, false);
    if (metric != NULL) {
        metric->count += n;
    }
    unlock(self);
}

void
weiri_metrics_gauge(
    weiri_metrics *self, const char *owner, const char *name, double value)
{
    if (!is_name(name) || !isfinite(value)) {
        return;
    }
    lock(self);
    weiri_metric *metric = need(self, owner, name, true);
    if (metric != NULL) {
        metric->gauge = value;
    }
    unlock(self);
}

bool
weiri_metrics_at(weiri_metrics *self, uint32_t i, weiri_metric *out)
{
    lock(self);
    bool is_there = i < self->n;
    if (is_there) {
        *out = self->items[i];
    }
    unlock(self);
    return is_there;
}
