/* The grammar of node files: blocks of settings, one to a line. */
#include "nodefile.h"

#include <string.h>

#include "weiri/keypair.h"
#include "weiri/limits.h"
#include "weiri/numtext.h"
#include "weiri/timetext.h"

enum {
    MOST_SHARDS   = WEIRI_SHARDS - 1,
    SIZE_BITS_MIN = 20,
    SIZE_BITS_MAX = 50,
    BITS_PER_UNIT = 10
};

typedef struct reader {
    weiri_parser    parser;
    weiri_nodefile *file;
    const char     *folder; /* of the file, with its slash; "" here     */
    weiri_node_tree tree;
    uint32_t        first; /* token of the block that is read          */
    const char     *what;  /* is being read: "node" or "cluster"       */
    weiri_span     *names; /* of the peers of the block that is read   */
    uint32_t        n_names;
} reader;

static weiri_arena *
arena_of(const reader *self)
{
    return self->parser.arena;
}

/* The next token, if it is this word on the same line; `anywhere`: on the next, too. */
static bool
take(reader *self, const char *word, bool anywhere)
{
    const weiri_token *token = weiri_parser_peek(&self->parser, 0);
    size_t             size  = strlen(word);
    if (self->parser.is_lost || token->kind != WEIRI_TOKEN_NAME || token->size != size
        || (token->starts_line && !anywhere)
        || memcmp(self->parser.text + token->offset, word, size) != 0) {
        return false;
    }
    self->parser.at++;
    return true;
}

/* A text of 1 … `most` bytes, on the line. NULL after a report. */
static const char *
read_text(reader *self, const char *what, uint32_t most, weiri_span *at)
{
    weiri_parser *parser = &self->parser;
    weiri_span    place  = weiri_parser_span(parser);
    if (weiri_parser_peek(parser, 0)->starts_line) {
        weiri_parser_fail(parser, what);
        return NULL;
    }
    const char *text = weiri_parser_string(parser, what, &place);
    if (at != NULL) {
        *at = place;
    }
    if (text != NULL && (text[0] == '\0' || strlen(text) > most)) {
        weiri_report(parser->diagnostics, WEIRI_E_BAD_OPTION, place,
            text[0] == '\0' ? "an empty text cannot stand here"
                            : "this text is longer than %u bytes",
            most);
        return NULL;
    }
    return text;
}

static const char *
resolve(reader *self, const char *path)
{
    return path == NULL || path[0] == '/'
               ? path
               : weiri_arena_format(arena_of(self), "%s%s", self->folder, path);
}

enum { LONGEST_PATH = 4000 };

static const char *
read_path(reader *self, const char *what)
{
    return resolve(self, read_text(self, what, LONGEST_PATH, NULL));
}

/* ---- names, addresses, keys ---- */

/* NAME or "NAME". */
static const char *
read_node_name(reader *self, weiri_span *at)
{
    weiri_parser *parser = &self->parser;
    const char   *name   = NULL;
    *at                  = weiri_parser_span(parser);
    if (weiri_parser_kind(parser) == WEIRI_TOKEN_STRING) {
        name = weiri_parser_string(parser, "a name", at);
    } else if (weiri_parser_expect(parser, WEIRI_TOKEN_NAME, "the name of a node")) {
        name = weiri_arena_text(arena_of(self), parser->text + at->offset, at->size);
    }
    if (name != NULL && !weiri_node_is_name(name)) {
        weiri_report(parser->diagnostics, WEIRI_E_NODE_NAME, *at,
            "'%.80s' cannot be the name of a node", name);
        weiri_report_hint(parser->diagnostics,
            "a name has 1 to %d characters of a-z, A-Z, 0-9, '-', '_' and '.', the first "
            "a letter or digit",
            WEIRI_NODE_NAME);
        return NULL;
    }
    return name;
}

