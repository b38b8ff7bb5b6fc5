/* Sockets of other people's programs: zmq("address", ...). */
#include <string.h>

#include "planner.h"
#include "weiri/keypair.h"
#include "weiri/limits.h"
#include "weiri/numtext.h"

static const char *const OPTIONS[] = { "type", "bind", "topic", "reply", "name", "key",
    "peer" };
enum {
    N_OPTIONS       = sizeof OPTIONS / sizeof OPTIONS[0],
    LONGEST_ADDRESS = 200,
    LONGEST_TOPIC   = 200,
    LONGEST_NAME    = 200,
    LONGEST_PATH    = 4000,
    LAST_PORT       = 65535
};

/* By weiri_wire_kind. */
static const struct {
    const char *name;
    bool        is_source;
    bool        is_sink;
} TYPES[] = {
    { "pull", true, false },
    { "sub", true, false },
    { "push", false, true },
    { "pub", false, true },
    { "router", true, false },
    { "dealer", true, true },
};
enum { N_TYPES = sizeof TYPES / sizeof TYPES[0] };

/* What an endpoint says, while it is read. */
struct wire {
    const weiri_ast_endpoint *ast;
    bool                      is_sink;
    bool                      has_reply;
    weiri_wire_config        *out;
};

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
read_type(weiri_planner *self, const weiri_ast_expr *value, struct wire *wire)
{
    const char *name = value->kind == WEIRI_AST_NAME ? value->name.text : "";
    for (int i = 0; i < N_TYPES; i++) {
        bool is_meant = wire->is_sink ? TYPES[i].is_sink : TYPES[i].is_source;
        if (is_meant && strcmp(name, TYPES[i].name) == 0) {
            wire->out->kind = (weiri_wire_kind)i;
            return true;
        }
    }
    if (value->kind != WEIRI_AST_BROKEN) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, value->at,
            wire->is_sink
                ? "the type of a socket that events are sent to is push, pub or dealer"
                : "the type of a socket that events are read from is pull, sub, router "
                  "or dealer");
    }
    return false;
}

static bool
read_bool(weiri_planner *self, const weiri_ast_expr *value, const char *what, bool *out)
{
    const weir_value *constant = weiri_constant(self, value, WEIR_BOOL, what);
    *out                       = constant != NULL && constant->as.b;
    return constant != NULL;
}

static bool
read_name(weiri_planner *self, const weiri_ast_expr *value, weiri_wire_config *out)
{
    out->name = read_text(self, value, "a name", LONGEST_NAME);
    if (out->name != NULL && out->name[0] == '\0') {
        weiri_report(
            self->diagnostics, WEIRI_E_BAD_OPTION, value->at, "an empty text is no name");
        return false;
    }
    return out->name != NULL;
}

/* A path, relative to the rule file. */
static bool
read_key(weiri_planner *self, const weiri_ast_expr *value, weiri_wire_config *out)
{
    const char *path = read_text(self, value, "a path", LONGEST_PATH);
    if (path != NULL && path[0] == '\0') {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, value->at,
            "this is no path of a file");
        return false;
    }
    if (path != NULL) {
        const char *file  = weiri_planner_place(self, value->at).file;
        const char *slash = path[0] != '/' ? strrchr(file, '/') : NULL;
        int         n     = slash != NULL ? (int)(slash - file) + 1 : 0;
        out->key          = weiri_arena_format(self->arena, "%.*s%s", n, file, path);
    }
    return path != NULL;
}

static bool
read_peer(weiri_planner *self, const weiri_ast_expr *value, weiri_wire_config *out)
{
    const weir_value *text = weiri_constant(self, value, WEIR_STRING, "a public key");
    if (text == NULL) {
        return false;
    }
    const char  *key   = weiri_arena_text(self->arena, text->as.s, text->size);
    const char **peers = (const char **)out->peers;
    if (text->size != WEIRI_KEY_TEXT || !weiri_key_is_valid(key)) {
        weiri_report(
            self->diagnostics, WEIRI_E_BAD_OPTION, value->at, "this is not a public key");
        weiri_report_hint(self->diagnostics,
            "a public key is %d characters in Z85, as `weir keygen` prints it",
            WEIRI_KEY_TEXT);
        return false;
    }
    if (out->n_peers == WEIRI_WIRE_PEERS) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, value->at,
            "a socket knows at most %d keys", WEIRI_WIRE_PEERS);
        return false;
    }
    WEIRI_ARENA_PUSH(self->arena, peers, out->n_peers, key);
    out->peers = peers;
    return true;
}

