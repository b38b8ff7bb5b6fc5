/* What the files of `weir why` share. */
#ifndef WEIR_WHY_H
#define WEIR_WHY_H

#include "command.h"
#include "jsontext.h"
#include "story.h"
#include "weiri/reading.h"

enum { WHY_NEAREST = 3, WHY_OBSTACLES = 6, WHY_ROWS = 12 };

typedef struct why_request {
    setting_list          settings;
    redirect_list         redirects;
    weiri_reading_request replay;
    weiri_goal            goal;
    bool                  is_not;
    bool                  help;
} why_request;

/* What is told of. */
typedef struct why_telling {
    story              story;
    const weiri_plan  *plan;
    const weiri_rule  *rule;
    const why_request *request;
    weiri_reading     *replay;
    weiri_gathered     gathered;
} why_telling;

/* ---- why.c: matches ---- */

/* Whether the trace gives what the engine gave. Where a bound dropped something they may
 * differ, and the story is not to be relied on. */
bool
why_agrees(const why_telling *self);

bool
why_is_wanted(const why_telling *self, const weiri_read_match *match);

/* How many partial matches and held matches an output took away. */
uint32_t
why_taken_away(const why_telling *self, uint32_t output);

/* The nearest partial matches that are worth telling of.
 *
 *   is_any_time  not those alone that were under way at the time that is asked about
 *   out          shape (WHY_NEAREST,): indexes of the trace's ends
 */
uint32_t
why_pick_nearest(const why_telling *self, bool is_any_time, uint32_t *out);

/* Whether late events in their places would have made the match. */
bool
why_lates_matter(const why_telling *self);

/* ---- why_json.c ---- */

/* As one JSON object; see docs/tools.md. errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
why_match_as_json(const why_telling *self, weir_error *err);

/* The event's fields as a JSON object, in the arena; NULL: no memory. */
const char *
why_event_json(const story *self, const weiri_trace_event *event);

/* The 16 digits by which --match finds it again. */
const char *
why_id_text(weiri_arena *arena, uint64_t id);

/* ---- why_join.c: joins ---- */

/* "orders { id: "a" } with p { order: "a" }", of an event that a query reads; what is not
 * joined as event_text. */
const char *
why_row_text(const why_telling *self, const weiri_trace_event *event);

/* The last events of the left of the rule's join that found no counterpart, and what kept
 * the nearest of the right from being it. Nothing, where there is no such join. */
void
why_tell_lones(const why_telling *self);
void
why_put_lones(json_writer *out, const why_telling *self);

/* ---- why_query.c: queries ---- */

/* Text, or one JSON object. errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
why_query(const why_telling *self, weir_error *err);

#endif
