/* What a single actor can do, and what becomes of it. */
#include "actor_probe.h"

#include "actor/state.h"

/* ---- states ---- */

static void
only_the_steps_of_the_table_can_be_taken(void **state)
{
    static const char *const states[] = {
#define X(name, text) text,
        ACTOR_STATE_LIST(X)
#undef X
    };
    static const char *const steps[] = {
#define X(name, text) text,
        ACTOR_STEP_LIST(X)
#undef X
    };
    char all[1024] = "";
    (void)state;
    for (uint32_t from = 0; from < N_ACTOR_STATES; from++) {
        for (uint32_t step = 0; step < N_ACTOR_STEPS; step++) {
            uint8_t to = weiri_actor_transitions[from][step];
            if (to != ACTOR_GONE) {
                size_t used = strlen(all);
                snprintf(all + used, sizeof all - used, "%s: %s -> %s\n", states[from],
                    steps[step], states[to]);
            }
        }
    }
    assert_string_equal(all, "created: start -> running\n"
                             "created: fail -> failed\n"
                             "running: pause -> paused\n"
                             "running: fail -> failed\n"
                             "running: drain -> drained\n"
                             "paused: resume -> running\n"
                             "paused: fail -> failed\n"
                             "failed: fail -> failed\n"
                             "failed: recover -> running\n"
                             "drained: pause -> paused\n"
                             "drained: fail -> failed\n");
}

/* ---- order ---- */

static weir_status
note_number(weiri_actor *actor, probe *self, weiri_message *message)
{
    (void)actor;
    probe_note(self, "%llu", (unsigned long long)message->as.words[0]);
    return WEIR_OK;
}

static weir_status
send_three(weiri_actor *actor, probe *self)
{
    for (uint64_t i = 1; i <= 3; i++) {
        assert_ok(probe_send(actor, self->to, i));
    }
    return WEIR_OK;
}

static weir_status
note_and_pass(weiri_actor *actor, probe *self, weiri_message *message)
{
    note_number(actor, self, message);
    return probe_send(actor, self->to, message->as.words[0] * 10);
}

static void
what_follows_from_a_message_is_done_before_the_next(void **state)
{
    char  log[PROBE_LOG] = "";
    probe a              = { .name = "a", .on_init = send_three, .to = "b" };
    probe b = { .name = "b", .log = log, .on_message = note_and_pass, .to = "c" };
    probe c = { .name = "c", .log = log, .on_message = note_number };
    (void)state;
    weiri_node *node = rig_node(1, 3, 0);
    rig_spawn(node, "a", &probe_behaviour, &a, 0, 0);
    rig_spawn(node, "b", &probe_behaviour, &b, 0, 1);
    rig_spawn(node, "c", &probe_behaviour, &c, 0, 2);
    rig_run(node, 1);
    assert_string_equal(log, "b 1\nc 10\nb 2\nc 20\nb 3\nc 30\n");
    weiri_node_destroy(&node);
    assert_string_equal(log, "b 1\nc 10\nb 2\nc 20\nb 3\nc 30\nc fini\nb fini\n");
}

static weir_status
send_by_turns(weiri_actor *actor, probe *self)
{
    (void)self;
    assert_ok(probe_send(actor, "b", 1));
    assert_ok(probe_send(actor, "c", 2));
    assert_ok(probe_send(actor, "b", 3));
    assert_ok(probe_send(actor, "c", 4));
    return WEIR_OK;
}

static void
what_one_callback_sends_to_several_levels_is_worked_off_deepest_first(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) { /* turns cut anywhere */
        char  log[PROBE_LOG] = "";
        probe a              = { .name = "a", .on_init = send_by_turns };
        probe b = { .name = "b", .log = log, .on_message = note_and_pass, .to = "c" };
        probe c = { .name = "c", .log = log, .on_message = note_number };

        weiri_node *node = rig_node(1, 3, 0);
        rig_spawn(node, "a", &probe_behaviour, &a, 0, 0);
        rig_spawn(node, "b", &probe_behaviour, &b, 0, 1);
        rig_spawn(node, "c", &probe_behaviour, &c, 0, 2);
        rig_run(node, seed);
        assert_string_equal(log, "c 2\nc 4\nb 1\nc 10\nb 3\nc 30\n");
        weiri_node_destroy(&node);
    }
}