static const char *
read_address(reader *self, bool is_listen)
{
    weiri_span  at;
    const char *text  = read_text(self, "a text: an address", WEIRI_NODE_ADDRESS, &at);
    const char *wrong = text != NULL ? weiri_node_address_wrong(text, is_listen) : NULL;
    if (wrong != NULL) {
        weiri_report(self->parser.diagnostics, WEIRI_E_NODE_ADDRESS, at, "'%.80s': %s",
            text, wrong);
        weiri_report_hint(self->parser.diagnostics,
            is_listen ? "an address is tcp://HOST:PORT, tcp://*:PORT or ipc://PATH"
                      : "an address is tcp://HOST:PORT or ipc://PATH");
        return NULL;
    }
    static const char IPC[] = "ipc://";
    if (text != NULL && strncmp(text, IPC, sizeof IPC - 1) == 0) {
        return weiri_arena_format(
            arena_of(self), "%s%s", IPC, resolve(self, text + sizeof IPC - 1));
    }
    return text;
}

static const char *
read_key(reader *self)
{
    weiri_span  at;
    const char *text = read_text(self, "a text: a public key", LONGEST_PATH, &at);
    if (text != NULL && !weiri_key_is_valid(text)) {
        weiri_report(
            self->parser.diagnostics, WEIRI_E_NODE_KEY, at, "this is not a public key");
        weiri_report_hint(self->parser.diagnostics,
            "a public key is %d characters in Z85, as `weir keygen` prints it",
            WEIRI_KEY_TEXT);
        return NULL;
    }
    return text;
}

/* ---- peers ---- */

/* Whether that many tokens ahead there is another `may`. */
static bool
is_may_next(const reader *self, uint32_t ahead)
{
    const weiri_token *token = weiri_parser_peek(&self->parser, ahead);
    return token->size == 3 && memcmp(self->parser.text + token->offset, "may", 3) == 0;
}

/* any, or stream {, stream}; `, may` goes on with what comes next. */
static void
read_streams(reader *self, weiri_node_permit *out)
{
    weiri_parser *parser = &self->parser;
    if (take(self, "any", false)) {
        out->is_any = true;
        return;
    }
    do {
        if (weiri_parser_peek(parser, 0)->starts_line) {
            weiri_parser_fail(parser, "a stream, or any");
        }
        weiri_ast_name name = weiri_parser_name(parser, "a stream, or any");
        if (name.text == NULL) {
            return;
        }
        WEIRI_ARENA_PUSH(arena_of(self), out->streams, out->n_streams, name.text);
    } while (!is_may_next(self, 1) && weiri_parser_take(parser, WEIRI_TOKEN_COMMA));
}

static void
read_permits(reader *self, weiri_node_peer *peer)
{
    while (take(self, "may", true)) {
        if (take(self, "send", false)) {
            read_streams(self, &peer->may_send);
        } else if (take(self, "read", false)) {
            read_streams(self, &peer->may_read);
        } else {
            weiri_parser_fail(&self->parser, "send or read");
        }
        if (is_may_next(self, 1)) {
            weiri_parser_take(&self->parser, WEIRI_TOKEN_COMMA);
        }
    }
}

static void
report_name_taken(reader *self, weiri_span at, const char *name)
{
    weiri_report(self->parser.diagnostics, WEIRI_E_NAME_TAKEN, at,
        "there is a '%s' already in this %s", name, self->what);
}

static void
add_peer(reader *self, weiri_node_peer **peers, uint32_t *n, const weiri_node_peer *peer,
    weiri_span at)
{
    for (uint32_t i = 0; i < *n; i++) {
        if (strcmp((*peers)[i].name, peer->name) == 0) {
            report_name_taken(self, at, peer->name);
            return;
        }
    }
    if (*n >= WEIRI_NODE_PEERS) {
        weiri_report(self->parser.diagnostics, WEIRI_E_BAD_OPTION, at,
            "a %s has at most %d of these", self->what, WEIRI_NODE_PEERS);
        return;
    }
    WEIRI_ARENA_PUSH(arena_of(self), *peers, *n, *peer);
    WEIRI_ARENA_PUSH(arena_of(self), self->names, self->n_names, at);
}

/* NAME [at ADDRESS] [key KEY] [may …] */
static void
read_peer(reader *self, weiri_node_peer **peers, uint32_t *n, bool has_permits)
{
    weiri_parser   *parser = &self->parser;
    weiri_node_peer peer   = { .name = NULL };
    weiri_span      at;
    peer.name  = read_node_name(self, &at);
    peer.place = weiri_diagnostics_place(parser->diagnostics, at);
    if (take(self, "at", true)) {
        peer.address = read_address(self, false);
    }
    if (take(self, "key", false)) {
        peer.key = read_key(self);
    }
    if (has_permits) {
        read_permits(self, &peer);
    }
    if (peer.name != NULL && !parser->is_lost) {
        add_peer(self, peers, n, &peer, at);
    }
}

