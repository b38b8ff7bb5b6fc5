#include "weir_test.h"

#include <stdio.h>
#include <string.h>

#include "weir/engine.h"

static const char RULES[] =
    "param fails int = 2\n"
    "stream auth { at time, ip string, n int? }\n"
    "stream door { at time, ip string }\n"
    "rule guessed {\n"
    "  match a: auth{fails} -> d: door\n"
    "  by ip\n"
    "  within 10s\n"
    "  emit intrusion { ip, n: sum(a.n) }\n"
    "}\n"
    "rule missed { match a: auth -> not door by ip within 5s emit silence { ip } }\n"
    "rule sums { from auth by ip window tumbling 10s emit total { ip, n: count() } }\n";

/* What came, a line an event. */
typedef struct heard {
    char   text[2048];
    size_t used;
} heard;

static void
hear(void *context, const weir_event *event)
{
    heard            *self = context;
    const weir_value *ip   = weir_event_get(event, "ip");
    const weir_value *n    = weir_event_get(event, "n");
    assert_null(weir_event_get(event, "nothing"));
    int size = snprintf(self->text + self->used, sizeof self->text - self->used,
        "%s %.*s %lld at %lld\n", event->schema->name, (int)ip->size, ip->as.s,
        n != NULL ? (long long)n->as.i : -1, (long long)event->time_ns / 1000000000);
    assert_true(size > 0);
    self->used += (size_t)size;
}

static weir_engine *
make(const weir_engine_options *options, heard *to)
{
    static const char *const STREAMS[] = { "intrusion", "silence", "total" };
    weir_engine             *engine    = NULL;
    weir_error               err       = { .status = WEIR_OK };
    assert_ok(weir_engine_new(RULES, strlen(RULES), options, &engine, &err));
    for (size_t i = 0; i < 3; i++) {
        assert_ok(weir_engine_on(engine, STREAMS[i], hear, to, &err));
    }
    return engine;
}

static weir_status
push(weir_engine *engine, const char *stream, int64_t seconds, const char *ip, int64_t n,
    weir_error *err)
{
    const weir_value values[] = {
        { .type = WEIR_TIME, .as.i = seconds * 1000000000 },
        { .type = WEIR_STRING, .as.s = ip, .size = (uint32_t)strlen(ip) },
        { .type = WEIR_INT, .as.i = n },
    };
    return weir_engine_push(engine, stream, values, err);
}

static void
a_match_is_told_before_the_push_returns(void **state)
{
    (void)state;
    heard        came   = { .used = 0 };
    weir_error   err    = { .status = WEIR_OK };
    weir_engine *engine = make(NULL, &came);
    assert_ok(push(engine, "auth", 1, "x", 3, &err));
    assert_ok(push(engine, "auth", 2, "x", 4, &err));
    assert_string_equal(came.text, "");
    assert_ok(push(engine, "door", 2, "x", 0, &err));
    assert_string_equal(came.text, "intrusion x 7 at 2\n");
    weir_engine_destroy(&engine);
    assert_null(engine);
}

static void
absences_and_windows_are_told_when_time_goes_on(void **state)
{
    (void)state;
    heard        came   = { .used = 0 };
    weir_error   err    = { .status = WEIR_OK };
    weir_engine *engine = make(NULL, &came);
    assert_ok(push(engine, "auth", 1, "x", 3, &err));
    assert_ok(weir_engine_advance(engine, INT64_C(6) * 1000000000, &err));
    assert_string_equal(came.text, ""); /* a door at 6 would still be in time */
    assert_ok(weir_engine_advance(engine, INT64_C(7) * 1000000000, &err));
    assert_string_equal(came.text, "silence x -1 at 6\n");
    assert_ok(weir_engine_finish(engine, &err));
    assert_string_equal(came.text, "silence x -1 at 6\ntotal x 1 at 10\n");
    assert_int_equal(weir_engine_get_counts(engine).n_events, 1);
    assert_int_equal(push(engine, "auth", 9, "x", 1, &err), WEIR_EINVAL);
    weir_engine_destroy(&engine);
}

