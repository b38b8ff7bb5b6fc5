#include "draw.h"

#include <string.h>

/* ---- text ---- */

int
print_wrapped(const char *text, int at, int indent, int width, FILE *file)
{
    bool is_line_begun = false;
    while (*text != '\0') {
        const char *end  = strchr(text, ' ');
        int         size = end != NULL ? (int)(end - text) : (int)strlen(text);
        if (is_line_begun && at + 1 + size > width) {
            fprintf(file, "\n%*s", indent, "");
            at            = indent;
            is_line_begun = false;
        }
        fprintf(file, "%s%.*s", is_line_begun ? " " : "", size, text);
        at += size + is_line_begun;
        is_line_begun = true;
        text += size;
        while (*text == ' ') {
            text++;
        }
    }
    return at;
}

/* An arc that does not lead straight to the state below. */
static void
text_side_arc(const weiri_drawing *drawing, const weiri_drawn_arc *arc, int indent,
    int width, FILE *file)
{
    const weiri_drawn_state *to = &drawing->states[arc->to];
    char                     target[32];
    if (arc->to == arc->from) {
        snprintf(target, sizeof target, "stays");
    } else if (to->is_match) {
        snprintf(target, sizeof target, "to the match");
    } else {
        snprintf(target, sizeof target, "to (%u)", to->number);
    }
    fprintf(file, "%*s  |   +-- ", indent, "");
    int at = print_wrapped(arc->label, indent + 10, indent + 10, width - 16, file);
    (void)at;
    fprintf(file, ": %s\n", target);
}

static void
text_down_arc(const weiri_drawn_arc *arc, int indent, int width, FILE *file)
{
    fprintf(file, "%*s  |\n%*s  | ", indent, "", indent, "");
    print_wrapped(arc->label, indent + 4, indent + 4, width, file);
    fprintf(file, "\n%*s  v\n", indent, "");
}

static void
text_state(const weiri_drawn_state *state, int indent, FILE *file)
{
    if (state->is_match) {
        fprintf(file, "%*s[match]\n", indent, "");
        return;
    }
    fprintf(file, "%*s (%u) %s%s\n", indent, "", state->number,
        state->is_begin ? "begins: " : "", state->label);
}

void
draw_text(const weiri_drawing *drawing, int indent, int width, FILE *file)
{
    uint32_t arc = 0;
    for (uint32_t s = 0; s < drawing->n_states; s++) {
        const weiri_drawn_arc *down = NULL;
        text_state(&drawing->states[s], indent, file);
        for (; arc < drawing->n_arcs && drawing->arcs[arc].from == s; arc++) {
            if (drawing->arcs[arc].to == s + 1 && down == NULL) {
                down = &drawing->arcs[arc];
            } else {
                text_side_arc(drawing, &drawing->arcs[arc], indent, width, file);
            }
        }
        if (down != NULL) {
            text_down_arc(down, indent, width, file);
        } else if (s + 1 < drawing->n_states) {
            fputc('\n', file);
        }
    }
}

/* ---- Graphviz ---- */

static void
dot_quoted(const char *text, FILE *file)
{
    fputc('"', file);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            fputc('\\', file);
        }
        fputc(*text, file);
    }
    fputc('"', file);
}

void
draw_dot(const weiri_drawing *drawing, const char *name, FILE *file)
{
    fputs("digraph ", file);
    dot_quoted(name, file);
    fputs(" {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n", file);
    for (uint32_t s = 0; s < drawing->n_states; s++) {
        const weiri_drawn_state *state = &drawing->states[s];
        fprintf(file, "  %u [label=", s);
        dot_quoted(state->label, file);
        fprintf(file, "%s%s];\n", state->is_match ? ", peripheries=2" : "",
            state->is_begin ? ", penwidth=2" : "");
    }
    for (uint32_t i = 0; i < drawing->n_arcs; i++) {
        const weiri_drawn_arc *arc = &drawing->arcs[i];
        fprintf(file, "  %u -> %u [label=", arc->from, arc->to);
        dot_quoted(arc->label, file);
        fprintf(file, "%s];\n", arc->is_pass ? ", style=dashed" : "");
    }
    fputs("}\n", file);
}

