/* What the reader of node files and the formatter share: blocks and lines, as tokens. */
#ifndef WEIRI_NODEFILE_INNER_H
#define WEIRI_NODEFILE_INNER_H

#include "format.h"
#include "parser.h"
#include "weiri/nodefile.h"

/* Tokens of a line inside a block, by their indexes. */
typedef struct weiri_node_line {
    uint32_t first;
    uint32_t last;
} weiri_node_line;

typedef struct weiri_node_block {
    uint32_t         first; /* `node` or `cluster`      */
    uint32_t         last;  /* the brace that closes it */
    weiri_node_line *lines;
    uint32_t         n_lines;
} weiri_node_block;

typedef struct weiri_node_tree {
    weiri_tokens      tokens;
    weiri_node_block *blocks;
    uint32_t          n_blocks;
} weiri_node_tree;

/* Read a node file that the diagnostics hold into `out`, whose arena is given, and report
 * what is wrong. */
weiri_node_tree
weiri_nodefile_tree(weiri_diagnostics *diagnostics, uint32_t file, weiri_nodefile *out);

/* nodefile_check.c: what is to be said about a node or cluster as a whole.
 *
 *   at     its name
 *   names  shape (n_peers,): where the names of its peers stand
 */
void
weiri_nodefile_check_node(weiri_diagnostics *diagnostics, const weiri_node_setup *node,
    weiri_span at, const weiri_span *names);
void
weiri_nodefile_check_cluster(weiri_diagnostics *diagnostics, const weiri_cluster *cluster,
    weiri_span at, const weiri_span *names);

/* "10gb" in bytes; kb, mb, gb and tb are powers of 1,024. False: it is no size of 1mb or
 * more. */
bool
weiri_nodefile_size(const char *text, uint64_t *out);

/* format_node.c: how it is laid out. */
weiri_layout
weiri_layout_nodefile(weiri_arena *arena, const weiri_node_tree *tree, const char *text);

#endif
