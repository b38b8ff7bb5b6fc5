/* Links to other nodes: node("name"), node("edge-*"). */
#include <stdlib.h>
#include <string.h>

#include "nodefile.h"
#include "planner.h"

static const char *const OPTIONS[] = { "silence", "backlog", "full" };
enum { N_OPTIONS = 3, NAMES_TEXT = 200 };

/* Whether a name is what a pattern says; a star stands for any characters, also none. */
static bool
is_like(const char *name, const char *pattern)
{
    const char *star = strchr(pattern, '*');
    if (star == NULL) {
        return strcmp(name, pattern) == 0;
    }
    size_t head = (size_t)(star - pattern);
    if (strncmp(name, pattern, head) != 0) {
        return false;
    }
    for (name += head; !is_like(name, star + 1); name++) {
        if (*name == '\0') {
            return false;
        }
    }
    return true;
}

static bool
is_name_or_pattern(const char *text)
{
    static const char ALLOWED[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.*";
    size_t size = strlen(text);
    return size > 0 && size <= WEIRI_NODE_NAME && strspn(text, ALLOWED) == size;
}

static bool
read_peer(weiri_planner *self, const weiri_ast_endpoint *endpoint, const char **out)
{
    const weiri_ast_options *options = &endpoint->options;
    if (options->n_items == 0 || options->items[0].name.text != NULL) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, endpoint->name.at,
            "the name of the node is missing");
        weiri_report_hint(self->diagnostics, "write node(\"core\")");
        return false;
    }
    const weiri_ast_expr *value = options->items[0].value;
    const weir_value     *text =
        weiri_constant(self, value, WEIR_STRING, "the name of a node");
    if (text == NULL) {
        return false;
    }
    *out = weiri_arena_text(self->arena, text->as.s, text->size);
    if (strlen(*out) != text->size || !is_name_or_pattern(*out)) {
        weiri_report(
            self->diagnostics, WEIRI_E_BAD_OPTION, value->at, "no node can be called so");
        weiri_report_hint(self->diagnostics,
            "names are letters, digits, '-', '_' and '.'; a star stands for any of them");
        return false;
    }
    return true;
}

static bool
read_full(weiri_planner *self, const weiri_ast_expr *value, weiri_link_options *out)
{
    const char *name = value->kind == WEIRI_AST_NAME ? value->name.text : "";
    out->is_dropping = strcmp(name, "drop") == 0;
    if (!out->is_dropping && strcmp(name, "stop") != 0) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, value->at,
            "when the backlog is full a sink can 'stop' the sources, or 'drop' the "
            "oldest events");
        return false;
    }
    return true;
}

static bool
read_backlog(weiri_planner *self, const weiri_ast_expr *value, weiri_link_options *out)
{
    const weir_value *text = weiri_constant(self, value, WEIR_STRING, "option 'backlog'");
    if (text == NULL) {
        return false;
    }
    if (!weiri_nodefile_size(
            weiri_arena_text(self->arena, text->as.s, text->size), &out->backlog_bytes)) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, value->at,
            "a backlog is a size of 1mb or more, as \"64mb\"");
        return false;
    }
    return true;
}

static bool
read_option(weiri_planner *self, const weiri_ast_option *option, bool is_sink,
    weiri_link_options *out)
{
    const char *name = option->name.text;
    if (name == NULL) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, option->value->at,
            "one argument more than is needed");
        return false;
    }
    if (option->value != NULL && strcmp(name, "silence") == 0) {
        out->silence_ns =
            weiri_constant_duration(self, option->value, false, "option 'silence'");
        return out->silence_ns > 0;
    }
    if (option->value != NULL && is_sink && strcmp(name, "backlog") == 0) {
        return read_backlog(self, option->value, out);
    }
    if (option->value != NULL && is_sink && strcmp(name, "full") == 0) {
        return read_full(self, option->value, out);
    }
    weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_OPTION, option->name.at,
        "there is no option '%s' here", name);
    weiri_report_nearest(self->diagnostics, name, OPTIONS, is_sink ? N_OPTIONS : 1);
    weiri_report_hint(self->diagnostics, "%s",
        is_sink ? "options are silence, backlog and full" : "the option is silence");
    return false;
}

bool
weiri_plan_node(weiri_planner *self, const weiri_ast_endpoint *endpoint, bool is_sink,
    const char **path, weiri_link_options *out)
{
    const weiri_ast_options *options = &endpoint->options;
    *out                             = (weiri_link_options){ .silence_ns = 0 };
    bool is_ok                       = read_peer(self, endpoint, path);
    out->is_pattern                  = is_ok && strchr(*path, '*') != NULL;
    for (uint32_t i = is_ok; i < options->n_items; i++) {
        const weiri_ast_option *option = &options->items[i];
        if (i > 0 || option->name.text != NULL) {
            is_ok = read_option(self, option, is_sink, out) && is_ok;
        }
    }
    return is_ok;
}

/* ---- who is meant ---- */

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
report_unknown(weiri_planner *self, const weiri_ast_endpoint *endpoint, const char *path)
{
    const struct weiri_node_setup *node  = self->options->node;
    const weiri_ast_expr          *value = endpoint->options.items[0].value;
    const char                   **names =
        weiri_arena_alloc(self->arena, (node->n_peers + (size_t)1) * sizeof *names);
    char   text[NAMES_TEXT] = "";
    size_t used             = 0;
    for (uint32_t i = 0; i < node->n_peers; i++) {
        names[i]    = node->peers[i].name;
        size_t size = strlen(names[i]);
        if (used + size + 3 < sizeof text) {
            memcpy(text + used, i > 0 ? ", " : "", i > 0 ? 2 : 0);
            used += i > 0 ? 2 : 0;
            memcpy(text + used, names[i], size + 1);
            used += size;
        }
    }
    if (strcmp(path, node->name) == 0) {
        weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_NODE, value->at,
            "'%s' is this node itself", path);
        return;
    }
    weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_NODE, value->at,
        strchr(path, '*') != NULL ? "node '%s' knows no peer like '%s'"
                                  : "node '%s' knows no peer '%s'",
        node->name, path);
    weiri_report_nearest(self->diagnostics, path, names, node->n_peers);
    weiri_report_hint(self->diagnostics, "%s",
        node->n_peers > 0 ? weiri_arena_format(self->arena, "its peers are %s", text)
                          : "its node file has no peers");
}

uint32_t
weiri_plan_peers(weiri_planner *self, const weiri_ast_endpoint *endpoint,
    const char *path, const char ***out)
{
    const struct weiri_node_setup *node = self->options->node;
    uint32_t                       n    = 0;
    uint32_t                       most = node != NULL ? node->n_peers : 0;
    const char                   **names =
        weiri_arena_alloc(self->arena, (most + (size_t)1) * sizeof *names);
    *out = names;
    if (node == NULL) { /* whoever runs the rules will say */
        names[n++] = path;
        return n;
    }
    for (uint32_t i = 0; i < node->n_peers; i++) {
        if (is_like(node->peers[i].name, path)) {
            names[n++] = weiri_arena_text(
                self->arena, node->peers[i].name, strlen(node->peers[i].name));
        }
    }
    qsort(names, n, sizeof *names, compare_names);
    if (n == 0) {
        report_unknown(self, endpoint, path);
    }
    return n;
}
