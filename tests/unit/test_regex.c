#include "weir_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    assert_finds("^(a++)(a?)", "aaa", "(aaa)(aaa)()");
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
    assert_finds("(?i)fail[ed]+ é", "FAILED É", "(FAILED É)");
    assert_finds("\\w+", "éa", "(a)");
    assert_finds("[[:alpha:]]+", "1ab2", "(ab)");
    assert_finds("\\bat\\b", "cat at", "(at)");
    assert_finds("\\Bat", "at cat", "(at)");
}

static void
ends_are_those_of_the_text_and_a_dot_takes_any_character(void **state)
{
    (void)state;
    assert_finds("a$", "a\n", "nothing");
    assert_finds("^b", "a\nb", "nothing");
    assert_finds("^.+$", "a\nb", "(a\nb)");
}

static void
patterns_can_look_around_and_refer_back(void **state)
{
    (void)state;
    assert_finds("(?<!invalid )user (\\w+)(?= from)", "invalid user a from user b from",
        "(user b)(b)");
    assert_finds("(['\"])(.*?)\\1", "say 'a\"b' now", "('a\"b')(')(a\"b)");
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
    assert_finds("(?:(?<u>a)|(?<u>b))+", "ba", "(ba)(b)");
}

static void
what_is_no_pattern_is_refused_with_the_place(void **state)
{
    (void)state;
    assert_finds("a(b", "", "at character 4: missing closing parenthesis");
    assert_finds("ab)", "", "at character 3: unmatched closing parenthesis");
    assert_finds("é[a", "", "at character 4: missing terminating ] for character class");
    assert_finds(
        "é**", "", "at character 3: quantifier does not follow a repeatable item");
    assert_finds("a{3,2}", "", "at character 6: numbers out of order in {} quantifier");
    assert_finds("[b-a]", "", "at character 4: range out of order in character class");
    assert_finds("(a)\\2", "", "at character 5: reference to non-existent subpattern");
    assert_finds(
        "(?<1>a)", "", "at character 4: subpattern name must start with a non-digit");
    assert_finds("\\q", "", "at character 2: unrecognized character follows \\");
    assert_finds("a\\", "", "at character 3: \\ at end of pattern");
    assert_finds("a\\Cb", "", "at character 4: using \\C is disabled by the application");
    assert_finds(
        "aé\xFF", "", "at character 3: UTF-8 error: illegal byte (0xfe or 0xff)");
    assert_finds("((a{1000}){1000}){1000}", "",
        "at character 24: regular expression is too large");
}

static void
pattern_has_a_bound_on_its_size_its_groups_and_its_nesting(void **state)
{
    (void)state;
    char pattern[WEIRI_REGEX_TEXT + 2];
    memset(pattern, 'a', sizeof pattern);
    pattern[WEIRI_REGEX_TEXT + 1] = '\0';
    assert_finds(pattern, "", "longer than the 4096 bytes a pattern may have");
    pattern[WEIRI_REGEX_TEXT] = '\0';
    assert_finds(pattern, "", "nothing");
    for (size_t i = 0; i < WEIRI_REGEX_GROUPS; i++) {
        memcpy(pattern + 2 * i, "()", 3);
    }
    assert_finds(pattern, "", "64 groups, and a pattern can have 63; (?:...) is none");
    memset(pattern, '(', WEIRI_REGEX_NESTED + 1);
    assert_finds(pattern, "", "at character 102: parentheses are too deeply nested");
}

/* A search in `n` times `c`, then `last`. */
static weir_status
search_many(const char *pattern, char c, size_t n, char last, bool *found)
{
    char               *text    = malloc(n + 1);
    weiri_regex        *regex   = NULL;
    weiri_regex_scratch scratch = { 0 };
    weiri_regex_part    parts[WEIRI_REGEX_GROUPS];
    weir_error          err = { 0 };
    assert_non_null(text);
    memset(text, c, n);
    text[n] = last;
    assert_int_equal(weiri_regex_new(pattern, strlen(pattern), &regex, &err), WEIR_OK);
    weir_status status = weiri_regex_search(regex, &scratch, text, n + 1, parts, found);
    weiri_regex_destroy(&regex);
    /* Whatever it came to, the next one works. */
    bool is_next = false;
    assert_int_equal(weiri_regex_new("b", 1, &regex, &err), WEIR_OK);
    assert_int_equal(
        weiri_regex_search(regex, &scratch, "ab", 2, parts, &is_next), WEIR_OK);
    assert_true(is_next);
    weiri_regex_scratch_fini(&scratch);
    weiri_regex_destroy(&regex);
    free(text);
    return status;
}

static void
search_that_takes_too_many_steps_is_given_up(void **state)
{
    (void)state;
    bool found = true;
    assert_int_equal(search_many("^(a+)+$", 'a', 60, 'b', &found), WEIR_EFULL);
    assert_int_equal(search_many("(a|a)*[bc]{2}", 'a', 60, 'b', &found), WEIR_EFULL);
    assert_int_equal(search_many("^(a|b)*$", 'a', 100000, 'b', &found), WEIR_EFULL);
    assert_int_equal(search_many("[ac]*+b.", 'a', 1000000, 'b', &found), WEIR_EFULL);
    assert_int_equal(search_many("^(?:a|(?R))+b{2}", 'a', 100, 'b', &found), WEIR_EFULL);
}

static void
search_of_a_long_line_ends(void **state)
{
    (void)state;
    bool found = false;
    assert_int_equal(search_many("^(a+)b$", 'a', 1000000, 'b', &found), WEIR_OK);
    assert_true(found);
    assert_int_equal(search_many("^.* (.*)$", 'a', 100000, 'b', &found), WEIR_OK);
    assert_false(found);
}

static void
text_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    bool found = true;
    assert_int_equal(search_many(".", 'a', 3, '\xFF', &found), WEIR_EINVAL);
    assert_false(found);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_leftmost_match_is_found_and_of_those_the_preferred_one),
        cmocka_unit_test(repetitions_take_as_much_or_as_little_as_they_say),
        cmocka_unit_test(classes_know_ranges_kinds_and_characters_of_several_bytes),
        cmocka_unit_test(ends_are_those_of_the_text_and_a_dot_takes_any_character),
        cmocka_unit_test(patterns_can_look_around_and_refer_back),
        cmocka_unit_test(groups_have_names_and_one_name_is_one_group),
        cmocka_unit_test(what_is_no_pattern_is_refused_with_the_place),
        cmocka_unit_test(pattern_has_a_bound_on_its_size_its_groups_and_its_nesting),
        cmocka_unit_test(search_that_takes_too_many_steps_is_given_up),
        cmocka_unit_test(search_of_a_long_line_ends),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
    };
    return cmocka_run_group_tests_name("regex", tests, NULL, NULL);
}