/* ---- settings ---- */

static void
read_rules(reader *self, weiri_node_setup *node)
{
    do {
        weiri_span  at   = weiri_parser_span(&self->parser);
        const char *path = read_path(self, "a text: the path of a rule file");
        if (path != NULL && node->n_rules >= WEIRI_NODE_RULES) {
            weiri_report(self->parser.diagnostics, WEIRI_E_BAD_OPTION, at,
                "a node reads at most %d files; they can include others",
                WEIRI_NODE_RULES);
            return;
        }
        if (path != NULL) {
            WEIRI_ARENA_PUSH(arena_of(self), node->rules, node->n_rules, path);
        }
    } while (weiri_parser_take(&self->parser, WEIRI_TOKEN_COMMA));
}

/* set NAME = VALUE, the value as --set would be given it. */
static void
read_set(reader *self, weiri_node_setup *node)
{
    weiri_parser  *parser  = &self->parser;
    weiri_ast_name name    = weiri_parser_name(parser, "the name of a parameter");
    weiri_setting  setting = { .name = name.text };
    weiri_parser_expect(parser, WEIRI_TOKEN_ASSIGN, NULL);
    uint32_t first = parser->at;
    weiri_parser_take(parser, WEIRI_TOKEN_MINUS);
    switch (weiri_parser_kind(parser)) {
    case WEIRI_TOKEN_STRING: setting.value = weiri_parser_string(parser, "", NULL); break;
    case WEIRI_TOKEN_INT:
    case WEIRI_TOKEN_FLOAT:
    case WEIRI_TOKEN_DURATION:
    case WEIRI_TOKEN_NAME: {
        weiri_span at = weiri_span_join(
            weiri_parser_span_from(parser, first), weiri_parser_span(parser));
        setting.value =
            weiri_arena_text(arena_of(self), parser->text + at.offset, at.size);
        parser->at++;
        break;
    }
    default: weiri_parser_fail(parser, "a number, a duration, a text, true or false");
    }
    for (uint32_t i = 0; setting.name != NULL && i < node->n_settings; i++) {
        if (strcmp(node->settings[i].name, setting.name) == 0) {
            weiri_report(parser->diagnostics, WEIRI_E_CLAUSE_TWICE, name.at,
                "'%s' is set twice", setting.name);
            return;
        }
    }
    if (!parser->is_lost && setting.value != NULL) {
        WEIRI_ARENA_PUSH(arena_of(self), node->settings, node->n_settings, setting);
    }
}

/* The text of a number with a unit, which is taken; NULL after a report. */
static const char *
read_amount(reader *self, const char *what)
{
    weiri_span at = weiri_parser_span(&self->parser);
    if (!weiri_parser_expect(&self->parser, WEIRI_TOKEN_DURATION, what)) {
        return NULL;
    }
    return weiri_arena_text(arena_of(self), self->parser.text + at.offset, at.size);
}

static void
report_amount(reader *self, weiri_code code, const char *text, const char *wanted)
{
    self->parser.at--;
    weiri_report(self->parser.diagnostics, code, weiri_parser_span(&self->parser),
        "'%.40s' is not %s", text, wanted);
    self->parser.at++;
}

bool
weiri_nodefile_size(const char *text, uint64_t *out)
{
    static const char *const UNITS[] = { "kb", "mb", "gb", "tb" };
    size_t                   digits  = strspn(text, "0123456789");
    int64_t                  number  = 0;
    if (!weiri_int_parse(text, digits, &number)) {
        return false;
    }
    for (uint32_t u = 0; u < sizeof UNITS / sizeof UNITS[0]; u++) {
        uint32_t bits = BITS_PER_UNIT * (u + 1);
        if (strcmp(text + digits, UNITS[u]) == 0) {
            *out = (uint64_t)number << bits;
            return (uint64_t)number <= UINT64_C(1) << (SIZE_BITS_MAX - bits)
                   && *out >= UINT64_C(1) << SIZE_BITS_MIN;
        }
    }
    return false;
}