static uint32_t n_released;

static void
count_release(void *bytes)
{
    (void)bytes;
    n_released++;
}

static weir_status
send_bytes_and_stop(weiri_actor *actor, probe *self)
{
    static char bytes[8];
    for (uint32_t i = 0; i < 2; i++) {
        weiri_message message = { .to = weiri_actor_resolve(actor, self->to),
            .kind                     = KIND_NUMBER,
            .form                     = WEIRI_FORM_BYTES,
            .as.block                 = { bytes, sizeof bytes, count_release } };
        assert_ok(weiri_actor_send(actor, &message));
        assert_int_equal(message.form, WEIRI_FORM_INLINE);
    }
    weiri_actor_stop_node(actor, WEIR_OK, NULL);
    return WEIR_OK;
}

static void
what_waits_when_the_node_is_stopped_is_counted_and_given_back(void **state)
{
    probe a = { .name = "a", .on_init = send_bytes_and_stop, .to = "b" };
    probe b = { .name = "b", .on_message = note_number };
    (void)state;
    n_released         = 0;
    weiri_node   *node = rig_node(1, 2, 0);
    weiri_address to   = rig_spawn(node, "b", &probe_behaviour, &b, 0, 1);
    rig_spawn(node, "a", &probe_behaviour, &a, 0, 0);
    rig_run(node, 1);
    assert_int_equal(weiri_node_get_actor_counts(node, to).n_waiting, 2);
    assert_int_equal(weiri_node_get_counts(node, 0).n_waiting, 2);
    assert_int_equal(n_released, 0);
    weiri_node_destroy(&node);
    assert_int_equal(n_released, 2);
}

static weir_status
send_and_signal(weiri_actor *actor, probe *self)
{
    assert_ok(probe_send(actor, self->to, 1));
    assert_ok(probe_signal(actor, weiri_actor_resolve(actor, self->to), 2));
    return WEIR_OK;
}

static void
a_signal_goes_before_events(void **state)
{
    char  log[PROBE_LOG] = "";
    probe a              = { .name = "a", .on_init = send_and_signal, .to = "b" };
    probe b              = { .name = "b", .log = log, .on_message = note_number };
    (void)state;
    weiri_node *node = rig_node(1, 2, 0);
    rig_spawn(node, "a", &probe_behaviour, &a, 0, 0);
    rig_spawn(node, "b", &probe_behaviour, &b, 0, 1);
    rig_run(node, 1);
    assert_string_equal(log, "b 2\nb 1\n");
    weiri_node_destroy(&node);
}

static weir_status
note_drain(weiri_actor *actor, probe *self)
{
    probe_note(self, "drain");
    return self->to != NULL ? probe_send(actor, self->to, 7) : WEIR_OK;
}

static void
levels_are_drained_in_order_everywhere(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) {
        char  log[PROBE_LOG] = "";
        probe a = { .name = "a", .log = log, .on_drain = note_drain, .to = "c" };
        probe b = { .name = "b", .log = log, .on_drain = note_drain, .to = "d" };
        probe c = { .name = "c",
            .log          = log,
            .on_message   = note_number,
            .on_drain     = note_drain,
            .to           = "d" };
        probe d = {
            .name = "d", .log = log, .on_message = note_number, .on_drain = note_drain
        };
        weiri_node *node = rig_node(2, 4, 1);
        rig_spawn(node, "d", &probe_behaviour, &d, 0, 3);
        rig_spawn(node, "c", &probe_behaviour, &c, 1, 2);
        rig_spawn(node, "b", &probe_behaviour, &b, 0, 1);
        rig_spawn(node, "a", &probe_behaviour, &a, 0, 0);
        rig_run(node, seed);
        rig_assert(seed,
            strcmp(log, "a drain\nc 7\nb drain\nd 7\nc drain\nd 7\nd drain\n") == 0);
        weiri_node_destroy(&node);
    }
}

/* ---- asks ---- */

