#include "planner.h"

#include <string.h>

const weiri_ast_statement *
weiri_planner_next(const weiri_planner *self, weiri_word kind, uint64_t *i)
{
    uint32_t file = (uint32_t)(*i >> 32);
    uint32_t next = (uint32_t)*i;
    for (; file < self->ast->n_files; file++, next = 0) {
        const weiri_ast_file *of = &self->ast->files[file];
        for (; next < of->n_statements; next++) {
            if (of->statements[next].kind == kind) {
                *i = (uint64_t)file << 32 | (next + 1);
                return &of->statements[next];
            }
        }
    }
    *i = (uint64_t)file << 32;
    return NULL;
}

weiri_place_in_text
weiri_planner_place(const weiri_planner *self, weiri_span at)
{
    weiri_place_in_text place = weiri_diagnostics_place(self->diagnostics, at);
    place.file = weiri_arena_text(self->arena, place.file, strlen(place.file));
    return place;
}

void
weiri_report_not_yet(const weiri_planner *self, weiri_span at, const char *what)
{
    weiri_report(
        self->diagnostics, WEIRI_E_NOT_YET, at, "not yet: %s not built yet", what);
}

static void
refuse_statements(weiri_planner *self, weiri_word kind, const char *what)
{
    const weiri_ast_statement *statement;
    for (uint64_t i = 0; (statement = weiri_planner_next(self, kind, &i)) != NULL;) {
        weiri_span at = statement->at;
        at.size       = (uint32_t)strlen(weiri_word_text(kind));
        weiri_report_not_yet(self, at, what);
    }
}

weiri_plan *
weiri_plan_partly(weiri_arena *arena, weiri_diagnostics *diagnostics,
    const weiri_compile_options *options, const weiri_ast *ast)
{
    weiri_planner self = {
        .arena = arena, .diagnostics = diagnostics, .options = options, .ast = ast
    };
    self.plan        = weiri_arena_alloc(arena, sizeof *self.plan);
    self.plan->arena = arena;
    for (uint32_t i = 0; i < ast->n_files; i++) {
        self.has_lost_names = self.has_lost_names || ast->files[i].has_lost_names;
    }
    refuse_statements(&self, WEIRI_WORD_MODEL, "models are");
    weiri_plan_functions(&self);
    weiri_plan_params(&self);
    weiri_plan_parts(&self);
    weiri_plan_actors(&self);
    weiri_plan_streams(&self);
    weiri_plan_tables(&self);
    weiri_collect_rules(&self);
    weiri_plan_rules(&self);
    weiri_plan_io(&self);
    weiri_mark_actor_fields(&self);
    weiri_plan_tests(&self);
    weiri_warn_tables(&self);
    weiri_warn_streams(&self);
    return self.plan;
}

weiri_plan *
weiri_plan_files(weiri_arena *arena, weiri_diagnostics *diagnostics,
    const weiri_compile_options *options, const weiri_ast *ast)
{
    weiri_plan *plan = weiri_plan_partly(arena, diagnostics, options, ast);
    return weiri_diagnostics_count(diagnostics, true) > 0 ? NULL : plan;
}
