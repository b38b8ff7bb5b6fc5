/* Families: an actor a key. Topics. Timers, and a clock that can be repeated. */
#include "actor_probe.h"

static weiri_address
add_family(weiri_node *node, const char *name, const weiri_behaviour *behaviour,
    const void *config, uint32_t level)
{
    weir_error             err     = { 0 };
    weiri_address          address = WEIRI_NOBODY;
    const weiri_actor_spec spec    = {
           .name = name, .behaviour = behaviour, .config = config, .level = level
    };
    assert_ok(weiri_node_add_family(node, &spec, &address, &err));
    return address;
}

/* ---- counters by key ---- */

enum { KEYS = 50 };

struct counter {
    uint64_t *counts; /* shape (KEYS,) */
    uint64_t  key;
    uint64_t  n;
    uint32_t  goes_at; /* empty after so many; 0: never */
    bool      has_waited;
};

struct family {
    uint64_t counts[KEYS];
    uint64_t n_starts[KEYS];
    uint64_t n_lives; /* that goes_at ends */
    uint32_t goes_at;
};

static weir_status
count_init(weiri_actor *actor, void *state, const void *config, weir_error *err)
{
    struct counter *self = state;
    struct family  *family;
    uint32_t        size = 0;
    (void)err;
    memcpy(&family, &config, sizeof config);
    memcpy(&self->key, weiri_actor_key(actor, &size), sizeof self->key);
    assert_int_equal(size, sizeof self->key);
    assert_int_equal(weiri_actor_shard(actor),
        weiri_family_shard(weiri_family_hash(&self->key, sizeof self->key),
            weiri_actor_n_shards(actor)));
    self->counts  = family->counts;
    self->goes_at = family->goes_at;
    family->n_starts[self->key]++;
    return WEIR_OK;
}

static weir_status
count_message(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    struct counter *self = state;
    (void)actor;
    (void)err;
    assert_int_equal(message->as.words[0] % KEYS, self->key);
    self->n++;
    self->counts[self->key]++;
    return WEIR_OK;
}

static bool
count_is_empty(const void *state)
{
    const struct counter *self = state;
    return self->goes_at > 0 && self->n % self->goes_at == 0;
}

static const weiri_behaviour counting = { .size = sizeof(weiri_behaviour),
    .name                                       = "counting",
    .state_size                                 = sizeof(struct counter),
    .init                                       = count_init,
    .on_message                                 = count_message,
    .is_empty                                   = count_is_empty };

static void
run_family(uint64_t seed, uint32_t n_shards, uint32_t goes_at)
{
    enum { EACH = 8 };
    struct family    family = { .goes_at = goes_at };
    const rig_source source = {
        .to = "cards", .n = KEYS * EACH, .n_keys = KEYS, .burst = 7
    };
    weiri_node *node = rig_node(n_shards, 2, 16);
    add_family(node, "cards", &counting, &family, 1);
    rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
    rig_run(node, seed);
    uint64_t n_actors = 0;
    uint64_t n_dead   = 0;
    for (uint32_t i = 0; i < n_shards; i++) {
        n_actors += weiri_node_get_counts(node, i).n_actors;
        n_dead += weiri_node_get_counts(node, i).n_dead[WEIRI_REASON_NOBODY];
    }
    for (uint32_t key = 0; key < KEYS; key++) {
        rig_assert(seed, family.counts[key] == EACH);
        rig_assert(seed, goes_at > 0 || family.n_starts[key] == 1);
    }
    rig_assert(seed, n_dead == 0);
    rig_assert(seed, n_actors == (goes_at > 0 ? 1 : KEYS + 1)); /* and the source */
    weiri_node_destroy(&node);
}

static void
an_actor_is_made_by_the_first_message_to_its_key(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) {
        run_family(seed, 1 + (uint32_t)(seed % 3), 0);
    }
}

