#!/usr/bin/env python3
"""What the documents show is tried: test_documents.py WEIR"""

import os
import re
import subprocess
import sys
import tempfile
import textwrap
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WEIR = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def blocks(text, language):
    """The fenced blocks of a language, without the indentation of a list they stand in."""
    fence = re.compile(r"^( *)```" + language + r"\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(match.group(2)) for match in fence.finditer(text)]


def weir(verb, rules, *options, **files):
    """Runs a verb over rule text with files beside it."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {"rules.weir": rules, **files}.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        return subprocess.run(
            [WEIR, verb, *options, *(["--quiet"] if verb in ("run", "check") else []),
             os.path.join(folder, "rules.weir")], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


class Readme(unittest.TestCase):
    def setUp(self):
        self.text = read("README.md")

    def test_the_rule_it_begins_with_is_in_the_example_and_finds_what_it_says(self):
        self.assertIn(blocks(self.text, "weir")[0], read("examples", "flights", "flights.weir"))
        self.assertEqual(blocks(self.text, "json")[0],
                         read("examples", "flights", "expected.jsonl").splitlines(True)[0])

    def test_the_rule_of_a_minute_finds_what_it_says(self):
        shown = re.search(r"\$ weir run door.weir\n(.*?)```", self.text, re.DOTALL).group(1)
        expected = textwrap.dedent(shown.rstrip(" "))
        done = weir("run", blocks(self.text, "weir")[1], **{"door.jsonl": blocks(self.text, "json")[1]})
        self.assertEqual((done.returncode, done.stdout), (0, textwrap.dedent(expected)), done.stderr)

    def test_its_rules_are_formatted(self):
        for block in blocks(self.text, "weir"):
            done = subprocess.run([WEIR, "fmt", "--diff", "-"], input=block, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)


class Verbs(unittest.TestCase):
    """The verbs of `weir --help`, in its order, and their options."""

    def setUp(self):
        self.help = {"": subprocess.run([WEIR, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout}
        self.verbs = re.findall(r"^  ([a-z]+) ", self.help[""], re.MULTILINE)

    def test_the_manual_has_each_in_its_synopsis_and_tells_of_it(self):
        manual = read("docs", "man", "weir.1")
        synopsis, rest = manual.split(".SH SYNOPSIS\n")[1].split(".SH DESCRIPTION\n")
        told = re.findall(r"^\.TP\n\.B ([a-z]+)$", rest.split(".SH COMMANDS\n")[1].split(".SH ")[0], re.MULTILINE)
        self.assertEqual(list(dict.fromkeys(re.findall(r"^\.B weir ([a-z]+)", synopsis, re.MULTILINE))), self.verbs)
        self.assertEqual(told, self.verbs)

    def test_the_readme_names_verbs_and_options_that_there_are(self):
        text = read("README.md")
        named = re.findall(r"weir ([a-z]+)((?: [^`\n]*)?)", " ".join(re.findall(r"`weir [^`]*`", text)).replace("` `", "`\n`"))
        self.assertGreater(len(named), 8)
        for verb, rest in named:
            self.assertIn(verb, self.verbs)
            done = subprocess.run([WEIR, verb, "--help"], stdout=subprocess.PIPE, text=True, check=True)
            for option in re.findall(r"--[a-z]+", rest):
                self.assertIn(option, done.stdout, verb)


def pages():
    """All pages of the project, from its root."""
    for folder in ("docs", "examples"):
        for where, _, names in os.walk(os.path.join(ROOT, folder)):
            yield from (os.path.relpath(os.path.join(where, name), ROOT)
                        for name in sorted(names) if name.endswith(".md"))
    yield from ("README.md", "CONTRIBUTING.md")


def anchors(text):
    """What a link into a page can name: its headings, as the usual renderers write them."""
    text = re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


class Links(unittest.TestCase):
    def test_every_link_leads_to_a_file_and_to_a_heading_of_it(self):
        for page in pages():
            text = re.sub(r"^( *)```.*?^\1```$", "", read(page), flags=re.MULTILINE | re.DOTALL)
            for target, heading in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", text):
                if "://" in target:
                    continue
                path = os.path.join(os.path.dirname(page), target) if target else page
                with self.subTest(page=page, target=target, heading=heading):
                    self.assertTrue(os.path.exists(os.path.join(ROOT, path)))
                    if heading:
                        self.assertIn(heading, anchors(read(path)))

    def test_the_index_leads_to_every_page_of_the_documentation(self):
        index = read("docs", "README.md")
        for page in pages():
            folder, name = os.path.split(page)
            if folder == "docs" and name != "README.md":
                self.assertIn("](" + name + ")", index)


class Language(unittest.TestCase):
    def setUp(self):
        self.built, self.planned = read("docs", "language.md").split("## Not built yet")

    def test_its_first_rule_is_accepted(self):
        done = weir("check", blocks(self.built, "weir")[0])
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_its_windows_are_accepted_as_they_stand(self):
        windows = self.built.split("\n## Count and compare over time\n")[1].split("\n## ")[0]
        self.assertGreater(len(blocks(windows, "weir")), 4)
        for block in blocks(windows, "weir"):
            done = weir("check", block)
            self.assertEqual(done.returncode, 0, block + done.stderr)

    def test_none_of_what_it_shows_as_built_is_refused_as_not_built(self):
        for block in blocks(self.built, "weir"):
            self.assertNotIn("E0901", weir("check", block).stderr, block)

    def test_all_that_it_calls_not_built_is_refused_as_that(self):
        self.assertGreater(len(blocks(self.planned, "weir")), 0)
        for block in blocks(self.planned, "weir"):
            done = weir("check", block)
            self.assertEqual(done.returncode, 65, block)
            self.assertIn("E0901", done.stderr, block)


class ComingFrom(unittest.TestCase):
    """Each rule of the page stands for itself and proves what is said of it."""

    def test_every_rule_passes_the_tests_it_is_shown_with(self):
        rules = blocks(read("docs", "coming-from.md"), "weir")
        self.assertGreater(len(rules), 8)
        for rule in rules:
            self.assertIn("expect ", rule)
            with self.subTest(rule):
                done = weir("test", rule)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Cleaning(unittest.TestCase):
    """Each rule of the page stands for itself and proves what is said of it."""

    def test_every_rule_passes_the_tests_it_is_shown_with(self):
        rules = blocks(read("docs", "cleaning.md"), "weir")
        self.assertGreater(len(rules), 12)
        for rule in rules:
            self.assertIn("expect ", rule)
            with self.subTest(rule):
                done = weir("test", rule)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_function_of_the_standard_library_is_on_a_page(self):
        page = read("docs", "functions.md").split("## Standard library")[1]
        for name in ("clean", "features"):
            text = read("dsl", "std", name + ".weir")
            for function in re.findall(r"^function (\w+)\(", text, re.MULTILINE):
                self.assertIn(f"| `{function}` |", page)


class Recipes(unittest.TestCase):
    """Rules to copy: right, tested on both sides, and nothing to be said against them."""

    AREAS = ("fraud", "machines", "shop", "security", "data")

    def recipes(self):
        for area in self.AREAS:
            for part in read("docs", "cookbook", area + ".md").split("\n## ")[1:]:
                yield area, part.split("\n")[0], part

    def test_there_are_many_and_the_index_leads_to_each(self):
        index = read("docs", "cookbook", "README.md")
        found = list(self.recipes())
        self.assertGreater(len(found), 40)
        for area, title, _ in found:
            self.assertIn(f"[{title}]({area}.md#", index)
        self.assertEqual(index.count(".md#"), len(found))

    def test_each_has_a_sentence_a_rule_and_what_to_watch(self):
        for _, title, text in self.recipes():
            with self.subTest(title):
                self.assertRegex(text, r"\n\n> \S")
                self.assertEqual(len(blocks(text, "weir")), 1)
                self.assertIn("\n*Watch:* ", text)

    def test_each_passes_its_tests_which_leave_nothing_out(self):
        for _, title, text in self.recipes():
            with self.subTest(title):
                rule = blocks(text, "weir")[0]
                self.assertGreaterEqual(rule.count("\ntest "), 2)
                self.assert_tested(rule)

    def test_lint_has_nothing_to_say_of_them(self):
        for _, title, text in self.recipes():
            with self.subTest(title):
                done = weir("lint", blocks(text, "weir")[0])
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_the_tutorial_passes_its_tests(self):
        rules = blocks(read("docs", "tutorial.md"), "weir")
        self.assertGreater(len(rules), 10)
        for rule in rules:
            with self.subTest(rule):
                self.assert_tested(rule)
                stderr = weir("lint", rule).stderr
                codes = set(re.findall(r"warning\[(\w+)\]", stderr)) - {"W0105"}  # has no source
                self.assertEqual(codes, set(), stderr)

    def test_the_rule_of_the_first_hour_speaks_and_passes_its_tests(self):
        page = read("docs", "first-hour.md")
        rule, data = blocks(page, "weir")[0], blocks(page, "csv")[0]
        self.assert_tested(rule)
        self.assertEqual(weir("lint", rule).stderr, "")
        self.assertEqual(weir("run", rule, **{"coffee.csv": data}).stdout, "")
        self.assertEqual(weir("run", rule, **{"coffee.csv": data.replace("08:20", "08:45")}).stdout,
                         blocks(page, "json")[0])

    def test_the_rule_of_the_walk_with_a_freezer_speaks_and_passes_its_tests(self):
        page = read("docs", "first-hour.md")
        rule, data = blocks(page, "weir")[1], blocks(page, "csv")[1]
        self.assertEqual(weir("test", rule, **{"freezer.csv": data}).returncode, 0)
        self.assertEqual(weir("lint", rule).stderr, "")
        self.assertEqual(weir("run", rule, **{"freezer.csv": data}).stdout, blocks(page, "json")[1])

    def assert_tested(self, rule):
        done = weir("test", rule, "--coverage")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        matched, of = re.search(r"# coverage: rules (\d+) of (\d+)", done.stdout).groups()
        self.assertEqual(matched, of, done.stdout)


class GetStarted(unittest.TestCase):
    def test_what_it_says_to_type_prints_what_it_says(self):
        step = re.compile(r"into\s+`(?P<file>[^`\n]+)`|"
                          r"^(?P<in> *)```(?P<language>\w*)\n(?P<body>.*?)^(?P=in)```$",
                          re.MULTILINE | re.DOTALL)
        commands = 0
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(WEIR, os.path.join(folder, "weir"))
            name = None
            for match in step.finditer(read("docs", "get-started.md")):
                body = textwrap.dedent(match["body"] or "")
                if match["file"]:
                    name = match["file"]
                elif match["language"] == "console":
                    for line, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", body, re.MULTILINE):
                        commands += 1
                        self.assertEqual(self.type(line, folder), printed, line)
                elif name:
                    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                        file.write(body)
                    name = None
        self.assertGreater(commands, 8)

    def type(self, line, folder):
        return subprocess.run(
            line, shell=True, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PATH": folder + os.pathsep + os.environ["PATH"]}).stdout


class Manual(unittest.TestCase):
    """What can be typed stands in the manual page: in one list for each verb, and described."""

    def setUp(self):
        text = read("docs", "man", "weir.1").replace("\\-", "-")
        self.described, self.verbs = text.split(".SH OPTIONS OF EACH COMMAND\n")
        self.verbs = self.verbs.split("\n.SH ")[0]

    def help(self, *words):
        return subprocess.run([WEIR, *words, "--help"], stdout=subprocess.PIPE, text=True,
                              check=True).stdout

    def options(self, text):
        return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))

    def test_every_verb_is_there_with_the_options_of_its_help(self):
        verbs = re.findall(r"^  (\w+) +\S", self.help(), re.MULTILINE)
        listed = dict(re.findall(r"^\.TP\n\.B (\w+)\n(.*)$", self.verbs, re.MULTILINE))
        self.assertEqual(sorted(listed), sorted(verbs))
        for verb in verbs:
            self.assertIn(f"\n.TP\n.B {verb}\n", self.described)
            usage = re.findall(r"^  (--.*)$", self.help(verb), re.MULTILINE)
            shown = set().union(*(self.options(line.split("  ")[0]) for line in usage))
            self.assertEqual(self.options(listed[verb]), shown, verb)

    def test_each_verb_has_a_page_that_says_what_its_help_says(self):
        done = subprocess.run([os.path.join(ROOT, "tools", "man-pages"), WEIR,
                               os.path.join(ROOT, "docs", "man"), "--check"],
                              stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_every_option_is_described(self):
        described = self.options("\n".join(
            re.findall(r"^\.TP\n\.B\w? (--.*)$", self.described, re.MULTILINE)))
        self.assertEqual(self.options(self.verbs) - described, set())


if __name__ == "__main__":
    unittest.main(verbosity=2)
