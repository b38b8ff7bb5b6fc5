/* Layout of node files: a setting a line; what a peer may stays on its line if it fits.
 */
#include "format.h"

#include <string.h>

#include "nodefile.h"

static bool
is_word(const weiri_layout *self, uint32_t token, const char *word)
{
    const weiri_token *of = &self->tokens.items[token];
    return of->kind == WEIRI_TOKEN_NAME && of->size == strlen(word)
           && memcmp(self->text + of->offset, word, of->size) == 0;
}

static void
mark_line(weiri_layout *self, const weiri_node_line *line)
{
    uint32_t group = weiri_layout_group(self,
        (weiri_group){ .first = line->first, .last = line->last, .is_block = true });
    weiri_layout_hard(self, line->first, WEIRI_FORMAT_INDENT);
    for (uint32_t i = line->first + 1; i <= line->last; i++) {
        if (is_word(self, i, "may") && !is_word(self, i + 1, "may")) {
            weiri_layout_soft(self, i, group, 0);
        }
        self->marks[i].is_tight = weiri_layout_kind(self, i - 1) == WEIRI_TOKEN_MINUS;
    }
}

static void
mark_block(weiri_layout *self, const weiri_node_block *block)
{
    weiri_layout_hard(self, block->first, 0);
    for (uint32_t i = 0; i < block->n_lines; i++) {
        mark_line(self, &block->lines[i]);
    }
    weiri_layout_hard(self, block->last, 0);
}

weiri_layout
weiri_layout_nodefile(weiri_arena *arena, const weiri_node_tree *tree, const char *text)
{
    weiri_layout self = { .arena = arena, .text = text, .tokens = tree->tokens };
    self.marks = weiri_arena_alloc(arena, self.tokens.n_items * sizeof *self.marks);
    for (uint32_t i = 0; i < self.tokens.n_items; i++) {
        self.marks[i].pad_group = UINT32_MAX;
    }
    for (uint32_t i = 0; i < tree->n_blocks; i++) {
        mark_block(&self, &tree->blocks[i]);
        self.marks[tree->blocks[i].first].is_apart = i > 0;
    }
    weiri_layout_hard(&self, self.tokens.n_items - 1, 0);
    return self;
}
