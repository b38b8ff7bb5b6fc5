/* Syntax trees as text: what was understood, without where it stood. */
#ifndef TREE_TEXT_H
#define TREE_TEXT_H

#include <stdio.h>

#include "ast.h"

/* Print all statements of a file, a line each. Two files print the same if and only if
 * their trees are the same but for places. */
void
tree_print(FILE *out, const weiri_ast_file *file);

#endif