static void
read_checkpoint(reader *self, weiri_node_setup *node)
{
    if (!take(self, "every", false)) {
        weiri_parser_fail(&self->parser, "'every' and a duration");
        return;
    }
    const char *text = read_amount(self, "a duration, as 5s");
    if (text != NULL
        && (!weiri_duration_parse(text, strlen(text), &node->checkpoint_ns)
            || node->checkpoint_ns <= 0)) {
        report_amount(self, WEIRI_E_BAD_DURATION, text, "a duration above zero, as 5s");
    }
}

/* "PATH" [checkpoint every 5s] [limit 10gb] */
static void
read_state(reader *self, weiri_node_setup *node)
{
    node->state = read_path(self, "a text: the path of a folder");
    for (;;) {
        if (take(self, "checkpoint", true)) {
            read_checkpoint(self, node);
        } else if (take(self, "limit", true)) {
            const char *text = read_amount(self, "a size, as 10gb");
            if (text != NULL && !weiri_nodefile_size(text, &node->limit_bytes)) {
                report_amount(self, WEIRI_E_BAD_OPTION, text,
                    "a size from 1mb to 1024tb, as 500mb or 10gb");
            }
        } else {
            return;
        }
    }
}

static void
read_shards(reader *self, weiri_node_setup *node)
{
    weiri_span at = weiri_parser_span(&self->parser);
    int64_t    n  = 0;
    if (!weiri_parser_expect(&self->parser, WEIRI_TOKEN_INT, "a number of shards")) {
        return;
    }
    if (!weiri_int_parse(self->parser.text + at.offset, at.size, &n) || n < 1
        || n > MOST_SHARDS) {
        weiri_report(self->parser.diagnostics, WEIRI_E_BAD_OPTION, at,
            "a node has 1 to %d shards", MOST_SHARDS);
        return;
    }
    node->n_shards = (uint32_t)n;
}

/* One of several words on the line; how many there are: none. */
static uint32_t
read_choice(reader *self, const char *const *words, uint32_t n, const char *what)
{
    for (uint32_t i = 0; i < n; i++) {
        if (take(self, words[i], false)) {
            return i;
        }
    }
    weiri_parser_fail(&self->parser, what);
    return n;
}

static void
read_log(reader *self, weiri_node_setup *node)
{
    static const char *const FORMATS[] = { "text", "json" };
    static const char *const LEVELS[]  = { "debug", "info", "warn", "error" };
    uint32_t                 format    = read_choice(self, FORMATS, 2, "text or json");
    if (format < 2) {
        node->log_format = (weiri_log_format)format;
    }
    if (take(self, "level", false)) {
        uint32_t level = read_choice(self, LEVELS, 4, "debug, info, warn or error");
        if (level < 4) {
            node->log_level = (weiri_log_level)level;
        }
    }
}

static void
read_listen(reader *self, weiri_node_setup *node)
{
    node->listen = read_address(self, true);
}

static void
read_key_file(reader *self, weiri_node_setup *node)
{
    node->key = read_path(self, "a text: the path of the secret key");
}

static void
read_control(reader *self, weiri_node_setup *node)
{
    enum { LONGEST_SOCKET = 107 }; /* sockaddr_un */
    weiri_span at = weiri_parser_span(&self->parser);
    node->control = read_path(self, "a text: the path of a socket");
    if (node->control != NULL && strlen(node->control) > LONGEST_SOCKET) {
        weiri_report(self->parser.diagnostics, WEIRI_E_BAD_OPTION, at,
            "the path of a socket has at most %d bytes, '%s' has more", LONGEST_SOCKET,
            node->control);
    }
}

static void
read_live(reader *self, weiri_node_setup *node)
{
    node->live = read_path(self, "a text: the path of a file");
}

static void
read_cluster_file(reader *self, weiri_node_setup *node)
{
    node->cluster = read_path(self, "a text: the path of the cluster's file");
}

static void
read_insecure(reader *self, weiri_node_setup *node)
{
    (void)self;
    node->is_insecure = true;
}

static void
read_node_peer(reader *self, weiri_node_setup *node)
{
    read_peer(self, &node->peers, &node->n_peers, true);
}

struct setting {
    const char *word;
    void (*read)(reader *self, weiri_node_setup *node);
    bool is_many;
};

