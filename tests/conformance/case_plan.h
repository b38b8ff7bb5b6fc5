/* A case of the corpora as a plan and a chunk of events. */
#ifndef WEIR_TEST_CASE_PLAN_H
#define WEIR_TEST_CASE_PLAN_H

#include "json.h"
#include "weiri/pattern.h"

/* The fields of every case's events. */
enum { CASE_TYPE, CASE_TS, CASE_ID, CASE_NAME, CASE_PRICE, CASE_VOLUME, CASE_N_FIELDS };

enum { CASE_NS_IN_MS = 1000000 };

const weir_schema *
case_schema(void);

/* NULL with *failure set where the case is not understood. */
weiri_match *
case_plan(weiri_arena *arena, const json *a_case, const char **failure);

/* Fill row `row` of a chunk of case_schema() from an entry of "events" and count it. */
void
case_add_event(weir_chunk *chunk, const json *event);

#endif
