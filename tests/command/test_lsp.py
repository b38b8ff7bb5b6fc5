"""`weir lsp` driven as an editor drives it.

Usage: test_lsp.py PATH_TO_WEIR [unittest arguments]
"""

import json
import os
import random
import re
import subprocess
import unittest

import test_command as command

RULES = """# Guessing.
include "common.weir"
param fails int = 5  # weir: allow W0208

stream auth {
  at      time
  ip      string
  user    string
  outcome string?
}

source auth from file("auth.jsonl") lateness 5s
sink intrusion to stdout()

rule guessed "Password guessed" {
  match  fail: auth(outcome == "failed"){fails,} -> hit: auth(outcome == "accepted")
  by     ip
  within 10m
  emit   intrusion { ip, user: hit.user, failures: count(fail), since: first(fail.at) }
}

rule many {
  from   intrusion
  by     ip
  window tumbling 1h
  having n > limit_a
  emit   campaign { ip, n: count(), fails, mean: avg(failures) }
}

test "five failures and a success" {
  auth { at: 0s, ip: "a", outcome: "failed" } repeat 5 every 1s
  auth { at: 9s, ip: "a", outcome: "accepted" }
  expect intrusion { ip: "a", failures: 5 }
}
"""
COMMON = "param limit_a int = 3\n"


def frame(message):
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def messages(data):
    """The messages in what a server wrote."""
    found = []
    while data:
        head, data = data.split(b"\r\n\r\n", 1)
        size = int(re.fullmatch(rb"Content-Length: (\d+)", head).group(1))
        found.append(json.loads(data[:size]))
        data = data[size:]
    return found


class Session:
    """A server, and what an editor knows of it."""

    def __init__(self, capabilities=None):
        self.process = subprocess.Popen([command.WEIR, "lsp", "--stdio"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.diagnostics = {}
        self.last = 0
        self.texts = {}
        self.server = self.ask("initialize", {"processId": None, "rootUri": None,
                                              "capabilities": capabilities or {}})
        self.tell("initialized", {})

    def send(self, message):
        self.process.stdin.write(frame(message))
        self.process.stdin.flush()

    def receive(self):
        size = None
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise EOFError("the server is gone")
            if line == b"\r\n":
                break
            size = int(line.split(b":")[1])
        return json.loads(self.process.stdout.read(size))

    def tell(self, method, params):
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def request(self, method, params):
        """The whole answer; what is told meanwhile is kept."""
        self.last += 1
        self.send({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params})
        while True:
            message = self.receive()
            if message.get("method") == "textDocument/publishDiagnostics":
                self.diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
            else:
                assert message["id"] == self.last, message
                return message

    def ask(self, method, params):
        answer = self.request(method, params)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, uri, text):
        self.texts[uri] = text
        self.tell("textDocument/didOpen", {"textDocument": {
            "uri": uri, "languageId": "weir", "version": 1, "text": text}})

    def change(self, uri, *changes):
        self.tell("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2},
                                             "contentChanges": list(changes)})

    def settle(self, uri):
        """Diagnostics of a document after all that was told."""
        self.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
        return self.diagnostics.get(uri)

    def close(self):
        self.ask("shutdown", None)
        self.tell("exit", None)
        status = self.process.wait(timeout=60)
        self.process.stdin.close()
        self.process.stdout.close()
        return status


