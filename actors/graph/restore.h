/* What becomes of each part of a state that was kept. */
#ifndef WEIRI_RESTORE_H
#define WEIRI_RESTORE_H

#include "rules.h"

/* Tell whoever wants to know what became of a part. */
void
weiri_restore_tell(
    const weiri_restore *self, const char *what, const char *name, weiri_kept kept);

/* Tell of the rules with sections that the plan does not have any more. */
void
weiri_restore_tell_gone(const weiri_restore *self, const weiri_plan *plan);

/* Add the section of a rule, empty for one that nothing has mattered to.
 *
 *   keyed   its state; empty afterwards
 *   errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_restore_add_rule(
    weiri_keyed *keyed, const char *name, weiri_sections *out, weir_error *err);

/* Whose part of a rule's state is to be loaded. */
typedef struct weiri_restore_part {
    weiri_rules        *rules;
    uint32_t            rule;
    const weiri_groups *groups;   /* NULL: all                        */
    bool                is_first; /* of the parts that the rule has now */
} weiri_restore_part;

/* Have a rule, or a part of it, go on where the section of that name was.
 *
 *   name    a rule without a section begins empty
 *   kept    raised to what became of the section, if that is more than it says
 *   errors  WEIR_EDATA   it was another, or is damaged: `err` says how to go on without
 *                        it; never in a trial
 *           WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_restore_rule(const weiri_restore *self, const weiri_restore_part *part,
    const char *name, weiri_kept *kept, weir_error *err);

#endif
