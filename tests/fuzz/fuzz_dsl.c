#define _POSIX_C_SOURCE 200809L
/* Any bytes as a file of rules: from the lexer to the plan, and every report printed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "weiri/dsl.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
print_all(const weiri_diagnostics *diagnostics)
{
    char  *text = NULL;
    size_t size = 0;
    FILE  *out  = open_memstream(&text, &size);
    if (out != NULL) {
        weiri_diagnostics_print(diagnostics, out, true);
        weiri_diagnostics_print_json(diagnostics, out, NULL);
        weiri_diagnostics_print_sarif(diagnostics, out, "0", "failure");
        fclose(out);
        free(text);
    }
}

/* Rules without errors are looked at for what is probably not meant. */
static void
look_closer(const char *text, size_t size, const weiri_compile_options *options)
{
    weiri_diagnostics *diagnostics = NULL;
    weir_error         err         = { .status = WEIR_OK };
    if (weiri_diagnostics_new(&diagnostics) != WEIR_OK) {
        return;
    }
    if (weiri_lint_text("fuzz.weir", text, size, options, diagnostics, &err) != WEIR_OK) {
        abort();
    }
    print_all(diagnostics);
    weiri_diagnostics_destroy(&diagnostics);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const weiri_setting   settings[] = { { "fails", "8" }, { "name", "x" } };
    weiri_compile_options options    = {
           .settings = settings, .n_settings = 2, .no_includes = true
    };
    weiri_diagnostics *diagnostics = NULL;
    weiri_plan        *plan        = NULL;
    weir_error         err         = { .status = WEIR_OK };
    if (weiri_diagnostics_new(&diagnostics) != WEIR_OK) {
        return 0;
    }
    weir_status status = weiri_compile_text(
        "fuzz.weir", (const char *)data, size, &options, diagnostics, &plan, &err);
    bool has_errors = weiri_diagnostics_count(diagnostics, true) > 0;
    if ((status == WEIR_OK) == has_errors || (plan == NULL) != has_errors) {
        abort(); /* a plan and errors, or neither */
    }
    print_all(diagnostics);
    weiri_plan_destroy(&plan);
    weiri_diagnostics_destroy(&diagnostics);
    if (status == WEIR_OK) {
        look_closer((const char *)data, size, &options);
    }
    return 0;
}
