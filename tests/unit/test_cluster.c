/* Clusters: which rule is run where, and who gets what, is the same on all nodes. */
#include "weir_test.h"

#include <stdio.h>
#include <string.h>

#include "weiri/cluster.h"
#include "weiri/dsl.h"

static const char *const THREE[] = { "a", "b", "c" };

#define STREAMS                                                                          \
    "stream txn { at time, card string, ip string, amount float }\n"                     \
    "source txn from stdin()\n"

static weiri_plan *
compile(const char *text)
{
    const weiri_compile_options options     = { .with_tests = false };
    weiri_diagnostics          *diagnostics = NULL;
    weiri_plan                 *plan        = NULL;
    weir_error                  err         = { 0 };
    assert_ok(weiri_diagnostics_new(&diagnostics));
    weir_status status = weiri_compile_text(
        "rules", text, strlen(text), &options, diagnostics, &plan, &err);
    if (status != WEIR_OK) {
        weiri_diagnostics_print(diagnostics, stderr, false);
        fail_msg("%s", text);
    }
    weiri_diagnostics_destroy(&diagnostics);
    return plan;
}

static weiri_plan *
spread(const char *text, uint32_t self)
{
    weir_error  err  = { 0 };
    weiri_plan *plan = compile(text);
    if (weiri_cluster_spread(plan, "plant", THREE, 3, self, &err) != WEIR_OK) {
        fail_msg("%s", err.text);
    }
    return plan;
}

static const weiri_rule *
find(const weiri_plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        if (strcmp(plan->rules[i].name, name) == 0) {
            return &plan->rules[i];
        }
    }
    fail_msg("no rule %s", name);
    return NULL;
}

static void
a_rule_with_a_key_is_on_all_nodes(void **state)
{
    (void)state;
    weiri_plan *plan = spread(STREAMS "rule r {\n"
                                      "  match a: txn -> b: txn(amount > a.amount)\n"
                                      "  by card\n  within 1m\n"
                                      "  emit r { card }\n}\n",
        0);
    assert_int_equal(find(plan, "r")->spread, WEIRI_SPREAD_KEYS);
    assert_false(find(plan, "r")->is_elsewhere);
    assert_int_equal(plan->cluster->n_given, 2); /* and what nodes say of moves */
    assert_int_equal(plan->cluster->given[0].n_routes, 1);
    assert_true(plan->cluster->given[0].all == 0);
    weiri_plan_destroy(&plan);
}

static void
a_filter_is_run_where_its_events_came(void **state)
{
    (void)state;
    weiri_plan *plan = spread(
        STREAMS "rule r {\n  from txn where amount > 5\n  emit r { card }\n}\n", 1);
    assert_int_equal(find(plan, "r")->spread, WEIRI_SPREAD_ROWS);
    assert_int_equal(plan->cluster->given[0].n_routes, 0);
    assert_true(plan->cluster->given[0].all == 0);
    weiri_plan_destroy(&plan);
}

static void
a_rule_without_a_key_is_on_one_node_that_gets_every_event(void **state)
{
    (void)state;
    uint32_t n_here = 0;
    uint32_t member = 0;
    for (uint32_t self = 0; self < 3; self++) {
        weiri_plan *plan = spread(STREAMS "rule r {\n  from txn\n  window tumbling 1s\n"
                                          "  emit r { n: count() }\n}\n",
            self);
        const weiri_rule *rule = find(plan, "r");
        assert_int_equal(rule->spread, WEIRI_SPREAD_WHOLE);
        assert_true(self == 0 || rule->member == member);
        assert_true(plan->cluster->given[0].all == UINT64_C(1) << rule->member);
        member = rule->member;
        n_here += !rule->is_elsewhere;
        weiri_plan_destroy(&plan);
    }
    assert_int_equal(n_here, 1);
}

#define CHAIN                                                                            \
    STREAMS "rule hot {\n"                                                               \
            "  match a: txn -> b: txn(amount > a.amount)\n"                              \
            "  by card\n  within 1m\n  emit hot { card, ip: b.ip }\n}\n"                 \
            "rule spot {\n  match a: hot -> b: hot\n  by ip\n  within 1m\n"              \
            "  emit spot { ip }\n}\n"

static void
what_is_split_by_another_key_comes_from_the_hub(void **state)
{
    (void)state;
    for (uint32_t self = 0; self < 3; self++) {
        weiri_plan               *plan    = spread(CHAIN, self);
        const weiri_cluster_plan *cluster = plan->cluster;
        const weiri_rule         *hot     = find(plan, "hot");
        assert_int_equal(hot->spread, WEIRI_SPREAD_WHOLE);
        assert_int_equal(hot->member, cluster->hub);
        assert_int_equal(hot->is_elsewhere, self != cluster->hub);
        assert_int_equal(find(plan, "spot")->spread, WEIRI_SPREAD_KEYS);
        assert_int_equal(cluster->n_given, self == cluster->hub ? 3 : 2);
        assert_int_equal(plan->n_sources, self == cluster->hub ? 5 : 6);
        weiri_plan_destroy(&plan);
    }
}