static void
an_actor_whose_state_is_empty_goes_and_loses_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) {
        run_family(seed, 1 + (uint32_t)(seed % 3), 2);
    }
}

/* ---- one that says "not now", and goes ---- */

static weir_status
once_not_now(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    struct counter *self = state;
    if (!self->has_waited) {
        self->has_waited   = true;
        weir_status status = weiri_actor_set_timer(actor, WEIRI_CLOCK_TIME,
            weiri_actor_now(actor, WEIRI_CLOCK_TIME) + 1000, 0, NULL);
        return status == WEIR_OK ? WEIR_EAGAIN : status;
    }
    return count_message(actor, state, message, err);
}

static weir_status
go_on(weiri_actor *actor, void *state, uint64_t tag, int64_t deadline_ns, weir_error *err)
{
    (void)state;
    (void)tag;
    (void)deadline_ns;
    (void)err;
    weiri_actor_resume(actor);
    return WEIR_OK;
}

static void
an_actor_that_held_messages_goes_when_it_is_empty(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) {
        weiri_behaviour  holding = counting;
        struct family    family  = { .goes_at = 1 };
        const rig_source source = { .to = "cards", .n = 200, .n_keys = KEYS, .burst = 7 };
        weiri_node      *node   = rig_node(2, 2, 16);
        holding.on_message      = once_not_now;
        holding.on_timer        = go_on;
        add_family(node, "cards", &holding, &family, 1);
        rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
        rig_run(node, seed);
        uint64_t n = 0;
        for (uint32_t i = 0; i < 2; i++) {
            n += weiri_node_get_counts(node, i).n_actors;
        }
        for (uint32_t key = 0; key < KEYS; key++) {
            rig_assert(seed, family.counts[key] == 200 / KEYS);
        }
        rig_assert(seed, n == 1);
        weiri_node_destroy(&node);
    }
}

/* ---- long keys ---- */

static weir_status
send_long_keys(weiri_actor *actor, probe *self)
{
    char          key[WEIRI_KEY_BYTES];
    weiri_message message = { .to = weiri_actor_resolve(actor, self->to),
        .kind                     = KIND_NUMBER };
    memset(key, 'k', sizeof key);
    for (uint32_t size = 1; size <= sizeof key; size++) {
        assert_ok(weiri_actor_send_keyed(actor, &message, key, size));
        assert_ok(weiri_actor_send_keyed(actor, &message, key, size));
    }
    assert_int_equal(weiri_actor_send_keyed(actor, &message, key, 0), WEIR_EINVAL);
    assert_int_equal(weiri_actor_send_keyed(actor, &message, key, 256), WEIR_EINVAL);
    assert_int_equal(weiri_actor_send(actor, &message), WEIR_EINVAL);
    return WEIR_OK;
}

static const weiri_behaviour forgetful = { .size = sizeof(weiri_behaviour),
    .name                                        = "forgetful",
    .state_size                                  = 16,
    .on_message                                  = NULL };

static weir_status
take(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    (void)actor;
    (void)state;
    (void)message;
    (void)err;
    return WEIR_OK;
}

static void
keys_of_any_size_reach_their_own_actors(void **state)
{
    (void)state;
    weiri_behaviour taking = forgetful;
    taking.on_message      = take;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        probe       a    = { .name = "a", .on_init = send_long_keys, .to = "texts" };
        weiri_node *node = rig_node(3, 2, 4);
        add_family(node, "texts", &taking, NULL, 1);
        rig_spawn(node, "a", &probe_behaviour, &a, 0, 0);
        rig_run(node, seed);
        uint64_t n = 0;
        for (uint32_t i = 0; i < 3; i++) {
            n += weiri_node_get_counts(node, i).n_actors;
        }
        rig_assert(seed, n == WEIRI_KEY_BYTES + 1);
        weiri_node_destroy(&node);
    }
}

/* ---- topics ---- */

