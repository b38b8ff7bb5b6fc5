/* `weir new`: a project for a plugin, which builds and passes its test. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "templates.h"
#include "templates_parts.h"

static const char HELP[] =
    "Usage: weir new KIND NAME\n"
    "\n"
    "Write a folder NAME with a plugin that has one thing of a kind, which is actor,\n"
    "function, aggregate, source, sink or codec: its C source, a CMake project that\n"
    "builds it against the installed Weir, and rules with a test.\n"
    "\n"
    "  --help   print this\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage, 74 writing failed.\n";

enum { OPTION_HELP = 256, NAME_BYTES = 40, PATH_BYTES = 128 };

static const struct option OPTIONS[] = { { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 } };

static const char MARK[] = "@NAME@";

static bool
write_text(FILE *file, const char *text, const char *name)
{
    const char *mark;
    while ((mark = strstr(text, MARK)) != NULL) {
        fwrite(text, 1, (size_t)(mark - text), file);
        fputs(name, file);
        text = mark + strlen(MARK);
    }
    fputs(text, file);
    return ferror(file) == 0;
}

static int
write_file(const char *name, const char *end, const char *text)
{
    char path[PATH_BYTES];
    bool is_own = end[0] == '.';
    snprintf(path, sizeof path, "%s/%s%s", name, is_own ? name : "", end);
    FILE *file  = fopen(path, "wx");
    bool  is_ok = file != NULL && write_text(file, text, name);
    if (file != NULL) {
        is_ok = fclose(file) == 0 && is_ok;
    }
    if (!is_ok) {
        fprintf(stderr, "weir new: cannot write '%s'\n", path);
    }
    return is_ok ? EXIT_OK : EXIT_IO;
}

/* What a project of a kind has; `end` without a dot is the file's name. */
static const struct kind {
    const char *name;
    struct {
        const char *end;
        const char *text;
    } files[5]; /* ended by NULL */
} KINDS[] = {
    { "actor", { { ".c", ACTOR_C }, { ".weir", ACTOR_RULES },
                   { "CMakeLists.txt", PROJECT_CMAKE } } },
    { "function", { { ".c", FUNCTION_C }, { ".weir", FUNCTION_RULES },
                      { "CMakeLists.txt", PROJECT_CMAKE } } },
    { "aggregate", { { ".c", AGGREGATE_C }, { ".weir", AGGREGATE_RULES },
                       { "CMakeLists.txt", PROJECT_CMAKE } } },
    { "source",
        { { ".c", SOURCE_C }, { ".weir", SOURCE_RULES }, { "CMakeLists.txt", RUN_CMAKE },
            { "expected.txt", SOURCE_EXPECTED } } },
    { "sink",
        { { ".c", SINK_C }, { ".weir", SINK_RULES }, { "CMakeLists.txt", SINK_CMAKE },
            { "events.txt", SINK_EVENTS }, { "expected.txt", SINK_EXPECTED } } },
    { "codec",
        { { ".c", CODEC_C }, { ".weir", CODEC_RULES }, { "CMakeLists.txt", RUN_CMAKE },
            { "events.txt", CODEC_EVENTS }, { "expected.txt", CODEC_EXPECTED } } },
};

enum { N_KINDS = sizeof KINDS / sizeof KINDS[0], N_FILES = 5 };

static int
write_project(const char *name, const struct kind *kind)
{
    if (mkdir(name, 0777) != 0) {
        fprintf(stderr,
            errno == EEXIST ? "weir new: '%s' is there already\n"
                            : "weir new: cannot make the folder '%s'\n",
            name);
        return EXIT_IO;
    }
    int status = EXIT_OK;
    for (int i = 0; i < N_FILES && kind->files[i].end != NULL && status == EXIT_OK; i++) {
        status = write_file(name, kind->files[i].end, kind->files[i].text);
    }
    if (status == EXIT_OK) {
        printf("%s/ is written. Build and test it:\n\n"
               "    cd %s && cmake -B build && cmake --build build && "
               "ctest --test-dir build\n",
            name, name);
    }
    return status;
}

static bool
is_name(const char *name)
{
    return name[0] >= 'a' && name[0] <= 'z' && strlen(name) <= NAME_BYTES
           && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == 0;
}

int
command_new(int argc, char **argv)
{
    int option;
    while ((option = next_option(argc, argv, OPTIONS)) != -1) {
        if (option == OPTION_HELP) {
            fputs(HELP, stdout);
            return EXIT_OK;
        }
        return report_option("new", option, argv);
    }
    if (argc - optind != 2) {
        return report_usage("new", "say what and its name, as in 'weir new actor geo'");
    }
    const struct kind *kind = NULL;
    for (int i = 0; i < N_KINDS; i++) {
        kind = strcmp(argv[optind], KINDS[i].name) == 0 ? &KINDS[i] : kind;
    }
    if (kind == NULL) {
        return report_usage("new",
            "it writes an 'actor', a 'function', an 'aggregate', a 'source', a 'sink' or "
            "a 'codec'");
    }
    if (!is_name(argv[optind + 1])) {
        return report_usage(
            "new", "a name begins with a small letter and has these, digits and _");
    }
    return write_project(argv[optind + 1], kind);
}
