/* From rule text to a plan, or to a list of what is wrong with it. */
#ifndef WEIRI_DSL_H
#define WEIRI_DSL_H

#include <stdio.h>

#include "weiri/plan.h"

/* The files a compilation read, and all it has to say about them. */
typedef struct weiri_diagnostics weiri_diagnostics;

WEIR_MUST_CHECK weir_status
weiri_diagnostics_new(weiri_diagnostics **out);

void
weiri_diagnostics_destroy(weiri_diagnostics **self_p);

/* A text that stands for the one in a file: an editor's, not saved yet. */
typedef struct weiri_overlay {
    const char *path; /* canonical, as of realpath */
    const char *text; /* shape (size,) */
    size_t      size;
} weiri_overlay;

/* How many errors (is_error) or warnings there are. */
size_t
weiri_diagnostics_count(const weiri_diagnostics *self, bool is_error);

/* Print all, in order of file and place: "file:line:column: error[code]: text", the line,
 * and the place underlined; hints below. */
void
weiri_diagnostics_print(const weiri_diagnostics *self, FILE *stream, bool in_colour);

/* The same for machines: JSON Lines, an object a report and one with the counts.
 *
 *   failure  what else went wrong, a file that is missing say; NULL: nothing
 */
void
weiri_diagnostics_print_json(
    const weiri_diagnostics *self, FILE *stream, const char *failure);

/* The same as a SARIF log. (Static Analysis Results Interchange Format 2.1.0, OASIS.)
 *
 *   version  of the command
 */
void
weiri_diagnostics_print_sarif(const weiri_diagnostics *self, FILE *stream,
    const char *version, const char *failure);

/* One error or warning. Texts are borrowed from the diagnostics. */
typedef struct weiri_diagnostic {
    weiri_place_in_text place;
    weiri_place_in_text end;           /* behind its last byte */
    uint32_t            offset;        /* in the file, bytes */
    uint32_t            size;          /* of the place, bytes */
    uint32_t            character;     /* as place.column, in code points */
    uint32_t            end_character; /* as end.column */
    bool                is_error;
    const char         *code;  /* "E0301" */
    const char         *about; /* what all with this code have in common */
    const char         *text;
    const char         *hint; /* NULL: none */
} weiri_diagnostic;

/* The i-th in order of file and place; false past the end (or past a bound of 500). */
bool
weiri_diagnostics_get(const weiri_diagnostics *self, size_t i, weiri_diagnostic *out);

/* The i-th file that was read, by the name under which it was; false past the end. Files
 * of the standard library are among them. */
bool
weiri_diagnostics_read(const weiri_diagnostics *self, size_t i, weiri_overlay *out);

/* The i-th code there is, for documentation and tests; NULL past the end. */
const char *
weiri_diagnostics_code(size_t i);

typedef struct weiri_setting { /* --set name=value */
    const char *name;
    const char *value;
} weiri_setting;

typedef struct weiri_compile_options {
    const weiri_setting *settings;
    size_t               n_settings;
    bool with_tests;   /* plan `test` blocks, and every stream as if it were read */
    bool no_includes;  /* `include` is an error, and so are plugins */
    bool no_plugins;   /* plugins are an error: no code of theirs is run */
    bool keeps_fields; /* every field of a stream with sources is decoded and kept, for
                        * rules that are not there yet */
    const struct weiri_node_setup *node; /* whose peers node() may name, see
                                          * weiri/nodefile.h; NULL: nobody knows yet */
    const weiri_overlay *overlays; /* shape (n_overlays,): read instead of these files */
    size_t               n_overlays;
} weiri_compile_options;

/* Compile files, or text, into one plan.
 *
 *   paths   shape (n_paths,): read together as one set of rules; `include` is relative
 *           to the including file
 *   out     untouched on error; weiri_plan_destroy it
 *   errors  WEIR_ESYNTAX  what is wrong is in `diagnostics`
 *           WEIR_ENOENT   a file named in `paths` is missing, see err
 *           WEIR_EIO      it cannot be read, see err
 */
WEIR_MUST_CHECK weir_status
weiri_compile_files(const char *const *paths, size_t n_paths,
    const weiri_compile_options *options, weiri_diagnostics *diagnostics,
    weiri_plan **out, weir_error *err);

WEIR_MUST_CHECK weir_status
weiri_compile_text(const char *name, const char *text, size_t size,
    const weiri_compile_options *options, weiri_diagnostics *diagnostics,
    weiri_plan **out, weir_error *err);

/* Look at rules that are right for what is probably not meant; warnings of the
 * compilation are among what is told, but for those that `# weir: allow CODE` silences.
 *
 *   errors  WEIR_ESYNTAX  the rules have errors, and nothing more was looked at
 *           WEIR_ENOENT, WEIR_EIO  as of weiri_compile_files
 */
WEIR_MUST_CHECK weir_status
weiri_lint_files(const char *const *paths, size_t n_paths,
    const weiri_compile_options *options, weiri_diagnostics *diagnostics,
    weir_error *err);

/* The same for one text. */
WEIR_MUST_CHECK weir_status
weiri_lint_text(const char *name, const char *text, size_t size,
    const weiri_compile_options *options, weiri_diagnostics *diagnostics,
    weir_error *err);

void
weiri_plan_destroy(weiri_plan **self_p);

#endif