static weir_status
ask_first(weiri_actor *actor, probe *self)
{
    uint32_t      id      = 0;
    weiri_message message = { .to = weiri_actor_resolve(actor, self->to),
        .kind                     = KIND_OTHER };
    return weiri_actor_ask(actor, &message, (int64_t)self->n, &id);
}

static weir_status
note_answer(weiri_actor *actor, probe *self, weiri_message *message)
{
    (void)actor;
    if (message->kind == WEIRI_KIND_UNANSWERED) {
        probe_note(self, "unanswered: %s", weiri_reason_text(message->n_rows));
    } else {
        assert_true((message->flags & WEIRI_FLAG_REPLY) != 0);
        probe_note(self, "answer %llu", (unsigned long long)message->as.words[0]);
    }
    return WEIR_OK;
}

static weir_status
answer_42(weiri_actor *actor, probe *self, weiri_message *message)
{
    weiri_message reply = { .kind = KIND_OTHER, .size = 8, .as.words = { 42 } };
    (void)self;
    return weiri_actor_reply(actor, message, &reply);
}

static weir_status
stay_silent(weiri_actor *actor, probe *self, weiri_message *message)
{
    (void)actor;
    (void)self;
    (void)message;
    return WEIR_OK;
}

static weir_status
stop_at_once(weiri_actor *actor, probe *self)
{
    (void)self;
    return weiri_actor_stop(actor, weiri_actor_address(actor));
}

static void
expect_answer(weir_status (*on_message)(weiri_actor *, probe *, weiri_message *),
    uint64_t timeout_ns, const char *expected)
{
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) {
        char        log[PROBE_LOG] = "";
        probe       asker          = { .name = "asker",
                           .log              = log,
                           .on_init          = ask_first,
                           .on_message       = note_answer,
                           .to               = "other",
                           .n                = timeout_ns };
        probe       other          = { .name = "other", .on_message = on_message };
        weiri_node *node           = rig_node(2, 2, 0);
        rig_spawn(node, "other", &probe_behaviour, &other, 1, 0);
        rig_spawn(node, "asker", &probe_behaviour, &asker, 0, 1);
        rig_run(node, seed);
        rig_assert(seed, strcmp(log, expected) == 0);
        weiri_node_destroy(&node);
    }
}

static void
an_ask_is_answered_once(void **state)
{
    (void)state;
    expect_answer(answer_42, 1000000000, "asker answer 42\n");
}

static void
an_ask_that_nobody_answers_times_out(void **state)
{
    (void)state;
    expect_answer(stay_silent, 1000, "asker unanswered: timeout\n");
}

static weir_status
answer_after_a_while(weiri_actor *actor, probe *self, weiri_message *message)
{
    self->n = message->from;
    return weiri_actor_set_timer(actor, WEIRI_CLOCK_TIME,
        weiri_actor_now(actor, WEIRI_CLOCK_TIME) + 1000000000,
        (uint64_t)message->id << 32 | 1, NULL);
}

static weir_status
answer_by_timer(weiri_actor *actor, probe *self, uint64_t tag)
{
    const weiri_message request = { .from = self->n, .id = (uint32_t)(tag >> 32) };
    weiri_message       reply   = { .kind = KIND_OTHER };
    return weiri_actor_reply(actor, &request, &reply);
}

static void
a_reply_that_comes_late_is_a_dead_letter(void **state)
{
    char  log[PROBE_LOG] = "";
    probe asker          = { .name = "asker",
                 .log              = log,
                 .on_init          = ask_first,
                 .on_message       = note_answer,
                 .to               = "other",
                 .n                = 1000 };
    probe other          = {
                 .name = "other", .on_message = answer_after_a_while, .on_timer = answer_by_timer
    };
    (void)state;
    weiri_node *node = rig_node(1, 2, 0);
    rig_spawn(node, "other", &probe_behaviour, &other, 0, 0);
    rig_spawn(node, "asker", &probe_behaviour, &asker, 0, 1);
    rig_run(node, 1);
    assert_string_equal(log, "asker unanswered: timeout\n");
    assert_int_equal(weiri_node_get_counts(node, 0).n_dead[WEIRI_REASON_LATE], 1);
    weiri_node_destroy(&node);
}

