/* The catalogue of mistakes in errors/: each file ends with comments that say, to the
 * letter, what is reported about it. */
#define _XOPEN_SOURCE 700
#include "weir_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weiri/nodefile.h"

enum { TEXT_BYTES = 1 << 16, FILES = 256 };

struct case_file {
    char path[512];
    char text[TEXT_BYTES];
};

static void
read_case(struct case_file *self, const char *name)
{
    int n = snprintf(self->path, sizeof self->path, "%s/%s", WEIR_ERRORS, name);
    assert_true(n > 0 && (size_t)n < sizeof self->path);
    FILE *file = fopen(self->path, "rb");
    assert_non_null(file);
    size_t size = fread(self->text, 1, sizeof self->text - 1, file);
    fclose(file);
    assert_true(size < sizeof self->text - 1);
    self->text[size] = '\0';
}

/* The lines of the file that begin with `mark`, without it. */
static void
lines_with(const char *text, const char *mark, char *out)
{
    size_t n_mark = strlen(mark);
    out[0]        = '\0';
    while (*text != '\0') {
        const char *end = strchr(text, '\n');
        if (strncmp(text, mark, n_mark) == 0) {
            strncat(out, text + n_mark, (size_t)(end - text) - n_mark + 1);
        }
        text = end + 1;
    }
}

static const char *
base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static void
print_reports(const weiri_diagnostics *diagnostics, const char *path, char *out)
{
    weiri_diagnostic report;
    size_t           used = 0;
    out[0]                = '\0';
    for (size_t i = 0; weiri_diagnostics_get(diagnostics, i, &report); i++) {
        const char *file = report.place.file;
        bool        own  = strcmp(file, path) == 0;
        used += (size_t)snprintf(out + used, TEXT_BYTES - used,
            "%s%s%u:%u %s[%s]: %s%s%s\n", own ? "" : base_of(file), own ? "" : ":",
            (unsigned)report.place.line, (unsigned)report.place.column,
            report.is_error ? "error" : "warning", report.code, report.text,
            report.hint == NULL ? "" : " | ", report.hint == NULL ? "" : report.hint);
        assert_true(used < TEXT_BYTES);
    }
}

/* Compile the file as its first lines ask. */
static weir_status
compile(const struct case_file *file, weiri_diagnostics *diagnostics)
{
    char setting[256] = "";
    if (strncmp(file->text, "# set: ", 7) == 0) {
        const char *end = strchr(file->text, '\n');
        snprintf(
            setting, sizeof setting, "%.*s", (int)(end - file->text - 7), file->text + 7);
    }
    char *value = strchr(setting, '=');
    if (value != NULL) {
        *value++ = '\0';
    }
    weiri_setting          settings = { setting, value };
    weiri_compile_options  options  = { .settings = &settings,
          .n_settings                             = value != NULL,
          .no_includes = strncmp(file->text, "# no includes", 13) == 0 };
    const char            *paths[]  = { file->path };
    weir_error             err      = { .status = WEIR_OK };
    weiri_plan            *plan     = NULL;
    weiri_node_peer        peers[]  = { { .name = "edge-2" }, { .name = "edge-1" },
                { .name = "store" } };
    const weiri_node_setup node     = { .name = "core", .peers = peers, .n_peers = 3 };
    if (strncmp(file->text, "# node: core\n", 13) == 0) {
        options.node = &node;
    }
    if (weiri_nodefile_is(file->text, strlen(file->text))) {
        weiri_nodefile *nodes = NULL;
        weir_status     read  = weiri_nodefile_parse(
                 file->path, file->text, strlen(file->text), diagnostics, &nodes, &err);
        weiri_nodefile_destroy(&nodes);
        return read;
    }
    if (strncmp(file->text, "# lint", 6) == 0) {
        return weiri_lint_files(paths, 1, &options, diagnostics, &err);
    }
    weir_status status =
        weiri_compile_files(paths, 1, &options, diagnostics, &plan, &err);
    weiri_plan_destroy(&plan);
    return status;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t
list_cases(char *names[FILES])
{
    DIR   *directory = opendir(WEIR_ERRORS);
    size_t n         = 0;
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry != NULL;
         entry                = readdir(directory)) {
        if (strstr(entry->d_name, ".weir") != NULL) {
            assert_true(n < FILES);
            names[n++] = strdup(entry->d_name);
        }
    }
    closedir(directory);
    qsort(names, n, sizeof names[0], by_name);
    return n;
}

static void
every_mistake_is_reported_as_the_catalogue_says(void **state)
{
    (void)state;
    char             *names[FILES];
    size_t            n      = list_cases(names);
    size_t            wrong  = 0;
    struct case_file *file   = malloc(sizeof *file);
    char             *wanted = malloc(TEXT_BYTES);
    char             *got    = malloc(TEXT_BYTES);
    assert_true(n > 80);
    for (size_t i = 0; i < n; i++) {
        weiri_diagnostics *diagnostics = NULL;
        assert_ok(weiri_diagnostics_new(&diagnostics));
        read_case(file, names[i]);
        lines_with(file->text, "# expect: ", wanted);
        weir_status status = compile(file, diagnostics);
        print_reports(diagnostics, file->path, got);
        bool has_errors = weiri_diagnostics_count(diagnostics, true) > 0;
        if (strcmp(wanted, got) != 0) {
            print_error("%s\nexpected:\n%sreported:\n%s", names[i], wanted, got);
            wrong++;
        }
        assert_int_equal(status, has_errors ? WEIR_ESYNTAX : WEIR_OK);
        weiri_diagnostics_destroy(&diagnostics);
        free(names[i]);
    }
    assert_int_equal(wrong, 0);
    free(file);
    free(wanted);
    free(got);
}

/* Reported in no file of the catalogue: too large a file, and mistakes in rule tests,
 * which only running them finds. */
static bool
is_tested_elsewhere(const char *code)
{
    return strcmp(code, "E0107") == 0 || strncmp(code, "E08", 3) == 0;
}

/* Whether a case called after the code expects it. */
static bool
has_case(const char *code, char *const *names, size_t n, struct case_file *file)
{
    char mark[16];
    snprintf(mark, sizeof mark, "[%s]", code);
    for (size_t i = 0; i < n; i++) {
        if (strncmp(names[i], code, strlen(code)) == 0) {
            read_case(file, names[i]);
            const char *expected = strstr(file->text, "# expect: ");
            if (expected != NULL && strstr(expected, mark) != NULL) {
                return true;
            }
        }
    }
    return false;
}

static void
every_code_has_a_case(void **state)
{
    (void)state;
    char             *names[FILES];
    size_t            n    = list_cases(names);
    size_t            lost = 0;
    struct case_file *file = malloc(sizeof *file);
    for (size_t c = 0; weiri_diagnostics_code(c) != NULL; c++) {
        const char *code = weiri_diagnostics_code(c);
        if (!is_tested_elsewhere(code) && !has_case(code, names, n, file)) {
            print_error("no case for %s\n", code);
            lost++;
        }
    }
    assert_int_equal(lost, 0);
    for (size_t i = 0; i < n; i++) {
        free(names[i]);
    }
    free(file);
}

static void
no_code_is_given_twice(void **state)
{
    (void)state;
    for (size_t i = 0; weiri_diagnostics_code(i) != NULL; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(weiri_diagnostics_code(i), weiri_diagnostics_code(j));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_reported_as_the_catalogue_says),
        cmocka_unit_test(every_code_has_a_case),
        cmocka_unit_test(no_code_is_given_twice),
    };
    return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
