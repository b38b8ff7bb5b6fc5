"""The TextMate grammar of the VS Code extension, held against the language server.

What a rule file's comments, texts, numbers and words are is what `weir lsp` says they are. The
grammar's patterns are written in what Oniguruma and Python's re have in common.

Usage: test_grammar.py PATH_TO_WEIR [unittest arguments]
"""

import glob
import json
import os
import re
import unittest

import test_command as command
import test_lsp

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "tools", "vscode")


def load(*path):
    with open(os.path.join(FOLDER, *path), encoding="utf-8") as file:
        return json.load(file)


class Grammar:
    """As much of TextMate as the grammar uses: match, begin and end, captures, include."""

    def __init__(self):
        self.top = load("syntaxes", "weir.tmLanguage.json")
        self.compiled = {}
        self.walk(self.top)

    def walk(self, rule):
        for word in ("match", "begin", "end"):
            if word in rule:
                self.compiled[rule[word]] = re.compile(rule[word])
        for part in rule.get("patterns", []) + list(rule.get("repository", {}).values()):
            self.walk(part)

    def flat(self, patterns):
        for rule in patterns:
            if "include" in rule:
                yield from self.flat([self.top["repository"][rule["include"][1:]]])
            elif "match" in rule or "begin" in rule:
                yield rule
            else:
                yield from self.flat(rule["patterns"])

    def scopes(self, text):
        """The innermost scope of each character, line by line."""
        stack, found = [], []
        for line in text.split("\n"):
            scopes, at = [stack[-1].get("name") if stack else None] * len(line), 0
            while True:
                patterns = stack[-1].get("patterns", []) if stack else self.top["patterns"]
                best = None
                if stack:
                    best = self.compiled[stack[-1]["end"]].search(line, at), None
                for rule in self.flat(patterns):
                    match = self.compiled[rule.get("match", rule.get("begin"))].search(line, at)
                    if match and (best is None or best[0] is None
                                  or match.start() < best[0].start()):
                        best = match, rule
                if best is None or best[0] is None:
                    break
                at = self.take(stack, scopes, *best)
                if at >= len(line) and not (stack and self.compiled[stack[-1]["end"]].search(
                        line, len(line))):
                    break
            found.append(scopes)
        return found

    def take(self, stack, scopes, match, rule):
        if rule is None:
            of = stack.pop()
            name, captures = of.get("name"), of.get("endCaptures", {})
        else:
            name = rule.get("name")
            captures = rule.get("captures", rule.get("beginCaptures", {}))
        outer = stack[-1].get("name") if stack else None
        scopes[match.start():match.end()] = [name or outer] * (match.end() - match.start())
        for number, capture in captures.items():
            start, end = match.span(int(number))
            scopes[start:end] = [capture["name"]] * (end - start)
        if rule is not None and "begin" in rule:
            stack.append(rule)
            if name:
                scopes[match.end():] = [name] * (len(scopes) - match.end())
        elif rule is None:
            scopes[match.end():] = [outer] * (len(scopes) - match.end())
        return match.end()


KINDS = {"comment": "comment", "string": "string", "constant.character.escape": "string",
         "constant.numeric": "number", "keyword.declaration": "keyword",
         "keyword.control": "keyword", "keyword.other": "keyword",
         "keyword.operator.word": "keyword", "constant.language": "keyword",
         "keyword.operator.sequence": "operator", "storage.type": "type"}
# What the grammar cannot know is a name, the server does; then its colour is shown.
NAMES = {"class", "property", "variable", "parameter", "namespace", "function"}


def kind_of(scope):
    for prefix, kind in KINDS.items():
        if scope and scope.startswith(prefix + "."):
            return kind
    return None


class Extension(unittest.TestCase):
    maxDiff = None

    def rules(self):
        return sorted(glob.glob(os.path.join(ROOT, "examples", "**", "*.weir"), recursive=True)
                      + glob.glob(os.path.join(ROOT, "tests", "acceptance", "*.weir")))

    def tokens(self, session, path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        uri = "file://" + path
        session.open(uri, text)
        data = session.ask("textDocument/semanticTokens/full",
                           {"textDocument": {"uri": uri}})["data"]
        names = session.server["capabilities"]["semanticTokensProvider"]["legend"]["tokenTypes"]
        line = column = 0
        found = []
        for i in range(0, len(data), 5):
            line, column = line + data[i], data[i + 1] + (column if data[i] == 0 else 0)
            found.append((line, column, data[i + 2], names[data[i + 3]]))
        return text, found

    def test_every_example_has_the_colours_that_the_server_gives(self):
        grammar, session, n = Grammar(), test_lsp.Session(), 0
        self.addCleanup(session.close)
        for path in self.rules():
            text, tokens = self.tokens(session, path)
            lines, scopes = text.split("\n"), grammar.scopes(text)
            for line, column, size, kind in tokens:
                n += 1
                shown = {kind_of(scope) for scope in scopes[line][column:column + size]}
                place = "%s:%d: %s" % (path, line + 1, lines[line][column:column + size])
                if kind in NAMES:
                    self.assertLessEqual(shown, {None, "type", "keyword"}, place)
                else:
                    self.assertEqual(shown, {kind}, place)
        self.assertGreater(n, 1000)

    def test_names_of_the_user_are_seldom_taken_for_words(self):
        grammar, session, wrong, n = Grammar(), test_lsp.Session(), [], 0
        self.addCleanup(session.close)
        for path in self.rules():
            text, tokens = self.tokens(session, path)
            scopes = grammar.scopes(text)
            for line, column, size, kind in tokens:
                if kind in NAMES:
                    n += 1
                    if kind_of(scopes[line][column]) is not None:
                        wrong.append((path, line + 1, text.split("\n")[line][column:column + size]))
        self.assertLess(len(wrong), n / 100, wrong)

    def test_every_word_of_the_language_is_in_the_grammar(self):
        with open(os.path.join(ROOT, "dsl", "tokens.h"), encoding="utf-8") as file:
            words = re.findall(r'X\([A-Z_]+, "([a-z]+)"\)', file.read())
        grammar = json.dumps(load("syntaxes", "weir.tmLanguage.json"))
        missing = [w for w in words if not re.search(r"[(|]%s[|)]" % w, grammar)]
        self.assertGreater(len(words), 80)
        self.assertEqual(missing, [])

    def test_what_the_package_names_is_there(self):
        package = load("package.json")
        for path in ([package["main"]] + [g["path"] for g in package["contributes"]["grammars"]]
                     + [x["configuration"] for x in package["contributes"]["languages"]]):
            self.assertTrue(os.path.exists(os.path.join(FOLDER, path)), path)
        language, = package["contributes"]["languages"]
        self.assertEqual(language["extensions"], [".weir"])
        self.assertEqual(package["contributes"]["grammars"][0]["scopeName"],
                         load("syntaxes", "weir.tmLanguage.json")["scopeName"])
        re.compile(load("language-configuration.json")["wordPattern"])


if __name__ == "__main__":
    unittest.main()
