/* Making a failing case smaller while it fails. */
#ifndef WEIR_TEST_SHRINK_H
#define WEIR_TEST_SHRINK_H

#include "spec.h"

typedef bool
shrink_fails(void *context, const spec *candidate);

/* The smallest case found that is valid and still fails; `budget` bounds the attempts. */
spec
spec_shrink(weiri_arena *arena, const spec *failing, shrink_fails *fails, void *context,
    uint32_t budget);

#endif
