/* What came of tests, as TAP and as JUnit's XML. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_run.h"

/* ---- coverage ---- */

static bool
is_place_of_step(const weiri_coverage_point *point)
{
    return point->step != WEIRI_NONE;
}

static void
put_point(FILE *out, const char *mark, const weiri_plan *plan,
    const weiri_coverage_point *point)
{
    static const char *const RULE[] = { "was never matched", "never timed out", "",
        "'where' was true of no event", "'where' was true of every event", "", "",
        "'having' was true of no window", "'having' was true of every window" };
    static const char *const STEP[] = { "", "", "is in no match",
        "has a condition that was true of no event",
        "has a condition that was true of every event",
        "asks of earlier events what was true of no event that came to it",
        "asks of earlier events what was true of every event that came to it" };
    const weiri_rule        *rule   = &plan->rules[point->rule];
    fprintf(
        out, "%s%s:%u: rule '%s'", mark, rule->place.file, rule->place.line, rule->name);
    if (is_place_of_step(point)) {
        fprintf(out, ": step '%s' %s\n", rule->match->steps[point->step].name,
            STEP[point->kind]);
    } else {
        fprintf(out, "%s %s\n", point->kind >= WEIRI_COVERS_TRUE ? ":" : "",
            RULE[point->kind]);
    }
}

/* How many of the points from one kind to another were hit, of how many. */
static void
put_share(FILE *out, const char *what, const weiri_coverage *coverage,
    weiri_coverage_kind from, weiri_coverage_kind to)
{
    uint32_t n     = 0;
    uint32_t n_hit = 0;
    for (uint32_t i = 0; i < coverage->n_points; i++) {
        if (coverage->points[i].kind >= from && coverage->points[i].kind <= to) {
            n++;
            n_hit += coverage->hits[i] > 0;
        }
    }
    fprintf(out, "%s %u of %u", what, n_hit, n);
}

static void
put_coverage(
    FILE *out, const char *mark, const weiri_plan *plan, const weiri_coverage *coverage)
{
    fprintf(out, "%scoverage: ", mark);
    put_share(out, "rules", coverage, WEIRI_COVERS_RULE, WEIRI_COVERS_RULE);
    put_share(out, ", timeouts", coverage, WEIRI_COVERS_TIMEOUT, WEIRI_COVERS_TIMEOUT);
    put_share(out, ", steps", coverage, WEIRI_COVERS_STEP, WEIRI_COVERS_STEP);
    put_share(out, ", conditions (true, and false)", coverage, WEIRI_COVERS_TRUE,
        WEIRI_COVERS_HAVING_FALSE);
    fputc('\n', out);
    for (uint32_t i = 0; i < coverage->n_points; i++) {
        if (coverage->hits[i] == 0) {
            put_point(out, mark, plan, &coverage->points[i]);
        }
    }
}

/* ---- TAP ---- */

static void
put_comment(const char *text, size_t size)
{
    while (size > 0) {
        const char *end  = memchr(text, '\n', size);
        size_t      line = end != NULL ? (size_t)(end - text) : size;
        printf("# %.*s\n", (int)line, text);
        line += end != NULL;
        text += line;
        size -= line;
    }
}

void
print_tap(const weiri_plan *plan, const test_outcome *outcomes, uint32_t n,
    const weiri_coverage *coverage)
{
    printf("TAP version 13\n1..%u\n", n);
    for (uint32_t i = 0; i < n; i++) {
        const test_outcome *outcome = &outcomes[i];
        printf("%s %u - %s\n", outcome->n_failed == 0 ? "ok" : "not ok", i + 1,
            outcome->test->title);
        put_comment(outcome->text, outcome->size);
    }
    if (coverage != NULL) {
        put_coverage(stdout, "# ", plan, coverage);
    }
}

/* ---- JUnit ---- */

/* Text in XML: control characters that it cannot hold become '?'. */
static void
put_xml(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        switch (c) {
        case '&': fputs("&amp;", stdout); break;
        case '<': fputs("&lt;", stdout); break;
        case '>': fputs("&gt;", stdout); break;
        case '"': fputs("&quot;", stdout); break;
        case '\t':
        case '\n': fputc(c, stdout); break;
        default: fputc((unsigned char)c < ' ' ? '?' : c, stdout);
        }
    }
}

static void
put_attribute(const char *name, const char *text)
{
    printf(" %s=\"", name);
    put_xml(text, strlen(text));
    fputc('"', stdout);
}

static void
put_case(const test_outcome *outcome)
{
    const weiri_test *test = outcome->test;
    fputs("    <testcase", stdout);
    put_attribute("classname", test->place.file);
    put_attribute("name", test->title);
    put_attribute("file", test->place.file);
    printf(" line=\"%u\"", test->place.line);
    if (outcome->n_failed == 0) {
        fputs("/>\n", stdout);
        return;
    }
    printf(">\n      <failure message=\"%u expectation%s did not hold\">",
        outcome->n_failed, outcome->n_failed == 1 ? "" : "s");
    put_xml(outcome->text, outcome->size);
    fputs("</failure>\n    </testcase>\n", stdout);
}

void
print_junit(const weiri_plan *plan, const test_outcome *outcomes, uint32_t n,
    const weiri_coverage *coverage)
{
    uint32_t n_failed = 0;
    for (uint32_t i = 0; i < n; i++) {
        n_failed += outcomes[i].n_failed > 0;
    }
    printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
           "<testsuites tests=\"%u\" failures=\"%u\">\n"
           "  <testsuite name=\"weir\" tests=\"%u\" failures=\"%u\">\n",
        n, n_failed, n, n_failed);
    for (uint32_t i = 0; i < n; i++) {
        put_case(&outcomes[i]);
    }
    if (coverage != NULL) {
        char  *text = NULL;
        size_t size = 0;
        FILE  *out  = open_memstream(&text, &size);
        if (out != NULL) {
            put_coverage(out, "", plan, coverage);
            fclose(out);
            fputs("    <system-out>", stdout);
            put_xml(text, size);
            fputs("</system-out>\n", stdout);
            free(text);
        }
    }
    fputs("  </testsuite>\n</testsuites>\n", stdout);
}
