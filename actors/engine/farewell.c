/* The end: what this node owes others whose links have ended, and they owe it. */
#include "inside.h"
#include "weiri/timetext.h"

static bool
is_of_link(const weiri_engine *self, uint32_t source)
{
    return self->plan->sources[source].endpoint == WEIRI_ENDPOINT_NODE;
}

static void
count_outlet(void *context, weiri_outlet *outlet)
{
    weiri_farewell     *all = context;
    weiri_link_farewell is  = weiri_outlet_farewell(outlet);
    all->n_unkept += !is.is_kept;
    all->n_bound += is.parting != WEIRI_LINK_PARTED;
    all->n_there += is.parting != WEIRI_LINK_PARTED && is.is_there;
    all->n_unsaid += is.is_unsaid;
    all->has_news = all->has_news || weiri_outlet_has_news(outlet);
}

weiri_farewell
weiri_engine_farewell(const weiri_engine *self)
{
    weiri_farewell all = { 0 };
    weiri_engine_each_outlet(self, count_outlet, &all);
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        weiri_link_farewell is = weiri_intake_farewell(self->intakes[i]);
        if (!is_of_link(self, i)
            || weiri_intake_clock(self->intakes[i])->now_ns != INT64_MAX) {
            continue; /* of those who are stopped nobody leaves */
        }
        all.n_unsettled += is.parting == WEIRI_LINK_FLOWING && is.is_lasting;
        all.n_staying += is.parting != WEIRI_LINK_PARTED;
    }
    all.has_news = all.has_news || weiri_engine_has_news(self);
    return all;
}

bool
weiri_farewell_waits(const weiri_farewell *self, weiri_patience *times, int64_t now_ns)
{
    if (self->n_unkept > 0 || self->n_unsettled > 0 || self->n_there > 0
        || self->n_unsaid > 0) {
        times->there_ns = now_ns;
        times->bound_ns = now_ns;
        return true;
    }
    if (self->n_bound > 0) {
        times->bound_ns = now_ns;
        return now_ns - times->there_ns < WEIRI_LINK_AWAY_MS * WEIRI_NS_PER_MS;
    }
    return self->n_staying > 0
           && now_ns - times->bound_ns < WEIRI_WIRE_LINGER_MS * WEIRI_NS_PER_MS;
}

bool
weiri_engine_has_news(const weiri_engine *self)
{
    bool has = false;
    for (uint32_t i = 0; i < self->plan->n_sources && !has; i++) {
        has = weiri_intake_has_news(self->intakes[i]);
    }
    return has;
}

static void
note_outlet(void *context, weiri_outlet *outlet)
{
    (void)context;
    weiri_outlet_note(outlet);
}

void
weiri_engine_note(weiri_engine *self)
{
    weiri_engine_each_outlet(self, note_outlet, NULL);
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        weiri_intake_note(self->intakes[i]);
    }
}

static void
release_outlet(void *context, weiri_outlet *outlet)
{
    (void)context;
    weiri_outlet_release(outlet);
}

void
weiri_engine_release(weiri_engine *self)
{
    weiri_engine_each_outlet(self, release_outlet, NULL);
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        weiri_intake_release(self->intakes[i]);
    }
}
