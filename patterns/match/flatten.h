/* weiri_builder_fold: from raw states to drafts without PROCEED edges. */
#ifndef WEIRI_FLATTEN_H
#define WEIRI_FLATTEN_H

#include "match/builder.h"
#include "match/minimise.h"

/* Drafts of all states that partial matches can be in, in the builder's arena; draft 0
 * is where they begin. NULL: see the builder's failure. */
weiri_draft *
weiri_builder_fold(weiri_builder *builder, uint32_t *n);

#endif
