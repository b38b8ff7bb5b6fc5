/* Sockets of other people's programs: zmq("address", ...). */
#include <string.h>

#include "planner.h"
#include "weiri/numtext.h"

static const char *const OPTIONS[] = { "type", "bind", "topic" };
enum { N_OPTIONS = 3, LONGEST_ADDRESS = 200, LONGEST_TOPIC = 200, LAST_PORT = 65535 };

static bool
has_port(const char *address)
{
    const char *colon = strrchr(address, ':');
    int64_t     port  = 0;
    return colon != NULL && colon > address
           && weiri_int_parse(colon + 1, strlen(colon + 1), &port) && port > 0
           && port <= LAST_PORT;
}

static bool
is_address(const char *text)
{
    static const char TCP[] = "tcp://";
    static const char IPC[] = "ipc://";
    if (strncmp(text, TCP, sizeof TCP - 1) == 0) {
        return has_port(text + sizeof TCP - 1);
    }
    return strncmp(text, IPC, sizeof IPC - 1) == 0 && text[sizeof IPC - 1] != '\0';
}

/* A text without a zero byte; NULL after a report. */
static const char *
read_text(
    weiri_planner *self, const weiri_ast_expr *value, const char *what, uint32_t longest)
{
    const weir_value *text = weiri_constant(self, value, WEIR_STRING, what);
    if (text == NULL) {
        return NULL;
    }
    if (text->size > longest || memchr(text->as.s, 0, text->size) != NULL) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, value->at,
            "%s has at most %u bytes, and none of them is zero", what, longest);
        return NULL;
    }
    return weiri_arena_text(self->arena, text->as.s, text->size);
}

static bool
read_address(
    weiri_planner *self, const weiri_ast_endpoint *endpoint, weiri_wire_config *out)
{
    const weiri_ast_options *options = &endpoint->options;
    if (options->n_items == 0 || options->items[0].name.text != NULL) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, endpoint->name.at,
            "the address is missing");
        weiri_report_hint(self->diagnostics, "write zmq(\"tcp://127.0.0.1:5555\")");
        return false;
    }
    const weiri_ast_expr *value = options->items[0].value;
    out->address                = read_text(self, value, "an address", LONGEST_ADDRESS);
    if (out->address != NULL && !is_address(out->address)) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, value->at,
            "'%.80s' is no address", out->address);
        weiri_report_hint(
            self->diagnostics, "an address is tcp://HOST:PORT or ipc://PATH");
        return false;
    }
    return out->address != NULL;
}

static bool
read_type(weiri_planner *self, const weiri_ast_expr *value, bool is_sink,
    weiri_wire_config *out)
{
    static const char *const TYPES[] = { "pull", "sub", "push", "pub" };
    const char              *name = value->kind == WEIRI_AST_NAME ? value->name.text : "";
    int                      first = is_sink ? WEIRI_WIRE_PUSH : WEIRI_WIRE_PULL;
    for (int i = first; i < first + 2; i++) {
        if (strcmp(name, TYPES[i]) == 0) {
            out->kind = (weiri_wire_kind)i;
            return true;
        }
    }
    if (value->kind != WEIRI_AST_BROKEN) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, value->at,
            is_sink ? "the type of a socket that events are sent to is push or pub"
                    : "the type of a socket that events are read from is pull or sub");
    }
    return false;
}

static bool
read_option(weiri_planner *self, const weiri_ast_option *option, bool is_sink,
    weiri_wire_config *out)
{
    const char *name = option->name.text;
    if (name == NULL) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, option->value->at,
            "one argument more than is needed");
        return false;
    }
    if (option->value != NULL && strcmp(name, "type") == 0) {
        return read_type(self, option->value, is_sink, out);
    }
    if (option->value != NULL && strcmp(name, "bind") == 0) {
        const weir_value *value =
            weiri_constant(self, option->value, WEIR_BOOL, "option 'bind'");
        out->is_bound = value != NULL && value->as.b;
        return value != NULL;
    }
    if (option->value != NULL && strcmp(name, "topic") == 0) {
        out->topic = read_text(self, option->value, "a topic", LONGEST_TOPIC);
        return out->topic != NULL;
    }
    weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_OPTION, option->name.at,
        "there is no option '%s' here", name);
    weiri_report_nearest(self->diagnostics, name, OPTIONS, N_OPTIONS);
    weiri_report_hint(self->diagnostics, "options are type, bind and topic");
    return false;
}

bool
weiri_plan_wire(weiri_planner *self, const weiri_ast_endpoint *endpoint, bool is_sink,
    weiri_wire_config *out)
{
    const weiri_ast_options *options = &endpoint->options;
    *out = (weiri_wire_config){ .kind = is_sink ? WEIRI_WIRE_PUSH : WEIRI_WIRE_PULL };
    bool is_ok = read_address(self, endpoint, out);
    for (uint32_t i = is_ok; i < options->n_items; i++) {
        const weiri_ast_option *option = &options->items[i];
        if (i > 0 || option->name.text != NULL) {
            is_ok = read_option(self, option, is_sink, out) && is_ok;
        }
    }
    if (is_ok && out->topic != NULL
        && (out->kind == WEIRI_WIRE_PULL || out->kind == WEIRI_WIRE_PUSH)) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, endpoint->name.at,
            "a %s socket has no topic", is_sink ? "push" : "pull");
        weiri_report_hint(
            self->diagnostics, "did you mean 'type: %s'?", is_sink ? "pub" : "sub");
        return false;
    }
    return is_ok;
}