static weir_status
subscribe(weiri_actor *actor, probe *self)
{
    return weiri_actor_subscribe(actor, weiri_actor_resolve(actor, self->to));
}

static weir_status
count_rows_then_leave(weiri_actor *actor, probe *self, weiri_message *message)
{
    assert_int_equal(message->form, WEIRI_FORM_CHUNK);
    assert_non_null(message->as.chunk.chunk);
    probe_note(self, "rows");
    return self->n == 2 ? weiri_actor_stop(actor, weiri_actor_address(actor)) : WEIR_OK;
}

static weir_status
publish_chunks(weiri_actor *actor, probe *self, weiri_message *message)
{
    static const weir_schema schema = { .name = "none" };
    (void)message;
    weir_chunk *made = NULL;
    assert_ok(weir_chunk_new(&schema, NULL, &made));
    const weir_chunk *chunk = made;
    weiri_message     out =
        weiri_message_of_chunk(weiri_actor_resolve(actor, self->to), KIND_NUMBER, &chunk);
    assert_ok(weiri_actor_send(actor, &out));
    if (self->n < 4) {
        weiri_actor_wake(actor);
    }
    return WEIR_OK;
}

static weir_status
begin(weiri_actor *actor, probe *self)
{
    (void)self;
    weiri_actor_wake(actor);
    return WEIR_OK;
}

static void
a_topic_gives_each_event_to_all_who_subscribed_and_are_there(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) {
        char  logs[2][PROBE_LOG] = { "", "" };
        probe a                  = { .name = "a",
                             .log          = logs[0],
                             .on_init      = subscribe,
                             .on_message   = count_rows_then_leave,
                             .to           = "topic" };
        probe b                  = a;
        probe p                  = {
                             .name = "p", .on_init = begin, .on_message = publish_chunks, .to = "topic"
        };
        b.name           = "b";
        b.log            = logs[1];
        weiri_node *node = rig_node(2, 3, 4);
        rig_spawn(node, "a", &probe_behaviour, &a, 0, 2);
        rig_spawn(node, "b", &probe_behaviour, &b, 0, 2);
        rig_spawn(node, "topic", &weiri_topic_behaviour, NULL, 0, 1);
        rig_spawn(node, "p", &probe_behaviour, &p, seed % 2, 0);
        rig_run(node, seed);
        uint64_t n_dead = weiri_node_get_counts(node, 0).n_dead[WEIRI_REASON_NOBODY];
        /* On the topic's shard everybody has subscribed before the first event. */
        rig_assert(seed, n_dead <= 4);
        rig_assert(
            seed, seed % 2 == 1 || strcmp(logs[0], "a rows\na rows\na fini\n") == 0);
        rig_assert(
            seed, seed % 2 == 1 || strcmp(logs[1], "b rows\nb rows\nb fini\n") == 0);
        weiri_node_destroy(&node);
    }
}

static weir_status
count_rows_then_unsubscribe(weiri_actor *actor, probe *self, weiri_message *message)
{
    (void)message;
    probe_note(self, "rows");
    return self->n == 2
               ? weiri_actor_unsubscribe(actor, weiri_actor_resolve(actor, self->to))
               : WEIR_OK;
}

static void
who_unsubscribes_stays_and_gets_nothing_more(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) {
        char  log[PROBE_LOG] = "";
        probe a              = { .name = "a",
                         .log          = log,
                         .on_init      = subscribe,
                         .on_message   = count_rows_then_unsubscribe,
                         .to           = "topic" };
        probe p              = {
                         .name = "p", .on_init = begin, .on_message = publish_chunks, .to = "topic"
        };
        size_t n_rows = 0;
        /* A mailbox of one: what is published after the second has not left before it. */
        weiri_node *node = rig_node(1, 3, 1);
        rig_spawn(node, "a", &probe_behaviour, &a, 0, 2);
        rig_spawn(node, "topic", &weiri_topic_behaviour, NULL, 0, 1);
        rig_spawn(node, "p", &probe_behaviour, &p, 0, 0);
        rig_run(node, seed);
        for (const char *at = log; (at = strstr(at, "a rows")) != NULL; at++) {
            n_rows++;
        }
        rig_assert(seed, n_rows == 2);
        rig_assert(seed, strstr(log, "a fini") == NULL);
        rig_assert(seed, weiri_node_get_counts(node, 0).n_dead[WEIRI_REASON_NOBODY] == 0);
        weiri_node_destroy(&node);
        rig_assert(seed, strstr(log, "a fini") != NULL);
    }
}

