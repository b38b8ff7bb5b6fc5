/* Node files, as verbs use them. */
#ifndef WEIR_NODES_H
#define WEIR_NODES_H

#include "command.h"
#include "weiri/nodefile.h"

/* Whether a file can be read and is a node file, not one of rules. */
bool
nodefile_is(const char *path);

/* Read a node file; what is wrong is told as the settings say. Returns an exit status;
 * *out is set on EXIT_OK. */
int
nodefile_open(
    const char *path, const setting_list *settings, bool quiet, weiri_nodefile **out);

/* Compile the rules of a node, with its parameters. As compile_rules. */
int
nodefile_compile(const weiri_node_setup *node, const setting_list *settings, bool quiet,
    weiri_plan **out);

/* Have the nodes of a file know their clusters (weiri_nodefile_join), or report what is
 * wrong.
 *
 *   setup    the one node that is meant; NULL: all
 *   returns  an exit status
 */
int
nodefile_join(weiri_nodefile *file, const weiri_node_setup *setup,
    const setting_list *settings, bool quiet);

#endif
