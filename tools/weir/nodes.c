#include "nodes.h"

#include <stdlib.h>

#include "text.h"

enum { FILE_BYTES = 4 << 20 };

bool
nodefile_is(const char *path)
{
    weir_error err  = { .status = WEIR_OK };
    char      *text = NULL;
    size_t     size = 0;
    bool       is   = text_read(path, FILE_BYTES, &text, &size, &err) == WEIR_OK
              && weiri_nodefile_is(text, size);
    free(text);
    return is;
}

int
nodefile_open(
    const char *path, const setting_list *settings, bool quiet, weiri_nodefile **out)
{
    weir_error         err         = { .status = WEIR_OK };
    weiri_diagnostics *diagnostics = NULL;
    weir_status        status      = weiri_diagnostics_new(&diagnostics);
    if (status == WEIR_OK) {
        status = weiri_nodefile_read(path, diagnostics, out, &err);
    }
    int code = report_compilation(diagnostics, settings, quiet, status, &err);
    weiri_diagnostics_destroy(&diagnostics);
    return code;
}

int
nodefile_join(weiri_nodefile *file, const weiri_node_setup *setup,
    const setting_list *settings, bool quiet)
{
    weir_error         err         = { .status = WEIR_OK };
    weiri_diagnostics *diagnostics = NULL;
    weir_status        status      = weiri_diagnostics_new(&diagnostics);
    for (uint32_t i = 0; status == WEIR_OK && i < file->n_nodes; i++) {
        if (setup == NULL || setup == &file->nodes[i]) {
            status = weiri_nodefile_join(file, &file->nodes[i], diagnostics, &err);
        }
    }
    int code = report_compilation(diagnostics, settings, quiet, status, &err);
    weiri_diagnostics_destroy(&diagnostics);
    return code;
}

int
nodefile_compile(const weiri_node_setup *node, const setting_list *settings, bool quiet,
    weiri_plan **out)
{
    setting_list own = *settings;
    own.items        = node->settings;
    own.n            = node->n_settings;
    own.node         = node;
    return compile_rules(
        (char *const *)node->rules, (int)node->n_rules, &own, quiet, out);
}