/* ---- timers ---- */

static weir_status
set_event_timers(weiri_actor *actor, probe *self)
{
    static const int64_t deadlines[] = { 30, 10, 20, 10, 40 };
    for (uint64_t i = 0; i < 5; i++) {
        assert_ok(weiri_actor_set_timer(actor, WEIRI_EVENT_TIME, deadlines[i], i, NULL));
    }
    (void)self;
    return WEIR_OK;
}

static weir_status
note_tag(weiri_actor *actor, probe *self, uint64_t tag)
{
    probe_note(self, "timer %llu at %lld", (unsigned long long)tag,
        (long long)weiri_actor_now(actor, WEIRI_EVENT_TIME));
    return WEIR_OK;
}

/* Numbers are event times. */
static weir_status
advance(weiri_actor *actor, probe *self, weiri_message *message)
{
    probe_note(self, "%llu", (unsigned long long)message->as.words[0]);
    weiri_actor_advance(actor, (int64_t)message->as.words[0] * 10 + 1);
    return WEIR_OK;
}

static void
event_timers_fire_in_the_order_of_deadline_and_setting(void **state)
{
    char             log[PROBE_LOG] = "";
    probe            a              = { .name = "a",
                                .log          = log,
                                .on_init      = set_event_timers,
                                .on_message   = advance,
                                .on_timer     = note_tag };
    const rig_source source         = { .to = "a", .n = 4 };
    (void)state;
    weiri_node *node = rig_node(1, 2, 0);
    rig_spawn(node, "a", &probe_behaviour, &a, 0, 1);
    rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
    rig_run(node, 1);
    assert_string_equal(log, "a 0\na 1\na timer 1 at 11\na timer 3 at 11\na 2\n"
                             "a timer 2 at 21\na 3\na timer 0 at 31\n");
    weiri_node_destroy(&node);
}

static weir_status
set_and_cancel(weiri_actor *actor, probe *self)
{
    weiri_timer_id timers[3];
    for (uint64_t i = 0; i < 3; i++) {
        assert_ok(weiri_actor_set_timer(
            actor, WEIRI_EVENT_TIME, 10 * (int64_t)(i + 1), i, &timers[i]));
    }
    assert_true(weiri_actor_cancel_timer(actor, timers[1]));
    assert_false(weiri_actor_cancel_timer(actor, timers[1]));
    (void)self;
    return WEIR_OK;
}

static void
a_timer_that_is_cancelled_does_not_fire(void **state)
{
    char             log[PROBE_LOG] = "";
    probe            a              = { .name = "a",
                                .log          = log,
                                .on_init      = set_and_cancel,
                                .on_message   = advance,
                                .on_timer     = note_tag };
    const rig_source source         = { .to = "a", .n = 5 };
    (void)state;
    weiri_node *node = rig_node(1, 2, 0);
    rig_spawn(node, "a", &probe_behaviour, &a, 0, 1);
    rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
    rig_run(node, 1);
    assert_string_equal(
        log, "a 0\na 1\na timer 0 at 11\na 2\na 3\na timer 2 at 31\na 4\n");
    weiri_node_destroy(&node);
}

/* Twenty times: a timer a random while ahead, written down with what the clock says then;
 * meanwhile numbers go by. */
