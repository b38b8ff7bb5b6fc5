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
is_rule(const weiri_plan *plan, const char *name, size_t size)
{
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        const char *rule = plan->rules[i].name;
        if (strlen(rule) == size && strncmp(rule, name, size) == 0) {
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
        size_t size     = strcspn(name, "#");
        bool   is_first = name[size] == '\0' || strcmp(name + size, "#0") == 0;
        if (is_first && !is_rule(plan, name, size)) {
            char rule[WEIRI_SECTION_NAME];
            memcpy(rule, name, size);
            rule[size] = '\0';
            weiri_restore_tell(self, "rule", rule, WEIRI_KEPT_GONE);
        }
    }
}

weir_status
weiri_restore_save_rule(const weiri_rules *rules, uint32_t rule, const char *name,
    weiri_sections *out, weir_error *err)
{
    weiri_pack *pack = weiri_sections_begin(out, "rule", name);
    return pack != NULL ? weiri_rules_save(rules, rule, pack, err)
                        : WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
}

static void
raise(weiri_kept *kept, weiri_kept to)
{
    *kept = to > *kept ? to : *kept;
}

weir_status
weiri_restore_rule(const weiri_restore *self, weiri_rules *rules, uint32_t rule,
    const char *name, const char *section, weiri_kept *kept, weir_error *err)
{
    weiri_unpack in = { 0 };
    if (!weiri_sections_find(self->sections, "rule", section, &in)) {
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
    weir_status status = weiri_rules_load(rules, rule, &in, err);
    if (status == WEIR_EDATA && self->is_trial) {
        raise(kept, WEIRI_KEPT_OTHER);
        return WEIR_OK;
    }
    return status == WEIR_EDATA
               ? WEIR_CONTEXT(err, status, "state (--discard %s begins it anew)", name)
               : status;
}
