#include "weir_test.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random.h"
#include "weiri/regex.h"

/* What a pattern finds, as in "(whole)(first group)(-)", "nothing", or the error. */
static void
find(const char *pattern, const char *text, char *out, size_t size)
{
    weiri_regex        *regex   = NULL;
    weiri_regex_scratch scratch = { 0 };
    weiri_regex_part    parts[WEIRI_REGEX_GROUPS];
    weir_error          err   = { 0 };
    bool                found = false;
    if (weiri_regex_new(pattern, strlen(pattern), &regex, &err) != WEIR_OK) {
        snprintf(out, size, "%s", err.text);
        return;
    }
    /* The text in a block of exactly its size, for a sanitizer to guard. */
    size_t n    = strlen(text);
    char  *copy = malloc(n + (n == 0));
    assert_non_null(copy);
    memcpy(copy, text, n);
    weir_status status = weiri_regex_search(regex, &scratch, copy, n, parts, &found);
    assert_int_equal(status, WEIR_OK);
    snprintf(out, size, "nothing");
    for (uint32_t i = 0, at = 0; found && i < weiri_regex_n_groups(regex); i++) {
        at += (uint32_t)snprintf(out + at, size - at, "(%.*s)",
            parts[i].text != NULL ? (int)parts[i].size : 1,
            parts[i].text != NULL ? parts[i].text : "-");
    }
    free(copy);
    weiri_regex_scratch_fini(&scratch);
    weiri_regex_destroy(&regex);
}

static void
assert_finds(const char *pattern, const char *text, const char *expected)
{
    char out[512];
    find(pattern, text, out, sizeof out);
    if (strcmp(out, expected) != 0) {
        print_error("%s in %s\n", pattern, text);
    }
    assert_string_equal(out, expected);
}

static void
the_leftmost_match_is_found_and_of_those_the_preferred_one(void **state)
{
    (void)state;
    assert_finds("b+", "aabbb", "(bbb)");
    assert_finds("a|ab", "xab", "(a)");
    assert_finds("ab|a", "xab", "(ab)");
    assert_finds("a*", "baaa", "()");
    assert_finds("x", "", "nothing");
    assert_finds("", "", "()");
    assert_finds("(a|b)*c", "ababc", "(ababc)(b)");
    assert_finds("(a)|(b)|(c)", "b", "(b)(-)(b)(-)");
}

static void
repetitions_take_as_much_or_as_little_as_they_say(void **state)
{
    (void)state;
    assert_finds("<.+>", "<a><b>", "(<a><b>)");
    assert_finds("<.+?>", "<a><b>", "(<a>)");
    assert_finds("a??b?", "ab", "()");
    assert_finds("^a{2,3}(a*)$", "aaaaa", "(aaaaa)(aa)");
    assert_finds("^a{2,3}?(a*)$", "aaaaa", "(aaaaa)(aaa)");
    assert_finds("^a{3}$", "aa", "nothing");
    assert_finds("^(ab){2,}$", "ababab", "(ababab)(ab)");
    assert_finds("^x{0}y{0,2}$", "yy", "(yy)");
    assert_finds("^(?:a|b){0,2}?c", "abc", "(abc)");
    assert_finds("a{x", "a{x", "(a{x)");
    assert_finds("a{,2}", "a{,2}", "(a{,2})");
}

static void
classes_know_ranges_kinds_and_characters_of_several_bytes(void **state)
{
    (void)state;
    assert_finds("[a-c]+", "xxabcd", "(abc)");
    assert_finds("[^a-c]+", "abxéc", "(xé)");
    assert_finds("[]a-]+", "x]-a", "(]-a)");
    assert_finds("[\\d.]+", "at 10.0.0.9 x", "(10.0.0.9)");
    assert_finds("\\w+\\s\\W\\S", "ab !!", "(ab !!)");
    assert_finds("^.$", "é", "(é)");
    assert_finds("^..$", "é", "nothing");
    assert_finds("[à-ü]+", "xéèy", "(éè)");
    assert_finds("é+", "xéé", "(éé)");
    assert_finds("[^\\d]", "1é", "(é)");
    assert_finds("\\x41\\t\\.", "A\t.", "(A\t.)");
    assert_finds("(?i)fail[ed]+ É", "FAILED É", "(FAILED É)");
    assert_finds("\\bat\\b", "cat at", "(at)");
    assert_finds("\\Bat", "at cat", "(at)");
}

static void
groups_have_names_and_one_name_is_one_group(void **state)
{
    (void)state;
    const char  *pattern = "(?<user>\\w+) (x) (?P<n>\\d)|(?<user>!)";
    weiri_regex *regex   = NULL;
    weir_error   err     = { 0 };
    assert_int_equal(weiri_regex_new(pattern, strlen(pattern), &regex, &err), WEIR_OK);
    assert_int_equal(weiri_regex_n_groups(regex), 4);
    assert_null(weiri_regex_group_name(regex, 0));
    assert_string_equal(weiri_regex_group_name(regex, 1), "user");
    assert_null(weiri_regex_group_name(regex, 2));
    assert_string_equal(weiri_regex_group_name(regex, 3), "n");
    weiri_regex_destroy(&regex);
    assert_finds(pattern, "root x 5", "(root x 5)(root)(x)(5)");
    assert_finds(pattern, "!", "(!)(!)(-)(-)");
}

