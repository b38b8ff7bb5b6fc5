/* A pattern's automaton drawn: as text, for Graphviz, or as a picture. */
#ifndef WEIR_DRAW_H
#define WEIR_DRAW_H

#include <stdio.h>

#include "weiri/explain.h"

/* Lines of at most `width` columns, each after `indent` spaces. */
void
draw_text(const weiri_drawing *drawing, int indent, int width, FILE *file);

/* The language of Graphviz. */
void
draw_dot(const weiri_drawing *drawing, const char *name, FILE *file);

/* SVG 1.1, states in columns by their distance from the beginning.
 *
 *   source  layers and their order by barycentres: K. Sugiyama, S. Tagawa, M. Toda,
 *           "Methods for visual understanding of hierarchical system structures", IEEE
 *           Transactions on Systems, Man, and Cybernetics 11(2), 1981
 */
void
draw_svg(weiri_arena *arena, const weiri_drawing *drawing, const char *name, FILE *file);

/* Print `text` from column `at` on, its further lines after `indent` spaces; no newline
 * at the end. Returns the column behind it. */
int
print_wrapped(const char *text, int at, int indent, int width, FILE *file);

#endif