static void
lists_stay_on_the_node_that_made_them(void **state)
{
    (void)state;
    weiri_plan *plan =
        spread(STREAMS "rule all {\n  from txn\n  by card\n  window tumbling 1s\n"
                       "  emit all { card, of: collect(amount) }\n}\n"
                       "rule more {\n  from all\n  by card\n  window tumbling 1m\n"
                       "  emit more { card, n: count() }\n}\n",
            0);
    assert_int_equal(find(plan, "more")->spread, WEIRI_SPREAD_WHOLE);
    assert_int_equal(find(plan, "more")->member, find(plan, "all")->member);
    weiri_plan_destroy(&plan);
}

static void
who_comes_takes_and_who_goes_leaves_no_more_than_is_his(void **state)
{
    (void)state;
    static const char *const FOUR[] = { "a", "b", "c", "d" };
    uint32_t                 n_new  = 0;
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        uint32_t before = weiri_rendezvous(FOUR, 3, g);
        uint32_t after  = weiri_rendezvous(FOUR, 4, g);
        assert_true(after == before || after == 3);
        n_new += after == 3;
    }
    assert_true(n_new > WEIRI_KEY_GROUPS / 5 && n_new < WEIRI_KEY_GROUPS / 3);
}

/* Nodes of different versions of Weir would disagree. */
static void
placement_is_the_same_for_ever(void **state)
{
    (void)state;
    uint32_t n[3] = { 0 };
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        n[weiri_rendezvous(THREE, 3, g)]++;
    }
    assert_int_equal(n[0], 331);
    assert_int_equal(n[1], 339);
    assert_int_equal(n[2], 354);
}

static void
expect_refusal(const char *text, const char *why)
{
    weir_error  err  = { 0 };
    weiri_plan *plan = compile(text);
    assert_int_equal(weiri_cluster_spread(plan, "plant", THREE, 3, 0, &err), WEIR_EINVAL);
    assert_non_null(strstr(err.text, why));
    assert_null(plan->cluster);
    weiri_plan_destroy(&plan);
}

static void
what_a_cluster_cannot_do_is_said(void **state)
{
    (void)state;
    expect_refusal(STREAMS "rule r {\n  from late.txn\n  by card\n  window tumbling 1s\n"
                           "  emit r { card, n: count() }\n}\n",
        "late and dead events stay on the node");
}

/* The first term that is not the same; NULL: all are. */
static const char *
first_difference(const char *a, const char *b)
{
    weiri_plan               *one   = spread(a, 0);
    weiri_plan               *other = spread(b, 1);
    const weiri_cluster_plan *left  = one->cluster;
    const weiri_cluster_plan *right = other->cluster;
    static char               name[64];
    bool                      is_same = left->n_terms == right->n_terms;
    snprintf(name, sizeof name, "%s", is_same ? "" : "their number");
    for (uint32_t i = 0; is_same && i < left->n_terms; i++) {
        is_same = strcmp(left->terms[i].name, right->terms[i].name) == 0
                  && left->terms[i].hash == right->terms[i].hash;
        snprintf(name, sizeof name, "%s", is_same ? "" : left->terms[i].name);
    }
    weiri_plan_destroy(&one);
    weiri_plan_destroy(&other);
    return is_same ? NULL : name;
}

#define BIG(CONDITION)                                                                   \
    STREAMS "rule big {\n  from txn where " CONDITION "\n  emit big { card }\n}\n"

static void
nodes_agree_on_every_number_and_condition_of_their_rules(void **state)
{
    (void)state;
    assert_null(first_difference(BIG("amount > 5"), BIG("amount   >   5  # enough")));
    assert_string_equal(
        first_difference(BIG("amount > 5"), BIG("amount > 6")), "rule big");
    assert_string_equal(
        first_difference(BIG("amount > 5"), BIG("amount >= 5")), "rule big");
}

static void
sources_and_sinks_are_each_nodes_own(void **state)
{
    (void)state;
    assert_null(first_difference(
        BIG("amount > 5"), BIG("amount > 5") "sink big to file(\"mine.jsonl\")\n"));
}

static void
a_cluster_has_at_most_64_nodes(void **state)
{
    (void)state;
    const char *many[WEIRI_CLUSTER_MEMBERS + 1];
    weir_error  err  = { 0 };
    weiri_plan *plan = compile(CHAIN);
    for (uint32_t i = 0; i <= WEIRI_CLUSTER_MEMBERS; i++) {
        many[i] = "n";
    }
    assert_int_equal(
        weiri_cluster_spread(plan, "x", many, WEIRI_CLUSTER_MEMBERS + 1, 0, &err),
        WEIR_EINVAL);
    weiri_plan_destroy(&plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_with_a_key_is_on_all_nodes),
        cmocka_unit_test(a_filter_is_run_where_its_events_came),
        cmocka_unit_test(a_rule_without_a_key_is_on_one_node_that_gets_every_event),
        cmocka_unit_test(what_is_split_by_another_key_comes_from_the_hub),
        cmocka_unit_test(lists_stay_on_the_node_that_made_them),
        cmocka_unit_test(who_comes_takes_and_who_goes_leaves_no_more_than_is_his),
        cmocka_unit_test(placement_is_the_same_for_ever),
        cmocka_unit_test(what_a_cluster_cannot_do_is_said),
        cmocka_unit_test(nodes_agree_on_every_number_and_condition_of_their_rules),
        cmocka_unit_test(sources_and_sinks_are_each_nodes_own),
        cmocka_unit_test(a_cluster_has_at_most_64_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
