#!/usr/bin/env python3
"""What `weir explain` says: test_explain.py WEIR

Texts are held against expected/, where sizes in bytes, which differ between machines, read N.
WEIR_UPDATE=1 writes them anew.
"""

import json
import os
import re
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WEIR = os.path.abspath(sys.argv.pop(1))
EXAMPLES = ("card-testing", "flights", "pump", "shop")
SVG = "{http://www.w3.org/2000/svg}"


def explain(*arguments):
    done = subprocess.run([WEIR, "explain", *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def rules_of(name):
    return (os.path.join(HERE, "executors.weir") if name == "executors"
            else os.path.join(ROOT, "examples", name, name + ".weir"))


def without_sizes(text):
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\d+( bytes a key)", r"N\1", text)
    return re.sub(r"\d+( for each)", r"N\1", text)


class Expected(unittest.TestCase):
    maxDiff = None

    def check(self, name, suffix, text):
        path = os.path.join(HERE, "expected", name + suffix)
        if os.environ.get("WEIR_UPDATE"):
            with open(path, "w", encoding="utf-8") as file:
                file.write(re.sub(r"\d+( bytes a key)", r"N\1",
                                  re.sub(r"\d+(\s+for\s+each)", r"N\1", text)))
        with open(path, encoding="utf-8") as file:
            self.assertEqual(without_sizes(file.read()), without_sizes(text))

    def test_each_example_and_each_executor_is_explained_as_expected(self):
        for name in (*EXAMPLES, "executors"):
            status, text, errors = explain(rules_of(name))
            self.assertEqual((status, errors), (0, ""))
            self.check(name, ".txt", text)

    def test_a_pattern_is_drawn_as_expected(self):
        for form in ("text", "dot", "svg"):
            status, text, errors = explain("--draw", form, rules_of("executors"), "runs_long")
            self.assertEqual((status, errors), (0, ""))
            self.check("runs_long", "." + form, text)


class Text(unittest.TestCase):
    def test_no_line_is_wider_than_a_terminal(self):
        for name in (*EXAMPLES, "executors"):
            for line in explain(rules_of(name))[1].splitlines():
                if not line.startswith("rule "):
                    self.assertLessEqual(len(line), 80, line)
                self.assertEqual(line, line.rstrip())

    def test_every_executor_and_kind_of_window_is_met(self):
        text = explain(rules_of("executors"))[1]
        for word in ("rings: ", "stacks: ", "sets: ", "runs: "):
            self.assertRegex(text, "executor +" + word)
        for word in ("tumbling: ", "panes: ", "session: ", "rows: ", "queue: ", "running: "):
            self.assertRegex(text, "window +" + word)
        for word in ("subtract", "two stacks", "queue of candidates", "merge", "add"):
            self.assertRegex(text, r"\): " + word)

    def test_one_rule_alone_can_be_asked_for(self):
        status, text, _ = explain(rules_of("pump"), "sensor_silent")
        self.assertEqual(status, 0)
        self.assertEqual([line for line in text.splitlines() if line.startswith("rule ")],
                         ['rule sensor_silent "Nothing was heard of a pump for two minutes"'])

    def test_a_rule_that_is_not_there_is_wrong_usage(self):
        status, _, errors = explain(rules_of("pump"), "sensor_silnt")
        self.assertEqual(status, 2)
        self.assertIn("no rule is called 'sensor_silnt'", errors)

    def test_a_query_cannot_be_drawn(self):
        status, _, errors = explain("--draw", "svg", rules_of("shop"), "best_sellers")
        self.assertEqual(status, 2)
        self.assertIn("is a query", errors)


class Json(unittest.TestCase):
    def test_it_says_what_the_text_says(self):
        for name in (*EXAMPLES, "executors"):
            text = without_sizes(explain(rules_of(name))[1])
            for rule in json.loads(explain("--format", "json", rules_of(name))[1]):
                self.assertIn(re.sub(r"\s+", " ", rule["means"]), text)
                self.assertIn(rule["time"], text)
                if "executor" in rule:
                    self.assertIn(rule["executor"]["name"] + ": " + rule["executor"]["because"],
                                  text)
                    states = len(rule["automaton"]["states"])
                    for arc in rule["automaton"]["arcs"]:
                        self.assertLess(max(arc["from"], arc["to"]), states)

    def test_a_refusal_names_what_the_planner_minds(self):
        rules = {r["rule"]: r for r in
                 json.loads(explain("--format", "json", rules_of("card-testing"))[1])}
        refused = {r["name"]: r["because_of"]
                   for r in rules["impossible_journey"]["executor"]["refused"]}
        self.assertEqual(refused["rings"], ["`country != here.country` of step 'there'"])


class Picture(unittest.TestCase):
    def boxes(self, svg):
        for box in svg.iter(SVG + "rect"):
            x, y, w, h = (int(box.get(k)) for k in ("x", "y", "width", "height"))
            yield x, y, x + w, y + h

    def test_boxes_stand_apart_and_inside_the_picture(self):
        for name in (*EXAMPLES[:3], "executors"):
            for rule in json.loads(explain("--format", "json", rules_of(name))[1]):
                if "executor" not in rule:
                    continue
                svg = ElementTree.fromstring(
                    explain("--draw", "svg", rules_of(name), rule["rule"])[1])
                _, _, width, height = (int(n) for n in svg.get("viewBox").split())
                boxes = list(self.boxes(svg))
                self.assertEqual(len(boxes), len(rule["automaton"]["states"]))
                for i, (left, top, right, bottom) in enumerate(boxes):
                    self.assertTrue(0 <= left < right <= width and 0 <= top < bottom <= height)
                    for other in boxes[:i]:
                        self.assertTrue(right < other[0] or other[2] < left
                                        or bottom < other[1] or other[3] < top)

    def test_every_arc_is_drawn(self):
        rule = json.loads(explain("--format", "json", rules_of("executors"), "runs_long")[1])[0]
        svg = ElementTree.fromstring(explain("--draw", "svg", rules_of("executors"), "runs_long")[1])
        self.assertEqual(len(list(svg.iter(SVG + "path"))), len(rule["automaton"]["arcs"]))


if __name__ == "__main__":
    unittest.main()
