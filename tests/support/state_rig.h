/* Rules of every kind of state, and made-up events for them: for the tests of state. */
#ifndef STATE_RIG_H
#define STATE_RIG_H

#include "weiri/dsl.h"
#include "weiri/join.h"
#include "weiri/matcher.h"
#include "weiri/window.h"

/* How many rules there are. */
uint32_t
state_rig_rules(void);

typedef struct state_rig {
    weiri_plan        *plan;
    const weiri_match *match;
    weiri_matcher     *matcher;
    const weiri_query *query; /* of a rule with a window: it has a windower instead */
    weiri_windower    *windower;
    const weiri_join  *join; /* NULL: one of the others */
    weiri_joiner      *joiner;
    weiri_pack         log;  /* all that was given, byte by byte */
    uint64_t           seed; /* of the events */
    int64_t            now_ns;
    uint32_t           n_fed;
} state_rig;

/* A matcher or windower of rule number `rule`. False: it does not compile, and stderr
 * says why. */
bool
state_rig_init(state_rig *self, uint32_t rule, uint64_t seed);

void
state_rig_fini(state_rig *self);

/* As after state_rig_init with another seed. */
weir_status
state_rig_reset(state_rig *self, uint64_t seed);

/* The next `n` events, each a batch. */
weir_status
state_rig_feed(state_rig *self, uint32_t n);

/* Draw the next `n` events for nobody. */
void
state_rig_pass(state_rig *self, uint32_t n);

/* Time goes on for a while, then the input ends. */
weir_status
state_rig_end(state_rig *self);

/* Put a new matcher or windower in the place of the old one. */
weir_status
state_rig_renew(state_rig *self);

/* … that goes on from a saved state. */
weir_status
state_rig_load(state_rig *self, const uint8_t *bytes, size_t size, weir_error *err);

/* … without a new one. */
weir_status
state_rig_load_again(state_rig *self, const uint8_t *bytes, size_t size, weir_error *err);

weir_status
state_rig_save(const state_rig *self, weiri_pack *out, weir_error *err);

/* Whether the counts of two are the same. */
bool
state_rig_counts_agree(const state_rig *self, const state_rig *other);

#endif
