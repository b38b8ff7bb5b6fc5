#!/usr/bin/env python3
"""The scripts behind the Makefile, tried on small trees made for it."""

import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Tree(unittest.TestCase):
    """A folder with some of the project's scripts in its tools/."""

    SCRIPTS = ()

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        os.mkdir(self.path("tools"))
        for script in self.SCRIPTS:
            shutil.copy(os.path.join(ROOT, "tools", script), self.path("tools"))

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(path), mode)

    def call(self, *command, **variables):
        done = subprocess.run(
            command, cwd=self.folder, env={**os.environ, **variables}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.stdout, self.stderr = done.stdout, done.stderr
        return done.returncode


class Counting(Tree):
    SCRIPTS = ("run-tests",)
    PRESETS = """{"version": 6,
      "configurePresets": [{"name": "dev", "generator": "Ninja", "binaryDir": "${sourceDir}/build/dev"}],
      "testPresets": [{"name": "dev", "configurePreset": "dev"}]}"""

    def count(self, tests):
        self.write("CMakePresets.json", self.PRESETS)
        self.write("CMakeLists.txt", "cmake_minimum_required(VERSION 3.21)\nproject(x NONE)\n"
                   "enable_testing()\n" + tests)
        self.assertEqual(self.call("cmake", "--preset", "dev"), 0, "configure")
        return self.call(self.path("tools", "run-tests"), "dev")

    def last(self):
        return self.stdout.splitlines()[-1]

    def test_all_passed_is_told_and_is_success(self):
        self.assertEqual(self.count("add_test(NAME a COMMAND true)\nadd_test(NAME b COMMAND true)\n"), 0)
        self.assertEqual(self.last(), "2 passed, 0 failed")

    def test_every_way_to_fail_counts(self):
        code = self.count("""
          add_test(NAME good COMMAND true)
          add_test(NAME bad COMMAND false)
          add_test(NAME crash COMMAND sh -c "kill -SEGV $$")
          add_test(NAME absent COMMAND /no/such/program)
          add_test(NAME slow COMMAND sleep 30)
          set_tests_properties(slow PROPERTIES TIMEOUT 1)
          add_test(NAME off COMMAND true)
          set_tests_properties(off PROPERTIES DISABLED TRUE)
        """)
        self.assertEqual(code, 1)
        self.assertEqual(self.last(), "1 passed, 5 failed")

    def test_a_skipped_test_says_why_and_is_no_success(self):
        code = self.count("""
          add_test(NAME picky COMMAND sh -c "echo looked around; echo no data here; exit 77")
          set_tests_properties(picky PROPERTIES SKIP_RETURN_CODE 77)
        """)
        self.assertEqual(self.last(), "0 passed, 0 failed, 1 skipped")
        self.assertIn("skipped: picky (dev): no data here", self.stdout)
        self.assertEqual(code, 1)

    def test_no_test_at_all_is_no_success(self):
        self.assertEqual(self.count(""), 1)


class Packages(Tree):
    SCRIPTS = ("install-packages", "packages.txt")

    def fake(self, name, body):
        self.write("bin/" + name, "#!/bin/bash\n" + body, 0o755)

    def system(self, installed, user=0):
        """A Debian whose lists have to be fetched before anything can be installed."""
        self.write("installed", "\n".join(installed) + "\n")
        here = self.folder
        self.fake("dpkg-query", f"""shift 3
          for p; do grep -qx "$p" {here}/installed && printf 'installed=%s ' "$p"; done; exit 1""")
        self.fake("apt-cache", f"[ -f {here}/updated ]")
        self.fake("apt-get", f"""echo "$1" >> {here}/log
          case $1 in
          update) touch {here}/updated ;;
          install) [ -f {here}/updated ] || exit 100; printf '%s\\n' "$@" >> {here}/installed ;;
          esac""")
        self.fake("id", f"echo {user}")
        self.fake("sudo", f'echo sudo >> {here}/log; exec "$@"')

    def install(self, *groups):
        path = self.path("bin") + ":" + os.environ["PATH"]
        return self.call(self.path("tools", "install-packages"), *groups, PATH=path)

    def log(self):
        try:
            with open(self.path("log"), encoding="utf-8") as file:
                return file.read().split()
        except FileNotFoundError:
            return []

    def test_what_is_missing_is_named_and_installed_once(self):
        self.system(["gcc", "make"])
        self.assertEqual(self.install("build"), 0)
        self.assertRegex(self.stderr, r"Missing Debian packages: .*cmake")
        self.assertEqual(self.log(), ["update", "install"])
        self.assertEqual(self.install("build"), 0)
        self.assertEqual((self.log(), self.stdout, self.stderr), (["update", "install"], "", ""))

    def test_the_lists_are_not_fetched_where_they_are_good(self):
        self.system(["gcc"])
        self.write("updated", "")
        self.assertEqual(self.install("build"), 0)
        self.assertEqual(self.log(), ["install"])

    def test_a_user_goes_through_sudo(self):
        self.system(["gcc"], user=1000)
        self.write("updated", "")
        self.assertEqual(self.install("build"), 0)
        self.assertEqual(self.log(), ["sudo", "install"])

    def test_what_cannot_be_installed_is_a_failure_with_advice(self):
        self.system(["gcc"])
        self.fake("apt-get", "exit 100")
        self.assertNotEqual(self.install("build"), 0)
        self.assertEqual(self.install("nonsense"), 2)


class Doors(Tree):
    SCRIPTS = ("check",)

    def setUp(self):
        super().setUp()
        for folder in ("runtime", "patterns", "dsl", "actors", "tests"):
            os.mkdir(self.path(folder))

    def test_a_header_behind_its_door_is_fine(self):
        self.write("actors/file/a.c", "#include <zlib.h>\n#include <zstd.h>\n")
        self.assertEqual(self.call(self.path("tools", "check"), "doors"), 0)

    def test_a_header_elsewhere_is_named(self):
        for header in ("zlib.h", "lmdb.h", "czmq.h", "pcre2.h", "msgpack.h", "msgpack/unpack.h", "pthread.h", "dlfcn.h"):
            self.write("dsl/a.c", f"  #  include <{header}>\n")
            self.assertEqual(self.call(self.path("tools", "check"), "doors"), 1, header)
            self.assertIn("dsl/a.c may not include", self.stderr)

    def test_a_file_too_long_is_named(self):
        self.write("dsl/a.c", "\n" * 801)
        self.assertEqual(self.call(self.path("tools", "check"), "length"), 1)
        self.assertIn("dsl/a.c has 801 lines", self.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
