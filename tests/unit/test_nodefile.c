/* Node files: what they say is what is read; bytes that are none are refused. */
#include "weir_test.h"

#include <string.h>

#include "weiri/nodefile.h"

#define KEY_A "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define KEY_B "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"

static weiri_nodefile *
read_text(const char *text)
{
    weiri_diagnostics *diagnostics = NULL;
    weiri_nodefile    *file        = NULL;
    weir_error         err         = { .status = WEIR_OK };
    assert_ok(weiri_diagnostics_new(&diagnostics));
    weir_status status = weiri_nodefile_parse(
        "etc/core.node", text, strlen(text), diagnostics, &file, &err);
    if (status != WEIR_OK) {
        weiri_diagnostics_print(diagnostics, stderr, false);
    }
    assert_ok(status);
    weiri_diagnostics_destroy(&diagnostics);
    return file;
}

static void
every_setting_is_read(void **state)
{
    (void)state;
    weiri_nodefile         *file = read_text("# A node.\n"
                                                     "node \"core-1\" {\n"
                                                     "  rules \"fraud.weir\", \"/rules/more.weir\"\n"
                                                     "  set least = -5\n"
                                                     "  set who = \"them\"\n"
                                                     "  set pause = 1m30s\n"
                                                     "  state \"var\" checkpoint every 250ms limit 10gb\n"
                                                     "  shards 2\n"
                                                     "  listen \"tcp://*:7000\"\n"
                                                     "  key \"core.key\"\n"
                                                     "  control \"run/core.sock\"\n"
                                                     "  live \"run/core.live\"\n"
                                                     "  log json level debug\n"
                                                     "  silence 300ms\n"
                                                     "}\n");
    const weiri_node_setup *node = &file->nodes[0];
    assert_int_equal(file->n_nodes, 1);
    assert_string_equal(node->name, "core-1");
    assert_int_equal(node->n_rules, 2);
    assert_string_equal(node->rules[0], "etc/fraud.weir");
    assert_string_equal(node->rules[1], "/rules/more.weir");
    assert_int_equal(node->n_settings, 3);
    assert_string_equal(node->settings[0].name, "least");
    assert_string_equal(node->settings[0].value, "-5");
    assert_string_equal(node->settings[1].value, "them");
    assert_string_equal(node->settings[2].value, "1m30s");
    assert_string_equal(node->state, "etc/var");
    assert_true(node->checkpoint_ns == 250000000);
    assert_true(node->limit_bytes == UINT64_C(10) << 30);
    assert_int_equal(node->n_shards, 2);
    assert_string_equal(node->listen, "tcp://*:7000");
    assert_string_equal(node->key, "etc/core.key");
    assert_string_equal(node->control, "etc/run/core.sock");
    assert_string_equal(node->live, "etc/run/core.live");
    assert_int_equal(node->log_format, WEIRI_LOG_JSON);
    assert_int_equal(node->log_level, WEIRI_LOG_DEBUG);
    assert_true(node->silence_ns == 300000000);
    assert_false(node->is_insecure);
    weiri_nodefile_destroy(&file);
}

static void
what_is_not_said_is_not_set(void **state)
{
    (void)state;
    weiri_nodefile         *file = read_text("node core { rules \"r.weir\" }\n");
    const weiri_node_setup *node = &file->nodes[0];
    assert_null(node->state);
    assert_true(node->checkpoint_ns == 0);
    assert_true(node->silence_ns == 0);
    assert_null(node->listen);
    assert_null(node->control);
    assert_int_equal(node->log_format, WEIRI_LOG_TEXT);
    assert_int_equal(node->log_level, WEIRI_LOG_INFO);
    assert_int_equal(node->n_peers, 0);
    weiri_nodefile_destroy(&file);
}

static void
peers_have_addresses_keys_and_permits(void **state)
{
    (void)state;
    weiri_nodefile *file =
        read_text("node core {\n"
                  "  rules \"r.weir\"\n"
                  "  listen \"tcp://*:7000\"\n"
                  "  key \"core.key\"\n"
                  "  peer \"edge-1\" at \"tcp://10.0.0.1:7000\" key \"" KEY_A "\"\n"
                  "    may send txn, other,\n"
                  "    may read alarms\n"
                  "  peer edge2 key \"" KEY_B "\" may read any\n"
                  "  peer near at \"ipc://near.sock\"\n"
                  "}\n");
    const weiri_node_setup *node = &file->nodes[0];
    assert_int_equal(node->n_peers, 3);
    const weiri_node_peer *first = &node->peers[0];
    assert_string_equal(first->name, "edge-1");
    assert_string_equal(first->address, "tcp://10.0.0.1:7000");
    assert_string_equal(first->key, KEY_A);
    assert_int_equal(first->may_send.n_streams, 2);
    assert_string_equal(first->may_send.streams[1], "other");
    assert_false(first->may_send.is_any);
    assert_int_equal(first->may_read.n_streams, 1);
    assert_int_equal(first->place.line, 5);
    const weiri_node_peer *second = &node->peers[1];
    assert_null(second->address);
    assert_int_equal(second->may_send.n_streams, 0);
    assert_true(second->may_read.is_any);
    assert_string_equal(node->peers[2].address, "ipc://etc/near.sock");
    assert_null(node->peers[2].key);
    weiri_nodefile_destroy(&file);
}

