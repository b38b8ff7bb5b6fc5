/* What a set of rules says, statement by statement, whatever it looks like. */
#include <string.h>

#include "compile.h"
#include "diagnostics.h"
#include "weiri/hash.h"

/* What is each node's own, or means nothing to a run. */
static bool
is_passed_over(weiri_word kind)
{
    return kind == WEIRI_WORD_SOURCE || kind == WEIRI_WORD_SINK || kind == WEIRI_WORD_TEST
           || kind == WEIRI_WORD_INCLUDE;
}

static uint64_t
hash_of(const char *text, size_t size)
{
    return weiri_text_hash(text, (uint32_t)size);
}

/* The first token that does not begin before `offset`. */
static uint32_t
token_from(const weiri_tokens *tokens, uint32_t offset)
{
    uint32_t from = 0;
    uint32_t to   = tokens->n_items;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (tokens->items[middle].offset < offset) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

/* Its first two words and all of its tokens. */
static weiri_declared
declare(weiri_arena *arena, const char *text, const weiri_tokens *tokens, weiri_span at)
{
    weiri_declared out   = { .hash = 0 };
    const char    *words = NULL;
    uint32_t       n     = 0;
    for (uint32_t i = token_from(tokens, at.offset);
         i < tokens->n_items && tokens->items[i].offset < at.offset + at.size; i++) {
        const weiri_token *token = &tokens->items[i];
        const char        *is    = text + token->offset;
        words                    = n == 0 ? weiri_arena_text(arena, is, token->size)
                                   : n == 1
                                       ? weiri_arena_format(arena, "%s %.*s", words, (int)token->size, is)
                                       : words;
        out.hash                 = weiri_hash_join(out.hash, hash_of(is, token->size));
        n++;
    }
    out.name = words;
    return out;
}

static void
add_settings(weiri_arena *arena, const weiri_compile_options *options, weiri_plan *plan)
{
    for (size_t i = 0; i < options->n_settings; i++) {
        const weiri_setting *setting = &options->settings[i];
        const weiri_declared one     = {
                .name = weiri_arena_format(arena, "setting %s", setting->name),
                .hash = hash_of(setting->value, strlen(setting->value)),
        };
        WEIRI_ARENA_PUSH(arena, plan->declared, plan->n_declared, one);
    }
}

void
weiri_note_declared(weiri_arena *arena, weiri_diagnostics *diagnostics,
    const weiri_compile_options *options, const weiri_ast *ast, weiri_plan *plan)
{
    for (uint32_t f = 0; f < ast->n_files; f++) {
        const weiri_ast_file *file = &ast->files[f];
        const char *text = weiri_diagnostics_file(diagnostics, file->file)->text;
        for (uint32_t i = 0; i < file->n_statements; i++) {
            const weiri_ast_statement *statement = &file->statements[i];
            if (!is_passed_over(statement->kind)) {
                const weiri_declared one =
                    declare(arena, text, &file->tokens, statement->at);
                WEIRI_ARENA_PUSH(arena, plan->declared, plan->n_declared, one);
            }
        }
    }
    add_settings(arena, options, plan);
}