/* ---- SVG ---- */

enum {
    LETTER   = 7, /* width of a letter, all in pixels */
    BOX      = 34,
    ROW      = 110,
    MARGIN   = 24,
    GAP_LEFT = 40 /* between columns, besides the longest label */
};

typedef struct layout {
    const weiri_drawing *drawing;
    int                 *x; /* left edge of each state's box */
    int                 *y; /* its middle                    */
    int                 *width;
    int                 *place; /* in its column, from 0 */
    int                  total_width;
    int                  total_height;
} layout;

static void
svg_escaped(const char *text, FILE *file)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&': fputs("&amp;", file); break;
        case '<': fputs("&lt;", file); break;
        case '>': fputs("&gt;", file); break;
        case '"': fputs("&quot;", file); break;
        default: fputc(*text, file);
        }
    }
}

/* The mean place of the states of the column before that lead to `state`, times 1024. */
static int
barycentre(const layout *self, uint32_t state)
{
    const weiri_drawing *d   = self->drawing;
    int                  sum = 0;
    int                  n   = 0;
    for (uint32_t i = 0; i < d->n_arcs; i++) {
        const weiri_drawn_arc *arc = &d->arcs[i];
        if (arc->to == state && d->layers[arc->from] < d->layers[state]) {
            sum += 1024 * self->place[arc->from];
            n++;
        }
    }
    return n > 0 ? sum / n : 0;
}

/* States of a column in the order of those that lead to them, so that few arcs cross. */
static void
place_column(layout *self, uint32_t layer)
{
    const weiri_drawing *d = self->drawing;
    for (uint32_t s = 0; s < d->n_states; s++) {
        if (d->layers[s] != layer) {
            continue;
        }
        int mine       = barycentre(self, s);
        self->place[s] = 0;
        for (uint32_t o = 0; o < d->n_states; o++) {
            if (d->layers[o] == layer && o != s) {
                int other = barycentre(self, o);
                self->place[s] += other < mine || (other == mine && o < s);
            }
        }
    }
}

static int
label_width(const char *label)
{
    return LETTER * (int)strlen(label);
}

/* Columns are as wide as their widest box, and as far apart as the longest label of an
 * arc between them. */
static void
place_states(layout *self)
{
    const weiri_drawing *d = self->drawing;
    int                  x = MARGIN;
    for (uint32_t layer = 0; layer <= d->layers[d->n_states - 1]; layer++) {
        int widest = 0;
        int gap    = 0;
        place_column(self, layer);
        for (uint32_t s = 0; s < d->n_states; s++) {
            if (d->layers[s] == layer) {
                self->width[s] = label_width(d->states[s].label) + 2 * LETTER;
                self->x[s]     = x;
                self->y[s]     = MARGIN + ROW / 2 + self->place[s] * ROW;
                widest         = self->width[s] > widest ? self->width[s] : widest;
                int bottom     = self->y[s] + ROW / 2 + MARGIN;
                self->total_height =
                    bottom > self->total_height ? bottom : self->total_height;
            }
        }
        for (uint32_t i = 0; i < d->n_arcs; i++) {
            if (d->layers[d->arcs[i].from] == layer && d->arcs[i].to != d->arcs[i].from) {
                int width = label_width(d->arcs[i].label);
                gap       = width > gap ? width : gap;
            }
        }
        self->total_width = x + widest + MARGIN;
        x += widest + gap + GAP_LEFT;
    }
}

static void
svg_label(int x, int y, const char *label, FILE *file)
{
    fprintf(file, "  <text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", x, y);
    svg_escaped(label, file);
    fputs("</text>\n", file);
}