static const struct setting SETTINGS[] = {
    { "rules", read_rules, false },
    { "set", read_set, true },
    { "state", read_state, false },
    { "shards", read_shards, false },
    { "listen", read_listen, false },
    { "key", read_key_file, false },
    { "control", read_control, false },
    { "live", read_live, false },
    { "cluster", read_cluster_file, false },
    { "log", read_log, false },
    { "insecure", read_insecure, false },
    { "peer", read_node_peer, true },
};
enum { N_SETTINGS = sizeof SETTINGS / sizeof SETTINGS[0] };

static void
report_unknown(reader *self)
{
    const char        *words[N_SETTINGS];
    const weiri_token *token = weiri_parser_peek(&self->parser, 0);
    for (size_t i = 0; i < N_SETTINGS; i++) {
        words[i] = SETTINGS[i].word;
    }
    if (token->kind == WEIRI_TOKEN_BAD) {
        self->parser.is_lost = true;
        return;
    }
    const char *word =
        weiri_arena_text(arena_of(self), self->parser.text + token->offset, token->size);
    weiri_parser_fail_as(&self->parser, WEIRI_E_NODE_SETTING,
        weiri_arena_format(arena_of(self), "a node has no setting '%.40s'", word));
    weiri_report_nearest(self->parser.diagnostics, word, words, N_SETTINGS);
    weiri_report_hint(self->parser.diagnostics,
        "settings are rules, set, state, shards, listen, key, control, live, cluster, "
        "log, insecure and peer");
}

static void
read_node_line(reader *self, weiri_node_setup *node, uint32_t *seen)
{
    weiri_span at = weiri_parser_span(&self->parser);
    for (uint32_t i = 0; i < N_SETTINGS; i++) {
        if (take(self, SETTINGS[i].word, true)) {
            if (!SETTINGS[i].is_many && (*seen & 1U << i) != 0) {
                weiri_report(self->parser.diagnostics, WEIRI_E_CLAUSE_TWICE, at,
                    "'%s' is given twice", SETTINGS[i].word);
            }
            *seen |= 1U << i;
            SETTINGS[i].read(self, node);
            return;
        }
    }
    report_unknown(self);
}

static void
read_cluster_line(reader *self, weiri_cluster *cluster)
{
    if (take(self, "insecure", true)) {
        cluster->is_insecure = true;
    } else if (take(self, "node", true)) {
        read_peer(self, &cluster->members, &cluster->n_members, false);
    } else {
        weiri_parser_fail(&self->parser, "'node NAME at \"ADDRESS\" key \"KEY\"'");
    }
}

/* ---- blocks ---- */

/* The lines of a block, each its own report; the brace that closes it is taken. */
static void
read_lines(reader *self, weiri_node_setup *node, weiri_cluster *cluster)
{
    weiri_parser      *parser = &self->parser;
    weiri_node_block   block  = { .first = self->first };
    uint32_t           seen   = 0;
    const weiri_token *open   = &parser->tokens.items[parser->at - 1];
    while (weiri_parser_kind(parser) != WEIRI_TOKEN_END
           && weiri_parser_kind(parser) != WEIRI_TOKEN_RIGHT_BRACE) {
        weiri_node_line line = { .first = parser->at };
        if (node != NULL) {
            read_node_line(self, node, &seen);
        } else {
            read_cluster_line(self, cluster);
        }
        weiri_token_kind next = weiri_parser_kind(parser);
        if (!parser->is_lost && next != WEIRI_TOKEN_RIGHT_BRACE
            && !weiri_parser_peek(parser, 0)->starts_line) {
            weiri_parser_fail(parser, "the end of the line");
        }
        if (parser->is_lost) {
            parser->at += parser->at == line.first;
            do {
                weiri_parser_recover(parser, WEIRI_SYNC_LINE, open);
            } while (weiri_parser_take(parser, WEIRI_TOKEN_COMMA));
        }
        line.last = parser->at - 1;
        WEIRI_ARENA_PUSH(arena_of(self), block.lines, block.n_lines, line);
    }
    block.last = parser->at;
    if (!weiri_parser_take(parser, WEIRI_TOKEN_RIGHT_BRACE)) {
        weiri_report(parser->diagnostics, WEIRI_E_BRACE_NOT_CLOSED,
            (weiri_span){ parser->file, open->offset, 1 }, "this '{' is never closed");
    }
    WEIRI_ARENA_PUSH(arena_of(self), self->tree.blocks, self->tree.n_blocks, block);
}