static void
a_cluster_has_members(void **state)
{
    (void)state;
    weiri_nodefile *file =
        read_text("cluster \"plant\" {\n"
                  "  node a at \"tcp://10.0.0.1:7000\" key \"" KEY_A "\"\n"
                  "  node b at \"tcp://[fe80::1%eth0]:7000\" key \"" KEY_B "\"\n"
                  "}\n");
    assert_int_equal(file->n_nodes, 0);
    assert_int_equal(file->n_clusters, 1);
    assert_string_equal(file->clusters[0].name, "plant");
    assert_int_equal(file->clusters[0].n_members, 2);
    assert_string_equal(file->clusters[0].members[1].name, "b");
    weiri_nodefile_destroy(&file);
}

static void
one_of_several_nodes_is_chosen_by_its_name(void **state)
{
    (void)state;
    weir_error              err  = { .status = WEIR_OK };
    const weiri_node_setup *node = NULL;
    weiri_nodefile         *file = read_text("node a { rules \"r.weir\" }\n"
                                                     "node b { rules \"r.weir\" }\n");
    assert_ok(weiri_nodefile_node(file, "b", &node, &err));
    assert_string_equal(node->name, "b");
    assert_int_equal(weiri_nodefile_node(file, NULL, &node, &err), WEIR_EINVAL);
    assert_non_null(strstr(err.text, "'a', 'b'"));
    assert_int_equal(weiri_nodefile_node(file, "c", &node, &err), WEIR_EINVAL);
    weiri_nodefile_destroy(&file);
}

static void
node_files_are_told_from_rules(void **state)
{
    (void)state;
    static const char *const ARE[]     = { "node a {", "\n# x\n node \"a\"",
            "cluster\tplant" };
    static const char *const ARE_NOT[] = { "", "#", "stream node { at time }", "nodes a",
        "node", "# node a" };
    for (size_t i = 0; i < sizeof ARE / sizeof ARE[0]; i++) {
        assert_true(weiri_nodefile_is(ARE[i], strlen(ARE[i])));
    }
    for (size_t i = 0; i < sizeof ARE_NOT / sizeof ARE_NOT[0]; i++) {
        assert_false(weiri_nodefile_is(ARE_NOT[i], strlen(ARE_NOT[i])));
    }
}

/* Every beginning of a good file, and the file without each of its bytes: a report or a
 * file, and nothing read past its end. */
static void
broken_files_are_reported(void **state)
{
    (void)state;
    static const char TEXT[] = "node \"core\" {\n rules \"r.weir\"\n set a = -5\n"
                               " state \"v\" checkpoint every 5s limit 10gb\n"
                               " insecure\n log json level warn\n"
                               " peer a at \"tcp://h:1\" may send b, may read any\n}\n"
                               "cluster c { insecure\n node d at \"tcp://h:2\" }\n";
    for (size_t i = 0; i < 2 * (sizeof TEXT - 1); i++) {
        char   text[sizeof TEXT];
        size_t cut  = i % (sizeof TEXT - 1);
        size_t size = cut;
        memcpy(text, TEXT, sizeof TEXT);
        if (i >= sizeof TEXT - 1) {
            memmove(text + cut, text + cut + 1, sizeof TEXT - cut - 1);
            size = sizeof TEXT - 2;
        }
        weiri_diagnostics *diagnostics = NULL;
        weiri_nodefile    *file        = NULL;
        weir_error         err         = { .status = WEIR_OK };
        assert_ok(weiri_diagnostics_new(&diagnostics));
        weir_status status =
            weiri_nodefile_parse("t", text, size, diagnostics, &file, &err);
        assert_int_equal(weiri_diagnostics_count(diagnostics, true) > 0, file == NULL);
        assert_int_equal(status, file == NULL ? WEIR_ESYNTAX : WEIR_OK);
        weiri_nodefile_destroy(&file);
        weiri_diagnostics_destroy(&diagnostics);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_is_read),
        cmocka_unit_test(what_is_not_said_is_not_set),
        cmocka_unit_test(peers_have_addresses_keys_and_permits),
        cmocka_unit_test(a_cluster_has_members),
        cmocka_unit_test(one_of_several_nodes_is_chosen_by_its_name),
        cmocka_unit_test(node_files_are_told_from_rules),
        cmocka_unit_test(broken_files_are_reported),
    };
    return cmocka_run_group_tests_name("nodefile", tests, NULL, NULL);
}