static weir_status
set_next(weiri_actor *actor, probe *self)
{
    int64_t now = weiri_actor_now(actor, WEIRI_CLOCK_TIME);
    (void)self;
    return weiri_actor_set_timer(
        actor, WEIRI_CLOCK_TIME, now + 50 + now % 700, (uint64_t)now, NULL);
}

static weir_status
note_and_set_next(weiri_actor *actor, probe *self, uint64_t tag)
{
    probe_note(self, "set at %llu, now %lld", (unsigned long long)tag,
        (long long)weiri_actor_now(actor, WEIRI_CLOCK_TIME));
    self->n++;
    return self->n < 1000 && strlen(self->log) < PROBE_LOG - 300 ? set_next(actor, self)
                                                                 : WEIR_OK;
}

static weir_status
note_some(weiri_actor *actor, probe *self, weiri_message *message)
{
    (void)actor;
    if (message->as.words[0] % 16 == 0 && strlen(self->log) < PROBE_LOG - 300) {
        probe_note(self, "%llu", (unsigned long long)message->as.words[0]);
    }
    return WEIR_OK;
}

enum { MAX_TICKS = 4096 };

struct recording {
    weiri_tick ticks[MAX_TICKS];
    size_t     n;
};

static void
record(void *context, uint32_t shard, const weiri_tick *tick)
{
    struct recording *self = context;
    (void)shard;
    assert_true(self->n < MAX_TICKS);
    self->ticks[self->n++] = *tick;
}

static void
run_clocked(char log[PROBE_LOG], uint64_t seed, struct recording *recording,
    const struct recording *replay)
{
    const weiri_node_config config = { .n_shards = 1,
        .n_levels                                = 2,
        .on_tick                                 = recording != NULL ? record : NULL,
        .context                                 = recording };
    weir_error              err    = { 0 };
    weiri_node             *node   = NULL;
    probe                   a      = { .name = "a",
                               .log          = log,
                               .on_init      = set_next,
                               .on_message   = note_some,
                               .on_timer     = note_and_set_next };
    const rig_source        source = { .to = "a", .n = 500 };
    assert_ok(weiri_node_new(&config, &node, &err));
    rig_spawn(node, "a", &probe_behaviour, &a, 0, 1);
    rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
    const weiri_simulation how = { .seed = seed,
        .ticks                           = replay != NULL ? replay->ticks : NULL,
        .n_ticks                         = replay != NULL ? replay->n : 0 };
    assert_ok(weiri_node_simulate(node, &how, &err));
    weiri_node_destroy(&node);
}

static void
a_run_with_clock_timers_is_repeated_by_its_ticks(void **state)
{
    static struct recording recording;
    (void)state;
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) {
        char first[PROBE_LOG]  = "";
        char second[PROBE_LOG] = "";
        recording.n            = 0;
        run_clocked(first, seed, &recording, NULL);
        run_clocked(second, seed + 1000, NULL, &recording);
        rig_assert(seed, strstr(first, "set at") != NULL);
        if (strcmp(first, second) != 0) {
            fail_msg("seed %llu:\n%s\n---\n%s", (unsigned long long)seed, first, second);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_actor_is_made_by_the_first_message_to_its_key),
        cmocka_unit_test(an_actor_whose_state_is_empty_goes_and_loses_nothing),
        cmocka_unit_test(an_actor_that_held_messages_goes_when_it_is_empty),
        cmocka_unit_test(keys_of_any_size_reach_their_own_actors),
        cmocka_unit_test(a_topic_gives_each_event_to_all_who_subscribed_and_are_there),
        cmocka_unit_test(who_unsubscribes_stays_and_gets_nothing_more),
        cmocka_unit_test(event_timers_fire_in_the_order_of_deadline_and_setting),
        cmocka_unit_test(a_timer_that_is_cancelled_does_not_fire),
        cmocka_unit_test(a_run_with_clock_timers_is_repeated_by_its_ticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