def place(text, mark, skip=0, behind=False):
    """Position of the first character of `mark`, or behind its last, as (line, UTF-16)."""
    offset = -1
    for _ in range(skip + 1):
        offset = text.index(mark, offset + 1)
    offset += len(mark) if behind else 0
    line = text.count("\n", 0, offset)
    start = text.rfind("\n", 0, offset) + 1
    return {"line": line, "character": len(text[start:offset].encode("utf-16-le")) // 2}


def apply(text, edits):
    """A text after TextEdits, as an editor would do it."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def offset(at):
        if at["line"] >= len(lines):
            return len(text)
        units = lines[at["line"]].encode("utf-16-le")[:2 * at["character"]]
        return starts[at["line"]] + len(units.decode("utf-16-le"))

    for edit in sorted(edits, key=lambda e: offset(e["range"]["start"]), reverse=True):
        text = (text[:offset(edit["range"]["start"])] + edit["newText"]
                + text[offset(edit["range"]["end"]):])
    return text


class Editing(command.Folder):
    def setUp(self):
        super().setUp()
        self.write("common.weir", COMMON)
        self.uri = "file://" + os.path.realpath(self.write("a.weir", RULES))
        self.common = "file://" + os.path.realpath(self.path("common.weir"))
        self.session = Session()
        self.addCleanup(self.end)

    def end(self):
        self.assertEqual(self.session.close(), 0)

    def at(self, mark, text=RULES, **how):
        return {"textDocument": {"uri": self.uri}, "position": place(text, mark, **how)}

    def open(self, text=RULES):
        self.session.open(self.uri, text)
        return self.session.settle(self.uri)

    def codes(self, text):
        return [d["code"] for d in self.open(text)]

    def labels(self, text):
        """What could stand at the `|`."""
        self.session.open(self.uri, text.replace("|", "", 1))
        items = self.session.ask("textDocument/completion", self.at("|", text=text))
        return [item["label"] for item in items]

    def locations(self, method, mark, **how):
        found = self.session.ask("textDocument/" + method, dict(
            self.at(mark, **how), context={"includeDeclaration": True}))
        return [(os.path.basename(f["uri"]), f["range"]["start"]["line"] + 1,
                 f["range"]["start"]["character"]) for f in found]

    def hover(self, mark, **how):
        found = self.session.ask("textDocument/hover", self.at(mark, **how))
        return found["contents"]["value"] if found else None

    # ---- diagnostics ----

    def test_rules_that_are_right_have_no_diagnostics(self):
        self.assertEqual(self.open(), [])

    def test_an_error_has_its_place_code_and_hint(self):
        found, = self.open(RULES.replace("hit.user", "hit.usr"))
        self.assertEqual(found["range"], {"start": {"line": 18, "character": 35},
                                          "end": {"line": 18, "character": 38}})
        self.assertEqual((found["severity"], found["code"], found["source"]),
                         (1, "E0302", "weir"))
        self.assertEqual(found["message"],
                         "stream 'auth' has no field 'usr'\ndid you mean 'user'?")
        self.assertEqual(found["data"]["about"], "the stream has no such field")

    def test_warnings_and_lint_are_told_apart(self):
        text = RULES.replace("  within 10m\n", "").replace(
            'outcome == "accepted"', 'outcome == "accepted" and outcome == "x"')
        found = {d["code"]: d["severity"] for d in self.open(text)}
        self.assertEqual(found, {"W0101": 2, "W0202": 3})

    def test_places_are_counted_in_utf_16(self):
        text = RULES.replace('"Password guessed"', '"\U0001F511 ä"').replace(
            'outcome == "accepted"', 'user != "\U0001F511" and outcom == "accepted"')
        found, = self.open(text)
        self.assertEqual(found["range"]["start"], place(text, "outcom ="))

    def test_utf_8_is_agreed_on_where_the_editor_knows_it(self):
        session = Session({"general": {"positionEncodings": ["utf-8", "utf-16"]}})
        self.assertEqual(session.server["capabilities"]["positionEncoding"], "utf-8")
        session.open("untitled:1", 'param a string = "\U0001F511" + x\n')
        found, = session.settle("untitled:1")
        self.assertEqual(found["range"]["start"]["character"], 26)
        self.assertEqual(session.close(), 0)

    def test_an_included_file_that_is_open_counts_as_it_stands_in_the_editor(self):
        self.open()
        self.session.open(self.common, "param limit_b int = 3\n")
        self.assertEqual([d["code"] for d in self.session.settle(self.uri)], ["E0302"])
        self.session.change(self.common, {"text": COMMON})
        self.assertEqual(self.session.settle(self.uri), [])

    def test_mistakes_of_an_included_file_are_told_at_the_include(self):
        self.open()
        self.session.open(self.common, "param limit_a int = x\n")
        found = [d for d in self.session.settle(self.uri) if d["range"]["start"]["line"] == 1]
        self.assertIn("line 1 of this file: ", found[0]["message"])

    def test_plugins_are_not_loaded_and_what_they_offer_is_not_missed(self):
        found = self.open("stream s { at time, x int }\nsource s from stdin()\n"
                          "function f from \"libf.so\"\n\n"
                          "rule r {\n  from s where f(x) > 1\n  emit o { x }\n}\n")
        self.assertEqual([(d["code"], d["severity"]) for d in found], [("E0715", 3)])

    def test_names_of_plugins_are_found_and_renamed(self):
        text = ("connector wire from \"libw.so\"\ncodec packet from \"libp.so\"\n"
                "stream s { at time, x int }\nsource s from wire() format packet\n"
                "actor odd from process \"odd\" takes { x int } adds { y int }\n"
                "aggregate mad from \"libm.so\"\n\n"
                "rule r { from odd(s) window all emit o { v: mad(y) } }\n")
        self.open(text)
        for word, line in (("wire", 0), ("packet", 1), ("odd", 4), ("mad", 5)):
            offset = text.rindex(word + ("(" if word != "packet" else ""))
            at = {"line": text.count("\n", 0, offset),
                  "character": offset - text.rfind("\n", 0, offset) - 1}
            found = self.session.ask("textDocument/definition", {
                "textDocument": {"uri": self.uri}, "position": at})
            self.assertEqual([place["range"]["start"]["line"] for place in found], [line], word)

    def test_closing_clears_the_diagnostics_and_the_file_counts_again(self):
        self.open()
        self.session.open(self.common, "nonsense\n")
        self.assertNotEqual(self.session.settle(self.uri), [])
        self.session.tell("textDocument/didClose", {"textDocument": {"uri": self.common}})
        self.assertEqual(self.session.settle(self.uri), [])
        self.assertEqual(self.session.diagnostics[self.common], [])

    # ---- text synchronisation ----

    def test_random_edits_leave_the_text_that_the_editor_has(self):
        rng = random.Random(7)
        text = "# ä\U0001F511\r\nparam a int = 1\nparam  b string = \"é\U0001F511x\"\n"
        self.session.open(self.uri, text)
        for _ in range(200):
            offsets = sorted(rng.randrange(len(text) + 1) for _ in range(2))
            # No edit of an editor stands between \r and \n.
            offsets = [o - 1 if text[o - 1:o + 1] == "\r\n" else o for o in offsets]
            new = "".join(rng.choice("ab \n\"ä\U0001F511{}#") for _ in range(rng.randrange(6)))
            ends = []
            for o in offsets:
                start = text.rfind("\n", 0, o) + 1
                ends.append({"line": text.count("\n", 0, o),
                             "character": len(text[start:o].encode("utf-16-le")) // 2})
            self.session.change(self.uri, {"range": {"start": ends[0], "end": ends[1]},
                                           "text": new})
            text = text[:offsets[0]] + new + text[offsets[1]:]
        incremental = self.session.settle(self.uri)
        self.session.change(self.uri, {"text": text})
        self.assertEqual(self.session.settle(self.uri), incremental)
        # The same text has the same end, and what is put there is found there.
        self.session.change(self.uri, {"text": text + "\nparam zz int = 1\n"})
        names = [s["name"] for s in self.session.ask(
            "textDocument/documentSymbol", {"textDocument": {"uri": self.uri}})]
        self.assertIsInstance(names, list)

    def test_edits_apply_in_their_order(self):
        self.open("param a int = 1\n")
        self.session.change(
            self.uri,
            {"range": {"start": {"line": 0, "character": 6}, "end": {"line": 0, "character": 7}},
             "text": "bcd"},
            {"range": {"start": {"line": 0, "character": 8}, "end": {"line": 0, "character": 9}},
             "text": "\nx"})
        self.session.change(self.uri, {"range": {"start": {"line": 0, "character": 8},
                                                 "end": {"line": 1, "character": 1}}, "text": "e"})
        found, = self.session.ask("textDocument/documentSymbol",
                                  {"textDocument": {"uri": self.uri}})
        self.assertEqual(found["name"], "bce")

    # ---- completion ----

    def test_completion_knows_what_can_stand_where(self):
        head = RULES[:RULES.index("rule guessed")]
        cases = [
            ("|", ["stream", "source", "sink", "rule", "table", "model", "actor", "function",
                   "aggregate", "connector", "codec", "param", "include", "test"]),
            ("sink |", ["auth"]),
            ("sink auth |", ["to"]),
            ("sink auth to |", ["file", "stdout", "zmq", "node"]),
            ("source auth from |", ["file", "stdin", "zmq", "node"]),
            ("source auth from stdin() format |", ["json", "csv", "msgpack"]),
            ("source auth from stdin() |", ["format", "lateness", "idle", "on"]),
            ("stream s {\n  at |\n}", ["bool", "int", "float", "string", "time", "duration"]),
            ("stream s {\n  at time |\n}", ["from", "unit", "form"]),
            ("param x |", ["bool", "int", "float", "string", "time", "duration"]),
            ("rule r {\n  match |", ["auth", "not"]),
            ("rule r {\n  match a: auth -> |\n  within 1m\n}", ["auth", "not"]),
            ("rule r {\n  match a: auth -> b: auth(a.|)\n  within 1m\n}",
             ["at", "ip", "user", "outcome"]),
            ("rule r {\n  match a: auth{2,} -> b: auth\n  emit o { x: a[0].| }\n}",
             ["at", "ip", "user", "outcome"]),
            ("rule r {\n  from auth\n  window |\n}",
             ["tumbling", "hopping", "sliding", "session", "last", "all"]),
            ("rule r {\n  from auth\n  window tumbling 1m\n  emit o { x: window.| }\n}",
             ["start", "end"]),
            ("rule r {\n  match a: auth\n  skip |\n}",
             ["overlaps", "used", "none", "to", "past"]),
            ("rule r {\n  match a: auth -> b: auth\n  skip to first |\n}", ["a", "b"]),
            ("rule r {\n  match a: auth\n  |\n}",
             ["from", "where", "by", "within", "fill", "window", "having", "skip", "emit", "delete from",
              "on timeout emit", "limit", "order by"]),
            ("rule r {\n  match a: auth\n  on |\n}", ["timeout"]),
            ("test \"x\" {\n  auth { | }\n}", ["at", "ip", "user", "outcome"]),
            ("test \"x\" {\n  expect |\n}", ["auth", "no"]),
            ("# |", []),
            ("sink auth to file(\"|\")", []),
        ]
        for text, wanted in cases:
            with self.subTest(text):
                self.assertEqual(self.labels(head.replace("intrusion", "auth") + text), wanted)

    def test_a_condition_is_offered_fields_steps_parameters_and_functions(self):
        head = RULES[:RULES.index("rule guessed")]
        found = self.labels(head + "rule r {\n  match a: auth -> b: auth(|)\n  within 1m\n}")
        for label in ("outcome", "a", "b", "fails", "limit_a", "count", "abs", "split_part", "not"):
            self.assertIn(label, found)
        self.assertNotIn("stream", found)
        self.assertEqual(found[:4], ["at", "ip", "user", "outcome"])

    def test_all_functions_and_aggregates_of_the_documents_are_offered(self):
        docs = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
            os.path.abspath(__file__)))), "docs")
        with open(os.path.join(docs, "functions.md"), encoding="utf-8") as file:
            wanted = set(re.findall(r"^\| `([a-z_0-9]+)` \|", file.read(), re.MULTILINE))
        with open(os.path.join(docs, "language.md"), encoding="utf-8") as file:
            part = file.read().split("### Compute over it")[1].split("###")[0]
        for row in re.findall(r"^\| (`.*?) \|", part, re.MULTILINE):
            wanted |= set(re.findall(r"`([a-z]+)\(", row))
        self.assertGreater(len(wanted), 70)
        self.assertLessEqual({"count", "correlation", "sin"}, wanted)
        found = self.labels("rule r {\n  from s\n  where |\n}\n")
        self.assertEqual(wanted - set(found), set())

    def test_tables_are_known_by_their_lookups(self):
        text = ("stream txn { at time, card string, cents int }\nsource txn from stdin()\n"
                "table card key id { id string, most int } from file(\"cards.csv\")\n\n"
                "rule over {\n  from txn where cents > card[txn.card].most\n"
                "  emit exceeded { card }\n}\n")
        self.open(text)
        self.assertIn("most", self.hover("most\n", text=text))
        self.assertEqual(self.locations("definition", "card[", text=text), [("a.weir", 3, 6)])
        self.assertIn("card", self.labels(text + "rule x {\n  delete from |\n}\n"))
        self.assertEqual(self.labels(text.replace(".most\n", ".|\n")), ["id", "most"])

    PLUGINS = ("connector wire from \"libw.so\"\ncodec packet from \"libp.so\"\n"
               "actor odd from process \"odd\" takes { x int } adds { y int }\n"
               "aggregate mad from \"libm.so\"\nfunction risk from \"libr.so\"\n"
               "function clip(v, most) = least(v, most)\n"
               "stream s { at time, x int }\nsource s from stdin()\n"
               "table card key id { id string, most int } from file(\"cards.csv\")\n\n")

    def test_what_rules_and_plugins_declare_is_offered_where_it_can_stand(self):
        cases = [
            ("source s from |", ["file", "stdin", "zmq", "node", "wire"]),
            ("source s from wire() format |", ["json", "csv", "msgpack", "packet"]),
            ("rule r {\n  from |\n}", ["s", "card", "odd"]),
            ("table t key id { id string } |", ["from", "limit", "keep", "full"]),
            ("table t key id { id string } from |", ["file", "stdin"]),
            ("test \"x\" {\n  s from |\n}", ["file"]),
            ("test \"x\" {\n  s from file(\"a.txt\") format |\n}", ["json", "csv", "msgpack"]),
        ]
        for text, wanted in cases:
            with self.subTest(text):
                self.assertEqual(sorted(self.labels(self.PLUGINS + text)), sorted(wanted))
        found = self.labels(self.PLUGINS + "rule r {\n  from s\n  where |\n}\n")
        self.assertLessEqual({"mad", "risk", "clip", "card"}, set(found))
        self.assertEqual({"wire", "packet", "odd"} & set(found), set())

    def test_functions_of_the_rules_are_known_where_they_are_called(self):
        text = self.PLUGINS + ("rule r {\n  from s where clip(x, 3) > 1\n"
                               "  emit o { x: clip(x, 9) }\n}\n")
        self.assertEqual(self.open(text)[0]["code"], "E0715")
        self.assertEqual(self.hover("clip(x, 3", text=text),
                         "```weir\nfunction clip(v, most) = least(v, most)\n```\n")
        self.assertEqual(self.locations("definition", "clip(x, 3", text=text), [("a.weir", 6, 9)])

    def test_a_function_of_the_rules_is_renamed_with_its_calls(self):
        text = ("function clip(v, most) = least(v, most)\nstream s { at time, x int }\n"
                "source s from stdin()\n\nrule r {\n  from s where clip(x, 3) > 1\n"
                "  emit o { x: clip(clip(x, 9), 8) }\n}\n")
        self.open(text)
        edits = self.session.ask("textDocument/rename", dict(
            self.at("clip(x, 3", text=text), newName="cap"))["changes"][self.uri]
        self.assertEqual(len(edits), 4)

    def test_functions_of_the_standard_library_are_offered_and_explained(self):
        text = ("include \"std/clean\"\nstream s { at time, name string }\n"
                "source s from stdin()\n\nrule r {\n  from s emit o { n: trimmed(name) }\n}\n")
        self.open(text)
        self.assertIn("function trimmed(text)", self.hover("trimmed(name", text=text))
        self.assertEqual(self.locations("definition", "trimmed(name", text=text), [])
        self.assertIn("trimmed", self.labels(text + "rule x {\n  from s\n  where |\n}\n"))

    def test_candidates_say_what_they_are(self):
        self.open(RULES.replace("hit.user", "hit."))
        items = self.session.ask("textDocument/completion", self.at(
            "hit.", text=RULES.replace("hit.user", "hit."), behind=True))
        self.assertEqual({i["label"]: i["detail"] for i in items}["outcome"], "string? of auth")

    # ---- hover ----

    def test_hover_tells_types_streams_parameters_and_rules(self):
        self.open()
        self.assertEqual(self.hover("outcome =="),
                         "```weir\noutcome string?\n```\n\nField of `auth`.\n")
        self.assertIn("the event's time", self.hover("at)"))
        self.assertEqual(self.hover("limit_a"), "```weir\nparam limit_a int = 3\n```\n")
        self.assertEqual(self.hover("fail)"),
                         '```weir\nfail: auth(outcome == "failed"){fails,}\n```\n\n'
                         "```weir\nstream auth {\n  at time\n  ip string\n  user string\n"
                         "  outcome string?\n}\n```\n")
        self.assertEqual(self.hover("intrusion to"),
                         "```weir\nstream intrusion {\n  ip string\n  user string\n"
                         "  failures int\n  since time\n}\n```\n\nRules emit it.\n")
        self.assertEqual(self.hover("guessed"),
                         "```weir\nrule guessed\n```\n\nPassword guessed\n\n"
                         "For each ip by itself, looks for this: 5 or more 'auth' events "
                         "('fail') with outcome == \"failed\"; then one 'auth' event ('hit') "
                         "with outcome == \"accepted\"; all within 10m of the first event. Each "
                         "match makes an 'intrusion' event; everything else that was under way "
                         "for the key is then dropped, so no event is in two matches.\n\n"
                         "Emits `intrusion`.\n")

    def test_hover_tells_what_a_function_does(self):
        self.open("param x int = abs(-3)\n")
        self.assertEqual(self.hover("abs", text="param x int = abs(-3)\n"),
                         "```weir\nabs(int) -> int\nabs(float) -> float\n"
                         "abs(duration) -> duration\n```\n\nWithout its sign.\n\n"
                         "Example: `abs(-3)` is `3`\n")

    def test_hover_over_a_mistake_tells_what_its_code_is_about(self):
        text = RULES.replace("hit.user", "hit.usr")
        self.open(text)
        self.assertIn("**E0302**: the stream has no such field", self.hover("usr", text=text))
        self.assertIsNone(self.hover("10m", text=text))

    # ---- navigation ----

    def test_definitions_are_found_across_files(self):
        self.open()
        self.assertEqual(self.locations("definition", "hit.user"), [("a.weir", 16, 52)])
        self.assertEqual(self.locations("definition", "fails,}"), [("a.weir", 3, 6)])
        self.assertEqual(self.locations("definition", "limit_a"), [("common.weir", 1, 6)])
        self.assertEqual(self.locations("definition", "intrusion\n"), [("a.weir", 19, 9)])
        self.assertEqual(self.locations("definition", "common.weir"), [("common.weir", 1, 0)])
        self.assertEqual(self.locations("definition", "outcome =="), [("a.weir", 9, 2)])
        self.assertEqual(self.locations("definition", "failures)"), [("a.weir", 19, 41)])

    def test_references_are_all_that_mean_the_same(self):
        self.open()
        self.assertEqual(self.locations("references", "fail:"),
                         [("a.weir", 16, 9), ("a.weir", 19, 57), ("a.weir", 19, 77)])
        self.assertEqual(self.locations("references", "fails int"),
                         [("a.weir", 3, 6), ("a.weir", 16, 41), ("a.weir", 27, 36)])
        self.assertEqual(self.locations("references", "auth {"),
                         [("a.weir", n, c) for n, c in
                          ((5, 7), (12, 7), (16, 15), (16, 57), (31, 2), (32, 2))])

    def test_references_reach_into_other_open_files(self):
        self.open()
        self.session.open(self.common, COMMON)
        found = self.session.ask("textDocument/references", {
            "textDocument": {"uri": self.common}, "position": place(COMMON, "limit_a"),
            "context": {"includeDeclaration": False}})
        self.assertEqual([(os.path.basename(f["uri"]), f["range"]["start"]["line"])
                          for f in found], [("a.weir", 25)])

    def test_the_outline_has_statements_with_their_fields_and_steps(self):
        self.open()
        found = self.session.ask("textDocument/documentSymbol",
                                 {"textDocument": {"uri": self.uri}})
        self.assertEqual([(s["name"], [c["name"] for c in s["children"]]) for s in found], [
            ("common.weir", []), ("fails", []), ("auth", ["at", "ip", "user", "outcome"]),
            ("auth", []), ("intrusion", []), ("guessed", ["fail", "hit"]), ("many", []),
            ("five failures and a success", [])])

    def test_each_place_of_a_name_is_highlighted(self):
        self.open()
        found = self.session.ask("textDocument/documentHighlight", self.at("hit:"))
        self.assertEqual([f["kind"] for f in found], [3, 2])

    # ---- rename ----

    def rename(self, mark, name, text=RULES, **how):
        return self.session.request("textDocument/rename",
                                    dict(self.at(mark, text=text, **how), newName=name))

    def test_a_renamed_file_is_as_right_as_before(self):
        self.open()
        for mark, name in (("hit:", "success"), ("fails int", "tries"), ("auth {", "login"),
                           ("guessed", "guess"), ("intrusion to", "breakin")):
            with self.subTest(mark):
                changes = self.rename(mark, name)["result"]["changes"]
                self.assertEqual(list(changes), [self.uri])
                text = apply(RULES, changes[self.uri])
                self.session.open(self.uri, text)
                found = {d["code"] for d in self.session.settle(self.uri)}
                self.assertEqual(found, {"W0213"} if name == "tries" else set())
                self.assertIn(name, text)
                self.session.open(self.uri, RULES)

    def test_the_short_form_of_a_value_becomes_the_long_one(self):
        self.open()
        changes = self.rename("fails int", "tries")["result"]["changes"]
        self.assertIn("n: count(), fails: tries,", apply(RULES, changes[self.uri]))

    def test_a_name_of_an_included_file_is_renamed_there_too(self):
        self.open()
        changes = self.rename("limit_a", "most")["result"]["changes"]
        self.assertEqual(sorted(changes), sorted([self.uri, self.common]))
        self.assertEqual(apply(COMMON, changes[self.common]), "param most int = 3\n")

    def test_what_is_called_alike_in_another_file_stays_as_it_is(self):
        self.open()
        self.session.open("untitled:b", RULES)
        changes = self.rename("guessed", "guess")["result"]["changes"]
        self.assertEqual(list(changes), [self.uri])

    def test_a_name_that_would_mean_something_else_is_refused(self):
        self.open()
        for mark, name, why in (("hit:", "fail", "fail"), ("auth {", "intrusion", "intrusion"),
                                ("fails int", "limit_a", "limit_a"), ("hit:", "9x", "a name"),
                                ("fails int", "ip", ""), ("guessed", "many", "many")):
            with self.subTest((mark, name)):
                answer = self.rename(mark, name)
                self.assertIn("error", answer)
                self.assertIn(why, answer["error"]["message"])

    def test_fields_and_functions_are_not_renamed(self):
        self.open()
        self.assertIsNone(self.session.ask("textDocument/prepareRename", self.at("outcome ==")))
        self.assertEqual(self.session.ask("textDocument/prepareRename", self.at("hit.user")),
                         {"range": {"start": {"line": 18, "character": 31},
                                    "end": {"line": 18, "character": 34}},
                          "placeholder": "hit"})

    # ---- formatting, fixes, colours ----

    def test_formatting_gives_what_weir_fmt_gives(self):
        text = RULES.replace("sink intrusion", "sink  intrusion")
        self.open(text)
        edits = self.session.ask("textDocument/formatting", {
            "textDocument": {"uri": self.uri}, "options": {"tabSize": 2, "insertSpaces": True}})
        self.assertEqual(apply(text, edits), RULES)
        self.assertEqual(len(edits), 1)
        self.assertEqual(edits[0]["newText"].count("\n"), 1)
        self.session.open(self.uri, RULES)
        self.assertEqual(self.session.ask("textDocument/formatting", {
            "textDocument": {"uri": self.uri}}), [])

    def test_what_a_hint_means_is_a_fix(self):
        for wrong, right in (("hit.usr", "hit.user"), ("outcom == \"failed\"", "outcome == \"failed\""),
                             ("outcome = \"accepted\"", "outcome == \"accepted\"")):
            text = RULES.replace(right, wrong)
            with self.subTest(wrong):
                self.assertEqual(len(self.open(text)), 1)
                everywhere = {"start": {"line": 0, "character": 0},
                              "end": {"line": 99, "character": 0}}
                action, = self.session.ask("textDocument/codeAction", {
                    "textDocument": {"uri": self.uri}, "range": everywhere,
                    "context": {"diagnostics": []}})
                self.assertEqual(action["kind"], "quickfix")
                self.assertEqual(apply(text, action["edit"]["changes"][self.uri]), RULES)

    def test_a_warning_can_be_allowed(self):
        text = RULES.replace("  within 10m\n", "")
        found, = self.open(text)
        action, = self.session.ask("textDocument/codeAction", {
            "textDocument": {"uri": self.uri}, "range": found["range"],
            "context": {"diagnostics": [found]}})
        self.assertEqual(action["title"], "Allow W0101 here")
        self.assertEqual(self.open(apply(text, action["edit"]["changes"][self.uri])), [])

    def test_names_have_the_colours_of_what_they_mean(self):
        names = self.session.server["capabilities"]["semanticTokensProvider"]["legend"]
        self.open()
        data = self.session.ask("textDocument/semanticTokens/full",
                                {"textDocument": {"uri": self.uri}})["data"]
        lines, line, column, found = RULES.split("\n"), 0, 0, []
        for i in range(0, len(data), 5):
            line, column = line + data[i], data[i + 1] + (column if data[i] == 0 else 0)
            found.append((lines[line][column:column + data[i + 2]],
                          names["tokenTypes"][data[i + 3]]))
        for pair in (("# Guessing.", "comment"), ("param", "keyword"), ("fails", "parameter"),
                     ("auth", "class"), ("outcome", "property"), ("hit", "variable"),
                     ("count", "function"), ("10m", "number"), ("->", "operator"),
                     ("string", "type"), ('"failed"', "string"), ("guessed", "namespace")):
            self.assertIn(pair, found)


class Sessions(unittest.TestCase):
    """The protocol around the language."""

    def run_raw(self, data, status):
        done = subprocess.run([command.WEIR, "lsp"], input=data, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stderr, b"")
        return messages(done.stdout)

    def test_exit_without_shutdown_is_a_failure(self):
        self.assertEqual(self.run_raw(frame({"jsonrpc": "2.0", "method": "exit"}), 1), [])
        self.assertEqual(self.run_raw(b"", 1), [])

    def test_nothing_is_answered_before_the_session_begins_or_after_it_ends(self):
        init = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
        early = {"jsonrpc": "2.0", "id": "x", "method": "textDocument/hover", "params": {}}
        down = {"jsonrpc": "2.0", "id": 2, "method": "shutdown"}
        late = {"jsonrpc": "2.0", "id": 3, "method": "textDocument/hover", "params": {}}
        out = self.run_raw(b"".join(map(frame, (
            early, init, init, down, late, {"jsonrpc": "2.0", "method": "exit"}))), 0)
        self.assertEqual([m.get("error", {}).get("code") for m in out],
                         [-32002, None, -32600, None, -32600])
        self.assertEqual([m["id"] for m in out], ["x", 1, 1, 2, 3])

    def test_what_is_no_message_gets_an_error_and_the_session_goes_on(self):
        init = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
        out = self.run_raw(
            b"garbage\r\n\r\n" + frame(b"{") + frame(b"[]") + frame(b"[" * 200)
            + frame({"jsonrpc": "2.0", "id": 7}) + frame(init)
            + frame({"jsonrpc": "2.0", "id": 8, "method": "no/such"})
            + frame({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 8}})
            + frame({"jsonrpc": "2.0", "id": 9, "method": "textDocument/hover",
                     "params": {"textDocument": {"uri": "file:///x"}}})
            + frame({"jsonrpc": "2.0", "id": 10, "result": None}), 1)
        self.assertEqual([m.get("error", {}).get("code") for m in out],
                         [-32700, -32600, -32700, -32600, None, -32601, -32602])

    def test_a_message_beyond_the_bound_is_passed_over(self):
        size = (32 << 20) + 1
        init = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
        out = self.run_raw(b"Content-Length: %d\r\n\r\n" % size + b" " * size + frame(init), 1)
        self.assertEqual([m["id"] for m in out], [None, 1])

    def test_the_same_messages_get_the_same_answers(self):
        uri = "untitled:a"
        log = [{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}},
               {"jsonrpc": "2.0", "method": "textDocument/didOpen",
                "params": {"textDocument": {"uri": uri, "text": RULES}}}]
        for i, method in enumerate(("hover", "completion", "references", "semanticTokens/full")):
            log.append({"jsonrpc": "2.0", "id": i + 2, "method": "textDocument/" + method,
                        "params": {"textDocument": {"uri": uri},
                                   "position": place(RULES, "hit.user")}})
        data = b"".join(map(frame, log))
        self.assertEqual(self.run_raw(data, 1), self.run_raw(data, 1))


if __name__ == "__main__":
    unittest.main()
