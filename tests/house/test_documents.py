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


def weir(verb, rules, **files):
    """Runs a verb over rule text with files beside it."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {"rules.weir": rules, **files}.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        return subprocess.run(
            [WEIR, verb, *([] if verb == "test" else ["--quiet"]),
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

    def test_every_link_leads_somewhere(self):
        for document in ("README.md", "CONTRIBUTING.md", "docs/language.md", "docs/architecture.md",
                         "docs/coming-from.md", "docs/semantics.md", "docs/functions.md", "docs/why.md",
                         "docs/tools.md", "docs/editors.md", "docs/decisions/README.md", "examples/flights/README.md",
                         "examples/card-testing/README.md", "examples/pump/README.md",
                         "examples/shop/README.md"):
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", read(document)):
                if "://" not in target:
                    path = os.path.join(ROOT, os.path.dirname(document), target)
                    self.assertTrue(os.path.exists(path), f"{document}: {target}")


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
        self.assertGreater(len(blocks(self.planned, "weir")), 2)
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
