/* `weir new`: a project for a plugin, which builds and passes its test. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "templates.h"

static const char HELP[] =
    "Usage: weir new actor NAME\n"
    "       weir new function NAME\n"
    "\n"
    "Write a folder NAME with a plugin that has one actor, or one function: its C\n"
    "source, a CMake project that builds it against the installed Weir, and rules with\n"
    "a test.\n"
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

static int
write_project(const char *name, bool is_actor)
{
    if (mkdir(name, 0777) != 0) {
        fprintf(stderr,
            errno == EEXIST ? "weir new: '%s' is there already\n"
                            : "weir new: cannot make the folder '%s'\n",
            name);
        return EXIT_IO;
    }
    int status = write_file(name, ".c", is_actor ? ACTOR_C : FUNCTION_C);
    if (status == EXIT_OK) {
        status = write_file(name, ".weir", is_actor ? ACTOR_RULES : FUNCTION_RULES);
    }
    if (status == EXIT_OK) {
        status = write_file(name, "CMakeLists.txt", PROJECT_CMAKE);
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
    bool is_actor = strcmp(argv[optind], "actor") == 0;
    if (!is_actor && strcmp(argv[optind], "function") != 0) {
        return report_usage("new", "it writes an 'actor' or a 'function'");
    }
    if (!is_name(argv[optind + 1])) {
        return report_usage(
            "new", "a name begins with a small letter and has these, digits and _");
    }
    return write_project(argv[optind + 1], is_actor);
}
