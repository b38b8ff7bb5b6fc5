/* weir fmt: rule files in their canonical form. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "text.h"
#include "weiri/format.h"

static const char HELP[] =
    "Usage: weir fmt [OPTION]... FILE...\n"
    "\n"
    "Give rule files their one canonical form, in place. Meaning and comments stay as\n"
    "they are; a file that is formatted already is not touched, and one with mistakes\n"
    "is told about and left alone. With - for FILE, from standard input to standard\n"
    "output.\n"
    "\n"
    "  --check  change nothing; name the files that would be changed, exit with 1 if\n"
    "           there are any\n"
    "  --diff   change nothing; print what would be changed as a unified diff\n"
    "  --help   print this\n"
    "\n"
    "Exit status: 0 done, 1 --check found something, 2 wrong usage, 65 a file has\n"
    "mistakes, 66 a file is missing, 74 reading or writing failed.\n";

enum { OPTION_CHECK = 256, OPTION_DIFF, OPTION_HELP };

static const struct option OPTIONS[] = {
    { "check", no_argument, NULL, OPTION_CHECK },
    { "diff", no_argument, NULL, OPTION_DIFF },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

enum { EXIT_UNFORMATTED = 1, FILE_BYTES = 4 << 20 };

struct request {
    bool check;
    bool diff;
};

/* One file before and after. */
struct change {
    const char *path;
    char       *old;
    char *new;
    size_t old_size;
    size_t new_size;
};

static bool
is_changed(const struct change *self)
{
    return self->new != NULL
           && (self->new_size != self->old_size
               || memcmp(self->old, self->new, self->new_size) != 0);
}

static weir_status
deliver(const struct request *request, const struct change *change, weir_error *err)
{
    bool is_dry = request->check || request->diff;
    if (!is_dry && strcmp(change->path, "-") == 0) {
        fwrite(change->new, 1, change->new_size, stdout);
        return WEIR_OK;
    }
    if (!is_changed(change)) {
        return WEIR_OK;
    }
    if (request->check) {
        puts(change->path);
    }
    if (request->diff) {
        return text_print_diff(stdout, change->path, change->old, change->new);
    }
    return is_dry ? WEIR_OK
                  : text_replace(change->path, change->new, change->new_size, err);
}

static weir_status
format(struct change *change, weiri_diagnostics *diagnostics, weir_error *err)
{
    weir_status status =
        text_read(change->path, FILE_BYTES, &change->old, &change->old_size, err);
    if (status != WEIR_OK) {
        return status;
    }
    return weiri_format_text(change->path, change->old, change->old_size, diagnostics,
        &change->new, &change->new_size, err);
}

/* Returns an exit status. */
static int
format_file(const struct request *request, const char *path)
{
    struct change      change      = { .path = path };
    weir_error         err         = { 0 };
    weiri_diagnostics *diagnostics = NULL;
    weir_status        status      = weiri_diagnostics_new(&diagnostics);
    if (status == WEIR_OK) {
        status = format(&change, diagnostics, &err);
    }
    if (status == WEIR_ESYNTAX) {
        weiri_diagnostics_print(diagnostics, stderr, isatty(STDERR_FILENO) == 1);
    } else if (status == WEIR_OK) {
        status = deliver(request, &change, &err);
    }
    bool is_found = status == WEIR_OK && request->check && is_changed(&change);
    weiri_diagnostics_destroy(&diagnostics);
    free(change.old);
    free(change.new);
    if (status == WEIR_ESYNTAX) {
        return EXIT_DATA;
    }
    return is_found ? EXIT_UNFORMATTED : report_failure(status, &err);
}

int
command_fmt(int argc, char **argv)
{
    struct request request = { 0 };
    int            option;
    while ((option = next_option(argc, argv, OPTIONS)) != -1) {
        switch (option) {
        case OPTION_CHECK: request.check = true; break;
        case OPTION_DIFF: request.diff = true; break;
        case OPTION_HELP: fputs(HELP, stdout); return EXIT_OK;
        default: return report_option("fmt", option, argv);
        }
    }
    if (optind == argc) {
        return report_usage("fmt", "no rule file given");
    }
    int worst = EXIT_OK;
    for (int i = optind; i < argc; i++) {
        int status = format_file(&request, argv[i]);
        worst      = status > worst ? status : worst;
    }
    return worst;
}