static void
what_is_no_pattern_is_refused_with_the_place(void **state)
{
    (void)state;
    assert_finds("a(b", "", "at character 2: this ( has no )");
    assert_finds("ab)", "", "at character 3: this ) has no (");
    assert_finds("é[a", "", "at character 2: this [ has no ]");
    assert_finds(
        "a**", "", "at character 3: nothing stands before this that could be repeated");
    assert_finds(
        "|*", "", "at character 2: nothing stands before this that could be repeated");
    assert_finds("[b-a]", "", "at character 2: this range ends before it begins");
    assert_finds(
        "a{3,2}", "", "at character 2: {n,m} is of numbers up to 1000, the lesser first");
    assert_finds(
        "(a)\\1", "", "at character 4: a pattern cannot refer back to what a group took");
    assert_finds("a(?=b)", "", "at character 2: a pattern cannot look ahead or behind");
    assert_finds("(?<1>a)", "",
        "at character 4: the name of a group is of letters, digits and _, and ends with "
        ">");
    assert_finds("\\q", "",
        "at character 1: there is no such escape; known are \\d \\w \\s \\b, their "
        "opposites \\D \\W \\S \\B, and \\t \\n \\r \\xFF");
    assert_finds("a\\", "", "at character 2: nothing stands behind the last \\");
    assert_finds("((a{1000}){1000}){1000}", "",
        "at character 17: the pattern is too large, its repetitions counted out");
}

/* Patterns that make others take time without end: each is over at once. */
static void
no_text_makes_a_search_long(void **state)
{
    (void)state;
    enum { N = 20000 };
    char               *text    = malloc(N);
    weiri_regex        *regex   = NULL;
    weiri_regex_scratch scratch = { 0 };
    weiri_regex_part    parts[WEIRI_REGEX_GROUPS];
    weir_error          err     = { 0 };
    static const char  *EVILS[] = { "(a*)*b", "(a|a)*b", "(a+)+b", "(.*)(.*)(.*)b" };
    assert_non_null(text);
    memset(text, 'a', N);
    for (size_t i = 0; i < sizeof EVILS / sizeof EVILS[0]; i++) {
        bool found = true;
        assert_int_equal(
            weiri_regex_new(EVILS[i], strlen(EVILS[i]), &regex, &err), WEIR_OK);
        assert_int_equal(
            weiri_regex_search(regex, &scratch, text, N, parts, &found), WEIR_OK);
        assert_false(found);
        weiri_regex_destroy(&regex);
    }
    weiri_regex_scratch_fini(&scratch);
    free(text);
}

/* A random pattern without what POSIX does not know. */
static size_t
make_pattern(uint64_t *seed, int depth, char *out)
{
    size_t n = 0;
    for (uint64_t left = 1 + next_random(seed) % 3; left > 0; left--) {
        static const char *const ATOMS[] = { "a", "b", "c", ".", "[ab]", "[^a]" };
        uint64_t                 choice  = next_random(seed) % 9;
        if (choice < 6 || depth == 3) {
            n += (size_t)sprintf(out + n, "%s", ATOMS[choice % 6]);
        } else {
            out[n++] = '(';
            n += make_pattern(seed, depth + 1, out + n);
            if (choice == 8) {
                out[n++] = '|';
                n += make_pattern(seed, depth + 1, out + n);
            }
            out[n++] = ')';
        }
        static const char *const TIMES[] = { "", "", "", "*", "+", "?", "{2}", "{1,3}" };
        n += (size_t)sprintf(out + n, "%s", TIMES[next_random(seed) % 8]);
    }
    out[n] = '\0';
    return n;
}

/* The C library prefers the longest match, so that beginnings are compared, and whole
 * texts, of which there is only one match. */
static void
random_patterns_find_where_the_c_library_does(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int round = 0; round < 3000; round++) {
        char    pattern[2200];
        char    text[16];
        char    out[8192];
        size_t  size = next_random(&seed) % 10;
        regex_t posix;
        for (size_t i = 0; i < size; i++) {
            text[i] = (char)('a' + next_random(&seed) % 3);
        }
        text[size]      = '\0';
        bool   is_whole = round % 2 == 0;
        size_t n        = is_whole ? (size_t)sprintf(pattern, "^(") : 0;
        n += make_pattern(&seed, 0, pattern + n);
        strcpy(pattern + n, is_whole ? ")$" : "");
        assert_int_equal(regcomp(&posix, pattern, REG_EXTENDED), 0);
        regmatch_t match;
        bool       found = regexec(&posix, text, 1, &match, 0) == 0;
        regfree(&posix);
        weiri_regex        *regex   = NULL;
        weiri_regex_scratch scratch = { 0 };
        weiri_regex_part    parts[WEIRI_REGEX_GROUPS];
        weir_error          err  = { 0 };
        bool                ours = false;
        snprintf(out, sizeof out, "%s in %s", pattern, text);
        assert_int_equal(
            weiri_regex_new(pattern, strlen(pattern), &regex, &err), WEIR_OK);
        assert_int_equal(
            weiri_regex_search(regex, &scratch, text, size, parts, &ours), WEIR_OK);
        if (ours != found || (ours && parts[0].text - text != match.rm_so)) {
            fail_msg("%s", out);
        }
        weiri_regex_scratch_fini(&scratch);
        weiri_regex_destroy(&regex);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_leftmost_match_is_found_and_of_those_the_preferred_one),
        cmocka_unit_test(repetitions_take_as_much_or_as_little_as_they_say),
        cmocka_unit_test(classes_know_ranges_kinds_and_characters_of_several_bytes),
        cmocka_unit_test(groups_have_names_and_one_name_is_one_group),
        cmocka_unit_test(what_is_no_pattern_is_refused_with_the_place),
        cmocka_unit_test(no_text_makes_a_search_long),
        cmocka_unit_test(random_patterns_find_where_the_c_library_does),
    };
    return cmocka_run_group_tests_name("regex", tests, NULL, NULL);
}