static void
an_ask_to_one_who_has_gone_is_told_so(void **state)
{
    char  log[PROBE_LOG] = "";
    probe asker          = { .name = "asker",
                 .log              = log,
                 .on_init          = ask_first,
                 .on_message       = note_answer,
                 .to               = "other",
                 .n                = 1000 };
    probe other          = { .name = "other", .on_init = stop_at_once };
    (void)state;
    weiri_node *node = rig_node(1, 2, 0);
    rig_spawn(node, "other", &probe_behaviour, &other, 0, 1); /* deeper: starts first */
    rig_spawn(node, "asker", &probe_behaviour, &asker, 0, 0);
    rig_run(node, 1);
    assert_string_equal(log, "asker unanswered: nobody there\n");
    weiri_node_destroy(&node);
}

/* ---- monitors and links ---- */

static weir_status
watch(weiri_actor *actor, probe *self)
{
    return weiri_actor_monitor(actor, weiri_actor_resolve(actor, self->to));
}

static weir_status
note_down(weiri_actor *actor, probe *self, weiri_message *message)
{
    (void)actor;
    assert_int_equal(message->kind, WEIRI_KIND_DOWN);
    probe_note(self, "down: %s", weiri_reason_text(message->n_rows));
    return WEIR_OK;
}

static void
who_monitors_is_told_once_whenever_the_other_stops(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) {
        char        log[PROBE_LOG] = "";
        probe       watcher        = { .name = "w",
                         .log                = log,
                         .on_init            = watch,
                         .on_message         = note_down,
                         .to                 = "other" };
        probe       other          = { .name = "other", .on_init = stop_at_once };
        weiri_node *node           = rig_node(2, 2, 0);
        rig_spawn(node, "other", &probe_behaviour, &other, 1, seed % 2);
        rig_spawn(node, "w", &probe_behaviour, &watcher, 0, 0);
        rig_run(node, seed);
        rig_assert(seed, strcmp(log, "w down: done\n") == 0
                             || strcmp(log, "w down: nobody there\n") == 0);
        weiri_node_destroy(&node);
    }
}

static weir_status
link_other(weiri_actor *actor, probe *self)
{
    return weiri_actor_link(actor, weiri_actor_resolve(actor, self->to));
}

static weir_status
break_down(weiri_actor *actor, probe *self, weiri_message *message)
{
    (void)actor;
    (void)self;
    (void)message;
    return WEIR_EDATA;
}

static const weiri_supervisor_config stop_it = { .verdict = WEIRI_STOP };

static weiri_address
spawn_under(weiri_node *node, probe *config, uint32_t shard, uint32_t level,
    weiri_address supervisor)
{
    weir_error             err     = { 0 };
    weiri_address          address = WEIRI_NOBODY;
    const weiri_actor_spec spec = { config->name, &probe_behaviour, config, shard, level,
        supervisor };
    assert_ok(weiri_node_spawn(node, &spec, &address, &err));
    return address;
}

static void
when_one_of_two_linked_fails_for_good_both_stop(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rig_n_seeds(); seed++) {
        char  logs[2][PROBE_LOG] = { "", "" };
        probe a = { .name = "a", .log = logs[0], .on_init = link_other, .to = "b" };
        probe b = { .name = "b", .log = logs[1], .on_message = break_down };
        const rig_source source = { .to = "b", .n = 1 };
        weiri_node      *node   = rig_node(2, 2, 0);
        weiri_address    s =
            rig_spawn(node, "s", &weiri_supervisor_behaviour, &stop_it, 0, WEIRI_CONTROL);
        spawn_under(node, &a, 0, 1, s);
        spawn_under(node, &b, 1, 1, s);
        rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
        rig_run(node, seed);
        rig_assert(seed, strcmp(logs[0], "a fini\n") == 0);
        rig_assert(seed, strcmp(logs[1], "b fini\n") == 0);
        weiri_node_destroy(&node);
    }
}

/* ---- dead letters ---- */

