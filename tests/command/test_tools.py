"""The verbs that help to write rules, as a user meets them.

Usage: test_tools.py PATH_TO_WEIR [unittest arguments]
"""

import os
import stat
import unittest

import test_command as command

CRAMPED = 'rule r{match a:s(x==1)->b:t # next\nby x emit o{x}}\n'
FORMED = """rule r {
  match a: s(x == 1) -> b: t  # next
  by    x
  emit  o { x }
}
"""


class Formatting(command.Folder):
    def test_files_are_formatted_in_place_and_keep_their_mode(self):
        path = self.write("a.weir", CRAMPED)
        os.chmod(path, 0o640)
        self.assertEqual(self.weir("fmt", path), "")
        self.assertEqual(self.read("a.weir"), FORMED)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o640)
        self.assertEqual(os.listdir(self.folder.name), ["a.weir"])

    def test_a_link_stays_a_link(self):
        self.write("a.weir", CRAMPED)
        os.symlink("a.weir", self.path("b.weir"))
        self.weir("fmt", self.path("b.weir"))
        self.assertTrue(os.path.islink(self.path("b.weir")))
        self.assertEqual(self.read("a.weir"), FORMED)

    def test_a_formatted_file_is_not_written(self):
        path = self.write("a.weir", FORMED)
        os.utime(path, (1, 1))
        self.weir("fmt", path)
        self.assertEqual(os.stat(path).st_mtime, 1)

    def test_standard_input_goes_to_standard_output(self):
        self.assertEqual(self.weir("fmt", "-", stdin=CRAMPED.encode()), FORMED)
        self.assertEqual(self.weir("fmt", "-", stdin=b""), "")

    def test_check_names_what_would_be_changed_and_changes_nothing(self):
        good = self.write("good.weir", FORMED)
        bad = self.write("bad.weir", CRAMPED)
        self.assertEqual(self.weir("fmt", "--check", good), "")
        self.assertEqual(self.weir("fmt", "--check", good, bad, status=1), bad + "\n")
        self.assertEqual(self.read("bad.weir"), CRAMPED)

    def test_diff_shows_what_would_be_changed_and_changes_nothing(self):
        text = "param a int = 1\n\nparam b   int = 2\n"
        path = self.write("a.weir", text)
        self.assertEqual(self.weir("fmt", "--diff", path),
                         "--- %s\n+++ %s\n@@ -1,3 +1,3 @@\n param a int = 1\n \n"
                         "-param b   int = 2\n+param b int = 2\n" % (path, path))
        self.assertEqual(self.read("a.weir"), text)
        self.weir("fmt", "--diff", "--check", path, status=1)

    def test_a_diff_is_one_that_patch_can_apply(self):
        before = "".join("param p%d int = %d\n" % (i, i) if i % 9 else "param p%d  int\n\n\n" % i
                         for i in range(60)) + "param last int"
        path = self.write("a.weir", before)
        diff = self.weir("fmt", "--diff", path).splitlines(True)
        self.weir("fmt", path)
        self.assertEqual(apply(before, diff), self.read("a.weir"))

    def test_a_file_with_mistakes_is_left_alone_and_the_others_are_formatted(self):
        bad = self.write("bad.weir", "rule r {\n")
        good = self.write("good.weir", CRAMPED)
        self.weir("fmt", bad, good, status=65)
        self.assertIn("bad.weir:1:", self.stderr)
        self.assertEqual(self.read("bad.weir"), "rule r {\n")
        self.assertEqual(self.read("good.weir"), FORMED)
        self.weir("fmt", self.path("absent.weir"), status=66)
        self.weir("fmt", status=2)


def apply(text, diff):
    """The text after a unified diff, by the numbers and signs of its lines."""
    old, out, at = text.splitlines(True), [], 0
    for line in diff[2:]:
        if line.startswith("@@"):
            first, count = (int(n) for n in line.split()[1][1:].split(","))
            begin = first - 1 if count else first
            out += old[at:begin]
            at = begin
        elif line[0] == "\\":
            continue
        elif line[0] == "+":
            out.append(line[1:])
        else:
            assert old[at].rstrip("\n") == line[1:].rstrip("\n"), (old[at], line)
            out += [old[at]] if line[0] == " " else []
            at += 1
    return "".join(out + old[at:])


if __name__ == "__main__":
    unittest.main(verbosity=2)
