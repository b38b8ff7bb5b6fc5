/* A node at work: its file, its rules, its control socket, its log. */
#ifndef WEIR_NODE_H
#define WEIR_NODE_H

#include "nodes.h"

/* Run a node until its inputs end or it is stopped.
 *
 *   path     of its file, whose `rules` and `set` are read again when rules are applied
 *   discard  shape (n_discard,): rules that begin anew
 *   returns  an exit status
 */
int
node_serve(const weiri_node_setup *setup, const char *path, const char *const *discard,
    size_t n_discard);

/* Ask a node what its verb stands for, and print what it says.
 *
 *   request  without the newline at its end
 *   returns  an exit status
 */
int
node_ask(const char *socket, const char *request);

/* The control socket of the node that a node file is of; NULL after a message.
 *
 *   path  of the node file
 *   name  of the node in it; NULL: the only one
 *   out   the file, to be destroyed when the socket's name is not needed any more
 */
const char *
node_socket(const char *path, const char *name, weiri_nodefile **out, int *status);

#endif