/* The name and the opening brace. */
static const char *
read_head(reader *self, weiri_span *at)
{
    self->first      = self->parser.at - 1;
    const char *name = read_node_name(self, at);
    weiri_parser_expect(&self->parser, WEIRI_TOKEN_LEFT_BRACE, NULL);
    self->names   = NULL;
    self->n_names = 0;
    return name;
}

static void
read_node(reader *self)
{
    weiri_parser    *parser = &self->parser;
    weiri_nodefile  *file   = self->file;
    weiri_node_setup node   = { .log_level = WEIRI_LOG_INFO };
    weiri_span       at;
    self->what = "node";
    node.name  = read_head(self, &at);
    if (parser->is_lost) {
        return;
    }
    node.place = weiri_diagnostics_place(parser->diagnostics, at);
    read_lines(self, &node, NULL);
    for (uint32_t i = 0; node.name != NULL && i < file->n_nodes; i++) {
        if (strcmp(file->nodes[i].name, node.name) == 0) {
            weiri_report(parser->diagnostics, WEIRI_E_NAME_TAKEN, at,
                "there is a node '%s' already", node.name);
        }
    }
    weiri_nodefile_check_node(parser->diagnostics, &node, at, self->names);
    WEIRI_ARENA_PUSH(file->arena, file->nodes, file->n_nodes, node);
}

static void
read_cluster(reader *self)
{
    weiri_parser   *parser  = &self->parser;
    weiri_nodefile *file    = self->file;
    weiri_cluster   cluster = { .n_members = 0 };
    weiri_span      at;
    self->what   = "cluster";
    cluster.name = read_head(self, &at);
    if (parser->is_lost) {
        return;
    }
    cluster.place = weiri_diagnostics_place(parser->diagnostics, at);
    read_lines(self, NULL, &cluster);
    for (uint32_t i = 0; cluster.name != NULL && i < file->n_clusters; i++) {
        if (strcmp(file->clusters[i].name, cluster.name) == 0) {
            weiri_report(parser->diagnostics, WEIRI_E_NAME_TAKEN, at,
                "there is a cluster '%s' already", cluster.name);
        }
    }
    weiri_nodefile_check_cluster(parser->diagnostics, &cluster, at, self->names);
    WEIRI_ARENA_PUSH(file->arena, file->clusters, file->n_clusters, cluster);
}

/* To where the next block begins. */
static void
skip_to_block(reader *self)
{
    weiri_parser *parser = &self->parser;
    parser->is_lost      = false;
    while (weiri_parser_kind(parser) != WEIRI_TOKEN_END) {
        const weiri_token *token = weiri_parser_peek(parser, 0);
        uint32_t           at    = parser->at;
        if (token->braces == 0 && token->starts_line
            && (take(self, "node", true) || take(self, "cluster", true))) {
            parser->at = at;
            return;
        }
        parser->at = at + 1;
    }
}

weiri_node_tree
weiri_nodefile_tree(weiri_diagnostics *diagnostics, uint32_t file, weiri_nodefile *out)
{
    const weiri_text_file *text  = weiri_diagnostics_file(diagnostics, file);
    const char            *slash = strrchr(text->name, '/');
    reader                 self  = { .file = out };
    self.tree.tokens             = weiri_lex(out->arena, diagnostics, file);
    self.parser                  = (weiri_parser){ .arena = out->arena,
                         .diagnostics                     = diagnostics,
                         .file                            = file,
                         .text                            = text->text,
                         .tokens                          = self.tree.tokens };
    self.folder                  = slash == NULL ? ""
                                                 : weiri_arena_text(out->arena, text->name,
                                                     (size_t)(slash - text->name) + 1);
    while (weiri_parser_kind(&self.parser) != WEIRI_TOKEN_END) {
        if (take(&self, "node", true)) {
            read_node(&self);
        } else if (take(&self, "cluster", true)) {
            read_cluster(&self);
        } else {
            weiri_parser_fail(&self.parser, "'node NAME {' or 'cluster NAME {'");
        }
        if (self.parser.is_lost) {
            self.parser.at += weiri_parser_peek(&self.parser, 0)->kind != WEIRI_TOKEN_END;
            skip_to_block(&self);
        }
    }
    return self.tree;
}
