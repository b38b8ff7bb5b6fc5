/* Calls made simpler before they are run. */
#ifndef WEIRI_FOLD_H
#define WEIRI_FOLD_H

#include "weiri/expr.h"

/* A call whose arguments have their final types, or something that always gives the same
 * value and counts the same faults: a constant if all arguments are constant and nothing
 * faults; a comparison of ints or of floats for one of an int and a float of which one
 * is constant. */
weiri_expr *
weiri_fold(weiri_arena *arena, weiri_expr *call);

#endif
