#include "admit.h"

#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "node.h"
#include "peering.h"
#include "weiri/allow.h"
#include "weiri/keypair.h"

/* ---- weir node allow, revoke ---- */

/* The request; from malloc. NULL after a message. */
static char *
write_request(const admission *what, const char *key)
{
    char  *text   = NULL;
    size_t size   = 0;
    FILE  *stream = open_memstream(&text, &size);
    if (stream == NULL) {
        return NULL;
    }
    fprintf(stream, "%s\tname=%s", what->is_allow ? "allow" : "revoke", what->name);
    if (what->is_allow) {
        fprintf(stream, "\tkey=%s", key);
    }
    for (size_t i = 0; i < what->n_send; i++) {
        fprintf(stream, "\tsend=%s", what->send[i]);
    }
    for (size_t i = 0; i < what->n_read; i++) {
        fprintf(stream, "\tread=%s", what->read[i]);
    }
    fputc('\n', stream);
    fclose(stream);
    return text;
}

static weiri_permit
as_permit(const char **streams, size_t n)
{
    weiri_permit permit = { .streams = streams, .n_streams = n };
    for (size_t i = 0; i < n; i++) {
        permit.is_any |= strcmp(streams[i], "any") == 0;
    }
    return permit;
}

static int
change_list(const admission *what, const char *key, const weiri_node_setup *setup)
{
    weir_error   err   = { .status = WEIR_OK };
    char        *path  = peering_list_path(setup, what->config);
    weiri_allow *list  = NULL;
    weir_status status = path != NULL ? weiri_allow_read(path, &list, &err) : WEIR_ENOMEM;
    if (status == WEIR_OK && what->is_allow) {
        weiri_peer_config peer = { .name = what->name,
            .key                         = key,
            .may_send                    = as_permit(what->send, what->n_send),
            .may_read                    = as_permit(what->read, what->n_read) };
        status                 = weiri_allow_add(list, &peer, &err);
    } else if (status == WEIR_OK) {
        status = weiri_allow_revoke(list, what->name, &err);
    }
    if (status == WEIR_OK) {
        fprintf(stderr, "weir: the node does not run: it will find this in %s\n", path);
    }
    weiri_allow_destroy(&list);
    free(path);
    return report_failure(status, &err);
}

/* The key itself, whether it was given or is in a file. */
static int
read_key(const char *given, char key[WEIRI_KEY_TEXT + 1])
{
    weir_error err = { .status = WEIR_OK };
    if (weiri_key_is_valid(given)) {
        memcpy(key, given, WEIRI_KEY_TEXT + 1);
        return EXIT_OK;
    }
    weir_status status = weiri_keypair_open_public(given, key, &err);
    if (status == WEIR_ENOENT) {
        return report_usage("node",
            "'%s' is neither a key, %d characters of Z85, nor a file that has one", given,
            WEIRI_KEY_TEXT);
    }
    return report_failure(status, &err);
}

/* Nobody listens: the list is changed here, if it is known which. */
static int
ask_or_change(const admission *what, const char *key, const char *socket,
    const weiri_node_setup *setup)
{
    weir_error  err     = { .status = WEIR_OK };
    char       *request = write_request(what, key);
    char       *body    = NULL;
    size_t      size    = 0;
    int         answer  = EXIT_OK;
    weir_status status  = request != NULL ? WEIR_ENOENT : WEIR_ENOMEM;
    if (request != NULL && socket != NULL) {
        status = control_ask(socket, request, &answer, &body, &size, &err);
    }
    if (status == WEIR_OK) {
        fwrite(body, 1, size, answer == EXIT_OK ? stdout : stderr);
    } else if (status == WEIR_ENOENT && setup != NULL) {
        answer = change_list(what, key, setup);
    } else {
        answer = report_failure(status, &err);
    }
    free(request);
    free(body);
    return answer;
}

int
admit(const admission *what)
{
    weir_error              err                     = { .status = WEIR_OK };
    const setting_list      none                    = { 0 };
    const weiri_node_setup *setup                   = NULL;
    weiri_nodefile         *file                    = NULL;
    char                    key[WEIRI_KEY_TEXT + 1] = "";
    int                     status = what->is_allow ? read_key(what->key, key) : EXIT_OK;
    if (status == EXIT_OK && !weiri_node_is_name(what->name)) {
        status = report_usage("node", "'%s' is no name of a node", what->name);
    }
    if (status == EXIT_OK && what->config != NULL) {
        status = nodefile_open(what->config, &none, false, &file);
        status = status == EXIT_OK ? report_failure(
                     weiri_nodefile_node(file, what->node, &setup, &err), &err)
                                   : status;
    }
    if (status == EXIT_OK) {
        const char *socket = what->control != NULL ? what->control
                             : setup != NULL       ? setup->control
                                                   : NULL;
        status             = ask_or_change(what, key, socket, setup);
    }
    weiri_nodefile_destroy(&file);
    return status;
}

/* ---- weir keygen ---- */

static const char KEYGEN_HELP[] =
    "Usage: weir keygen NAME\n"
    "\n"
    "Make a pair of keys for a node: NAME.key is secret, for the node alone (mode 0600,\n"
    "`key` in its node file); NAME.pub is public, for those who are to know it. The\n"
    "public key is printed, too. Neither file is overwritten.\n"
    "\n"
    "  --help           print this\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage, or a file is there already, 74 writing "
    "failed.\n";

static const struct option KEYGEN_OPTIONS[] = {
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

int
command_keygen(int argc, char **argv)
{
    weir_error    err  = { .status = WEIR_OK };
    weiri_keypair keys = { .public_key = "" };
    int           option;
    while ((option = next_option(argc, argv, KEYGEN_OPTIONS)) != -1) {
        if (option != 'h') {
            return report_option("keygen", option, argv);
        }
        fputs(KEYGEN_HELP, stdout);
        return EXIT_OK;
    }
    if (argc - optind != 1) {
        return report_usage("keygen", "whose keys? weir keygen NAME");
    }
    weir_status status = weiri_keypair_make(&keys, &err);
    if (status == WEIR_OK) {
        status = weiri_keypair_store(&keys, argv[optind], &err);
    }
    if (status == WEIR_OK) {
        printf("%s\n", keys.public_key);
    }
    weiri_keypair_forget(&keys);
    return report_failure(status, &err);
}