static void
svg_path(const weiri_drawn_arc *arc, FILE *file)
{
    fprintf(file, "  <path class=\"%s\" marker-end=\"url(#tip)\" d=\"",
        arc->is_pass ? "pass" : "take");
}

static void
svg_loop(const layout *self, const weiri_drawn_arc *arc, FILE *file)
{
    int x = self->x[arc->from] + self->width[arc->from] / 2;
    int y = self->y[arc->from] - BOX / 2;
    svg_path(arc, file);
    fprintf(file, "M%d,%d C%d,%d %d,%d %d,%d\"/>\n", x - 12, y, x - 24, y - 32, x + 24,
        y - 32, x + 12, y);
    svg_label(x, y - 28, arc->label, file);
}

/* Arcs to the next column go straight over; longer ones and those back bend away from
 * the states between. */
static void
svg_arc(const layout *self, const weiri_drawn_arc *arc, FILE *file)
{
    const uint32_t *layers = self->drawing->layers;
    int             x      = self->x[arc->from] + self->width[arc->from];
    int             y      = self->y[arc->from];
    int             to_x   = self->x[arc->to];
    int             to_y   = self->y[arc->to];
    int             bend   = 0;
    if (arc->from == arc->to) {
        svg_loop(self, arc, file);
        return;
    }
    if (layers[arc->to] > layers[arc->from] + 1) {
        bend = ROW / 2;
    } else if (layers[arc->to] <= layers[arc->from]) {
        bend = ROW / 2;
        x    = self->x[arc->from] + self->width[arc->from] / 2;
        to_x = self->x[arc->to] + self->width[arc->to] / 2;
        y += BOX / 2;
        to_y += BOX / 2;
    }
    int third = (to_x - x) / 3;
    svg_path(arc, file);
    fprintf(file, "M%d,%d C%d,%d %d,%d %d,%d\"/>\n", x, y, x + third, y + bend,
        to_x - third, to_y + bend, to_x, to_y);
    svg_label((x + to_x) / 2, (y + to_y) / 2 + 3 * bend / 4 - 6, arc->label, file);
}

static void
svg_state(const layout *self, uint32_t s, FILE *file)
{
    const weiri_drawn_state *state = &self->drawing->states[s];
    fprintf(file,
        "  <rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"8\"/>\n",
        state->is_match   ? "match"
        : state->is_begin ? "begin"
                          : "state",
        self->x[s], self->y[s] - BOX / 2, self->width[s], BOX);
    svg_label(self->x[s] + self->width[s] / 2, self->y[s] + 4, state->label, file);
}

void
draw_svg(weiri_arena *arena, const weiri_drawing *drawing, const char *name, FILE *file)
{
    size_t n    = drawing->n_states;
    layout self = { .drawing = drawing };
    self.x      = weiri_arena_alloc(arena, n * sizeof *self.x);
    self.y      = weiri_arena_alloc(arena, n * sizeof *self.y);
    self.width  = weiri_arena_alloc(arena, n * sizeof *self.width);
    self.place  = weiri_arena_alloc(arena, n * sizeof *self.place);
    place_states(&self);
    fprintf(file,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
        "height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n  <title>",
        self.total_width, self.total_height, self.total_width, self.total_height);
    svg_escaped(name, file);
    fputs("</title>\n"
          "  <style>rect{fill:#fff;stroke:#333}.begin{stroke-width:2}"
          ".match{fill:#e4f2e4;stroke-width:2}path{fill:none;stroke:#333}"
          ".pass{stroke-dasharray:4 3}</style>\n"
          "  <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" "
          "markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">"
          "<polygon points=\"0,0 8,4 0,8\" fill=\"#333\"/></marker></defs>\n",
        file);
    for (uint32_t i = 0; i < drawing->n_arcs; i++) {
        svg_arc(&self, &drawing->arcs[i], file);
    }
    for (uint32_t s = 0; s < drawing->n_states; s++) {
        svg_state(&self, s, file);
    }
    fputs("</svg>\n", file);
}
