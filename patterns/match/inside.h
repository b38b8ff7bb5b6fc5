/* What a matcher is made of, for explanations: to be looked at, not changed. */
#ifndef WEIRI_INSIDE_H
#define WEIRI_INSIDE_H

#include "match/executor.h"

const weiri_core *
weiri_matcher_core(const weiri_matcher *self);

const weiri_executor_ops *
weiri_matcher_ops(const weiri_matcher *self);

const weiri_executor *
weiri_matcher_executor(const weiri_matcher *self);

#endif