static weir_status
note_dead(weiri_actor *actor, probe *self, weiri_message *message)
{
    (void)actor;
    assert_true((message->flags & WEIRI_FLAG_DEAD) != 0);
    assert_int_equal(weiri_address_level(message->about), 1);
    probe_note(self, "%llu: %s", (unsigned long long)message->as.words[0],
        weiri_reason_text(message->id));
    return WEIR_OK;
}

static void
what_cannot_be_delivered_is_a_dead_letter(void **state)
{
    char             log[PROBE_LOG] = "";
    probe            gone           = { .name = "gone", .on_init = stop_at_once };
    probe            dead   = { .name = "dead", .log = log, .on_message = note_dead };
    const rig_source source = { .to = "gone", .n = 2 };
    (void)state;
    weiri_node *node = rig_node(1, 3, 0);
    weiri_node_set_dead_letters(
        node, rig_spawn(node, "dead", &probe_behaviour, &dead, 0, 2));
    rig_spawn(node, "gone", &probe_behaviour, &gone, 0, 1);
    rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
    rig_run(node, 1);
    assert_string_equal(log, "dead 0: nobody there\ndead 1: nobody there\n");
    assert_int_equal(weiri_node_get_counts(node, 0).n_dead[WEIRI_REASON_NOBODY], 2);
    weiri_node_destroy(&node);
}

static void
an_unsupervised_failure_ends_the_node_with_its_error(void **state)
{
    probe                  bad    = { .name = "bad", .on_message = break_down };
    const rig_source       source = { .to = "bad", .n = 2 };
    const weiri_simulation how    = { .seed = 3 };
    weir_error             err    = { 0 };
    (void)state;
    weiri_node *node = rig_node(2, 2, 0);
    rig_spawn(node, "bad", &probe_behaviour, &bad, 1, 1);
    rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
    assert_int_equal(weiri_node_simulate(node, &how, &err), WEIR_EDATA);
    assert_string_equal(err.text, "actor 'bad': input cannot be decoded");
    weiri_node_destroy(&node);
}

static void
a_message_that_is_posted_is_there_when_the_node_begins(void **state)
{
    char  log[PROBE_LOG] = "";
    probe a              = { .name = "a", .log = log, .on_message = note_number };
    (void)state;
    weiri_node   *node    = rig_node(1, 2, 0);
    weiri_address address = rig_spawn(node, "a", &probe_behaviour, &a, 0, 1);
    for (uint64_t i = 7; i < 9; i++) {
        weiri_message message = { .to = address, .kind = KIND_NUMBER };
        message.as.words[0]   = i;
        assert_ok(weiri_node_post(node, &message));
    }
    const rig_source source = { .to = "a", .n = 1 };
    rig_spawn(node, NULL, &rig_source_behaviour, &source, 0, 0);
    rig_run(node, 1);
    assert_string_equal(log, "a 7\na 8\na 0\n");
    weiri_node_destroy(&node);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_that_is_posted_is_there_when_the_node_begins),
        cmocka_unit_test(only_the_steps_of_the_table_can_be_taken),
        cmocka_unit_test(what_follows_from_a_message_is_done_before_the_next),
        cmocka_unit_test(
            what_one_callback_sends_to_several_levels_is_worked_off_deepest_first),
        cmocka_unit_test(what_waits_when_the_node_is_stopped_is_counted_and_given_back),
        cmocka_unit_test(a_signal_goes_before_events),
        cmocka_unit_test(levels_are_drained_in_order_everywhere),
        cmocka_unit_test(an_ask_is_answered_once),
        cmocka_unit_test(an_ask_that_nobody_answers_times_out),
        cmocka_unit_test(a_reply_that_comes_late_is_a_dead_letter),
        cmocka_unit_test(an_ask_to_one_who_has_gone_is_told_so),
        cmocka_unit_test(who_monitors_is_told_once_whenever_the_other_stops),
        cmocka_unit_test(when_one_of_two_linked_fails_for_good_both_stop),
        cmocka_unit_test(what_cannot_be_delivered_is_a_dead_letter),
        cmocka_unit_test(an_unsupervised_failure_ends_the_node_with_its_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
