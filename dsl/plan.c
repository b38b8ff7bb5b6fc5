#include "weiri/dsl.h"

void
weiri_plan_destroy(weiri_plan **self_p)
{
    if (*self_p != NULL) {
        weiri_arena *arena = (*self_p)->arena; /* holds the plan itself */
        weiri_arena_destroy(&arena);
        *self_p = NULL;
    }
}
