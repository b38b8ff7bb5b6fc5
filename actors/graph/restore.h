/* What becomes of each part of a state that was kept. */
#ifndef WEIRI_RESTORE_H
#define WEIRI_RESTORE_H

#include "rules.h"

/* Tell whoever wants to know what became of a part. */
void
weiri_restore_tell(
    const weiri_restore *self, const char *what, const char *name, weiri_kept kept);

/* Tell of the rules with sections that the plan does not have any more, each once. A
 * section called `NAME#I` is a part of the state of the rule NAME. */
void
weiri_restore_tell_gone(const weiri_restore *self, const weiri_plan *plan);

/* Add the section of a rule, empty for one that nothing has mattered to.
 *
 *   name    of the section
 *   errors  as weiri_rules_save
 */
WEIR_MUST_CHECK weir_status
weiri_restore_save_rule(const weiri_rules *rules, uint32_t rule, const char *name,
    weiri_sections *out, weir_error *err);

/* Have a rule go on where a section was.
 *
 *   name    of the rule
 *   section its name; a rule without it begins empty
 *   kept    raised to what became of the section, if that is more than it says
 *   errors  WEIR_EDATA  it was another, or is damaged: `err` says how to go on without
 * it; never in a trial WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_restore_rule(const weiri_restore *self, weiri_rules *rules, uint32_t rule,
    const char *name, const char *section, weiri_kept *kept, weir_error *err);

#endif