/* Lines of one stream. */
static void
expect_same_stream(const heard *a, const heard *b, const char *stream)
{
    const char *x = a->text;
    const char *y = b->text;
    for (uint32_t n = 0;; n++) {
        x = strstr(x, stream);
        y = strstr(y, stream);
        assert_true((x == NULL) == (y == NULL));
        if (x == NULL) {
            assert_true(n > 3);
            return;
        }
        size_t size = strcspn(x, "\n");
        assert_int_equal(size, strcspn(y, "\n"));
        assert_memory_equal(x, y, size);
        x += size;
        y += size;
    }
}

static void
what_is_told_does_not_depend_on_the_batch(void **state)
{
    (void)state;
    heard first = { .used = 0 };
    for (uint32_t batch = 0; batch < 40; batch += 13) {
        heard                     came    = { .used = 0 };
        weir_error                err     = { .status = WEIR_OK };
        const weir_engine_options options = { .batch = batch };
        weir_engine              *engine  = make(&options, &came);
        for (int64_t i = 0; i < 100; i++) {
            const char *ip = i % 3 == 0 ? "a" : "b";
            assert_ok(push(engine, i % 7 == 0 ? "door" : "auth", i / 4, ip, i, &err));
        }
        assert_ok(weir_engine_finish(engine, &err));
        assert_true(came.used > 300);
        if (batch == 0) {
            first = came;
        }
        assert_int_equal(came.used, first.used);
        expect_same_stream(&came, &first, "intrusion");
        expect_same_stream(&came, &first, "total");
        weir_engine_destroy(&engine);
    }
}

static void
late_events_are_refused_and_the_engine_goes_on(void **state)
{
    (void)state;
    heard                     came    = { .used = 0 };
    weir_error                err     = { .status = WEIR_OK };
    const weir_engine_options options = { .lateness_ns = INT64_C(3) * 1000000000 };
    weir_engine              *engine  = make(&options, &came);
    assert_ok(push(engine, "door", 20, "x", 0, &err));
    assert_ok(push(engine, "auth", 19, "x", 1, &err));
    assert_ok(push(engine, "auth", 18, "x", 2, &err));
    assert_int_equal(push(engine, "auth", 16, "x", 2, &err), WEIR_ELATE);
    assert_string_equal(came.text, ""); /* all of them may still be overtaken */
    assert_ok(push(engine, "auth", 24, "y", 2, &err));
    assert_string_equal(came.text, "intrusion x 3 at 20\ntotal x 2 at 20\n");
    assert_int_equal(weir_engine_get_counts(engine).n_late, 1);
    weir_engine_destroy(&engine);
}

static void
json_lines_are_events(void **state)
{
    (void)state;
    static const char JSON[] =
        "{\"at\":\"1970-01-01T00:00:01Z\",\"ip\":\"x\",\"n\":1}\n"
        "{\"at\":\"1970-01-01T00:00:02Z\",\"ip\":\"x\",\"more\":[1]}\n"
        "{\"at\":\"1970-01-01T00:00:03Z\",\"ip\":7}\n"
        "{\"at\":\"1970-01-01T00:00:04Z\",\"ip\":\"x\",\"n\":9}\n";
    heard        came   = { .used = 0 };
    weir_error   err    = { .status = WEIR_OK };
    weir_engine *engine = make(NULL, &came);
    assert_int_equal(
        weir_engine_push_json(engine, "auth", JSON, strlen(JSON), &err), WEIR_EDATA);
    assert_non_null(strstr(err.text, "field 'ip'"));
    assert_int_equal(weir_engine_get_counts(engine).n_events, 2);
    assert_ok(push(engine, "door", 5, "x", 0, &err));
    assert_string_equal(came.text, "intrusion x 1 at 5\n");
    weir_engine_destroy(&engine);
}