static bool
read_option(weiri_planner *self, const weiri_ast_option *option, struct wire *wire)
{
    const char           *name  = option->name.text;
    const weiri_ast_expr *value = option->value;
    weiri_wire_config    *out   = wire->out;
    if (name == NULL) {
        weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, value->at,
            "one argument more than is needed");
        return false;
    }
    if (value != NULL && strcmp(name, "type") == 0) {
        return read_type(self, value, wire);
    }
    if (value != NULL && strcmp(name, "bind") == 0) {
        return read_bool(self, value, "option 'bind'", &out->is_bound);
    }
    if (value != NULL && strcmp(name, "topic") == 0) {
        out->topic = read_text(self, value, "a topic", LONGEST_TOPIC);
        return out->topic != NULL;
    }
    if (value != NULL && strcmp(name, "reply") == 0) {
        wire->has_reply = true;
        return read_bool(self, value, "option 'reply'", &out->is_replying);
    }
    if (value != NULL && strcmp(name, "name") == 0) {
        return read_name(self, value, out);
    }
    if (value != NULL && strcmp(name, "key") == 0) {
        return read_key(self, value, out);
    }
    if (value != NULL && strcmp(name, "peer") == 0) {
        return read_peer(self, value, out);
    }
    weiri_report(self->diagnostics, WEIRI_E_UNKNOWN_OPTION, option->name.at,
        "there is no option '%s' here", name);
    weiri_report_nearest(self->diagnostics, name, OPTIONS, N_OPTIONS);
    weiri_report_hint(
        self->diagnostics, "options are type, bind, topic, reply, name, key and peer");
    return false;
}

/* ---- what goes together ---- */

static bool
refuse(weiri_planner *self, const struct wire *wire, const char *what, const char *hint)
{
    weiri_report(self->diagnostics, WEIRI_E_BAD_OPTION, wire->ast->name.at, "%s", what);
    weiri_report_hint(self->diagnostics, "%s", hint);
    return false;
}

static bool
check_type(weiri_planner *self, const struct wire *wire)
{
    const weiri_wire_config *out  = wire->out;
    const char              *type = TYPES[out->kind].name;
    bool has_topic = out->kind == WEIRI_WIRE_SUB || out->kind == WEIRI_WIRE_PUB;
    bool is_asked  = !wire->is_sink
                    && (out->kind == WEIRI_WIRE_ROUTER || out->kind == WEIRI_WIRE_DEALER);
    if (out->topic != NULL && !has_topic) {
        return refuse(self, wire,
            weiri_arena_format(self->arena, "a %s socket has no topic", type),
            wire->is_sink ? "did you mean 'type: pub'?" : "did you mean 'type: sub'?");
    }
    if (wire->has_reply && !is_asked) {
        return refuse(self, wire, "nobody waits for replies here",
            "replies are sent by sources of type router and dealer");
    }
    if (out->name != NULL && out->kind != WEIRI_WIRE_DEALER) {
        return refuse(self, wire,
            weiri_arena_format(self->arena, "a %s socket has no name", type),
            "a name is what a router knows a dealer by: 'type: dealer'");
    }
    return true;
}

static bool
check_keys(weiri_planner *self, const struct wire *wire)
{
    const weiri_wire_config *out = wire->out;
    if (out->key != NULL && out->n_peers == 0) {
        return refuse(self, wire, "it has a key and knows no other",
            out->is_bound ? "add the public key of each who may come: peer: \"KEY\""
                          : "add the public key of who listens there: peer: \"KEY\"");
    }
    if (out->is_bound && out->key == NULL && out->n_peers > 0) {
        return refuse(self, wire, "who listens needs a key",
            "`weir keygen NAME` makes NAME.key: add key: \"NAME.key\"");
    }
    if (!out->is_bound && out->n_peers > 1) {
        return refuse(self, wire,
            "who listens at an address has one key, and here are more",
            "only with 'bind: true' there can be several who come");
    }
    return true;
}

bool
weiri_plan_wire(weiri_planner *self, const weiri_ast_endpoint *endpoint, bool is_sink,
    weiri_wire_config *out)
{
    const weiri_ast_options *options = &endpoint->options;
    struct wire              wire = { .ast = endpoint, .is_sink = is_sink, .out = out };
    *out = (weiri_wire_config){ .kind = is_sink ? WEIRI_WIRE_PUSH : WEIRI_WIRE_PULL };
    bool is_ok = read_address(self, endpoint, out);
    for (uint32_t i = is_ok; i < options->n_items; i++) {
        const weiri_ast_option *option = &options->items[i];
        if (i > 0 || option->name.text != NULL) {
            is_ok = read_option(self, option, &wire) && is_ok;
        }
    }
    if (!wire.has_reply) {
        out->is_replying = out->kind == WEIRI_WIRE_ROUTER;
    }
    return is_ok && check_type(self, &wire) && check_keys(self, &wire);
}
