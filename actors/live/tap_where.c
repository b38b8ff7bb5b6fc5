#include <string.h>

#include "tap_inside.h"
#include "weiri/cluster.h"
#include "weiri/keyed.h"
#include "weiri/numtext.h"
#include "weiri/timetext.h"

bool
weiri_tap_read_value(
    weiri_tap *self, const char *text, size_t size, weir_type type, weir_value *out)
{
    *out = (weir_value){ .type = (uint8_t)type };
    switch (type) {
    case WEIR_STRING:
        out->as.s = weiri_arena_text(self->arena, text, size);
        out->size = (uint32_t)size;
        return true;
    case WEIR_INT: return weiri_int_parse(text, size, &out->as.i);
    case WEIR_FLOAT: return weiri_float_parse(text, size, &out->as.f);
    case WEIR_TIME: return weiri_time_parse(text, size, &out->as.i);
    case WEIR_DURATION: return weiri_duration_parse(text, size, &out->as.i);
    case WEIR_BOOL:
        out->as.b = size == 4 && memcmp(text, "true", size) == 0;
        return out->as.b || (size == 5 && memcmp(text, "false", size) == 0);
    case WEIR_NULL:
    case WEIR_LIST: break;
    }
    return false;
}

bool
weiri_tap_has_key(const weiri_tap *self, const weir_value *values)
{
    const weiri_cluster_plan *cluster = self->plan->cluster;
    uint32_t                  n       = self->inputs->n_keys;
    return cluster == NULL || self->rule->spread != WEIRI_SPREAD_KEYS || n == 0
           || cluster->owners[weiri_place_group(weiri_key_place(values, n))]
                  == cluster->self;
}

weir_status
weiri_tap_check_place(weiri_tap *self, weir_error *err)
{
    const weiri_cluster_plan *cluster     = self->plan->cluster;
    const char               *at          = self->wish.key;
    bool                      is_of_state = self->wish.has_key || self->wish.is_partial;
    if (cluster == NULL || self->rule == NULL || !is_of_state) {
        return WEIR_OK;
    }
    if (self->rule->is_elsewhere) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "rule '%s' is run by another node of cluster '%s'", self->rule->name,
            cluster->name);
    }
    uint32_t    n      = self->inputs->n_keys;
    weir_value *values = weiri_arena_alloc(self->arena, (n + (size_t)1) * sizeof *values);
    for (uint32_t i = 0; self->wish.has_key && i < n; i++) {
        size_t size = i + 1 < n ? strcspn(at, ",") : strlen(at);
        if (!weiri_tap_read_value(
                self, at, size, self->inputs->inputs[0].keys[i]->type, &values[i])) {
            return WEIR_OK; /* told where it is looked for */
        }
        at += size + (at[size] == ',');
    }
    if (self->wish.has_key && !weiri_tap_has_key(self, values)) {
        uint32_t owner = cluster->owners[weiri_place_group(weiri_key_place(values, n))];
        return WEIR_FAIL(err, WEIR_EINVAL, "key '%s' of rule '%s' is with node '%s'",
            self->wish.key, self->rule->name, cluster->members[owner]);
    }
    return WEIR_OK;
}
