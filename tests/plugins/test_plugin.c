#include "weir_test.h"

#include <stdio.h>
#include <string.h>

#include "weiri/plugin.h"

static void
refused(const char *path, weir_status status, const char *why)
{
    weiri_plugin *plugin = NULL;
    weir_error    err    = { .status = WEIR_OK };
    assert_int_equal(weiri_plugin_open(path, &plugin, &err), status);
    assert_null(plugin);
    if (strstr(err.text, why) == NULL) {
        fail_msg("'%s' does not say '%s'", err.text, why);
    }
}

static void
a_plugin_says_what_it_has(void **state)
{
    (void)state;
    weiri_plugin *plugin = NULL;
    assert_ok(weiri_plugin_open(PLUGINS "/libfixture.so", &plugin, NULL));
    assert_string_equal(weiri_plugin_name(plugin), "fixture");
    assert_string_equal(weiri_plugin_actor(plugin, 1)->name, "tally");
    assert_null(weiri_plugin_actor(plugin, 8));
    assert_string_equal(weiri_plugin_function(plugin, 0)->name, "twice");
    assert_null(weiri_plugin_function(plugin, 2));
    weiri_plugin_close(&plugin);
    assert_null(plugin);
}

static void
a_plugin_has_parts_of_every_kind(void **state)
{
    (void)state;
    weiri_plugin *plugin = NULL;
    assert_ok(weiri_plugin_open(PLUGINS "/libparts.so", &plugin, NULL));
    assert_null(weiri_plugin_actor(plugin, 0));
    assert_string_equal(weiri_plugin_aggregate(plugin, 1)->name, "dots");
    assert_null(weiri_plugin_aggregate(plugin, 2));
    assert_string_equal(weiri_plugin_source(plugin, 2)->name, "count");
    assert_string_equal(weiri_plugin_sink(plugin, 0)->name, "book");
    assert_string_equal(weiri_plugin_codec(plugin, 0)->name, "kv");
    assert_null(weiri_plugin_codec(plugin, 1));
    weiri_plugin_close(&plugin);
}

static void
metrics_are_kept_by_owner_and_name_and_within_bounds(void **state)
{
    (void)state;
    weiri_metrics *metrics = weiri_metrics_new();
    weiri_metric   at;
    weiri_metrics_count(metrics, "geo(auth)", "seen", 2);
    weiri_metrics_count(metrics, "geo(auth)", "seen", 3);
    weiri_metrics_gauge(metrics, "geo(auth)", "load", 0.5);
    weiri_metrics_gauge(metrics, "geo(auth)", "seen", 1.0);
    weiri_metrics_count(metrics, "geo(auth)", "No Name", 1);
    assert_true(weiri_metrics_at(metrics, 0, &at));
    assert_string_equal(at.name, "load");
    assert_true(at.is_gauge);
    assert_true(weiri_metrics_at(metrics, 1, &at));
    assert_int_equal(at.count, 5);
    assert_false(weiri_metrics_at(metrics, 2, &at));
    for (int i = 0; i < 2 * WEIRI_METRICS_EACH; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i);
        weiri_metrics_count(metrics, "mad", name, 1);
    }
    assert_true(weiri_metrics_at(metrics, 1 + WEIRI_METRICS_EACH, &at));
    assert_false(weiri_metrics_at(metrics, 2 + WEIRI_METRICS_EACH, &at));
    weiri_metrics_destroy(&metrics);
}

static void
what_was_built_with_the_first_header_is_loaded(void **state)
{
    (void)state;
    weiri_plugin *plugin = NULL;
    assert_ok(weiri_plugin_open(PLUGINS "/libfixture_1_0.so", &plugin, NULL));
    assert_string_equal(weiri_plugin_actor(plugin, 0)->name, "pass");
    weiri_plugin_close(&plugin);
}

static void
what_is_no_plugin_is_refused_with_the_reason(void **state)
{
    (void)state;
    refused(PLUGINS "/libnone.so", WEIR_ENOENT, "no such file");
    refused("/dev/null", WEIR_EIO, "cannot be loaded");
    refused(PLUGINS "/libwrong_symbol.so", WEIR_EABI, "no weir_plugin_entry");
    refused(PLUGINS "/libwrong_magic.so", WEIR_EABI, "magic number");
    refused(PLUGINS "/libwrong_actor.so", WEIR_EABI, "on_rows");
    refused(PLUGINS "/libwrong_fields.so", WEIR_EABI, "output 'x' twice");
}

static void
another_abi_is_refused_and_says_how_to_mend_it(void **state)
{
    (void)state;
    refused(PLUGINS "/libwrong_major.so", WEIR_EABI,
        "plugin ABI 2.1, this Weir speaks 1.1: use a newer Weir");
    refused(PLUGINS "/libwrong_minor.so", WEIR_EABI,
        "plugin ABI 1.2, this Weir speaks 1.1: use a newer Weir");
    refused(PLUGINS "/libwrong_size.so", WEIR_EABI, "set its 'size' to its sizeof");
}

static void
a_thousand_loads_leave_nothing_behind(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        weiri_plugin *plugin = NULL;
        assert_ok(weiri_plugin_open(PLUGINS "/libfixture.so", &plugin, NULL));
        weiri_plugin_close(&plugin);
        assert_ok(weiri_plugin_open(PLUGINS "/libparts.so", &plugin, NULL));
        weiri_plugin_close(&plugin);
        weir_error err = { .status = WEIR_OK };
        assert_int_equal(
            weiri_plugin_open(PLUGINS "/libwrong_magic.so", &plugin, &err), WEIR_EABI);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_says_what_it_has),
        cmocka_unit_test(a_plugin_has_parts_of_every_kind),
        cmocka_unit_test(metrics_are_kept_by_owner_and_name_and_within_bounds),
        cmocka_unit_test(what_was_built_with_the_first_header_is_loaded),
        cmocka_unit_test(what_is_no_plugin_is_refused_with_the_reason),
        cmocka_unit_test(another_abi_is_refused_and_says_how_to_mend_it),
        cmocka_unit_test(a_thousand_loads_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
