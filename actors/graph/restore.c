#include "restore.h"

#include <string.h>

/* A rule that was made for another goes with it: `paid, join 1` with `paid`. */
bool
weiri_restore_discards(const weiri_restore *self, const char *rule)
{
    size_t size = strcspn(rule, ",");
    for (size_t i = 0; i < self->n_discard; i++) {
        if (strlen(self->discard[i]) == size
            && strncmp(self->discard[i], rule, size) == 0) {
            return true;
        }
    }
    return false;
}

void
weiri_restore_tell(
    const weiri_restore *self, const char *what, const char *name, weiri_kept kept)
{
    if (self->told != NULL) {
        self->told(self->context, what, name, kept);
    }
}

static bool
is_rule(const weiri_plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        if (strcmp(plan->rules[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

void
weiri_restore_tell_gone(const weiri_restore *self, const weiri_plan *plan)
{
    for (uint32_t s = 0; s < self->sections->n; s++) {
        const char *name = NULL;
        if (!weiri_section_is(&self->sections->items[s], "rule", &name)) {
            continue;
        }
        if (!is_rule(plan, name)) {
            weiri_restore_tell(self, "rule", name, WEIRI_KEPT_GONE);
        }
    }
}

weir_status
weiri_restore_add_rule(
    weiri_keyed *keyed, const char *name, weiri_sections *out, weir_error *err)
{
    weiri_pack *pack = weiri_sections_begin(out, "rule", name);
    bool ok = pack != NULL && (keyed->n_heads == 0 || weiri_keyed_finish(keyed, pack));
    weiri_keyed_fini(keyed);
    return ok ? WEIR_OK : WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
}

static void
raise(weiri_kept *kept, weiri_kept to)
{
    *kept = to > *kept ? to : *kept;
}

static weir_status
load(const weiri_restore_part *part, const weiri_unpack *in, const char *name,
    weir_error *err)
{
    weiri_keyed_load from = { .groups = part->groups, .is_first = part->is_first };
    if (!weiri_keyed_open(&from.from, in->at, (size_t)(in->end - in->at))) {
        return WEIR_FAIL(err, WEIR_EDATA, "rule '%s': the state cannot be loaded: %s",
            name, from.from.in.wrong);
    }
    return weiri_rules_load(part->rules, part->rule, &from, err);
}

weir_status
weiri_restore_rule(const weiri_restore *self, const weiri_restore_part *part,
    const char *name, weiri_kept *kept, weir_error *err)
{
    weiri_unpack in = { 0 };
    if (!weiri_sections_find(self->sections, "rule", name, &in)) {
        raise(kept, WEIRI_KEPT_NONE);
        return WEIR_OK;
    }
    if (in.at == in.end) {
        return WEIR_OK;
    }
    if (weiri_restore_discards(self, name)) {
        raise(kept, WEIRI_KEPT_LOST);
        return WEIR_OK;
    }
    weir_status status = load(part, &in, name, err);
    if (status == WEIR_EDATA && self->is_trial) {
        raise(kept, WEIRI_KEPT_OTHER);
        return WEIR_OK;
    }
    return status == WEIR_EDATA
               ? WEIR_CONTEXT(err, status, "state (--discard %s begins it anew)", name)
               : status;
}