static void
mistakes_are_returned(void **state)
{
    (void)state;
    heard            came    = { .used = 0 };
    weir_error       err     = { .status = WEIR_OK };
    weir_engine     *engine  = make(NULL, &came);
    const weir_value none[]  = { { .type = WEIR_TIME, .is_null = true },
         { .type = WEIR_STRING, .as.s = "", .size = 0 },
         { .type = WEIR_INT, .is_null = true } };
    const weir_value other[] = { { .type = WEIR_TIME }, { .type = WEIR_INT },
        { .type = WEIR_INT } };
    assert_int_equal(push(engine, "nothing", 1, "x", 0, &err), WEIR_EINVAL);
    assert_string_equal(err.text, "these rules have no stream 'nothing'");
    assert_int_equal(push(engine, "total", 1, "x", 0, &err), WEIR_EINVAL);
    assert_int_equal(weir_engine_push(engine, "auth", none, &err), WEIR_EINVAL);
    assert_string_equal(err.text, "stream 'auth': field 'at' may not be null");
    assert_int_equal(weir_engine_push(engine, "auth", other, &err), WEIR_EINVAL);
    assert_string_equal(
        err.text, "stream 'auth': field 'ip' is a string, and was given a int");
    assert_int_equal(weir_engine_on(engine, "total", hear, &came, &err), WEIR_EINVAL);
    assert_null(weir_engine_schema(engine, "nothing"));
    assert_int_equal(weir_engine_schema(engine, "auth")->n_fields, 3);
    weir_engine_destroy(&engine);
}

static void
count_texts(void *context, bool is_error, const char *text)
{
    uint32_t *n = context;
    assert_true(strlen(text) > 10);
    *n += is_error;
}

static void
wrong_rules_are_told_with_their_places(void **state)
{
    (void)state;
    static const char WRONG[] = "stream s { at time }\nrule r { from t emit o { x } }\n"
                                "rule q { from s emit p { y: z } }\n";
    uint32_t          n       = 0;
    weir_engine      *engine  = NULL;
    weir_error        err     = { .status = WEIR_OK };
    const weir_engine_options options = { .diagnosed = count_texts, .context = &n };
    assert_int_equal(
        weir_engine_new(WRONG, strlen(WRONG), &options, &engine, &err), WEIR_ESYNTAX);
    assert_null(engine);
    assert_non_null(strstr(err.text, "line 2, column"));
    assert_true(n >= 2);
}

static void
parameters_are_set_and_engines_do_not_see_each_other(void **state)
{
    (void)state;
    heard                     came[2] = { { .used = 0 }, { .used = 0 } };
    weir_error                err     = { .status = WEIR_OK };
    const weir_setting        setting = { .name = "fails", .value = "1" };
    const weir_engine_options options = { .settings = &setting, .n_settings = 1 };
    weir_engine              *one     = make(&options, &came[0]);
    weir_engine              *two     = make(NULL, &came[1]);
    assert_ok(push(one, "auth", 1, "x", 3, &err));
    assert_ok(push(two, "auth", 1, "x", 3, &err));
    assert_ok(push(one, "door", 1, "x", 0, &err));
    assert_ok(push(two, "door", 1, "x", 0, &err));
    assert_string_equal(came[0].text, "intrusion x 3 at 1\n");
    assert_string_equal(came[1].text, "");
    weir_engine_destroy(&one);
    weir_engine_destroy(&two);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_match_is_told_before_the_push_returns),
        cmocka_unit_test(absences_and_windows_are_told_when_time_goes_on),
        cmocka_unit_test(what_is_told_does_not_depend_on_the_batch),
        cmocka_unit_test(late_events_are_refused_and_the_engine_goes_on),
        cmocka_unit_test(json_lines_are_events),
        cmocka_unit_test(mistakes_are_returned),
        cmocka_unit_test(wrong_rules_are_told_with_their_places),
        cmocka_unit_test(parameters_are_set_and_engines_do_not_see_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
