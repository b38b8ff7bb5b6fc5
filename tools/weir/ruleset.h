/* The rules of a node: a plan, and the texts that it is of, which the state directory
 * keeps, so that a node that was killed goes on with the rules that its state is of. */
#ifndef WEIR_RULESET_H
#define WEIR_RULESET_H

#include "weiri/nodefile.h"
#include "weiri/pack.h"

enum { RULESET_VERSION = 17 /* 16 digits and the end */ };

typedef struct ruleset {
    weiri_arena *arena;
    const char **roots; /* shape (n_roots,): files that were asked for, by their names
                         * in canonical folders */
    uint32_t       n_roots;
    weiri_overlay *files; /* shape (n_files,): those and what they include */
    uint32_t       n_files;
    weiri_setting *settings; /* shape (n_settings,) */
    uint32_t       n_settings;
    char           version[RULESET_VERSION]; /* a hash of texts and settings */
    char origin[RULESET_VERSION]; /* the version that the node's own files had when these
                                   * rules came into force: the same, if they are those */
    const weiri_node_setup *node; /* whose rules they are; until they are compiled */
    weiri_plan             *plan; /* NULL: not compiled */
} ruleset;

/* Read and compile rule files.
 *
 *   diagnostics  takes what is wrong
 *   out          also set after WEIR_ESYNTAX, without a plan, if files could be read
 *   errors       as of weiri_compile_files
 */
WEIR_MUST_CHECK weir_status
ruleset_read(const char *const *paths, size_t n_paths, const weiri_node_setup *node,
    weiri_diagnostics *diagnostics, ruleset **out, weir_error *err);

/* Say that these rules came while the node's own files had that version. */
void
ruleset_set_origin(ruleset *self, const char *version);

/* Append them as bytes, which note when memory is out. */
void
ruleset_pack(const ruleset *self, weiri_pack *out);

/* Read what ruleset_pack wrote, which is not trusted, without compiling it.
 *
 *   errors  WEIR_EDATA, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
ruleset_unpack(weiri_unpack *in, ruleset **out, weir_error *err);

/* Compile what was unpacked, from its own texts.
 *
 *   errors  as of weiri_compile_files; WEIR_EDATA  a name leads to another file now
 */
WEIR_MUST_CHECK weir_status
ruleset_compile(ruleset *self, const weiri_node_setup *node,
    weiri_diagnostics *diagnostics, weir_error *err);

/* A path whose folder is canonical; a link in its last place stays one, since what rules
 * name is relative to the folder that they are named in. To be freed; NULL: there is no
 * such folder.
 */
char *
ruleset_path(const char *path);

void
ruleset_destroy(ruleset **self_p);

#endif
