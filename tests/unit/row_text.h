/* Rules from text, and rows as text, for tests that compare what two runs give. */
#ifndef ROW_TEXT_H
#define ROW_TEXT_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weiri/dsl.h"

typedef struct text {
    char  *bytes;
    size_t used;
    size_t size;
} text;

static void __attribute__((format(printf, 2, 3)))
print(text *self, const char *format, ...)
{
    if (self->size - self->used < 1024) {
        self->size  = 2 * self->size + 4096;
        self->bytes = realloc(self->bytes, self->size);
        assert_non_null(self->bytes);
    }
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is the line above */
    int n = vsnprintf(self->bytes + self->used, self->size - self->used, format, args);
    self->used += (size_t)n;
    va_end(args);
}

/* The values of a row, each behind a space; floats to the last bit. */
static void
print_values(text *self, const weir_chunk *chunk, uint32_t row)
{
    for (uint32_t i = 0; i < chunk->schema->n_fields; i++) {
        weir_value value = weir_chunk_get(chunk, row, i);
        if (value.is_null) {
            print(self, " null");
        } else if (value.type == WEIR_STRING) {
            print(self, " %.*s", (int)value.size, value.as.s);
        } else if (value.type == WEIR_FLOAT) {
            print(self, " %a", value.as.f);
        } else if (value.type == WEIR_BOOL) {
            print(self, " %d", value.as.b);
        } else {
            print(self, " %" PRId64, value.as.i);
        }
    }
    print(self, "\n");
}

/* The plan of rules that are right. */
static weiri_plan *
compile_text(const char *rules, size_t size)
{
    const weiri_compile_options options     = { .with_tests = true };
    weiri_diagnostics          *diagnostics = NULL;
    weiri_plan                 *plan        = NULL;
    weir_error                  err         = { 0 };
    assert_ok(weiri_diagnostics_new(&diagnostics));
    weir_status status =
        weiri_compile_text("rules", rules, size, &options, diagnostics, &plan, &err);
    if (status != WEIR_OK) {
        weiri_diagnostics_print(diagnostics, stderr, false);
        fail_msg("%.*s", (int)size, rules);
    }
    weiri_diagnostics_destroy(&diagnostics);
    return plan;
}

#endif
