#include "nodefile.h"

#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "weiri/numtext.h"

/* ---- names, keys, addresses ---- */

static bool
is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool
weiri_node_is_name(const char *text)
{
    size_t size = strlen(text);
    if (size == 0 || size > WEIRI_NODE_NAME || !is_letter_or_digit(text[0])) {
        return false;
    }
    for (size_t i = 1; i < size; i++) {
        if (!is_letter_or_digit(text[i]) && strchr("-_.", text[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static const char *
port_wrong(const char *port, bool is_listen)
{
    enum { LAST_PORT = 65535 };
    int64_t number = 0;
    if (is_listen && strcmp(port, "*") == 0) {
        return NULL;
    }
    bool is_number = strspn(port, "0123456789") == strlen(port)
                     && weiri_int_parse(port, strlen(port), &number);
    return is_number && number >= 1 && number <= LAST_PORT
               ? NULL
               : "a port is a number from 1 to 65535";
}

static const char *
tcp_wrong(const char *text, bool is_listen)
{
    static const char HOST[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789.-_";
    static const char SIX[]  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789.:-_%";
    const char       *colon  = strrchr(text, ':');
    size_t            size   = colon != NULL ? (size_t)(colon - text) : 0;
    if (colon == NULL) {
        return "the port is missing";
    }
    if (size == 1 && text[0] == '*') {
        return is_listen ? port_wrong(colon + 1, true)
                         : "'*' is nowhere to connect to: name a host";
    }
    bool is_six = size > 2 && text[0] == '[' && text[size - 1] == ']'
                  && strspn(text + 1, SIX) == size - 2;
    if (!is_six && (size == 0 || strspn(text, HOST) != size)) {
        return "this is no host";
    }
    return port_wrong(colon + 1, is_listen);
}

const char *
weiri_node_address_wrong(const char *text, bool is_listen)
{
    static const char TCP[] = "tcp://";
    static const char IPC[] = "ipc://";
    enum { LONGEST_SOCKET = 107 }; /* sockaddr_un */
    if (strncmp(text, TCP, sizeof TCP - 1) == 0) {
        return tcp_wrong(text + sizeof TCP - 1, is_listen);
    }
    if (strncmp(text, IPC, sizeof IPC - 1) == 0) {
        size_t size = strlen(text + sizeof IPC - 1);
        return size == 0               ? "the path is missing"
               : size > LONGEST_SOCKET ? "the path of a socket has at most 107 bytes"
                                       : NULL;
    }
    return "this is no address";
}

/* ---- files ---- */

bool
weiri_nodefile_is(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size && (text[at] == '#' || strchr(" \t\r\n", text[at]) != NULL)) {
        if (text[at] == '\0') {
            return false;
        }
        if (text[at] == '#') {
            while (at < size && text[at] != '\n') {
                at++;
            }
        } else {
            at++;
        }
    }
    static const char *const WORDS[] = { "node", "cluster" };
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        size_t n = strlen(WORDS[i]);
        if (size - at > n && memcmp(text + at, WORDS[i], n) == 0
            && strchr(" \t\"\r\n", text[at + n]) != NULL) {
            return true;
        }
    }
    return false;
}

static weir_status
parse(weiri_arena *arena, const char *name, const char *text, size_t size,
    weiri_diagnostics *diagnostics, weiri_nodefile **out)
{
    bool     is_large = size > WEIRI_FILE_BYTES;
    uint32_t index =
        weiri_diagnostics_add_file(diagnostics, name, text, is_large ? 0 : size);
    weiri_nodefile *self = weiri_arena_alloc(arena, sizeof *self);
    self->arena          = arena;
    if (is_large) {
        weiri_report(diagnostics, WEIRI_E_FILE_TOO_LARGE, (weiri_span){ .file = index },
            "a node file has at most 4 MB, this one is larger");
        return WEIR_ESYNTAX;
    }
    (void)weiri_nodefile_tree(diagnostics, index, self);
    if (weiri_diagnostics_count(diagnostics, true) > 0) {
        return WEIR_ESYNTAX;
    }
    *out = self;
    return WEIR_OK;
}

weir_status
weiri_nodefile_parse(const char *name, const char *text, size_t size,
    weiri_diagnostics *diagnostics, weiri_nodefile **out, weir_error *err)
{
    weiri_arena *arena = weiri_arena_new();
    if (arena == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    weir_status status = parse(arena, name, text, size, diagnostics, out);
    if (status != WEIR_OK) {
        weiri_arena_destroy(&arena);
    }
    return status;
}

weir_status
weiri_nodefile_read(const char *path, weiri_diagnostics *diagnostics,
    weiri_nodefile **out, weir_error *err)
{
    weiri_arena *arena = weiri_arena_new();
    char        *text  = NULL;
    size_t       size  = 0;
    if (arena == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    weir_status status = weiri_read_file(arena, path, &text, &size, err);
    if (status == WEIR_OK) {
        status = parse(arena, path, text, size, diagnostics, out);
    }
    if (status != WEIR_OK) {
        weiri_arena_destroy(&arena);
    }
    return status;
}

void
weiri_nodefile_destroy(weiri_nodefile **self_p)
{
    if (*self_p != NULL) {
        weiri_arena *arena = (*self_p)->arena; /* holds the file itself */
        weiri_arena_destroy(&arena);
        *self_p = NULL;
    }
}

/* "'a', 'b'" */
static const char *
list_names(const weiri_nodefile *self)
{
    const char *list = "";
    for (uint32_t i = 0; i < self->n_nodes; i++) {
        list = weiri_arena_format(
            self->arena, "%s%s'%s'", list, i > 0 ? ", " : "", self->nodes[i].name);
    }
    return list;
}

weir_status
weiri_nodefile_node(const weiri_nodefile *self, const char *name,
    const weiri_node_setup **out, weir_error *err)
{
    if (self->n_nodes == 0) {
        return WEIR_FAIL(err, WEIR_EINVAL, "there is no node in this file");
    }
    if (name == NULL && self->n_nodes > 1) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "there are several nodes in this file: say which one of %s",
            list_names(self));
    }
    for (uint32_t i = 0; i < self->n_nodes; i++) {
        if (name == NULL || strcmp(self->nodes[i].name, name) == 0) {
            *out = &self->nodes[i];
            return WEIR_OK;
        }
    }
    return WEIR_FAIL(err, WEIR_EINVAL, "there is no node '%s' in this file, only %s",
        name, list_names(self));
}
